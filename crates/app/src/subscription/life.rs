//! What happens in a subscription's life: changed, paused, resumed, cancelled, and taken back.
//!
//! Every use case holds the billing account, then the subscription, applies the rule and saves.
//! What becomes due by it is billed by the next run.

use domain::Outcome;
use domain::date::Date;
use domain::dunning::Degree;
use domain::entitlement::{Arrears, Delivery, Entitlement, entitlement};
use domain::event::EventKind;
use domain::id::{CustomerId, IntentId, ItemId, PlanId, SubscriptionId};
use domain::invoice::Draft;
use domain::organization::text;
use domain::plan::PlanVersion;
use domain::subscription::{
    CancelReason, CancelRefused, CancelWhen, ChangeRefused, Intent, Named, NewPause, PauseRefused,
    State, Subscription,
};
use rust_decimal::Decimal;

use super::{PreviewHorizon, documents_of, get, lock, save, version_in_force};
use crate::catalog::{get_plan, retired};
use crate::customer::MAX_NOTE;
use crate::error::{Error, Expect, Field, Refusal};
use crate::{Scope, event};

impl From<CancelRefused> for Error {
    fn from(refused: CancelRefused) -> Self {
        match refused {
            CancelRefused::AlreadyEnded { on } => already_ended(on, &refused),
            CancelRefused::Passed { .. } => Self::invalid("when.on", refused),
        }
    }
}

impl From<PauseRefused> for Error {
    fn from(refused: PauseRefused) -> Self {
        let message = refused.to_string();
        match refused {
            PauseRefused::Ended { on } => already_ended(on, &refused),
            PauseRefused::TooEarly { earliest, .. } => too_early(earliest, message),
            PauseRefused::NoDays { .. } => Self::invalid("until", message),
            PauseRefused::NotAllowed => Self::refused("PAUSE_NOT_ALLOWED", message),
            PauseRefused::TooLong { latest, .. } => {
                Self::Refused(Refusal::new("PAUSE_TOO_LONG", message).with("latest", latest))
            }
            PauseRefused::AlreadyPaused { from, until } => Self::Refused(
                Refusal::new("ALREADY_PAUSED", message).with("from", from).with("until", until),
            ),
            PauseRefused::Suspended { since } => {
                Self::Refused(Refusal::new("SUBSCRIPTION_SUSPENDED", message).with("since", since))
            }
            PauseRefused::TooMany => Self::refused("TOO_MANY_INTENTS", message),
            PauseRefused::NotPaused { on } => {
                Self::Refused(Refusal::new("NOT_PAUSED", message).with("on", on))
            }
        }
    }
}

impl From<ChangeRefused> for Error {
    fn from(refused: ChangeRefused) -> Self {
        let message = refused.to_string();
        match refused {
            ChangeRefused::Ended { on } => already_ended(on, &refused),
            ChangeRefused::TooEarly { earliest, .. } => too_early(earliest, message),
            ChangeRefused::TooMany => Self::refused("TOO_MANY_INTENTS", message),
            ChangeRefused::NotPlanned { id } => {
                Self::Refused(Refusal::new("NOT_PLANNED", message).with("intent_id", id))
            }
        }
    }
}

fn already_ended(on: Date, refused: &impl ToString) -> Error {
    Error::Refused(Refusal::new("ALREADY_ENDED", refused.to_string()).with("ended_on", on))
}

fn too_early(earliest: Date, message: String) -> Error {
    Error::Refused(Refusal::new("BEFORE_LAST_INVOICE", message).with("earliest", earliest))
}

fn checked_note(note: Option<String>) -> Result<Option<String>, Error> {
    let note = note.filter(|note| !note.trim().is_empty());
    note.map(|note| text(&note, MAX_NOTE)).transpose().field("note")
}

/// What cancels a subscription.
#[derive(Debug, Clone)]
pub struct CancelSubscription {
    /// Which.
    pub id: SubscriptionId,
    /// When; as the plan version says when absent.
    pub when: Option<CancelWhen>,
    /// Why.
    pub reason: CancelReason,
    /// In the customer's words.
    pub note: Option<String>,
}

/// Cancels a subscription.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`]; [`Error::Refused`] with `ALREADY_ENDED`.
pub async fn cancel(scope: &mut Scope, command: CancelSubscription) -> Result<Subscription, Error> {
    let note = checked_note(command.note)?;
    let mut subscription = lock(scope, command.id).await?;
    let when = match command.when {
        Some(when) => when,
        None => CancelWhen::Policy(pinned_version(scope, &subscription).await?.cancel_policy),
    };
    let today = scope.today();
    if let Outcome::Applied(end) = subscription.cancel(today, when, command.reason, note)? {
        save(scope, &subscription).await?;
        let kind = match end.ends_on <= today {
            true => EventKind::SubscriptionCancelled,
            false => EventKind::SubscriptionCancellationPlanned,
        };
        scope.announce([event::of_subscription(kind, end.ends_on, &subscription)]);
    }
    Ok(subscription)
}

/// Takes a planned end back.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `ALREADY_ENDED`.
pub async fn undo_cancel(scope: &mut Scope, id: SubscriptionId) -> Result<Subscription, Error> {
    let mut subscription = lock(scope, id).await?;
    let today = scope.today();
    if let Outcome::Applied(_) = subscription.undo_cancel(today)? {
        save(scope, &subscription).await?;
        let kind = EventKind::SubscriptionCancellationUndone;
        scope.announce([event::of_subscription(kind, today, &subscription)]);
    }
    Ok(subscription)
}

/// The version that the subscription is on.
async fn pinned_version(
    scope: &mut Scope,
    subscription: &Subscription,
) -> Result<PlanVersion, Error> {
    let offer = get_plan(scope, subscription.plan_id).await?;
    let pinned = offer.versions.into_iter().find(|one| one.id == subscription.version_id);
    pinned.ok_or_else(|| Error::fault(format!("subscription {} has no version", subscription.id)))
}

/// What pauses a subscription.
#[derive(Debug, Clone)]
pub struct PauseSubscription {
    /// Which.
    pub id: SubscriptionId,
    /// First day that is not delivered; today when absent.
    pub from: Option<Date>,
    /// First day that is delivered again; as late as the plan allows when absent.
    pub until: Option<Date>,
    /// In the customer's words.
    pub note: Option<String>,
}

/// Pauses a subscription.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`]; [`Error::Refused`] with `ALREADY_ENDED`,
/// `BEFORE_LAST_INVOICE`, `PAUSE_NOT_ALLOWED`, `PAUSE_TOO_LONG`, `ALREADY_PAUSED`,
/// `SUBSCRIPTION_SUSPENDED`, `TOO_MANY_INTENTS`.
pub async fn pause(scope: &mut Scope, command: PauseSubscription) -> Result<Subscription, Error> {
    let note = checked_note(command.note)?;
    let mut subscription = lock(scope, command.id).await?;
    let limit = pinned_version(scope, &subscription).await?.max_pause_months;
    let today = scope.today();
    let new = NewPause {
        id: IntentId::fresh(scope.now),
        from_on: command.from.unwrap_or(today),
        until_on: command.until,
        note,
    };
    if let Outcome::Applied(pause) = subscription.pause(today, new, limit)? {
        save_pauses(scope, &subscription).await?;
        // What begins or ends later, the calendar announces.
        let goes_on = subscription.is_paused_on(pause.until_on);
        let begun = Some((EventKind::SubscriptionPaused, pause.from_on));
        let ended = Some((EventKind::SubscriptionResumed, pause.until_on)).filter(|_| !goes_on);
        let come = [begun, ended].into_iter().flatten().filter(|(_, on)| *on <= today);
        scope.announce(come.map(|(kind, on)| event::of_subscription(kind, on, &subscription)));
    }
    Ok(subscription)
}

/// Saves a subscription whose pauses are others: what is collected for it stands still meanwhile.
async fn save_pauses(scope: &mut Scope, subscription: &Subscription) -> Result<(), Error> {
    save(scope, subscription).await?;
    crate::collection::refresh(scope, &[subscription.customer_id]).await
}

/// Ends a pause on a day; today when no day is given.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `ALREADY_ENDED`, `NOT_PAUSED`, `PAUSE_TOO_LONG`,
/// `BEFORE_LAST_INVOICE`.
pub async fn resume(
    scope: &mut Scope,
    id: SubscriptionId,
    on: Option<Date>,
) -> Result<Subscription, Error> {
    let mut subscription = lock(scope, id).await?;
    let today = scope.today();
    let was_paused = subscription.state == State::Paused;
    if let Outcome::Applied(pause) = subscription.resume(today, on.unwrap_or(today))? {
        save_pauses(scope, &subscription).await?;
        let resumed = was_paused && subscription.state != State::Paused;
        let kind = resumed.then_some(EventKind::SubscriptionResumed);
        let on = pause.until_on;
        scope.announce(kind.map(|kind| event::of_subscription(kind, on, &subscription)));
    }
    Ok(subscription)
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeWhen {
    /// Today, or on the first day of a subscription that has not started.
    Now,
    /// When the running period ends.
    PeriodEnd,
    /// On a day.
    On(Date),
}

/// What changes a subscription.
#[derive(Debug, Clone)]
pub struct ChangeSubscription {
    /// Which.
    pub id: SubscriptionId,
    /// Another plan, or the newest version of this one; the version it is on when absent.
    pub plan_id: Option<PlanId>,
    /// Quantity per component; components left out keep theirs.
    pub quantities: Vec<(String, Decimal)>,
    /// When.
    pub when: ChangeWhen,
}

/// Changes plan or quantities. Asking for what will hold anyway changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`]; [`Error::Refused`] with `ALREADY_ENDED`,
/// `BEFORE_LAST_INVOICE`, `TOO_MANY_INTENTS`, `PLAN_RETIRED`, `PLAN_NOT_IN_FORCE`,
/// `CURRENCY_NOT_PRICED`, `ALIGNMENT_NOT_POSSIBLE`, `METER_IN_USE`, `PAYMENT_OVERDUE`.
pub async fn change(scope: &mut Scope, command: ChangeSubscription) -> Result<Subscription, Error> {
    let mut subscription = lock(scope, command.id).await?;
    if let Outcome::Applied(on) = apply_change(scope, &mut subscription, command).await? {
        save(scope, &subscription).await?;
        let kind = (on <= scope.today()).then_some(EventKind::SubscriptionChanged);
        scope.announce(kind.map(|kind| event::of_subscription(kind, on, &subscription)));
    }
    Ok(subscription)
}

/// The subscription as a change would leave it, and the documents it would bring, alone.
///
/// # Errors
/// As [`change`]; [`Error::Refused`] with the reason for which the run would set it aside.
pub async fn preview_change(
    scope: &mut Scope,
    command: ChangeSubscription,
    horizon: PreviewHorizon,
) -> Result<(Subscription, Vec<Draft>), Error> {
    let mut subscription = get(scope, command.id).await?;
    // As the change itself would find it.
    let _ = subscription.turn(scope.today());
    let _ = apply_change(scope, &mut subscription, command).await?;
    let drafts = documents_of(scope, &subscription, horizon).await?;
    Ok((subscription, drafts))
}

async fn apply_change(
    scope: &mut Scope,
    subscription: &mut Subscription,
    command: ChangeSubscription,
) -> Result<Outcome<Date>, Error> {
    let today = scope.today();
    let on = match command.when {
        ChangeWhen::Now => today.max(subscription.start_on),
        ChangeWhen::PeriodEnd => subscription.current_period(today).end.max(subscription.start_on),
        ChangeWhen::On(on) => on,
    };
    let before = subscription.terms_on(on);
    let version = match command.plan_id {
        Some(plan_id) => {
            let offer = get_plan(scope, plan_id).await?;
            if let Some(day) = offer.plan.retired_on.filter(|_| plan_id != before.plan_id) {
                return Err(retired(&offer.plan, day));
            }
            version_in_force(&offer, on)?.clone()
        }
        None => {
            let offer = get_plan(scope, before.plan_id).await?;
            let pinned = offer.versions.into_iter().find(|one| one.id == before.version_id);
            pinned.ok_or_else(|| Error::fault(format!("{} has no version", subscription.id)))?
        }
    };
    let now = scope.now;
    let fresh = || ItemId::fresh(now);
    let terms = subscription.terms_of_change(&version, on, &command.quantities, fresh)?;
    if terms.is_like(&before) && subscription.ends_on().is_none_or(|end| today < end) {
        return Ok(Outcome::Unchanged);
    }
    if terms.adds_to(&before) {
        crate::arrears::refuse_more(scope, subscription.customer_id).await?;
    }
    let named = Some(Named::new(command.plan_id.is_some(), &command.quantities, &terms));
    let intent = Intent { id: IntentId::fresh(now), on, terms, named, migration_id: None };
    subscription.change(today, intent)?;
    super::meter::refuse_shared(scope, subscription).await?;
    Ok(Outcome::Applied(on))
}

/// Takes back a change or a pause that has not begun.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `NOT_PLANNED`.
pub async fn revoke_intent(
    scope: &mut Scope,
    id: SubscriptionId,
    intent: IntentId,
) -> Result<Subscription, Error> {
    let mut subscription = lock(scope, id).await?;
    let today = scope.today();
    subscription.revoke(today, intent)?;
    save_pauses(scope, &subscription).await?;
    Ok(subscription)
}

/// Whether to deliver now: one subscription, or all of a customer that have not ended.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn entitlements(
    scope: &mut Scope,
    id: Option<SubscriptionId>,
    customer_id: Option<CustomerId>,
) -> Result<Vec<(Subscription, Entitlement)>, Error> {
    let today = scope.today();
    let mut found = match (id, customer_id) {
        (Some(id), _) => vec![get(scope, id).await?],
        (None, Some(customer_id)) => {
            store::customer::get(&mut scope.tx, customer_id)
                .await
                .or_missing("customer", customer_id)?;
            store::subscription::of_customer(&mut scope.tx, customer_id).await?
        }
        (None, None) => {
            return Err(Error::invalid("of", "expected a subscription or a customer"));
        }
    };
    let asked_for_one = id.is_some();
    let kept = match found.first() {
        Some(one) => crate::arrears::of(scope, one.customer_id).await?,
        None => None,
    };
    let arrears = kept.map_or(Arrears::None, |kept| kept.arrears);
    let stops_on = kept.filter(|kept| kept.degree == Degree::Restricted);
    let stops_on = stops_on.and_then(|kept| kept.changes_on);
    crate::arrears::show(scope, &mut found).await?;
    let entitled = found.into_iter().map(|one| {
        let mut entitlement = entitlement(&one, arrears, today);
        if entitlement.delivery == Delivery::Restricted {
            entitlement.until = [entitlement.until, stops_on].into_iter().flatten().min();
        }
        (one, entitlement)
    });
    Ok(entitled.filter(|(one, _)| asked_for_one || one.state != State::Cancelled).collect())
}
