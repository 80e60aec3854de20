//! How many statements are sent: for measurements.
//!
//! Purpose: a process that measures says so by [`count`] before its first connection, and reads
//! [`sent`] around what it measures.
//!
//! Invariants: every statement of every connection counts once, those that begin, commit and set
//! something as well; several in one message count as one. The questions of the watch
//! ([`crate::health::watch`]) do not count: how many there are depends on the time alone.
//!
//! Deliberately absent: preparing. A statement that is prepared first is sent in two messages.

use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

use crate::{Error, Result};

static SENT: AtomicU64 = AtomicU64::new(0);

/// Counts from now on, on connections that are opened after it.
///
/// # Errors
/// [`Error::Fault`] when the driver takes no counter.
pub fn count() -> Result<()> {
    set_default_instrumentation(counter).map_err(|error| Error::Fault(Box::new(error)))
}

/// How many statements were sent since [`count`].
#[must_use]
pub fn sent() -> u64 {
    SENT.load(Ordering::Relaxed)
}

fn counter() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            SENT.fetch_add(1, Ordering::Relaxed);
        }
    }))
}
