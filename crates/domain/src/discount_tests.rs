//! Tables and properties of discounts.

use proptest::prelude::*;

use super::*;
use crate::vat::{LineVat, VatClass, breakdown};

fn number(text: &str) -> Decimal {
    crate::decimal::parse(text).unwrap()
}

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

/// Amounts in words: `10.00 20.00`.
fn amounts(text: &str) -> Vec<Money> {
    text.split_whitespace().map(eur).collect()
}

/// A discount in words: `15 %`, `12.00`, `12.00 on 0 1`.
fn discount(text: &str) -> (Reduction, Scope) {
    let (value, scope) = match text.split_once(" on ") {
        Some((value, lines)) => {
            (value, Scope::Lines(lines.split(' ').map(|line| line.parse().unwrap()).collect()))
        }
        None => (text, Scope::All),
    };
    match value.strip_suffix(" %") {
        Some(percent) => (Reduction::Percentage { percent: number(percent) }, scope),
        None => (Reduction::Fixed { amount: eur(value) }, scope),
    }
}

fn applied(nets: &str, discounts: &[&str]) -> Discounted {
    let discounts: Vec<_> = discounts.iter().map(|text| discount(text)).collect();
    apply(Currency::EUR, &amounts(nets), &discounts).unwrap()
}

#[test]
fn discounts_are_spread_over_the_lines_in_proportion() {
    // lines, discounts, lines after
    let table: [(&str, &[&str], &str); 15] = [
        ("100.00", &[], "100.00"),
        ("100.00", &["15 %"], "85.00"),
        ("2.00 1.00", &["0.12"], "1.92 0.96"),
        ("0.01 0.01 0.01", &["0.02"], "0.00 0.00 0.01"),
        ("10.00 20.00 30.00", &["10.00"], "8.33 16.67 25.00"),
        ("10.00 20.00 30.00", &["6.00 on 1 2"], "10.00 17.60 26.40"),
        ("10.00 20.00", &["50 % on 0", "5.00 on 0"], "0.00 20.00"),
        // The percentage goes first, whatever the order in which they were given.
        ("100.00", &["10.00", "10 %"], "80.00"),
        ("100.00", &["10 %", "10.00"], "80.00"),
        // Each works on what the ones before it left.
        ("100.00", &["50 %", "50 %"], "25.00"),
        ("100.00", &["100 %", "50 %", "5.00"], "0.00"),
        // A percentage is rounded once, on the sum of its lines.
        ("0.03 0.03 0.03 0.03", &["10 %"], "0.02 0.03 0.03 0.03"),
        // Credits are not discounted.
        ("100.00 -40.00 0.00", &["10 %", "5.00"], "85.00 -40.00 0.00"),
        ("-40.00", &["10 %", "5.00"], "-40.00"),
        ("100.00", &["5.00 on 7", "5.00 on 0 0"], "95.00"),
    ];
    for (nets, discounts, expected) in table {
        assert_eq!(applied(nets, discounts).nets, amounts(expected), "{discounts:?} on {nets}");
    }
}

#[test]
fn what_a_fixed_discount_cannot_use_is_left() {
    // lines, discounts, used and left of each
    let table: [(&str, &[&str], &str, &str); 5] = [
        ("0.04 0.02", &["0.12"], "0.06", "0.06"),
        ("100.00", &["10.00", "110.00"], "10.00 90.00", "0.00 20.00"),
        ("100.00", &["60.00", "50 %"], "50.00 50.00", "10.00 0.00"),
        ("", &["5.00", "10 %"], "0.00 0.00", "5.00 0.00"),
        ("5.00 -9.00", &["7.00"], "5.00", "2.00"),
    ];
    for (nets, discounts, used, left) in table {
        let uses = applied(nets, discounts).uses;
        let computed = |amount: fn(&Use) -> Money| uses.iter().map(amount).collect::<Vec<_>>();
        assert_eq!(computed(|one| one.used), amounts(used), "{discounts:?} on {nets}");
        assert_eq!(computed(|one| one.left), amounts(left), "{discounts:?} on {nets}");
    }
}

#[test]
fn vat_is_computed_on_what_remains() {
    // Lines at 10 and 20 %, of two subscriptions; three fixed discounts, one after the other.
    let nets = "10.00 20.00 30.00 40.00 10.00 20.00 30.00 40.00";
    let discounted = applied(nets, &["20.00 on 0 1", "10.00 on 4 5 6 7", "5.00"]);
    let percent = [10, 20, 10, 10, 10, 20, 10, 10];
    let vat = |percent| LineVat { class: VatClass::Standard, percent: Decimal::from(percent) };
    let lines = percent.into_iter().map(vat).zip(discounted.nets);
    let rows = breakdown(Currency::EUR, lines).unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (row.base, row.tax)).collect();
    assert_eq!(shown, [(eur("141.06"), eur("14.11")), (eur("23.94"), eur("4.79"))]);
}

#[test]
fn a_discount_runs_once_for_some_periods_or_for_ever() {
    let table = [
        (Duration::Once, 0, true),
        (Duration::Once, 1, false),
        (Duration::Periods { count: 3 }, 2, true),
        (Duration::Periods { count: 3 }, 3, false),
        (Duration::Forever, u32::MAX, true),
    ];
    for (duration, used, applies) in table {
        assert_eq!(duration.applies_after(used), applies, "{duration:?} after {used}");
    }
}

#[test]
fn impossible_discounts_are_refused() {
    let check = |text: &str, duration| {
        let discount = Discount { reduction: discount(text).0, duration };
        discount.checked(Currency::EUR).map_err(|refused| refused.to_string())
    };
    assert!(check("100 %", Duration::Once).is_ok());
    assert!(check("0.01", Duration::Periods { count: 1 }).is_ok());
    let table = [
        (
            "100.01 %",
            Duration::Once,
            "a discount of 100.01 % is not possible: expected more than 0",
        ),
        ("0 %", Duration::Once, "a discount of 0 % is not possible"),
        ("-5 %", Duration::Once, "a discount of -5 % is not possible"),
        ("5.1234567 %", Duration::Once, "5.1234567 % has too many decimals: at most 6"),
        ("0.00", Duration::Once, "a discount of EUR 0.00 is not possible: expected more than zero"),
        ("-1.00", Duration::Forever, "a discount of EUR -1.00 is not possible"),
        ("5 %", Duration::Periods { count: 0 }, "a discount for 0 periods is not possible"),
        ("5 %", Duration::Periods { count: 1_201 }, "a discount for 1201 periods is not possible"),
    ];
    for (text, duration, expected) in table {
        let refused = check(text, duration).unwrap_err();
        assert!(refused.starts_with(expected), "{text}: {refused}");
    }
    let yen = Money::new(5, Currency::from_code("JPY").unwrap());
    let foreign =
        Discount { reduction: Reduction::Fixed { amount: yen }, duration: Duration::Once };
    let refused = foreign.checked(Currency::EUR).unwrap_err();
    assert_eq!(refused.to_string(), "a discount of JPY 5 does not fit an invoice in EUR");
    let mixed = apply(Currency::EUR, &amounts("1.00"), &[(foreign.reduction, Scope::All)]);
    assert!(matches!(mixed, Err(DiscountRefused::Currency { .. })));
    let lines_in_yen = apply(Currency::EUR, &[yen], &[discount("1 %")]);
    assert!(matches!(lines_in_yen, Err(DiscountRefused::Money(MoneyRefused::Mixed { .. }))));
    let unchecked = apply(Currency::EUR, &amounts("1.00"), &[discount("101 %")]);
    assert!(matches!(unchecked, Err(DiscountRefused::Percent { .. })));
    let many = vec![discount("1 %"); MAX_DISCOUNTS + 1];
    let refused = apply(Currency::EUR, &amounts("1.00"), &many);
    assert!(matches!(refused, Err(DiscountRefused::TooMany { given: 101 })));
}

fn any_discounts() -> impl Strategy<Value = Vec<(Reduction, Scope)>> {
    let reduction = prop_oneof![
        (1_i64..=10_000).prop_map(|part| Reduction::Percentage { percent: Decimal::new(part, 2) }),
        (1_i64..100_000)
            .prop_map(|minor| Reduction::Fixed { amount: Money::new(minor, Currency::EUR) }),
    ];
    let scope = prop_oneof![
        Just(Scope::All),
        proptest::collection::vec(0_usize..8, 0..5).prop_map(Scope::Lines),
    ];
    proptest::collection::vec((reduction, scope), 0..6)
}

proptest! {
    #[test]
    fn discounts_add_up_and_no_line_falls_below_zero(
        nets in proptest::collection::vec(-20_000_i64..100_000, 0..8),
        discounts in any_discounts(),
    ) {
        let nets: Vec<Money> = nets.into_iter().map(|minor| Money::new(minor, Currency::EUR)).collect();
        let discounted = apply(Currency::EUR, &nets, &discounts).unwrap();
        prop_assert_eq!(discounted.uses.len(), discounts.len());
        for (position, net) in nets.iter().enumerate() {
            let after = discounted.nets[position];
            let off = discounted.off(position, Currency::EUR).unwrap();
            prop_assert_eq!(after.minor() + off.minor(), net.minor());
            prop_assert!(off.minor() >= 0);
            prop_assert!(after.minor() >= 0 || after == *net, "credits stay as they are");
        }
        for (one, (reduction, scope)) in discounted.uses.iter().zip(&discounts) {
            let shares = one.shares.iter().copied();
            prop_assert_eq!(Money::sum(Currency::EUR, shares).unwrap(), one.used);
            prop_assert!(one.left.minor() >= 0);
            for (position, share) in one.shares.iter().enumerate() {
                prop_assert!(share.minor() >= 0 && (share.is_zero() || scope.has(position)));
            }
            match reduction {
                Reduction::Percentage { .. } => prop_assert!(one.left.is_zero()),
                Reduction::Fixed { amount } => {
                    prop_assert_eq!(one.used.checked_add(one.left).unwrap(), *amount);
                }
            }
        }
    }

    #[test]
    fn the_order_in_which_kinds_are_given_does_not_matter(
        nets in proptest::collection::vec(0_i64..100_000, 1..8),
        discounts in any_discounts(),
    ) {
        let nets: Vec<Money> = nets.into_iter().map(|minor| Money::new(minor, Currency::EUR)).collect();
        let is_fixed = |one: &(Reduction, Scope)| matches!(one.0, Reduction::Fixed { .. });
        let (mut fixed, percentages): (Vec<_>, Vec<_>) = discounts.iter().cloned().partition(is_fixed);
        fixed.extend(percentages);
        let given = apply(Currency::EUR, &nets, &discounts).unwrap();
        let fixed_first = apply(Currency::EUR, &nets, &fixed).unwrap();
        prop_assert_eq!(given.nets, fixed_first.nets);
    }
}
