//! Arrears: where customers stand with what they owe.
//!
//! Invariants: whoever writes it holds the billing accounts of the customer. No row: nothing is
//! missing.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::dunning::Degree;
use domain::entitlement::{Arrears, Delivery};
use domain::id::{CustomerId, InvoiceId};

use crate::schema::{arrears, collections, customers};
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = arrears, check_for_backend(diesel::pg::Pg))]
struct Row {
    customer_id: CustomerId,
    invoice_id: InvoiceId,
    day_zero: Date,
    degree: Degree,
    delivery: Delivery,
    grace_until: Option<Date>,
    changes_on: Option<Date>,
}

/// Where a customer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Whom it is about.
    pub customer_id: CustomerId,
    /// The invoice that decides.
    pub invoice_id: InvoiceId,
    /// Its day zero.
    pub day_zero: Date,
    /// How far things have gone.
    pub degree: Degree,
    /// What that does to delivery.
    pub arrears: Arrears,
    /// The next day on which it changes by itself.
    pub changes_on: Option<Date>,
}

impl TryFrom<Row> for Kept {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let arrears = match (row.delivery, row.grace_until) {
            (Delivery::DeliverInGrace, Some(until)) => Arrears::Grace { until },
            (Delivery::Restricted, None) => Arrears::Restricted,
            (Delivery::Stop, None) => Arrears::Stopped,
            (delivery, until) => {
                return Err(Error::corrupt(format!("arrears {delivery} until {until:?}")));
            }
        };
        Ok(Self {
            customer_id: row.customer_id,
            invoice_id: row.invoice_id,
            day_zero: row.day_zero,
            degree: row.degree,
            arrears,
            changes_on: row.changes_on,
        })
    }
}

fn delivery(arrears: Arrears) -> (Delivery, Option<Date>) {
    match arrears {
        Arrears::None => (Delivery::Deliver, None),
        Arrears::Grace { until } => (Delivery::DeliverInGrace, Some(until)),
        Arrears::Restricted => (Delivery::Restricted, None),
        Arrears::Stopped => (Delivery::Stop, None),
    }
}

/// Where customers stand; those of whom nothing is missing are left out.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn get_many(tx: &mut Tx, customers: &[CustomerId]) -> Result<HashMap<CustomerId, Kept>> {
    let rows: Vec<Row> = arrears::table
        .filter(arrears::org_id.eq(tx.org()))
        .filter(arrears::customer_id.eq_any(customers))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(|row| Ok((row.customer_id, Kept::try_from(row)?))).collect()
}

/// Customers whose state changes by itself on or before a day: that of those of whom something is
/// missing, and of those of whom something begins to be.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn due(tx: &mut Tx, on: Date, limit: i64) -> Result<Vec<CustomerId>> {
    let rows: Vec<DueRow> = diesel::sql_query(
        "SELECT d.customer_id FROM ( \
             SELECT a.customer_id, a.changes_on AS due_on FROM arrears a \
             WHERE a.org_id = $1 AND a.changes_on <= $2 \
             UNION ALL \
             SELECT c.customer_id, c.overdue_on FROM collections c \
             WHERE c.org_id = $1 AND c.overdue_on <= $2) d \
         GROUP BY d.customer_id ORDER BY min(d.due_on), d.customer_id LIMIT $3",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlDate, _>(on)
    .bind::<BigInt, _>(limit)
    .load(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| row.customer_id).collect())
}

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(sql_type = SqlUuid)]
    customer_id: CustomerId,
}

/// Whether the state of any customer changes by itself on or before a day.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn is_due(tx: &mut Tx, on: Date) -> Result<bool> {
    let changes =
        arrears::table.filter(arrears::org_id.eq(tx.org())).filter(arrears::changes_on.le(on));
    let begins = collections::table
        .filter(collections::org_id.eq(tx.org()))
        .filter(collections::overdue_on.le(on));
    let (changes, begins) = (diesel::dsl::exists(changes), diesel::dsl::exists(begins));
    Ok(diesel::select(changes.or(begins)).get_result(tx.connection()).await?)
}

/// Replaces where customers stand: `now` has those of whom something is missing.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn replace(tx: &mut Tx, of: &[CustomerId], now: &[Kept]) -> Result<()> {
    diesel::delete(arrears::table)
        .filter(arrears::org_id.eq(tx.org()))
        .filter(arrears::customer_id.eq_any(of))
        .execute(tx.connection())
        .await?;
    let late: Vec<CustomerId> = now.iter().map(|one| one.customer_id).collect();
    diesel::update(customers::table)
        .filter(customers::org_id.eq(tx.org()))
        .filter(customers::id.eq_any(of))
        .filter(customers::in_arrears.ne(customers::id.eq_any(&late)))
        .set(customers::in_arrears.eq(customers::id.eq_any(&late)))
        .execute(tx.connection())
        .await?;
    if now.is_empty() {
        return Ok(());
    }
    let (deliveries, until): (Vec<Delivery>, Vec<Option<Date>>) =
        now.iter().map(|one| delivery(one.arrears)).unzip();
    diesel::sql_query(
        "INSERT INTO arrears (org_id, customer_id, invoice_id, day_zero, degree, delivery, \
         grace_until, changes_on) SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7, $8) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(late)
    .bind::<Array<SqlUuid>, _>(now.iter().map(|one| one.invoice_id).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(now.iter().map(|one| one.day_zero).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(now.iter().map(|one| one.degree).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(deliveries)
    .bind::<Array<Nullable<SqlDate>>, _>(until)
    .bind::<Array<Nullable<SqlDate>>, _>(now.iter().map(|one| one.changes_on).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}
