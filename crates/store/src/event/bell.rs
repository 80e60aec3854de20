//! Waking those who wait for events, soon and cheaply.
//!
//! Purpose: a transaction that wrote events marks its organization after it has committed; one task
//! of the process calls for all that are marked, at most once per [`INTERVAL`]: watchers of this
//! process directly, other processes by the database.
//!
//! Invariants: a call says only that there may be something new; whoever is called looks. A call
//! that is lost is made up for by looking now and then without one.
//!
//! Deliberately absent: what is new. That stands in the rows.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::id::OrgId;
use tokio::sync::{Notify, watch};

use crate::{Result, Store};

/// The channel on which processes call each other; the payload is the organization's id.
const EVENTS: &str = "recoup_events";

/// Between two calls of a process: fast enough for people, and however many transactions commit,
/// readers look at most twenty times a second.
const INTERVAL: Duration = Duration::from_millis(50);

/// The bell of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Organizations with events that nobody was called for yet.
    marked: Mutex<HashSet<OrgId>>,
    /// Tells [`call`] that there are some.
    some: Notify,
    /// Who waits in this process.
    watchers: Mutex<HashMap<OrgId, watch::Sender<()>>>,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bell {
    /// Notes that a transaction of this process has committed events of an organization.
    pub fn mark(&self, org: OrgId) {
        held(&self.0.marked).insert(org);
        self.0.some.notify_one();
    }

    /// Changes whenever an organization may have new events.
    #[must_use]
    pub fn watch(&self, org: OrgId) -> watch::Receiver<()> {
        let mut watchers = held(&self.0.watchers);
        // Those whose watchers are gone go with the next one that comes.
        watchers.retain(|_, sender| sender.receiver_count() > 0);
        watchers.entry(org).or_default().subscribe()
    }

    /// Wakes the watchers of an organization in this process.
    fn ring(&self, org: OrgId) {
        if let Some(sender) = held(&self.0.watchers).get(&org) {
            sender.send_replace(());
        }
    }

    fn ring_everybody(&self) {
        for sender in held(&self.0.watchers).values() {
            sender.send_replace(());
        }
    }
}

/// Calls for ever for what this process has committed; spawn it once per part that commits.
pub async fn call(store: Store) {
    let bell = store.bell();
    loop {
        bell.0.some.notified().await;
        let marked: Vec<OrgId> = held(&bell.0.marked).drain().collect();
        for org in &marked {
            bell.ring(*org);
        }
        if let Err(error) = notify(&store, &marked).await {
            tracing::debug!(%error, "other processes are not called: they look by themselves");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Calls other processes for these organizations.
async fn notify(store: &Store, marked: &[OrgId]) -> Result<()> {
    if marked.is_empty() {
        return Ok(());
    }
    let mut tx = store.begin_global().await?;
    diesel::sql_query("SELECT pg_notify($1, u.org::text) FROM unnest($2) AS u (org)")
        .bind::<Text, _>(EVENTS)
        .bind::<Array<SqlUuid>, _>(marked)
        .execute(tx.connection())
        .await?;
    tx.commit().await
}

/// Hears the calls of other processes for ever; spawn it once in a process with watchers.
pub async fn hear(store: Store) {
    let bell = store.bell();
    let heard = |org: Option<&str>| match org.map(str::parse) {
        Some(Ok(org)) => bell.ring(org),
        // A fresh connection: calls may have been missed.
        None | Some(Err(_)) => bell.ring_everybody(),
    };
    crate::listen::listen(&store, EVENTS, heard).await;
}
