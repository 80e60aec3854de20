//! Subscriptions and their items.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Date as SqlDate, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, ItemId, PlanId, PlanVersionId, PriceId, SubscriptionId};
use domain::money::Currency;
use domain::period::{Alignment, Unit};
use domain::plan::Timing;
use domain::subscription::{CancelReason, Cancellation, Item, State, Subscription};
use rust_decimal::Decimal;

use crate::plan::interval;
use crate::schema::{subscription_items, subscriptions};
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = subscriptions, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: SubscriptionId,
    customer_id: CustomerId,
    plan_id: PlanId,
    version_id: PlanVersionId,
    state: State,
    currency: Currency,
    start_on: Date,
    trial_ends_on: Option<Date>,
    alignment: Alignment,
    anchor_on: Date,
    interval_count: i32,
    interval_unit: Unit,
    timing: Timing,
    billed_until: Date,
    ends_on: Option<Date>,
    cancel_reason: Option<CancelReason>,
    cancel_note: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = subscription_items, check_for_backend(diesel::pg::Pg))]
struct ItemRow {
    id: ItemId,
    subscription_id: SubscriptionId,
    price_id: PriceId,
    component: String,
    quantity: Decimal,
}

fn subscription(row: Row, items: Vec<Item>) -> Result<Subscription> {
    let cancellation = row.ends_on.zip(row.cancel_reason).map(|(ends_on, reason)| Cancellation {
        ends_on,
        reason,
        note: row.cancel_note,
    });
    Ok(Subscription {
        id: row.id,
        customer_id: row.customer_id,
        plan_id: row.plan_id,
        version_id: row.version_id,
        state: row.state,
        currency: row.currency,
        start_on: row.start_on,
        trial_ends_on: row.trial_ends_on,
        alignment: row.alignment,
        anchor_on: row.anchor_on,
        interval: interval(row.interval_count, row.interval_unit)?,
        timing: row.timing,
        billed_until: row.billed_until,
        cancellation,
        items,
    })
}

async fn with_items(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<Subscription>> {
    let ids: Vec<SubscriptionId> = rows.iter().map(|row| row.id).collect();
    let item_rows = subscription_items::table
        .filter(subscription_items::org_id.eq(tx.org()))
        .filter(subscription_items::subscription_id.eq_any(&ids))
        .order((subscription_items::subscription_id, subscription_items::position))
        .select(ItemRow::as_select())
        .load(tx.connection())
        .await?;
    let mut items: HashMap<SubscriptionId, Vec<Item>> = HashMap::with_capacity(rows.len());
    for ItemRow { id, subscription_id, price_id, component, quantity } in item_rows {
        let item = Item { id, price_id, component, quantity };
        items.entry(subscription_id).or_default().push(item);
    }
    rows.into_iter()
        .map(|row| {
            let of_row = items.remove(&row.id).unwrap_or_default();
            subscription(row, of_row)
        })
        .collect()
}

/// Writes a new subscription with its items.
///
/// # Errors
/// [`Error::Exists`] when an id is taken.
pub async fn insert(tx: &mut Tx, new: &Subscription, created_at: DateTime<Utc>) -> Result<()> {
    use subscriptions as s;
    let org = tx.org();
    let count = i32::try_from(new.interval.count()).map_err(Error::corrupt)?;
    let cancellation = new.cancellation.as_ref();
    let row = (
        s::org_id.eq(org),
        s::id.eq(new.id),
        s::customer_id.eq(new.customer_id),
        s::plan_id.eq(new.plan_id),
        s::version_id.eq(new.version_id),
        s::state.eq(new.state),
        s::currency.eq(new.currency),
        s::start_on.eq(new.start_on),
        s::trial_ends_on.eq(new.trial_ends_on),
        s::alignment.eq(new.alignment),
        s::anchor_on.eq(new.anchor_on),
        s::interval_count.eq(count),
        s::interval_unit.eq(new.interval.unit()),
        s::timing.eq(new.timing),
        s::billed_until.eq(new.billed_until),
        s::ends_on.eq(new.ends_on()),
        s::cancel_reason.eq(cancellation.map(|cancellation| cancellation.reason)),
        s::cancel_note.eq(cancellation.and_then(|cancellation| cancellation.note.as_ref())),
        s::next_billing_on.eq(new.next_due().map(|due| due.billing_on)),
        s::next_turn_on.eq(new.next_turn_on()),
        s::created_at.eq(created_at),
    );
    diesel::insert_into(s::table).values(row).execute(tx.connection()).await?;
    let rows: Vec<_> = (0_i32..)
        .zip(&new.items)
        .map(|(position, item)| {
            (
                subscription_items::org_id.eq(org),
                subscription_items::id.eq(item.id),
                subscription_items::subscription_id.eq(new.id),
                subscription_items::position.eq(position),
                subscription_items::price_id.eq(item.price_id),
                subscription_items::component.eq(&item.component),
                subscription_items::quantity.eq(item.quantity),
            )
        })
        .collect();
    diesel::insert_into(subscription_items::table).values(rows).execute(tx.connection()).await?;
    Ok(())
}

/// Saves what changes in a subscription's life, for any number of subscriptions in one statement.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn save(tx: &mut Tx, changed: &[Subscription]) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Subscription) -> Option<Date>| changed.iter().map(of).collect::<Vec<_>>();
    let reason = |one: &Subscription| one.cancellation.as_ref().map(|c| c.reason.as_str());
    let note = |one: &Subscription| one.cancellation.as_ref().and_then(|c| c.note.clone());
    diesel::sql_query(
        "UPDATE subscriptions s SET state = u.state, billed_until = u.billed_until, \
         ends_on = u.ends_on, cancel_reason = u.cancel_reason, cancel_note = u.cancel_note, \
         next_billing_on = u.next_billing_on, next_turn_on = u.next_turn_on \
         FROM unnest($2, $3, $4, $5, $6, $7, $8, $9) \
         AS u (id, state, billed_until, ends_on, cancel_reason, cancel_note, next_billing_on, next_turn_on) \
         WHERE s.org_id = $1 AND s.id = u.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(changed.iter().map(|one| one.id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(changed.iter().map(|one| one.state.as_str()).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(changed.iter().map(|one| one.billed_until).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlDate>>, _>(column(|one| one.ends_on()))
    .bind::<Array<Nullable<Text>>, _>(changed.iter().map(reason).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(changed.iter().map(note).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlDate>>, _>(column(|one| one.next_due().map(|due| due.billing_on)))
    .bind::<Array<Nullable<SqlDate>>, _>(column(|one| one.next_turn_on()))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A subscription.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: SubscriptionId) -> Result<Subscription> {
    let rows = subscriptions::table
        .filter(subscriptions::org_id.eq(tx.org()))
        .filter(subscriptions::id.eq(id))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    with_items(tx, rows).await?.pop().ok_or(Error::NotFound)
}

/// As [`get`], and holds the row until the end of the transaction. Lock the billing account first.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: SubscriptionId) -> Result<Subscription> {
    let rows = subscriptions::table
        .filter(subscriptions::org_id.eq(tx.org()))
        .filter(subscriptions::id.eq(id))
        .select(Row::as_select())
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    with_items(tx, rows).await?.pop().ok_or(Error::NotFound)
}

/// Which subscriptions to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this customer's.
    pub customer_id: Option<CustomerId>,
    /// Only those of this plan.
    pub plan_id: Option<PlanId>,
    /// Only those in this state.
    pub state: Option<State>,
}

/// Subscriptions after an id, in order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<SubscriptionId>,
    limit: i64,
) -> Result<Vec<Subscription>> {
    let mut query = subscriptions::table.filter(subscriptions::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(subscriptions::id.gt(after));
    }
    if let Some(customer_id) = filter.customer_id {
        query = query.filter(subscriptions::customer_id.eq(customer_id));
    }
    if let Some(plan_id) = filter.plan_id {
        query = query.filter(subscriptions::plan_id.eq(plan_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(subscriptions::state.eq(state));
    }
    let rows = query
        .order(subscriptions::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    with_items(tx, rows).await
}

/// The subscriptions of customers that are to be billed on or before a day, by customer and id,
/// held until the end of the transaction. Lock the billing accounts first.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn lock_due(
    tx: &mut Tx,
    customers: &[CustomerId],
    on: Date,
) -> Result<Vec<Subscription>> {
    let rows = due_query(tx, customers, on).for_no_key_update().load(tx.connection()).await?;
    with_items(tx, rows).await
}

/// As [`lock_due`], without holding them: for previews.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn due(tx: &mut Tx, customers: &[CustomerId], on: Date) -> Result<Vec<Subscription>> {
    let rows = due_query(tx, customers, on).load(tx.connection()).await?;
    with_items(tx, rows).await
}

#[diesel::dsl::auto_type(no_type_alias)]
fn due_query<'a>(tx: &Tx, customers: &'a [CustomerId], on: Date) -> _ {
    let org: domain::id::OrgId = tx.org();
    let row: diesel::dsl::AsSelect<Row, diesel::pg::Pg> = Row::as_select();
    subscriptions::table
        .filter(subscriptions::org_id.eq(org))
        .filter(subscriptions::customer_id.eq_any(customers))
        .filter(subscriptions::next_billing_on.le(on))
        .order((subscriptions::customer_id, subscriptions::id))
        .select(row)
}

/// Whether a subscription's state changes by itself on or before a day.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn turn_is_due(tx: &mut Tx, on: Date) -> Result<bool> {
    let due = subscriptions::table
        .filter(subscriptions::org_id.eq(tx.org()))
        .filter(subscriptions::next_turn_on.le(on));
    Ok(diesel::select(diesel::dsl::exists(due)).get_result(tx.connection()).await?)
}

/// Up to `limit` subscriptions whose state changes by itself on or before a day, held until the
/// end of the transaction; those that others hold are left to them.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn lock_turning(tx: &mut Tx, on: Date, limit: i64) -> Result<Vec<Subscription>> {
    let rows = subscriptions::table
        .filter(subscriptions::org_id.eq(tx.org()))
        .filter(subscriptions::next_turn_on.le(on))
        .order((subscriptions::next_turn_on, subscriptions::id))
        .limit(limit)
        .select(Row::as_select())
        .for_no_key_update()
        .skip_locked()
        .load(tx.connection())
        .await?;
    with_items(tx, rows).await
}
