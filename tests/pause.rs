//! Pauses, and whether to deliver.

use server::pb::v1::{self, Delivery, EntitlementReason, SubscriptionState};

use crate::world::{Client, Plan, World, book, date, day, refusal};

async fn subscribed(client: &mut Client, plan: Plan) -> v1::Subscription {
    let customer = client.customer("Bakkerij Jansen").await;
    let plan = client.plan("base", plan).await;
    client.subscribe(Client::terms(&customer, &plan, "2025-01-01")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pauses_in_an_annual_plan_are_credited_and_the_rest_charged_anew() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let id = subscribed(&mut client, Plan::months(12, "365.00")).await.id;
    client.advance("2025-03-02").await.unwrap();
    let paused = client.pause(&id, None, None).await.unwrap();
    assert_eq!(paused.state(), SubscriptionState::Paused);
    assert_eq!(day(&paused.pauses[0].until), "2025-06-02", "three months when nothing is said");
    client.advance("2025-04-01").await.unwrap();
    let resumed = client.resume(&id, None).await.unwrap();
    assert_eq!(resumed.state(), SubscriptionState::Active);
    client.advance("2025-05-01").await.unwrap();
    client.pause(&id, Some("2025-07-01"), Some("2025-07-11")).await.unwrap();
    client.advance("2026-01-01").await.unwrap();
    assert_eq!(
        book(&client.documents().await),
        [
            "2025-00001 2025-01-01 365.00 + 76.65: base 2025-01-01..2026-01-01 365.00",
            "2025-00002 2025-04-01 275.00 + 57.75: base 2025-04-01..2026-01-01 275.00",
            "2025-00003 2025-07-11 174.00 + 36.54: base 2025-07-11..2026-01-01 174.00",
            "2026-00001 2026-01-01 365.00 + 76.65: base 2026-01-01..2027-01-01 365.00",
            "C2025-00001 2025-03-02 -305.00 + -64.05: base 2025-03-02..2026-01-01 -305.00",
            "C2025-00002 2025-07-01 -184.00 + -38.64: base 2025-07-01..2026-01-01 -184.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_while_paused_is_charged_from_the_day_of_the_return() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let id = subscribed(&mut client, Plan::months(1, "31.00")).await.id;
    let dearer = client.plan("dearer", Plan::months(1, "62.00")).await;
    client.advance("2025-01-11").await.unwrap();
    client.pause(&id, None, Some("2025-01-22")).await.unwrap();
    client.advance("2025-01-15").await.unwrap();
    let change = v1::Change { plan_id: dearer.id, ..v1::Change::default() };
    client.change(&id, change).await.unwrap();
    client.advance("2025-02-01").await.unwrap();
    assert_eq!(
        book(&client.documents().await)[1..],
        [
            "2025-00002 2025-01-22 20.00 + 4.20: dearer 2025-01-22..2025-02-01 20.00",
            "2025-00003 2025-02-01 62.00 + 13.02: dearer 2025-02-01..2025-03-01 62.00",
            "C2025-00001 2025-01-11 -21.00 + -4.41: base 2025-01-11..2025-02-01 -21.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_arrears_the_parts_around_a_pause_are_billed_together() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let arrears = v1::BillingTiming::InArrears;
    let plan = Plan { timing: arrears, ..Plan::months(1, "31.00") };
    let id = subscribed(&mut client, plan).await.id;
    client.advance("2025-01-05").await.unwrap();
    client.pause(&id, Some("2025-01-11"), Some("2025-01-21")).await.unwrap();
    client.advance("2025-02-01").await.unwrap();
    assert_eq!(
        book(&client.documents().await),
        ["2025-00001 2025-02-01 21.00 + 4.41: base 2025-01-01..2025-01-11 10.00, \
          base 2025-01-21..2025-02-01 11.00"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_ask_only_whether_to_deliver() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let customer = client.customer("Bakkerij Jansen").await;
    let trial = Plan { trial_days: 14, ..Plan::months(1, "30.00") };
    let plan = client.plan("base", trial).await;
    let id = client.subscribe(Client::terms(&customer, &plan, "2025-01-05")).await.unwrap().id;
    let mut asked = Vec::new();
    for day in ["2025-01-04", "2025-01-05", "2025-01-19", "2025-01-20", "2025-01-25"] {
        client.advance(day).await.unwrap();
        match day {
            "2025-01-19" => drop(client.pause(&id, Some("2025-01-20"), Some("2025-01-25")).await),
            "2025-01-25" => drop(client.cancel_now(&id, true).await.unwrap()),
            _ => {}
        }
        asked.push(client.entitlement(&id).await);
    }
    let shown: Vec<_> =
        asked.iter().map(|one| (one.delivery(), one.reason(), day(&one.until))).collect();
    let day = |text: &str| text.to_owned();
    assert_eq!(
        shown,
        [
            (Delivery::Stop, EntitlementReason::NotStarted, day("2025-01-05")),
            (Delivery::Deliver, EntitlementReason::Trial, String::new()),
            (Delivery::Deliver, EntitlementReason::InForce, day("2025-01-20")),
            (Delivery::Stop, EntitlementReason::Paused, day("2025-01-25")),
            (Delivery::Stop, EntitlementReason::Ended, String::new()),
        ]
    );
    let of = Some(v1::check_entitlement_request::Of::CustomerId(customer.id));
    let request = v1::CheckEntitlementRequest { of };
    let of_customer = client.subscriptions.check_entitlement(request).await.unwrap().into_inner();
    assert_eq!(of_customer.entitlements, [], "what has ended is not asked for");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_paused_or_resumed_is_refused() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let id = subscribed(&mut client, Plan::months(1, "31.00")).await.id;
    client.advance("2025-02-11").await.unwrap();
    let table = [
        (Some("2025-01-20"), None, "FailedPrecondition BEFORE_LAST_INVOICE"),
        (Some("2025-02-20"), Some("2025-02-20"), "InvalidArgument until"),
        (Some("2025-02-20"), Some("2025-05-21"), "FailedPrecondition PAUSE_TOO_LONG"),
    ];
    for (from, until, line) in table {
        let refused = refusal(client.pause(&id, from, until).await);
        assert_eq!(refused.line(), line, "{from:?} {until:?}");
    }
    let not_paused = refusal(client.resume(&id, None).await);
    assert_eq!(not_paused.line(), "FailedPrecondition NOT_PAUSED");
    let planned = client.pause(&id, Some("2025-02-20"), Some("2025-03-20")).await.unwrap();
    assert_eq!(client.pause(&id, Some("2025-02-20"), Some("2025-03-20")).await.unwrap(), planned);
    let overlapping = refusal(client.pause(&id, Some("2025-03-19"), None).await);
    assert_eq!(overlapping.line(), "FailedPrecondition ALREADY_PAUSED");
    let late = refusal(client.resume(&id, Some("2025-03-21")).await);
    assert_eq!(late.line(), "FailedPrecondition NOT_PAUSED");
    client.cancel_now(&id, false).await.unwrap();
    for refused in
        [refusal(client.pause(&id, None, None).await), refusal(client.resume(&id, None).await)]
    {
        assert_eq!(refused.line(), "FailedPrecondition ALREADY_ENDED");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_now_credits_or_forfeits_and_an_end_on_a_date_waits_for_it() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let credited = subscribed(&mut client, Plan::months(1, "31.00")).await;
    let plan = client.plan("other", Plan::months(1, "31.00")).await;
    let mut ids = Vec::new();
    for name in ["Slagerij Smit", "Kapsalon Knip"] {
        let customer = client.customer(name).await;
        let terms = Client::terms(&customer, &plan, "2025-01-01");
        ids.push(client.subscribe(terms).await.unwrap().id);
    }
    client.advance("2025-01-11").await.unwrap();
    client.cancel_now(&credited.id, true).await.unwrap();
    client.cancel_now(&ids[0], false).await.unwrap();
    let on = v1::CancelOn { date: Some(date("2025-02-10")), credit: true };
    let request = v1::CancelSubscriptionRequest {
        subscription_id: ids[1].clone(),
        reason: v1::CancelReason::VoluntaryPrice.into(),
        when: Some(v1::cancel_subscription_request::When::On(on)),
        ..Default::default()
    };
    client.subscriptions.cancel_subscription(request).await.unwrap();
    client.advance("2025-02-10").await.unwrap();
    let documents = book(&client.documents().await);
    assert_eq!(
        documents[3..],
        [
            "2025-00004 2025-02-01 9.96 + 2.09: other 2025-02-01..2025-02-10 9.96",
            "C2025-00001 2025-01-11 -21.00 + -4.41: base 2025-01-11..2025-02-01 -21.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_pause_before_an_end_without_credit_gives_back_that_day() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let id = subscribed(&mut client, Plan::months(12, "365.00")).await.id;
    client.advance("2025-01-11").await.unwrap();
    let on = v1::CancelOn { date: Some(date("2025-03-01")), credit: false };
    let request = v1::CancelSubscriptionRequest {
        subscription_id: id.clone(),
        reason: v1::CancelReason::VoluntaryPrice.into(),
        when: Some(v1::cancel_subscription_request::When::On(on)),
        ..Default::default()
    };
    client.subscriptions.cancel_subscription(request).await.unwrap();
    client.pause(&id, Some("2025-02-01"), Some("2025-02-02")).await.unwrap();
    client.advance("2025-03-02").await.unwrap();
    let documents = client.documents().await;
    let paid: i64 = documents.iter().map(|one| crate::world::cents(&one.net)).sum();
    assert_eq!(paid, 36_400, "{:?}", book(&documents));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_pauses_says_so() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let offer = Plan::months(1, "31.00");
    let product = client.product("base", &offer).await;
    let version = v1::PlanVersion { max_pause_months: Some(0), ..offer.version(&product.id) };
    let request = v1::CreatePlanRequest {
        code: "base".to_owned(),
        name: "base".to_owned(),
        version: Some(version),
        ..Default::default()
    };
    let plan = client.catalog.create_plan(request).await.unwrap().into_inner().plan.unwrap();
    let customer = client.customer("Bakkerij Jansen").await;
    let id = client.subscribe(Client::terms(&customer, &plan, "2025-01-01")).await.unwrap().id;
    let refused = refusal(client.pause(&id, None, Some("2025-01-02")).await);
    assert_eq!(refused.line(), "FailedPrecondition PAUSE_NOT_ALLOWED");
    assert_eq!(refused.message, "the plan allows no pause");
    world.finish().await;
}
