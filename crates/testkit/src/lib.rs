//! For tests only: what a test of the real thing needs around it.
//!
//! Purpose: a private database per test ([`Database`]), a clock that stands still
//! ([`ManualClock`]), a connection that breaks when told to ([`Proxy`]), a gateway that answers
//! from a script and the contract of all gateways ([`gateway`]), a vendor with customers and plans
//! in a few words ([`Vendor`]), many rows at once ([`copy`]), the state of the books as text
//! ([`snapshot`]), and an independent auditor ([`books`]).
//!
//! Invariants: nothing here is linked into the service. The auditor shares no rule with it: it
//! reads raw rows and computes with integers, day by day.
//!
//! Deliberately absent: the server and its client (the package `acceptance`).
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
pub mod gateway;
mod postgres;
mod proxy;
mod snapshot;
mod vendor;

pub use clock::ManualClock;
pub use database::{Database, ctx, seal};
pub use gateway::{ScriptedGateway, gateway_contract};
pub use proxy::{Cut, Mode, Proxy};
pub use snapshot::snapshot;
pub use vendor::{Offer, Vendor, amount, date};
