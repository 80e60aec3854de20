//! Answers to calls that carried a request id.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::schema::answered_requests;
use crate::{Result, Tx};

/// A recorded call.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = answered_requests, check_for_backend(diesel::pg::Pg))]
pub struct AnsweredRequest {
    /// Full name of the method.
    pub method: String,
    /// SHA-256 of the content.
    pub content_hash: Vec<u8>,
    /// The encoded answer.
    pub answer: Vec<u8>,
}

/// Claims a request id. False when it is taken; waits for the transaction that is taking it.
///
/// # Errors
/// [`crate::Error::Contention`] when that takes too long.
pub async fn claim(
    tx: &mut Tx,
    id: Uuid,
    method: &str,
    content_hash: &[u8],
    at: DateTime<Utc>,
) -> Result<bool> {
    let row = (
        answered_requests::org_id.eq(tx.org()),
        answered_requests::request_id.eq(id),
        answered_requests::method.eq(method),
        answered_requests::content_hash.eq(content_hash),
        answered_requests::answer.eq(Vec::new()),
        answered_requests::answered_at.eq(at),
    );
    let claimed = diesel::insert_into(answered_requests::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(tx.connection())
        .await?;
    Ok(claimed == 1)
}

/// Stores the answer of a claimed id.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save_answer(tx: &mut Tx, id: Uuid, answer: &[u8]) -> Result<()> {
    let row = answered_requests::table
        .filter(answered_requests::org_id.eq(tx.org()))
        .filter(answered_requests::request_id.eq(id));
    diesel::update(row).set(answered_requests::answer.eq(answer)).execute(tx.connection()).await?;
    Ok(())
}

/// A recorded call.
///
/// # Errors
/// [`crate::Error::NotFound`].
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<AnsweredRequest> {
    let row = answered_requests::table
        .filter(answered_requests::org_id.eq(tx.org()))
        .filter(answered_requests::request_id.eq(id))
        .select(AnsweredRequest::as_select())
        .first(tx.connection())
        .await?;
    Ok(row)
}

/// Forgets calls answered before an instant, at most `limit` of them; answers how many.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn prune(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<usize> {
    let old: Vec<Uuid> = answered_requests::table
        .filter(answered_requests::org_id.eq(tx.org()))
        .filter(answered_requests::answered_at.lt(before))
        .order(answered_requests::answered_at)
        .limit(limit)
        .select(answered_requests::request_id)
        .load(tx.connection())
        .await?;
    let rows = answered_requests::table
        .filter(answered_requests::org_id.eq(tx.org()))
        .filter(answered_requests::request_id.eq_any(old));
    Ok(diesel::delete(rows).execute(tx.connection()).await?)
}
