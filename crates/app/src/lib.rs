//! Use cases: load, decide, save.
//!
//! Purpose: what happens together, in one transaction per use case, for the interface (`server`)
//! and for the workers (`worker`) alike.
//!
//! Invariants: rows are locked in one order everywhere: customer or plan, billing account,
//! subscription, number series, position of events (a run locks no customer: its foreign keys share
//! them); no network call while a transaction is open; time comes from the organization's clock.
//!
//! Deliberately absent: rules (`domain`), SQL (`store`), wire formats, schedules.

pub mod access;
pub mod arrears;
pub mod billing;
pub mod catalog;
pub mod clock;
pub mod collection;
mod ctx;
pub mod customer;
pub mod day;
pub mod decision;
pub mod discount;
pub mod document;
pub mod draft;
pub mod dunning;
mod error;
pub mod event;
pub mod feature;
pub mod gateway;
pub mod investment;
pub mod invoice;
pub mod job;
pub mod ledger;
pub mod meter;
pub mod migration;
pub mod mrr;
pub mod one_off;
pub mod organization;
pub mod page;
pub mod payment;
pub mod payment_method;
pub mod payout;
pub mod print;
mod reminder;
pub mod renewal;
pub mod request;
pub mod revenue;
pub mod seal;
pub mod self_bill;
pub mod set_aside;
pub mod share;
pub mod statement;
pub mod strike;
pub mod subscription;
pub mod telemetry;
pub mod usage;
pub mod vat;

pub use ctx::{Ctx, Scope};
pub use error::{Error, Refusal};

/// The result of every use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;
