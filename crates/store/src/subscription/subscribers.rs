//! Subscriptions held many at a time: the subscribers of a plan, as migrations go through them, those
//! of customers, and those of invoices.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{CustomerId, InvoiceId, PlanId, PlanVersionId, SubscriptionId};
use domain::subscription::{Migration, State, Subscription};

use super::{Row, with_parts};
use crate::schema::{invoice_lines, subscriptions};
use crate::{Result, Tx};

/// Which subscribers of a plan a migration is about: those that have not ended, or the one that is
/// named, whatever its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscribers {
    /// The plan.
    pub plan_id: PlanId,
    /// Not those on this version.
    pub not_on: PlanVersionId,
    /// Only those on this one.
    pub on: Option<PlanVersionId>,
    /// Only this one.
    pub subscription_id: Option<SubscriptionId>,
}

impl From<&Migration> for Subscribers {
    fn from(migration: &Migration) -> Self {
        Self {
            plan_id: migration.plan_id,
            not_on: migration.version_id,
            on: migration.from_version_id,
            subscription_id: migration.subscription_id,
        }
    }
}

fn query<'a>(tx: &Tx, of: Subscribers) -> subscriptions::BoxedQuery<'a, diesel::pg::Pg> {
    let mut query = subscriptions::table
        .filter(subscriptions::org_id.eq(tx.org()))
        .filter(subscriptions::plan_id.eq(of.plan_id))
        .filter(subscriptions::version_id.ne(of.not_on))
        .into_boxed();
    if let Some(version_id) = of.on {
        query = query.filter(subscriptions::version_id.eq(version_id));
    }
    match of.subscription_id {
        Some(id) => query.filter(subscriptions::id.eq(id)),
        None => query.filter(subscriptions::state.ne(State::Cancelled)),
    }
}

/// How many there are.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn count_subscribers(tx: &mut Tx, of: Subscribers) -> Result<i64> {
    Ok(query(tx, of).count().get_result(tx.connection()).await?)
}

/// Up to `limit` of them after an id, in order.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn subscribers(
    tx: &mut Tx,
    of: Subscribers,
    after: Option<SubscriptionId>,
    limit: i64,
) -> Result<Vec<Subscription>> {
    let mut query = query(tx, of);
    if let Some(after) = after {
        query = query.filter(subscriptions::id.gt(after));
    }
    let rows = query
        .order(subscriptions::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    with_parts(tx, rows).await
}

/// Subscriptions by id, in order, held until the end of the transaction. Lock the billing accounts
/// first.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn lock_many(tx: &mut Tx, ids: &[SubscriptionId]) -> Result<Vec<Subscription>> {
    let rows = subscriptions::table
        .filter(subscriptions::org_id.eq(tx.org()))
        .filter(subscriptions::id.eq_any(ids))
        .order(subscriptions::id)
        .select(Row::as_select())
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    with_parts(tx, rows).await
}

/// The subscriptions of customers that have not ended, by id, held until the end of the transaction.
/// Lock the billing accounts first.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn lock_running(tx: &mut Tx, customers: &[CustomerId]) -> Result<Vec<Subscription>> {
    let rows = subscriptions::table
        .filter(subscriptions::org_id.eq(tx.org()))
        .filter(subscriptions::customer_id.eq_any(customers))
        .filter(subscriptions::state.ne(State::Cancelled))
        .order(subscriptions::id)
        .select(Row::as_select())
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    with_parts(tx, rows).await
}

/// The subscriptions that invoices bill.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn billed_by(tx: &mut Tx, invoices: &[InvoiceId]) -> Result<Vec<SubscriptionId>> {
    let ids: Vec<Option<SubscriptionId>> = invoice_lines::table
        .filter(invoice_lines::org_id.eq(tx.org()))
        .filter(invoice_lines::invoice_id.eq_any(invoices))
        .filter(invoice_lines::subscription_id.is_not_null())
        .distinct()
        .select(invoice_lines::subscription_id)
        .load(tx.connection())
        .await?;
    Ok(ids.into_iter().flatten().collect())
}
