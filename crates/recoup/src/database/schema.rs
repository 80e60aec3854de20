//! The tables, brought up to this version at the start.
//!
//! Purpose: one attempt for commands that a person waits for ([`prepare`]), patient attempts for
//! services ([`Schema::ensure`]), so that a database that is away at the start needs no restart.
//!
//! Invariants: nothing works on the tables before they are up to date.
//!
//! Deliberately absent: the migrations (`migrations/`), one process at a time (`store::migrate`).

use std::time::Duration;

use app::seal::{EnrollRefused, Seal};
use store::Store;
use tokio::sync::watch;

use crate::Error;

/// The pause after the first attempt that found the database away.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

const DOING: &str = "cannot bring the database up to this version";

/// Applies what is missing, once; answers the names of what was applied.
///
/// # Errors
/// [`Error::Database`].
pub async fn prepare(store: &Store) -> Result<Vec<String>, Error> {
    let applied = store::migrate::up(store).await.map_err(Error::database(DOING))?;
    match applied.as_slice() {
        [] => tracing::info!("the database is up to date"),
        names => tracing::info!(migrations = names.join(", "), "the database was migrated"),
    }
    Ok(applied)
}

/// Checks that this process has the key by which the database is sealed.
///
/// # Errors
/// [`Error::Config`] when it has another; [`Error::Database`].
pub async fn enroll(store: &Store, seal: &Seal) -> Result<(), Error> {
    app::seal::enroll(store, seal).await.map_err(|refused| match refused {
        EnrollRefused::Store(source) => Error::Database { doing: DOING, source },
        refused @ EnrollRefused::OtherKey { .. } => Error::Config {
            what: "--secret-key (RECOUP_SECRET_KEY, RECOUP_SECRET_KEY_FILE)",
            message: format!(
                "{refused}: set it to the key of the other processes, or name theirs in \
                 RECOUP_OLD_SECRET_KEYS to replace it"
            ),
        },
    })
}

/// Whether the tables are up to date, and sealed by the key of this process; clones follow.
#[derive(Debug, Clone)]
pub struct Schema {
    ready: watch::Sender<bool>,
    seal: Seal,
}

impl Schema {
    /// Not yet.
    #[must_use]
    pub fn new(seal: Seal) -> Self {
        Self { ready: watch::Sender::new(false), seal }
    }

    /// One attempt. Answers whether the tables are up to date; if not, the database is away.
    ///
    /// # Errors
    /// [`Error::Database`] when the database answers and refuses; [`Error::Config`] when it is sealed
    /// by another key.
    pub async fn attempt(&self, store: &Store) -> Result<bool, Error> {
        let prepared = match prepare(store).await {
            Ok(_) => enroll(store, &self.seal).await,
            Err(error) => Err(error),
        };
        match prepared {
            Ok(()) => {
                self.ready.send_replace(true);
                Ok(true)
            }
            Err(Error::Database { source: source @ store::Error::Unavailable(_), .. }) => {
                let error = Error::Database { doing: "waiting for the database", source };
                tracing::warn!("{}", error.chain());
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// After an attempt that found the database away: pauses and attempts, until the tables are up
    /// to date.
    ///
    /// # Errors
    /// As [`Schema::attempt`].
    pub async fn ensure(&self, store: &Store) -> Result<(), Error> {
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::time::sleep(pause).await;
            if self.attempt(store).await? {
                return Ok(());
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits until the tables are up to date.
    pub async fn ready(&self) {
        // The sender is this very value: it cannot be gone.
        let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    /// A database that nobody serves: the port is free because it was ours a moment ago.
    async fn away() -> Store {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = SecretString::from(format!("postgres://ann@127.0.0.1:{port}/recoup"));
        Store::new(store::Settings { url, connections: 2 }).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_that_is_away_is_waited_for_by_services_and_told_to_people() {
        let store = away().await;
        let schema = Schema::new(Seal::new(&"5e".repeat(32).into(), &[]).unwrap());
        assert!(!schema.attempt(&store).await.unwrap());
        let waited = tokio::time::timeout(Duration::from_millis(50), schema.ready()).await;
        assert!(waited.is_err());
        let refused = prepare(&store).await.unwrap_err().chain();
        assert!(refused.contains("the database is not available"), "{refused}");
    }
}
