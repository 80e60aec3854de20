//! Entitlement: whether to deliver now. Other services ask only for that.
//!
//! Purpose: from where a subscription stands and what its customer owes to one answer with its
//! reason.
//!
//! Invariants: a pure function of the subscription, the arrears and the day; the strictest reason
//! wins.
//!
//! Deliberately absent: how arrears come about.

use crate::code::codes;
use crate::date::Date;
use crate::subscription::{State, Subscription};

codes! {
    /// Whether to deliver.
    Delivery {
        /// Deliver.
        Deliver = "deliver",
        /// Deliver for the time being, though money is missing.
        DeliverInGrace = "deliver_in_grace",
        /// Read only, no new seats.
        Restricted = "restricted",
        /// Do not deliver.
        Stop = "stop",
    }
}

codes! {
    /// Why.
    EntitlementReason {
        /// It runs and is paid for.
        InForce = "in_force",
        /// It is in its trial.
        Trial = "trial",
        /// It has not started.
        NotStarted = "not_started",
        /// The customer has paused it.
        Paused = "paused",
        /// It has ended.
        Ended = "ended",
        /// Money is missing.
        Overdue = "overdue",
    }
}

/// What missing money does to delivery, as the dunning policy decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrears {
    /// Nothing is missing, or not for long enough.
    None,
    /// Deliver until a day.
    Grace {
        /// First day without grace.
        until: Date,
    },
    /// Read only.
    Restricted,
    /// No delivery.
    Stopped,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entitlement {
    /// Whether to deliver.
    pub delivery: Delivery,
    /// Why.
    pub reason: EntitlementReason,
    /// First day on which the answer is known to be another one; absent when none is.
    pub until: Option<Date>,
}

/// Whether to deliver a subscription on a day.
#[must_use]
pub fn entitlement(subscription: &Subscription, arrears: Arrears, today: Date) -> Entitlement {
    let answer = |delivery, reason, until| Entitlement { delivery, reason, until };
    let end = subscription.ends_on().filter(|end| *end > today);
    let coming = subscription.pauses.iter().map(|pause| pause.from_on);
    let pause = coming.filter(|from| *from > today).min();
    let stop = [end, pause].into_iter().flatten().min();
    let running = match subscription.state_on(today) {
        State::Cancelled => return answer(Delivery::Stop, EntitlementReason::Ended, None),
        State::Pending => {
            let start = Some(subscription.start_on)
                .filter(|_| end.is_none_or(|end| end > subscription.start_on));
            return answer(Delivery::Stop, EntitlementReason::NotStarted, start);
        }
        State::Paused => {
            let resumes = subscription.first_unpaused(today);
            let until = end.map_or(resumes, |end| end.min(resumes));
            return answer(Delivery::Stop, EntitlementReason::Paused, Some(until));
        }
        // Money that is missing is the reason, whatever else is.
        State::Suspended => return answer(Delivery::Stop, EntitlementReason::Overdue, None),
        State::Trialing => EntitlementReason::Trial,
        State::Active | State::PastDue => EntitlementReason::InForce,
    };
    match arrears {
        Arrears::None => answer(Delivery::Deliver, running, stop),
        Arrears::Grace { until } if until <= today => {
            answer(Delivery::Restricted, EntitlementReason::Overdue, stop)
        }
        Arrears::Grace { until } => {
            let until = stop.map_or(until, |stop| stop.min(until));
            answer(Delivery::DeliverInGrace, EntitlementReason::Overdue, Some(until))
        }
        Arrears::Restricted => answer(Delivery::Restricted, EntitlementReason::Overdue, stop),
        Arrears::Stopped => answer(Delivery::Stop, EntitlementReason::Overdue, None),
    }
}

#[cfg(test)]
#[path = "entitlement_tests.rs"]
mod tests;
