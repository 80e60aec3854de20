//! What answers make of refunds, as a table, and what they never do.

use chrono::Duration;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::money::Currency;

fn now() -> DateTime<Utc> {
    "2025-03-01T12:00:00Z".parse().unwrap()
}

fn on() -> Date {
    "2025-03-01".parse().unwrap()
}

fn refund(state: RefundState) -> Refund {
    Refund {
        id: PaymentId(Uuid::nil()),
        payment_id: PaymentId(Uuid::max()),
        attempt_id: AttemptId(Uuid::nil()),
        customer_id: CustomerId(Uuid::nil()),
        amount: Money::new(100, Currency::EUR),
        state,
        note: None,
        reference: None,
        raw_code: (state == RefundState::Declined).then(|| "AC04".to_owned()),
        submitted_at: now(),
        ask_at: state.is_open().then(now),
        asked: 0,
    }
}

fn answers() -> [(&'static str, Answer); 6] {
    let code = || "AC04".to_owned();
    [
        ("settled", Answer::Settled { on: on() }),
        ("declined", Answer::Declined { code: code() }),
        ("accepted", Answer::Accepted),
        ("cancelled", Answer::Cancelled),
        ("not_sent", Answer::NotSent),
        ("unknown", Answer::Unknown),
    ]
}

/// State, then what becomes of it by each answer; `-`: nothing.
const TABLE: &str = "
submitting: settled settled, declined declined, accepted accepted, cancelled declined, not_sent unknown, unknown unknown
accepted:   settled settled, declined declined, accepted -, cancelled declined, not_sent -, unknown -
unknown:    settled settled, declined declined, accepted accepted, cancelled declined, not_sent unknown, unknown unknown
settled:    settled -, declined -, accepted -, cancelled -, not_sent -, unknown -
declined:   settled settled, declined -, accepted -, cancelled -, not_sent -, unknown -";

#[test]
fn every_answer_in_every_state() {
    let mut found = String::new();
    for state in RefundState::ALL {
        let cells: Vec<String> = answers()
            .iter()
            .map(|(name, answer)| {
                let mut one = refund(*state);
                let cell = match one.answer(answer, None, now()) {
                    Outcome::Applied(_) => one.state.as_str(),
                    Outcome::Unchanged => {
                        assert_eq!(one.state, *state);
                        "-"
                    }
                };
                format!("{name} {cell}")
            })
            .collect();
        found.push_str(&format!("\n{:<12}{}", format!("{state}:"), cells.join(", ")));
    }
    assert_eq!(found, TABLE);
}

#[test]
fn what_nobody_knows_is_asked_for_six_days_and_then_a_person() {
    let (mut one, mut at, mut waits) = (refund(RefundState::Submitting), now(), Vec::new());
    while let Outcome::Applied(RefundEffect::Unknown) = one.answer(&Answer::Unknown, None, at) {
        let next = one.ask_at.unwrap();
        waits.push((next - at).num_minutes());
        at = next;
    }
    assert_eq!(waits, [5, 60, 1440, 1440, 1440, 1440, 1440]);
    assert_eq!((one.state, one.ask_at), (RefundState::Unknown, None));
    // Found out: it had gone.
    let told = one.answer(&Answer::Settled { on: on() }, None, at);
    assert_eq!(told, Outcome::Applied(RefundEffect::Settled { on: on(), was_apart: true }));
}

proptest! {
    #[test]
    fn money_goes_once_and_is_set_apart_exactly_while_it_may_go(
        said in prop::collection::vec((0..6_usize, 0..100_i64), 1..20),
    ) {
        let (mut one, mut at) = (refund(RefundState::Submitting), now());
        let (mut went, mut apart) = (0, true);
        for (which, hours) in said {
            at += Duration::hours(hours);
            match one.answer(&answers()[which].1, None, at) {
                Outcome::Applied(RefundEffect::Settled { was_apart, .. }) => {
                    prop_assert_eq!(was_apart, apart);
                    (went, apart) = (went + 1, false);
                }
                Outcome::Applied(RefundEffect::Declined) => apart = false,
                _ => {}
            }
            prop_assert_eq!(one.state.is_open(), apart);
            prop_assert!(went <= 1);
            // Whoever asks what is due never asks the same moment twice.
            prop_assert!(one.ask_at.is_none_or(|next| next > at && apart));
        }
    }
}
