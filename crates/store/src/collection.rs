//! Collections: the retry queue, one row per invoice that is to be paid.
//!
//! Invariants: whoever writes one holds the billing account of its customer and currency. A fixed
//! number of statements for any number of rows.

mod depth;
mod owed;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Date as SqlDate, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::collection::{Collection, CollectionState, Extra, Hold, Next, NextAction};
use domain::date::Date;
use domain::dunning::{Action, StepKey};
use domain::failure::FailureClass;
use domain::id::{CustomerId, DunningPolicyId, InvoiceId};
use domain::money::{Currency, Money};
use domain::payment::Scheme;
use domain::period::Period;
use domain::subscription::PauseKind;

use crate::billing::Account;
use crate::schema::{
    collection_steps, collections, document_numbers, invoice_lines, invoices, subscription_pauses,
};
use crate::{Error, Result, Tx};

pub use self::depth::{Depth, depth};
pub use self::owed::{look_again, owed};

#[derive(Queryable, Selectable)]
#[diesel(table_name = collections, check_for_backend(diesel::pg::Pg))]
struct Row {
    invoice_id: InvoiceId,
    customer_id: CustomerId,
    currency: Currency,
    due_on: Date,
    state: CollectionState,
    scheme: Option<Scheme>,
    policy_id: Option<DunningPolicyId>,
    day_zero: Option<Date>,
    class: Option<FailureClass>,
    raw_code: Option<String>,
    attempts: i32,
    not_sent: i32,
    last_attempt_on: Option<Date>,
    extra: Option<Extra>,
    next_at: Option<DateTime<Utc>>,
    next_action: Option<NextAction>,
    why: String,
    held_by: Option<String>,
    held_until: Option<Date>,
    overdue_told: Option<Date>,
    overdue_on: Option<Date>,
    below_minimum: bool,
}

impl From<Row> for Collection {
    fn from(row: Row) -> Self {
        Self {
            invoice_id: row.invoice_id,
            customer_id: row.customer_id,
            currency: row.currency,
            due_on: row.due_on,
            state: row.state,
            scheme: row.scheme,
            policy_id: row.policy_id,
            day_zero: row.day_zero,
            failure: row.class.zip(row.raw_code),
            attempts: row.attempts,
            not_sent: row.not_sent,
            last_attempt_on: row.last_attempt_on,
            extra: row.extra,
            next: row.next_at.zip(row.next_action).map(|(at, action)| Next { at, action }),
            why: row.why,
            hold: row.held_by.map(|by| Hold { by, until: row.held_until }),
            overdue_on: row.overdue_on,
            below_minimum: row.below_minimum,
        }
    }
}

/// A collection with what its invoice says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// The collection.
    pub collection: Collection,
    /// The number of its invoice.
    pub number: String,
    /// What is still to be paid.
    pub open: Money,
    /// The day zero from which it was told to be overdue.
    pub overdue_told: Option<Date>,
    /// The worker that sends its attempt, where somebody who shows it has asked for it
    /// ([`crate::attempt::workers`]).
    pub worker: Option<String>,
}

fn each<T>(collections: &[Collection], of: impl Fn(&Collection) -> T) -> Vec<T> {
    collections.iter().map(of).collect()
}

/// Writes the collections of invoices that were just finalized.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn insert(tx: &mut Tx, new: &[Collection], changed_at: DateTime<Utc>) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "INSERT INTO collections (org_id, changed_at, attempts, not_sent, invoice_id, customer_id, \
         currency, due_on, state, policy_id, next_at, next_action, why) \
         SELECT $1, $2, 0, 0, u.* FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(changed_at)
    .bind::<Array<SqlUuid>, _>(each(new, |one| one.invoice_id))
    .bind::<Array<SqlUuid>, _>(each(new, |one| one.customer_id))
    .bind::<Array<Text>, _>(each(new, |one| one.currency))
    .bind::<Array<SqlDate>, _>(each(new, |one| one.due_on))
    .bind::<Array<Text>, _>(each(new, |one| one.state))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(new, |one| one.policy_id))
    .bind::<Array<Nullable<Timestamptz>>, _>(each(new, |one| one.next.map(|next| next.at)))
    .bind::<Array<Nullable<Text>>, _>(each(new, |one| one.next.map(|next| next.action)))
    .bind::<Array<Text>, _>(each(new, |one| one.why.clone()))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Saves everything that may change in collections.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save(tx: &mut Tx, changed: &[Collection], changed_at: DateTime<Utc>) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let hold = |one: &Collection| one.hold.clone();
    diesel::sql_query(
        "UPDATE collections c SET changed_at = $2, state = u.state, scheme = u.scheme, \
         policy_id = u.policy_id, day_zero = u.day_zero, class = u.class, raw_code = u.raw_code, \
         attempts = u.attempts, not_sent = u.not_sent, last_attempt_on = u.last_attempt_on, \
         extra = u.extra, next_at = u.next_at, next_action = u.next_action, why = u.why, \
         held_by = u.held_by, held_until = u.held_until, overdue_on = u.overdue_on, \
         below_minimum = u.below_minimum \
         FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
         $20) \
         AS u (invoice_id, state, scheme, policy_id, day_zero, class, raw_code, attempts, not_sent, \
         last_attempt_on, extra, next_at, next_action, why, held_by, held_until, \
         overdue_on, below_minimum) WHERE c.org_id = $1 AND c.invoice_id = u.invoice_id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(changed_at)
    .bind::<Array<SqlUuid>, _>(each(changed, |one| one.invoice_id))
    .bind::<Array<Text>, _>(each(changed, |one| one.state))
    .bind::<Array<Nullable<Text>>, _>(each(changed, |one| one.scheme))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(changed, |one| one.policy_id))
    .bind::<Array<Nullable<SqlDate>>, _>(each(changed, |one| one.day_zero))
    .bind::<Array<Nullable<Text>>, _>(each(changed, |one| one.failure.as_ref().map(|f| f.0)))
    .bind::<Array<Nullable<Text>>, _>(each(changed, |one| one.failure.clone().map(|f| f.1)))
    .bind::<Array<Integer>, _>(each(changed, |one| one.attempts))
    .bind::<Array<Integer>, _>(each(changed, |one| one.not_sent))
    .bind::<Array<Nullable<SqlDate>>, _>(each(changed, |one| one.last_attempt_on))
    .bind::<Array<Nullable<Text>>, _>(each(changed, |one| one.extra))
    .bind::<Array<Nullable<Timestamptz>>, _>(each(changed, |one| one.next.map(|next| next.at)))
    .bind::<Array<Nullable<Text>>, _>(each(changed, |one| one.next.map(|next| next.action)))
    .bind::<Array<Text>, _>(each(changed, |one| one.why.clone()))
    .bind::<Array<Nullable<Text>>, _>(each(changed, |one| hold(one).map(|hold| hold.by)))
    .bind::<Array<Nullable<SqlDate>>, _>(each(changed, |one| hold(one).and_then(|hold| hold.until)))
    .bind::<Array<Nullable<SqlDate>>, _>(each(changed, |one| one.overdue_on))
    .bind::<Array<Bool>, _>(each(changed, |one| one.below_minimum))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Remembers that invoices were told to be overdue from their day zero on.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save_overdue_told(tx: &mut Tx, told: &[InvoiceId]) -> Result<()> {
    diesel::update(collections::table)
        .filter(collections::org_id.eq(tx.org()))
        .filter(collections::invoice_id.eq_any(told))
        .set(collections::overdue_told.eq(collections::day_zero))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Claims up to `limit` accounts with collections of which something is due, the longest waiting
/// first; those that another run holds are left to it.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn claim(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<Vec<Account>> {
    let rows: Vec<ClaimedRow> = diesel::sql_query(
        "SELECT a.customer_id, a.currency FROM billing_accounts a \
         WHERE a.org_id = $1 AND (a.customer_id, a.currency) IN ( \
             SELECT c.customer_id, c.currency FROM collections c \
             WHERE c.org_id = $1 AND c.next_at <= $2 ORDER BY c.next_at, c.customer_id LIMIT $3) \
         ORDER BY a.customer_id, a.currency LIMIT $4 FOR NO KEY UPDATE OF a SKIP LOCKED",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(now)
    // Twice as many as are taken: another run may hold some of the first.
    .bind::<BigInt, _>(limit.saturating_mul(2))
    .bind::<BigInt, _>(limit)
    .load(tx.connection())
    .await?;
    let account =
        |row: ClaimedRow| Account { customer_id: row.customer_id, currency: row.currency };
    Ok(rows.into_iter().map(account).collect())
}

#[derive(QueryableByName)]
struct ClaimedRow {
    #[diesel(sql_type = SqlUuid)]
    customer_id: CustomerId,
    #[diesel(sql_type = Text)]
    currency: Currency,
}

/// Whether anything of a collection is due.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn is_due(tx: &mut Tx, now: DateTime<Utc>) -> Result<bool> {
    let due = collections::table
        .filter(collections::org_id.eq(tx.org()))
        .filter(collections::next_at.le(now));
    Ok(diesel::select(diesel::dsl::exists(due)).get_result(tx.connection()).await?)
}

/// Which collections, in lists.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only those that stand so; all that are not closed when absent.
    pub state: Option<CollectionState>,
    /// Only of this customer.
    pub customer_id: Option<CustomerId>,
    /// Only of these failures.
    pub class: Option<FailureClass>,
}

/// Which collections.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// Of these customers, with something due.
    Due(&'a [CustomerId], DateTime<Utc>),
    /// Of these customers, all that are not closed, and those that are open again.
    Open(&'a [CustomerId]),
    /// Of these customers, those that have failed and are not closed.
    Failing(&'a [CustomerId]),
    /// Of these invoices.
    Of(&'a [InvoiceId]),
}

/// Collections with what their invoices say, in the order of due date and number.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn load(tx: &mut Tx, which: Which<'_>) -> Result<Vec<Collected>> {
    let mut query = collections::table
        .inner_join(invoices::table.on(
            invoices::org_id.eq(collections::org_id).and(invoices::id.eq(collections::invoice_id)),
        ))
        .inner_join(
            document_numbers::table.on(document_numbers::org_id
                .eq(collections::org_id)
                .and(document_numbers::document_id.eq(collections::invoice_id))),
        )
        .filter(collections::org_id.eq(tx.org()))
        .filter(invoices::org_id.eq(tx.org()))
        .filter(document_numbers::org_id.eq(tx.org()))
        .order((collections::due_on, document_numbers::number, collections::invoice_id))
        .select((Row::as_select(), document_numbers::number, invoices::open_minor))
        .into_boxed();
    query = match which {
        Which::Due(customers, now) => query
            .filter(collections::customer_id.eq_any(customers))
            .filter(collections::next_at.le(now)),
        Which::Open(customers) => query
            .filter(collections::customer_id.eq_any(customers))
            .filter(collections::state.ne(CollectionState::Closed).or(invoices::open_minor.gt(0))),
        Which::Failing(customers) => query
            .filter(collections::customer_id.eq_any(customers))
            .filter(collections::state.ne(CollectionState::Closed))
            .filter(collections::day_zero.is_not_null()),
        Which::Of(ids) => query.filter(collections::invoice_id.eq_any(ids)),
    };
    let rows: Vec<(Row, String, i64)> = query.load(tx.connection()).await?;
    Ok(rows.into_iter().map(collected).collect())
}

fn collected((row, number, minor): (Row, String, i64)) -> Collected {
    let open = Money::new(minor, row.currency);
    let overdue_told = row.overdue_told;
    Collected { collection: row.into(), number, open, overdue_told, worker: None }
}

/// A page of collections after an invoice, in the order of the invoices' ids.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: Filter,
    after: Option<InvoiceId>,
    limit: i64,
) -> Result<Vec<Collected>> {
    let mut query = collections::table
        .inner_join(invoices::table.on(
            invoices::org_id.eq(collections::org_id).and(invoices::id.eq(collections::invoice_id)),
        ))
        .inner_join(
            document_numbers::table.on(document_numbers::org_id
                .eq(collections::org_id)
                .and(document_numbers::document_id.eq(collections::invoice_id))),
        )
        .filter(collections::org_id.eq(tx.org()))
        .filter(invoices::org_id.eq(tx.org()))
        .filter(document_numbers::org_id.eq(tx.org()))
        .order(collections::invoice_id)
        .limit(limit)
        .select((Row::as_select(), document_numbers::number, invoices::open_minor))
        .into_boxed();
    query = match filter.state {
        Some(state) => query.filter(collections::state.eq(state)),
        None => query.filter(collections::state.ne(CollectionState::Closed)),
    };
    if let Some(customer) = filter.customer_id {
        query = query.filter(collections::customer_id.eq(customer));
    }
    if let Some(class) = filter.class {
        query = query.filter(collections::class.eq(class));
    }
    if let Some(after) = after {
        query = query.filter(collections::invoice_id.gt(after));
    }
    let rows: Vec<(Row, String, i64)> = query.load(tx.connection()).await?;
    Ok(rows.into_iter().map(collected).collect())
}

/// The steps that were done about invoices, with the day zero from which they are counted.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn steps(
    tx: &mut Tx,
    invoices: &[InvoiceId],
) -> Result<HashMap<InvoiceId, Vec<(Date, StepKey)>>> {
    let rows: Vec<(InvoiceId, Date, i32, Action)> = collection_steps::table
        .filter(collection_steps::org_id.eq(tx.org()))
        .filter(collection_steps::invoice_id.eq_any(invoices))
        .select((
            collection_steps::invoice_id,
            collection_steps::day_zero,
            collection_steps::day,
            collection_steps::action,
        ))
        .load(tx.connection())
        .await?;
    let mut steps: HashMap<InvoiceId, Vec<(Date, StepKey)>> = HashMap::new();
    for (invoice, day_zero, day, action) in rows {
        let day = u16::try_from(day).map_err(Error::corrupt)?;
        steps.entry(invoice).or_default().push((day_zero, StepKey { day, action }));
    }
    Ok(steps)
}

/// Records steps that were done, or passed over.
///
/// # Errors
/// [`Error::Exists`] when one of them was done before.
pub async fn record_steps(
    tx: &mut Tx,
    steps: &[(InvoiceId, Date, StepKey)],
    done_on: Date,
) -> Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let days = steps.iter().map(|(_, _, key)| i32::from(key.day)).collect::<Vec<_>>();
    diesel::sql_query(
        "INSERT INTO collection_steps (org_id, done_on, invoice_id, day_zero, day, action) \
         SELECT $1, $2, u.* FROM unnest($3, $4, $5, $6) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlDate, _>(done_on)
    .bind::<Array<SqlUuid>, _>(steps.iter().map(|(id, _, _)| *id).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(steps.iter().map(|(_, on, _)| *on).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(days)
    .bind::<Array<Text>, _>(steps.iter().map(|(_, _, key)| key.action).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The customers' pauses of what invoices bill: meanwhile nothing follows. A suspension is what
/// follows, and stops nothing.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn pauses(
    tx: &mut Tx,
    invoices: &[InvoiceId],
) -> Result<HashMap<InvoiceId, Vec<Period>>> {
    let rows: Vec<(InvoiceId, Date, Date)> = invoice_lines::table
        .inner_join(subscription_pauses::table.on(
            subscription_pauses::org_id.eq(invoice_lines::org_id).and(
                subscription_pauses::subscription_id.nullable().eq(invoice_lines::subscription_id),
            ),
        ))
        .filter(invoice_lines::org_id.eq(tx.org()))
        .filter(subscription_pauses::org_id.eq(tx.org()))
        .filter(invoice_lines::invoice_id.eq_any(invoices))
        .filter(subscription_pauses::kind.eq(PauseKind::Customer))
        .distinct()
        .select((
            invoice_lines::invoice_id,
            subscription_pauses::from_on,
            subscription_pauses::until_on,
        ))
        .load(tx.connection())
        .await?;
    let mut pauses: HashMap<InvoiceId, Vec<Period>> = HashMap::new();
    for (invoice, start, end) in rows {
        pauses.entry(invoice).or_default().push(Period { start, end });
    }
    Ok(pauses)
}
