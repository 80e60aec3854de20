//! Documents written with their lines and VAT rows.
//!
//! Invariants: a fixed number of statements for any number of documents.

use chrono::{DateTime, Utc};
use diesel::sql_types::{
    Array, BigInt, Date as SqlDate, Integer, Jsonb, Nullable, Numeric, Text, Timestamptz,
    Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{ChargeId, InvoiceId, ItemId, LineId, ProductId, SubscriptionId};
use domain::invoice::{DocumentState, Draft, Line, LineKind, Party};
use domain::plan::RevenueKind;
use domain::vat::VatClass;
use rust_decimal::Decimal;

use crate::{Error, Result, Tx};

/// A document to write.
#[derive(Debug, Clone)]
pub struct NewDocument {
    /// Everything on it.
    pub draft: Draft,
    /// The customer as it is on the day of issue.
    pub buyer: Party,
    /// Why it is credited by hand, if it is.
    pub reason: Option<String>,
}

impl NewDocument {
    fn open_minor(&self) -> i64 {
        self.draft.settlement.open.minor()
    }

    fn state(&self) -> DocumentState {
        if self.open_minor() == 0 { DocumentState::Settled } else { DocumentState::Open }
    }
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
        "INSERT INTO invoices (org_id, seller, finalized_at, written_off_minor, id, customer_id, kind, state, currency, \
         billing_on, issue_on, due_on, net_minor, tax_minor, total_minor, open_minor, balance_minor, \
         buyer, reason) SELECT $1, $2, $3, 0, u.* \
         FROM unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Jsonb, _>(seller)
    .bind::<Timestamptz, _>(finalized_at)
    .bind::<Array<SqlUuid>, _>(each(documents, |one| one.draft.id))
    .bind::<Array<SqlUuid>, _>(each(documents, |one| one.draft.customer_id))
    .bind::<Array<Text>, _>(each(documents, |one| one.draft.kind))
    .bind::<Array<Text>, _>(each(documents, NewDocument::state))
    .bind::<Array<Text>, _>(each(documents, |one| one.draft.currency))
    .bind::<Array<SqlDate>, _>(each(documents, |one| one.draft.billing_on))
    .bind::<Array<SqlDate>, _>(each(documents, |one| one.draft.issue_on))
    .bind::<Array<SqlDate>, _>(each(documents, |one| one.draft.due_on))
    .bind::<Array<BigInt>, _>(each(documents, |one| one.draft.net.minor()))
    .bind::<Array<BigInt>, _>(each(documents, |one| one.draft.tax.minor()))
    .bind::<Array<BigInt>, _>(each(documents, |one| one.draft.total.minor()))
    .bind::<Array<BigInt>, _>(each(documents, NewDocument::open_minor))
    .bind::<Array<BigInt>, _>(each(documents, |one| one.draft.settlement.balance.minor()))
    .bind::<Array<Jsonb>, _>(buyers)
    .bind::<Array<Nullable<Text>>, _>(each(documents, |one| one.reason.clone()))
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn insert_lines(tx: &mut Tx, documents: &[NewDocument]) -> Result<()> {
    let mut c = LineColumns::default();
    for document in documents {
        for (position, line) in (0_i32..).zip(&document.draft.lines) {
            c.push(document.draft.id, position, line);
        }
    }
    diesel::sql_query(
        "INSERT INTO invoice_lines (org_id, id, invoice_id, position, subscription_id, item_id, \
         product_id, description, unit_label, revenue, service_from, service_until, quantity, \
         unit_price, net_minor, vat_class, vat_percent, kind, change_number, charge_id, \
         corrects_line_id, discount_minor) SELECT $1, u.* \
         FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21, $22) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(c.id)
    .bind::<Array<SqlUuid>, _>(c.invoice_id)
    .bind::<Array<Integer>, _>(c.position)
    .bind::<Array<Nullable<SqlUuid>>, _>(c.subscription_id)
    .bind::<Array<Nullable<SqlUuid>>, _>(c.item_id)
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
    .bind::<Array<Text>, _>(c.kind)
    .bind::<Array<Integer>, _>(c.change_number)
    .bind::<Array<Nullable<SqlUuid>>, _>(c.charge_id)
    .bind::<Array<Nullable<SqlUuid>>, _>(c.corrects_line_id)
    .bind::<Array<BigInt>, _>(c.discount_minor)
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
    subscription_id: Vec<Option<SubscriptionId>>,
    item_id: Vec<Option<ItemId>>,
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
    kind: Vec<LineKind>,
    change_number: Vec<i32>,
    charge_id: Vec<Option<ChargeId>>,
    corrects_line_id: Vec<Option<LineId>>,
    discount_minor: Vec<i64>,
}

impl<'a> LineColumns<'a> {
    fn push(&mut self, invoice: InvoiceId, position: i32, line: &'a Line) {
        let charge = &line.charge;
        self.id.push(line.id);
        self.invoice_id.push(invoice);
        self.position.push(position);
        self.subscription_id.push(charge.origin.subscription_id());
        self.item_id.push(charge.origin.item_id());
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
        self.kind.push(charge.kind);
        self.change_number.push(charge.origin.change());
        self.charge_id.push(charge.origin.charge_id());
        self.corrects_line_id.push(charge.corrects.map(|corrected| corrected.line_id));
        self.discount_minor.push(charge.discount.minor());
    }
}

async fn insert_vat(tx: &mut Tx, documents: &[NewDocument]) -> Result<()> {
    let rows: Vec<_> = documents
        .iter()
        .flat_map(|document| {
            document.draft.vat_rows.iter().map(move |row| (document.draft.id, row))
        })
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
