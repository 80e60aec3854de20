//! Records that could not be processed, with the reason, until somebody has mended them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::id::{CustomerId, SetAsideId};
use domain::money::Currency;

use crate::billing::Account;
use crate::schema::set_asides;
use crate::{Result, Tx};

/// The kind of work that was set aside. There is one so far.
pub const BILLING: &str = "billing";

/// Something set aside.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = set_asides, check_for_backend(diesel::pg::Pg))]
pub struct SetAside {
    /// Identity.
    pub id: SetAsideId,
    /// Which work.
    pub kind: String,
    /// Whose.
    pub customer_id: CustomerId,
    /// In which currency.
    pub currency: Currency,
    /// Stable name of the reason.
    pub reason: String,
    /// For people: what is wrong and what would be right.
    pub message: String,
    /// When it was first set aside, by the organization's clock.
    pub first_at: DateTime<Utc>,
    /// When it was last set aside.
    pub last_at: DateTime<Utc>,
    /// How often.
    pub times: i32,
    /// When it was taken up again with success.
    pub resolved_at: Option<DateTime<Utc>>,
}

/// Something to set aside.
#[derive(Debug, Clone)]
pub struct NewSetAside {
    /// Identity, if it is not set aside already.
    pub id: SetAsideId,
    /// Whose billing.
    pub account: Account,
    /// Stable name of the reason.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

/// Sets billing accounts aside; one that is set aside already counts again and takes the new
/// reason.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn put(tx: &mut Tx, new: &[NewSetAside], at: DateTime<Utc>) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "INSERT INTO set_asides AS a (org_id, kind, first_at, last_at, times, id, customer_id, currency, reason, message) \
         SELECT $1, $2, $3, $3, 1, u.* FROM unnest($4, $5, $6, $7, $8) AS u \
         ON CONFLICT (org_id, kind, customer_id, currency) WHERE resolved_at IS NULL DO UPDATE \
         SET reason = excluded.reason, message = excluded.message, last_at = excluded.last_at, times = a.times + 1",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Text, _>(BILLING)
    .bind::<Timestamptz, _>(at)
    .bind::<Array<SqlUuid>, _>(new.iter().map(|one| one.id).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(new.iter().map(|one| one.account.customer_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().map(|one| one.account.currency).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().map(|one| one.reason).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().map(|one| one.message.as_str()).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Marks what was set aside for accounts as resolved.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn resolve(tx: &mut Tx, accounts: &[Account], at: DateTime<Utc>) -> Result<()> {
    diesel::sql_query(
        "UPDATE set_asides a SET resolved_at = $3 \
         FROM unnest($4, $5) AS u (customer_id, currency) \
         WHERE a.org_id = $1 AND a.kind = $2 AND a.resolved_at IS NULL \
         AND a.customer_id = u.customer_id AND a.currency = u.currency",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Text, _>(BILLING)
    .bind::<Timestamptz, _>(at)
    .bind::<Array<SqlUuid>, _>(accounts.iter().map(|one| one.customer_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(accounts.iter().map(|one| one.currency).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Frees accounts that were set aside for a reason, or of a customer, because what was wrong has
/// been changed: the next run takes them up again.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn release(
    tx: &mut Tx,
    reason: Option<&str>,
    customer: Option<CustomerId>,
    at: DateTime<Utc>,
) -> Result<()> {
    diesel::sql_query(
        "WITH mended AS (UPDATE set_asides SET resolved_at = $5 \
             WHERE org_id = $1 AND kind = $2 AND resolved_at IS NULL \
             AND ($3 IS NULL OR reason = $3) AND ($4 IS NULL OR customer_id = $4) \
             RETURNING customer_id, currency) \
         UPDATE billing_accounts a SET set_aside = false FROM mended m \
         WHERE a.org_id = $1 AND a.customer_id = m.customer_id AND a.currency = m.currency",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Text, _>(BILLING)
    .bind::<Nullable<Text>, _>(reason)
    .bind::<Nullable<SqlUuid>, _>(customer)
    .bind::<Timestamptz, _>(at)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// One of them.
///
/// # Errors
/// [`crate::Error::NotFound`].
pub async fn get(tx: &mut Tx, id: SetAsideId) -> Result<SetAside> {
    let row = set_asides::table
        .filter(set_asides::org_id.eq(tx.org()))
        .filter(set_asides::id.eq(id))
        .select(SetAside::as_select())
        .first(tx.connection())
        .await?;
    Ok(row)
}

/// Those that wait, after an id, in order.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list(tx: &mut Tx, after: Option<SetAsideId>, limit: i64) -> Result<Vec<SetAside>> {
    let mut query = set_asides::table
        .filter(set_asides::org_id.eq(tx.org()))
        .filter(set_asides::resolved_at.is_null())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(set_asides::id.gt(after));
    }
    let rows = query
        .order(set_asides::id)
        .limit(limit)
        .select(SetAside::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows)
}

/// How many wait.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn open_count(tx: &mut Tx) -> Result<i64> {
    let count = set_asides::table
        .filter(set_asides::org_id.eq(tx.org()))
        .filter(set_asides::resolved_at.is_null())
        .count()
        .get_result(tx.connection())
        .await?;
    Ok(count)
}
