//! Clocks: the wall's, and a sandbox's that is moved by hand.
//!
//! Purpose: the one place where the wall clock is read, and the use case that moves a sandbox's
//! clock day by day with the workers' own work.

use chrono::{DateTime, Duration, Utc};
use domain::date::{self, Date};
use domain::id::OrgId;
use domain::organization::OrgKind;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::day::{Done, Task};
use crate::error::{Error, Refusal};
use crate::{Ctx, Scope, access};

/// The wall clock, or a stand-in for it.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present.
    fn now(&self) -> DateTime<Utc>;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl Clock for WallClock {
    #[allow(clippy::disallowed_methods)] // The one place that reads it.
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// How long the right to move a clock lasts without a sign of life, by the wall clock: longer than
/// a day's work takes, short enough that a killed mover does not hold it up for long.
const HOLD: Duration = Duration::seconds(60);
/// How often a day's work that another run holds is looked at again.
const FINISH_TRIES: u32 = 300;
/// How long to wait between two looks.
const FINISH_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);
/// The most days of one move.
pub const MAX_DAYS: i64 = 3_660;

/// Where to move a sandbox's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To the start of this local day, with that day's work done.
    Date(Date),
    /// To this instant.
    Instant(DateTime<Utc>),
    /// So many days on.
    Days(u32),
}

/// A day that was lived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Which.
    pub date: Date,
    /// What it brought.
    pub done: Done,
    /// Where the clock stands now.
    pub now: DateTime<Utc>,
    /// Whether the target is reached.
    pub last: bool,
}

/// Moves a sandbox's clock day by day, doing each day's work with the workers' own code, and
/// reports every day that was lived; the first is the present day, whose work is finished first in
/// case an earlier move was interrupted. Stops early when nobody listens any more.
///
/// # Errors
/// [`Error::Refused`] with `SANDBOX_ONLY` or `CLOCK_BACKWARDS`; [`Error::Busy`] with `CLOCK_BUSY`
/// while another call moves it; [`Error::Invalid`] for more than [`MAX_DAYS`] days.
pub async fn advance(
    ctx: &Ctx,
    org: OrgId,
    target: Target,
    report: mpsc::Sender<Day>,
) -> Result<(), Error> {
    let holder = Uuid::from_bytes(access::random()?);
    let target = hold(ctx, org, holder, target).await?;
    let lived = live_until(ctx, org, holder, target, &report).await;
    let mut scope = ctx.scope(org).await?;
    store::organization::release_clock(&mut scope.tx, holder).await?;
    scope.commit().await?;
    lived
}

/// Checks the target and takes the right to move the clock; answers the target's instant.
async fn hold(ctx: &Ctx, org: OrgId, holder: Uuid, target: Target) -> Result<DateTime<Utc>, Error> {
    let mut scope = ctx.scope(org).await?;
    let target = checked(&scope, target)?;
    keep_hold(ctx, &mut scope, holder).await?;
    scope.commit().await?;
    Ok(target)
}

async fn keep_hold(ctx: &Ctx, scope: &mut Scope, holder: Uuid) -> Result<(), Error> {
    let wall = ctx.clock.now();
    if store::organization::hold_clock(&mut scope.tx, holder, wall, wall + HOLD).await? {
        return Ok(());
    }
    Err(busy())
}

fn busy() -> Error {
    let message = "another call is moving this clock: wait until it has finished";
    Error::Busy(Refusal::new("CLOCK_BUSY", message))
}

/// Does all of a day's work of a task, also what another run holds at the moment: the day is over
/// only when nothing of it is left.
async fn finish(ctx: &Ctx, org: OrgId, holder: Uuid, task: Task) -> Result<Done, Error> {
    let mut done = Done::default();
    for _ in 0..FINISH_TRIES {
        done.add(task.run(ctx, org).await?);
        let mut scope = ctx.scope(org).await?;
        keep_hold(ctx, &mut scope, holder).await?;
        let left = task.is_due(&mut scope).await?;
        scope.commit().await?;
        if !left {
            return Ok(done);
        }
        tokio::time::sleep(FINISH_PAUSE).await;
    }
    let message = format!("another run holds work of {}: try again", task.name());
    Err(Error::Busy(Refusal::new("WORK_HELD", message)))
}

fn checked(scope: &Scope, target: Target) -> Result<DateTime<Utc>, Error> {
    if scope.organization.kind != OrgKind::Sandbox {
        let message =
            "a live organization follows the wall clock: only a sandbox's clock can be moved";
        return Err(Error::refused("SANDBOX_ONLY", message));
    }
    let zone = scope.organization.time_zone;
    let today = scope.today();
    let instant = match target {
        // A day that has begun is reached already.
        Target::Date(day) if day == today => scope.now,
        Target::Date(day) => date::start_of_day(day, zone),
        Target::Instant(instant) => instant,
        Target::Days(days) => date::start_of_day(date::add_days(today, i64::from(days)), zone),
    };
    let days = date::days_between(today, date::local(instant, zone));
    if instant < scope.now {
        let message = format!(
            "the clock stands at {} and moves only forward: {instant} is before it",
            scope.now
        );
        return Err(Error::Refused(
            Refusal::new("CLOCK_BACKWARDS", message).with("now", scope.now),
        ));
    }
    if days > MAX_DAYS {
        let message = format!("{days} days are too many for one call: at most {MAX_DAYS}");
        return Err(Error::invalid("target", message));
    }
    Ok(instant.max(scope.now))
}

async fn live_until(
    ctx: &Ctx,
    org: OrgId,
    holder: Uuid,
    target: DateTime<Utc>,
    report: &mpsc::Sender<Day>,
) -> Result<(), Error> {
    loop {
        let mut done = Done::default();
        for task in Task::ALL {
            done.add(finish(ctx, org, holder, task).await?);
        }
        let mut scope = ctx.scope(org).await?;
        // What the day's collections ended or gave back is billed on the same day.
        if Task::Bill.is_due(&mut scope).await? {
            drop(scope);
            done.add(finish(ctx, org, holder, Task::Bill).await?);
            scope = ctx.scope(org).await?;
        }
        keep_hold(ctx, &mut scope, holder).await?;
        let today = scope.today();
        let next = date::start_of_day(date::add_days(today, 1), scope.organization.time_zone);
        let last = next > target;
        let now = if last { target } else { next };
        if !store::organization::move_clock(&mut scope.tx, holder, now).await? {
            return Err(busy());
        }
        scope.commit().await?;
        let day = Day { date: today, done, now, last };
        if report.send(day).await.is_err() || last {
            return Ok(());
        }
    }
}
