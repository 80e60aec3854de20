use std::error::Error as _;
use std::fmt::Write as _;

use super::*;

/// Code, message and details, as a client reads them.
fn shown(status: &Status) -> String {
    let mut text = format!("{}: {}", code_name(status.code()), status.message());
    let details = status.get_error_details();
    if let Some(bad) = details.bad_request() {
        for violation in &bad.field_violations {
            write!(text, "\n  field {}: {}", violation.field, violation.description).unwrap();
        }
    }
    if let Some(info) = details.error_info() {
        let mut facts: Vec<_> = info.metadata.iter().collect();
        facts.sort();
        write!(text, "\n  reason {} of {} {facts:?}", info.reason, info.domain).unwrap();
    }
    if let Some(resource) = details.resource_info() {
        write!(text, "\n  {} {}", resource.resource_type, resource.resource_name).unwrap();
    }
    if let Some(retry) = details.retry_info() {
        write!(text, "\n  retry in {:?}", retry.retry_delay.unwrap()).unwrap();
    }
    text
}

fn refusal() -> Refusal {
    Refusal::new("PLAN_RETIRED", "plan \"a\" is retired since 2026-01-01").with("plan_id", "7")
}

#[test]
fn the_table_of_statuses() {
    let statuses = [
        status(Error::invalid("terms.quantities[2].quantity", "-1 is negative")),
        status(Error::not_found("customer", "7")),
        status(Error::Exists(Refusal::new("CODE_TAKEN", "another plan has the code \"a\""))),
        status(Error::Refused(refusal())),
        status(Error::Busy(Refusal::new("CLOCK_BUSY", "another call is moving this clock"))),
        status(Error::Unauthenticated("the key is not known, expired or revoked")),
        status(Error::fault("a secret of ours")),
        key_missing(),
        role_missing("recoup.v1.A/B", &[Role::Sales, Role::Admin], &[Role::Viewer]),
        unknown_method(),
        too_many_calls("this key", 64),
        too_large("found 5 bytes, the limit is: 4 bytes"),
        too_late(Duration::from_millis(250)),
        database_away(),
        stopping(),
        panicked("index out of bounds".to_owned()),
    ];
    let table: Vec<String> = statuses.iter().map(shown).collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn a_fault_travels_as_the_source_and_is_told_to_nobody() {
    let fault = status(Error::fault("a secret of ours"));
    assert_eq!(fault.source().unwrap().to_string(), "a secret of ours");
    assert!(!format!("{:?}", fault.details()).contains("secret"));
    assert!(!fault.message().contains("secret"));
}
