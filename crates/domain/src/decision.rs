//! Decisions: what automation proposes and a person decides.
//!
//! Purpose: some things are not done by a rule alone: to block a customer, to write an invoice off.
//! The rules propose them, with what a person needs to know; a person confirms or rejects.
//!
//! Invariants: decided once; saying the same again changes nothing, and what was decided is not
//! turned around. What has been overtaken by events is obsolete, and stays so.
//!
//! Deliberately absent: when something is proposed ([`crate::strike`], [`crate::dunning`]); carrying
//! it out.

use crate::Outcome;
use crate::code::codes;
use crate::date::{self, Date};
use crate::failure::FailureClass;
use crate::id::{CustomerId, DecisionId, InvoiceId};
use crate::money::Money;

codes! {
    /// What is proposed.
    DecisionKind {
        /// To block the customer.
        Block = "block",
        /// To write the invoice off.
        WriteOff = "write_off",
    }
}

codes! {
    /// Where a decision stands.
    DecisionState {
        /// A person is to decide.
        Open = "open",
        /// A person confirmed it, and it was done.
        Confirmed = "confirmed",
        /// A person rejected it.
        Rejected = "rejected",
        /// There is nothing to decide any more.
        Obsolete = "obsolete",
    }
}

codes! {
    /// What a person says.
    Verdict {
        /// It is to be done.
        Confirm = "confirm",
        /// It is not to be done.
        Reject = "reject",
    }
}

/// For how many months a block holds when nobody says how long.
pub const BLOCK_MONTHS: u32 = 12;

/// Something that is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Identity.
    pub id: DecisionId,
    /// About whom.
    pub customer_id: CustomerId,
    /// What is proposed.
    pub proposed: Proposed,
    /// In words, for people.
    pub why: String,
    /// Since when.
    pub proposed_on: Date,
    /// Where it stands.
    pub state: DecisionState,
    /// The day on which it was decided or became obsolete.
    pub closed_on: Option<Date>,
    /// Who decided, and what they said.
    pub decided: Option<Decided>,
}

/// What is proposed, with the facts that a person needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposed {
    /// To block the customer.
    Block {
        /// The points of its strikes.
        points: u32,
        /// The invoice whose policy asks for it, where it is that.
        invoice_id: Option<InvoiceId>,
    },
    /// To write an invoice off.
    WriteOff {
        /// Which.
        invoice_id: InvoiceId,
        /// What is open on it.
        amount: Money,
        /// Why its money did not come; nothing where the customer pays by itself.
        class: Option<FailureClass>,
        /// Since when it is missing.
        day_zero: Date,
    },
}

impl Proposed {
    /// Its name.
    #[must_use]
    pub const fn kind(&self) -> DecisionKind {
        match self {
            Self::Block { .. } => DecisionKind::Block,
            Self::WriteOff { .. } => DecisionKind::WriteOff,
        }
    }

    /// The invoice that it is about.
    #[must_use]
    pub const fn invoice_id(&self) -> Option<InvoiceId> {
        match self {
            Self::Block { invoice_id, .. } => *invoice_id,
            Self::WriteOff { invoice_id, .. } => Some(*invoice_id),
        }
    }
}

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The name of the key.
    pub by: String,
    /// In words, for people.
    pub note: Option<String>,
}

/// Why a decision is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecisionRefused {
    /// It was decided otherwise.
    #[error("it was {state} on {on}: what was decided is not turned around")]
    AlreadyDecided {
        /// What was decided.
        state: DecisionState,
        /// When.
        on: Date,
    },
}

impl Decision {
    /// Of something that is proposed today.
    #[must_use]
    pub const fn propose(
        id: DecisionId,
        customer_id: CustomerId,
        proposed: Proposed,
        why: String,
        today: Date,
    ) -> Self {
        Self {
            id,
            customer_id,
            proposed,
            why,
            proposed_on: today,
            state: DecisionState::Open,
            closed_on: None,
            decided: None,
        }
    }

    /// Decides. Saying the same again changes nothing, nor does deciding what is obsolete.
    ///
    /// # Errors
    /// [`DecisionRefused::AlreadyDecided`] when it was decided otherwise.
    pub fn decide(
        &mut self,
        verdict: Verdict,
        decided: Decided,
        today: Date,
    ) -> Result<Outcome<()>, DecisionRefused> {
        let wanted = match verdict {
            Verdict::Confirm => DecisionState::Confirmed,
            Verdict::Reject => DecisionState::Rejected,
        };
        match self.state {
            DecisionState::Open => {
                self.state = wanted;
                self.closed_on = Some(today);
                self.decided = Some(decided);
                Ok(Outcome::Applied(()))
            }
            DecisionState::Obsolete => Ok(Outcome::Unchanged),
            state if state == wanted => Ok(Outcome::Unchanged),
            state => {
                let on = self.closed_on.unwrap_or(self.proposed_on);
                Err(DecisionRefused::AlreadyDecided { state, on })
            }
        }
    }

    /// There is nothing to decide any more.
    pub fn outdate(&mut self, today: Date) -> Outcome<()> {
        if self.state != DecisionState::Open {
            return Outcome::Unchanged;
        }
        self.state = DecisionState::Obsolete;
        self.closed_on = Some(today);
        Outcome::Applied(())
    }
}

/// When a block ends whose end nobody named.
#[must_use]
pub fn block_ends(today: Date) -> Date {
    date::add_months(today, BLOCK_MONTHS)
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
