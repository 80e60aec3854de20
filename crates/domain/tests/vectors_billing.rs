//! Outside cases: inputs and answers that other billing systems publish, put to our rules.
//!
//! Purpose: reads `tests/vectors/billing.json` (or the file that `RECOUP_BILLING_VECTORS` names),
//! finds the cases by category and shape, computes every answer with the domain's own functions
//! and compares. What does not fit is skipped by a rule of the table in `rules.rs`; how many ran
//! and were skipped is printed.
//!
//! Conventions: half-open periods; a fraction is calendar days over the days of the enclosing
//! anchored period; one rounding, half away from zero, per line. Where a case gives
//! `expected.correct` beside what a system did, or `expected_anchor_aligned`, that is the answer.
//!
//! Invariants: no case is known by its id; every answer that a case expects is compared, or the
//! case is skipped.
//!
//! Deliberately absent: allocating payments, refunds; the table names their rooms.

#[path = "vectors_billing/case.rs"]
mod case;
#[path = "vectors_billing/dates.rs"]
mod dates;
#[path = "vectors_billing/documents.rs"]
mod documents;
#[path = "vectors_billing/failing.rs"]
mod failing;
#[path = "vectors_billing/grid.rs"]
mod grid;
#[path = "vectors_billing/life.rs"]
mod life;
#[path = "vectors_billing/prices.rs"]
mod prices;
#[path = "vectors_billing/proration.rs"]
mod proration;
#[path = "vectors_billing/report.rs"]
mod report;
#[path = "vectors_billing/rules.rs"]
mod rules;

use case::Case;
use report::{Report, Verdict};
use rules::{CATEGORIES, Room};
use serde_json::json;

/// A file that cannot be read fails the test with its name.
type Tested = Result<(), String>;

fn run(room: Room) -> Tested {
    let report = Report::of(&case::cases()?, |category| category.room == room);
    report::print(&report.table(&format!("{room:?}")));
    report.assert_right();
    Ok(())
}

#[test]
fn vectors_billing_dates_and_anchors() -> Tested {
    run(Room::Dates)
}

#[test]
fn vectors_billing_proration() -> Tested {
    run(Room::Proration)
}

#[test]
fn vectors_billing_prices_and_usage() -> Tested {
    run(Room::Prices)
}

#[test]
fn vectors_billing_documents() -> Tested {
    run(Room::Documents)
}

#[test]
fn vectors_billing_life() -> Tested {
    run(Room::Life)
}

#[test]
fn vectors_billing_payments_that_fail() -> Tested {
    run(Room::Failing)
}

#[test]
fn vectors_billing_later_rooms_are_skipped_and_counted() -> Tested {
    let report = Report::of(&case::cases()?, |category| category.room == Room::Later);
    report::print(&report.table("Later"));
    assert_eq!(report.ran(), 0, "a room that is built moves to its own test");
    Ok(())
}

#[test]
fn vectors_billing_every_case_is_run_or_skipped_by_a_rule() -> Tested {
    let cases = case::cases()?;
    let report = Report::of(&cases, |_| true);
    report::print(&report.total("all"));
    report.assert_sane(&cases);
    Ok(())
}

#[test]
fn vectors_billing_every_expected_answer_is_compared() -> Tested {
    let mut compared = 0;
    for case in case::cases()? {
        let Some(category) = rules::category(&case) else { continue };
        if rules::verdict(&case) != Verdict::Right {
            continue;
        }
        for key in case.expected.keys().filter(|key| !category.given.contains(&key.as_str())) {
            let noticed = report::changed(&case, key)
                .iter()
                .any(|wrong| rules::verdict(wrong) != Verdict::Right);
            assert!(noticed, "{}: another {key} would pass", case.id);
            compared += 1;
        }
    }
    assert!(compared > 0, "the file has no case that ran");
    Ok(())
}

#[test]
fn vectors_billing_unknown_shapes_are_skipped_and_wrong_answers_are_not() {
    let case = |category: &str, input, expected| {
        let case = json!({
            "id": "made up", "category": category, "input": input, "expected": expected,
        });
        rules::verdict(&Case::read(&case))
    };
    let amount = |amount: &str| json!({ "amount": amount });
    let shape = json!({ "amount": "10.275", "currency": "USD" });
    assert_eq!(case("rounding", shape.clone(), amount("10.28")), Verdict::Right);
    assert!(matches!(case("rounding", shape.clone(), amount("10.27")), Verdict::Wrong(_)));
    let unknown = Verdict::Skipped(rules::SHAPE_NOT_KNOWN);
    let more_asked = json!({ "amount": "10.28", "remainder": "0.005" });
    assert_eq!(case("rounding", shape, more_asked), unknown);
    let more_given = json!({ "amount": "10.275", "currency": "USD", "mode": "to even" });
    assert_eq!(case("rounding", more_given, amount("10.28")), unknown);
    let odd = json!({ "amount": ["10.275"], "currency": 7 });
    assert_eq!(case("rounding", odd, amount("10.28")), unknown);
    let nowhere = Verdict::Skipped(rules::CATEGORY_NOT_KNOWN);
    assert_eq!(case("astrology", json!({}), json!({})), nowhere);
    for category in CATEGORIES {
        let verdict = case(category.name, json!({}), json!({}));
        assert!(matches!(verdict, Verdict::Skipped(_)), "{}: {verdict:?}", category.name);
    }
}
