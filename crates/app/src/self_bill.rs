//! Documents of what investors are credited, issued in their name.
//!
//! Purpose: credits become documents with lines, VAT, numbers, entries and payouts; investors agree
//! with them or do not, or send their own invoices; what was credited too much is taken back.
//!
//! Invariants: the number of statements does not depend on the number of documents. Numbers are
//! taken of all series in one statement, in the order of their keys. A document has its number when
//! it is written, and its entry and payout are written with it. Whoever changes a payout holds its
//! document first; whoever changes what was credited holds the progress of the shares before
//! everything else.
//!
//! Deliberately absent: how much is credited ([`crate::share`]), sending money
//! ([`crate::payout`]).

mod answer;
mod clawback;
mod issue;
mod print;

use domain::id::SelfBillId;
use domain::self_bill::SelfBillRefused;

use crate::Scope;
use crate::error::{Error, Expect, Refusal};
use crate::page::{Page, PageRequest};

pub(crate) use self::answer::hold;
pub use self::answer::{
    RecordInvestorInvoice, accept, accept_due, accepts_due, record_own, reject,
};
pub use self::clawback::settle_clawback;
pub use self::issue::issue;
pub(crate) use self::issue::{facts, standard_percent};
pub use self::print::print;
pub use store::self_bill::{Filter, Kept};

impl From<SelfBillRefused> for Error {
    fn from(refused: SelfBillRefused) -> Self {
        let reason = match &refused {
            SelfBillRefused::NotAsked { .. } => "ACCEPTANCE_NOT_ASKED",
            SelfBillRefused::Rejected => "SELF_BILL_REJECTED",
            SelfBillRefused::Accepted => "SELF_BILL_ACCEPTED",
            SelfBillRefused::NoAdvice { .. } => "NOT_AN_ADVICE",
            SelfBillRefused::Recorded { .. } => "INVOICE_RECORDED",
            SelfBillRefused::NothingToTakeBack { .. } => "NOTHING_TO_TAKE_BACK",
            SelfBillRefused::InvoiceAwaited { .. } => "INVOICE_AWAITED",
            SelfBillRefused::Later { .. } => return Self::invalid("issue_on", refused),
            SelfBillRefused::Tax { .. } => return Self::invalid("vat", refused),
            SelfBillRefused::Money(money) => return money.clone().into(),
        };
        let refusal = Refusal::new(reason, &refused);
        Self::Refused(match &refused {
            SelfBillRefused::NotAsked { kind } | SelfBillRefused::NoAdvice { kind } => {
                refusal.with("kind", kind)
            }
            SelfBillRefused::Recorded { number } => refusal.with("number", number),
            SelfBillRefused::InvoiceAwaited { id, .. } => refusal.with("self_bill_id", id),
            SelfBillRefused::NothingToTakeBack { accrued, credited } => {
                refusal.with("accrued", accrued).with("credited", credited)
            }
            _ => refusal,
        })
    }
}

/// A document.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(scope: &mut Scope, id: SelfBillId) -> Result<Kept, Error> {
    store::self_bill::get(&mut scope.tx, id).await.or_missing("self-billing document", id)
}

/// Documents by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    filter: Filter,
    page: &PageRequest,
) -> Result<Page<Kept>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "self_bills", filters.as_bytes()).await?.map(SelfBillId);
    let rows = store::self_bill::list(&mut scope.tx, filter, after, page.limit() + 1).await?;
    page.finish(scope, "self_bills", filters.as_bytes(), rows, |one| one.bill.id.0).await
}
