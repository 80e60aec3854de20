//! For how long a feature that was retired is shared.
//!
//! Purpose: what was sold until the end of the month of retirement is paid, turns old and is paid
//! back in the months after it: for so long its shares are credited, and set off.
//!
//! Invariants: the month of retirement is the last that is sold, and [`TAIL_MONTHS`] follow it.
//! What is retired on a day is shared in a month when that day is not before [`first_retired`].
//!
//! Deliberately absent: subscriptions that go on at prices of a retired feature; nobody shares them.

use chrono::Months;

use super::last_day;
use crate::date::{self, Date};

/// So many months a feature is shared after the one in which it was retired: 56 days until what was
/// paid is old, and eight weeks in which a direct debit is paid back.
pub const TAIL_MONTHS: u32 = 3;

/// The last month, by its first day, that is shared of a feature that was retired on a day.
#[must_use]
pub fn last_month(retired_on: Date) -> Date {
    date::add_months(date::first_of_month(retired_on), TAIL_MONTHS)
}

/// The first day of retirement on which a feature is shared in a month: [`last_month`] the other way
/// round.
#[must_use]
pub fn first_retired(month: Date) -> Date {
    month.checked_sub_months(Months::new(TAIL_MONTHS)).unwrap_or(Date::MIN)
}

/// The last day of which what was sold is shared, of what is known on a day.
#[must_use]
pub fn sold_until(retired_on: Option<Date>, day: Date) -> Date {
    let last = retired_on.map(|on| last_day(date::first_of_month(on)));
    last.map_or(day, |last| last.min(day))
}
