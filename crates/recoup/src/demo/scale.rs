//! How large the demonstration is, and when it plays.
//!
//! The dates are fixed, not counted back from today: so the same command gives the same numbers on
//! every day and on every machine, which tests and documents can rely on. They begin in 2024
//! because its 29 February is the month end that billing programs get wrong.

use chrono::NaiveTime;
use domain::date::{self, Date};
use domain::id::OrgId;

use super::draw::Draw;
use crate::config::DemoOptions;

/// The year whose first day is the first day of the demonstration.
const FIRST_YEAR: i32 = 2024;

/// What decides everything about a demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    pub(super) customers: u32,
    pub(super) years: u32,
    pub(super) seed: u64,
}

impl From<&DemoOptions> for Scale {
    fn from(options: &DemoOptions) -> Self {
        Self { customers: options.customers, years: options.years, seed: options.seed }
    }
}

impl Scale {
    fn first_of(years: u32) -> Date {
        let year = FIRST_YEAR.saturating_add(i32::try_from(years).unwrap_or(0));
        // 1 January exists in every year that the flags allow.
        Date::from_ymd_opt(year, 1, 1).unwrap_or_default()
    }

    /// The first day.
    pub(super) fn opens_on(&self) -> Date {
        Self::first_of(0)
    }

    /// The day on which the second year begins.
    pub(super) fn second_year_on(&self) -> Date {
        Self::first_of(1)
    }

    /// The morning after the last day. The clock is moved there, because only then is the last
    /// month over and its revenue earned.
    pub(super) fn ends_on(&self) -> Date {
        Self::first_of(self.years)
    }

    /// The last day.
    pub(super) fn closes_on(&self) -> Date {
        date::add_days(self.ends_on(), -1)
    }

    /// How many days it lives.
    pub(super) fn days(&self) -> u32 {
        let days = date::days_between(self.opens_on(), self.closes_on());
        u32::try_from(days).unwrap_or(0)
    }

    /// The months, first days.
    pub(super) fn months(&self) -> impl Iterator<Item = Date> + use<> {
        let first = self.opens_on();
        (0..self.years * 12).map(move |months| date::add_months(first, months))
    }

    /// The time part of ids of a day, in milliseconds.
    pub(super) fn moment(&self, on: Date) -> u64 {
        u64::try_from(on.and_time(NaiveTime::MIN).and_utc().timestamp_millis()).unwrap_or(0)
    }

    /// The vendor's id: the same for the same demonstration, so that it is found again.
    pub(super) fn vendor(&self) -> OrgId {
        let number = u64::from(self.customers) << 16 | u64::from(self.years);
        OrgId(Draw::of(self.seed, "vendor", number).id(self.moment(self.opens_on())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_years_are_2024_and_2025() {
        let scale = Scale { customers: 200, years: 2, seed: 1 };
        assert_eq!(scale.opens_on().to_string(), "2024-01-01");
        assert_eq!(scale.closes_on().to_string(), "2025-12-31");
        assert_eq!(scale.days(), 730);
        assert_eq!(scale.months().count(), 24);
        assert_eq!(scale.months().last().unwrap().to_string(), "2025-12-01");
    }

    #[test]
    fn another_scale_is_another_vendor() {
        let scale = Scale { customers: 200, years: 2, seed: 1 };
        assert_eq!(scale.vendor(), Scale { ..scale }.vendor());
        assert_ne!(scale.vendor(), Scale { years: 3, ..scale }.vendor());
        assert_ne!(scale.vendor(), Scale { customers: 201, ..scale }.vendor());
        assert_ne!(scale.vendor(), Scale { seed: 2, ..scale }.vendor());
    }
}
