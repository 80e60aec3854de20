//! Waiting for the calls of [`super::notify`].

use crate::Store;

/// The channel on which enqueuing transactions call; the payload is the queue's name.
pub(super) const CHANNEL: &str = "recoup_jobs";

/// Why a worker should look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// Calls may have been missed: look into every queue.
    All,
    /// Something came into this queue.
    Queue(String),
}

/// Waits for calls for ever, and tells each to `wake`; spawn it once per process. A broken
/// connection is made anew. Every fresh connection begins with [`Wake::All`].
pub async fn listen(store: Store, wake: impl Fn(Wake) + Send + Sync) {
    let heard = |queue: Option<&str>| {
        wake(queue.map_or(Wake::All, |queue| Wake::Queue(queue.to_owned())));
    };
    crate::listen::listen(&store, CHANNEL, heard).await;
}
