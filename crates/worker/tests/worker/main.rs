//! The queue and the workers on a real PostgreSQL: what holds when workers race, fail, stop, are
//! killed, and lose the database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod collect;
mod database;
mod queue;
mod schedule;
mod workers;
