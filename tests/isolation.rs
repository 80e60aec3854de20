//! Isolation: an organization sees its own rows and nothing else.
//!
//! Deliberately absent: the policies of the tables (`schema`).

use server::pb::v1;
use tonic::Code;

use crate::world::{Client, Plan, World, date};

/// A vendor that has something of everything.
async fn furnished(world: &World) -> Client {
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let plan = client.plan("hosting", Plan::months(3, "10.00")).await;
    client.subscribe(Client::terms(&ann, &plan, "2025-02-01")).await.unwrap();
    let request_id = domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string();
    let keyed = v1::CreateCustomerRequest {
        customer: Some(Client::business("Ben")),
        request_id,
        ..Default::default()
    };
    client.customers.create_customer(keyed).await.unwrap();
    client.run_billing().await;
    let verify =
        client.ledger.verify_ledger(v1::VerifyLedgerRequest {}).await.unwrap().into_inner();
    assert!(verify.ok, "{verify:?}");
    // A customer without a rate, for something that is set aside, mended at the end.
    let far = v1::Customer { currency: "KWD".into(), ..Client::business("Cor") };
    let far = client.create_customer(far).await.unwrap();
    let dinars = Plan {
        currency: "KWD",
        category: v1::VatCategory::Intermediate,
        ..Plan::months(1, "10.005")
    };
    let dinars = client.plan("dinars", dinars).await;
    client.subscribe(Client::terms(&far, &dinars, "2025-02-01")).await.unwrap();
    assert_eq!(client.run_billing().await.set_aside, 1);
    client
}

/// Takes up what `furnished` left aside: the next run bills it.
async fn mend(client: &mut Client) {
    let rate = v1::VatRate {
        country: "NL".into(),
        category: v1::VatCategory::Intermediate.into(),
        rate: crate::world::decimal("12"),
        valid_from: Some(date("2025-01-01")),
    };
    let request = v1::SetVatRateRequest { vat_rate: Some(rate), ..Default::default() };
    client.catalog.set_vat_rate(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_may_neither_change_tables_nor_facts() {
    let world = World::new().await;
    let sql = world.database.sql().await;
    for forbidden in [
        "CREATE TABLE mine (org_id uuid)",
        "ALTER TABLE customers DISABLE ROW LEVEL SECURITY",
        "DROP TABLE postings",
        "TRUNCATE invoices",
        "DELETE FROM invoices",
        "UPDATE postings SET amount_minor = 0",
        "DELETE FROM journal_entries",
    ] {
        sql.batch_execute("BEGIN; SET LOCAL ROLE recoup_service").await.unwrap();
        let done = sql.batch_execute(forbidden).await;
        sql.batch_execute("ROLLBACK").await.unwrap();
        let code = done.expect_err(forbidden).code().cloned();
        assert_eq!(
            code,
            Some(tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE),
            "{forbidden}"
        );
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_shows_anything_of_another_organization() {
    let world = World::new().await;
    let mut one = furnished(&world).await;
    let mut empty = world.sandbox("2025-02-01").await;
    macro_rules! list {
        ($client:ident, $service:ident . $method:ident, $request:ident, $field:ident) => {{
            let request = v1::$request::default();
            $client.$service.$method(request).await.unwrap().into_inner().$field.len()
        }};
    }
    macro_rules! lists {
        ($($service:ident . $method:ident, $request:ident, $field:ident, $of_empty:expr;)*) => {$(
            assert!(list!(one, $service.$method, $request, $field) > $of_empty, stringify!($method));
            assert_eq!(list!(empty, $service.$method, $request, $field), $of_empty, stringify!($method));
        )*};
    }
    lists! {
        customers.list_customers, ListCustomersRequest, customers, 0;
        catalog.list_products, ListProductsRequest, products, 0;
        catalog.list_plans, ListPlansRequest, plans, 0;
        subscriptions.list_subscriptions, ListSubscriptionsRequest, subscriptions, 0;
        invoices.list_invoices, ListInvoicesRequest, invoices, 0;
        ledger.list_entries, ListEntriesRequest, entries, 0;
        ledger.get_trial_balance, GetTrialBalanceRequest, rows, 0;
        work.list_set_aside, ListSetAsideRequest, set_aside, 0;
    }
    assert_eq!(list!(empty, organizations.list_api_keys, ListApiKeysRequest, api_keys), 1);
    mend(&mut one).await;
    world.finish().await;
}

/// What the furnished organization has, by id.
struct Belongings {
    plan: v1::Plan,
    customer_id: String,
    product_id: String,
    subscription_id: String,
    invoice_id: String,
    set_aside_id: String,
    api_key_id: String,
}

async fn belongings(one: &mut Client) -> Belongings {
    let request = v1::ListSubscriptionsRequest::default();
    let listed = one.subscriptions.list_subscriptions(request).await.unwrap().into_inner();
    let subscription = listed.subscriptions[0].clone();
    let plan = one.catalog.get_plan(v1::GetPlanRequest { plan_id: subscription.plan_id.clone() });
    let plan = plan.await.unwrap().into_inner().plan.unwrap();
    let aside = one.work.list_set_aside(v1::ListSetAsideRequest::default()).await.unwrap();
    let keys = one.organizations.list_api_keys(v1::ListApiKeysRequest::default()).await.unwrap();
    Belongings {
        product_id: plan.versions[0].prices[0].product_id.clone(),
        plan,
        customer_id: subscription.customer_id,
        subscription_id: subscription.id,
        invoice_id: one.documents().await[0].id.clone(),
        set_aside_id: aside.into_inner().set_aside[0].id.clone(),
        api_key_id: keys.into_inner().api_keys[0].id.clone(),
    }
}

/// Calls that a client makes about what is not its own.
macro_rules! missing {
    ($client:ident; $($service:ident . $method:ident ( $request:expr );)*) => {$(
        let status = $client.$service.$method($request).await.expect_err(stringify!($method));
        assert_eq!(status.code(), Code::NotFound, "{}: {status:?}", stringify!($method));
    )*};
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_and_plans_of_another_organization_do_not_exist() {
    let world = World::new().await;
    let mut one = furnished(&world).await;
    let mut other = world.sandbox("2025-02-01").await;
    let Belongings { plan, customer_id, product_id, .. } = belongings(&mut one).await;
    let plan_id = plan.id.clone();
    let block = v1::BlockCustomerRequest {
        customer_id: customer_id.clone(),
        reason: "x".into(),
        ..Default::default()
    };
    let renamed = v1::Customer { id: customer_id.clone(), name: "x".into(), ..Default::default() };
    let update = v1::UpdateCustomerRequest {
        customer: Some(renamed),
        update_mask: Some(prost_types::FieldMask { paths: vec!["name".into()] }),
        ..Default::default()
    };
    let version =
        v1::PlanVersion { valid_from: Some(date("2030-01-01")), ..plan.versions[0].clone() };
    let publish = v1::PublishPlanVersionRequest {
        plan_id: plan_id.clone(),
        version: Some(version),
        ..Default::default()
    };
    let unblock =
        v1::UnblockCustomerRequest { customer_id: customer_id.clone(), ..Default::default() };
    missing! { other;
        customers.get_customer(v1::GetCustomerRequest { customer_id: customer_id.clone() });
        customers.update_customer(update);
        customers.block_customer(block);
        customers.unblock_customer(unblock);
        catalog.get_product(v1::GetProductRequest { product_id });
        catalog.get_plan(v1::GetPlanRequest { plan_id: plan_id.clone() });
        catalog.publish_plan_version(publish);
        catalog.retire_plan(v1::RetirePlanRequest { plan_id, ..Default::default() });
        invoices.preview_invoice(v1::PreviewInvoiceRequest { customer_id, on: None });
    }
    mend(&mut one).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_and_documents_of_another_organization_do_not_exist() {
    let world = World::new().await;
    let mut one = furnished(&world).await;
    let mut other = world.sandbox("2025-02-01").await;
    let Belongings {
        plan, customer_id, subscription_id, invoice_id, set_aside_id, api_key_id, ..
    } = belongings(&mut one).await;
    let cancel = v1::CancelSubscriptionRequest {
        subscription_id: subscription_id.clone(),
        reason: v1::CancelReason::Unknown.into(),
        ..Default::default()
    };
    let terms = v1::SubscriptionTerms { customer_id, plan_id: plan.id, ..Default::default() };
    let subscribe =
        v1::CreateSubscriptionRequest { terms: Some(terms.clone()), ..Default::default() };
    let preview = v1::PreviewSubscriptionRequest { terms: Some(terms), ..Default::default() };
    let get = v1::GetSubscriptionRequest { subscription_id: subscription_id.clone() };
    let retry = v1::RetrySetAsideRequest { set_aside_id, ..Default::default() };
    let id = || invoice_id.clone();
    let finalize = v1::FinalizeInvoiceRequest { invoice_id: id(), ..Default::default() };
    let reason = "weg".to_owned();
    let discard = v1::DiscardDraftRequest { invoice_id: id(), reason, ..Default::default() };
    missing! { other;
        subscriptions.create_subscription(subscribe);
        subscriptions.preview_subscription(preview);
        subscriptions.get_subscription(get);
        subscriptions.cancel_subscription(cancel);
        subscriptions.undo_cancel(v1::UndoCancelRequest { subscription_id, ..Default::default() });
        invoices.get_invoice(v1::GetInvoiceRequest { invoice_id: invoice_id.clone() });
        invoices.get_document(v1::GetDocumentRequest { invoice_id, language: 0 });
        invoices.finalize_invoice(finalize);
        invoices.discard_draft(discard);
        organizations.revoke_api_key(v1::RevokeApiKeyRequest { api_key_id, ..Default::default() });
        work.retry_set_aside(retry);
    }
    mend(&mut one).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_use_elsewhere_is_free_here() {
    let world = World::new().await;
    let id = uuid::Uuid::max().to_string();
    for _ in 0..2 {
        let mut client = world.sandbox("2025-02-01").await;
        let request = v1::CreateCustomerRequest {
            customer_id: id.clone(),
            customer: Some(Client::business("Ann")),
            ..Default::default()
        };
        client.customers.create_customer(request).await.unwrap();
    }
    world.finish().await;
}
