//! The program `recoup`: from flags to a running service.
//!
//! Purpose: wires the walls together. `main` does nothing but call [`command::run`]; everything
//! else is a library, so that tests start the real thing in their own process.
//!
//! The rooms: `config` reads and shows flags and environment, `command` turns a command into what
//! runs, `service` is what `serve`, `work` and `all` run, `database` opens a given or an embedded
//! PostgreSQL, `exporter` and `telemetry` are metrics and log, `stop` is signals, `output` prints
//! results; `init`, `migrate`, `demo` and `bench` are the commands that do something and end.
//!
//! Invariants: nothing here decides business; what can be decided is decided before anything is
//! started; whatever was started is stopped in the opposite order.
//!
//! Deliberately absent: rules, SQL, wire formats, jobs.

mod bench;
pub mod command;
pub mod config;
pub mod database;
mod demo;
mod error;
pub mod exporter;
mod init;
mod migrate;
pub mod output;
pub mod service;
pub mod stop;
pub mod telemetry;

pub use error::Error;
