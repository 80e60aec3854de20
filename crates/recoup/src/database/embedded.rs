//! The embedded PostgreSQL: started, kept up, stopped.
//!
//! Purpose: a service on one machine needs no database of its own to be installed or looked after.
//! A task keeps the server up: one that ends by itself is started again on its data.
//!
//! Invariants: the server is restarted at most [`MAX_RESTARTS`] times within [`WINDOW`]; then the
//! process ends and says why, instead of trying for ever. Its address stays the same, so that the
//! pool finds it again.
//!
//! Deliberately absent: everything inside the folder (`cluster`).

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use cluster::{Cluster, Durability, Fetch, Options, Programs};
use secrecy::SecretString;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Error, output};

/// The database that is used within the server.
const NAME: &str = "recoup";
/// The database that every server has, from which others are made.
const MAINTENANCE: &str = "postgres";
/// Connections beyond the pool's: the health watch, the listener, migrations, and a person with
/// psql.
const SPARE_CONNECTIONS: usize = 10;
/// Restarts within [`WINDOW`] before the server is given up.
const MAX_RESTARTS: usize = 5;
/// The time over which restarts are counted.
const WINDOW: Duration = Duration::from_secs(600);
/// The pause before a restart: long enough to see a Ctrl-C or a shutdown of the machine that also
/// reached the server.
const PAUSE: Duration = Duration::from_millis(500);

/// A private server that is kept up.
#[derive(Debug)]
pub(super) struct Embedded {
    url: SecretString,
    keeper: JoinHandle<Result<(), Error>>,
    /// The server is stopped also where a start fails half-way and nobody waits for it.
    stop: DropGuard,
}

impl Embedded {
    /// Finds PostgreSQL's programs, starts a server on the folder and makes the database in it.
    pub(super) async fn start(folder: PathBuf, offline: bool, pool: usize) -> Result<Self, Error> {
        let place = Place { folder, offline, connections: pool + SPARE_CONNECTIONS };
        let cluster = place.start().await?;
        let url = SecretString::from(cluster.url(NAME));
        if let Err(source) = create_database(&cluster.url(MAINTENANCE)).await {
            stop(cluster).await;
            return Err(Error::Part {
                part: "making the embedded database",
                source: source.into(),
            });
        }
        let token = CancellationToken::new();
        let keeper = tokio::spawn(keep(cluster, place, token.clone()));
        Ok(Self { url, keeper, stop: token.drop_guard() })
    }

    /// Where the database is. The same after a restart.
    pub(super) fn url(&self) -> &SecretString {
        &self.url
    }

    /// Waits until the server is given up.
    pub(super) async fn failed(&mut self) -> Error {
        match (&mut self.keeper).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) => Error::Stopped,
            Err(error) => Error::part("the keeper of the embedded PostgreSQL")(error),
        }
    }

    /// Stops the server and waits for its end.
    pub(super) async fn stop(self) {
        drop(self.stop);
        // An error was told when it happened; what matters here is that the server has ended.
        if let Ok(Err(error)) = self.keeper.await {
            tracing::warn!("{}", error.chain());
        }
    }
}

/// What to start, again and again.
#[derive(Debug, Clone)]
struct Place {
    folder: PathBuf,
    offline: bool,
    connections: usize,
}

impl Place {
    async fn start(&self) -> Result<Cluster, Error> {
        let place = self.clone();
        let started = spawn_blocking(move || {
            let fetch = if place.offline { Fetch::Offline } else { Fetch::Allowed };
            let programs = Programs::find(&place.folder, fetch, &output::tell)?;
            Cluster::start(Options {
                data: place.folder,
                durability: Durability::Durable,
                programs,
                max_connections: u32::try_from(place.connections).unwrap_or(u32::MAX),
            })
        });
        Ok(started.await.map_err(Error::part("starting the embedded PostgreSQL"))??)
    }
}

/// Keeps a server up until `stop`, then stops it.
async fn keep(cluster: Cluster, place: Place, stop_asked: CancellationToken) -> Result<(), Error> {
    let mut cluster = cluster;
    let mut restarts = VecDeque::new();
    loop {
        let watch = cluster.watch();
        let mut ended = spawn_blocking(move || watch.wait());
        let exit = tokio::select! {
            () = stop_asked.cancelled() => {
                stop(cluster).await;
                return Ok(());
            }
            exit = &mut ended => exit.map_err(Error::part("watching the embedded PostgreSQL"))?,
        };
        // Frees the folder.
        stop(cluster).await;
        if tokio::time::timeout(PAUSE, stop_asked.cancelled()).await.is_ok() {
            return Ok(());
        }
        tracing::error!(%exit, "the embedded PostgreSQL ended by itself: starting it again");
        count(&mut restarts, Instant::now(), &exit.to_string())?;
        cluster = place.start().await?;
    }
}

/// Counts a restart, or refuses it.
fn count(restarts: &mut VecDeque<Instant>, now: Instant, last: &str) -> Result<(), Error> {
    while restarts.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
        restarts.pop_front();
    }
    if restarts.len() >= MAX_RESTARTS {
        return Err(Error::ClusterUnsteady {
            times: restarts.len() + 1,
            minutes: WINDOW.as_secs() / 60,
            last: last.to_owned(),
        });
    }
    restarts.push_back(now);
    Ok(())
}

/// Stopping blocks; it must not hold up the runtime.
async fn stop(cluster: Cluster) {
    // A panic there would have been reported by its thread.
    let _ = spawn_blocking(move || cluster.stop()).await;
}

/// Makes the database, if it is not there. On a connection of its own and not in `store`, because
/// it happens outside the database that `store` speaks to.
async fn create_database(url: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let driver = tokio::spawn(connection);
    let made = client.batch_execute(&format!("CREATE DATABASE {NAME}")).await;
    drop(client);
    // It ends with its client.
    let _ = driver.await;
    match made {
        Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_are_bounded_within_the_window_and_forgiven_after_it() {
        let mut restarts = VecDeque::new();
        let start = Instant::now();
        for second in 0..MAX_RESTARTS {
            count(&mut restarts, start + Duration::from_secs(second as u64), "x").unwrap();
        }
        let refused =
            count(&mut restarts, start + Duration::from_secs(60), "signal: 9").unwrap_err();
        assert!(
            refused.to_string().contains("6 times within 10 minutes, last: signal: 9"),
            "{refused}"
        );
        count(&mut restarts, start + WINDOW + Duration::from_secs(1), "x").unwrap();
    }
}
