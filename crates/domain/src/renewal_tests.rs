//! Tables of starts and renewals, told ahead and when they come.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::id::{CustomerId, ItemId, PlanId, PlanVersionId, PriceId, SubscriptionId};
use crate::money::Currency;
use crate::period::{Alignment, Interval};
use crate::subscription::{CancelReason, Cancellation, Grid, State};

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// A subscription from words: `2025-01-31 trial 2025-02-14 anchor 2025-02-14 every 1 month advance
/// end 2025-06-14`; what is left out is as usual.
pub(crate) fn subscription(text: &str) -> Subscription {
    let words: Vec<&str> = text.split(' ').collect();
    let after = |name: &str| words.iter().position(|word| *word == name).map(|at| &words[at + 1..]);
    let date = |name: &str| after(name).map(|rest| day(rest[0]));
    let start_on = day(words[0]);
    let trial_ends_on = date("trial");
    let first_paid = trial_ends_on.unwrap_or(start_on);
    let interval = after("every").map_or(Interval::MONTHLY, |rest| {
        Interval::new(rest[0].parse().unwrap(), rest[1].parse().unwrap()).unwrap()
    });
    let arrears = words.contains(&"arrears");
    let grid = Grid {
        anchor_on: date("anchor").unwrap_or(first_paid),
        interval,
        timing: if arrears { Timing::InArrears } else { Timing::InAdvance },
    };
    let item = Item {
        id: ItemId(Uuid::nil()),
        price_id: PriceId(Uuid::nil()),
        component: "base".to_owned(),
        quantity: rust_decimal::Decimal::ONE,
        metered: false,
        grid,
        from_on: start_on,
        until_on: None,
        charged_from: first_paid,
        billed_until: first_paid,
        forfeited_until: None,
    };
    Subscription {
        id: SubscriptionId(Uuid::nil()),
        customer_id: CustomerId(Uuid::nil()),
        plan_id: PlanId(Uuid::nil()),
        version_id: PlanVersionId(Uuid::nil()),
        state: State::Active,
        currency: Currency::EUR,
        start_on,
        trial_ends_on,
        alignment: Alignment::OwnDay,
        grid,
        turned_on: start_on,
        billed_on: None,
        changes: 0,
        cancellation: date("end").map(|ends_on| Cancellation {
            ends_on,
            reason: CancelReason::Unknown,
            note: None,
            credit: true,
        }),
        items: vec![item],
        pauses: Vec::new(),
        suspension: None,
        intents: Vec::new(),
    }
}

fn told(subscription: &Subscription, today: &str, until: &str) -> String {
    let all = upcoming(subscription, day(today), day(until));
    all.map(|one| format!("{} {}", one.kind, one.on)).collect::<Vec<_>>().join(", ")
}

#[test]
fn starts_and_renewals_are_told_ahead() {
    let table = [
        // The day itself is over, the last one is not in it.
        ("2025-01-31", "2025-01-31", "2025-04-30", "renewal 2025-02-28, renewal 2025-03-31"),
        ("2025-01-31", "2025-01-30", "2025-02-28", "start 2025-01-31"),
        ("2025-01-31", "2025-01-31", "2025-02-28", ""),
        ("2025-01-31", "2025-02-27", "2025-03-01", "renewal 2025-02-28"),
        ("2025-01-31", "2025-02-28", "2025-03-01", ""),
        // A trial, and the leap day.
        (
            "2024-02-01 trial 2024-02-29 every 1 year",
            "2024-01-31",
            "2026-03-01",
            "start 2024-02-01, trial_end 2024-02-29, renewal 2025-02-28, renewal 2026-02-28",
        ),
        // On the calendar the first period is shorter.
        ("2025-01-20 anchor 2025-01-01", "2025-01-20", "2025-02-02", "renewal 2025-02-01"),
        // In arrears the periods are the same.
        ("2025-01-31 arrears", "2025-01-31", "2025-03-01", "renewal 2025-02-28"),
        // Nothing begins on or after the end.
        ("2025-01-31 end 2025-03-31", "2025-01-31", "2026-01-01", "renewal 2025-02-28"),
        ("2025-01-31 end 2025-01-31", "2025-01-30", "2026-01-01", ""),
        (
            "2025-01-31 trial 2025-02-14 end 2025-02-14",
            "2025-01-30",
            "2026-01-01",
            "start 2025-01-31",
        ),
        (
            "2025-01-01 every 2 week",
            "2025-01-01",
            "2025-02-01",
            "renewal 2025-01-15, renewal 2025-01-29",
        ),
    ];
    for (words, today, until, expected) in table {
        assert_eq!(told(&subscription(words), today, until), expected, "{words}");
    }
}

#[test]
fn the_next_paid_period_is_known() {
    let table = [
        ("2025-01-31", "2025-01-31", "2025-02-28"),
        ("2025-01-31", "2025-02-28", "2025-03-31"),
        ("2025-01-31 trial 2025-02-14", "2025-01-01", "2025-02-14"),
        ("2025-01-31 trial 2025-02-14", "2025-02-14", "2025-03-14"),
        ("2025-01-31 end 2025-02-28", "2025-01-31", "-"),
    ];
    for (words, on, expected) in table {
        let next = next_renewal_on(&subscription(words), day(on));
        assert_eq!(next.map_or("-".into(), |on| on.to_string()), expected, "{words} {on}");
    }
}

/// Charges so many dues, one after the other, and says what each renewed.
fn charge(subscription: &mut Subscription, dues: usize) -> Vec<Vec<Date>> {
    let charge = |_| {
        let due = subscription.next_due()?;
        let renewed = renewed(subscription, &subscription.items[0], &due);
        subscription.mark_billed(&due);
        Some(renewed.into_iter().collect())
    };
    (0..dues).map_while(charge).collect()
}

#[test]
fn charging_renews_from_the_second_period_on() {
    let table = [
        ("2025-01-31", "-; 2025-02-28; 2025-03-31"),
        ("2025-01-20 anchor 2025-01-01", "-; 2025-02-01; 2025-03-01"),
        ("2025-01-31 trial 2025-02-14", "-; 2025-03-14; 2025-04-14"),
        // In arrears the first period's bill is the second one's beginning.
        ("2025-01-31 arrears", "2025-02-28; 2025-03-31; 2025-04-30"),
        ("2025-01-31 arrears end 2025-03-31", "2025-02-28; -"),
        ("2025-01-31 end 2025-03-10", "-; 2025-02-28"),
    ];
    for (words, expected) in table {
        let days = charge(&mut subscription(words), 3);
        let text = |days: &Vec<Date>| match days.as_slice() {
            [] => "-".to_owned(),
            days => days.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        };
        assert_eq!(days.iter().map(text).collect::<Vec<_>>().join("; "), expected, "{words}");
    }
}

proptest! {
    #[test]
    fn what_is_told_ahead_is_what_comes(
        start in 0_i64..400, trial in prop::option::of(1_i64..40), back in 0_i64..28,
        interval in prop::sample::select(vec!["1 day", "1 week", "1 month", "3 month", "1 year"]),
        arrears: bool, end in prop::option::of(0_i64..800), dues in 1_usize..8,
    ) {
        let start = date::add_days(day("2024-01-01"), start);
        let paid = date::add_days(start, trial.unwrap_or(0));
        let anchor = if interval == "1 month" { date::add_days(paid, -back) } else { paid };
        let mut words = format!("{start} anchor {anchor} every {interval}");
        if trial.is_some() { words += &format!(" trial {paid}"); }
        if arrears { words += " arrears"; }
        if let Some(end) = end { words += &format!(" end {}", date::add_days(start, end)); }
        let mut one = subscription(&words);
        let ahead: Vec<Date> = upcoming(&one, date::add_days(start, -1), day("2035-01-01"))
            .filter(|one| one.kind == RenewalKind::Renewal)
            .map(|one| one.on)
            .collect();
        let came: Vec<Date> = charge(&mut one, dues).concat();
        prop_assert_eq!(&came[..], &ahead[..came.len()], "{}", words);
    }
}
