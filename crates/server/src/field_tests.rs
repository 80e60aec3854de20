use domain::id::CustomerId;

use super::*;
use crate::pb::v1;

/// A refusal as the caller reads it.
fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
    app::Error::from(result.unwrap_err()).to_string()
}

fn number(text: &str) -> Option<google::Decimal> {
    Some(google::Decimal { value: text.to_owned() })
}

#[test]
fn paths_are_put_together_from_inside_out() {
    let inner = || Err::<(), _>(Refused::new("wrong"));
    assert_eq!(refusal(inner().at("city")), "city: wrong");
    assert_eq!(
        refusal(inner().at("quantity").at_index(2).at("quantities").at("terms")),
        "terms.quantities[2].quantity: wrong"
    );
    assert_eq!(refusal(inner().at_index(0).at("roles")), "roles[0]: wrong");
    let read = |number: i32| count(number).at("number");
    assert_eq!(
        refusal(each(vec![1, 2, -3], read).at("numbers")),
        "numbers[2].number: -3 is negative: expected 0 or more"
    );
}

#[test]
fn ids_are_hyphenated_uuids() {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert_eq!(parse::<CustomerId>(id).unwrap().to_string(), id);
    assert_eq!(uuid(id).unwrap().to_string(), id);
    assert_eq!(parse_filled::<CustomerId>("").unwrap(), None);
    for wrong in
        ["", "7", "01890a5dac96774bbcceb302099a8057", "{01890a5d-ac96-774b-bcce-b302099a80}"]
    {
        assert!(refusal(parse::<CustomerId>(wrong)).contains("expected a UUID"), "{wrong:?}");
        assert!(refusal(uuid(wrong)).contains("expected a UUID"), "{wrong:?}");
    }
}

#[test]
fn dates_are_whole_and_in_the_calendar() {
    let read = |year, month, day| super::day(google::Date { year, month, day });
    assert_eq!(read(2024, 2, 29).unwrap().to_string(), "2024-02-29");
    let table = [
        ((2025, 2, 31), "2025-02-31 is not a date of the calendar"),
        ((2025, 2, 29), "2025-02-29 is not a date of the calendar"),
        ((2025, 1, 0), "2025-01-00 is not a date of the calendar"),
        ((2025, 0, 0), "2025-00-00 is not a date of the calendar"),
        ((0, 1, 31), "0000-01-31"),
        ((2025, 13, 1), "2025-13-01 is not a date of the calendar"),
        ((2025, -1, 1), "is not a date of the calendar"),
        ((1899, 1, 1), "1899-01-01 is outside the accepted dates"),
        ((9999, 1, 1), "9999-01-01 is outside the accepted dates"),
    ];
    for ((year, month, day), message) in table {
        let refused = refusal(read(year, month, day));
        assert!(refused.contains(message), "{refused}");
    }
    assert_eq!(day_if_any(None), Ok(None));
}

#[test]
fn instants_are_in_range() {
    let read = |seconds, nanos| instant(Timestamp { seconds, nanos });
    assert_eq!(read(1_769_817_600, 0).unwrap().to_rfc3339(), "2026-01-31T00:00:00+00:00");
    for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0), (i64::MIN, 0)] {
        assert!(refusal(read(seconds, nanos)).contains("is not an instant"), "{seconds} {nanos}");
    }
    assert!(refusal(read(0, 0)).contains("outside the accepted dates"));
}

#[test]
fn amounts_agree_in_sign_and_fit_their_currency() {
    let read = |currency: &str, units, nanos| {
        money(&google::Money { currency_code: currency.to_owned(), units, nanos })
    };
    let accepted = [
        ("EUR", 12, 500_000_000, "EUR 12.50"),
        ("EUR", -12, -500_000_000, "EUR -12.50"),
        ("EUR", 0, -10_000_000, "EUR -0.01"),
        ("JPY", 500, 0, "JPY 500"),
        ("KWD", 0, 1_000_000, "KWD 0.001"),
    ];
    for (currency, units, nanos, amount) in accepted {
        assert_eq!(read(currency, units, nanos).unwrap().to_string(), amount);
    }
    let refused = [
        ("", 1, 0, "currency_code: \"\" is not a currency"),
        ("eur", 1, 0, "currency_code: \"eur\" is not a currency"),
        ("XAU", 1, 0, "currency_code: \"XAU\" is not a currency"),
        ("EUR", 1, -1, "nanos: -1 has another sign than the 1 units"),
        ("EUR", -1, 500_000_000, "nanos: 500000000 has another sign than the -1 units"),
        ("EUR", 1, 1_000_000_000, "nanos: 1000000000 is not possible"),
        ("EUR", 1, i32::MIN, "nanos: -2147483648 is not possible"),
        ("EUR", 1, 5_000_000, "1.005000000 has more decimals than EUR allows: at most 2"),
        ("JPY", 1, 500_000_000, "has more decimals than JPY allows: at most 0"),
        ("EUR", i64::MAX, 0, "the amount is too large"),
    ];
    for (currency, units, nanos, message) in refused {
        let refused = refusal(read(currency, units, nanos));
        assert!(refused.contains(message), "{refused}");
    }
}

#[test]
fn numbers_are_read_by_the_strict_grammar() {
    assert_eq!(decimal(number("-12.50")).unwrap().to_string(), "-12.50");
    assert_eq!(refusal(decimal(None).at("rate")), "rate: required");
    for wrong in ["", "1e5", "+1", ".5", "5.", "1_000", "1,5", "NaN", "٣", " 1"] {
        assert!(refusal(decimal(number(wrong))).contains("is not a number"), "{wrong:?}");
    }
    let long = "0.00000000000000000000000000001";
    assert!(refusal(decimal(number(long))).contains("too many digits"));
}

#[test]
fn unspecified_and_unknown_values_are_refused_with_the_right_names() {
    let read = |code| one_of::<v1::PartyType>(code).at("party_type");
    assert_eq!(read(1), Ok(domain::customer::PartyType::Business));
    let right = "expected one of PARTY_TYPE_BUSINESS, PARTY_TYPE_CONSUMER";
    assert_eq!(
        refusal(read(0)),
        format!("party_type: PARTY_TYPE_UNSPECIFIED is not possible: {right}")
    );
    assert_eq!(refusal(read(7)), format!("party_type: 7 is not possible: {right}"));
    assert_eq!(refusal(read(-1)), format!("party_type: -1 is not possible: {right}"));
    assert_eq!(one_of_if_any::<v1::PartyType>(0), Ok(None));
    assert!(one_of_if_any::<v1::PartyType>(7).is_err());
}

#[test]
fn page_sizes_have_bounds() {
    assert!(page(0, String::new()).is_ok());
    assert!(page(500, String::new()).is_ok());
    for size in [-1, 501] {
        let refused = page(size, String::new()).unwrap_err();
        assert!(refused.message().starts_with("page_size: "), "{refused}");
    }
}

#[test]
fn a_refusal_of_a_use_case_is_seen_from_the_message_around_it() {
    let refused: app::Result<()> = Err(app::Error::invalid("name", "too long"));
    let seen = refused.at("customer").unwrap_err();
    assert_eq!(seen.to_string(), "customer.name: too long");
    let other: app::Result<()> = Err(app::Error::not_found("plan", "x"));
    assert_eq!(other.at("customer").unwrap_err().to_string(), "plan x does not exist");
}
