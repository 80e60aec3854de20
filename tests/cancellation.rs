//! Cancelling at the end of the period, and taking it back.

use server::pb::v1::{self, SubscriptionState};
use tonic::Code;

use crate::world::{Client, Plan, World, book, day, refusal};

async fn subscribed(world: &World, plan: Plan, from: &str, today: &str) -> (Client, String) {
    let mut client = world.sandbox(today).await;
    let customer = client.customer("Bakkerij Jansen").await;
    let plan = client.plan("base", plan).await;
    let created = client.subscribe(Client::terms(&customer, &plan, from)).await.unwrap();
    (client, created.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_subscription_runs_to_the_end_of_its_period_and_is_billed_no_more() {
    let world = World::new().await;
    let plan = Plan::months(1, "30.00");
    let (mut client, id) = subscribed(&world, plan, "2025-01-31", "2025-01-31").await;
    client.advance("2025-02-10").await.unwrap();
    let cancelled = client.cancel(&id).await.unwrap();
    let end = cancelled.cancellation.as_ref().unwrap();
    assert_eq!(day(&end.ends_on), "2025-02-28");
    assert_eq!(end.reason(), v1::CancelReason::VoluntaryNoNeed);
    assert_eq!((cancelled.state(), cancelled.next_billing_on), (SubscriptionState::Active, None));

    let days = client.advance("2025-04-01").await.unwrap();
    let ended: Vec<String> = days
        .iter()
        .filter(|day| day.subscriptions_ended == 1)
        .map(|lived| day(&lived.date))
        .collect();
    assert_eq!(ended, ["2025-02-28"]);
    assert_eq!(client.subscription(&id).await.state(), SubscriptionState::Cancelled);
    assert_eq!(
        book(&client.documents().await),
        ["2025-00001 2025-01-31 30.00 + 6.30: base 2025-01-31..2025-02-28 30.00"]
    );
    let again = refusal(client.cancel(&id).await);
    assert_eq!(again.line(), "FailedPrecondition ALREADY_ENDED");
    assert_eq!(again.facts["ended_on"], "2025-02-28");
    let undo = refusal(client.undo_cancel(&id).await);
    assert_eq!(undo.line(), "FailedPrecondition ALREADY_ENDED");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_can_be_taken_back_until_it_has_happened() {
    let world = World::new().await;
    let plan = Plan::months(1, "30.00");
    let (mut client, id) = subscribed(&world, plan, "2025-01-31", "2025-01-31").await;
    client.cancel(&id).await.unwrap();
    client.advance("2025-02-27").await.unwrap();
    let undone = client.undo_cancel(&id).await.unwrap();
    assert_eq!(
        (undone.cancellation.clone(), day(&undone.next_billing_on)),
        (None, "2025-02-28".into())
    );
    assert_eq!(client.undo_cancel(&id).await.unwrap(), undone, "again: nothing changes");
    client.advance("2025-02-28").await.unwrap();
    assert_eq!(client.documents().await.len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_undone_on_its_last_day_leaves_no_gap() {
    let world = World::new().await;
    let plan = Plan::months(1, "30.00");
    let (mut client, id) = subscribed(&world, plan, "2025-01-31", "2025-01-31").await;
    client.advance("2025-02-10").await.unwrap();
    assert_eq!(day(&client.cancel(&id).await.unwrap().cancellation.unwrap().ends_on), "2025-02-28");
    client.advance("2025-02-27").await.unwrap();
    let last_day = client.entitlement(&id).await;
    assert_eq!(
        (last_day.delivery(), day(&last_day.until)),
        (v1::Delivery::Deliver, "2025-02-28".into())
    );
    client.undo_cancel(&id).await.unwrap();
    client.advance("2025-03-31").await.unwrap();
    assert_eq!(client.subscription(&id).await.state(), SubscriptionState::Active);
    assert_eq!(
        book(&client.documents().await),
        [
            "2025-00001 2025-01-31 30.00 + 6.30: base 2025-01-31..2025-02-28 30.00",
            "2025-00002 2025-02-28 30.00 + 6.30: base 2025-02-28..2025-03-31 30.00",
            "2025-00003 2025-03-31 30.00 + 6.30: base 2025-03-31..2025-04-30 30.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_again_keeps_the_end_and_takes_the_new_reason() {
    let world = World::new().await;
    let plan = Plan::months(1, "30.00");
    let (mut client, id) = subscribed(&world, plan, "2025-01-31", "2025-01-31").await;
    client.cancel(&id).await.unwrap();
    let request = v1::CancelSubscriptionRequest {
        subscription_id: id.clone(),
        reason: v1::CancelReason::VoluntaryPrice.into(),
        note: "te duur".to_owned(),
        ..Default::default()
    };
    let answer = client.subscriptions.cancel_subscription(request).await.unwrap().into_inner();
    let end = answer.subscription.unwrap().cancellation.unwrap();
    assert_eq!((day(&end.ends_on), end.note.as_str()), ("2025-02-28".into(), "te duur"));
    assert_eq!(end.reason(), v1::CancelReason::VoluntaryPrice);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_before_its_start_or_in_its_trial_is_never_billed() {
    let world = World::new().await;
    let plan = Plan { trial_days: 14, ..Plan::months(1, "30.00") };
    for (cancel_on, ends_on) in [("2025-01-10", "2025-02-01"), ("2025-02-14", "2025-02-15")] {
        let (mut client, id) = subscribed(&world, plan.clone(), "2025-02-01", "2025-01-10").await;
        client.advance(cancel_on).await.unwrap();
        let cancelled = client.cancel(&id).await.unwrap();
        assert_eq!(day(&cancelled.cancellation.unwrap().ends_on), ends_on);
        client.advance("2025-03-20").await.unwrap();
        assert_eq!(client.subscription(&id).await.state(), SubscriptionState::Cancelled);
        assert_eq!(client.documents().await, []);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_period_in_arrears_is_billed_on_the_day_of_the_end() {
    let world = World::new().await;
    let plan = Plan { timing: v1::BillingTiming::InArrears, ..Plan::months(1, "30.00") };
    let (mut client, id) = subscribed(&world, plan, "2025-02-10", "2025-02-10").await;
    client.advance("2025-02-24").await.unwrap();
    client.cancel(&id).await.unwrap();
    client.advance("2025-05-01").await.unwrap();
    assert_eq!(
        book(&client.documents().await),
        ["2025-00001 2025-03-10 30.00 + 6.30: base 2025-02-10..2025-03-10 30.00"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_names_a_subscription_and_a_reason() {
    let world = World::new().await;
    let plan = Plan::months(1, "30.00");
    let (mut client, id) = subscribed(&world, plan, "2025-01-31", "2025-01-31").await;
    let request = v1::CancelSubscriptionRequest {
        subscription_id: id,
        reason: v1::CancelReason::VoluntaryOther.into(),
        ..Default::default()
    };
    let table = [
        (v1::CancelSubscriptionRequest { reason: 0, ..request.clone() }, "InvalidArgument reason"),
        (v1::CancelSubscriptionRequest { reason: 99, ..request.clone() }, "InvalidArgument reason"),
        (
            v1::CancelSubscriptionRequest { note: "x".repeat(1_001), ..request.clone() },
            "InvalidArgument note",
        ),
        (
            v1::CancelSubscriptionRequest { subscription_id: "x".into(), ..request.clone() },
            "InvalidArgument subscription_id",
        ),
        (
            v1::CancelSubscriptionRequest {
                subscription_id: uuid::Uuid::max().to_string(),
                ..request
            },
            "NotFound",
        ),
    ];
    for (request, expected) in table {
        let refused = refusal(client.subscriptions.cancel_subscription(request.clone()).await);
        assert_eq!(refused.line(), expected, "{request:?}");
    }
    let unknown = v1::UndoCancelRequest {
        subscription_id: uuid::Uuid::max().to_string(),
        ..Default::default()
    };
    let refused = refusal(client.subscriptions.undo_cancel(unknown).await);
    assert_eq!(refused.code, Code::NotFound);
    world.finish().await;
}
