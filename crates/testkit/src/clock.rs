//! A wall clock that stands still until it is moved.

use std::sync::{Mutex, PoisonError};

use app::clock::Clock;
use chrono::{DateTime, Duration, Utc};

/// A stand-in for the wall clock. Share it in an `Arc` and keep a copy to move it.
#[derive(Debug)]
pub struct ManualClock(Mutex<DateTime<Utc>>);

impl ManualClock {
    /// A clock that stands at an instant such as `2025-01-31T09:00:00Z`.
    ///
    /// # Panics
    /// When the text is not an instant.
    #[must_use]
    pub fn at(instant: &str) -> Self {
        Self(Mutex::new(instant.parse().expect("an instant such as 2025-01-31T09:00:00Z")))
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
