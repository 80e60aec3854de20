//! Migrations of plans: which there are, how far they are, and what they did.
//!
//! Invariants: the cursor moves in the transaction that writes what was done before it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Date as SqlDate, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{MigrationId, PlanId, PlanVersionId, SubscriptionId};
use domain::subscription::{Migration, MigrationOutcome, MigrationState, MigrationWhen};

use crate::schema::{plan_migration_results, plan_migrations};
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = plan_migrations, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: MigrationId,
    plan_id: PlanId,
    version_id: PlanVersionId,
    from_version_id: Option<PlanVersionId>,
    subscription_id: Option<SubscriptionId>,
    effective_on: Option<Date>,
    made_on: Date,
    state: MigrationState,
    expected: i32,
    cursor: Option<SubscriptionId>,
}

impl Row {
    fn migration(self) -> Result<Migration> {
        Ok(Migration {
            id: self.id,
            plan_id: self.plan_id,
            version_id: self.version_id,
            from_version_id: self.from_version_id,
            subscription_id: self.subscription_id,
            when: self.effective_on.map_or(MigrationWhen::PeriodEnd, MigrationWhen::On),
            made_on: self.made_on,
            state: self.state,
            expected: u32::try_from(self.expected).map_err(Error::corrupt)?,
        })
    }
}

/// What a migration did with a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Which.
    pub subscription_id: SubscriptionId,
    /// What became of it.
    pub outcome: MigrationOutcome,
    /// The first day of the new terms; absent when refused.
    pub on: Option<Date>,
    /// Why it was refused, for programs and for people.
    pub refused: Option<(String, String)>,
}

/// Writes a new migration.
///
/// # Errors
/// [`Error::Exists`] when the id is taken.
pub async fn insert(tx: &mut Tx, new: &Migration, created_at: DateTime<Utc>) -> Result<()> {
    use plan_migrations as m;
    let effective_on = match new.when {
        MigrationWhen::PeriodEnd => None,
        MigrationWhen::On(on) => Some(on),
    };
    let row = (
        m::org_id.eq(tx.org()),
        m::id.eq(new.id),
        m::plan_id.eq(new.plan_id),
        m::version_id.eq(new.version_id),
        m::from_version_id.eq(new.from_version_id),
        m::subscription_id.eq(new.subscription_id),
        m::effective_on.eq(effective_on),
        m::made_on.eq(new.made_on),
        m::state.eq(new.state),
        m::expected.eq(i32::try_from(new.expected).map_err(Error::corrupt)?),
        m::created_at.eq(created_at),
    );
    diesel::insert_into(m::table).values(row).execute(tx.connection()).await?;
    Ok(())
}

/// A migration.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: MigrationId) -> Result<Migration> {
    let row = plan_migrations::table
        .filter(plan_migrations::org_id.eq(tx.org()))
        .filter(plan_migrations::id.eq(id))
        .select(Row::as_select())
        .first(tx.connection())
        .await?;
    row.migration()
}

/// Migrations after an id, in order; of one plan, if one is given.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    plan_id: Option<PlanId>,
    after: Option<MigrationId>,
    limit: i64,
) -> Result<Vec<Migration>> {
    let mut query =
        plan_migrations::table.filter(plan_migrations::org_id.eq(tx.org())).into_boxed();
    if let Some(plan_id) = plan_id {
        query = query.filter(plan_migrations::plan_id.eq(plan_id));
    }
    if let Some(after) = after {
        query = query.filter(plan_migrations::id.gt(after));
    }
    let rows = query
        .order(plan_migrations::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(Row::migration).collect()
}

/// Whether any migration is running.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn is_due(tx: &mut Tx) -> Result<bool> {
    let running = plan_migrations::table
        .filter(plan_migrations::org_id.eq(tx.org()))
        .filter(plan_migrations::state.eq(MigrationState::Running));
    Ok(diesel::select(diesel::dsl::exists(running)).get_result(tx.connection()).await?)
}

/// Holds the oldest running migration until the end of the transaction, with its cursor; those that
/// others hold are left to them.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn claim(tx: &mut Tx) -> Result<Option<(Migration, Option<SubscriptionId>)>> {
    let row: Option<Row> = plan_migrations::table
        .filter(plan_migrations::org_id.eq(tx.org()))
        .filter(plan_migrations::state.eq(MigrationState::Running))
        .order(plan_migrations::id)
        .select(Row::as_select())
        .for_no_key_update()
        .skip_locked()
        .first(tx.connection())
        .await
        .optional()?;
    row.map(|row| {
        let cursor = row.cursor;
        Ok((row.migration()?, cursor))
    })
    .transpose()
}

/// Writes what was done with subscriptions, in one statement.
///
/// # Errors
/// [`Error::Exists`] when the migration has been at one of them before.
pub async fn record(tx: &mut Tx, id: MigrationId, done: &[Done]) -> Result<()> {
    let reason = |one: &Done| one.refused.as_ref().map(|(reason, _)| reason.clone());
    let message = |one: &Done| one.refused.as_ref().map(|(_, message)| message.clone());
    diesel::sql_query(
        "INSERT INTO plan_migration_results (org_id, migration_id, subscription_id, outcome, \
         effective_on, reason, message) \
         SELECT $1, $2, u.* FROM unnest($3, $4, $5, $6, $7) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlUuid, _>(id)
    .bind::<Array<SqlUuid>, _>(done.iter().map(|one| one.subscription_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(done.iter().map(|one| one.outcome).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlDate>>, _>(done.iter().map(|one| one.on).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(done.iter().map(reason).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(done.iter().map(message).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Moves the cursor of a migration, or ends it when there is none.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn move_on(tx: &mut Tx, id: MigrationId, cursor: Option<SubscriptionId>) -> Result<()> {
    let row = plan_migrations::table
        .filter(plan_migrations::org_id.eq(tx.org()))
        .filter(plan_migrations::id.eq(id));
    match cursor {
        Some(cursor) => {
            let set = plan_migrations::cursor.eq(cursor);
            diesel::update(row).set(set).execute(tx.connection()).await?;
        }
        None => {
            let set = plan_migrations::state.eq(MigrationState::Done);
            diesel::update(row).set(set).execute(tx.connection()).await?;
        }
    }
    Ok(())
}

/// How many subscriptions became what, by migration; what did not occur is left out.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn counts(
    tx: &mut Tx,
    ids: &[MigrationId],
) -> Result<HashMap<(MigrationId, MigrationOutcome), i64>> {
    use plan_migration_results as r;
    let rows: Vec<(MigrationId, MigrationOutcome, i64)> = r::table
        .filter(r::org_id.eq(tx.org()))
        .filter(r::migration_id.eq_any(ids))
        .group_by((r::migration_id, r::outcome))
        .select((r::migration_id, r::outcome, diesel::dsl::count_star()))
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(|(id, outcome, count)| ((id, outcome), count)).collect())
}

/// What a migration did after a subscription, by subscription; of one kind, if one is given.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn results(
    tx: &mut Tx,
    id: MigrationId,
    outcome: Option<MigrationOutcome>,
    after: Option<SubscriptionId>,
    limit: i64,
) -> Result<Vec<Done>> {
    use plan_migration_results as r;
    let mut query =
        r::table.filter(r::org_id.eq(tx.org())).filter(r::migration_id.eq(id)).into_boxed();
    if let Some(outcome) = outcome {
        query = query.filter(r::outcome.eq(outcome));
    }
    if let Some(after) = after {
        query = query.filter(r::subscription_id.gt(after));
    }
    type Found = (SubscriptionId, MigrationOutcome, Option<Date>, Option<String>, Option<String>);
    let rows: Vec<Found> = query
        .order(r::subscription_id)
        .limit(limit)
        .select((r::subscription_id, r::outcome, r::effective_on, r::reason, r::message))
        .load(tx.connection())
        .await?;
    let done = |(subscription_id, outcome, on, reason, message): Found| {
        let refused = Option::zip(reason, message);
        Done { subscription_id, outcome, on, refused }
    };
    Ok(rows.into_iter().map(done).collect())
}
