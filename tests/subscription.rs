//! Starting a subscription: what is refused, in the preview as in the real call.

use server::pb::v1::{self, Alignment, IntervalUnit, preview_subscription_request::Horizon};

use crate::world::{Client, Plan, World, book, date, day, decimal, euro, refusal};

/// A customer and plans to subscribe to.
async fn shop(world: &World) -> (Client, v1::Customer, v1::Plan, v1::Plan) {
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let flat = client.plan("flat", Plan::months(1, "10.00")).await;
    let seats = client.plan("seats", Plan::seats("2.50")).await;
    (client, ann, flat, seats)
}

/// Both calls refuse the same, and nothing is written.
async fn refused_by_both(client: &mut Client, terms: v1::SubscriptionTerms) -> String {
    let request =
        v1::PreviewSubscriptionRequest { terms: Some(terms.clone()), ..Default::default() };
    let preview = refusal(client.subscriptions.preview_subscription(request).await);
    let create = refusal(client.subscribe(terms).await);
    assert_eq!(preview, create);
    create.line()
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_that_are_wrong_are_named_by_their_path() {
    let world = World::new().await;
    let (mut client, ann, _, seats) = shop(&world).await;
    let right = Client::terms(&ann, &seats, "2025-02-01");
    let quantity = |component: &str, quantity: &str| v1::ComponentQuantity {
        component: component.into(),
        quantity: decimal(quantity),
    };
    let with = |change: &dyn Fn(&mut v1::SubscriptionTerms)| {
        let mut terms = right.clone();
        change(&mut terms);
        terms
    };
    let nobody = uuid::Uuid::max().to_string();
    let table = [
        (with(&|one| one.customer_id = "Ann".into()), "InvalidArgument terms.customer_id"),
        (with(&|one| one.customer_id = nobody.clone()), "NotFound"),
        (with(&|one| one.plan_id = String::new()), "InvalidArgument terms.plan_id"),
        (with(&|one| one.plan_id = nobody.clone()), "NotFound"),
        (with(&|one| one.start_on = Some(date("2025-02-31"))), "InvalidArgument terms.start_on"),
        (with(&|one| one.start_on = Some(date("2025-02-00"))), "InvalidArgument terms.start_on"),
        (with(&|one| one.start_on = Some(date("2031-01-01"))), "InvalidArgument terms.start_on"),
        (with(&|one| one.start_on = Some(date("2019-01-01"))), "InvalidArgument terms.start_on"),
        (with(&|one| one.alignment = 5), "InvalidArgument terms.alignment"),
        (
            with(&|one| one.quantities = vec![quantity("base", "1"), quantity("base", "2")]),
            "InvalidArgument terms.quantities",
        ),
        (
            with(&|one| one.quantities = vec![quantity("seats", "1")]),
            "InvalidArgument terms.quantities",
        ),
    ];
    for (terms, expected) in table {
        let found = refused_by_both(&mut client, terms.clone()).await;
        assert!(found.starts_with(expected), "{found} instead of {expected}: {terms:?}");
    }
    for number in ["-1", "1.0000001", "1000000001", "1e3", ""] {
        let terms = with(&|one| one.quantities = vec![quantity("base", number)]);
        let found = refused_by_both(&mut client, terms).await;
        assert_eq!(found, "InvalidArgument terms.quantities[0].quantity", "{number:?}");
    }
    let nothing = v1::CreateSubscriptionRequest::default();
    let refused = refusal(client.subscriptions.create_subscription(nothing).await);
    assert_eq!(refused.line(), "InvalidArgument terms");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_state_of_things_does_not_allow_has_a_reason() {
    let world = World::new().await;
    let (mut client, ann, flat, _) = shop(&world).await;
    let dollars = v1::Customer { currency: "USD".into(), ..Client::business("Bob") };
    let dollars = client.create_customer(dollars).await.unwrap();
    let found = refused_by_both(&mut client, Client::terms(&dollars, &flat, "2025-02-01")).await;
    assert_eq!(found, "FailedPrecondition CURRENCY_NOT_PRICED");

    let long_ago = Client::terms(&ann, &flat, "2020-02-01");
    let product = flat.versions[0].prices[0].product_id.clone();
    let young = v1::PlanVersion {
        valid_from: Some(date("2025-03-01")),
        ..Plan::months(1, "10.00").version(&product)
    };
    let request = v1::CreatePlanRequest {
        code: "young".into(),
        name: "Young".into(),
        version: Some(young),
        ..Default::default()
    };
    let young = client.catalog.create_plan(request).await.unwrap().into_inner().plan.unwrap();
    let too_early = Client::terms(&ann, &young, "2025-02-28");
    let found = refused_by_both(&mut client, too_early).await;
    assert_eq!(found, "FailedPrecondition PLAN_NOT_IN_FORCE");

    for (count, unit) in
        [(10, IntervalUnit::Day), (5, IntervalUnit::Month), (24, IntervalUnit::Month)]
    {
        let odd = Plan { count, unit, ..Plan::months(1, "10.00") };
        let odd = client.plan(&format!("{count} {unit:?}"), odd).await;
        let terms = v1::SubscriptionTerms {
            alignment: Alignment::Calendar.into(),
            ..Client::terms(&ann, &odd, "2025-02-01")
        };
        let found = refused_by_both(&mut client, terms).await;
        assert_eq!(found, "FailedPrecondition ALIGNMENT_NOT_POSSIBLE", "{count} {unit:?}");
    }
    let block = v1::BlockCustomerRequest {
        customer_id: ann.id.clone(),
        reason: "betaalt niet".into(),
        ..Default::default()
    };
    client.customers.block_customer(block).await.unwrap();
    let found = refused_by_both(&mut client, long_ago).await;
    assert_eq!(found, "FailedPrecondition CUSTOMER_BLOCKED");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_flat_price_the_quantity_does_not_count() {
    let world = World::new().await;
    let (mut client, ann, flat, _) = shop(&world).await;
    let mut terms = Client::terms(&ann, &flat, "2025-02-01");
    terms.quantities =
        vec![v1::ComponentQuantity { component: "base".into(), quantity: decimal("2") }];
    client.subscribe(terms).await.unwrap();
    client.run_billing().await;
    assert_eq!(
        book(&client.documents().await),
        ["2025-00001 2025-02-01 10.00 + 2.10: flat 2025-02-01..2025-03-01 10.00"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_a_subscription_is_taken_once() {
    let world = World::new().await;
    let (mut client, ann, flat, _) = shop(&world).await;
    let created = client.subscribe(Client::terms(&ann, &flat, "2025-02-01")).await.unwrap();
    let request = v1::CreateSubscriptionRequest {
        subscription_id: created.id.clone(),
        terms: Some(Client::terms(&ann, &flat, "2025-02-01")),
        ..Default::default()
    };
    let refused = refusal(client.subscriptions.create_subscription(request).await);
    assert_eq!(refused.line(), "AlreadyExists ID_TAKEN");
    assert_eq!(client.subscription(&created.id).await, created);
    let unknown = v1::GetSubscriptionRequest { subscription_id: uuid::Uuid::max().to_string() };
    assert_eq!(refusal(client.subscriptions.get_subscription(unknown).await).line(), "NotFound");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_looks_until_a_date_or_over_so_many_billing_dates() {
    let world = World::new().await;
    let (mut client, ann, flat, _) = shop(&world).await;
    let terms = Some(Client::terms(&ann, &flat, "2025-02-01"));
    let table = [
        (None, Ok(12)),
        (Some(Horizon::Periods(1)), Ok(1)),
        (Some(Horizon::Periods(36)), Ok(36)),
        (Some(Horizon::Until(date("2025-04-01"))), Ok(2)),
        (Some(Horizon::Until(date("2025-04-02"))), Ok(3)),
        (Some(Horizon::Until(date("2100-01-01"))), Ok(36)),
        (Some(Horizon::Periods(0)), Err("InvalidArgument periods")),
        (Some(Horizon::Periods(37)), Err("InvalidArgument periods")),
        (Some(Horizon::Periods(-1)), Err("InvalidArgument periods")),
        (Some(Horizon::Until(date("2025-02-31"))), Err("InvalidArgument until")),
    ];
    for (horizon, expected) in table {
        let request = v1::PreviewSubscriptionRequest { terms: terms.clone(), horizon };
        let answer = client.subscriptions.preview_subscription(request).await;
        match expected {
            Ok(count) => {
                assert_eq!(answer.unwrap().into_inner().invoices.len(), count, "{horizon:?}")
            }
            Err(line) => assert_eq!(refusal(answer).line(), line, "{horizon:?}"),
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_converts_on_29_february_is_billed_on_its_day_in_every_month() {
    let world = World::new().await;
    let mut client = world.sandbox("2024-02-15").await;
    let customer = client.customer("Bakkerij Jansen").await;
    let plan = client.plan("trial", Plan { trial_days: 14, ..Plan::months(1, "30.00") }).await;
    let made = client.subscribe(Client::terms(&customer, &plan, "2024-02-15")).await.unwrap();
    assert_eq!(day(&made.trial_ends_on), "2024-02-29");
    client.advance("2024-02-28").await.unwrap();
    assert_eq!(client.documents().await, [], "the last day of the trial");
    client.advance("2025-03-29").await.unwrap();
    let documents = client.documents().await;
    let billed: Vec<String> = documents.iter().map(|one| day(&one.issue_on)).collect();
    let expected = [
        "2024-02-29",
        "2024-03-29",
        "2024-04-29",
        "2024-05-29",
        "2024-06-29",
        "2024-07-29",
        "2024-08-29",
        "2024-09-29",
        "2024-10-29",
        "2024-11-29",
        "2024-12-29",
        "2025-01-29",
        "2025-02-28",
        "2025-03-29",
    ];
    assert_eq!(billed, expected);
    let months = documents
        .windows(2)
        .all(|pair| day(&pair[0].lines[0].service_until) == day(&pair[1].lines[0].service_from));
    assert!(months && documents.iter().all(|one| euro(&one.net) == "30.00"));
    world.finish().await;
}
