//! Why the program ends other than by being stopped.
//!
//! Purpose: one error for the person who started it: what was tried, what was wrong, what to do.
//!
//! Invariants: a message never holds a password or a key.
//!
//! Deliberately absent: what callers of the interface see (`server`).

use std::error::Error as _;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// Why the program, or a part of it, ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A flag or an environment variable is wrong.
    #[error("{what}: {message}")]
    Config {
        /// Which flag or variable.
        what: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
    /// An address is taken or not ours.
    #[error("cannot listen on {address} for {what}: {source}. Choose another address with {flag}")]
    Listen {
        /// For what: gRPC, metrics.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// The flag that changes it.
        flag: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The embedded PostgreSQL could not be found or started.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// The embedded PostgreSQL ended again and again.
    #[error("the embedded PostgreSQL ended {times} times within {minutes} minutes, last: {last}")]
    ClusterUnsteady {
        /// How often.
        times: usize,
        /// In which time.
        minutes: u64,
        /// How it ended last.
        last: String,
    },
    /// The database refused something at the start.
    #[error("{doing}")]
    Database {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: store::Error,
    },
    /// A use case was refused.
    #[error("{doing}")]
    Refused {
        /// What was tried.
        doing: String,
        /// Why not.
        source: app::Error,
    },
    /// A part of the service ended by itself.
    #[error("{part} ended")]
    Part {
        /// Which part: the gRPC server, the worker.
        part: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something of the operating system.
    #[error("cannot {doing}: {source}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The person asked to stop before it was done.
    #[error("stopped before it was done")]
    Stopped,
}

impl Error {
    /// For `map_err` on a use case: what was tried.
    pub(crate) fn refused(doing: impl Into<String>) -> impl FnOnce(app::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Refused { doing, source }
    }

    /// For `map_err` on a statement: what was tried.
    pub(crate) fn database(doing: &'static str) -> impl FnOnce(store::Error) -> Self {
        move |source| Self::Database { doing, source }
    }

    /// For `map_err` on a part of the service.
    pub(crate) fn part<E>(part: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Part { part, source: source.into() }
    }

    /// The message with its causes, each once: `cannot migrate: the database is not available`.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let message = error.to_string();
            // Transparent errors and messages that already name their cause repeat it.
            if !text.contains(&message) {
                // Writing to a String cannot fail.
                let _ = write!(text, ": {message}");
            }
            cause = error.source();
        }
        text
    }
}
