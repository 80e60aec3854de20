//! Which job when: every process sweeps, and sets the gauges.
//!
//! Purpose: the sweep asks what is due and enqueues it; unique keys make one job of what many
//! processes find. The first tick is at the start, so that what was missed is made up at once.
//!
//! Invariants: a sweep that fails is made good by the next.

use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};

use crate::process::Process;

/// Sweeps until the stop.
pub(crate) async fn sweep(process: Arc<Process>) {
    let mut ticks = interval(process.settings.sweep_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match app::job::sweep(&process.ctx).await {
            Ok(swept) if swept.enqueued > 0 => tracing::info!(?swept, "due work was enqueued"),
            Ok(swept) => tracing::debug!(?swept, "nothing new is due"),
            Err(error) => tracing::warn!(%error, "the sweep was not finished"),
        }
    }
}

/// Reads the gauges until the stop.
pub(crate) async fn refresh(process: Arc<Process>) {
    let mut ticks = interval(process.settings.refresh_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = app::telemetry::refresh(&process.ctx).await {
            tracing::warn!(%error, "the gauges were not read");
        }
    }
}
