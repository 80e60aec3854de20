//! Calls end when the server stops.
//!
//! Purpose: after a stop was asked for, calls that are under way may end, streams end at once, and
//! what is left after the time that the settings give is ended too.
//!
//! Invariants: what is ended is answered UNAVAILABLE, so that callers try again, elsewhere or later.
//!
//! Deliberately absent: refusing new connections and telling clients to go away; the transport does.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use http::{Request, Response};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;

use super::{Around, Inner, interrupt};
use crate::permission::{self, Access};
use crate::{Settings, status};

/// Methods that stream their answer for a long time and can be taken up again.
const STREAMS: [&str; 3] = [
    "recoup.v1.ClockService/AdvanceClock",
    "recoup.v1.EventService/WatchEvents",
    "recoup.v1.SubscriptionService/RecordUsage",
];

/// Ends calls after a stop.
#[derive(Debug)]
pub(crate) struct Stop {
    asked: CancellationToken,
    within: Duration,
}

impl Stop {
    /// Waits for the token.
    pub(crate) fn new(asked: CancellationToken, settings: &Settings) -> Self {
        Self { asked, within: settings.stop_within }
    }

    /// How long a call may go on after the stop.
    fn patience(&self, path: &str) -> Duration {
        match permission::find(path) {
            Some(entry) if entry.access == Access::Public => Duration::ZERO,
            Some(entry) if STREAMS.contains(&entry.method) => Duration::ZERO,
            _ => self.within,
        }
    }
}

impl Around for Stop {
    async fn around<S: Inner>(
        self: Arc<Self>,
        request: Request<Body>,
        inner: S,
    ) -> Result<Response<Body>, S::Error> {
        let stopped = stopped(self.asked.clone(), self.patience(request.uri().path()));
        interrupt::until(stopped.boxed(), request, inner).await
    }
}

async fn stopped(asked: CancellationToken, patience: Duration) -> Status {
    asked.cancelled_owned().await;
    tokio::time::sleep(patience).await;
    status::stopping()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_are_ended_at_once_exist() {
        for method in STREAMS {
            assert!(permission::find(&format!("/{method}")).is_some(), "{method}");
        }
    }
}
