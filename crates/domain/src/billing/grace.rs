//! Grace: which documents of a decision are kept as drafts.
//!
//! Purpose: with grace days a run makes the same decision; only what becomes of its documents
//! differs.
//!
//! Invariants: a document with a credit on it is never kept, nor one of the same decision that it
//! corrects: what is given back is given at once, and a draft refers to no other document. So
//! drafts are finalized and discarded each by itself. Those that are kept settle nothing.
//!
//! Deliberately absent: how long ([`crate::organization::Organization::draft_grace_days`]); the
//! document on the day of its finalization ([`crate::invoice::reissue`]).

use std::collections::HashSet;

use crate::balance::{Balance, Settlement};
use crate::billing::Billed;
use crate::id::{ChargeId, InvoiceId};
use crate::invoice::Draft;
use crate::money::MoneyRefused;

/// What is kept of a decision.
#[derive(Debug, Default)]
pub struct Kept {
    /// The documents, oldest billing date first.
    pub drafts: Vec<Draft>,
    /// The one-off charges that stand on them.
    pub one_offs: Vec<(ChargeId, InvoiceId)>,
}

impl Billed {
    /// Takes out the documents that are kept as drafts. The others are settled anew with what the
    /// customer has to its credit, because those that are kept use nothing of it.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn keep(&mut self, mut balance: Balance) -> Result<Kept, MoneyRefused> {
        let mut issued = HashSet::new();
        for draft in &self.drafts {
            let corrected = draft.corrected_invoices();
            if !corrected.is_empty() {
                issued.insert(draft.id);
                issued.extend(corrected);
            }
        }
        let is_kept = |draft: &mut Draft| !issued.contains(&draft.id);
        let mut kept = Kept::default();
        kept.drafts.extend(self.drafts.extract_if(.., is_kept));
        for draft in &mut kept.drafts {
            draft.settlement = Settlement::none(draft.total);
        }
        let lines: HashSet<_> =
            kept.drafts.iter().flat_map(|draft| &draft.lines).map(|line| line.id).collect();
        self.deferrals.retain(|(line, _)| !lines.contains(line));
        let on_kept = |(_, document): &mut (ChargeId, Option<InvoiceId>)| {
            document.is_some_and(|id| kept.drafts.iter().any(|draft| draft.id == id))
        };
        let drafted = self.one_offs.extract_if(.., on_kept);
        kept.one_offs.extend(drafted.filter_map(|(id, document)| Some((id, document?))));
        for draft in &mut self.drafts {
            balance.settle(draft)?;
        }
        Ok(kept)
    }
}

#[cfg(test)]
#[path = "grace_tests.rs"]
mod tests;
