//! Documents of what investors are credited, issued in their name.
//!
//! Purpose: credits become documents with lines, VAT, numbers, entries and payouts.
//!
//! Deliberately absent: how much is credited ([`crate::share`]), sending money
//! ([`crate::payout`]).

use domain::self_bill::Credit;

use crate::Scope;
use crate::error::Error;

/// Issues the documents of credits of one month: one per investor, VAT treatment and currency.
///
/// # Errors
/// [`Error::Busy`], [`Error::Unavailable`].
pub(crate) async fn issue(_scope: &mut Scope, _credits: Vec<Credit>) -> Result<(), Error> {
    Err(Error::fault("documents of credits are not issued yet"))
}
