//! What investors see: statement and forecast.
//!
//! Deliberately absent: crediting ([`crate::share`]).
