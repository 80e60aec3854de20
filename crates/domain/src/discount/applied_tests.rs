//! Tables of discounts on subscriptions.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::*;
use crate::money::Money;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn product(number: u128) -> ProductId {
    ProductId(Uuid::from_u128(number))
}

fn offer(duration: Duration) -> DiscountOffer {
    DiscountOffer {
        id: DiscountId(Uuid::from_u128(9)),
        code: "SPRING".into(),
        name: "Spring".into(),
        discount: Discount { reduction: Reduction::Percentage { percent: Decimal::TEN }, duration },
        target: Target::default(),
        valid_from: Some(day("2025-03-01")),
        valid_until: Some(day("2025-06-01")),
        retired_on: None,
    }
}

fn items() -> Vec<(ProductId, String)> {
    vec![(product(1), "base".into()), (product(2), "seats".into())]
}

fn onto<'a>(items: &'a [(ProductId, String)], discounts: &'a [AppliedDiscount]) -> Onto<'a> {
    Onto {
        id: AppliedDiscountId(Uuid::nil()),
        subscription_id: SubscriptionId(Uuid::nil()),
        currency: Currency::EUR,
        billed_until: day("2025-04-15"),
        ends_on: None,
        items,
        discounts,
        from_on: None,
    }
}

fn applied(offer: &DiscountOffer) -> AppliedDiscount {
    offer.apply(&onto(&items(), &[]), day("2025-04-01")).unwrap()
}

#[test]
fn a_discount_runs_from_its_first_day_in_so_many_periods() {
    let table = [
        (Duration::Once, 0, "2025-04-01", true),
        (Duration::Once, 0, "2025-03-31", false),
        (Duration::Once, 1, "2025-05-01", false),
        (Duration::Periods { count: 3 }, 2, "2025-06-01", true),
        (Duration::Periods { count: 3 }, 3, "2025-07-01", false),
        (Duration::Forever, 1_000, "2099-01-01", true),
    ];
    for (duration, used, on, expected) in table {
        let mut discount = applied(&offer(duration));
        for _ in 0..used {
            discount.mark_used(day("2025-04-15"));
        }
        assert_eq!(discount.runs_on(day(on)), expected, "{duration:?} after {used} on {on}");
        assert_eq!(discount.runs_after(day(on), used), expected);
    }
}

#[test]
fn a_removed_discount_runs_no_longer_and_is_not_removed_again() {
    let mut discount = applied(&offer(Duration::Forever));
    assert_eq!(discount.remove(day("2025-05-10")), Ok(day("2025-05-10")));
    assert!(discount.runs_on(day("2025-05-09")));
    assert!(!discount.runs_on(day("2025-05-10")));
    let again = discount.remove(day("2025-05-11")).unwrap_err();
    assert_eq!(again.to_string(), "the discount was removed: it ended on 2025-05-10");
    let mut to_come = AppliedDiscount { from_on: day("2025-08-01"), ended_on: None, ..discount };
    assert_eq!(to_come.remove(day("2025-05-10")), Ok(day("2025-08-01")), "it never runs");
    assert!(!to_come.runs_on(day("2025-08-01")));
}

#[test]
fn applied_again_it_goes_on_counting() {
    let offer = offer(Duration::Periods { count: 2 });
    let mut first = applied(&offer);
    let there = [first.clone()];
    let twice = offer.apply(&onto(&items(), &there), day("2025-04-02")).unwrap_err();
    assert_eq!(
        twice.to_string(),
        "discount \"SPRING\" is on the subscription already, since 2025-04-01"
    );
    first.mark_used(day("2025-04-15"));
    first.remove(day("2025-04-20")).unwrap();
    let mut second = offer.apply(&onto(&items(), &[first.clone()]), day("2025-04-21")).unwrap();
    assert_eq!(second.used, 1);
    second.mark_used(day("2025-05-15"));
    second.remove(day("2025-05-01")).unwrap();
    let refused = offer.apply(&onto(&items(), &[first, second]), day("2025-05-02")).unwrap_err();
    assert_eq!(refused, ApplyRefused::UsedUp { code: "SPRING".into(), used: 2 });
}

#[test]
fn what_a_discount_is_taken_off() {
    let seats = Target { products: vec![], components: vec!["seats".into()] };
    let first = Target { products: vec![product(1)], components: vec![] };
    let both = Target { components: vec!["seats".into()], ..first.clone() };
    for (target, base, of_seats) in [
        (Target::default(), true, true),
        (seats, false, true),
        (first, true, false),
        (both, true, true),
    ] {
        let found = (target.has(product(1), "base"), target.has(product(2), "seats"));
        assert_eq!(found, (base, of_seats), "{target:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    type Spoil = fn(&mut DiscountOffer, &mut Onto<'_>);
    let table: [(Spoil, &str); 9] = [
        (|_, _| (), "applied"),
        (|it, _| it.retired_on = Some(day("2025-04-01")), "discount \"SPRING\" is retired since"),
        (
            |it, _| it.valid_from = Some(day("2025-04-02")),
            "discount \"SPRING\" may be applied from",
        ),
        (|it, _| it.valid_until = Some(day("2025-04-01")), "discount \"SPRING\" has expired"),
        (|_, onto| onto.ends_on = Some(day("2025-04-01")), "the subscription ended on 2025-04-01"),
        (|it, _| it.target.components = vec!["disk".into()], "discount \"SPRING\" is for none of"),
        (
            |it, _| {
                let amount = Money::parse("5.00", Currency::from_code("USD").unwrap()).unwrap();
                it.discount.reduction = Reduction::Fixed { amount };
            },
            "a discount of USD 5.00 does not fit an invoice in EUR",
        ),
        (|_, onto| onto.from_on = Some(day("2025-03-31")), "2025-03-31 lies in periods that are"),
        (|_, onto| onto.from_on = Some(day("2026-01-01")), "applied"),
    ];
    for (spoil, expected) in table {
        let (mut offer, items) = (offer(Duration::Once), items());
        let mut onto = onto(&items, &[]);
        spoil(&mut offer, &mut onto);
        let found = offer.apply(&onto, day("2025-04-01"));
        let found = found.map_or_else(|refused| refused.to_string(), |_| "applied".into());
        assert!(found.starts_with(expected), "{found} instead of {expected}");
    }
    let one = applied(&offer(Duration::Once));
    let full: Vec<AppliedDiscount> = (0..MAX_RUNNING as u128)
        .map(|at| {
            let id = DiscountId(Uuid::from_u128(100 + at));
            AppliedDiscount { offer: DiscountOffer { id, ..one.offer.clone() }, ..one.clone() }
        })
        .collect();
    let refused = one.offer.apply(&onto(&items(), &full), day("2025-04-01")).unwrap_err();
    assert_eq!(refused, ApplyRefused::TooMany { running: MAX_RUNNING });
}

#[test]
fn a_discount_is_checked_by_itself() {
    let mut discount = offer(Duration::Once);
    assert!(discount.check_validity().is_ok() && discount.check_discount().is_ok());
    discount.valid_until = discount.valid_from;
    assert_eq!(
        discount.check_validity().unwrap_err().to_string(),
        "2025-03-01 is not after the first day, 2025-03-01: expected a later day"
    );
    discount.discount.reduction = Reduction::Percentage { percent: Decimal::from(101) };
    assert!(matches!(discount.check_discount(), Err(DiscountRefused::Percent { .. })));
}

#[test]
fn durations_have_two_parts() {
    for duration in [Duration::Once, Duration::Periods { count: 3 }, Duration::Forever] {
        assert_eq!(Duration::from_parts(duration.kind(), duration.count()), Some(duration));
    }
    assert_eq!(Duration::from_parts(DurationKind::Once, Some(1)), None);
    assert_eq!(Duration::from_parts(DurationKind::Periods, None), None);
}

#[test]
fn a_period_that_was_counted_keeps_its_discount() {
    let mut discount = applied(&offer(Duration::Once));
    discount.from_on = day("2025-04-10");
    let table = [("2025-04-09", Has::Not), ("2025-04-10", Has::New), ("2025-05-10", Has::New)];
    for (start, expected) in table {
        assert_eq!(discount.has(day(start)), expected, "{start}, unused");
    }
    discount.mark_used(day("2025-05-10"));
    discount.ended_on = Some(day("2025-05-12"));
    let table = [
        ("2025-04-09", Has::Not),
        ("2025-05-10", Has::Counted),
        ("2025-05-11", Has::Not),
        ("2025-06-10", Has::Not),
    ];
    for (start, expected) in table {
        assert_eq!(discount.has(day(start)), expected, "{start}, used on 10 May");
    }
}
