//! Living: the events happen on their days, and the clock moves in between.
//!
//! Invariants: going on after an interruption does nothing twice. When a stop is asked for, the day
//! that is being lived is finished, and the clock is let go.
//!
//! Deliberately absent: bills, revenue, states. The clock's own work makes them. How an event is
//! made to happen (`happen`).

use std::time::Duration;

use app::Ctx;
use app::clock::{Target, advance};
use domain::date::Date;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::draw::Draw;
use super::happen::happen;
use super::lives;
use super::progress::Progress;
use super::scale::Scale;
use super::vendor::Vendor;

/// How often it is asked for a clock that somebody else moves: a demonstration that was killed
/// holds it for up to a minute.
const BUSY_PAUSE: Duration = Duration::from_secs(2);
/// How often it is asked before it is given up.
const BUSY_ATTEMPTS: u32 = 40;

/// A demonstration while it lives.
#[derive(Debug)]
pub(super) struct Life<'a> {
    pub(super) ctx: &'a Ctx,
    pub(super) vendor: &'a Vendor,
    pub(super) stop: &'a CancellationToken,
    pub(super) progress: Progress,
}

impl Life<'_> {
    /// Lives to the end, from wherever the clock stands. False when it was stopped before.
    pub(super) async fn live(&mut self, scale: &Scale) -> Result<bool, app::Error> {
        let mut today = self.today().await?;
        // The list is the same whenever it is made: an event is known by its place in it.
        for (place, event) in (0_u64..).zip(lives::events(scale)) {
            if event.on < today {
                continue;
            }
            if event.on > today {
                self.advance(event.on).await?;
                today = event.on;
            }
            if self.stop.is_cancelled() {
                return Ok(false);
            }
            let id = Draw::of(scale.seed, "event", place).id(scale.moment(event.on));
            if let Some(refused) = happen(self.ctx, self.vendor, id, event.what).await? {
                self.progress.tell(&format!("refused on {}: {refused}", event.on));
            }
        }
        if today < scale.ends_on() {
            self.advance(scale.ends_on()).await?;
        }
        self.progress.end();
        Ok(!self.stop.is_cancelled())
    }

    async fn today(&self) -> Result<Date, app::Error> {
        Ok(self.ctx.scope(self.vendor.org).await?.today())
    }

    /// Moves the clock, or waits while somebody else does.
    async fn advance(&mut self, to: Date) -> Result<(), app::Error> {
        for _ in 1..BUSY_ATTEMPTS {
            match self.try_advance(to).await {
                Err(app::Error::Busy(_)) => {
                    self.progress.wait("the clock is being moved by another call");
                    let paused =
                        self.stop.run_until_cancelled(tokio::time::sleep(BUSY_PAUSE)).await;
                    if paused.is_none() {
                        return Ok(());
                    }
                }
                other => return other,
            }
        }
        self.try_advance(to).await
    }

    async fn try_advance(&mut self, to: Date) -> Result<(), app::Error> {
        let (report, mut days) = mpsc::channel(1);
        let moving = advance(self.ctx, self.vendor.org, Target::Date(to), report);
        let (stop, progress) = (self.stop, &mut self.progress);
        // Owns the receiver: when it ends, nobody listens, and the clock stops after its day.
        let listening = async move {
            while let Some(Some(day)) = stop.run_until_cancelled(days.recv()).await {
                progress.lived(&day)?;
            }
            Ok(())
        };
        let (moved, listened) = tokio::join!(moving, listening);
        moved.and(listened)
    }
}
