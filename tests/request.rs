//! Calls that arrive more than once: the same request id is one call.

use server::pb::v1;

use crate::world::{Client, Plan, World, date, refusal};

/// A fresh request id.
fn fresh() -> String {
    domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_the_same_content_answers_what_it_answered() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let request = v1::CreateCustomerRequest {
        customer: Some(Client::business("Ann")),
        request_id: fresh(),
        ..Default::default()
    };
    let first = client.customers.create_customer(request.clone()).await.unwrap().into_inner();
    // Also when the thing has changed meanwhile: the answer is the first one.
    let mut renamed = first.customer.clone().unwrap();
    renamed.name = "Anna".into();
    let update = v1::UpdateCustomerRequest {
        customer: Some(renamed),
        update_mask: Some(prost_types::FieldMask { paths: vec!["name".into()] }),
        request_id: fresh(),
    };
    client.customers.update_customer(update).await.unwrap();
    for _ in 0..2 {
        let again = client.customers.create_customer(request.clone()).await.unwrap().into_inner();
        assert_eq!(again, first);
    }
    let request = v1::ListCustomersRequest::default();
    let listed = client.customers.list_customers(request).await.unwrap().into_inner().customers;
    assert_eq!(listed.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_other_content_is_refused() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let request_id = fresh();
    let request = v1::CreateCustomerRequest {
        customer: Some(Client::business("Ann")),
        request_id: request_id.clone(),
        ..Default::default()
    };
    let ann = client.customers.create_customer(request.clone()).await.unwrap().into_inner();
    let other = v1::CreateCustomerRequest { customer: Some(Client::business("Ben")), ..request };
    let refused = refusal(client.customers.create_customer(other).await);
    assert_eq!(refused.line(), "AlreadyExists REQUEST_ID_REUSED");
    assert_eq!(refused.facts["request_id"], request_id);
    // Of another method it is other content, too.
    let customer_id = ann.customer.unwrap().id;
    let block = v1::UnblockCustomerRequest { customer_id, request_id };
    let refused = refusal(client.customers.unblock_customer(block).await);
    assert_eq!(refused.line(), "AlreadyExists REQUEST_ID_REUSED");
    let odd = v1::UnblockCustomerRequest { customer_id: fresh(), request_id: "1".into() };
    let refused = refusal(client.customers.unblock_customer(odd).await);
    assert_eq!(refused.line(), "InvalidArgument request_id");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_refused_may_come_again_with_its_id() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    let block = v1::BlockCustomerRequest {
        customer_id: ann.id.clone(),
        reason: "betaalt niet".into(),
        ..Default::default()
    };
    client.customers.block_customer(block).await.unwrap();
    let request = v1::CreateSubscriptionRequest {
        terms: Some(Client::terms(&ann, &plan, "2025-02-01")),
        request_id: fresh(),
        ..Default::default()
    };
    let refused = refusal(client.subscriptions.create_subscription(request.clone()).await);
    assert_eq!(refused.line(), "FailedPrecondition CUSTOMER_BLOCKED");
    let lift = v1::UnblockCustomerRequest { customer_id: ann.id, ..Default::default() };
    client.customers.unblock_customer(lift).await.unwrap();
    client.subscriptions.create_subscription(request).await.unwrap();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_does_it_and_all_get_the_answer() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    let request = v1::CreateSubscriptionRequest {
        terms: Some(Client::terms(&ann, &plan, "2025-02-01")),
        request_id: fresh(),
        ..Default::default()
    };
    let calls = (0..8).map(|_| {
        let (mut client, request) = (world.client(&client.key), request.clone());
        async move { client.subscriptions.create_subscription(request).await.unwrap().into_inner() }
    });
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let request = v1::ListSubscriptionsRequest::default();
    let listed = client.subscriptions.list_subscriptions(request).await.unwrap().into_inner();
    assert_eq!(listed.subscriptions.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_belongs_to_its_organization() {
    let world = World::new().await;
    let request = v1::CreateCustomerRequest {
        customer: Some(Client::business("Ann")),
        request_id: fresh(),
        ..Default::default()
    };
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut client = world.sandbox("2025-02-01").await;
        let made = client.customers.create_customer(request.clone()).await.unwrap().into_inner();
        ids.push(made.customer.unwrap().id);
    }
    assert_ne!(ids[0], ids[1]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_not_kept_for_a_repeat() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let request = v1::CreateApiKeyRequest {
        name: "erp".into(),
        roles: vec![v1::Role::Sales.into()],
        request_id: fresh(),
        ..Default::default()
    };
    let first = client.organizations.create_api_key(request.clone()).await.unwrap().into_inner();
    let again = client.organizations.create_api_key(request).await.unwrap().into_inner();
    assert_eq!((first.api_key, again.secret.as_str()), (again.api_key, ""));
    assert_ne!(first.secret, "");

    let organization = v1::Organization {
        kind: v1::OrganizationKind::Sandbox.into(),
        legal_name: "Another B.V.".into(),
        address: Some(Client::address("NL")),
        ..Default::default()
    };
    let request = v1::CreateOrganizationRequest {
        organization: Some(organization),
        request_id: fresh(),
        ..Default::default()
    };
    let first =
        client.organizations.create_organization(request.clone()).await.unwrap().into_inner();
    let again =
        client.organizations.create_organization(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.organization, again.secret.as_str()), (again.organization, ""));
    assert_ne!(first.secret, "");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_moved_by_days_goes_to_the_same_day_when_the_call_comes_again() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let request = v1::AdvanceClockRequest {
        target: Some(v1::advance_clock_request::Target::Days(10)),
        request_id: fresh(),
    };
    let first = client.advance_by(request.clone()).await.unwrap();
    assert_eq!(first.len(), 11);
    let again = client.advance_by(request.clone()).await.unwrap();
    assert_eq!(again.len(), 1, "nothing is left to live");
    assert!(again[0].done);
    assert_eq!(again[0].now, first[10].now);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mutating_call_can_be_repeated() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    let made = client.subscribe(Client::terms(&ann, &plan, "2025-02-01")).await.unwrap();
    macro_rules! twice {
        ($service:ident . $method:ident ( $request:expr )) => {{
            let request = $request;
            let first = client.$service.$method(request.clone()).await.unwrap().into_inner();
            let again = client.$service.$method(request).await.unwrap().into_inner();
            assert_eq!(first, again, stringify!($method));
            first
        }};
    }
    let product = v1::Product {
        name: "Domain".into(),
        vat_category: v1::VatCategory::Standard.into(),
        revenue_kind: v1::RevenueKind::Service.into(),
        ..Default::default()
    };
    let product = Some(product);
    let request_id = fresh();
    let made_product = twice!(catalog.create_product(v1::CreateProductRequest {
        product,
        request_id,
        ..Default::default()
    }));
    let version = Some(Plan::months(1, "5.00").version(&made_product.product.unwrap().id));
    let (code, name) = ("domain".to_owned(), "Domain".to_owned());
    let made_plan = twice!(catalog.create_plan(v1::CreatePlanRequest {
        code,
        name,
        version: version.clone(),
        request_id: fresh(),
        ..Default::default()
    }));
    let plan_id = made_plan.plan.unwrap().id;
    let version =
        version.map(|one| v1::PlanVersion { valid_from: Some(date("2026-01-01")), ..one });
    twice!(catalog.publish_plan_version(v1::PublishPlanVersionRequest {
        plan_id: plan_id.clone(),
        version,
        request_id: fresh(),
        ..Default::default()
    }));
    twice!(catalog.retire_plan(v1::RetirePlanRequest { plan_id, request_id: fresh() }));
    twice!(subscriptions.cancel_subscription(v1::CancelSubscriptionRequest {
        subscription_id: made.id.clone(),
        reason: v1::CancelReason::Unknown.into(),
        request_id: fresh(),
        ..Default::default()
    }));
    let subscription_id = made.id;
    twice!(
        subscriptions.undo_cancel(v1::UndoCancelRequest { subscription_id, request_id: fresh() })
    );
    let run = twice!(invoices.run_billing(v1::RunBillingRequest { request_id: fresh() }));
    assert_eq!(run.invoices_issued, 1, "the first answer comes again, not a second run");
    world.finish().await;
}
