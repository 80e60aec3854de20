//! The sweep: finds what is due and enqueues the jobs for it.
//!
//! Purpose: every worker process sweeps every few seconds; unique keys make one job of what many
//! find. A tick that was missed is made up by the next one, because what is due is asked for anew
//! and the key of a daily job is the day.
//!
//! Invariants: an organization that fails does not keep the others from their work. A daily job
//! begins at a local time that exists once on every day.
//!
//! Deliberately absent: sandboxes, whose days are done when their clock is moved.

use chrono::{DateTime, Timelike, Utc};
use chrono_tz::Tz;
use domain::date;
use domain::id::OrgId;
use domain::organization::OrgKind;
use store::organization::DirectoryEntry;

use super::{NewJob, Prune, RunTask, VerifyLedger, enqueue};
use crate::Ctx;
use crate::day::Task;
use crate::error::Error;

/// Local hour from which the ledger is verified: after the night's billing, and outside 02:00 to
/// 03:00, which a clock change can skip or repeat.
const VERIFY_FROM_HOUR: u32 = 4;

/// Jobs written in one transaction: large enough to be cheap, small enough that the first
/// organizations' work begins while the others are still looked at.
const BATCH: usize = 200;

/// What a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Live organizations looked at.
    pub organizations: usize,
    /// Jobs that are new.
    pub enqueued: usize,
    /// Questions that failed; they were logged, and are asked again by the next sweep.
    pub failed: usize,
}

/// Enqueues what is due now for every live organization.
///
/// # Errors
/// [`Error::Unavailable`]: then the database is away, and the rest was not looked at.
pub async fn sweep(ctx: &Ctx) -> Result<Swept, Error> {
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin_global().await?;
    let directory = store::organization::directory(&mut tx).await?;
    tx.commit().await?;

    let mut swept = Swept::default();
    let mut found = vec![Prune { on: now.date_naive() }.job()?];
    for entry in directory.iter().filter(|entry| entry.kind == OrgKind::Live) {
        swept.organizations += 1;
        swept.failed += look(ctx, entry, now, &mut found).await?;
        if found.len() >= BATCH {
            swept.enqueued += write(ctx, &mut found).await?;
        }
    }
    swept.enqueued += write(ctx, &mut found).await?;
    Ok(swept)
}

/// Adds the jobs that an organization needs now; answers how many questions failed.
async fn look(
    ctx: &Ctx,
    entry: &DirectoryEntry,
    now: DateTime<Utc>,
    found: &mut Vec<NewJob>,
) -> Result<usize, Error> {
    let org = entry.org_id;
    let mut failed = 0;
    match due_tasks(ctx, org).await {
        Ok(tasks) => {
            for task in tasks {
                found.push(RunTask { org, task }.job()?);
            }
        }
        Err(error @ Error::Unavailable(_)) => return Err(error),
        Err(error) => {
            failed += 1;
            tracing::error!(%org, reason = error.chain(), "cannot tell whether work is due");
        }
    }
    match date::zone(&entry.time_zone) {
        Ok(zone) if is_time_to_verify(now, zone) => {
            found.push(VerifyLedger { org, on: date::local(now, zone) }.job()?);
        }
        Ok(_) => {}
        Err(error) => {
            failed += 1;
            tracing::error!(%org, %error, "cannot tell the local day");
        }
    }
    Ok(failed)
}

/// The tasks with something due today, in one transaction.
async fn due_tasks(ctx: &Ctx, org: OrgId) -> Result<Vec<Task>, Error> {
    let mut scope = ctx.scope(org).await?;
    let mut due = Vec::new();
    for task in Task::ALL {
        if task.is_due(&mut scope).await? {
            due.push(task);
        }
    }
    scope.commit().await?;
    Ok(due)
}

fn is_time_to_verify(now: DateTime<Utc>, zone: Tz) -> bool {
    now.with_timezone(&zone).hour() >= VERIFY_FROM_HOUR
}

async fn write(ctx: &Ctx, found: &mut Vec<NewJob>) -> Result<usize, Error> {
    let mut tx = ctx.store.begin_global().await?;
    let new = enqueue(ctx, &mut tx, found).await?;
    tx.commit().await?;
    found.clear();
    Ok(new.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_is_verified_from_four_in_the_local_morning() {
        let amsterdam = date::zone("Europe/Amsterdam").unwrap();
        let table = [
            ("2026-11-21T02:59:59Z", false),
            ("2026-11-21T03:00:00Z", true),
            ("2026-11-21T22:59:59Z", true),
            ("2026-11-21T23:00:00Z", false),
            // The nights in which the clock jumps.
            ("2026-03-29T00:59:59Z", false),
            ("2026-03-29T01:00:00Z", false),
            ("2026-03-29T02:00:00Z", true),
            ("2026-10-25T00:30:00Z", false),
            ("2026-10-25T01:30:00Z", false),
            ("2026-10-25T03:00:00Z", true),
        ];
        for (instant, expected) in table {
            assert_eq!(
                is_time_to_verify(instant.parse().unwrap(), amsterdam),
                expected,
                "{instant}"
            );
        }
    }
}
