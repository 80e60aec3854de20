//! Arrears: what missing money does to customers.
//!
//! Purpose: where a customer stands is a pure function of its open invoices, their failures, the
//! policies and today ([`domain::dunning::overdue`]); this keeps the stored answer equal to it, and
//! carries out what follows from a change: delivery is suspended, or goes on.
//!
//! Invariants: computed anew whenever a collection changes and on the day on which it changes by
//! itself: a collection knows the day on which it begins to count, what is kept the next one. Hold the billing accounts of the customers.
//!
//! Deliberately absent: the answer to who asks whether to deliver ([`domain::entitlement`]).

pub(crate) mod suspend;

use std::collections::HashMap;

use domain::dunning::{Case, OpenCase, overdue};
use domain::entitlement::Arrears;
use domain::id::{CustomerId, OrgId};
use domain::subscription::{State, Subscription};
use store::arrears::Kept;
use store::collection::{Collected, Which};

use crate::collection::Desk;
use crate::error::{Error, Refusal};
use crate::{Ctx, Scope};

/// Customers of one transaction.
const BATCH: i64 = 200;

/// Computes anew where customers stand, saves it and carries out what follows.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn recompute(scope: &mut Scope, customers: &[CustomerId]) -> Result<(), Error> {
    let (kept, now) = compare(scope, customers).await?;
    let changed: Vec<CustomerId> =
        customers.iter().copied().filter(|id| kept.get(id) != now.get(id)).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let new: Vec<Kept> = changed.iter().filter_map(|id| now.get(id).copied()).collect();
    store::arrears::replace(&mut scope.tx, &changed, &new).await?;
    follow(scope, &changed, &kept, &now).await
}

/// What is kept of customers that is not what it would be if it were computed now, in words: nothing,
/// whatever happened before.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn differences(
    scope: &mut Scope,
    customers: &[CustomerId],
) -> Result<Vec<String>, Error> {
    let (kept, now) = compare(scope, customers).await?;
    let differ = customers.iter().filter(|id| kept.get(id) != now.get(id));
    Ok(differ
        .map(|id| format!("arrears of {id}: {:?} instead of {:?}", kept.get(id), now.get(id)))
        .collect())
}

type Standings = HashMap<CustomerId, Kept>;

/// Where customers stand: as it is kept, and as it is.
async fn compare(
    scope: &mut Scope,
    customers: &[CustomerId],
) -> Result<(Standings, Standings), Error> {
    let kept = store::arrears::get_many(&mut scope.tx, customers).await?;
    let failing = store::collection::load(&mut scope.tx, Which::Failing(customers)).await?;
    if failing.is_empty() {
        return Ok((kept, HashMap::new()));
    }
    let desk = Desk::load(scope, &failing).await?;
    crate::reminder::overdue(scope, &desk, &failing).await?;
    let mut by_customer: HashMap<CustomerId, Vec<&Collected>> = HashMap::new();
    for one in failing.iter().filter(|one| one.open.minor() > 0) {
        by_customer.entry(one.collection.customer_id).or_default().push(one);
    }
    let today = scope.today();
    let now: HashMap<CustomerId, Kept> = by_customer
        .into_iter()
        .filter_map(|(customer, open)| Some((customer, standing(&desk, customer, &open, today)?)))
        .collect();
    Ok((kept, now))
}

/// Where a customer stands; nothing when nothing is missing.
fn standing(
    desk: &Desk,
    customer_id: CustomerId,
    open: &[&Collected],
    today: domain::date::Date,
) -> Option<Kept> {
    let cases: Vec<Option<Case>> = open.iter().map(|one| desk.case(one)).collect();
    let open: Vec<OpenCase<'_>> = open
        .iter()
        .zip(&cases)
        .map(|(one, case)| OpenCase {
            invoice_id: one.collection.invoice_id,
            due_on: one.collection.due_on,
            number: &one.number,
            case: case.as_ref(),
            policy: desk.policy(one),
        })
        .collect();
    let state = overdue(&open, today);
    Some(Kept {
        customer_id,
        invoice_id: state.oldest?,
        day_zero: state.day_zero?,
        degree: state.degree,
        arrears: state.arrears,
        changes_on: state.changes_on,
    })
}

/// What follows from a change: subscriptions are suspended, or delivered again.
async fn follow(
    scope: &mut Scope,
    changed: &[CustomerId],
    before: &Standings,
    now: &Standings,
) -> Result<(), Error> {
    let is =
        |at: &Standings, id: &CustomerId| suspend::is_suspended(at.get(id).map(|kept| kept.degree));
    let turned = changed.iter().copied().filter(|id| is(before, id) != is(now, id));
    let (suspended, restored): (Vec<_>, Vec<_>) = turned.partition(|id| is(now, id));
    suspend::turn(scope, &suspended, &restored).await
}

/// Where a customer stands; nothing when nothing is missing.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn of(scope: &mut Scope, customer: CustomerId) -> Result<Option<Kept>, Error> {
    let mut kept = store::arrears::get_many(&mut scope.tx, &[customer]).await?;
    Ok(kept.remove(&customer))
}

/// Refuses what would have more delivered to a customer whose delivery is restricted or stopped.
///
/// # Errors
/// [`Error::Refused`] with `PAYMENT_OVERDUE`.
pub(crate) async fn refuse_more(scope: &mut Scope, customer: CustomerId) -> Result<(), Error> {
    let Some(kept) = of(scope, customer).await? else { return Ok(()) };
    let today = scope.today();
    match kept.arrears {
        Arrears::None => Ok(()),
        Arrears::Grace { until } if today < until => Ok(()),
        Arrears::Grace { .. } | Arrears::Restricted | Arrears::Stopped => {
            let since = kept.day_zero;
            let message = format!(
                "money is missing since {since}: expected what is overdue to be paid before more is delivered"
            );
            let refusal = Refusal::new("PAYMENT_OVERDUE", message);
            Err(Error::Refused(refusal.with("invoice_id", kept.invoice_id).with("since", since)))
        }
    }
}

/// Makes what is shown of subscriptions say where their customers stand: one that runs is past due
/// when its customer's money is missing. Never save what was made so.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn show(scope: &mut Scope, shown: &mut [Subscription]) -> Result<(), Error> {
    let running = |one: &&mut Subscription| one.state == State::Active;
    let customers: Vec<CustomerId> =
        shown.iter_mut().filter(running).map(|one| one.customer_id).collect();
    if customers.is_empty() {
        return Ok(());
    }
    let kept = store::arrears::get_many(&mut scope.tx, &customers).await?;
    for one in shown.iter_mut().filter(running) {
        if kept.contains_key(&one.customer_id) {
            one.state = State::PastDue;
        }
    }
    Ok(())
}

/// Plans anew what those owe whose state changes by itself today, and computes where they stand.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`].
pub(crate) async fn turn_due(ctx: &Ctx, org: OrgId) -> Result<(), Error> {
    loop {
        let mut scope = ctx.scope(org).await?;
        let today = scope.today();
        let customers = store::arrears::due(&mut scope.tx, today, BATCH).await?;
        if customers.is_empty() {
            return Ok(());
        }
        store::billing::lock_many(&mut scope.tx, &customers).await?;
        crate::collection::refresh(&mut scope, &customers).await?;
        scope.commit().await?;
    }
}
