//! A transaction of one organization.
//!
//! Purpose: the first argument of every function of this crate. Begin sets the service role and
//! the organization, commit is explicit, dropping rolls back.
//!
//! Invariants: a connection goes back to the pool only outside a transaction; when rolling back
//! fails, the connection is thrown away. The settings are `SET LOCAL` and end with the
//! transaction.
//!
//! Deliberately absent: nested transactions, isolation levels other than read committed.

use std::time::Duration;

use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use domain::id::OrgId;

use crate::Result;
use crate::pool::{Connection, Store};

/// How long a rollback may take before the statement that is still running is cancelled.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long it may take after that before the connection is thrown away.
const ROLLBACK: Duration = Duration::from_secs(2);

/// A transaction. Dropping it rolls back.
pub struct Tx {
    /// Present until commit or drop.
    connection: Option<Connection>,
    org: Option<OrgId>,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("org", &self.org).finish_non_exhaustive()
    }
}

impl Store {
    /// Begins a transaction of one organization.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] within a second when the database is away.
    pub async fn begin(&self, org: OrgId) -> Result<Tx> {
        let statement = format!(
            "BEGIN; SET LOCAL ROLE recoup_service; SET LOCAL recoup.org = '{}'",
            org.0.hyphenated()
        );
        self.begin_with(statement, Some(org)).await
    }

    /// Begins a transaction that belongs to no organization: for the job queue and the directory
    /// of organizations. It sees no row of any organization.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] within a second when the database is away.
    pub async fn begin_global(&self) -> Result<Tx> {
        self.begin_with("BEGIN; SET LOCAL ROLE recoup_service".to_owned(), None).await
    }

    async fn begin_with(&self, statement: String, org: Option<OrgId>) -> Result<Tx> {
        let connection = self.connection().await?;
        let mut tx = Tx { connection: Some(connection), org };
        tx.connection().batch_execute(&statement).await?;
        Ok(tx)
    }
}

impl Tx {
    /// The organization of this transaction.
    ///
    /// # Panics
    /// Never in an organization's transaction. A global transaction has none, and the functions
    /// that need one are not called with it; the nil organization owns no rows.
    #[must_use]
    pub fn org(&self) -> OrgId {
        self.org.unwrap_or(OrgId(uuid::Uuid::nil()))
    }

    pub(crate) fn connection(&mut self) -> &mut AsyncPgConnection {
        // Absent only after commit or drop, which both consume the transaction.
        #[allow(clippy::expect_used)]
        self.connection.as_mut().expect("a transaction has its connection until it ends")
    }

    /// Commits.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the answer did not come: then it is not known whether the
    /// transaction was committed.
    pub async fn commit(mut self) -> Result<()> {
        self.connection().batch_execute("COMMIT").await?;
        // Now outside the transaction: the connection goes back to the pool.
        drop(self.connection.take());
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            drop(Object::take(connection));
            return;
        };
        runtime.spawn(async move {
            if !roll_back(&mut connection).await {
                drop(Object::take(connection));
            }
        });
    }
}

/// Rolls back, behind a statement that may still be running because its caller went away.
async fn roll_back(connection: &mut Connection) -> bool {
    let cancel = connection.cancel_token();
    let mut rollback = std::pin::pin!(connection.batch_execute("ROLLBACK"));
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut rollback).await {
        return done.is_ok();
    }
    if let Ok(tls) = crate::pool::tls() {
        // Best effort: when it fails, the connection is thrown away below.
        let _ = tokio::time::timeout(ROLLBACK, cancel.cancel_query(tls)).await;
    }
    matches!(tokio::time::timeout(ROLLBACK, rollback).await, Ok(Ok(())))
}
