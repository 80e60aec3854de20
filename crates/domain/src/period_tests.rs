//! Tables and properties of billing periods.

use proptest::prelude::*;

use super::*;
use crate::money::Currency;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn interval(text: &str) -> Interval {
    let (count, unit) = text.split_once(' ').unwrap();
    Interval::new(count.parse().unwrap(), unit.parse().unwrap()).unwrap()
}

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

#[test]
fn boundaries_come_from_the_anchor_and_are_clamped_to_the_month() {
    let table = [
        ("1 month", "2025-01-31", "2025-01-31 2025-02-28 2025-03-31 2025-04-30 2025-05-31"),
        ("1 month", "2024-01-31", "2024-01-31 2024-02-29 2024-03-31"),
        ("1 month", "2025-01-29", "2025-01-29 2025-02-28 2025-03-29"),
        ("3 month", "2024-11-30", "2024-11-30 2025-02-28 2025-05-30 2025-08-30"),
        ("1 year", "2024-02-29", "2024-02-29 2025-02-28 2026-02-28 2027-02-28 2028-02-29"),
        ("2 week", "2025-03-24", "2025-03-24 2025-04-07 2025-04-21"),
        ("10 day", "2025-12-27", "2025-12-27 2026-01-06 2026-01-16"),
    ];
    for (text, anchor, boundaries) in table {
        for (k, boundary) in boundaries.split(' ').enumerate() {
            let computed = interval(text).boundary(day(anchor), u32::try_from(k).unwrap());
            assert_eq!(computed, day(boundary), "{text} from {anchor}, boundary {k}");
        }
    }
}

#[test]
fn the_calendar_gives_the_anchor() {
    let table = [
        ("1 month", "2025-02-10", Some("2025-02-01")),
        ("3 month", "2025-02-10", Some("2025-01-01")),
        ("3 month", "2025-12-31", Some("2025-10-01")),
        ("6 month", "2025-08-10", Some("2025-07-01")),
        ("1 year", "2025-08-10", Some("2025-01-01")),
        ("1 week", "2025-11-21", Some("2025-11-17")),
        ("1 week", "2025-11-17", Some("2025-11-17")),
        ("5 month", "2025-11-21", None),
        ("1 day", "2025-11-21", None),
    ];
    for (text, start, anchor) in table {
        let computed = interval(text).calendar_anchor(day(start)).ok();
        assert_eq!(computed, anchor.map(day), "{text} from {start}");
    }
}

#[test]
fn parts_are_charged_by_calendar_days_of_the_whole_period() {
    // price, whole period, part, amount
    let table = [
        ("30.00", "2025-02-10 2025-03-10", "2025-02-10 2025-02-24", "15.00"),
        ("10.00", "2025-04-01 2025-05-01", "2025-04-01 2025-04-11", "3.33"),
        ("10.00", "2025-04-01 2025-05-01", "2025-04-11 2025-04-21", "3.34"),
        ("10.00", "2025-04-01 2025-05-01", "2025-04-21 2025-05-01", "3.33"),
        ("99.00", "2025-01-01 2025-02-01", "2025-01-01 2025-02-01", "99.00"),
        ("99.00", "2025-01-01 2025-02-01", "2025-01-15 2025-01-15", "0.00"),
    ];
    let range = |text: &str| {
        let (start, end) = text.split_once(' ').unwrap();
        Period { start: day(start), end: day(end) }
    };
    for (price, whole, part, amount) in table {
        let charged = prorate(eur(price), range(whole), range(part)).unwrap();
        assert_eq!(charged, eur(amount), "{price} for {part} of {whole}");
    }
    let outside =
        prorate(eur("1.00"), range("2025-01-01 2025-02-01"), range("2025-01-10 2025-02-02"));
    assert_eq!(outside, Err(MoneyRefused::Overflow));
}

#[test]
fn a_month_is_a_month_wherever_it_is_anchored() {
    for anchor in ["2025-01-28", "2025-01-29", "2025-01-30", "2025-01-31", "2024-02-29"] {
        for k in 0..48 {
            let period = |text: &str| {
                let interval = interval(text);
                let start = interval.boundary(day(anchor), k);
                Period { start, end: interval.boundary(day(anchor), k + 1) }
            };
            assert!(!period("1 month").longer_than_a_month(), "month {k} from {anchor}");
            assert!(!period("4 week").longer_than_a_month(), "four weeks {k} from {anchor}");
            assert!(period("5 week").longer_than_a_month(), "five weeks {k} from {anchor}");
            assert!(period("3 month").longer_than_a_month(), "quarter {k} from {anchor}");
        }
    }
}

#[test]
fn intervals_of_nothing_or_of_centuries_are_refused() {
    for count in [0, 367, u32::MAX] {
        assert!(Interval::new(count, Unit::Day).is_err(), "{count}");
    }
}

fn any_interval() -> impl Strategy<Value = Interval> {
    (1_u32..=366, 0_usize..4).prop_map(|(count, unit)| {
        let unit = Unit::ALL[unit];
        let count = count % unit.most() + 1;
        Interval::new(count, unit).unwrap()
    })
}

fn any_day() -> impl Strategy<Value = Date> {
    (0_i64..20_000).prop_map(|offset| date::add_days(day("2000-01-01"), offset))
}

proptest! {
    #[test]
    fn the_period_found_contains_the_day_and_lies_on_the_grid(
        interval in any_interval(), anchor in any_day(), offset in 0_i64..9_000,
    ) {
        let wanted = date::add_days(anchor, offset);
        let period = interval.period_containing(anchor, wanted);
        prop_assert!(period.contains(wanted));
        let k = (0..10_000).find(|k| interval.boundary(anchor, *k) == period.start);
        prop_assert_eq!(k.map(|k| interval.boundary(anchor, k + 1)), Some(period.end));
    }

    #[test]
    fn parts_of_a_period_add_up_to_the_whole(
        minor in -10_000_000_i64..10_000_000,
        interval in any_interval(),
        anchor in any_day(),
        cuts in proptest::collection::vec(0_i64..1_000, 0..6),
    ) {
        let whole = Period { start: anchor, end: interval.boundary(anchor, 1) };
        let mut edges: Vec<Date> = cuts
            .iter()
            .map(|cut| date::add_days(whole.start, cut * whole.days() / 1_000))
            .chain([whole.start, whole.end])
            .collect();
        edges.sort();
        let price = Money::new(minor, Currency::EUR);
        let parts = edges
            .windows(2)
            .map(|edge| prorate(price, whole, Period { start: edge[0], end: edge[1] }).unwrap());
        prop_assert_eq!(Money::sum(Currency::EUR, parts).unwrap(), price);
    }
}
