//! Attempts to collect: committed before a gateway is called, read back when it answers.
//!
//! Invariants: whoever writes one holds the billing account of its customer and currency. At most
//! one attempt of an invoice is open, by an index.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::failure::{self, FailureClass};
use domain::id::{AttemptId, CustomerId, InvoiceId, PaymentMethodId};
use domain::money::{Currency, Money};
use domain::payment::Scheme;
use domain::payment::attempt::{Attempt, AttemptState};

use crate::schema::payment_attempts::{self, dsl};
use crate::{Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = payment_attempts, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: AttemptId,
    invoice_id: InvoiceId,
    customer_id: CustomerId,
    number: i32,
    method_id: PaymentMethodId,
    scheme: Scheme,
    currency: Currency,
    amount_minor: i64,
    state: AttemptState,
    in_transit: bool,
    reference: Option<String>,
    raw_code: Option<String>,
    class: Option<FailureClass>,
    submitted_at: DateTime<Utc>,
    ask_at: Option<DateTime<Utc>>,
    asked: i32,
    withdrawn_at: Option<DateTime<Utc>>,
}

impl From<Row> for Attempt {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            invoice_id: row.invoice_id,
            customer_id: row.customer_id,
            number: row.number,
            method_id: row.method_id,
            scheme: row.scheme,
            amount: Money::new(row.amount_minor, row.currency),
            state: row.state,
            in_transit: row.in_transit,
            reference: row.reference,
            raw_code: row.raw_code,
            class: row.class,
            submitted_at: row.submitted_at,
            ask_at: row.ask_at,
            asked: row.asked,
            withdrawn_at: row.withdrawn_at,
        }
    }
}

fn each<T>(attempts: &[Attempt], of: impl Fn(&Attempt) -> T) -> Vec<T> {
    attempts.iter().map(of).collect()
}

/// Writes new attempts, which are about to be sent by this worker.
///
/// # Errors
/// [`crate::Error::Exists`] when another attempt of an invoice is open.
pub async fn insert(tx: &mut Tx, new: &[Attempt], worker: &str) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "INSERT INTO payment_attempts (org_id, state, worker, in_transit, asked, id, invoice_id, \
         customer_id, number, method_id, scheme, currency, amount_minor, submitted_at, ask_at) \
         SELECT $1, $2, $3, false, 0, u.* \
         FROM unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Text, _>(AttemptState::Submitting)
    .bind::<Text, _>(worker)
    .bind::<Array<SqlUuid>, _>(each(new, |one| one.id))
    .bind::<Array<SqlUuid>, _>(each(new, |one| one.invoice_id))
    .bind::<Array<SqlUuid>, _>(each(new, |one| one.customer_id))
    .bind::<Array<Integer>, _>(each(new, |one| one.number))
    .bind::<Array<SqlUuid>, _>(each(new, |one| one.method_id))
    .bind::<Array<Text>, _>(each(new, |one| one.scheme))
    .bind::<Array<Text>, _>(each(new, |one| one.amount.currency()))
    .bind::<Array<BigInt>, _>(each(new, |one| one.amount.minor()))
    .bind::<Array<Timestamptz>, _>(each(new, |one| one.submitted_at))
    .bind::<Array<Nullable<Timestamptz>>, _>(each(new, |one| one.ask_at))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Saves what answers made of attempts.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save(tx: &mut Tx, changed: &[Attempt], answered_at: DateTime<Utc>) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE payment_attempts a SET answered_at = $2, state = u.state, \
         in_transit = u.in_transit, reference = coalesce(u.reference, a.reference), \
         raw_code = u.raw_code, class = u.class, \
         reasons_version = CASE WHEN u.class IS NOT NULL THEN coalesce(a.reasons_version, $3) END, \
         ask_at = u.ask_at, asked = u.asked \
         FROM unnest($4, $5, $6, $7, $8, $9, $10, $11) \
         AS u (id, state, in_transit, reference, raw_code, class, ask_at, asked) \
         WHERE a.org_id = $1 AND a.id = u.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(answered_at)
    .bind::<Integer, _>(failure::VERSION.cast_signed())
    .bind::<Array<SqlUuid>, _>(each(changed, |one| one.id))
    .bind::<Array<Text>, _>(each(changed, |one| one.state))
    .bind::<Array<Bool>, _>(each(changed, |one| one.in_transit))
    .bind::<Array<Nullable<Text>>, _>(each(changed, |one| one.reference.clone()))
    .bind::<Array<Nullable<Text>>, _>(each(changed, |one| one.raw_code.clone()))
    .bind::<Array<Nullable<Text>>, _>(each(changed, |one| one.class))
    .bind::<Array<Nullable<Timestamptz>>, _>(each(changed, |one| one.ask_at))
    .bind::<Array<Integer>, _>(each(changed, |one| one.asked))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Decides that attempts under way are asked back: the gateway is asked for it at the next look. One
/// that may be on its way to the gateway is not overtaken: it keeps its time.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn withdraw(tx: &mut Tx, ids: &[AttemptId], at: DateTime<Utc>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    diesel::update(dsl::payment_attempts)
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq_any(ids))
        .filter(dsl::withdrawn_at.is_null())
        .filter(dsl::state.ne(AttemptState::Submitting))
        .set((dsl::withdrawn_at.eq(at), dsl::ask_at.eq(at)))
        .execute(tx.connection())
        .await?;
    diesel::update(dsl::payment_attempts)
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq_any(ids))
        .filter(dsl::withdrawn_at.is_null())
        .filter(dsl::state.eq(AttemptState::Submitting))
        .set(dsl::withdrawn_at.eq(at))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Attempts by their ids, in the order of the ids; those that do not exist are left out.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn get_many(tx: &mut Tx, ids: &[AttemptId]) -> Result<Vec<Attempt>> {
    let rows: Vec<Row> = dsl::payment_attempts
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq_any(ids))
        .order(dsl::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Attempt::from).collect())
}

/// The attempts of invoices that may still bring money by themselves.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn open_of(tx: &mut Tx, invoices: &[InvoiceId]) -> Result<Vec<Attempt>> {
    let open = AttemptState::ALL.iter().copied().filter(|state| state.is_open());
    let rows: Vec<Row> = dsl::payment_attempts
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::invoice_id.eq_any(invoices))
        .filter(dsl::state.eq_any(open.collect::<Vec<_>>()))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Attempt::from).collect())
}

/// Which attempts, in lists.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only of this invoice.
    pub invoice_id: Option<InvoiceId>,
    /// Only of this customer.
    pub customer_id: Option<CustomerId>,
    /// Only in this state.
    pub state: Option<AttemptState>,
}

/// A page of attempts after an id, in the order of their ids.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: Filter,
    after: Option<AttemptId>,
    limit: i64,
) -> Result<Vec<Attempt>> {
    let mut query = dsl::payment_attempts
        .filter(dsl::org_id.eq(tx.org()))
        .order(dsl::id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(invoice) = filter.invoice_id {
        query = query.filter(dsl::invoice_id.eq(invoice));
    }
    if let Some(customer) = filter.customer_id {
        query = query.filter(dsl::customer_id.eq(customer));
    }
    if let Some(state) = filter.state {
        query = query.filter(dsl::state.eq(state));
    }
    if let Some(after) = after {
        query = query.filter(dsl::id.gt(after));
    }
    let rows: Vec<Row> = query.load(tx.connection()).await?;
    Ok(rows.into_iter().map(Attempt::from).collect())
}

/// Attempts about which the gateway is to be asked now, the longest waiting first.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn to_ask(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<Vec<Attempt>> {
    let rows: Vec<Row> = dsl::payment_attempts
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::ask_at.le(now))
        .order((dsl::ask_at, dsl::id))
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Attempt::from).collect())
}

/// Whether the gateway is to be asked about any attempt now.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn is_to_ask(tx: &mut Tx, now: DateTime<Utc>) -> Result<bool> {
    let due = dsl::payment_attempts.filter(dsl::org_id.eq(tx.org())).filter(dsl::ask_at.le(now));
    Ok(diesel::select(diesel::dsl::exists(due)).get_result(tx.connection()).await?)
}

/// The workers that are sending attempts of these invoices, or were when they were last heard of.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn workers(tx: &mut Tx, invoices: &[InvoiceId]) -> Result<HashMap<InvoiceId, String>> {
    let rows: Vec<(InvoiceId, Option<String>)> = dsl::payment_attempts
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::invoice_id.eq_any(invoices))
        .filter(dsl::state.eq(AttemptState::Submitting))
        .select((dsl::invoice_id, dsl::worker))
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().filter_map(|(invoice, worker)| Some((invoice, worker?))).collect())
}
