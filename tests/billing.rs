//! The billing run: each period once, whatever runs when; one bad record never blocks the others.

use std::sync::Arc;

use server::pb::v1::{self, VatCategory};

use crate::world::{Client, Plan, World, book, date, decimal, refusal};

/// A vendor with so many customers, each with a monthly and a quarterly subscription.
async fn crowd(world: &World, customers: usize) -> Client {
    let mut client = world.sandbox("2025-01-31").await;
    let monthly = client.plan("monthly", Plan::months(1, "10.00")).await;
    let quarterly = client.plan("quarterly", Plan::months(3, "29.99")).await;
    for number in 0..customers {
        let customer = client.customer(&format!("Customer {number}")).await;
        for plan in [&monthly, &quarterly] {
            client.subscribe(Client::terms(&customer, plan, "2025-01-31")).await.unwrap();
        }
    }
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_share_the_work_and_bill_every_customer_once() {
    let world = World::new().await;
    let client = crowd(&world, 12).await;
    let runs = (0..4).map(|_| {
        let mut client = world.client(&client.key);
        tokio::spawn(async move { client.run_billing().await.invoices_issued })
    });
    let issued: i32 = futures::future::join_all(runs).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(issued, 12);
    let numbers: Vec<String> =
        client.clone().documents().await.into_iter().map(|one| one.number).collect();
    let expected: Vec<String> = (1..=12).map(|at| format!("2025-{at:05}")).collect();
    assert_eq!(numbers, expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_day_run_ten_times_bills_once() {
    let world = World::new().await;
    let mut client = crowd(&world, 3).await;
    let first = client.run_billing().await;
    assert_eq!((first.invoices_issued, first.entries_posted, first.set_aside), (3, 3, 0));
    let state = testkit::snapshot(&world.database, client.org).await;
    for _ in 0..10 {
        let again = client.run_billing().await;
        let nothing = v1::RunBillingResponse { date: again.date, ..Default::default() };
        assert_eq!(again, nothing);
        client.advance("2025-01-31").await.unwrap();
    }
    assert_eq!(testkit::snapshot(&world.database, client.org).await, state);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_next_to_changes_of_the_same_customer_bill_neither_too_much_nor_too_little() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let ann = client.customer("Ann").await;
    let plan = client.plan("monthly", Plan::months(1, "10.00")).await;
    let terms = Client::terms(&ann, &plan, "2025-01-31");
    let key: Arc<str> = client.key.as_str().into();
    let runs = (0..4).map(|_| {
        let mut client = world.client(&key);
        tokio::spawn(async move {
            for _ in 0..5 {
                client.run_billing().await;
            }
        })
    });
    let changes = (0..3).map(|_| {
        let (mut client, terms) = (world.client(&key), terms.clone());
        tokio::spawn(async move {
            let made = client.subscribe(terms).await.unwrap();
            client.cancel(&made.id).await.unwrap();
            client.undo_cancel(&made.id).await.unwrap();
        })
    });
    for task in runs.chain(changes).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    client.advance("2025-02-28").await.unwrap();
    let lines: usize = client.documents().await.iter().map(|one| one.lines.len()).sum();
    assert_eq!(lines, 6, "three subscriptions, two periods");
    world.finish().await;
}

/// Products of a category that has no rate in the Netherlands.
fn untaxed() -> Plan {
    Plan { category: VatCategory::Intermediate, ..Plan::months(1, "10.00") }
}

async fn set_rate(client: &mut Client) {
    let rate = v1::VatRate {
        country: "NL".into(),
        category: VatCategory::Intermediate.into(),
        rate: decimal("12"),
        valid_from: Some(date("2025-01-01")),
    };
    let request = v1::SetVatRateRequest { vat_rate: Some(rate), ..Default::default() };
    client.catalog.set_vat_rate(request).await.unwrap();
}

async fn set_aside(client: &mut Client) -> Vec<v1::SetAside> {
    let request = v1::ListSetAsideRequest::default();
    client.work.list_set_aside(request).await.unwrap().into_inner().set_aside
}

async fn retry(client: &mut Client, id: &str) -> v1::RetrySetAsideResponse {
    let request = v1::RetrySetAsideRequest { set_aside_id: id.into(), ..Default::default() };
    client.work.retry_set_aside(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_without_a_rate_is_set_aside_the_others_go_on_and_the_rate_mends_it() {
    let world = World::new().await;
    let mut client = crowd(&world, 2).await;
    let bad = client.customer("Zonder tarief").await;
    let odd = client.plan("odd", untaxed()).await;
    let good = client.plan("good", Plan::months(1, "5.00")).await;
    client.subscribe(Client::terms(&bad, &odd, "2025-01-31")).await.unwrap();
    client.subscribe(Client::terms(&bad, &good, "2025-01-31")).await.unwrap();
    let days = client.advance("2025-02-28").await.unwrap();
    assert_eq!(days.iter().map(|day| day.set_aside).sum::<i32>(), 1, "once, not every day");
    assert_eq!(client.documents().await.len(), 4);
    let [aside] = set_aside(&mut client).await.try_into().unwrap();
    assert_eq!((aside.kind(), &aside.customer_id), (v1::SetAsideKind::Billing, &bad.id));
    assert_eq!((aside.reason.as_str(), aside.currency.as_str()), ("VAT_RATE_MISSING", "EUR"));
    assert_eq!((aside.times, aside.first_time), (1, aside.last_time));
    let request = v1::PreviewInvoiceRequest { customer_id: bad.id.clone(), on: None };
    let refused = refusal(client.invoices.preview_invoice(request).await);
    assert_eq!(refused.line(), "FailedPrecondition VAT_RATE_MISSING");

    let tried = retry(&mut client, &aside.id).await;
    assert!(!tried.resolved, "nothing has been mended");
    assert_eq!(tried.set_aside.unwrap().times, 2);
    set_rate(&mut client).await;
    client.run_billing().await;
    assert_eq!(set_aside(&mut client).await, []);
    let late = book(&client.documents().await);
    assert_eq!(late.len(), 6);
    assert!(late[4].starts_with("2025-00005 2025-02-28 15.00 + 2.25: "), "{late:?}");
    assert!(retry(&mut client, &aside.id).await.resolved, "again: it stays resolved");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_rejects_is_set_aside_alone_and_taken_up_when_it_is_mended() {
    let world = World::new().await;
    let mut client = crowd(&world, 3).await;
    let bad = client.customer("Geweigerd").await;
    let plan = client.plan("plan", Plan::months(1, "5.00")).await;
    client.subscribe(Client::terms(&bad, &plan, "2025-01-31")).await.unwrap();
    let sql = world.database.sql().await;
    let check =
        format!("ALTER TABLE invoices ADD CONSTRAINT rejected CHECK (customer_id <> '{}')", bad.id);
    sql.batch_execute(&check).await.unwrap();
    let run = client.run_billing().await;
    assert_eq!((run.invoices_issued, run.set_aside), (3, 1));
    let [aside] = set_aside(&mut client).await.try_into().unwrap();
    assert_eq!(aside.customer_id, bad.id);
    assert!(!aside.message.contains("rejected"), "the message tells no SQL: {}", aside.message);
    assert_eq!(client.run_billing().await.set_aside, 0, "not tried again by itself");
    sql.batch_execute("ALTER TABLE invoices DROP CONSTRAINT rejected").await.unwrap();
    assert!(retry(&mut client, &aside.id).await.resolved);
    assert_eq!(client.documents().await.len(), 4);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_that_does_not_fit_is_set_aside() {
    let world = World::new().await;
    let mut client = crowd(&world, 1).await;
    let rich = client.customer("Rijk").await;
    let plan = client.plan("seats", Plan::seats("1000000000")).await;
    let mut terms = Client::terms(&rich, &plan, "2025-02-28");
    terms.quantities =
        vec![v1::ComponentQuantity { component: "base".into(), quantity: decimal("1000000000") }];
    let request = v1::PreviewSubscriptionRequest { terms: Some(terms.clone()), horizon: None };
    let refused = refusal(client.subscriptions.preview_subscription(request).await);
    assert_eq!(refused.line(), "FailedPrecondition AMOUNT_TOO_LARGE");
    let made = client.subscribe(terms).await.unwrap();
    client.advance("2025-02-27").await.unwrap();
    let request = v1::PreviewInvoiceRequest { customer_id: rich.id, on: Some(date("2025-02-28")) };
    let refused = refusal(client.invoices.preview_invoice(request).await);
    assert_eq!(refused.line(), "FailedPrecondition AMOUNT_TOO_LARGE");
    client.cancel(&made.id).await.unwrap();
    client.advance("2025-03-01").await.unwrap();
    assert_eq!(set_aside(&mut client).await, [], "it was cancelled before it was billed");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_of_a_customer_and_a_day_ahead() {
    let world = World::new().await;
    let mut client = crowd(&world, 1).await;
    let customers = client.customers.list_customers(v1::ListCustomersRequest::default()).await;
    let customer_id = customers.unwrap().into_inner().customers[0].id.clone();
    let table = [
        ("x", None, "InvalidArgument customer_id"),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", None, "NotFound"),
        (customer_id.as_str(), Some("2025-01-30"), "InvalidArgument on"),
        (customer_id.as_str(), Some("2026-02-02"), "InvalidArgument on"),
        (customer_id.as_str(), Some("2025-02-31"), "InvalidArgument on"),
    ];
    for (customer_id, on, expected) in table {
        let request =
            v1::PreviewInvoiceRequest { customer_id: customer_id.into(), on: on.map(date) };
        assert_eq!(
            refusal(client.invoices.preview_invoice(request).await).line(),
            expected,
            "{on:?}"
        );
    }
    for (id, expected) in
        [("x", "InvalidArgument set_aside_id"), (&*uuid::Uuid::max().to_string(), "NotFound")]
    {
        let request = v1::RetrySetAsideRequest { set_aside_id: id.into(), ..Default::default() };
        assert_eq!(refusal(client.work.retry_set_aside(request).await).line(), expected);
    }
    world.finish().await;
}
