//! Payouts: what investors are paid.
//!
//! Deliberately absent: what it is for ([`crate::self_bill`]).
