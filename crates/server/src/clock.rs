//! `ClockService`: what time it is, and moving a sandbox's clock.
//!
//! Purpose: AdvanceClock runs on a task of its own and streams the days that it reports. When the
//! caller goes away the task finishes the day, lets go of the clock and ends.
//!
//! Invariants: a target that is relative is made absolute once and recorded with the request id, so
//! that a repeat goes to the same place.

use app::clock::{self, Day, Target};
use app::{Ctx, Error, Scope};
use domain::date;
use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At, Refused};
use crate::layer::trace;
use crate::pb::v1;
use crate::pb::v1::advance_clock_request::Target as Wanted;
use crate::pb::v1::clock_service_server::ClockService;
use crate::status::status;
use crate::wire;

/// Days that may wait for a caller who reads slowly.
const BUFFER: usize = 16;

/// The service.
#[derive(Debug)]
pub(crate) struct Clocks {
    /// The outside world.
    pub(crate) ctx: Ctx,
    /// The tasks that move clocks; the server waits for them when it stops.
    pub(crate) movers: TaskTracker,
}

#[async_trait]
impl ClockService for Clocks {
    async fn get_clock(
        &self,
        request: Request<v1::GetClockRequest>,
    ) -> Answer<v1::GetClockResponse> {
        let (call, _) = call::open(request)?;
        call.read(&self.ctx, |scope| {
            let clock = Some(clock_of(scope));
            async { Ok(v1::GetClockResponse { clock }) }.boxed()
        })
        .await
    }

    type AdvanceClockStream = BoxStream<'static, Result<v1::AdvanceClockResponse, Status>>;

    async fn advance_clock(
        &self,
        request: Request<v1::AdvanceClockRequest>,
    ) -> Answer<Self::AdvanceClockStream> {
        let (call, message) = call::open_once(request)?;
        let org = call.caller.org;
        target(message.target)?;
        let recorded = call
            .write(&self.ctx, |scope| {
                let request = absolute(scope, message);
                async { Ok(request) }.boxed()
            })
            .await?;
        let target = target(recorded.into_inner().target)?;
        let ctx = self.ctx.clone();
        let (report, days) = mpsc::channel(BUFFER);
        let moving = async move { clock::advance(&ctx, org, target, report).await };
        Ok(Response::new(streamed(days, self.movers.spawn(moving))))
    }
}

fn clock_of(scope: &Scope) -> v1::Clock {
    v1::Clock {
        kind: code::<v1::OrganizationKind>(scope.organization.kind),
        now: Some(wire::instant(scope.now)),
        today: Some(scope.today().into()),
        time_zone: scope.organization.time_zone.name().to_owned(),
    }
}

fn target(wanted: Option<Wanted>) -> field::Result<Target> {
    match wanted {
        Some(Wanted::ToDate(day)) => field::day(day).at("to_date").map(Target::Date),
        Some(Wanted::ToTime(time)) => field::instant(time).at("to_time").map(Target::Instant),
        Some(Wanted::Days(days)) => {
            let forward = u32::try_from(days).ok().filter(|days| *days > 0);
            let refused = || Refused::new(format!("{days} is not possible: expected 1 or more"));
            forward.ok_or_else(refused).at("days").map(Target::Days)
        }
        None => Err(Refused::new("expected to_date, to_time or days")).at("target"),
    }
}

/// The request with a target that no longer depends on when it is read.
fn absolute(scope: &Scope, mut request: v1::AdvanceClockRequest) -> v1::AdvanceClockRequest {
    if let Some(Wanted::Days(days)) = request.target {
        let day = date::add_days(scope.today(), i64::from(days));
        request.target = Some(Wanted::ToDate(day.into()));
    }
    request
}

/// The days that are reported, and then the error if moving ended with one.
fn streamed(
    days: mpsc::Receiver<Day>,
    moving: JoinHandle<Result<(), Error>>,
) -> BoxStream<'static, Result<v1::AdvanceClockResponse, Status>> {
    let lived = stream::unfold(days, |mut days| async {
        days.recv().await.map(|day| (Ok(day.into()), days))
    });
    let end = stream::once(moving).filter_map(|ended| async {
        let error = match ended {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => error,
            Err(broken) => Error::Fault(Box::new(broken)),
        };
        let status = status(error);
        trace::log_failure(&status);
        Some(Err(status))
    });
    lived.chain(end).boxed()
}

impl From<Day> for v1::AdvanceClockResponse {
    fn from(day: Day) -> Self {
        let done = day.done;
        Self {
            date: Some(day.date.into()),
            subscriptions_started: wire::count(done.started),
            subscriptions_ended: wire::count(done.ended),
            invoices_issued: wire::count(done.invoices),
            amounts: done.invoiced.into_iter().map(Into::into).collect(),
            entries_posted: wire::count(done.entries),
            set_aside: wire::count(done.set_aside),
            now: Some(wire::instant(day.now)),
            done: day.last,
            credited: done.credited.into_iter().map(Into::into).collect(),
        }
    }
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
