//! Sums of payments: what was recovered, what matches nothing.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Date as SqlDate, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::money::{Currency, Money};

use crate::{Result, Tx};

#[derive(QueryableByName)]
struct SumRow {
    #[diesel(sql_type = Text)]
    currency: Currency,
    #[diesel(sql_type = BigInt)]
    minor: i64,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// What came from a day to another, both included, on invoices of which an attempt had failed or
/// bounced before: by currency, without what went back again.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn recovered(tx: &mut Tx, first: Date, last: Date) -> Result<Vec<Money>> {
    let rows: Vec<SumRow> = diesel::sql_query(
        "SELECT p.currency, sum(a.amount_minor)::bigint AS minor \
         FROM payment_allocations a \
         JOIN payments p ON p.org_id = $1 AND p.id = a.payment_id \
         WHERE a.org_id = $1 AND a.allocated_on BETWEEN $2 AND $3 AND a.invoice_id IS NOT NULL \
             AND p.kind IN ('receipt', 'collection') \
             AND EXISTS (SELECT FROM payment_attempts t WHERE t.org_id = $1 \
                 AND t.invoice_id = a.invoice_id AND t.state IN ('declined', 'bounced') \
                 AND t.answered_at <= a.created_at) \
             AND NOT EXISTS (SELECT FROM payments r WHERE r.org_id = $1 AND r.reverses = p.id) \
         GROUP BY p.currency ORDER BY p.currency",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlDate, _>(first)
    .bind::<SqlDate, _>(last)
    .load(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| Money::new(row.minor, row.currency)).collect())
}

/// How many payments there are of which something matches nothing.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn count_unmatched(tx: &mut Tx) -> Result<i64> {
    let row: CountRow = diesel::sql_query(
        "SELECT count(*) FROM (SELECT a.payment_id FROM payment_allocations a \
             WHERE a.org_id = $1 AND a.target = 'unmatched' \
             GROUP BY a.payment_id HAVING sum(a.amount_minor) <> 0) w",
    )
    .bind::<SqlUuid, _>(tx.org())
    .get_result(tx.connection())
    .await?;
    Ok(row.count)
}
