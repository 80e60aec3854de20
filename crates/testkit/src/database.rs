//! A database per test: a copy of the migrated template, dropped with its handle.

use std::sync::Arc;

use app::Ctx;
use app::clock::{Clock, WallClock};
use app::seal::Seal;
use secrecy::SecretString;
use store::{Settings, Store};
use tokio_postgres::Client;

use crate::postgres::{Postgres, connect};

/// Connections of a test's pool: enough for calls side by side, few enough for many tests.
const CONNECTIONS: usize = 8;

/// A database of one test. Dropping it drops the database, whoever is still connected.
#[derive(Debug)]
pub struct Database {
    name: String,
}

impl Database {
    /// An empty, migrated database.
    pub async fn fresh() -> Self {
        let name = format!("recoup_test_{}", domain::id::fresh(WallClock.now()).simple());
        let server = Postgres::get();
        let copy = format!("CREATE DATABASE {name} TEMPLATE {}", server.template());
        server.office().await.batch_execute(&copy).await.expect("a copy of the template");
        Self { name }
    }

    /// Its address, as a superuser.
    #[must_use]
    pub fn url(&self) -> String {
        Postgres::get().url(&self.name)
    }

    /// A pool on it.
    #[must_use]
    pub fn store(&self) -> Store {
        store_at(self.url())
    }

    /// The outside world of the use cases, with this database and a clock.
    pub fn ctx(&self, clock: impl Clock + 'static) -> Ctx {
        crate::ctx(self.store(), Arc::new(clock))
    }

    /// A plain connection as the owner of all tables, to whom row level security does not apply.
    pub async fn sql(&self) -> Client {
        connect(&self.url()).await
    }
}

/// The outside world of the use cases, with a pool and a clock of the test's own.
#[must_use]
pub fn ctx(store: Store, clock: Arc<dyn Clock>) -> Ctx {
    Ctx::new(store, clock, seal())
}

/// The seal of all tests: processes that share a database have one key.
#[must_use]
pub fn seal() -> Seal {
    Seal::new(&SecretString::from("5e".repeat(32)), &[]).expect("a key of the right form")
}

/// A pool on any address, such as a proxy's.
pub(crate) fn store_at(url: String) -> Store {
    let url = SecretString::from(url);
    Store::new(Settings { url, connections: CONNECTIONS }).expect("a pool")
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // On a thread of its own: a drop cannot wait for the runtime that it may happen on.
        let dropped = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let office = Postgres::get().office().await;
                office.batch_execute(&statement).await
            })
        });
        // Nothing depends on it: a database that is left over goes with its cluster.
        if !matches!(dropped.join(), Ok(Ok(()))) {
            eprintln!("the test database {} was not dropped", self.name);
        }
    }
}
