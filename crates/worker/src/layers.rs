//! The layer around every attempt: time limit, panic, lost lease, stop, what to do next,
//! acknowledgement, trace and metrics.
//!
//! Invariants: however an attempt ends, the queue is told, and only then is its slot free. An
//! attempt runs in a task of its own, so that one that computes long keeps no other from running,
//! and it is over, or was given time to be, before its job is given to somebody else.
//!
//! Deliberately absent: retries within an attempt.

use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use apalis::prelude::{BoxDynError, Task};
use app::job::{Claimed, Ended, after_failure, given_up};
use app::telemetry::{JOB_DURATION, JOBS_RUN};
use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use metrics::{counter, histogram};
use tokio::task::JoinError;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tower::{Layer, Service};
use tracing::Instrument;

use crate::jobs::{Failure, Next};
use crate::lease::Holding;
use crate::process::{NotDone, Process};

/// How long an attempt that was stopped may take to come to its next point of waiting. One that
/// computes without end is left behind.
const LEAVE: Duration = Duration::from_secs(2);

/// Puts the layer around a worker's service.
#[derive(Debug, Clone)]
pub(crate) struct Attempts {
    pub(crate) process: Arc<Process>,
}

/// A worker's service with the layer around it.
#[derive(Debug, Clone)]
pub(crate) struct Attempting<S> {
    process: Arc<Process>,
    service: S,
}

impl<S> Layer<S> for Attempts {
    type Service = Attempting<S>;

    fn layer(&self, service: S) -> Attempting<S> {
        Attempting { process: Arc::clone(&self.process), service }
    }
}

impl<S, A> Service<Task<A>> for Attempting<S>
where
    S: Service<Task<A>, Response = (), Error = BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, task: Task<A>) -> Self::Future {
        let holding = task.data().get::<Arc<Holding>>().cloned();
        let work = self.service.call(task);
        let process = Arc::clone(&self.process);
        let attempt = async move {
            let holding = holding.ok_or("a job that was not claimed: refused")?;
            let claimed = &holding.claimed;
            let span = tracing::info_span!(
                "job", queue = holding.queue, id = %claimed.id, attempt = claimed.attempt
            );
            attempt(&process, &holding, work).instrument(span).await;
            Ok(())
        };
        attempt.boxed()
    }
}

/// How the work of an attempt ended.
#[derive(Debug)]
enum Outcome {
    Done,
    Failed(BoxDynError),
    Panicked,
    TimedOut,
    /// The process stops.
    Abandoned,
    /// Somebody else has the job.
    Lost,
}

/// What the queue is told about it.
#[derive(Debug, PartialEq)]
enum Verdict {
    End(Ended),
    HandBack,
    Nothing,
}

async fn attempt<F>(process: &Process, holding: &Holding, work: F)
where
    F: Future<Output = Result<(), BoxDynError>> + Send + 'static,
{
    let begun = Instant::now();
    let outcome = supervise(process, holding, work).await;
    let took = begun.elapsed();
    histogram!(JOB_DURATION, "queue" => holding.queue).record(took.as_secs_f64());
    tell(&outcome, took);
    let verdict =
        decide(&outcome, &holding.claimed, process.settings.job_timeout, process.ctx.clock.now());
    let (result, answer) = match &verdict {
        Verdict::End(ended) => (name(ended), holding.end(ended).await),
        Verdict::HandBack => ("handed_back", holding.hand_back().await),
        Verdict::Nothing => ("lost", Ok(true)),
    };
    count(holding.queue, result, answer);
}

/// Runs the work until it ends or must.
async fn supervise<F>(process: &Process, holding: &Holding, work: F) -> Outcome
where
    F: Future<Output = Result<(), BoxDynError>> + Send + 'static,
{
    let mut running = AbortOnDropHandle::new(tokio::spawn(work.in_current_span()));
    let must = tokio::select! {
        ended = &mut running => return outcome(ended),
        () = tokio::time::sleep(process.settings.job_timeout) => Outcome::TimedOut,
        () = holding.lost.cancelled() => Outcome::Lost,
        () = process.abandon.cancelled() => Outcome::Abandoned,
    };
    running.abort();
    match tokio::time::timeout(LEAVE, &mut running).await {
        Ok(ended) => match outcome(ended) {
            Outcome::Abandoned => must,
            // It ended by itself in the last moment.
            by_itself => by_itself,
        },
        Err(_) => {
            tracing::error!("the attempt does not stop: it is left behind");
            must
        }
    }
}

fn outcome(ended: Result<Result<(), BoxDynError>, JoinError>) -> Outcome {
    match ended {
        Ok(Ok(())) => Outcome::Done,
        Ok(Err(error)) => Outcome::Failed(error),
        Err(error) if error.is_panic() => {
            let said = error.into_panic();
            tracing::error!(panic = message(&*said), "the job panicked");
            Outcome::Panicked
        }
        // Aborted from elsewhere: the runtime stops.
        Err(_) => Outcome::Abandoned,
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// What comes of an outcome: the one place where an attempt's end is classified. A panic's message
/// is in the log only: it may hold anything.
fn decide(outcome: &Outcome, claimed: &Claimed, limit: Duration, now: DateTime<Utc>) -> Verdict {
    let result = match outcome {
        Outcome::Done => return Verdict::End(Ended::Done),
        Outcome::Abandoned => return Verdict::HandBack,
        Outcome::Lost => return Verdict::Nothing,
        Outcome::Panicked => "it panicked: the log of that time says where".to_owned(),
        Outcome::TimedOut => format!("it took longer than {limit:?}"),
        Outcome::Failed(error) => error.to_string(),
    };
    let next = match outcome {
        Outcome::Failed(error) => error.downcast_ref::<Failure>().map(|failure| failure.next),
        _ => None,
    };
    Verdict::End(match (next, after_failure(claimed, &result, now)) {
        (Some(Next::Dead), _) => given_up(&result),
        (Some(Next::RetryAt(at)), Ended::Retry { result, .. }) => Ended::Retry { at, result },
        (_, ended) => ended,
    })
}

fn name(ended: &Ended) -> &'static str {
    match ended {
        Ended::Done => "done",
        Ended::Retry { .. } => "retried",
        Ended::Dead { .. } => "dead",
    }
}

/// Counts an attempt by what the queue answered.
pub(crate) fn count(queue: &'static str, result: &'static str, answer: Result<bool, NotDone>) {
    let result = match answer {
        Ok(true) => result,
        Ok(false) | Err(NotDone) => "lost",
    };
    if result == "lost" {
        tracing::warn!(queue, "the lease was lost: another worker's word counts");
    }
    counter!(JOBS_RUN, "queue" => queue, "result" => result).increment(1);
}

fn tell(outcome: &Outcome, took: Duration) {
    let seconds = took.as_secs_f64();
    match outcome {
        Outcome::Done => tracing::info!(seconds, "done"),
        Outcome::Failed(error) => {
            let causes = std::iter::successors(error.source(), |cause| cause.source());
            let causes: Vec<String> = causes.map(ToString::to_string).collect();
            tracing::error!(seconds, %error, causes = causes.join(": "), "failed");
        }
        Outcome::Panicked | Outcome::TimedOut => tracing::error!(seconds, ?outcome, "failed"),
        Outcome::Abandoned | Outcome::Lost => tracing::warn!(seconds, ?outcome, "not finished"),
    }
}

#[cfg(test)]
mod tests {
    use app::job::Status;
    use domain::id::JobId;

    use super::*;

    fn claimed(attempt: i32) -> Claimed {
        Claimed {
            id: JobId(uuid::Uuid::nil()),
            org: None,
            args: serde_json::Value::Null,
            status: Status::Running,
            attempt,
            max_attempts: 3,
            priority: 0,
            run_at: DateTime::UNIX_EPOCH,
        }
    }

    fn failed(failure: Failure) -> Outcome {
        Outcome::Failed(Box::new(failure))
    }

    #[test]
    fn every_end_of_an_attempt_has_its_verdict() {
        let now = DateTime::UNIX_EPOCH;
        let later = now + Duration::from_secs(99);
        let table = [
            (1, Outcome::Done, "done"),
            (3, Outcome::Done, "done"),
            (1, Outcome::Abandoned, "hand back"),
            (3, Outcome::Abandoned, "hand back"),
            (1, Outcome::Lost, "nothing"),
            (1, Outcome::Panicked, "retry after 1 s: it panicked: the log of that time says where"),
            (2, Outcome::Panicked, "retry after 2 s: it panicked: the log of that time says where"),
            (3, Outcome::Panicked, "dead: it panicked: the log of that time says where"),
            (1, Outcome::TimedOut, "retry after 1 s: it took longer than 60s"),
            (3, Outcome::TimedOut, "dead: it took longer than 60s"),
            (2, failed(Failure::retry("busy")), "retry after 2 s: busy"),
            (3, failed(Failure::retry("busy")), "dead: busy"),
            (1, failed(Failure::dead("never")), "dead: never"),
            (2, failed(Failure::retry_at(later, "later")), "retry after 99 s: later"),
            (3, failed(Failure::retry_at(later, "later")), "dead: later"),
            (1, Outcome::Failed("foreign".into()), "retry after 1 s: foreign"),
        ];
        for (attempt, outcome, expected) in table {
            let verdict = match decide(&outcome, &claimed(attempt), Duration::from_secs(60), now) {
                Verdict::End(Ended::Done) => "done".to_owned(),
                Verdict::End(Ended::Retry { at, result }) => {
                    format!("retry after {} s: {result}", (at - now).num_seconds())
                }
                Verdict::End(Ended::Dead { result }) => format!("dead: {result}"),
                Verdict::HandBack => "hand back".to_owned(),
                Verdict::Nothing => "nothing".to_owned(),
            };
            assert_eq!(verdict, expected, "attempt {attempt}: {outcome:?}");
        }
    }
}
