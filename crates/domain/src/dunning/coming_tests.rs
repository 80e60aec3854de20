//! What is still to come of a case.

use super::*;
use crate::date::Date;
use crate::period::Period;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn coming(case: &Case, done: &[StepKey], today: &str) -> Vec<String> {
    let moments = Policy::goodwill().coming(case, done, day(today));
    let line = |moment: &Moment| {
        let steps: Vec<&str> = moment.steps.iter().map(|step| step.key.action.as_str()).collect();
        format!("{} {} {}", moment.on, moment.degree, steps.join("+")).trim_end().to_owned()
    };
    moments.iter().map(line).collect()
}

#[test]
fn what_is_done_is_left_out_and_what_was_missed_comes_today() {
    let case = Case::new(Scheme::BankTransfer, FailureClass::NoMoney, day("2025-03-01"));
    let done = [StepKey { day: 3, action: Action::FriendlyReminder }];
    let later = [
        "2025-03-22 restricted restrict",
        "2025-03-31 suspended suspend",
        "2025-04-30 cancelled cancel+propose_write_off",
    ];
    let all = coming(&case, &done, "2025-03-05");
    let first = [
        "2025-03-05 overdue",
        "2025-03-11 overdue second_reminder",
        "2025-03-15 overdue final_notice",
    ];
    assert_eq!(all, [first.as_slice(), &later].concat());
    // Of two reminders that were missed, the last.
    let all = coming(&case, &done, "2025-03-16");
    assert_eq!(all, [["2025-03-16 overdue final_notice"].as_slice(), &later].concat());
}

#[test]
fn what_a_pause_freezes_comes_after_it() {
    let frozen = vec![Period { start: day("2025-03-03"), end: day("2025-03-13") }];
    let case = Case {
        frozen,
        ..Case::new(Scheme::BankTransfer, FailureClass::NoMoney, day("2025-03-01"))
    };
    let all = coming(&case, &[], "2025-03-05");
    assert_eq!(all[..2], ["2025-03-05 overdue", "2025-03-14 overdue friendly_reminder"]);
}
