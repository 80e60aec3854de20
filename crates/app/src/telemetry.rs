//! Numbers for operators.
//!
//! Purpose: [`METRICS`] is the one list of everything that is exported, with its meaning; each
//! gauge is read from the database in one place, [`refresh`].
//!
//! Invariants: base units; `_total` on counters only; timestamps instead of ages, so that a stuck
//! process does not show a young age. A gauge with labels is set for every value of a fixed list,
//! because a series that is no longer set keeps its last value. Gauges are set from one snapshot,
//! then its time: of several processes that export the same numbers, a rule takes those with a
//! fresh `recoup_snapshot_timestamp_seconds`.
//!
//! Deliberately absent: money and customers in labels, the exporter (`recoup`), tracing.

mod investors;
mod list;
mod mrr;
pub(crate) mod payments;
pub(crate) mod refunds;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::date;
use domain::money::Currency;
use domain::organization::OrgKind;
use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use store::job::{Count, Status};
use store::pool::PoolStatus;

use self::investors::Investing;
pub use self::investors::{
    INVESTMENTS, INVESTOR_CREDITED, INVESTOR_IN_TRANSIT, INVESTOR_MISMATCH, INVESTOR_OWED,
    INVESTOR_PAID, INVESTOR_PAYABLE, PAYOUTS, SHARE_MONTHS_LATE, SHARES_HELD,
};
pub use self::list::METRICS;
use self::mrr::Recurring;
pub use self::mrr::{
    CHURNED_CUSTOMERS_LAST_MONTH, CUSTOMERS, MRR, MRR_AT_RISK, MRR_COMMITTED, MRR_MOVEMENT_MONTH,
};
use self::payments::Collecting;
pub use self::payments::{
    DRAFTS, PAYMENT_ATTEMPTS, PAYMENT_FAILURES, PAYMENT_RECOVERED, PAYMENT_UNKNOWN_CODES,
    PAYMENT_UNMATCHED, RETRIES, RETRIES_DUE, RETRIES_OLDEST_DUE,
};
pub use self::refunds::{REFUND_OUTCOMES, REFUNDS};
use crate::Ctx;
use crate::error::Error;
use crate::job::QUEUES;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution, with the upper bounds of its buckets.
    Histogram(&'static [f64]),
}

/// A metric as it is documented.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub help: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
}

/// Calls answered.
pub const GRPC_REQUESTS: &str = "recoup_grpc_requests_total";
/// How long calls took.
pub const GRPC_REQUEST_DURATION: &str = "recoup_grpc_request_duration_seconds";
/// Calls under way.
pub const GRPC_IN_FLIGHT: &str = "recoup_grpc_in_flight";
/// Jobs by queue and status.
pub const JOBS: &str = "recoup_jobs";
/// The oldest due job.
pub const JOBS_OLDEST_DUE: &str = "recoup_jobs_oldest_due_timestamp_seconds";
/// Attempts that ended.
pub const JOBS_RUN: &str = "recoup_jobs_run_total";
/// How long attempts took.
pub const JOB_DURATION: &str = "recoup_job_duration_seconds";
/// Connections of the pool.
pub const DB_POOL_CONNECTIONS: &str = "recoup_db_pool_connections";
/// Callers that wait for one.
pub const DB_POOL_WAITING: &str = "recoup_db_pool_waiting";
/// Billing accounts with something due.
pub const BILLING_DUE_ACCOUNTS: &str = "recoup_billing_due_accounts";
/// The oldest due date of them.
pub const BILLING_OLDEST_DUE: &str = "recoup_billing_oldest_due_timestamp_seconds";
/// Records that are set aside.
pub const SET_ASIDE: &str = "recoup_set_aside";
/// Documents issued.
pub const INVOICES_ISSUED: &str = "recoup_invoices_issued_total";
/// Customers that a billing run set aside.
pub const BILLING_SET_ASIDE: &str = "recoup_billing_set_aside_total";
/// When a billing run last went through.
pub const BILLING_LAST_SUCCESS: &str = "recoup_billing_last_success_timestamp_seconds";
/// How long billing runs took.
pub const BILLING_RUN_DURATION: &str = "recoup_billing_run_duration_seconds";
/// Comparisons of the ledger's proofs that did not hold.
pub const LEDGER_MISMATCHES: &str = "recoup_ledger_mismatches";
/// When the ledgers were last verified.
pub const LEDGER_VERIFIED: &str = "recoup_ledger_verified_timestamp_seconds";
/// How fresh the gauges are.
pub const SNAPSHOT: &str = "recoup_snapshot_timestamp_seconds";

/// What a record can be set aside in.
const SET_ASIDE_KINDS: [&str; 1] = ["billing"];

/// The statuses that are gauges; how many are done is a counter.
const STATUSES: [Status; 3] = [Status::Queued, Status::Running, Status::Dead];

/// Counts customers that were set aside.
pub(crate) fn set_aside(kind: OrgKind, customers: u64) {
    if kind == OrgKind::Live {
        metrics::counter!(BILLING_SET_ASIDE).increment(customers);
    }
}

/// Counts documents that were issued by themselves.
pub(crate) fn issued(kind: OrgKind, documents: u64) {
    if kind == OrgKind::Live {
        metrics::counter!(INVOICES_ISSUED).increment(documents);
    }
}

/// Tells the exporter what each metric says, and begins its counters. Call it once, after the exporter is installed.
pub fn describe() {
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, metric.help),
            Kind::Histogram(_) => describe_histogram!(metric.name, metric.help),
        }
    }
    payments::begin();
    refunds::begin();
}

/// What [`refresh`] read of the organizations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Business {
    due_accounts: i64,
    oldest_due: Option<DateTime<Utc>>,
    set_aside: i64,
    mismatches: i64,
    oldest_proof: Option<DateTime<Utc>>,
}

/// Reads a snapshot and sets the gauges from it.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Fault`]: then no gauge was set, and the snapshot's time shows
/// that they are old.
pub async fn refresh(ctx: &Ctx) -> Result<(), Error> {
    let now = ctx.clock.now();
    let pool = ctx.store.pool_status();
    let mut tx = ctx.store.begin_global().await?;
    let counts = store::job::counts(&mut tx, None, now).await?;
    tx.commit().await?;
    let (business, recurring, collecting, investing) = business(ctx, now).await?;

    set_pool(pool);
    set_jobs(&counts);
    set_business(business);
    recurring.set();
    collecting.set();
    investing.set();
    gauge!(SNAPSHOT).set(seconds(Some(now)));
    Ok(())
}

/// Sums over the live organizations, one transaction each.
async fn business(
    ctx: &Ctx,
    now: DateTime<Utc>,
) -> Result<(Business, Recurring, Collecting, Investing), Error> {
    let mut tx = ctx.store.begin_global().await?;
    let directory = store::organization::directory(&mut tx).await?;
    tx.commit().await?;
    let (mut sum, mut recurring) = (Business::default(), Recurring::default());
    let (mut collecting, mut investing) = (Collecting::default(), Investing::default());
    for entry in directory.iter().filter(|entry| entry.kind == OrgKind::Live) {
        let zone = date::zone(&entry.time_zone).map_err(|error| Error::fault(error.to_string()))?;
        let mut tx = ctx.store.begin(entry.org_id).await?;
        let today = date::local(now, zone);
        let due = store::billing::due(&mut tx, today).await?;
        let set_aside = store::set_aside::open_count(&mut tx).await?;
        let proof = store::ledger::last_proof(&mut tx).await?;
        recurring.add(&mut tx, today).await?;
        collecting.add(&mut tx, now, today).await?;
        investing.add(&mut tx, today).await?;
        tx.commit().await?;
        sum.due_accounts += due.accounts;
        sum.oldest_due =
            oldest(sum.oldest_due, due.oldest.map(|day| date::start_of_day(day, zone)));
        sum.set_aside += set_aside;
        sum.mismatches += proof.map_or(0, |(_, mismatches)| i64::from(mismatches));
        // A ledger that was never verified is as old as its organization.
        let proven_at = proof.map_or(entry.created_at, |(verified_at, _)| verified_at);
        sum.oldest_proof = oldest(sum.oldest_proof, Some(proven_at));
    }
    Ok((sum, recurring, collecting, investing))
}

fn oldest(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    a.into_iter().chain(b).min()
}

fn set_pool(pool: PoolStatus) {
    gauge!(DB_POOL_CONNECTIONS, "state" => "open").set(number(pool.open));
    gauge!(DB_POOL_CONNECTIONS, "state" => "idle").set(number(pool.idle));
    gauge!(DB_POOL_WAITING).set(number(pool.waiting));
}

fn set_jobs(counts: &[Count]) {
    let found: HashMap<_, _> = counts.iter().map(|c| ((c.queue.as_str(), c.status), c)).collect();
    for queue in QUEUES {
        for status in STATUSES {
            let jobs = found.get(&(queue, status)).map_or(0, |count| count.jobs);
            gauge!(JOBS, "queue" => queue, "status" => status.as_str()).set(amount(jobs));
        }
        let oldest = found.get(&(queue, Status::Queued)).and_then(|count| count.oldest_run_at);
        gauge!(JOBS_OLDEST_DUE, "queue" => queue).set(seconds(oldest));
    }
}

fn set_business(business: Business) {
    gauge!(BILLING_DUE_ACCOUNTS).set(amount(business.due_accounts));
    gauge!(BILLING_OLDEST_DUE).set(seconds(business.oldest_due));
    for kind in SET_ASIDE_KINDS {
        gauge!(SET_ASIDE, "kind" => kind).set(amount(business.set_aside));
    }
    gauge!(LEDGER_MISMATCHES).set(amount(business.mismatches));
    gauge!(LEDGER_VERIFIED).set(seconds(business.oldest_proof));
}

/// Gauges are floats; counts of rows are far below what they hold exactly.
#[allow(clippy::cast_precision_loss)]
fn amount(count: i64) -> f64 {
    count as f64
}

fn number(count: usize) -> f64 {
    amount(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Gauges are floats; exact money stays in the database.
#[allow(clippy::float_arithmetic)] // One division, of what is only looked at.
fn major(minor: i64, currency: Currency) -> f64 {
    amount(minor) / f64::from(10_u32.pow(currency.decimals()))
}

/// Seconds since 1970; 0: never.
fn seconds(instant: Option<DateTime<Utc>>) -> f64 {
    amount(instant.map_or(0, |instant| instant.timestamp()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_say_their_unit_and_kind() {
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len(), "each once");
        for metric in METRICS {
            assert!(metric.name.starts_with("recoup_"), "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}: a sentence", metric.name);
            assert_eq!(
                metric.kind == Kind::Counter,
                metric.name.ends_with("_total"),
                "{}",
                metric.name
            );
            if let Kind::Histogram(bounds) = metric.kind {
                assert!(metric.name.ends_with("_seconds"), "{}", metric.name);
                assert!(bounds.is_sorted(), "{}", metric.name);
            }
        }
    }
}
