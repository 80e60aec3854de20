//! Refunds that gateways carry out: committed before the call, read back when they answer.
//!
//! Invariants: whoever writes one holds the billing account of its customer and currency; what is
//! set apart of the balance is the sum of those that are open.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::id::{AttemptId, CustomerId, PaymentId};
use domain::money::{Currency, Money};
use domain::payment::refund::{Refund, RefundState};

use crate::billing::Account;
use crate::schema::payment_refunds::{self, dsl};
use crate::{Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = payment_refunds, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: PaymentId,
    payment_id: PaymentId,
    attempt_id: AttemptId,
    customer_id: CustomerId,
    currency: Currency,
    amount_minor: i64,
    state: RefundState,
    note: Option<String>,
    reference: Option<String>,
    raw_code: Option<String>,
    submitted_at: DateTime<Utc>,
    ask_at: Option<DateTime<Utc>>,
    asked: i32,
}

impl From<Row> for Refund {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            payment_id: row.payment_id,
            attempt_id: row.attempt_id,
            customer_id: row.customer_id,
            amount: Money::new(row.amount_minor, row.currency),
            state: row.state,
            note: row.note,
            reference: row.reference,
            raw_code: row.raw_code,
            submitted_at: row.submitted_at,
            ask_at: row.ask_at,
            asked: row.asked,
        }
    }
}

/// Writes a refund that is about to be sent, and sets its amount apart from the balance.
///
/// # Errors
/// [`crate::Error::Rejected`] when the balance does not hold it.
pub async fn insert_refund(tx: &mut Tx, new: &Refund) -> Result<()> {
    let row = (
        dsl::org_id.eq(tx.org()),
        dsl::id.eq(new.id),
        dsl::payment_id.eq(new.payment_id),
        dsl::attempt_id.eq(new.attempt_id),
        dsl::customer_id.eq(new.customer_id),
        dsl::currency.eq(new.amount.currency()),
        dsl::amount_minor.eq(new.amount.minor()),
        dsl::state.eq(new.state),
        dsl::note.eq(&new.note),
        dsl::submitted_at.eq(new.submitted_at),
        dsl::ask_at.eq(new.ask_at),
        dsl::asked.eq(new.asked),
    );
    diesel::insert_into(dsl::payment_refunds).values(row).execute(tx.connection()).await?;
    let account = Account { customer_id: new.customer_id, currency: new.amount.currency() };
    set_apart(tx, &[(account, new.amount.minor())]).await
}

/// Sets amounts apart from balances; negative ones are no longer apart.
async fn set_apart(tx: &mut Tx, moved: &[(Account, i64)]) -> Result<()> {
    if moved.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE billing_accounts a SET refunding_minor = a.refunding_minor + m.amount_minor \
         FROM (SELECT u.customer_id, u.currency, sum(u.amount_minor)::bigint AS amount_minor \
               FROM unnest($2, $3, $4) AS u (customer_id, currency, amount_minor) \
               GROUP BY u.customer_id, u.currency) m \
         WHERE a.org_id = $1 AND a.customer_id = m.customer_id AND a.currency = m.currency",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(moved.iter().map(|(of, _)| of.customer_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(moved.iter().map(|(of, _)| of.currency).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(moved.iter().map(|(_, minor)| *minor).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Saves what answers made of refunds. `ended` are those whose amount is no longer set apart.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save_refunds(
    tx: &mut Tx,
    changed: &[Refund],
    ended: &[(Account, Money)],
    answered_at: DateTime<Utc>,
) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE payment_refunds r SET answered_at = $2, state = u.state, \
         reference = coalesce(u.reference, r.reference), raw_code = u.raw_code, \
         ask_at = u.ask_at, asked = u.asked \
         FROM unnest($3, $4, $5, $6, $7, $8) \
         AS u (id, state, reference, raw_code, ask_at, asked) \
         WHERE r.org_id = $1 AND r.id = u.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(answered_at)
    .bind::<Array<SqlUuid>, _>(each(changed, |one| one.id))
    .bind::<Array<Text>, _>(each(changed, |one| one.state))
    .bind::<Array<Nullable<Text>>, _>(each(changed, |one| one.reference.clone()))
    .bind::<Array<Nullable<Text>>, _>(each(changed, |one| one.raw_code.clone()))
    .bind::<Array<Nullable<Timestamptz>>, _>(each(changed, |one| one.ask_at))
    .bind::<Array<Integer>, _>(each(changed, |one| one.asked))
    .execute(tx.connection())
    .await?;
    let ended: Vec<(Account, i64)> =
        ended.iter().map(|(account, amount)| (*account, -amount.minor())).collect();
    set_apart(tx, &ended).await
}

fn each<T>(refunds: &[Refund], of: impl Fn(&Refund) -> T) -> Vec<T> {
    refunds.iter().map(of).collect()
}

/// Refunds by their ids, in the order of the ids; those that do not exist are left out.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn get_refunds(tx: &mut Tx, ids: &[PaymentId]) -> Result<Vec<Refund>> {
    let rows: Vec<Row> = dsl::payment_refunds
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq_any(ids))
        .order(dsl::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Refund::from).collect())
}

/// Which refunds, in lists.
#[derive(Debug, Clone, Copy, Default)]
pub struct RefundFilter {
    /// Only to this customer.
    pub customer_id: Option<CustomerId>,
    /// Only of what this payment collected.
    pub payment_id: Option<PaymentId>,
    /// Only in this state.
    pub state: Option<RefundState>,
}

/// A page of refunds after an id, in the order of their ids.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list_refunds(
    tx: &mut Tx,
    filter: RefundFilter,
    after: Option<PaymentId>,
    limit: i64,
) -> Result<Vec<Refund>> {
    let mut query = dsl::payment_refunds
        .filter(dsl::org_id.eq(tx.org()))
        .order(dsl::id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(customer) = filter.customer_id {
        query = query.filter(dsl::customer_id.eq(customer));
    }
    if let Some(payment) = filter.payment_id {
        query = query.filter(dsl::payment_id.eq(payment));
    }
    if let Some(state) = filter.state {
        query = query.filter(dsl::state.eq(state));
    }
    if let Some(after) = after {
        query = query.filter(dsl::id.gt(after));
    }
    let rows: Vec<Row> = query.load(tx.connection()).await?;
    Ok(rows.into_iter().map(Refund::from).collect())
}

/// What of a payment goes back or went back by its way, in minor units: without what did not arrive.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn refunded_of(tx: &mut Tx, payment: PaymentId) -> Result<i64> {
    let sent: Vec<(PaymentId, i64)> = dsl::payment_refunds
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::payment_id.eq(payment))
        .filter(dsl::state.ne(RefundState::Declined))
        .select((dsl::id, dsl::amount_minor))
        .load(tx.connection())
        .await?;
    let ids: Vec<PaymentId> = sent.iter().map(|(id, _)| *id).collect();
    let returned = super::read::returned(tx, &ids).await?;
    // Never more than the payment.
    Ok(sent.iter().filter(|(id, _)| !returned.contains(id)).map(|(_, minor)| minor).sum())
}

/// Refunds about which the gateway is to be asked now, the longest waiting first.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn refunds_to_ask(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<Vec<Refund>> {
    let rows: Vec<Row> = dsl::payment_refunds
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::ask_at.le(now))
        .order((dsl::ask_at, dsl::id))
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Refund::from).collect())
}

/// Whether the gateway is to be asked about any refund now.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn is_refund_to_ask(tx: &mut Tx, now: DateTime<Utc>) -> Result<bool> {
    let due = dsl::payment_refunds.filter(dsl::org_id.eq(tx.org())).filter(dsl::ask_at.le(now));
    Ok(diesel::select(diesel::dsl::exists(due)).get_result(tx.connection()).await?)
}

/// How many refunds are not at their end, by where they stand: `lost` are those of which nobody
/// knows and about which nobody is asked any more.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn open_refunds(tx: &mut Tx) -> Result<Vec<(String, i64)>> {
    let rows: Vec<OpenRow> = diesel::sql_query(
        "SELECT CASE WHEN r.state = 'unknown' AND r.ask_at IS NULL THEN 'lost' ELSE r.state END \
             AS state, count(*) AS refunds \
         FROM payment_refunds r \
         WHERE r.org_id = $1 AND r.state IN ('submitting', 'accepted', 'unknown') GROUP BY 1",
    )
    .bind::<SqlUuid, _>(tx.org())
    .load(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.refunds)).collect())
}

#[derive(QueryableByName)]
struct OpenRow {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    refunds: i64,
}
