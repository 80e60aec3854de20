//! What an event says about collecting an invoice.
//!
//! Invariants: of what pays, the scheme alone; no account, no card, no token.

use serde::{Deserialize, Serialize};

use super::{DocumentFacts, EventKind, stored};
use crate::date::Date;
use crate::dunning::Action;
use crate::failure::FailureClass;
use crate::money::Money;
use crate::payment::Scheme;
use crate::reminder::{Letter, Message};

/// What is being done about an invoice, as others need to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionFacts {
    /// The invoice.
    pub document: DocumentFacts,
    /// How it is paid.
    #[serde(default)]
    pub scheme: Option<Scheme>,
    /// Why the last attempt failed; nothing when none did.
    #[serde(default)]
    pub class: Option<FailureClass>,
    /// The scheme's raw code of that failure.
    #[serde(default)]
    pub raw_code: Option<String>,
    /// Which attempt failed: 1, 2, 3 ...; of other events, how many there were.
    #[serde(default)]
    pub attempt: i32,
    /// When something happens next by itself.
    #[serde(default)]
    pub next_on: Option<Date>,
    /// The step of the policy that this is.
    #[serde(default)]
    pub step: Option<Action>,
    /// By which the customer may pay by itself.
    #[serde(default)]
    pub one_off: Option<OneOffFacts>,
    /// What to tell the customer.
    #[serde(default)]
    pub message: Option<Message>,
}

/// A one-off payment of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneOffFacts {
    /// What the payment is to say.
    pub reference: String,
    /// How much is to be paid.
    #[serde(with = "stored::money")]
    pub amount: Money,
}

/// The event of a letter to a customer.
#[must_use]
pub const fn of_letter(letter: Letter) -> EventKind {
    match letter {
        Letter::Friendly | Letter::Reminder | Letter::Second | Letter::Final => {
            EventKind::PaymentReminder
        }
        Letter::Details => EventKind::DetailsNeeded,
        Letter::Stopped => EventKind::PaymentStopped,
        Letter::Contact => EventKind::ContactNeeded,
        Letter::OneOff => EventKind::OneOffPaymentOffered,
    }
}
