//! Usage: events as they are recorded, their totals, and what was billed for them.
//!
//! Purpose: [`record`] writes events that are new and tells which ids are taken, [`totals`] adds
//! up what a batch of a billing run bills, [`record_billed`] keeps what it billed, and
//! [`mark_late`] and [`stale_periods`] carry what arrives afterwards to the next invoice.
//!
//! Invariants: an id counts once per meter, by the table's key. Whoever records an event of a day
//! that may have been billed holds the customer's billing accounts from [`mark_late`] to the end of
//! the transaction, and a billing run holds them while it adds up and records: so an event is in
//! the total of a run, or its period is stale. A run bills usage of days that are over, never of
//! today. Rows that more than one transaction may want are taken in the order of their keys.
//!
//! For a billing run, per batch and after its claim: [`totals`] of the periods to bill, also of
//! those that [`stale_periods`] answers; `domain::usage::owed` or `BilledPeriod::late`;
//! [`record_billed`] of every period that was added up.
//!
//! Deliberately absent: which events are accepted and how totals are billed (`domain::usage`);
//! totals that are kept beside the events: a range of an index adds up fast enough, and cannot
//! disagree.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Date as SqlDate, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, MeterId};
use domain::period::Period;
use domain::usage::{Event, billable};
use rust_decimal::Decimal;

use crate::schema::{customers, subscriptions};
use crate::{Error, Result, Tx};

mod billed;

pub use billed::{mark_late, owners, record_billed, stale_periods};

/// An accepted event of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// What it measures.
    pub meter_id: MeterId,
    /// Whose.
    pub customer_id: CustomerId,
    /// Its local date.
    pub on: Date,
    /// The measurement. Instants are kept in microseconds: finer ones are to be cut off before.
    pub event: Event,
}

/// What identifies an event.
pub type EventKey = (MeterId, String);

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    meter_id: MeterId,
    #[diesel(sql_type = Text)]
    event_id: String,
}

fn keys(rows: Vec<KeyRow>) -> HashSet<EventKey> {
    rows.into_iter().map(|row| (row.meter_id, row.event_id)).collect()
}

/// Writes the events whose ids are new, in one statement; answers which those are. Give them in the
/// order of meter and id, each key once, so that two senders of the same events do not wait for
/// each other in a circle.
///
/// # Errors
/// [`Error::Contention`] when another sender of the same ids holds them for too long.
pub async fn record(
    tx: &mut Tx,
    events: &[NewEvent],
    recorded_at: DateTime<Utc>,
) -> Result<HashSet<EventKey>> {
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = diesel::sql_query(
        "INSERT INTO usage_events (org_id, recorded_at, meter_id, event_id, customer_id, \
             occurred_at, on_date, quantity, value) \
         SELECT $1, $2, u.* FROM unnest($3, $4, $5, $6, $7, $8, $9) AS u \
         ON CONFLICT (org_id, meter_id, event_id) DO NOTHING RETURNING meter_id, event_id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(recorded_at)
    .bind::<Array<SqlUuid>, _>(column(events, |one| one.meter_id))
    .bind::<Array<Text>, _>(column(events, |one| one.event.id.as_str()))
    .bind::<Array<SqlUuid>, _>(column(events, |one| one.customer_id))
    .bind::<Array<Timestamptz>, _>(column(events, |one| one.event.at))
    .bind::<Array<SqlDate>, _>(column(events, |one| one.on))
    .bind::<Array<Numeric>, _>(column(events, |one| one.event.quantity))
    .bind::<Array<Nullable<Text>>, _>(column(events, |one| one.event.value.as_deref()))
    .load(tx.connection())
    .await?;
    Ok(keys(rows))
}

fn column<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// Which of these events have an id that is taken by an event with other content. To be asked
/// after [`record`], about those that were not new.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn contradicted(tx: &mut Tx, events: &[NewEvent]) -> Result<HashSet<EventKey>> {
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = diesel::sql_query(
        "SELECT e.meter_id, e.event_id FROM unnest($2, $3, $4, $5, $6, $7) \
             AS u (meter_id, event_id, customer_id, occurred_at, quantity, value) \
         JOIN usage_events e ON e.org_id = $1 AND e.meter_id = u.meter_id \
             AND e.event_id = u.event_id \
         WHERE (e.customer_id, e.occurred_at, e.quantity, e.value) \
             IS DISTINCT FROM (u.customer_id, u.occurred_at, u.quantity, u.value)",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(column(events, |one| one.meter_id))
    .bind::<Array<Text>, _>(column(events, |one| one.event.id.as_str()))
    .bind::<Array<SqlUuid>, _>(column(events, |one| one.customer_id))
    .bind::<Array<Timestamptz>, _>(column(events, |one| one.event.at))
    .bind::<Array<Numeric>, _>(column(events, |one| one.event.quantity))
    .bind::<Array<Nullable<Text>>, _>(column(events, |one| one.event.value.as_deref()))
    .load(tx.connection())
    .await?;
    Ok(keys(rows))
}

/// The first day on which anything was sold to each of these customers; those who bought nothing
/// are absent.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn first_starts(tx: &mut Tx, ids: &[CustomerId]) -> Result<HashMap<CustomerId, Date>> {
    let rows: Vec<(CustomerId, Option<Date>)> = subscriptions::table
        .filter(subscriptions::org_id.eq(tx.org()))
        .filter(subscriptions::customer_id.eq_any(ids))
        .group_by(subscriptions::customer_id)
        .select((subscriptions::customer_id, diesel::dsl::min(subscriptions::start_on)))
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().filter_map(|(id, start)| Some((id, start?))).collect())
}

/// Which of these customers exist.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn existing(tx: &mut Tx, ids: &[CustomerId]) -> Result<HashSet<CustomerId>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let found: Vec<CustomerId> = customers::table
        .filter(customers::org_id.eq(tx.org()))
        .filter(customers::id.eq_any(ids))
        .select(customers::id)
        .load(tx.connection())
        .await?;
    Ok(found.into_iter().collect())
}

/// A total that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// What was measured.
    pub meter_id: MeterId,
    /// Whose.
    pub customer_id: CustomerId,
    /// Of which local days.
    pub period: Period,
}

#[derive(QueryableByName)]
struct TotalRow {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Numeric)]
    quantity: Decimal,
}

/// The quantities to bill, in the order in which they are asked for: one statement for any number.
/// Hold the customers' billing accounts first (a run's claim does), and record what is billed with
/// [`record_billed`] in the same transaction.
///
/// # Errors
/// [`Error::NotFound`] when a meter does not exist.
pub async fn totals(tx: &mut Tx, asked: &[Asked]) -> Result<Vec<Decimal>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows: Vec<TotalRow> = diesel::sql_query(include_str!("usage_totals.sql"))
        .bind::<SqlUuid, _>(tx.org())
        .bind::<Array<SqlUuid>, _>(column(asked, |one| one.customer_id))
        .bind::<Array<SqlUuid>, _>(column(asked, |one| one.meter_id))
        .bind::<Array<SqlDate>, _>(column(asked, |one| one.period.start))
        .bind::<Array<SqlDate>, _>(column(asked, |one| one.period.end))
        .load(tx.connection())
        .await?;
    if rows.len() != asked.len() {
        return Err(Error::NotFound);
    }
    rows.sort_unstable_by_key(|row| row.place);
    Ok(rows.into_iter().map(|row| billable(row.quantity)).collect())
}
