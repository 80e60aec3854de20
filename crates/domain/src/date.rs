//! Local dates and the zone that makes them.
//!
//! Purpose: business facts are local dates of the organization; an instant becomes a local date
//! once, at the edge, here.
//!
//! Invariants: a day ends at local midnight. A local midnight that a clock change skips is the
//! first instant after the gap.
//!
//! Deliberately absent: the current time. It is always an argument.

use chrono::{DateTime, Datelike, Duration, Months, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// A calendar day without a zone.
pub type Date = NaiveDate;

/// The earliest accepted date; before it, data is almost certainly a mistake.
pub const EARLIEST: Date = known(NaiveDate::from_ymd_opt(1990, 1, 1));

/// The latest accepted date; beyond it, arithmetic on periods would leave the calendar.
pub const LATEST: Date = known(NaiveDate::from_ymd_opt(2200, 12, 31));

/// A date written in the program; the calendar has it.
const fn known(date: Option<Date>) -> Date {
    match date {
        Some(date) => date,
        None => NaiveDate::MIN,
    }
}

/// Why a date is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DateRefused {
    /// No such day in the calendar.
    #[error("{year:04}-{month:02}-{day:02} is not a date of the calendar")]
    NoSuchDay {
        /// Year as given.
        year: i32,
        /// Month as given.
        month: i32,
        /// Day as given.
        day: i32,
    },
    /// Outside the accepted range.
    #[error("{date} is outside the accepted dates {EARLIEST} to {LATEST}")]
    OutOfRange {
        /// What was given.
        date: Date,
    },
    /// Not an IANA zone.
    #[error("{name:?} is not a time zone: expected an IANA name such as Europe/Amsterdam")]
    UnknownZone {
        /// What was given.
        name: String,
    },
}

/// The date of a year, month and day as they came from outside.
///
/// # Errors
/// [`DateRefused`] for 31 February and for dates out of range.
pub fn from_parts(year: i32, month: i32, day: i32) -> Result<Date, DateRefused> {
    let no_such_day = DateRefused::NoSuchDay { year, month, day };
    let (Ok(m), Ok(d)) = (u32::try_from(month), u32::try_from(day)) else {
        return Err(no_such_day);
    };
    let date = NaiveDate::from_ymd_opt(year, m, d).ok_or(no_such_day)?;
    accepted(date)
}

/// `date`, if it lies in the accepted range.
///
/// # Errors
/// [`DateRefused::OutOfRange`].
pub fn accepted(date: Date) -> Result<Date, DateRefused> {
    if (EARLIEST..=LATEST).contains(&date) {
        Ok(date)
    } else {
        Err(DateRefused::OutOfRange { date })
    }
}

/// The zone of an IANA name.
///
/// # Errors
/// [`DateRefused::UnknownZone`].
pub fn zone(name: &str) -> Result<Tz, DateRefused> {
    name.parse().map_err(|_| DateRefused::UnknownZone { name: name.chars().take(64).collect() })
}

/// The local date at an instant: 2025-10-31 23:30Z is 1 November in Amsterdam.
#[must_use]
pub fn local(instant: DateTime<Utc>, zone: Tz) -> Date {
    instant.with_timezone(&zone).date_naive()
}

/// The instant at which a local day begins.
#[must_use]
pub fn start_of_day(date: Date, zone: Tz) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN);
    // No zone's gap is longer than a day; the loop ends at the first existing quarter of an hour.
    for quarter in 0..=96_i64 {
        let wall = midnight + Duration::minutes(15 * quarter);
        if let Some(instant) = zone.from_local_datetime(&wall).earliest() {
            return instant.with_timezone(&Utc);
        }
    }
    midnight.and_utc()
}

/// `months` later on the same day of the month, clamped to the month's last day.
#[must_use]
pub fn add_months(date: Date, months: u32) -> Date {
    date.checked_add_months(Months::new(months)).unwrap_or(LATEST)
}

/// `days` later; earlier for a negative number.
#[must_use]
pub fn add_days(date: Date, days: i64) -> Date {
    Duration::try_days(days).and_then(|span| date.checked_add_signed(span)).unwrap_or(LATEST)
}

/// Calendar days from `start` (inclusive) to `end` (exclusive).
#[must_use]
pub fn days_between(start: Date, end: Date) -> i64 {
    (end - start).num_days()
}

/// The first day of the date's month.
#[must_use]
pub fn first_of_month(date: Date) -> Date {
    date.with_day(1).unwrap_or(date)
}

/// The first day of the month after the date's.
#[must_use]
pub fn first_of_next_month(date: Date) -> Date {
    add_months(first_of_month(date), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_ends_at_local_midnight() {
        let amsterdam = zone("Europe/Amsterdam").unwrap();
        let table = [
            ("2025-10-31T23:30:00Z", "2025-11-01"),
            ("2025-10-31T22:59:59Z", "2025-10-31"),
            ("2025-06-30T22:00:00Z", "2025-07-01"),
            ("2025-06-30T21:59:59Z", "2025-06-30"),
        ];
        for (instant, day) in table {
            let instant: DateTime<Utc> = instant.parse().unwrap();
            assert_eq!(local(instant, amsterdam), date(day), "{instant}");
        }
    }

    #[test]
    fn a_skipped_midnight_is_the_first_instant_after_the_gap() {
        let cairo = zone("Africa/Cairo").unwrap();
        // Summer time began at midnight: 00:00 became 01:00.
        let start = start_of_day(date("2024-04-26"), cairo);
        assert_eq!(start.to_rfc3339(), "2024-04-25T22:00:00+00:00");
        assert_eq!(local(start, cairo), date("2024-04-26"));
    }

    #[test]
    fn impossible_dates_and_zones_are_refused() {
        assert_eq!(
            from_parts(2025, 2, 31).unwrap_err().to_string(),
            "2025-02-31 is not a date of the calendar"
        );
        for (year, month, day) in
            [(2025, 13, 1), (2025, 0, 1), (2025, -1, 1), (2023, 2, 29), (0, 0, 0)]
        {
            assert!(from_parts(year, month, day).is_err(), "{year}-{month}-{day}");
        }
        assert!(matches!(from_parts(1812, 1, 1), Err(DateRefused::OutOfRange { .. })));
        assert!(matches!(zone("Europe/Atlantis"), Err(DateRefused::UnknownZone { .. })));
        assert_eq!(from_parts(2024, 2, 29).unwrap(), date("2024-02-29"));
    }
}
