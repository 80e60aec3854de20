//! Ending a subscription, and taking the end back.
//!
//! Invariants: no day on or after the end is delivered or charged. An end can be taken back until
//! it has happened. Days that were charged and lie after the end are credited, or forfeited when
//! the end says so.

use super::{State, Subscription};
use crate::Outcome;
use crate::code::codes;
use crate::date::Date;
use crate::plan::CancelPolicy;

codes! {
    /// Why a subscription was cancelled.
    CancelReason {
        /// The customer's choice: too expensive.
        VoluntaryPrice = "voluntary_price",
        /// The customer's choice: something is missing.
        VoluntaryMissingFeature = "voluntary_missing_feature",
        /// The customer's choice: went to a competitor.
        VoluntaryCompetitor = "voluntary_competitor",
        /// The customer's choice: no longer needed.
        VoluntaryNoNeed = "voluntary_no_need",
        /// The customer's choice, for another reason.
        VoluntaryOther = "voluntary_other",
        /// The money did not come.
        NonPayment = "non_payment",
        /// The term ended.
        Expired = "expired",
        /// Not recorded.
        Unknown = "unknown",
    }
}

/// A planned end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// First day that is no longer delivered.
    pub ends_on: Date,
    /// Why.
    pub reason: CancelReason,
    /// In the customer's words.
    pub note: Option<String>,
    /// Whether days charged beyond the end are credited; else they are forfeited.
    pub credit: bool,
}

/// When a subscription is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelWhen {
    /// As the plan says.
    Policy(CancelPolicy),
    /// At the end of the running period.
    PeriodEnd,
    /// Today.
    Now {
        /// Whether days charged beyond today are credited.
        credit: bool,
    },
    /// On a day: the first that is no longer delivered.
    On {
        /// Which day.
        day: Date,
        /// Whether days charged beyond it are credited.
        credit: bool,
    },
}

/// Why a subscription is not cancelled, or its end not undone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CancelRefused {
    /// It is over.
    #[error("the subscription ended on {on}")]
    AlreadyEnded {
        /// Its end.
        on: Date,
    },
    /// A day that has passed.
    #[error("{on} has passed: expected {today} or later")]
    Passed {
        /// What was given.
        on: Date,
        /// The organization's date.
        today: Date,
    },
}

impl Subscription {
    /// Cancels. A subscription that has not started ends before it begins. Asking again moves
    /// a planned end, or keeps it and takes the new reason.
    ///
    /// # Errors
    /// [`CancelRefused`].
    pub fn cancel(
        &mut self,
        today: Date,
        when: CancelWhen,
        reason: CancelReason,
        note: Option<String>,
    ) -> Result<Outcome<Cancellation>, CancelRefused> {
        self.refuse_ended(today)?;
        let (ends_on, credit) = self.end(today, when)?;
        let cancellation =
            Cancellation { ends_on: ends_on.max(self.start_on), reason, note, credit };
        if self.cancellation.as_ref() == Some(&cancellation) {
            return Ok(Outcome::Unchanged);
        }
        self.cancellation = Some(cancellation.clone());
        self.state = self.state_on(today);
        Ok(Outcome::Applied(cancellation))
    }

    fn end(&self, today: Date, when: CancelWhen) -> Result<(Date, bool), CancelRefused> {
        match when {
            CancelWhen::Policy(CancelPolicy::PeriodEnd) | CancelWhen::PeriodEnd => {
                if today < self.start_on {
                    return Ok((self.start_on, true));
                }
                // What has been charged in advance is delivered.
                Ok((self.current_period(today).end.max(self.billed_until()), true))
            }
            CancelWhen::Policy(CancelPolicy::NowWithCredit) => Ok((today, true)),
            CancelWhen::Policy(CancelPolicy::NowWithoutCredit) => Ok((today, false)),
            CancelWhen::Now { credit } => Ok((today, credit)),
            CancelWhen::On { day, .. } if day < today => {
                Err(CancelRefused::Passed { on: day, today })
            }
            CancelWhen::On { day, credit } => Ok((day, credit)),
        }
    }

    /// Takes a planned end back, until it has happened.
    ///
    /// # Errors
    /// [`CancelRefused::AlreadyEnded`].
    pub fn undo_cancel(&mut self, today: Date) -> Result<Outcome<Cancellation>, CancelRefused> {
        self.refuse_ended(today)?;
        Ok(match self.cancellation.take() {
            Some(cancellation) => Outcome::Applied(cancellation),
            None => Outcome::Unchanged,
        })
    }

    pub(super) fn refuse_ended(&self, today: Date) -> Result<(), CancelRefused> {
        match self.ends_on() {
            Some(on) if on <= today || self.state == State::Cancelled => {
                Err(CancelRefused::AlreadyEnded { on })
            }
            _ => Ok(()),
        }
    }
}
