//! What customers owe, for policies that follow only from a minimum on.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::CustomerId;
use domain::money::{Currency, Money};

use crate::{Result, Tx};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    customer_id: CustomerId,
    #[diesel(sql_type = Text)]
    currency: Currency,
    #[diesel(sql_type = BigInt)]
    minor: i64,
}

/// What customers owe on all their invoices, due or not, per currency; nothing of those who owe
/// nothing.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn owed(tx: &mut Tx, customers: &[CustomerId]) -> Result<Vec<(CustomerId, Money)>> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT i.customer_id, i.currency, sum(i.open_minor)::bigint AS minor FROM invoices i \
         WHERE i.org_id = $1 AND i.customer_id = ANY($2) AND i.open_minor > 0 \
         GROUP BY i.customer_id, i.currency",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(customers)
    .load(tx.connection())
    .await?;
    let sum = |row: Row| (row.customer_id, Money::new(row.minor, row.currency));
    Ok(rows.into_iter().map(sum).collect())
}

/// Has the collections of customers looked at again whose policy has a minimum, because what the
/// customers owe has changed; answers whether there are any.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn look_again(tx: &mut Tx, customers: &[CustomerId], today: Date) -> Result<bool> {
    let found = diesel::sql_query(
        "UPDATE collections c SET overdue_on = $3 \
         WHERE c.org_id = $1 AND c.customer_id = ANY($2) AND c.state <> 'closed' AND EXISTS ( \
             SELECT 1 FROM dunning_minimums m WHERE m.org_id = $1 AND m.org_id = c.org_id \
             AND m.policy_id = c.policy_id AND m.currency = c.currency)",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(customers)
    .bind::<SqlDate, _>(today)
    .execute(tx.connection())
    .await?;
    Ok(found > 0)
}
