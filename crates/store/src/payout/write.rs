//! Payouts written in batches.

use chrono::{DateTime, Utc};
use diesel::sql_types::{
    Array, BigInt, Date as SqlDate, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::payout::Payout;

use super::Batch;
use crate::{Result, Tx};

fn each<T>(payouts: &[Payout], of: impl Fn(&Payout) -> T) -> Vec<T> {
    payouts.iter().map(of).collect()
}

/// Writes payouts that were not sent yet: one statement whatever their number.
///
/// # Errors
/// [`crate::Error::Exists`] when a document has one.
pub async fn insert(tx: &mut Tx, payouts: &[Payout], created_at: DateTime<Utc>) -> Result<()> {
    if payouts.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "INSERT INTO payouts (org_id, created_at, times, id, investor_id, self_bill_id, currency, \
         amount_minor, set_off_minor, state) \
         SELECT $1, $2, 0, u.* FROM unnest($3, $4, $5, $6, $7, $8, $9) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(created_at)
    .bind::<Array<SqlUuid>, _>(each(payouts, |one| one.id))
    .bind::<Array<SqlUuid>, _>(each(payouts, |one| one.investor_id))
    .bind::<Array<SqlUuid>, _>(each(payouts, |one| one.self_bill_id))
    .bind::<Array<Text>, _>(each(payouts, |one| one.amount.currency()))
    .bind::<Array<BigInt>, _>(each(payouts, |one| one.amount.minor()))
    .bind::<Array<BigInt>, _>(each(payouts, |one| one.set_off.minor()))
    .bind::<Array<Text>, _>(each(payouts, |one| one.state))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes batches: one statement whatever their number.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn insert_batches(
    tx: &mut Tx,
    batches: &[Batch],
    created_at: DateTime<Utc>,
) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO payout_batches (org_id, created_at, id, currency, count, total_minor, sent_on) \
         SELECT $1, $2, u.* FROM unnest($3, $4, $5, $6, $7) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(created_at)
    .bind::<Array<SqlUuid>, _>(batches.iter().map(|one| one.id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(batches.iter().map(|one| one.total.currency()).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(batches.iter().map(|one| one.count).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(batches.iter().map(|one| one.total.minor()).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(batches.iter().map(|one| one.sent_on).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Saves where payouts stand: one statement whatever their number.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save(tx: &mut Tx, payouts: &[Payout]) -> Result<()> {
    if payouts.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE payouts p SET amount_minor = u.amount_minor, set_off_minor = u.set_off_minor, \
         state = u.state, why = u.why, approved_by = u.approved_by, times = u.times, \
         batch_id = u.batch_id, account_id = u.account_id, sent_on = u.sent_on, \
         settled_on = u.settled_on, bounced_on = u.bounced_on \
         FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS u (id, amount_minor, \
             set_off_minor, state, why, approved_by, times, batch_id, account_id, sent_on, \
             settled_on, bounced_on) \
         WHERE p.org_id = $1 AND p.id = u.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(each(payouts, |one| one.id))
    .bind::<Array<BigInt>, _>(each(payouts, |one| one.amount.minor()))
    .bind::<Array<BigInt>, _>(each(payouts, |one| one.set_off.minor()))
    .bind::<Array<Text>, _>(each(payouts, |one| one.state))
    .bind::<Array<Nullable<Text>>, _>(each(payouts, |one| one.why.clone()))
    .bind::<Array<Nullable<Text>>, _>(each(payouts, |one| one.approved_by.clone()))
    .bind::<Array<Integer>, _>(each(payouts, |one| one.times))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(payouts, |one| one.batch_id))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(payouts, |one| one.account_id))
    .bind::<Array<Nullable<SqlDate>>, _>(each(payouts, |one| one.sent_on))
    .bind::<Array<Nullable<SqlDate>>, _>(each(payouts, |one| one.settled_on))
    .bind::<Array<Nullable<SqlDate>>, _>(each(payouts, |one| one.bounced_on))
    .execute(tx.connection())
    .await?;
    Ok(())
}
