//! Following events as they come.
//!
//! Purpose: a watch reads what there is in bounded batches, one when the one before was taken, and
//! then waits: for a call ([`store::event::Bell`]), for the poll that makes up for lost calls, or
//! for the next sign of life.
//!
//! Invariants: a watch keeps a position and nothing else; no transaction and no connection is held
//! while it waits. It is called before it reads, never between reading and waiting.

use std::time::Duration;

use domain::id::OrgId;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Filter;
use super::read::{self, Batch};
use crate::error::Error;
use crate::{Ctx, Scope};

/// How often a watch looks without being called: how late an event is seen whose call was lost.
const POLL: Duration = Duration::from_secs(2);

/// Events of one batch: some hundred kilobytes at most.
const BATCH: i64 = 100;

/// Where a watch begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// After this cursor; at the beginning when it is empty.
    After(String),
    /// With what happens from now on.
    Now,
}

/// Follows an organization's events.
#[derive(Debug)]
pub struct Watch {
    ctx: Ctx,
    org: OrgId,
    filter: Filter,
    secret: Vec<u8>,
    position: i64,
    rung: watch::Receiver<()>,
    heartbeat: Duration,
    /// Whether the first answer was given; it is not waited for.
    has_begun: bool,
}

impl Watch {
    /// A watch that answers at least once in every `heartbeat`.
    ///
    /// # Errors
    /// As [`read::list`], for the field `cursor`.
    pub async fn begin(
        ctx: &Ctx,
        scope: &mut Scope,
        begin: Begin,
        filter: Filter,
        heartbeat: Duration,
    ) -> Result<Self, Error> {
        let org = scope.org();
        let rung = ctx.store.bell().watch(org);
        let secret = store::organization::page_secret(&mut scope.tx).await?;
        let position = match begin {
            Begin::After(cursor) => read::position(scope, &secret, "cursor", &cursor).await?,
            Begin::Now => store::event::head(&mut scope.tx).await?,
        };
        let ctx = ctx.clone();
        Ok(Self { ctx, org, filter, secret, position, rung, heartbeat, has_begun: false })
    }

    /// The next events, or none as a sign of life with the cursor so far. The first answer comes at
    /// once.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; then begin another watch after the last cursor.
    pub async fn next(&mut self) -> Result<Batch, Error> {
        let heartbeat = Instant::now() + self.heartbeat;
        loop {
            // A call that comes while this reads is heard after it.
            self.rung.borrow_and_update();
            let batch = self.read().await?;
            self.position = batch.position;
            let is_due = !self.has_begun || Instant::now() >= heartbeat;
            if !batch.events.is_empty() || is_due {
                self.has_begun = true;
                return Ok(batch);
            }
            if batch.is_last && !self.wait(heartbeat).await {
                return Ok(batch);
            }
        }
    }

    async fn read(&self) -> Result<Batch, Error> {
        let mut scope = self.ctx.scope(self.org).await?;
        let batch =
            read::batch(&mut scope, &self.secret, &self.filter, self.position, BATCH).await?;
        scope.commit().await?;
        Ok(batch)
    }

    /// Waits until it is worth looking; false when it is time for a sign of life.
    async fn wait(&mut self, heartbeat: Instant) -> bool {
        tokio::select! {
            // The sender lives as long as its receivers.
            _ = self.rung.changed() => true,
            () = tokio::time::sleep(POLL) => true,
            () = tokio::time::sleep_until(heartbeat) => false,
        }
    }
}

/// Calls watchers of all processes for what this process has committed, for ever; spawn it once in
/// every part that commits.
pub async fn call(ctx: Ctx) {
    store::event::call(ctx.store).await;
}

/// Hears the calls of other processes, for ever; spawn it once in a process with watchers.
pub async fn hear(ctx: Ctx) {
    store::event::hear(ctx.store).await;
}
