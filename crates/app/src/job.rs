//! The workers' queue: what may be enqueued, and what workers and people do with it.
//!
//! Purpose: jobs are wake-ups. What is due stands in the organizations' own rows, so that losing
//! or repeating a job loses or doubles nothing; the queue carries concurrency, leases and the
//! retries of technical failures.
//!
//! Invariants: a job that is not done is queued, running with a lease, or dead: never forgotten.
//! An attempt is charged when it begins. All times are the wall clock's, also for a sandbox; the
//! clocks of the machines that work on one database agree to a small part of a lease.
//!
//! Deliberately absent: business decisions that wait (a retry of a payment on the 27th is a row of
//! the organization), concurrency and time limits (`worker`).

mod kind;
mod sweep;

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::id::{JobId, OrgId};
use serde::Serialize;
use store::Tx;
use uuid::Uuid;

use crate::error::{Error, Expect};
use crate::page::{Page, PageRequest};
use crate::{Ctx, Scope};

pub use kind::{Prune, QUEUES, RunTask, VerifyLedger};
pub use store::job::{Claimed, Ended, Filter, Job, Lease, Status, Wake};
pub use sweep::{Swept, sweep};

/// Attempts of a job unless said otherwise: with [`backoff`] about two hours of trying.
pub const MAX_ATTEMPTS: i32 = 20;

/// The pause after the first failed attempt; it doubles with every further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// The longest pause, so that a job goes on soon after a long fault is mended.
const LONGEST_BACKOFF: Duration = Duration::from_secs(600);

/// How long jobs that have ended can be looked at.
const KEPT: chrono::Duration = chrono::Duration::days(14);
/// Jobs forgotten in one transaction: far below the time limit of a statement.
const PRUNE_BATCH: i64 = 1_000;

/// The longest text of a failure that is kept, in characters.
const MAX_RESULT: usize = 2_000;

/// Of what there is one job at a time, or one ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unique {
    /// No second one while one with this key waits or runs.
    WhileLive(String),
    /// No second one as long as the first is remembered; the key names a period.
    Ever(String),
}

/// A job to enqueue.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    queue: &'static str,
    org: Option<OrgId>,
    args: serde_json::Value,
    unique: Option<Unique>,
    max_attempts: i32,
    run_at: Option<DateTime<Utc>>,
}

impl NewJob {
    /// A job that is due at once.
    ///
    /// # Errors
    /// [`Error::Fault`] when the arguments have no JSON form.
    pub fn new(queue: &'static str, args: &impl Serialize) -> Result<Self, Error> {
        let args = serde_json::to_value(args).map_err(|error| Error::Fault(Box::new(error)))?;
        let max_attempts = MAX_ATTEMPTS;
        Ok(Self { queue, org: None, args, unique: None, max_attempts, run_at: None })
    }

    /// Lists it for an organization, the one that its arguments name.
    #[must_use]
    pub fn of(mut self, org: OrgId) -> Self {
        self.org = Some(org);
        self
    }

    /// Allows one of its kind.
    #[must_use]
    pub fn unique(mut self, unique: Unique) -> Self {
        self.unique = Some(unique);
        self
    }

    /// Gives it up after so many attempts, at least one.
    #[must_use]
    pub fn max_attempts(mut self, attempts: i32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Makes it due later, by the wall clock.
    #[must_use]
    pub fn run_at(mut self, at: DateTime<Utc>) -> Self {
        self.run_at = Some(at);
        self
    }

    fn row(&self, now: DateTime<Utc>) -> store::job::NewJob {
        let (key, release_key) = match &self.unique {
            None => (None, false),
            Some(Unique::WhileLive(key)) => (Some(key.clone()), true),
            Some(Unique::Ever(key)) => (Some(key.clone()), false),
        };
        store::job::NewJob {
            id: JobId::fresh(now),
            queue: self.queue.to_owned(),
            org: self.org,
            args: self.args.clone(),
            key,
            release_key,
            priority: 0,
            max_attempts: self.max_attempts,
            run_at: self.run_at.unwrap_or(now),
            created_at: now,
        }
    }
}

/// Enqueues jobs on the caller's transaction, an organization's or a global one, and wakes the
/// workers when it is committed. Answers the ids of those that are new; the others were there.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`].
pub async fn enqueue(ctx: &Ctx, tx: &mut Tx, jobs: &[NewJob]) -> Result<Vec<JobId>, Error> {
    let now = ctx.clock.now();
    let rows: Vec<_> = jobs.iter().map(|job| job.row(now)).collect();
    let new = store::job::enqueue(tx, &rows).await?;
    let mut queues: Vec<&str> =
        rows.iter().filter(|row| new.contains(&row.id)).map(|row| row.queue.as_str()).collect();
    queues.sort_unstable();
    queues.dedup();
    for queue in queues {
        store::job::notify(tx, queue).await?;
    }
    Ok(new)
}

/// Takes up to `slots` jobs of a queue for `lease`, but none of `held`: those the process has.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`].
pub async fn claim(
    ctx: &Ctx,
    queue: &str,
    owner: &str,
    slots: usize,
    held: &[Uuid],
    lease: Duration,
) -> Result<Vec<Claimed>, Error> {
    let now = ctx.clock.now();
    let limit = i64::try_from(slots).unwrap_or(i64::MAX);
    let claim =
        store::job::Claim { queue, owner, limit, except: held, now, lease_until: now + lease };
    let mut tx = ctx.store.begin_global().await?;
    let claimed = store::job::claim(&mut tx, &claim).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Holds jobs for `lease` from now; answers which of them the owner still holds.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`].
pub async fn renew(
    ctx: &Ctx,
    owner: &str,
    held: &[Uuid],
    lease: Duration,
) -> Result<Vec<JobId>, Error> {
    let mut tx = ctx.store.begin_global().await?;
    let renewed = store::job::renew(&mut tx, owner, held, ctx.clock.now() + lease).await?;
    tx.commit().await?;
    Ok(renewed)
}

/// Ends an attempt. False when the lease was lost: nothing was changed.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`].
pub async fn end(ctx: &Ctx, lease: &Lease, ended: &Ended) -> Result<bool, Error> {
    let mut tx = ctx.store.begin_global().await?;
    let was_held = store::job::end(&mut tx, lease, ended, ctx.clock.now()).await?;
    tx.commit().await?;
    Ok(was_held)
}

/// Gives a job back without counting the attempt; the owner claims no more. False when the lease
/// was lost.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`].
pub async fn hand_back(ctx: &Ctx, lease: &Lease, queue: &str) -> Result<bool, Error> {
    let mut tx = ctx.store.begin_global().await?;
    let was_held = store::job::hand_back(&mut tx, lease).await?;
    // Another process may have a free slot for it.
    store::job::notify(&mut tx, queue).await?;
    tx.commit().await?;
    Ok(was_held)
}

/// Tells `wake` about every call of an enqueuing transaction, for ever; spawn it once per process.
pub async fn listen(ctx: &Ctx, wake: impl Fn(Wake) + Send + Sync) {
    store::job::listen(ctx.store.clone(), wake).await;
}

/// What to do after a failed attempt: try again later, or give up when it was the last.
#[must_use]
pub fn after_failure(claimed: &Claimed, result: &str, now: DateTime<Utc>) -> Ended {
    let result = shown(result);
    if claimed.attempt >= claimed.max_attempts {
        return Ended::Dead { result };
    }
    Ended::Retry { at: now + backoff(claimed.attempt, claimed.id), result }
}

/// Gives a job up, whatever attempts it has left.
#[must_use]
pub fn given_up(result: &str) -> Ended {
    Ended::Dead { result: shown(result) }
}

/// How long to wait after a failed attempt (from 1): doubling, and spread by up to an eighth by
/// the job's id, so that jobs that failed together do not come back together.
#[must_use]
pub fn backoff(attempt: i32, id: JobId) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(16);
    let pause = FIRST_BACKOFF.saturating_mul(1 << doublings).min(LONGEST_BACKOFF);
    let spread = u32::from(id.0.as_bytes()[15]);
    pause + (pause / 8) * spread / 256
}

/// A text as the database takes it, cut to [`MAX_RESULT`].
fn shown(result: &str) -> String {
    result.chars().filter(|c| *c != '\0').take(MAX_RESULT).collect()
}

/// Jobs of the organization, oldest first.
///
/// # Errors
/// [`Error::Invalid`] for a token of another list; [`Error::Unavailable`].
pub async fn list(
    scope: &mut Scope,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Job>, Error> {
    let status = filter.status.map_or("", Status::as_str);
    let filters = format!("{status}/{}", filter.queue.as_deref().unwrap_or_default());
    let after = page.after(scope, "jobs", filters.as_bytes()).await?.map(JobId);
    let rows = store::job::list(&mut scope.tx, filter, after, page.limit() + 1).await?;
    page.finish(scope, "jobs", filters.as_bytes(), rows, |job| job.id.0).await
}

/// A queue, as one organization has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Jobs that wait.
    pub queued: i64,
    /// Jobs that a worker holds.
    pub running: i64,
    /// Jobs that were given up.
    pub dead: i64,
    /// Since when the oldest waiting job is due.
    pub oldest_due: Option<DateTime<Utc>>,
}

/// The queues by name, also the empty ones, with the organization's jobs.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list_queues(ctx: &Ctx, scope: &mut Scope) -> Result<Vec<Queue>, Error> {
    let org = scope.org();
    let counts = store::job::counts(&mut scope.tx, Some(org), ctx.clock.now()).await?;
    let mut names: Vec<&str> = QUEUES.into_iter().collect();
    names.extend(counts.iter().map(|count| count.queue.as_str()));
    names.sort_unstable();
    names.dedup();
    let queues = names.into_iter().map(|name| {
        let find = |status| counts.iter().find(move |c| c.queue == name && c.status == status);
        let count = |status| find(status).map_or(0, |count| count.jobs);
        Queue {
            name: name.to_owned(),
            queued: count(Status::Queued),
            running: count(Status::Running),
            dead: count(Status::Dead),
            oldest_due: find(Status::Queued).and_then(|count| count.oldest_run_at),
        }
    });
    Ok(queues.collect())
}

/// Puts a dead job of the organization back, due now, with its attempts counted anew.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with reason `JOB_NOT_DEAD`.
pub async fn requeue(ctx: &Ctx, scope: &mut Scope, id: JobId) -> Result<Job, Error> {
    let job = store::job::lock(&mut scope.tx, id).await.or_missing("job", id)?;
    if job.status != Status::Dead {
        let status = job.status.as_str();
        let message = format!("job {id} is {status}: only a dead job can be put back");
        return Err(Error::refused("JOB_NOT_DEAD", message));
    }
    let job = store::job::requeue(&mut scope.tx, id, ctx.clock.now()).await?;
    store::job::notify(&mut scope.tx, &job.queue).await?;
    Ok(job)
}

/// Forgets jobs that ended two weeks ago or earlier, in bounded batches; answers how many.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn prune(ctx: &Ctx) -> Result<usize, Error> {
    let before = ctx.clock.now() - KEPT;
    let mut forgotten = 0;
    loop {
        let mut tx = ctx.store.begin_global().await?;
        let batch = store::job::prune(&mut tx, before, PRUNE_BATCH).await?;
        tx.commit().await?;
        forgotten += batch;
        if batch == 0 {
            return Ok(forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_minutes_and_are_spread_by_an_eighth() {
        let first = JobId(Uuid::nil());
        let last = JobId(Uuid::max());
        for (attempt, seconds) in
            [(1, 1), (2, 2), (5, 16), (10, 512), (11, 600), (20, 600), (i32::MAX, 600)]
        {
            let pause = Duration::from_secs(seconds);
            assert_eq!(backoff(attempt, first), pause, "attempt {attempt}");
            let spread = backoff(attempt, last);
            assert!(spread > pause && spread < pause + pause / 8, "attempt {attempt}: {spread:?}");
        }
    }

    #[test]
    fn the_last_attempt_gives_up() {
        let now = DateTime::UNIX_EPOCH;
        let mut claimed = Claimed {
            id: JobId(Uuid::nil()),
            org: None,
            args: serde_json::Value::Null,
            status: Status::Running,
            attempt: 2,
            max_attempts: 3,
            priority: 0,
            run_at: now,
        };
        let at = now + Duration::from_secs(2);
        assert_eq!(after_failure(&claimed, "a\0b", now), Ended::Retry { at, result: "ab".into() });
        claimed.attempt = 3;
        assert_eq!(after_failure(&claimed, "ab", now), Ended::Dead { result: "ab".into() });
    }
}
