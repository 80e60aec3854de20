//! What subscriptions must be worth a month, and whether that is what was recorded.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::amounts::rounded;
use super::charges::{first_paid_day, price_of_period};
use super::rows::{Item, Rows, Segment, Subscription};

/// Everything of a segment but its key, as text.
type Facts = [String; 6];

/// Every paid stretch of every item has its segment, and every segment its stretch.
pub(super) fn check(rows: &Rows, findings: &mut Vec<String>) {
    let mut expected: BTreeMap<(Uuid, NaiveDate), Facts> = BTreeMap::new();
    for subscription in rows.subscriptions() {
        let from = first_paid_day(subscription);
        if subscription.ends_on.is_some_and(|end| end <= from) {
            continue;
        }
        for item in rows.items_of(subscription.id) {
            // What does not fit an amount is not billed either, and its customer is set aside.
            let worth = monthly(subscription, item);
            if worth > 0 && i64::try_from(worth).is_ok() {
                expected.insert((item.id, from), facts(subscription, worth));
            }
        }
    }
    let recorded: BTreeMap<(Uuid, NaiveDate), Facts> =
        rows.segments.iter().map(|one| ((one.item_id, one.from_on), recorded(one))).collect();
    for (key, facts) in &expected {
        if recorded.get(key) != Some(facts) {
            findings.push(format!("segment {key:?}: {:?}, not {facts:?}", recorded.get(key)));
        }
    }
    for key in recorded.keys().filter(|key| !expected.contains_key(key)) {
        findings.push(format!("segment {key:?}: worth nothing"));
    }
}

/// The price of a period by the months in it: a year has 12, 52 weeks or 365 days.
fn monthly(subscription: &Subscription, item: &Item) -> i128 {
    let (price, per) = price_of_period(item, &subscription.currency);
    let in_a_year = match subscription.interval_unit.as_str() {
        "day" => 365,
        "week" => 52,
        "month" => 12,
        "year" => 1,
        other => panic!("the auditor does not know the unit {other}"),
    };
    rounded(price * in_a_year, per * 12 * i128::from(subscription.interval_count))
}

fn facts(subscription: &Subscription, worth: i128) -> Facts {
    let reason = subscription.cancel_reason.as_deref();
    let kind = reason.map_or("", |reason| match reason {
        "non_payment" => "involuntary",
        "expired" | "unknown" => reason,
        _ => "voluntary",
    });
    let (until, end) =
        subscription.ends_on.map_or((String::new(), ""), |until| (until.to_string(), "cancelled"));
    [
        subscription.id.to_string(),
        subscription.customer_id.to_string(),
        format!("{worth} {}", subscription.currency),
        until,
        format!("{end} {kind}"),
        "in_force".to_owned(),
    ]
}

fn recorded(segment: &Segment) -> Facts {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        segment.subscription_id.to_string(),
        segment.customer_id.to_string(),
        format!("{} {}", segment.amount_minor, segment.currency),
        segment.until_on.map_or(String::new(), |until| until.to_string()),
        format!("{} {}", text(&segment.end_reason), text(&segment.churn_kind)),
        segment.status.clone(),
    ]
}
