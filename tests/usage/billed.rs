//! What usage costs: billed when its period is over, and what arrives late as a difference.

use server::pb::v1::{self, InvoiceLineKind};

use super::{event, events, meter, taken};
use crate::world::{Client, Plan, World, date, day, decimal, euro, refusal, text};

fn tier(up_to: Option<&str>, unit_price: &str) -> v1::PriceTier {
    let (up_to, unit_price) = (up_to.and_then(decimal), decimal(unit_price));
    v1::PriceTier { up_to, unit_price, ..v1::PriceTier::default() }
}

/// A month of hosting at 10.00 in advance, and calls: 100 at 0.10, more at 0.05, at least `minimum`.
async fn plan(client: &mut Client, code: &str, minimum: Option<&str>) -> v1::Plan {
    let meters = client.catalog.list_meters(v1::ListMetersRequest::default()).await.unwrap();
    let calls = match meters.into_inner().meters.into_iter().find(|one| one.code == "calls") {
        Some(calls) => calls,
        None => meter(client, "calls", v1::Aggregation::Sum).await.unwrap(),
    };
    let hosting = Plan::months(1, "10.00");
    let product = client.product("hosting", &hosting).await;
    let mut version = hosting.version(&product.id);
    let product = client.product("calls", &hosting).await;
    let tiers = vec![tier(Some("100"), "0.10"), tier(None, "0.05")];
    version.prices.push(v1::Price {
        product_id: product.id,
        component: "calls".to_owned(),
        currency: "EUR".to_owned(),
        model: Some(v1::price::Model::Graduated(v1::GraduatedPrice { tiers })),
        minimum: minimum.and_then(decimal),
        meter_id: calls.id,
        ..v1::Price::default()
    });
    let request = v1::CreatePlanRequest {
        code: code.to_owned(),
        name: code.to_owned(),
        version: Some(version),
        ..Default::default()
    };
    client.catalog.create_plan(request).await.unwrap().into_inner().plan.unwrap()
}

async fn start(client: &mut Client, name: &str, plan: &v1::Plan) -> (v1::Customer, String) {
    let customer = client.customer(name).await;
    let terms = Client::terms(&customer, plan, "2025-01-01");
    let id = client.subscribe(terms).await.unwrap().id;
    (customer, id)
}

fn told_line(line: &v1::InvoiceLine) -> String {
    let kind = match line.kind() {
        InvoiceLineKind::Recurring => "recurring",
        InvoiceLineKind::Minimum => "minimum",
        InvoiceLineKind::Usage => "usage",
        InvoiceLineKind::UsageCorrection => "correction",
        other => panic!("{other:?}"),
    };
    let (from, quantity) = (day(&line.service_from), text(&line.quantity));
    format!("{kind} {} {quantity} {}", &from[5..], euro(&line.net))
}

/// Documents: day of issue, lines, total of the lines.
fn told(documents: &[v1::Invoice]) -> Vec<String> {
    let document = |one: &v1::Invoice| {
        let lines: Vec<String> = one.lines.iter().map(told_line).collect();
        format!("{}: {} = {}", &day(&one.issue_on)[5..], lines.join(", "), euro(&one.net))
    };
    documents.iter().map(document).collect()
}

async fn preview(client: &mut Client, customer: &v1::Customer, on: Option<&str>) -> Vec<String> {
    let request = v1::PreviewInvoiceRequest { customer_id: customer.id.clone(), on: on.map(date) };
    told(&client.invoices.preview_invoice(request).await.unwrap().into_inner().invoices)
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_billed_by_tiers_after_its_period_and_late_usage_as_the_difference() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let plan = plan(&mut client, "api", Some("20.00")).await;
    let (ann, id) = start(&mut client, "Ann", &plan).await;
    client.advance("2025-01-31").await.unwrap();
    taken(
        &mut client,
        events(&ann, &["calls a 2025-01-05T12:00:00Z 100", "calls b 2025-01-30T12:00:00Z 50"]),
    )
    .await;
    let previewed = preview(&mut client, &ann, Some("2025-02-01")).await;
    client.advance("2025-02-05").await.unwrap();
    let january =
        "02-01: recurring 02-01 1 10.00, usage 01-01 150 12.50, minimum 01-01 1 7.50 = 30.00";
    assert_eq!(previewed, [january]);
    assert_eq!(told(&client.documents().await)[1..], [january]);

    // 250 in all: 17.50, still less than the minimum.
    taken(&mut client, events(&ann, &["calls c 2025-01-06T12:00:00Z 100"])).await;
    assert_eq!(preview(&mut client, &ann, None).await, [""; 0], "it waits for the next document");
    client.advance("2025-03-05").await.unwrap();
    // 350: 22.50.
    taken(&mut client, events(&ann, &["calls d 2025-01-06T12:00:00Z 100"])).await;
    let previewed = preview(&mut client, &ann, Some("2025-04-01")).await;
    client.advance("2025-04-01").await.unwrap();
    let march = "04-01: recurring 04-01 1 10.00, usage 03-01 0 0.00, minimum 03-01 1 20.00, \
                 correction 01-01 1 2.50 = 32.50";
    assert_eq!(previewed, [march]);
    assert_eq!(
        told(&client.documents().await)[2..],
        [
            "03-01: recurring 03-01 1 10.00, usage 02-01 0 0.00, minimum 02-01 1 20.00 = 30.00",
            march
        ]
    );

    client.cancel(&id).await.unwrap();
    client.advance("2025-05-05").await.unwrap();
    taken(&mut client, events(&ann, &["calls e 2025-04-30T12:00:00Z 500"])).await;
    let after = "05-05: correction 04-01 1 10.00 = 10.00";
    assert_eq!(preview(&mut client, &ann, None).await, [after], "30.00 less the minimum");
    client.run_billing().await;
    client.advance("2025-05-10").await.unwrap();
    taken(&mut client, events(&ann, &["calls f 2025-04-30T13:00:00Z -100"])).await;
    client.run_billing().await;
    client.run_billing().await;
    let mut documents = told(&client.documents().await)[4..].to_vec();
    documents.sort();
    assert_eq!(
        documents,
        [
            "05-01: usage 04-01 0 0.00, minimum 04-01 1 20.00 = 20.00",
            after,
            "05-10: correction 04-01 1 -5.00 = -5.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_within_a_period_bills_its_usage_in_parts_with_their_own_tiers_and_minimum() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let cheap = plan(&mut client, "api", None).await;
    let dear = plan(&mut client, "more", Some("31.00")).await;
    let (ann, id) = start(&mut client, "Ann", &cheap).await;
    client.advance("2025-01-11").await.unwrap();
    // The day of the change is the first of the new part.
    taken(
        &mut client,
        events(&ann, &["calls a 2025-01-10T22:59:59Z 150", "calls b 2025-01-10T23:00:00Z 150"]),
    )
    .await;
    client.change(&id, v1::Change { plan_id: dear.id, ..v1::Change::default() }).await.unwrap();
    client.run_billing().await;
    client.pause(&id, Some("2025-01-20"), Some("2025-01-25")).await.unwrap();
    client.advance("2025-02-01").await.unwrap();
    let documents = client.documents().await;
    let usage = documents
        .iter()
        .flat_map(|one| &one.lines)
        .filter(|line| matches!(line.kind(), InvoiceLineKind::Usage | InvoiceLineKind::Minimum));
    let usage: Vec<String> = usage.map(told_line).collect();
    assert_eq!(usage, ["usage 01-01 150 12.50", "usage 01-11 150 12.50", "minimum 01-11 1 8.50"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_at_the_boundary_belongs_to_the_local_day() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let plan = plan(&mut client, "api", None).await;
    let (ann, _) = start(&mut client, "Ann", &plan).await;
    client.advance("2025-05-01").await.unwrap();
    let at = [
        "calls a 2025-01-31T22:59:59.999999Z 1",
        "calls b 2025-01-31T23:00:00Z 10",
        "calls c 2025-03-31T21:59:59.999999Z 20",
        "calls d 2025-03-31T22:00:00Z 40",
    ];
    taken(&mut client, events(&ann, &at)).await;
    client.advance("2025-06-01").await.unwrap();
    let documents = client.documents().await;
    assert_eq!(
        told(&documents[5..]),
        ["06-01: recurring 06-01 1 10.00, usage 05-01 0 0.00, correction 01-01 1 0.10, \
          correction 02-01 1 1.00, correction 03-01 1 2.00, correction 04-01 1 4.00 = 17.10"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_meter_is_billed_by_one_item_of_a_customer() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let metered = plan(&mut client, "api", None).await;
    let other = plan(&mut client, "more", None).await;
    let plain = client.plan("plain", Plan::months(1, "5.00")).await;
    let (ann, first) = start(&mut client, "Ann", &metered).await;
    let terms = Client::terms(&ann, &other, "2025-01-15");
    let refused = refusal(client.subscribe(terms.clone()).await);
    assert_eq!(refused.line(), "FailedPrecondition METER_IN_USE");
    let preview = v1::PreviewSubscriptionRequest { terms: Some(terms.clone()), horizon: None };
    let refused = refusal(client.subscriptions.preview_subscription(preview).await);
    assert_eq!(refused.line(), "FailedPrecondition METER_IN_USE");
    let second = client.subscribe(Client::terms(&ann, &plain, "2025-01-01")).await.unwrap();
    let change = v1::Change { plan_id: other.id.clone(), ..v1::Change::default() };
    let refused = refusal(client.change(&second.id, change.clone()).await);
    assert_eq!(refused.line(), "FailedPrecondition METER_IN_USE");
    // What has moved on to another version of the same, and what follows an end, is right.
    client.change(&first, change).await.unwrap();
    client.advance("2025-01-02").await.unwrap();
    client.cancel(&first).await.unwrap();
    let later = Client::terms(&ann, &metered, "2025-02-01");
    client.subscribe(later).await.unwrap();
    world.finish().await;
}

/// Steps of a fixed random walk.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last + 1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_in_any_order_and_chunks_gives_the_same_bill() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let plan = plan(&mut client, "api", Some("5.00")).await;
    let mut random = Random(20_250_101);
    let usage: Vec<(u32, u32, usize)> = (0..60)
        .map(|_| {
            let month = u32::try_from(1 + random.below(3)).unwrap();
            (month, u32::try_from(1 + random.below(28)).unwrap(), random.below(40))
        })
        .collect();
    let mut customers = Vec::new();
    for name in ["Ann", "Ben", "Cas"] {
        customers.push(start(&mut client, name, &plan).await.0);
    }
    client.advance("2025-03-31").await.unwrap();
    // Each customer's events in another order, some months late, some before and after a run.
    let mut waiting: Vec<Vec<v1::UsageEvent>> = Vec::new();
    for customer in &customers {
        let mut own: Vec<v1::UsageEvent> = usage
            .iter()
            .enumerate()
            .map(|(at, (month, on, quantity))| {
                let id = format!("{}-{at}", customer.name);
                let words = format!("calls {id} 2025-{month:02}-{on:02}T10:00:00Z {quantity}");
                event(customer, &words)
            })
            .collect();
        random.shuffle(&mut own);
        waiting.push(own);
    }
    for to in ["2025-04-02", "2025-05-01", "2025-06-01"] {
        for own in &mut waiting {
            while to != "2025-06-01" && own.len() > 20 || to == "2025-06-01" && !own.is_empty() {
                let chunk = own.split_off(own.len() - (1 + random.below(own.len().min(9))));
                let again = chunk.clone();
                taken(&mut client, chunk).await;
                taken(&mut client, again).await;
                if random.below(4) == 0 {
                    break;
                }
            }
        }
        client.advance(to).await.unwrap();
    }
    for own in waiting {
        taken(&mut client, own).await;
    }
    client.advance("2025-07-01").await.unwrap();
    let documents = client.documents().await;
    let total = |customer: &v1::Customer| -> i64 {
        let own = documents.iter().filter(|one| one.customer_id == customer.id);
        own.map(|one| crate::world::cents(&one.net)).sum()
    };
    let month = |month: u32| -> i64 {
        let of_month = usage.iter().filter(|(of, ..)| *of == month);
        let calls: i64 = of_month.map(|(.., quantity)| i64::try_from(*quantity).unwrap()).sum();
        (calls.min(100) * 10 + (calls - 100).max(0) * 5).max(500)
    };
    let expected = 7 * 1000 + (1..=3).map(month).sum::<i64>() + 3 * 500;
    for customer in &customers {
        assert_eq!(total(customer), expected, "{}", customer.name);
    }
    world.finish().await;
}
