//! Private PostgreSQL clusters: find the programs, make a data folder, start, watch and stop a
//! server. The service uses it when no database is given (durable), the tests use it for a
//! throwaway database.
//!
//! The rooms, in the order of a start: [`Programs`] finds `initdb` and `postgres` (`programs`,
//! `wheel`, `unpack`), `account` says as whom they run, `folder` takes the data folder and its
//! lock, `predecessor` waits for a server that still shuts down, `initdb` makes the database files,
//! `socket` makes the folder clients connect through, `launch` makes child processes that do not
//! outlive us, `server` watches and ends one, and [`Cluster`] ties them together. `places` knows
//! the default folders, `log` the server's log.
//!
//! Invariants:
//! - One data folder has at most one server: a lock is held as long as the [`Cluster`] lives.
//! - A folder that is not empty and was not made here is refused and left as it is.
//! - The server never runs as root, never listens on a network address, and ends when this process
//!   ends, however that happens.
//! - A kill at any moment leaves a folder that the next start can use.
//!
//! Deliberately absent: an async interface (calls block; wrap them in `spawn_blocking`), systems
//! other than Linux, upgrades between major versions, backups, and restarts by itself: the caller
//! watches ([`Cluster::watch`]) and decides.

mod account;
mod cluster;
mod error;
mod folder;
mod initdb;
mod launch;
mod log;
mod places;
mod predecessor;
mod programs;
mod server;
mod socket;
mod unpack;
mod wheel;

pub use cluster::{Cluster, Durability, Options};
pub use error::Error;
pub use places::default_data_folder;
pub use programs::{Fetch, Programs, Progress};
pub use server::{Exit, Watch};
