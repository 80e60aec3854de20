//! Payouts, read for people and held.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, PayoutAccountId, PayoutBatchId, PayoutId, SelfBillId};
use domain::money::{Currency, Money};
use domain::payout::{Payout, PayoutState};
use uuid::Uuid;

use crate::schema::payouts;
use crate::{Result, Tx};

/// Which payouts to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this investor.
    pub investor_id: Option<CustomerId>,
    /// Only those that stand so.
    pub state: Option<PayoutState>,
    /// Only those that were last sent with this batch.
    pub batch_id: Option<PayoutBatchId>,
}

/// Which of the ready payouts to take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ready {
    /// Only those of this investor.
    pub investor_id: Option<CustomerId>,
    /// Only those in this currency.
    pub currency: Option<Currency>,
}

/// What is handed to the bank together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Identity.
    pub id: PayoutBatchId,
    /// How many payouts.
    pub count: i32,
    /// What they come to.
    pub total: Money,
    /// When.
    pub sent_on: Date,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = payouts, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: PayoutId,
    investor_id: CustomerId,
    self_bill_id: SelfBillId,
    currency: Currency,
    amount_minor: i64,
    set_off_minor: i64,
    state: PayoutState,
    why: Option<String>,
    approved_by: Option<String>,
    times: i32,
    batch_id: Option<PayoutBatchId>,
    account_id: Option<PayoutAccountId>,
    sent_on: Option<Date>,
    settled_on: Option<Date>,
    bounced_on: Option<Date>,
}

impl From<Row> for Payout {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            investor_id: row.investor_id,
            self_bill_id: row.self_bill_id,
            amount: Money::new(row.amount_minor, row.currency),
            set_off: Money::new(row.set_off_minor, row.currency),
            state: row.state,
            why: row.why,
            approved_by: row.approved_by,
            times: row.times,
            batch_id: row.batch_id,
            account_id: row.account_id,
            sent_on: row.sent_on,
            settled_on: row.settled_on,
            bounced_on: row.bounced_on,
        }
    }
}

/// A payout.
///
/// # Errors
/// [`crate::Error::NotFound`].
pub async fn get(tx: &mut Tx, id: PayoutId) -> Result<Payout> {
    let row: Row = payouts::table
        .filter(payouts::org_id.eq(tx.org()))
        .filter(payouts::id.eq(id))
        .select(Row::as_select())
        .first(tx.connection())
        .await?;
    Ok(row.into())
}

/// A payout, held until the end of the transaction. Its document is held first.
///
/// # Errors
/// [`crate::Error::NotFound`], [`crate::Error::Contention`].
pub async fn lock(tx: &mut Tx, id: PayoutId) -> Result<Payout> {
    let row: Row = payouts::table
        .filter(payouts::org_id.eq(tx.org()))
        .filter(payouts::id.eq(id))
        .select(Row::as_select())
        .for_no_key_update()
        .first(tx.connection())
        .await?;
    Ok(row.into())
}

/// The payout of a document, if there is one, held until the end of the transaction.
///
/// # Errors
/// [`crate::Error::Contention`].
pub async fn lock_of(tx: &mut Tx, document: SelfBillId) -> Result<Option<Payout>> {
    let row: Option<Row> = payouts::table
        .filter(payouts::org_id.eq(tx.org()))
        .filter(payouts::self_bill_id.eq(document))
        .select(Row::as_select())
        .for_no_key_update()
        .first(tx.connection())
        .await
        .optional()?;
    Ok(row.map(Into::into))
}

/// Payouts that are ready, oldest first after an id, held until the end of the transaction. Hold the
/// credits: what another transaction has sent meanwhile is not among them then.
///
/// # Errors
/// [`crate::Error::Contention`].
pub async fn lock_ready(
    tx: &mut Tx,
    which: Ready,
    after: Option<PayoutId>,
    limit: i64,
) -> Result<Vec<Payout>> {
    let any_investor = which.investor_id.is_none().into_sql::<Bool>();
    let of_investor = any_investor.or(payouts::investor_id.nullable().eq(which.investor_id));
    let any_currency = which.currency.is_none().into_sql::<Bool>();
    let in_currency = any_currency.or(payouts::currency.nullable().eq(which.currency));
    let rows: Vec<Row> = payouts::table
        .filter(payouts::org_id.eq(tx.org()))
        .filter(payouts::state.eq(PayoutState::Ready))
        .filter(payouts::id.gt(after.unwrap_or(PayoutId(Uuid::nil()))))
        .filter(of_investor.assume_not_null())
        .filter(in_currency.assume_not_null())
        .select(Row::as_select())
        .order(payouts::id)
        .limit(limit)
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The payouts that went with batches and are on their way, by id: what came back since, and may go to
/// another account, is not among them.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn of_batches(tx: &mut Tx, batches: &[PayoutBatchId]) -> Result<Vec<Payout>> {
    let rows: Vec<Row> = payouts::table
        .filter(payouts::org_id.eq(tx.org()))
        .filter(payouts::batch_id.eq_any(batches))
        .filter(payouts::state.eq(PayoutState::Sent))
        .order(payouts::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Payouts after an id, in order.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: Filter,
    after: Option<PayoutId>,
    limit: i64,
) -> Result<Vec<Payout>> {
    let mut query = payouts::table.filter(payouts::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(payouts::id.gt(after));
    }
    if let Some(investor_id) = filter.investor_id {
        query = query.filter(payouts::investor_id.eq(investor_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(payouts::state.eq(state));
    }
    if let Some(batch_id) = filter.batch_id {
        query = query.filter(payouts::batch_id.eq(batch_id));
    }
    let rows: Vec<Row> = query
        .order(payouts::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
