//! Customers who owe less than a policy's minimum.

use server::pb::v1::{self, CollectionState};

use super::policy::with_policy;
use super::{pay, standing, without_money};
use crate::world::{Client, Plan, World, day, euros};

const FINE: &str = "ACTIVE DELIVER IN_FORCE";

/// Chooses the built-in policy for those who owe at least 10.00.
async fn from_ten(client: &mut Client) {
    with_policy(client, |policy| policy.minimums = vec![euros(10).unwrap()]).await;
}

/// The open invoices of a customer: `person: why`, `waiting from 2025-02-01`.
async fn queue(client: &mut Client, customer: &v1::Customer) -> Vec<String> {
    let request = v1::ListRetriesRequest { customer_id: customer.id.clone(), ..Default::default() };
    let found = client.collection.list_retries(request).await.unwrap().into_inner();
    let line = |one: v1::Collection| match one.state() {
        CollectionState::Person => format!("person: {}", one.why),
        CollectionState::Waiting => format!("waiting from {}", day(&one.day_zero)),
        other => format!("{other:?}"),
    };
    found.collections.into_iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_owes_less_than_the_minimum_loses_nothing_until_more_is_owed_and_then_gets_all_the_days()
 {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    from_ten(&mut client).await;
    // 6.05 a month with VAT.
    let (customer, subscription) = without_money(&mut client, Plan::months(1, "5.00")).await;
    let id = subscription.id;
    let little = "person: less is owed than the policy's minimum of EUR 10.00";
    for on in ["2025-01-02", "2025-01-22", "2025-01-31"] {
        client.advance(on).await.unwrap();
        assert_eq!(standing(&mut client, &id).await, FINE, "on {on}");
    }
    assert_eq!(queue(&mut client, &customer).await, [little]);
    // The second invoice makes it 12.10: the days of both count from here.
    client.advance("2025-02-01").await.unwrap();
    let grace = |until| format!("PAST_DUE DELIVER_IN_GRACE OVERDUE until {until}");
    assert_eq!(standing(&mut client, &id).await, grace("2025-02-22"));
    let from = |on| format!("waiting from {on}");
    assert_eq!(queue(&mut client, &customer).await, [from("2025-02-01"), from("2025-02-01")]);
    client.advance("2025-02-22").await.unwrap();
    assert_eq!(standing(&mut client, &id).await, "PAST_DUE RESTRICTED OVERDUE until 2025-03-03");
    // A part that is paid brings it below again.
    pay(&mut client, &customer, 6_05).await;
    assert_eq!(standing(&mut client, &id).await, FINE);
    assert_eq!(queue(&mut client, &customer).await, [little]);
    client.advance("2025-02-28").await.unwrap();
    assert_eq!(standing(&mut client, &id).await, FINE);
    client.advance("2025-03-01").await.unwrap();
    assert_eq!(standing(&mut client, &id).await, grace("2025-03-22"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_is_collected_for_one_invoice_brings_another_below_the_minimum() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    from_ten(&mut client).await;
    let (customer, subscription) = without_money(&mut client, Plan::months(1, "5.00")).await;
    client.advance("2025-02-03").await.unwrap();
    // A person has one of both collected; the other one is not enough by itself.
    super::card(&mut client, &customer, "settles").await;
    let request = v1::ListRetriesRequest { customer_id: customer.id.clone(), ..Default::default() };
    let found = client.collection.list_retries(request).await.unwrap().into_inner().collections;
    let hold =
        v1::HoldRetryRequest { invoice_id: found[1].invoice_id.clone(), ..Default::default() };
    client.collection.hold_retry(hold).await.unwrap();
    client.advance("2025-02-04").await.unwrap();
    assert_eq!(queue(&mut client, &customer).await, ["Held"]);
    assert_eq!(standing(&mut client, &subscription.id).await, FINE);
    world.finish().await;
}
