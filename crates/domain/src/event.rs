//! Events: what other systems act on.
//!
//! Purpose: what happened, to whom, from which day on, with what a stock or ERP system needs to act
//! without asking back; and which events a change of a subscription's state is.
//!
//! Invariants: an event is a fact; it says how things were right after what happened. Its payload is
//! kept as JSON, so a field is added with a default and never changes its meaning.
//!
//! Deliberately absent: the order of events and how they are read (`store::event`, `app::event`).

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::code::codes;
use crate::date::Date;
use crate::id::{
    CustomerId, EventId, InvestmentId, InvoiceId, PaymentId, PlanId, PlanVersionId, ProductId,
    SelfBillId, SubscriptionId,
};
use crate::invoice::DocumentKind;
use crate::money::{Currency, Money};
use crate::subscription::{State, Turn};

mod collection;
mod investment;
mod refund;
mod stored;

pub use self::collection::{CollectionFacts, OneOffFacts, of_letter};
pub use self::investment::{InvestmentFacts, PayoutFacts};
pub use self::refund::RefundFacts;

codes! {
    /// What happened.
    EventKind {
        /// Service began, with a trial or without.
        SubscriptionStarted = "subscription_started",
        /// The trial ended and the first paid period began.
        SubscriptionTrialConverted = "subscription_trial_converted",
        /// Another period began.
        SubscriptionRenewed = "subscription_renewed",
        /// Plan or quantities are others.
        SubscriptionChanged = "subscription_changed",
        /// Service stopped for a time.
        SubscriptionPaused = "subscription_paused",
        /// Service goes on after a pause.
        SubscriptionResumed = "subscription_resumed",
        /// Service was taken away because money is missing.
        SubscriptionSuspended = "subscription_suspended",
        /// Service goes on after a suspension.
        SubscriptionRestored = "subscription_restored",
        /// An end was set, or its reason changed.
        SubscriptionCancellationPlanned = "subscription_cancellation_planned",
        /// The end that was set was taken back.
        SubscriptionCancellationUndone = "subscription_cancellation_undone",
        /// Service has ended.
        SubscriptionCancelled = "subscription_cancelled",
        /// An invoice has its number.
        InvoiceFinalized = "invoice_finalized",
        /// A credit note has its number.
        CreditNoteFinalized = "credit_note_finalized",
        /// Nothing of an invoice is open any more.
        InvoiceSettled = "invoice_settled",
        /// Something of a settled invoice is to be paid again: a payment went back.
        InvoiceReopened = "invoice_reopened",
        /// What is open on an invoice is not expected any more.
        InvoiceWrittenOff = "invoice_written_off",
        /// An attempt to collect an invoice failed, or its money went back.
        PaymentFailed = "payment_failed",
        /// An invoice is overdue from now on.
        InvoiceOverdue = "invoice_overdue",
        /// A reminder is to be sent: friendly, first, second or last.
        PaymentReminder = "payment_reminder",
        /// The customer is to be asked for other payment details.
        DetailsNeeded = "details_needed",
        /// The customer is to be told how to lift a stop on direct debits.
        PaymentStopped = "payment_stopped",
        /// The customer objects and is to be contacted.
        ContactNeeded = "contact_needed",
        /// The customer is offered a payment outside the mandate.
        OneOffPaymentOffered = "one_off_payment_offered",
        /// The terms of an investment hold, and its principal was invoiced.
        InvestmentAccepted = "investment_accepted",
        /// An investment will not be made after all.
        InvestmentWithdrawn = "investment_withdrawn",
        /// The principal was paid in full.
        InvestmentFunded = "investment_funded",
        /// As much as the principal was credited.
        InvestmentRecouped = "investment_recouped",
        /// A feature is the vendor's alone: all investments in it were recouped. One event for each
        /// of them.
        FeatureOwnershipPassed = "feature_ownership_passed",
        /// Principal and return were credited.
        InvestmentCompleted = "investment_completed",
        /// More was credited than there is left to share: what follows is set off.
        InvestmentReopened = "investment_reopened",
        /// An investor was credited, or something of it was taken back: there is a document.
        SelfBillIssued = "self_bill_issued",
        /// A payout was handed to the bank.
        PayoutSent = "payout_sent",
        /// A payout has arrived.
        PayoutSettled = "payout_settled",
        /// A payout went back.
        PayoutBounced = "payout_bounced",
        /// Money went back to a customer.
        PaymentRefunded = "payment_refunded",
        /// Money that was to go back to a customer did not, or did not arrive: it is the customer's
        /// balance again.
        RefundFailed = "refund_failed",
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Identity.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// When it was recorded, by the organization's clock.
    pub occurred_at: DateTime<Utc>,
    /// The local date from which on it holds; it may lie before or after the recording.
    pub effective_on: Date,
    /// Whom it concerns.
    pub customer_id: CustomerId,
    /// What it is about.
    pub subject: Subject,
}

/// What an event is about, as it was right after what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A subscription.
    Subscription(SubscriptionFacts),
    /// An invoice or a credit note.
    Document(DocumentFacts),
    /// What is being done about an invoice that is to be paid.
    Collection(Box<CollectionFacts>),
    /// An investment.
    Investment(InvestmentFacts),
    /// What an investor is credited and paid.
    Payout(PayoutFacts),
    /// Money that goes back to a customer.
    Refund(RefundFacts),
}

/// A subscription, as others need to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionFacts {
    /// Which.
    pub id: SubscriptionId,
    /// Its plan.
    pub plan_id: PlanId,
    /// The version of the plan.
    pub version_id: PlanVersionId,
    /// Where it stands.
    pub state: State,
    /// Currency of its prices.
    #[serde(with = "stored::currency")]
    pub currency: Currency,
    /// What is delivered.
    pub items: Vec<ItemFacts>,
    /// When the next paid period begins; absent when none does.
    pub next_renewal_on: Option<Date>,
    /// First day that is no longer delivered, if an end is set.
    pub ends_on: Option<Date>,
}

/// One component of a subscription, as others need to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemFacts {
    /// What is delivered.
    pub product_id: ProductId,
    /// Its name within the plan.
    pub component: String,
    /// How many.
    #[serde(with = "rust_decimal::serde::str")]
    pub quantity: Decimal,
}

/// A document, as others need to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentFacts {
    /// Which.
    pub id: InvoiceId,
    /// Its number.
    pub number: String,
    /// Invoice or credit note.
    pub kind: DocumentKind,
    /// The date on which it was issued.
    pub issue_on: Date,
    /// The date by which it is to be paid.
    pub due_on: Date,
    /// Including VAT.
    #[serde(with = "stored::money")]
    pub total: Money,
    /// What is still to be paid.
    #[serde(with = "stored::money")]
    pub open: Money,
}

impl Subject {
    /// The subscription it is about, if it is about one.
    #[must_use]
    pub fn subscription_id(&self) -> Option<SubscriptionId> {
        match self {
            Self::Subscription(facts) => Some(facts.id),
            _ => None,
        }
    }

    /// The document it is about, if it is about one.
    #[must_use]
    pub fn invoice_id(&self) -> Option<InvoiceId> {
        match self {
            Self::Document(facts) => Some(facts.id),
            Self::Collection(facts) => Some(facts.document.id),
            _ => None,
        }
    }

    /// The investment it is about, if it is about one.
    #[must_use]
    pub fn investment_id(&self) -> Option<InvestmentId> {
        match self {
            Self::Investment(facts) => Some(facts.id),
            _ => None,
        }
    }

    /// The document of a credit that it is about, if it is about one.
    #[must_use]
    pub fn self_bill_id(&self) -> Option<SelfBillId> {
        match self {
            Self::Payout(facts) => Some(facts.self_bill_id),
            _ => None,
        }
    }

    /// The refund it is about, if it is about one.
    #[must_use]
    pub fn payment_id(&self) -> Option<PaymentId> {
        match self {
            Self::Refund(facts) => Some(facts.id),
            _ => None,
        }
    }
}

/// The event of something that happened by itself.
#[must_use]
pub fn of_turn(turn: Turn) -> EventKind {
    match turn {
        Turn::Started => EventKind::SubscriptionStarted,
        Turn::Converted => EventKind::SubscriptionTrialConverted,
        Turn::Changed => EventKind::SubscriptionChanged,
        Turn::Paused => EventKind::SubscriptionPaused,
        Turn::Resumed => EventKind::SubscriptionResumed,
        Turn::Ended => EventKind::SubscriptionCancelled,
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
