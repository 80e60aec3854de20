//! What subscriptions must be worth a month, and whether that is what was recorded.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::amounts::rounded;
use super::charges::{first_paid_day, price_of_period};
use super::rows::{Item, Rows, Segment, Subscription};

/// Everything of a segment but its key, as text.
type Facts = [String; 6];

/// Every paid stretch of every item has its segment, and every segment its stretch. Subscriptions
/// with changes to come, whose segments reach ahead, are left to the tests of those.
pub(super) fn check(rows: &Rows, findings: &mut Vec<String>) {
    let mut expected: BTreeMap<(Uuid, NaiveDate), Facts> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for subscription in rows.subscriptions().filter(|one| !one.has_intents && !one.has_discounts) {
        for item in rows.items_of(subscription.id).filter(|item| !item.metered) {
            known.insert(item.id);
            // What does not fit an amount is not billed either, and its customer is set aside.
            let worth = monthly(subscription, item);
            if worth > 0 && i64::try_from(worth).is_ok() {
                add_pieces(rows, subscription, item, worth, &mut expected);
            }
        }
    }
    let recorded: BTreeMap<(Uuid, NaiveDate), Facts> = rows
        .segments
        .iter()
        .filter(|one| known.contains(&one.item_id))
        .map(|one| ((one.item_id, one.from_on), recorded(one)))
        .collect();
    for (key, facts) in &expected {
        if recorded.get(key) != Some(facts) {
            findings.push(format!("segment {key:?}: {:?}, not {facts:?}", recorded.get(key)));
        }
    }
    for key in recorded.keys().filter(|key| !expected.contains_key(key)) {
        findings.push(format!("segment {key:?}: worth nothing"));
    }
}

/// The stretches of an item between the beginnings and ends of pauses.
fn add_pieces(
    rows: &Rows,
    subscription: &Subscription,
    item: &Item,
    worth: i128,
    expected: &mut BTreeMap<(Uuid, NaiveDate), Facts>,
) {
    let first = item.from_on.max(first_paid_day(subscription));
    let end = [item.until_on, subscription.ends_on].into_iter().flatten().min();
    let inside = |day: &NaiveDate| *day > first && end.is_none_or(|end| *day < end);
    // A suspension is worth what the subscription is.
    let pauses: Vec<_> =
        rows.pauses_of(subscription.id).iter().filter(|one| one.kind == "customer").collect();
    let mut bounds: Vec<NaiveDate> =
        pauses.iter().flat_map(|one| [one.from_on, one.until_on]).filter(inside).collect();
    bounds.push(first);
    bounds.sort_unstable();
    bounds.dedup();
    if end.is_some_and(|end| end <= first) {
        return;
    }
    // A pause that follows on another goes on.
    let paused = |day| pauses.iter().any(|one| one.from_on <= day && day < one.until_on);
    let mut starts = vec![first];
    starts.extend(
        bounds
            .windows(2)
            .map(|two| two[1])
            .filter(|day| paused(*day) != paused(day.pred_opt().expect("the day before"))),
    );
    for (at, from) in starts.iter().enumerate() {
        let status = if paused(*from) { "paused" } else { "in_force" };
        let until = starts.get(at + 1).copied().or(end);
        let why = match until {
            None => String::new(),
            Some(until) if Some(until) == subscription.ends_on => churn(subscription),
            Some(until) if starts.contains(&until) && status == "paused" => "resumed ".to_owned(),
            Some(until) if starts.contains(&until) => "paused ".to_owned(),
            Some(_) => "changed ".to_owned(),
        };
        expected.insert((item.id, *from), facts(subscription, worth, (status, until, &why)));
    }
}

/// The price of a period by the months in it: a year has 12, 52 weeks or 365 days.
fn monthly(subscription: &Subscription, item: &Item) -> i128 {
    let (price, per) = price_of_period(item, &subscription.currency);
    let minimum = item.minimum_minor.unwrap_or_default() * per;
    let in_a_year = match item.interval_unit.as_str() {
        "day" => 365,
        "week" => 52,
        "month" => 12,
        "year" => 1,
        other => panic!("the auditor does not know the unit {other}"),
    };
    rounded(price.max(minimum) * in_a_year, per * 12 * i128::from(item.interval_count))
}

fn churn(subscription: &Subscription) -> String {
    let reason = subscription.cancel_reason.as_deref();
    let kind = reason.map_or("", |reason| match reason {
        "non_payment" => "involuntary",
        "expired" | "unknown" => reason,
        _ => "voluntary",
    });
    format!("cancelled {kind}")
}

fn facts(
    subscription: &Subscription,
    worth: i128,
    (status, until, why): (&str, Option<NaiveDate>, &str),
) -> Facts {
    [
        subscription.id.to_string(),
        subscription.customer_id.to_string(),
        format!("{worth} {}", subscription.currency),
        until.map_or(String::new(), |until| until.to_string()),
        why.trim().to_owned(),
        status.to_owned(),
    ]
}

fn recorded(segment: &Segment) -> Facts {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        segment.subscription_id.to_string(),
        segment.customer_id.to_string(),
        format!("{} {}", segment.amount_minor, segment.currency),
        segment.until_on.map_or(String::new(), |until| until.to_string()),
        format!("{} {}", text(&segment.end_reason), text(&segment.churn_kind)).trim().to_owned(),
        segment.status.clone(),
    ]
}
