//! What was billed for usage, and what has become stale since.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Integer, Numeric, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, ItemId, MeterId, PriceId, SubscriptionId};
use domain::money::{Currency, Money};
use domain::period::Period;
use domain::usage::BilledPeriod;
use rust_decimal::Decimal;

use super::column;
use crate::billing::Account;
use crate::schema::{billing_accounts, subscription_items, usage_periods};
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = usage_periods, check_for_backend(diesel::pg::Pg))]
struct Row {
    item_id: ItemId,
    service_from: Date,
    service_until: Date,
    customer_id: CustomerId,
    meter_id: MeterId,
    price_id: PriceId,
    currency: Currency,
    minimum_minor: i64,
    quantity: Decimal,
    billed_minor: i64,
    times: i32,
}

impl TryFrom<Row> for BilledPeriod {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            item_id: row.item_id,
            customer_id: row.customer_id,
            meter_id: row.meter_id,
            price_id: row.price_id,
            period: Period { start: row.service_from, end: row.service_until },
            minimum: Money::new(row.minimum_minor, row.currency),
            quantity: row.quantity,
            billed: Money::new(row.billed_minor, row.currency),
            times: u32::try_from(row.times).map_err(Error::corrupt)?,
        })
    }
}

/// Keeps what was billed for periods of metered items, in one statement: periods that are billed
/// for the first time (`times` is 1), also those of quantity zero, and periods whose difference was
/// billed or found to be nothing (`times` is one more than it was). They are no longer stale.
///
/// # Errors
/// [`Error::Exists`] when a period was billed so many times before: the billing that it belongs to
/// is not to be done again. Nothing of the transaction may then be committed.
pub async fn record_billed(tx: &mut Tx, periods: &[BilledPeriod]) -> Result<()> {
    let mut times = Vec::with_capacity(periods.len());
    for period in periods {
        times.push(i32::try_from(period.times).map_err(Error::corrupt)?);
    }
    let recorded = diesel::sql_query(
        "INSERT INTO usage_periods AS p (org_id, item_id, service_from, service_until, \
             customer_id, meter_id, price_id, currency, minimum_minor, quantity, billed_minor, times) \
         SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS u \
         ON CONFLICT (org_id, item_id, service_from) DO UPDATE \
         SET quantity = excluded.quantity, billed_minor = excluded.billed_minor, \
             times = excluded.times, stale = false \
         WHERE p.times = excluded.times - 1",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(column(periods, |one| one.item_id))
    .bind::<Array<SqlDate>, _>(column(periods, |one| one.period.start))
    .bind::<Array<SqlDate>, _>(column(periods, |one| one.period.end))
    .bind::<Array<SqlUuid>, _>(column(periods, |one| one.customer_id))
    .bind::<Array<SqlUuid>, _>(column(periods, |one| one.meter_id))
    .bind::<Array<SqlUuid>, _>(column(periods, |one| one.price_id))
    .bind::<Array<Text>, _>(column(periods, |one| one.currency()))
    .bind::<Array<BigInt>, _>(column(periods, |one| one.minimum.minor()))
    .bind::<Array<Numeric>, _>(column(periods, |one| one.quantity))
    .bind::<Array<BigInt>, _>(column(periods, |one| one.billed.minor()))
    .bind::<Array<Integer>, _>(times)
    .execute(tx.connection())
    .await?;
    if recorded != periods.len() {
        return Err(Error::Exists("usage_periods_pkey".to_owned()));
    }
    Ok(())
}

/// Marks the billed periods that these events belong to as stale: what was billed for them is
/// looked at again on the customer's next invoice. Waits for a billing run that is adding up for
/// one of the customers. To be called in the transaction that records the events, after that, for
/// every event whose day may have been billed; answers how many periods became stale.
///
/// # Errors
/// [`Error::Contention`] when a billing run holds a customer for too long.
pub async fn mark_late(tx: &mut Tx, days: &[(CustomerId, MeterId, Date)]) -> Result<usize> {
    if days.is_empty() {
        return Ok(0);
    }
    // Accounts that nothing else is to come for become due by it; they are held alone.
    let through: Vec<(CustomerId, Currency)> = billing_accounts::table
        .filter(billing_accounts::org_id.eq(tx.org()))
        .filter(billing_accounts::customer_id.eq_any(column(days, |(customer, ..)| *customer)))
        .filter(billing_accounts::due_on.is_null())
        .order((billing_accounts::customer_id, billing_accounts::currency))
        .select((billing_accounts::customer_id, billing_accounts::currency))
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    // The others shared, so that senders do not wait for each other.
    let _: Vec<CustomerId> = billing_accounts::table
        .filter(billing_accounts::org_id.eq(tx.org()))
        .filter(billing_accounts::customer_id.eq_any(column(days, |(customer, ..)| *customer)))
        .order((billing_accounts::customer_id, billing_accounts::currency))
        .select(billing_accounts::customer_id)
        .for_share()
        .load(tx.connection())
        .await?;
    let marked = diesel::sql_query(
        "WITH late AS ( \
             SELECT p.item_id, p.service_from FROM usage_periods p \
             WHERE p.org_id = $1 AND NOT p.stale AND EXISTS ( \
                 SELECT FROM unnest($2, $3, $4) AS u (customer_id, meter_id, on_date) \
                 WHERE u.customer_id = p.customer_id AND u.meter_id = p.meter_id \
                 AND u.on_date >= p.service_from AND u.on_date < p.service_until) \
             AND p.customer_id = ANY ($2) \
             ORDER BY p.item_id, p.service_from FOR NO KEY UPDATE) \
         UPDATE usage_periods p SET stale = true FROM late \
         WHERE p.org_id = $1 AND p.item_id = late.item_id AND p.service_from = late.service_from",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(column(days, |(customer, ..)| *customer))
    .bind::<Array<SqlUuid>, _>(column(days, |(_, meter, _)| *meter))
    .bind::<Array<SqlDate>, _>(column(days, |(.., on)| *on))
    .execute(tx.connection())
    .await?;
    if marked > 0 && !through.is_empty() {
        let account = |(customer_id, currency)| Account { customer_id, currency };
        let through: Vec<Account> = through.into_iter().map(account).collect();
        crate::billing::reschedule(tx, &through).await?;
    }
    Ok(marked)
}

/// Whose items these are.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn owners(tx: &mut Tx, items: &[ItemId]) -> Result<HashMap<ItemId, SubscriptionId>> {
    let rows: Vec<(ItemId, SubscriptionId)> = subscription_items::table
        .filter(subscription_items::org_id.eq(tx.org()))
        .filter(subscription_items::id.eq_any(items))
        .select((subscription_items::id, subscription_items::subscription_id))
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().collect())
}

/// The stale periods of customers, oldest first by item: what their next invoice bills differences
/// for. Hold their billing accounts first.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn stale_periods(tx: &mut Tx, customers: &[CustomerId]) -> Result<Vec<BilledPeriod>> {
    let rows = usage_periods::table
        .filter(usage_periods::org_id.eq(tx.org()))
        .filter(usage_periods::customer_id.eq_any(customers))
        .filter(usage_periods::stale)
        .order((usage_periods::customer_id, usage_periods::item_id, usage_periods::service_from))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(BilledPeriod::try_from).collect()
}
