//! What must have been charged, and whether it was.

use std::collections::HashMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::amounts::{ONE, fine, first_days, minor_units};
use super::calendar::{Grid, days, days_later};
use super::coverage;
use super::rows::{Draft, Invoice, Item, Line, Rows, Subscription};

/// What an item costs for a part of its service.
#[derive(Debug, Clone)]
pub(super) struct Charge {
    pub(super) subscription: Uuid,
    pub(super) item: Uuid,
    pub(super) from: NaiveDate,
    pub(super) until: NaiveDate,
    pub(super) billing_on: NaiveDate,
    pub(super) net: i128,
}

/// Every charge until today of the subscriptions whose life was plain, item by item and day by
/// day. Checks the subscriptions' own columns on the way.
pub(super) fn expected(rows: &Rows, today: NaiveDate, findings: &mut Vec<String>) -> Vec<Charge> {
    let mut charges = Vec::new();
    for subscription in rows.subscriptions().filter(|one| is_plain(rows, one)) {
        check_dates(subscription, today, findings);
        let mut next = None;
        for part in parts(subscription) {
            if part.billing_on > today {
                next = Some(part.billing_on);
                break;
            }
            let items = rows.items_of(subscription.id);
            charges.extend(items.map(|item| charge(subscription, item, &part)));
        }
        let found = subscription.next_billing_on;
        if found != next && !rows.customer(subscription.customer_id).is_set_aside {
            let id = subscription.id;
            findings.push(format!("subscription {id}: next billed on {found:?}, not {next:?}"));
        }
    }
    charges
}

/// Whether nothing changed in its life but its end, at the end of a period, and nothing is taken
/// off: then every line is known beforehand. The others are checked day by day (`coverage`).
pub(super) fn is_plain(rows: &Rows, subscription: &Subscription) -> bool {
    let items = || rows.items_of(subscription.id);
    subscription.changes == 0
        && subscription.cancel_credit
        && !subscription.has_discounts
        && items().all(|item| is_computed(item) && item.from_on == subscription.start_on)
        && items().all(|item| {
            let grid = coverage::grid(item);
            let is_end =
                |day: NaiveDate| Some(day) == subscription.ends_on || grid.period_of(day).0 == day;
            rows.lines_of_item(item.id).all(|line| {
                line.kind == "recurring"
                    && !line.waived
                    && line.discount_minor == 0
                    && is_end(line.service_until)
                    && rows.by_hand_of(line).next().is_none()
            })
        })
}

/// Whether the auditor knows the item's price.
pub(super) fn is_computed(item: &Item) -> bool {
    !item.metered && item.minimum_minor.is_none()
}

/// A part of a period that is billed at once.
struct Part {
    whole: (NaiveDate, NaiveDate),
    from: NaiveDate,
    until: NaiveDate,
    billing_on: NaiveDate,
}

pub(super) fn first_paid_day(subscription: &Subscription) -> NaiveDate {
    days_later(subscription.start_on, subscription.trial_days)
}

/// The paid parts, one after the other, for ever or until the end.
fn parts(subscription: &Subscription) -> impl Iterator<Item = Part> {
    let grid = Grid {
        anchor: subscription.anchor_on,
        count: subscription.interval_count,
        unit: subscription.interval_unit.clone(),
    };
    let mut day = first_paid_day(subscription);
    let (end, in_advance) = (subscription.ends_on, subscription.timing == "in_advance");
    std::iter::from_fn(move || {
        let (from, whole) = (day, grid.period_of(day));
        while day < whole.1 && end.is_none_or(|end| day < end) {
            day = days_later(day, 1);
        }
        let billing_on = if in_advance { from } else { day };
        (from < day).then_some(Part { whole, from, until: day, billing_on })
    })
}

fn charge(subscription: &Subscription, item: &Item, part: &Part) -> Charge {
    let price = price_of_period(item, &subscription.currency);
    let length = days(part.whole.0, part.whole.1);
    // Each day costs what the days up to its end cost more than those up to its beginning.
    let net = (days(part.whole.0, part.from)..days(part.whole.0, part.until))
        .map(|day| first_days(price, day + 1, length) - first_days(price, day, length))
        .sum();
    Charge {
        subscription: subscription.id,
        item: item.id,
        from: part.from,
        until: part.until,
        billing_on: part.billing_on,
        net,
    }
}

/// The exact price of a whole period: so many minor units, by how many they are to be divided.
pub(super) fn price_of_period(item: &Item, currency: &str) -> (i128, i128) {
    let units = minor_units(currency);
    (item.model.price(fine(&item.quantity)) * units, ONE * ONE)
}

/// Trial, anchor and state.
fn check_dates(subscription: &Subscription, today: NaiveDate, findings: &mut Vec<String>) {
    let first = first_paid_day(subscription);
    let trial_ends_on = (subscription.trial_days > 0).then_some(first);
    let (count, unit) = (subscription.interval_count, &subscription.interval_unit);
    let anchor_on = match subscription.alignment.as_str() {
        "own_day" => first,
        _ => Grid::calendar_start(count, unit, first),
    };
    let state = if subscription.ends_on.is_some_and(|end| end <= today) {
        "cancelled"
    } else if today < subscription.start_on {
        "pending"
    } else if today < first {
        "trialing"
    } else {
        "active"
    };
    let found = (subscription.trial_ends_on, subscription.anchor_on, subscription.state.as_str());
    let expected = (trial_ends_on, anchor_on, state);
    if found != expected {
        findings.push(format!("subscription {}: {found:?}, not {expected:?}", subscription.id));
    }
}

/// Every charge has its line, and every line its charge.
pub(super) fn compare(rows: &Rows, charges: &[Charge], findings: &mut Vec<String>) {
    let of_plain = |line: &&Line| {
        let subscription = line.subscription_id.map(|id| rows.subscription(id));
        subscription.is_some_and(|one| is_plain(rows, one))
    };
    let lines: HashMap<(Uuid, NaiveDate), &Line> =
        rows.lines().filter_map(|line| Some(((line.item_id?, line.service_from), line))).collect();
    let invoices = rows.invoices.iter().map(|one| (one.id, Document::of(one)));
    let drafts = rows.drafts.iter().map(|one| (one.id, Document::of_draft(one)));
    let documents: HashMap<Uuid, Document<'_>> = invoices.chain(drafts).collect();
    for charge in charges {
        match lines.get(&(charge.item, charge.from)) {
            Some(line) => match documents.get(&line.invoice_id) {
                Some(document) => compare_one(rows, charge, document, line, findings),
                None => findings.push(format!("a line without a document: {line:?}")),
            },
            None if charge.net == 0 && !rows.organization.issue_zero_invoices => {}
            None => findings.push(format!("not invoiced: {charge:?}")),
        }
    }
    let known: HashMap<(Uuid, NaiveDate), &Charge> =
        charges.iter().map(|charge| ((charge.item, charge.from), charge)).collect();
    for line in rows.lines().filter(of_plain) {
        let item = line.item_id.unwrap_or_default();
        if !known.contains_key(&(item, line.service_from)) {
            findings.push(format!("invoiced and not owed: {line:?}"));
        }
    }
}

/// A document, finalized or a draft.
struct Document<'a> {
    billing_on: NaiveDate,
    customer_id: Uuid,
    currency: &'a String,
}

impl<'a> Document<'a> {
    fn of(one: &'a Invoice) -> Self {
        let Invoice { billing_on, customer_id, currency, .. } = one;
        Self { billing_on: *billing_on, customer_id: *customer_id, currency }
    }

    fn of_draft(one: &'a Draft) -> Self {
        let Draft { billing_on, customer_id, currency, .. } = one;
        Self { billing_on: *billing_on, customer_id: *customer_id, currency }
    }
}

fn compare_one(
    rows: &Rows,
    charge: &Charge,
    invoice: &Document<'_>,
    line: &Line,
    findings: &mut Vec<String>,
) {
    let (subscription, item) = (rows.subscription(charge.subscription), rows.item(charge.item));
    let (quantity, price) = item.model.shown(fine(&item.quantity));
    let expected = (charge.until, charge.net, charge.billing_on, quantity, price);
    let found = (
        line.service_until,
        line.net_minor,
        invoice.billing_on,
        fine(&line.quantity),
        fine(&line.unit_price),
    );
    if found != expected {
        findings.push(format!("line {}: {found:?} instead of {expected:?}", line.id));
    }
    let expected = (
        subscription.customer_id,
        &subscription.currency,
        Some(charge.subscription),
        &item.product_id,
    );
    let found = (invoice.customer_id, invoice.currency, line.subscription_id, &line.product_id);
    if found != expected || line.revenue != item.revenue {
        findings.push(format!("line {}: {found:?} instead of {expected:?}", line.id));
    }
}
