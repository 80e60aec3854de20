//! Meters: what usage is measured by.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::MeterId;
use domain::usage::{Aggregation, Meter};

use crate::schema::meters;
use crate::{Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = meters, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: MeterId,
    code: String,
    name: String,
    aggregation: Aggregation,
    unit_label: Option<String>,
}

impl From<Row> for Meter {
    fn from(row: Row) -> Self {
        let Row { id, code, name, aggregation, unit_label } = row;
        Self { id, code, name, aggregation, unit_label }
    }
}

/// Writes a new meter.
///
/// # Errors
/// [`crate::Error::Exists`] when the id or the code is taken; it names the constraint.
pub async fn insert(tx: &mut Tx, meter: &Meter, created_at: DateTime<Utc>) -> Result<()> {
    let row = (
        meters::org_id.eq(tx.org()),
        meters::id.eq(meter.id),
        meters::code.eq(&meter.code),
        meters::name.eq(&meter.name),
        meters::aggregation.eq(meter.aggregation),
        meters::unit_label.eq(&meter.unit_label),
        meters::created_at.eq(created_at),
    );
    diesel::insert_into(meters::table).values(row).execute(tx.connection()).await?;
    Ok(())
}

/// Meters by id, in no order.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn many(tx: &mut Tx, ids: &[MeterId]) -> Result<Vec<Meter>> {
    let rows = meters::table
        .filter(meters::org_id.eq(tx.org()))
        .filter(meters::id.eq_any(ids))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Meter::from).collect())
}

/// Meters by code, in no order.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn of_codes(tx: &mut Tx, codes: &[&str]) -> Result<Vec<Meter>> {
    let rows = meters::table
        .filter(meters::org_id.eq(tx.org()))
        .filter(meters::code.eq_any(codes))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Meter::from).collect())
}

/// Meters after an id, in order.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    code: Option<&str>,
    after: Option<MeterId>,
    limit: i64,
) -> Result<Vec<Meter>> {
    let mut query = meters::table.filter(meters::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(meters::id.gt(after));
    }
    if let Some(code) = code {
        query = query.filter(meters::code.eq(code));
    }
    let rows =
        query.order(meters::id).limit(limit).select(Row::as_select()).load(tx.connection()).await?;
    Ok(rows.into_iter().map(Meter::from).collect())
}
