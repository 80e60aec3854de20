//! Tables of whether to deliver.

use super::*;
use crate::id::IntentId;
use crate::renewal::tests::{day, subscription};
use crate::subscription::{Pause, PauseKind};

fn with_pauses(words: &str, pauses: &[(&str, &str)]) -> Subscription {
    let mut subscription = subscription(words);
    let pause = |(at, (from, until)): (u128, &(&str, &str))| Pause {
        id: IntentId(uuid::Uuid::from_u128(at)),
        from_on: day(from),
        until_on: day(until),
        note: None,
        kind: PauseKind::Customer,
    };
    subscription.pauses = (0..).zip(pauses).map(pause).collect();
    subscription
}

fn answer(subscription: &Subscription, arrears: Arrears, today: &str) -> String {
    let Entitlement { delivery, reason, until } = entitlement(subscription, arrears, day(today));
    let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
    format!("{delivery} {reason}{until}")
}

/// The subscription, its pauses, the day and the answer.
type Row = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);

#[test]
fn where_a_subscription_stands_decides_whether_to_deliver() {
    let running = "2025-01-31";
    let trial = "2025-01-31 trial 2025-02-14";
    let ended = "2025-01-31 end 2025-03-31";
    let never = "2025-01-31 end 2025-01-31";
    let table: [Row; 18] = [
        (running, &[], "2025-01-30", "stop not_started until 2025-01-31"),
        (running, &[], "2025-01-31", "deliver in_force"),
        (trial, &[], "2025-02-13", "deliver trial"),
        (trial, &[], "2025-02-14", "deliver in_force"),
        (ended, &[], "2025-01-30", "stop not_started until 2025-01-31"),
        (ended, &[], "2025-03-30", "deliver in_force until 2025-03-31"),
        (ended, &[], "2025-03-31", "stop ended"),
        (never, &[], "2025-01-30", "stop not_started"),
        (never, &[], "2025-01-31", "stop ended"),
        (
            running,
            &[("2025-02-10", "2025-02-20")],
            "2025-02-09",
            "deliver in_force until 2025-02-10",
        ),
        (running, &[("2025-02-10", "2025-02-20")], "2025-02-10", "stop paused until 2025-02-20"),
        (running, &[("2025-02-10", "2025-02-20")], "2025-02-19", "stop paused until 2025-02-20"),
        (running, &[("2025-02-10", "2025-02-20")], "2025-02-20", "deliver in_force"),
        // A pause that follows another one: nothing changes on the day in between.
        (
            running,
            &[("2025-02-10", "2025-02-20"), ("2025-02-20", "2025-02-25")],
            "2025-02-15",
            "stop paused until 2025-02-25",
        ),
        // The end comes before the pause's end, or before the pause.
        (ended, &[("2025-03-20", "2025-04-20")], "2025-03-25", "stop paused until 2025-03-31"),
        (ended, &[("2025-04-20", "2025-04-25")], "2025-03-25", "deliver in_force until 2025-03-31"),
        (ended, &[("2025-03-20", "2025-04-20")], "2025-03-31", "stop ended"),
        (trial, &[("2025-02-05", "2025-02-20")], "2025-02-15", "stop paused until 2025-02-20"),
    ];
    for (words, pauses, today, expected) in table {
        let subscription = with_pauses(words, pauses);
        assert_eq!(answer(&subscription, Arrears::None, today), expected, "{words} on {today}");
    }
}

#[test]
fn missing_money_restricts_what_would_be_delivered() {
    let running = subscription("2025-01-31");
    let paused = with_pauses("2025-01-31", &[("2025-02-10", "2025-02-20")]);
    let grace = Arrears::Grace { until: day("2025-02-15") };
    let table = [
        (&running, grace, "2025-02-14", "deliver_in_grace overdue until 2025-02-15"),
        (&running, grace, "2025-02-15", "restricted overdue"),
        (&running, Arrears::Restricted, "2025-02-14", "restricted overdue"),
        (&running, Arrears::Stopped, "2025-02-14", "stop overdue"),
        (&paused, grace, "2025-02-05", "deliver_in_grace overdue until 2025-02-10"),
        (&paused, Arrears::Restricted, "2025-02-05", "restricted overdue until 2025-02-10"),
        // What is not delivered anyway has its own reason.
        (&paused, Arrears::Stopped, "2025-02-12", "stop paused until 2025-02-20"),
    ];
    for (subscription, arrears, today, expected) in table {
        assert_eq!(answer(subscription, arrears, today), expected, "{arrears:?} on {today}");
    }
}
