//! The job queue: wake-ups for the workers, in one global table.
//!
//! Purpose: enqueue on the caller's transaction, claim with a lease, renew, end, look at, prune.
//!
//! Invariants: a claim charges an attempt, and (owner, attempt) is the fencing token of every later
//! change: who lost the lease changes nothing. A job that runs has a lease. A key is unique in its
//! queue; where it may come again it is cleared when the job has ended. What is shown to an
//! organization is filtered on it: the table has no row level security.
//!
//! Deliberately absent: what is due (it stands in the organizations' rows), when to try again and
//! when to give up (the caller says), the database's clock.

mod enqueue;
mod lease;
mod listen;

use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::dsl::{count_star, min};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use domain::id::{JobId, OrgId};

use crate::schema::jobs;
use crate::{Result, Tx};

pub use enqueue::{NewJob, enqueue, notify};
pub use lease::{Claim, Claimed, Ended, Lease, claim, end, hand_back, renew};
pub use listen::{Wake, listen};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub enum Status {
    /// Waits for its time.
    Queued,
    /// A worker holds it.
    Running,
    /// Done.
    Done,
    /// Given up.
    Dead,
}

impl Status {
    /// Every status, in the order of a job's life.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Done, Self::Dead];

    /// The text under which it is stored and measured.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

impl FromSql<Text, Pg> for Status {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Pg>>::from_sql(value)?;
        let known = Self::ALL.into_iter().find(|status| status.as_str() == text);
        known.ok_or_else(|| Box::from(format!("{text:?} is not the status of a job")))
    }
}

impl ToSql<Text, Pg> for Status {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <str as ToSql<Text, Pg>>::to_sql(self.as_str(), out)
    }
}

/// A job as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(Pg))]
pub struct Job {
    /// Identity.
    pub id: JobId,
    /// Name of its queue.
    pub queue: String,
    /// What it is for; nothing when it may come again and has ended.
    pub key: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Attempts begun.
    pub attempts: i32,
    /// Attempts after which it is given up.
    pub max_attempts: i32,
    /// When it is or was due, by the wall clock.
    pub run_at: DateTime<Utc>,
    /// The process that holds it, while running.
    pub lock_owner: Option<String>,
    /// Until when, unless it renews.
    pub lease_until: Option<DateTime<Utc>>,
    /// What the last failed attempt said.
    pub last_result: Option<String>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When it was done or given up.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which jobs to list; what is absent does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this queue.
    pub queue: Option<String>,
    /// Only those in this status.
    pub status: Option<Status>,
}

/// How many jobs of a queue are in a status.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Count {
    /// Name of the queue.
    pub queue: String,
    /// The status.
    pub status: Status,
    /// How many.
    pub jobs: i64,
    /// When the oldest of them was to begin.
    pub oldest_run_at: Option<DateTime<Utc>>,
}

/// Jobs of the transaction's organization after an id, in order.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<JobId>,
    limit: i64,
) -> Result<Vec<Job>> {
    let mut query = jobs::table.filter(jobs::org_id.eq(tx.org().0)).into_boxed();
    if let Some(after) = after {
        query = query.filter(jobs::id.gt(after));
    }
    if let Some(queue) = &filter.queue {
        query = query.filter(jobs::queue.eq(queue));
    }
    if let Some(status) = filter.status {
        query = query.filter(jobs::status.eq(status));
    }
    let rows =
        query.order(jobs::id).limit(limit).select(Job::as_select()).load(tx.connection()).await?;
    Ok(rows)
}

/// A job of the transaction's organization, held until the end of the transaction.
///
/// # Errors
/// [`crate::Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: JobId) -> Result<Job> {
    let row = jobs::table
        .filter(jobs::org_id.eq(tx.org().0))
        .filter(jobs::id.eq(id))
        .select(Job::as_select())
        .for_update()
        .first(tx.connection())
        .await?;
    Ok(row)
}

/// Puts a dead job of the transaction's organization back, due at `run_at`, with its attempts
/// counted anew. Its key, when it was cleared, stays cleared.
///
/// # Errors
/// [`crate::Error::NotFound`] when there is no such dead job.
pub async fn requeue(tx: &mut Tx, id: JobId, run_at: DateTime<Utc>) -> Result<Job> {
    let dead = jobs::table
        .filter(jobs::org_id.eq(tx.org().0))
        .filter(jobs::id.eq(id))
        .filter(jobs::status.eq(Status::Dead));
    let row = diesel::update(dead)
        .set((
            jobs::status.eq(Status::Queued),
            jobs::attempts.eq(0),
            jobs::run_at.eq(run_at),
            jobs::finished_at.eq(None::<DateTime<Utc>>),
        ))
        .returning(Job::as_returning())
        .get_result(tx.connection())
        .await?;
    Ok(row)
}

/// How many jobs wait, run and were given up, per queue: of one organization, or of all. Those
/// that wait are told apart by `now`: only what is due has an oldest time.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn counts(tx: &mut Tx, org: Option<OrgId>, now: DateTime<Utc>) -> Result<Vec<Count>> {
    let due = jobs::status.eq(Status::Queued).and(jobs::run_at.le(now));
    let mut query = jobs::table
        .filter(jobs::status.ne(Status::Done))
        .group_by((jobs::queue, jobs::status))
        .select((
            jobs::queue,
            jobs::status,
            count_star(),
            min(diesel::dsl::case_when(due, jobs::run_at.nullable())),
        ))
        .into_boxed();
    if let Some(org) = org {
        query = query.filter(jobs::org_id.eq(org.0));
    }
    Ok(query.load(tx.connection()).await?)
}

/// Forgets at most `limit` jobs that ended before `before`; answers how many.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn prune(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<usize> {
    let old: Vec<JobId> = jobs::table
        .filter(jobs::finished_at.lt(before))
        .order(jobs::finished_at)
        .limit(limit)
        .select(jobs::id)
        .for_update()
        .skip_locked()
        .load(tx.connection())
        .await?;
    Ok(diesel::delete(jobs::table.filter(jobs::id.eq_any(old))).execute(tx.connection()).await?)
}
