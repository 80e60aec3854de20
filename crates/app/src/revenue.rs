//! Revenue of longer periods, earned month by month.

use domain::id::{EntryId, LineId, OrgId, Sequence};
use domain::ledger::recognition_entry;
use domain::revenue::Deferral;

use crate::Ctx;
use crate::day::Done;
use crate::error::Error;

/// Deferrals that one transaction moves.
const BATCH: i64 = 1_000;

/// Posts every month that has been earned by the organization's date, in batches.
///
/// # Errors
/// [`Error::Unavailable`]; batches that were committed stay.
pub async fn recognize_due(ctx: &Ctx, org: OrgId) -> Result<Done, Error> {
    let mut done = Done::default();
    loop {
        let mut scope = ctx.scope(org).await?;
        let today = scope.today();
        let mut due: Vec<(LineId, Deferral)> =
            store::revenue::claim(&mut scope.tx, today, BATCH).await?;
        if due.is_empty() {
            return Ok(done);
        }
        let ids = Sequence::new(scope.now);
        let mut entries = Vec::with_capacity(due.len());
        for (line, deferral) in &mut due {
            let account = deferral.account;
            for step in deferral.recognize(today)? {
                let id = EntryId(ids.next());
                let entry = recognition_entry(id, *line, account, step.until, step.amount)
                    .map_err(|refused| {
                        Error::fault(format!("line {line} does not post: {refused}"))
                    })?;
                entries.push(entry);
            }
        }
        store::ledger::insert(&mut scope.tx, &entries, scope.now).await?;
        store::revenue::save(&mut scope.tx, &due).await?;
        scope.commit().await?;
        done.entries += entries.len() as u64;
    }
}
