//! The billing run's decision: from a customer's due subscriptions to documents.
//!
//! Purpose: what a run makes for one customer and currency, and what a preview shows: the same
//! function.
//!
//! Invariants: billing dates are taken in order, oldest first, one document per date (more only
//! where one does not hold all lines); what cannot be billed stops the customer at that date and
//! leaves the dates before it billed. A credit takes back what its own line charged, to the cent:
//! the days that stay cost what they would have cost alone.
//!
//! Deliberately absent: numbers, entries, storage.

mod charge;
mod discount;
mod grace;
mod usage;

use std::collections::{HashMap, HashSet};

use crate::balance::Balance;
use crate::customer::Customer;
use crate::date::Date;
use crate::discount::{AppliedDiscount, DiscountRefused};
use crate::id::{
    ChargeId, InvoiceId, ItemId, LineId, PriceId, ProductId, Sequence, SubscriptionId,
};
use crate::invoice::{self, Charge, Draft, DraftRefused, Heading, LineKind, MAX_LINES};
use crate::money::{Currency, Money, MoneyRefused};
use crate::one_off::OneOff;
use crate::organization::Organization;
use crate::period::Period;
use crate::plan::{Price, Product};
use crate::revenue::Deferral;
use crate::subscription::Subscription;
use crate::usage::BilledPeriod;
use crate::vat::{LineVat, VatRates};

pub use self::grace::Kept;
pub use self::usage::{Late, Usage};

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
    /// Makes the documents' ids.
    pub ids: &'a Sequence,
}

/// A customer's billing in one currency: what a decision is made about, and moves along with it.
#[derive(Debug)]
pub struct Account<'a> {
    /// Whose.
    pub customer: &'a Customer,
    /// In which currency.
    pub currency: Currency,
    /// Its subscriptions of the currency that have something due.
    pub subscriptions: &'a mut [Subscription],
    /// One-off charges that wait.
    pub waiting: Vec<OneOff>,
    /// Lines that credits may take back.
    pub lines: Lines,
    /// What it has to its credit.
    pub balance: Balance,
    /// The discounts of its subscriptions, in the order in which they begin.
    pub discounts: Vec<AppliedDiscount>,
    /// What meters counted.
    pub usage: Usage,
}

/// A line that may be credited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged {
    /// Which line.
    pub line_id: LineId,
    /// On which invoice.
    pub invoice_id: InvoiceId,
    /// The days it pays for.
    pub service: Period,
    /// What was taken off.
    pub discount: Money,
    /// What it cost after that.
    pub net: Money,
    /// Its VAT.
    pub vat: LineVat,
    /// What of it is earned later.
    pub deferral: Option<Deferral>,
}

/// Lines that credits may take back.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    /// The latest line of each item and kind.
    pub latest: HashMap<(ItemId, LineKind), Charged>,
    /// The items whose lines were looked for, or charged since: where there is none, no document
    /// had it.
    pub asked: HashSet<ItemId>,
    /// The items of which a charge was waived with its draft: nothing was paid for it.
    pub waived: HashSet<ItemId>,
    /// Deferrals of lines that were credited, as they are now.
    pub shortened: HashMap<LineId, Deferral>,
}

impl Lines {
    /// The lines of a document may be credited from now on.
    pub fn remember(&mut self, draft: &Draft) {
        for line in &draft.lines {
            let kind = line.charge.kind;
            let Some(item_id) = line.charge.origin.item_id() else { continue };
            if !matches!(kind, LineKind::Recurring | LineKind::Minimum) {
                continue;
            }
            let line = Charged {
                line_id: line.id,
                invoice_id: draft.id,
                service: line.charge.service,
                discount: line.charge.discount,
                net: line.charge.net,
                vat: line.vat,
                deferral: line.deferral.clone(),
            };
            self.latest.insert((item_id, kind), line);
        }
    }
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
#[derive(Debug, Default)]
pub struct Billed {
    /// Documents, oldest billing date first.
    pub drafts: Vec<Draft>,
    /// Deferrals of the documents' lines, as they are after later credits of the same run.
    pub deferrals: Vec<(LineId, Deferral)>,
    /// Deferrals of lines that were there before, as they are after the credits.
    pub shortened: Vec<(LineId, Deferral)>,
    /// Subscriptions that went on into another period, and the day on which they did.
    pub renewed: Vec<(SubscriptionId, Date)>,
    /// One-off charges that were billed, and on which document; on none where none is made of
    /// nothing.
    pub one_offs: Vec<(ChargeId, Option<InvoiceId>)>,
    /// Discounts whose use was counted, as they are now.
    pub discounts: Vec<AppliedDiscount>,
    /// Periods of metered items that were billed, as they are on record now.
    pub usage: Vec<BilledPeriod>,
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
    /// The product of a one-off charge is missing: a defect.
    #[error("product {id} of a one-off charge is not known")]
    ProductUnknown {
        /// Which.
        id: ProductId,
    },
    /// A discount cannot be taken off: a defect.
    #[error(transparent)]
    Discount(DiscountRefused),
    /// The line that a credit takes back is missing: a defect.
    #[error("the line that charged item {id} from {from} until {until} is not known")]
    LineUnknown {
        /// Which item.
        id: ItemId,
        /// First day of the charge.
        from: Date,
        /// Day after the last.
        until: Date,
    },
    /// What a meter counted was not asked for: a defect.
    #[error("the usage of item {id} from {from} until {until} is not known")]
    UsageUnknown {
        /// Which item.
        id: ItemId,
        /// First day.
        from: Date,
        /// Day after the last.
        until: Date,
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
            Self::ProductUnknown { .. } => "PRODUCT_UNKNOWN",
            Self::Discount(_) => "DISCOUNT_NOT_POSSIBLE",
            Self::LineUnknown { .. } => "LINE_UNKNOWN",
            Self::UsageUnknown { .. } => "USAGE_UNKNOWN",
        }
    }
}

/// Bills a customer's account up to the horizon. The account moves along: what is on a document,
/// or was worth none, is marked as billed, and changes that come on the way happen.
pub fn bill(material: &Material<'_>, account: &mut Account<'_>, horizon: Horizon) -> Billed {
    let mut billed = Billed::default();
    let before = account.discounts.clone();
    for date in 0..horizon.dates {
        let Some(billing_on) = next_of(account, horizon) else { break };
        match bill_date(material, account, horizon, billing_on, &mut billed) {
            Ok(()) => {}
            // Usage is read so far ahead; the next decision goes on here.
            Err(BillRefused::UsageUnknown { .. }) if date > 0 => break,
            Err(refused) => {
                billed.refused = Some(refused);
                break;
            }
        }
    }
    let counted = account.discounts.iter().zip(&before).filter(|(now, before)| now != before);
    billed.discounts = counted.map(|(now, _)| now.clone()).collect();
    settle_deferrals(account, &mut billed);
    billed
}

/// The next date on which something is billed: of the subscriptions, or today for late usage that
/// no other document is to come for.
fn next_of(account: &mut Account<'_>, horizon: Horizon) -> Option<Date> {
    next_date(account, horizon.until).or_else(|| {
        let late = account.usage.late_alone && !account.usage.late.is_empty();
        late.then_some(horizon.today)
    })
}

/// The next date on which something is billed, up to a day; changes until then happen.
fn next_date(account: &mut Account<'_>, until: Date) -> Option<Date> {
    let periods = account.subscriptions.iter().filter_map(Subscription::next_billing_on);
    let next = periods.chain(account.waiting.iter().map(|charge| charge.bill_on)).min();
    let next = next.filter(|date| *date <= until)?;
    for subscription in account.subscriptions.iter_mut() {
        let _ = subscription.apply_changes(next);
    }
    Some(next)
}

/// The documents of one billing date: one, or as many as its lines need. Nothing of the account
/// moves when one of them is refused.
fn bill_date(
    material: &Material<'_>,
    account: &mut Account<'_>,
    horizon: Horizon,
    billing_on: Date,
    billed: &mut Billed,
) -> Result<(), BillRefused> {
    let mut subscriptions = account.subscriptions.to_vec();
    let mut lines = account.lines.clone();
    let mut balance = account.balance.clone();
    let mut discounts = account.discounts.clone();
    let mut bill = charge::charges_on(
        material,
        (&mut subscriptions, &mut lines, &mut discounts, &account.usage),
        billing_on,
    )?;
    for late in &account.usage.late {
        let (charge, after) = usage::correction(material, late)?;
        bill.charges.extend(charge);
        bill.usage.push(after);
    }
    bill.charges.extend(one_offs_on(material, &account.waiting, billing_on)?);
    let heading = Heading {
        seller: material.seller,
        customer: account.customer,
        rates: material.rates,
        currency: account.currency,
        billing_on,
        issue_on: billing_on.max(horizon.today),
    };
    let mut drafts = Vec::with_capacity(1);
    for charges in chunks(bill.charges) {
        let mut draft = invoice::draft(&heading, material.ids, charges)?;
        if material.seller.issue_zero_invoices || !draft.is_zero() {
            balance.settle(&mut draft)?;
            lines.remember(&draft);
            drafts.push(draft);
        }
    }
    for one in account.waiting.extract_if(.., |one| one.bill_on <= billing_on) {
        billed.one_offs.push((one.id, document_of(&drafts, one.id)));
    }
    account.subscriptions.clone_from_slice(&subscriptions);
    (account.lines, account.balance, account.discounts) = (lines, balance, discounts);
    account.usage.late.clear();
    billed.usage.append(&mut bill.usage);
    billed.drafts.append(&mut drafts);
    billed.renewed.extend(bill.renewed);
    Ok(())
}

/// The lines of the one-off charges that are to be billed on a date, in the order of their ids.
fn one_offs_on(
    material: &Material<'_>,
    waiting: &[OneOff],
    billing_on: Date,
) -> Result<Vec<Charge>, BillRefused> {
    let due = waiting.iter().filter(|one| one.bill_on <= billing_on);
    due.map(|one| {
        let id = one.product_id;
        let product = material.products.get(&id).ok_or(BillRefused::ProductUnknown { id })?;
        Ok(one.charge(product))
    })
    .collect()
}

/// The document on which a one-off charge stands.
fn document_of(drafts: &[Draft], id: ChargeId) -> Option<InvoiceId> {
    let has =
        |draft: &&Draft| draft.lines.iter().any(|line| line.charge.origin.charge_id() == Some(id));
    drafts.iter().find(has).map(|draft| draft.id)
}

/// As many charges as a document holds, again and again.
fn chunks(charges: Vec<Charge>) -> impl Iterator<Item = Vec<Charge>> {
    let mut rest = charges.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<Charge> = rest.by_ref().take(MAX_LINES).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// The deferrals as they are at the end: of lines of this run, and of those that were there before.
fn settle_deferrals(account: &mut Account<'_>, billed: &mut Billed) {
    let mut shortened = std::mem::take(&mut account.lines.shortened);
    for line in billed.drafts.iter().flat_map(|draft| &draft.lines) {
        let now = shortened.remove(&line.id).or_else(|| line.deferral.clone());
        billed.deferrals.extend(now.map(|deferral| (line.id, deferral)));
    }
    billed.shortened.extend(shortened);
}

#[cfg(test)]
mod forfeit_tests;
#[cfg(test)]
mod metered_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
#[path = "billing_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "billing/world_tests.rs"]
pub(crate) mod world;
