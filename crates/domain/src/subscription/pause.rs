//! Pauses: days that are not delivered and not charged.
//!
//! Invariants: what customers pause does not overlap; each has an end, at most the plan's limit
//! away; a pause never moves the anchor and never extends a term.
//!
//! Deliberately absent: credits for days already charged, which follow from the days themselves
//! (`item`).

use super::{MAX_INTENTS, State, Subscription};
use crate::Outcome;
use crate::code::codes;
use crate::date::{self, Date};
use crate::id::IntentId;
use crate::period::Period;

codes! {
    /// Why days are not delivered.
    PauseKind {
        /// The customer's wish.
        Customer = "customer",
        /// Money was missing.
        Suspension = "suspension",
    }
}

/// Days that are not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Identity, for revoking it before it begins.
    pub id: IntentId,
    /// First day that is not delivered.
    pub from_on: Date,
    /// First day that is delivered again.
    pub until_on: Date,
    /// In the customer's words.
    pub note: Option<String>,
    /// Why.
    pub kind: PauseKind,
}

impl Pause {
    /// Its days.
    #[must_use]
    pub fn days(&self) -> Period {
        Period { start: self.from_on, end: self.until_on }
    }
}

/// Why a subscription is not paused or resumed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PauseRefused {
    /// It is over, or will be by then.
    #[error("the subscription ends on {on}")]
    Ended {
        /// Its end.
        on: Date,
    },
    /// A day before what has been invoiced or recorded.
    #[error("{on} is too early: expected {earliest} or later")]
    TooEarly {
        /// What was given.
        on: Date,
        /// The first day that can still be changed.
        earliest: Date,
    },
    /// The end is not after the beginning.
    #[error("a pause from {from} until {until} has no days: expected a later end")]
    NoDays {
        /// First day.
        from: Date,
        /// What was given as its end.
        until: Date,
    },
    /// The plan has no pauses.
    #[error("the plan allows no pause")]
    NotAllowed,
    /// Longer than the plan allows.
    #[error("a pause from {from} until {until} is too long: expected an end on {latest} or before")]
    TooLong {
        /// First day.
        from: Date,
        /// What was given as its end.
        until: Date,
        /// The latest end.
        latest: Date,
    },
    /// Another pause has some of the days.
    #[error("the subscription is paused from {from} until {until} already")]
    AlreadyPaused {
        /// First day of the other pause.
        from: Date,
        /// Its end.
        until: Date,
    },
    /// Too many pauses to come.
    #[error("the subscription has {MAX_INTENTS} pauses ahead of it: revoke one first")]
    TooMany,
    /// Its customer's money is missing.
    #[error(
        "the subscription is suspended since {since}: it can be paused when what is overdue is paid"
    )]
    Suspended {
        /// First day of the suspension.
        since: Date,
    },
    /// There is no pause to end.
    #[error("the subscription is not paused on {on}")]
    NotPaused {
        /// Which day.
        on: Date,
    },
}

impl Subscription {
    /// Pauses from a day, until a day or for as long as the plan allows. Asking again for the same
    /// days changes nothing.
    ///
    /// # Errors
    /// [`PauseRefused`].
    pub fn pause(
        &mut self,
        today: Date,
        pause: NewPause,
        limit_months: u32,
    ) -> Result<Outcome<Pause>, PauseRefused> {
        let NewPause { id, from_on, until_on, note } = pause;
        if limit_months == 0 {
            return Err(PauseRefused::NotAllowed);
        }
        let latest = date::add_months(from_on, limit_months);
        let until_on = until_on.unwrap_or(latest);
        self.refuse_ended_by(from_on.max(today))?;
        let same = |one: &Pause| one.from_on == from_on && one.until_on == until_on;
        if self.of_customer().any(same) {
            return Ok(Outcome::Unchanged);
        }
        if let Some(open) = self.suspension {
            return Err(PauseRefused::Suspended { since: open.from_on });
        }
        let earliest = self.earliest_change(today);
        if from_on < earliest {
            return Err(PauseRefused::TooEarly { on: from_on, earliest });
        }
        if until_on <= from_on {
            return Err(PauseRefused::NoDays { from: from_on, until: until_on });
        }
        if until_on > latest {
            return Err(PauseRefused::TooLong { from: from_on, until: until_on, latest });
        }
        let days = Period { start: from_on, end: until_on };
        if let Some(other) =
            self.of_customer().find(|one| !one.days().intersection(days).is_empty())
        {
            return Err(PauseRefused::AlreadyPaused { from: other.from_on, until: other.until_on });
        }
        if self.of_customer().filter(|one| one.until_on > today).count() >= MAX_INTENTS {
            return Err(PauseRefused::TooMany);
        }
        let pause = Pause { id, from_on, until_on, note, kind: PauseKind::Customer };
        self.pauses.push(pause.clone());
        self.pauses.sort_by_key(|pause| pause.from_on);
        self.changes += 1;
        self.state = self.state_on(today);
        Ok(Outcome::Applied(pause))
    }

    /// Ends the running pause on a day; a day on or before its first takes the pause back.
    ///
    /// # Errors
    /// [`PauseRefused`].
    pub fn resume(&mut self, today: Date, on: Date) -> Result<Outcome<Pause>, PauseRefused> {
        self.refuse_ended_by(on.max(today))?;
        if on < today {
            return Err(PauseRefused::TooEarly { on, earliest: today });
        }
        let find = |of: &dyn Fn(&Pause) -> bool| {
            self.pauses.iter().position(|one| one.kind == PauseKind::Customer && of(one))
        };
        let running = find(&|one| one.days().contains(today));
        let ending = |one: &Pause| one.from_on <= on && on <= one.until_on;
        let Some(position) = running.or_else(|| find(&ending)) else {
            return Err(PauseRefused::NotPaused { on });
        };
        let pause = &mut self.pauses[position];
        if on == pause.until_on {
            return Ok(Outcome::Unchanged);
        }
        if on > pause.until_on {
            let Pause { from_on: from, until_on: latest, .. } = *pause;
            return Err(PauseRefused::TooLong { from, until: on, latest });
        }
        pause.until_on = on;
        let ended = pause.clone();
        if ended.days().is_empty() {
            self.pauses.remove(position);
        }
        self.changes += 1;
        self.state = self.state_on(today);
        Ok(Outcome::Applied(ended))
    }

    /// What the customer paused.
    fn of_customer(&self) -> impl Iterator<Item = &Pause> {
        self.pauses.iter().filter(|pause| pause.kind == PauseKind::Customer)
    }

    /// Whether a pause of the customer contains a day.
    #[must_use]
    pub fn is_paused_on(&self, day: Date) -> bool {
        self.of_customer().any(|pause| pause.days().contains(day))
    }

    fn refuse_ended_by(&self, day: Date) -> Result<(), PauseRefused> {
        match self.ends_on() {
            Some(on) if on <= day => Err(PauseRefused::Ended { on }),
            _ if self.state == State::Cancelled => Err(PauseRefused::Ended { on: day }),
            _ => Ok(()),
        }
    }
}

/// What is to be paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPause {
    /// Identity of the pause.
    pub id: IntentId,
    /// First day that is not delivered.
    pub from_on: Date,
    /// First day that is delivered again; as late as allowed when absent.
    pub until_on: Option<Date>,
    /// In the customer's words.
    pub note: Option<String>,
}
