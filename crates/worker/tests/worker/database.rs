//! The database of a test, looked at as the superuser.

use std::sync::Arc;
use std::time::Duration;

use app::Ctx;
use app::clock::{Clock, WallClock};
use chrono::{DateTime, Utc};
use testkit::{ManualClock, Proxy};
use tokio_postgres::{Client, Row};

/// The longest wait of a test for what must come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(5);

/// A database, and the outside world with it.
pub(crate) struct Database {
    pub(crate) ctx: Ctx,
    sql: Client,
    // Last: dropped when nobody is connected any more.
    own: testkit::Database,
}

impl Database {
    pub(crate) async fn new(clock: Arc<dyn Clock>) -> Self {
        let own = testkit::Database::fresh().await;
        let ctx = Ctx { clock, ..own.ctx(WallClock) };
        Self { ctx, sql: own.sql().await, own }
    }

    /// The same through other connections: as another process sees it.
    pub(crate) fn again(&self) -> Ctx {
        Ctx { store: self.own.store(), ..self.ctx.clone() }
    }

    /// The same through a connection that can be broken.
    pub(crate) async fn behind_proxy(&self) -> (Ctx, Proxy) {
        let proxy = Proxy::before(&self.own).await;
        (Ctx { store: proxy.store(), ..self.ctx.clone() }, proxy)
    }

    /// Cuts every connection but the test's own.
    pub(crate) async fn cut(&self) {
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        self.sql.batch_execute(others).await.unwrap();
    }

    /// The rows of a query that answers one text.
    pub(crate) async fn rows(&self, query: &str) -> Vec<String> {
        let rows = self.sql.query(query, &[]).await.unwrap();
        rows.iter().map(|row: &Row| row.get(0)).collect()
    }

    /// How the jobs of a queue stand: `status attempts`, by their arguments (texts, then numbers).
    pub(crate) async fn jobs(&self, queue: &str) -> Vec<String> {
        let query = "SELECT status || ' ' || attempts FROM jobs WHERE queue = ";
        self.rows(&format!("{query} '{queue}' ORDER BY args")).await
    }

    /// Waits until the jobs of a queue stand so.
    pub(crate) async fn until(&self, queue: &str, expected: &[&str]) {
        soon_so(
            async || self.jobs(queue).await == expected,
            async || format!("{queue}: expected {expected:?}, are {:?}", self.jobs(queue).await),
        )
        .await;
    }
}

/// Waits until it is so; `else_what` says how it is instead.
pub(crate) async fn soon_so(is_so: impl AsyncFn() -> bool, else_what: impl AsyncFn() -> String) {
    let mut looks = tokio::time::interval(LOOK);
    let reached = tokio::time::timeout(PATIENCE, async {
        while !is_so().await {
            looks.tick().await;
        }
    });
    if reached.await.is_err() {
        panic!("{}", else_what().await);
    }
}

/// Moves a clock to an instant.
pub(crate) fn set(clock: &ManualClock, instant: &str) {
    let instant: DateTime<Utc> = instant.parse().unwrap();
    clock.advance(instant - clock.now());
}

/// Moves a clock on.
pub(crate) fn advance(clock: &ManualClock, by: Duration) {
    clock.advance(chrono::Duration::from_std(by).unwrap());
}

/// Waits for what must come.
pub(crate) async fn soon<T>(coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, coming).await.expect("it did not come in time")
}
