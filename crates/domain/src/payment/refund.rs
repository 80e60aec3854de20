//! Money that goes back by the way on which it was collected, and what a gateway's answers make of
//! it.
//!
//! Purpose: one place that says what an answer means when it comes, comes late, or comes twice.
//!
//! Invariants: a refund is committed before the gateway is called, and keeps its key: asking again
//! is sending again, and one effect. While it is open, its amount is set apart from the customer's
//! balance. Money that went is recorded once, however often it is told.
//!
//! Deliberately absent: money that a person pays back by itself, and refunds that do not arrive:
//! those are recorded by hand.

use chrono::{DateTime, Utc};

use super::Answer;
use super::attempt::{ASK_AFTER, under_way};
use crate::Outcome;
use crate::code::codes;
use crate::date::Date;
use crate::id::{AttemptId, CustomerId, PaymentId};
use crate::money::Money;

codes! {
    /// Where a refund stands.
    RefundState {
        /// It is about to be sent, or was sent and nobody has heard of it since.
        Submitting = "submitting",
        /// Under way.
        Accepted = "accepted",
        /// Nobody knows: the gateway is asked.
        Unknown = "unknown",
        /// The money went.
        Settled = "settled",
        /// It did not, and is the customer's balance as before.
        Declined = "declined",
    }
}

impl RefundState {
    /// Whether the money may still go.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Submitting | Self::Accepted | Self::Unknown)
    }
}

/// The raw code of a refund that was withdrawn.
const WITHDRAWN: &str = "cancelled";

/// Money that goes back by the way on which it was collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Identity, the key under which the gateway knows it, and the id of the payment that records
    /// it.
    pub id: PaymentId,
    /// The payment that collected it.
    pub payment_id: PaymentId,
    /// The attempt of that payment.
    pub attempt_id: AttemptId,
    /// To whom.
    pub customer_id: CustomerId,
    /// How much, above zero.
    pub amount: Money,
    /// Where it stands.
    pub state: RefundState,
    /// What a person remarked.
    pub note: Option<String>,
    /// The gateway's own reference.
    pub reference: Option<String>,
    /// Why it was declined.
    pub raw_code: Option<String>,
    /// When it was committed.
    pub submitted_at: DateTime<Utc>,
    /// When the gateway is asked next.
    pub ask_at: Option<DateTime<Utc>>,
    /// How often the gateway was asked in vain.
    pub asked: i32,
}

/// What an answer brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundEffect {
    /// The money went.
    Settled {
        /// Since when.
        on: Date,
        /// Whether it was set apart from the balance until now.
        was_apart: bool,
    },
    /// It will not go: it is no longer set apart.
    Declined,
    /// It is under way.
    Accepted,
    /// Nobody knows; the gateway is asked again at [`Refund::ask_at`].
    Unknown,
    /// Nobody knows, and asking has not helped: a person must find out.
    Lost,
}

impl Refund {
    /// Takes in an answer of the gateway, or of a person in its stead. `ask_again` is when the
    /// gateway wants to be asked next.
    pub fn answer(
        &mut self,
        answer: &Answer,
        ask_again: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Outcome<RefundEffect> {
        use RefundState as S;
        match (answer, self.state) {
            // What went is recorded, also when it had been given up.
            (Answer::Settled { on }, state) if state != S::Settled => {
                self.end(S::Settled, None);
                Outcome::Applied(RefundEffect::Settled { on: *on, was_apart: state.is_open() })
            }
            (Answer::Declined { code } | Answer::Bounced { code, .. }, state)
                if state.is_open() =>
            {
                self.end(S::Declined, Some(code));
                Outcome::Applied(RefundEffect::Declined)
            }
            (Answer::Cancelled, state) if state.is_open() => {
                self.end(S::Declined, Some(WITHDRAWN));
                Outcome::Applied(RefundEffect::Declined)
            }
            (Answer::Accepted, S::Submitting | S::Unknown) => {
                self.state = S::Accepted;
                self.ask_at = Some(under_way(ask_again, now));
                Outcome::Applied(RefundEffect::Accepted)
            }
            // It went on its way: nobody who does not know takes that back.
            (Answer::Accepted | Answer::Unknown | Answer::NotSent, S::Accepted) => {
                self.ask_at = Some(under_way(ask_again, now));
                Outcome::Unchanged
            }
            // Another one has asked in the meantime: that is one question, not two.
            (Answer::Unknown | Answer::NotSent, S::Unknown)
                if self.ask_at.is_some_and(|at| at > now) =>
            {
                Outcome::Unchanged
            }
            (Answer::Unknown | Answer::NotSent, S::Submitting | S::Unknown) => self.ask_later(now),
            _ => Outcome::Unchanged,
        }
    }

    /// What never left is asked about, and so sent, again like what nobody knows.
    fn ask_later(&mut self, now: DateTime<Utc>) -> Outcome<RefundEffect> {
        let wait = usize::try_from(self.asked).ok().and_then(|asked| ASK_AFTER.get(asked));
        self.state = RefundState::Unknown;
        self.ask_at = wait.map(|wait| now + *wait);
        self.asked = self.asked.saturating_add(1);
        Outcome::Applied(if wait.is_some() { RefundEffect::Unknown } else { RefundEffect::Lost })
    }

    fn end(&mut self, state: RefundState, code: Option<&str>) {
        self.state = state;
        self.ask_at = None;
        self.raw_code = code.map(str::to_owned);
    }
}

#[cfg(test)]
#[path = "refund_tests.rs"]
mod tests;
