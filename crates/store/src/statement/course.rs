//! What features bring, and may bring: what statements and forecasts are made of.
//!
//! Invariants: customers who have funded a feature bring it nothing.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Numeric, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{FeatureId, InvestmentId};
use domain::investment::Basis;
use rust_decimal::Decimal;

use crate::schema::share_progress;
use crate::{Result, Tx};

/// The first day of the month that is credited next; nothing while nobody has invested.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn next_month(tx: &mut Tx) -> Result<Option<Date>> {
    let month = share_progress::table
        .filter(share_progress::org_id.eq(tx.org()))
        .select(share_progress::next_month)
        .first(tx.connection())
        .await
        .optional()?;
    Ok(month)
}

/// An investment that shares a feature's revenue.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Sharer {
    /// In what.
    #[diesel(sql_type = SqlUuid)]
    pub feature_id: FeatureId,
    /// Which investment.
    #[diesel(sql_type = SqlUuid)]
    pub id: InvestmentId,
    /// How its revenue counts.
    #[diesel(sql_type = Text)]
    pub basis: Basis,
    /// Percent of the revenue.
    #[diesel(sql_type = Numeric)]
    pub share_percent: Decimal,
    /// Since when: from the month of this day on.
    #[diesel(sql_type = SqlDate)]
    pub funded_on: Date,
}

/// All funded investments in features, oldest first.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn sharers(tx: &mut Tx, features: &[FeatureId]) -> Result<Vec<Sharer>> {
    let rows = diesel::sql_query(
        "SELECT v.feature_id, v.id, v.basis, v.share_percent, v.funded_on FROM investments v \
         WHERE v.org_id = $1 AND v.feature_id = ANY($2) AND v.funded_on IS NOT NULL ORDER BY v.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(features)
    .load(tx.connection())
    .await?;
    Ok(rows)
}

/// What a feature brought in a month that was credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct FeatureMonth {
    /// Which feature.
    #[diesel(sql_type = SqlUuid)]
    pub feature_id: FeatureId,
    /// How it was counted.
    #[diesel(sql_type = Text)]
    pub basis: Basis,
    /// The month's first day.
    #[diesel(sql_type = SqlDate)]
    pub month: Date,
    /// What it brought, in minor units.
    #[diesel(sql_type = BigInt)]
    pub revenue: i64,
}

/// The credited months of features from one on, oldest first.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn months(tx: &mut Tx, features: &[FeatureId], from: Date) -> Result<Vec<FeatureMonth>> {
    let rows = diesel::sql_query(
        "SELECT m.feature_id, m.basis, m.month, m.revenue_minor AS revenue FROM feature_months m \
         WHERE m.org_id = $1 AND m.feature_id = ANY($2) AND m.month >= $3 \
         ORDER BY m.feature_id, m.basis, m.month",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(features)
    .bind::<SqlDate, _>(from)
    .load(tx.connection())
    .await?;
    Ok(rows)
}

/// How a feature is used, and what it is worth. Amounts in minor units, without VAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Use {
    /// Which feature.
    #[diesel(sql_type = SqlUuid)]
    pub feature_id: FeatureId,
    /// Customers that have it today, without those who funded it.
    #[diesel(sql_type = BigInt)]
    pub customers: i64,
    /// What these have is worth a month.
    #[diesel(sql_type = BigInt)]
    pub monthly: i64,
    /// What of it is billed from today to the last day that was asked for.
    #[diesel(sql_type = BigInt)]
    pub to_bill: i64,
}

/// How features are used today, and what of it is billed up to and including `until`.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn uses(
    tx: &mut Tx,
    features: &[FeatureId],
    today: Date,
    until: Date,
) -> Result<Vec<Use>> {
    let rows = diesel::sql_query(include_str!("uses.sql"))
        .bind::<SqlUuid, _>(tx.org())
        .bind::<Array<SqlUuid>, _>(features)
        .bind::<SqlDate, _>(today)
        .bind::<SqlDate, _>(until)
        .load(tx.connection())
        .await?;
    Ok(rows)
}

/// What open invoices would bring a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Open {
    /// Which feature.
    #[diesel(sql_type = SqlUuid)]
    pub feature_id: FeatureId,
    /// In minor units, without VAT.
    #[diesel(sql_type = BigInt)]
    pub minor: i64,
}

/// What features would be brought by what is open of invoices that were issued between two days:
/// of every line as much as of its invoice, rounded by line.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn open(
    tx: &mut Tx,
    features: &[FeatureId],
    first: Date,
    last: Date,
) -> Result<Vec<Open>> {
    let rows = diesel::sql_query(include_str!("open.sql"))
        .bind::<SqlUuid, _>(tx.org())
        .bind::<Array<SqlUuid>, _>(features)
        .bind::<SqlDate, _>(first)
        .bind::<SqlDate, _>(last)
        .load(tx.connection())
        .await?;
    Ok(rows)
}
