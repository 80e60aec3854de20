//! Periods, by walking.

use chrono::{Datelike, NaiveDate, Weekday};

/// Boundaries at every `count` units from an anchor.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub(super) anchor: NaiveDate,
    pub(super) count: i32,
    pub(super) unit: String,
}

impl Grid {
    fn boundary(&self, k: i32) -> NaiveDate {
        let n = self.count * k;
        match self.unit.as_str() {
            "day" => days_later(self.anchor, n),
            "week" => days_later(self.anchor, 7 * n),
            "month" => months_later(self.anchor, n),
            "year" => months_later(self.anchor, 12 * n),
            other => panic!("the auditor does not know the unit {other}"),
        }
    }

    /// First day and day after the last of the period that a day falls in.
    pub(super) fn period_of(&self, day: NaiveDate) -> (NaiveDate, NaiveDate) {
        assert!(day >= self.anchor, "{day} lies before the anchor {}", self.anchor);
        let mut k = 0;
        while self.boundary(k + 1) <= day {
            k += 1;
        }
        (self.boundary(k), self.boundary(k + 1))
    }

    /// The day on which the calendar period begins that a day falls in.
    pub(super) fn calendar_start(count: i32, unit: &str, mut day: NaiveDate) -> NaiveDate {
        let begins = |day: NaiveDate| match unit {
            "week" => day.weekday() == Weekday::Mon,
            "month" => day.day() == 1 && (day.month() as i32 - 1) % count == 0,
            "year" => day.day() == 1 && day.month() == 1,
            other => panic!("no calendar for the unit {other}"),
        };
        while !begins(day) {
            day = day.pred_opt().expect("a day before");
        }
        day
    }
}

/// Days from one day to another.
pub(super) fn days(from: NaiveDate, until: NaiveDate) -> i64 {
    i64::from(until.num_days_from_ce() - from.num_days_from_ce())
}

/// A day so many days on, one by one.
pub(super) fn days_later(mut day: NaiveDate, count: i32) -> NaiveDate {
    for _ in 0..count {
        day = day.succ_opt().expect("a day after");
    }
    day
}

/// The same day so many months on, or the last one of its month.
pub(super) fn months_later(day: NaiveDate, months: i32) -> NaiveDate {
    let month0 = day.month() as i32 - 1 + months;
    let (year, month) = (day.year() + month0.div_euclid(12), month0.rem_euclid(12) as u32 + 1);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    };
    NaiveDate::from_ymd_opt(year, month, day.day().min(last)).expect("a day of the calendar")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date;

    #[test]
    fn boundaries_are_counted_from_the_anchor() {
        let grid = Grid { anchor: date("2024-01-31"), count: 1, unit: "month".to_owned() };
        let table = [
            ("2024-01-31", "2024-01-31", "2024-02-29"),
            ("2024-02-29", "2024-02-29", "2024-03-31"),
            ("2025-03-30", "2025-02-28", "2025-03-31"),
        ];
        for (day, start, end) in table {
            assert_eq!(grid.period_of(date(day)), (date(start), date(end)), "{day}");
        }
    }

    #[test]
    fn the_calendar_begins_on_its_own_days() {
        let table = [
            (3, "month", "2025-06-30", "2025-04-01"),
            (1, "month", "2025-06-01", "2025-06-01"),
            (1, "year", "2025-12-31", "2025-01-01"),
            (1, "week", "2025-06-29", "2025-06-23"),
        ];
        for (count, unit, day, start) in table {
            assert_eq!(Grid::calendar_start(count, unit, date(day)), date(start), "{day}");
        }
    }
}
