//! Tables of VAT treatment and of blocks.

use super::*;
use crate::numbering::Pattern;
use crate::organization::OrgKind;
use uuid::Uuid;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn vendor() -> Organization {
    Organization {
        id: crate::id::OrgId(Uuid::nil()),
        kind: OrgKind::Live,
        legal_name: "Vendor BV".into(),
        registration_number: None,
        address: Address { country: "NL".into(), ..Address::default() },
        vat_number: None,
        iban: None,
        email: None,
        default_currency: Currency::EUR,
        time_zone: chrono_tz::Europe::Amsterdam,
        language: Language::Dutch,
        small_business: false,
        issue_zero_invoices: false,
        draft_grace_days: 0,
        payout_day: 1,
        minimum_payout: crate::money::Money::zero(crate::money::Currency::EUR),
        pre_notification_days: 14,
        number_pattern: Pattern::default(),
        invoice_prefix: String::new(),
        credit_note_prefix: "C".into(),
        payment_terms_days: 14,
        chart: crate::ledger::Chart::default(),
        sandbox_now: None,
    }
}

fn customer(
    country: &str,
    party_type: PartyType,
    treatment: VatTreatment,
    number: bool,
) -> Customer {
    Customer {
        id: CustomerId(Uuid::nil()),
        name: "Customer".into(),
        address: Address { country: country.into(), ..Address::default() },
        email: None,
        vat_number: number.then(|| format!("{country}123456789")),
        vat_treatment: treatment,
        currency: Currency::EUR,
        payment_terms_days: None,
        scheme: None,
        party_type,
        treat_as_consumer: false,
        language: None,
        external_reference: None,
        in_arrears: false,
        block: None,
    }
}

#[test]
fn country_party_and_treatment_must_fit() {
    use PartyType::{Business, Consumer};
    use VatTreatment::{Domestic, EuReverseCharge, OutsideEu};
    // country, party, treatment, VAT number given, refused because
    let table = [
        ("NL", Business, Domestic, false, ""),
        ("NL", Consumer, Domestic, false, ""),
        ("BE", Business, EuReverseCharge, true, ""),
        ("BE", Business, EuReverseCharge, false, "needs the customer's VAT number"),
        ("NL", Business, EuReverseCharge, true, "other than the vendor's NL"),
        ("US", Business, EuReverseCharge, true, "other than the vendor's NL"),
        ("BE", Consumer, EuReverseCharge, true, "is a consumer"),
        ("US", Business, OutsideEu, false, ""),
        ("US", Consumer, OutsideEu, false, ""),
        ("BE", Business, OutsideEu, false, "needs a country outside the EU"),
        ("DE", Consumer, Domestic, false, "no rate for it is known"),
        ("BE", Consumer, Domestic, false, ""),
        ("DE", Business, Domestic, false, ""),
    ];
    for (country, party, treatment, number, refused) in table {
        let checked = customer(country, party, treatment, number)
            .check_vat(&vendor(), |country| matches!(country, "NL" | "BE"));
        match checked {
            Ok(()) => assert_eq!(refused, "", "{country} {party} {treatment}"),
            Err(refusal) => {
                assert!(!refused.is_empty(), "{country} {party} {treatment}: {refusal}");
                assert!(refusal.to_string().contains(refused), "{refusal}");
            }
        }
    }
}

#[test]
fn a_foreign_consumer_pays_the_rates_at_home() {
    let consumer = customer("BE", PartyType::Consumer, VatTreatment::Domestic, false);
    assert_eq!(consumer.vat_country("NL"), "BE");
    let business = customer("BE", PartyType::Business, VatTreatment::Domestic, false);
    assert_eq!(business.vat_country("NL"), "NL");
}

#[test]
fn a_block_holds_until_it_expires_or_is_lifted() {
    let mut customer = customer("NL", PartyType::Business, VatTreatment::Domestic, false);
    let block = |expires_on: Option<&str>| Block {
        reason: "five lost cycles".into(),
        blocked_on: day("2025-03-01"),
        expires_on: expires_on.map(day),
        blocked_by: "finance".into(),
    };
    assert_eq!(customer.standing(day("2025-03-01")), Standing::Good);
    assert!(customer.block(block(Some("2025-03-01"))).is_err());
    assert_eq!(customer.block(block(Some("2025-04-01"))), Ok(Outcome::Applied(())));
    assert_eq!(customer.block(block(Some("2025-04-01"))), Ok(Outcome::Unchanged));
    assert_eq!(customer.standing(day("2025-03-31")), Standing::Blocked);
    assert!(customer.may_buy(day("2025-03-31")).is_err());
    assert_eq!(customer.standing(day("2025-04-01")), Standing::Good);
    assert_eq!(customer.unblock(), Outcome::Applied(()));
    assert_eq!(customer.unblock(), Outcome::Unchanged);
    assert!(customer.may_buy(day("2025-03-02")).is_ok());
}
