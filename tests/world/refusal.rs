//! Refusals, as programs read them.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// What a program sees of a refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status code.
    pub code: Code,
    /// `ErrorInfo.reason`, or the path of the first field of `BadRequest`, or nothing.
    pub about: String,
    /// `ErrorInfo.metadata`.
    pub facts: HashMap<String, String>,
    /// Whether it says when to come back.
    pub retry: bool,
    /// For people.
    pub message: String,
}

impl Refusal {
    /// Code and reason or field in one line: `FailedPrecondition PLAN_RETIRED`.
    pub fn line(&self) -> String {
        format!("{:?} {}", self.code, self.about).trim_end().to_owned()
    }
}

/// The refusal of a call that must not succeed.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> Refusal {
    let status = match answer {
        Err(status) => status,
        Ok(answer) => panic!("refused it should be: {:.300}", format!("{answer:?}")),
    };
    let details = status.get_error_details();
    let mut facts = HashMap::new();
    let mut about = String::new();
    if let Some(bad) = details.bad_request() {
        let violation = bad.field_violations.first().expect("a field is named");
        assert!(!violation.description.is_empty(), "{violation:?} says nothing");
        about.clone_from(&violation.field);
    }
    if let Some(info) = details.error_info() {
        assert_eq!(info.domain, "recoup");
        about.clone_from(&info.reason);
        facts.clone_from(&info.metadata);
    }
    let retry = details.retry_info().is_some();
    let message = status.message().to_owned();
    assert!(!message.is_empty(), "a refusal says why: {status:?}");
    Refusal { code: status.code(), about, facts, retry, message }
}
