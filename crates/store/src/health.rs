//! Whether the database answers.
//!
//! Purpose: one task per process asks the database a few times a second; everybody else looks at
//! the answer. A call that is under way when the database falls silent can so be ended within a
//! second, whatever the driver waits for.

use std::time::Duration;

use diesel::connection::InstrumentationEvent;
use diesel_async::{AsyncConnection as _, SimpleAsyncConnection};
use tokio::sync::watch;

use crate::pool::Store;

/// How often the database is asked.
const PERIOD: Duration = Duration::from_millis(250);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_millis(350);

/// The last answer, shared by clones.
#[derive(Debug, Clone)]
pub struct Health(watch::Sender<bool>);

impl Default for Health {
    fn default() -> Self {
        Self(watch::Sender::new(true))
    }
}

impl Health {
    /// Whether the database answered when it was last asked.
    #[must_use]
    pub fn is_up(&self) -> bool {
        *self.0.borrow()
    }

    /// Follows the answers.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }
}

/// Asks the database for ever; spawn it once per process.
pub async fn watch(store: Store) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut own = None;
    loop {
        ticks.tick().await;
        // Twice, on a fresh connection, before the alarm: both fit in a second.
        let up = answers(&store, &mut own).await || answers(&store, &mut own).await;
        store.health().0.send_if_modified(|state| {
            let changed = *state != up;
            *state = up;
            changed
        });
    }
}

async fn answers(store: &Store, own: &mut Option<diesel_async::AsyncPgConnection>) -> bool {
    let asked = tokio::time::timeout(PATIENCE, ask(store, own)).await;
    if asked != Ok(true) {
        *own = None;
    }
    asked == Ok(true)
}

/// One question on a connection of its own, so that a busy pool is not mistaken for a dead
/// database.
async fn ask(store: &Store, own: &mut Option<diesel_async::AsyncPgConnection>) -> bool {
    if own.is_none() {
        *own = store.dedicated().await.ok();
        // What it asks is nobody's work: it is not among the statements that are measured.
        if let Some(connection) = own {
            connection.set_instrumentation(|_: InstrumentationEvent<'_>| {});
        }
    }
    match own {
        Some(connection) => connection.batch_execute("SELECT 1").await.is_ok(),
        None => false,
    }
}
