//! `bench retries`: attempts to collect per second, and the least that their database could take.
//!
//! Purpose: customers with a card each, all of whose invoices are due on the same day. Month after
//! month the real look at the queue collects them against the sandbox gateway: attempts committed,
//! gateway called, answers recorded, paid, posted, announced. The next month's due rows go to the
//! floor: claimed by `SKIP LOCKED` in hundreds, and both states of every attempt and collection
//! written by plain set-based SQL as the owner of the tables, with neither money nor books. The
//! median month of each side counts.
//!
//! Deliberately absent: a gateway's network; how the customers came to be: they are copies of one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::Ctx;
use app::gateway::{Gateways, Sandbox};
use app::seal::Place;
use domain::date::Date;
use domain::id::{CustomerId, OrgId, PaymentMethodId, Sequence};
use domain::payment_method::{Card, Details, Expiry, PaymentMethod};
use secrecy::SecretString;
use store::payment_method::Kept;

use super::billing::{at, crowd, first_of, median};
use super::laboratory::{Laboratory, customers, vendor};
use super::report::{Report, micros, millis, per_second};
use crate::Error;
use crate::config::RetriesBenchOptions;

/// What is told when a use case refuses.
const DOING: &str = "the attempts cannot be measured";
/// How often each side is measured.
const ROUNDS: u32 = 3;

/// Collects all, month after month, in turn with the floor.
pub(super) async fn measure(
    laboratory: &Laboratory,
    size: &RetriesBenchOptions,
) -> Result<Report, Error> {
    let org = set(laboratory, size.due).await?;
    let (mut runs, mut floors, mut statements) = (Vec::new(), Vec::new(), 0);
    for round in 0..ROUNDS {
        bill(laboratory, org, first_of(2 * round + 2)?, size.due).await?;
        let sent = store::statements::sent();
        runs.push(run(laboratory, org, first_of(2 * round + 2)?, size.due).await?);
        statements += store::statements::sent().saturating_sub(sent);
        bill(laboratory, org, first_of(2 * round + 3)?, size.due).await?;
        floors.push(floor(laboratory, org).await?);
    }
    let (attempts, run, floor) = (u64::from(size.due), median(runs), median(floors));
    let mut report = Report::default();
    report.text("settings", laboratory.durability().await?);
    report.number("due", attempts);
    report.number("rounds", u64::from(ROUNDS));
    report.number("milliseconds", millis(run));
    report.number("attempts_per_second", per_second(attempts, run));
    report.ratio("statements_per_attempt", statements, attempts * u64::from(ROUNDS));
    report.number("floor_milliseconds", millis(floor));
    report.number("floor_attempts_per_second", per_second(attempts, floor));
    report.ratio("ratio_to_floor", micros(floor), micros(run));
    Ok(report)
}

/// A vendor whose customers have a card each that always settles, billed for their first month,
/// which was paid.
async fn set(laboratory: &Laboratory, count: u32) -> Result<OrgId, Error> {
    let (begin, ctx) = (first_of(1)?, outside(laboratory, first_of(1)?));
    let made = async {
        let org = vendor(&ctx).await?;
        customers(&ctx, org, 1, begin).await?;
        app::billing::run(&ctx, org).await?;
        Ok(org)
    };
    let org = made.await.map_err(Error::refused(DOING))?;
    crowd(laboratory, org, count, ctx.clock.now()).await?;
    laboratory
        .execute(&format!(
            "UPDATE organizations SET payment_terms_days = 0 WHERE org_id = '{org}'; \
             UPDATE customers SET scheme = 'card' WHERE org_id = '{org}'; \
             UPDATE collections SET next_at = NULL, next_action = NULL, state = 'closed' \
             WHERE org_id = '{org}'"
        ))
        .await?;
    cards(&ctx, org).await.map_err(Error::refused(DOING))?;
    laboratory.execute("VACUUM ANALYZE").await?;
    Ok(org)
}

/// Gives every customer a card.
async fn cards(ctx: &Ctx, org: OrgId) -> app::Result<()> {
    let mut scope = ctx.scope(org).await?;
    let ids = Sequence::new(scope.now);
    let (now, today) = (scope.now, scope.today());
    let mut after: Option<CustomerId> = None;
    loop {
        let filter = store::customer::Filter::default();
        let page = store::customer::list(&mut scope.tx, &filter, after, 500).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for customer in page {
            let id = PaymentMethodId(ids.next());
            let expires = Expiry::new(2099, 12).map_err(|no| app::Error::fault(no.to_string()))?;
            let details = Details::Card(Card {
                brand: "visa".to_owned(),
                last_four: "4242".to_owned(),
                expires,
                holder: None,
            });
            let place = Place { org, row: id.0, field: app::payment_method::TOKEN };
            let sealed = Some(scope.seal.seal(place, &SecretString::from("settles"))?);
            let method = PaymentMethod::new(id, customer.id, details, today);
            store::payment_method::insert(&mut scope.tx, &Kept { method, sealed }, now).await?;
        }
    }
    scope.commit().await
}

/// Makes an invoice of every customer, due on its day.
async fn bill(laboratory: &Laboratory, org: OrgId, day: Date, count: u32) -> Result<(), Error> {
    let ctx = outside(laboratory, day);
    let done = app::billing::run(&ctx, org).await.map_err(Error::refused(DOING))?;
    expect("invoices", done.invoices, count)?;
    laboratory.execute("VACUUM ANALYZE").await?;
    laboratory.execute("CHECKPOINT").await
}

/// Collects what is due, as the worker does.
async fn run(
    laboratory: &Laboratory,
    org: OrgId,
    day: Date,
    count: u32,
) -> Result<Duration, Error> {
    let ctx = outside(laboratory, day);
    let begin = Instant::now();
    let done = app::collection::run(&ctx, org).await.map_err(Error::refused(DOING))?;
    let took = begin.elapsed();
    expect("attempts", done.attempts, count)?;
    let open = format!(
        "SELECT count(*)::text FROM invoices WHERE org_id = '{org}' AND issue_on = '{day}' \
         AND open_minor > 0"
    );
    let open = laboratory.ask(&open).await?;
    expect("invoices paid", u64::from(count) - open.parse().unwrap_or(0), count)?;
    Ok(took)
}

/// Claims what is due in hundreds, and writes both states, by plain SQL.
async fn floor(laboratory: &Laboratory, org: OrgId) -> Result<Duration, Error> {
    let claim = include_str!("retries/floor_claim.sql").replace(":org", &org.to_string());
    let settle = include_str!("retries/floor_settle.sql").replace(":org", &org.to_string());
    let office = laboratory.office().await?;
    let begin = Instant::now();
    loop {
        let failed = Error::part("writing both states");
        let claimed = async {
            office.batch_execute(&claim).await?;
            let row = office.query_one("SELECT count(*) FROM claimed", &[]).await?;
            let count: i64 = row.get(0);
            office.batch_execute(&settle).await?;
            Ok::<i64, tokio_postgres::Error>(count)
        };
        if claimed.await.map_err(failed)? == 0 {
            return Ok(begin.elapsed());
        }
    }
}

fn expect(what: &str, found: u64, expected: u32) -> Result<(), Error> {
    if found == u64::from(expected) {
        return Ok(());
    }
    let wrong = format!("{found} {what} where {expected} were expected");
    Err(Error::refused(DOING)(app::Error::fault(wrong)))
}

/// The outside world in the morning of a day, with the sandbox gateway for all.
fn outside(laboratory: &Laboratory, day: Date) -> Ctx {
    Ctx { gateways: Gateways::only(Arc::new(Sandbox)), ..at(laboratory, day) }
}
