//! Investments: what customers pay to have a feature built first, and what they get for it.
//!
//! Purpose: the terms of an investment, where it stands, and the agreement by which the vendor
//! issues the investor's invoices.
//!
//! Invariants: cap = principal and return, rounded once; nothing is credited beyond it. The shares
//! of all investments in a feature that were not withdrawn are at most 100 % together. Consent, once
//! given, is not taken back. What is funded is not given up, unless its money went back before any
//! of it was credited.
//!
//! Deliberately absent: the monthly share ([`crate::share`]), its documents
//! ([`crate::self_bill`]), paying it ([`crate::payout`]).

mod agreement;

use rust_decimal::Decimal;

use crate::Outcome;
use crate::code::codes;
use crate::customer::{Customer, PartyType};
use crate::date::Date;
use crate::decimal;
use crate::id::{CustomerId, FeatureId, InvestmentId, InvoiceId};
use crate::money::{Money, MoneyRefused, multiply};
use crate::vat::VatTreatment;

pub use self::agreement::{Agreement, AgreementRefused, MAX_SILENT_DAYS, in_force};

/// The return when nobody says otherwise, in percent.
pub const DEFAULT_RETURN: Decimal = Decimal::TEN;
/// The most decimals of a share or a return.
pub const MAX_PERCENT_DECIMALS: u32 = 4;
/// The largest principal, in minor units: with return and VAT it still fits on a document.
pub const MAX_PRINCIPAL_MINOR: i64 = 100_000_000_000_000;

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

/// What an investor offers and is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What is paid, without VAT.
    pub principal: Money,
    /// Percent of the feature's revenue.
    pub share_percent: Decimal,
    /// Percent of the principal, beyond it.
    pub return_percent: Decimal,
    /// When what others pay counts.
    pub basis: Basis,
    /// How its payments are taxed.
    pub vat_treatment: ShareTreatment,
}

/// Why terms are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermsRefused {
    /// Nothing, less than nothing, or too much.
    #[error("{given} is not possible: expected more than 0, at most {most}")]
    Principal {
        /// What was given.
        given: Money,
        /// The largest one.
        most: Money,
    },
    /// Nothing, too much, or too fine.
    #[error(
        "{given} is not possible: expected more than 0, at most 100, at most \
         {MAX_PERCENT_DECIMALS} decimals"
    )]
    Share {
        /// What was given.
        given: Decimal,
    },
    /// Less than nothing, too much, or too fine.
    #[error("{given} is not possible: expected 0 to 100, at most {MAX_PERCENT_DECIMALS} decimals")]
    Return {
        /// What was given.
        given: Decimal,
    },
    /// The treatment is another kind of investor's.
    #[error("{treatment} does not fit the investor: expected {expected}")]
    Treatment {
        /// What was given.
        treatment: ShareTreatment,
        /// Whose it is.
        expected: &'static str,
    },
    /// The cap does not fit.
    #[error(transparent)]
    Money(#[from] MoneyRefused),
}

impl TermsRefused {
    /// The field that is wrong.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Principal { .. } | Self::Money(_) => "principal",
            Self::Share { .. } => "share_percent",
            Self::Return { .. } => "return_percent",
            Self::Treatment { .. } => "vat_treatment",
        }
    }
}

impl Terms {
    /// What is credited at most: principal and return, rounded once.
    ///
    /// # Errors
    /// [`TermsRefused`] when a term is not possible by itself.
    pub fn cap(&self) -> Result<Money, TermsRefused> {
        let percent = |given: Decimal| {
            given >= Decimal::ZERO
                && given <= Decimal::ONE_HUNDRED
                && decimal::places(given) <= MAX_PERCENT_DECIMALS
        };
        let principal = self.principal;
        if !(1..=MAX_PRINCIPAL_MINOR).contains(&principal.minor()) {
            let most = Money::new(MAX_PRINCIPAL_MINOR, principal.currency());
            return Err(TermsRefused::Principal { given: principal, most });
        }
        if self.share_percent.is_zero() || !percent(self.share_percent) {
            return Err(TermsRefused::Share { given: self.share_percent });
        }
        if !percent(self.return_percent) {
            return Err(TermsRefused::Return { given: self.return_percent });
        }
        let factor = Decimal::ONE + self.return_percent / Decimal::ONE_HUNDRED;
        Ok(Money::round(multiply(principal.major(), factor)?, principal.currency())?)
    }

    /// Whether the payments can be taxed so.
    ///
    /// # Errors
    /// [`TermsRefused::Treatment`].
    pub fn check_investor(&self, investor: &Customer) -> Result<(), TermsRefused> {
        let is_business = investor.party_type == PartyType::Business;
        let is = |treatment| is_business && investor.vat_treatment == treatment;
        let (fits, expected) = match self.vat_treatment {
            // Without its VAT number no invoice is issued in its name (Directive 2006/112/EC,
            // art. 226 (3)).
            ShareTreatment::WithVat => (
                is(VatTreatment::Domestic) && investor.vat_number.is_some(),
                "a business in the vendor's country that has a VAT number",
            ),
            ShareTreatment::SmallBusiness => {
                (is(VatTreatment::Domestic), "a business in the vendor's country")
            }
            ShareTreatment::ReverseCharge => {
                (is(VatTreatment::EuReverseCharge), "a business to which reverse charge applies")
            }
            ShareTreatment::OutsideScope => (true, "anybody"),
        };
        let treatment = self.vat_treatment;
        if fits { Ok(()) } else { Err(TermsRefused::Treatment { treatment, expected }) }
    }
}

/// Why something does not happen to an investment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvestmentRefused {
    /// More than there is to share.
    #[error("a share of {given} % is too much: {left} % of the feature's revenue is left")]
    SharesExceeded {
        /// What was given.
        given: Decimal,
        /// What others leave.
        left: Decimal,
    },
    /// Its terms hold already.
    #[error("the investment was accepted on {on}")]
    AlreadyAccepted {
        /// When.
        on: Date,
    },
    /// It was given up.
    #[error("the investment was withdrawn on {on}: propose another one")]
    Withdrawn {
        /// When.
        on: Date,
    },
    /// It was paid.
    #[error("the investment was funded on {on}: it is not given up any more")]
    AlreadyFunded {
        /// When.
        on: Date,
    },
    /// Its money went back after some of it was credited.
    #[error(
        "{credited} was credited of the investment before its payment went back: have the \
         principal paid again, and until then no more is credited"
    )]
    Credited {
        /// What was.
        credited: Money,
    },
    /// The feature is sold already.
    #[error("the feature is sold to others: accept the investment with the investor's consent")]
    ConsentMissing,
}

impl InvestmentRefused {
    /// The stable name of the refusal.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::SharesExceeded { .. } => "SHARES_EXCEEDED",
            Self::AlreadyAccepted { .. } => "ALREADY_ACCEPTED",
            Self::Withdrawn { .. } => "INVESTMENT_WITHDRAWN",
            Self::AlreadyFunded { .. } => "ALREADY_FUNDED",
            Self::Credited { .. } => "SHARES_CREDITED",
            Self::ConsentMissing => "CONSENT_MISSING",
        }
    }
}

/// Whether another share fits beside those of the investments in a feature.
///
/// # Errors
/// [`InvestmentRefused::SharesExceeded`].
pub fn check_share(given: Decimal, beside: &[Investment]) -> Result<(), InvestmentRefused> {
    let taken: Decimal =
        beside.iter().filter(|one| !one.is_withdrawn()).map(|one| one.share_percent).sum();
    let left = (Decimal::ONE_HUNDRED - taken).normalize();
    if given > left { Err(InvestmentRefused::SharesExceeded { given, left }) } else { Ok(()) }
}

impl Investment {
    /// One that is proposed today.
    ///
    /// # Errors
    /// [`TermsRefused`].
    pub fn propose(
        id: InvestmentId,
        feature_id: FeatureId,
        investor: &Customer,
        terms: Terms,
        today: Date,
    ) -> Result<Self, TermsRefused> {
        let cap = terms.cap()?;
        terms.check_investor(investor)?;
        let nothing = Money::zero(cap.currency());
        Ok(Self {
            id,
            feature_id,
            investor_id: investor.id,
            principal: terms.principal,
            share_percent: terms.share_percent.normalize(),
            return_percent: terms.return_percent.normalize(),
            cap,
            basis: terms.basis,
            vat_treatment: terms.vat_treatment,
            state: InvestmentState::Proposed,
            proposed_on: today,
            accepted_on: None,
            withdrawn_on: None,
            consent_on: None,
            invoice_id: None,
            funded_on: None,
            recouped_on: None,
            completed_on: None,
            accrued: nothing,
            credited: nothing,
            forgone: nothing,
        })
    }

    /// Its terms.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            principal: self.principal,
            share_percent: self.share_percent,
            return_percent: self.return_percent,
            basis: self.basis,
            vat_treatment: self.vat_treatment,
        }
    }

    /// Whether it was given up.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.state == InvestmentState::Withdrawn
    }

    /// Whether it waits to be accepted or paid.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, InvestmentState::Proposed | InvestmentState::Accepted)
    }

    /// Whether its terms hold.
    #[must_use]
    pub fn is_binding(&self) -> bool {
        !matches!(self.state, InvestmentState::Proposed | InvestmentState::Withdrawn)
    }

    fn refuse_withdrawn(&self) -> Result<(), InvestmentRefused> {
        match self.withdrawn_on {
            Some(on) => Err(InvestmentRefused::Withdrawn { on }),
            None => Ok(()),
        }
    }

    /// Whether its terms can begin to hold; `is_sold`: the feature has prices.
    ///
    /// # Errors
    /// [`InvestmentRefused`].
    pub fn check_acceptance(&self, consents: bool, is_sold: bool) -> Result<(), InvestmentRefused> {
        self.refuse_withdrawn()?;
        if let Some(on) = self.accepted_on {
            return Err(InvestmentRefused::AlreadyAccepted { on });
        }
        if is_sold && !consents && self.consent_on.is_none() {
            return Err(InvestmentRefused::ConsentMissing);
        }
        Ok(())
    }

    /// Its terms hold from today on, and its principal is invoiced.
    pub fn accept(&mut self, invoice: InvoiceId, today: Date) {
        self.state = InvestmentState::Accepted;
        self.accepted_on = Some(today);
        self.invoice_id = Some(invoice);
    }

    /// The investor agrees that the feature is sold to others.
    ///
    /// # Errors
    /// [`InvestmentRefused::Withdrawn`].
    pub fn consent(&mut self, today: Date) -> Result<Outcome<()>, InvestmentRefused> {
        self.refuse_withdrawn()?;
        if self.consent_on.is_some() {
            return Ok(Outcome::Unchanged);
        }
        self.consent_on = Some(today);
        Ok(Outcome::Applied(()))
    }

    /// It is given up: before it is funded, or when its principal `is_unpaid` again and nothing was
    /// credited of it. Answers the invoice that is to be credited, if there is one.
    ///
    /// # Errors
    /// [`InvestmentRefused::AlreadyFunded`], [`InvestmentRefused::Credited`].
    pub fn withdraw(
        &mut self,
        today: Date,
        is_unpaid: bool,
    ) -> Result<Outcome<Option<InvoiceId>>, InvestmentRefused> {
        if self.is_withdrawn() {
            return Ok(Outcome::Unchanged);
        }
        if let Some(on) = self.funded_on.filter(|_| !is_unpaid) {
            return Err(InvestmentRefused::AlreadyFunded { on });
        }
        if !self.credited.is_zero() {
            return Err(InvestmentRefused::Credited { credited: self.credited });
        }
        self.funded_on = None;
        self.state = InvestmentState::Withdrawn;
        self.withdrawn_on = Some(today);
        Ok(Outcome::Applied(self.invoice_id))
    }

    /// Its principal was paid in full.
    pub fn fund(&mut self, on: Date) -> Outcome<()> {
        if self.state != InvestmentState::Accepted {
            return Outcome::Unchanged;
        }
        self.state = InvestmentState::Funded;
        self.funded_on = Some(on);
        Outcome::Applied(())
    }
}

#[cfg(test)]
#[path = "investment_tests.rs"]
pub(crate) mod tests;
