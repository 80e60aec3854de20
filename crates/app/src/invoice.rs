//! Documents for people: previewed, read, listed, credited.

mod credit;
pub(crate) mod issue;

use domain::billing::{self as rules, Horizon, MAX_DATES};
use domain::date::{self, Date};
use domain::id::{CustomerId, InvoiceId};
use domain::invoice::Draft;

use crate::Scope;
use crate::billing::Shelf;
use crate::error::{Error, Expect};
use crate::page::{Page, PageRequest};
use store::billing::Account;
use store::invoice::Hold;

pub use credit::{CreditInvoice, credit};
pub use store::invoice::{Document, DocumentLine, DocumentVat, Filter};

/// How far ahead a preview looks, in days.
pub const MAX_PREVIEW_DAYS: i64 = 366;

/// The documents that runs up to and including a day would make for a customer: the run's own
/// decision, without the write.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for a day in the past or too far ahead;
/// [`Error::Refused`] with the reason for which the run would set the customer aside.
pub async fn preview(
    scope: &mut Scope,
    customer_id: CustomerId,
    on: Option<Date>,
) -> Result<Vec<Draft>, Error> {
    let today = scope.today();
    let until = on.unwrap_or(today);
    let latest = date::add_days(today, MAX_PREVIEW_DAYS);
    if until < today || until > latest {
        let message = format!("{until} is not possible: expected {today} to {latest}");
        return Err(Error::invalid("on", message));
    }
    let customer = crate::customer::get(scope, customer_id).await?;
    let mut due = store::subscription::due(&mut scope.tx, &[customer_id], until).await?;
    // As the run would find them.
    for one in &mut due {
        let _ = one.turn(today);
    }
    let waiting = store::one_off::due(&mut scope.tx, &[customer_id], until).await?;
    let mut currencies: Vec<_> = due.iter().map(|one| one.currency).collect();
    currencies.extend(waiting.keys().map(|account| account.currency));
    currencies.push(customer.currency);
    let shelf = Shelf::load(scope, &[customer_id], &due, waiting, (until, Hold::Read)).await?;
    let material = shelf.material(&scope.organization);
    currencies.sort_unstable();
    currencies.dedup();
    let mut drafts = Vec::new();
    for currency in currencies {
        let mut own: Vec<_> = due.extract_if(.., |one| one.currency == currency).collect();
        let horizon = Horizon { today, until, dates: MAX_DATES };
        let account = Account { customer_id, currency };
        let billed =
            rules::bill(&material, &mut shelf.account(&customer, account, &mut own), horizon);
        if let Some(refused) = billed.refused {
            return Err(Error::refused(refused.reason(), refused));
        }
        drafts.extend(billed.drafts);
    }
    Ok(drafts)
}

/// A document.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(scope: &mut Scope, id: InvoiceId) -> Result<Document, Error> {
    store::invoice::get(&mut scope.tx, id).await.or_missing("invoice", id)
}

/// Documents by id, without lines and VAT rows.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Document>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "invoices", filters.as_bytes()).await?.map(InvoiceId);
    let rows = store::invoice::list(&mut scope.tx, filter, after, page.limit() + 1).await?;
    page.finish(scope, "invoices", filters.as_bytes(), rows, |document| document.id.0).await
}
