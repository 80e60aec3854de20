//! Forecasts: in which month an investment will be recouped and completed.
//!
//! Purpose: the months to come on three assumptions of what others will pay for the feature, shared
//! as the monthly share does, until principal and cap are reached; and what the running month adds.
//!
//! Invariants: exact integer arithmetic; a month's revenue is never below zero and is rounded once,
//! half away from zero. More revenue is never later (of three investors or more, the cent that does
//! not divide may go to another one). Completed is never before recouped. After [`HORIZON_MONTHS`]
//! months the answer is never.
//!
//! A month is named by what it brings, not by the day of its credit, which is in the next one. The
//! running month counts as a whole one.
//!
//! Deliberately absent: the minimum payout (what it delays is owed, and comes in the end), VAT,
//! payments that fail: all three assumptions are about what comes in.

use rust_decimal::Decimal;

use crate::code::codes;
use crate::date::{self, Date};
use crate::money::{Money, MoneyRefused};
use crate::share;

/// After so many months, fifty years, nobody waits any more.
pub const HORIZON_MONTHS: u32 = 600;
/// So many of the last complete months make a trend.
pub const TREND_MONTHS: usize = 6;

codes! {
    /// What is assumed of the revenue of the months to come.
    Assumption {
        /// Each brings what the last complete month brought.
        Today = "today",
        /// They go on as the last six complete months went: the straight line of least squares.
        Trend = "trend",
        /// Nobody comes and nobody goes: each brings what is in force now is worth a month.
        Steady = "steady",
    }
}

/// What is known of a feature's revenue, as one basis counts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// The first day of the running month: the first that is foretold.
    pub first: Date,
    /// The first day of the last month that counts, where the feature is retired.
    pub last: Option<Date>,
    /// What the last complete months brought, oldest first; at most [`TREND_MONTHS`] count.
    pub months: Vec<Money>,
    /// What is in force now and not an investor's own is worth a month.
    pub steady: Money,
}

/// An investment as a forecast sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stake {
    /// The shares, in percent, of all investments that share the revenue, oldest first.
    pub shares: Vec<Decimal>,
    /// Which of them is its own.
    pub own: usize,
    /// What recoups it.
    pub principal: Money,
    /// What completes it.
    pub cap: Money,
    /// What all credited months have accrued.
    pub accrued: Money,
    /// What was credited of it.
    pub credited: Money,
    /// Its part of months that are over and not credited yet.
    pub waiting: Money,
}

impl Stake {
    /// What it has accrued with the months that are over.
    fn accrued_by_now(&self) -> Money {
        // Beyond every cap, nothing is added.
        self.accrued.checked_add(self.waiting).unwrap_or(self.accrued)
    }

    /// What is credited next if the running month brings nothing: what was carried, and months that
    /// are over.
    #[must_use]
    pub fn awaiting(&self) -> Money {
        self.between(self.credited, self.accrued_by_now())
    }

    /// By how much `part` of the running month raises what will be credited: nothing beyond the cap,
    /// and nothing before what was credited too early is accrued again.
    #[must_use]
    pub fn expected(&self, part: Money) -> Money {
        let before = self.accrued_by_now();
        let after = before.checked_add(part).unwrap_or(before);
        let floor = before.minor().min(self.cap.minor()).max(self.credited.minor());
        self.between(Money::new(floor, self.cap.currency()), after)
    }

    /// From one to the other, up to the cap; never below zero.
    fn between(&self, from: Money, to: Money) -> Money {
        let up_to = to.minor().min(self.cap.minor());
        Money::new(up_to.saturating_sub(from.minor()).max(0), self.cap.currency())
    }
}

/// What was credited in percent of the cap, cut off after two decimals: 100 only when it is all.
#[must_use]
pub fn percentage(credited: Money, cap: Money) -> Decimal {
    let hundredths = i128::from(credited.minor()) * 10_000;
    let parts = hundredths.checked_div(i128::from(cap.minor())).unwrap_or_default();
    Decimal::try_from_i128_with_scale(parts, 2).unwrap_or_default()
}

/// When something is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It is.
    Reached,
    /// By what this month brings; its first day.
    In(Date),
    /// Not as things are assumed.
    Never,
}

/// What an assumption leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// The assumption.
    pub assumption: Assumption,
    /// What the running month brings, as it is assumed.
    pub revenue: Money,
    /// When as much as the principal will be credited.
    pub recouped: Reach,
    /// When everything will be.
    pub completed: Reach,
}

/// What all three assumptions lead to.
///
/// # Errors
/// [`MoneyRefused`] when shares or currencies do not fit together.
pub fn outlooks(course: &Course, stake: &Stake) -> Result<Vec<Outlook>, MoneyRefused> {
    Assumption::ALL.iter().map(|one| outlook(*one, course, stake)).collect()
}

/// What an assumption leads to.
///
/// # Errors
/// [`MoneyRefused`] when shares or currencies do not fit together.
pub fn outlook(
    assumption: Assumption,
    course: &Course,
    stake: &Stake,
) -> Result<Outlook, MoneyRefused> {
    let part = |revenue: Money| part(revenue, &stake.shares, stake.own);
    let mut accrued = stake.accrued;
    // Recouped is what was credited; completed is so only while as much is accrued.
    let recouped =
        |accrued: Money| accrued.minor().max(stake.credited.minor()) >= stake.principal.minor();
    let completed = |accrued: Money| accrued.minor() >= stake.cap.minor();
    let reached = |is: bool| if is { Reach::Reached } else { Reach::Never };
    let mut found = Outlook {
        assumption,
        revenue: assumed(assumption, course, 0),
        recouped: reached(recouped(accrued)),
        completed: reached(completed(accrued)),
    };
    let reach = |at: Reach, is: bool, month: Date| match at {
        Reach::Never if is => Reach::In(month),
        other => other,
    };
    let over = date::first_of_month(date::add_days(course.first, -1));
    let to_come = (0..HORIZON_MONTHS)
        .map(|ahead| (date::add_months(course.first, ahead), assumed(assumption, course, ahead)))
        .take_while(|(month, _)| course.last.is_none_or(|last| *month <= last))
        .map(|(month, revenue)| (month, part(revenue)));
    for (month, part) in std::iter::once((over, Ok(stake.waiting))).chain(to_come) {
        if found.completed != Reach::Never {
            break;
        }
        accrued = accrued.checked_add(part?).unwrap_or(accrued);
        found.recouped = reach(found.recouped, recouped(accrued), month);
        found.completed = reach(found.completed, completed(accrued), month);
    }
    Ok(found)
}

/// What a month brings, so many months ahead of the running one.
fn assumed(assumption: Assumption, course: &Course, ahead: u32) -> Money {
    let currency = course.steady.currency();
    let minor = match assumption {
        Assumption::Today => course.months.last().map_or(0, |month| month.minor()),
        Assumption::Steady => course.steady.minor(),
        Assumption::Trend => {
            let from = course.months.len().saturating_sub(TREND_MONTHS);
            let months = course.months.get(from..).unwrap_or_default();
            trend(&months.iter().map(|month| month.minor()).collect::<Vec<_>>(), ahead)
        }
    };
    Money::new(minor.max(0), currency)
}

/// The straight line of least squares through the months at 0, 1, .. n - 1, at n + `ahead`, rounded
/// half away from zero. With D = n Sxx - Sx Sx and N = n Sxy - Sx Sy it is (D Sy + N (n x - Sx)) / (n D),
/// all in integers. One month is a level line, and none is nothing.
fn trend(months: &[i64], ahead: u32) -> i64 {
    let (mut sx, mut sxx, mut sy, mut sxy) = (0_i128, 0_i128, 0_i128, 0_i128);
    for (x, y) in (0_i128..).zip(months) {
        sx += x;
        sxx += x * x;
        sy += i128::from(*y);
        sxy += x * i128::from(*y);
    }
    let count = i128::try_from(months.len()).unwrap_or_default();
    let spread = count * sxx - sx * sx;
    if spread == 0 {
        return months.last().copied().unwrap_or_default();
    }
    let slope = count * sxy - sx * sy;
    let at = count * (count + i128::from(ahead)) - sx;
    let (line, whole) = (spread * sy + slope * at, count * spread);
    let half = if line < 0 { -whole } else { whole };
    let rounded = (2 * line + half) / (2 * whole);
    i64::try_from(rounded).unwrap_or(if rounded < 0 { 0 } else { i64::MAX })
}

/// One investment's part of what a month brings, `own` of the shares in percent, oldest first.
///
/// # Errors
/// [`MoneyRefused::Overflow`] when shares do not fit, or there is no such one.
pub fn part(revenue: Money, shares: &[Decimal], own: usize) -> Result<Money, MoneyRefused> {
    let (_, parts) = share::accrual(revenue, shares)?;
    parts.get(own).copied().ok_or(MoneyRefused::Overflow)
}

#[cfg(test)]
#[path = "forecast_tests.rs"]
mod tests;
