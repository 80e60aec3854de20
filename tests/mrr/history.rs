//! Random histories: what the database finds is what the rules say, month by month.

use std::collections::BTreeMap;

use domain::date::{self, Date};
use domain::id::{CustomerId, ItemId, SubscriptionId};
use domain::money::{Currency, Money};
use domain::mrr::movement::{Change, Kind};
use domain::mrr::{ChurnKind, End, Segment, Status, committed, on};
use domain::subscription::Subscription;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use store::Tx;
use store::mrr::{Between, CustomerChange};
use testkit::{Offer, Vendor};

use crate::world::World;

/// Length in days, monthly worth in cents, whether it is paused.
type Step = (i64, i64, bool);
type Ids = (CustomerId, SubscriptionId, ItemId);

const MONTHS: u32 = 12;

fn day(number: i64) -> Date {
    date::add_days("2025-01-01".parse().unwrap(), number)
}

/// The segments of a subscription that goes on and off, one step after the other.
fn segments((customer, subscription, item): Ids, begin: i64, steps: &[Step]) -> Vec<Segment> {
    let mut from = begin;
    let mut found = Vec::new();
    for (at, (length, minor, paused)) in steps.iter().enumerate() {
        let kind = ChurnKind::ALL[usize::try_from(*length).unwrap() % 4];
        let end = match steps.get(at + 1) {
            None | Some((_, 0, _)) => End::Cancelled(kind),
            Some((_, _, next)) if next == paused => End::Changed,
            Some((_, _, true)) => End::Paused,
            Some((_, _, false)) => End::Resumed,
        };
        // A third of the last steps lasts.
        let ends = at + 1 < steps.len() || length % 3 > 0;
        let amount = Money::new(*minor, Currency::EUR);
        let status = if *paused { Status::Paused } else { Status::InForce };
        let until = ends.then(|| (day(from + length), end));
        if *minor > 0 {
            let from = day(from);
            found.push(Segment { customer, subscription, item, from, until, amount, status });
        }
        from += length;
    }
    found
}

/// Subscriptions of thirty customers, and a random history for each.
async fn lived(vendor: &Vendor) -> (Vec<Subscription>, Vec<Segment>) {
    let offer = Offer::flat(domain::period::Interval::MONTHLY, "1.00");
    let plan = vendor.plan("base", offer).await;
    let step = (1_i64..40, prop_oneof![Just(0_i64), 1_i64..500], any::<bool>());
    let history = (0_i64..60, proptest::collection::vec(step, 1..12));
    let mut runner = TestRunner::deterministic();
    let (mut subscriptions, mut all) = (Vec::new(), Vec::new());
    for number in 0..30 {
        let customer = vendor.customer(&format!("Customer {number}")).await;
        for _ in 0..=(number % 3) {
            let subscription = vendor.subscribe(&customer, plan, "2025-01-01").await;
            let ids = (customer.id, subscription.id, subscription.items[0].id);
            let (begin, steps) = history.new_tree(&mut runner).unwrap().current();
            all.extend(segments(ids, begin, &steps));
            subscriptions.push(subscription);
        }
    }
    (subscriptions, all)
}

/// What moved, customer by customer, as the rules say.
fn moved(all: &[Segment], between: Between) -> Vec<CustomerChange> {
    let mut of: BTreeMap<CustomerId, Vec<Segment>> = BTreeMap::new();
    for segment in all {
        of.entry(segment.customer).or_default().push(segment.clone());
    }
    let change =
        |own: &[Segment]| Change::of(own, Currency::EUR, between.opening, between.closing).unwrap();
    let changes =
        of.iter().map(|(id, own)| CustomerChange { customer_id: *id, change: change(own) });
    changes.filter(|one| !one.change.movements().unwrap().is_empty()).collect()
}

fn by_kind(changes: impl Iterator<Item = Change>) -> BTreeMap<(Kind, Option<ChurnKind>), i64> {
    let mut sums = BTreeMap::new();
    for movement in changes.flat_map(|change| change.movements().unwrap()) {
        *sums.entry((movement.kind, movement.churn)).or_default() += movement.amount.minor();
    }
    sums
}

async fn worth(tx: &mut Tx, on: Date) -> i64 {
    let found = store::mrr::worth(tx, on).await.unwrap();
    found.first().map_or(0, |worth| worth.mrr.minor())
}

/// Compares a month; the closing.
async fn compare(tx: &mut Tx, all: &[Segment], between: Between, opening: i64) -> i64 {
    let expected = moved(all, between);
    let found = store::mrr::changes(tx, between, None, None, 500).await.unwrap();
    assert_eq!(found, expected, "{between:?}");
    let third = expected.get(2).map(|one| one.customer_id);
    let after = store::mrr::changes(tx, between, None, third, 2).await.unwrap();
    assert_eq!(
        after,
        expected.iter().skip(third.map_or(0, |_| 3)).take(2).copied().collect::<Vec<_>>()
    );
    if let Some(third) = third {
        let only = store::mrr::changes(tx, between, Some(third), None, 1).await.unwrap();
        assert_eq!(only, expected[2..3]);
    }
    let sums = store::mrr::change_sums(tx, between).await.unwrap();
    let movements = by_kind(sums.iter().map(|sum| sum.change));
    assert_eq!(movements, by_kind(expected.iter().map(|one| one.change)), "{between:?}");

    let closing = worth(tx, between.closing).await;
    assert_eq!(worth(tx, between.opening).await, opening, "{between:?}");
    assert_eq!(closing, on(all, Currency::EUR, between.closing).unwrap().minor());
    assert_eq!(opening + movements.values().sum::<i64>(), closing, "{between:?}");
    closing
}

/// Who was there at the opening and is not at the closing, paused or not.
fn gone(all: &[Segment], between: Between) -> usize {
    let there = |day: Date| {
        let here = all.iter().filter(move |one| one.holds_on(day));
        here.map(|one| one.customer).collect::<std::collections::BTreeSet<_>>()
    };
    there(between.opening).difference(&there(between.closing)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_finds_what_the_rules_say() {
    let world = World::new().await;
    let vendor = Vendor::sandbox(&world.ctx, "2025-01-01").await;
    let (subscriptions, all) = lived(&vendor).await;
    let mut scope = vendor.scope().await;
    let of = |id: SubscriptionId| all.iter().filter(move |one| one.subscription == id).cloned();
    let own: Vec<_> = subscriptions.iter().map(|one| (one.id, of(one.id).collect())).collect();
    for _ in 0..2 {
        store::mrr::replace(&mut scope.tx, &own).await.unwrap();
    }
    let mut opening = 0;
    for month in 0..MONTHS {
        let first = date::add_months(day(0), month);
        let last = date::add_days(date::add_months(first, 1), -1);
        let between = Between { opening: date::add_days(first, -1), closing: last };
        opening = compare(&mut scope.tx, &all, between, opening).await;
        let found = store::mrr::gone(&mut scope.tx, between.opening, last).await.unwrap();
        let lost: i64 = found.iter().map(|one| one.customers).sum();
        assert_eq!(usize::try_from(lost).unwrap(), gone(&all, between), "{between:?}");
    }
    let signed = store::mrr::worth(&mut scope.tx, day(0)).await.unwrap();
    assert_eq!(signed[0].committed, committed(&all, Currency::EUR).unwrap());
    // What the subscriptions themselves say: everything else goes.
    app::mrr::record(&mut scope, &subscriptions).await.unwrap();
    scope.commit().await.unwrap();
    world.finish().await;
}
