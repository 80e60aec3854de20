//! Delivery taken away and given back, and subscriptions ended, as what is missing decides it.
//!
//! Purpose: what a customer's state and the steps of its policy do to its subscriptions.
//!
//! Invariants: a customer is suspended whole: all its subscriptions that have not ended, also those
//! that have not started, in every currency; so none bills anything meanwhile. Only those that the
//! unpaid invoice bills are ended for it. Hold the billing accounts; the subscriptions are held here.
//! What becomes due is billed by the next run.
//!
//! Deliberately absent: which days are credited or charged by it ([`domain::subscription`]).

use domain::Outcome;
use domain::dunning::{Action, Degree};
use domain::event::EventKind;
use domain::id::{CustomerId, IntentId, InvoiceId};
use domain::subscription::{CancelReason, CancelWhen, State, Subscription};

use crate::collection::Step;
use crate::error::Error;
use crate::{Scope, event};

/// Whether a customer that has come so far gets no delivery and no new invoices.
pub(super) fn is_suspended(degree: Option<Degree>) -> bool {
    degree.is_some_and(|degree| degree >= Degree::Suspended)
}

/// Takes delivery away from customers, and gives it back to others.
pub(super) async fn turn(
    scope: &mut Scope,
    suspended: &[CustomerId],
    restored: &[CustomerId],
) -> Result<(), Error> {
    let all: Vec<CustomerId> = suspended.iter().chain(restored).copied().collect();
    if all.is_empty() {
        return Ok(());
    }
    let (now, today) = (scope.now, scope.today());
    let found = store::subscription::lock_running(&mut scope.tx, &all).await?;
    change(scope, found, |one| {
        let (outcome, kind) = match suspended.contains(&one.customer_id) {
            true => (one.suspend(today, IntentId::fresh(now)), EventKind::SubscriptionSuspended),
            false => (one.restore(today), EventKind::SubscriptionRestored),
        };
        matches!(outcome, Outcome::Applied(())).then_some(kind)
    })
    .await
}

/// Ends what the invoices of these steps bill, where a step says so.
pub(crate) async fn cancel(scope: &mut Scope, steps: &[Step]) -> Result<(), Error> {
    let ending = steps.iter().filter(|step| step.action == Action::Cancel);
    let invoices: Vec<InvoiceId> = ending.map(|step| step.invoice_id).collect();
    if invoices.is_empty() {
        return Ok(());
    }
    let ids = store::subscription::billed_by(&mut scope.tx, &invoices).await?;
    let found = store::subscription::lock_many(&mut scope.tx, &ids).await?;
    let today = scope.today();
    change(scope, found, |one| {
        let now = CancelWhen::Now { credit: true };
        // What has ended has ended.
        let ended = one.cancel(today, now, CancelReason::NonPayment, None).ok()?;
        matches!(ended, Outcome::Applied(_)).then_some(EventKind::SubscriptionCancelled)
    })
    .await
}

/// Changes subscriptions after what was to happen to them by itself until today; saves and announces
/// those that are other ones.
async fn change(
    scope: &mut Scope,
    found: Vec<Subscription>,
    mut of: impl FnMut(&mut Subscription) -> Option<EventKind>,
) -> Result<(), Error> {
    let today = scope.today();
    let mut changed = Vec::new();
    for mut one in found {
        let turns = one.turn(today);
        let kind = (one.state != State::Cancelled).then(|| of(&mut one)).flatten();
        scope.announce(event::of_turns(&turns, &one));
        scope.announce(kind.map(|kind| event::of_subscription(kind, today, &one)));
        if kind.is_some() || !turns.is_empty() {
            changed.push(one);
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    store::subscription::save(&mut scope.tx, &changed).await?;
    let accounts: Vec<_> = changed.iter().map(crate::billing::account_of).collect();
    store::billing::reschedule(&mut scope.tx, &accounts).await?;
    crate::mrr::record(scope, &changed).await
}
