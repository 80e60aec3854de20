//! A watcher that is cut off again and again, while thousands of changes are written at once.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::id::SubscriptionId;
use domain::period::Interval;
use server::pb::v1;
use testkit::{Offer, Vendor};

use crate::event::watch;
use crate::world::World;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    /// Below a bound.
    fn roll(&mut self, below: usize) -> usize {
        // Knuth's constants; the high bits are the good ones.
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

/// Writers at once, and what each of them writes.
const WRITERS: usize = 4;
const WRITES: usize = 500;

/// Cancels and takes back, and now and then starts another: one event each.
async fn write(vendor: Vendor, writer: usize, plan: domain::id::PlanId) {
    let mut dice = Dice(writer as u64);
    let customer = vendor.customer(&format!("customer {writer}")).await;
    let mut subscriptions: Vec<(SubscriptionId, bool)> = Vec::new();
    for _ in 0..WRITES {
        if subscriptions.is_empty() || dice.roll(40) == 0 {
            let started = vendor.subscribe(&customer, plan, "2025-01-31").await;
            subscriptions.push((started.id, false));
            continue;
        }
        let at = dice.roll(subscriptions.len());
        let (id, is_cancelled) = &mut subscriptions[at];
        match *is_cancelled {
            true => vendor.undo_cancel(*id).await.unwrap(),
            false => vendor.cancel(*id).await.unwrap(),
        };
        *is_cancelled = !*is_cancelled;
    }
}

/// Follows until it has seen so many events, and is cut off again and again: in the middle of a
/// message or after it, with its connection or without.
async fn follow(world: &World, key: &str, enough: usize) -> Vec<v1::Event> {
    let mut dice = Dice(2_025);
    let mut seen: Vec<v1::Event> = Vec::new();
    let mut client = world.client(key);
    let mut cuts = 0;
    while seen.len() < enough {
        let cursor = seen.last().map_or(String::new(), |event| event.cursor.clone());
        let mut stream = watch(&mut client, &cursor).await.unwrap();
        for _ in 0..dice.roll(8) {
            let message = stream.message().await.unwrap().expect("the watch goes on");
            let all = message.events.len();
            let handled = dice.roll(all + 30).min(all);
            seen.extend(message.events.into_iter().take(handled));
            if handled < all || seen.len() >= enough {
                break;
            }
        }
        cuts += 1;
        if dice.roll(3) == 0 {
            client = world.client(key);
        }
    }
    assert!(cuts > 20, "cut off {cuts} times only");
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_cut_off_at_random_sees_every_event_once_and_in_order() {
    let heartbeat = Duration::from_millis(200);
    let settings = server::Settings { heartbeat, ..server::Settings::default() };
    let world = World::with(settings).await;
    let vendor = Vendor::sandbox(&world.ctx, "2025-01-31").await;
    let plan = vendor.plan("monthly", Offer::flat(Interval::MONTHLY, "10.00")).await;
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| tokio::spawn(write(vendor.clone(), writer, plan))).collect();
    let seen = follow(&world, &vendor.key, WRITERS * WRITES).await;
    for writer in writers {
        writer.await.unwrap();
    }
    let mut per_kind: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &seen {
        *per_kind.entry(event.kind().as_str_name()).or_default() += 1;
    }
    assert_eq!(per_kind.len(), 3, "{per_kind:?}");
    // In the order of the rows, each once, and there are no others.
    let sql = world.database.sql().await;
    let rows = "SELECT id::text, position FROM events ORDER BY position";
    let rows = sql.query(rows, &[]).await.unwrap();
    let ids: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(seen.iter().map(|event| event.id.clone()).collect::<Vec<_>>(), ids);
    let positions: Vec<i64> = rows.iter().map(|row| row.get(1)).collect();
    assert!(positions.into_iter().eq(1..=i64::try_from(WRITERS * WRITES).unwrap()));
    world.finish().await;
}
