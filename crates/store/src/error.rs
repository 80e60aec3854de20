//! What can go wrong in the database, in the five ways that matter to a caller.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such row in this organization.
    #[error("not found")]
    NotFound,
    /// A unique constraint was hit; its name, where the database tells it.
    #[error("exists already: {0}")]
    Exists(String),
    /// Another transaction was in the way; doing it again will do.
    #[error("another transaction was in the way")]
    Contention(#[source] DieselError),
    /// The database refuses the values: a check, a foreign key, a trigger. A defect of ours, and
    /// one of these rows, not of the whole database.
    #[error("the database refuses the values")]
    Rejected(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// All connections of this process are busy.
    #[error("all connections are busy")]
    Exhausted,
    /// The database cannot be reached or does not answer.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything else: a defect of ours.
    #[error("database fault")]
    Fault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A stored value that the domain refuses: a defect, not a refusal.
    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Rejected(format!("stored value out of its domain: {what}").into())
    }
}

/// Messages of a database that is starting, stopping, full or overloaded. Of most errors the driver
/// passes on the message only; a server that speaks another language is warned about at start.
const AWAY: [&str; 9] = [
    "terminating connection",
    "the database system is",
    "shutting down",
    "connection reset",
    "canceling statement due to statement timeout",
    "canceling statement due to user request",
    "too many clients",
    "no space left",
    "out of memory",
];

/// Messages of statements that waited too long for a lock or were chosen to resolve a deadlock.
const IN_THE_WAY: [&str; 5] = [
    "deadlock detected",
    "lock timeout",
    "canceling statement due to lock timeout",
    "could not obtain lock",
    "could not serialize",
];

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::NotFound => Self::NotFound,
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, ref info) => {
                Self::Exists(info.constraint_name().unwrap_or_default().to_owned())
            }
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => {
                Self::Contention(error)
            }
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ReadOnlyTransaction,
                _,
            )
            | DieselError::BrokenTransactionManager => Self::Unavailable(Box::new(error)),
            DieselError::DatabaseError(
                DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::RestrictViolation
                | DatabaseErrorKind::ExclusionViolation,
                _,
            )
            | DieselError::DeserializationError(_)
            | DieselError::SerializationError(_) => Self::Rejected(Box::new(error)),
            DieselError::DatabaseError(_, ref info) => {
                let message = info.message().to_lowercase();
                if IN_THE_WAY.iter().any(|text| message.contains(text)) {
                    Self::Contention(error)
                } else if AWAY.iter().any(|text| message.contains(text)) {
                    Self::Unavailable(Box::new(error))
                } else {
                    Self::Fault(Box::new(error))
                }
            }
            other => Self::Fault(Box::new(other)),
        }
    }
}
