//! The TARGET calendar: the days on which banks in the euro area settle.
//!
//! Purpose: whether a day is one, and the next one; direct debits are collected on such days.
//!
//! Invariants: closed on Saturdays, Sundays, 1 January, Good Friday, Easter Monday, 1 May,
//! 25 and 26 December, and on no other day. There are never more than four closed days in a row
//! around Easter and five around other feasts, so a search ends within a week.
//!
//! Deliberately absent: national holidays; banks settle on them.

use chrono::{Datelike, Weekday};

use crate::date::{self, Date};

/// Whether banks settle on a day.
#[must_use]
pub fn is_open(day: Date) -> bool {
    let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let fixed = matches!((day.month(), day.day()), (1 | 5, 1) | (12, 25 | 26));
    let easter = || {
        let sunday = easter_sunday(day.year());
        sunday.is_some_and(|sunday| [-2, 1].contains(&date::days_between(sunday, day)))
    };
    !weekend && !fixed && !easter()
}

/// The first open day on or after a day.
#[must_use]
pub fn on_or_after(day: Date) -> Date {
    let mut open = day;
    while !is_open(open) && open < date::LATEST {
        open = date::add_days(open, 1);
    }
    open
}

/// The first open day after a day: the next business day.
#[must_use]
pub fn after(day: Date) -> Date {
    on_or_after(date::add_days(day, 1))
}

/// Easter Sunday of a year of the Gregorian calendar, by the anonymous computus.
#[must_use]
pub fn easter_sunday(year: i32) -> Option<Date> {
    let golden = year.rem_euclid(19);
    let (century, of_century) = (year.div_euclid(100), year.rem_euclid(100));
    let (leap_centuries, rest) = (century.div_euclid(4), century.rem_euclid(4));
    let correction = (century - (century + 8).div_euclid(25) + 1).div_euclid(3);
    let epact = (19 * golden + century - leap_centuries - correction + 15).rem_euclid(30);
    let (leap_years, since_leap) = (of_century.div_euclid(4), of_century.rem_euclid(4));
    let weekday = (32 + 2 * rest + 2 * leap_years - epact - since_leap).rem_euclid(7);
    let late = (golden + 11 * epact + 22 * weekday).div_euclid(451);
    let sum = epact + weekday - 7 * late + 114;
    let month = u32::try_from(sum.div_euclid(31)).ok()?;
    let day = u32::try_from(sum.rem_euclid(31) + 1).ok()?;
    Date::from_ymd_opt(year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn easter_falls_where_almanacs_say() {
        let table = [
            "1990-04-15",
            "2000-04-23",
            "2008-03-23",
            "2011-04-24",
            "2019-04-21",
            "2024-03-31",
            "2025-04-20",
            "2026-04-05",
            "2027-03-28",
            "2030-04-21",
            "2038-04-25",
            "2049-04-18",
            "2076-04-19",
            "2099-04-12",
            "2100-03-28",
            "2200-04-06",
        ];
        for easter in table.map(date) {
            assert_eq!(easter_sunday(easter.year()), Some(easter));
        }
        for year in 1990..=2200 {
            assert_eq!(easter_sunday(year).unwrap().weekday(), Weekday::Sun, "{year}");
        }
    }

    #[test]
    fn closing_days_are_those_of_the_list() {
        let closed = |year: i32| {
            let days = Date::from_ymd_opt(year, 1, 1).unwrap().iter_days();
            let days = days.take_while(move |day| day.year() == year);
            let weekday = |day: &Date| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
            days.filter(weekday).filter(|day| !is_open(*day)).map(|day| day.to_string())
        };
        let of_2026: Vec<String> = closed(2026).collect();
        assert_eq!(of_2026, ["2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2026-12-25"]);
        let of_2025: Vec<String> = closed(2025).collect();
        let list =
            ["2025-01-01", "2025-04-18", "2025-04-21", "2025-05-01", "2025-12-25", "2025-12-26"];
        assert_eq!(of_2025, list);
        for open in ["2026-04-27", "2026-05-05", "2026-05-14", "2026-12-24", "2026-12-31"] {
            assert!(is_open(date(open)), "{open} is a holiday somewhere, and banks settle");
        }
    }

    #[test]
    fn the_next_business_day() {
        for (day, next) in [
            ("2026-01-02", "2026-01-05"),
            ("2026-04-02", "2026-04-07"),
            ("2025-12-24", "2025-12-29"),
            ("2026-05-04", "2026-05-05"),
        ] {
            assert_eq!(after(date(day)), date(next), "{day}");
            assert_eq!(on_or_after(date(next)), date(next));
        }
        assert_eq!(on_or_after(date::LATEST), date::LATEST);
    }
}
