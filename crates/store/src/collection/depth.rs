//! How deep the retry queue is.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::collection::CollectionState;

use crate::{Result, Tx};

/// Collections that stand alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Depth {
    /// Where they stand.
    #[diesel(sql_type = Text)]
    pub state: CollectionState,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub collections: i64,
    /// Of how many something is due.
    #[diesel(sql_type = BigInt)]
    pub due: i64,
    /// Since when the first of these is due.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub oldest_due: Option<DateTime<Utc>>,
}

/// The collections that are not closed, by where they stand.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn depth(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<Depth>> {
    let rows = diesel::sql_query(
        "SELECT c.state, count(*) AS collections, \
             count(*) FILTER (WHERE c.next_at <= $2) AS due, \
             min(c.next_at) FILTER (WHERE c.next_at <= $2) AS oldest_due \
         FROM collections c WHERE c.org_id = $1 AND c.state <> 'closed' \
         GROUP BY c.state ORDER BY c.state",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(now)
    .load(tx.connection())
    .await?;
    Ok(rows)
}
