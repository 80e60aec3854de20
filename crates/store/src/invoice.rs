//! Documents: written in batches, read for people.

mod credit;
mod insert;
mod settle;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{ChargeId, CustomerId, InvoiceId, ItemId, LineId, ProductId, SubscriptionId};
use domain::invoice::{DocumentKind, DocumentState, LineKind, Party};
use domain::money::{Currency, Money};
use domain::plan::RevenueKind;
use domain::vat::VatClass;
use rust_decimal::Decimal;

pub use self::credit::{Header, creditable, header};
pub use self::insert::{NewDocument, insert};
pub use self::settle::{Hold, latest_lines, open, settle};
use crate::schema::{document_numbers, invoice_lines, invoice_vat, invoices};
use crate::{Error, Result, Tx};

/// A document as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Identity.
    pub id: InvoiceId,
    /// Invoice or credit note.
    pub kind: DocumentKind,
    /// Where it stands.
    pub state: DocumentState,
    /// Its number; empty of a draft.
    pub number: String,
    /// Whose.
    pub customer_id: CustomerId,
    /// The date for which it bills.
    pub billing_on: Date,
    /// The date on which it was issued.
    pub issue_on: Date,
    /// The date by which it is to be paid.
    pub due_on: Date,
    /// Sum of the lines.
    pub net: Money,
    /// Sum of the VAT rows.
    pub tax: Money,
    /// What is to be paid in all.
    pub total: Money,
    /// What it added to the customer's balance, or, negative, took from it.
    pub balance: Money,
    /// What is still to be paid.
    pub open: Money,
    /// What was written off and not paid after all.
    pub written_off: Money,
    /// The vendor on the day of issue.
    pub seller: Party,
    /// The customer on the day of issue.
    pub buyer: Party,
    /// When it was finalized, by the organization's clock; not of a draft.
    pub finalized_at: Option<DateTime<Utc>>,
    /// The day on which it is finalized by itself; only of drafts.
    pub finalize_on: Option<Date>,
    /// When it was discarded, and the name of the key; only of drafts.
    pub discarded: Option<(DateTime<Utc>, String)>,
    /// Why it was credited by hand or discarded, if it was.
    pub reason: Option<String>,
    /// Its lines, in order; empty in lists.
    pub lines: Vec<DocumentLine>,
    /// Its VAT, by category and rate; empty in lists.
    pub vat_rows: Vec<DocumentVat>,
}

/// A line of a document as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentLine {
    /// Identity.
    pub id: LineId,
    /// 0, 1, 2 ... from the top.
    pub position: i32,
    /// What it is for.
    pub kind: LineKind,
    /// The subscription that it comes from, if it comes from one.
    pub subscription_id: Option<SubscriptionId>,
    /// Its item.
    pub item_id: Option<ItemId>,
    /// The one-off charge that it comes from, if it comes from one.
    pub charge_id: Option<ChargeId>,
    /// The line that it takes back, in part or in whole.
    pub corrects_line_id: Option<LineId>,
    /// What was sold.
    pub product_id: ProductId,
    /// Text.
    pub description: String,
    /// Unit shown after the quantity.
    pub unit_label: Option<String>,
    /// Where the revenue goes.
    pub revenue: RevenueKind,
    /// First day of the service.
    pub service_from: Date,
    /// The day after the last.
    pub service_until: Date,
    /// Units.
    pub quantity: Decimal,
    /// Price of a unit for a whole period, in major units.
    pub unit_price: Decimal,
    /// What was taken off; negative on a credit.
    pub discount: Money,
    /// After the discount, without VAT; negative on a credit.
    pub net: Money,
    /// VAT letter.
    pub vat_class: VatClass,
    /// Percent.
    pub vat_percent: Decimal,
}

/// A row of a document's VAT as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentVat {
    /// VAT letter.
    pub vat_class: VatClass,
    /// Percent.
    pub vat_percent: Decimal,
    /// Sum of the lines.
    pub base: Money,
    /// VAT on it.
    pub tax: Money,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = invoices, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: InvoiceId,
    kind: DocumentKind,
    state: DocumentState,
    customer_id: CustomerId,
    currency: Currency,
    billing_on: Date,
    issue_on: Date,
    due_on: Date,
    net_minor: i64,
    tax_minor: i64,
    total_minor: i64,
    open_minor: i64,
    written_off_minor: i64,
    balance_minor: i64,
    seller: serde_json::Value,
    buyer: serde_json::Value,
    finalized_at: DateTime<Utc>,
    reason: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = invoice_lines, check_for_backend(diesel::pg::Pg))]
struct LineRow {
    id: LineId,
    position: i32,
    kind: LineKind,
    subscription_id: Option<SubscriptionId>,
    item_id: Option<ItemId>,
    charge_id: Option<ChargeId>,
    corrects_line_id: Option<LineId>,
    product_id: ProductId,
    description: String,
    unit_label: Option<String>,
    revenue: RevenueKind,
    service_from: Date,
    service_until: Date,
    quantity: Decimal,
    unit_price: Decimal,
    discount_minor: i64,
    net_minor: i64,
    vat_class: VatClass,
    vat_percent: Decimal,
}

fn document(row: Row, number: String) -> Result<Document> {
    let money = |minor| Money::new(minor, row.currency);
    Ok(Document {
        id: row.id,
        kind: row.kind,
        state: row.state,
        number,
        customer_id: row.customer_id,
        billing_on: row.billing_on,
        issue_on: row.issue_on,
        due_on: row.due_on,
        net: money(row.net_minor),
        tax: money(row.tax_minor),
        total: money(row.total_minor),
        balance: money(row.balance_minor),
        open: money(row.open_minor),
        written_off: money(row.written_off_minor),
        seller: serde_json::from_value(row.seller).map_err(Error::corrupt)?,
        buyer: serde_json::from_value(row.buyer).map_err(Error::corrupt)?,
        finalized_at: Some(row.finalized_at),
        finalize_on: None,
        discarded: None,
        reason: row.reason,
        lines: Vec::new(),
        vat_rows: Vec::new(),
    })
}

/// A document with its lines and VAT.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: InvoiceId) -> Result<Document> {
    let row = invoices::table
        .filter(invoices::org_id.eq(tx.org()))
        .filter(invoices::id.eq(id))
        .select(Row::as_select())
        .first(tx.connection())
        .await?;
    let currency = row.currency;
    let number = numbers(tx, &[id]).await?.remove(&id).ok_or(Error::NotFound)?;
    let mut found = document(row, number)?;
    found.lines = lines(tx, id, currency).await?;
    found.vat_rows = vat_rows(tx, id, currency).await?;
    Ok(found)
}

async fn lines(tx: &mut Tx, id: InvoiceId, currency: Currency) -> Result<Vec<DocumentLine>> {
    let rows = invoice_lines::table
        .filter(invoice_lines::org_id.eq(tx.org()))
        .filter(invoice_lines::invoice_id.eq(id))
        .order(invoice_lines::position)
        .select(LineRow::as_select())
        .load(tx.connection())
        .await?;
    let line = |row: LineRow| DocumentLine {
        id: row.id,
        position: row.position,
        kind: row.kind,
        subscription_id: row.subscription_id,
        item_id: row.item_id,
        charge_id: row.charge_id,
        corrects_line_id: row.corrects_line_id,
        product_id: row.product_id,
        description: row.description,
        unit_label: row.unit_label,
        revenue: row.revenue,
        service_from: row.service_from,
        service_until: row.service_until,
        quantity: row.quantity,
        unit_price: row.unit_price,
        discount: Money::new(row.discount_minor, currency),
        net: Money::new(row.net_minor, currency),
        vat_class: row.vat_class,
        vat_percent: row.vat_percent,
    };
    Ok(rows.into_iter().map(line).collect())
}

async fn vat_rows(tx: &mut Tx, id: InvoiceId, currency: Currency) -> Result<Vec<DocumentVat>> {
    use invoice_vat as v;
    let rows: Vec<(VatClass, Decimal, i64, i64)> = v::table
        .filter(v::org_id.eq(tx.org()))
        .filter(v::invoice_id.eq(id))
        .order((v::vat_class, v::vat_percent))
        .select((v::vat_class, v::vat_percent, v::base_minor, v::tax_minor))
        .load(tx.connection())
        .await?;
    let row = |(vat_class, vat_percent, base, tax)| DocumentVat {
        vat_class,
        vat_percent,
        base: Money::new(base, currency),
        tax: Money::new(tax, currency),
    };
    Ok(rows.into_iter().map(row).collect())
}

/// The numbers of documents.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn numbers(tx: &mut Tx, ids: &[InvoiceId]) -> Result<HashMap<InvoiceId, String>> {
    let rows: Vec<(InvoiceId, String)> = document_numbers::table
        .filter(document_numbers::org_id.eq(tx.org()))
        .filter(document_numbers::document_id.eq_any(ids))
        .select((document_numbers::document_id, document_numbers::number))
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().collect())
}

/// Documents by id, in the order of the ids, without lines and VAT rows.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn headers(tx: &mut Tx, ids: &[InvoiceId]) -> Result<Vec<Document>> {
    let rows = invoices::table
        .filter(invoices::org_id.eq(tx.org()))
        .filter(invoices::id.eq_any(ids))
        .order(invoices::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    let mut numbers = numbers(tx, ids).await?;
    let with_number = |row: Row| {
        let number = numbers.remove(&row.id).unwrap_or_default();
        document(row, number)
    };
    rows.into_iter().map(with_number).collect()
}

/// The documents on which lines stand, by id, without lines and VAT rows.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn of_lines(tx: &mut Tx, lines: &[LineId]) -> Result<Vec<Document>> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<InvoiceId> = invoice_lines::table
        .filter(invoice_lines::org_id.eq(tx.org()))
        .filter(invoice_lines::id.eq_any(lines))
        .select(invoice_lines::invoice_id)
        .distinct()
        .load(tx.connection())
        .await?;
    headers(tx, &ids).await
}

/// Which documents to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this customer's.
    pub customer_id: Option<CustomerId>,
    /// Only those in this state.
    pub state: Option<DocumentState>,
    /// Only those issued on or after this day.
    pub issued_from: Option<Date>,
    /// Only those issued before this day.
    pub issued_until: Option<Date>,
    /// Only the one with this number.
    pub number: Option<String>,
}

/// Documents after an id, in order, without lines and VAT rows.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<InvoiceId>,
    limit: i64,
) -> Result<Vec<Document>> {
    let mut query = invoices::table.filter(invoices::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(invoices::id.gt(after));
    }
    if let Some(customer_id) = filter.customer_id {
        query = query.filter(invoices::customer_id.eq(customer_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(invoices::state.eq(state));
    }
    if let Some(from) = filter.issued_from {
        query = query.filter(invoices::issue_on.ge(from));
    }
    if let Some(until) = filter.issued_until {
        query = query.filter(invoices::issue_on.lt(until));
    }
    if let Some(number) = &filter.number {
        let of_number = document_numbers::table
            .filter(document_numbers::org_id.eq(tx.org()))
            .filter(document_numbers::number.eq(number))
            .select(document_numbers::document_id);
        query = query.filter(invoices::id.eq_any(of_number));
    }
    let rows = query
        .order(invoices::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    let ids: Vec<InvoiceId> = rows.iter().map(|row| row.id).collect();
    let mut numbers = numbers(tx, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let number = numbers.remove(&row.id).unwrap_or_default();
            document(row, number)
        })
        .collect()
}
