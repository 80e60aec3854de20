use proptest::prelude::*;

use super::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn proposal() -> Decision {
    Decision::propose(
        DecisionId(uuid::Uuid::nil()),
        CustomerId(uuid::Uuid::nil()),
        Proposed::Block { points: 5, invoice_id: None },
        "5 points".into(),
        day("2026-03-01"),
    )
}

fn said(decision: &mut Decision, what: &str, on: Date) -> String {
    let by = |note: &str| Decided { by: "finance".into(), note: Some(note.into()) };
    let done = match what {
        "confirm" => decision.decide(Verdict::Confirm, by(what), on),
        "reject" => decision.decide(Verdict::Reject, by(what), on),
        _ => Ok(decision.outdate(on)),
    };
    match done {
        Ok(Outcome::Applied(())) => "applied".into(),
        Ok(Outcome::Unchanged) => "unchanged".into(),
        Err(refused) => refused.to_string(),
    }
}

/// What was said first, what is said then, what comes of it, the state in the end.
const TABLE: &str = "
confirm | confirm | unchanged                       | confirmed
confirm | reject  | it was confirmed on 2026-03-02: | confirmed
confirm | outdate | unchanged                       | confirmed
reject  | reject  | unchanged                       | rejected
reject  | confirm | it was rejected on 2026-03-02:  | rejected
reject  | outdate | unchanged                       | rejected
outdate | confirm | unchanged                       | obsolete
outdate | reject  | unchanged                       | obsolete
outdate | outdate | unchanged                       | obsolete
";

#[test]
fn it_is_decided_once() {
    for line in TABLE.lines().filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let mut decision = proposal();
        assert_eq!(said(&mut decision, cells[0], day("2026-03-02")), "applied", "{line}");
        let after = decision.clone();
        let found = said(&mut decision, cells[1], day("2026-03-03"));
        assert!(found.starts_with(cells[2]), "{line}: {found}");
        assert_eq!(decision.state.as_str(), cells[3], "{line}");
        assert_eq!(decision, after, "{line}");
        assert_eq!(decision.closed_on, Some(day("2026-03-02")));
        assert_eq!(decision.decided.is_some(), cells[0] != "outdate");
    }
}

#[test]
fn a_block_ends_after_a_year() {
    assert_eq!(block_ends(day("2026-03-01")), day("2027-03-01"));
    assert_eq!(block_ends(day("2028-02-29")), day("2029-02-28"));
}

proptest! {
    #[test]
    fn whatever_is_said_the_first_word_stands(words in proptest::collection::vec(0_usize..3, 1..8)) {
        let names = ["confirm", "reject", "outdate"];
        let mut decision = proposal();
        for (k, word) in words.iter().enumerate() {
            let found = said(&mut decision, names[*word], day("2026-03-02"));
            prop_assert_eq!(found == "applied", k == 0);
        }
        let expected = [DecisionState::Confirmed, DecisionState::Rejected, DecisionState::Obsolete];
        prop_assert_eq!(decision.state, expected[words[0]]);
    }
}
