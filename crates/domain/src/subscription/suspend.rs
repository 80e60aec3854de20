//! Suspension: no delivery and no new invoice while a customer's money is missing.
//!
//! Purpose: from the day on which delivery is taken away until it goes on or the subscription ends.
//!
//! Invariants: nothing becomes due while it lasts: neither charge nor credit. Once it is lifted, its
//! days are known and are kept with the pauses ([`PauseKind::Suspension`]), so that what was charged
//! of them is credited and the rest of the running period is charged anew; where the subscription
//! ends before that, they are credited on the end. It never
//! moves the anchor, never extends a term, counts towards no limit of pauses, and is worth what the
//! subscription is worth.
//!
//! Deliberately absent: when money is missing for so long ([`crate::dunning`]).

use super::{Pause, PauseKind, State, Subscription};
use crate::Outcome;
use crate::date::{self, Date};
use crate::id::IntentId;
use crate::period::Period;

/// A suspension that was not lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspension {
    /// Identity of its days once it is over.
    pub id: IntentId,
    /// First day that is not delivered.
    pub from_on: Date,
}

impl Subscription {
    /// Takes delivery away from today on. What has ended, or is suspended already, stays as it is.
    pub fn suspend(&mut self, today: Date, id: IntentId) -> Outcome<()> {
        if self.suspension.is_some() || self.state_on(today) == State::Cancelled {
            return Outcome::Unchanged;
        }
        self.suspension = Some(Suspension { id, from_on: today });
        self.changes += 1;
        self.state = self.state_on(today);
        Outcome::Applied(())
    }

    /// Delivers again from today on. What has ended stays as it is.
    pub fn restore(&mut self, today: Date) -> Outcome<()> {
        if self.state_on(today) == State::Cancelled {
            return Outcome::Unchanged;
        }
        let Some(Suspension { id, from_on }) = self.suspension.take() else {
            return Outcome::Unchanged;
        };
        let from_on = from_on.max(self.start_on);
        if from_on < today {
            let kind = PauseKind::Suspension;
            self.pauses.push(Pause { id, from_on, until_on: today, note: None, kind });
            self.pauses.sort_by_key(|pause| pause.from_on);
        }
        self.changes += 1;
        self.state = self.state_on(today);
        Outcome::Applied(())
    }

    /// Whether a suspension that was not lifted contains a day.
    #[must_use]
    pub fn is_suspended_on(&self, day: Date) -> bool {
        self.suspension.is_some_and(|open| open.from_on <= day)
    }

    /// Whether a day is taken out: by a pause, or by a suspension, open or over.
    #[must_use]
    pub fn is_withheld_on(&self, day: Date) -> bool {
        self.withheld().any(|days| days.contains(day))
    }

    /// The days that are taken out: pauses and suspensions, the open one for as long as is known.
    pub(super) fn withheld(&self) -> impl Iterator<Item = Period> + '_ {
        let open = self.suspension.map(|open| {
            let end = self.ends_on().unwrap_or(date::LATEST);
            Period { start: open.from_on, end: end.max(open.from_on) }
        });
        self.pauses.iter().map(Pause::days).chain(open)
    }
}

#[cfg(test)]
#[path = "suspend_tests.rs"]
mod tests;
