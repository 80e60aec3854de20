//! The monthly share: what investors are credited.
//!
//! Deliberately absent: the documents ([`crate::self_bill`]).
