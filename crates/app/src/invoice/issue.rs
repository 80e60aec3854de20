//! Documents that are issued by hand or for late fees, and drafts that become documents.
//!
//! Invariants: the order of statements is the run's (`crate::billing`): the number is taken with the
//! last ones, because its row is held to commit.

use std::collections::BTreeSet;

use domain::id::{ChargeId, EntryId, InvoiceId, LineId, Sequence};
use domain::invoice::{DocumentState, Party};
use domain::ledger::document_entry;
use domain::revenue::Deferral;
use store::invoice::NewDocument;

use crate::error::Error;
use crate::{Scope, event};

/// Writes, posts, settles, numbers and announces a document, together with the deferrals that its
/// credits shortened and the one-off charges that it bills.
pub(crate) async fn issue(
    scope: &mut Scope,
    document: NewDocument,
    shortened: &[(LineId, Deferral)],
    one_offs: &[(ChargeId, Option<InvoiceId>)],
) -> Result<(), Error> {
    issue_all(scope, &[document], shortened, one_offs).await.map(drop)
}

/// Writes, posts, settles, numbers and announces documents as [`issue`] does one, with as many
/// statements. Answers how many entries were posted.
pub(crate) async fn issue_all(
    scope: &mut Scope,
    documents: &[NewDocument],
    shortened: &[(LineId, Deferral)],
    one_offs: &[(ChargeId, Option<InvoiceId>)],
) -> Result<usize, Error> {
    let entries = post(scope, documents).await?;
    store::revenue::save(&mut scope.tx, shortened).await?;
    store::one_off::mark_billed(&mut scope.tx, one_offs).await?;
    crate::billing::number(scope, documents).await?;
    announce_paid_off(scope, documents).await?;
    Ok(entries)
}

/// Writes, posts and settles documents with what their lines defer: all but their numbers. Answers
/// how many entries were posted.
pub(crate) async fn post(scope: &mut Scope, documents: &[NewDocument]) -> Result<usize, Error> {
    if documents.is_empty() {
        return Ok(0);
    }
    let (now, seller) = (scope.now, Party::seller(&scope.organization));
    let ids = Sequence::new(now);
    let mut entries = Vec::with_capacity(documents.len());
    for NewDocument { draft, .. } in documents {
        let entry = document_entry(EntryId(ids.next()), draft).map_err(|refused| {
            Error::fault(format!("document {} does not post: {refused}", draft.id))
        })?;
        entries.extend(entry);
    }
    let lines = documents.iter().flat_map(|one| &one.draft.lines);
    let deferrals: Vec<(LineId, Deferral)> =
        lines.filter_map(|line| Some((line.id, line.deferral.clone()?))).collect();
    let tx = &mut scope.tx;
    store::invoice::insert(tx, &seller, documents, now).await?;
    store::ledger::insert(tx, &entries, now).await?;
    store::revenue::insert(tx, &deferrals).await?;
    let lowered = crate::payment::lower_write_offs(scope, documents).await?;
    store::invoice::settle(&mut scope.tx, documents, &lowered).await?;
    Ok(entries.len())
}

/// Tells which invoices the credit notes among documents have paid off. Most have paid off none.
pub(crate) async fn announce_paid_off(
    scope: &mut Scope,
    documents: &[NewDocument],
) -> Result<(), Error> {
    let settlements = documents.iter().map(|one| &one.draft.settlement);
    let allocated = settlements.flat_map(|one| one.allocations.iter().map(|(id, _)| *id));
    let ids: Vec<InvoiceId> = allocated.collect::<BTreeSet<_>>().into_iter().collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut invoices = store::invoice::headers(&mut scope.tx, &ids).await?;
    invoices.retain(|invoice| invoice.state == DocumentState::Settled);
    let today = scope.today();
    scope.announce(event::paid_off(invoices, today));
    Ok(())
}
