//! The database of this process: given by its address, or embedded.
//!
//! Purpose: from the configuration to a [`Store`] with a watched health and an up-to-date schema,
//! and to a clean end.
//!
//! Invariants: the embedded server is stopped last, when nothing uses it any more. A database that
//! is away is waited for, never a reason to end.
//!
//! Deliberately absent: SQL and pools (`store`), PostgreSQL's programs and files (`cluster`).

mod embedded;
mod key;
mod schema;

use std::path::PathBuf;
use std::sync::Arc;

use app::Ctx;
use app::clock::Clock;
use app::seal::Seal;
use store::Store;
use tokio::task::JoinHandle;

pub(crate) use key::shown as key_shown;
pub use schema::{Schema, enroll, prepare};

use crate::Error;
use crate::config::{DatabaseAddress, DatabaseOptions};
use embedded::Embedded;

/// Where the database is.
#[derive(Debug, Clone)]
pub enum Source {
    /// A server that somebody else runs.
    Address(DatabaseAddress),
    /// A private server of this process.
    Embedded {
        /// Its data folder.
        folder: PathBuf,
        /// Whether PostgreSQL's programs may be fetched when there are none.
        offline: bool,
    },
}

impl Source {
    /// What the flags say. An empty address, as compose files produce it, is none.
    ///
    /// # Errors
    /// [`Error::Config`] for an address that cannot be read.
    pub fn of(options: &DatabaseOptions) -> Result<Self, Error> {
        use secrecy::ExposeSecret as _;
        let given = options.database_url.as_ref();
        match given.filter(|url| !url.expose_secret().trim().is_empty()) {
            Some(url) => Ok(Self::Address(DatabaseAddress::new(url.clone())?)),
            None => Ok(Self::Embedded {
                folder: options.data.clone().unwrap_or_else(cluster::default_data_folder),
                offline: options.offline,
            }),
        }
    }
}

/// The database while this process uses it.
#[derive(Debug)]
pub struct Database {
    store: Store,
    seal: Seal,
    /// Asks for the health until it is aborted.
    watch: JoinHandle<()>,
    embedded: Option<Embedded>,
}

impl Database {
    /// Starts the embedded server if there is one to start, and makes the pool. A given database
    /// need not be reachable yet.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Cluster`], [`Error::Database`].
    pub async fn open(options: &DatabaseOptions) -> Result<Self, Error> {
        let connections = usize::from(options.connections);
        let (url, embedded) = match Source::of(options)? {
            Source::Address(address) => (address.secret().clone(), None),
            Source::Embedded { folder, offline } => {
                let embedded = Embedded::start(folder, offline, connections).await?;
                (embedded.url().clone(), Some(embedded))
            }
        };
        let prepared = async {
            let store = Store::new(store::Settings { url, connections });
            let store = store.map_err(Error::database("cannot make a pool of connections"))?;
            Ok((store, key::seal(options)?))
        };
        match prepared.await {
            Ok((store, seal)) => Ok(Self { embedded, ..Self::given(store, seal) }),
            Err(error) => {
                if let Some(embedded) = embedded {
                    embedded.stop().await;
                }
                Err(error)
            }
        }
    }

    /// A database that somebody else has opened: for tests.
    #[must_use]
    pub fn given(store: Store, seal: Seal) -> Self {
        let watch = tokio::spawn(store::health::watch(store.clone()));
        Self { store, seal, watch, embedded: None }
    }

    /// The outside world of the use cases, with this database and a clock.
    #[must_use]
    pub fn ctx(&self, clock: Arc<dyn Clock>) -> Ctx {
        Ctx::new(self.store.clone(), clock, self.seal.clone())
    }

    /// The seal, by the key of this process.
    #[must_use]
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// The pool.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Waits until the embedded server cannot be kept up; for ever with a given database.
    pub async fn failed(&mut self) -> Error {
        match &mut self.embedded {
            Some(embedded) => embedded.failed().await,
            None => std::future::pending().await,
        }
    }

    /// Stops watching, and the embedded server. Call it when nothing uses the database any more.
    pub async fn close(self) {
        self.watch.abort();
        // Our own connections end before the server, so that it has nobody to throw out.
        drop(self.store);
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}
