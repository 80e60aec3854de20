//! Payments: how customers pay, what gateways answer, and money that came or went.
//!
//! Purpose: the words that the rooms of collecting, receiving and dunning share.
//!
//! Invariants: a [`Payment`] is a fact; its allocations add up to its amount. Amounts are signed:
//! positive is money that came in. What comes later of it (money that is matched, money that goes
//! back) is another fact.
//!
//! Deliberately absent: when to try again (the dunning policy), talking to gateways (`app`), fees
//! for paying late: none are charged.

pub mod allocation;
pub mod reference;
pub mod refund;
pub mod write_off;

pub mod attempt;

use crate::code::codes;
use crate::date::Date;
use crate::id::{AttemptId, CustomerId, InvoiceId, PaymentId};
use crate::money::Money;

codes! {
    /// The way in which money moves.
    Scheme {
        /// The vendor collects from a bank account, by mandate.
        DirectDebit = "direct_debit",
        /// The vendor charges a card.
        Card = "card",
        /// The customer pays by itself.
        BankTransfer = "bank_transfer",
    }
}

/// What a gateway says about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is under way; the end of it is days away.
    Accepted,
    /// The money is there.
    Settled {
        /// Since when.
        on: Date,
    },
    /// It will not come.
    Declined {
        /// The scheme's raw code.
        code: String,
    },
    /// It had come and went back.
    Bounced {
        /// The scheme's raw code.
        code: String,
        /// Since when.
        on: Date,
        /// What the bank asks for it.
        fee: Option<Money>,
    },
    /// It was withdrawn before it was collected.
    Cancelled,
    /// It never left: sending it again is safe.
    NotSent,
    /// Nobody knows; only a query can tell.
    Unknown,
}

codes! {
    /// Which way and why money moved.
    PaymentKind {
        /// The customer paid by itself.
        Receipt = "receipt",
        /// An attempt to collect was settled.
        Collection = "collection",
        /// What was collected went back.
        Bounce = "bounce",
        /// The vendor paid back.
        Refund = "refund",
        /// What the vendor paid back did not arrive.
        RefundReturned = "refund_returned",
    }
}

/// Money that came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Identity.
    pub id: PaymentId,
    /// Whose money; absent while it matches nobody.
    pub customer_id: Option<CustomerId>,
    /// Which way and why.
    pub kind: PaymentKind,
    /// How much; negative when it went out.
    pub amount: Money,
    /// The bank's date.
    pub booked_on: Date,
    /// The attempt that collected it, or whose money went back.
    pub attempt_id: Option<AttemptId>,
    /// The payment that it takes back.
    pub reverses: Option<PaymentId>,
    /// Whether it was posted as under way before: a direct debit that had been accepted.
    pub in_transit: bool,
    /// What the bank asked for it, besides; above zero.
    pub fee: Option<Money>,
    /// What the payer or the bank wrote.
    pub reference: Option<String>,
    /// Who paid, as the bank names it.
    pub payer_name: Option<String>,
    /// What a person remarked.
    pub note: Option<String>,
    /// The bank's own name of the movement: counted once.
    pub external_id: Option<String>,
    /// Where it went.
    pub allocations: Vec<Allocation>,
}

/// A part of a payment and where it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation {
    /// Where.
    pub target: Target,
    /// How much; negative when it is taken from there.
    pub amount: Money,
}

/// Where a part of a payment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Pays off an invoice.
    Invoice(InvoiceId),
    /// Pays an invoice after all that was written off.
    WrittenOff(InvoiceId),
    /// The customer's balance.
    Balance,
    /// Nowhere yet: it matches nothing.
    Unmatched,
}

impl Target {
    /// The invoice that it pays, if it pays one.
    #[must_use]
    pub fn invoice_id(self) -> Option<InvoiceId> {
        match self {
            Self::Invoice(id) | Self::WrittenOff(id) => Some(id),
            Self::Balance | Self::Unmatched => None,
        }
    }
}
