use proptest::prelude::*;

use super::*;
use crate::money::Currency;

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

fn number(text: &str) -> Decimal {
    crate::decimal::parse(text).unwrap()
}

fn course(months: &[&str], steady: &str) -> Course {
    Course {
        first: "2026-07-01".parse().unwrap(),
        last: None,
        months: months.iter().map(|month| eur(month)).collect(),
        steady: eur(steady),
    }
}

/// The worked case: principal 10,000.00, share 40 %, return 10 %.
fn stake(accrued: &str, credited: &str) -> Stake {
    Stake {
        shares: vec![number("40")],
        own: 0,
        principal: eur("10000"),
        cap: eur("11000"),
        accrued: eur(accrued),
        credited: eur(credited),
        waiting: eur("0"),
    }
}

/// As people read it: `5000.00: 2026-08 2027-01`.
fn told(assumption: Assumption, course: &Course, stake: &Stake) -> String {
    let outlook = outlook(assumption, course, stake).unwrap();
    let tell = |reach: Reach| match reach {
        Reach::Reached => "reached".to_owned(),
        Reach::In(month) => month.format("%Y-%m").to_string(),
        Reach::Never => "never".to_owned(),
    };
    let (recouped, completed) = (tell(outlook.recouped), tell(outlook.completed));
    format!("{}: {recouped} {completed}", outlook.revenue.major())
}

/// Assumption, months, what is in force, accrued and credited, what is told.
type Case<'a> = (Assumption, &'a [&'a str], &'a str, (&'a str, &'a str), &'a str);

#[test]
fn the_month_depends_on_what_is_assumed() {
    use Assumption::{Steady, Today, Trend};
    let worked = ["1000", "2500", "7500", "10500", "4500"];
    let table: [Case<'_>; 18] = [
        // 1,400.00 and 2,400.00 are left, at 1,800.00 a month.
        (Today, &worked[..5], "5000", ("8600", "8600"), "4500.00: 2026-07 2026-08"),
        (Steady, &worked[..5], "5000", ("8600", "8600"), "5000.00: 2026-07 2026-08"),
        // Least squares: 1,000.00, 2,500.00, 7,500.00, 10,500.00, 4,500.00 rise by 1,500.00.
        (Trend, &worked[..5], "5000", ("8600", "8600"), "9700.00: 2026-07 2026-07"),
        // Exactly the cap, and a cent less.
        (Today, &["6000"], "0", ("8600", "8600"), "6000.00: 2026-07 2026-07"),
        (Today, &["5999.97"], "0", ("8600", "8600"), "5999.97: 2026-07 2026-08"),
        // Nothing was ever paid.
        (Today, &[], "0", ("0", "0"), "0.00: never never"),
        (Trend, &[], "0", ("0", "0"), "0.00: never never"),
        (Steady, &[], "0", ("0", "0"), "0.00: never never"),
        // More was taken back than came.
        (Today, &["5000", "-100"], "0", ("0", "0"), "0.00: never never"),
        // 0.40 a month: not within fifty years.
        (Today, &["1"], "0", ("0", "0"), "1.00: never never"),
        // It falls to zero after two months: 2,000.00 and 1,000.00 more are accrued of.
        (Trend, &["6000", "5000", "4000", "3000"], "0", ("8800", "8800"), "2000.00: 2026-08 never"),
        (Trend, &["6000", "5000", "4000", "3000"], "0", ("8799", "8799"), "2000.00: never never"),
        // One month is no slope.
        (Trend, &["25000"], "0", ("0", "0"), "25000.00: 2026-07 2026-08"),
        // Only the last six: the year before was better.
        (
            Trend,
            &["90000", "10", "10", "10", "10", "10", "10"],
            "0",
            ("9996", "9996"),
            "10.00: 2026-07 2047-05",
        ),
        // Recouped, completed, and open again because more went back than was left.
        (Today, &["1000"], "0", ("10400", "10400"), "1000.00: reached 2026-08"),
        (Today, &["1000"], "0", ("12000", "11000"), "1000.00: reached reached"),
        (Today, &["1000"], "0", ("10700", "11000"), "1000.00: reached 2026-07"),
        // What is carried counts: credited 0.00 of 9,900.00 accrued.
        (Today, &["1000"], "0", ("9900", "0"), "1000.00: 2026-07 2026-09"),
    ];
    for (assumption, months, steady, (accrued, credited), expected) in table {
        let told = told(assumption, &course(months, steady), &stake(accrued, credited));
        assert_eq!(told, expected, "{assumption} {months:?} {accrued} {credited}");
    }
}

#[test]
fn months_that_wait_for_their_credit_come_first() {
    let course = course(&["100"], "100");
    let waiting = |own: &str, so_far: &str| {
        let stake = Stake { waiting: eur(own), ..stake(so_far, so_far) };
        told(Assumption::Today, &course, &stake)
    };
    assert_eq!(waiting("2400", "8600"), "100.00: 2026-06 2026-06");
    assert_eq!(waiting("2360", "8600"), "100.00: 2026-06 2026-07");
    assert_eq!(waiting("-40", "9980"), "100.00: 2026-08 2028-09");
}

#[test]
fn a_retired_feature_brings_nothing_after_its_last_month() {
    let last = |day: &str| Course { last: Some(day.parse().unwrap()), ..course(&["5000"], "0") };
    let one = stake("6000", "6000");
    assert_eq!(told(Assumption::Today, &last("2026-06-01"), &one), "5000.00: never never");
    assert_eq!(told(Assumption::Today, &last("2026-08-01"), &one), "5000.00: 2026-08 never");
    assert_eq!(told(Assumption::Today, &last("2026-09-01"), &one), "5000.00: 2026-08 2026-09");
    let late = Stake { waiting: eur("5000"), ..one };
    let late = told(Assumption::Today, &last("2026-05-01"), &late);
    assert_eq!(late, "5000.00: 2026-06 2026-06", "not credited yet");
}

#[test]
fn several_investors_share_as_in_a_month() {
    let shares = ["33.3", "33.3", "33.3"].map(number);
    let parts: Vec<Money> = (0..3).map(|own| part(eur("0.05"), &shares, own).unwrap()).collect();
    assert_eq!(parts, [eur("0.02"), eur("0.02"), eur("0.01")], "the oldest first");
    assert_eq!(part(eur("-0.05"), &shares, 2).unwrap(), eur("-0.01"));
    // 60 % and 20 % of 100.00 a month, each of its own principal.
    let two = |own, principal: &str, cap: &str| Stake {
        shares: vec![number("60"), number("20")],
        own,
        principal: eur(principal),
        cap: eur(cap),
        ..stake("0", "0")
    };
    let course = course(&["100"], "0");
    assert_eq!(told(Assumption::Today, &course, &two(0, "120", "132")), "100.00: 2026-08 2026-09");
    assert_eq!(told(Assumption::Today, &course, &two(1, "20", "22")), "100.00: 2026-07 2026-08");
    assert!(part(eur("1"), &shares, 3).is_err());
}

#[test]
fn what_is_expected_stops_at_the_cap_and_makes_good_first() {
    // accrued, credited, waiting, part of the running month; awaiting, expected.
    let table = [
        ("8600", "8600", "0", "1800", "0.00", "1800.00"),
        ("8600", "8600", "0", "2400", "0.00", "2400.00"),
        ("8600", "8600", "0", "2400.01", "0.00", "2400.00"),
        ("8600", "8600", "0", "-50", "0.00", "0.00"),
        ("8605", "8600", "0", "100", "5.00", "100.00"),
        ("8605", "8600", "2000", "1000", "2005.00", "395.00"),
        ("8605", "8600", "3000", "1000", "2400.00", "0.00"),
        ("10700", "11000", "0", "1000", "0.00", "0.00"),
        ("9700", "10000", "0", "1000", "0.00", "700.00"),
        ("9700", "10000", "0", "200", "0.00", "0.00"),
        ("9700", "10000", "400", "200", "100.00", "200.00"),
        ("-100", "0", "0", "150", "0.00", "50.00"),
        ("12000", "11000", "0", "1000", "0.00", "0.00"),
    ];
    for (accrued, credited, waiting, part, awaiting, expected) in table {
        let stake = Stake { waiting: eur(waiting), ..stake(accrued, credited) };
        let told =
            (stake.awaiting().major().to_string(), stake.expected(eur(part)).major().to_string());
        assert_eq!(
            told,
            (awaiting.to_owned(), expected.to_owned()),
            "{accrued} {credited} {waiting}"
        );
    }
    for (credited, cap, percent) in [
        ("0", "11000", "0.00"),
        ("10999.99", "11000", "99.99"),
        ("11000", "11000", "100.00"),
        ("0", "0", "0.00"),
    ] {
        assert_eq!(percentage(eur(credited), eur(cap)).to_string(), percent);
    }
}

#[test]
fn a_line_is_exact() {
    let table: [(&[i64], u32, i64); 8] = [
        (&[], 0, 0),
        (&[7], 9, 7),
        (&[1, 2, 3], 0, 4),
        (&[1, 2, 3], 10, 14),
        (&[10, 5, 0], 0, -5),
        (&[1, 1, 2], 0, 2),
        (&[0, 0, 0, 0, 0, i64::MAX], 599, i64::MAX),
        (&[i64::MAX, 0, 0, 0, 0, 0], 599, 0),
    ];
    for (months, ahead, expected) in table {
        assert_eq!(trend(months, ahead), expected, "{months:?} {ahead}");
    }
}

fn rank(reach: Reach) -> (u8, Date) {
    match reach {
        Reach::Reached => (0, date::EARLIEST),
        Reach::In(month) => (1, month),
        Reach::Never => (2, date::LATEST),
    }
}

prop_compose! {
    /// One or two investors somewhere on their way.
    fn stakes()(
        shares in prop::collection::vec(1_i64..=5_000, 1..=2),
        own in any::<prop::sample::Index>(),
        principal in 1_i64..=1_000_000,
        percent in 0_i64..=100,
        accrued in -100_000_i64..=2_000_000,
    ) -> Stake {
        let cap = principal + principal * percent / 100;
        let money = |minor| Money::new(minor, Currency::EUR);
        Stake {
            own: own.index(shares.len()),
            shares: shares.into_iter().map(|share| Decimal::new(share, 2)).collect(),
            principal: money(principal),
            cap: money(cap),
            accrued: money(accrued),
            credited: money(accrued.clamp(0, cap)),
            waiting: money(0),
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_expected_beyond_the_cap(stake in stakes(), waiting in -9_000_i64..9_000, part in -9_000_i64..90_000) {
        let stake = Stake { waiting: Money::new(waiting, Currency::EUR), ..stake };
        let expected = stake.expected(Money::new(part, Currency::EUR)).minor();
        let sum = stake.credited.minor() + stake.awaiting().minor() + expected;
        prop_assert!(expected >= 0 && sum <= stake.cap.minor());
        // Waiting and running month together come to what is credited once both are over.
        let over = Stake { waiting: Money::new(waiting + part, Currency::EUR), ..stake.clone() };
        if part >= 0 {
            prop_assert_eq!(over.awaiting().minor(), stake.awaiting().minor() + expected);
        }
    }

    #[test]
    fn more_revenue_is_never_later(
        stake in stakes(),
        months in prop::collection::vec(-50_000_i64..=500_000, 0..=7),
        more in prop::collection::vec(0_i64..=500_000, 7),
        waiting in -10_000_i64..=10_000,
    ) {
        let stake = |more: i64| Stake {
            waiting: Money::new(waiting + more, Currency::EUR),
            ..stake.clone()
        };
        let money = |minor| Money::new(minor, Currency::EUR);
        let of = |months: Vec<i64>| Course {
            steady: money(months.last().copied().unwrap_or(0).max(0)),
            months: months.into_iter().map(money).collect(),
            ..course(&[], "0")
        };
        let less = of(months.clone());
        // A trend is not more with every month: only the last one counts here, or none.
        let raised = months.iter().zip(&more).map(|(one, more)| one + more).collect();
        let raised = of(raised);
        for assumption in [Assumption::Today, Assumption::Steady] {
            let before = outlook(assumption, &less, &stake(0)).unwrap();
            let after = outlook(assumption, &raised, &stake(more[0])).unwrap();
            prop_assert!(rank(after.recouped) <= rank(before.recouped));
            prop_assert!(rank(after.completed) <= rank(before.completed));
            prop_assert!(rank(before.recouped) <= rank(before.completed));
        }
    }

    #[test]
    fn a_higher_trend_is_never_later(
        stake in stakes(),
        months in prop::collection::vec(-50_000_i64..=500_000, 2..=6),
        lift in 0_i64..=100_000,
    ) {
        let of = |lift: i64| Course {
            months: months.iter().map(|one| Money::new(one + lift, Currency::EUR)).collect(),
            ..course(&[], "0")
        };
        let (before, after) = (of(0), of(lift));
        let before = outlook(Assumption::Trend, &before, &stake).unwrap();
        let after = outlook(Assumption::Trend, &after, &stake).unwrap();
        prop_assert!(rank(after.completed) <= rank(before.completed));
        prop_assert!(rank(after.recouped) <= rank(before.recouped));
    }

    #[test]
    fn at_a_level_revenue_it_is_a_division(stake in stakes(), revenue in 0_i64..=500_000) {
        let course = Course { steady: Money::new(revenue, Currency::EUR), ..course(&[], "0") };
        let found = outlook(Assumption::Steady, &course, &stake).unwrap();
        let each = part(course.steady, &stake.shares, stake.own).unwrap().minor();
        let missing = stake.cap.minor() - stake.accrued.minor();
        let expected = match (missing, each) {
            (..=0, _) => Reach::Reached,
            (_, 0) => Reach::Never,
            (missing, each) => match u32::try_from((missing + each - 1) / each - 1) {
                Ok(ahead) if ahead < HORIZON_MONTHS => {
                    Reach::In(date::add_months(course.first, ahead))
                }
                _ => Reach::Never,
            },
        };
        prop_assert_eq!(found.completed, expected);
    }

    #[test]
    fn a_straight_line_goes_on(first in -1_000_i64..=1_000, step in -100_i64..=100, count in 2_i64..=6, ahead in 0_u32..600) {
        let months: Vec<i64> = (0..count).map(|at| first + step * at).collect();
        prop_assert_eq!(trend(&months, ahead), first + step * (count + i64::from(ahead)));
    }
}
