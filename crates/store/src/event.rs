//! Events: the ordered outbox of an organization.
//!
//! Purpose: events are written in the transaction that causes them and read in one order that never
//! changes.
//!
//! The order. An event's position comes from the organization's counter row. A transaction takes a
//! block of positions with its last statements and holds the row to its end, so the next one gets
//! its block only after this one has committed or vanished. A commit shows its rows before it lets
//! go of its locks. Hence positions are committed in ascending order, without gaps, and a statement
//! that sees an event sees every event before it, however long other transactions have been running.
//! A reader that goes on after the last position it has seen misses nothing.
//!
//! Invariants: a block is taken after everything else that a transaction waits for (rows, then
//! number series), and nothing is waited for after it; so two transactions never wait for each
//! other, and hold the row only as long as an insert and a commit take.
//!
//! Deliberately absent: calling readers from within that transaction, because the database lets
//! transactions that call (`NOTIFY`) commit only one by one, over all organizations; see [`Bell`].

use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Date as SqlDate, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::event::{Event, EventKind, Subject};
use domain::id::{CustomerId, EventId, SubscriptionId};
use serde_json::Value;

use crate::schema::{event_positions, events};
use crate::{Error, Result, Tx};

mod bell;

pub use bell::{Bell, call, hear};

/// Which events to read. Filters are combined with "and".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only of these kinds; none: all.
    pub kinds: Vec<EventKind>,
    /// Only of this customer.
    pub customer_id: Option<CustomerId>,
    /// Only about this subscription.
    pub subscription_id: Option<SubscriptionId>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(diesel::pg::Pg))]
struct Row {
    position: i64,
    id: EventId,
    kind: EventKind,
    occurred_at: chrono::DateTime<chrono::Utc>,
    effective_on: Date,
    customer_id: CustomerId,
    payload: Value,
}

impl TryFrom<Row> for (i64, Event) {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let subject: Subject = serde_json::from_value(row.payload).map_err(Error::corrupt)?;
        let event = Event {
            id: row.id,
            kind: row.kind,
            occurred_at: row.occurred_at,
            effective_on: row.effective_on,
            customer_id: row.customer_id,
            subject,
        };
        Ok((row.position, event))
    }
}

#[derive(QueryableByName)]
struct Block {
    #[diesel(sql_type = BigInt)]
    before: i64,
}

/// Writes events in their order: two statements whatever their number, the last of a transaction.
///
/// # Errors
/// [`Error::Contention`] when another transaction holds the counter for too long.
pub async fn append(tx: &mut Tx, new: &[Event]) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let subjects = new.iter().map(|event| serde_json::to_value(&event.subject));
    let payloads: Vec<Value> = subjects.collect::<Result<_, _>>().map_err(Error::corrupt)?;
    let before = take(tx, i64::try_from(new.len()).map_err(Error::corrupt)?).await?;
    diesel::sql_query(
        "INSERT INTO events (org_id, position, id, kind, occurred_at, effective_on, customer_id, \
         subscription_id, invoice_id, investment_id, self_bill_id, payment_id, payload) \
         SELECT $1, $2 + u.ordinality, u.id, u.kind, u.occurred_at, u.effective_on, u.customer_id, \
         u.subscription_id, u.invoice_id, u.investment_id, u.self_bill_id, u.payment_id, \
         u.payload \
         FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) WITH ORDINALITY \
         AS u (id, kind, occurred_at, \
         effective_on, customer_id, subscription_id, invoice_id, investment_id, self_bill_id, payment_id, \
         payload, ordinality)",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<BigInt, _>(before)
    .bind::<Array<SqlUuid>, _>(new.iter().map(|one| one.id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().map(|one| one.kind).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(new.iter().map(|one| one.occurred_at).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(new.iter().map(|one| one.effective_on).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(new.iter().map(|one| one.customer_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(
        new.iter().map(|one| one.subject.subscription_id()).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<SqlUuid>>, _>(
        new.iter().map(|one| one.subject.invoice_id()).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<SqlUuid>>, _>(
        new.iter().map(|one| one.subject.investment_id()).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<SqlUuid>>, _>(
        new.iter().map(|one| one.subject.self_bill_id()).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<SqlUuid>>, _>(
        new.iter().map(|one| one.subject.payment_id()).collect::<Vec<_>>(),
    )
    .bind::<Array<Jsonb>, _>(payloads)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes the next `count` positions; answers the one before the first. An organization that an
/// older process has founded gets its counter here.
async fn take(tx: &mut Tx, count: i64) -> Result<i64> {
    let block: Block = diesel::sql_query(
        "INSERT INTO event_positions AS p (org_id, last_position) VALUES ($1, $2) \
         ON CONFLICT (org_id) DO UPDATE SET last_position = p.last_position + $2 \
         WHERE p.org_id = $1 RETURNING p.last_position - $2 AS before",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<BigInt, _>(count)
    .get_result(tx.connection())
    .await?;
    Ok(block.before)
}

/// The position of the newest event that can be seen; 0 when there is none. Every event up to it
/// can be seen by the next statement.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn head(tx: &mut Tx) -> Result<i64> {
    let last: Option<i64> = event_positions::table
        .filter(event_positions::org_id.eq(tx.org()))
        .select(event_positions::last_position)
        .first(tx.connection())
        .await
        .optional()?;
    Ok(last.unwrap_or(0))
}

/// Events after one position and up to another, in order, at most `limit`.
///
/// # Errors
/// [`Error::Unavailable`]; [`Error::Rejected`] for one that a newer process has written and this
/// one does not know.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: i64,
    through: i64,
    limit: i64,
) -> Result<Vec<(i64, Event)>> {
    let mut query = events::table
        .filter(events::org_id.eq(tx.org()))
        .filter(events::position.gt(after))
        .filter(events::position.le(through))
        .into_boxed();
    if !filter.kinds.is_empty() {
        query = query.filter(events::kind.eq_any(&filter.kinds));
    }
    if let Some(customer_id) = filter.customer_id {
        query = query.filter(events::customer_id.eq(customer_id));
    }
    if let Some(subscription_id) = filter.subscription_id {
        query = query.filter(events::subscription_id.eq(subscription_id));
    }
    let rows = query
        .order(events::position)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
