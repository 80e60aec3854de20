//! The raw rows that the auditor reads, as the owner of the tables.

use std::collections::HashMap;

use chrono::{DateTime, FixedOffset, NaiveDate};
use domain::id::OrgId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_postgres::{Client, SimpleQueryMessage};
use uuid::Uuid;

use super::attempts::{TRANSITS, Transit};
use super::investors::{INVESTMENTS, Investment, SELF_BILLS, SelfBill};
use super::lost::{LostVat, VAT as LOST_VAT, WriteOff};
use super::prices::Model;

/// An organization.
#[derive(Debug, Deserialize)]
pub(super) struct Organization {
    pub(super) kind: String,
    pub(super) country: String,
    pub(super) issue_zero_invoices: bool,
    pub(super) number_pattern: String,
    pub(super) invoice_prefix: String,
    pub(super) credit_note_prefix: String,
}

/// A customer, as it is now.
#[derive(Debug, Deserialize)]
pub(super) struct Customer {
    pub(super) id: Uuid,
    pub(super) country: String,
    pub(super) vat_treatment: String,
    pub(super) party_type: String,
    /// Whether it was ever set aside: then documents may be late.
    pub(super) was_set_aside: bool,
    /// Whether it is set aside: then documents are missing, which is a finding of its own.
    pub(super) is_set_aside: bool,
}

/// A VAT rate.
#[derive(Debug, Deserialize)]
pub(super) struct Rate {
    pub(super) country: String,
    pub(super) category: String,
    pub(super) valid_from: NaiveDate,
    pub(super) percent: String,
}

/// A subscription with what its version says.
#[derive(Debug, Deserialize)]
pub(super) struct Subscription {
    pub(super) id: Uuid,
    pub(super) customer_id: Uuid,
    pub(super) currency: String,
    pub(super) state: String,
    pub(super) start_on: NaiveDate,
    pub(super) trial_ends_on: Option<NaiveDate>,
    pub(super) alignment: String,
    pub(super) anchor_on: NaiveDate,
    pub(super) ends_on: Option<NaiveDate>,
    /// First day of a suspension that was not lifted.
    pub(super) suspended_from: Option<NaiveDate>,
    pub(super) cancel_credit: bool,
    pub(super) has_intents: bool,
    pub(super) has_discounts: bool,
    pub(super) changes: i32,
    pub(super) cancel_reason: Option<String>,
    pub(super) next_billing_on: Option<NaiveDate>,
    /// The local date on which it was made.
    pub(super) created_on: NaiveDate,
    pub(super) interval_count: i32,
    pub(super) interval_unit: String,
    pub(super) timing: String,
    pub(super) trial_days: i32,
}

/// An item with its price and product.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    pub(super) id: Uuid,
    pub(super) subscription_id: Uuid,
    pub(super) quantity: String,
    pub(super) metered: bool,
    pub(super) anchor_on: NaiveDate,
    pub(super) interval_count: i32,
    pub(super) interval_unit: String,
    pub(super) timing: String,
    pub(super) from_on: NaiveDate,
    pub(super) until_on: Option<NaiveDate>,
    pub(super) billed_until: NaiveDate,
    pub(super) model: Model,
    pub(super) minimum_minor: Option<i128>,
    pub(super) product_id: Uuid,
    pub(super) revenue: String,
}

/// Days without service.
#[derive(Debug, Deserialize)]
pub(super) struct Pause {
    pub(super) subscription_id: Uuid,
    pub(super) from_on: NaiveDate,
    pub(super) until_on: NaiveDate,
    /// Why: the customer's wish, or a suspension.
    pub(super) kind: String,
}

/// What a credit note paid off of an invoice.
#[derive(Debug, Deserialize)]
pub(super) struct Allocation {
    pub(super) credit_note_id: Uuid,
    pub(super) invoice_id: Uuid,
    pub(super) amount_minor: i128,
    pub(super) written_off_minor: i128,
    pub(super) issue_on: NaiveDate,
    pub(super) finalized_at: DateTime<FixedOffset>,
}

/// Money that came or went.
#[derive(Debug, Deserialize)]
pub(super) struct Payment {
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) currency: String,
    pub(super) amount_minor: i128,
    pub(super) fee_minor: i128,
    pub(super) booked_on: NaiveDate,
    pub(super) in_transit: bool,
    pub(super) attempt_id: Option<Uuid>,
    pub(super) reverses: Option<Uuid>,
}

/// A part of a payment.
#[derive(Debug, Deserialize)]
pub(super) struct Part {
    pub(super) payment_id: Uuid,
    pub(super) position: i32,
    pub(super) target: String,
    pub(super) customer_id: Option<Uuid>,
    pub(super) invoice_id: Option<Uuid>,
    pub(super) amount_minor: i128,
    pub(super) allocated_on: NaiveDate,
    pub(super) created_at: DateTime<FixedOffset>,
}

/// A document with its number.
#[derive(Debug, Deserialize)]
pub(super) struct Invoice {
    pub(super) id: Uuid,
    pub(super) customer_id: Uuid,
    pub(super) state: String,
    pub(super) currency: String,
    pub(super) billing_on: NaiveDate,
    pub(super) issue_on: NaiveDate,
    pub(super) net_minor: i128,
    pub(super) tax_minor: i128,
    pub(super) total_minor: i128,
    pub(super) open_minor: i128,
    pub(super) balance_minor: i128,
    pub(super) written_off_minor: i128,
    pub(super) kind: String,
    pub(super) small_business: bool,
    pub(super) number: Option<String>,
    pub(super) series: Option<String>,
    pub(super) year: Option<i32>,
    pub(super) sequence: Option<i64>,
}

/// A draft that did not become a document, or not yet.
#[derive(Debug, Deserialize)]
pub(super) struct Draft {
    pub(super) id: Uuid,
    pub(super) customer_id: Uuid,
    pub(super) state: String,
    pub(super) currency: String,
    pub(super) billing_on: NaiveDate,
    pub(super) made_on: NaiveDate,
    pub(super) finalize_on: NaiveDate,
    pub(super) kind: String,
    pub(super) net_minor: i128,
    pub(super) tax_minor: i128,
    pub(super) total_minor: i128,
}

/// A line.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub(super) id: Uuid,
    /// Whether it stands on a draft that was discarded: it counts as charged and nobody pays it.
    pub(super) waived: bool,
    pub(super) invoice_id: Uuid,
    pub(super) position: i32,
    pub(super) kind: String,
    pub(super) subscription_id: Option<Uuid>,
    pub(super) item_id: Option<Uuid>,
    pub(super) corrects_line_id: Option<Uuid>,
    pub(super) discount_minor: i128,
    pub(super) product_id: Uuid,
    pub(super) vat_category: String,
    pub(super) revenue: String,
    pub(super) service_from: NaiveDate,
    pub(super) service_until: NaiveDate,
    pub(super) quantity: String,
    pub(super) unit_price: String,
    pub(super) net_minor: i128,
    pub(super) vat_class: String,
    pub(super) vat_percent: String,
    /// Whether it charges a late fee.
    pub(super) is_late_fee: bool,
}

/// A row of a document's VAT.
#[derive(Debug, Deserialize)]
pub(super) struct Vat {
    pub(super) invoice_id: Uuid,
    pub(super) vat_class: String,
    pub(super) vat_percent: String,
    pub(super) base_minor: i128,
    pub(super) tax_minor: i128,
}

/// A counter of numbers.
#[derive(Debug, Deserialize)]
pub(super) struct Series {
    pub(super) series: String,
    pub(super) year: i32,
    pub(super) next_sequence: i64,
    pub(super) last_issue_on: NaiveDate,
}

/// A posting with its entry.
#[derive(Debug, Deserialize)]
pub(super) struct Posting {
    pub(super) entry_id: Uuid,
    pub(super) source_kind: String,
    pub(super) posted_on: NaiveDate,
    pub(super) account: String,
    pub(super) currency: String,
    pub(super) amount_minor: i128,
    pub(super) vat_class: Option<String>,
    pub(super) vat_percent: Option<String>,
}

/// What an item is worth a month.
#[derive(Debug, Deserialize)]
pub(super) struct Segment {
    pub(super) item_id: Uuid,
    pub(super) from_on: NaiveDate,
    pub(super) until_on: Option<NaiveDate>,
    pub(super) subscription_id: Uuid,
    pub(super) customer_id: Uuid,
    pub(super) currency: String,
    pub(super) amount_minor: i128,
    pub(super) status: String,
    pub(super) end_reason: Option<String>,
    pub(super) churn_kind: Option<String>,
}

/// Everything of one organization.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) organization: Organization,
    pub(super) rates: Vec<Rate>,
    pub(super) invoices: Vec<Invoice>,
    /// The documents of drafts that were finalized are among the invoices.
    pub(super) drafts: Vec<Draft>,
    /// The invoices that were drafts before, and when those were made.
    pub(super) drafted_on: HashMap<Uuid, NaiveDate>,
    pub(super) series: Vec<Series>,
    pub(super) postings: Vec<Posting>,
    pub(super) allocations: Vec<Allocation>,
    pub(super) payments: Vec<Payment>,
    pub(super) parts: Vec<Part>,
    pub(super) write_offs: Vec<WriteOff>,
    pub(super) lost_vat: Vec<LostVat>,
    pub(super) transits: Vec<Transit>,
    pub(super) self_bills: Vec<SelfBill>,
    pub(super) investments: Vec<Investment>,
    pauses_of: HashMap<Uuid, Vec<Pause>>,
    pub(super) segments: Vec<Segment>,
    customers: HashMap<Uuid, Customer>,
    subscriptions: HashMap<Uuid, Subscription>,
    items: HashMap<Uuid, Item>,
    items_of: HashMap<Uuid, Vec<Uuid>>,
    lines_of: HashMap<Uuid, Vec<Line>>,
    of_item: HashMap<Uuid, Vec<Place>>,
    by_hand: HashMap<Uuid, Vec<Place>>,
    vat_of: HashMap<Uuid, Vec<Vat>>,
}

impl Rows {
    pub(super) async fn load(sql: &Client, org: OrgId) -> Self {
        let mut organizations =
            all(sql, org, "SELECT * FROM organizations WHERE org_id = ORG").await;
        let items = all(sql, org, ITEMS).await;
        let (finalized, drafts) = all(sql, org, "SELECT * FROM drafts WHERE org_id = ORG")
            .await
            .into_iter()
            .partition::<Vec<Draft>, _>(|one| one.state == "finalized");
        let ids = items.iter().map(|item: &Item| (item.subscription_id, item.id));
        let lines_of: HashMap<Uuid, Vec<Line>> = grouped(
            all(sql, org, LINES).await.into_iter().map(|line: Line| (line.invoice_id, line)),
        );
        Self {
            of_item: placed(&lines_of, |line| line.item_id),
            by_hand: placed(&lines_of, |line| {
                line.corrects_line_id.filter(|_| line.kind == "correction")
            }),
            organization: organizations.pop().expect("the organization"),
            rates: all(sql, org, RATES).await,
            invoices: all(sql, org, INVOICES).await,
            drafted_on: finalized.into_iter().map(|one| (one.id, one.made_on)).collect(),
            drafts,
            series: all(sql, org, "SELECT * FROM number_series WHERE org_id = ORG").await,
            postings: all(sql, org, POSTINGS).await,
            allocations: all(sql, org, ALLOCATIONS).await,
            payments: all(sql, org, "SELECT * FROM payments WHERE org_id = ORG").await,
            parts: all(sql, org, PARTS).await,
            write_offs: all(sql, org, "SELECT * FROM write_offs WHERE org_id = ORG").await,
            lost_vat: all(sql, org, LOST_VAT).await,
            transits: all(sql, org, TRANSITS).await,
            self_bills: all(sql, org, SELF_BILLS).await,
            investments: all(sql, org, INVESTMENTS).await,
            pauses_of: grouped(
                all(sql, org, PAUSES).await.into_iter().map(|p: Pause| (p.subscription_id, p)),
            ),
            segments: all(sql, org, "SELECT * FROM mrr_segments WHERE org_id = ORG").await,
            items_of: grouped(ids),
            items: items.into_iter().map(|item| (item.id, item)).collect(),
            customers: by(all(sql, org, CUSTOMERS).await, |customer: &Customer| customer.id),
            subscriptions: by(all(sql, org, SUBSCRIPTIONS).await, |one: &Subscription| one.id),
            lines_of,
            vat_of: grouped(
                all(sql, org, VAT).await.into_iter().map(|row: Vat| (row.invoice_id, row)),
            ),
        }
    }

    pub(super) fn customer(&self, id: Uuid) -> &Customer {
        &self.customers[&id]
    }

    pub(super) fn subscription(&self, id: Uuid) -> &Subscription {
        &self.subscriptions[&id]
    }

    pub(super) fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.values()
    }

    pub(super) fn item(&self, id: Uuid) -> &Item {
        &self.items[&id]
    }

    pub(super) fn items_of(&self, subscription: Uuid) -> impl Iterator<Item = &Item> {
        self.items_of.get(&subscription).into_iter().flatten().map(|id| self.item(*id))
    }

    pub(super) fn pauses_of(&self, subscription: Uuid) -> &[Pause] {
        self.pauses_of.get(&subscription).map_or(&[], Vec::as_slice)
    }

    pub(super) fn line(&self, id: Uuid) -> Option<&Line> {
        self.lines().find(|line| line.id == id)
    }

    pub(super) fn invoice(&self, id: Uuid) -> Option<&Invoice> {
        self.invoices.iter().find(|invoice| invoice.id == id)
    }

    /// The lines that take a line back by hand.
    pub(super) fn by_hand_of(&self, line: &Line) -> impl Iterator<Item = &Line> {
        self.at(self.by_hand.get(&line.id))
    }

    /// The lines that bill an item.
    pub(super) fn lines_of_item(&self, item: Uuid) -> impl Iterator<Item = &Line> {
        self.at(self.of_item.get(&item))
    }

    fn at(&self, places: Option<&Vec<Place>>) -> impl Iterator<Item = &Line> {
        let places: Vec<Place> = places.cloned().unwrap_or_default();
        places.into_iter().map(|(invoice, at)| &self.lines_of[&invoice][at])
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines_of.values().flatten()
    }

    pub(super) fn lines_of(&self, invoice: Uuid) -> impl Iterator<Item = &Line> {
        self.lines_of.get(&invoice).into_iter().flatten()
    }

    pub(super) fn vat_of(&self, invoice: Uuid) -> impl Iterator<Item = &Vat> {
        self.vat_of.get(&invoice).into_iter().flatten()
    }
}

fn by<T>(rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> HashMap<Uuid, T> {
    rows.into_iter().map(|row| (id(&row), row)).collect()
}

/// The invoice of a line, and the line's place among those of the invoice.
type Place = (Uuid, usize);

/// Where the lines are that belong to something.
fn placed(
    lines_of: &HashMap<Uuid, Vec<Line>>,
    key: impl Fn(&Line) -> Option<Uuid>,
) -> HashMap<Uuid, Vec<Place>> {
    let lines = lines_of.values().flat_map(|lines| lines.iter().enumerate());
    grouped(lines.filter_map(|(at, line)| Some((key(line)?, (line.invoice_id, at)))))
}

fn grouped<T>(rows: impl Iterator<Item = (Uuid, T)>) -> HashMap<Uuid, Vec<T>> {
    let mut groups: HashMap<Uuid, Vec<T>> = HashMap::new();
    for (key, row) in rows {
        groups.entry(key).or_default().push(row);
    }
    groups
}

const CUSTOMERS: &str = "SELECT c.*, EXISTS (SELECT FROM set_asides a \
         WHERE a.org_id = ORG AND a.customer_id = c.id) AS was_set_aside, \
         EXISTS (SELECT FROM set_asides a WHERE a.org_id = ORG AND a.customer_id = c.id \
         AND a.resolved_at IS NULL) AS is_set_aside \
     FROM customers c WHERE c.org_id = ORG";
const RATES: &str = "SELECT country, category, valid_from, percent::text FROM vat_rates \
     WHERE org_id = ORG ORDER BY valid_from";
const SUBSCRIPTIONS: &str = "SELECT s.id, s.customer_id, s.currency, s.state, s.start_on, \
         s.trial_ends_on, s.alignment, s.anchor_on, s.ends_on, s.suspended_from, s.cancel_reason, s.cancel_credit, s.changes, \
         EXISTS (SELECT FROM subscription_intents n WHERE n.org_id = ORG AND n.subscription_id = s.id) \
         AS has_intents, EXISTS (SELECT FROM subscription_discounts d WHERE d.org_id = ORG \
         AND d.subscription_id = s.id) AS has_discounts, s.next_billing_on, \
         (s.created_at AT TIME ZONE o.time_zone)::date AS created_on, \
         v.interval_count, v.interval_unit, v.timing, v.trial_days \
     FROM subscriptions s JOIN plan_versions v ON v.org_id = s.org_id AND v.id = s.version_id \
     JOIN organizations o ON o.org_id = s.org_id WHERE s.org_id = ORG";
const ITEMS: &str = "SELECT i.id, i.subscription_id, i.quantity::text, i.metered, i.anchor_on, \
         i.interval_count, i.interval_unit, i.timing, i.from_on, i.until_on, i.billed_until, p.model, \
         p.minimum_minor, p.product_id, r.revenue \
     FROM subscription_items i JOIN prices p ON p.org_id = i.org_id AND p.id = i.price_id \
     JOIN products r ON r.org_id = p.org_id AND r.id = p.product_id WHERE i.org_id = ORG";
const INVOICES: &str = "SELECT i.*, coalesce((i.seller->>'small_business')::boolean, false) \
         AS small_business, n.number, n.series, n.year, n.sequence \
     FROM invoices i LEFT JOIN document_numbers n ON n.org_id = i.org_id AND n.document_id = i.id \
     WHERE i.org_id = ORG";
const PAUSES: &str = "SELECT subscription_id, from_on, until_on, kind FROM subscription_pauses \
     WHERE org_id = ORG ORDER BY from_on";
const ALLOCATIONS: &str = "SELECT a.credit_note_id, a.invoice_id, a.amount_minor, a.written_off_minor, \
         c.issue_on, c.finalized_at FROM credit_allocations a \
     JOIN invoices c ON c.org_id = ORG AND c.id = a.credit_note_id WHERE a.org_id = ORG";
const PARTS: &str = "SELECT * FROM payment_allocations WHERE org_id = ORG \
     ORDER BY created_at, payment_id, position";
const LINES: &str = "SELECT l.id, false AS waived, l.invoice_id, l.position, l.kind, l.subscription_id, l.item_id, \
         l.corrects_line_id, l.discount_minor, l.product_id, l.revenue, r.vat_category, \
         l.service_from, l.service_until, l.quantity::text, l.unit_price::text, l.net_minor, \
         l.vat_class, l.vat_percent::text, EXISTS (SELECT FROM charges c WHERE c.org_id = ORG \
             AND c.id = l.charge_id AND c.late_fee_of IS NOT NULL) AS is_late_fee \
     FROM invoice_lines l \
     JOIN products r ON r.org_id = ORG AND r.id = l.product_id WHERE l.org_id = ORG \
     UNION ALL SELECT l.id, d.state = 'discarded', l.draft_id, l.position, l.kind, l.subscription_id, \
         l.item_id, NULL, l.discount_minor, l.product_id, l.revenue, l.vat_category, \
         l.service_from, l.service_until, l.quantity::text, l.unit_price::text, l.net_minor, \
         l.vat_class, l.vat_percent::text, false FROM draft_lines l \
     JOIN drafts d ON d.org_id = ORG AND d.id = l.draft_id AND d.state <> 'finalized' \
     WHERE l.org_id = ORG";
const VAT: &str = "SELECT invoice_id, vat_class, vat_percent::text, base_minor, tax_minor \
     FROM invoice_vat WHERE org_id = ORG";
const POSTINGS: &str = "SELECT p.entry_id, e.source_kind, e.posted_on, p.account, p.currency, p.amount_minor, \
         p.vat_class, p.vat_percent::text \
     FROM postings p JOIN journal_entries e ON e.org_id = p.org_id AND e.id = p.entry_id WHERE p.org_id = ORG";

/// The rows of a query.
pub(super) async fn all<T: DeserializeOwned>(sql: &Client, org: OrgId, query: &str) -> Vec<T> {
    let query = query.replace("ORG", &format!("'{org}'"));
    let query = format!("SELECT coalesce(json_agg(t), '[]')::text FROM ({query}) t");
    let messages =
        sql.simple_query(&query).await.unwrap_or_else(|error| panic!("{query}: {error}"));
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    serde_json::from_str(row.unwrap_or("[]")).unwrap_or_else(|error| panic!("{query}: {error}"))
}
