//! From a subscription to what recurs of it.
//!
//! Purpose: the one place that knows how subscriptions keep their items, trial, pauses, end and
//! discounts.
//!
//! Invariants: every item with a recurring price occurs. A discount counts in the periods that have
//! it: from the first that begins on or after its first day, until the first that begins on or after
//! its end. Where it runs for a number of periods, these follow from the billing periods, without
//! those that are paused whole. A fixed amount is spread over the items that it covers in proportion
//! to their prices.
//!
//! Deliberately absent: usage and one-offs, which do not recur, and discounts that run once, which
//! are gifts of a day.

use std::collections::HashMap;

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Recurring, Segment, Terms, segments};
use crate::date::{self, Date};
use crate::discount::{AppliedDiscount, Duration, Reduction};
use crate::id::PriceId;
use crate::money::{self, Money, MoneyRefused};
use crate::period::Period;
use crate::plan::Price;
use crate::subscription::{Item, PauseKind, Subscription};

/// Decimals of a price after discounts: far finer than a cent, and few enough for what is computed
/// with them.
const DECIMALS: u32 = 12;

/// The segments of a subscription, with the prices of its items and its discounts at hand.
///
/// # Errors
/// [`MoneyRefused::Overflow`].
pub fn of_subscription(
    subscription: &Subscription,
    prices: &HashMap<PriceId, Price>,
    discounts: &[AppliedDiscount],
) -> Result<Vec<Segment>, MoneyRefused> {
    let windows = windows(subscription, discounts);
    let mut ahead = subscription.clone();
    let _ = ahead.apply_changes(date::LATEST);
    let terms = Terms {
        customer: ahead.customer_id,
        subscription: ahead.id,
        currency: ahead.currency,
        paid_from: ahead.first_paid_day(),
        ends: ahead.cancellation.as_ref().map(|end| (end.ends_on, end.reason.into())),
        pauses: paused(&ahead),
    };
    let mut full = Vec::with_capacity(ahead.items.len());
    for item in &ahead.items {
        let Some(price) = prices.get(&item.price_id) else { continue };
        full.push((item, price, per_period(item, price)?));
    }
    let mut recurring = Vec::with_capacity(full.len());
    for (position, (item, ..)) in full.iter().enumerate() {
        for (from, until) in stretches(item, &windows) {
            let price = discounted(position, &full, &windows, from)?;
            push(&mut recurring, item, (from, until), price);
        }
    }
    segments(&terms, &recurring)
}

/// What the customer paused: a suspension is worth what the subscription is worth, at risk.
fn paused(subscription: &Subscription) -> Vec<(Date, Option<Date>)> {
    let pauses = subscription.pauses.iter().filter(|one| one.kind == PauseKind::Customer);
    pauses.map(|one| (one.from_on, Some(one.until_on))).collect()
}

/// What of an item's price recurs: of what a meter counts, only the agreed minimum.
fn per_period(item: &Item, price: &Price) -> Result<Decimal, MoneyRefused> {
    let minimum = price.minimum.map_or(Decimal::ZERO, Money::major);
    let counted = if item.metered { Decimal::ZERO } else { price.model.exact(item.quantity)? };
    Ok(counted.max(minimum))
}

/// Adds a stretch of an item, as one with the stretch before it where nothing changes.
fn push(
    recurring: &mut Vec<Recurring>,
    item: &Item,
    (from, until): (Date, Option<Date>),
    price_per_period: Decimal,
) {
    match recurring.last_mut() {
        Some(last)
            if last.item == item.id
                && last.until == Some(from)
                && last.price_per_period == price_per_period =>
        {
            last.until = until;
        }
        _ => recurring.push(Recurring {
            item: item.id,
            from,
            until,
            price_per_period,
            interval: item.grid.interval,
        }),
    }
}

/// A discount, and the days on which it counts.
struct Window<'a> {
    discount: &'a AppliedDiscount,
    from: Date,
    until: Option<Date>,
}

impl Window<'_> {
    fn holds_on(&self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }
}

/// The windows of discounts that last, percentages first, in the order in which they begin.
fn windows<'a>(subscription: &Subscription, discounts: &'a [AppliedDiscount]) -> Vec<Window<'a>> {
    let own = discounts.iter().filter(|one| one.subscription_id == subscription.id);
    let mut windows: Vec<Window<'_>> =
        own.filter_map(|discount| window(subscription, discount)).collect();
    let is_fixed =
        |one: &Window<'_>| matches!(one.discount.offer.discount.reduction, Reduction::Fixed { .. });
    windows.sort_by_key(|one| (is_fixed(one), one.discount.from_on, one.discount.id));
    windows
}

fn window<'a>(subscription: &Subscription, discount: &'a AppliedDiscount) -> Option<Window<'a>> {
    let from = first_start(subscription, discount.from_on);
    let ended = discount.ended_on.map(|on| first_start(subscription, on));
    let until = match discount.offer.discount.duration {
        Duration::Once => return None,
        Duration::Forever => ended,
        Duration::Periods { count } => {
            let left = count.saturating_sub(discount.used);
            let next = match discount.last_on {
                Some(last) => subscription.grid.period_containing(last).end,
                None => from,
            };
            let used_up = after_periods(subscription, next, left);
            Some(ended.map_or(used_up, |ended| ended.min(used_up)))
        }
    };
    until.is_none_or(|until| from < until).then_some(Window { discount, from, until })
}

/// The first day of the first period that begins on or after a day.
fn first_start(subscription: &Subscription, day: Date) -> Date {
    let first = subscription.first_paid_day();
    if day <= first {
        return first;
    }
    let period = subscription.grid.period_containing(day);
    if period.start == day { day } else { period.end }
}

/// The day after so many periods from one that begins on `start`, paused ones not counted.
fn after_periods(subscription: &Subscription, start: Date, count: u32) -> Date {
    let mut day = start;
    let mut left = count;
    while left > 0 && day < date::LATEST {
        let period = subscription.grid.period_containing(day);
        let days = Period { start: day, end: period.end };
        let is_paused =
            |pause: &crate::subscription::Pause| pause.days().intersection(days) == days;
        if !subscription.pauses.iter().any(is_paused) {
            left -= 1;
        }
        day = period.end;
    }
    day
}

/// The days of an item, cut where discounts begin and end.
fn stretches(item: &Item, windows: &[Window<'_>]) -> Vec<(Date, Option<Date>)> {
    let inside = |day: &Date| *day > item.from_on && item.until_on.is_none_or(|until| *day < until);
    let bounds = windows.iter().flat_map(|one| [Some(one.from), one.until]).flatten();
    let mut starts: Vec<Date> = bounds.filter(inside).collect();
    starts.push(item.from_on);
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().skip(1).copied().map(Some).chain([item.until_on]);
    starts.iter().copied().zip(ends).collect()
}

/// What a period of an item costs after the discounts of a day: those of all items are computed,
/// because a fixed amount is spread over them.
fn discounted(
    position: usize,
    items: &[(&Item, &Price, Decimal)],
    windows: &[Window<'_>],
    day: Date,
) -> Result<Decimal, MoneyRefused> {
    let mut prices: Vec<Decimal> = items.iter().map(|(.., price)| *price).collect();
    for window in windows.iter().filter(|one| one.holds_on(day)) {
        let covers = |(item, price, _): &(&Item, &Price, Decimal)| {
            item.is_in_force(day) && window.discount.covers(price.product_id, &item.component)
        };
        let covered: Vec<bool> = items.iter().map(covers).collect();
        let base = prices.iter().zip(&covered).filter(|(_, covered)| **covered);
        let base = base.map(|(price, _)| *price).try_fold(Decimal::ZERO, Decimal::checked_add);
        let base = base.ok_or(MoneyRefused::Overflow)?;
        if base.is_zero() {
            continue;
        }
        let (part, whole) = match window.discount.offer.discount.reduction {
            Reduction::Percentage { percent } => {
                (Decimal::ONE_HUNDRED - percent, Decimal::ONE_HUNDRED)
            }
            Reduction::Fixed { amount } => ((base - amount.major()).max(Decimal::ZERO), base),
        };
        for (price, _) in prices.iter_mut().zip(&covered).filter(|(_, covered)| **covered) {
            *price = (money::multiply(*price, part)? / whole)
                .round_dp_with_strategy(DECIMALS, RoundingStrategy::MidpointAwayFromZero);
        }
    }
    Ok(prices.get(position).copied().unwrap_or_default())
}
