//! Invoices: from charges to a document with lines, VAT and totals.
//!
//! Purpose: one customer's charges of one currency and billing date become one document.
//!
//! Invariants: every line is rounded once; VAT is computed once per category and rate on the sum
//! of the lines; total = net + VAT, and net = sum of the lines. Preview and run make documents by
//! the same function.
//!
//! Deliberately absent: numbers (handed out by the database), discounts, balances, credit notes.

use rust_decimal::Decimal;

use crate::code::codes;
use crate::customer::Customer;
use crate::date::{self, Date};
use crate::id::{CustomerId, ItemId, ProductId, SubscriptionId};
use crate::money::{Currency, Money, MoneyRefused};
use crate::organization::{Language, Organization};
use crate::period::Period;
use crate::plan::{Price, Product, RevenueKind};
use crate::subscription::{Due, Item, Subscription};
use crate::vat::{self, LineVat, VatClass, VatParties, VatRates, VatRefused, VatRow};

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
    /// Whether money is still expected.
    DocumentState {
        /// Finalized, not settled.
        Open = "open",
        /// Nothing is due any more.
        Settled = "settled",
    }
}

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

/// The texts that the law wants on a document with these VAT classes. Sources: Directive
/// 2006/112/EC art. 226 (11), (11a); Wet OB 1968 art. 25; Belgian VAT Code art. 56bis.
#[must_use]
pub fn legal_texts(seller: &Party, classes: &[VatClass], language: Language) -> Vec<&'static str> {
    let mut texts: Vec<&'static str> = classes
        .iter()
        .filter_map(|class| match (class, language) {
            (VatClass::Standard | VatClass::Zero, _) => None,
            (VatClass::ReverseCharge, Language::Dutch) => {
                Some("Btw verlegd (artikel 196 Richtlijn 2006/112/EG).")
            }
            (VatClass::ReverseCharge, Language::English) => {
                Some("VAT reverse charged (Article 196 of Directive 2006/112/EC).")
            }
            (VatClass::Export, Language::Dutch) => {
                Some("Geen btw: de plaats van de dienst ligt buiten de EU (artikel 44 Richtlijn 2006/112/EG).")
            }
            (VatClass::Export, Language::English) => {
                Some("No VAT: the place of supply is outside the EU (Article 44 of Directive 2006/112/EC).")
            }
            (VatClass::Exempt, language) => Some(exempt_text(seller, language)),
        })
        .collect();
    texts.dedup();
    texts
}

fn exempt_text(seller: &Party, language: Language) -> &'static str {
    match (seller.small_business, seller.address.country.as_str(), language) {
        (true, "BE", Language::Dutch) => {
            "Kleine onderneming onderworpen aan de vrijstellingsregeling van belasting. Btw niet toepasselijk."
        }
        (true, "BE", Language::English) => {
            "Small enterprise subject to the tax exemption scheme. VAT not applicable."
        }
        (true, _, Language::Dutch) => {
            "Vrijgesteld van btw: kleineondernemersregeling (artikel 25 Wet op de omzetbelasting 1968)."
        }
        (true, _, Language::English) => {
            "Exempt from VAT: small businesses scheme (Article 25 Wet op de omzetbelasting 1968)."
        }
        (false, _, Language::Dutch) => "Vrijgesteld van btw (artikel 132 Richtlijn 2006/112/EG).",
        (false, _, Language::English) => "Exempt from VAT (Article 132 of Directive 2006/112/EC).",
    }
}

/// The largest total of a document, in minor units. Beyond it a sum over documents could leave 64
/// bits, and no invoice is meant.
pub const MAX_TOTAL_MINOR: i64 = 1_000_000_000_000_000;

/// The most lines of a document; more would not print, and bounds the memory of a batch.
pub const MAX_LINES: usize = 1_000;

/// Something to be billed: one future line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The subscription it comes from.
    pub subscription_id: SubscriptionId,
    /// The item it comes from; with `service.start` the natural key of the line.
    pub item_id: ItemId,
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
    /// What it costs, without VAT.
    pub net: Money,
}

/// A line of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is billed.
    pub charge: Charge,
    /// Its VAT.
    pub vat: LineVat,
}

/// A document before it has its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
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
    /// What is to be paid.
    pub total: Money,
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

/// The charge of one item of a subscription for what is due.
///
/// # Errors
/// [`MoneyRefused::Overflow`].
pub fn charge(
    subscription: &Subscription,
    item: &Item,
    price: &Price,
    product: &Product,
    due: &Due,
) -> Result<Charge, MoneyRefused> {
    Ok(Charge {
        subscription_id: subscription.id,
        item_id: item.id,
        product_id: product.id,
        description: product.name.clone(),
        unit_label: product.unit_label.clone(),
        revenue: product.revenue,
        vat_category: product.vat_category,
        service: due.part,
        quantity: if price.model.counts_units() { item.quantity } else { Decimal::ONE },
        unit_price: price.model.unit_price(),
        net: due.amount(&price.model, item.quantity, subscription.currency)?,
    })
}

/// The date that chooses the VAT rate: the day of the document, or the last day of service if the
/// service was complete before (Directive 2006/112/EC art. 63 and 65).
#[must_use]
pub fn tax_point(issue_on: Date, service: Period) -> Date {
    issue_on.min(service.last_day())
}

/// Makes the document of one customer's charges, all of the customer's currency.
///
/// # Errors
/// [`DraftRefused`] says why the customer cannot be billed.
pub fn draft(
    seller: &Organization,
    customer: &Customer,
    rates: &VatRates,
    currency: Currency,
    billing_on: Date,
    issue_on: Date,
    charges: Vec<Charge>,
) -> Result<Draft, DraftRefused> {
    if charges.len() > MAX_LINES {
        return Err(DraftRefused::TooManyLines { given: charges.len() });
    }
    let parties = VatParties {
        rate_country: customer.vat_country(&seller.address.country),
        small_business: seller.small_business,
        treatment: customer.vat_treatment,
    };
    let lines = charges
        .into_iter()
        .map(|charge| {
            let point = tax_point(issue_on, charge.service);
            let vat = vat::line_vat(rates, parties, charge.vat_category, point)?;
            Ok(Line { charge, vat })
        })
        .collect::<Result<Vec<_>, DraftRefused>>()?;
    let vat_rows = vat::breakdown(currency, lines.iter().map(|line| (line.vat, line.charge.net)))?;
    let net = Money::sum(currency, lines.iter().map(|line| line.charge.net))?;
    let tax = Money::sum(currency, vat_rows.iter().map(|row| row.tax))?;
    let total = net.checked_add(tax)?;
    if total.minor().abs() > MAX_TOTAL_MINOR || net.minor().abs() > MAX_TOTAL_MINOR {
        return Err(MoneyRefused::Overflow.into());
    }
    let terms = customer.payment_terms_days.unwrap_or(seller.payment_terms_days);
    Ok(Draft {
        customer_id: customer.id,
        currency,
        billing_on,
        issue_on,
        due_on: date::add_days(issue_on, i64::from(terms)),
        lines,
        vat_rows,
        net,
        tax,
        total,
    })
}

impl Draft {
    /// Whether there is nothing on it worth a document: its total and every line are zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.total.is_zero() && self.lines.iter().all(|line| line.charge.net.is_zero())
    }
}

#[cfg(test)]
#[path = "invoice_tests.rs"]
pub(crate) mod tests;
