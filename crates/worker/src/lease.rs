//! The jobs that this process holds, and the task that keeps them held.
//!
//! Purpose: leases are renewed by a task of their own, whatever the workers are busy with.
//!
//! Invariants: a job is in the list from its claim until its acknowledgement has been answered,
//! also while it waits for a worker; then its slot is free. A lease that somebody else took is
//! lost for good, and its attempt is stopped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::job::{Claimed, Ended, Lease};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::process::{CALL, NotDone, Process};

/// The pause after a renewal that failed: several tries fit into the rest of a lease.
const AGAIN: Duration = Duration::from_millis(500);

/// The jobs held, each with the token that says that it was lost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<Mutex<HashMap<Uuid, CancellationToken>>>);

impl Held {
    fn with<T>(&self, look: impl FnOnce(&mut HashMap<Uuid, CancellationToken>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ids of the jobs held.
    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.with(|held| held.keys().copied().collect())
    }

    fn snapshot(&self) -> Vec<(Uuid, CancellationToken)> {
        self.with(|held| held.iter().map(|(id, lost)| (*id, lost.clone())).collect())
    }
}

/// A job that this process holds. Dropping it frees the slot, and lets the lease run out.
#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) queue: &'static str,
    pub(crate) claimed: Claimed,
    /// Somebody else has it now.
    pub(crate) lost: CancellationToken,
    process: Arc<Process>,
    _slot: OwnedSemaphorePermit,
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.process.held.with(|held| held.remove(&self.claimed.id.0));
    }
}

impl Holding {
    pub(crate) fn new(
        process: &Arc<Process>,
        queue: &'static str,
        claimed: Claimed,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        let lost = CancellationToken::new();
        process.held.with(|held| held.insert(claimed.id.0, lost.clone()));
        Self { queue, claimed, lost, process: Arc::clone(process), _slot: slot }
    }

    fn lease(&self) -> Lease {
        let owner = self.process.owner.clone();
        Lease { id: self.claimed.id, owner, attempt: self.claimed.attempt }
    }

    /// Ends the attempt, through outages of the database. False when the lease was lost.
    pub(crate) async fn end(&self, ended: &Ended) -> Result<bool, NotDone> {
        let lease = self.lease();
        let never = CancellationToken::new();
        let ctx = &self.process.ctx;
        self.process.insist("acknowledge", &never, || app::job::end(ctx, &lease, ended)).await
    }

    /// Gives the job back, uncounted. False when the lease was lost.
    pub(crate) async fn hand_back(&self) -> Result<bool, NotDone> {
        let lease = self.lease();
        let never = CancellationToken::new();
        let ctx = &self.process.ctx;
        let give = || app::job::hand_back(ctx, &lease, self.queue);
        self.process.insist("hand back", &never, give).await
    }
}

/// Renews the leases for ever; spawn it once per process.
pub(crate) async fn keep(process: Arc<Process>) {
    let lease = process.settings.lease;
    loop {
        tokio::time::sleep(lease / 3).await;
        while renew(&process, lease).await.is_err() {
            tokio::time::sleep(AGAIN).await;
        }
    }
}

async fn renew(process: &Process, lease: Duration) -> Result<(), ()> {
    // Fetched anew for every try: what ended meanwhile is not lost.
    let held = process.held.snapshot();
    if held.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = held.iter().map(|(id, _)| *id).collect();
    let asked = app::job::renew(&process.ctx, &process.owner, &ids, lease);
    let renewed = match tokio::time::timeout(CALL, asked).await {
        Ok(Ok(renewed)) => renewed,
        Ok(Err(error)) => {
            tracing::warn!(%error, jobs = ids.len(), "the leases could not be renewed");
            return Err(());
        }
        Err(_) => return Err(()),
    };
    for (id, lost) in held {
        if !renewed.iter().any(|still| still.0 == id) {
            lost.cancel();
        }
    }
    Ok(())
}
