//! Leases: who works on a job, until when, and how an attempt ends.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{
    Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::id::{JobId, OrgId};
use uuid::Uuid;

use super::Status;
use crate::schema::jobs;
use crate::{Result, Tx};

/// What a job says that was given up because its last worker vanished.
const VANISHED: &str = "the worker vanished in the last attempt";

/// What a worker asks for.
#[derive(Debug)]
pub struct Claim<'a> {
    /// Name of the queue.
    pub queue: &'a str,
    /// The process that will hold the jobs.
    pub owner: &'a str,
    /// At most so many: its free slots.
    pub limit: i64,
    /// Jobs that this process holds already, and is not to take over from itself.
    pub except: &'a [Uuid],
    /// The wall clock.
    pub now: DateTime<Utc>,
    /// Until when it holds them unless it renews.
    pub lease_until: DateTime<Utc>,
}

/// A job that was taken, or that was found to have used up its attempts.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct Claimed {
    /// Identity.
    pub id: JobId,
    /// The organization that the arguments name.
    pub org: Option<OrgId>,
    /// What to do.
    pub args: serde_json::Value,
    /// Running: it is the worker's now. Dead: its last worker vanished in the last attempt.
    pub status: Status,
    /// This attempt, from 1.
    pub attempt: i32,
    /// The last attempt.
    pub max_attempts: i32,
    /// Higher goes first.
    pub priority: i32,
    /// When it was due.
    pub run_at: DateTime<Utc>,
}

/// The right to change a running job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// Who claimed it.
    pub owner: String,
    /// In which attempt.
    pub attempt: i32,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Done.
    Done,
    /// To be tried again.
    Retry {
        /// When it is due again.
        at: DateTime<Utc>,
        /// What went wrong.
        result: String,
    },
    /// Given up.
    Dead {
        /// What went wrong.
        result: String,
    },
}

/// Lapsed leases first, then what is due by priority and time. Both parts lock with `SKIP LOCKED`,
/// so that claimers side by side get different jobs.
struct ClaimQuery<'a>(&'a Claim<'a>);

impl QueryId for ClaimQuery<'_> {
    type QueryId = ClaimQuery<'static>;
}

impl Query for ClaimQuery<'_> {
    type SqlType =
        (SqlUuid, Nullable<SqlUuid>, Jsonb, Text, Integer, Integer, Integer, Timestamptz);
}

impl QueryFragment<Pg> for ClaimQuery<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let claim = self.0;
        out.push_sql("WITH lapsed AS (SELECT id FROM jobs WHERE status = 'running' AND queue = ");
        out.push_bind_param::<Text, str>(claim.queue)?;
        out.push_sql(" AND lease_until <= ");
        out.push_bind_param::<Timestamptz, _>(&claim.now)?;
        out.push_sql(" AND id <> ALL(");
        out.push_bind_param::<Array<SqlUuid>, [Uuid]>(claim.except)?;
        out.push_sql(") ORDER BY lease_until LIMIT ");
        out.push_bind_param::<BigInt, _>(&claim.limit)?;
        out.push_sql(
            " FOR UPDATE SKIP LOCKED), due AS (SELECT id FROM jobs WHERE status = 'queued' AND queue = ",
        );
        out.push_bind_param::<Text, str>(claim.queue)?;
        out.push_sql(" AND run_at <= ");
        out.push_bind_param::<Timestamptz, _>(&claim.now)?;
        out.push_sql(" ORDER BY priority DESC, run_at LIMIT greatest(0, ");
        out.push_bind_param::<BigInt, _>(&claim.limit)?;
        out.push_sql(
            " - (SELECT count(*) FROM lapsed)) FOR UPDATE SKIP LOCKED), \
             picked AS (SELECT id FROM lapsed UNION ALL SELECT id FROM due) \
             UPDATE jobs SET \
             status = CASE WHEN attempts < max_attempts THEN 'running' ELSE 'dead' END, \
             attempts = least(attempts + 1, max_attempts), \
             key = CASE WHEN attempts >= max_attempts AND release_key THEN NULL ELSE key END, \
             lock_owner = CASE WHEN attempts < max_attempts THEN ",
        );
        out.push_bind_param::<Text, str>(claim.owner)?;
        out.push_sql(" END, lease_until = CASE WHEN attempts < max_attempts THEN ");
        out.push_bind_param::<Timestamptz, _>(&claim.lease_until)?;
        out.push_sql(" END, finished_at = CASE WHEN attempts >= max_attempts THEN ");
        out.push_bind_param::<Timestamptz, _>(&claim.now)?;
        out.push_sql(" END, last_result = CASE WHEN attempts >= max_attempts THEN ");
        out.push_bind_param::<Text, str>(VANISHED)?;
        out.push_sql(
            " ELSE last_result END FROM picked WHERE jobs.id = picked.id \
             RETURNING jobs.id, org_id, args, status, attempts, max_attempts, priority, run_at",
        );
        Ok(())
    }
}

/// Takes up to `limit` jobs of a queue that are due or whose lease ran out, and charges each an
/// attempt. A job whose attempts are used up is given up instead, and told so by its status.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn claim(tx: &mut Tx, claim: &Claim<'_>) -> Result<Vec<Claimed>> {
    let mut claimed: Vec<Claimed> = ClaimQuery(claim).load(tx.connection()).await?;
    claimed.sort_by_key(|job| (std::cmp::Reverse(job.priority), job.run_at, job.id));
    Ok(claimed)
}

/// Holds jobs longer; answers which of them the owner still holds.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn renew(
    tx: &mut Tx,
    owner: &str,
    held: &[Uuid],
    lease_until: DateTime<Utc>,
) -> Result<Vec<JobId>> {
    let still_held = jobs::table
        .filter(jobs::id.eq_any(held))
        .filter(jobs::lock_owner.eq(owner))
        .filter(jobs::status.eq(Status::Running));
    let renewed = diesel::update(still_held)
        .set(jobs::lease_until.eq(lease_until))
        .returning(jobs::id)
        .get_results(tx.connection())
        .await?;
    Ok(renewed)
}

/// Ends an attempt. False when the lease was lost: then somebody else's word counts, and nothing
/// is changed.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn end(tx: &mut Tx, lease: &Lease, ended: &Ended, now: DateTime<Utc>) -> Result<bool> {
    let (status, run_at, result) = match ended {
        Ended::Done => (Status::Done, None, None),
        Ended::Retry { at, result } => (Status::Queued, Some(*at), Some(result)),
        Ended::Dead { result } => (Status::Dead, None, Some(result)),
    };
    let is_over = run_at.is_none();
    // `None` leaves a column as it is.
    let common = (
        jobs::status.eq(status),
        run_at.map(|at| jobs::run_at.eq(at)),
        result.map(|result| jobs::last_result.eq(result)),
        jobs::finished_at.eq(is_over.then_some(now)),
        jobs::lock_owner.eq(None::<String>),
        jobs::lease_until.eq(None::<DateTime<Utc>>),
    );
    let held = jobs::table
        .filter(jobs::id.eq(lease.id))
        .filter(jobs::lock_owner.eq(&lease.owner))
        .filter(jobs::attempts.eq(lease.attempt))
        .filter(jobs::status.eq(Status::Running));
    let changed = if is_over {
        let kept = diesel::dsl::case_when(jobs::release_key.eq(false), jobs::key);
        diesel::update(held).set((common, jobs::key.eq(kept))).execute(tx.connection()).await?
    } else {
        diesel::update(held).set(common).execute(tx.connection()).await?
    };
    Ok(changed == 1)
}

/// Gives a job back as if it had not been claimed: queued, due as before, the attempt not counted.
/// False when the lease was lost. The owner must not claim again afterwards: the attempt is given
/// out anew, and only the owner tells the two apart.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn hand_back(tx: &mut Tx, lease: &Lease) -> Result<bool> {
    let held = jobs::table
        .filter(jobs::id.eq(lease.id))
        .filter(jobs::lock_owner.eq(&lease.owner))
        .filter(jobs::attempts.eq(lease.attempt))
        .filter(jobs::status.eq(Status::Running));
    let changed = diesel::update(held)
        .set((
            jobs::status.eq(Status::Queued),
            jobs::attempts.eq(jobs::attempts - 1),
            jobs::lock_owner.eq(None::<String>),
            jobs::lease_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx.connection())
        .await?;
    Ok(changed == 1)
}
