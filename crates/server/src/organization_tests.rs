use domain::organization::Language;

use super::*;
use crate::pb::google::r#type as google;

fn message() -> v1::CreateOrganizationRequest {
    v1::CreateOrganizationRequest {
        organization_id: String::new(),
        organization: Some(v1::Organization {
            kind: v1::OrganizationKind::Sandbox.into(),
            legal_name: "Vendor B.V.".to_owned(),
            address: Some(v1::Address { country: "NL".to_owned(), ..v1::Address::default() }),
            ..v1::Organization::default()
        }),
        clock_starts_on: Some(google::Date { year: 2025, month: 1, day: 1 }),
        request_id: String::new(),
    }
}

#[test]
fn what_is_not_given_is_as_usual() {
    let command = create_command(message()).unwrap();
    assert_eq!(command.facts.language, Language::Dutch);
    assert_eq!(command.facts.payment_terms_days, 14);
    assert_eq!(command.facts.number_pattern, "{prefix}{year}-{seq:05}");
    assert_eq!(command.facts.credit_note_prefix, "C");
    assert_eq!((command.default_currency, command.time_zone), (None, None));
}

#[test]
fn what_is_wrong_with_an_organization_is_named_by_its_path() {
    type Spoil = fn(&mut v1::Organization);
    let table: [(Spoil, &str); 5] = [
        (|it| it.kind = 0, "organization.kind: ORGANIZATION_KIND_UNSPECIFIED is not possible"),
        (|it| it.address = None, "organization.address: required"),
        (|it| it.default_currency = "EURO".to_owned(), "organization.default_currency: \"EURO\""),
        (|it| it.language = 9, "organization.language: 9 is not possible"),
        (
            |it| it.default_payment_terms_days = Some(-1),
            "organization.default_payment_terms_days: -1 is negative",
        ),
    ];
    for (spoil, expected) in table {
        let mut message = message();
        spoil(message.organization.as_mut().unwrap());
        let refused = app::Error::from(create_command(message).unwrap_err()).to_string();
        assert!(refused.starts_with(expected), "{refused}");
    }
}

#[test]
fn every_listed_field_can_be_changed_and_no_other() {
    let new = v1::Organization {
        address: Some(v1::Address::default()),
        language: v1::Language::En.into(),
        default_payment_terms_days: Some(30),
        pre_notification_days: Some(5),
        ..v1::Organization::default()
    };
    for name in CHANGEABLE {
        assert!(change(&new, name).unwrap().is_some(), "{name}");
    }
    for name in ["kind", "id", "default_currency", "time_zone", "*", "address.city", ""] {
        assert!(change(&new, name).unwrap().is_none(), "{name}");
    }
    assert!(change(&v1::Organization::default(), "language").is_err(), "unspecified");
    assert!(change(&v1::Organization::default(), "address").is_err(), "absent");
}
