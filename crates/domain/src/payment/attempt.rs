//! Attempts to collect an invoice, and what a gateway's answers make of them.
//!
//! Purpose: one place that says what an answer means when it comes, comes late, comes twice, or
//! contradicts an earlier one.
//!
//! Invariants: an attempt is committed before the gateway is called. Money that came is recorded
//! once, however often it is reported; money that went back likewise. What a gateway says after an
//! attempt is settled changes nothing, unless it says that the money went back. Only a query
//! resolves what nobody knows.
//!
//! Deliberately absent: when the next attempt is made ([`crate::dunning`]), the gateways.

use chrono::{DateTime, Duration, Utc};

use super::{Answer, Scheme};
use crate::Outcome;
use crate::code::codes;
use crate::date::Date;
use crate::failure::FailureClass;
use crate::id::{AttemptId, CustomerId, InvoiceId, PaymentMethodId};
use crate::money::Money;

codes! {
    /// Where an attempt stands.
    AttemptState {
        /// It is about to be sent, or was sent and nobody has heard of it since.
        Submitting = "submitting",
        /// Under way.
        Accepted = "accepted",
        /// Nobody knows: the gateway is asked.
        Unknown = "unknown",
        /// The money is there.
        Settled = "settled",
        /// It was declined, at once or after it was accepted.
        Declined = "declined",
        /// It never left.
        NotSent = "not_sent",
        /// It was withdrawn.
        Cancelled = "cancelled",
        /// The money came and went back.
        Bounced = "bounced",
    }
}

impl AttemptState {
    /// Whether it may still bring money by itself, so that no other attempt may be made.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Submitting | Self::Accepted | Self::Unknown)
    }
}

/// An attempt to collect what is open on an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Identity, and the key under which the gateway knows it.
    pub id: AttemptId,
    /// Of which invoice.
    pub invoice_id: InvoiceId,
    /// Of whom.
    pub customer_id: CustomerId,
    /// 1, 2, 3 ... within the invoice.
    pub number: i32,
    /// By which way of paying.
    pub method_id: PaymentMethodId,
    /// Its scheme.
    pub scheme: Scheme,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: AttemptState,
    /// Whether the ledger has it in transit: it was accepted, and has not come to an end.
    pub in_transit: bool,
    /// The gateway's own reference.
    pub reference: Option<String>,
    /// The scheme's raw code of its failure.
    pub raw_code: Option<String>,
    /// The class of its failure.
    pub class: Option<FailureClass>,
    /// When it was committed.
    pub submitted_at: DateTime<Utc>,
    /// When the gateway is asked next.
    pub ask_at: Option<DateTime<Utc>>,
    /// How often the gateway was asked in vain.
    pub asked: i32,
    /// When its withdrawal was decided: the invoice was paid otherwise.
    pub withdrawn_at: Option<DateTime<Utc>>,
}

/// What an answer brought about, for the books and for what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It is under way: to be posted as in transit.
    Accepted,
    /// The money is there.
    Settled {
        /// Since when.
        on: Date,
        /// It was in transit before.
        from_transit: bool,
    },
    /// It failed.
    Failed {
        /// The scheme's raw code.
        code: String,
        /// It was in transit before.
        from_transit: bool,
    },
    /// The money went back.
    Bounced {
        /// The scheme's raw code.
        code: String,
        /// Since when.
        on: Date,
        /// What the bank asks for it.
        fee: Option<Money>,
    },
    /// It was withdrawn.
    Cancelled {
        /// It was in transit before.
        from_transit: bool,
    },
    /// It never left.
    NotSent,
    /// Nobody knows; the gateway is asked again at [`Attempt::ask_at`].
    Unknown,
    /// Nobody knows, and asking has not helped: a person must find out.
    Lost,
}

/// After how long the gateway is asked about an attempt of which nobody knows: five minutes, an
/// hour, then daily for five days, then a person decides.
pub const ASK_AFTER: [Duration; 7] = [
    Duration::minutes(5),
    Duration::hours(1),
    Duration::days(1),
    Duration::days(1),
    Duration::days(1),
    Duration::days(1),
    Duration::days(1),
];

/// How often a gateway is asked about an attempt that is under way, when it does not say when.
const ASK_UNDER_WAY: Duration = Duration::days(1);

impl Attempt {
    /// Takes in an answer of the gateway, or of a person in its stead. `ask_again` is when the
    /// gateway wants to be asked next.
    pub fn answer(
        &mut self,
        answer: &Answer,
        class_of: impl Fn(&str) -> FailureClass,
        ask_again: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Outcome<Effect> {
        use AttemptState as S;
        let was_unknown = matches!(self.state, S::Submitting | S::Unknown);
        match (answer, self.state) {
            // Money that went back is recorded once, and only money that had come.
            (Answer::Bounced { code, on, fee }, S::Settled) => {
                self.fail(S::Bounced, code, class_of(code));
                self.ask_at = ask_again.filter(|at| *at > now);
                Outcome::Applied(Effect::Bounced { code: code.clone(), on: *on, fee: *fee })
            }
            // It was never heard that it had come: then nothing came.
            (Answer::Bounced { code, .. } | Answer::Declined { code }, state)
                if state.is_open() =>
            {
                let from_transit = self.in_transit;
                self.fail(S::Declined, code, class_of(code));
                self.ask_at = ask_again.filter(|at| *at > now);
                Outcome::Applied(Effect::Failed { code: code.clone(), from_transit })
            }
            // Money is money, also when it was given up.
            (
                Answer::Settled { on },
                S::Submitting | S::Accepted | S::Unknown | S::Declined | S::NotSent | S::Cancelled,
            ) => {
                let from_transit = self.in_transit;
                self.settle(ask_again, now);
                Outcome::Applied(Effect::Settled { on: *on, from_transit })
            }
            (Answer::Accepted, _) if was_unknown => {
                self.state = S::Accepted;
                self.in_transit = true;
                // Withdrawn while it was on its way: it is asked back at once.
                let withdrawn = self.withdrawn_at.map(|_| now);
                self.ask_at = Some(withdrawn.unwrap_or_else(|| under_way(ask_again, now)));
                self.asked = 0;
                Outcome::Applied(Effect::Accepted)
            }
            (Answer::Cancelled, state) if state.is_open() => {
                let from_transit = self.in_transit;
                self.end(S::Cancelled);
                Outcome::Applied(Effect::Cancelled { from_transit })
            }
            (Answer::NotSent, _) if was_unknown => {
                self.end(S::NotSent);
                Outcome::Applied(Effect::NotSent)
            }
            // Another one has asked in the meantime: that is one question, not two.
            (Answer::Unknown, S::Unknown) if self.ask_at.is_some_and(|at| at > now) => {
                Outcome::Unchanged
            }
            (Answer::Unknown, _) if was_unknown => self.ask_later(now),
            // Under way still, or settled still: look again when the gateway says so.
            (Answer::Accepted | Answer::Unknown | Answer::NotSent, S::Accepted) => {
                self.ask_at = Some(under_way(ask_again, now));
                Outcome::Unchanged
            }
            (_, state) if !state.is_open() => {
                self.ask_at = ask_again.or(self.ask_at).filter(|at| *at > now);
                Outcome::Unchanged
            }
            _ => Outcome::Unchanged,
        }
    }

    fn ask_later(&mut self, now: DateTime<Utc>) -> Outcome<Effect> {
        let wait = usize::try_from(self.asked).ok().and_then(|asked| ASK_AFTER.get(asked));
        self.state = AttemptState::Unknown;
        self.ask_at = wait.map(|wait| now + *wait);
        self.asked = self.asked.saturating_add(1);
        Outcome::Applied(if wait.is_some() { Effect::Unknown } else { Effect::Lost })
    }

    fn settle(&mut self, ask_again: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        let planned = self.ask_at;
        self.end(AttemptState::Settled);
        self.raw_code = None;
        self.class = None;
        // Who reports it in the gateway's stead does not say when to ask.
        self.ask_at = ask_again.or(planned).filter(|at| *at > now);
    }

    fn end(&mut self, state: AttemptState) {
        self.state = state;
        self.in_transit = false;
        self.ask_at = None;
    }

    fn fail(&mut self, state: AttemptState, code: &str, class: FailureClass) {
        self.end(state);
        self.raw_code = Some(code.to_owned());
        self.class = Some(class);
    }
}

/// When the gateway is asked about what is under way: never in the past, or it would be asked
/// without end.
pub(super) fn under_way(ask_again: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    ask_again.filter(|at| *at > now).unwrap_or(now + ASK_UNDER_WAY)
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
