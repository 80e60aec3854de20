//! Payouts, their batches, and the accounts they go to.
//!
//! Invariants: account numbers are here as sealed bytes only; an investor has at most one active
//! account. A fixed number of statements for any number of payouts.

mod account;
mod owed;
mod read;
mod write;

pub use self::account::{KeptAccount, accounts, active, end_account, insert_account};
pub use self::owed::{owed, principal_open, unclaimed};
pub use self::read::{Batch, Filter, Ready, get, list, lock, lock_of, lock_ready, of_batches};
pub use self::write::{insert, insert_batches, save};
