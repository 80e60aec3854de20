//! Tables of what a suspension does, and of what it leaves alone.

use uuid::Uuid;

use crate::Outcome;
use crate::entitlement::{Arrears, entitlement};
use crate::id::IntentId;
use crate::renewal::next_renewal_on;
use crate::renewal::tests::{day, subscription};
use crate::subscription::*;

fn id(number: u128) -> IntentId {
    IntentId(Uuid::from_u128(number))
}

/// Charged until a day, suspended on another.
fn suspended(words: &str, billed_until: &str, on: &str) -> Subscription {
    let mut subscription = subscription(words);
    for item in &mut subscription.items {
        item.billed_until = day(billed_until);
    }
    let _ = subscription.turn(day(on));
    assert_eq!(subscription.suspend(day(on), id(9)), Outcome::Applied(()));
    subscription
}

/// What is due up to a day: `credit 2025-01-20..2025-01-31 on 2025-01-20`.
fn dues(subscription: &Subscription, until: &str) -> Vec<String> {
    let due = |due: Due| {
        let direction = match due.direction {
            Direction::Charge => "charge",
            Direction::Credit => "credit",
        };
        format!("{direction} {}..{} on {}", due.part.start, due.part.end, due.billing_on)
    };
    subscription.dues_until(day(until)).into_iter().map(due).collect()
}

#[test]
fn nothing_is_due_while_it_lasts_and_the_days_are_given_back_when_it_is_over() {
    let mut one = suspended("2024-12-31", "2025-01-31", "2025-01-20");
    assert_eq!(one.state, State::Suspended);
    assert_eq!((one.next_billing_on(), next_renewal_on(&one, day("2025-01-20"))), (None, None));
    assert_eq!(one.suspend(day("2025-01-21"), id(10)), Outcome::Unchanged);
    assert_eq!(one.turn(day("2025-02-10")), []);
    assert_eq!(one.state, State::Suspended);
    assert_eq!(one.restore(day("2025-02-10")), Outcome::Applied(()));
    assert_eq!((one.state, one.restore(day("2025-02-10"))), (State::Active, Outcome::Unchanged));
    assert_eq!(
        dues(&one, "2025-03-01"),
        [
            "credit 2025-01-20..2025-01-31 on 2025-01-20",
            "charge 2025-02-10..2025-02-28 on 2025-02-10",
            "charge 2025-02-28..2025-03-31 on 2025-02-28",
        ]
    );
}

#[test]
fn where_it_ends_first_the_days_are_given_back_on_the_end() {
    let mut one = suspended("2024-12-31", "2025-01-31", "2025-01-20");
    let now = CancelWhen::Now { credit: true };
    let ended = one.cancel(day("2025-02-10"), now, CancelReason::NonPayment, None);
    assert!(matches!(ended, Ok(Outcome::Applied(_))));
    let credit = "credit 2025-01-20..2025-01-31 on 2025-02-10";
    assert_eq!(dues(&one, "2025-12-31"), [credit]);
    assert_eq!(one.restore(day("2025-02-11")), Outcome::Unchanged);
    // An end that was planned comes by itself.
    let mut one = suspended("2024-12-31 end 2025-02-10", "2025-01-31", "2025-01-20");
    assert_eq!(one.next_billing_on(), Some(day("2025-02-10")));
    assert_eq!(one.turn(day("2025-02-10")), [(day("2025-02-10"), Turn::Ended)]);
    assert_eq!(dues(&one, "2025-12-31"), [credit]);
}

#[test]
fn in_arrears_the_days_before_it_are_charged_with_the_period() {
    let mut one = suspended("2024-12-31 arrears", "2024-12-31", "2025-01-20");
    assert_eq!(one.next_billing_on(), None);
    let _ = one.restore(day("2025-02-10"));
    assert_eq!(
        dues(&one, "2025-03-01"),
        [
            "charge 2024-12-31..2025-01-20 on 2025-01-31",
            "charge 2025-02-10..2025-02-28 on 2025-02-28",
        ]
    );
}

#[test]
fn the_customer_neither_pauses_nor_resumes_it() {
    let mut one = suspended("2024-12-31", "2025-01-31", "2025-01-20");
    let pause = NewPause { id: id(11), from_on: day("2025-02-01"), until_on: None, note: None };
    let refused = one.pause(day("2025-01-20"), pause.clone(), 3).unwrap_err();
    assert_eq!(refused, PauseRefused::Suspended { since: day("2025-01-20") });
    let on = day("2025-01-20");
    assert_eq!(one.resume(on, on), Err(PauseRefused::NotPaused { on }));
    let stop = entitlement(&one, Arrears::None, on);
    assert_eq!(stop.delivery, crate::entitlement::Delivery::Stop);
    let _ = one.restore(day("2025-01-25"));
    // Its days are no pause of the customer's: they are not resumed, revoked or counted.
    assert!(matches!(
        one.resume(day("2025-01-25"), day("2025-01-25")),
        Err(PauseRefused::NotPaused { .. })
    ));
    assert!(!one.is_paused_on(day("2025-01-22")) && one.is_withheld_on(day("2025-01-22")));
    assert!(matches!(one.pause(day("2025-01-25"), pause, 3), Ok(Outcome::Applied(_))));
}

#[test]
fn what_has_not_started_is_suspended_too_and_starts_without_delivery() {
    let mut one = suspended("2025-02-01", "2025-02-01", "2025-01-20");
    assert_eq!((one.state, one.next_billing_on()), (State::Pending, None));
    assert_eq!(one.turn(day("2025-02-01")), []);
    let mut early = one.clone();
    let _ = early.restore(day("2025-01-25"));
    assert_eq!((early.pauses.len(), early.next_billing_on()), (0, Some(day("2025-02-01"))));
    assert_eq!(one.state_on(day("2025-02-01")), State::Suspended);
    let _ = one.restore(day("2025-02-11"));
    assert_eq!(dues(&one, "2025-02-28"), ["charge 2025-02-11..2025-03-01 on 2025-02-11"]);
}
