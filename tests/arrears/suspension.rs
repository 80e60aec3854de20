//! Suspended and restored, or ended.

use server::pb::v1::{self, CancelReason, SubscriptionState};

use super::{card, pay, standing, without_money};
use crate::world::{Client, Plan, World, book, date, day, euro, refusal};

/// Recurring revenue that is at risk, of how much.
async fn at_risk(client: &mut Client) -> String {
    let answer = client.revenue.get_mrr(v1::GetMrrRequest::default()).await.unwrap().into_inner();
    let of = &answer.currencies[0];
    format!("{} of {}", euro(&of.at_risk), euro(&of.mrr))
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_goes_on_in_grace_then_read_only_then_not_at_all_until_it_is_ended() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let (_, subscription) = without_money(&mut client, Plan::months(1, "31.00")).await;
    let id = subscription.id;
    let table = [
        ("2025-01-02", "PAST_DUE DELIVER_IN_GRACE OVERDUE until 2025-01-22"),
        ("2025-01-21", "PAST_DUE DELIVER_IN_GRACE OVERDUE until 2025-01-22"),
        ("2025-01-22", "PAST_DUE RESTRICTED OVERDUE until 2025-01-31"),
        ("2025-01-30", "PAST_DUE RESTRICTED OVERDUE until 2025-01-31"),
        ("2025-01-31", "SUSPENDED STOP OVERDUE"),
        ("2025-03-01", "SUSPENDED STOP OVERDUE"),
        ("2025-03-02", "CANCELLED STOP ENDED"),
    ];
    for (on, expected) in table {
        client.advance(on).await.unwrap();
        assert_eq!(standing(&mut client, &id).await, expected, "on {on}");
    }
    let ended = client.subscription(&id).await.cancellation.unwrap();
    assert_eq!(
        (ended.reason(), day(&ended.ends_on)),
        (CancelReason::NonPayment, "2025-03-02".into())
    );
    // The day on which it was stopped is given back; February was never charged.
    assert_eq!(
        book(&client.documents().await),
        [
            "2025-00001 2025-01-01 31.00 + 6.51: base 2025-01-01..2025-02-01 31.00",
            "C2025-00001 2025-03-02 -1.00 + -0.21: base 2025-01-31..2025-02-01 -1.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_is_delivered_again_at_once_and_only_the_days_that_are_delivered_cost() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let (customer, subscription) = without_money(&mut client, Plan::months(1, "31.00")).await;
    let id = subscription.id;
    client.advance("2025-02-05").await.unwrap();
    assert_eq!(standing(&mut client, &id).await, "SUSPENDED STOP OVERDUE");
    let suspended = client.subscription(&id).await;
    assert_eq!(
        (day(&suspended.suspended_from), suspended.next_billing_on),
        ("2025-01-31".into(), None)
    );
    assert_eq!(at_risk(&mut client).await, "31.00 of 31.00");
    assert_eq!(refusal(client.pause(&id, None, None).await).about, "SUBSCRIPTION_SUSPENDED");
    assert_eq!(refusal(client.resume(&id, None).await).about, "NOT_PAUSED");
    pay(&mut client, &customer, 37_51).await;
    assert_eq!(standing(&mut client, &id).await, "ACTIVE DELIVER IN_FORCE");
    assert_eq!(at_risk(&mut client).await, "0.00 of 31.00");
    let restored = client.subscription(&id).await;
    let pause = &restored.pauses[0];
    assert_eq!((day(&pause.from), day(&pause.until)), ("2025-01-31".into(), "2025-02-05".into()));
    assert_eq!(pause.kind(), v1::PauseKind::Suspension);
    card(&mut client, &customer, "settles").await;
    client.advance("2025-03-01").await.unwrap();
    assert_eq!(
        book(&client.documents().await),
        [
            "2025-00001 2025-01-01 31.00 + 6.51: base 2025-01-01..2025-02-01 31.00",
            // 24 of 28 days.
            "2025-00002 2025-02-05 26.57 + 5.58: base 2025-02-05..2025-03-01 26.57",
            "2025-00003 2025-03-01 31.00 + 6.51: base 2025-03-01..2025-04-01 31.00",
            "C2025-00001 2025-02-05 -1.00 + -0.21: base 2025-01-31..2025-02-01 -1.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_that_was_charged_is_given_back_from_the_day_on_which_delivery_stopped() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let (_, subscription) = without_money(&mut client, Plan::months(12, "365.00")).await;
    client.advance("2025-03-10").await.unwrap();
    assert_eq!(standing(&mut client, &subscription.id).await, "CANCELLED STOP ENDED");
    assert_eq!(
        book(&client.documents().await)[1..],
        ["C2025-00001 2025-03-02 -335.00 + -70.35: base 2025-01-31..2026-01-01 -335.00"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_arrears_the_days_before_the_stop_are_charged_with_the_rest_of_the_period() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let plan = Plan { timing: v1::BillingTiming::InArrears, ..Plan::months(1, "31.00") };
    let (customer, subscription) = without_money(&mut client, plan).await;
    // January is billed on the first of February, and not paid; delivery stops on 3 March.
    client.advance("2025-03-11").await.unwrap();
    assert_eq!(standing(&mut client, &subscription.id).await, "SUSPENDED STOP OVERDUE");
    card(&mut client, &customer, "settles").await;
    client.advance("2025-04-01").await.unwrap();
    assert_eq!(
        book(&client.documents().await),
        [
            "2025-00001 2025-02-01 31.00 + 6.51: base 2025-01-01..2025-02-01 31.00",
            "2025-00002 2025-03-01 31.00 + 6.51: base 2025-02-01..2025-03-01 31.00",
            "2025-00003 2025-04-01 23.00 + 4.83: base 2025-03-01..2025-03-03 2.00, \
             base 2025-03-11..2025-04-01 21.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_whose_delivery_is_restricted_gets_no_more_and_may_have_less() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let (customer, subscription) = without_money(&mut client, Plan::seats("10.00")).await;
    let id = subscription.id;
    let component = subscription.items[0].component.clone();
    let seats = |count: &str| v1::Change {
        quantities: vec![v1::ComponentQuantity {
            component: component.clone(),
            quantity: crate::world::decimal(count),
        }],
        ..v1::Change::default()
    };
    client.advance("2025-01-10").await.unwrap();
    client.change(&id, seats("3")).await.unwrap();
    client.advance("2025-01-22").await.unwrap();
    let refused = refusal(client.change(&id, seats("4")).await);
    assert_eq!(refused.about, "PAYMENT_OVERDUE");
    client.change(&id, seats("2")).await.unwrap();
    let plan = client.plan("more", Plan::months(1, "5.00")).await;
    let terms = Client::terms(&customer, &plan, "2025-01-22");
    assert_eq!(refusal(client.subscribe(terms).await).about, "PAYMENT_OVERDUE");
    let filter = |state: SubscriptionState| v1::ListSubscriptionsRequest {
        state: state.into(),
        ..Default::default()
    };
    for (state, expected) in [(SubscriptionState::PastDue, 1), (SubscriptionState::Active, 0)] {
        let found = client.subscriptions.list_subscriptions(filter(state)).await.unwrap();
        assert_eq!(found.into_inner().subscriptions.len(), expected, "{state:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_while_money_is_missing_stops_the_days_and_a_suspension_does_not() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let (_, subscription) = without_money(&mut client, Plan::months(1, "31.00")).await;
    let id = subscription.id;
    client.advance("2025-01-10").await.unwrap();
    assert_eq!(
        standing(&mut client, &id).await,
        "PAST_DUE DELIVER_IN_GRACE OVERDUE until 2025-01-22"
    );
    client.pause(&id, None, Some("2025-01-20")).await.unwrap();
    assert_eq!(standing(&mut client, &id).await, "PAUSED STOP PAUSED until 2025-01-20");
    let table = [
        ("2025-01-20", "PAST_DUE DELIVER_IN_GRACE OVERDUE until 2025-02-01"),
        ("2025-02-01", "PAST_DUE RESTRICTED OVERDUE until 2025-02-10"),
        ("2025-02-10", "SUSPENDED STOP OVERDUE"),
        ("2025-03-11", "SUSPENDED STOP OVERDUE"),
        ("2025-03-12", "CANCELLED STOP ENDED"),
    ];
    for (on, expected) in table {
        client.advance(on).await.unwrap();
        assert_eq!(standing(&mut client, &id).await, expected, "on {on}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_goes_back_begins_anew_on_the_day_on_which_it_went() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let (customer, subscription) = without_money(&mut client, Plan::months(12, "365.00")).await;
    let id = subscription.id;
    client.advance("2025-01-10").await.unwrap();
    let paid = pay(&mut client, &customer, 44_165).await;
    assert_eq!(standing(&mut client, &id).await, "ACTIVE DELIVER IN_FORCE");
    client.advance("2025-03-25").await.unwrap();
    let request = v1::ListAttemptsRequest::default();
    let before = client.collection.list_attempts(request.clone()).await.unwrap().into_inner();
    let back = v1::ReturnPaymentRequest {
        payment_id: paid.id,
        booked_on: Some(date("2025-03-24")),
        ..Default::default()
    };
    client.payments.return_payment(back).await.unwrap();
    let table = [
        ("2025-03-25", "PAST_DUE DELIVER_IN_GRACE OVERDUE until 2025-04-14"),
        ("2025-04-14", "PAST_DUE RESTRICTED OVERDUE until 2025-04-23"),
        ("2025-04-23", "SUSPENDED STOP OVERDUE"),
    ];
    for (on, expected) in table {
        client.advance(on).await.unwrap();
        assert_eq!(standing(&mut client, &id).await, expected, "on {on}");
    }
    // Tried again on days 1, 3, 7 and 14, as when the money had never come.
    let after = client.collection.list_attempts(request).await.unwrap().into_inner();
    assert_eq!((before.attempts.len(), after.attempts.len()), (4, 8));
    world.finish().await;
}
