//! Usage: from events to the quantity of a period, and what late events still cost.
//!
//! Purpose: meters and their aggregation (sum, max, last, distinct); which events are accepted
//! (`check`); a fold over events that takes them in any order and in any pieces; the difference
//! that late usage is billed as.
//!
//! Invariants: an id counts once; order, chunks and repeats never change a quantity; a billed
//! quantity is never below zero; what is billed for a period adds up to the price of its total.
//!
//! Deliberately absent: values carried over from an earlier period (a period without events has
//! quantity 0); storage and its unique key on event ids.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::Outcome;
use crate::code::codes;
use crate::date;
use crate::id::{CustomerId, ItemId, MeterId, PriceId};
use crate::money::{Currency, Money, MoneyRefused};
use crate::period::Period;
use crate::price::PriceModel;

mod check;

pub use self::check::{MAX_SKEW, MAX_TEXT_BYTES, Taken, UsageRefused};

codes! {
    /// How the events of a period become a quantity.
    Aggregation {
        /// The sum of the quantities; a correction is an event with a negative quantity.
        Sum = "sum",
        /// The largest quantity.
        Max = "max",
        /// The quantity of the latest event; of two at one instant, of the one with the larger id.
        Last = "last",
        /// How many different values the events carry.
        Distinct = "distinct",
    }
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    /// Identity.
    pub id: MeterId,
    /// The vendor's own short name, unique; events name it.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// How events become a quantity.
    pub aggregation: Aggregation,
    /// What one unit is called, such as `GB`.
    pub unit_label: Option<String>,
}

/// One measurement of one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Given by the sender; the same id is the same event.
    pub id: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// How much.
    pub quantity: Decimal,
    /// What a distinct count counts: a user, a device.
    pub value: Option<String>,
}

/// A total of events whose ids are known to differ (the database's unique key says so). Small,
/// except for a distinct count, and made in pieces: add events, merge totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Total {
    /// The sum so far.
    Sum(Decimal),
    /// The largest quantity so far; nothing before the first event.
    Max(Option<Decimal>),
    /// Instant, id and quantity of the latest event so far.
    Last(Option<(DateTime<Utc>, String, Decimal)>),
    /// The different values so far.
    Distinct(BTreeSet<String>),
}

impl Total {
    /// Of no events.
    #[must_use]
    pub fn of_nothing(aggregation: Aggregation) -> Self {
        match aggregation {
            Aggregation::Sum => Self::Sum(Decimal::ZERO),
            Aggregation::Max => Self::Max(None),
            Aggregation::Last => Self::Last(None),
            Aggregation::Distinct => Self::Distinct(BTreeSet::new()),
        }
    }

    /// What it is a total of.
    #[must_use]
    pub fn aggregation(&self) -> Aggregation {
        match self {
            Self::Sum(_) => Aggregation::Sum,
            Self::Max(_) => Aggregation::Max,
            Self::Last(_) => Aggregation::Last,
            Self::Distinct(_) => Aggregation::Distinct,
        }
    }

    /// Adds one event.
    ///
    /// # Errors
    /// [`UsageRefused::Money`] when a sum does not fit.
    pub fn add(&mut self, event: &Event) -> Result<(), UsageRefused> {
        let of_one = match self {
            Self::Sum(_) => Self::Sum(event.quantity),
            Self::Max(_) => Self::Max(Some(event.quantity)),
            Self::Last(_) => Self::Last(Some((event.at, event.id.clone(), event.quantity))),
            Self::Distinct(_) => Self::Distinct(event.value.iter().cloned().collect()),
        };
        self.merge(of_one)
    }

    /// Adds the total of other events.
    ///
    /// # Errors
    /// [`UsageRefused::Mixed`] for another aggregation, [`UsageRefused::Money`] when a sum does
    /// not fit.
    pub fn merge(&mut self, other: Self) -> Result<(), UsageRefused> {
        match (self, other) {
            (Self::Sum(sum), Self::Sum(more)) => {
                *sum = sum.checked_add(more).ok_or(MoneyRefused::Overflow)?;
            }
            (Self::Max(max), Self::Max(more)) => *max = (*max).max(more),
            (Self::Last(last), Self::Last(more)) => {
                let newest = last.take().max(more);
                *last = newest;
            }
            (Self::Distinct(values), Self::Distinct(mut more)) => values.append(&mut more),
            (left, right) => {
                let (left, right) = (left.aggregation(), right.aggregation());
                return Err(UsageRefused::Mixed { left, right });
            }
        }
        Ok(())
    }

    /// The quantity to bill: zero without events and where corrections exceed the usage.
    #[must_use]
    pub fn quantity(&self) -> Decimal {
        let quantity = match self {
            Self::Sum(sum) => *sum,
            Self::Max(max) => max.unwrap_or_default(),
            Self::Last(last) => last.as_ref().map_or(Decimal::ZERO, |(_, _, quantity)| *quantity),
            Self::Distinct(values) => Decimal::from(values.len()),
        };
        billable(quantity)
    }
}

/// The quantity to bill of a total: never below zero, and without trailing zeros.
#[must_use]
pub fn billable(total: Decimal) -> Decimal {
    total.max(Decimal::ZERO).normalize()
}

/// Events with their ids, so that an id counts once wherever and however often it comes. For raw
/// streams; see [`Total`] for rows whose ids already differ.
///
/// Of two events with one id and different content the earlier one counts (then the one with the
/// smaller quantity, then value), so that not even this depends on the order of arrival. The store
/// refuses the second before it comes here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events(BTreeMap<String, Content>);

/// An event without its id: instant, quantity, value.
type Content = (DateTime<Utc>, Decimal, Option<String>);

impl Events {
    /// Takes an event in; unchanged when its id is known.
    pub fn record(&mut self, event: Event) -> Outcome<()> {
        self.take(event.id, (event.at, event.quantity, event.value))
    }

    fn take(&mut self, id: String, content: Content) -> Outcome<()> {
        match self.0.get(&id) {
            Some(known) if *known <= content => Outcome::Unchanged,
            _ => {
                self.0.insert(id, content);
                Outcome::Applied(())
            }
        }
    }

    /// Takes other events in.
    pub fn merge(&mut self, other: Self) {
        for (id, content) in other.0 {
            let (Outcome::Applied(()) | Outcome::Unchanged) = self.take(id, content);
        }
    }

    /// The total of those that happened in `period`, by local dates.
    ///
    /// # Errors
    /// [`UsageRefused::Money`] when a sum does not fit.
    pub fn total(
        &self,
        aggregation: Aggregation,
        period: Period,
        zone: Tz,
    ) -> Result<Total, UsageRefused> {
        let mut total = Total::of_nothing(aggregation);
        let inside = |at: &DateTime<Utc>| period.contains(date::local(*at, zone));
        for (id, (at, quantity, value)) in self.0.iter().filter(|(_, (at, _, _))| inside(at)) {
            let (id, value) = (id.clone(), value.clone());
            total.add(&Event { id, at: *at, quantity: *quantity, value })?;
        }
        Ok(total)
    }
}

impl FromIterator<Event> for Events {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut taken = Self::default();
        for event in events {
            let (Outcome::Applied(()) | Outcome::Unchanged) = taken.record(event);
        }
        taken
    }
}

/// What a period with `quantity` units costs in all: its price, rounded once, and at least its
/// minimum (that of the billed part of the period, nothing where none was agreed).
///
/// # Errors
/// [`MoneyRefused::Overflow`].
pub fn owed(price: &PriceModel, quantity: Decimal, minimum: Money) -> Result<Money, MoneyRefused> {
    let amount = price.amount(quantity, minimum.currency())?;
    Ok(Money::new(amount.minor().max(minimum.minor()), minimum.currency()))
}

/// What usage that arrived for an invoiced period still costs: what the period costs with its new
/// total, at that period's price, less what was billed for it (with its true-up). Below zero, a
/// credit, where a correction or a cheaper volume tier lowers the total.
///
/// # Errors
/// [`MoneyRefused`] when amounts do not fit or currencies differ.
pub fn late(
    price: &PriceModel,
    quantity_now: Decimal,
    minimum: Money,
    billed: Money,
) -> Result<Money, MoneyRefused> {
    owed(price, quantity_now, minimum)?.checked_sub(billed)
}

/// What has been billed for one period of a metered item, with all that is needed to bill what
/// arrives for it later: kept for every such period, also where its quantity was zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BilledPeriod {
    /// The item.
    pub item_id: ItemId,
    /// Whose.
    pub customer_id: CustomerId,
    /// What was measured.
    pub meter_id: MeterId,
    /// The price it was billed at; later differences are computed with it.
    pub price_id: PriceId,
    /// Which days.
    pub period: Period,
    /// The minimum agreed for these days; nothing where none was.
    pub minimum: Money,
    /// The quantity that has been billed.
    pub quantity: Decimal,
    /// What has been billed for it in all, with its true-up.
    pub billed: Money,
    /// How many times it was billed: 1, and one more with every difference. Names the difference.
    pub times: u32,
}

impl BilledPeriod {
    /// In which currency.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.billed.currency()
    }

    /// What the period still costs with its total of now (see [`late`]), and what is on record once
    /// that is billed. Unchanged when nothing is to be billed, whatever the total; the record is to
    /// be saved all the same, so that it is known to be looked at.
    ///
    /// # Errors
    /// [`MoneyRefused`] when amounts do not fit.
    pub fn late(
        &self,
        price: &PriceModel,
        quantity_now: Decimal,
    ) -> Result<(Outcome<Money>, Self), MoneyRefused> {
        let difference = late(price, quantity_now, self.minimum, self.billed)?;
        let quantity = billable(quantity_now);
        let times = self.times.checked_add(1).ok_or(MoneyRefused::Overflow)?;
        let billed = self.billed.checked_add(difference)?;
        let after = Self { quantity, billed, times, ..self.clone() };
        let outcome = match difference.minor() {
            0 => Outcome::Unchanged,
            _ => Outcome::Applied(difference),
        };
        Ok((outcome, after))
    }
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
