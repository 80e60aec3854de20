//! Which events are accepted, and why others are not.
//!
//! Invariants: what is accepted here is accepted by the database too, so that one event never
//! spoils those that are written with it. A refusal names the field and its value, and says what
//! would be right.
//!
//! Deliberately absent: whether the id was used before, which only the table of events knows.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use super::{Aggregation, Event, Meter};
use crate::date::{self, Date};
use crate::money::MoneyRefused;
use crate::plan::{self, PriceRefused};

/// The longest event id and counted value, in bytes: ids of other systems fit, texts do not.
pub const MAX_TEXT_BYTES: usize = 128;
/// How far an event may lie ahead of the organization's clock: clocks of machines that are set by
/// the network differ by less.
pub const MAX_SKEW: Duration = Duration::minutes(5);

/// What events of a customer are measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The first day on which anything was sold to the customer; absent: nothing was.
    pub start: Option<Date>,
    /// The organization's present.
    pub now: DateTime<Utc>,
    /// Its zone.
    pub zone: Tz,
}

/// Why an event is not accepted, or two totals are not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageRefused {
    /// No id, or a text too long.
    #[error("{field} of an event has {bytes} bytes: expected 1 to {MAX_TEXT_BYTES}")]
    Text {
        /// Which text.
        field: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// A text with characters that nobody can read.
    #[error("{text:?} has control characters: expected none in the {field} of an event")]
    Control {
        /// Which text.
        field: &'static str,
        /// What was given.
        text: String,
    },
    /// A quantity out of bounds.
    #[error("event {id:?}: {refused}")]
    Quantity {
        /// Which event.
        id: String,
        /// What is wrong.
        refused: PriceRefused,
    },
    /// Nothing to count.
    #[error("event {id:?} carries no value, and meter {meter:?} counts distinct values")]
    ValueMissing {
        /// Which event.
        id: String,
        /// The meter's code.
        meter: String,
    },
    /// Not yet.
    #[error(
        "event {id:?} is of {at}, which has not come: expected at most {latest}, a little after now"
    )]
    Future {
        /// Which event.
        id: String,
        /// When it says it happened.
        at: DateTime<Utc>,
        /// The latest accepted instant.
        latest: DateTime<Utc>,
    },
    /// Before anything was sold.
    #[error(
        "event {id:?} is of {on}, before the subscription starts on {start}: expected that day or later"
    )]
    BeforeStart {
        /// Which event.
        id: String,
        /// Its local date.
        on: Date,
        /// First day of delivery.
        start: Date,
    },
    /// Nothing was ever sold.
    #[error(
        "event {id:?} is of a customer without a subscription: expected one that starts on {on} or before"
    )]
    NothingSold {
        /// Which event.
        id: String,
        /// Its local date.
        on: Date,
    },
    /// Totals of two kinds.
    #[error("a {left} and a {right} cannot be added up")]
    Mixed {
        /// The one.
        left: Aggregation,
        /// The other.
        right: Aggregation,
    },
    /// The sum does not fit.
    #[error(transparent)]
    Money(#[from] MoneyRefused),
}

impl UsageRefused {
    /// The event's field that is at fault, as the interface names it, and a stable name of the
    /// reason.
    #[must_use]
    pub const fn about(&self) -> (&'static str, &'static str) {
        match self {
            Self::Text { field, .. } | Self::Control { field, .. } => (field, "EVENT_NOT_VALID"),
            Self::Quantity { .. } | Self::Money(_) => ("quantity", "EVENT_NOT_VALID"),
            Self::ValueMissing { .. } => ("value", "EVENT_NOT_VALID"),
            Self::Future { .. } => ("occurred_time", "EVENT_IN_FUTURE"),
            Self::BeforeStart { .. } => ("occurred_time", "EVENT_BEFORE_START"),
            Self::NothingSold { .. } => ("customer_id", "EVENT_BEFORE_START"),
            Self::Mixed { .. } => ("meter", "EVENT_NOT_VALID"),
        }
    }
}

impl Meter {
    /// Checks an event of a customer and answers its local date. Only a sum takes negative
    /// quantities: they are corrections.
    ///
    /// # Errors
    /// [`UsageRefused`] says what is wrong with which event.
    pub fn check(&self, event: &Event, taken: Taken) -> Result<Date, UsageRefused> {
        check_text("id", &event.id)?;
        let id = || event.id.clone();
        let magnitude = match self.aggregation {
            Aggregation::Sum => event.quantity.abs(),
            Aggregation::Max | Aggregation::Last | Aggregation::Distinct => event.quantity,
        };
        plan::quantity(magnitude)
            .map_err(|refused| UsageRefused::Quantity { id: id(), refused })?;
        match &event.value {
            Some(value) => check_text("value", value)?,
            None if self.aggregation == Aggregation::Distinct => {
                return Err(UsageRefused::ValueMissing { id: id(), meter: self.code.clone() });
            }
            None => {}
        }
        let latest = taken.now + MAX_SKEW;
        if event.at > latest {
            return Err(UsageRefused::Future { id: id(), at: event.at, latest });
        }
        let on = date::local(event.at, taken.zone);
        match taken.start {
            None => Err(UsageRefused::NothingSold { id: id(), on }),
            Some(start) if on < start => Err(UsageRefused::BeforeStart { id: id(), on, start }),
            Some(_) => Ok(on),
        }
    }
}

fn check_text(field: &'static str, text: &str) -> Result<(), UsageRefused> {
    match text.len() {
        1..=MAX_TEXT_BYTES if text.chars().any(char::is_control) => {
            Err(UsageRefused::Control { field, text: text.to_owned() })
        }
        1..=MAX_TEXT_BYTES => Ok(()),
        bytes => Err(UsageRefused::Text { field, bytes }),
    }
}
