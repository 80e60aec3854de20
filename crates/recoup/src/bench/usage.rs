//! `bench usage`: events recorded per second, sent again, and added up.
//!
//! Purpose: senders side by side record chunks as RecordUsage does, each chunk in a transaction of
//! its own that is on disk when it is answered. One event in ten is of an earlier day of the last
//! month, the others are of this moment. Then a part is sent again, as after a broken stream, and
//! the month is added up for a batch of customers, as a billing run does.
//!
//! Deliberately absent: the wire.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::meter::CreateMeter;
use app::usage::{MAX_EVENTS, Sent, record};
use app::{Ctx, Error as Refused};
use chrono::{DateTime, Utc};
use domain::date;
use domain::id::{CustomerId, MeterId, OrgId};
use domain::period::Period;
use domain::usage::{Aggregation, Event};
use rust_decimal::Decimal;
use store::usage::Asked;
use tokio::task::JoinSet;

use super::laboratory::{Laboratory, customers, vendor};
use super::report::{Report, millis, per_second};
use crate::Error;
use crate::config::UsageBenchOptions;

/// How long ago the customers began.
const DAYS: i64 = 30;
/// One in so many events is of an earlier day.
const EARLIER: u32 = 10;
/// One in so many chunks is sent again.
const AGAIN: usize = 5;
/// Totals that a batch of a billing run asks for.
const BATCH: usize = 500;
/// How often the totals are asked for; the median counts.
const TIMES: usize = 5;

/// What the senders share.
#[derive(Debug)]
struct Scene {
    ctx: Ctx,
    org: OrgId,
    customers: Vec<CustomerId>,
    meters: Vec<(Aggregation, MeterId)>,
    now: DateTime<Utc>,
    events: u32,
}

/// Records, sends again, adds up.
pub(super) async fn measure(
    laboratory: &Laboratory,
    size: &UsageBenchOptions,
) -> Result<Report, Error> {
    let refused = || Error::refused("the usage cannot be measured");
    let scene = Arc::new(set(laboratory, size).await.map_err(refused())?);
    let chunks: Vec<u32> = (0..size.events).step_by(MAX_EVENTS).collect();
    let (wal, senders) = (laboratory.wal_bytes().await?, usize::from(size.senders));
    let (accepted, _, took) = send(&scene, &chunks, senders).await.map_err(refused())?;
    let wal = laboratory.wal_bytes().await?.saturating_sub(wal);
    let again: Vec<u32> = chunks.iter().copied().step_by(AGAIN).collect();
    let (_, duplicates, took_again) = send(&scene, &again, senders).await.map_err(refused())?;
    let adding = add_up(&scene).await.map_err(refused())?;

    let mut report = Report::default();
    report.text("settings", laboratory.durability().await?);
    report.number("customers", u64::from(size.customers));
    report.number("senders", u64::from(size.senders));
    report.number("events_per_chunk", MAX_EVENTS as u64);
    report.number("events", accepted);
    report.number("milliseconds", millis(took));
    report.number("events_per_second", per_second(accepted, took));
    report.number("wal_bytes_per_event", wal / accepted.max(1));
    report.number("duplicates", duplicates);
    report.number("duplicates_per_second", per_second(duplicates, took_again));
    report.number("totals_in_one_statement", scene.asked().len() as u64);
    report.number("totals_milliseconds", millis(adding));
    Ok(report)
}

async fn set(laboratory: &Laboratory, size: &UsageBenchOptions) -> Result<Scene, Refused> {
    let ctx = laboratory.ctx.clone();
    let org = vendor(&ctx).await?;
    let now = ctx.clock.now();
    let mut scope = ctx.scope(org).await?;
    let from = date::add_days(scope.today(), -DAYS);
    let mut meters = Vec::new();
    for aggregation in Aggregation::ALL {
        let command = CreateMeter {
            id: None,
            code: aggregation.to_string(),
            name: format!("The {aggregation}"),
            aggregation: *aggregation,
            unit_label: None,
        };
        meters.push((*aggregation, app::meter::create(&mut scope, command).await?.id));
    }
    scope.commit().await?;
    let customers = customers(&ctx, org, size.customers, from).await?;
    Ok(Scene { ctx, org, customers, meters, now, events: size.events })
}

/// Sends the chunks that begin at these events; accepted and duplicate events, and the time.
async fn send(
    scene: &Arc<Scene>,
    chunks: &[u32],
    senders: usize,
) -> Result<(u64, u64, Duration), Refused> {
    let begin = Instant::now();
    let mut sending = JoinSet::new();
    for sender in 0..senders {
        let own: Vec<u32> = chunks.iter().copied().skip(sender).step_by(senders).collect();
        let scene = Arc::clone(scene);
        sending.spawn(async move { scene.sender(&own).await });
    }
    let (mut accepted, mut duplicates) = (0, 0);
    while let Some(ended) = sending.join_next().await {
        let (new, old) = ended.map_err(|broken| Refused::fault(broken.to_string()))??;
        accepted += new;
        duplicates += old;
    }
    Ok((accepted, duplicates, begin.elapsed()))
}

impl Scene {
    async fn sender(&self, chunks: &[u32]) -> Result<(u64, u64), Refused> {
        let (mut accepted, mut duplicates) = (0, 0);
        for begin in chunks {
            let end = self.events.min(begin + MAX_EVENTS as u32);
            let chunk = (*begin..end).zip(0..).map(|(number, index)| self.event(number, index));
            let mut scope = self.ctx.scope(self.org).await?;
            let recorded = record(&mut scope, chunk.collect()).await?;
            scope.commit().await?;
            if let Some(rejected) = recorded.rejected.into_iter().next() {
                return Err(Refused::fault(rejected.message));
            }
            accepted += recorded.accepted as u64;
            duplicates += recorded.duplicates as u64;
        }
        Ok((accepted, duplicates))
    }

    fn event(&self, number: u32, index: usize) -> Sent {
        let place = number as usize;
        let (aggregation, _) = self.meters[place % self.meters.len()];
        let days = match number % EARLIER {
            0 => i64::from(number / EARLIER) % (DAYS - 1),
            _ => 0,
        };
        // Spread, so that neighbours in a chunk are of customers far apart.
        let customer = place.wrapping_mul(7_919) % self.customers.len();
        let at = self.now - chrono::Duration::days(days);
        // As senders make them: without an order that helps an index.
        let id = format!("{:08x}-{number}", number.wrapping_mul(2_654_435_761));
        Sent {
            index,
            meter: aggregation.to_string(),
            customer_id: self.customers[customer],
            event: Event {
                id,
                at: at - chrono::Duration::milliseconds(i64::from(number % 1_000)),
                quantity: Decimal::new(i64::from(number % 10_000), 2),
                value: Some(format!("user {}", number % 97)),
            },
        }
    }

    /// The last month of as many customers and meters as a batch has.
    fn asked(&self) -> Vec<Asked> {
        let end = date::add_days(self.now.date_naive(), 2);
        let period = Period { start: date::add_days(end, -DAYS - 2), end };
        let each = self.customers.iter().flat_map(|customer_id| {
            let meters = self.meters.iter();
            meters.map(|(_, meter_id)| (*customer_id, *meter_id))
        });
        let asked = each.map(|(customer_id, meter_id)| Asked { meter_id, customer_id, period });
        asked.take(BATCH).collect()
    }
}

/// How long the totals of a batch take, the median of several times.
async fn add_up(scene: &Scene) -> Result<Duration, Refused> {
    let asked = scene.asked();
    let mut took = Vec::new();
    for _ in 0..TIMES {
        let mut scope = scene.ctx.scope(scene.org).await?;
        let begin = Instant::now();
        store::usage::totals(&mut scope.tx, &asked).await?;
        took.push(begin.elapsed());
        scope.commit().await?;
    }
    took.sort_unstable();
    Ok(took[TIMES / 2])
}
