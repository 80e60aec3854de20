//! Numbers about investors for operators: one organization's, cheap enough to ask for all the time.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date as SqlDate, Integer, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::investment::InvestmentState;
use domain::money::Currency;
use domain::payout::PayoutState;
use domain::share::{Hold, first_retired};

use crate::{Result, Tx};

/// Which month is credited next, and on which day of the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Progress {
    /// The month's first day.
    #[diesel(sql_type = SqlDate)]
    pub next_month: Date,
    /// The day.
    #[diesel(sql_type = Integer)]
    pub payout_day: i32,
}

/// How far crediting is; nothing while nobody has funded anything.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn progress(tx: &mut Tx) -> Result<Option<Progress>> {
    let found = diesel::sql_query(
        "SELECT p.next_month, o.payout_day FROM share_progress p \
         JOIN organizations o ON o.org_id = $1 WHERE p.org_id = $1",
    )
    .bind::<SqlUuid, _>(tx.org())
    .get_result(tx.connection())
    .await
    .optional()?;
    Ok(found)
}

/// Amounts in one currency, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Amounts {
    /// In which.
    #[diesel(sql_type = Text)]
    pub currency: Currency,
    /// Principal of funded investments that is still to be credited.
    #[diesel(sql_type = BigInt)]
    pub principal: i64,
    /// Return on them that may still be credited.
    #[diesel(sql_type = BigInt)]
    pub returns: i64,
    /// What they have accrued beyond what was credited, up to the cap.
    #[diesel(sql_type = BigInt)]
    pub accrued: i64,
    /// Credited with VAT and not sent.
    #[diesel(sql_type = BigInt)]
    pub payable: i64,
    /// Sent and not settled.
    #[diesel(sql_type = BigInt)]
    pub in_transit: i64,
    /// Credited in the range of days, without VAT.
    #[diesel(sql_type = BigInt)]
    pub credited: i64,
    /// Settled in the range of days, with VAT.
    #[diesel(sql_type = BigInt)]
    pub paid: i64,
    /// By how much accounts of the ledger differ from what investments, documents and payouts say.
    #[diesel(sql_type = BigInt)]
    pub mismatch: i64,
}

/// What investors are owed and were credited and paid in a range of days, by currency. Features that
/// were retired before the month of `next_month` bring nothing more.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn amounts(
    tx: &mut Tx,
    (first, last): (Date, Date),
    next_month: Date,
) -> Result<Vec<Amounts>> {
    let rows = diesel::sql_query(include_str!("gauge.sql"))
        .bind::<SqlUuid, _>(tx.org())
        .bind::<SqlDate, _>(first)
        .bind::<SqlDate, _>(last)
        .bind::<SqlDate, _>(first_retired(next_month))
        .load(tx.connection())
        .await?;
    Ok(rows)
}

#[derive(QueryableByName)]
struct InvestmentCount {
    #[diesel(sql_type = Text)]
    state: InvestmentState,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Investments by where they stand.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn investments(tx: &mut Tx) -> Result<Vec<(InvestmentState, i64)>> {
    let rows: Vec<InvestmentCount> = diesel::sql_query(
        "SELECT v.state, count(*) AS count FROM investments v WHERE v.org_id = $1 GROUP BY v.state",
    )
    .bind::<SqlUuid, _>(tx.org())
    .load(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.count)).collect())
}

#[derive(QueryableByName)]
struct HeldCount {
    #[diesel(sql_type = Text)]
    held: Hold,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Investments of which the last month that was credited is held, by the reason. `next_month` is the
/// one after it.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn held(tx: &mut Tx, next_month: Date) -> Result<Vec<(Hold, i64)>> {
    let rows: Vec<HeldCount> = diesel::sql_query(
        "SELECT m.held, count(*) AS count FROM investment_months m \
         WHERE m.org_id = $1 AND m.month = ($2 - interval '1 month')::date \
             AND m.held IS NOT NULL GROUP BY m.held",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlDate, _>(next_month)
    .load(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.held, row.count)).collect())
}

#[derive(QueryableByName)]
struct PayoutCount {
    #[diesel(sql_type = Text)]
    state: PayoutState,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Payouts that are not over, by where they stand.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn payouts(tx: &mut Tx) -> Result<Vec<(PayoutState, i64)>> {
    let rows: Vec<PayoutCount> = diesel::sql_query(
        "SELECT p.state, count(*) AS count FROM payouts p \
         WHERE p.org_id = $1 AND p.state NOT IN ('settled', 'cancelled') GROUP BY p.state",
    )
    .bind::<SqlUuid, _>(tx.org())
    .load(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.count)).collect())
}
