//! For tests only: what a test of the real thing needs around it.
//!
//! Purpose: a private database per test ([`Database`]), a clock that stands still
//! ([`ManualClock`]), a connection that breaks when told to ([`Proxy`]), a vendor with customers
//! and plans in a few words ([`Vendor`]), many rows at once ([`copy`]), the state of the books as
//! text ([`snapshot`]), and an independent auditor ([`books`]).
//!
//! Invariants: nothing here is linked into the service. The auditor shares no rule with it: it
//! reads raw rows and computes with integers, day by day.
//!
//! Deliberately absent: the server and its client (the package `acceptance`), a gateway for
//! payments (comes with the payments).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

pub mod books;
mod clock;
pub mod copy;
mod database;
mod postgres;
mod proxy;
mod snapshot;
mod vendor;

pub use clock::ManualClock;
pub use database::{Database, ctx, seal};
pub use proxy::{Cut, Mode, Proxy};
pub use snapshot::snapshot;
pub use vendor::{Offer, Vendor, amount, date};
