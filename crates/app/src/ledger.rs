//! The ledger for people: entries, balances, the proof.

use domain::date::Date;
use domain::id::{EntryId, OrgId};

use crate::error::Error;
use crate::page::{Page, PageRequest};
use crate::{Ctx, Scope};

pub use store::ledger::{Balance, Comparison, Filter, JournalEntry, JournalPosting};

/// One comparison of the proof, with its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was compared.
    pub comparison: Comparison,
    /// Whether both sides are the same.
    pub ok: bool,
}

/// Entries by id, with their postings.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn entries(
    scope: &mut Scope,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<JournalEntry>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "entries", filters.as_bytes()).await?.map(EntryId);
    let rows = store::ledger::list(&mut scope.tx, filter, after, page.limit() + 1).await?;
    page.finish(scope, "entries", filters.as_bytes(), rows, |entry| entry.id.0).await
}

/// The accounts' sums of everything posted on or before a day; today when absent.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn trial_balance(
    scope: &mut Scope,
    as_of: Option<Date>,
) -> Result<(Date, Vec<Balance>), Error> {
    let as_of = as_of.unwrap_or_else(|| scope.today());
    Ok((as_of, store::ledger::trial_balance(&mut scope.tx, as_of).await?))
}

/// Proves the ledger against its sub-ledgers, records the result for the metric, and answers every
/// comparison.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn verify(ctx: &Ctx, org: OrgId) -> Result<Vec<Check>, Error> {
    let mut scope = ctx.scope(org).await?;
    let comparisons = store::ledger::compare(&mut scope.tx).await?;
    let checks: Vec<Check> = comparisons
        .into_iter()
        .map(|comparison| Check { ok: comparison.expected == comparison.actual, comparison })
        .collect();
    let mismatches = checks.iter().filter(|check| !check.ok).count();
    for check in checks.iter().filter(|check| !check.ok) {
        tracing::error!(%org, check = ?check.comparison, "the ledger does not hold");
    }
    let count = i32::try_from(mismatches).unwrap_or(i32::MAX);
    store::ledger::record_proof(&mut scope.tx, ctx.clock.now(), count).await?;
    scope.commit().await?;
    Ok(checks)
}
