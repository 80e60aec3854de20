//! Months that were credited.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Nullable, Numeric, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{FeatureId, InvestmentId};
use domain::money::{Currency, Money};
use domain::share::{FeatureMonth, Hold, InvestmentMonth, Stake};

use crate::schema::{investment_months, investments};
use crate::{Result, Tx};

/// Writes what features brought in a month and what investments got of it: one statement whatever
/// their number.
///
/// # Errors
/// [`crate::Error::Exists`] when the month has been credited.
pub async fn save_months(
    tx: &mut Tx,
    month: Date,
    features: &[FeatureMonth],
    investments: &[InvestmentMonth],
) -> Result<()> {
    diesel::sql_query(
        "WITH brought AS (INSERT INTO feature_months (org_id, month, feature_id, basis, currency, \
             counted_minor, revenue_minor, share_percent, accrual_minor) \
             SELECT $1, $2, u.* FROM unnest($3, $4, $5, $6, $7, $8, $9) AS u) \
         INSERT INTO investment_months (org_id, month, investment_id, revenue_minor, \
         accrual_minor, accrued_minor, credited_minor, principal_minor, credited_total_minor, \
         carried_minor, held) \
         SELECT $1, $2, u.* FROM unnest($10, $11, $12, $13, $14, $15, $16, $17, $18) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlDate, _>(month)
    .bind::<Array<SqlUuid>, _>(each(features, |one| one.feature_id))
    .bind::<Array<Text>, _>(each(features, |one| one.basis))
    .bind::<Array<Text>, _>(each(features, |one| one.revenue.currency()))
    .bind::<Array<BigInt>, _>(each(features, |one| one.counted.minor()))
    .bind::<Array<BigInt>, _>(each(features, |one| one.revenue.minor()))
    .bind::<Array<Numeric>, _>(each(features, |one| one.share_percent))
    .bind::<Array<BigInt>, _>(each(features, |one| one.accrual.minor()))
    .bind::<Array<SqlUuid>, _>(each(investments, |one| one.investment_id))
    .bind::<Array<BigInt>, _>(each(investments, |one| one.revenue.minor()))
    .bind::<Array<BigInt>, _>(each(investments, |one| one.accrual.minor()))
    .bind::<Array<BigInt>, _>(each(investments, |one| one.accrued.minor()))
    .bind::<Array<BigInt>, _>(each(investments, |one| one.credited.minor()))
    .bind::<Array<BigInt>, _>(each(investments, |one| one.principal.minor()))
    .bind::<Array<BigInt>, _>(each(investments, |one| one.credited_total.minor()))
    .bind::<Array<BigInt>, _>(each(investments, |one| one.carried.minor()))
    .bind::<Array<Nullable<Text>>, _>(each(investments, |one| one.held))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Saves investments as a month has left them, and which features are the vendor's alone since a
/// day: one statement whatever their number. Hold them.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save(tx: &mut Tx, changed: &[&Stake], owned: &[FeatureId], on: Date) -> Result<()> {
    diesel::sql_query(
        "WITH owned AS (UPDATE features f SET owned_on = $3 \
             WHERE f.org_id = $1 AND f.id = ANY($2) AND f.owned_on IS NULL) \
         UPDATE investments x SET state = u.state, recouped_on = u.recouped_on, \
         completed_on = u.completed_on, accrued_minor = u.accrued_minor, \
         credited_minor = u.credited_minor, forgone_minor = u.forgone_minor \
         FROM unnest($4, $5, $6, $7, $8, $9, $10) AS u (id, state, recouped_on, completed_on, \
         accrued_minor, credited_minor, forgone_minor) \
         WHERE x.org_id = $1 AND x.id = u.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(owned)
    .bind::<SqlDate, _>(on)
    .bind::<Array<SqlUuid>, _>(each(changed, |one| one.id))
    .bind::<Array<Text>, _>(each(changed, |one| one.state))
    .bind::<Array<Nullable<SqlDate>>, _>(each(changed, |one| one.recouped_on))
    .bind::<Array<Nullable<SqlDate>>, _>(each(changed, |one| one.completed_on))
    .bind::<Array<BigInt>, _>(each(changed, |one| one.accrued.minor()))
    .bind::<Array<BigInt>, _>(each(changed, |one| one.credited.minor()))
    .bind::<Array<BigInt>, _>(each(changed, |one| one.forgone.minor()))
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn each<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = investment_months, check_for_backend(diesel::pg::Pg))]
struct Row {
    investment_id: InvestmentId,
    month: Date,
    revenue_minor: i64,
    accrual_minor: i64,
    accrued_minor: i64,
    credited_minor: i64,
    principal_minor: i64,
    credited_total_minor: i64,
    carried_minor: i64,
    held: Option<Hold>,
}

impl Row {
    fn month(self, currency: Currency) -> InvestmentMonth {
        let money = |minor| Money::new(minor, currency);
        let row = self;
        InvestmentMonth {
            investment_id: row.investment_id,
            month: row.month,
            revenue: money(row.revenue_minor),
            accrual: money(row.accrual_minor),
            accrued: money(row.accrued_minor),
            credited: money(row.credited_minor),
            principal: money(row.principal_minor),
            credited_total: money(row.credited_total_minor),
            carried: money(row.carried_minor),
            held: row.held,
        }
    }
}

/// The months of an investment that were credited, oldest first, after one, at most `limit`.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    id: InvestmentId,
    after: Option<Date>,
    limit: i64,
) -> Result<Vec<InvestmentMonth>> {
    let mut query = investment_months::table
        .inner_join(
            investments::table.on(investments::org_id
                .eq(investment_months::org_id)
                .and(investments::id.eq(investment_months::investment_id))),
        )
        .filter(investment_months::org_id.eq(tx.org()))
        .filter(investments::org_id.eq(tx.org()))
        .filter(investment_months::investment_id.eq(id))
        .select((Row::as_select(), investments::currency))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(investment_months::month.gt(after));
    }
    let rows: Vec<(Row, Currency)> =
        query.order(investment_months::month).limit(limit).load(tx.connection()).await?;
    Ok(rows.into_iter().map(|(row, currency)| row.month(currency)).collect())
}
