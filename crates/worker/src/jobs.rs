//! What the jobs do: each calls its use case.
//!
//! Invariants: a job names an organization and what to look at; it finds what is due itself, so
//! that running it late, twice or not at all changes nothing that the next one does not mend.

use apalis::prelude::BoxDynError;
use app::Ctx;
use app::day::Task;
use app::job::{Prune, RunTask, VerifyLedger};
use chrono::{DateTime, Utc};

use crate::Workers;

/// Adds a worker for every kind of job.
pub(crate) fn all(workers: Workers) -> Workers {
    Task::ALL
        .into_iter()
        .fold(workers, |workers, task| workers.queue(task.name(), run_task))
        .queue(VerifyLedger::QUEUE, verify_ledger)
        .queue(Prune::QUEUE, prune)
}

async fn run_task(ctx: Ctx, args: RunTask) -> Result<(), Failure> {
    let done = args.task.run(&ctx, args.org).await?;
    tracing::info!(org = %args.org, ?done, "the task of the day is done");
    Ok(())
}

async fn verify_ledger(ctx: Ctx, args: VerifyLedger) -> Result<(), Failure> {
    app::ledger::verify(&ctx, args.org).await?;
    Ok(())
}

async fn prune(ctx: Ctx, _: Prune) -> Result<(), Failure> {
    let jobs = app::job::prune(&ctx).await?;
    let answers = app::request::prune(&ctx).await?;
    tracing::info!(jobs, answers, "old jobs and answers are forgotten");
    Ok(())
}

/// Why an attempt failed, and whether another may help.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// What to do about it.
    pub(crate) next: Next,
    // Shown as this error's own text, so it is no source: chains would say it twice.
    cause: BoxDynError,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try again after a pause that grows.
    Retry,
    /// Try again at that time.
    RetryAt(DateTime<Utc>),
    /// Give up: it can never succeed.
    Dead,
}

impl Failure {
    /// A failure that may pass: tried again after a pause that grows with the attempts.
    pub fn retry(cause: impl Into<BoxDynError>) -> Self {
        Self { next: Next::Retry, cause: cause.into() }
    }

    /// A failure that may have passed at a certain time of the wall clock.
    pub fn retry_at(at: DateTime<Utc>, cause: impl Into<BoxDynError>) -> Self {
        Self { next: Next::RetryAt(at), cause: cause.into() }
    }

    /// A failure that no further attempt can mend.
    pub fn dead(cause: impl Into<BoxDynError>) -> Self {
        Self { next: Next::Dead, cause: cause.into() }
    }
}

impl From<app::Error> for Failure {
    fn from(error: app::Error) -> Self {
        use app::Error;
        match error {
            // The job asks for something that is not there and will not come.
            Error::Invalid { .. } | Error::NotFound { .. } | Error::Unauthenticated(_) => {
                Self::dead(error)
            }
            // These pass, or somebody mends them; a refusal depends on the state of things.
            Error::Unavailable(_)
            | Error::Busy(_)
            | Error::Fault(_)
            | Error::Refused(_)
            | Error::Exists(_) => Self::retry(error),
        }
    }
}
