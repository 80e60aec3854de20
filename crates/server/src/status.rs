//! What a caller is told when a call is not answered: the one table from reasons to statuses.
//!
//! Purpose: refusals of the use cases and of the layers around them become gRPC statuses with the
//! details of `google.rpc`, so that programs need not read messages.
//!
//! Invariants: the match over [`app::Error`] is exhaustive; a fault of ours tells nothing but that it
//! happened, its cause travels inside the status as source for the log. A snapshot test prints the
//! whole table.
//!
//! Deliberately absent: logging (`layer::trace`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use app::{Error, Refusal};
use domain::organization::Role;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `domain` of every `google.rpc.ErrorInfo`.
pub(crate) const DOMAIN: &str = "recoup";

/// When to come back while the database is away or the server stops.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(1);
/// When to come back after another call was in the way.
const RETRY_BUSY: Duration = Duration::from_millis(200);

/// The status of a refused or failed use case.
pub(crate) fn status(error: Error) -> Status {
    match error {
        Error::Invalid { field, message } => invalid(field, message),
        Error::NotFound { what, id } => {
            let message = format!("{what} {id} does not exist");
            let details = ErrorDetails::with_resource_info(what, id, "", message.clone());
            Status::with_error_details(Code::NotFound, message, details)
        }
        Error::Exists(refusal) => refused(Code::AlreadyExists, refusal, None),
        Error::Refused(refusal) => refused(Code::FailedPrecondition, refusal, None),
        Error::Busy(refusal) => refused(Code::Aborted, refusal, Some(RETRY_BUSY)),
        Error::Unauthenticated(message) => unauthenticated("KEY_NOT_VALID", message),
        Error::Unavailable(source) => {
            let mut status = database_away();
            status.set_source(Arc::new(source));
            status
        }
        Error::Fault(source) => {
            let mut status = Status::internal(FAULT);
            status.set_source(Arc::from(source));
            status
        }
    }
}

/// All that a caller learns about a defect of ours.
const FAULT: &str = "internal fault";

fn invalid(field: String, message: String) -> Status {
    let text = if field.is_empty() { message.clone() } else { format!("{field}: {message}") };
    let details = ErrorDetails::with_bad_request_violation(field, message);
    Status::with_error_details(Code::InvalidArgument, text, details)
}

fn refused(code: Code, refusal: Refusal, retry: Option<Duration>) -> Status {
    let facts = refusal.facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    with_reason(code, refusal.reason, refusal.message, facts, retry)
}

fn with_reason(
    code: Code,
    reason: &str,
    message: impl Into<String>,
    facts: HashMap<String, String>,
    retry: Option<Duration>,
) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, facts);
    if let Some(delay) = retry {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(code, message, details)
}

fn unauthenticated(reason: &str, message: &str) -> Status {
    with_reason(Code::Unauthenticated, reason, message, HashMap::new(), None)
}

/// The call has no key.
pub(crate) fn key_missing() -> Status {
    unauthenticated("KEY_MISSING", "no key: show one as metadata authorization: Bearer <key>")
}

/// The key has none of the roles that may call the method.
pub(crate) fn role_missing(method: &str, needed: &[Role], has: &[Role]) -> Status {
    let names =
        |roles: &[Role]| roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
    let (needed, has) = (names(needed), names(has));
    let message = format!("{method} needs one of the roles {needed}; the key has {has}");
    let facts = HashMap::from([("needed".to_owned(), needed), ("roles".to_owned(), has)]);
    with_reason(Code::PermissionDenied, "ROLE_MISSING", message, facts, None)
}

/// No such method is served.
pub(crate) fn unknown_method() -> Status {
    Status::unimplemented("no such method: reflection lists the methods of this server")
}

/// Too many calls are under way.
pub(crate) fn too_many_calls(of: &str, limit: usize) -> Status {
    let message = format!("{limit} calls of {of} are under way, the most at a time: try again");
    let facts = HashMap::from([("limit".to_owned(), limit.to_string())]);
    with_reason(Code::ResourceExhausted, "TOO_MANY_CALLS", message, facts, Some(RETRY_BUSY))
}

/// A request is larger than it may be. The framework found out and says it in `message`.
pub(crate) fn too_large(message: &str) -> Status {
    let facts = HashMap::new();
    with_reason(Code::ResourceExhausted, "MESSAGE_TOO_LARGE", message, facts, None)
}

/// The deadline has passed.
pub(crate) fn too_late(limit: Duration) -> Status {
    let message = format!(
        "not answered within {limit:?}: what was not finished is undone; a repeat with the same \
         request_id is harmless"
    );
    Status::deadline_exceeded(message)
}

/// The database does not answer.
pub(crate) fn database_away() -> Status {
    unavailable("DATABASE_AWAY", "the database is not available: try again")
}

/// The server stops.
pub(crate) fn stopping() -> Status {
    unavailable("STOPPING", "the server is stopping: try again, another one may answer")
}

fn unavailable(reason: &str, message: &str) -> Status {
    let retry = Some(RETRY_UNAVAILABLE);
    with_reason(Code::Unavailable, reason, message, HashMap::new(), retry)
}

/// A panic, by its message for the log.
pub(crate) fn panicked(message: String) -> Status {
    status(Error::fault(format!("panic: {message}")))
}

/// The name of a code as the specification writes it.
pub(crate) const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
