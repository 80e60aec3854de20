//! When work happens: schedule, jobs, layers and the apalis backend over our own queue.
//!
//! Purpose: [`run`] is the worker process. Any number of them work side by side on one database.
//!
//! The rooms: `schedule` says which job when, `jobs` does what a job says, `workers` ties queues
//! to apalis, `backend` gives apalis the claimed jobs, `lease` holds them, `layers` runs each
//! attempt and decides how it ended.
//!
//! Invariants: a job that was claimed is acknowledged, handed back, or taken over by another
//! process when its lease runs out: after a failure, a panic, a time limit, a stop, a kill or an
//! outage of the database. No failure ends a worker; an outage is waited for.
//!
//! Deliberately absent: what a job does (`app`), SQL, how often a failed job is tried again
//! (`app::job`), signals and metrics exporters (`recoup`).

mod backend;
mod jobs;
mod layers;
mod lease;
mod process;
mod schedule;
mod workers;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use jobs::Failure;
pub use workers::Workers;

/// How a worker process works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Begins the name under which this process holds jobs; a fresh id follows.
    pub name: String,
    /// Jobs of one queue that run at once in this process.
    pub concurrency: usize,
    /// How long a job is held without a sign of life. It is renewed three times in that span.
    pub lease: Duration,
    /// How often queues are looked into when nobody calls.
    pub poll: Duration,
    /// How often due work is looked for.
    pub sweep_every: Duration,
    /// How often the gauges are read from the database.
    pub refresh_every: Duration,
    /// The longest attempt; then it is stopped and tried again later.
    pub job_timeout: Duration,
    /// How long running work may go on after a stop; then it is handed back.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "worker".to_owned(),
            // Of each queue; together they stay below the connections of a small pool.
            concurrency: 4,
            // With the poll below, a killed worker's job goes on after at most 13 seconds.
            lease: Duration::from_secs(10),
            // Calls arrive within milliseconds; this is for calls that were lost and for leases.
            poll: Duration::from_secs(3),
            // A day has 5,760 of them: due work begins well within a minute.
            sweep_every: Duration::from_secs(15),
            // As often as Prometheus usually asks.
            refresh_every: Duration::from_secs(15),
            // Work is done in batches of seconds; what takes this long is stuck.
            job_timeout: Duration::from_secs(600),
            // Below the 30 seconds that container runtimes wait before they kill.
            grace: Duration::from_secs(20),
        }
    }
}

/// Why a worker process ended that was not asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A part that runs for ever came to an end: a defect of ours.
    #[error("{0} ended by itself")]
    Ended(&'static str),
}

/// Sweeps, claims and works until `shutdown`; then claims nothing more, lets running work end
/// within [`Settings::grace`], hands back what did not, and returns.
///
/// # Errors
/// [`Error::Ended`]. An outage of the database is none: it is waited for.
pub async fn run(
    ctx: app::Ctx,
    settings: Settings,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    jobs::all(Workers::new(ctx, settings)).with_schedule().run(shutdown).await
}
