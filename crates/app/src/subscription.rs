//! Subscriptions: started, previewed, turned by the calendar.

mod life;
mod meter;

use domain::billing::{self as rules, Horizon};
use domain::date::{self, Date};
use domain::id::{CustomerId, ItemId, PlanId, SubscriptionId};
use domain::invoice::Draft;
use domain::period::Alignment;
use domain::plan::PlanVersion;
use domain::subscription::{Start, Subscription, TermsRefused, Turn};
use rust_decimal::Decimal;
use store::invoice::Hold;

use crate::access::id_taken;
use crate::billing::{Shelf, Waiting, account_of};
use crate::catalog::{Offer, get_plan, retired};
use crate::day::Done;
use crate::error::{Error, Expect, Refusal};
use crate::page::{Page, PageRequest};
use crate::{Ctx, Scope, event};

pub use self::life::{
    CancelSubscription, ChangeSubscription, ChangeWhen, PauseSubscription, cancel, change,
    entitlements, pause, preview_change, resume, revoke_intent, undo_cancel,
};
pub(crate) use self::meter::Meters;
pub use store::subscription::Filter;

/// How far from today a subscription may start, in months either way: further is a mistyped year.
pub const START_WINDOW_MONTHS: u32 = 60;
/// The most documents of a preview.
pub const MAX_PREVIEW_DOCUMENTS: usize = 36;
/// Documents of a preview when the caller does not say.
pub const PREVIEW_DOCUMENTS: usize = 12;
/// Subscriptions that one transaction of the turn task changes.
const TURN_BATCH: i64 = 500;

/// What starts a subscription.
#[derive(Debug, Clone)]
pub struct CreateSubscription {
    /// Its id; a fresh one when absent.
    pub id: Option<SubscriptionId>,
    /// Who pays.
    pub customer_id: CustomerId,
    /// Which plan; the version in force on the first day.
    pub plan_id: PlanId,
    /// First day of delivery; today when absent.
    pub start_on: Option<Date>,
    /// Own day or calendar.
    pub alignment: Alignment,
    /// Quantity per component; components left out have quantity 1.
    pub quantities: Vec<(String, Decimal)>,
}

impl From<TermsRefused> for Error {
    fn from(refused: TermsRefused) -> Self {
        let message = refused.to_string();
        let (index, part) = match refused {
            TermsRefused::NotPriced { currency, .. } => {
                return Self::Refused(
                    Refusal::new("CURRENCY_NOT_PRICED", message).with("currency", currency),
                );
            }
            TermsRefused::Interval(_) => return Self::refused("ALIGNMENT_NOT_POSSIBLE", message),
            TermsRefused::UnknownComponent { index, .. }
            | TermsRefused::DoubledComponent { index, .. } => (index, "component"),
            TermsRefused::Quantity { index, .. } | TermsRefused::Metered { index, .. } => {
                (index, "quantity")
            }
        };
        Self::invalid(format!("terms.quantities[{index}].{part}"), message)
    }
}

pub(crate) fn version_in_force(offer: &Offer, start_on: Date) -> Result<&PlanVersion, Error> {
    offer.versions.iter().rev().find(|version| version.valid_from <= start_on).ok_or_else(|| {
        let first = offer.versions.first().map(|version| version.valid_from).unwrap_or_default();
        let message =
            format!("plan {:?} is offered from {first}, not yet on {start_on}", offer.plan.code);
        Error::Refused(Refusal::new("PLAN_NOT_IN_FORCE", message).with("valid_from", first))
    })
}

fn checked_start(scope: &Scope, start_on: Option<Date>) -> Result<Date, Error> {
    let today = scope.today();
    let start_on = start_on.unwrap_or(today);
    let latest = date::add_months(today, START_WINDOW_MONTHS);
    if start_on > latest || date::add_months(start_on, START_WINDOW_MONTHS) < today {
        let message =
            format!("{start_on} is more than {START_WINDOW_MONTHS} months from today, {today}");
        return Err(Error::invalid("terms.start_on", message));
    }
    Ok(start_on)
}

/// The subscription that the command would start, with its customer checked.
async fn planned(scope: &mut Scope, command: CreateSubscription) -> Result<Subscription, Error> {
    let today = scope.today();
    let start_on = checked_start(scope, command.start_on)?;
    let customer = crate::customer::get(scope, command.customer_id).await?;
    crate::customer::may_buy(scope, &customer).await?;
    let offer = get_plan(scope, command.plan_id).await?;
    if let Some(on) = offer.plan.retired_on {
        return Err(retired(&offer.plan, on));
    }
    let version = version_in_force(&offer, start_on)?;
    let start = Start {
        id: command.id.unwrap_or_else(|| SubscriptionId::fresh(scope.now)),
        customer_id: customer.id,
        currency: customer.currency,
        start_on,
        alignment: command.alignment,
        quantities: command.quantities,
    };
    let now = scope.now;
    Ok(Subscription::start(start, version, today, || ItemId::fresh(now))?)
}

/// Starts a subscription. What is due today is billed by the next run.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`]; [`Error::Refused`] with `CUSTOMER_BLOCKED`,
/// `PAYMENT_OVERDUE`, `PLAN_RETIRED`, `PLAN_NOT_IN_FORCE`, `CURRENCY_NOT_PRICED`, `ALIGNMENT_NOT_POSSIBLE`,
/// `METER_IN_USE`.
pub async fn create(scope: &mut Scope, command: CreateSubscription) -> Result<Subscription, Error> {
    // First what every change of what is to be billed holds first.
    store::billing::lock_many(&mut scope.tx, &[command.customer_id]).await?;
    // Held so that a block that arrives at the same time is seen by one or the other.
    store::customer::lock(&mut scope.tx, command.customer_id)
        .await
        .or_missing("customer", command.customer_id)?;
    let subscription = planned(scope, command).await?;
    let account = account_of(&subscription);
    store::billing::lock(&mut scope.tx, account).await?;
    // As it stands now that its account is held: what is suspended gets nothing that bills.
    crate::arrears::refuse_more(scope, subscription.customer_id).await?;
    meter::refuse_shared(scope, &subscription).await?;
    match store::subscription::insert(&mut scope.tx, &subscription, scope.now).await {
        Ok(()) => {}
        Err(store::Error::Exists(_)) => return Err(id_taken("subscription", subscription.id)),
        Err(other) => return Err(other.into()),
    }
    store::billing::reschedule(&mut scope.tx, &[account]).await?;
    crate::mrr::record(scope, std::slice::from_ref(&subscription)).await?;
    scope.announce(event::of_birth(&subscription));
    Ok(subscription)
}

/// How much of a subscription to preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviewHorizon {
    /// Documents of billing dates before this day.
    Until(Date),
    /// So many documents.
    Documents(usize),
}

/// The subscription that the command would start and the documents it would bring, alone: the
/// run's own decision, without the write.
///
/// # Errors
/// As [`create`]; [`Error::Refused`] with the reason for which the run would set it aside.
pub async fn preview(
    scope: &mut Scope,
    command: CreateSubscription,
    horizon: PreviewHorizon,
) -> Result<(Subscription, Vec<Draft>), Error> {
    let subscription = planned(scope, command).await?;
    crate::arrears::refuse_more(scope, subscription.customer_id).await?;
    meter::refuse_shared(scope, &subscription).await?;
    let drafts = documents_of(scope, &subscription, horizon).await?;
    Ok((subscription, drafts))
}

/// The documents that a subscription would bring, alone: the run's own decision, without the
/// write.
async fn documents_of(
    scope: &mut Scope,
    subscription: &Subscription,
    horizon: PreviewHorizon,
) -> Result<Vec<Draft>, Error> {
    let today = scope.today();
    let customer = crate::customer::get(scope, subscription.customer_id).await?;
    let (until, documents) = match horizon {
        PreviewHorizon::Until(until) => (date::add_days(until, -1), MAX_PREVIEW_DOCUMENTS),
        PreviewHorizon::Documents(count) if (1..=MAX_PREVIEW_DOCUMENTS).contains(&count) => {
            (date::LATEST, count)
        }
        PreviewHorizon::Documents(count) => {
            let message = format!("{count} is not possible: expected 1 to {MAX_PREVIEW_DOCUMENTS}");
            return Err(Error::invalid("periods", message));
        }
    };
    let mut due = [subscription.clone()];
    let shelf =
        Shelf::load(scope, &[customer.id], &due, Waiting::new(), (until, Hold::Read)).await?;
    let material = shelf.material(&scope.organization);
    let horizon = Horizon { today, until, dates: documents };
    let mut account = shelf.account(&customer, account_of(subscription), &mut due);
    account.usage.late.retain(|late| late.subscription_id == subscription.id);
    let billed = rules::bill(&material, &mut account, horizon);
    match billed.refused {
        Some(refused) => Err(Error::refused(refused.reason(), refused)),
        None => Ok(billed.drafts),
    }
}

/// A subscription.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(scope: &mut Scope, id: SubscriptionId) -> Result<Subscription, Error> {
    store::subscription::get(&mut scope.tx, id).await.or_missing("subscription", id)
}

/// Subscriptions by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Subscription>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "subscriptions", filters.as_bytes()).await?.map(SubscriptionId);
    let rows = store::subscription::list(&mut scope.tx, filter, after, page.limit() + 1).await?;
    page.finish(scope, "subscriptions", filters.as_bytes(), rows, |one| one.id.0).await
}

/// Holds a subscription for a change: its billing account first, then itself. What was to happen to
/// it by itself until today has happened.
pub(crate) async fn lock(scope: &mut Scope, id: SubscriptionId) -> Result<Subscription, Error> {
    let account = account_of(&get(scope, id).await?);
    store::billing::lock(&mut scope.tx, account).await?;
    // The wait for the account may have lasted into another day.
    scope.refresh().await?;
    let mut subscription =
        store::subscription::lock(&mut scope.tx, id).await.or_missing("subscription", id)?;
    let turns = subscription.turn(scope.today());
    if !turns.is_empty() {
        save_turned(scope, &[(subscription.clone(), turns)]).await?;
    }
    Ok(subscription)
}

async fn save(scope: &mut Scope, subscription: &Subscription) -> Result<(), Error> {
    store::subscription::save(&mut scope.tx, std::slice::from_ref(subscription)).await?;
    store::billing::reschedule(&mut scope.tx, &[account_of(subscription)]).await?;
    crate::mrr::record(scope, std::slice::from_ref(subscription)).await
}

/// Brings the states of all subscriptions up to the organization's date, in batches.
///
/// # Errors
/// [`Error::Unavailable`]; batches that were committed stay.
pub async fn turn_due(ctx: &Ctx, org: domain::id::OrgId) -> Result<Done, Error> {
    let mut done = Done::default();
    loop {
        let mut scope = ctx.scope(org).await?;
        let today = scope.today();
        let turning = store::subscription::lock_turning(&mut scope.tx, today, TURN_BATCH).await?;
        if turning.is_empty() {
            return Ok(done);
        }
        let mut turned = Vec::with_capacity(turning.len());
        for mut subscription in turning {
            let turns = subscription.turn(today);
            let count = |of| turns.iter().filter(|(_, turn)| *turn == of).count() as u64;
            done.started += count(Turn::Started);
            done.ended += count(Turn::Ended);
            turned.push((subscription, turns));
        }
        save_turned(&mut scope, &turned).await?;
        scope.commit().await?;
    }
}

/// Saves subscriptions to which something happened by itself.
pub(crate) async fn save_turned(
    scope: &mut Scope,
    turned: &[(Subscription, Vec<(Date, Turn)>)],
) -> Result<(), Error> {
    let subscriptions: Vec<Subscription> =
        turned.iter().map(|(subscription, _)| subscription.clone()).collect();
    store::subscription::save(&mut scope.tx, &subscriptions).await?;
    scope.announce(turned.iter().flat_map(|(now, turns)| event::of_turns(turns, now)));
    Ok(())
}
