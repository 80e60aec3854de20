//! From the words of a case to our grid of periods.
//!
//! Purpose: intervals by name; the anchor of a grid that is given by a day of the month; a
//! subscription on it, and what it is due.
//!
//! Invariants: periods come from [`Interval`] and [`Subscription`] alone; here is only decided
//! which anchor the words of a case mean.
//!
//! Deliberately absent: amounts.

use chrono::Datelike;
use domain::date::{self, Date};
use domain::id::{CustomerId, ItemId, PlanId, PlanVersionId, PriceId, ProductId, SubscriptionId};
use domain::money::Currency;
use domain::period::{Alignment, Interval, Unit};
use domain::plan::{CancelPolicy, PlanVersion, Price, PriceModel, Timing};
use domain::subscription::{CancelReason, Cancellation, Due, Start, Subscription};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::case::Case;

/// More parts than any case has; the walk ends.
const MANY_PARTS: usize = 2_000;

/// An interval by the names that the cases use.
pub(crate) fn interval(name: &str) -> Option<Interval> {
    let (count, unit) = match name.to_lowercase().as_str() {
        "daily" => (1, Unit::Day),
        "weekly" => (1, Unit::Week),
        "biweekly" => (2, Unit::Week),
        "thirty_days" => (30, Unit::Day),
        "thirty_one_days" => (31, Unit::Day),
        "sixty_days" => (60, Unit::Day),
        "ninety_days" => (90, Unit::Day),
        "monthly" => (1, Unit::Month),
        "bimesterly" | "bimonthly" => (2, Unit::Month),
        "quarterly" => (3, Unit::Month),
        "triannual" => (4, Unit::Month),
        "semiannual" | "biannual" | "half_yearly" => (6, Unit::Month),
        "annual" | "yearly" => (1, Unit::Year),
        "sesquiennial" => (18, Unit::Month),
        "biennial" => (2, Unit::Year),
        "triennial" => (3, Unit::Year),
        _ => return None,
    };
    Interval::new(count, unit).ok()
}

/// `times` intervals as one.
pub(crate) fn several(interval: Interval, times: u32) -> Option<Interval> {
    Interval::new(interval.count().checked_mul(times)?, interval.unit()).ok()
}

fn months(interval: Interval) -> Option<u32> {
    match interval.unit() {
        Unit::Month => Some(interval.count()),
        Unit::Year => interval.count().checked_mul(12),
        Unit::Day | Unit::Week => None,
    }
}

/// The date with this day in the month of `month`, clamped to the month's last day.
fn on_day(month: Date, day: u32) -> Date {
    let first = date::first_of_month(month);
    let last = date::add_days(date::first_of_next_month(month), -1);
    date::add_days(first, i64::from(day.min(last.day())) - 1)
}

/// Boundary 0 of a grid that has `boundary` among its boundaries and wants `day` of the month; it
/// lies before `boundary`. A month that has the day is preferred: from a clamped date the grid
/// would not find back to it.
fn before(interval: Interval, boundary: Date, day: u32) -> Option<Date> {
    let months = months(interval)?;
    // 29 February comes back within eight years, a month with 31 days within one.
    let steps = 1..=(96 / months).max(2);
    let earlier = steps.filter_map(|step| {
        let back = chrono::Months::new(months.checked_mul(step)?);
        Some(on_day(date::first_of_month(boundary).checked_sub_months(back)?, day))
    });
    // Of equals `max_by_key` takes the last, the earliest date; any of them gives the same grid.
    earlier.max_by_key(|candidate| candidate.day())
}

/// The grid of a billing day of the month: it goes through that day of the month in which `start`
/// lies. Returns a boundary before `start`. Weeks and days know no day of the month: their grid
/// begins with `start`.
pub(crate) fn anchor_of_day(interval: Interval, start: Date, day: u32) -> Option<Date> {
    if months(interval).is_none() {
        return Some(start);
    }
    (1..=31).contains(&day).then_some(())?;
    before(interval, on_day(start, day), day)
}

/// A boundary of the grid through `anchor` that is on or before `day`.
pub(crate) fn anchor_until(interval: Interval, anchor: Date, day: Date) -> Option<Date> {
    let mut earliest = anchor;
    for _ in 0..MANY_PARTS {
        if earliest <= day {
            return Some(earliest);
        }
        earliest = match interval.unit() {
            Unit::Day => date::add_days(earliest, -i64::from(interval.count())),
            Unit::Week => date::add_days(earliest, -7 * i64::from(interval.count())),
            Unit::Month | Unit::Year => before(interval, earliest, anchor.day())?,
        };
    }
    None
}

/// Whether a date is a boundary of a grid.
pub(crate) fn is_boundary(interval: Interval, anchor: Date, day: Date) -> bool {
    anchor <= day && interval.period_containing(anchor, day).start == day
}

/// In advance or in arrears.
pub(crate) fn timing(mode: &str) -> Option<Timing> {
    match mode {
        "in_advance" => Some(Timing::InAdvance),
        "in_arrear" | "in_arrears" => Some(Timing::InArrears),
        _ => None,
    }
}

/// A subscription as our commands make it.
pub(crate) fn subscribe(
    interval: Interval,
    timing: Timing,
    alignment: Alignment,
    start_on: Date,
    trial_days: u32,
) -> Option<Subscription> {
    let price = Price {
        id: PriceId(Uuid::nil()),
        product_id: ProductId(Uuid::nil()),
        component: "base".into(),
        currency: Currency::EUR,
        model: PriceModel::Flat { amount: Decimal::ONE },
        minimum: None,
        meter_id: None,
        feature_id: None,
    };
    let version = PlanVersion {
        id: PlanVersionId(Uuid::nil()),
        plan_id: PlanId(Uuid::nil()),
        number: 1,
        valid_from: date::EARLIEST,
        interval,
        timing,
        trial_days,
        cancel_policy: CancelPolicy::PeriodEnd,
        max_pause_months: 3,
        prices: vec![price],
    };
    let start = Start {
        id: SubscriptionId(Uuid::nil()),
        customer_id: CustomerId(Uuid::nil()),
        currency: Currency::EUR,
        start_on,
        alignment,
        quantities: Vec::new(),
    };
    Subscription::start(start, &version, start_on, || ItemId(Uuid::nil())).ok()
}

/// The subscription that a case describes by start, end, billing day, period and mode (in advance
/// when it does not say).
pub(crate) fn subscription(case: &Case) -> Option<Subscription> {
    let start = case.date("start")?;
    let interval = interval(case.text("period")?)?;
    let timing = if case.has("mode") { timing(case.text("mode")?)? } else { Timing::InAdvance };
    let mut subscription = subscribe(interval, timing, Alignment::OwnDay, start, 0)?;
    if case.has("anchor_day") {
        let day = u32::try_from(case.integer("anchor_day")?).ok()?;
        anchor(&mut subscription, anchor_of_day(interval, start, day)?);
    }
    if let Some(end) = case.optional_date("end")? {
        ends(&mut subscription, end);
    }
    Some(subscription)
}

/// Gives a subscription another boundary 0.
pub(crate) fn anchor(subscription: &mut Subscription, anchor_on: Date) {
    subscription.grid.anchor_on = anchor_on;
    for item in &mut subscription.items {
        item.grid.anchor_on = anchor_on;
    }
}

/// Gives a subscription its last, exclusive day.
pub(crate) fn ends(subscription: &mut Subscription, ends_on: Date) {
    let reason = CancelReason::Unknown;
    subscription.cancellation = Some(Cancellation { ends_on, reason, note: None, credit: true });
}

/// What is billed on or before `until`, in order; the subscription moves along.
pub(crate) fn bill(subscription: &mut Subscription, until: Date) -> Vec<Due> {
    let mut billed = Vec::new();
    while let Some(due) = subscription.next_due().filter(|due| due.billing_on <= until) {
        subscription.mark_billed(&due);
        billed.push(due);
        if billed.len() == MANY_PARTS {
            break;
        }
    }
    billed
}
