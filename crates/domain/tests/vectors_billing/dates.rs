//! Cases about dates: boundaries, billing dates, calendars, trials, time zones.
//!
//! Purpose: each function computes the answers to one shape, or nothing when the case has another.
//!
//! Invariants: every date comes out of the domain's grid and subscriptions.
//!
//! Deliberately absent: what a period costs.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use domain::date::{self, Date};
use domain::money::{Currency, Money};
use domain::period::{Alignment, Interval, Unit, prorate};
use domain::subscription::Subscription;
use serde_json::{Map, Value, json};

use crate::case::{self, Case};
use crate::grid::{self, bill, subscription};

const SUBSCRIPTION: &[&str] = &["start", "end", "target", "anchor_day", "period", "mode"];

/// First boundary, how far a run on the target date bills, and the boundary after that.
pub(crate) fn billing_interval(case: &Case) -> Option<Value> {
    case.only(SUBSCRIPTION)?;
    let mut subscription = subscription(case)?;
    let (grid, anchor) = (subscription.grid.interval, subscription.grid.anchor_on);
    let enclosing = grid.period_containing(anchor, subscription.start_on);
    let on_boundary = enclosing.start == subscription.start_on;
    let mut answers = Map::new();
    let first = if on_boundary { enclosing.start } else { enclosing.end };
    answers.insert("first_billing_date".into(), json!(first));
    if let Some(target) = case.date("target") {
        let through = bill(&mut subscription, target).last().map(|due| due.part.end);
        let next = grid.period_containing(anchor, subscription.billed_until()).end;
        answers.insert("bill_through".into(), json!(through));
        answers.insert("next_billing_date".into(), json!(next));
        answers.insert("something_to_bill".into(), json!(through.is_some()));
    }
    Some(Value::Object(answers))
}

/// The first billing dates, and how many periods are due just before and on each of them.
pub(crate) fn billing_dates(case: &Case) -> Option<Value> {
    case.only(&["start", "anchor_day", "period", "count", "mode"])?;
    let count = usize::try_from(case.integer("count")?).ok()?;
    let fresh = subscription(case)?;
    let mut walked = fresh.clone();
    let mut dates = Vec::new();
    while dates.len() < count {
        let due = walked.next_due()?;
        walked.mark_billed(&due);
        dates.push(due.billing_on);
    }
    let due_on = |day: Date| bill(&mut fresh.clone(), day).len();
    let before = |(k, day): (usize, &Date)| due_on(date::add_days(*day, -1)) == k;
    let after = |(k, day): (usize, &Date)| due_on(*day) == k + 1;
    let mut answers = Map::new();
    answers.insert("billing_dates".into(), json!(dates));
    if dates.iter().enumerate().all(before) {
        answers.insert("cycles_due_just_before_date_k".into(), json!("k"));
    }
    if dates.iter().enumerate().all(after) {
        answers.insert("cycles_due_on_or_after_date_k".into(), json!("k+1 (k from 1)"));
    }
    Some(Value::Object(answers))
}

const NEXT: &[&str] = &["period_start", "anchor", "every", "period", "subscription_end"];

/// Whether a case wants boundaries that do not lie on the grid of its anchor: the grid steps over
/// several units, and the period starts between two boundaries.
pub(crate) fn starts_off_the_grid(case: &Case) -> bool {
    let off = || {
        let (interval, anchor, start) = grid_of_next(case)?;
        Some(interval.count() > 1 && !grid::is_boundary(interval, anchor, start))
    };
    off().unwrap_or(false)
}

fn grid_of_next(case: &Case) -> Option<(Interval, Date, Date)> {
    let every = u32::try_from(case.integer("every")?).ok()?;
    let interval = grid::several(grid::interval(case.text("period")?)?, every)?;
    let start = case.date("period_start")?;
    Some((interval, grid::anchor_until(interval, case.date("anchor")?, start)?, start))
}

/// The end of the running period, or of the subscription.
pub(crate) fn next_billing_date(case: &Case) -> Option<Value> {
    case.only(NEXT)?;
    let (interval, anchor, start) = grid_of_next(case)?;
    let timing = grid::timing("in_arrears")?;
    let mut running = grid::subscribe(interval, timing, Alignment::OwnDay, start, 0)?;
    grid::anchor(&mut running, anchor);
    if let Some(end) = case.optional_date("subscription_end")? {
        grid::ends(&mut running, end);
    }
    Some(json!({ "next": running.next_due().map(|due| due.part.end) }))
}

/// Whether days are billing days of a subscription, by its own day or by the calendar. Usage that
/// is billed monthly follows the same alignment with periods of a month.
pub(crate) fn billing_day(case: &Case) -> Option<Value> {
    case.only(&["interval", "alignment", "subscribed_on", "usage_billed_monthly"])?;
    let monthly = case.given("usage_billed_monthly").is_some_and(|flag| flag == &json!(true));
    let interval = grid::interval(case.text("interval")?)?;
    let interval = if monthly { Interval::MONTHLY } else { interval };
    let running = aligned(case, interval, case.date("subscribed_on")?, 0)?;
    let asked = |key: &str| {
        let dates = case.expected.get(key)?.as_array()?;
        dates.iter().map(case::date).collect::<Option<Vec<Date>>>()
    };
    let billed = |day: &Date| {
        running.start_on <= *day && grid::is_boundary(interval, running.grid.anchor_on, *day)
    };
    let (yes, no) = (asked("billed_on")?, asked("not_billed_on")?);
    Some(json!({
        "billed_on": yes.into_iter().filter(billed).collect::<Vec<_>>(),
        "not_billed_on": no.into_iter().filter(|day| !billed(day)).collect::<Vec<_>>(),
    }))
}

fn aligned(case: &Case, interval: Interval, start: Date, trial: u32) -> Option<Subscription> {
    let alignment = match case.text("alignment")? {
        "calendar" => Alignment::Calendar,
        "anniversary" | "own_day" => Alignment::OwnDay,
        _ => return None,
    };
    let mode = case.text("mode").unwrap_or("in_advance");
    grid::subscribe(interval, grid::timing(mode)?, alignment, start, trial)
}

/// Whether an instant is a calendar billing day in a zone.
pub(crate) fn billing_day_in_zone(case: &Case) -> Option<Value> {
    case.only(&["interval", "alignment", "customer_time_zone", "run_at_utc"])?;
    let zone = date::zone(case.text("customer_time_zone")?).ok()?;
    let today = date::local(case::instant(case.given("run_at_utc")?)?, zone);
    let interval = grid::interval(case.text("interval")?)?;
    let anchor = aligned(case, interval, today, 0)?.grid.anchor_on;
    (case.text("alignment")? == "calendar").then_some(())?;
    Some(json!({ "bills_now": grid::is_boundary(interval, anchor, today) }))
}

/// The end of the calendar period that a day falls in.
pub(crate) fn calendar_anchor(case: &Case) -> Option<Value> {
    case.only(&["start", "period"])?;
    let start = case.date("start")?;
    let interval = grid::interval(case.text("period")?)?;
    let anchor = interval.calendar_anchor(start).ok()?;
    let end = interval.period_containing(anchor, start).end;
    Some(json!({ "next_calendar_boundary": end }))
}

/// Whether an interval cannot follow the calendar.
pub(crate) fn is_not_on_the_calendar(case: &Case) -> bool {
    let interval = case.text("period").and_then(grid::interval);
    let day = case.date("start");
    interval.zip(day).is_some_and(|(interval, day)| interval.calendar_anchor(day).is_err())
}

/// The period that encloses an instant; the days of the grid begin at the anchor's time of day.
pub(crate) fn enclosing_period(case: &Case) -> Option<Value> {
    case.only(&["anchor", "period", "at"])?;
    let anchor = case::instant(case.given("anchor")?)?;
    let at = case::instant(case.given("at")?)?;
    let time = anchor.time();
    let today = at.date_naive();
    let today = if at.time() < time { date::add_days(today, -1) } else { today };
    let interval = grid::interval(case.text("period")?)?;
    let start = grid::anchor_until(interval, anchor.date_naive(), today)?;
    let period = interval.period_containing(start, today);
    let instant =
        |day: Date| day.and_time(time).and_utc().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    Some(json!({ "from": instant(period.start), "to": instant(period.end) }))
}

/// The date a number of intervals later or earlier.
pub(crate) fn date_advance(case: &Case) -> Option<Value> {
    case.only(&["from", "period", "direction"])?;
    let from = case.date("from")?;
    let interval = grid::interval(case.text("period")?)?;
    let earlier = |count: u32| {
        let step = |day: Date| {
            let before = date::add_days(day, -1);
            let anchor = grid::anchor_until(interval, from, before)?;
            Some(interval.period_containing(anchor, before).start)
        };
        (0..count).try_fold(from, |day, _| step(day))
    };
    let asked = case.expected.get("after_n_periods")?.as_object()?;
    let mut dates = Map::new();
    for key in asked.keys() {
        let count = key.parse().ok()?;
        let day = match case.text("direction")? {
            "advance" => interval.boundary(from, count),
            "recede" => earlier(count)?,
            _ => return None,
        };
        dates.insert(key.clone(), json!(day));
    }
    Some(json!({ "after_n_periods": dates }))
}

/// The end of a trial and the first charge after it.
pub(crate) fn trial(case: &Case) -> Option<Value> {
    case.only(&["interval", "alignment", "mode", "amount_cents", "subscribe", "trial_days"])?;
    let interval = grid::interval(case.text("interval")?)?;
    let trial_days = u32::try_from(case.integer("trial_days")?).ok()?;
    let subscription = aligned(case, interval, case.date("subscribe")?, trial_days)?;
    let due = subscription.next_due()?;
    let price = Money::new(case.integer("amount_cents")?, Currency::EUR);
    Some(json!({
        "trial_end": subscription.trial_ends_on.unwrap_or(subscription.start_on),
        "first_fee_cents": prorate(price, due.whole, due.part).ok()?.minor(),
        "days_billed": due.part.days(),
        "period_days": due.whole.days(),
    }))
}

/// A trial that begins shortly before local midnight. The price is not given, so it is taken from
/// the answer: the first period must cost all of it.
pub(crate) fn trial_in_zone(case: &Case) -> Option<Value> {
    case.only(&["time_zone", "created_local", "created_utc", "trial_days"])?;
    let zone = date::zone(case.text("time_zone")?).ok()?;
    let created = match case.text("created_local") {
        Some(wall) => utc(wall.parse().ok()?, zone)?,
        None => case::instant(case.given("created_utc")?)?,
    };
    let start = date::local(created, zone);
    let trial_days = u32::try_from(case.integer("trial_days")?).ok()?;
    let timing = grid::timing("in_advance")?;
    let running = grid::subscribe(Interval::MONTHLY, timing, Alignment::OwnDay, start, trial_days)?;
    let due = running.next_due()?;
    let price = Money::parse(case::text(case.expected.get("amount")?)?, Currency::EUR).ok()?;
    let charged = prorate(price, due.whole, due.part).ok()?;
    Some(json!({
        "anchor_day": running.grid.anchor_on.day(),
        "first_paid_period": [due.part.start, due.part.end],
        "amount": charged.major().to_string(),
    }))
}

fn utc(wall: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    Some(zone.from_local_datetime(&wall).earliest()?.with_timezone(&Utc))
}

/// Billing from a local date on which a clock change skips an hour.
pub(crate) fn skipped_hour(case: &Case) -> Option<Value> {
    let inputs = ["time_zone", "account_created_local", "subscription_local_date", "period"];
    case.only(&inputs)?;
    let zone = date::zone(case.text("time_zone")?).ok()?;
    // The text goes on in words after the date.
    let day: Date = case.text("subscription_local_date")?.get(..10)?.parse().ok()?;
    let start = date::local(date::start_of_day(day, zone), zone);
    let interval = grid::interval(case.text("period")?)?;
    let timing = grid::timing("in_advance")?;
    let mut running = grid::subscribe(interval, timing, Alignment::OwnDay, start, 0)?;
    let ends: Vec<Date> =
        bill(&mut running, date::add_days(start, 731)).iter().map(|due| due.part.end).collect();
    let asked = case.expected.get("charged_through")?.as_array()?.len();
    let monthly = (interval.unit(), interval.count()) == (Unit::Month, 1);
    Some(json!({
        "charged_through": ends.get(..asked)?,
        "continues_monthly": monthly && ends.len() == 25,
    }))
}
