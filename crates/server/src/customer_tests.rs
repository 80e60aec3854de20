use domain::id::CustomerId;

use super::*;

fn message() -> v1::Customer {
    v1::Customer {
        name: "Klant".to_owned(),
        address: Some(v1::Address { country: "NL".to_owned(), ..v1::Address::default() }),
        vat_treatment: v1::VatTreatment::Domestic.into(),
        party_type: v1::PartyType::Business.into(),
        ..v1::Customer::default()
    }
}

#[test]
fn what_is_wrong_with_a_customer_is_named_by_its_path() {
    type Spoil = fn(&mut v1::Customer);
    let table: [(Spoil, &str); 5] = [
        (|it| it.address = None, "customer.address: required"),
        (|it| it.vat_treatment = 0, "customer.vat_treatment: VAT_TREATMENT_UNSPECIFIED"),
        (|it| it.party_type = 3, "customer.party_type: 3 is not possible"),
        (|it| it.payment_terms_days = Some(-7), "customer.payment_terms_days: -7 is negative"),
        (|it| it.currency = "Z".to_owned(), "customer.currency: \"Z\" is not a currency"),
    ];
    for (spoil, expected) in table {
        let mut customer = message();
        spoil(&mut customer);
        let request = v1::CreateCustomerRequest { customer: Some(customer), ..Default::default() };
        let refused = app::Error::from(create_command(request).unwrap_err()).to_string();
        assert!(refused.starts_with(expected), "{refused}");
    }
}

#[test]
fn every_listed_field_can_be_changed_and_no_other() {
    for name in CHANGEABLE {
        assert!(change(&message(), name).unwrap().is_some(), "{name}");
    }
    for name in ["id", "currency", "standing", "block", "*", "address.city", ""] {
        assert!(change(&message(), name).unwrap().is_none(), "{name}");
    }
}

#[test]
fn a_block_is_shown_while_it_holds() {
    let day = |text: &str| text.parse::<Date>().unwrap();
    let customer = Customer {
        id: CustomerId(uuid::Uuid::nil()),
        name: "Klant".to_owned(),
        address: domain::organization::Address::default(),
        email: None,
        vat_number: None,
        vat_treatment: domain::vat::VatTreatment::Domestic,
        currency: domain::money::Currency::EUR,
        payment_terms_days: None,
        scheme: None,
        party_type: domain::customer::PartyType::Business,
        treat_as_consumer: false,
        language: None,
        external_reference: None,
        in_arrears: false,
        block: Some(Block {
            reason: "does not pay".to_owned(),
            blocked_on: day("2025-01-01"),
            expires_on: Some(day("2025-02-01")),
            blocked_by: "key".to_owned(),
        }),
    };
    let during = on_day(customer.clone(), day("2025-01-31"));
    assert_eq!(during.standing(), v1::Standing::Blocked);
    assert_eq!(during.block.unwrap().reason, "does not pay");
    let after = on_day(customer, day("2025-02-01"));
    assert_eq!((after.standing(), after.block), (v1::Standing::Good, None));
}
