use proptest::prelude::*;

use super::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn id(number: u128) -> PaymentMethodId {
    PaymentMethodId(uuid::Uuid::from_u128(number))
}

fn mandate(reference: &str, holder: &str, signed_on: &str) -> Details {
    Details::DirectDebit(Mandate {
        reference: reference.into(),
        signed_on: day(signed_on),
        holder: holder.into(),
        account: "NL** **** **** **43 00".into(),
    })
}

fn card(last_four: &str, month: u32) -> Details {
    Details::Card(Card {
        brand: "visa".into(),
        last_four: last_four.into(),
        expires: Expiry::new(2027, month).unwrap(),
        holder: None,
    })
}

fn method(details: Details) -> PaymentMethod {
    PaymentMethod::new(id(1), CustomerId(uuid::Uuid::nil()), details, day("2026-03-01"))
}

#[test]
fn the_same_details_are_recognized() {
    let m1 = || mandate("M-1", "Ann", "2026-02-01");
    // what there is | what is given | reference given? | same account or token? | the same method?
    let table = [
        (m1(), m1(), true, true, true),
        (m1(), mandate("RC-X", "Ann", "2026-02-01"), false, true, true),
        (m1(), mandate("M-2", "Ann", "2026-02-01"), true, true, false),
        (m1(), m1(), true, false, false),
        (m1(), mandate("M-1", "Ben", "2026-02-01"), true, true, false),
        (m1(), mandate("M-1", "Ann", "2026-02-02"), true, true, false),
        (m1(), card("4242", 3), false, false, false),
        (card("4242", 3), card("4242", 3), false, true, true),
        (card("4242", 3), card("4242", 3), false, false, false),
        (card("4242", 3), card("4242", 4), false, true, false),
        (card("4242", 3), Details::BankTransfer, false, false, false),
        (Details::BankTransfer, Details::BankTransfer, false, false, true),
    ];
    for (old, new, named, same_secret, expected) in table {
        assert_eq!(method(old.clone()).has(&new, named, same_secret), expected, "{old:?} {new:?}");
    }
}

#[test]
fn a_method_ends_once_and_stays_as_it_ended() {
    let mut ended = method(Details::BankTransfer);
    assert_eq!(ended.end("revoked".into(), day("2026-04-01")), Outcome::Applied(()));
    assert_eq!((ended.state, ended.ended_on), (MethodState::Ended, Some(day("2026-04-01"))));
    assert_eq!(ended.end_reason.as_deref(), Some("revoked"));
    let kept = ended.clone();
    assert_eq!(ended.end("again".into(), day("2026-05-01")), Outcome::Unchanged);
    assert_eq!(ended.replace(day("2026-05-01")), Outcome::Unchanged);
    assert_eq!(ended, kept);

    let mut replaced = method(Details::BankTransfer);
    assert_eq!(replaced.replace(day("2026-04-01")), Outcome::Applied(()));
    assert_eq!((replaced.state, &replaced.end_reason), (MethodState::Replaced, &None));
    assert_eq!(replaced.end("revoked".into(), day("2026-05-01")), Outcome::Unchanged);
    assert_eq!(replaced.state, MethodState::Replaced);
}

#[test]
fn mandate_references_are_what_sepa_carries() {
    let longest = "x".repeat(35);
    for right in ["M-1", "2026/0001", "a", "RC+1(2).,'?:", &longest] {
        assert_eq!(reference(right).as_deref(), Ok(right));
    }
    let long = "x".repeat(36);
    for wrong in ["", "M 1", "/M", "M/", "M//1", "Ré", "M_1", "M\n1", &long, "NL91ABNA0417164300"]
    {
        let refused = reference(wrong).unwrap_err().to_string();
        assert!(refused.contains("is not a mandate reference"), "{wrong}");
        assert!(!refused.contains("0417164300"), "{refused}");
    }
    assert_eq!(own_reference(id(u128::MAX)), format!("RC-{}", "F".repeat(32)));
    assert!(reference(&own_reference(id(7))).is_ok());
}

#[test]
fn what_is_wrong_with_details_is_said_without_repeating_secrets() {
    let today = day("2026-03-15");
    let elsewhere = account("SA0380000000608010167519").unwrap_err().to_string();
    assert!(elsewhere.contains("accounts in SA") && !elsewhere.contains("608010167519"));
    assert_eq!(account("NL92ABNA0417164300"), Err(MethodRefused::Iban(IbanRefused)));
    assert!(signed_on(today, today).is_ok());
    assert!(signed_on(day("2026-03-16"), today).is_err());
    assert!(holder(&"x".repeat(70)).is_ok());
    for wrong in ["", "  ", "a\u{7}", &"x".repeat(71)] {
        assert!(holder(wrong).is_err(), "{wrong:?}");
    }
    for right in ["tok_1", "4242", "4242424242424243", "pm-4242424242424242", &"x".repeat(255)] {
        assert_eq!(check_token(right), Ok(()), "{right}");
    }
    for wrong in ["", "a b", "tök", "a\n", &"x".repeat(256)] {
        assert_eq!(check_token(wrong), Err(MethodRefused::Token), "{wrong:?}");
    }
    for number in ["4242424242424242", "4242 4242 4242 4242", "5555-5555-5555-4444"] {
        let refused = check_token(number).unwrap_err();
        assert_eq!(refused, MethodRefused::CardNumber, "{number}");
        assert!(!refused.to_string().contains("4242") && !refused.to_string().contains("5555"));
    }
    for wrong in ["", "424", "42424", "424x", "４242"] {
        assert_eq!(last_four(wrong), Err(MethodRefused::LastFour), "{wrong}");
    }
}

#[test]
fn a_card_is_good_until_its_month_is_over() {
    let today = day("2026-03-15");
    // year | month | accepted?
    let table = [
        (2026, 3, "ok"),
        (2026, 2, "expired"),
        (2025, 12, "expired"),
        (2027, 1, "ok"),
        (2026, 0, "no month"),
        (2026, 13, "no month"),
        (26, 3, "no month"),
        (2100, 1, "no month"),
    ];
    for (year, month, expected) in table {
        let found = match expires(year, month, today) {
            Ok(_) => "ok",
            Err(MethodRefused::Expired { .. }) => "expired",
            Err(_) => "no month",
        };
        assert_eq!(found, expected, "{year} {month}");
    }
    assert_eq!(Expiry::new(2026, 3).unwrap().to_string(), "2026-03");
}

proptest! {
    #[test]
    fn no_refusal_repeats_a_long_text(given in "[0-9A-Z ]{12,40}") {
        let refusals = [
            account(&given).err().map(|it| it.to_string()),
            check_token(&given).err().map(|it| it.to_string()),
            last_four(&given).err().map(|it| it.to_string()),
            reference(&given).err().map(|it| it.to_string()),
        ];
        for refusal in refusals.into_iter().flatten() {
            prop_assert!(!refusal.contains(given.as_str()), "{}", refusal);
        }
    }
}
