//! Which days of items are paid for: every delivered day once, no other day at all.
//!
//! Invariants: it looks at the lines only as days with a sign, and at amounts, before discounts,
//! only as the sum of the prices of the days that stay.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::amounts::first_days;
use super::calendar::{Grid, days, days_later};
use super::charges::{first_paid_day, is_computed, price_of_period};
use super::rows::{Item, Line, Rows, Subscription};

/// The grid of an item's own terms.
pub(super) fn grid(item: &Item) -> Grid {
    Grid { anchor: item.anchor_on, count: item.interval_count, unit: item.interval_unit.clone() }
}

/// Checks every item that is not metered.
pub(super) fn check(rows: &Rows, today: NaiveDate, findings: &mut Vec<String>) {
    for subscription in rows.subscriptions() {
        if rows.customer(subscription.customer_id).is_set_aside {
            continue;
        }
        for item in rows.items_of(subscription.id).filter(|item| !item.metered) {
            check_days(rows, subscription, item, today, findings);
        }
    }
}

fn is_of_days(line: &&Line) -> bool {
    line.kind == "recurring" || line.kind == "recurring_credit"
}

/// Whether a day of an item is delivered.
fn is_delivered(rows: &Rows, subscription: &Subscription, item: &Item, day: NaiveDate) -> bool {
    let pauses = rows.pauses_of(subscription.id);
    day >= item.from_on
        && day >= first_paid_day(subscription)
        && item.until_on.is_none_or(|until| day < until)
        && subscription.ends_on.is_none_or(|end| day < end)
        && !is_suspended(subscription, day)
        && !pauses.iter().any(|pause| pause.from_on <= day && day < pause.until_on)
}

/// Whether a suspension that was not lifted contains a day: what was charged of it is credited when
/// it is over, and not before.
fn is_suspended(subscription: &Subscription, day: NaiveDate) -> bool {
    subscription.suspended_from.is_some_and(|from| from <= day)
}

/// Whether a day comes after a pause that is not over yet: the rest of the period was credited with
/// the pause, and is charged when it is over.
fn is_after_running_pause(
    rows: &Rows,
    subscription: &Subscription,
    day: NaiveDate,
    today: NaiveDate,
) -> bool {
    let pauses = rows.pauses_of(subscription.id);
    pauses.iter().any(|one| one.from_on <= today && today < one.until_on && one.until_on <= day)
}

fn check_days(
    rows: &Rows,
    subscription: &Subscription,
    item: &Item,
    today: NaiveDate,
    findings: &mut Vec<String>,
) {
    let mut covered: BTreeMap<NaiveDate, i32> = BTreeMap::new();
    let mut gross = 0;
    let mut given_back: BTreeSet<NaiveDate> = BTreeSet::new();
    let mut by_hand_of_item = 0;
    for line in rows.lines_of_item(item.id).filter(is_of_days) {
        let sign = if line.kind == "recurring" { 1 } else { -1 };
        let mut day = line.service_from;
        while day < line.service_until {
            *covered.entry(day).or_default() += sign;
            day = days_later(day, 1);
        }
        let by_hand: i128 = rows.by_hand_of(line).map(|credit| credit.net_minor).sum();
        by_hand_of_item += by_hand;
        // Of what was given back by hand, whole, or waived with its draft, a credit of the run would be
        // over nothing.
        if line.waived || (line.net_minor > 0 && line.net_minor + by_hand == 0) {
            given_back
                .extend(line.service_from.iter_days().take_while(|d| *d < line.service_until));
        }
        gross += line.net_minor + line.discount_minor;
        let of_sign = i128::from(sign) * (line.net_minor + line.discount_minor);
        if !(0..=of_sign).contains(&(i128::from(sign) * line.discount_minor)) {
            findings.push(format!("line {}: {} is taken off", line.id, line.discount_minor));
        }
    }
    let forfeits = subscription.ends_on.filter(|_| !subscription.cancel_credit);
    let mut wrong = |day: &NaiveDate, what: &str| {
        findings.push(format!("item {}: {day} is {what}", item.id));
    };
    for (day, times) in &covered {
        let delivered = is_delivered(rows, subscription, item, *day);
        let kept = forfeits.is_some_and(|end| *day >= end);
        match times {
            0 | 1 if kept => {}
            1 if delivered => {}
            0 if !delivered => {}
            1 if given_back.contains(day) => {}
            1 if is_suspended(subscription, *day) && subscription.state != "cancelled" => {}
            0 if is_after_running_pause(rows, subscription, *day, today) => {}
            _ if delivered => wrong(day, &format!("charged {times} times")),
            _ => wrong(day, &format!("not delivered and charged {times} times")),
        }
    }
    if is_computed(item) && by_hand_of_item == 0 {
        let expected = price_of_days(subscription, item, &covered);
        if gross != expected {
            findings.push(format!("item {}: charged {gross} instead of {expected}", item.id));
        }
        check_missing(rows, subscription, item, (&covered, today), findings);
        let last = covered.iter().rfind(|(_, times)| **times == 1).map(|(day, _)| *day);
        let until = last.map_or(item.billed_until, |last| days_later(last, 1));
        // After a credit that left nothing, it stands where the credit began.
        let mut lines = rows.lines_of_item(item.id).filter(|line| line.kind != "recurring");
        let credited = lines.any(|line| line.service_from == item.billed_until);
        let waived = rows.lines_of_item(item.id).any(|line| line.waived);
        let until = if waived { item.billed_until } else { until };
        let further = item.billed_until > until && !credited;
        if item.billed_until < until || (further && !is_free(rows, subscription, item, until)) {
            let has = item.billed_until;
            findings.push(format!("item {}: charged until {has} instead of {until}", item.id));
        }
    }
}

/// Whether an item was billed from a day on for nothing: of that there is a line only where something
/// else was charged with it. A discount may leave nothing too.
fn is_free(rows: &Rows, subscription: &Subscription, item: &Item, from: NaiveDate) -> bool {
    let days = from.iter_days().take_while(|day| *day < item.billed_until);
    let days = days.map(|day| (day, 1)).collect();
    let nothing = price_of_days(subscription, item, &days) == 0;
    subscription.has_discounts || (nothing && !rows.organization.issue_zero_invoices)
}

/// What the days that stay charged cost, each by itself.
fn price_of_days(
    subscription: &Subscription,
    item: &Item,
    covered: &BTreeMap<NaiveDate, i32>,
) -> i128 {
    let (price, grid) = (price_of_period(item, &subscription.currency), grid(item));
    let cost = |day: NaiveDate| {
        let whole = grid.period_of(day);
        let (at, of) = (days(whole.0, day), days(whole.0, whole.1));
        first_days(price, at + 1, of) - first_days(price, at, of)
    };
    covered.iter().map(|(day, times)| i128::from(*times) * cost(*day)).sum()
}

/// Delivered days whose period was to be billed by now.
fn check_missing(
    rows: &Rows,
    subscription: &Subscription,
    item: &Item,
    (covered, today): (&BTreeMap<NaiveDate, i32>, NaiveDate),
    findings: &mut Vec<String>,
) {
    let (price, per) = price_of_period(item, &subscription.currency);
    if first_days((price, per), 1, 1) == 0 || subscription.has_discounts {
        return; // A line of nothing makes no document, and a discount may leave nothing.
    }
    let grid = grid(item);
    let mut day = item.from_on.max(first_paid_day(subscription));
    while day <= today && is_before_end(subscription, item, day) {
        let billing_on = grid.period_of(day).1;
        // Nothing is billed while it is suspended.
        let waits = is_suspended(subscription, billing_on) && subscription.state != "cancelled";
        let in_arrears = billing_on <= today && !waits;
        let due = item.timing == "in_advance" || in_arrears;
        let charged = covered.get(&day).is_some_and(|times| *times == 1);
        if due && !charged && is_delivered(rows, subscription, item, day) {
            findings.push(format!("item {}: {day} is delivered and not charged", item.id));
            return;
        }
        day = days_later(day, 1);
    }
}

fn is_before_end(subscription: &Subscription, item: &Item, day: NaiveDate) -> bool {
    subscription.ends_on.is_none_or(|end| day < end)
        && item.until_on.is_none_or(|until| day < until)
}
