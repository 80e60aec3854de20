//! From a subscription to what recurs of it.
//!
//! Purpose: the one place that knows how subscriptions keep their items, trial, pauses and end.
//!
//! Invariants: every item with a recurring price occurs.
//!
//! Deliberately absent: usage and one-offs, which do not recur.

use std::collections::HashMap;

use super::{Recurring, Segment, Terms, segments};
use crate::id::PriceId;
use crate::money::MoneyRefused;
use crate::plan::Price;
use crate::subscription::Subscription;

/// The segments of a subscription, with the prices of its items at hand.
///
/// # Errors
/// [`MoneyRefused::Overflow`].
pub fn of_subscription(
    subscription: &Subscription,
    prices: &HashMap<PriceId, Price>,
) -> Result<Vec<Segment>, MoneyRefused> {
    let terms = Terms {
        customer: subscription.customer_id,
        subscription: subscription.id,
        currency: subscription.currency,
        paid_from: subscription.trial_ends_on.unwrap_or(subscription.start_on),
        ends: subscription.cancellation.as_ref().map(|end| (end.ends_on, end.reason.into())),
        pauses: Vec::new(),
    };
    let mut recurring = Vec::with_capacity(subscription.items.len());
    for item in &subscription.items {
        let Some(price) = prices.get(&item.price_id) else { continue };
        recurring.push(Recurring {
            item: item.id,
            from: subscription.start_on,
            until: None,
            price_per_period: price.model.exact(item.quantity)?,
            interval: subscription.interval,
        });
    }
    segments(&terms, &recurring)
}
