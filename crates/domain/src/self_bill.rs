//! Self-billing: documents of what investors are credited, issued by the vendor in their name.
//!
//! Purpose: which document a credit becomes, its lines and its VAT.
//!
//! Sources: Directive 2006/112/EC art. 224 (self-billing); UNTDID 1001 codes 389 and 261.
//!
//! Deliberately absent: how much is credited ([`crate::share`]), paying it ([`crate::payout`]).

use rust_decimal::Decimal;

use crate::code::codes;
use crate::date::Date;
use crate::id::{CustomerId, InvestmentId};
use crate::investment::ShareTreatment;
use crate::money::Money;

codes! {
    /// What a document of a credit is.
    SelfBillKind {
        /// Self-billing invoice (UNTDID 1001 code 389).
        Invoice = "invoice",
        /// Self-billed credit note (261): takes back.
        CreditNote = "credit_note",
        /// Payout statement: the credit is outside the scope of VAT.
        Statement = "statement",
        /// Advice of a credit without VAT, for which the investor sends its own invoice.
        Advice = "advice",
    }
}

codes! {
    /// Whether the investor agrees with a document that was issued in its name.
    SelfBillAcceptance {
        /// It is not asked: the document is no invoice.
        NotAsked = "not_asked",
        /// It has not said anything yet.
        Waiting = "waiting",
        /// It agrees, or was silent for long enough.
        Accepted = "accepted",
        /// It does not.
        Rejected = "rejected",
    }
}

/// What an investment is credited for a month: a line of a document to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// To which investment.
    pub investment_id: InvestmentId,
    /// Whose it is.
    pub investor_id: CustomerId,
    /// How it is taxed.
    pub vat_treatment: ShareTreatment,
    /// The feature, as people name it.
    pub title: String,
    /// The first day of the month.
    pub month: Date,
    /// What others paid for the feature in it.
    pub revenue: Money,
    /// The investment's part of it, in percent.
    pub share_percent: Decimal,
    /// What is credited, without VAT; above zero.
    pub amount: Money,
    /// The principal in it; the rest is return.
    pub principal: Money,
}
