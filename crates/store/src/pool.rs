//! Connections: settings, the pool, and how a connection is made.
//!
//! Purpose: a bounded pool of connections with short, explicit time limits, so that a caller hears
//! within a second that the database is away.
//!
//! Invariants: a connection carries no session state of an organization; statements have a time
//! limit on the server.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use futures::FutureExt;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::SslMode;

use crate::event::Bell;
use crate::health::Health;
use crate::{Error, Result};

/// How the database is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `postgres://` URL or key-value string of the driver.
    pub url: SecretString,
    /// Most connections of this process.
    pub connections: usize,
}

/// How long a caller waits for a free connection or for a new one: well below a second, so that a
/// caller hears within a second that the database is away.
const ACQUIRE: Duration = Duration::from_millis(700);

/// The longest statement, enforced by the server. Batches are bounded to stay far below it.
const STATEMENT_TIMEOUT: &str = "30s";

/// The longest wait for a row lock: longer than any of our transactions should take.
const LOCK_TIMEOUT: &str = "5s";

/// A transaction whose owner vanished without closing the connection is ended by the server.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "60s";

/// How often the server looks whether the client of a running statement is still there.
const CLIENT_CHECK: &str = "1s";

/// A connection on loan from the pool.
pub(crate) type Connection = Object<AsyncPgConnection>;

/// The database, as the rest of the program sees it. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Pool<AsyncPgConnection>,
    settings: Settings,
    health: Health,
    bell: Bell,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("connections", &self.settings.connections).finish()
    }
}

/// Connections of the pool, for metrics.
#[derive(Debug, Clone, Copy)]
pub struct PoolStatus {
    /// Open connections.
    pub open: usize,
    /// Of these, not in use.
    pub idle: usize,
    /// Callers that wait for one.
    pub waiting: usize,
    /// Most that may be open.
    pub max: usize,
}

impl Store {
    /// A pool for these settings. Opens no connection yet.
    ///
    /// # Errors
    /// [`Error::Fault`] when the settings make no pool.
    pub fn new(settings: Settings) -> Result<Self> {
        let mut config = ManagerConfig::default();
        // No query per checkout: a broken connection shows at its first statement.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(|url| connect(url.to_owned()).boxed());
        let url = settings.url.expose_secret().to_owned();
        let manager = AsyncDieselConnectionManager::new_with_config(url, config);
        let pool = Pool::builder(manager)
            .max_size(settings.connections)
            .wait_timeout(Some(ACQUIRE))
            .create_timeout(Some(ACQUIRE))
            .recycle_timeout(Some(ACQUIRE))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Fault(Box::new(error)))?;
        Ok(Self { pool, settings, health: Health::default(), bell: Bell::default() })
    }

    /// Whether the database answers, watched by [`crate::health::watch`].
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Wakes those who wait for events, see [`crate::event`].
    #[must_use]
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// The settings it was made from.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Connections now.
    #[must_use]
    pub fn pool_status(&self) -> PoolStatus {
        let status = self.pool.status();
        PoolStatus {
            open: status.size,
            idle: status.available,
            waiting: status.waiting,
            max: status.max_size,
        }
    }

    /// A connection outside the pool, closed when dropped.
    pub(crate) async fn dedicated(&self) -> Result<AsyncPgConnection> {
        connect(self.settings.url.expose_secret().to_owned())
            .await
            .map_err(|error| Error::Unavailable(Box::new(error)))
    }

    pub(crate) async fn connection(&self) -> Result<Connection> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(deadpool::managed::TimeoutType::Wait) => Error::Exhausted,
            other => Error::Unavailable(Box::new(other)),
        })
    }
}

/// The settings of a driver connection, with our time limits.
pub(crate) fn driver_config(url: &str) -> Result<tokio_postgres::Config> {
    let mut config: tokio_postgres::Config =
        url.parse().map_err(|error| Error::Fault(Box::new(error)))?;
    let given = config.get_options().unwrap_or_default().to_owned();
    config.options(format!(
        "{given} -c statement_timeout={STATEMENT_TIMEOUT} -c lock_timeout={LOCK_TIMEOUT} \
         -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT} \
         -c client_connection_check_interval={CLIENT_CHECK}"
    ));
    config.application_name("recoup");
    config.connect_timeout(ACQUIRE);
    config.tcp_user_timeout(Duration::from_secs(5));
    config.keepalives_idle(Duration::from_secs(10));
    config.keepalives_interval(Duration::from_secs(5));
    config.keepalives_retries(3);
    Ok(config)
}

/// TLS by the public certificate authorities, for servers that ask for it.
pub(crate) fn tls() -> Result<tokio_postgres_rustls::MakeRustlsConnect> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Fault(Box::new(error)))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(tokio_postgres_rustls::MakeRustlsConnect::new(config))
}

async fn connect(url: String) -> diesel::ConnectionResult<AsyncPgConnection> {
    let config = driver_config(&url).map_err(bad_connection)?;
    let tls = tls().map_err(bad_connection)?;
    let (client, connection) = match config.connect(tls.clone()).await {
        // As the server's own tools do: whoever only prefers TLS goes on without it.
        Err(error) if config.get_ssl_mode() == SslMode::Prefer && is_handshake(&error) => {
            let mut plain = config.clone();
            plain.ssl_mode(SslMode::Disable);
            plain.connect(tls).await
        }
        other => other,
    }
    .map_err(bad_connection)?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

fn is_handshake(error: &tokio_postgres::Error) -> bool {
    error.to_string().contains("TLS handshake")
}

/// The whole chain of reasons: the driver's own message says little.
fn bad_connection(error: impl std::error::Error) -> diesel::ConnectionError {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        message = format!("{message}: {error}");
        source = error.source();
    }
    diesel::ConnectionError::BadConnection(message)
}
