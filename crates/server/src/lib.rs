//! The gRPC interface: wire shapes, validation, authorization, limits, one status table.
//!
//! Purpose: from bytes to a use case of `app` and back. [`serve()`] runs all of it on a listener;
//! [`pb`] has the generated types, and the clients that tests and tools use.
//!
//! Invariants: a message is read completely, into types of the domain, before its use case begins;
//! every refusal is a status of `status`; every method has a row in [`permission`].
//!
//! How a call goes: `layer` (measured, bounded, who and whether) -> one file per service, named after
//! its concept (message to command by `field`) -> `call` (transaction, once per request id) -> a use
//! case of `app` -> back by `wire` or `status`.
//!
//! Deliberately absent: rules (`domain`), transactions' contents (`app`), SQL (`store`), TLS.

mod address;
mod api_key;
mod call;
mod catalog;
mod clock;
mod collection;
mod customer;
mod decision;
mod discount;
mod document;
mod dunning;
mod enumeration;
mod event;
mod feature;
mod field;
mod health;
mod intent;
mod investment;
mod investor;
mod invoice;
mod layer;
mod ledger;
mod mask;
mod meter;
mod migration;
mod one_off;
mod organization;
mod payment;
mod payment_method;
mod payout;
pub mod pb;
pub mod permission;
mod plan;
mod price;
mod renewal;
mod revenue;
mod self_bill;
mod serve;
mod settings;
mod share;
mod status;
mod subscription;
mod usage;
mod wire;
mod work;

pub use serve::{Error, serve};
pub use settings::Settings;
