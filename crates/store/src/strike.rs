//! Strikes: what counts against customers.
//!
//! Invariants: rows are facts. The same failure, lost cycle or fraud is there once, by indexes.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, Date as SqlDate, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{AttemptId, CustomerId, InvoiceId, StrikeId};
use domain::strike::{Offence, Strike, StrikeReason};

use crate::schema::strikes::{self, dsl};
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = strikes, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: StrikeId,
    customer_id: CustomerId,
    reason: StrikeReason,
    points: i32,
    struck_on: Date,
    attempt_id: Option<AttemptId>,
    invoice_id: Option<InvoiceId>,
    day_zero: Option<Date>,
    note: Option<String>,
    recorded_by: Option<String>,
}

impl TryFrom<Row> for Strike {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let incomplete = || Error::corrupt(format!("strike {} without what it is for", row.id));
        let what = match row.reason {
            StrikeReason::LostCycle => {
                let about = row.invoice_id.zip(row.day_zero).ok_or_else(incomplete)?;
                Offence::LostCycle { invoice_id: about.0, day_zero: about.1 }
            }
            StrikeReason::Objection => {
                let about = row.attempt_id.zip(row.invoice_id).ok_or_else(incomplete)?;
                Offence::Objection { attempt_id: about.0, invoice_id: about.1 }
            }
            StrikeReason::Fraud => {
                let (note, by) = row.note.zip(row.recorded_by).ok_or_else(incomplete)?;
                Offence::Fraud { invoice_id: row.invoice_id, note, by }
            }
        };
        Ok(Self {
            id: row.id,
            customer_id: row.customer_id,
            what,
            points: u32::try_from(row.points).map_err(Error::corrupt)?,
            on: row.struck_on,
        })
    }
}

/// Writes strikes, and answers whom they are against, of those that were not there yet.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn insert(
    tx: &mut Tx,
    new: &[Strike],
    created_at: DateTime<Utc>,
) -> Result<Vec<CustomerId>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let attempt = |what: &Offence| match what {
        Offence::Objection { attempt_id, .. } => Some(*attempt_id),
        _ => None,
    };
    let day_zero = |what: &Offence| match what {
        Offence::LostCycle { day_zero, .. } => Some(*day_zero),
        _ => None,
    };
    let fraud = |what: &Offence| match what {
        Offence::Fraud { note, by, .. } => Some((note.clone(), by.clone())),
        _ => None,
    };
    let points = new.iter().map(|one| i32::try_from(one.points)).collect::<Result<Vec<_>, _>>();
    let (notes, by): (Vec<Option<String>>, Vec<Option<String>>) =
        new.iter().map(|one| fraud(&one.what).unzip()).unzip();
    let rows: Vec<StruckRow> = diesel::sql_query(
        "INSERT INTO strikes (org_id, created_at, id, customer_id, reason, points, struck_on, \
         attempt_id, invoice_id, day_zero, note, recorded_by) \
         SELECT $1, $2, u.* FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS u \
         ON CONFLICT DO NOTHING RETURNING customer_id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(created_at)
    .bind::<Array<SqlUuid>, _>(each(new, |one| one.id))
    .bind::<Array<SqlUuid>, _>(each(new, |one| one.customer_id))
    .bind::<Array<Text>, _>(each(new, |one| one.what.reason()))
    .bind::<Array<Integer>, _>(points.map_err(Error::corrupt)?)
    .bind::<Array<SqlDate>, _>(each(new, |one| one.on))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(new, |one| attempt(&one.what)))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(new, |one| one.what.invoice_id()))
    .bind::<Array<Nullable<SqlDate>>, _>(each(new, |one| day_zero(&one.what)))
    .bind::<Array<Nullable<Text>>, _>(notes)
    .bind::<Array<Nullable<Text>>, _>(by)
    .load(tx.connection())
    .await?;
    let mut struck: Vec<CustomerId> = rows.into_iter().map(|row| row.customer_id).collect();
    struck.sort_unstable();
    struck.dedup();
    Ok(struck)
}

fn each<T>(strikes: &[Strike], of: impl Fn(&Strike) -> T) -> Vec<T> {
    strikes.iter().map(of).collect()
}

#[derive(QueryableByName)]
struct StruckRow {
    #[diesel(sql_type = SqlUuid)]
    customer_id: CustomerId,
}

/// The days and points of customers' strikes.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn points(
    tx: &mut Tx,
    customers: &[CustomerId],
) -> Result<HashMap<CustomerId, Vec<(Date, u32)>>> {
    let rows: Vec<(CustomerId, Date, i32)> = dsl::strikes
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::customer_id.eq_any(customers))
        .select((dsl::customer_id, dsl::struck_on, dsl::points))
        .load(tx.connection())
        .await?;
    let mut points: HashMap<CustomerId, Vec<(Date, u32)>> = HashMap::new();
    for (customer, on, worth) in rows {
        let worth = u32::try_from(worth).map_err(Error::corrupt)?;
        points.entry(customer).or_default().push((on, worth));
    }
    Ok(points)
}

/// The fraud of a customer that was recorded on a day.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn fraud(tx: &mut Tx, customer: CustomerId, on: Date) -> Result<Strike> {
    dsl::strikes
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::customer_id.eq(customer))
        .filter(dsl::struck_on.eq(on))
        .filter(dsl::reason.eq(StrikeReason::Fraud))
        .select(Row::as_select())
        .first(tx.connection())
        .await?
        .try_into()
}

/// A page of a customer's strikes after an id, or of everybody's, in the order of their ids.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    customer: Option<CustomerId>,
    after: Option<StrikeId>,
    limit: i64,
) -> Result<Vec<Strike>> {
    let mut query = dsl::strikes
        .filter(dsl::org_id.eq(tx.org()))
        .order(dsl::id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(customer) = customer {
        query = query.filter(dsl::customer_id.eq(customer));
    }
    if let Some(after) = after {
        query = query.filter(dsl::id.gt(after));
    }
    let rows: Vec<Row> = query.load(tx.connection()).await?;
    rows.into_iter().map(Strike::try_from).collect()
}
