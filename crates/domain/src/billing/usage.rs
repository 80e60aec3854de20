//! What meters counted: of periods that are over, and of periods that were billed before.
//!
//! Purpose: the quantities that a decision bills, and what is on record once it has.
//!
//! Invariants: the tiers of a price begin anew in every part; a quantity is never prorated, an agreed
//! minimum is. What arrives late is billed as the difference, with the price of its period, without
//! discounts.
//!
//! Deliberately absent: how events become a quantity ([`crate::usage`]).

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::{BillRefused, Material};
use crate::Outcome;
use crate::id::{ItemId, SubscriptionId};
use crate::invoice::{Charge, LineKind, Origin};
use crate::period::Period;
use crate::usage::BilledPeriod;

/// What meters counted of an account.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// The totals of periods that are to be billed, by item and days.
    pub totals: HashMap<(ItemId, Period), Decimal>,
    /// Billed periods for which events arrived since; the next document bills the differences.
    pub late: Vec<Late>,
    /// Whether no other document is to come: then the differences have their own.
    pub late_alone: bool,
}

/// A billed period for which events arrived since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// Whose item it is.
    pub subscription_id: SubscriptionId,
    /// What was billed.
    pub period: BilledPeriod,
    /// What the meter counts now.
    pub quantity: Decimal,
}

impl Usage {
    /// The total of a part.
    pub(super) fn of(&self, item_id: ItemId, part: Period) -> Result<Decimal, BillRefused> {
        let total = self.totals.get(&(item_id, part)).copied();
        total.ok_or(BillRefused::UsageUnknown { id: item_id, from: part.start, until: part.end })
    }
}

/// The line for what arrived late, if it changes the price, and what is on record then.
pub(super) fn correction(
    material: &Material<'_>,
    late: &Late,
) -> Result<(Option<Charge>, BilledPeriod), BillRefused> {
    let period = &late.period;
    let unknown = BillRefused::PriceUnknown { id: period.price_id };
    let price = material.prices.get(&period.price_id).ok_or_else(|| unknown.clone())?;
    let product = material.products.get(&price.product_id).ok_or(unknown)?;
    let (difference, after) = period.late(&price.model, late.quantity)?;
    let Outcome::Applied(net) = difference else { return Ok((None, after)) };
    let origin = Origin::Item {
        subscription_id: late.subscription_id,
        item_id: period.item_id,
        // How many times it was billed: the line's natural key.
        change: i32::try_from(period.times).unwrap_or(i32::MAX),
    };
    let kind = LineKind::UsageCorrection;
    Ok((Some(Charge::of_product(origin, kind, product, period.period, net)), after))
}
