//! Payouts: what investors are paid.
//!
//! Purpose: where investors' money goes, sending what is ready, and what the bank says about it.
//!
//! Invariants: whoever changes a payout holds its document first, and of many payouts takes those
//! that nobody else has sent meanwhile. Account numbers are secret texts on the way in, sealed bytes
//! in the rows, and secret texts again in [`orders`] only. No error repeats one. Sending takes a
//! fixed number of statements, however much is sent. Who sends holds the progress of the shares
//! first, and sends nobody more than is owed.
//!
//! Deliberately absent: what it is for ([`crate::self_bill`]), the bank's file format.

mod account;
mod report;
mod send;

use domain::id::PayoutId;
use domain::payout::{Payout, PayoutRefused};

use crate::Scope;
use crate::error::{Error, Expect, Refusal};
use crate::page::{Page, PageRequest};

pub use self::account::{SetPayoutAccount, get_account, set_account};
pub use self::report::{BankAnswer, ReportPayoutResult, approve, report};
pub use self::send::{Held, MAX_SENT, Order, Sent, WhyHeld, orders, send};
pub use store::payout::{Batch, Filter, Ready};

impl From<PayoutRefused> for Error {
    fn from(refused: PayoutRefused) -> Self {
        let reason = match &refused {
            PayoutRefused::State { .. } => "PAYOUT_STATE",
            PayoutRefused::WentBack { .. } => "PAYOUT_BOUNCED",
            PayoutRefused::SecondPerson { .. } => "SECOND_PERSON_NEEDED",
            PayoutRefused::Money(money) => return money.clone().into(),
        };
        let refusal = Refusal::new(reason, &refused);
        Self::Refused(match &refused {
            PayoutRefused::State { state, .. } => refusal.with("state", state),
            PayoutRefused::WentBack { on } => refusal.with("on", on),
            PayoutRefused::SecondPerson { until, .. } => refusal.with("until", until),
            PayoutRefused::Money(_) => refusal,
        })
    }
}

/// A payout.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(scope: &mut Scope, id: PayoutId) -> Result<Payout, Error> {
    store::payout::get(&mut scope.tx, id).await.or_missing("payout", id)
}

/// Payouts by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    filter: Filter,
    page: &PageRequest,
) -> Result<Page<Payout>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "payouts", filters.as_bytes()).await?.map(PayoutId);
    let rows = store::payout::list(&mut scope.tx, filter, after, page.limit() + 1).await?;
    page.finish(scope, "payouts", filters.as_bytes(), rows, |one| one.id.0).await
}
