//! Lists: pages, tokens and filters, the same for all of them.

use server::pb::v1;

use crate::world::{Client, Plan, World, date, refusal};

/// A vendor with five customers, each with a monthly subscription that was billed once.
async fn stocked(world: &World) -> Client {
    let mut client = world.sandbox("2025-02-01").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    for number in 0..5 {
        let customer = v1::Customer {
            external_reference: format!("C-{number}"),
            address: Some(Client::address(if number == 0 { "BE" } else { "NL" })),
            ..Client::business(&format!("Customer {number}"))
        };
        let customer = client.create_customer(customer).await.unwrap();
        client.subscribe(Client::terms(&customer, &plan, "2025-02-01")).await.unwrap();
    }
    client.run_billing().await;
    client
}

type Page = Result<(Vec<String>, String), tonic::Status>;

/// One page of a list by name: the ids, and the token of the next.
async fn page(client: &mut Client, list: &str, page_size: i32, token: &str) -> Page {
    let page_token = token.to_owned();
    macro_rules! ids {
        ($service:ident, $method:ident, $request:ident, $field:ident) => {{
            let request = v1::$request { page_size, page_token, ..Default::default() };
            let answer = client.$service.$method(request).await?.into_inner();
            let ids = answer.$field.into_iter().map(|one| one.id).collect();
            Ok((ids, answer.next_page_token))
        }};
    }
    match list {
        "customers" => ids!(customers, list_customers, ListCustomersRequest, customers),
        "subscriptions" => {
            ids!(subscriptions, list_subscriptions, ListSubscriptionsRequest, subscriptions)
        }
        "invoices" => ids!(invoices, list_invoices, ListInvoicesRequest, invoices),
        "entries" => ids!(ledger, list_entries, ListEntriesRequest, entries),
        "products" => ids!(catalog, list_products, ListProductsRequest, products),
        "plans" => ids!(catalog, list_plans, ListPlansRequest, plans),
        "api_keys" => ids!(organizations, list_api_keys, ListApiKeysRequest, api_keys),
        "jobs" => ids!(work, list_jobs, ListJobsRequest, jobs),
        "set_aside" => ids!(work, list_set_aside, ListSetAsideRequest, set_aside),
        other => panic!("no list {other}"),
    }
}

const LISTS: [&str; 9] = [
    "customers",
    "subscriptions",
    "invoices",
    "entries",
    "products",
    "plans",
    "api_keys",
    "jobs",
    "set_aside",
];

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_everything_once_in_the_order_of_ids() {
    let world = World::new().await;
    let mut client = stocked(&world).await;
    for list in LISTS {
        let (all, next) = page(&mut client, list, 500, "").await.unwrap();
        assert_eq!(next, "", "{list}");
        assert!(all.is_sorted(), "{list}");
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let (ids, next) = page(&mut client, list, 2, &token).await.unwrap();
            assert!(ids.len() == 2 || next.is_empty(), "{list}: only the last page is short");
            found.extend(ids);
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!(found, all, "{list}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_a_size_and_a_token_of_its_own_list() {
    let world = World::new().await;
    let mut client = stocked(&world).await;
    let mut other = stocked(&world).await;
    let (_, token) = page(&mut client, "customers", 2, "").await.unwrap();
    let (_, of_other_vendor) = page(&mut other, "customers", 2, "").await.unwrap();
    let (_, of_invoices) = page(&mut client, "invoices", 2, "").await.unwrap();
    for list in LISTS {
        for size in [-1, 501, i32::MAX] {
            let refused = refusal(page(&mut client, list, size, "").await);
            assert_eq!(refused.line(), "InvalidArgument page_size", "{list} {size}");
        }
        let foreign = if list == "customers" { &of_invoices } else { &token };
        for wrong in [foreign, &of_other_vendor, &tampered(&token), &"x".into(), &"ä".into()] {
            let refused = refusal(page(&mut client, list, 2, wrong).await);
            assert_eq!(refused.line(), "InvalidArgument page_token", "{list} {wrong}");
        }
    }
    page(&mut client, "customers", 2, &token).await.unwrap();
    world.finish().await;
}

/// The token of another place in the list, made by somebody who knows how tokens look.
fn tampered(token: &str) -> String {
    let first = if token.starts_with('A') { "B" } else { "A" };
    format!("{first}{}", &token[1..])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_goes_with_its_filters() {
    let world = World::new().await;
    let mut client = stocked(&world).await;
    let request =
        v1::ListCustomersRequest { page_size: 2, country: "NL".into(), ..Default::default() };
    let first = client.customers.list_customers(request.clone()).await.unwrap().into_inner();
    let next = v1::ListCustomersRequest { page_token: first.next_page_token, ..request };
    let second = client.customers.list_customers(next.clone()).await.unwrap().into_inner();
    assert_eq!((first.customers.len(), second.customers.len()), (2, 2));
    assert_eq!(second.next_page_token, "");
    let other = v1::ListCustomersRequest { country: "BE".into(), ..next };
    let refused = refusal(client.customers.list_customers(other).await);
    assert_eq!(refused.line(), "InvalidArgument page_token");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_what_is_listed() {
    let world = World::new().await;
    let mut client = stocked(&world).await;
    let documents = client.documents().await;
    let one = &documents[0];
    let none = uuid::Uuid::max().to_string();

    let mut customers = async |request| {
        client.customers.list_customers(request).await.unwrap().into_inner().customers.len()
    };
    let request = v1::ListCustomersRequest::default();
    for (external_reference, country, count) in
        [("C-3", "", 1), ("C-9", "", 0), ("", "BE", 1), ("", "NL", 4), ("C-3", "BE", 0)]
    {
        let (external_reference, country) = (external_reference.into(), country.into());
        let request = v1::ListCustomersRequest { external_reference, country, ..request.clone() };
        assert_eq!(customers(request.clone()).await, count, "{request:?}");
    }

    let mut invoices = async |request| {
        client.invoices.list_invoices(request).await.unwrap().into_inner().invoices.len()
    };
    let request = v1::ListInvoicesRequest::default();
    let table = [
        (v1::ListInvoicesRequest { customer_id: one.customer_id.clone(), ..request.clone() }, 1),
        (v1::ListInvoicesRequest { customer_id: none.clone(), ..request.clone() }, 0),
        (v1::ListInvoicesRequest { number: one.number.clone(), ..request.clone() }, 1),
        (v1::ListInvoicesRequest { state: v1::InvoiceState::Open.into(), ..request.clone() }, 5),
        (v1::ListInvoicesRequest { state: v1::InvoiceState::Settled.into(), ..request.clone() }, 0),
        (v1::ListInvoicesRequest { issued_from: Some(date("2025-02-01")), ..request.clone() }, 5),
        (v1::ListInvoicesRequest { issued_from: Some(date("2025-02-02")), ..request.clone() }, 0),
        (v1::ListInvoicesRequest { issued_until: Some(date("2025-02-01")), ..request.clone() }, 0),
        (v1::ListInvoicesRequest { issued_until: Some(date("2025-02-02")), ..request }, 5),
    ];
    for (request, count) in table {
        assert_eq!(invoices(request.clone()).await, count, "{request:?}");
    }

    let mut entries = async |request| {
        client.ledger.list_entries(request).await.unwrap().into_inner().entries.len()
    };
    let request = v1::ListEntriesRequest::default();
    let table = [
        (v1::ListEntriesRequest { source_id: one.id.clone(), ..request.clone() }, 1),
        (v1::ListEntriesRequest { account: "1300".into(), ..request.clone() }, 5),
        (v1::ListEntriesRequest { account: "2000".into(), ..request.clone() }, 0),
        (v1::ListEntriesRequest { posted_from: Some(date("2025-02-02")), ..request.clone() }, 0),
        (v1::ListEntriesRequest { posted_until: Some(date("2025-02-02")), ..request }, 5),
    ];
    for (request, count) in table {
        assert_eq!(entries(request.clone()).await, count, "{request:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_listed_by_customer_plan_and_state() {
    let world = World::new().await;
    let mut client = stocked(&world).await;
    let request = v1::ListSubscriptionsRequest::default();
    let all = client.subscriptions.list_subscriptions(request.clone()).await.unwrap().into_inner();
    let one = &all.subscriptions[0];
    let active = v1::SubscriptionState::Active.into();
    let pending = v1::SubscriptionState::Pending.into();
    let table = [
        (
            v1::ListSubscriptionsRequest {
                customer_id: one.customer_id.clone(),
                ..request.clone()
            },
            1,
        ),
        (v1::ListSubscriptionsRequest { plan_id: one.plan_id.clone(), ..request.clone() }, 5),
        (v1::ListSubscriptionsRequest { plan_id: one.id.clone(), ..request.clone() }, 0),
        (v1::ListSubscriptionsRequest { state: active, ..request.clone() }, 5),
        (v1::ListSubscriptionsRequest { state: pending, ..request }, 0),
    ];
    for (request, count) in table {
        let found = client.subscriptions.list_subscriptions(request.clone()).await.unwrap();
        assert_eq!(found.into_inner().subscriptions.len(), count, "{request:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_is_wrong_is_named() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let invoices = v1::ListInvoicesRequest::default();
    let impossible = Some(date("2025-02-31"));
    for (request, field) in [
        (v1::ListInvoicesRequest { customer_id: "x".into(), ..invoices.clone() }, "customer_id"),
        (v1::ListInvoicesRequest { state: 77, ..invoices.clone() }, "state"),
        (v1::ListInvoicesRequest { issued_from: impossible, ..invoices.clone() }, "issued_from"),
        (v1::ListInvoicesRequest { issued_until: impossible, ..invoices }, "issued_until"),
    ] {
        let refused = refusal(client.invoices.list_invoices(request).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"));
    }
    let entries = v1::ListEntriesRequest::default();
    for (request, field) in [
        (v1::ListEntriesRequest { source_id: "x".into(), ..entries.clone() }, "source_id"),
        (v1::ListEntriesRequest { account: "9999".into(), ..entries.clone() }, "account"),
        (v1::ListEntriesRequest { posted_from: impossible, ..entries }, "posted_from"),
    ] {
        let refused = refusal(client.ledger.list_entries(request).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"));
    }
    let request = v1::ListCustomersRequest { country: "nl".into(), ..Default::default() };
    let refused = refusal(client.customers.list_customers(request).await);
    assert_eq!(refused.line(), "InvalidArgument country");
    let request = v1::ListSubscriptionsRequest { state: 77, ..Default::default() };
    let refused = refusal(client.subscriptions.list_subscriptions(request).await);
    assert_eq!(refused.line(), "InvalidArgument state");
    let request = v1::ListJobsRequest { status: 77, ..Default::default() };
    assert_eq!(refusal(client.work.list_jobs(request).await).line(), "InvalidArgument status");
    world.finish().await;
}
