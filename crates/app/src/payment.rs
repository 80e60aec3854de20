//! Payments: money that came or went, and what it pays.
//!
//! Purpose: recording what came ([`record`]), what was collected and what bounced ([`collect`],
//! [`bounce`], in batches), matching what matched nothing, paying back, and writing off.
//!
//! Invariants: the billing accounts of the customers are held first, then their invoices: two
//! payments of one customer come one after the other. A payment is written together with its entry,
//! what it moves, and the events of invoices that it settles or opens again.
//!
//! Deliberately absent: where money goes (`domain::payment::allocation`), attempts, what follows when
//! money does not come.

mod collect;
mod matching;
mod record;
mod reference;
mod refund;
mod send_back;
mod write_off;

use std::collections::{BTreeSet, HashMap};

use domain::date::Date;
use domain::event::EventKind;
use domain::id::{EntryId, InvoiceId, PaymentId, Sequence};
use domain::invoice::DocumentState;
use domain::ledger::Entry;
use domain::ledger::payment::payment_entry;
use domain::payment::write_off::{Recovered, WriteOff};
use domain::payment::{Allocation, Payment, Target};
use store::billing::Account;
use store::invoice::Document;

use crate::error::{Error, Expect};
use crate::page::{Page, PageRequest};
use crate::{Scope, event, investment};

pub use collect::{Bounced, Collected, bounce, collect};
pub use matching::{MatchPayment, match_payment};
pub use record::{RecordPayment, Recorded, WhichInvoice, record};
pub use reference::{StartedOneOff, start_one_off};
pub use refund::{RefundPayment, ReturnPayment, give_back, refund};
pub(crate) use send_back::run as send_refunds;
pub use send_back::{OrderRefund, RefundFilter, RefundReport, list_refunds, order, report_refund};
pub use store::payment::{Filter, Kept};
pub(crate) use write_off::lower as lower_write_offs;
pub use write_off::{WrittenOff, date_vat, write_off};

/// The longest reference, name or id of a bank, in characters.
pub const MAX_REFERENCE: usize = 140;

/// A payment.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(scope: &mut Scope, id: PaymentId) -> Result<Kept, Error> {
    store::payment::get(&mut scope.tx, id).await.or_missing("payment", id)
}

/// Payments by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Kept>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "payments", filters.as_bytes()).await?.map(PaymentId);
    let rows = store::payment::list(&mut scope.tx, filter, after, page.limit() + 1).await?;
    page.finish(scope, "payments", filters.as_bytes(), rows, |one| one.payment.id.0).await
}

/// Payments of which something matches nothing, by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list_unmatched(scope: &mut Scope, page: &PageRequest) -> Result<Page<Kept>, Error> {
    let after = page.after(scope, "unmatched", b"").await?.map(PaymentId);
    let rows = store::payment::list_unmatched(&mut scope.tx, after, page.limit() + 1).await?;
    page.finish(scope, "unmatched", b"", rows, |one| one.payment.id.0).await
}

/// Holds accounts until the end of the transaction, in one order, and looks at the time again.
async fn hold(scope: &mut Scope, mut accounts: Vec<Account>) -> Result<(), Error> {
    accounts.sort_unstable_by_key(|one| (one.customer_id, one.currency));
    accounts.dedup();
    if let [account] = accounts.as_slice() {
        // It may not exist yet.
        store::billing::lock(&mut scope.tx, *account).await?;
    } else if !accounts.is_empty() {
        let customers: Vec<_> = accounts.iter().map(|one| one.customer_id).collect();
        store::billing::lock_many(&mut scope.tx, &customers).await?;
    }
    // The wait for the accounts may have lasted into another day.
    scope.refresh().await
}

/// Invoices that parts of money touch, with the day for which each counts.
fn touched<'a>(
    parts: impl IntoIterator<Item = (Date, &'a Allocation)>,
) -> HashMap<InvoiceId, Date> {
    let parts = parts.into_iter();
    parts.filter_map(|(on, part)| Some((part.target.invoice_id()?, on))).collect()
}

/// Invoices from which money went back, each with the bank's date.
pub(crate) fn reopened<'a>(
    back: impl IntoIterator<Item = &'a Payment>,
) -> HashMap<InvoiceId, Date> {
    let parts = back.into_iter().flat_map(|one| {
        let on = one.booked_on;
        one.allocations.iter().map(move |part| (on, part))
    });
    touched(parts.filter(|(_, part)| part.amount.minor() < 0))
}

/// The invoices as they stand, before something happens to them.
async fn before(
    scope: &mut Scope,
    touched: &HashMap<InvoiceId, Date>,
) -> Result<Vec<Document>, Error> {
    let ids: BTreeSet<InvoiceId> = touched.keys().copied().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<InvoiceId> = ids.into_iter().collect();
    Ok(store::invoice::headers(&mut scope.tx, &ids).await?)
}

/// Tells which of these invoices are settled, opened again or written off now.
async fn announce(
    scope: &mut Scope,
    before: &[Document],
    touched: &HashMap<InvoiceId, Date>,
) -> Result<(), Error> {
    let ids: Vec<InvoiceId> = before.iter().map(|one| one.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let now = store::invoice::headers(&mut scope.tx, &ids).await?;
    let (mut news, mut settled) = (Vec::new(), Vec::new());
    for (was, is) in before.iter().zip(now) {
        let kind = match (was.state, is.state) {
            (DocumentState::Settled, DocumentState::Settled) => continue,
            (_, DocumentState::Settled) => EventKind::InvoiceSettled,
            (DocumentState::Settled, _) => EventKind::InvoiceReopened,
            _ => continue,
        };
        if kind == EventKind::InvoiceSettled {
            settled.push(is.id);
        }
        let on = touched.get(&is.id).copied().unwrap_or(is.issue_on);
        news.push(event::of_invoice(kind, on, is));
    }
    scope.announce(news);
    let today = scope.today();
    investment::funded(scope, &settled, today).await
}

/// The write-offs that parts of money touch.
async fn lost(
    scope: &mut Scope,
    parts: impl Iterator<Item = &Allocation>,
) -> Result<HashMap<InvoiceId, WriteOff>, Error> {
    let ids: BTreeSet<InvoiceId> = parts
        .filter_map(|part| match part.target {
            Target::WrittenOff(id) => Some(id),
            _ => None,
        })
        .collect();
    let ids: Vec<InvoiceId> = ids.into_iter().collect();
    Ok(store::payment::write_offs(&mut scope.tx, &ids).await?)
}

/// What parts of money bring of what was written off.
fn recover(
    lost: &mut HashMap<InvoiceId, WriteOff>,
    parts: &[Allocation],
) -> Result<Vec<Recovered>, Error> {
    let mut recovered = Vec::new();
    for part in parts {
        if let Target::WrittenOff(id) = part.target {
            let one = lost.get_mut(&id);
            let one = one.ok_or_else(|| Error::fault(format!("{id} was never written off")))?;
            recovered.push(one.recover(part.amount)?);
        }
    }
    Ok(recovered)
}

/// Writes, posts and announces payments whose accounts and invoices are held: a fixed number of
/// statements however many there are.
async fn book(scope: &mut Scope, payments: &[Payment]) -> Result<(), Error> {
    if payments.is_empty() {
        return Ok(());
    }
    let parts = || payments.iter().flat_map(|one| &one.allocations);
    let dated =
        payments.iter().flat_map(|one| one.allocations.iter().map(|part| (one.booked_on, part)));
    let touched = touched(dated);
    let before = before(scope, &touched).await?;
    let mut lost = lost(scope, parts()).await?;
    let ids = Sequence::new(scope.now);
    let mut entries: Vec<Entry> = Vec::with_capacity(payments.len());
    for payment in payments {
        let recovered = recover(&mut lost, &payment.allocations)?;
        let entry = payment_entry(EntryId(ids.next()), payment, &recovered);
        entries.push(entry.map_err(|refused| not_posted(payment.id, &refused))?);
    }
    store::payment::insert(&mut scope.tx, payments, scope.now).await?;
    let lost: Vec<WriteOff> = lost.into_values().collect();
    store::payment::save_write_offs(&mut scope.tx, &lost, None).await?;
    store::ledger::insert(&mut scope.tx, &entries, scope.now).await?;
    announce(scope, &before, &touched).await
}

fn not_posted(id: PaymentId, refused: &impl std::fmt::Display) -> Error {
    Error::fault(format!("payment {id} does not post: {refused}"))
}
