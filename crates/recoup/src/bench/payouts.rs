//! `bench payouts`: crediting investors their share of a month, all of an organization at once.
//!
//! Purpose: features with two investors each, customers who subscribe to them, every invoice paid,
//! nine of ten in full. The real task of the workers credits the month: revenue of every feature
//! from all of its lines, shares, documents, entries, payouts, events. A second month without a new
//! line shows what looking at them again costs.
//!
//! Deliberately absent: how they came to be: customers and investors are copies of one, and what
//! they paid has no entries in the books.

use std::time::{Duration, Instant};

use domain::date::Date;
use domain::id::OrgId;

use super::billing::{at, crowd, first_of};
use super::laboratory::{Laboratory, customers, vendor};
use super::report::{Report, millis, per_second};
use crate::Error;
use crate::config::PayoutsBenchOptions;

/// What is told when a use case refuses.
const DOING: &str = "the crediting cannot be measured";

/// How crediting a month went.
struct Lap {
    took: Duration,
    statements: u64,
}

/// Credits a month of all lines, and one without a new line.
pub(super) async fn measure(
    laboratory: &Laboratory,
    size: &PayoutsBenchOptions,
) -> Result<Report, Error> {
    let org = set(laboratory, size).await?;
    let full = credit(laboratory, org, first_of(2)?).await?;
    let credited = documents(laboratory, org).await?;
    expect("documents", credited, size.investments)?;
    let again = credit(laboratory, org, first_of(3)?).await?;
    let mut report = Report::default();
    report.text("settings", laboratory.durability().await?);
    report.number("investments", u64::from(size.investments));
    report.number("lines", u64::from(size.lines));
    report.number("milliseconds", millis(full.took));
    report.number("lines_per_second", per_second(u64::from(size.lines), full.took));
    report.number("statements", full.statements);
    report.number("documents", credited);
    report.number("milliseconds_of_a_month_without_a_new_line", millis(again.took));
    report.number("statements_of_a_month_without_a_new_line", again.statements);
    Ok(report)
}

/// A vendor with customers, their paid invoices, and investors.
async fn set(laboratory: &Laboratory, size: &PayoutsBenchOptions) -> Result<OrgId, Error> {
    let begin = first_of(1)?;
    let ctx = at(laboratory, begin);
    let made = async {
        let org = vendor(&ctx).await?;
        customers(&ctx, org, 1, begin).await?;
        Ok(org)
    };
    let org = made.await.map_err(Error::refused(DOING))?;
    crowd(laboratory, org, size.lines, ctx.clock.now()).await?;
    let done = app::billing::run(&ctx, org).await.map_err(Error::refused(DOING))?;
    expect("invoices", done.invoices, size.lines)?;
    fill(laboratory, org, size, include_str!("payouts/pay.sql")).await?;
    fill(laboratory, org, size, include_str!("payouts/share.sql")).await?;
    laboratory.execute("VACUUM ANALYZE").await?;
    laboratory.execute("CHECKPOINT").await?;
    Ok(org)
}

/// Runs statements about the organization.
async fn fill(
    laboratory: &Laboratory,
    org: OrgId,
    size: &PayoutsBenchOptions,
    statements: &str,
) -> Result<(), Error> {
    let now = at(laboratory, first_of(1)?).clock.now();
    let features = size.investments.div_ceil(2);
    let statements = statements
        .replace(":org", &org.to_string())
        .replace(":investments", &size.investments.to_string())
        .replace(":features", &features.to_string())
        .replace(":begin", &first_of(1)?.to_string())
        .replace(":paid", &first_of(1)?.to_string())
        .replace(":now", &now.to_rfc3339())
        .replace(":millis", &now.timestamp_millis().to_string());
    laboratory.execute(&statements).await
}

/// Credits the month before a day, as the worker does.
async fn credit(laboratory: &Laboratory, org: OrgId, day: Date) -> Result<Lap, Error> {
    let ctx = at(laboratory, day);
    let (begin, sent) = (Instant::now(), store::statements::sent());
    app::share::credit_due(&ctx, org).await.map_err(Error::refused(DOING))?;
    let statements = store::statements::sent().saturating_sub(sent);
    Ok(Lap { took: begin.elapsed(), statements })
}

async fn documents(laboratory: &Laboratory, org: OrgId) -> Result<u64, Error> {
    let question = format!("SELECT count(*)::text FROM self_bills WHERE org_id = '{org}'");
    Ok(laboratory.ask(&question).await?.parse().unwrap_or(0))
}

fn expect(what: &str, found: u64, expected: u32) -> Result<(), Error> {
    if found == u64::from(expected) {
        return Ok(());
    }
    let wrong = format!("{found} {what} where {expected} were expected");
    Err(Error::refused(DOING)(app::Error::fault(wrong)))
}
