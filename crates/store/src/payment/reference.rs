//! One-off payments: references under which chosen invoices are paid.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, InvoiceId};
use domain::money::{Currency, Money};
use domain::payment::reference::Reference;
use uuid::Uuid;

use crate::schema::{one_off_payment_invoices, one_off_payments};
use crate::{Result, Tx};

/// A one-off payment to be.
#[derive(Debug, Clone)]
pub struct NewOneOff {
    /// Identity.
    pub id: Uuid,
    /// Who is to pay.
    pub customer_id: CustomerId,
    /// How much.
    pub amount: Money,
    /// What the payment says.
    pub reference: Reference,
    /// When it was started.
    pub started_on: Date,
    /// Which invoices, with what is open on each.
    pub invoices: Vec<(InvoiceId, Money)>,
}

/// Whom a reference belongs to, and which invoices it pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOffPayment {
    /// Who pays.
    pub customer_id: CustomerId,
    /// Which invoices.
    pub invoices: Vec<InvoiceId>,
}

/// Writes a one-off payment.
///
/// # Errors
/// [`crate::Error::Exists`] when the reference is taken.
pub async fn insert_one_off(tx: &mut Tx, new: &NewOneOff, created_at: DateTime<Utc>) -> Result<()> {
    insert_one_offs(tx, std::slice::from_ref(new), created_at).await
}

/// Writes one-off payments: two statements whatever their number.
///
/// # Errors
/// [`crate::Error::Exists`] when a reference is taken.
pub async fn insert_one_offs(
    tx: &mut Tx,
    new: &[NewOneOff],
    created_at: DateTime<Utc>,
) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let references = new.iter().map(|one| one.reference.as_str().to_owned()).collect::<Vec<_>>();
    diesel::sql_query(
        "INSERT INTO one_off_payments (org_id, created_at, id, customer_id, currency, \
         amount_minor, reference, started_on) \
         SELECT $1, $2, u.* FROM unnest($3, $4, $5, $6, $7, $8) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(created_at)
    .bind::<Array<SqlUuid>, _>(new.iter().map(|one| one.id).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(new.iter().map(|one| one.customer_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().map(|one| one.amount.currency()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(new.iter().map(|one| one.amount.minor()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(references)
    .bind::<Array<SqlDate>, _>(new.iter().map(|one| one.started_on).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    let parts: Vec<(Uuid, InvoiceId, i64)> = new
        .iter()
        .flat_map(|one| one.invoices.iter().map(|(id, amount)| (one.id, *id, amount.minor())))
        .collect();
    diesel::sql_query(
        "INSERT INTO one_off_payment_invoices (org_id, one_off_payment_id, invoice_id, \
         amount_minor) SELECT $1, u.* FROM unnest($2, $3, $4) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(parts.iter().map(|part| part.0).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(parts.iter().map(|part| part.1).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(parts.iter().map(|part| part.2).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The references under which these invoices, each alone, can be paid, with the amounts for which
/// they were made; the latest last.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn one_offs_of(
    tx: &mut Tx,
    invoices: &[InvoiceId],
) -> Result<Vec<(InvoiceId, String, Money)>> {
    use {one_off_payment_invoices as i, one_off_payments as o};
    let rows: Vec<(InvoiceId, String, i64, Currency)> = i::table
        .inner_join(o::table.on(o::org_id.eq(i::org_id).and(o::id.eq(i::one_off_payment_id))))
        .filter(i::org_id.eq(tx.org()))
        .filter(o::org_id.eq(tx.org()))
        .filter(i::invoice_id.eq_any(invoices))
        // One that pays other invoices too has a larger amount.
        .filter(o::amount_minor.eq(i::amount_minor))
        .order(o::id)
        .select((i::invoice_id, o::reference, o::amount_minor, o::currency))
        .load(tx.connection())
        .await?;
    let one = |(id, reference, minor, currency)| (id, reference, Money::new(minor, currency));
    Ok(rows.into_iter().map(one).collect())
}

/// What a reference pays, if it is one of ours.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn chosen_by(tx: &mut Tx, reference: &Reference) -> Result<Option<OneOffPayment>> {
    use one_off_payment_invoices as i;
    let found: Option<(Uuid, CustomerId)> = one_off_payments::table
        .filter(one_off_payments::org_id.eq(tx.org()))
        .filter(one_off_payments::reference.eq(reference.as_str()))
        .select((one_off_payments::id, one_off_payments::customer_id))
        .first(tx.connection())
        .await
        .optional()?;
    let Some((id, customer_id)) = found else { return Ok(None) };
    let invoices = i::table
        .filter(i::org_id.eq(tx.org()))
        .filter(i::one_off_payment_id.eq(id))
        .order(i::invoice_id)
        .select(i::invoice_id)
        .load(tx.connection())
        .await?;
    Ok(Some(OneOffPayment { customer_id, invoices }))
}
