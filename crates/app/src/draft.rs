//! Drafts by hand: finalized before their day, or discarded; and how they are shown.
//!
//! Invariants: whoever changes a draft holds its billing account first, as the run does. Doing
//! either again changes nothing.
//!
//! Deliberately absent: making them, and finalizing them on their day (`crate::billing`).

use domain::balance::Settlement;
use domain::id::InvoiceId;
use domain::invoice::{DocumentState, Line, Party};
use domain::money::Money;
use domain::organization::text;
use store::draft::{Discarded, Kept, State};
use store::invoice::{Document, DocumentLine, DocumentVat};

use crate::Scope;
use crate::access::Caller;
use crate::billing::{finalize as issue, number};
use crate::customer::MAX_NOTE;
use crate::error::{Error, Expect, Field, Refusal};
use crate::invoice::issue::announce_paid_off;

/// Finalizes a draft as a document of today. A document that is finalized stays as it is.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `DRAFT_DISCARDED` or the reason for which it cannot
/// be issued.
pub async fn finalize(scope: &mut Scope, id: InvoiceId) -> Result<(), Error> {
    let Some(kept) = hold(scope, id).await? else { return Ok(()) };
    match kept.state {
        State::Finalized => return Ok(()),
        State::Discarded(_) => return Err(discarded(id)),
        State::Live => {}
    }
    let account = kept.account();
    let finalized = issue(scope, &[kept]).await?;
    if let Some((_, refused)) = finalized.refused.into_iter().next() {
        return Err(Error::refused(refused.reason(), refused));
    }
    store::billing::reschedule(&mut scope.tx, &[account]).await?;
    number(scope, &finalized.documents).await?;
    announce_paid_off(scope, &finalized.documents).await
}

/// Discards a draft: what is on it is waived.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Refused`] with `ALREADY_FINALIZED`.
pub async fn discard(
    scope: &mut Scope,
    caller: &Caller,
    id: InvoiceId,
    reason: &str,
) -> Result<(), Error> {
    let reason = text(reason, MAX_NOTE).field("reason")?;
    let kept = hold(scope, id).await?;
    match kept.as_ref().map(|kept| &kept.state) {
        Some(State::Discarded(_)) => return Ok(()),
        Some(State::Live) => {}
        Some(State::Finalized) | None => {
            let message = "the document is finalized: it can be credited";
            let refusal = Refusal::new("ALREADY_FINALIZED", message);
            return Err(Error::Refused(refusal.with("invoice_id", id)));
        }
    }
    let discarded = Discarded { at: scope.now, by: caller.name.clone(), reason };
    store::draft::discard(&mut scope.tx, id, &discarded).await?;
    let accounts: Vec<_> = kept.iter().map(Kept::account).collect();
    store::billing::reschedule(&mut scope.tx, &accounts).await?;
    Ok(())
}

/// A draft as it is once its billing account is held; nothing for a document that never was one.
async fn hold(scope: &mut Scope, id: InvoiceId) -> Result<Option<Kept>, Error> {
    let found = match store::draft::get(&mut scope.tx, id).await {
        Err(store::Error::NotFound) => {
            store::invoice::header(&mut scope.tx, id).await.or_missing("invoice", id)?;
            return Ok(None);
        }
        other => other?,
    };
    store::billing::lock(&mut scope.tx, found.account()).await?;
    // The wait for the account may have lasted into another day.
    scope.refresh().await?;
    Ok(Some(store::draft::get(&mut scope.tx, id).await?))
}

fn discarded(id: InvoiceId) -> Error {
    let message = "the draft was discarded: what was on it is waived";
    Error::Refused(Refusal::new("DRAFT_DISCARDED", message).with("invoice_id", id))
}

/// Drafts as documents are shown: with the parties as they are now.
pub(crate) async fn shown(scope: &mut Scope, kept: Vec<Kept>) -> Result<Vec<Document>, Error> {
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = kept.iter().map(|one| one.draft.customer_id).collect();
    let customers = store::customer::get_many(&mut scope.tx, &ids).await?;
    let seller = Party::seller(&scope.organization);
    let document = |one: Kept| {
        let customer = customers.iter().find(|customer| customer.id == one.draft.customer_id)?;
        Some(document(one, seller.clone(), Party::buyer(customer)))
    };
    Ok(kept.into_iter().filter_map(document).collect())
}

fn document(kept: Kept, seller: Party, buyer: Party) -> Document {
    let draft = kept.draft;
    let (state, finalize_on, discarded) = match kept.state {
        State::Discarded(discarded) => (DocumentState::Discarded, None, Some(discarded)),
        State::Live | State::Finalized => (DocumentState::Draft, Some(kept.finalize_on), None),
    };
    let open = match state {
        DocumentState::Discarded => Money::zero(draft.currency),
        _ => Settlement::none(draft.total).open,
    };
    let reason = discarded.as_ref().map(|one| one.reason.clone());
    let vat_row = |row: domain::vat::VatRow| DocumentVat {
        vat_class: row.vat.class,
        vat_percent: row.vat.percent,
        base: row.base,
        tax: row.tax,
    };
    Document {
        id: draft.id,
        kind: draft.kind,
        state,
        number: String::new(),
        customer_id: draft.customer_id,
        billing_on: draft.billing_on,
        issue_on: draft.issue_on,
        due_on: draft.due_on,
        net: draft.net,
        tax: draft.tax,
        total: draft.total,
        balance: Money::zero(draft.currency),
        open,
        written_off: Money::zero(draft.currency),
        seller,
        buyer,
        finalized_at: None,
        finalize_on,
        discarded: discarded.map(|one| (one.at, one.by)),
        reason,
        lines: (0..).zip(draft.lines).map(|(position, line)| shown_line(position, line)).collect(),
        vat_rows: draft.vat_rows.into_iter().map(vat_row).collect(),
    }
}

fn shown_line(position: i32, line: Line) -> DocumentLine {
    let charge = line.charge;
    DocumentLine {
        id: line.id,
        position,
        kind: charge.kind,
        subscription_id: charge.origin.subscription_id(),
        item_id: charge.origin.item_id(),
        charge_id: charge.origin.charge_id(),
        corrects_line_id: None,
        product_id: charge.product_id,
        description: charge.description,
        unit_label: charge.unit_label,
        revenue: charge.revenue,
        service_from: charge.service.start,
        service_until: charge.service.end,
        quantity: charge.quantity,
        unit_price: charge.unit_price,
        discount: charge.discount,
        net: charge.net,
        vat_class: line.vat.class,
        vat_percent: line.vat.percent,
    }
}
