use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::money::Currency;

fn now() -> DateTime<Utc> {
    "2026-01-31T10:00:00Z".parse().unwrap()
}

fn today() -> Date {
    "2026-01-31".parse().unwrap()
}

fn attempt() -> Attempt {
    Attempt {
        id: AttemptId(uuid::Uuid::nil()),
        invoice_id: InvoiceId(uuid::Uuid::nil()),
        customer_id: CustomerId(uuid::Uuid::nil()),
        number: 1,
        method_id: PaymentMethodId(uuid::Uuid::nil()),
        scheme: Scheme::DirectDebit,
        amount: Money::new(6_049, Currency::EUR),
        state: AttemptState::Submitting,
        in_transit: false,
        reference: None,
        raw_code: None,
        class: None,
        submitted_at: now(),
        ask_at: Some(now() + ASK_AFTER[0]),
        asked: 0,
        withdrawn_at: None,
    }
}

fn answer_of(word: &str) -> Answer {
    match word {
        "accepted" => Answer::Accepted,
        "settled" => Answer::Settled { on: today() },
        "declined" => Answer::Declined { code: "AM04".to_owned() },
        "bounced" => Answer::Bounced { code: "MD06".to_owned(), on: today(), fee: None },
        "cancelled" => Answer::Cancelled,
        "not_sent" => Answer::NotSent,
        "unknown" => Answer::Unknown,
        other => panic!("no answer {other}"),
    }
}

fn word_of(outcome: &Outcome<Effect>) -> &'static str {
    let Outcome::Applied(effect) = outcome else { return "-" };
    match effect {
        Effect::Accepted => "in_transit",
        Effect::Settled { from_transit: true, .. } => "money_from_transit",
        Effect::Settled { .. } => "money",
        Effect::Failed { from_transit: true, .. } => "failed_from_transit",
        Effect::Failed { .. } => "failed",
        Effect::Bounced { .. } => "money_back",
        Effect::Cancelled { from_transit: true } => "withdrawn_from_transit",
        Effect::Cancelled { .. } => "withdrawn",
        Effect::NotSent => "not_sent",
        Effect::Unknown => "ask",
        Effect::Lost => "person",
    }
}

fn class(code: &str) -> FailureClass {
    if code == "AM04" { FailureClass::NoMoney } else { FailureClass::Objection }
}

#[test]
fn every_order_of_answers_is_recorded_once() {
    let table = "
        settled                         money                                   settled
        accepted settled                in_transit money_from_transit           settled
        accepted declined               in_transit failed_from_transit          declined
        declined                        failed                                  declined
        settled settled                 money -                                 settled
        settled declined                money -                                 settled
        settled accepted                money -                                 settled
        settled unknown                 money -                                 settled
        settled bounced                 money money_back                        bounced
        settled bounced bounced         money money_back -                      bounced
        settled bounced settled         money money_back -                      bounced
        settled bounced declined        money money_back -                      bounced
        declined settled                failed money                            settled
        declined accepted               failed -                                declined
        declined bounced                failed -                                declined
        declined declined               failed -                                declined
        accepted declined settled       in_transit failed_from_transit money    settled
        accepted accepted               in_transit -                            accepted
        accepted unknown                in_transit -                            accepted
        accepted not_sent               in_transit -                            accepted
        accepted bounced                in_transit failed_from_transit          declined
        accepted cancelled              in_transit withdrawn_from_transit       cancelled
        accepted cancelled settled      in_transit withdrawn_from_transit money settled
        unknown settled                 ask money                               settled
        unknown declined                ask failed                              declined
        unknown not_sent                ask not_sent                            not_sent
        unknown not_sent settled        ask not_sent money                      settled
        unknown accepted settled        ask in_transit money_from_transit       settled
        not_sent accepted               not_sent -                              not_sent
        cancelled cancelled             withdrawn -                             cancelled
        cancelled declined              withdrawn -                             cancelled
    ";
    for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let columns: Vec<&str> = row.split_whitespace().collect();
        let answers = (columns.len() - 1) / 2;
        let mut one = attempt();
        let effects: Vec<&str> = columns[..answers]
            .iter()
            .map(|word| word_of(&one.answer(&answer_of(word), class, None, now())))
            .collect();
        assert_eq!(effects, columns[answers..2 * answers], "{row}");
        assert_eq!(one.state.as_str(), columns[2 * answers], "{row}");
        assert_eq!(one.in_transit, one.state == AttemptState::Accepted, "{row}");
    }
}

#[test]
fn what_nobody_knows_is_asked_seven_times_and_then_a_person_decides() {
    let mut one = attempt();
    let mut at = now();
    let mut waits = Vec::new();
    while let Outcome::Applied(Effect::Unknown) = one.answer(&Answer::Unknown, class, None, at) {
        let next = one.ask_at.unwrap();
        waits.push((next - at).num_minutes());
        at = next;
    }
    assert_eq!(waits, [5, 60, 1440, 1440, 1440, 1440, 1440]);
    assert_eq!((one.state, one.ask_at), (AttemptState::Unknown, None));
    assert_eq!(word_of(&one.answer(&answer_of("settled"), class, None, at)), "money");
}

#[test]
fn a_gateway_is_never_asked_again_at_a_moment_that_has_passed() {
    let past = Some(now() - Duration::hours(1));
    let mut one = attempt();
    let _ = one.answer(&Answer::Accepted, class, past, now());
    assert_eq!(one.ask_at, Some(now() + Duration::days(1)));
    let _ = one.answer(&answer_of("settled"), class, past, now());
    assert_eq!(one.ask_at, None);
}

proptest! {
    #[test]
    fn money_comes_at_most_once_and_goes_back_at_most_once(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "accepted", "settled", "declined", "bounced", "cancelled", "not_sent", "unknown",
            ]),
            0..12,
        ),
    ) {
        let mut one = attempt();
        let (mut bank, mut transit) = (0, 0);
        for word in words {
            match word_of(&one.answer(&answer_of(word), class, None, now())) {
                "in_transit" => transit += 1,
                "money" => bank += 1,
                "money_from_transit" => { bank += 1; transit -= 1; }
                "failed_from_transit" | "withdrawn_from_transit" => transit -= 1,
                "money_back" => bank -= 1,
                _ => {}
            }
            prop_assert!((0..=1).contains(&bank) && (0..=1).contains(&transit));
            prop_assert_eq!(transit == 1, one.in_transit);
            prop_assert_eq!(bank == 1, one.state == AttemptState::Settled);
            prop_assert!(one.ask_at.is_none_or(|at| at > now()));
        }
    }
}
