//! Documents: written in batches, read for people.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Date as SqlDate, Integer, Jsonb, Nullable, Numeric, Text, Timestamptz,
    Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, InvoiceId, ItemId, LineId, ProductId, SubscriptionId};
use domain::invoice::{DocumentKind, DocumentState, Draft, Party};
use domain::money::{Currency, Money};
use domain::plan::RevenueKind;
use domain::vat::VatClass;
use rust_decimal::Decimal;

use crate::schema::{document_numbers, invoice_lines, invoice_vat, invoices};
use crate::{Error, Result, Tx};

/// A document to write.
#[derive(Debug, Clone)]
pub struct NewDocument {
    /// Identity.
    pub id: InvoiceId,
    /// Invoice or credit note.
    pub kind: DocumentKind,
    /// Everything on it.
    pub draft: Draft,
    /// The customer as it is on the day of issue.
    pub buyer: Party,
    /// Ids of its lines, in their order.
    pub line_ids: Vec<LineId>,
}

impl NewDocument {
    fn open_minor(&self) -> i64 {
        self.draft.total.minor().max(0)
    }

    fn state(&self) -> DocumentState {
        if self.open_minor() == 0 { DocumentState::Settled } else { DocumentState::Open }
    }
}

/// A document as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Identity.
    pub id: InvoiceId,
    /// Invoice or credit note.
    pub kind: DocumentKind,
    /// Open or settled.
    pub state: DocumentState,
    /// Its number.
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
    /// What is still to be paid.
    pub open: Money,
    /// The vendor on the day of issue.
    pub seller: Party,
    /// The customer on the day of issue.
    pub buyer: Party,
    /// When it was finalized, by the organization's clock.
    pub finalized_at: DateTime<Utc>,
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
    /// Where it comes from.
    pub subscription_id: SubscriptionId,
    /// Where it comes from.
    pub item_id: ItemId,
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
    /// Without VAT.
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

/// Writes documents with lines and VAT rows: three statements whatever their number.
///
/// # Errors
/// [`Error::Exists`] when a part of an item's service was charged before.
pub async fn insert(
    tx: &mut Tx,
    seller: &Party,
    documents: &[NewDocument],
    finalized_at: DateTime<Utc>,
) -> Result<()> {
    if documents.is_empty() {
        return Ok(());
    }
    insert_headers(tx, seller, documents, finalized_at).await?;
    insert_lines(tx, documents).await?;
    insert_vat(tx, documents).await
}

fn each<T>(documents: &[NewDocument], of: impl Fn(&NewDocument) -> T) -> Vec<T> {
    documents.iter().map(of).collect()
}

async fn insert_headers(
    tx: &mut Tx,
    seller: &Party,
    documents: &[NewDocument],
    finalized_at: DateTime<Utc>,
) -> Result<()> {
    let seller = serde_json::to_value(seller).map_err(Error::corrupt)?;
    let buyers = documents
        .iter()
        .map(|one| serde_json::to_value(&one.buyer).map_err(Error::corrupt))
        .collect::<Result<Vec<_>>>()?;
    diesel::sql_query(
        "INSERT INTO invoices (org_id, seller, finalized_at, id, customer_id, kind, state, currency, \
         billing_on, issue_on, due_on, net_minor, tax_minor, total_minor, open_minor, buyer) \
         SELECT $1, $2, $3, u.* FROM unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Jsonb, _>(seller)
    .bind::<Timestamptz, _>(finalized_at)
    .bind::<Array<SqlUuid>, _>(each(documents, |one| one.id))
    .bind::<Array<SqlUuid>, _>(each(documents, |one| one.draft.customer_id))
    .bind::<Array<Text>, _>(each(documents, |one| one.kind))
    .bind::<Array<Text>, _>(each(documents, NewDocument::state))
    .bind::<Array<Text>, _>(each(documents, |one| one.draft.currency))
    .bind::<Array<SqlDate>, _>(each(documents, |one| one.draft.billing_on))
    .bind::<Array<SqlDate>, _>(each(documents, |one| one.draft.issue_on))
    .bind::<Array<SqlDate>, _>(each(documents, |one| one.draft.due_on))
    .bind::<Array<BigInt>, _>(each(documents, |one| one.draft.net.minor()))
    .bind::<Array<BigInt>, _>(each(documents, |one| one.draft.tax.minor()))
    .bind::<Array<BigInt>, _>(each(documents, |one| one.draft.total.minor()))
    .bind::<Array<BigInt>, _>(each(documents, NewDocument::open_minor))
    .bind::<Array<Jsonb>, _>(buyers)
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn insert_lines(tx: &mut Tx, documents: &[NewDocument]) -> Result<()> {
    let mut c = LineColumns::default();
    for document in documents {
        for ((position, line), id) in (0_i32..).zip(&document.draft.lines).zip(&document.line_ids) {
            c.push(document.id, position, *id, line);
        }
    }
    diesel::sql_query(
        "INSERT INTO invoice_lines (org_id, id, invoice_id, position, subscription_id, item_id, \
         product_id, description, unit_label, revenue, service_from, service_until, quantity, \
         unit_price, net_minor, vat_class, vat_percent) \
         SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(c.id)
    .bind::<Array<SqlUuid>, _>(c.invoice_id)
    .bind::<Array<Integer>, _>(c.position)
    .bind::<Array<SqlUuid>, _>(c.subscription_id)
    .bind::<Array<SqlUuid>, _>(c.item_id)
    .bind::<Array<SqlUuid>, _>(c.product_id)
    .bind::<Array<Text>, _>(c.description)
    .bind::<Array<Nullable<Text>>, _>(c.unit_label)
    .bind::<Array<Text>, _>(c.revenue)
    .bind::<Array<SqlDate>, _>(c.service_from)
    .bind::<Array<SqlDate>, _>(c.service_until)
    .bind::<Array<Numeric>, _>(c.quantity)
    .bind::<Array<Numeric>, _>(c.unit_price)
    .bind::<Array<BigInt>, _>(c.net_minor)
    .bind::<Array<Text>, _>(c.vat_class)
    .bind::<Array<Numeric>, _>(c.vat_percent)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Lines turned into columns, as a multi-row statement takes them.
#[derive(Default)]
struct LineColumns<'a> {
    id: Vec<LineId>,
    invoice_id: Vec<InvoiceId>,
    position: Vec<i32>,
    subscription_id: Vec<SubscriptionId>,
    item_id: Vec<ItemId>,
    product_id: Vec<ProductId>,
    description: Vec<&'a str>,
    unit_label: Vec<Option<&'a str>>,
    revenue: Vec<RevenueKind>,
    service_from: Vec<Date>,
    service_until: Vec<Date>,
    quantity: Vec<Decimal>,
    unit_price: Vec<Decimal>,
    net_minor: Vec<i64>,
    vat_class: Vec<VatClass>,
    vat_percent: Vec<Decimal>,
}

impl<'a> LineColumns<'a> {
    fn push(
        &mut self,
        invoice: InvoiceId,
        position: i32,
        id: LineId,
        line: &'a domain::invoice::Line,
    ) {
        let charge = &line.charge;
        self.id.push(id);
        self.invoice_id.push(invoice);
        self.position.push(position);
        self.subscription_id.push(charge.subscription_id);
        self.item_id.push(charge.item_id);
        self.product_id.push(charge.product_id);
        self.description.push(&charge.description);
        self.unit_label.push(charge.unit_label.as_deref());
        self.revenue.push(charge.revenue);
        self.service_from.push(charge.service.start);
        self.service_until.push(charge.service.end);
        self.quantity.push(charge.quantity);
        self.unit_price.push(charge.unit_price);
        self.net_minor.push(charge.net.minor());
        self.vat_class.push(line.vat.class);
        self.vat_percent.push(line.vat.percent);
    }
}

async fn insert_vat(tx: &mut Tx, documents: &[NewDocument]) -> Result<()> {
    let rows: Vec<_> = documents
        .iter()
        .flat_map(|document| document.draft.vat_rows.iter().map(move |row| (document.id, row)))
        .collect();
    diesel::sql_query(
        "INSERT INTO invoice_vat (org_id, invoice_id, vat_class, vat_percent, base_minor, tax_minor) \
         SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|(_, row)| row.vat.class).collect::<Vec<_>>())
    .bind::<Array<Numeric>, _>(rows.iter().map(|(_, row)| row.vat.percent).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(rows.iter().map(|(_, row)| row.base.minor()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(rows.iter().map(|(_, row)| row.tax.minor()).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
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
    seller: serde_json::Value,
    buyer: serde_json::Value,
    finalized_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = invoice_lines, check_for_backend(diesel::pg::Pg))]
struct LineRow {
    id: LineId,
    position: i32,
    subscription_id: SubscriptionId,
    item_id: ItemId,
    product_id: ProductId,
    description: String,
    unit_label: Option<String>,
    revenue: RevenueKind,
    service_from: Date,
    service_until: Date,
    quantity: Decimal,
    unit_price: Decimal,
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
        open: money(row.open_minor),
        seller: serde_json::from_value(row.seller).map_err(Error::corrupt)?,
        buyer: serde_json::from_value(row.buyer).map_err(Error::corrupt)?,
        finalized_at: row.finalized_at,
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
        subscription_id: row.subscription_id,
        item_id: row.item_id,
        product_id: row.product_id,
        description: row.description,
        unit_label: row.unit_label,
        revenue: row.revenue,
        service_from: row.service_from,
        service_until: row.service_until,
        quantity: row.quantity,
        unit_price: row.unit_price,
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

async fn numbers(tx: &mut Tx, ids: &[InvoiceId]) -> Result<HashMap<InvoiceId, String>> {
    let rows: Vec<(InvoiceId, String)> = document_numbers::table
        .filter(document_numbers::org_id.eq(tx.org()))
        .filter(document_numbers::document_id.eq_any(ids))
        .select((document_numbers::document_id, document_numbers::number))
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().collect())
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
