//! From a subscription to what recurs of it.
//!
//! Purpose: the one place that knows how subscriptions keep their items, trial, pauses and end.
//!
//! Invariants: every item with a recurring price occurs.
//!
//! Deliberately absent: usage and one-offs, which do not recur.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::{Recurring, Segment, Terms, segments};
use crate::date;
use crate::id::PriceId;
use crate::money::{Money, MoneyRefused};
use crate::plan::Price;
use crate::subscription::{Item, Subscription};

/// The segments of a subscription, with the prices of its items at hand.
///
/// # Errors
/// [`MoneyRefused::Overflow`].
pub fn of_subscription(
    subscription: &Subscription,
    prices: &HashMap<PriceId, Price>,
) -> Result<Vec<Segment>, MoneyRefused> {
    let mut ahead = subscription.clone();
    let _ = ahead.apply_changes(date::LATEST);
    let terms = Terms {
        customer: ahead.customer_id,
        subscription: ahead.id,
        currency: ahead.currency,
        paid_from: ahead.first_paid_day(),
        ends: ahead.cancellation.as_ref().map(|end| (end.ends_on, end.reason.into())),
        pauses: ahead.pauses.iter().map(|one| (one.from_on, Some(one.until_on))).collect(),
    };
    let mut recurring = Vec::with_capacity(ahead.items.len());
    for item in &ahead.items {
        let Some(price) = prices.get(&item.price_id) else { continue };
        recurring.push(Recurring {
            item: item.id,
            from: item.from_on,
            until: item.until_on,
            price_per_period: per_period(item, price)?,
            interval: item.grid.interval,
        });
    }
    segments(&terms, &recurring)
}

/// What of an item's price recurs: of what a meter counts, only the agreed minimum.
fn per_period(item: &Item, price: &Price) -> Result<Decimal, MoneyRefused> {
    let minimum = price.minimum.map_or(Decimal::ZERO, Money::major);
    let counted = if item.metered { Decimal::ZERO } else { price.model.exact(item.quantity)? };
    Ok(counted.max(minimum))
}
