//! A wall clock that is moved by hand.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use app::clock::Clock;
use chrono::{DateTime, Duration, Utc};

/// A stand-in for the wall clock. Share it in an `Arc` and keep a copy to move it.
#[derive(Debug)]
pub struct ManualClock {
    stands_at: Mutex<DateTime<Utc>>,
    /// Since when it goes on by itself, if it does.
    ticks_since: Option<Instant>,
}

impl ManualClock {
    /// A clock that stands at an instant such as `2025-01-31T09:00:00Z`.
    ///
    /// # Panics
    /// When the text is not an instant.
    #[must_use]
    pub fn at(instant: &str) -> Self {
        let instant = instant.parse().expect("an instant such as 2025-01-31T09:00:00Z");
        Self { stands_at: Mutex::new(instant), ticks_since: None }
    }

    /// A clock that starts at an instant and goes on from there, as workers need it: what failed is
    /// tried again some seconds later.
    ///
    /// # Panics
    /// When the text is not an instant.
    #[must_use]
    pub fn ticking_from(instant: &str) -> Self {
        Self { ticks_since: Some(Instant::now()), ..Self::at(instant) }
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        *self.stands_at.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        let stands_at = *self.stands_at.lock().unwrap_or_else(PoisonError::into_inner);
        let ticked = self.ticks_since.map(|since| since.elapsed()).unwrap_or_default();
        stands_at + ticked
    }
}
