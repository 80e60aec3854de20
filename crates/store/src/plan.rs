//! Products, plans, versions and prices.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{FeatureId, MeterId, PlanId, PlanVersionId, PriceId, ProductId};
use domain::money::{Currency, Money};
use domain::period::{Interval, Unit};
use domain::plan::{CancelPolicy, Plan, PlanVersion, Price, Product, RevenueKind, Timing};
use domain::vat::VatCategory;

use crate::schema::{plan_versions, plans, prices, products};
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = products, check_for_backend(diesel::pg::Pg))]
struct ProductRow {
    id: ProductId,
    name: String,
    vat_category: VatCategory,
    revenue: RevenueKind,
    unit_label: Option<String>,
}

impl From<ProductRow> for Product {
    fn from(row: ProductRow) -> Self {
        let ProductRow { id, name, vat_category, revenue, unit_label } = row;
        Self { id, name, vat_category, revenue, unit_label }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = plans, check_for_backend(diesel::pg::Pg))]
struct PlanRow {
    id: PlanId,
    code: String,
    name: String,
    retired_on: Option<Date>,
}

impl From<PlanRow> for Plan {
    fn from(row: PlanRow) -> Self {
        let PlanRow { id, code, name, retired_on } = row;
        Self { id, code, name, retired_on }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = plan_versions, check_for_backend(diesel::pg::Pg))]
struct VersionRow {
    id: PlanVersionId,
    plan_id: PlanId,
    number: i32,
    valid_from: Date,
    interval_count: i32,
    interval_unit: Unit,
    timing: Timing,
    trial_days: i32,
    cancel_policy: CancelPolicy,
    max_pause_months: i32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = prices, check_for_backend(diesel::pg::Pg))]
struct PriceRow {
    id: PriceId,
    version_id: PlanVersionId,
    product_id: ProductId,
    component: String,
    currency: Currency,
    model: serde_json::Value,
    minimum_minor: Option<i64>,
    meter_id: Option<MeterId>,
    feature_id: Option<FeatureId>,
}

pub(crate) fn interval(count: i32, unit: Unit) -> Result<Interval> {
    let count = u32::try_from(count).map_err(Error::corrupt)?;
    Interval::new(count, unit).map_err(Error::corrupt)
}

impl TryFrom<PriceRow> for Price {
    type Error = Error;

    fn try_from(row: PriceRow) -> Result<Self> {
        let model = serde_json::from_value(row.model).map_err(Error::corrupt)?;
        let minimum = row.minimum_minor.map(|minor| Money::new(minor, row.currency));
        let PriceRow { id, product_id, component, currency, meter_id, feature_id, .. } = row;
        Ok(Self { id, product_id, component, currency, model, minimum, meter_id, feature_id })
    }
}

fn version(row: VersionRow, prices: Vec<Price>) -> Result<PlanVersion> {
    Ok(PlanVersion {
        id: row.id,
        plan_id: row.plan_id,
        number: row.number,
        valid_from: row.valid_from,
        interval: interval(row.interval_count, row.interval_unit)?,
        timing: row.timing,
        trial_days: u32::try_from(row.trial_days).map_err(Error::corrupt)?,
        cancel_policy: row.cancel_policy,
        max_pause_months: u32::try_from(row.max_pause_months).map_err(Error::corrupt)?,
        prices,
    })
}

/// Writes a new product.
///
/// # Errors
/// [`Error::Exists`] when the id is taken.
pub async fn insert_product(
    tx: &mut Tx,
    product: &Product,
    created_at: DateTime<Utc>,
) -> Result<()> {
    let row = (
        products::org_id.eq(tx.org()),
        products::id.eq(product.id),
        products::name.eq(&product.name),
        products::vat_category.eq(product.vat_category),
        products::revenue.eq(product.revenue),
        products::unit_label.eq(&product.unit_label),
        products::created_at.eq(created_at),
    );
    diesel::insert_into(products::table).values(row).execute(tx.connection()).await?;
    Ok(())
}

/// The product of the principals of investments, once there is one.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn investment_product(tx: &mut Tx) -> Result<Option<Product>> {
    let row = products::table
        .filter(products::org_id.eq(tx.org()))
        .filter(products::revenue.eq(RevenueKind::Investment))
        .select(ProductRow::as_select())
        .first(tx.connection())
        .await
        .optional()?;
    Ok(row.map(Product::from))
}

/// Writes the product of the principals of investments, unless there is one.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn insert_investment_product(
    tx: &mut Tx,
    product: &Product,
    created_at: DateTime<Utc>,
) -> Result<()> {
    let row = (
        products::org_id.eq(tx.org()),
        products::id.eq(product.id),
        products::name.eq(&product.name),
        products::vat_category.eq(product.vat_category),
        products::revenue.eq(product.revenue),
        products::unit_label.eq(&product.unit_label),
        products::created_at.eq(created_at),
    );
    let insert = diesel::insert_into(products::table).values(row).on_conflict_do_nothing();
    insert.execute(tx.connection()).await?;
    Ok(())
}

/// Many products, in no order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn products(tx: &mut Tx, ids: &[ProductId]) -> Result<Vec<Product>> {
    let rows = products::table
        .filter(products::org_id.eq(tx.org()))
        .filter(products::id.eq_any(ids))
        .select(ProductRow::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Product::from).collect())
}

/// Products after an id, in order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list_products(
    tx: &mut Tx,
    after: Option<ProductId>,
    limit: i64,
) -> Result<Vec<Product>> {
    let mut query = products::table.filter(products::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(products::id.gt(after));
    }
    let rows = query
        .order(products::id)
        .limit(limit)
        .select(ProductRow::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Product::from).collect())
}

/// Writes a new plan.
///
/// # Errors
/// [`Error::Exists`] when the id or the code is taken; it names the constraint.
pub async fn insert(tx: &mut Tx, plan: &Plan, created_at: DateTime<Utc>) -> Result<()> {
    let row = (
        plans::org_id.eq(tx.org()),
        plans::id.eq(plan.id),
        plans::code.eq(&plan.code),
        plans::name.eq(&plan.name),
        plans::created_at.eq(created_at),
    );
    diesel::insert_into(plans::table).values(row).execute(tx.connection()).await?;
    Ok(())
}

/// A plan.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: PlanId) -> Result<Plan> {
    let row = plans::table
        .filter(plans::org_id.eq(tx.org()))
        .filter(plans::id.eq(id))
        .select(PlanRow::as_select())
        .first(tx.connection())
        .await?;
    Ok(row.into())
}

/// As [`get`], and holds the row until the end of the transaction.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: PlanId) -> Result<Plan> {
    let row = plans::table
        .filter(plans::org_id.eq(tx.org()))
        .filter(plans::id.eq(id))
        .select(PlanRow::as_select())
        .for_no_key_update()
        .first(tx.connection())
        .await?;
    Ok(row.into())
}

/// Plans after an id, in order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    code: Option<&str>,
    after: Option<PlanId>,
    limit: i64,
) -> Result<Vec<Plan>> {
    let mut query = plans::table.filter(plans::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(plans::id.gt(after));
    }
    if let Some(code) = code {
        query = query.filter(plans::code.eq(code));
    }
    let rows = query
        .order(plans::id)
        .limit(limit)
        .select(PlanRow::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Plan::from).collect())
}

/// Takes a plan out of the offer.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn retire(tx: &mut Tx, id: PlanId, on: Date) -> Result<()> {
    let row = plans::table.filter(plans::org_id.eq(tx.org())).filter(plans::id.eq(id));
    diesel::update(row).set(plans::retired_on.eq(on)).execute(tx.connection()).await?;
    Ok(())
}

/// Writes a version with its prices.
///
/// # Errors
/// [`Error::Exists`] when an id, the number or the day is taken; it names the constraint.
pub async fn insert_version(
    tx: &mut Tx,
    version: &PlanVersion,
    created_at: DateTime<Utc>,
) -> Result<()> {
    use plan_versions as v;
    let org = tx.org();
    let count = i32::try_from(version.interval.count()).map_err(Error::corrupt)?;
    let trial = i32::try_from(version.trial_days).map_err(Error::corrupt)?;
    let row = (
        v::org_id.eq(org),
        v::id.eq(version.id),
        v::plan_id.eq(version.plan_id),
        v::number.eq(version.number),
        v::valid_from.eq(version.valid_from),
        v::interval_count.eq(count),
        v::interval_unit.eq(version.interval.unit()),
        v::timing.eq(version.timing),
        v::trial_days.eq(trial),
        v::cancel_policy.eq(version.cancel_policy),
        v::max_pause_months.eq(i32::try_from(version.max_pause_months).map_err(Error::corrupt)?),
        v::created_at.eq(created_at),
    );
    diesel::insert_into(v::table).values(row).execute(tx.connection()).await?;
    let mut rows = Vec::with_capacity(version.prices.len());
    for (position, price) in (0_i32..).zip(&version.prices) {
        rows.push((
            prices::org_id.eq(org),
            prices::id.eq(price.id),
            prices::version_id.eq(version.id),
            prices::position.eq(position),
            prices::product_id.eq(price.product_id),
            prices::component.eq(&price.component),
            prices::currency.eq(price.currency),
            prices::model.eq(serde_json::to_value(&price.model).map_err(Error::corrupt)?),
            prices::minimum_minor.eq(price.minimum.map(Money::minor)),
            prices::meter_id.eq(price.meter_id),
            prices::feature_id.eq(price.feature_id),
        ));
    }
    diesel::insert_into(prices::table).values(rows).execute(tx.connection()).await?;
    Ok(())
}

async fn with_prices(tx: &mut Tx, rows: Vec<VersionRow>) -> Result<Vec<PlanVersion>> {
    let ids: Vec<PlanVersionId> = rows.iter().map(|row| row.id).collect();
    let mut found: Vec<(PlanVersionId, Price)> = Vec::new();
    let price_rows = prices::table
        .filter(prices::org_id.eq(tx.org()))
        .filter(prices::version_id.eq_any(&ids))
        .order((prices::version_id, prices::position))
        .select(PriceRow::as_select())
        .load(tx.connection())
        .await?;
    for row in price_rows {
        found.push((row.version_id, row.try_into()?));
    }
    rows.into_iter()
        .map(|row| {
            let of_row = found.iter().filter(|(version_id, _)| *version_id == row.id);
            let prices = of_row.map(|(_, price)| price.clone()).collect();
            version(row, prices)
        })
        .collect()
}

/// The versions of plans, by plan and number.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn versions(tx: &mut Tx, plan_ids: &[PlanId]) -> Result<Vec<PlanVersion>> {
    let rows = plan_versions::table
        .filter(plan_versions::org_id.eq(tx.org()))
        .filter(plan_versions::plan_id.eq_any(plan_ids))
        .order((plan_versions::plan_id, plan_versions::number))
        .select(VersionRow::as_select())
        .load(tx.connection())
        .await?;
    with_prices(tx, rows).await
}

/// Prices by id, in no order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn prices(tx: &mut Tx, ids: &[PriceId]) -> Result<Vec<Price>> {
    let rows = prices::table
        .filter(prices::org_id.eq(tx.org()))
        .filter(prices::id.eq_any(ids))
        .select(PriceRow::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(Price::try_from).collect()
}
