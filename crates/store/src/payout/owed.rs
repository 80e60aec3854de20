//! What investors are owed, and what keeps a payout from being sent.

use std::collections::HashSet;

use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::id::{CustomerId, SelfBillId};
use domain::money::{Currency, Money};
use domain::payout::Owed;

use crate::{Result, Tx};

#[derive(diesel::QueryableByName)]
struct OwedRow {
    #[diesel(sql_type = SqlUuid)]
    investor_id: CustomerId,
    #[diesel(sql_type = Text)]
    currency: Currency,
    #[diesel(sql_type = BigInt)]
    minor: i64,
}

/// What investors are owed, by currency: what all documents say, with the VAT of their own invoices,
/// less what was sent and has not come back. Hold the credits.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn owed(tx: &mut Tx, investors: &[CustomerId]) -> Result<Vec<Owed>> {
    let rows: Vec<OwedRow> = diesel::sql_query(
        "SELECT one.investor_id, one.currency, sum(one.minor)::bigint AS minor FROM ( \
             SELECT b.investor_id, b.currency, \
                 b.total_minor + coalesce(b.own_tax_minor, 0) AS minor \
             FROM self_bills b WHERE b.org_id = $1 AND b.investor_id = ANY($2) \
             UNION ALL \
             SELECT p.investor_id, p.currency, -p.amount_minor FROM payouts p \
             WHERE p.org_id = $1 AND p.investor_id = ANY($2) AND p.state IN ('sent', 'settled') \
         ) one GROUP BY one.investor_id, one.currency",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(investors)
    .load(tx.connection())
    .await?;
    let owed = |row: OwedRow| Owed {
        investor_id: row.investor_id,
        amount: Money::new(row.minor, row.currency),
    };
    Ok(rows.into_iter().map(owed).collect())
}

#[derive(diesel::QueryableByName)]
struct Minor {
    #[diesel(sql_type = BigInt)]
    minor: i64,
}

/// What an investor is owed in a currency and no payout will pay: below zero, payouts that are not
/// sent yet come to more than is owed. Hold the credits.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn unclaimed(tx: &mut Tx, investor: CustomerId, currency: Currency) -> Result<Money> {
    let owed = owed(tx, &[investor]).await?;
    let nothing = Money::zero(currency);
    let owed = owed.into_iter().map(|one| one.amount).find(|one| one.currency() == currency);
    let claimed: Minor = diesel::sql_query(
        "SELECT coalesce(sum(p.amount_minor + p.set_off_minor), 0)::bigint AS minor \
         FROM payouts p WHERE p.org_id = $1 AND p.investor_id = $2 AND p.currency = $3 \
             AND p.state NOT IN ('sent', 'settled', 'cancelled')",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlUuid, _>(investor)
    .bind::<Text, _>(currency)
    .get_result(tx.connection())
    .await?;
    let left = owed.unwrap_or(nothing).minor().saturating_sub(claimed.minor);
    Ok(Money::new(left, currency))
}

#[derive(diesel::QueryableByName)]
struct DocumentRow {
    #[diesel(sql_type = SqlUuid)]
    self_bill_id: SelfBillId,
}

/// Of these documents those that credit an investment whose principal is open: it was paid, and the
/// money went back.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn principal_open(tx: &mut Tx, documents: &[SelfBillId]) -> Result<HashSet<SelfBillId>> {
    let rows: Vec<DocumentRow> = diesel::sql_query(
        "SELECT DISTINCT l.self_bill_id FROM self_bill_lines l \
         JOIN investments v ON v.org_id = $1 AND v.id = l.investment_id \
         JOIN invoices i ON i.org_id = $1 AND i.id = v.invoice_id \
         WHERE l.org_id = $1 AND l.self_bill_id = ANY($2) AND i.open_minor > 0",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(documents)
    .load(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| row.self_bill_id).collect())
}
