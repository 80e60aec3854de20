//! The acceptance tests, as one binary: what the service promises, through its own interface.
//!
//! Purpose: every test has a world of its own ([`world`]): a database, a server on a free port,
//! the generated client, a sandbox organization whose clock it moves. One file per concept; the
//! name of a test is the sentence that it proves.
//!
//! Invariants: every test ends with an audit by an independent model of the books. Nothing sleeps.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_update,
    unreachable_pub,
    reason = "a test may fail by panicking, and its modules are the whole program"
)]

mod access;
mod arrears;
mod billing;
mod books;
mod cancellation;
mod catalog;
mod change;
mod clock;
mod collection;
mod credit;
mod customer;
mod decision;
mod discount;
mod document;
mod draft;
mod dunning;
mod event;
mod fault;
mod fault_document;
mod feature;
mod first_year;
mod history;
mod investment;
mod invoice;
mod isolation;
mod ledger;
mod limit;
mod list;
mod migration;
mod mrr;
mod one_off;
mod organization;
mod outage;
mod pause;
mod payment;
mod payment_method;
mod payout;
mod period;
mod price;
mod query;
mod reminder;
mod renewal;
mod request;
mod revenue;
mod schema;
mod share;
mod statement;
mod subscription;
mod takeover;
mod tidy;
mod usage;
mod vat;
mod watch;
mod work;
mod world;
