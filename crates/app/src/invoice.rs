//! Documents for people: previewed, read, listed, credited.

mod credit;
pub(crate) mod issue;

use domain::billing::{self as rules, Horizon, MAX_DATES};
use domain::date::{self, Date};
use domain::id::{CustomerId, InvoiceId};
use domain::invoice::{DocumentState, Draft};

use crate::Scope;
use crate::billing::Shelf;
use crate::error::{Error, Expect};
use crate::page::{Page, PageRequest};
use store::billing::Account;
use store::invoice::Hold;

pub(crate) use credit::take_back;
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

/// A document, finalized or still a draft.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(scope: &mut Scope, id: InvoiceId) -> Result<Document, Error> {
    match store::invoice::get(&mut scope.tx, id).await {
        Err(store::Error::NotFound) => {}
        other => return Ok(other?),
    }
    let kept = store::draft::get(&mut scope.tx, id).await.or_missing("invoice", id)?;
    let shown = crate::draft::shown(scope, vec![kept]).await?;
    shown.into_iter().next().ok_or_else(|| Error::not_found("invoice", id))
}

/// Documents by id, without lines and VAT rows; drafts among them. A filter by number or date of
/// issue finds no drafts: they have neither.
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
    let limit = page.limit() + 1;
    // Drafts first: one that is finalized between the two questions is found by the second.
    let drafts = match drafts_of(filter) {
        Some(wanted) => store::draft::list(&mut scope.tx, wanted, after, limit).await?,
        None => Vec::new(),
    };
    let mut rows = store::invoice::list(&mut scope.tx, filter, after, limit).await?;
    if !drafts.is_empty() {
        rows.extend(crate::draft::shown(scope, drafts).await?);
        rows.sort_by_key(|document| document.id);
        rows.dedup_by_key(|document| document.id);
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    page.finish(scope, "invoices", filters.as_bytes(), rows, |document| document.id.0).await
}

/// Which drafts are documents of a filter, if any can be.
fn drafts_of(filter: &Filter) -> Option<store::draft::Filter> {
    let Filter { customer_id, state, issued_from, issued_until, number } = filter;
    let is_issued = issued_from.is_some() || issued_until.is_some() || number.is_some();
    let live = matches!(state, None | Some(DocumentState::Draft));
    let discarded = matches!(state, None | Some(DocumentState::Discarded));
    let filter = store::draft::Filter { customer_id: *customer_id, live, discarded };
    (!is_issued && (live || discarded)).then_some(filter)
}
