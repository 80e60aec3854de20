use super::*;
use crate::investment::InvestmentState;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// A feature in a state, wished by customer 1.
pub(crate) fn feature(state: FeatureState) -> Feature {
    let rated = !matches!(state, FeatureState::Submitted | FeatureState::Declined);
    Feature {
        id: FeatureId(uuid::Uuid::nil()),
        title: "Export".into(),
        description: "To a spreadsheet".into(),
        requested_by: Some(CustomerId(uuid::Uuid::from_u128(1))),
        state,
        rating: rated.then_some(Rating { value: 5, complexity: 2 }),
        votes: 0,
        note: (state == FeatureState::Declined).then(|| "only for one".to_owned()),
        currency: None,
        submitted_on: day("2026-01-01"),
        assessed_on: None,
        started_on: None,
        released_on: None,
        retired_on: None,
        owned_on: None,
    }
}

fn done(feature: &mut Feature, what: &str, today: Date) -> String {
    let rating = |value| Rating { value, complexity: 2 };
    let accept = |value| Assessment::Accept { rating: rating(value), note: None };
    let outcome = match what {
        "accept" => feature.assess(accept(5), today),
        "rate" => feature.assess(accept(6), today),
        "decline" => feature.assess(Assessment::Decline { reason: "only for one".into() }, today),
        "refuse" => feature.assess(Assessment::Decline { reason: "no".into() }, today),
        "fund" => Ok(feature.fund()),
        "start" => feature.start(today),
        "release" => feature.release(today),
        "retire" => feature.retire(&[], &[], today),
        "invest" => feature.check_investment().map(|()| Outcome::Unchanged),
        "sell" => feature.check_sale(&[]).map(|()| Outcome::Unchanged),
        "vote" => feature.check_vote(CustomerId(uuid::Uuid::nil())).map(|()| Outcome::Unchanged),
        other => panic!("{other}"),
    };
    match outcome {
        Ok(Outcome::Applied(())) => feature.state.to_string(),
        Ok(Outcome::Unchanged) => "-".into(),
        Err(refused) => refused.reason().into(),
    }
}

/// What happens in which state: the state afterwards, nothing (-), or the refusal.
const TABLE: &str = "
        | submitted            | declined             | backlog              | funded               | in_development       | released             | retired
accept  | backlog              | ALREADY_ASSESSED     | -                    | ALREADY_ASSESSED     | ALREADY_ASSESSED     | ALREADY_ASSESSED     | ALREADY_ASSESSED
rate    | backlog              | ALREADY_ASSESSED     | backlog              | ALREADY_ASSESSED     | ALREADY_ASSESSED     | ALREADY_ASSESSED     | ALREADY_ASSESSED
decline | declined             | -                    | ALREADY_ASSESSED     | ALREADY_ASSESSED     | ALREADY_ASSESSED     | ALREADY_ASSESSED     | ALREADY_ASSESSED
refuse  | declined             | ALREADY_ASSESSED     | ALREADY_ASSESSED     | ALREADY_ASSESSED     | ALREADY_ASSESSED     | ALREADY_ASSESSED     | ALREADY_ASSESSED
vote    | -                    | FEATURE_CLOSED       | -                    | -                    | -                    | FEATURE_CLOSED       | FEATURE_CLOSED
fund    | -                    | -                    | funded               | -                    | -                    | -                    | -
start   | FEATURE_NOT_FUNDED   | FEATURE_CLOSED       | FEATURE_NOT_FUNDED   | in_development       | -                    | FEATURE_CLOSED       | FEATURE_CLOSED
release | FEATURE_NOT_FUNDED   | FEATURE_CLOSED       | FEATURE_NOT_FUNDED   | NOT_IN_DEVELOPMENT   | released             | -                    | FEATURE_CLOSED
retire  | FEATURE_NOT_ACCEPTED | FEATURE_NOT_ACCEPTED | retired              | retired              | retired              | retired              | -
invest  | FEATURE_NOT_ACCEPTED | FEATURE_CLOSED       | -                    | -                    | -                    | -                    | FEATURE_CLOSED
sell    | FEATURE_NOT_FOR_SALE | FEATURE_NOT_FOR_SALE | FEATURE_NOT_FOR_SALE | -                    | -                    | -                    | FEATURE_NOT_FOR_SALE
";

#[test]
fn what_may_happen_in_which_state() {
    let cells = |line: &str| -> Vec<String> {
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = TABLE.lines().filter(|line| !line.is_empty());
    let states: Vec<FeatureState> =
        cells(lines.next().unwrap())[1..].iter().map(|state| state.parse().unwrap()).collect();
    assert_eq!(states, FeatureState::ALL);
    for line in lines {
        let row = cells(line);
        for (state, expected) in states.iter().zip(&row[1..]) {
            let mut one = feature(*state);
            let found = done(&mut one, &row[0], day("2026-02-01"));
            assert_eq!(&found, expected, "{} in {state}", row[0]);
            if expected == "-" || expected.to_uppercase() == *expected {
                assert_eq!(one, feature(*state), "{} in {state} changes nothing", row[0]);
            }
        }
    }
}

#[test]
fn every_state_has_its_place_in_the_work_order() {
    for state in FeatureState::ALL {
        assert_eq!(WORK_ORDER.iter().filter(|one| *one == state).count(), 1, "{state}");
    }
}

#[test]
fn the_score_weighs_worth_and_votes_against_complexity() {
    // value, complexity, votes, score
    let table = [
        (1, 1, 0, 100),
        (10, 10, 0, 100),
        (5, 3, 0, 167),
        (5, 3, 1, 200),
        (1, 8, 0, 13),
        (1, 3, 0, 33),
        (10, 1, 90, 10_000),
        (10, 1, u32::MAX, u32::MAX),
    ];
    for (value, complexity, votes, score) in table {
        let rating = Rating::new(value, complexity).unwrap();
        assert_eq!(rating.score(votes), score, "({value} + {votes}) / {complexity}");
    }
    let wrong = [(0, 1, "value 0"), (11, 1, "value 11"), (1, 0, "complexity 0")];
    for (value, complexity, expected) in wrong {
        let (name, refused) = Rating::new(value, complexity).unwrap_err();
        assert!(format!("{name} {refused}").starts_with(expected), "{name} {refused}");
    }
}

#[test]
fn who_wished_it_does_not_vote_for_it() {
    let mut one = feature(FeatureState::Backlog);
    let [own, other] = [1, 2].map(|id| CustomerId(uuid::Uuid::from_u128(id)));
    assert_eq!(one.check_vote(own), Err(FeatureRefused::OwnWish));
    assert_eq!(one.check_vote(other), Ok(()));
    assert_eq!(one.score(), Some(250));
    one.count_vote();
    assert_eq!(one.score(), Some(300));
}

#[test]
fn what_is_neither_paid_nor_withdrawn_keeps_a_feature_from_retiring() {
    let table = [
        (InvestmentState::Proposed, false),
        (InvestmentState::Accepted, false),
        (InvestmentState::Withdrawn, true),
        (InvestmentState::Funded, true),
        (InvestmentState::Completed, true),
    ];
    for (state, retires) in table {
        let investment = crate::investment::tests::investment(state);
        let mut one = feature(FeatureState::Backlog);
        let found = one.retire(&[investment], &[], day("2026-02-01"));
        assert_eq!(found.is_ok(), retires, "{state}");
        assert_eq!(one.retired_on.is_some(), retires);
    }
    // Funded, and its payment went back.
    let funded = crate::investment::tests::investment(InvestmentState::Funded);
    let mut one = feature(FeatureState::Released);
    let refused = one.retire(std::slice::from_ref(&funded), &[funded.id], day("2026-02-01"));
    assert_eq!(refused, Err(FeatureRefused::PrincipalOpen { id: funded.id }));
    assert_eq!(one, feature(FeatureState::Released));
}

#[test]
fn what_nobody_funds_any_more_waits_again() {
    let [withdrawn, funded] = [InvestmentState::Withdrawn, InvestmentState::Funded]
        .map(crate::investment::tests::investment);
    for state in FeatureState::ALL.iter().copied() {
        let mut one = feature(state);
        assert_eq!(one.lose_funding(&[withdrawn.clone(), funded.clone()]), Outcome::Unchanged);
        let lost = one.lose_funding(std::slice::from_ref(&withdrawn)) == Outcome::Applied(());
        assert_eq!(lost, state == FeatureState::Funded, "{state}");
        assert_eq!(one.state, if lost { FeatureState::Backlog } else { state });
    }
}

#[test]
fn it_is_sold_when_all_whose_terms_hold_have_consented() {
    let table = [
        (InvestmentState::Proposed, true),
        (InvestmentState::Accepted, false),
        (InvestmentState::Withdrawn, true),
        (InvestmentState::Funded, false),
        (InvestmentState::Completed, false),
    ];
    for (state, sold_without) in table {
        let mut investment = crate::investment::tests::investment(state);
        let one = feature(FeatureState::Funded);
        assert_eq!(one.check_sale(&[investment.clone()]).is_ok(), sold_without, "{state}");
        investment.consent_on = Some(day("2026-02-01"));
        assert_eq!(one.check_sale(&[investment]), Ok(()), "{state}");
    }
}

#[test]
fn all_its_money_is_of_one_currency() {
    let mut one = feature(FeatureState::Backlog);
    let usd = Currency::from_code("USD").unwrap();
    assert_eq!(one.settle_on(Currency::EUR), Ok(Outcome::Applied(())));
    assert_eq!(one.settle_on(Currency::EUR), Ok(Outcome::Unchanged));
    let refused = one.settle_on(usd).unwrap_err();
    assert!(refused.to_string().contains("in EUR: USD does not go"), "{refused}");

    let [withdrawn, proposed] = [InvestmentState::Withdrawn, InvestmentState::Proposed]
        .map(crate::investment::tests::investment);
    assert_eq!(one.free_currency(&[withdrawn.clone(), proposed], false), Outcome::Unchanged);
    assert_eq!(
        one.free_currency(std::slice::from_ref(&withdrawn), true),
        Outcome::Unchanged,
        "sold"
    );
    assert_eq!(one.free_currency(&[withdrawn], false), Outcome::Applied(()));
    assert_eq!(one.settle_on(usd), Ok(Outcome::Applied(())));
}
