//! Decisions: what is proposed to people, and what they said.
//!
//! Invariants: at most one open proposal to block a customer, and one to write an invoice off, by
//! indexes. Whoever decides holds the row.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Date as SqlDate, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::decision::{Decided, Decision, DecisionKind, DecisionState, Proposed};
use domain::failure::FailureClass;
use domain::id::{CustomerId, DecisionId, InvoiceId};
use domain::money::{Currency, Money};

use crate::schema::decisions::{self, dsl};
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = decisions, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: DecisionId,
    customer_id: CustomerId,
    kind: DecisionKind,
    state: DecisionState,
    invoice_id: Option<InvoiceId>,
    currency: Option<Currency>,
    amount_minor: Option<i64>,
    class: Option<FailureClass>,
    day_zero: Option<Date>,
    points: Option<i32>,
    why: String,
    proposed_on: Date,
    closed_on: Option<Date>,
    decided_by: Option<String>,
    note: Option<String>,
}

impl TryFrom<Row> for Decision {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let incomplete = || Error::corrupt(format!("decision {} without its facts", row.id));
        let proposed = match row.kind {
            DecisionKind::Block => {
                let points = row.points.and_then(|points| u32::try_from(points).ok());
                let points = points.ok_or_else(incomplete)?;
                Proposed::Block { points, invoice_id: row.invoice_id }
            }
            DecisionKind::WriteOff => {
                let amount = row.amount_minor.zip(row.currency).ok_or_else(incomplete)?;
                Proposed::WriteOff {
                    invoice_id: row.invoice_id.ok_or_else(incomplete)?,
                    amount: Money::new(amount.0, amount.1),
                    class: row.class,
                    day_zero: row.day_zero.ok_or_else(incomplete)?,
                }
            }
        };
        Ok(Self {
            id: row.id,
            customer_id: row.customer_id,
            proposed,
            why: row.why,
            proposed_on: row.proposed_on,
            state: row.state,
            closed_on: row.closed_on,
            decided: row.decided_by.map(|by| Decided { by, note: row.note }),
        })
    }
}

/// The facts of a write-off.
fn loss(proposed: &Proposed) -> Option<(Money, Option<FailureClass>, Date)> {
    match proposed {
        Proposed::WriteOff { amount, class, day_zero, .. } => Some((*amount, *class, *day_zero)),
        Proposed::Block { .. } => None,
    }
}

fn points(proposed: &Proposed) -> Option<i32> {
    match proposed {
        Proposed::Block { points, .. } => Some(i32::try_from(*points).unwrap_or(i32::MAX)),
        Proposed::WriteOff { .. } => None,
    }
}

fn each<T>(decisions: &[Decision], of: impl Fn(&Decision) -> T) -> Vec<T> {
    decisions.iter().map(of).collect()
}

/// Writes proposals, but those of which the same is open already.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn insert(tx: &mut Tx, new: &[Decision], created_at: DateTime<Utc>) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let losses = each(new, |one| loss(&one.proposed));
    let of_losses = |of: fn(Money) -> Currency| -> Vec<Option<Currency>> {
        losses.iter().map(|loss| loss.map(|loss| of(loss.0))).collect()
    };
    let amounts: Vec<Option<i64>> = losses.iter().map(|it| it.map(|it| it.0.minor())).collect();
    let classes: Vec<Option<FailureClass>> =
        losses.iter().map(|it| it.and_then(|it| it.1)).collect();
    let zeros: Vec<Option<Date>> = losses.iter().map(|it| it.map(|it| it.2)).collect();
    diesel::sql_query(
        "INSERT INTO decisions (org_id, created_at, state, id, customer_id, kind, invoice_id, \
         currency, amount_minor, class, day_zero, points, why, proposed_on) \
         SELECT $1, $2, $3, u.* \
         FROM unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS u \
         ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(created_at)
    .bind::<Text, _>(DecisionState::Open)
    .bind::<Array<SqlUuid>, _>(each(new, |one| one.id))
    .bind::<Array<SqlUuid>, _>(each(new, |one| one.customer_id))
    .bind::<Array<Text>, _>(each(new, |one| one.proposed.kind()))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(new, |one| one.proposed.invoice_id()))
    .bind::<Array<Nullable<Text>>, _>(of_losses(Money::currency))
    .bind::<Array<Nullable<BigInt>>, _>(amounts)
    .bind::<Array<Nullable<Text>>, _>(classes)
    .bind::<Array<Nullable<SqlDate>>, _>(zeros)
    .bind::<Array<Nullable<Integer>>, _>(each(new, |one| points(&one.proposed)))
    .bind::<Array<Text>, _>(each(new, |one| one.why.clone()))
    .bind::<Array<SqlDate>, _>(each(new, |one| one.proposed_on))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// One of them.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: DecisionId) -> Result<Decision> {
    dsl::decisions
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq(id))
        .select(Row::as_select())
        .first(tx.connection())
        .await?
        .try_into()
}

/// As [`get`], and holds the row until the end of the transaction.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: DecisionId) -> Result<Decision> {
    dsl::decisions
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq(id))
        .select(Row::as_select())
        .for_no_key_update()
        .first(tx.connection())
        .await?
        .try_into()
}

/// Saves what was decided.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save(tx: &mut Tx, decision: &Decision) -> Result<()> {
    let decided = decision.decided.as_ref();
    diesel::update(dsl::decisions)
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq(decision.id))
        .set((
            dsl::state.eq(decision.state),
            dsl::closed_on.eq(decision.closed_on),
            dsl::decided_by.eq(decided.map(|decided| &decided.by)),
            dsl::note.eq(decided.and_then(|decided| decided.note.as_ref())),
        ))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The open proposals to write these invoices off.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn open_write_offs(tx: &mut Tx, invoices: &[InvoiceId]) -> Result<Vec<Decision>> {
    let rows: Vec<Row> = dsl::decisions
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::kind.eq(DecisionKind::WriteOff))
        .filter(dsl::state.eq(DecisionState::Open))
        .filter(dsl::invoice_id.eq_any(invoices))
        .order(dsl::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(Decision::try_from).collect()
}

/// Saves of many that there is nothing to decide any more.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save_outdated(tx: &mut Tx, outdated: &[Decision]) -> Result<()> {
    if outdated.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE decisions d SET state = $2, closed_on = u.closed_on \
         FROM unnest($3, $4) AS u (id, closed_on) WHERE d.org_id = $1 AND d.id = u.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Text, _>(DecisionState::Obsolete)
    .bind::<Array<SqlUuid>, _>(each(outdated, |one| one.id))
    .bind::<Array<Nullable<SqlDate>>, _>(each(outdated, |one| one.closed_on))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Which decisions, in lists.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only those that stand so.
    pub state: Option<DecisionState>,
    /// Only of this kind.
    pub kind: Option<DecisionKind>,
    /// Only about this customer.
    pub customer_id: Option<CustomerId>,
}

/// A page of decisions after an id, in the order of their ids.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: Filter,
    after: Option<DecisionId>,
    limit: i64,
) -> Result<Vec<Decision>> {
    let mut query = dsl::decisions
        .filter(dsl::org_id.eq(tx.org()))
        .order(dsl::id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(state) = filter.state {
        query = query.filter(dsl::state.eq(state));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(dsl::kind.eq(kind));
    }
    if let Some(customer) = filter.customer_id {
        query = query.filter(dsl::customer_id.eq(customer));
    }
    if let Some(after) = after {
        query = query.filter(dsl::id.gt(after));
    }
    let rows: Vec<Row> = query.load(tx.connection()).await?;
    rows.into_iter().map(Decision::try_from).collect()
}
