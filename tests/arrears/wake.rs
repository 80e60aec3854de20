//! Days on which it begins to count that money is missing, and nothing else happens.

use server::pb::v1;

use super::policy::{debited, strictly, with_policy};
use super::{due_at_once, standing};
use crate::world::{Client, Plan, World};

/// A customer whose direct debit is refused while its subscription is paused until 10 February: the
/// subscription.
async fn refused_while_paused(client: &mut Client) -> (v1::Customer, String) {
    let customer = due_at_once(client).await;
    debited(client, &customer, "NL93SNDB0000000010").await;
    let plan = client.plan("base", Plan::months(1, "31.00")).await;
    let terms = Client::terms(&customer, &plan, "2025-01-01");
    let id = client.subscribe(terms).await.unwrap().id;
    // Announced for 15 January, asked then, and refused on the 17th.
    client.advance("2025-01-16").await.unwrap();
    client.pause(&id, None, Some("2025-02-10")).await.unwrap();
    client.advance("2025-02-09").await.unwrap();
    (customer, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_during_a_pause_counts_from_its_end_also_where_no_step_is_taken_then() {
    let world = World::new().await;
    let mut strict = world.sandbox("2025-01-01").await;
    strictly(&mut strict).await;
    let mut late = world.sandbox("2025-01-01").await;
    with_policy(&mut late, |policy| {
        policy.steps.retain(|step| step.day >= 21);
    })
    .await;
    let table = [
        (strict, "PAST_DUE STOP OVERDUE"),
        (late, "PAST_DUE DELIVER_IN_GRACE OVERDUE until 2025-03-03"),
    ];
    for (mut client, expected) in table {
        let (_, id) = refused_while_paused(&mut client).await;
        client.advance("2025-02-10").await.unwrap();
        assert_eq!(standing(&mut client, &id).await, expected);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_is_held_keeps_nobody_from_being_late() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    strictly(&mut client).await;
    let (customer, id) = refused_while_paused(&mut client).await;
    let request = v1::ListRetriesRequest { customer_id: customer.id, ..Default::default() };
    let queue = client.collection.list_retries(request).await.unwrap().into_inner();
    for one in queue.collections {
        let request = v1::HoldRetryRequest { invoice_id: one.invoice_id, ..Default::default() };
        client.collection.hold_retry(request).await.unwrap();
    }
    client.advance("2025-02-10").await.unwrap();
    assert_eq!(standing(&mut client, &id).await, "PAST_DUE STOP OVERDUE");
    world.finish().await;
}
