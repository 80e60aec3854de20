use app::subscription::PreviewHorizon;

use super::*;
use crate::pb::google::r#type as google;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn taken(component: &str, quantity: &str) -> v1::ComponentQuantity {
    let quantity = Some(google::Decimal { value: quantity.to_owned() });
    v1::ComponentQuantity { component: component.to_owned(), quantity }
}

fn message() -> v1::SubscriptionTerms {
    v1::SubscriptionTerms {
        customer_id: ID.to_owned(),
        plan_id: ID.to_owned(),
        start_on: Some(google::Date { year: 2025, month: 1, day: 31 }),
        alignment: 0,
        quantities: vec![taken("base", "1"), taken("seat", "7.5"), taken("disk", "0")],
    }
}

#[test]
fn terms_become_a_command() {
    let command = terms(None, Some(message())).unwrap();
    assert_eq!(command.start_on.unwrap().to_string(), "2025-01-31");
    assert_eq!(command.alignment, Alignment::OwnDay, "the alignment when none is given");
    assert_eq!(command.quantities[1], ("seat".to_owned(), "7.5".parse().unwrap()));
}

#[test]
fn what_is_wrong_with_terms_is_named_by_its_path() {
    type Spoil = fn(&mut v1::SubscriptionTerms);
    let table: [(Spoil, &str); 7] = [
        (|it| it.customer_id = "me".to_owned(), "terms.customer_id: \"me\" is not an id"),
        (
            |it| it.start_on = Some(google::Date { year: 2025, month: 2, day: 31 }),
            "terms.start_on: 2025-02-31 is not a date of the calendar",
        ),
        (
            |it| it.alignment = 3,
            "terms.alignment: 3 is not possible: expected one of ALIGNMENT_OWN",
        ),
        (
            |it| it.quantities[2] = taken("disk", "-1"),
            "terms.quantities[2].quantity: -1 is negative: expected zero or more",
        ),
        (
            |it| it.quantities[2] = taken("disk", "0.1234567"),
            "terms.quantities[2].quantity: 0.1234567 has too many decimals: at most 6",
        ),
        (
            |it| it.quantities[0] = taken("base", "1e3"),
            "terms.quantities[0].quantity: \"1e3\" is not",
        ),
        (|it| it.quantities[0].quantity = None, "terms.quantities[0].quantity: required"),
    ];
    for (spoil, expected) in table {
        let mut terms_message = message();
        spoil(&mut terms_message);
        let refused = terms(None, Some(terms_message)).at("terms").unwrap_err();
        let refused = app::Error::from(refused).to_string();
        assert!(refused.starts_with(expected), "{refused}");
    }
    assert!(terms(None, None).is_err());
}

#[test]
fn a_preview_looks_a_year_ahead_unless_said_otherwise() {
    use crate::pb::v1::{preview_change_request as change, preview_subscription_request as start};
    assert_eq!(intent::horizon(None), Ok(PreviewHorizon::Documents(12)));
    let both = |periods| {
        let change = intent::horizon(Some(change::Horizon::Periods(periods).into()));
        let start = intent::horizon(Some(start::Horizon::Periods(periods).into()));
        assert_eq!(change, start);
        start
    };
    assert_eq!(both(3), Ok(PreviewHorizon::Documents(3)));
    assert!(both(-3).is_err());
    let day = google::Date { year: 2025, month: 1, day: 31 };
    let change = intent::horizon(Some(change::Horizon::Until(day).into()));
    let start = intent::horizon(Some(start::Horizon::Until(day).into()));
    assert!(change == start && matches!(change, Ok(PreviewHorizon::Until(_))));
}
