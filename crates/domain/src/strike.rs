//! Strikes: what a customer did that counts against it.
//!
//! Purpose: a strike is a fact with points; enough points within twelve months are a reason to
//! propose to a person that the customer be blocked.
//!
//! Invariants: a strike never changes and lapses by itself: what counts is a function of the strikes
//! and today. The same failure, lost cycle or fraud counts once.
//!
//! Deliberately absent: blocking, which a person does ([`crate::decision`]); what an objection is
//! worth, which the table of reasons says ([`crate::failure`]).

use crate::code::codes;
use crate::date::{self, Date};
use crate::id::{AttemptId, CustomerId, InvoiceId, StrikeId};

codes! {
    /// What a strike is for.
    StrikeReason {
        /// Everything that the policy does about an invoice was done, and it is still not paid.
        LostCycle = "lost_cycle",
        /// The payer objected to a collection or had it taken back.
        Objection = "objection",
        /// A person recorded fraud.
        Fraud = "fraud",
    }
}

/// What a lost cycle is worth.
pub const LOST_CYCLE_POINTS: u32 = 1;
/// What fraud is worth: enough by itself.
pub const FRAUD_POINTS: u32 = THRESHOLD;
/// From how many points on a block is proposed.
pub const THRESHOLD: u32 = 5;
/// For how many months a strike counts.
pub const MONTHS: u32 = 12;

/// Something that counts against a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strike {
    /// Identity.
    pub id: StrikeId,
    /// Against whom.
    pub customer_id: CustomerId,
    /// What for.
    pub what: Offence,
    /// What it is worth.
    pub points: u32,
    /// The day from which it counts.
    pub on: Date,
}

/// What a strike is for, with what makes it one and the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offence {
    /// A cycle was lost.
    LostCycle {
        /// On this invoice.
        invoice_id: InvoiceId,
        /// The day from which its steps were counted.
        day_zero: Date,
    },
    /// The payer objected.
    Objection {
        /// To this attempt.
        attempt_id: AttemptId,
        /// At this invoice.
        invoice_id: InvoiceId,
    },
    /// A person recorded fraud; once per customer and day.
    Fraud {
        /// With this invoice, where it was one.
        invoice_id: Option<InvoiceId>,
        /// What happened, for people.
        note: String,
        /// Who recorded it: the name of the key.
        by: String,
    },
}

impl Offence {
    /// Its name.
    #[must_use]
    pub const fn reason(&self) -> StrikeReason {
        match self {
            Self::LostCycle { .. } => StrikeReason::LostCycle,
            Self::Objection { .. } => StrikeReason::Objection,
            Self::Fraud { .. } => StrikeReason::Fraud,
        }
    }

    /// The invoice that it is about.
    #[must_use]
    pub const fn invoice_id(&self) -> Option<InvoiceId> {
        match self {
            Self::LostCycle { invoice_id, .. } | Self::Objection { invoice_id, .. } => {
                Some(*invoice_id)
            }
            Self::Fraud { invoice_id, .. } => *invoice_id,
        }
    }
}

impl Strike {
    /// The first day on which it no longer counts.
    #[must_use]
    pub fn lapses_on(&self) -> Date {
        lapses_on(self.on)
    }
}

fn lapses_on(on: Date) -> Date {
    date::add_months(on, MONTHS)
}

/// What strikes are worth today, each with its day and its points.
#[must_use]
pub fn points(strikes: &[(Date, u32)], today: Date) -> u32 {
    let counting = strikes.iter().filter(|(on, _)| today < lapses_on(*on));
    counting.map(|(_, points)| *points).fold(0, u32::saturating_add)
}

/// Whether that many points are a reason to propose a block.
#[must_use]
pub const fn proposes_block(points: u32) -> bool {
    points >= THRESHOLD
}

#[cfg(test)]
#[path = "strike_tests.rs"]
mod tests;
