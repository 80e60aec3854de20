//! Tables and properties of price models.

use proptest::prelude::*;

use super::*;
use crate::date::Date;

fn number(text: &str) -> Decimal {
    crate::decimal::parse(text).unwrap()
}

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

/// A tier in words: `to 10: 5 + 3 per 100` is up to 10, unit price 5, flat fee 3, blocks of 100;
/// `rest: 4` is open.
fn tier(text: &str) -> Tier {
    let (bound, price) = text.split_once(": ").unwrap();
    let (price, block) = match price.split_once(" per ") {
        Some((price, block)) => (price, Some(number(block))),
        None => (price, None),
    };
    let (unit_price, flat_fee) = price.split_once(" + ").unwrap_or((price, "0"));
    Tier {
        up_to: bound.strip_prefix("to ").map(number),
        unit_price: number(unit_price),
        flat_fee: number(flat_fee),
        block,
    }
}

/// A model in words: `graduated | to 10: 5 | rest: 4`, `package 10 at 15, free 5`.
fn model(text: &str) -> PriceModel {
    if let Some((kind, tiers)) = text.split_once(" | ") {
        let tiers = tiers.split(" | ").map(tier).collect();
        return match kind {
            "graduated" => PriceModel::Graduated { tiers },
            _ => PriceModel::Volume { tiers },
        };
    }
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        ["flat", amount] => PriceModel::Flat { amount: number(amount) },
        ["unit", price] => PriceModel::PerUnit { unit_price: number(price) },
        ["percent", percent] => PriceModel::Percentage { percent: number(percent) },
        ["package", size, "at", price, "free", free] => PriceModel::Package {
            size: number(size),
            unit_price: number(price),
            free: number(free),
        },
        _ => panic!("{text}"),
    }
}

const GRADUATED: &str = "graduated | to 5: 0 + 100 | to 10: 0 + 50 | to 15: 5 | rest: 1";
const VOLUME: &str = "volume | to 100: 2 + 10 | to 200: 1 | rest: 0.5 + 50";
const BLOCKS: &str = "graduated | to 1000: 1 per 100 | rest: 1 per 1000";

#[test]
fn a_quantity_has_an_exact_amount() {
    let table = [
        ("flat 49.00", "7", "49.00"),
        ("unit 2.5", "7", "17.5"),
        ("unit 0.00012345", "3", "0.00037035"),
        ("percent 2.9", "4", "0.116"),
        ("percent 100", "12.34", "12.34"),
        // Upper bounds are inclusive; the first tier is reached at nothing.
        (GRADUATED, "0", "100"),
        (GRADUATED, "5", "100"),
        (GRADUATED, "5.001", "150"),
        (GRADUATED, "12", "160"),
        (GRADUATED, "22", "182"),
        (VOLUME, "0", "10"),
        (VOLUME, "100", "210"),
        (VOLUME, "101", "101"),
        (VOLUME, "200", "200"),
        (VOLUME, "300", "200"),
        // A started block counts whole; blocks start again in each tier.
        (BLOCKS, "0", "0"),
        (BLOCKS, "100", "1"),
        (BLOCKS, "100.01", "2"),
        (BLOCKS, "1000", "10"),
        (BLOCKS, "1000.5", "11"),
        (BLOCKS, "5325", "15"),
        ("volume | to 1000: 1 per 100 | rest: 0.5 per 1000", "101001", "51"),
        ("package 10 at 100 free 0", "0", "0"),
        ("package 10 at 100 free 0", "0.1", "100"),
        ("package 10 at 100 free 0", "120", "1200"),
        ("package 10 at 100 free 0", "121", "1300"),
        ("package 10 at 100 free 10", "121", "1200"),
        ("package 10 at 100 free 200", "121", "0"),
        ("package 0.3 at 1 free 0", "0.9", "3"),
        ("package 3 at 1 free 0", "1000000000", "333333334"),
        // Less than nothing is nothing.
        ("unit 2.5", "-7", "0"),
        (GRADUATED, "-7", "100"),
        ("package 10 at 100 free 0", "-7", "0"),
    ];
    for (words, quantity, amount) in table {
        let exact = model(words).checked(Currency::EUR).unwrap().exact(number(quantity)).unwrap();
        assert_eq!(exact, number(amount), "{quantity} at {words}");
    }
}

#[test]
fn an_amount_is_rounded_once() {
    let table = [
        ("unit 0.0333", "10", "0.33"),
        ("unit 0.0335", "10", "0.34"),
        ("graduated | to 1: 0.004 | rest: 0.004", "2", "0.01"),
        ("percent 1.3", "800.5", "10.41"),
    ];
    for (words, quantity, amount) in table {
        let rounded = model(words).amount(number(quantity), Currency::EUR).unwrap();
        assert_eq!(rounded, eur(amount), "{quantity} at {words}");
    }
}

#[test]
fn further_units_go_on_in_the_tiers_where_the_earlier_ones_stood() {
    // model, before, now, what now costs
    let table = [
        (GRADUATED, "12", "10", "22"),
        (GRADUATED, "0", "5", "0"),
        (GRADUATED, "5", "1", "50"),
        ("package 10 at 15 free 0", "0", "5", "15"),
        ("package 10 at 15 free 0", "5", "5", "0"),
        ("package 10 at 15 free 0", "60", "50", "75"),
        (VOLUME, "100", "1", "-109"),
        ("flat 49", "3", "4", "0"),
    ];
    for (words, before, now, amount) in table {
        let difference = model(words).difference(number(before), number(now)).unwrap();
        assert_eq!(difference, number(amount), "{now} after {before} at {words}");
    }
}

#[test]
fn tiers_show_what_each_contributes() {
    let shown = |words: &str, quantity: &str| {
        let parts = model(words).parts(number(quantity)).unwrap();
        let show = |part: &TierPart| {
            format!("{}: {} for {}", part.tier, part.quantity.normalize(), part.amount.normalize())
        };
        parts.iter().map(show).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(shown(GRADUATED, "22"), "1: 5 for 100, 2: 5 for 50, 3: 5 for 25, 4: 7 for 7");
    assert_eq!(shown(GRADUATED, "0"), "1: 0 for 100");
    assert_eq!(shown(VOLUME, "150"), "2: 150 for 150");
    assert_eq!(shown("unit 2", "3"), "1: 3 for 6");
}

#[test]
fn what_is_missing_to_the_minimum_is_charged() {
    // minimum, charged, days of the part of a period of 31 days, true-up
    let table = [
        ("1000.00", "750.00", 31, "250.00"),
        ("1000.00", "1000.01", 31, "0.00"),
        ("200.00", "0.00", 30, "193.55"),
        ("200.00", "193.55", 30, "0.00"),
        ("200.00", "0.00", 0, "0.00"),
        ("0.00", "0.00", 31, "0.00"),
        ("10.00", "-5.00", 31, "15.00"),
    ];
    let start: Date = "2025-01-01".parse().unwrap();
    let whole = Period { start, end: crate::date::add_days(start, 31) };
    for (least, charged, days, expected) in table {
        let part = Period { end: crate::date::add_days(start, days), ..whole };
        let least = minimum(number(least), Currency::EUR).unwrap();
        let computed = true_up(least, eur(charged), whole, part).unwrap();
        assert_eq!(computed, eur(expected), "{least} less {charged} for {days} days");
    }
    assert!(minimum(number("0.001"), Currency::EUR).is_err());
    assert!(minimum(number("-1"), Currency::EUR).is_err());
}

#[test]
fn impossible_prices_are_refused() {
    let table = [
        ("flat 1.005", "amount: 1.005 has too many decimals: at most 2"),
        ("flat -1", "amount: -1 is negative: expected zero or more"),
        ("unit 0.000000001", "unit_price: 0.000000001 has too many decimals: at most 8"),
        ("unit 1000000001", "unit_price: 1000000001 is too large: at most 1000000000"),
        ("percent 100.01", "percent: 100.01 is too large: at most 100"),
        ("percent 0.1234567", "percent: 0.1234567 has too many decimals: at most 6"),
        ("package 0 at 1 free 0", "size: a size of 0 is not possible: expected more than zero"),
        ("package 1 at 1 free -1", "free: -1 is negative: expected zero or more"),
        ("graduated | to 5: 1", "tiers[0].up_to: the last tier ends at 5: expected no upper bound"),
        (
            "volume | rest: 1 | rest: 2",
            "tiers[0].up_to: tier 1 has no upper bound and is not the last",
        ),
        (
            "graduated | to 5: 1 | to 5: 2 | rest: 3",
            "tiers[1].up_to: tier 2 ends at 5 and overlaps",
        ),
        ("volume | to 9: 1 | to 5: 2 | rest: 3", "tiers[1].up_to: tier 2 ends at 5 and overlaps"),
        (
            "graduated | to 0: 1 | rest: 3",
            "tiers[0].up_to: tier 1 ends at 0 and overlaps the one before it: expected more than 0",
        ),
        ("graduated | to 5: -1 | rest: 3", "tiers[0].unit_price: -1 is negative"),
        ("graduated | to 5: 1 | rest: 3 + 0.001", "tiers[1].flat_fee: 0.001 has too many decimals"),
        ("graduated | rest: 3 per 0", "tiers[0].block: a size of 0 is not possible"),
        (
            "graduated | to 0.0000001: 3 | rest: 1",
            "tiers[0].up_to: 0.0000001 has too many decimals",
        ),
    ];
    for (words, expected) in table {
        let refused = model(words).checked(Currency::EUR).unwrap_err();
        let refused = format!("{}: {refused}", refused.path());
        assert!(refused.starts_with(expected), "{words}: {refused}");
    }
    for tiers in [vec![], vec![tier("rest: 1"); MAX_TIERS + 1]] {
        let refused = PriceModel::Graduated { tiers }.checked(Currency::EUR).unwrap_err();
        assert!(matches!(refused, ModelRefused::TierCount { .. }), "{refused}");
        assert_eq!(refused.path(), "tiers");
    }
}

#[test]
fn stored_models_are_read_as_before_and_strictly() {
    let same = [
        (r#"{"kind":"flat","amount":"49.00"}"#, model("flat 49.00")),
        (r#"{"kind":"per_unit","unit_price":"2.5"}"#, model("unit 2.5")),
        (r#"{"kind":"percentage","percent":"2.9"}"#, model("percent 2.9")),
        (
            r#"{"kind":"package","size":"10","unit_price":"15","free":"5"}"#,
            model("package 10 at 15 free 5"),
        ),
        (
            r#"{"kind":"graduated","tiers":[{"up_to":"10","unit_price":"5","flat_fee":"3","block":"2"},{"unit_price":"4"}]}"#,
            model("graduated | to 10: 5 + 3 per 2 | rest: 4"),
        ),
        (r#"{"kind":"volume","tiers":[{"unit_price":"4"}]}"#, model("volume | rest: 4")),
    ];
    for (json, expected) in same {
        assert_eq!(serde_json::from_str::<PriceModel>(json).unwrap(), expected, "{json}");
        assert_eq!(serde_json::to_string(&expected).unwrap(), json);
    }
    // What plan::PriceModel writes is read here, and the other way round.
    let old = crate::plan::PriceModel::Flat { amount: number("49.00") };
    let json = serde_json::to_string(&old).unwrap();
    assert_eq!(serde_json::from_str::<PriceModel>(&json).unwrap(), model("flat 49.00"));
    for json in [
        r#"{"kind":"flat","amount":49.10}"#,
        r#"{"kind":"flat","amount":"4e1"}"#,
        r#"{"kind":"flat","amount":"49","currency":"EUR"}"#,
        r#"{"kind":"flat"}"#,
        r#"{"kind":"stairs","amount":"49"}"#,
        r#"{"kind":"volume","tiers":[{"unit_price":"4","to":"5"}]}"#,
    ] {
        assert!(serde_json::from_str::<PriceModel>(json).is_err(), "{json}");
    }
}

#[test]
fn a_line_prints_quantity_times_price_only_where_that_is_the_amount() {
    let table = [
        ("flat 49", "49", true, false),
        ("unit 2.5", "2.5", true, true),
        ("percent 2.9", "0.029", true, true),
        ("package 10 at 15 free 0", "15", false, true),
        ("volume | to 5: 7 | rest: 6", "7", false, true),
    ];
    for (words, unit_price, linear, counts) in table {
        let model = model(words);
        let shown = (model.unit_price(), model.is_linear(), model.counts_units());
        assert_eq!(shown, (number(unit_price), linear, counts), "{words}");
    }
}

#[test]
fn what_cannot_be_held_exactly_is_refused() {
    let fine = model("unit 999999999.99999999");
    assert_eq!(fine.exact(number("999999999.999999")), Err(MoneyRefused::Overflow));
    assert!(fine.exact(number("1000000000")).is_ok());
    let large = model("unit 1000000000").amount(number("1000000000"), Currency::EUR);
    assert_eq!(large, Err(MoneyRefused::Overflow));
    assert_eq!(
        times(number("0.00000000000001"), number("0.000000000000001")),
        Err(MoneyRefused::Overflow)
    );
    assert_eq!(
        plus(number("79228162514264337593543950335"), number("0.1")),
        Err(MoneyRefused::Overflow)
    );
}

fn any_tiers(flat_fees: bool, blocks: bool) -> impl Strategy<Value = Vec<Tier>> {
    let step = (1_i64..500_000, 0_i64..100_000, 0_i64..5_000, proptest::option::of(1_i64..5_000));
    proptest::collection::vec(step, 1..8).prop_map(move |steps| {
        let last = steps.len() - 1;
        let mut bound = 0;
        let tiers = steps.into_iter().enumerate().map(|(position, (width, unit, flat, block))| {
            bound += width;
            Tier {
                up_to: (position < last).then(|| Decimal::new(bound, 3)),
                unit_price: Decimal::new(unit, 4),
                flat_fee: if flat_fees { Decimal::new(flat, 2) } else { Decimal::ZERO },
                block: block.filter(|_| blocks).map(|block| Decimal::new(block, 1)),
            }
        });
        tiers.collect()
    })
}

fn any_model() -> impl Strategy<Value = PriceModel> {
    prop_oneof![
        any_tiers(true, true).prop_map(|tiers| PriceModel::Graduated { tiers }),
        any_tiers(true, true).prop_map(|tiers| PriceModel::Volume { tiers }),
        (1_i64..9_999, 0_i64..99_999, 0_i64..9_999).prop_map(|(size, price, free)| {
            PriceModel::Package {
                size: Decimal::new(size, 2),
                unit_price: Decimal::new(price, 3),
                free: Decimal::new(free, 1),
            }
        }),
        (0_i64..10_000).prop_map(|part| PriceModel::Percentage { percent: Decimal::new(part, 2) }),
        (0_i64..10_000).prop_map(|unit| PriceModel::PerUnit { unit_price: Decimal::new(unit, 6) }),
    ]
}

fn units(thousandths: i64) -> Decimal {
    Decimal::new(thousandths, 3)
}

proptest! {
    #[test]
    fn every_model_is_accepted_and_survives_its_json(model in any_model()) {
        let model = model.checked(Currency::EUR).unwrap();
        let json = serde_json::to_string(&model).unwrap();
        prop_assert_eq!(serde_json::from_str::<PriceModel>(&json).unwrap(), model);
    }

    #[test]
    fn more_never_costs_less_but_in_volume_tiers(
        model in any_model(), a in 0_i64..4_000_000, more in 0_i64..1_000_000,
    ) {
        let less = model.exact(units(a)).unwrap();
        prop_assert!(less >= Decimal::ZERO);
        if !matches!(model, PriceModel::Volume { .. }) {
            prop_assert!(model.exact(units(a + more)).unwrap() >= less);
        }
    }

    #[test]
    fn graduated_prices_do_not_jump(tiers in any_tiers(false, false), a in 0_i64..4_000_000) {
        let dearest = tiers.iter().map(|tier| tier.unit_price).max().unwrap();
        let model = PriceModel::Graduated { tiers };
        let step = model.difference(units(a), units(1)).unwrap();
        prop_assert!(step >= Decimal::ZERO && step <= dearest * units(1));
    }

    #[test]
    fn differences_add_up_to_the_total(
        model in any_model(), pieces in proptest::collection::vec(0_i64..700_000, 1..8),
    ) {
        let mut before = Decimal::ZERO;
        let mut sum = model.exact(before).unwrap();
        for piece in pieces.into_iter().map(units) {
            sum += model.difference(before, piece).unwrap();
            before += piece;
        }
        prop_assert_eq!(sum, model.exact(before).unwrap());
    }

    #[test]
    fn the_parts_of_tiers_cover_the_quantity(model in any_model(), a in 0_i64..4_000_000) {
        let parts = model.parts(units(a)).unwrap();
        prop_assert_eq!(parts.iter().map(|part| part.quantity).sum::<Decimal>(), units(a));
        let amounts = parts.iter().map(|part| part.amount).sum::<Decimal>();
        prop_assert_eq!(amounts, model.exact(units(a)).unwrap());
    }

    #[test]
    fn charged_and_true_up_never_fall_below_the_minimum(
        least in 0_i64..1_000_000, charged in 0_i64..1_000_000, days in 0_i64..=30,
    ) {
        let start: Date = "2025-04-01".parse().unwrap();
        let whole = Period { start, end: crate::date::add_days(start, 30) };
        let part = Period { end: crate::date::add_days(start, days), ..whole };
        let minimum = Money::new(least, Currency::EUR);
        let charged = Money::new(charged, Currency::EUR);
        let extra = true_up(minimum, charged, whole, part).unwrap();
        let needed = prorate(minimum, whole, part).unwrap();
        prop_assert!(extra.minor() >= 0);
        prop_assert_eq!((charged.minor() + extra.minor()).max(needed.minor()), charged.minor() + extra.minor());
        prop_assert!(extra.is_zero() || charged.minor() + extra.minor() == needed.minor());
    }
}
