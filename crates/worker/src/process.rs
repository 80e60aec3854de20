//! What the parts of one worker process share.
//!
//! Invariants: the owner's name is fresh in every process, so that a successor of the same name is
//! not taken for it. After `stop` nothing is claimed; after `abandon` nothing runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::job::Wake;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::Settings;
use crate::lease::Held;

/// The pause after the first failed call of the database; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause: how late an outage's end may be noticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The longest call: the database answers these statements in milliseconds, and a connection whose
/// other end vanished never does.
pub(crate) const CALL: Duration = Duration::from_secs(5);
/// Calls that fail otherwise than by an outage; then the lease is left to run out.
const MAX_FAULTS: u32 = 5;

/// One worker process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) ctx: app::Ctx,
    pub(crate) settings: Settings,
    /// Under which name it holds jobs.
    pub(crate) owner: String,
    /// The jobs that it holds.
    pub(crate) held: Held,
    /// No new work.
    pub(crate) stop: CancellationToken,
    /// Running work is handed back.
    pub(crate) abandon: CancellationToken,
    bells: Mutex<HashMap<&'static str, Arc<Notify>>>,
}

/// A call of the database was not carried through.
#[derive(Debug)]
pub(crate) struct NotDone;

impl Process {
    pub(crate) fn new(ctx: app::Ctx, settings: Settings) -> Self {
        let owner = format!("{}-{}", settings.name, domain::id::fresh(ctx.clock.now()));
        let worker = Arc::from(owner.as_str());
        Self {
            ctx: app::Ctx { worker, ..ctx },
            settings,
            owner,
            held: Held::default(),
            stop: CancellationToken::new(),
            abandon: CancellationToken::new(),
            bells: Mutex::default(),
        }
    }

    /// The bell of a queue: rings when something came into it.
    pub(crate) fn bell(&self, queue: &'static str) -> Arc<Notify> {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bells.entry(queue).or_default())
    }

    /// Rings; a bell that nobody waits at rings when somebody comes.
    pub(crate) fn ring(&self, wake: &Wake) {
        let bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        for (queue, bell) in bells.iter() {
            if matches!(wake, Wake::All) || matches!(wake, Wake::Queue(name) if name == queue) {
                bell.notify_one();
            }
        }
    }

    /// Repeats a call of the database until it is answered, through outages of any length.
    ///
    /// # Errors
    /// [`NotDone`] when `until` is cancelled between two tries, or after [`MAX_FAULTS`].
    pub(crate) async fn insist<T, F>(
        &self,
        what: &'static str,
        until: &CancellationToken,
        call: impl Fn() -> F,
    ) -> Result<T, NotDone>
    where
        F: Future<Output = Result<T, app::Error>>,
    {
        let mut pause = FIRST_PAUSE;
        let mut faults = 0;
        let mut is_away = false;
        loop {
            match tokio::time::timeout(CALL, call()).await {
                Ok(Ok(answer)) => {
                    if is_away {
                        tracing::info!(what, "the database did it in the end");
                    }
                    return Ok(answer);
                }
                Ok(Err(app::Error::Unavailable(_) | app::Error::Busy(_))) | Err(_) => {
                    if !is_away {
                        tracing::warn!(what, "the database cannot do it now: trying until it can");
                    }
                    is_away = true;
                }
                Ok(Err(error)) => {
                    faults += 1;
                    tracing::error!(what, faults, ?error, "a call of the database failed");
                    if faults >= MAX_FAULTS {
                        return Err(NotDone);
                    }
                }
            }
            tokio::select! {
                () = until.cancelled() => return Err(NotDone),
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }
}
