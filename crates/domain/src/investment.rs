//! Investments: what customers pay to have a feature built first, and what they get for it.
//!
//! Purpose: the terms of an investment, where it stands, and the agreement by which the vendor
//! issues the investor's invoices.
//!
//! Invariants: cap = principal and return, rounded once; nothing is credited beyond it.
//!
//! Deliberately absent: the monthly share ([`crate::share`]), its documents
//! ([`crate::self_bill`]), paying it ([`crate::payout`]).

use rust_decimal::Decimal;

use crate::code::codes;
use crate::date::Date;
use crate::id::{AgreementId, CustomerId, FeatureId, InvestmentId, InvoiceId};
use crate::money::Money;

codes! {
    /// Where an investment stands.
    InvestmentState {
        /// Its terms are proposed.
        Proposed = "proposed",
        /// Its terms hold, and its principal is invoiced.
        Accepted = "accepted",
        /// Its principal was paid in full.
        Funded = "funded",
        /// Something was credited, less than the principal.
        Recouping = "recouping",
        /// As much as the principal was credited.
        Recouped = "recouped",
        /// Principal and return were credited.
        Completed = "completed",
        /// It was given up before it was funded.
        Withdrawn = "withdrawn",
    }
}

codes! {
    /// When what others pay for a feature counts.
    Basis {
        /// When money has come, in proportion to what of the invoice was paid.
        Collected = "collected",
        /// When it is invoiced.
        Invoiced = "invoiced",
        /// When money has come and is 56 days old.
        CollectedAndAged = "collected_and_aged",
    }
}

codes! {
    /// How what an investor is credited is taxed.
    ShareTreatment {
        /// The investor is a VAT entrepreneur in the vendor's country: the rate in force.
        WithVat = "with_vat",
        /// The investor uses the small business scheme: no VAT.
        SmallBusiness = "small_business",
        /// The investor is a VAT entrepreneur in another EU country: the vendor accounts for it.
        ReverseCharge = "reverse_charge",
        /// Outside the scope of VAT: a loan, a private person. No invoice.
        OutsideScope = "outside_scope",
    }
}

codes! {
    /// How an investor agrees with a document that was issued in its name.
    Acceptance {
        /// It says so.
        Explicit = "explicit",
        /// It says nothing for a number of days.
        Silent = "silent",
    }
}

/// What a customer paid, or is to pay, to have a feature built first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Investment {
    /// Identity.
    pub id: InvestmentId,
    /// In what.
    pub feature_id: FeatureId,
    /// Whose.
    pub investor_id: CustomerId,
    /// What is paid for it, without VAT; above zero.
    pub principal: Money,
    /// Percent of the feature's revenue: above 0, at most 100.
    pub share_percent: Decimal,
    /// Percent of the principal, beyond it: 0 to 100.
    pub return_percent: Decimal,
    /// What is credited at most.
    pub cap: Money,
    /// When what others pay counts.
    pub basis: Basis,
    /// How its payments are taxed.
    pub vat_treatment: ShareTreatment,
    /// Where it stands.
    pub state: InvestmentState,
    /// When it was proposed.
    pub proposed_on: Date,
    /// Since when its terms hold.
    pub accepted_on: Option<Date>,
    /// When it was given up.
    pub withdrawn_on: Option<Date>,
    /// Since when the feature may be sold to others, as far as this investor is concerned.
    pub consent_on: Option<Date>,
    /// The invoice of its principal.
    pub invoice_id: Option<InvoiceId>,
    /// The day on which its principal was paid in full.
    pub funded_on: Option<Date>,
    /// The day of the credit by which its principal was credited, the first time.
    pub recouped_on: Option<Date>,
    /// The day of the credit by which everything was credited, the first time.
    pub completed_on: Option<Date>,
    /// What all months to date have accrued; it may fall.
    pub accrued: Money,
    /// What was credited of it: 0 to the cap.
    pub credited: Money,
    /// Principal that will not be repaid, because the feature was retired.
    pub forgone: Money,
}

/// That the vendor issues an investor's invoices (Directive 2006/112/EC art. 224).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Identity.
    pub id: AgreementId,
    /// Whose invoices.
    pub investor_id: CustomerId,
    /// From this day on.
    pub signed_on: Date,
    /// The day after the last; nothing: until another one is signed.
    pub valid_until: Option<Date>,
    /// How the investor agrees with each document.
    pub acceptance: Acceptance,
    /// After how many days without a word it does, where silence is enough: 1 to 90.
    pub silent_days: Option<u32>,
    /// Before the numbers of its documents.
    pub number_prefix: String,
}
