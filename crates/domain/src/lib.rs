//! The rules of recurring revenue.
//!
//! Purpose: everything Recoup decides, as pure functions and values: amounts, dates, periods, VAT,
//! what is due, what goes on a document, what is posted.
//!
//! Invariants: no I/O, no clock (time is an argument), no async, no floats. A command on a value
//! answers [`Outcome`]: the second time is a value, not an accident.
//!
//! Deliberately absent: storage, wire formats, schedules. They live behind the other walls.

pub mod balance;
pub mod billing;
pub mod code;
pub mod collection;
pub mod customer;
pub mod date;
pub mod decimal;
pub mod decision;
pub mod discount;
pub mod dunning;
pub mod entitlement;
pub mod event;
pub mod failure;
pub mod feature;
pub mod forecast;
pub mod iban;
pub mod id;
pub mod investment;
pub mod invoice;
pub mod ledger;
pub mod money;
pub mod mrr;
pub mod numbering;
pub mod one_off;
pub mod organization;
pub mod payment;
pub mod payment_method;
pub mod payout;
pub mod period;
pub mod plan;
pub mod price;
pub mod reminder;
pub mod renewal;
pub mod revenue;
pub mod self_bill;
pub mod share;
#[cfg(feature = "diesel")]
mod sql;
pub mod strike;
pub mod subscription;
pub mod target;
pub mod usage;
pub mod vat;
pub mod writing;

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a change that is not saved is lost"]
pub enum Outcome<C> {
    /// Something changed; this is what to save.
    Applied(C),
    /// It was so already.
    Unchanged,
}
