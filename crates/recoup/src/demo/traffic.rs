//! What the demonstration's customers use: calls, sent once a week.
//!
//! Invariants: pure; a reading has one id, and is of a day on which its subscription is delivered.
//! A few are sent so late that their period is billed already.
//!
//! Deliberately absent: what calls cost.

use std::collections::BTreeMap;

use domain::date::{self, Date};
use domain::id::CustomerId;
use domain::period::Period;

use super::draw::Draw;
use super::scale::Scale;

/// A subscription with a meter.
#[derive(Debug, Clone)]
pub(super) struct Metered {
    pub(super) customer: CustomerId,
    /// The customer's number.
    pub(super) number: u64,
    pub(super) days: Period,
    pub(super) still: Vec<Period>,
}

/// What was counted on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) customer: CustomerId,
    pub(super) id: String,
    pub(super) on: Date,
    pub(super) calls: u32,
}

/// From one sending to the next, in days. The first day of the demonstration is a Monday.
const WEEK: i64 = 7;
/// Of a hundred readings, so many are late.
const LATE: u32 = 4;
/// So late, in days: longer than a month, for which calls are billed.
const LATE_DAYS: i64 = 35;
/// Calls a week of the smallest and of the largest user.
const CALLS: (u32, u32) = (120, 14_000);

/// What is sent, by day.
pub(super) fn readings(scale: &Scale, metered: &[Metered]) -> BTreeMap<Date, Vec<Reading>> {
    let mut sent: BTreeMap<Date, Vec<Reading>> = BTreeMap::new();
    for one in metered {
        let mut usual = Draw::of(scale.seed, "traffic", one.number);
        let usual = usual.between(CALLS.0, CALLS.1);
        let mut monday = date::add_days(scale.opens_on(), WEEK);
        let mut week = 0;
        while monday <= scale.closes_on() {
            let name = one.number * 1024 + week;
            let draw = Draw::of(scale.seed, "week", name);
            if let Some((on, reading)) = reading(one, (monday, week), usual, draw) {
                let on = if on <= scale.closes_on() { on } else { monday };
                sent.entry(on).or_default().push(reading);
            }
            monday = date::add_days(monday, WEEK);
            week += 1;
        }
    }
    sent
}

/// The reading of the week before a Monday, with the day on which it is sent.
fn reading(
    of: &Metered,
    (monday, week): (Date, u64),
    usual: u32,
    mut draw: Draw,
) -> Option<(Date, Reading)> {
    let days = Period { start: date::add_days(monday, -WEEK), end: monday };
    let days = days.intersection(of.days);
    let count = u32::try_from(days.days()).ok().filter(|count| *count > 0)?;
    let on = date::add_days(days.start, i64::from(draw.below(count)));
    if of.still.iter().any(|pause| pause.contains(on)) {
        return None;
    }
    let calls = usual / 7 * count * draw.between(60, 140) / 100;
    let late = if draw.chance(LATE) { LATE_DAYS } else { 0 };
    let id = format!("{}-{week}", of.number);
    let reading = Reading { customer: of.customer, id, on, calls: calls.max(1) };
    Some((date::add_days(monday, late), reading))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_week_is_sent_once_after_its_days_and_seldom_late() {
        let scale = Scale { customers: 1, years: 2, seed: 1 };
        let days = Period { start: date::add_days(scale.opens_on(), 10), end: scale.closes_on() };
        let pause = Period {
            start: date::add_days(scale.opens_on(), 100),
            end: date::add_days(scale.opens_on(), 130),
        };
        let one =
            Metered { customer: CustomerId(Uuid::nil()), number: 5, days, still: vec![pause] };
        let sent = readings(&scale, &[one]);
        let (mut ids, mut late) = (std::collections::BTreeSet::new(), 0);
        for (on, readings) in &sent {
            for reading in readings {
                assert!(reading.on < *on && days.contains(reading.on), "{reading:?}");
                assert!(!pause.contains(reading.on), "{reading:?}");
                assert!(ids.insert(reading.id.clone()), "{reading:?}");
                late += u32::from(date::days_between(reading.on, *on) > LATE_DAYS - WEEK);
            }
        }
        assert!((90..=104).contains(&ids.len()), "{}", ids.len());
        assert!((1..=10).contains(&late), "{late}");
    }
}
