//! Any life of a subscription: changes, pauses, resumptions, ends, taken back again, with runs in
//! between; and what must hold of its documents, entries and days whatever happened.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::world::{NOTHING, World, day, flat, per_unit, version};
use super::*;
use crate::date;
use crate::decimal;
use crate::ledger::Account as LedgerAccount;
use crate::period::{Alignment, Unit, prorate_exact};
use crate::plan::{PlanVersion, Timing};
use crate::price::{PriceModel, Tier};
use crate::subscription::{CancelWhen, Item};

/// Something that happens; days count from the day on which it happens.
#[derive(Debug, Clone)]
enum Step {
    Pass { days: i64 },
    Change { version: usize, seats: Option<i64>, after: i64 },
    Pause { after: i64, days: Option<i64> },
    Resume { after: i64 },
    Cancel { after: i64, credit: bool },
    CancelAtPeriodEnd,
    Suspend,
    Restore,
    Undo,
    Revoke { which: usize },
    Pay,
    Run,
    Recognize,
}

/// Days until something: mostly now and soon.
fn soon() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(0), 1 => -3_i64..0, 4 => 0_i64..50, 1 => 300_i64..400]
}

fn step(forfeits: bool) -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop_oneof![0_i64..3, 0_i64..40, 200_i64..400].prop_map(|days| Step::Pass { days }),
        4 => (0_usize..5, proptest::option::of(0_i64..9), soon())
            .prop_map(|(version, seats, after)| Step::Change { version, seats, after }),
        4 => (soon(), proptest::option::of(1_i64..70))
            .prop_map(|(after, days)| Step::Pause { after, days }),
        3 => soon().prop_map(|after| Step::Resume { after }),
        1 => (soon(), any::<bool>())
            .prop_map(move |(after, credit)| Step::Cancel { after, credit: credit || !forfeits }),
        1 => Just(Step::CancelAtPeriodEnd),
        1 => Just(Step::Suspend),
        2 => Just(Step::Restore),
        2 => Just(Step::Undo),
        2 => (0_usize..9).prop_map(|which| Step::Revoke { which }),
        1 => Just(Step::Pay),
        5 => Just(Step::Run),
        2 => Just(Step::Recognize),
    ]
}

fn tiers(tiers: &[(Option<i64>, &str, &str)]) -> Vec<Tier> {
    let tier = |(up_to, unit_price, flat_fee): &(Option<i64>, &str, &str)| Tier {
        up_to: up_to.map(Decimal::from),
        unit_price: decimal::parse(unit_price).unwrap(),
        flat_fee: decimal::parse(flat_fee).unwrap(),
        block: None,
    };
    tiers.iter().map(tier).collect()
}

fn versions(minimum: Option<i64>) -> Vec<PlanVersion> {
    let graduated =
        PriceModel::Graduated { tiers: tiers(&[(Some(2), "9.99", "1"), (None, "3.333", "0")]) };
    let volume =
        PriceModel::Volume { tiers: tiers(&[(Some(3), "7.77", "0"), (None, "4.1", "2.5")]) };
    let package = PriceModel::Package {
        size: Decimal::from(3),
        unit_price: Decimal::from(10),
        free: Decimal::ONE,
    };
    let percentage = PriceModel::Percentage { percent: decimal::parse("12.345").unwrap() };
    use Timing::{InAdvance, InArrears};
    vec![
        version(
            1,
            (1, Unit::Month),
            InAdvance,
            vec![(flat("30"), None), (per_unit("4.995"), minimum)],
        ),
        version(2, (1, Unit::Month), InAdvance, vec![(flat("9.95"), None), (graduated, minimum)]),
        version(3, (1, Unit::Year), InAdvance, vec![(flat("2399.95"), None), (volume, minimum)]),
        version(4, (1, Unit::Month), InArrears, vec![(package, minimum), (percentage, None)]),
        version(5, (2, Unit::Week), InAdvance, vec![(flat("0.01"), None), (per_unit("0"), None)]),
    ]
}

fn take(world: &mut World, step: &Step) -> bool {
    let today = world.today;
    let on = |after: &i64| date::add_days(today, *after);
    match step {
        Step::Pass { days } => {
            world.today = date::add_days(today, *days);
            true
        }
        Step::Change { version, seats, after } => {
            // A calendar anchor must be possible; weeks and months are.
            world.change(*version, *seats, on(after))
        }
        Step::Pause { after, days } => {
            let until = days.map(|days| date::add_days(on(after), days));
            world.pause(on(after), until)
        }
        Step::Resume { after } => world.resume(on(after)),
        Step::Cancel { after: 0, credit } => world.cancel(CancelWhen::Now { credit: *credit }),
        Step::Cancel { after, credit } => {
            world.cancel(CancelWhen::On { day: on(after), credit: *credit })
        }
        Step::CancelAtPeriodEnd => world.cancel(CancelWhen::PeriodEnd),
        Step::Suspend => world.suspend(),
        Step::Restore => world.restore(),
        Step::Undo => world.undo(),
        Step::Revoke { which } => world.revoke(*which),
        Step::Pay => {
            world.pay();
            true
        }
        Step::Run => {
            world.run();
            true
        }
        Step::Recognize => {
            world.recognize(today);
            true
        }
    }
}

/// How often each day of an item was charged, less how often it was credited.
fn charged_days(world: &World, item: ItemId) -> BTreeMap<Date, i32> {
    let mut days = BTreeMap::new();
    for line in world.lines().filter(|line| line.charge.origin.item_id() == Some(item)) {
        let sign = match line.charge.kind {
            LineKind::Recurring => 1,
            LineKind::RecurringCredit => -1,
            _ => continue,
        };
        let mut day = line.charge.service.start;
        while day < line.charge.service.end {
            *days.entry(day).or_insert(0) += sign;
            day = date::add_days(day, 1);
        }
    }
    days
}

fn is_delivered(world: &World, item: &Item, day: Date) -> bool {
    let subscription = &world.subscription;
    item.is_in_force(day)
        && day >= subscription.first_paid_day()
        && subscription.ends_on().is_none_or(|end| day < end)
        && !subscription.is_withheld_on(day)
}

/// Up to when the days of an item must have been charged.
fn known_until(world: &World, item: &Item) -> Date {
    match item.timing() {
        Timing::InAdvance => world.today,
        // The last period may still run.
        Timing::InArrears => item.grid.period_containing(world.today).start,
    }
}

fn check_days(world: &World, forfeits: bool) {
    for item in &world.subscription.items {
        let charged = charged_days(world, item.id);
        for (day, times) in &charged {
            assert!((0..=1).contains(times), "{day} of {} charged {times} times", item.component);
        }
        let mut day = world.subscription.start_on;
        let until =
            known_until(world, item).min(date::add_days(world.subscription.start_on, 4_000));
        while day < until {
            let times = charged.get(&day).copied().unwrap_or(0);
            let delivered = is_delivered(world, item, day);
            let forfeited = forfeits && world.subscription.ends_on().is_some_and(|end| end <= day);
            assert!(
                forfeited || times == i32::from(delivered),
                "{day} of {} {}: delivered {delivered}, charged {times} times",
                item.component,
                item.id
            );
            day = date::add_days(day, 1);
        }
    }
}

/// The lines of each item come to the price of the days that stay charged.
fn check_amounts(world: &World) {
    for item in &world.subscription.items {
        let price = world.price_of(item.id);
        let exact = price.model.exact(item.quantity).unwrap();
        let mut expected = NOTHING;
        let mut parts = 0;
        let days = charged_days(world, item.id);
        for (day, _) in days.iter().filter(|(_, times)| **times == 1) {
            // Days that follow each other add up, whatever is in between.
            let whole = item.grid.period_containing(*day);
            let part = Period { start: *day, end: date::add_days(*day, 1) };
            let cost = prorate_exact(exact, Currency::EUR, whole, part).unwrap();
            expected = expected.checked_add(cost).unwrap();
            parts += 1;
        }
        let of = |kinds: [LineKind; 2]| {
            let lines = world.lines().filter(|line| line.charge.origin.item_id() == Some(item.id));
            let lines = lines.filter(|line| kinds.contains(&line.charge.kind));
            Money::sum(Currency::EUR, lines.map(|line| line.charge.net)).unwrap()
        };
        let recurring = of([LineKind::Recurring, LineKind::RecurringCredit]);
        assert_eq!(recurring, expected, "{} over {parts} days", item.component);
        let missing = of([LineKind::Minimum, LineKind::MinimumCredit]);
        assert!(missing.minor() >= 0, "a minimum is never paid out: {missing:?}");
        if price.minimum.is_none() {
            assert!(missing.is_zero());
        }
    }
}

/// The sums of documents, what is open, the balance and the books agree.
pub(super) fn check_books(world: &World) {
    let sum = |of: fn(&Draft) -> Money| {
        Money::sum(Currency::EUR, world.documents.iter().map(of)).unwrap().minor()
    };
    let open: i64 = world.open.values().map(|open| open.minor()).sum();
    assert!(world.open.values().all(|open| open.minor() >= 0));
    assert!(world.balance.minor() >= 0);
    let total = sum(|draft| draft.total);
    assert_eq!(total, open + world.paid.minor() - world.balance.minor());
    let account = |account| world.accounts.get(&account).map_or(0, |sum: &Money| sum.minor());
    assert_eq!(account(LedgerAccount::Receivables), open + world.paid.minor());
    assert_eq!(account(LedgerAccount::CustomerBalance), -world.balance.minor());
    let unearned: i64 = world.deferrals.values().map(|one| one.unearned().unwrap().minor()).sum();
    assert_eq!(account(LedgerAccount::DeferredRevenue), -unearned);
    let revenue = account(LedgerAccount::SubscriptionRevenue);
    assert_eq!(revenue, unearned - sum(|draft| draft.net));
    for draft in &world.documents {
        let settled = &draft.settlement;
        let paid: i64 = settled.allocations.iter().map(|(_, paid)| paid.minor()).sum();
        let (total, balance) = (draft.total.minor(), settled.balance.minor());
        match draft.kind {
            crate::invoice::DocumentKind::Invoice => {
                assert!(paid == 0 && balance <= 0 && settled.open.minor() == total + balance);
            }
            crate::invoice::DocumentKind::CreditNote => {
                assert!(balance >= 0 && settled.open.is_zero() && paid + balance == -total);
            }
        }
    }
}

/// No line twice: the key that the database holds.
pub(super) fn check_keys(world: &World) {
    let mut keys = std::collections::BTreeSet::new();
    for line in world.lines() {
        let charge = &line.charge;
        let key =
            (charge.origin.item_id(), charge.service.start, charge.kind, charge.origin.change());
        assert!(keys.insert(key), "twice: {key:?}");
        assert!(!charge.service.is_empty());
        let sign = if charge.corrects.is_some() { -1 } else { 1 };
        assert!(charge.net.minor() * sign >= 0, "a credit that charges: {charge:?}");
    }
}

fn check_ahead(world: &World) {
    let subscription = &world.subscription;
    let dues = subscription.dues_until(date::add_days(world.today, 800));
    let next = subscription.next_billing_on();
    let first = dues.first().map(|due| due.billing_on);
    if next.is_some_and(|next| next <= date::add_days(world.today, 800)) {
        assert_eq!(first, next);
    } else {
        assert_eq!(first, None);
    }
    assert!(dues.is_sorted_by_key(|due| due.billing_on));
}

/// What a document says, without ids and the day on which it was made.
fn said(draft: &Draft) -> Vec<String> {
    draft
        .lines
        .iter()
        .map(|line| {
            let charge = &line.charge;
            let Period { start, end } = charge.service;
            let item = charge.origin.item_id();
            format!(
                "{} {} {start} {end} {item:?} {}",
                draft.billing_on,
                charge.kind,
                charge.net.major()
            )
        })
        .collect()
}

pub(super) fn daily(world: &mut World, days: i64, runs: bool) {
    for _ in 0..days {
        world.today = date::add_days(world.today, 1);
        if runs {
            world.run();
        } else {
            let turns = world.subscription.turn(world.today);
            world.turns.extend(turns);
        }
    }
}

/// From here on, days in order or all at once are the same; a preview is what the runs make.
pub(super) fn check_future(world: &World, days: i64) {
    let mut calm = world.clone();
    calm.run();
    let until = date::add_days(calm.today, days);
    let horizon = Horizon { today: calm.today, until, dates: 1_000 };
    let (preview, ..) = calm.billed(horizon);
    let before = calm.documents.len();
    let mut one_by_one = calm.clone();
    daily(&mut one_by_one, days, true);
    let previewed: Vec<_> = preview.drafts.iter().flat_map(said).collect();
    let made: Vec<_> = one_by_one.documents[before..].iter().flat_map(said).collect();
    assert_eq!(previewed, made, "a preview is what the runs make");
    let mut turned = calm.clone();
    turned.turns.clear();
    let mut late = turned.clone();
    daily(&mut turned, days, false);
    let turns = late.subscription.turn(until);
    late.turns.extend(turns);
    assert_eq!(late.turns, turned.turns, "the same happens by itself, late or daily");
    assert_eq!(late.subscription, turned.subscription);
}

fn live(world: &mut World, steps: &[Step], forfeits: bool) {
    for step in steps {
        let before = world.subscription.clone();
        let done = take(world, step);
        if !done && before.turned_on == world.today {
            assert_eq!(before, world.subscription, "a refusal changes nothing: {step:?}");
        }
        check_ahead(world);
    }
    check_future(world, 120);
    world.run();
    daily(world, 40, true);
    // What is still suspended bills nothing.
    let _ = world.restore();
    world.today = date::add_days(world.today, 800);
    world.run();
    check_days(world, forfeits);
    check_amounts(world);
    check_keys(world);
    check_books(world);
    world.recognize(date::add_days(world.today, 2_000));
    check_books(world);
    let unearned = |one: &Deferral| one.unearned().unwrap().is_zero();
    assert!(world.deferrals.values().all(unearned), "in the end all that stays is earned");
}

fn starts() -> impl Strategy<Value = (Date, Alignment, usize)> {
    let days = ["2024-01-31", "2024-02-29", "2023-12-31", "2025-03-15", "2024-04-30"];
    (proptest::sample::select(days.to_vec()), any::<bool>(), 0_usize..5).prop_map(
        |(start, own, first)| {
            (day(start), if own { Alignment::OwnDay } else { Alignment::Calendar }, first)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_delivered_day_is_paid_for_once_whatever_happens(
        (start, alignment, first) in starts(),
        steps in proptest::collection::vec(step(false), 1..24),
        minimum in proptest::option::of(prop_oneof![1_000_i64..6_000, 495_i64..505, 4_490_i64..4_500]),
    ) {
        let mut versions = versions(minimum);
        versions.rotate_left(first);
        live(&mut World::new(versions, start, alignment), &steps, false);
    }

    #[test]
    fn what_is_forfeited_is_not_paid_back(
        (start, alignment, first) in starts(),
        steps in proptest::collection::vec(step(true), 1..24),
    ) {
        let mut versions = versions(None);
        versions.rotate_left(first);
        live(&mut World::new(versions, start, alignment), &steps, true);
    }
}
