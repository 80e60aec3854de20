//! Self-billing: documents of what investors are credited, issued by the vendor in their name.
//!
//! Purpose: which document credits become, its lines, its VAT and whether the investor is asked to
//! agree; what becomes of it when it does not; the investor's own invoice; what is taken back.
//!
//! Invariants: VAT is computed once per document, on the sum of its lines; total = net + VAT. Only
//! invoices and what takes them back bear VAT: for an advice the investor's own invoice does. What
//! was rejected stays so. What is taken back is return first, then principal.
//!
//! Sources: Directive 2006/112/EC art. 224 (self-billing) and 226 (10a); UNTDID 1001 codes 389 and
//! 261.
//!
//! Deliberately absent: how much is credited ([`crate::share`]), paying it ([`crate::payout`]),
//! numbers (handed out by the database).

mod answer;
mod clawback;

use rust_decimal::Decimal;

use crate::code::codes;
use crate::date::{self, Date};
use crate::id::{CustomerId, InvestmentId, SelfBillId};
use crate::investment::{Acceptance, Agreement, ShareTreatment};
use crate::money::{self, Currency, Money, MoneyRefused};
use crate::vat::{LineVat, VatClass};

pub use self::clawback::{Clawback, claw_back, posted_percent};

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

/// A line of a document: what an investment is credited, or what of it is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// To which investment.
    pub investment_id: InvestmentId,
    /// The feature, as people name it.
    pub description: String,
    /// What others paid for it; nothing where something is taken back that is of no month.
    pub revenue: Option<Money>,
    /// The investment's part of it, in percent.
    pub share_percent: Decimal,
    /// Without VAT; negative when it takes back.
    pub net: Money,
    /// The principal in it; the rest is return.
    pub principal: Money,
}

/// The invoice that an investor sent by itself for what an advice says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnInvoice {
    /// The investor's number.
    pub number: String,
    /// Its date.
    pub issue_on: Date,
    /// The VAT on it.
    pub tax: Money,
}

/// A document of what an investor was credited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfBill {
    /// Identity.
    pub id: SelfBillId,
    /// Whose.
    pub investor_id: CustomerId,
    /// What it is.
    pub kind: SelfBillKind,
    /// How what is on it is taxed.
    pub vat_treatment: ShareTreatment,
    /// The first day of the month that it credits; of a credit note, of the month in which it is.
    pub month: Date,
    /// The date on which it is issued.
    pub issue_on: Date,
    /// Class and rate of all its lines; of an advice, those of the investor's own invoice.
    pub vat: LineVat,
    /// One per investment.
    pub lines: Vec<Line>,
    /// Sum of the lines.
    pub net: Money,
    /// VAT on that sum; nothing on an advice or a statement.
    pub tax: Money,
    /// Both.
    pub total: Money,
    /// The document that was rejected and that it takes back or replaces.
    pub corrects: Option<SelfBillId>,
    /// Why, of what takes back or replaces.
    pub reason: Option<String>,
    /// Whether the investor agrees.
    pub acceptance: SelfBillAcceptance,
    /// The day from which silence does.
    pub accepts_on: Option<Date>,
    /// The investor's own invoice, of an advice for which it has come.
    pub own: Option<OwnInvoice>,
}

/// Why nothing comes of what is wanted with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelfBillRefused {
    /// The investor is not asked.
    #[error("the investor is not asked to agree with {a}: expected a self-billing invoice", a = with_article(*kind))]
    NotAsked {
        /// What the document is.
        kind: SelfBillKind,
    },
    /// It was rejected before.
    #[error("the document was rejected: what was credited is on the advice that replaces it")]
    Rejected,
    /// It was accepted before.
    #[error("the investor has agreed with the document: it can no longer be rejected")]
    Accepted,
    /// No advice.
    #[error("{a} needs no invoice of the investor: expected an advice", a = with_article(*kind))]
    NoAdvice {
        /// What the document is.
        kind: SelfBillKind,
    },
    /// Another invoice was recorded.
    #[error("the invoice {number} was recorded for this advice: expected no other")]
    Recorded {
        /// Its number.
        number: String,
    },
    /// Dated in the future.
    #[error("an invoice of {on} cannot have come: expected {today} or earlier")]
    Later {
        /// What was given.
        on: Date,
        /// The organization's date.
        today: Date,
    },
    /// More VAT than the law asks, less than none, or of another currency.
    #[error("{tax} of VAT is not possible: expected at most {most}, which is {percent} % of {net}")]
    Tax {
        /// What was given.
        tax: Money,
        /// The most that is possible.
        most: Money,
        /// The rate.
        percent: Decimal,
        /// What it is on.
        net: Money,
    },
    /// The VAT to take back is not known yet.
    #[error("the advice of {issue_on} has no invoice of the investor yet: record it first")]
    InvoiceAwaited {
        /// The advice.
        id: SelfBillId,
        /// When it was issued.
        issue_on: Date,
    },
    /// Nothing to take back.
    #[error("nothing is to be taken back: {accrued} was accrued and {credited} credited")]
    NothingToTakeBack {
        /// What all months have accrued.
        accrued: Money,
        /// What was credited.
        credited: Money,
    },
    /// Amounts do not fit.
    #[error(transparent)]
    Money(#[from] MoneyRefused),
}

/// What a document is, in a sentence.
const fn with_article(kind: SelfBillKind) -> &'static str {
    match kind {
        SelfBillKind::Invoice => "a self-billing invoice",
        SelfBillKind::CreditNote => "a credit note",
        SelfBillKind::Statement => "a statement",
        SelfBillKind::Advice => "an advice",
    }
}

/// What goes on one document together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipient {
    /// Whose document.
    pub investor_id: CustomerId,
    /// How what is on it is taxed.
    pub vat_treatment: ShareTreatment,
    /// In which currency.
    pub currency: Currency,
}

impl Credit {
    /// The document that it goes on.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient {
            investor_id: self.investor_id,
            vat_treatment: self.vat_treatment,
            currency: self.amount.currency(),
        }
    }
}

impl From<Credit> for Line {
    fn from(credit: Credit) -> Self {
        Self {
            investment_id: credit.investment_id,
            description: credit.title,
            revenue: Some(credit.revenue),
            share_percent: credit.share_percent,
            net: credit.amount,
            principal: credit.principal,
        }
    }
}

/// What a document of an investor is made of, besides its lines.
#[derive(Debug, Clone, Copy)]
pub struct Heading<'a> {
    /// Whose, how taxed, in which currency.
    pub recipient: Recipient,
    /// The first day of the month that is credited.
    pub month: Date,
    /// The date on which it is issued.
    pub issue_on: Date,
    /// The standard rate on the last day of the month, in percent; of what takes back, the rate of
    /// what it takes back.
    pub standard_percent: Decimal,
    /// The investor's agreement in force on the date of issue.
    pub agreement: Option<&'a Agreement>,
}

/// Class and rate of what is credited.
#[must_use]
pub fn line_vat(treatment: ShareTreatment, standard_percent: Decimal) -> LineVat {
    let without = |class| LineVat { class, percent: Decimal::ZERO };
    match treatment {
        ShareTreatment::WithVat if standard_percent.is_zero() => without(VatClass::Zero),
        ShareTreatment::WithVat => {
            LineVat { class: VatClass::Standard, percent: standard_percent.normalize() }
        }
        ShareTreatment::SmallBusiness => without(VatClass::Exempt),
        ShareTreatment::ReverseCharge => without(VatClass::ReverseCharge),
        ShareTreatment::OutsideScope => without(VatClass::OutsideScope),
    }
}

/// VAT on a sum of lines, rounded once.
fn tax_on(net: Money, vat: LineVat) -> Result<Money, MoneyRefused> {
    let exact = money::multiply(net.major(), vat.percent)? / Decimal::ONE_HUNDRED;
    Money::round(exact, net.currency())
}

/// Makes the document of an investor's credits.
///
/// # Errors
/// [`MoneyRefused`] when sums do not fit.
pub fn compose(
    heading: &Heading<'_>,
    id: SelfBillId,
    lines: Vec<Line>,
) -> Result<SelfBill, MoneyRefused> {
    let Heading { recipient, month, issue_on, standard_percent, agreement } = *heading;
    let kind = match (recipient.vat_treatment, agreement) {
        (ShareTreatment::OutsideScope, _) => SelfBillKind::Statement,
        (_, Some(_)) => SelfBillKind::Invoice,
        (_, None) => SelfBillKind::Advice,
    };
    let (acceptance, accepts_on) = match agreement.filter(|_| kind == SelfBillKind::Invoice) {
        None => (SelfBillAcceptance::NotAsked, None),
        Some(agreement) => (SelfBillAcceptance::Waiting, silent_on(agreement, issue_on)),
    };
    let vat = line_vat(recipient.vat_treatment, standard_percent);
    let net = Money::sum(recipient.currency, lines.iter().map(|line| line.net))?;
    let tax = match kind {
        SelfBillKind::Invoice | SelfBillKind::CreditNote => tax_on(net, vat)?,
        SelfBillKind::Statement | SelfBillKind::Advice => Money::zero(recipient.currency),
    };
    Ok(SelfBill {
        id,
        investor_id: recipient.investor_id,
        kind,
        vat_treatment: recipient.vat_treatment,
        month,
        issue_on,
        vat,
        lines,
        net,
        tax,
        total: net.checked_add(tax)?,
        corrects: None,
        reason: None,
        acceptance,
        accepts_on,
        own: None,
    })
}

/// The day from which silence agrees with a document of a day.
fn silent_on(agreement: &Agreement, issue_on: Date) -> Option<Date> {
    match agreement.acceptance {
        Acceptance::Explicit => None,
        Acceptance::Silent => {
            agreement.silent_days.map(|days| date::add_days(issue_on, i64::from(days)))
        }
    }
}

#[cfg(test)]
#[path = "self_bill_tests.rs"]
mod tests;
