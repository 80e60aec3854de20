use super::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn agreement(signed_on: &str, valid_until: Option<&str>, silent_days: Option<u32>) -> Agreement {
    Agreement {
        id: AgreementId(uuid::Uuid::nil()),
        investor_id: CustomerId(uuid::Uuid::nil()),
        signed_on: day(signed_on),
        valid_until: valid_until.map(day),
        acceptance: if silent_days.is_some() { Acceptance::Silent } else { Acceptance::Explicit },
        silent_days,
        number_prefix: "SB-".into(),
    }
}

#[test]
fn an_agreement_is_signed_ends_later_and_says_how_long_silence_takes() {
    let table = [
        (agreement("2026-02-01", None, None), "ok"),
        (agreement("2026-02-01", Some("2026-02-02"), Some(1)), "ok"),
        (agreement("2025-02-01", None, Some(90)), "ok"),
        (agreement("2026-02-02", None, None), "signed_on: 2026-02-02 has not come yet"),
        (agreement("2026-02-01", Some("2026-02-01"), None), "valid_until: 2026-02-01 is not"),
        (agreement("2026-02-01", None, Some(0)), "silent_days: expected 1 to 90"),
        (agreement("2026-02-01", None, Some(91)), "silent_days: expected 1 to 90"),
        (
            Agreement { silent_days: None, ..agreement("2026-02-01", None, Some(7)) },
            "silent_days: expected 1 to 90",
        ),
        (
            Agreement { silent_days: Some(7), ..agreement("2026-02-01", None, None) },
            "silent_days: expected 1 to 90",
        ),
        (
            Agreement { number_prefix: "SB1".into(), ..agreement("2026-02-01", None, None) },
            "number_prefix: \"SB1\" is not a prefix",
        ),
    ];
    for (one, expected) in table {
        let found = match one.check(day("2026-02-01")) {
            Ok(()) => "ok".to_owned(),
            Err(refused) => format!("{}: {refused}", refused.field()),
        };
        assert!(found.starts_with(expected), "{one:?}: {found}");
    }
}

#[test]
fn the_last_that_was_signed_counts() {
    let first = agreement("2026-01-01", None, None);
    let second = agreement("2026-03-01", Some("2026-06-01"), Some(7));
    let both = [second.clone(), first.clone()];
    let table = [
        ("2025-12-31", None),
        ("2026-01-01", Some(&first)),
        ("2026-02-28", Some(&first)),
        ("2026-03-01", Some(&second)),
        ("2026-05-31", Some(&second)),
        ("2026-06-01", None),
    ];
    for (on, expected) in table {
        assert_eq!(in_force(&both, day(on)), expected, "{on}");
    }
    assert_eq!(first.accepts_on(day("2026-03-30")), None);
    assert_eq!(second.accepts_on(day("2026-03-30")), Some(day("2026-04-06")));
}
