//! Migrations to a version with a meter, which one item of a customer bills at a time.

use server::pb::v1::{self, MigrationOutcome};

use super::{all_to, found, migrate, preview, publish_version, start};
use crate::usage::meter;
use crate::world::{Client, Plan, World, date, decimal};

/// A version with calls that a meter counts, beside what the plan has.
fn with_calls(version: v1::PlanVersion, calls: &v1::Meter) -> v1::PlanVersion {
    let mut version = version;
    let price = v1::Price {
        component: "calls".to_owned(),
        model: Some(v1::price::Model::PerUnit(v1::PerUnitPrice { unit_price: decimal("0.10") })),
        meter_id: calls.id.clone(),
        ..version.prices[0].clone()
    };
    version.prices.push(price);
    version
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meter_that_another_item_bills_is_refused_and_the_others_move() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let calls = meter(&mut client, "calls", v1::Aggregation::Sum).await.unwrap();
    let offer = Plan::months(1, "30.00");
    let plan = client.plan("base", offer.clone()).await;
    let api = client.plan("api", offer.clone()).await;
    let version = offer.version(&api.versions[0].prices[0].product_id);
    let from = Some(date("2025-01-01"));
    let metered = v1::PlanVersion { valid_from: from, ..with_calls(version, &calls) };
    publish_version(&mut client, &api, metered).await;
    let ann = start(&mut client, "Ann", &plan, "2025-01-01").await;
    let ben = start(&mut client, "Ben", &plan, "2025-01-01").await;
    let customer = v1::Customer { id: ann.customer_id.clone(), ..v1::Customer::default() };
    client.subscribe(Client::terms(&customer, &api, "2025-01-01")).await.unwrap();
    // Of two of one customer, the first moves and the second cannot.
    let cor = start(&mut client, "Cor", &plan, "2025-01-01").await;
    let customer = v1::Customer { id: cor.customer_id.clone(), ..v1::Customer::default() };
    let again = client.subscribe(Client::terms(&customer, &plan, "2025-01-01")).await.unwrap();
    client.advance("2025-01-15").await.unwrap();
    let version = offer.version(&plan.versions[0].prices[0].product_id);
    let from = Some(date("2025-01-15"));
    let metered = v1::PlanVersion { valid_from: from, ..with_calls(version, &calls) };
    let target = publish_version(&mut client, &plan, metered).await;

    let preview = preview(&mut client, all_to(&plan, &target)).await;
    let id = migrate(&mut client, all_to(&plan, &target)).await;
    client.advance("2025-01-15").await.unwrap();
    let (done, results) = found(&mut client, &id).await;
    assert_eq!(done.counts, preview.counts, "preview = result");
    let of = |subscription: &v1::Subscription| {
        let one = results.iter().find(|one| one.subscription_id == subscription.id).unwrap();
        (one.outcome(), one.reason.as_str())
    };
    let refused = (MigrationOutcome::Refused, "METER_IN_USE");
    assert_eq!(of(&ann), refused);
    assert_eq!(of(&ben), (MigrationOutcome::Migrated, ""));
    let mut both = [of(&cor), of(&again)];
    both.sort_by_key(|(_, reason)| reason.len());
    assert_eq!(both, [(MigrationOutcome::Migrated, ""), refused]);
    assert_eq!(client.intents(&ann.id).await, [], "it stays as it is");
    client.advance("2025-02-02").await.unwrap();
    world.finish().await;
}
