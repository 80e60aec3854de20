//! Documents of credits to investors.
//!
//! Invariants: written with their numbers, and never changed after, but for what the investor
//! answers. A fixed number of statements for any number of documents.

mod clawback;
mod insert;
mod read;

use domain::investment::Agreement;
use domain::invoice::Party;

pub use self::clawback::{hold_credits, save_taken_back};
pub use self::insert::{NewSelfBill, insert, suppliers};
pub use self::read::{
    Filter, Kept, accept_silent, advice_of, crediting, get, get_many, is_silence_due, list, lock,
    save,
};

/// Its number in the investor's own series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// The year of the series.
    pub year: i32,
    /// Its place in it.
    pub sequence: i64,
    /// On paper.
    pub text: String,
}

/// An investor, as documents in its name show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supplier {
    /// Who it is.
    pub party: Party,
    /// The agreement that it signed last.
    pub agreement: Option<Agreement>,
}
