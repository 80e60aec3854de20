//! When to stop: signals of the operating system.
//!
//! Purpose: SIGTERM and Ctrl-C ask for a graceful stop, once, as a token that every part watches.
//! A second Ctrl-C ends the process at once; the embedded PostgreSQL then shuts down by itself,
//! because it follows its parent.
//!
//! Deliberately absent: what stopping means (`service`).

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::Error;

/// What a shell reports for a process that Ctrl-C ended: 128 + SIGINT.
const ENDED_BY_CTRL_C: i32 = 130;

/// A token that is cancelled by the first SIGTERM or SIGINT (Ctrl-C).
///
/// # Errors
/// [`Error::System`] where signals cannot be caught.
pub fn on_signals() -> Result<CancellationToken, Error> {
    let failed = |source| Error::System { doing: "catch signals", source };
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        let which = first(&mut terminate, &mut interrupt).await;
        tracing::info!(signal = which, "stopping; a second Ctrl-C ends at once");
        stop.cancel();
        interrupt.recv().await;
        tracing::warn!("ended by a second Ctrl-C");
        std::process::exit(ENDED_BY_CTRL_C);
    });
    Ok(token)
}

async fn first(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
