//! Invoices that will not be paid, and the VAT in them.

use std::collections::{BTreeSet, HashMap};

use domain::date::Date;
use domain::event::EventKind;
use domain::id::{EntryId, InvoiceId, Sequence};
use domain::invoice::DocumentKind;
use domain::invoice::Draft;
use domain::ledger::payment::{bad_debt_vat_entry, credited_write_off_entry, write_off_entry};
use domain::money::Money;
use domain::organization::text;
use domain::payment::write_off::{Recovered, WriteOff};
use domain::vat::{LineVat, VatRow};
use store::invoice::NewDocument;
use store::payment::{Dated, Lowered};

use super::hold;
use crate::customer::MAX_NOTE;
use crate::error::{Error, Expect, Field, Refusal};
use crate::{Scope, collection, event};

/// What was written off of an invoice.
#[derive(Debug, Clone)]
pub struct WrittenOff {
    /// In all, as it stands now.
    pub write_off: WriteOff,
}

/// Writes off what is open on an invoice, with the VAT in it. An invoice that is written off already
/// changes nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Refused`] with `NOTHING_OPEN`, `CREDIT_NOTE` or
/// `INVESTMENT_PRINCIPAL`.
pub async fn write_off(
    scope: &mut Scope,
    id: InvoiceId,
    reason: &str,
) -> Result<WrittenOff, Error> {
    let reason = text(reason, MAX_NOTE).field("reason")?;
    let mut write_off = held(scope, id).await?;
    crate::investment::refuse_principal(scope, id).await?;
    let invoice = store::invoice::headers(&mut scope.tx, &[id]).await?.pop();
    let invoice = invoice.ok_or_else(|| Error::not_found("invoice", id))?;
    let (amount, customer_id) = (invoice.open, invoice.customer_id);
    if amount.is_zero() {
        if write_off.times > 0 {
            return Ok(WrittenOff { write_off });
        }
        let refusal = Refusal::new("NOTHING_OPEN", "nothing is to be paid of the invoice");
        return Err(Error::Refused(refusal.with("invoice_id", id)));
    }
    let rows = vat_of(scope, id, amount).await?;
    let lost =
        Recovered { amount, vat: write_off.add(amount, &rows)?, is_dated: write_off.is_dated };
    let today = scope.today();
    let entry = write_off_entry(EntryId::fresh(scope.now), id, write_off.times, today, &lost);
    let entry = entry.map_err(|refused| not_posted(id, &refused))?;
    store::payment::write_off_invoice(&mut scope.tx, &write_off, amount, &reason, today).await?;
    store::ledger::insert(&mut scope.tx, &[entry], scope.now).await?;
    let now = store::invoice::headers(&mut scope.tx, &[id]).await?;
    let news =
        now.into_iter().map(|now| event::of_invoice(EventKind::InvoiceWrittenOff, today, now));
    scope.announce(news);
    collection::refresh(scope, &[customer_id]).await?;
    Ok(WrittenOff { write_off })
}

/// Dates the VAT of an invoice that was written off: it is reclaimed from this day on, today when
/// absent. Doing it again changes nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Refused`] with `NOT_WRITTEN_OFF`.
pub async fn date_vat(
    scope: &mut Scope,
    id: InvoiceId,
    on: Option<Date>,
) -> Result<WrittenOff, Error> {
    let mut write_off = held(scope, id).await?;
    let Some(written_off_on) = store::payment::write_off_day(&mut scope.tx, id).await? else {
        let refusal = Refusal::new("NOT_WRITTEN_OFF", "nothing of the invoice is written off");
        return Err(Error::Refused(refusal.with("invoice_id", id)));
    };
    let today = scope.today();
    let on = on.unwrap_or(today);
    if on > today || on < written_off_on {
        let message = format!("{on} is not possible: expected {written_off_on} to {today}");
        return Err(Error::invalid("on", message));
    }
    if write_off.is_dated {
        return Ok(WrittenOff { write_off });
    }
    let vat = write_off.date()?;
    let entry = bad_debt_vat_entry(EntryId::fresh(scope.now), id, on, &vat);
    let entry = entry.map_err(|refused| not_posted(id, &refused))?;
    let dated = Some(Dated { on, at: scope.now });
    store::payment::save_write_offs(&mut scope.tx, std::slice::from_ref(&write_off), dated).await?;
    store::ledger::insert(&mut scope.tx, entry.as_slice(), scope.now).await?;
    Ok(WrittenOff { write_off })
}

/// A part of an invoice that a credit note pays off though it had been written off.
struct Beyond<'a> {
    credit: &'a Draft,
    place: usize,
    invoice_id: InvoiceId,
    amount: Money,
}

/// Lowers what of invoices is written off where credit notes, which are about to be settled, pay off
/// more than is open: what is credited was never owed. The invoices are open by it meanwhile. The
/// accounts are held. A fixed number of statements; none where nothing is paid off.
pub(crate) async fn lower(scope: &mut Scope, documents: &[NewDocument]) -> Result<Lowered, Error> {
    let beyond = beyond(scope, documents).await?;
    if beyond.is_empty() {
        return Ok(Lowered::new());
    }
    let invoices: BTreeSet<InvoiceId> = beyond.iter().map(|one| one.invoice_id).collect();
    let invoices: Vec<InvoiceId> = invoices.into_iter().collect();
    let mut lost = store::payment::write_offs(&mut scope.tx, &invoices).await?;
    let (ids, today) = (Sequence::new(scope.now), scope.today());
    let (mut entries, mut lowered) = (Vec::new(), Lowered::new());
    for Beyond { credit, place, invoice_id, amount } in beyond {
        let one = lost.get_mut(&invoice_id);
        let one = one.ok_or_else(|| Error::fault(format!("{invoice_id} is not written off")))?;
        let less = one.lower(amount, &credit.vat_rows)?;
        let entry = credited_write_off_entry(EntryId(ids.next()), credit.id, place, today, &less);
        entries.push(entry.map_err(|refused| not_posted(invoice_id, &refused))?);
        lowered.insert((credit.id, invoice_id), amount);
    }
    let lost: Vec<WriteOff> = lost.into_values().collect();
    store::payment::lower_write_offs(&mut scope.tx, &lost, &lowered).await?;
    store::ledger::insert(&mut scope.tx, &entries, scope.now).await?;
    Ok(lowered)
}

/// What credit notes pay off beyond what is open.
async fn beyond<'a>(
    scope: &mut Scope,
    documents: &'a [NewDocument],
) -> Result<Vec<Beyond<'a>>, Error> {
    let drafts = || documents.iter().map(|one| &one.draft);
    let paid_off = drafts().flat_map(|one| &one.settlement.allocations);
    let ids: BTreeSet<InvoiceId> = paid_off.map(|(id, _)| *id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<InvoiceId> = ids.into_iter().collect();
    let owed = store::payment::owed_of(&mut scope.tx, &ids).await?;
    let mut open: HashMap<InvoiceId, Money> =
        owed.into_values().flatten().map(|one| (one.id, one.open)).collect();
    let mut beyond = Vec::new();
    for credit in drafts() {
        for (place, (invoice_id, amount)) in credit.settlement.allocations.iter().enumerate() {
            let Some(open) = open.get_mut(invoice_id) else { continue };
            let left = open.checked_sub(*amount)?;
            *open = Money::new(left.minor().max(0), left.currency());
            if left.minor() < 0 {
                let (invoice_id, amount) = (*invoice_id, left.negated()?);
                beyond.push(Beyond { credit, place, invoice_id, amount });
            }
        }
    }
    Ok(beyond)
}

/// What was written off of an invoice, which is held with its account.
async fn held(scope: &mut Scope, id: InvoiceId) -> Result<WriteOff, Error> {
    let header = store::invoice::header(&mut scope.tx, id).await.or_missing("invoice", id)?;
    if header.kind == DocumentKind::CreditNote {
        let refusal = Refusal::new("CREDIT_NOTE", "a credit note is not written off");
        return Err(Error::Refused(refusal.with("invoice_id", id)));
    }
    hold(scope, vec![header.account]).await?;
    store::payment::owed_of(&mut scope.tx, &[id]).await?;
    let mut found = store::payment::write_offs(&mut scope.tx, &[id]).await?;
    Ok(found.remove(&id).unwrap_or_else(|| WriteOff::none(id, header.account.currency)))
}

/// The rates of what is open on an invoice: those that credits by hand have left, or, where runs
/// took more off than that, all of the invoice's.
async fn vat_of(scope: &mut Scope, id: InvoiceId, open: Money) -> Result<Vec<VatRow>, Error> {
    let currency = open.currency();
    let rows = store::payment::owed_vat(&mut scope.tx, id, currency).await?;
    let left = Money::sum(currency, rows.iter().flat_map(|row| [row.base, row.tax]))?;
    if left.minor() >= open.minor() {
        return Ok(rows);
    }
    let whole = store::invoice::get(&mut scope.tx, id).await?;
    let row = |row: store::invoice::DocumentVat| VatRow {
        vat: LineVat { class: row.vat_class, percent: row.vat_percent },
        base: row.base,
        tax: row.tax,
    };
    Ok(whole.vat_rows.into_iter().map(row).collect())
}

fn not_posted(id: InvoiceId, refused: &impl std::fmt::Display) -> Error {
    Error::fault(format!("invoice {id} does not post: {refused}"))
}
