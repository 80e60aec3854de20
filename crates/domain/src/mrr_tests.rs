use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

fn terms() -> Terms {
    Terms {
        customer: CustomerId(Uuid::from_u128(1)),
        subscription: SubscriptionId(Uuid::from_u128(2)),
        currency: Currency::EUR,
        paid_from: date("2025-01-15"),
        ends: None,
        pauses: Vec::new(),
    }
}

fn item(number: u128, from: &str, until: Option<&str>, price: &str) -> Recurring {
    Recurring {
        item: ItemId(Uuid::from_u128(number)),
        from: date(from),
        until: until.map(date),
        price_per_period: crate::decimal::parse(price).unwrap(),
        interval: Interval::MONTHLY,
    }
}

/// Segments as people read them: `10.00 2025-01-15..2025-03-01 in_force, then paused`.
fn told(terms: &Terms, recurring: &[Recurring]) -> Vec<String> {
    let tell = |segment: &Segment| {
        let end = segment.until.map_or(String::new(), |(until, end)| {
            let churn = end.churn().map_or(String::new(), |kind| format!(" {kind}"));
            format!("{until} {}, then {}{churn}", segment.status, end.reason())
        });
        let open = if end.is_empty() { format!(" {}", segment.status) } else { end };
        format!("{} {}..{open}", segment.amount.major(), segment.from)
    };
    segments(terms, recurring).unwrap().iter().map(tell).collect()
}

#[test]
fn a_price_is_worth_so_much_a_month() {
    let table = [
        ("1.00", 1, Unit::Day, "30.42"),
        ("10.00", 10, Unit::Day, "30.42"),
        ("30.00", 30, Unit::Day, "30.42"),
        ("10.00", 1, Unit::Week, "43.33"),
        ("10.00", 2, Unit::Week, "21.67"),
        ("40.00", 4, Unit::Week, "43.33"),
        ("49.99", 1, Unit::Month, "49.99"),
        ("100.00", 3, Unit::Month, "33.33"),
        ("100.00", 6, Unit::Month, "16.67"),
        ("120.00", 1, Unit::Year, "10.00"),
        ("100.00", 1, Unit::Year, "8.33"),
        ("99.90", 2, Unit::Year, "4.16"),
        ("0.10", 12, Unit::Month, "0.01"),
        ("0.06", 1, Unit::Year, "0.01"),
        ("0.05", 1, Unit::Year, "0.00"),
        ("0.333333", 3, Unit::Month, "0.11"),
    ];
    for (price, count, unit, worth) in table {
        let interval = Interval::new(count, unit).unwrap();
        let price = crate::decimal::parse(price).unwrap();
        let found = monthly(price, interval, Currency::EUR).unwrap();
        assert_eq!(found, eur(worth), "{price} per {interval}");
    }
    let yen = Currency::from_code("JPY").unwrap();
    let thousand = crate::decimal::parse("1000").unwrap();
    assert_eq!(monthly(thousand, Interval::YEARLY, yen).unwrap(), Money::new(83, yen));
    let huge = crate::decimal::parse("92233720368547758.08").unwrap();
    assert_eq!(monthly(huge, Interval::MONTHLY, Currency::EUR), Err(MoneyRefused::Overflow));
}

#[test]
fn trials_notices_and_changes_cut_segments() {
    let whole = item(7, "2025-01-01", None, "10.00");
    assert_eq!(told(&terms(), &[whole]), ["10.00 2025-01-15.. in_force"], "no trial days");
    let whole = item(7, "2025-01-01", None, "10.00");
    let ending = Terms { ends: Some((date("2025-02-15"), ChurnKind::Expired)), ..terms() };
    assert_eq!(
        told(&ending, &[whole]),
        ["10.00 2025-01-15..2025-02-15 in_force, then cancelled expired"]
    );
    let changed = [
        item(8, "2025-02-01", None, "12.00"),
        item(7, "2025-01-01", Some("2025-02-01"), "10.00"),
        item(9, "2025-01-01", None, "0.00"),
    ];
    assert_eq!(
        told(&ending, &changed),
        [
            "10.00 2025-01-15..2025-02-01 in_force, then changed",
            "12.00 2025-02-01..2025-02-15 in_force, then cancelled expired"
        ]
    );
    for on in ["2025-01-01", "2025-01-15"] {
        let never = Terms { ends: Some((date(on), ChurnKind::Unknown)), ..terms() };
        assert_eq!(told(&never, &changed), [""; 0], "ended in its trial, on {on}");
    }
}

#[test]
fn a_running_discount_ends_within_an_item() {
    let discounted =
        [item(7, "2025-01-01", Some("2025-03-15"), "8.00"), item(7, "2025-03-15", None, "10.00")];
    assert_eq!(
        told(&terms(), &discounted),
        ["8.00 2025-01-15..2025-03-15 in_force, then changed", "10.00 2025-03-15.. in_force"]
    );
}

#[test]
fn pauses_keep_the_worth_and_count_nothing() {
    let month = |from: &str, until: Option<&str>| (date(from), until.map(date));
    let table: &[(&[_], &[&str])] = &[
        (
            &[month("2025-02-01", Some("2025-03-01"))],
            &[
                "10.00 2025-01-15..2025-02-01 in_force, then paused",
                "10.00 2025-02-01..2025-03-01 paused, then resumed",
                "10.00 2025-03-01..2025-04-01 in_force, then cancelled voluntary",
            ],
        ),
        (
            &[month("2025-02-01", None)],
            &[
                "10.00 2025-01-15..2025-02-01 in_force, then paused",
                "10.00 2025-02-01..2025-04-01 paused, then cancelled voluntary",
            ],
        ),
        (
            // Out of order, touching, within the trial, empty, and beyond the end.
            &[
                month("2025-05-01", None),
                month("2025-02-10", Some("2025-02-20")),
                month("2025-02-01", Some("2025-02-10")),
                month("2025-01-01", Some("2025-01-20")),
                month("2025-03-05", Some("2025-03-05")),
            ],
            &[
                "10.00 2025-01-15..2025-01-20 paused, then resumed",
                "10.00 2025-01-20..2025-02-01 in_force, then paused",
                "10.00 2025-02-01..2025-02-20 paused, then resumed",
                "10.00 2025-02-20..2025-04-01 in_force, then cancelled voluntary",
            ],
        ),
    ];
    for (pauses, expected) in table {
        let terms = Terms {
            ends: Some((date("2025-04-01"), ChurnKind::Voluntary)),
            pauses: pauses.to_vec(),
            ..terms()
        };
        assert_eq!(&told(&terms, &[item(7, "2025-01-01", None, "10.00")]), expected);
    }
}

#[test]
fn committed_is_what_lasts() {
    let terms = Terms { pauses: vec![(date("2025-03-01"), Some(date("2025-04-01")))], ..terms() };
    let signed = [
        item(7, "2025-01-01", Some("2025-06-01"), "10.00"),
        item(8, "2025-06-01", None, "25.00"),
        item(9, "2026-01-01", None, "5.00"),
    ];
    let found = segments(&terms, &signed).unwrap();
    assert_eq!(committed(&found, Currency::EUR).unwrap(), eur("30.00"));
    for (day, worth) in [
        ("2025-01-14", "0.00"),
        ("2025-01-15", "10.00"),
        ("2025-03-01", "0.00"),
        ("2025-04-01", "10.00"),
        ("2025-06-01", "25.00"),
        ("2026-01-01", "30.00"),
    ] {
        assert_eq!(on(&found, Currency::EUR, date(day)).unwrap(), eur(worth), "{day}");
    }
    let ending = Terms { ends: Some((date("2027-01-01"), ChurnKind::Unknown)), ..terms.clone() };
    let found = segments(&ending, &signed).unwrap();
    assert_eq!(committed(&found, Currency::EUR).unwrap(), eur("0.00"));
    let asleep = Terms { pauses: vec![(date("2025-03-01"), None)], ..terms };
    let found = segments(&asleep, &signed).unwrap();
    assert_eq!(committed(&found, Currency::EUR).unwrap(), eur("0.00"));
}

/// A day of the first two hundred.
fn day(number: u16) -> Date {
    crate::date::add_days(date("2025-01-01"), i64::from(number))
}

proptest! {
    #[test]
    fn segments_are_what_every_day_says(
        paid_from in 0_u16..200,
        ends in proptest::option::of(0_u16..200),
        pauses in proptest::collection::vec((0_u16..200, proptest::option::of(0_u16..200)), 0..5),
        items in proptest::collection::vec((0_u16..200, proptest::option::of(0_u16..200), 0_i64..9_999), 1..5),
    ) {
        let terms = Terms {
            paid_from: day(paid_from),
            ends: ends.map(|on| (day(on), ChurnKind::Voluntary)),
            pauses: pauses.iter().map(|(from, until)| (day(*from), until.map(day))).collect(),
            ..terms()
        };
        let recurring: Vec<Recurring> = (0_u128..)
            .zip(&items)
            .map(|(number, (from, until, cents))| Recurring {
                item: ItemId(Uuid::from_u128(number)),
                from: day(*from),
                until: until.map(day),
                price_per_period: Decimal::new(*cents, 2),
                interval: Interval::MONTHLY,
            })
            .collect();
        let found = segments(&terms, &recurring).unwrap();
        for number in 0..210_u16 {
            let today = day(number);
            let held = |(from, until): (Date, Option<Date>)| from <= today && until.is_none_or(|until| today < until);
            let paused = terms.pauses.iter().any(|pause| held(*pause));
            let delivered = held((terms.paid_from, terms.ends.map(|(on, _)| on)));
            let worth: i64 = recurring
                .iter()
                .zip(&items)
                .filter(|(one, _)| delivered && held((one.from, one.until)))
                .map(|(_, (_, _, cents))| cents)
                .sum();
            let counted = on(&found, Currency::EUR, today).unwrap().minor();
            prop_assert_eq!(counted, if paused { 0 } else { worth });
            let holds: i64 = found.iter().filter(|one| one.holds_on(today)).map(|one| one.amount.minor()).sum();
            prop_assert_eq!(holds, worth);
        }
        for pair in found.windows(2) {
            if pair[0].item == pair[1].item {
                prop_assert!(pair[0].until.unwrap().0 <= pair[1].from);
            }
        }
    }
}
