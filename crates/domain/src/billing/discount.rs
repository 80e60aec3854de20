//! Discounts of a subscription, taken off what is charged on a billing date.
//!
//! Purpose: which lines have which discounts, and how often a discount has been used.
//!
//! Invariants: only new charges have discounts, never credits and corrections; no line falls below
//! zero. A discount belongs to periods: a period either has it, with all its parts, or does not,
//! whatever happens in between. The first part of a period that is charged counts as one use, also
//! where the discount comes to nothing; what is charged anew in the same period after a change or
//! a pause has it again, because the credit took it back by days, and is not counted again.
//!
//! A fixed amount is for a whole period: a part has its share by days, rounded so that the parts add
//! up. Where a discount covers items that are billed in advance, their lines have the amount; what
//! is billed in arrears has it where nothing else does. Percentages are of every covered line.
//!
//! Deliberately absent: how an amount is spread over lines ([`crate::discount::apply`]).

use std::collections::{BTreeMap, HashMap};

use super::BillRefused;
use crate::date::Date;
use crate::discount::applied::Has;
use crate::discount::{self, AppliedDiscount, DiscountRefused, Reduction, Scope};
use crate::id::PriceId;
use crate::invoice::{Charge, LineKind};
use crate::money::{Money, MoneyRefused};
use crate::period::{Period, prorate};
use crate::plan::{Price, Timing};
use crate::subscription::{Item, Subscription};

/// A new line, by its position among the charges, and the period that it is a part of.
struct Place<'a> {
    position: usize,
    item: &'a Item,
    whole: Period,
    part: Period,
}

/// Lines of one period, by its first day.
type Periods<'a> = BTreeMap<Date, Vec<&'a Place<'a>>>;

/// Takes the discounts of a subscription off what is charged for it on a billing date: percentages
/// first, then fixed amounts, in the order in which they begin. The discounts count their use.
pub(super) fn take_off(
    prices: &HashMap<PriceId, Price>,
    subscription: &Subscription,
    discounts: &mut [AppliedDiscount],
    charges: &mut [Charge],
) -> Result<(), BillRefused> {
    let own: Vec<usize> = discounts
        .iter()
        .enumerate()
        .filter(|(_, one)| one.subscription_id == subscription.id)
        .map(|(at, _)| at)
        .collect();
    if own.is_empty() || charges.is_empty() {
        return Ok(());
    }
    let places: Vec<Place<'_>> = places(subscription, charges).collect();
    let covers = |discount: &AppliedDiscount, item: &Item| {
        let price = prices.get(&item.price_id);
        price.is_some_and(|price| discount.covers(price.product_id, &item.component))
    };
    let mut reductions = Vec::new();
    for at in own {
        let Some(discount) = discounts.get_mut(at) else { continue };
        let mut periods: Periods<'_> = BTreeMap::new();
        for place in places.iter().filter(|place| covers(discount, place.item)) {
            let start = place.whole.start.max(subscription.first_paid_day());
            periods.entry(start).or_default().push(place);
        }
        periods.retain(|start, _| match discount.has(*start) {
            Has::Not => false,
            Has::Counted => true,
            Has::New => {
                discount.mark_used(*start);
                true
            }
        });
        let in_advance = |whole: Period| {
            let covered = subscription.items.iter().filter(|item| covers(discount, item));
            covered.into_iter().any(|item| is_in_advance(item, whole))
        };
        match discount.offer.discount.reduction {
            Reduction::Percentage { .. } => {
                let lines = periods.values().flatten().map(|place| place.position).collect();
                reductions.push((discount.offer.discount.reduction, Scope::Lines(lines)));
            }
            Reduction::Fixed { amount } => {
                for places in periods.values() {
                    reductions.extend(fixed(amount, places, &in_advance)?);
                }
            }
        }
    }
    subtract(subscription, &reductions, charges)
}

/// The lines that may have discounts.
fn places<'a>(
    subscription: &'a Subscription,
    charges: &[Charge],
) -> impl Iterator<Item = Place<'a>> {
    let place = |(position, charge): (usize, &Charge)| {
        let is_new =
            matches!(charge.kind, LineKind::Recurring | LineKind::Minimum | LineKind::Usage);
        let item_id = charge.origin.item_id().filter(|_| is_new)?;
        let item = subscription.items.iter().find(|item| item.id == item_id)?;
        let part = charge.service;
        let whole = item.grid.period_containing(part.start);
        Some(Place { position, item, whole, part })
    };
    charges.iter().enumerate().filter_map(place).collect::<Vec<_>>().into_iter()
}

/// Whether an item is billed in advance for days of a period.
fn is_in_advance(item: &Item, whole: Period) -> bool {
    let begins = item.from_on < whole.end;
    let lasts = item.until_on.is_none_or(|until| until > whole.start);
    item.timing() == Timing::InAdvance && begins && lasts
}

/// The share of a fixed amount that lines of one period have; nothing where it comes to nothing.
fn fixed(
    amount: Money,
    places: &[&Place<'_>],
    in_advance: &impl Fn(Period) -> bool,
) -> Result<Option<(Reduction, Scope)>, MoneyRefused> {
    let Some(whole) = places.first().map(|place| place.whole) else { return Ok(None) };
    let timing = if in_advance(whole) { Timing::InAdvance } else { Timing::InArrears };
    let having = || places.iter().filter(|place| place.item.timing() == timing);
    let start = having().map(|place| place.part.start).min();
    let end = having().map(|place| place.part.end).max();
    let Some((start, end)) = start.zip(end) else { return Ok(None) };
    let amount = prorate(amount, whole, Period { start, end })?;
    let lines = having().map(|place| place.position).collect();
    let reduction = Reduction::Fixed { amount };
    Ok((!amount.is_zero()).then_some((reduction, Scope::Lines(lines))))
}

fn subtract(
    subscription: &Subscription,
    reductions: &[(Reduction, Scope)],
    charges: &mut [Charge],
) -> Result<(), BillRefused> {
    let currency = subscription.currency;
    let nets: Vec<Money> = charges.iter().map(|charge| charge.net).collect();
    let discounted = discount::apply(currency, &nets, reductions)?;
    for (position, charge) in charges.iter_mut().enumerate() {
        let off = discounted.off(position, currency)?;
        charge.discount = charge.discount.checked_add(off)?;
        charge.net = charge.net.checked_sub(off)?;
    }
    Ok(())
}

impl From<DiscountRefused> for BillRefused {
    fn from(refused: DiscountRefused) -> Self {
        match refused {
            DiscountRefused::Money(refused) => refused.into(),
            refused => Self::Discount(refused),
        }
    }
}
