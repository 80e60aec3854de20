use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::id::{CustomerId, ItemId};

/// The days of the tables: numbers from the first of January 2025 on.
fn day(number: i64) -> Date {
    crate::date::add_days("2025-01-01".parse().unwrap(), number)
}

fn segment(subscription: u128, from: i64, until: Option<(i64, End)>, minor: i64) -> Segment {
    Segment {
        customer: CustomerId(Uuid::nil()),
        subscription: SubscriptionId(Uuid::from_u128(subscription)),
        item: ItemId(Uuid::from_u128(subscription)),
        from: day(from),
        until: until.map(|(until, end)| (day(until), end)),
        amount: Money::new(minor, Currency::EUR),
        status: Status::InForce,
    }
}

fn paused(subscription: u128, from: i64, until: Option<(i64, End)>, minor: i64) -> Segment {
    Segment { status: Status::Paused, ..segment(subscription, from, until, minor) }
}

const GONE: End = End::Cancelled(ChurnKind::Voluntary);

/// The movements of the month from day 10 (its opening) to day 20, as text.
fn told(segments: &[Segment]) -> Vec<String> {
    let change = Change::of(segments, Currency::EUR, day(10), day(20)).unwrap();
    let tell = |movement: Movement| {
        let reason = movement.reason.map_or(String::new(), |reason| format!(" {reason}"));
        let churn = movement.churn.map_or(String::new(), |kind| format!(" {kind}"));
        format!("{}{reason}{churn} {}", movement.kind, movement.amount.minor())
    };
    change.movements().unwrap().into_iter().map(tell).collect()
}

#[test]
fn a_month_moves_net() {
    let involuntary = End::Cancelled(ChurnKind::Involuntary);
    let table: &[(&str, &[Segment], &[&str])] = &[
        ("nothing", &[], &[]),
        ("stays", &[segment(1, 0, None, 100)], &[]),
        ("begins", &[segment(1, 15, None, 100)], &["new 100"]),
        ("begins on the last day", &[segment(1, 20, None, 100)], &["new 100"]),
        ("begins on the opening's day", &[segment(1, 10, None, 100)], &[]),
        ("begins later", &[segment(1, 21, None, 100)], &[]),
        ("comes and goes", &[segment(1, 12, Some((18, GONE)), 100)], &[]),
        ("goes", &[segment(1, 0, Some((15, GONE)), 100)], &["churn voluntary -100"]),
        (
            "goes on the last day",
            &[segment(1, 0, Some((20, GONE)), 100)],
            &["churn voluntary -100"],
        ),
        ("goes the day after", &[segment(1, 0, Some((21, GONE)), 100)], &[]),
        (
            "goes and comes back",
            &[segment(1, 0, Some((12, GONE)), 100), segment(2, 15, None, 70)],
            &["contraction -30"],
        ),
        (
            "went before, comes back",
            &[segment(1, 0, Some((5, GONE)), 100), segment(2, 15, None, 70)],
            &["reactivation 70"],
        ),
        (
            "changes",
            &[segment(1, 0, Some((15, End::Changed)), 100), segment(1, 15, None, 130)],
            &["expansion 30"],
        ),
        (
            "one of two goes",
            &[segment(1, 0, Some((15, involuntary)), 100), segment(2, 0, None, 70)],
            &["contraction -100"],
        ),
        (
            "both go: the last says why",
            &[segment(1, 0, Some((15, involuntary)), 100), segment(2, 0, Some((16, GONE)), 70)],
            &["churn voluntary -170"],
        ),
        (
            "both go at once: the larger says why",
            &[segment(1, 0, Some((15, involuntary)), 100), segment(2, 0, Some((15, GONE)), 70)],
            &["churn involuntary -170"],
        ),
        (
            "loses its last item without a cancellation",
            &[segment(1, 0, Some((15, End::Changed)), 100)],
            &["churn unknown -100"],
        ),
    ];
    for (what, segments, expected) in table {
        assert_eq!(&told(segments), expected, "{what}");
    }
}

#[test]
fn a_pause_over_the_month_is_no_churn() {
    let pause = |from, until| {
        let resumed = until + 100;
        vec![
            segment(1, 0, Some((from, End::Paused)), 100),
            paused(1, from, Some((until, End::Resumed)), 100),
            segment(1, until, Some((resumed, GONE)), 100),
        ]
    };
    let with = |mut segments: Vec<Segment>, more: Segment| {
        segments.push(more);
        segments
    };
    let table: &[(&str, Vec<Segment>, &[&str])] = &[
        ("within the month", pause(12, 18), &[]),
        ("over its end", pause(12, 25), &["contraction paused -100"]),
        ("from its last day on", pause(20, 25), &["contraction paused -100"]),
        ("over all of it", pause(5, 25), &[]),
        ("ends in it", pause(5, 15), &["expansion resumed 100"]),
        ("ends on its last day", pause(5, 20), &["expansion resumed 100"]),
        (
            "paused, and another begins",
            with(pause(12, 25), segment(2, 15, None, 30)),
            &["contraction paused -100", "expansion 30"],
        ),
        (
            "paused, and another goes",
            with(pause(12, 25), segment(2, 0, Some((15, GONE)), 30)),
            &["contraction paused -100", "contraction -30"],
        ),
        (
            "one is paused, one resumed",
            vec![
                segment(1, 0, Some((15, End::Paused)), 100),
                paused(1, 15, None, 100),
                segment(2, 0, Some((5, End::Paused)), 40),
                paused(2, 5, Some((15, End::Resumed)), 40),
                segment(2, 15, None, 40),
            ],
            &["contraction paused -100", "expansion resumed 40"],
        ),
        (
            "resumed as more",
            vec![paused(1, 0, Some((15, End::Resumed)), 100), segment(1, 15, None, 150)],
            &["expansion resumed 150"],
        ),
        ("cancelled while paused", vec![paused(1, 5, Some((15, GONE)), 100)], &[]),
    ];
    for (what, segments, expected) in table {
        assert_eq!(&told(segments), expected, "{what}");
    }
}

#[test]
fn a_rate_of_nothing_has_no_value() {
    let number = |text| crate::decimal::parse(text).unwrap();
    assert_eq!(rate(number("1"), number("3")), Some(number("0.333333")));
    assert_eq!(rate(number("2"), number("3")), Some(number("0.666667")));
    assert_eq!(rate(number("0"), number("3")), Some(number("0")));
    assert_eq!(rate(number("1"), number("0")), None);
}

/// The segments of a subscription that is on and off, paused or not, at changing prices: for each
/// step its length in days, its price, and whether it is paused.
fn history(subscription: u128, begin: i64, steps: &[(i64, i64, bool)]) -> Vec<Segment> {
    let mut from = begin;
    let mut found = Vec::new();
    for (place, (length, minor, is_paused)) in steps.iter().enumerate() {
        let until = from + length;
        let end = match steps.get(place + 1) {
            None | Some((_, 0, _)) => GONE,
            Some((_, _, next)) if next == is_paused => End::Changed,
            Some((_, _, true)) => End::Paused,
            Some((_, _, false)) => End::Resumed,
        };
        if *minor > 0 {
            let one = segment(subscription, from, Some((until, end)), *minor);
            let status = if *is_paused { Status::Paused } else { Status::InForce };
            found.push(Segment { status, ..one });
        }
        from = until;
    }
    found
}

proptest! {
    #[test]
    fn opening_and_movements_are_the_closing_and_the_next_opening(
        histories in proptest::collection::vec(
            (0_i64..60, proptest::collection::vec((1_i64..40, 0_i64..500, any::<bool>()), 1..8)),
            1..4,
        ),
        length in 1_i64..31,
    ) {
        let segments: Vec<Segment> = (0_u128..)
            .zip(&histories)
            .flat_map(|(at, (begin, steps))| history(at, *begin, steps))
            .collect();
        let mut before = Money::zero(Currency::EUR);
        let mut had = false;
        for month in 0..(400 / length) {
            let (opening, closing) = (day(month * length - 1), day((month + 1) * length - 1));
            let change = Change::of(&segments, Currency::EUR, opening, closing).unwrap();
            prop_assert_eq!(change.opening, before);
            let naive: i64 = segments.iter().filter(|one| one.counts_on(closing)).map(|one| one.amount.minor()).sum();
            prop_assert_eq!(change.closing.minor(), naive);
            let movements = change.movements().unwrap();
            let moved = Money::sum(Currency::EUR, movements.iter().map(|one| one.amount)).unwrap();
            prop_assert_eq!(change.opening.checked_add(moved).unwrap(), change.closing);
            for movement in &movements {
                let up = matches!(movement.kind, Kind::New | Kind::Reactivation | Kind::Expansion);
                prop_assert_eq!(movement.amount.minor() > 0, up);
                prop_assert_eq!(movement.churn.is_some(), movement.kind == Kind::Churn);
                match movement.kind {
                    Kind::New => prop_assert!(!had),
                    Kind::Reactivation => prop_assert!(had && change.opening.is_zero()),
                    Kind::Churn => prop_assert!(change.closing.is_zero() && !change.paused_after),
                    Kind::Expansion | Kind::Contraction => {}
                }
            }
            had |= segments.iter().any(|one| one.status == Status::InForce && one.from <= closing);
            before = change.closing;
        }
    }
}
