//! Invoices: from charges to a document with lines, VAT and totals.
//!
//! Purpose: one customer's charges and credits of one currency and billing date become one
//! document: an invoice, or a credit note when they come to less than nothing.
//!
//! Invariants: every line is rounded once; VAT is computed once per category and rate on the sum
//! of the lines; total = net + VAT, and net = sum of the lines. Amounts are signed: those of
//! credits are negative. A credit has the VAT of the line that it corrects. Preview and run make
//! documents by the same function. Due dates follow the way in which the customer pays on the day
//! of issue.
//!
//! Deliberately absent: numbers (handed out by the database), which days are charged
//! ([`crate::subscription`]), settlement ([`crate::balance`]).

pub mod credit;
mod due;
mod legal;
mod outside;

use rust_decimal::Decimal;

use crate::balance::Settlement;
use crate::code::codes;
use crate::customer::Customer;
use crate::date::Date;
use crate::id::{
    ChargeId, CustomerId, InvoiceId, ItemId, LineId, ProductId, Sequence, SubscriptionId,
};
use crate::ledger::Account;
use crate::money::{Currency, Money, MoneyRefused};
use crate::organization::{Language, Organization};
use crate::period::Period;
use crate::plan::{Product, RevenueKind};
use crate::revenue::Deferral;
use crate::vat::{self, LineVat, VatParties, VatRates, VatRefused, VatRow};

codes! {
    /// What a document is.
    DocumentKind {
        /// Invoice (UNTDID 1001 code 380).
        Invoice = "invoice",
        /// Credit note (381).
        CreditNote = "credit_note",
    }
}

codes! {
    /// Where a document stands.
    DocumentState {
        /// Kept until its finalization; has no number.
        Draft = "draft",
        /// Discarded while a draft: what is on it was waived.
        Discarded = "discarded",
        /// Finalized, not settled.
        Open = "open",
        /// Nothing is due any more.
        Settled = "settled",
        /// What was due is not expected any more, and may still be paid after all.
        WrittenOff = "written_off",
    }
}

pub use due::due_date;
pub use legal::legal_texts;
pub use outside::draft_outside_scope;

/// A party as a document names it, as it was on the day of issue.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Party {
    /// Name.
    pub name: String,
    /// Address.
    pub address: crate::organization::Address,
    /// VAT number.
    pub vat_number: Option<String>,
    /// Number in the trade register; the vendor's only.
    pub registration_number: Option<String>,
    /// Account to pay to; the vendor's only.
    pub iban: Option<String>,
    /// Contact.
    pub email: Option<String>,
    /// Language of its documents.
    pub language: Option<Language>,
    /// Whether it uses the small business scheme; the vendor's only.
    #[serde(default)]
    pub small_business: bool,
}

impl Party {
    /// The vendor.
    #[must_use]
    pub fn seller(organization: &Organization) -> Self {
        Self {
            name: organization.legal_name.clone(),
            address: organization.address.clone(),
            vat_number: organization.vat_number.clone(),
            registration_number: organization.registration_number.clone(),
            iban: organization.iban.clone(),
            email: organization.email.clone(),
            language: Some(organization.language),
            small_business: organization.small_business,
        }
    }

    /// The customer.
    #[must_use]
    pub fn buyer(customer: &Customer) -> Self {
        Self {
            name: customer.name.clone(),
            address: customer.address.clone(),
            vat_number: customer.vat_number.clone(),
            registration_number: None,
            iban: None,
            email: customer.email.clone(),
            language: customer.language,
            small_business: false,
        }
    }
}

/// The largest total of a document, in minor units. Beyond it a sum over documents could leave 64
/// bits, and no invoice is meant.
pub const MAX_TOTAL_MINOR: i64 = 1_000_000_000_000_000;

/// The most lines of a document; more would not print, and bounds the memory of a batch.
pub const MAX_LINES: usize = 1_000;

codes! {
    /// What a line is for.
    LineKind {
        /// A part of a period of a subscription's item.
        Recurring = "recurring",
        /// Days of such a part that are not delivered.
        RecurringCredit = "recurring_credit",
        /// What was missing to the agreed minimum.
        Minimum = "minimum",
        /// A minimum for days that are not delivered.
        MinimumCredit = "minimum_credit",
        /// What a meter counted in a period.
        Usage = "usage",
        /// What arrived after the period was billed.
        UsageCorrection = "usage_correction",
        /// A single charge.
        OneOff = "one_off",
        /// A correction by hand of a line.
        Correction = "correction",
    }
}

/// Where a line comes from: with its kind and first day of service its natural key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An item of a subscription.
    Item {
        /// Whose item.
        subscription_id: SubscriptionId,
        /// Which.
        item_id: ItemId,
        /// The number of the change that caused it.
        change: i32,
    },
    /// A one-off charge.
    OneOff {
        /// Which.
        charge_id: ChargeId,
    },
    /// A line that is corrected by hand.
    Line {
        /// Which.
        line_id: LineId,
    },
}

impl Origin {
    /// The subscription.
    #[must_use]
    pub fn subscription_id(&self) -> Option<SubscriptionId> {
        match self {
            Self::Item { subscription_id, .. } => Some(*subscription_id),
            Self::OneOff { .. } | Self::Line { .. } => None,
        }
    }

    /// The item.
    #[must_use]
    pub fn item_id(&self) -> Option<ItemId> {
        match self {
            Self::Item { item_id, .. } => Some(*item_id),
            Self::OneOff { .. } | Self::Line { .. } => None,
        }
    }

    /// The number of the change.
    #[must_use]
    pub fn change(&self) -> i32 {
        match self {
            Self::Item { change, .. } => *change,
            Self::OneOff { .. } | Self::Line { .. } => 0,
        }
    }

    /// The one-off charge.
    #[must_use]
    pub fn charge_id(&self) -> Option<ChargeId> {
        match self {
            Self::OneOff { charge_id } => Some(*charge_id),
            Self::Item { .. } | Self::Line { .. } => None,
        }
    }
}

/// The line that a credit takes back, in part or in whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrected {
    /// Which line.
    pub line_id: LineId,
    /// On which invoice.
    pub invoice_id: InvoiceId,
    /// Its VAT.
    pub vat: LineVat,
    /// How much of the credit had not been earned yet; zero or more.
    pub unearned: Money,
}

/// Something to be billed: one future line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Where it comes from.
    pub origin: Origin,
    /// What it is for.
    pub kind: LineKind,
    /// What is sold.
    pub product_id: ProductId,
    /// Text of the line.
    pub description: String,
    /// Unit shown after the quantity.
    pub unit_label: Option<String>,
    /// Where the revenue goes.
    pub revenue: RevenueKind,
    /// Decides the VAT.
    pub vat_category: vat::VatCategory,
    /// The days it pays for.
    pub service: Period,
    /// Units.
    pub quantity: Decimal,
    /// Price of a unit for a whole period, in major units.
    pub unit_price: Decimal,
    /// What is taken off; negative on a credit.
    pub discount: Money,
    /// What it costs after the discount, without VAT; negative on a credit.
    pub net: Money,
    /// What it takes back; only of credits.
    pub corrects: Option<Corrected>,
}

/// A line of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Identity.
    pub id: LineId,
    /// What is billed.
    pub charge: Charge,
    /// Its VAT.
    pub vat: LineVat,
    /// What of it is earned later.
    pub deferral: Option<Deferral>,
}

impl Line {
    /// What of its net goes to deferred revenue, or, negative, is taken back from it.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn deferred(&self) -> Result<Money, MoneyRefused> {
        match (&self.deferral, &self.charge.corrects) {
            (Some(deferral), _) => deferral.unearned(),
            (None, Some(corrected)) => corrected.unearned.negated(),
            (None, None) => Ok(Money::zero(self.charge.net.currency())),
        }
    }
}

/// A document before it has its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Identity.
    pub id: InvoiceId,
    /// Invoice or credit note.
    pub kind: DocumentKind,
    /// Whose document.
    pub customer_id: CustomerId,
    /// Currency of all its amounts.
    pub currency: Currency,
    /// The date for which it bills.
    pub billing_on: Date,
    /// The date on which it is issued: the day it is made.
    pub issue_on: Date,
    /// The date by which it is to be paid.
    pub due_on: Date,
    /// Ordered by subscription, then item.
    pub lines: Vec<Line>,
    /// One row per VAT category and rate.
    pub vat_rows: Vec<VatRow>,
    /// Sum of the lines.
    pub net: Money,
    /// Sum of the VAT rows.
    pub tax: Money,
    /// What is to be paid; negative on a credit note.
    pub total: Money,
    /// How it is settled with what the customer owes or has to its credit.
    pub settlement: Settlement,
}

/// Why no document can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftRefused {
    /// No VAT can be determined.
    #[error(transparent)]
    Vat(#[from] VatRefused),
    /// Amounts do not fit.
    #[error(transparent)]
    Money(#[from] MoneyRefused),
    /// More lines than a document holds.
    #[error("{given} lines do not fit on one document: at most {MAX_LINES}")]
    TooManyLines {
        /// How many there are.
        given: usize,
    },
}

impl Charge {
    /// A line of an item: text, unit and revenue account are the product's.
    #[must_use]
    pub fn of_product(
        origin: Origin,
        kind: LineKind,
        product: &Product,
        service: Period,
        net: Money,
    ) -> Self {
        Self {
            origin,
            kind,
            product_id: product.id,
            description: product.name.clone(),
            unit_label: product.unit_label.clone(),
            revenue: product.revenue,
            vat_category: product.vat_category,
            service,
            quantity: Decimal::ONE,
            unit_price: net.major(),
            discount: Money::zero(net.currency()),
            net,
            corrects: None,
        }
    }
}

/// The date that chooses the VAT rate: the day of the document, or the last day of service if the
/// service was complete before (Directive 2006/112/EC art. 63 and 65).
#[must_use]
pub fn tax_point(issue_on: Date, service: Period) -> Date {
    issue_on.min(service.last_day())
}

/// What a document is made of, besides its lines.
#[derive(Debug, Clone, Copy)]
pub struct Heading<'a> {
    /// The vendor.
    pub seller: &'a Organization,
    /// The customer.
    pub customer: &'a Customer,
    /// The vendor's VAT rates.
    pub rates: &'a VatRates,
    /// Currency of all amounts.
    pub currency: Currency,
    /// The date for which it bills.
    pub billing_on: Date,
    /// The date on which it is issued.
    pub issue_on: Date,
}

/// Makes the document of one customer's charges, all of one currency. It is not settled yet.
///
/// # Errors
/// [`DraftRefused`] says why the customer cannot be billed.
pub fn draft(
    heading: &Heading<'_>,
    ids: &Sequence,
    charges: Vec<Charge>,
) -> Result<Draft, DraftRefused> {
    if charges.len() > MAX_LINES {
        return Err(DraftRefused::TooManyLines { given: charges.len() });
    }
    let id = InvoiceId(ids.next());
    let lines = charges.into_iter().map(|charge| (LineId(ids.next()), charge));
    compose(heading, id, lines)
}

/// The document again as it is on the day of the heading, with the ids that it has: VAT, tax
/// points, deferrals and due date are of that day. It is not settled.
///
/// # Errors
/// [`DraftRefused`] says why it cannot be issued.
pub fn reissue(heading: &Heading<'_>, kept: &Draft) -> Result<Draft, DraftRefused> {
    let lines = kept.lines.iter().map(|line| (line.id, line.charge.clone()));
    compose(heading, kept.id, lines)
}

fn compose(
    heading: &Heading<'_>,
    id: InvoiceId,
    charges: impl Iterator<Item = (LineId, Charge)>,
) -> Result<Draft, DraftRefused> {
    let Heading { seller, customer, currency, billing_on, issue_on, .. } = *heading;
    let lines = charges
        .map(|(id, charge)| line(heading, id, charge))
        .collect::<Result<Vec<_>, DraftRefused>>()?;
    let vat_rows = vat::breakdown(currency, lines.iter().map(|line| (line.vat, line.charge.net)))?;
    let net = Money::sum(currency, lines.iter().map(|line| line.charge.net))?;
    let tax = Money::sum(currency, vat_rows.iter().map(|row| row.tax))?;
    let total = net.checked_add(tax)?;
    if total.minor().abs() > MAX_TOTAL_MINOR || net.minor().abs() > MAX_TOTAL_MINOR {
        return Err(MoneyRefused::Overflow.into());
    }
    let kind = if total.minor() < 0 { DocumentKind::CreditNote } else { DocumentKind::Invoice };
    let due_on = match kind {
        DocumentKind::Invoice => due_date(seller, customer, issue_on),
        DocumentKind::CreditNote => issue_on,
    };
    Ok(Draft {
        id,
        kind,
        customer_id: customer.id,
        currency,
        billing_on,
        issue_on,
        due_on,
        lines,
        vat_rows,
        net,
        tax,
        total,
        settlement: Settlement::none(total),
    })
}

fn line(heading: &Heading<'_>, id: LineId, charge: Charge) -> Result<Line, DraftRefused> {
    let Heading { seller, customer, rates, issue_on, .. } = *heading;
    if let Some(corrected) = &charge.corrects {
        let vat = corrected.vat;
        return Ok(Line { id, charge, vat, deferral: None });
    }
    let parties = VatParties {
        rate_country: customer.vat_country(&seller.address.country),
        small_business: seller.small_business,
        treatment: customer.vat_treatment,
    };
    let point = tax_point(issue_on, charge.service);
    let vat = vat::line_vat(rates, parties, charge.vat_category, point)?;
    let account = Account::of_revenue(charge.revenue);
    let deferral = Deferral::at_issue(account, charge.net, charge.service, issue_on)?;
    Ok(Line { id, charge, vat, deferral })
}

impl Draft {
    /// Whether there is nothing on it worth a document: its total and every line are zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.total.is_zero() && self.lines.iter().all(|line| line.charge.net.is_zero())
    }

    /// The invoices that its credits take back, in the order of its lines.
    #[must_use]
    pub fn corrected_invoices(&self) -> Vec<InvoiceId> {
        let mut ids = Vec::new();
        for corrected in self.lines.iter().filter_map(|line| line.charge.corrects.as_ref()) {
            if !ids.contains(&corrected.invoice_id) {
                ids.push(corrected.invoice_id);
            }
        }
        ids
    }
}

#[cfg(test)]
#[path = "invoice_tests.rs"]
pub(crate) mod tests;
