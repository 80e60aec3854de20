//! Payments written in batches: five statements whatever their number.

use chrono::{DateTime, Utc};
use diesel::sql_types::{
    Array, BigInt, Bool, Date as SqlDate, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, InvoiceId, PaymentId};
use domain::money::{Currency, Money};
use domain::payment::{Allocation, Payment, Target};

use crate::{Result, Tx};

/// Writes payments with their parts, and moves what is open on invoices and the balances of
/// customers. Invoices and accounts are held by the caller. The journal and write-offs are not
/// touched.
///
/// # Errors
/// [`crate::Error::Exists`] when an external id is known, an attempt has a payment of this kind, or
/// a payment was taken back before; [`crate::Error::Rejected`] when parts do not add up, more is
/// paid than is open, or a balance would be below zero.
pub async fn insert(tx: &mut Tx, payments: &[Payment], created_at: DateTime<Utc>) -> Result<()> {
    if payments.is_empty() {
        return Ok(());
    }
    insert_headers(tx, payments, created_at).await?;
    let parts: Vec<MatchedParts<'_>> = payments
        .iter()
        .map(|payment| MatchedParts {
            payment_id: payment.id,
            first: 0,
            customer_id: payment.customer_id,
            allocated_on: payment.booked_on,
            parts: &payment.allocations,
        })
        .collect();
    insert_parts(tx, &parts, created_at).await
}

/// New parts of a payment.
#[derive(Debug, Clone, Copy)]
pub struct MatchedParts<'a> {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// The place of the first of them.
    pub first: i32,
    /// Whose money it is.
    pub customer_id: Option<CustomerId>,
    /// The day for which they count.
    pub allocated_on: Date,
    /// The parts.
    pub parts: &'a [Allocation],
}

fn name(target: Target) -> &'static str {
    match target {
        Target::Invoice(_) => "invoice",
        Target::WrittenOff(_) => "written_off",
        Target::Balance => "balance",
        Target::Unmatched => "unmatched",
    }
}

fn each<T>(payments: &[Payment], of: impl Fn(&Payment) -> T) -> Vec<T> {
    payments.iter().map(of).collect()
}

async fn insert_headers(
    tx: &mut Tx,
    payments: &[Payment],
    created_at: DateTime<Utc>,
) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO payments (org_id, created_at, id, customer_id, kind, currency, amount_minor, \
         fee_minor, booked_on, in_transit, attempt_id, reverses, reference, payer_name, note, \
         external_id) SELECT $1, $2, u.* \
         FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(created_at)
    .bind::<Array<SqlUuid>, _>(each(payments, |one| one.id))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(payments, |one| one.customer_id))
    .bind::<Array<Text>, _>(each(payments, |one| one.kind))
    .bind::<Array<Text>, _>(each(payments, |one| one.amount.currency()))
    .bind::<Array<BigInt>, _>(each(payments, |one| one.amount.minor()))
    .bind::<Array<BigInt>, _>(each(payments, |one| one.fee.map_or(0, Money::minor)))
    .bind::<Array<SqlDate>, _>(each(payments, |one| one.booked_on))
    .bind::<Array<Bool>, _>(each(payments, |one| one.in_transit))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(payments, |one| one.attempt_id))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(payments, |one| one.reverses))
    .bind::<Array<Nullable<Text>>, _>(each(payments, |one| one.reference.clone()))
    .bind::<Array<Nullable<Text>>, _>(each(payments, |one| one.payer_name.clone()))
    .bind::<Array<Nullable<Text>>, _>(each(payments, |one| one.note.clone()))
    .bind::<Array<Nullable<Text>>, _>(each(payments, |one| one.external_id.clone()))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes parts of payments, and moves what is open on invoices and the balances of customers.
///
/// # Errors
/// As [`insert`].
pub async fn insert_parts(
    tx: &mut Tx,
    parts: &[MatchedParts<'_>],
    created_at: DateTime<Utc>,
) -> Result<()> {
    let rows: Vec<(&MatchedParts<'_>, i32, Allocation)> = parts
        .iter()
        .flat_map(|of| (of.first..).zip(of.parts).map(move |(at, part)| (of, at, *part)))
        .collect();
    diesel::sql_query(
        "INSERT INTO payment_allocations (org_id, created_at, payment_id, position, target, \
         customer_id, invoice_id, amount_minor, allocated_on) SELECT $1, $2, u.* \
         FROM unnest($3, $4, $5, $6, $7, $8, $9) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(created_at)
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|(of, ..)| of.payment_id).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(rows.iter().map(|(_, at, _)| *at).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|(.., part)| name(part.target)).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(
        rows.iter().map(|(of, ..)| of.customer_id).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<SqlUuid>>, _>(
        rows.iter().map(|(.., part)| part.target.invoice_id()).collect::<Vec<_>>(),
    )
    .bind::<Array<BigInt>, _>(rows.iter().map(|(.., part)| part.amount.minor()).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(rows.iter().map(|(of, ..)| of.allocated_on).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    let to_invoices: Vec<(InvoiceId, i64, i64)> = rows
        .iter()
        .filter_map(|(.., part)| match part.target {
            Target::Invoice(id) => Some((id, part.amount.minor(), 0)),
            Target::WrittenOff(id) => Some((id, 0, part.amount.minor())),
            Target::Balance | Target::Unmatched => None,
        })
        .collect();
    move_invoices(tx, &to_invoices).await?;
    let to_balances: Vec<(CustomerId, Currency, i64)> = rows
        .iter()
        .filter(|(.., part)| part.target == Target::Balance)
        .filter_map(|(of, _, part)| {
            Some((of.customer_id?, part.amount.currency(), part.amount.minor()))
        })
        .collect();
    move_balances(tx, &to_balances).await
}

/// Lowers what is open on invoices, and what of them is written off, by these amounts.
pub(super) async fn move_invoices(tx: &mut Tx, moved: &[(InvoiceId, i64, i64)]) -> Result<()> {
    if moved.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE invoices i SET open_minor = i.open_minor - m.open_minor, \
         written_off_minor = i.written_off_minor - m.written_off_minor, \
         state = CASE WHEN i.open_minor > m.open_minor THEN 'open' \
                      WHEN i.written_off_minor > m.written_off_minor THEN 'written_off' \
                      ELSE 'settled' END \
         FROM (SELECT u.id, sum(u.open_minor)::bigint AS open_minor, \
                      sum(u.written_off_minor)::bigint AS written_off_minor \
               FROM unnest($2, $3, $4) AS u (id, open_minor, written_off_minor) GROUP BY u.id) m \
         WHERE i.org_id = $1 AND i.id = m.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(moved.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(moved.iter().map(|(_, open, _)| *open).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(moved.iter().map(|(.., lost)| *lost).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn move_balances(tx: &mut Tx, moved: &[(CustomerId, Currency, i64)]) -> Result<()> {
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
    .bind::<Array<SqlUuid>, _>(moved.iter().map(|(customer, ..)| *customer).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(moved.iter().map(|(_, currency, _)| *currency).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(moved.iter().map(|(.., amount)| *amount).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}
