//! Calls end when the database goes away.
//!
//! Purpose: while the database does not answer, calls are refused at once, and calls under way are
//! ended within a second of its silence, whatever the driver waits for.
//!
//! Invariants: public methods (health, reflection) do not need the database and are served.
//!
//! Deliberately absent: asking the database. One task per process does; this looks at its answers.

use std::sync::Arc;

use futures::FutureExt;
use http::{Request, Response};
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;

use super::{Around, Inner, interrupt};
use crate::permission::{self, Access};
use crate::status;

/// Ends calls while the database is away.
#[derive(Debug)]
pub(crate) struct Database {
    up: watch::Receiver<bool>,
}

impl Database {
    /// Follows what is known of the database.
    pub(crate) fn new(up: watch::Receiver<bool>) -> Self {
        Self { up }
    }
}

impl Around for Database {
    async fn around<S: Inner>(
        self: Arc<Self>,
        request: Request<Body>,
        mut inner: S,
    ) -> Result<Response<Body>, S::Error> {
        match permission::find(request.uri().path()) {
            Some(entry) if entry.access == Access::Public => inner.call(request).await,
            _ => interrupt::until(gone(self.up.clone()).boxed(), request, inner).await,
        }
    }
}

/// Waits until the database does not answer.
async fn gone(mut up: watch::Receiver<bool>) -> Status {
    if up.wait_for(|up| !up).await.is_err() {
        // Nobody asks the database any more: the process ends, which is not for this to say.
        std::future::pending::<()>().await;
    }
    status::database_away()
}
