//! Any life with usage and discounts: totals stay exact, the order of usage does not matter, and a
//! preview is what the runs make.

use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::property_tests::{check_books, check_future, check_keys, daily};
use super::world::{NOTHING, World, day, flat, per_unit, version};
use super::*;
use crate::date;
use crate::decimal;
use crate::discount::{self, AppliedDiscount, DiscountOffer, Duration, Reduction, Target};
use crate::id::{AppliedDiscountId, DiscountId, MeterId};
use crate::period::{Alignment, Unit};
use crate::plan::{PlanVersion, Timing};
use crate::price::{PriceModel, Tier};
use crate::subscription::CancelWhen;

/// Seats in advance or in arrears, and calls that a meter counts.
fn offer(number: i32, (months, timing): (u32, Timing), minimum: Option<i64>) -> PlanVersion {
    let tier = |up_to: Option<i64>, price: &str| Tier {
        up_to: up_to.map(Decimal::from),
        unit_price: decimal::parse(price).unwrap(),
        flat_fee: Decimal::ZERO,
        block: None,
    };
    let calls = PriceModel::Graduated { tiers: vec![tier(Some(10), "1.005"), tier(None, "0.333")] };
    let prices = vec![
        (flat(&format!("{}.99", 10 * number)), None),
        (per_unit("4.995"), None),
        (calls, minimum),
    ];
    let mut version = version(number, (months, Unit::Month), timing, prices);
    version.prices[2].meter_id = Some(MeterId(Uuid::from_u128(7)));
    version
}

fn versions(minimum: Option<i64>) -> Vec<PlanVersion> {
    vec![
        offer(1, (1, Timing::InAdvance), minimum),
        offer(2, (1, Timing::InArrears), minimum),
        offer(3, (3, Timing::InAdvance), None),
    ]
}

/// Something that happens; days count from the day on which it happens.
#[derive(Debug, Clone)]
enum Step {
    Pass(i64),
    Change { version: usize, seats: Option<i64>, after: i64 },
    Pause { after: i64, days: i64 },
    Cancel { after: i64, credit: bool },
    Undo,
    Discount { percent: bool, amount: u32, periods: Option<u32>, target: usize },
    Count { ago: i64, quantity: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_i64..45).prop_map(Step::Pass),
        3 => (0_usize..3, proptest::option::of(0_i64..9), 0_i64..40)
            .prop_map(|(version, seats, after)| Step::Change { version, seats, after }),
        2 => (0_i64..30, 1_i64..50).prop_map(|(after, days)| Step::Pause { after, days }),
        1 => (0_i64..60, any::<bool>()).prop_map(|(after, credit)| Step::Cancel { after, credit }),
        1 => Just(Step::Undo),
        3 => (any::<bool>(), 1_u32..10_000, proptest::option::of(1_u32..4), 0_usize..3)
            .prop_map(|(percent, amount, periods, target)| {
                Step::Discount { percent, amount, periods, target }
            }),
        6 => (0_i64..70, 0_u32..30).prop_map(|(ago, quantity)| Step::Count { ago, quantity }),
    ]
}

fn discounted(world: &mut World, percent: bool, amount: u32, periods: Option<u32>, target: usize) {
    let reduction = match percent {
        true => Reduction::Percentage { percent: Decimal::new(i64::from(amount), 2) },
        false => Reduction::Fixed { amount: Money::new(i64::from(amount), Currency::EUR) },
    };
    let duration = periods.map_or(Duration::Forever, |count| Duration::Periods { count });
    let component = [None, Some("seats"), Some("extra")][target];
    let components = component.map(str::to_owned).into_iter().collect();
    let target = Target { components, ..Target::default() };
    let offer = DiscountOffer {
        id: DiscountId(world.fresh()),
        code: "SPRING".into(),
        name: "Spring".into(),
        discount: discount::Discount { reduction, duration },
        target,
        valid_from: None,
        valid_until: None,
        retired_on: None,
    };
    let applied = AppliedDiscount {
        id: AppliedDiscountId(world.fresh()),
        subscription_id: world.subscription.id,
        offer,
        from_on: world.subscription.billed_until().max(world.today),
        ended_on: None,
        used: 0,
        last_on: None,
    };
    world.discounts.push(applied);
}

fn take(world: &mut World, step: &Step) {
    let today = world.today;
    let on = |after: i64| date::add_days(today, after);
    match *step {
        Step::Pass(days) => daily(world, days, true),
        Step::Change { version, seats, after } => {
            world.change(version, seats, on(after));
        }
        Step::Pause { after, days } => {
            world.pause(on(after), Some(on(after + days)));
        }
        Step::Cancel { after, credit } => {
            world.cancel(CancelWhen::On { day: on(after), credit });
        }
        Step::Undo => {
            world.undo();
        }
        Step::Discount { percent, amount, periods, target } => {
            discounted(world, percent, amount, periods, target);
        }
        Step::Count { ago, quantity } => world.counted.push((on(-ago), quantity.into())),
    }
}

/// The sums of every document, to the cent; no line above what it costs or below nothing.
fn check_totals(world: &World) {
    for draft in &world.documents {
        let nets = draft.lines.iter().map(|line| line.charge.net);
        assert_eq!(draft.net, Money::sum(Currency::EUR, nets).unwrap());
        assert_eq!(draft.total, draft.net.checked_add(draft.tax).unwrap());
        for line in &draft.lines {
            let (net, off) = (line.charge.net.minor(), line.charge.discount.minor());
            match line.charge.kind {
                LineKind::UsageCorrection => assert_eq!(off, 0),
                _ if line.charge.corrects.is_some() => assert!(net <= 0 && off <= 0),
                _ => assert!(net >= 0 && off >= 0, "{net} and {off} taken off"),
            }
        }
    }
}

/// What usage comes to: each billed period costs what its total costs, with its minimum.
fn check_usage(world: &World) {
    for period in world.usage.values() {
        let price = world.price_of(period.item_id);
        let own = world.counted.iter().filter(|(day, _)| period.period.contains(*day));
        let quantity: Decimal = own.map(|(_, quantity)| *quantity).sum();
        let cost = price.model.amount(quantity, Currency::EUR).unwrap();
        let expected = cost.minor().max(period.minimum.minor());
        let lines = world.lines().filter(|line| {
            line.charge.origin.item_id() == Some(period.item_id)
                && line.charge.service == period.period
        });
        let gross: i64 = lines
            .filter(|line| line.charge.kind != LineKind::Recurring)
            .map(|line| line.charge.net.minor() + line.charge.discount.minor())
            .sum();
        assert_eq!((period.quantity, gross), (quantity, expected), "{:?}", period.period);
    }
}

fn live(world: &mut World, steps: &[Step]) {
    world.run();
    for step in steps {
        take(world, step);
    }
    check_future(world, 100);
    daily(world, 120, true);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn totals_are_exact_whatever_is_counted_changed_and_taken_off(
        steps in proptest::collection::vec(step(), 1..12),
        minimum in proptest::option::of(500_i64..2_000),
        first in 0_usize..3,
    ) {
        let mut versions = versions(minimum);
        versions.rotate_left(first);
        let mut world = World::new(versions, day("2024-01-31"), Alignment::OwnDay);
        live(&mut world, &steps);
        check_totals(&world);
        check_usage(&world);
        check_keys(&world);
        check_books(&world);
    }

    #[test]
    fn usage_in_any_order_early_or_late_costs_the_same(
        usage in proptest::collection::vec((0_i64..100, 0_u32..30, 0_i64..60), 1..20),
        minimum in proptest::option::of(500_i64..2_000),
    ) {
        let start = day("2024-01-31");
        let version = offer(1, (1, Timing::InAdvance), minimum);
        let world = World::new(vec![version], start, Alignment::OwnDay);
        let (mut at_once, mut late) = (world.clone(), world);
        for passed in 0..200 {
            for (after, quantity, delay) in &usage {
                let event = (date::add_days(start, *after), Decimal::from(*quantity));
                if *after == passed {
                    at_once.counted.push(event);
                }
                if after + delay == passed {
                    late.counted.push(event);
                }
            }
            daily(&mut at_once, 1, true);
            daily(&mut late, 1, true);
        }
        let net = |world: &World| {
            Money::sum(Currency::EUR, world.documents.iter().map(|draft| draft.net)).unwrap()
        };
        prop_assert_eq!(net(&at_once), net(&late));
        check_totals(&late);
        check_usage(&late);
        check_keys(&late);
        prop_assert!(late.balance.minor() >= NOTHING.minor());
    }
}
