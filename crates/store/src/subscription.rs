//! Subscriptions with their items, pauses and intents.

mod save;
mod subscribers;

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{
    CustomerId, IntentId, ItemId, MigrationId, PlanId, PlanVersionId, PriceId, SubscriptionId,
};
use domain::money::Currency;
use domain::period::{Alignment, Unit};
use domain::plan::Timing;
use domain::subscription::{
    CancelReason, Cancellation, Grid, Intent, Item, Pause, PauseKind, State, Subscription,
    Suspension,
};
use rust_decimal::Decimal;

pub use self::save::{insert, save, save_billed};
pub use self::subscribers::{
    Subscribers, billed_by, count_subscribers, lock_many, lock_running, subscribers,
};
use crate::plan::interval;
use crate::schema::{
    arrears, subscription_intents, subscription_items, subscription_pauses, subscriptions,
};
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
    turned_on: Date,
    billed_on: Option<Date>,
    changes: i32,
    ends_on: Option<Date>,
    cancel_reason: Option<CancelReason>,
    cancel_note: Option<String>,
    cancel_credit: bool,
    suspended_from: Option<Date>,
    suspension_id: Option<IntentId>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = subscription_items, check_for_backend(diesel::pg::Pg))]
struct ItemRow {
    id: ItemId,
    subscription_id: SubscriptionId,
    price_id: PriceId,
    component: String,
    quantity: Decimal,
    metered: bool,
    anchor_on: Date,
    interval_count: i32,
    interval_unit: Unit,
    timing: Timing,
    from_on: Date,
    until_on: Option<Date>,
    charged_from: Date,
    billed_until: Date,
    forfeited_until: Option<Date>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = subscription_pauses, check_for_backend(diesel::pg::Pg))]
struct PauseRow {
    id: IntentId,
    subscription_id: SubscriptionId,
    from_on: Date,
    until_on: Date,
    note: Option<String>,
    kind: PauseKind,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = subscription_intents, check_for_backend(diesel::pg::Pg))]
struct IntentRow {
    id: IntentId,
    subscription_id: SubscriptionId,
    effective_on: Date,
    terms: serde_json::Value,
    named: Option<serde_json::Value>,
    migration_id: Option<MigrationId>,
}

/// What hangs on subscriptions, in order.
#[derive(Default)]
struct Parts {
    items: HashMap<SubscriptionId, Vec<Item>>,
    pauses: HashMap<SubscriptionId, Vec<Pause>>,
    intents: HashMap<SubscriptionId, Vec<Intent>>,
}

impl ItemRow {
    fn item(self) -> Result<Item> {
        let interval = interval(self.interval_count, self.interval_unit)?;
        Ok(Item {
            id: self.id,
            price_id: self.price_id,
            component: self.component,
            quantity: self.quantity,
            metered: self.metered,
            grid: Grid { anchor_on: self.anchor_on, interval, timing: self.timing },
            from_on: self.from_on,
            until_on: self.until_on,
            charged_from: self.charged_from,
            billed_until: self.billed_until,
            forfeited_until: self.forfeited_until,
        })
    }
}

fn subscription(row: Row, parts: &mut Parts) -> Result<Subscription> {
    let cancellation = row.ends_on.zip(row.cancel_reason).map(|(ends_on, reason)| Cancellation {
        ends_on,
        reason,
        note: row.cancel_note,
        credit: row.cancel_credit,
    });
    let suspension = row.suspended_from.zip(row.suspension_id);
    let suspension = suspension.map(|(from_on, id)| Suspension { id, from_on });
    let interval = interval(row.interval_count, row.interval_unit)?;
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
        grid: Grid { anchor_on: row.anchor_on, interval, timing: row.timing },
        turned_on: row.turned_on,
        billed_on: row.billed_on,
        changes: row.changes,
        cancellation,
        items: parts.items.remove(&row.id).unwrap_or_default(),
        pauses: parts.pauses.remove(&row.id).unwrap_or_default(),
        suspension,
        intents: parts.intents.remove(&row.id).unwrap_or_default(),
    })
}

async fn with_parts(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<Subscription>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<SubscriptionId> = rows.iter().map(|row| row.id).collect();
    let mut parts = Parts::default();
    load_items(tx, &ids, &mut parts).await?;
    load_pauses(tx, &ids, &mut parts).await?;
    load_intents(tx, &ids, &mut parts).await?;
    rows.into_iter().map(|row| subscription(row, &mut parts)).collect()
}

async fn load_items(tx: &mut Tx, ids: &[SubscriptionId], parts: &mut Parts) -> Result<()> {
    let rows = subscription_items::table
        .filter(subscription_items::org_id.eq(tx.org()))
        .filter(subscription_items::subscription_id.eq_any(ids))
        .order((subscription_items::subscription_id, subscription_items::position))
        .select(ItemRow::as_select())
        .load(tx.connection())
        .await?;
    for row in rows {
        let id = row.subscription_id;
        parts.items.entry(id).or_default().push(row.item()?);
    }
    Ok(())
}

async fn load_pauses(tx: &mut Tx, ids: &[SubscriptionId], parts: &mut Parts) -> Result<()> {
    let rows = subscription_pauses::table
        .filter(subscription_pauses::org_id.eq(tx.org()))
        .filter(subscription_pauses::subscription_id.eq_any(ids))
        .order((subscription_pauses::subscription_id, subscription_pauses::from_on))
        .select(PauseRow::as_select())
        .load(tx.connection())
        .await?;
    for PauseRow { id, subscription_id, from_on, until_on, note, kind } in rows {
        let pause = Pause { id, from_on, until_on, note, kind };
        parts.pauses.entry(subscription_id).or_default().push(pause);
    }
    Ok(())
}

async fn load_intents(tx: &mut Tx, ids: &[SubscriptionId], parts: &mut Parts) -> Result<()> {
    let rows = subscription_intents::table
        .filter(subscription_intents::org_id.eq(tx.org()))
        .filter(subscription_intents::subscription_id.eq_any(ids))
        .order((subscription_intents::subscription_id, subscription_intents::position))
        .select(IntentRow::as_select())
        .load(tx.connection())
        .await?;
    for IntentRow { id, subscription_id, effective_on, terms, named, migration_id } in rows {
        let terms = serde_json::from_value(terms).map_err(Error::corrupt)?;
        let named = named.map(serde_json::from_value).transpose().map_err(Error::corrupt)?;
        let intent = Intent { id, on: effective_on, terms, named, migration_id };
        parts.intents.entry(subscription_id).or_default().push(intent);
    }
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
    with_parts(tx, rows).await?.pop().ok_or(Error::NotFound)
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
    with_parts(tx, rows).await?.pop().ok_or(Error::NotFound)
}

/// All subscriptions of a customer, by id.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn of_customer(tx: &mut Tx, customer_id: CustomerId) -> Result<Vec<Subscription>> {
    of_customers(tx, &[customer_id]).await
}

/// All subscriptions of customers, by id.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn of_customers(tx: &mut Tx, customers: &[CustomerId]) -> Result<Vec<Subscription>> {
    let rows = subscriptions::table
        .filter(subscriptions::org_id.eq(tx.org()))
        .filter(subscriptions::customer_id.eq_any(customers))
        .order(subscriptions::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    with_parts(tx, rows).await
}

/// Which subscriptions to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this customer's.
    pub customer_id: Option<CustomerId>,
    /// Only those of this plan.
    pub plan_id: Option<PlanId>,
    /// Only those in this state, as it is shown: running ones of customers whose money is missing are
    /// past due.
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
        let late =
            || arrears::table.filter(arrears::org_id.eq(tx.org())).select(arrears::customer_id);
        query = match state {
            State::PastDue => query
                .filter(subscriptions::state.eq(State::Active))
                .filter(subscriptions::customer_id.eq_any(late())),
            State::Active => query
                .filter(subscriptions::state.eq(state))
                .filter(subscriptions::customer_id.ne_all(late())),
            _ => query.filter(subscriptions::state.eq(state)),
        };
    }
    let rows = query
        .order(subscriptions::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    with_parts(tx, rows).await
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
    with_parts(tx, rows).await
}

/// As [`lock_due`], without holding them: for previews.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn due(tx: &mut Tx, customers: &[CustomerId], on: Date) -> Result<Vec<Subscription>> {
    let rows = due_query(tx, customers, on).load(tx.connection()).await?;
    with_parts(tx, rows).await
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
    with_parts(tx, rows).await
}
