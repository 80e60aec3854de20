//! The one error of the use cases.
//!
//! Purpose: what the caller can do about it decides the kind; the message says what was wrong,
//! with which value, and what would be right.
//!
//! Invariants: messages and facts never hold an IBAN, an e-mail address, a key or SQL.

/// Why a use case did not happen. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of the request is wrong, whatever the state of things.
    #[error("{field}: {message}")]
    Invalid {
        /// Path of the field as the interface names it: `items[2].quantity`.
        field: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// No such thing in this organization.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// What was looked for: `customer`.
        what: &'static str,
        /// Under which id or name.
        id: String,
    },
    /// It exists already.
    #[error("{0}")]
    Exists(Refusal),
    /// The state of things does not allow it.
    #[error("{0}")]
    Refused(Refusal),
    /// Somebody else is at it; trying again will do.
    #[error("{0}")]
    Busy(Refusal),
    /// Who calls is not known, or may not.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The database is away.
    #[error("the database is not available")]
    Unavailable(#[source] store::Error),
    /// A defect of ours.
    #[error("internal fault")]
    Fault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A refusal with a stable name for programs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Stable, upper case: `PLAN_RETIRED`.
    pub reason: &'static str,
    /// For people.
    pub message: String,
    /// The facts, by name.
    pub facts: Vec<(&'static str, String)>,
}

impl Refusal {
    /// A refusal without facts.
    #[must_use]
    pub fn new(reason: &'static str, message: impl ToString) -> Self {
        Self { reason, message: message.to_string(), facts: Vec::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.facts.push((name, value.to_string()));
        self
    }
}

impl Error {
    /// A wrong field.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl ToString) -> Self {
        Self::Invalid { field: field.into(), message: message.to_string() }
    }

    /// A thing that does not exist here.
    #[must_use]
    pub fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// A refusal by the state of things.
    #[must_use]
    pub fn refused(reason: &'static str, message: impl ToString) -> Self {
        Self::Refused(Refusal::new(reason, message))
    }

    /// Whether the database refused these very values, so that other rows may fare better.
    pub(crate) fn is_rejection(&self) -> bool {
        let Self::Fault(source) = self else { return false };
        matches!(
            source.downcast_ref::<store::Error>(),
            Some(store::Error::Rejected(_) | store::Error::Exists(_))
        )
    }

    /// The message with its whole chain of reasons, for the log.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        text
    }

    /// A defect.
    #[must_use]
    pub fn fault(message: impl Into<String>) -> Self {
        Self::Fault(message.into().into())
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable(_) => Self::Unavailable(error),
            store::Error::Contention(_) => Self::Busy(Refusal::new(
                "CONTENTION",
                "another transaction was in the way: try again",
            )),
            store::Error::Exhausted => Self::Busy(Refusal::new(
                "OVERLOADED",
                "all connections to the database are busy: try again",
            )),
            // Expected absences and conflicts are met where they are expected.
            store::Error::NotFound
            | store::Error::Exists(_)
            | store::Error::Rejected(_)
            | store::Error::Fault(_) => Self::Fault(Box::new(error)),
        }
    }
}

impl From<domain::money::MoneyRefused> for Error {
    fn from(refused: domain::money::MoneyRefused) -> Self {
        Self::refused("AMOUNT_TOO_LARGE", refused)
    }
}

/// Names what is missing where a row was expected.
pub(crate) trait Expect<T> {
    /// `NotFound` of the database becomes `NotFound` of this thing.
    fn or_missing(self, what: &'static str, id: impl ToString) -> Result<T, Error>;
}

impl<T> Expect<T> for store::Result<T> {
    fn or_missing(self, what: &'static str, id: impl ToString) -> Result<T, Error> {
        self.map_err(|error| match error {
            store::Error::NotFound => Error::not_found(what, id),
            other => other.into(),
        })
    }
}

/// Names the field that a check refused.
pub(crate) trait Field<T> {
    /// The refusal becomes [`Error::Invalid`] of this field.
    fn field(self, field: &str) -> Result<T, Error>;
}

impl<T, R: std::fmt::Display> Field<T> for Result<T, R> {
    fn field(self, field: &str) -> Result<T, Error> {
        self.map_err(|refused| Error::invalid(field, refused))
    }
}
