//! What meters counted: every billed period costs in all what its events cost today.
//!
//! Deliberately absent: the latest and the different values, which are for the tests of totals;
//! periods that wait for a difference.

use domain::id::OrgId;
use tokio_postgres::Client;
use uuid::Uuid;

use super::amounts::{ONE, fine, first_days, minor_units, rounded};
use super::calendar::days;
use super::coverage::grid;
use super::rows::Rows;

/// Billed periods with the totals of their events as they are; `ORG` is the organization.
const PERIODS: &str = "
    SELECT p.item_id::text, p.service_from::text, p.service_until::text,
        coalesce(CASE m.aggregation WHEN 'sum' THEN sum(e.quantity) ELSE max(e.quantity) END, 0)::text
    FROM usage_periods p
    JOIN organizations o ON o.org_id = p.org_id
    JOIN meters m ON m.org_id = p.org_id AND m.id = p.meter_id
    LEFT JOIN usage_events e ON e.org_id = p.org_id AND e.meter_id = p.meter_id
        AND e.customer_id = p.customer_id
        AND (e.occurred_at AT TIME ZONE o.time_zone)::date >= p.service_from
        AND (e.occurred_at AT TIME ZONE o.time_zone)::date < p.service_until
    WHERE p.org_id = ORG AND NOT p.stale AND m.aggregation IN ('sum', 'max')
    GROUP BY p.item_id, p.service_from, p.service_until, m.aggregation";

/// Compares the lines of every billed period, before discounts, with the price of its events.
pub(super) async fn check(sql: &Client, org: OrgId, rows: &Rows, findings: &mut Vec<String>) {
    let question = PERIODS.replace("ORG", &format!("'{org}'"));
    for row in sql.query(&question, &[]).await.expect("the billed periods") {
        let [item, from, until, quantity] = [0, 1, 2, 3].map(|at| row.get::<_, String>(at));
        let item = rows.item(item.parse::<Uuid>().expect("an id"));
        let (from, until) = (from.parse().expect("a date"), until.parse().expect("a date"));
        let lines = || {
            let own = rows.lines_of_item(item.id);
            own.filter(|line| (line.service_from, line.service_until) == (from, until))
        };
        if !lines().any(|line| line.kind == "usage") {
            continue; // A document of nothing was not wanted.
        }
        let billed: i128 = lines().map(|line| line.net_minor + line.discount_minor).sum();
        let units = minor_units(&rows.subscription(item.subscription_id).currency);
        let price = item.model.price(fine(&quantity).max(0)) * units;
        let whole = grid(item).period_of(from);
        let (at, to, of) = (days(whole.0, from), days(whole.0, until), days(whole.0, whole.1));
        let minimum = (item.minimum_minor.unwrap_or_default(), 1);
        let minimum = first_days(minimum, to, of) - first_days(minimum, at, of);
        let expected = rounded(price, ONE * ONE).max(minimum);
        if billed != expected {
            let id = item.id;
            findings.push(format!("item {id}: usage from {from} billed {billed}, not {expected}"));
        }
    }
}
