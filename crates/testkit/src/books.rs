//! The auditor: an independent, naive model of the books.
//!
//! Purpose: from the raw rows of subscriptions, prices and rates it computes what must have been
//! invoiced until today and what the ledger must hold on every day, and compares that with the rows
//! of documents, numbers and postings. It also asks the service for its own proof.
//!
//! Invariants: it shares no rule with the service. Periods are found by walking from the anchor,
//! amounts are integers, and every day of a period is charged by itself; so an error in a formula
//! of the service does not repeat here.
//!
//! Deliberately absent: speed, and what was true on other days than today: facts of customers are
//! taken as they are now.

mod amounts;
mod arrears;
mod attempts;
mod calendar;
mod charges;
mod coverage;
mod documents;
mod drafts;
mod events;
mod investors;
mod lost;
mod one_offs;
mod payments;
mod postings;
mod prices;
mod recurring;
mod rows;
mod usage;

use app::Ctx;
use app::day::Task;
use domain::id::OrgId;

use crate::Database;
use rows::Rows;

/// Everything that is wrong with an organization's books today; nothing when they are right.
/// Today's work must have been done.
///
/// # Panics
/// When the database does not answer.
pub async fn audit(database: &Database, ctx: &Ctx, org: OrgId) -> Vec<String> {
    let mut findings = work_left(database, ctx, org).await;
    let checks = app::ledger::verify(ctx, org).await.expect("the service's own proof");
    findings
        .extend(checks.iter().filter(|check| !check.ok).map(|check| format!("proof: {check:?}")));
    let today = ctx.scope(org).await.expect("a transaction").today();
    let sql = database.sql().await;
    arrears::check(&sql, ctx, org, &mut findings).await;
    attempts::check(&sql, org, &mut findings).await;
    events::check(&sql, org, &mut findings).await;
    investors::check(&sql, ctx, org, &mut findings).await;
    one_offs::check(&sql, org, today, &mut findings).await;
    let rows = Rows::load(&sql, org).await;
    let charges = charges::expected(&rows, today, &mut findings);
    charges::compare(&rows, &charges, &mut findings);
    coverage::check(&rows, today, &mut findings);
    documents::check(&rows, &charges, &mut findings);
    drafts::check(&sql, org, (&rows, today), &mut findings).await;
    postings::check(&rows, today, &mut findings);
    payments::check(&rows, &mut findings);
    recurring::check(&rows, &mut findings);
    usage::check(&sql, org, &rows, &mut findings).await;
    findings
}

/// Panics with the findings, if there are any.
///
/// # Panics
/// When the books are wrong.
pub async fn assert_right(database: &Database, ctx: &Ctx, org: OrgId) {
    let findings = audit(database, ctx, org).await;
    assert!(findings.is_empty(), "the books of {org} are wrong:\n{}", findings.join("\n"));
}

/// Due work, jobs and records that were set aside.
async fn work_left(database: &Database, ctx: &Ctx, org: OrgId) -> Vec<String> {
    let mut findings = Vec::new();
    let mut scope = ctx.scope(org).await.expect("a transaction");
    for task in Task::ALL {
        if task.is_due(&mut scope).await.expect("an answer") {
            findings.push(format!("work: {} is due", task.name()));
        }
    }
    let sql = database.sql().await;
    let left = "SELECT 'job: ' || concat_ws(' ', queue, key, status, last_result) FROM jobs \
                WHERE status <> 'done' AND (org_id IS NULL OR org_id = ($1::text)::uuid) \
                UNION ALL SELECT 'set aside: ' || concat_ws(' ', customer_id, reason, message) \
                FROM set_asides WHERE resolved_at IS NULL AND org_id = ($1::text)::uuid";
    let left = sql.query(left, &[&org.to_string()]).await.expect("what is left");
    findings.extend(left.iter().map(|row| row.get::<_, String>(0)));
    findings
}
