//! Changes, pauses and ends of subscriptions on the wire.

use app::subscription::{CancelSubscription, ChangeSubscription, ChangeWhen, PauseSubscription};
use app::subscription::{PREVIEW_DOCUMENTS, PreviewHorizon};
use domain::date::Date;
use domain::entitlement::Entitlement;
use domain::id::SubscriptionId;
use domain::subscription::{CancelWhen, Pause, Planned, PlannedItem, PlannedKind, Subscription};

use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::google::r#type as google;
use crate::pb::v1;
use crate::pb::v1::cancel_subscription_request::When as CancelAt;
use crate::pb::v1::change::When as ChangeAt;
use crate::pb::v1::preview_change_request::Horizon as ChangeHorizon;
use crate::pb::v1::preview_subscription_request::Horizon as StartHorizon;
use crate::subscription::quantity;

/// What is to change.
pub(crate) fn change(
    id: SubscriptionId,
    change: Option<v1::Change>,
) -> field::Result<ChangeSubscription> {
    let change = field::required(change)?;
    let when = match change.when {
        None | Some(ChangeAt::Now(_)) => ChangeWhen::Now,
        Some(ChangeAt::AtPeriodEnd(_)) => ChangeWhen::PeriodEnd,
        Some(ChangeAt::On(day)) => ChangeWhen::On(field::day(day).at("on")?),
    };
    Ok(ChangeSubscription {
        id,
        plan_id: field::parse_filled(&change.plan_id).at("plan_id")?,
        quantities: field::each(change.quantities, quantity).at("quantities")?,
        when,
    })
}

/// How far a preview looks, on either request.
pub(crate) enum Wanted {
    Until(google::Date),
    Periods(i32),
}

impl From<StartHorizon> for Wanted {
    fn from(wanted: StartHorizon) -> Self {
        match wanted {
            StartHorizon::Until(day) => Self::Until(day),
            StartHorizon::Periods(periods) => Self::Periods(periods),
        }
    }
}

impl From<ChangeHorizon> for Wanted {
    fn from(wanted: ChangeHorizon) -> Self {
        match wanted {
            ChangeHorizon::Until(day) => Self::Until(day),
            ChangeHorizon::Periods(periods) => Self::Periods(periods),
        }
    }
}

/// How far a preview looks; so many documents when nothing is said.
pub(crate) fn horizon(wanted: Option<Wanted>) -> field::Result<PreviewHorizon> {
    match wanted {
        Some(Wanted::Until(day)) => field::day(day).at("until").map(PreviewHorizon::Until),
        Some(Wanted::Periods(periods)) => {
            let documents = field::count(periods).at("periods")?;
            Ok(PreviewHorizon::Documents(usize::try_from(documents).unwrap_or(usize::MAX)))
        }
        None => Ok(PreviewHorizon::Documents(PREVIEW_DOCUMENTS)),
    }
}

/// What is to be paused.
pub(crate) fn pause(message: v1::PauseSubscriptionRequest) -> field::Result<PauseSubscription> {
    Ok(PauseSubscription {
        id: field::parse(&message.subscription_id).at("subscription_id")?,
        from: field::day_if_any(message.from).at("from")?,
        until: field::day_if_any(message.until).at("until")?,
        note: field::text_if_any(message.note),
    })
}

/// What is to end.
pub(crate) fn cancel(message: v1::CancelSubscriptionRequest) -> field::Result<CancelSubscription> {
    let when = match message.when {
        None => None,
        Some(CancelAt::AtPeriodEnd(_)) => Some(CancelWhen::PeriodEnd),
        Some(CancelAt::Now(now)) => Some(CancelWhen::Now { credit: now.credit }),
        Some(CancelAt::On(on)) => {
            let day = field::required(on.date).and_then(field::day).at("on.date")?;
            Some(CancelWhen::On { day, credit: on.credit })
        }
    };
    Ok(CancelSubscription {
        id: field::parse(&message.subscription_id).at("subscription_id")?,
        when,
        reason: field::one_of::<v1::CancelReason>(message.reason).at("reason")?,
        note: field::text_if_any(message.note),
    })
}

/// What is to happen to a subscription after a day.
pub(crate) fn intents(subscription: &Subscription, today: Date) -> Vec<v1::Intent> {
    subscription.planned(today).into_iter().map(Into::into).collect()
}

impl From<Planned> for v1::Intent {
    fn from(planned: Planned) -> Self {
        let kind = match &planned.what {
            PlannedKind::Change { .. } => v1::IntentKind::Change,
            PlannedKind::Pause => v1::IntentKind::Pause,
            PlannedKind::Resume => v1::IntentKind::Resume,
            PlannedKind::Cancel => v1::IntentKind::Cancel,
        };
        let intent = Self {
            id: planned.id.map(|id| id.to_string()).unwrap_or_default(),
            kind: kind.into(),
            on: Some(planned.on.into()),
            ..Self::default()
        };
        match planned.what {
            PlannedKind::Change { terms, migration_id } => Self {
                plan_id: terms.plan_id.to_string(),
                plan_version_id: terms.version_id.to_string(),
                quantities: terms.items.into_iter().map(Into::into).collect(),
                migration_id: migration_id.map(|id| id.to_string()).unwrap_or_default(),
                ..intent
            },
            PlannedKind::Pause | PlannedKind::Resume | PlannedKind::Cancel => intent,
        }
    }
}

impl From<PlannedItem> for v1::ComponentQuantity {
    fn from(item: PlannedItem) -> Self {
        Self { component: item.component, quantity: Some(item.quantity.into()) }
    }
}

impl From<Pause> for v1::Pause {
    fn from(pause: Pause) -> Self {
        Self {
            id: pause.id.to_string(),
            from: Some(pause.from_on.into()),
            until: Some(pause.until_on.into()),
            note: pause.note.unwrap_or_default(),
            kind: code::<v1::PauseKind>(pause.kind),
        }
    }
}

/// Whether to deliver a subscription today.
pub(crate) fn entitlement(
    subscription: Subscription,
    entitlement: Entitlement,
    today: Date,
) -> v1::Entitlement {
    let in_force = subscription.items.into_iter().filter(|item| item.is_in_force(today));
    let quantities = in_force.map(|item| v1::ComponentQuantity {
        component: item.component,
        quantity: Some(item.quantity.into()),
    });
    v1::Entitlement {
        subscription_id: subscription.id.to_string(),
        customer_id: subscription.customer_id.to_string(),
        plan_id: subscription.plan_id.to_string(),
        delivery: code::<v1::Delivery>(entitlement.delivery),
        reason: code::<v1::EntitlementReason>(entitlement.reason),
        until: entitlement.until.map(Into::into),
        quantities: quantities.collect(),
        state: code::<v1::SubscriptionState>(subscription.state),
    }
}
