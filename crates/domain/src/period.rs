//! Billing periods: intervals, anchors, boundaries, proration.
//!
//! Purpose: which period contains a day, and which part of a price a part of a period costs.
//!
//! Invariants: periods are half-open `[start, end)`. Boundary k is computed from the anchor each
//! time and clamped to the month's last day, never from the previous, clamped boundary: 31 Jan,
//! 28 Feb, 31 Mar. The parts of a period always add up to the whole.
//!
//! Deliberately absent: time of day; periods begin and end with local days.

use chrono::Datelike;
use rust_decimal::Decimal;

use crate::code::codes;
use crate::date::{self, Date};
use crate::money::{self, Currency, Money, MoneyRefused};

codes! {
    /// The unit of an interval.
    Unit {
        /// Calendar days.
        Day = "day",
        /// Seven days.
        Week = "week",
        /// Calendar months.
        Month = "month",
        /// Twelve months.
        Year = "year",
    }
}

codes! {
    /// Where a subscription's boundaries come from.
    Alignment {
        /// The day the first paid period starts.
        OwnDay = "own_day",
        /// The calendar: first of the month, quarter or year, or Monday. The first period is
        /// shorter and prorated.
        Calendar = "calendar",
    }
}

impl Unit {
    /// The most units of an interval: ten years, in any unit but days. More is a mistake, not a
    /// plan.
    #[must_use]
    pub const fn most(self) -> u32 {
        match self {
            Self::Day => 366,
            Self::Week => 520,
            Self::Month => 120,
            Self::Year => 10,
        }
    }
}

/// Why an interval or an alignment is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntervalRefused {
    /// Zero or too many units.
    #[error("an interval of {count} {unit}s is not possible: expected 1 to {}", unit.most())]
    Count {
        /// What was given.
        count: u32,
        /// The unit.
        unit: Unit,
    },
    /// Only whole calendar units can be aligned to the calendar.
    #[error(
        "an interval of {interval} cannot follow the calendar: weeks, years and months that divide a year can"
    )]
    NotOnCalendar {
        /// What was given.
        interval: Interval,
    },
}

/// A billing interval: n days, weeks, months or years. A quarter is 3 months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    count: u32,
    unit: Unit,
}

impl Interval {
    /// One month.
    pub const MONTHLY: Self = Self { count: 1, unit: Unit::Month };
    /// Three months.
    pub const QUARTERLY: Self = Self { count: 3, unit: Unit::Month };
    /// One year.
    pub const YEARLY: Self = Self { count: 1, unit: Unit::Year };

    /// An interval of `count` units.
    ///
    /// # Errors
    /// [`IntervalRefused::Count`].
    pub fn new(count: u32, unit: Unit) -> Result<Self, IntervalRefused> {
        if (1..=unit.most()).contains(&count) {
            Ok(Self { count, unit })
        } else {
            Err(IntervalRefused::Count { count, unit })
        }
    }

    /// How many units.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count
    }

    /// Of which unit.
    #[must_use]
    pub fn unit(self) -> Unit {
        self.unit
    }

    /// Boundary `k` of the grid that starts at `anchor`.
    #[must_use]
    pub fn boundary(self, anchor: Date, k: u32) -> Date {
        let n = self.count.saturating_mul(k);
        match self.unit {
            Unit::Day => date::add_days(anchor, i64::from(n)),
            Unit::Week => date::add_days(anchor, i64::from(n) * 7),
            Unit::Month => date::add_months(anchor, n),
            Unit::Year => date::add_months(anchor, n.saturating_mul(12)),
        }
    }

    /// The whole period of the anchored grid that contains `day`. A day before the anchor belongs
    /// to the first period.
    #[must_use]
    pub fn period_containing(self, anchor: Date, day: Date) -> Period {
        let mut k = self.estimate(anchor, day);
        while k > 0 && self.boundary(anchor, k) > day {
            k -= 1;
        }
        while self.boundary(anchor, k + 1) <= day && self.boundary(anchor, k + 1) < date::LATEST {
            k += 1;
        }
        Period { start: self.boundary(anchor, k), end: self.boundary(anchor, k + 1) }
    }

    /// The number of the period that contains `day`, at most two off.
    fn estimate(self, anchor: Date, day: Date) -> u32 {
        let units = match self.unit {
            Unit::Day => date::days_between(anchor, day),
            Unit::Week => date::days_between(anchor, day) / 7,
            Unit::Month => months_between(anchor, day),
            Unit::Year => months_between(anchor, day) / 12,
        };
        u32::try_from(units / i64::from(self.count)).unwrap_or(0)
    }

    /// The anchor of a grid that follows the calendar and whose first period contains `day`:
    /// the first of the month, of the quarter or of the year, or Monday.
    ///
    /// # Errors
    /// [`IntervalRefused::NotOnCalendar`] for days and for months that do not divide a year.
    pub fn calendar_anchor(self, day: Date) -> Result<Date, IntervalRefused> {
        let first_of_year = day.with_ordinal(1).unwrap_or(day);
        match self.unit {
            Unit::Week => Ok(date::add_days(day, -i64::from(day.weekday().num_days_from_monday()))),
            Unit::Year => Ok(first_of_year),
            Unit::Month if self.count <= 12 && 12 % self.count == 0 => {
                Ok(self.period_containing(first_of_year, day).start)
            }
            Unit::Month | Unit::Day => Err(IntervalRefused::NotOnCalendar { interval: self }),
        }
    }
}

fn months_between(from: Date, to: Date) -> i64 {
    let months = |day: Date| i64::from(day.year()) * 12 + i64::from(day.month0());
    months(to) - months(from)
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.count == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", self.count, self.unit)
    }
}

/// A half-open range of days `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Period {
    /// First day.
    pub start: Date,
    /// The day after the last.
    pub end: Date,
}

impl Period {
    /// Calendar days in it.
    #[must_use]
    pub fn days(self) -> i64 {
        date::days_between(self.start, self.end).max(0)
    }

    /// The last day, as documents print it.
    #[must_use]
    pub fn last_day(self) -> Date {
        date::add_days(self.end, -1)
    }

    /// Whether `day` lies in it.
    #[must_use]
    pub fn contains(self, day: Date) -> bool {
        self.start <= day && day < self.end
    }

    /// The days that both have; empty (start = end) when there are none.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        let start = self.start.max(other.start);
        Self { start, end: self.end.min(other.end).max(start) }
    }

    /// Whether there is no day in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Whether it is longer than a month: then revenue is spread over its days. No month has more
    /// than 31 days, also not one anchored on the 31st: 28 February to 31 March is a month.
    #[must_use]
    pub fn longer_than_a_month(self) -> bool {
        self.days() > 31
    }
}

/// What the part `[part.start, part.end)` of a whole period costs, by calendar days:
/// `round(price x b / D) - round(price x a / D)`, so that the parts of a period add up to the
/// whole however it is cut. `price` is the exact price of the whole period in major units, so that
/// a line is rounded once.
///
/// # Errors
/// [`MoneyRefused::Overflow`] when the whole has no days or the part lies outside it.
pub fn prorate_exact(
    price: Decimal,
    currency: Currency,
    whole: Period,
    part: Period,
) -> Result<Money, MoneyRefused> {
    let a = date::days_between(whole.start, part.start);
    let b = date::days_between(whole.start, part.end);
    if a < 0 || b < a || b > whole.days() {
        return Err(MoneyRefused::Overflow);
    }
    let until = |days| money::round_share(price, days, whole.days(), currency);
    until(b)?.checked_sub(until(a)?)
}

/// As [`prorate_exact`], of a price that is an amount.
///
/// # Errors
/// [`MoneyRefused::Overflow`] when the whole has no days or the part lies outside it.
pub fn prorate(price: Money, whole: Period, part: Period) -> Result<Money, MoneyRefused> {
    prorate_exact(price.major(), price.currency(), whole, part)
}

#[cfg(test)]
#[path = "period_tests.rs"]
mod tests;
