//! Every letter in every language, as the customer reads it.

use super::*;
use crate::failure;
use crate::money::Currency;
use crate::renewal::tests::day;

fn facts() -> Facts<'static> {
    Facts {
        vendor: "Melkweg Software B.V.",
        vendor_email: Some("facturen@melkweg.example"),
        vendor_iban: Some("NL91ABNA0417164300"),
        customer: "Bakkerij Jansen",
        number: "2025-00042",
        issue_on: day("2025-02-01"),
        due_on: day("2025-02-15"),
        total: Money::new(121_000, Currency::EUR),
        open: Money::new(121_000, Currency::EUR),
        scheme: Scheme::DirectDebit,
        reason: Some(failure::reason(Scheme::DirectDebit, "AM04")),
        one_off: Some(("RF18539007547034", Money::new(121_000, Currency::EUR))),
        collects_on: Some(day("2025-02-24")),
        late_fee: None,
        follows: Some((Consequence::Restricted, day("2025-03-10"))),
        costs: None,
    }
}

/// The facts as they are when such a letter is due.
fn facts_of(letter: Letter) -> Facts<'static> {
    let reason = |code| Some(failure::reason(Scheme::DirectDebit, code));
    let transfer =
        Facts { scheme: Scheme::BankTransfer, reason: None, collects_on: None, ..facts() };
    match letter {
        Letter::Friendly => transfer,
        Letter::Second => Facts {
            open: Money::new(60_050, Currency::EUR),
            late_fee: Some((Money::new(4_000, Currency::EUR), day("2025-02-28"))),
            one_off: Some(("RF18539007547034", Money::new(60_050, Currency::EUR))),
            ..transfer
        },
        Letter::Final => Facts {
            costs: collection_costs(transfer.open),
            follows: Some((Consequence::Suspended, day("2025-03-17"))),
            ..transfer
        },
        Letter::Reminder | Letter::OneOff => facts(),
        Letter::Details => Facts { reason: reason("AC04"), collects_on: None, ..facts() },
        Letter::Stopped => Facts { reason: reason("AC06"), collects_on: None, ..facts() },
        Letter::Contact => Facts {
            reason: reason("MD06"),
            one_off: None,
            follows: Some((Consequence::Cancelled, day("2025-04-16"))),
            vendor_email: None,
            ..facts()
        },
    }
}

#[test]
fn every_letter_reads_well_in_every_language() {
    let mut all = String::new();
    for language in Language::ALL.iter().copied() {
        for letter in Letter::ALL.iter().copied() {
            let Message { subject, body, .. } = message(letter, &facts_of(letter), language);
            all.push_str(&format!("==== {letter:?} {language}\n{subject}\n\n{body}\n\n"));
        }
    }
    insta::assert_snapshot!(all);
}

#[test]
fn every_action_that_speaks_has_one_letter() {
    let speaking: Vec<Letter> = Action::ALL.iter().filter_map(|one| Letter::of(*one)).collect();
    assert_eq!(speaking, Letter::ALL);
}

#[test]
fn the_fourteen_days_stand_in_the_last_notice_to_a_consumer_alone() {
    let costs = collection_costs(Money::new(121_000, Currency::EUR));
    for letter in Letter::ALL.iter().copied() {
        for (costs, expected) in [(costs, letter == Letter::Final), (None, false)] {
            let facts = Facts { costs, ..facts() };
            let dutch = message(letter, &facts, Language::Dutch).body;
            let english = message(letter, &facts, Language::English).body;
            assert_eq!(dutch.contains("veertien dagen"), expected, "{letter:?}");
            assert_eq!(english.contains("fourteen days"), expected, "{letter:?}");
            assert_eq!(dutch.contains("EUR 181,50"), expected, "{letter:?}");
        }
    }
}

#[test]
fn a_vendor_without_an_account_is_paid_by_the_invoice_number() {
    let facts = Facts { vendor_iban: None, one_off: None, ..facts() };
    let text = message(Letter::Reminder, &facts, Language::English).body;
    assert!(text.contains("Please then pay EUR 1,210.00, mentioning 2025-00042."), "{text}");
}

#[test]
fn what_follows_is_what_the_policy_takes_away_next() {
    use crate::failure::FailureClass;
    let case = |class| Case::new(Scheme::DirectDebit, class, day("2025-03-01"));
    let (goodwill, strict) = (Policy::goodwill(), Policy::strict());
    let (no_money, objection) = (case(FailureClass::NoMoney), case(FailureClass::Objection));
    let table = [
        (&goodwill, &no_money, "2025-03-02", Some((Consequence::Restricted, "2025-03-22"))),
        (&goodwill, &no_money, "2025-03-22", Some((Consequence::Suspended, "2025-03-31"))),
        (&goodwill, &no_money, "2025-03-31", Some((Consequence::Cancelled, "2025-04-30"))),
        (&goodwill, &no_money, "2025-04-30", None),
        (&goodwill, &objection, "2025-03-22", Some((Consequence::Suspended, "2025-03-31"))),
        (&goodwill, &objection, "2025-03-31", None),
        (&strict, &no_money, "2025-03-02", Some((Consequence::Cancelled, "2025-04-30"))),
    ];
    for (policy, case, today, expected) in table {
        let expected = expected.map(|(what, on)| (what, day(on)));
        assert_eq!(Consequence::next(policy, case, day(today)), expected, "{today}");
    }
}
