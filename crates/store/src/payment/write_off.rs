//! What was written off of invoices.
//!
//! Invariants: whoever changes a write-off holds its invoice.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Date as SqlDate, Integer, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::InvoiceId;
use domain::money::{Currency, Money};
use domain::payment::write_off::{LostVat, WriteOff};
use domain::vat::{LineVat, VatClass, VatRow};
use rust_decimal::Decimal;

use crate::schema::{invoices, write_off_vat, write_offs};
use crate::{Result, Tx};

/// When the VAT of write-offs was reclaimed.
#[derive(Debug, Clone, Copy)]
pub struct Dated {
    /// The day for which it counts.
    pub on: Date,
    /// When it was done, by the organization's clock.
    pub at: DateTime<Utc>,
}

/// The write-offs of these invoices; those of which nothing was written off are absent.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn write_offs(tx: &mut Tx, ids: &[InvoiceId]) -> Result<HashMap<InvoiceId, WriteOff>> {
    use write_off_vat as v;
    use write_offs as w;
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(InvoiceId, i32, i64, i64, Option<Date>, Currency)> = w::table
        .inner_join(
            invoices::table.on(invoices::org_id.eq(w::org_id).and(invoices::id.eq(w::invoice_id))),
        )
        .filter(w::org_id.eq(tx.org()))
        .filter(invoices::org_id.eq(tx.org()))
        .filter(w::invoice_id.eq_any(ids))
        .select((
            w::invoice_id,
            w::times,
            w::amount_minor,
            w::recovered_minor,
            w::dated_on,
            invoices::currency,
        ))
        .load(tx.connection())
        .await?;
    let vat: Vec<(InvoiceId, VatClass, Decimal, i64, i64)> = v::table
        .filter(v::org_id.eq(tx.org()))
        .filter(v::invoice_id.eq_any(ids))
        .order((v::invoice_id, v::vat_class, v::vat_percent))
        .select((v::invoice_id, v::vat_class, v::vat_percent, v::tax_minor, v::recovered_minor))
        .load(tx.connection())
        .await?;
    let write_off = |(invoice_id, times, amount, recovered, dated_on, currency)| {
        let money = |minor: i64| Money::new(minor, currency);
        let lost = |(_, class, percent, tax, recovered): &(_, _, _, i64, i64)| LostVat {
            vat: LineVat { class: *class, percent: *percent },
            tax: money(*tax),
            recovered: money(*recovered),
        };
        let dated: Option<Date> = dated_on;
        let one = WriteOff {
            invoice_id,
            times,
            amount: money(amount),
            recovered: money(recovered),
            is_dated: dated.is_some(),
            vat: vat.iter().filter(|row| row.0 == invoice_id).map(lost).collect(),
        };
        (invoice_id, one)
    };
    Ok(rows.into_iter().map(write_off).collect())
}

#[derive(QueryableByName)]
struct OwedVat {
    #[diesel(sql_type = Text)]
    vat_class: VatClass,
    #[diesel(sql_type = Numeric)]
    vat_percent: Decimal,
    #[diesel(sql_type = BigInt)]
    base_minor: i64,
    #[diesel(sql_type = BigInt)]
    tax_minor: i64,
}

/// The VAT of an invoice by rate, without what credits by hand took back of it.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn owed_vat(tx: &mut Tx, id: InvoiceId, currency: Currency) -> Result<Vec<VatRow>> {
    let rows: Vec<OwedVat> = diesel::sql_query(
        "SELECT v.vat_class, v.vat_percent, sum(v.base_minor)::bigint AS base_minor, \
                sum(v.tax_minor)::bigint AS tax_minor \
         FROM invoice_vat v WHERE v.org_id = $1 AND (v.invoice_id = $2 OR v.invoice_id IN ( \
             SELECT c.invoice_id FROM invoice_lines c \
             JOIN invoice_lines l ON l.org_id = $1 AND l.id = c.corrects_line_id \
             WHERE c.org_id = $1 AND c.kind = 'correction' AND l.invoice_id = $2)) \
         GROUP BY v.vat_class, v.vat_percent ORDER BY v.vat_class, v.vat_percent",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlUuid, _>(id)
    .load(tx.connection())
    .await?;
    let row = |row: OwedVat| VatRow {
        vat: LineVat { class: row.vat_class, percent: row.vat_percent },
        base: Money::new(row.base_minor, currency),
        tax: Money::new(row.tax_minor, currency),
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Writes off what is open on an invoice, which is held by the caller.
///
/// # Errors
/// [`crate::Error::Rejected`] when it is not open.
pub async fn write_off_invoice(
    tx: &mut Tx,
    one: &WriteOff,
    amount: Money,
    reason: &str,
    on: Date,
) -> Result<()> {
    let row = (
        write_offs::org_id.eq(tx.org()),
        write_offs::invoice_id.eq(one.invoice_id),
        write_offs::times.eq(one.times),
        write_offs::amount_minor.eq(one.amount.minor()),
        write_offs::recovered_minor.eq(one.recovered.minor()),
        write_offs::reason.eq(reason),
        write_offs::written_off_on.eq(on),
    );
    diesel::insert_into(write_offs::table)
        .values(row)
        .on_conflict((write_offs::org_id, write_offs::invoice_id))
        .do_update()
        .set((write_offs::reason.eq(reason), write_offs::written_off_on.eq(on)))
        .execute(tx.connection())
        .await?;
    save_write_offs(tx, std::slice::from_ref(one), None).await?;
    let moved = (one.invoice_id, amount.minor(), amount.negated().map_or(0, Money::minor));
    super::insert::move_invoices(tx, &[moved]).await
}

/// What credit notes pay off of invoices that had been written off, by credit note and invoice.
pub type Lowered = HashMap<(InvoiceId, InvoiceId), Money>;

/// Saves write-offs that were lowered, and opens the invoices, which are held by the caller, by as
/// much: a credit is about to pay it off.
///
/// # Errors
/// [`crate::Error::Rejected`] when more is opened than was written off.
pub async fn lower_write_offs(tx: &mut Tx, all: &[WriteOff], lowered: &Lowered) -> Result<()> {
    save_write_offs(tx, all, None).await?;
    let moved: Vec<(InvoiceId, i64, i64)> = lowered
        .iter()
        .map(|((_, invoice), amount)| (*invoice, -amount.minor(), amount.minor()))
        .collect();
    super::insert::move_invoices(tx, &moved).await
}

/// Saves write-offs that exist, with the VAT in them: two statements whatever their number.
///
/// # Errors
/// [`crate::Error::Rejected`] when more comes back than was written off.
pub async fn save_write_offs(tx: &mut Tx, all: &[WriteOff], dated: Option<Dated>) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE write_offs w SET times = u.times, amount_minor = u.amount_minor, \
         recovered_minor = u.recovered_minor, dated_on = coalesce(w.dated_on, $6), \
         dated_at = coalesce(w.dated_at, $7) \
         FROM unnest($2, $3, $4, $5) AS u (invoice_id, times, amount_minor, recovered_minor) \
         WHERE w.org_id = $1 AND w.invoice_id = u.invoice_id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(all.iter().map(|one| one.invoice_id).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(all.iter().map(|one| one.times).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(all.iter().map(|one| one.amount.minor()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(all.iter().map(|one| one.recovered.minor()).collect::<Vec<_>>())
    .bind::<Nullable<SqlDate>, _>(dated.map(|dated| dated.on))
    .bind::<Nullable<Timestamptz>, _>(dated.map(|dated| dated.at))
    .execute(tx.connection())
    .await?;
    let lost: Vec<(InvoiceId, LostVat)> =
        all.iter().flat_map(|one| one.vat.iter().map(|lost| (one.invoice_id, *lost))).collect();
    diesel::sql_query(
        "INSERT INTO write_off_vat (org_id, invoice_id, vat_class, vat_percent, tax_minor, \
         recovered_minor) SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6) AS u \
         ON CONFLICT (org_id, invoice_id, vat_class, vat_percent) DO UPDATE \
         SET tax_minor = excluded.tax_minor, recovered_minor = excluded.recovered_minor",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(lost.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(lost.iter().map(|(_, one)| one.vat.class).collect::<Vec<_>>())
    .bind::<Array<Numeric>, _>(lost.iter().map(|(_, one)| one.vat.percent).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(lost.iter().map(|(_, one)| one.tax.minor()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(lost.iter().map(|(_, one)| one.recovered.minor()).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// When something of an invoice was last written off.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn write_off_day(tx: &mut Tx, id: InvoiceId) -> Result<Option<Date>> {
    let day = write_offs::table
        .filter(write_offs::org_id.eq(tx.org()))
        .filter(write_offs::invoice_id.eq(id))
        .select(write_offs::written_off_on)
        .first(tx.connection())
        .await
        .optional()?;
    Ok(day)
}
