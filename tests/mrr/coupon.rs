//! What discounts do to recurring revenue.

use server::pb::v1::{self, DiscountDuration};

use super::{moved, start, worth};
use crate::discount::{apply, create, fixed, percent, remove};
use crate::world::{Plan, World};

fn of(mrr: &str, committed: &str) -> String {
    format!("{mrr} EUR, {committed} EUR, 0.00 EUR, 1")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coupon_that_ends_is_an_expansion() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    let plan = client.plan("base", Plan::months(1, "30.00")).await;
    let id = start(&mut client, "Ann", &plan, "2025-01-10").await.id;
    let half = v1::Discount {
        duration: DiscountDuration::Periods.into(),
        periods: 3,
        ..percent("HALF", "50")
    };
    create(&mut client, half).await.unwrap();
    apply(&mut client, &id, "HALF").await.unwrap();
    assert_eq!(worth(&mut client, "2025-01-10").await, [of("15.00", "30.00")]);
    client.advance("2025-04-15").await.unwrap();
    assert_eq!(worth(&mut client, "2025-04-09").await, [of("15.00", "30.00")]);
    assert_eq!(worth(&mut client, "2025-04-10").await, [of("30.00", "30.00")]);
    assert_eq!(
        moved(&mut client, "2025-04-15").await,
        ["15.00 EUR | expansion 15.00 EUR | 30.00 EUR"]
    );
    assert_eq!(moved(&mut client, "2025-01-31").await, ["0.00 EUR | new 15.00 EUR | 15.00 EUR"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discount_counts_from_its_first_period_until_it_is_removed_and_once_does_not_count() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    let plan = client.plan("base", Plan::months(12, "120.00")).await;
    let id = start(&mut client, "Ann", &plan, "2025-01-10").await.id;
    let lasting =
        v1::Discount { duration: DiscountDuration::Forever.into(), ..fixed("ALWAYS", "EUR", 12) };
    for discount in [lasting, fixed("ONCE", "EUR", 60)] {
        create(&mut client, discount).await.unwrap();
    }
    client.advance("2025-01-20").await.unwrap();
    apply(&mut client, &id, "ONCE").await.unwrap();
    let applied = apply(&mut client, &id, "ALWAYS").await.unwrap();
    assert_eq!(worth(&mut client, "2026-01-09").await, [of("10.00", "9.00")]);
    assert_eq!(worth(&mut client, "2026-01-10").await, [of("9.00", "9.00")]);
    client.advance("2026-02-01").await.unwrap();
    let nets: Vec<i64> =
        client.documents().await.iter().map(|one| crate::world::cents(&one.net)).collect();
    assert_eq!(nets, [12_000, 4_800], "the amounts of both, once");
    remove(&mut client, &applied.id).await.unwrap();
    assert_eq!(worth(&mut client, "2027-01-09").await, [of("9.00", "10.00")]);
    assert_eq!(worth(&mut client, "2027-01-10").await, [of("10.00", "10.00")]);
    world.finish().await;
}
