//! Drafts: documents that the run has made and that are not finalized yet.
//!
//! Purpose: kept with their lines exactly as they were made, read for people and for finalization,
//! finalized, discarded.
//!
//! Invariants: whoever writes one holds the billing account of its customer and currency. A draft
//! that is finalized keeps its row, and has one in `invoices` with the same id. Several are written
//! or finalized with a fixed number of statements.
//!
//! Deliberately absent: the VAT rows, which follow from the lines; deferrals, entries and numbers,
//! which a draft has not.

mod insert;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::balance::Settlement;
use domain::date::Date;
use domain::id::{ChargeId, CustomerId, InvoiceId, ItemId, LineId, ProductId, SubscriptionId};
use domain::invoice::{Charge, DocumentKind, Draft, Line, LineKind, Origin};
use domain::money::{Currency, Money};
use domain::period::Period;
use domain::plan::RevenueKind;
use domain::vat::{self, LineVat, VatCategory, VatClass};
use rust_decimal::Decimal;

pub use self::insert::insert;
use crate::billing::Account;
use crate::schema::{draft_lines, drafts};
use crate::{Error, Result, Tx};

/// Where a draft stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It waits for its finalization.
    Live,
    /// It is a document now.
    Finalized,
    /// What is on it was waived.
    Discarded(Discarded),
}

/// Who discarded a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discarded {
    /// When, by the organization's clock.
    pub at: DateTime<Utc>,
    /// Name of the key.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A draft and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The document as it was made, without deferrals and settlement; without lines in lists.
    pub draft: Draft,
    /// The day on which it is finalized by itself.
    pub finalize_on: Date,
    /// Where it stands.
    pub state: State,
}

impl Kept {
    /// To whom and in which currency it is billed.
    #[must_use]
    pub fn account(&self) -> Account {
        Account { customer_id: self.draft.customer_id, currency: self.draft.currency }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = drafts, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: InvoiceId,
    customer_id: CustomerId,
    kind: DocumentKind,
    state: String,
    currency: Currency,
    billing_on: Date,
    made_on: Date,
    due_on: Date,
    finalize_on: Date,
    net_minor: i64,
    tax_minor: i64,
    total_minor: i64,
    discarded_at: Option<DateTime<Utc>>,
    discarded_by: Option<String>,
    reason: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = draft_lines, check_for_backend(diesel::pg::Pg))]
struct LineRow {
    id: LineId,
    draft_id: InvoiceId,
    kind: LineKind,
    subscription_id: Option<SubscriptionId>,
    item_id: Option<ItemId>,
    change_number: i32,
    charge_id: Option<ChargeId>,
    product_id: ProductId,
    description: String,
    unit_label: Option<String>,
    revenue: RevenueKind,
    vat_category: VatCategory,
    vat_class: VatClass,
    vat_percent: Decimal,
    service_from: Date,
    service_until: Date,
    quantity: Decimal,
    unit_price: Decimal,
    discount_minor: i64,
    net_minor: i64,
}

impl TryFrom<Row> for Kept {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let money = |minor| Money::new(minor, row.currency);
        let total = money(row.total_minor);
        let state = match (row.state.as_str(), row.discarded_at, row.discarded_by, row.reason) {
            ("draft", ..) => State::Live,
            ("finalized", ..) => State::Finalized,
            ("discarded", Some(at), Some(by), Some(reason)) => {
                State::Discarded(Discarded { at, by, reason })
            }
            (other, ..) => return Err(Error::corrupt(format!("{other:?} is no state of drafts"))),
        };
        let draft = Draft {
            id: row.id,
            kind: row.kind,
            customer_id: row.customer_id,
            currency: row.currency,
            billing_on: row.billing_on,
            issue_on: row.made_on,
            due_on: row.due_on,
            lines: Vec::new(),
            vat_rows: Vec::new(),
            net: money(row.net_minor),
            tax: money(row.tax_minor),
            total,
            settlement: Settlement::none(total),
        };
        Ok(Self { draft, finalize_on: row.finalize_on, state })
    }
}

fn line(row: LineRow, currency: Currency) -> Result<Line> {
    let origin = match (row.subscription_id, row.item_id, row.charge_id) {
        (Some(subscription_id), Some(item_id), None) => {
            Origin::Item { subscription_id, item_id, change: row.change_number }
        }
        (None, None, Some(charge_id)) => Origin::OneOff { charge_id },
        _ => return Err(Error::corrupt(format!("draft line {} has no origin", row.id))),
    };
    let charge = Charge {
        origin,
        kind: row.kind,
        product_id: row.product_id,
        description: row.description,
        unit_label: row.unit_label,
        revenue: row.revenue,
        vat_category: row.vat_category,
        service: Period { start: row.service_from, end: row.service_until },
        quantity: row.quantity,
        unit_price: row.unit_price,
        discount: Money::new(row.discount_minor, currency),
        net: Money::new(row.net_minor, currency),
        corrects: None,
    };
    let vat = LineVat { class: row.vat_class, percent: row.vat_percent };
    Ok(Line { id: row.id, charge, vat, deferral: None })
}

/// The rows with their lines, in the order of billing dates, then ids.
async fn with_lines(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<Kept>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<InvoiceId> = rows.iter().map(|row| row.id).collect();
    let lines = draft_lines::table
        .filter(draft_lines::org_id.eq(tx.org()))
        .filter(draft_lines::draft_id.eq_any(&ids))
        .order((draft_lines::draft_id, draft_lines::position))
        .select(LineRow::as_select())
        .load(tx.connection())
        .await?;
    let mut of_draft: HashMap<InvoiceId, Vec<LineRow>> = HashMap::new();
    for row in lines {
        of_draft.entry(row.draft_id).or_default().push(row);
    }
    let whole = |row: Row| {
        let (id, currency) = (row.id, row.currency);
        let mut kept = Kept::try_from(row)?;
        let rows = of_draft.remove(&id).unwrap_or_default();
        kept.draft.lines =
            rows.into_iter().map(|row| line(row, currency)).collect::<Result<Vec<_>>>()?;
        let nets = kept.draft.lines.iter().map(|line| (line.vat, line.charge.net));
        kept.draft.vat_rows = vat::breakdown(currency, nets).map_err(Error::corrupt)?;
        Ok(kept)
    };
    rows.into_iter().map(whole).collect()
}

/// A draft with its lines, whatever became of it.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: InvoiceId) -> Result<Kept> {
    let row = drafts::table
        .filter(drafts::org_id.eq(tx.org()))
        .filter(drafts::id.eq(id))
        .select(Row::as_select())
        .first(tx.connection())
        .await?;
    with_lines(tx, vec![row]).await?.pop().ok_or(Error::NotFound)
}

/// The live drafts of customers that are to be finalized on or before a day, by billing date.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn due(tx: &mut Tx, customers: &[CustomerId], on: Date) -> Result<Vec<Kept>> {
    let rows = drafts::table
        .filter(drafts::org_id.eq(tx.org()))
        .filter(drafts::customer_id.eq_any(customers))
        .filter(drafts::state.eq("draft"))
        .filter(drafts::finalize_on.le(on))
        .order((drafts::billing_on, drafts::id))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    with_lines(tx, rows).await
}

/// The live drafts with lines of some items, by billing date.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn of_items(tx: &mut Tx, items: &[ItemId]) -> Result<Vec<Kept>> {
    let charged = draft_lines::table
        .filter(draft_lines::org_id.eq(tx.org()))
        .filter(draft_lines::item_id.eq_any(items))
        .select(draft_lines::draft_id);
    let rows = drafts::table
        .filter(drafts::org_id.eq(tx.org()))
        .filter(drafts::state.eq("draft"))
        .filter(drafts::id.eq_any(charged))
        .order((drafts::billing_on, drafts::id))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    with_lines(tx, rows).await
}

/// Where the latest lines of items stand that were waived with their drafts: first day and number
/// of the change.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn waived(
    tx: &mut Tx,
    items: &[ItemId],
) -> Result<HashMap<(ItemId, LineKind), (Date, i32)>> {
    let discarded = drafts::table
        .filter(drafts::org_id.eq(tx.org()))
        .filter(drafts::state.eq("discarded"))
        .select(drafts::id);
    let rows: Vec<(Option<ItemId>, LineKind, Date, i32)> = draft_lines::table
        .filter(draft_lines::org_id.eq(tx.org()))
        .filter(draft_lines::item_id.eq_any(items))
        .filter(draft_lines::draft_id.eq_any(discarded))
        .select((
            draft_lines::item_id,
            draft_lines::kind,
            draft_lines::service_from,
            draft_lines::change_number,
        ))
        .load(tx.connection())
        .await?;
    let mut latest = HashMap::new();
    for (item, kind, from, change) in rows {
        let Some(item) = item else { continue };
        let at = latest.entry((item, kind)).or_insert((from, change));
        *at = (*at).max((from, change));
    }
    Ok(latest)
}

/// Which drafts to list; those that are finalized are listed as the documents that they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// Only this customer's.
    pub customer_id: Option<CustomerId>,
    /// With those that wait.
    pub live: bool,
    /// With those that were discarded.
    pub discarded: bool,
}

/// Drafts after an id, in order, without lines.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: Filter,
    after: Option<InvoiceId>,
    limit: i64,
) -> Result<Vec<Kept>> {
    let states: Vec<&str> = [(filter.live, "draft"), (filter.discarded, "discarded")]
        .into_iter()
        .filter_map(|(wanted, state)| wanted.then_some(state))
        .collect();
    let mut query = drafts::table.filter(drafts::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(drafts::id.gt(after));
    }
    if let Some(customer_id) = filter.customer_id {
        query = query.filter(drafts::customer_id.eq(customer_id));
    }
    let rows = query
        .filter(drafts::state.eq_any(states))
        .order(drafts::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(Kept::try_from).collect()
}

/// How many drafts wait for their day.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn count_live(tx: &mut Tx) -> Result<i64> {
    let live = drafts::table.filter(drafts::org_id.eq(tx.org())).filter(drafts::state.eq("draft"));
    Ok(live.count().get_result(tx.connection()).await?)
}

/// Marks live drafts as finalized, and the one-off charges on them as billed: two statements.
///
/// # Errors
/// [`Error::Fault`] when one of them was not live.
pub async fn mark_finalized(tx: &mut Tx, ids: &[InvoiceId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let marked = diesel::update(drafts::table)
        .filter(drafts::org_id.eq(tx.org()))
        .filter(drafts::id.eq_any(ids))
        .filter(drafts::state.eq("draft"))
        .set(drafts::state.eq("finalized"))
        .execute(tx.connection())
        .await?;
    if marked != ids.len() {
        return Err(Error::corrupt(format!("{marked} of {} drafts were live", ids.len())));
    }
    diesel::sql_query(
        "UPDATE charges c SET state = 'billed', invoice_id = c.draft_id \
         WHERE c.org_id = $1 AND c.draft_id = ANY($2) AND c.state = 'drafted'",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(ids)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Marks a live draft as discarded, and the one-off charges on it as waived.
///
/// # Errors
/// [`Error::Fault`] when it was not live.
pub async fn discard(tx: &mut Tx, id: InvoiceId, discarded: &Discarded) -> Result<()> {
    let marked = diesel::update(drafts::table)
        .filter(drafts::org_id.eq(tx.org()))
        .filter(drafts::id.eq(id))
        .filter(drafts::state.eq("draft"))
        .set((
            drafts::state.eq("discarded"),
            drafts::discarded_at.eq(discarded.at),
            drafts::discarded_by.eq(&discarded.by),
            drafts::reason.eq(&discarded.reason),
        ))
        .execute(tx.connection())
        .await?;
    if marked != 1 {
        return Err(Error::corrupt(format!("draft {id} was not live")));
    }
    diesel::sql_query(
        "UPDATE charges c SET state = 'waived' \
         WHERE c.org_id = $1 AND c.draft_id = $2 AND c.state = 'drafted'",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlUuid, _>(id)
    .execute(tx.connection())
    .await?;
    Ok(())
}
