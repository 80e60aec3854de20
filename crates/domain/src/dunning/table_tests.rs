//! The table of the built-in policy, day by day, for every scheme and class, goodwill and strict.
//!
//! Each block: the cases that share it, then the days on which something happens or changes: the
//! day, what is done, whether to deliver, the customer's standing. Between two rows nothing
//! changes.

use super::*;
use crate::code::CodeRefused;
use crate::date::{Date, add_days, days_between};
use crate::entitlement::{Arrears, Delivery as Delivers, EntitlementReason, entitlement};
use crate::id::InvoiceId;
use crate::renewal::tests::subscription;

/// A Tuesday after which no bank holiday falls on a retry.
const DAY_ZERO: &str = "2026-06-02";

const TABLE: &str = include_str!("table_tests.txt");

fn delivers(arrears: Arrears, today: Date) -> Delivers {
    let running = subscription("2026-01-31");
    let answer = entitlement(&running, arrears, today);
    let overdue = answer.reason == EntitlementReason::Overdue;
    assert_eq!(overdue, arrears != Arrears::None);
    answer.delivery
}

/// The rows of a case, one for each day on which something happens or changes.
fn rows(policy: &Policy, scheme: Scheme, class: FailureClass) -> Vec<String> {
    let case = Case::new(scheme, class, DAY_ZERO.parse().unwrap());
    let (mut rows, mut done, mut before) = (Vec::new(), Vec::new(), None);
    for day in 0..=i64::from(MAX_DAY) {
        let today = add_days(case.day_zero, day);
        let due = policy.due(&case, &done, today);
        done.extend(due.iter().map(|step| step.key));
        let actions: Vec<&str> = due.iter().map(|step| step.key.action.as_str()).collect();
        let open = OpenCase {
            invoice_id: InvoiceId(uuid::Uuid::nil()),
            due_on: case.day_zero,
            number: "1",
            case: Some(&case),
            policy,
        };
        let state = overdue(&[open], today);
        let standing = if state.in_arrears { "in_arrears" } else { "good" };
        let now = (delivers(state.arrears, today), standing);
        if !actions.is_empty() || before != Some(now) {
            let actions = if actions.is_empty() { "-".to_owned() } else { actions.join(", ") };
            rows.push(format!("{day:>4} | {actions} | {} | {standing}", now.0));
        }
        before = Some(now);
    }
    let left = policy.plan(&case).into_iter().filter(|step| !done.contains(&step.key));
    assert_eq!(left.count(), 0, "every step of the plan was taken");
    let last = policy.plan(&case).last().map(|step| days_between(case.day_zero, step.on));
    assert!(last.is_some_and(|last| last <= i64::from(MAX_DAY)));
    rows
}

fn policy(name: &str) -> Policy {
    if name == "strict" { Policy::strict() } else { Policy::goodwill() }
}

#[test]
fn the_table_holds_for_every_scheme_and_class() {
    let mut cases = 0;
    let mut wrong = String::new();
    for block in TABLE.split("\n\n").filter(|block| !block.trim_start().starts_with('#')) {
        let lines: Vec<&str> = block.lines().filter(|line| !line.is_empty()).collect();
        let heads: Vec<&&str> = lines.iter().filter(|line| line.starts_with("==")).collect();
        let expected: Vec<&str> =
            lines.iter().filter(|line| !line.starts_with("==")).copied().collect();
        for head in heads {
            let words: Vec<&str> = head.trim_start_matches("== ").split(", ").collect();
            let scheme: Result<Scheme, CodeRefused> = words[0].parse();
            let class: Result<FailureClass, CodeRefused> = words[1].parse();
            let ours = rows(&policy(words[2]), scheme.unwrap(), class.unwrap());
            cases += 1;
            if ours != expected {
                wrong += &format!("\n{head}\n{}\n", ours.join("\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "the table should say:\n{wrong}");
    assert_eq!(cases, Scheme::ALL.len() * FailureClass::ALL.len() * 2, "every case once");
}
