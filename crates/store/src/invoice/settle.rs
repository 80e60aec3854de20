//! Documents settled with each other: lines that may be credited, what is open, what is paid off.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::billing::Charged;
use domain::date::Date;
use domain::id::{InvoiceId, ItemId, LineId};
use domain::invoice::LineKind;
use domain::money::{Currency, Money};
use domain::period::Period;
use domain::vat::{LineVat, VatClass};
use rust_decimal::Decimal;

use super::NewDocument;
use crate::payment::Lowered;
use crate::schema::{credit_allocations, invoice_lines, invoices};
use crate::{Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = invoice_lines, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: LineId,
    invoice_id: InvoiceId,
    item_id: Option<ItemId>,
    kind: LineKind,
    service_from: Date,
    service_until: Date,
    change_number: i32,
    discount_minor: i64,
    net_minor: i64,
    vat_class: VatClass,
    vat_percent: Decimal,
}

/// Whether rows that are read are held until the end of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// For whoever is about to change them.
    Lock,
    /// For previews, which wait for nobody and let nobody wait.
    Read,
}

/// The latest charge of each item and kind, with its deferral, which is held if wanted: what a
/// credit takes back. What was credited by hand counts as discount of all its days alike. Nothing
/// where the latest charge was waived with its draft: then nothing was paid that could be taken back.
/// All are of one currency each.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn latest_lines(
    tx: &mut Tx,
    items: &[ItemId],
    hold: Hold,
) -> Result<HashMap<(ItemId, LineKind), Charged>> {
    if items.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Row, Currency)> = invoice_lines::table
        .inner_join(
            invoices::table.on(invoices::org_id
                .eq(invoice_lines::org_id)
                .and(invoices::id.eq(invoice_lines::invoice_id))),
        )
        .filter(invoice_lines::org_id.eq(tx.org()))
        .filter(invoices::org_id.eq(tx.org()))
        .filter(invoice_lines::item_id.eq_any(items))
        .filter(invoice_lines::kind.eq_any([LineKind::Recurring, LineKind::Minimum]))
        .distinct_on((invoice_lines::item_id, invoice_lines::kind))
        .order((
            invoice_lines::item_id,
            invoice_lines::kind,
            invoice_lines::service_from.desc(),
            invoice_lines::change_number.desc(),
        ))
        .select((Row::as_select(), invoices::currency))
        .load(tx.connection())
        .await?;
    let waived = crate::draft::waived(tx, items).await?;
    let is_charged = |row: &Row| {
        let latest = row.item_id.and_then(|item| waived.get(&(item, row.kind)));
        latest.is_none_or(|latest| *latest < (row.service_from, row.change_number))
    };
    let rows: Vec<_> = rows.into_iter().filter(|(row, _)| is_charged(row)).collect();
    let ids: Vec<LineId> = rows.iter().map(|(row, _)| row.id).collect();
    let by_hand = super::credit::taken_back(tx, &ids, Some(LineKind::Correction)).await?;
    let deferrals = match hold {
        Hold::Lock => crate::revenue::lock(tx, &ids).await?,
        Hold::Read => crate::revenue::of_lines(tx, &ids).await?,
    };
    let mut deferrals: HashMap<_, _> = deferrals.into_iter().collect();
    let found = rows.into_iter().filter_map(|(row, currency)| {
        let credited = by_hand.get(&row.id).copied().unwrap_or(0);
        let charged = Charged {
            line_id: row.id,
            invoice_id: row.invoice_id,
            service: Period { start: row.service_from, end: row.service_until },
            discount: Money::new(row.discount_minor.saturating_sub(credited), currency),
            net: Money::new(row.net_minor.saturating_add(credited), currency),
            vat: LineVat { class: row.vat_class, percent: row.vat_percent },
            deferral: deferrals.remove(&row.id),
        };
        Some(((row.item_id?, row.kind), charged))
    });
    Ok(found.collect())
}

/// What is open on invoices or written off: what credits pay off. They are held if wanted.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn open(tx: &mut Tx, ids: &[InvoiceId], hold: Hold) -> Result<HashMap<InvoiceId, Money>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let query = invoices::table
        .filter(invoices::org_id.eq(tx.org()))
        .filter(invoices::id.eq_any(ids))
        .order(invoices::id)
        .select((
            invoices::id,
            invoices::open_minor + invoices::written_off_minor,
            invoices::currency,
        ));
    let rows: Vec<(InvoiceId, i64, Currency)> = match hold {
        Hold::Lock => query.for_no_key_update().load(tx.connection()).await?,
        Hold::Read => query.load(tx.connection()).await?,
    };
    Ok(rows.into_iter().map(|(id, minor, currency)| (id, Money::new(minor, currency))).collect())
}

/// Settles documents with each other: what credit notes pay off of invoices, and the customers'
/// balances. `lowered` is what of it had been written off, and is open again by now. Nothing is asked
/// of the database when they settle nothing.
///
/// # Errors
/// [`crate::Error::Rejected`] when more is settled than is open or available.
pub async fn settle(tx: &mut Tx, documents: &[NewDocument], lowered: &Lowered) -> Result<()> {
    allocate(tx, documents, lowered).await?;
    move_balances(tx, documents).await
}

async fn allocate(tx: &mut Tx, documents: &[NewDocument], lowered: &Lowered) -> Result<()> {
    let rows: Vec<(InvoiceId, InvoiceId, i64)> = documents
        .iter()
        .flat_map(|document| {
            let draft = &document.draft;
            let paid = draft.settlement.allocations.iter();
            paid.map(|(invoice, amount)| (draft.id, *invoice, amount.minor()))
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let new: Vec<_> = rows
        .iter()
        .map(|(credit_note, invoice, amount)| {
            let lost = lowered.get(&(*credit_note, *invoice)).map_or(0, |lost| lost.minor());
            (
                credit_allocations::org_id.eq(tx.org()),
                credit_allocations::credit_note_id.eq(*credit_note),
                credit_allocations::invoice_id.eq(*invoice),
                credit_allocations::amount_minor.eq(*amount),
                credit_allocations::written_off_minor.eq(lost),
            )
        })
        .collect();
    diesel::insert_into(credit_allocations::table).values(new).execute(tx.connection()).await?;
    diesel::sql_query(
        "UPDATE invoices i SET open_minor = i.open_minor - m.amount_minor, \
         state = CASE WHEN i.open_minor > m.amount_minor THEN 'open' \
                      WHEN i.written_off_minor > 0 THEN 'written_off' ELSE 'settled' END \
         FROM (SELECT u.id, sum(u.amount_minor)::bigint AS amount_minor \
               FROM unnest($2, $3) AS u (id, amount_minor) GROUP BY u.id) m \
         WHERE i.org_id = $1 AND i.id = m.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|(_, invoice, _)| *invoice).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(rows.iter().map(|(_, _, amount)| *amount).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn move_balances(tx: &mut Tx, documents: &[NewDocument]) -> Result<()> {
    let moved: Vec<_> = documents
        .iter()
        .map(|document| &document.draft)
        .filter(|draft| !draft.settlement.balance.is_zero())
        .collect();
    if moved.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE billing_accounts a SET balance_minor = a.balance_minor + m.amount_minor \
         FROM (SELECT u.customer_id, u.currency, sum(u.amount_minor)::bigint AS amount_minor \
               FROM unnest($2, $3, $4) AS u (customer_id, currency, amount_minor) \
               GROUP BY u.customer_id, u.currency) m \
         WHERE a.org_id = $1 AND a.customer_id = m.customer_id AND a.currency = m.currency",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(moved.iter().map(|draft| draft.customer_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(moved.iter().map(|draft| draft.currency).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(
        moved.iter().map(|draft| draft.settlement.balance.minor()).collect::<Vec<_>>(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
