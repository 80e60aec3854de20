//! Investments: proposed, accepted, funded, withdrawn.
//!
//! Deliberately absent: the monthly share ([`crate::share`]).
