//! The workers of a process: one of apalis per queue, and the tasks beside them.
//!
//! Invariants: a part that ends by itself stops the whole process, so that a supervisor restarts
//! it rather than half of it going on unseen.

use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{BoxDynError, Monitor, Task, WorkerBuilder};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tower::service_fn;

use crate::backend::Source;
use crate::process::Process;
use crate::{Error, Failure, Settings, lease, schedule};

/// How long handing back may take; then the leases are left to run out.
const HAND_BACK: Duration = Duration::from_secs(5);

/// The workers of a process, before they run.
#[derive(Debug)]
pub struct Workers {
    process: Arc<Process>,
    monitor: Monitor,
    has_schedule: bool,
}

impl Workers {
    /// A process without queues.
    #[must_use]
    pub fn new(ctx: app::Ctx, settings: Settings) -> Self {
        let process = Arc::new(Process::new(ctx, settings));
        Self { process, monitor: Monitor::new(), has_schedule: false }
    }

    /// Works on a queue: `work` gets the arguments of each job.
    #[must_use]
    pub fn queue<A, W, F>(mut self, queue: &'static str, work: W) -> Self
    where
        A: DeserializeOwned + Send + Sync + 'static,
        W: Fn(app::Ctx, A) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let process = Arc::clone(&self.process);
        self.monitor = self.monitor.register(move |_| {
            let ctx = process.ctx.clone();
            let work = work.clone();
            let service = service_fn(move |task: Task<A>| {
                let ended = work(ctx.clone(), task.args);
                async move { ended.await.map_err(BoxDynError::from) }
            });
            WorkerBuilder::new(queue).backend(Source::<A>::new(&process, queue)).build(service)
        });
        self
    }

    /// Sweeps, and keeps the gauges.
    #[must_use]
    pub fn with_schedule(mut self) -> Self {
        self.has_schedule = true;
        self
    }

    /// Works until `shutdown`; see [`crate::run`].
    ///
    /// # Errors
    /// [`Error::Ended`].
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        let Self { process, monitor, has_schedule } = self;
        let stop = process.stop.clone();
        let mut beside = JoinSet::new();
        beside.spawn(listen(Arc::clone(&process)));
        beside.spawn(lease::keep(Arc::clone(&process)));
        beside.spawn(app::event::call(process.ctx.clone()));
        let mut scheduled = JoinSet::new();
        if has_schedule {
            scheduled.spawn(schedule::sweep(Arc::clone(&process)));
            scheduled.spawn(schedule::refresh(Arc::clone(&process)));
        }
        let broken = CancellationToken::new();
        let mut workers = start(monitor, stop.clone(), broken.clone());

        let ended = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            () = broken.cancelled() => Err(Error::Ended("a worker")),
            Some(_) = beside.join_next() => Err(Error::Ended("holding leases or waiting for calls")),
            Some(_) = scheduled.join_next() => Err(Error::Ended("the schedule")),
        };
        tracing::info!(owner = process.owner, "no new work is taken");
        scheduled.abort_all();
        stop.cancel();
        // Leases are renewed until the last job has ended.
        if tokio::time::timeout(process.settings.grace, &mut workers).await.is_err() {
            tracing::warn!(jobs = process.held.ids().len(), "running work is handed back");
            process.abandon.cancel();
            if tokio::time::timeout(HAND_BACK, &mut workers).await.is_err() {
                tracing::error!("not all work was handed back: its leases run out");
            }
        }
        ended
    }
}

/// Runs the workers of apalis until the stop. One that ends before it says so by `broken`.
fn start(
    monitor: Monitor,
    stop: CancellationToken,
    broken: CancellationToken,
) -> AbortOnDropHandle<()> {
    let monitor = monitor.should_restart(move |worker, error| {
        tracing::error!(queue = worker.name(), %error, "a worker of apalis broke");
        broken.cancel();
        false
    });
    AbortOnDropHandle::new(tokio::spawn(async move {
        let signal = async move {
            stop.cancelled().await;
            Ok(())
        };
        if let Err(error) = monitor.run_with_signal(signal).await {
            tracing::error!(%error, "the workers of apalis ended badly");
        }
    }))
}

async fn listen(process: Arc<Process>) {
    let ringing = Arc::clone(&process);
    app::job::listen(&process.ctx, move |wake| ringing.ring(&wake)).await;
}
