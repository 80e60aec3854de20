//! The billing run's decision: from a customer's due subscriptions to documents.
//!
//! Purpose: what a run makes for one customer and currency, and what a preview shows: the same
//! function.
//!
//! Invariants: billing dates are taken in order, oldest first, one document per date (more only
//! where one does not hold all lines); what cannot
//! be billed stops the customer at that date and leaves the dates before it billed.
//!
//! Deliberately absent: numbers, entries, storage.

use std::collections::HashMap;

use crate::customer::Customer;
use crate::date::Date;
use crate::id::{PriceId, ProductId};
use crate::invoice::{self, Charge, Draft, DraftRefused, MAX_LINES};
use crate::money::{Currency, MoneyRefused};
use crate::organization::Organization;
use crate::plan::{Price, Product};
use crate::subscription::Subscription;
use crate::vat::VatRates;

/// The most billing dates that one decision takes for a customer; the rest is left to the next.
/// Bounds the memory of a batch when years are caught up.
pub const MAX_DATES: usize = 120;

/// What all customers of a run share.
#[derive(Debug)]
pub struct Material<'a> {
    /// The vendor.
    pub seller: &'a Organization,
    /// Its VAT rates.
    pub rates: &'a VatRates,
    /// Prices of the items.
    pub prices: &'a HashMap<PriceId, Price>,
    /// Products of the prices.
    pub products: &'a HashMap<ProductId, Product>,
}

/// How far to bill.
#[derive(Debug, Clone, Copy)]
pub struct Horizon {
    /// The organization's date: documents for dates up to it are issued on it.
    pub today: Date,
    /// Dates up to and including this one; documents for dates after today are issued on their
    /// date.
    pub until: Date,
    /// At most so many billing dates, also those that make no document.
    pub dates: usize,
}

impl Horizon {
    /// What a run on `today` bills.
    #[must_use]
    pub fn run(today: Date) -> Self {
        Self { today, until: today, dates: MAX_DATES }
    }
}

/// What was decided for a customer.
#[derive(Debug)]
pub struct Billed {
    /// Documents, oldest billing date first.
    pub drafts: Vec<Draft>,
    /// Why it went no further, if it did not.
    pub refused: Option<BillRefused>,
}

/// Why a customer cannot be billed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BillRefused {
    /// No document can be made.
    #[error(transparent)]
    Draft(#[from] DraftRefused),
    /// A price or product of an item is missing: a defect.
    #[error("price {id} of an item is not known")]
    PriceUnknown {
        /// Which.
        id: PriceId,
    },
}

impl From<MoneyRefused> for BillRefused {
    fn from(refused: MoneyRefused) -> Self {
        Self::Draft(refused.into())
    }
}

impl BillRefused {
    /// The stable name of the reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Draft(DraftRefused::Vat(_)) => "VAT_RATE_MISSING",
            Self::Draft(DraftRefused::Money(_)) => "AMOUNT_TOO_LARGE",
            Self::Draft(DraftRefused::TooManyLines { .. }) => "TOO_MANY_LINES",
            Self::PriceUnknown { .. } => "PRICE_UNKNOWN",
        }
    }
}

/// Bills a customer's subscriptions of one currency up to the horizon. The subscriptions move
/// along: what is on a document, or was worth none, is marked as charged.
pub fn bill(
    material: &Material<'_>,
    customer: &Customer,
    currency: Currency,
    subscriptions: &mut [Subscription],
    horizon: Horizon,
) -> Billed {
    let mut drafts = Vec::new();
    for _ in 0..horizon.dates {
        let Some(billing_on) = next_date(subscriptions).filter(|date| *date <= horizon.until)
        else {
            break;
        };
        match drafts_on(material, customer, currency, subscriptions, horizon, billing_on) {
            Err(refused) => return Billed { drafts, refused: Some(refused) },
            Ok(mut of_date) => drafts.append(&mut of_date),
        }
        mark_charged_on(subscriptions, billing_on);
    }
    Billed { drafts, refused: None }
}

/// The documents of one billing date: one, or as many as its lines need.
fn drafts_on(
    material: &Material<'_>,
    customer: &Customer,
    currency: Currency,
    subscriptions: &[Subscription],
    horizon: Horizon,
    billing_on: Date,
) -> Result<Vec<Draft>, BillRefused> {
    let Material { seller, rates, .. } = material;
    let issue_on = billing_on.max(horizon.today);
    let charges = charges_on(material, subscriptions, billing_on)?;
    let mut drafts = Vec::with_capacity(1);
    for charges in charges.chunks(MAX_LINES) {
        let charges = charges.to_vec();
        let draft =
            invoice::draft(seller, customer, rates, currency, billing_on, issue_on, charges)?;
        if seller.issue_zero_invoices || !draft.is_zero() {
            drafts.push(draft);
        }
    }
    Ok(drafts)
}

fn next_date(subscriptions: &[Subscription]) -> Option<Date> {
    subscriptions.iter().filter_map(|one| Some(one.next_due()?.billing_on)).min()
}

fn charges_on(
    material: &Material<'_>,
    subscriptions: &[Subscription],
    billing_on: Date,
) -> Result<Vec<Charge>, BillRefused> {
    let mut charges = Vec::new();
    for subscription in subscriptions {
        let Some(due) = subscription.next_due().filter(|due| due.billing_on == billing_on) else {
            continue;
        };
        for item in &subscription.items {
            let unknown = BillRefused::PriceUnknown { id: item.price_id };
            let price = material.prices.get(&item.price_id).ok_or_else(|| unknown.clone())?;
            let product = material.products.get(&price.product_id).ok_or(unknown)?;
            charges.push(invoice::charge(subscription, item, price, product, &due)?);
        }
    }
    Ok(charges)
}

fn mark_charged_on(subscriptions: &mut [Subscription], billing_on: Date) {
    for subscription in subscriptions {
        if let Some(due) = subscription.next_due().filter(|due| due.billing_on == billing_on) {
            subscription.mark_charged(&due);
        }
    }
}
