//! The monthly share: what of a feature's revenue goes to its investors.
//!
//! Purpose: from what customers paid to what is credited, in one cumulative rule.
//!
//! Deliberately absent: documents of it ([`crate::self_bill`]).
