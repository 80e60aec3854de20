//! Features: wished, assessed, built, retired.
//!
//! Deliberately absent: the money ([`crate::investment`], [`crate::share`]).
