//! Features: what customers wish to have built, and what becomes of it.
//!
//! Purpose: where a feature stands, and what may happen to it.
//!
//! Deliberately absent: the money of it ([`crate::investment`], [`crate::share`]).

use crate::code::codes;

codes! {
    /// Where a feature stands.
    FeatureState {
        /// Wished, not assessed yet.
        Submitted = "submitted",
        /// Assessed: of no value to others.
        Declined = "declined",
        /// Assessed and accepted: it waits, ordered by its score.
        Backlog = "backlog",
        /// An investment in it was paid: it goes before all that wait.
        Funded = "funded",
        /// It is being built.
        InDevelopment = "in_development",
        /// It is there.
        Released = "released",
        /// It is there no more.
        Retired = "retired",
    }
}
