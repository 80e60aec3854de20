//! Discounts of the catalogue and on subscriptions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Date as SqlDate, Integer, Nullable, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::discount::{
    AppliedDiscount, Discount, DiscountOffer, Duration, DurationKind, Reduction, Target,
};
use domain::id::{AppliedDiscountId, DiscountId, ProductId, SubscriptionId};
use domain::money::{Currency, Money};
use rust_decimal::Decimal;

use crate::schema::{discount_products, discounts, subscription_discounts};
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = discounts, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: DiscountId,
    code: String,
    name: String,
    percent: Option<Decimal>,
    amount_minor: Option<i64>,
    currency: Option<Currency>,
    duration: DurationKind,
    periods: Option<i32>,
    components: Vec<String>,
    valid_from: Option<Date>,
    valid_until: Option<Date>,
    retired_on: Option<Date>,
}

impl Row {
    fn discount(&self) -> Result<Discount> {
        let fixed = self.amount_minor.zip(self.currency);
        let reduction = match (self.percent, fixed) {
            (Some(percent), None) => Reduction::Percentage { percent },
            (None, Some((minor, currency))) => {
                Reduction::Fixed { amount: Money::new(minor, currency) }
            }
            _ => return Err(Error::corrupt(format!("reduction of discount {}", self.id))),
        };
        let periods = self.periods.map(u32::try_from).transpose().map_err(Error::corrupt)?;
        let duration = Duration::from_parts(self.duration, periods)
            .ok_or_else(|| Error::corrupt(format!("duration of discount {}", self.id)))?;
        Ok(Discount { reduction, duration })
    }

    fn offer(self, products: Vec<ProductId>) -> Result<DiscountOffer> {
        Ok(DiscountOffer {
            id: self.id,
            discount: self.discount()?,
            code: self.code,
            name: self.name,
            target: Target { products, components: self.components },
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            retired_on: self.retired_on,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = subscription_discounts, check_for_backend(diesel::pg::Pg))]
struct AppliedRow {
    id: AppliedDiscountId,
    subscription_id: SubscriptionId,
    discount_id: DiscountId,
    from_on: Date,
    ended_on: Option<Date>,
    used: i32,
    last_on: Option<Date>,
}

async fn with_products(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<DiscountOffer>> {
    let ids: Vec<DiscountId> = rows.iter().map(|row| row.id).collect();
    let pairs: Vec<(DiscountId, ProductId)> = discount_products::table
        .filter(discount_products::org_id.eq(tx.org()))
        .filter(discount_products::discount_id.eq_any(&ids))
        .order((discount_products::discount_id, discount_products::product_id))
        .select((discount_products::discount_id, discount_products::product_id))
        .load(tx.connection())
        .await?;
    let mut products: HashMap<DiscountId, Vec<ProductId>> = HashMap::new();
    for (discount_id, product_id) in pairs {
        products.entry(discount_id).or_default().push(product_id);
    }
    rows.into_iter()
        .map(|row| {
            let of_row = products.remove(&row.id).unwrap_or_default();
            row.offer(of_row)
        })
        .collect()
}

/// Writes a new discount.
///
/// # Errors
/// [`Error::Exists`] when the id or the code is taken; it names the constraint.
pub async fn insert(tx: &mut Tx, new: &DiscountOffer, created_at: DateTime<Utc>) -> Result<()> {
    let org = tx.org();
    let (percent, amount) = match new.discount.reduction {
        Reduction::Percentage { percent } => (Some(percent), None),
        Reduction::Fixed { amount } => (None, Some(amount)),
    };
    let periods = new.discount.duration.count().map(i32::try_from).transpose();
    let row = (
        discounts::org_id.eq(org),
        discounts::id.eq(new.id),
        discounts::code.eq(&new.code),
        discounts::name.eq(&new.name),
        discounts::percent.eq(percent),
        discounts::amount_minor.eq(amount.map(Money::minor)),
        discounts::currency.eq(amount.map(Money::currency)),
        discounts::duration.eq(new.discount.duration.kind()),
        discounts::periods.eq(periods.map_err(Error::corrupt)?),
        discounts::components.eq(&new.target.components),
        discounts::valid_from.eq(new.valid_from),
        discounts::valid_until.eq(new.valid_until),
        discounts::retired_on.eq(new.retired_on),
        discounts::created_at.eq(created_at),
    );
    diesel::insert_into(discounts::table).values(row).execute(tx.connection()).await?;
    if new.target.products.is_empty() {
        return Ok(());
    }
    let products = new.target.products.iter().map(|product_id| {
        (
            discount_products::org_id.eq(org),
            discount_products::discount_id.eq(new.id),
            discount_products::product_id.eq(product_id),
        )
    });
    diesel::insert_into(discount_products::table)
        .values(products.collect::<Vec<_>>())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Discounts by id, in no order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn offers(tx: &mut Tx, ids: &[DiscountId]) -> Result<Vec<DiscountOffer>> {
    let rows = discounts::table
        .filter(discounts::org_id.eq(tx.org()))
        .filter(discounts::id.eq_any(ids))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    with_products(tx, rows).await
}

/// The discount with a code.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn by_code(tx: &mut Tx, code: &str) -> Result<DiscountOffer> {
    let rows = discounts::table
        .filter(discounts::org_id.eq(tx.org()))
        .filter(discounts::code.eq(code))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    with_products(tx, rows).await?.pop().ok_or(Error::NotFound)
}

/// Discounts after an id, in order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    code: Option<&str>,
    after: Option<DiscountId>,
    limit: i64,
) -> Result<Vec<DiscountOffer>> {
    let mut query = discounts::table.filter(discounts::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(discounts::id.gt(after));
    }
    if let Some(code) = code {
        query = query.filter(discounts::code.eq(code));
    }
    let rows = query
        .order(discounts::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    with_products(tx, rows).await
}

/// Takes a discount out of the offer; one that was taken out before keeps its day.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn retire(tx: &mut Tx, id: DiscountId, on: Date) -> Result<()> {
    let row = discounts::table
        .filter(discounts::org_id.eq(tx.org()))
        .filter(discounts::id.eq(id))
        .filter(discounts::retired_on.is_null());
    diesel::update(row).set(discounts::retired_on.eq(on)).execute(tx.connection()).await?;
    Ok(())
}

/// Puts a discount on a subscription.
///
/// # Errors
/// [`Error::Exists`] when it is there.
pub async fn insert_applied(
    tx: &mut Tx,
    new: &AppliedDiscount,
    created_at: DateTime<Utc>,
) -> Result<()> {
    use subscription_discounts as a;
    let row = (
        a::org_id.eq(tx.org()),
        a::id.eq(new.id),
        a::subscription_id.eq(new.subscription_id),
        a::discount_id.eq(new.offer.id),
        a::from_on.eq(new.from_on),
        a::ended_on.eq(new.ended_on),
        a::used.eq(i32::try_from(new.used).map_err(Error::corrupt)?),
        a::last_on.eq(new.last_on),
        a::created_at.eq(created_at),
    );
    diesel::insert_into(a::table).values(row).execute(tx.connection()).await?;
    Ok(())
}

async fn with_offers(tx: &mut Tx, rows: Vec<AppliedRow>) -> Result<Vec<AppliedDiscount>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<DiscountId> = rows.iter().map(|row| row.discount_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let known: HashMap<DiscountId, DiscountOffer> =
        offers(tx, &ids).await?.into_iter().map(|offer| (offer.id, offer)).collect();
    let applied = |row: AppliedRow| {
        let offer = known.get(&row.discount_id).cloned().ok_or(Error::NotFound)?;
        Ok(AppliedDiscount {
            id: row.id,
            subscription_id: row.subscription_id,
            offer,
            from_on: row.from_on,
            ended_on: row.ended_on,
            used: u32::try_from(row.used).map_err(Error::corrupt)?,
            last_on: row.last_on,
        })
    };
    rows.into_iter().map(applied).collect()
}

/// A discount on a subscription.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn applied(tx: &mut Tx, id: AppliedDiscountId) -> Result<AppliedDiscount> {
    let rows = subscription_discounts::table
        .filter(subscription_discounts::org_id.eq(tx.org()))
        .filter(subscription_discounts::id.eq(id))
        .select(AppliedRow::as_select())
        .load(tx.connection())
        .await?;
    with_offers(tx, rows).await?.pop().ok_or(Error::NotFound)
}

/// All discounts that a subscription has or had, in the order in which they begin.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn all_of(tx: &mut Tx, id: SubscriptionId) -> Result<Vec<AppliedDiscount>> {
    let rows = subscription_discounts::table
        .filter(subscription_discounts::org_id.eq(tx.org()))
        .filter(subscription_discounts::subscription_id.eq(id))
        .order((subscription_discounts::from_on, subscription_discounts::id))
        .select(AppliedRow::as_select())
        .load(tx.connection())
        .await?;
    with_offers(tx, rows).await
}

/// The discounts of subscriptions that a period between two days may have: begun by the last day,
/// not ended by the first; those that are used up only where a period still has them. By
/// subscription, in the order in which they begin, which is the order in which they are taken off.
/// [`AppliedDiscount::has`] decides per period.
/// Whoever bills or changes them holds the subscription's billing account.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn in_force(
    tx: &mut Tx,
    subscriptions: &[SubscriptionId],
    first: Date,
    last: Date,
) -> Result<Vec<AppliedDiscount>> {
    use subscription_discounts as a;
    if subscriptions.is_empty() {
        return Ok(Vec::new());
    }
    let rows = a::table
        .filter(a::org_id.eq(tx.org()))
        .filter(a::subscription_id.eq_any(subscriptions))
        .filter(a::from_on.le(last))
        .filter(a::ended_on.is_null().or(a::ended_on.gt(first)))
        .order((a::subscription_id, a::from_on, a::id))
        .select(AppliedRow::as_select())
        .load(tx.connection())
        .await?;
    let mut found = with_offers(tx, rows).await?;
    found
        .retain(|one| one.last_on.is_some() || one.offer.discount.duration.applies_after(one.used));
    Ok(found)
}

/// Saves in how many billed periods discounts were taken off, in one statement.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn record_uses(tx: &mut Tx, used: &[AppliedDiscount]) -> Result<()> {
    if used.is_empty() {
        return Ok(());
    }
    let counts: Vec<i32> = used
        .iter()
        .map(|one| i32::try_from(one.used).map_err(Error::corrupt))
        .collect::<Result<_>>()?;
    diesel::sql_query(
        "UPDATE subscription_discounts d SET used = u.used, last_on = u.last_on \
         FROM unnest($2, $3, $4) AS u (id, used, last_on) \
         WHERE d.org_id = $1 AND d.id = u.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(used.iter().map(|one| one.id).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(counts)
    .bind::<Array<Nullable<SqlDate>>, _>(used.iter().map(|one| one.last_on).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Ends a discount on a subscription.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn end(tx: &mut Tx, id: AppliedDiscountId, on: Date) -> Result<()> {
    let row = subscription_discounts::table
        .filter(subscription_discounts::org_id.eq(tx.org()))
        .filter(subscription_discounts::id.eq(id));
    diesel::update(row)
        .set(subscription_discounts::ended_on.eq(on))
        .execute(tx.connection())
        .await?;
    Ok(())
}
