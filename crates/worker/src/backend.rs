//! The backend of apalis over our own queue.
//!
//! Purpose: per queue, a task claims as many jobs as there are free slots and passes them to the
//! worker of apalis.
//!
//! Invariants: what was claimed has a slot, so nothing waits in a buffer behind running work. A
//! slot is free only when the acknowledgement was answered. Arguments that cannot be read end
//! their job, and no other. No failure reaches apalis: calls of the database are repeated. On a
//! stop, what was claimed and not begun is handed back.
//!
//! Deliberately absent: apalis' own acknowledgement, heartbeat, retry and codec, which lose or
//! repeat jobs under failures.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use apalis::prelude::{Backend, Task, TaskBuilder, TaskId, WorkerContext};
use apalis_core::backend::BackendConfig;
use apalis_core::backend::finalize::Ephemeral;
use app::job::{Claimed, Status, given_up};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;

use crate::layers::{Attempts, count};
use crate::lease::Holding;
use crate::process::Process;

/// The jobs of one queue, as apalis takes them.
pub(crate) struct Source<A> {
    process: Arc<Process>,
    /// Claims, from the first time that apalis asks.
    pump: PumpState<A>,
    jobs: mpsc::UnboundedReceiver<Task<A>>,
    closing: Option<BoxFuture<'static, ()>>,
}

enum PumpState<A> {
    Ready(Pump<A>),
    Running(AbortOnDropHandle<()>),
    Gone,
}

impl<A> Source<A> {
    pub(crate) fn new(process: &Arc<Process>, queue: &'static str) -> Self {
        // Holds no more than there are slots.
        let (sender, jobs) = mpsc::unbounded_channel();
        let pump = PumpState::Ready(Pump { process: Arc::clone(process), queue, sender });
        Self { process: Arc::clone(process), pump, jobs, closing: None }
    }
}

impl<A: DeserializeOwned + Send + 'static> Backend for Source<A> {
    type Task = Task<A>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        self.pump = match std::mem::replace(&mut self.pump, PumpState::Gone) {
            PumpState::Ready(pump) => {
                PumpState::Running(AbortOnDropHandle::new(tokio::spawn(pump.run())))
            }
            running => running,
        };
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Task<A>, Infallible>>> {
        match ready!(self.jobs.poll_recv(context)) {
            Some(task) => Poll::Ready(Some(Ok(task))),
            // The pump has stopped; apalis wakes the worker for its own stop.
            None => Poll::Pending,
        }
    }

    fn poll_close(
        &mut self,
        context: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        let closing = self.closing.get_or_insert_with(|| {
            let pump = std::mem::replace(&mut self.pump, PumpState::Gone);
            let (_, none) = mpsc::unbounded_channel();
            close(pump, std::mem::replace(&mut self.jobs, none)).boxed()
        });
        closing.poll_unpin(context).map(Ok)
    }
}

/// Waits for the last claim, and hands back what no worker took.
async fn close<A>(pump: PumpState<A>, mut jobs: mpsc::UnboundedReceiver<Task<A>>) {
    match pump {
        PumpState::Running(pump) => {
            if let Err(error) = pump.await {
                tracing::error!(%error, "claiming ended badly");
            }
        }
        // Its end of the channel goes, so that the jobs end.
        PumpState::Ready(_) | PumpState::Gone => {}
    }
    while let Some(task) = jobs.recv().await {
        if let Some(holding) = task.data().get::<Arc<Holding>>() {
            count(holding.queue, "handed_back", holding.hand_back().await);
        }
    }
}

impl<A> BackendConfig for Source<A> {
    type Args = A;
    type Id = uuid::Uuid;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Attempts;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Attempts {
        Attempts { process: Arc::clone(&self.process) }
    }
}

/// Claims the jobs of a queue.
struct Pump<A> {
    process: Arc<Process>,
    queue: &'static str,
    sender: mpsc::UnboundedSender<Task<A>>,
}

impl<A: DeserializeOwned + Send + 'static> Pump<A> {
    async fn run(self) {
        let process = Arc::clone(&self.process);
        let bell = process.bell(self.queue);
        let slots = Arc::new(Semaphore::new(process.settings.concurrency.max(1)));
        while let Some(free) = self.free(&slots).await {
            let wanted = free.len();
            let Some(claimed) = self.claim(wanted).await else { return };
            let is_empty = claimed.len() < wanted;
            for (claimed, slot) in claimed.into_iter().zip(free) {
                self.deliver(claimed, slot).await;
            }
            if is_empty {
                tokio::select! {
                    () = process.stop.cancelled() => return,
                    () = bell.notified() => {}
                    () = tokio::time::sleep(process.settings.poll) => {}
                }
            }
        }
    }

    /// Waits for a free slot, and takes all that are free; nothing after the stop.
    async fn free(&self, slots: &Arc<Semaphore>) -> Option<Vec<OwnedSemaphorePermit>> {
        let first = tokio::select! {
            () = self.process.stop.cancelled() => return None,
            slot = Arc::clone(slots).acquire_owned() => slot.ok()?,
        };
        let more = std::iter::from_fn(|| Arc::clone(slots).try_acquire_owned().ok());
        Some(std::iter::once(first).chain(more).collect())
    }

    /// Claims, through outages of the database; nothing after the stop. A claim that was begun is
    /// waited for, so that what it took is known.
    async fn claim(&self, wanted: usize) -> Option<Vec<Claimed>> {
        let Process { ctx, settings, owner, held, stop, .. } = &*self.process;
        loop {
            let claim = || async {
                let held = held.ids();
                app::job::claim(ctx, self.queue, owner, wanted, &held, settings.lease).await
            };
            if let Ok(claimed) = self.process.insist("claim", stop, claim).await {
                return Some(claimed);
            }
            if stop.is_cancelled() {
                return None;
            }
        }
    }

    async fn deliver(&self, claimed: Claimed, slot: OwnedSemaphorePermit) {
        let id = claimed.id;
        if claimed.status == Status::Dead {
            tracing::error!(queue = self.queue, job = %id, "given up: its workers vanished");
            return count(self.queue, "dead", Ok(true));
        }
        let args = serde_json::from_value::<A>(claimed.args.clone());
        let holding = Arc::new(Holding::new(&self.process, self.queue, claimed, slot));
        match args {
            Ok(_) if self.process.stop.is_cancelled() => {
                count(self.queue, "handed_back", holding.hand_back().await);
            }
            Ok(args) => {
                let id = TaskId::from_string(id.to_string());
                let task = TaskBuilder::new(args).task_id(id).data(holding).build();
                if self.sender.send(task).is_err() {
                    tracing::error!(queue = self.queue, "no worker takes the jobs");
                }
            }
            Err(error) => {
                let result = format!("the arguments cannot be read: {error}");
                tracing::error!(queue = self.queue, job = %id, result, "given up");
                count(self.queue, "dead", holding.end(&given_up(&result)).await);
            }
        }
    }
}
