//! `bench billing`: invoices per second of the billing run, and of plain set-based SQL beside it.
//!
//! Purpose: a vendor's customers with a flat monthly subscription each are all due on the same day.
//! Month after month the real run bills them, and plain SQL (`INSERT .. SELECT` from the
//! subscriptions, one transaction for all, as the owner of the tables, without a check of its own)
//! writes the same rows for a second organization of the same database, which is like the first.
//! Who goes first alternates, each side begins after a checkpoint, the median month counts. Before
//! that a vendor with at most 1,000 subscriptions is billed in the same way: that warms up, and
//! tells how much memory so few take.
//!
//! Invariants: at the end both organizations hold the same rows, or nothing is told.
//!
//! Deliberately absent: how the customers came to be: they are copies of one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::Ctx;
use app::clock::Clock;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::date::Date;
use domain::id::OrgId;

use super::laboratory::{Laboratory, customers, vendor};
use super::report::{Report, micros, millis, per_second};
use crate::Error;
use crate::config::BillingBenchOptions;

/// The year that is billed: its first month before it is measured.
const YEAR: i32 = 2025;
/// Subscriptions that are billed to warm up.
const FEW: u32 = 1_000;
/// What is told when a use case refuses.
const DOING: &str = "the billing cannot be measured";

/// A clock that goes on from a moment.
#[derive(Debug)]
struct Shifted {
    moment: DateTime<Utc>,
    since: Instant,
}

impl Clock for Shifted {
    fn now(&self) -> DateTime<Utc> {
        self.moment + self.since.elapsed()
    }
}

/// Two organizations in the same state: one for the run, one for plain SQL.
#[derive(Debug)]
struct Race<'a> {
    laboratory: &'a Laboratory,
    subscriptions: u32,
    org: OrgId,
    twin: OrgId,
}

/// What billing all subscriptions once took.
#[derive(Debug)]
struct Lap {
    took: Duration,
    wal: u64,
    statements: u64,
}

/// Bills few, then all, month after month.
pub(super) async fn measure(
    laboratory: &Laboratory,
    size: &BillingBenchOptions,
) -> Result<Report, Error> {
    let few = Race::set(laboratory, size.subscriptions.min(FEW)).await?;
    few.month(2).await?;
    few.finish().await?;
    let memory_of_few = peak_memory();
    let race = Race::set(laboratory, size.subscriptions).await?;
    let (mut runs, mut plain) = (Vec::new(), Vec::new());
    for month in 2..2 + u32::from(size.months) {
        let (run, set_based) = race.month(month).await?;
        runs.push(run);
        plain.push(set_based);
    }
    let memory = peak_memory();
    race.finish().await?;

    let invoices = u64::from(size.subscriptions);
    let per_invoice = |laps: &[Lap], of: fn(&Lap) -> u64| {
        laps.iter().map(of).sum::<u64>() / (invoices * laps.len().max(1) as u64)
    };
    let took = |laps: &[Lap]| median(laps.iter().map(|lap| lap.took).collect());
    let (run, set_based) = (took(&runs), took(&plain));
    let mut report = Report::default();
    report.text("settings", laboratory.durability().await?);
    report.number("subscriptions", invoices);
    report.number("months", u64::from(size.months));
    report.number("invoices_per_batch", u64::try_from(app::billing::BATCH).unwrap_or(0));
    report.number("milliseconds", millis(run));
    report.number("invoices_per_second", per_second(invoices, run));
    let statements = runs.iter().map(|lap| lap.statements).sum();
    report.ratio("statements_per_invoice", statements, invoices * runs.len() as u64);
    report.number("wal_bytes_per_invoice", per_invoice(&runs, |lap| lap.wal));
    report.number("set_based_milliseconds", millis(set_based));
    report.number("set_based_invoices_per_second", per_second(invoices, set_based));
    report.number("set_based_wal_bytes_per_invoice", per_invoice(&plain, |lap| lap.wal));
    report.ratio("ratio_to_set_based", micros(set_based), micros(run));
    report.number("peak_memory_bytes_of_at_most_1000", memory_of_few);
    report.number("peak_memory_bytes", memory);
    Ok(report)
}

/// The one in the middle.
pub(super) fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took.get(took.len() / 2).copied().unwrap_or_default()
}

/// The most memory that this process has had; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1_024
}

/// The first day of a month of the measured year.
pub(super) fn first_of(month: u32) -> Result<Date, Error> {
    let day = NaiveDate::from_ymd_opt(YEAR, month, 1);
    day.ok_or_else(|| Error::refused(DOING)(app::Error::fault(format!("{month} is no month"))))
}

impl<'a> Race<'a> {
    /// A vendor with so many subscriptions, billed for their first month, and its twin.
    async fn set(laboratory: &'a Laboratory, subscriptions: u32) -> Result<Self, Error> {
        let (begin, ctx) = (first_of(1)?, at(laboratory, first_of(1)?));
        let made = async {
            let org = vendor(&ctx).await?;
            customers(&ctx, org, 1, begin).await?;
            app::billing::run(&ctx, org).await?;
            Ok(org)
        };
        let org = made.await.map_err(Error::refused(DOING))?;
        let twin = OrgId(domain::id::fresh(ctx.clock.now()));
        let race = Self { laboratory, subscriptions, org, twin };
        crowd(laboratory, org, subscriptions, ctx.clock.now()).await?;
        race.execute(include_str!("billing/twin.sql"), ctx.clock.now()).await?;
        laboratory.execute("VACUUM ANALYZE").await?;
        Ok(race)
    }

    /// Bills a month on both sides: by the run, and by plain SQL.
    async fn month(&self, month: u32) -> Result<(Lap, Lap), Error> {
        let day = first_of(month)?;
        if month.is_multiple_of(2) {
            let run = self.lap(self.run(day)).await?;
            return Ok((run, self.lap(self.plain(day)).await?));
        }
        let plain = self.lap(self.plain(day)).await?;
        Ok((self.lap(self.run(day)).await?, plain))
    }

    /// What a side takes, from a checkpoint on.
    async fn lap(&self, side: impl Future<Output = Result<(), Error>>) -> Result<Lap, Error> {
        self.laboratory.execute("CHECKPOINT").await?;
        let (wal, statements) = (self.laboratory.wal_bytes().await?, store::statements::sent());
        let begin = Instant::now();
        side.await?;
        let took = begin.elapsed();
        let wal = self.laboratory.wal_bytes().await?.saturating_sub(wal);
        Ok(Lap { took, wal, statements: store::statements::sent().saturating_sub(statements) })
    }

    async fn run(&self, day: Date) -> Result<(), Error> {
        let ctx = at(self.laboratory, day);
        let done = app::billing::run(&ctx, self.org).await.map_err(Error::refused(DOING))?;
        if done.invoices == u64::from(self.subscriptions) {
            return Ok(());
        }
        let wrong = format!("{} of {} were billed", done.invoices, self.subscriptions);
        Err(Error::refused(DOING)(app::Error::fault(wrong)))
    }

    async fn plain(&self, day: Date) -> Result<(), Error> {
        let statements = include_str!("billing/set_based.sql").replace(":day", &day.to_string());
        let statements = statements.replace(":org", &self.twin.to_string());
        self.execute(&statements, at(self.laboratory, day).clock.now()).await
    }

    /// Runs statements about the two organizations.
    async fn execute(&self, statements: &str, now: DateTime<Utc>) -> Result<(), Error> {
        let statements = self.filled(statements).replace(":now", &now.to_rfc3339());
        let statements = statements.replace(":millis", &now.timestamp_millis().to_string());
        self.laboratory.execute(&statements).await
    }

    fn filled(&self, statements: &str) -> String {
        let statements = statements.replace(":org", &self.org.to_string());
        statements.replace(":twin", &self.twin.to_string())
    }

    /// Whether both sides have written the same.
    async fn finish(&self) -> Result<(), Error> {
        let question = self.filled(include_str!("billing/differences.sql"));
        let different = self.laboratory.ask(&question).await?;
        if different.is_empty() {
            return Ok(());
        }
        let wrong = format!("plain SQL does not write what the run does: {different}");
        Err(Error::refused(DOING)(app::Error::fault(wrong)))
    }
}

/// Copies the one customer of an organization until there are so many.
pub(super) async fn crowd(
    laboratory: &Laboratory,
    org: OrgId,
    count: u32,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let statements = include_str!("billing/crowd.sql").replace(":org", &org.to_string());
    let statements = statements.replace(":count", &(count - 1).to_string());
    let statements = statements.replace(":millis", &now.timestamp_millis().to_string());
    laboratory.execute(&statements).await
}

/// The outside world in the morning of a day.
pub(super) fn at(laboratory: &Laboratory, day: Date) -> Ctx {
    let moment = day.and_time(NaiveTime::MIN).and_utc() + chrono::Duration::hours(6);
    let clock = Arc::new(Shifted { moment, since: Instant::now() });
    Ctx { clock, ..laboratory.ctx.clone() }
}
