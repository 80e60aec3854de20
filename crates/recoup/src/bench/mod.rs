//! `bench`: how fast it is here.
//!
//! Purpose: each measurement has a private database of its own, made for it and removed after it,
//! with the settings that live data has (every commit is on disk); it runs the use cases that the
//! interface runs, and tells its figures for people or as JSON.
//!
//! The rooms: `laboratory` is the database and the vendor in it, `report` the figures, and one file
//! per measurement.
//!
//! Invariants: nothing is measured on a database that has anything else in it.
//!
//! Deliberately absent: the network and the interface's own cost; judgements: what is fast enough
//! is for the reader of the figures.

mod billing;
mod laboratory;
mod payouts;
mod report;
mod retries;
mod usage;

use tokio_util::sync::CancellationToken;

use crate::config::{BenchOptions, Benchmark, Options};
use crate::{Error, output};
use laboratory::Laboratory;

/// Measures, and prints what came of it.
///
/// # Errors
/// What kept it from being measured.
pub(crate) async fn run(
    options: &Options,
    bench: &BenchOptions,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let laboratory = Laboratory::open(&options.database).await?;
    let measuring = async {
        match &bench.benchmark {
            Benchmark::Billing(size) => billing::measure(&laboratory, size).await,
            Benchmark::Payouts(size) => payouts::measure(&laboratory, size).await,
            Benchmark::Retries(size) => retries::measure(&laboratory, size).await,
            Benchmark::Usage(size) => usage::measure(&laboratory, size).await,
        }
    };
    let measured = stop.run_until_cancelled(measuring).await.unwrap_or(Err(Error::Stopped));
    laboratory.close().await;
    let report = measured?;
    output::print(&if bench.json { report.json() } else { report.lines() });
    Ok(())
}
