//! What discounts take off documents, through the life of a subscription.

use super::{apply, create, fixed, percent, remove};
use crate::world::{Client, Plan, World, book, euro, refusal};
use server::pb::v1::{self, DiscountDuration};

/// A plan of components at flat prices, all of one product.
async fn plan_of(client: &mut Client, code: &str, prices: &[(&str, &str)]) -> v1::Plan {
    let plan = Plan::months(1, "0");
    let product = client.product(code, &plan).await;
    let mut version = plan.version(&product.id);
    let priced = |(component, price): &(&str, &str)| {
        let mut one = Plan::months(1, price).version(&product.id).prices.remove(0);
        one.component = (*component).to_owned();
        one
    };
    version.prices = prices.iter().map(priced).collect();
    let request = v1::CreatePlanRequest {
        code: code.to_owned(),
        name: code.to_owned(),
        version: Some(version),
        ..Default::default()
    };
    client.catalog.create_plan(request).await.unwrap().into_inner().plan.unwrap()
}

async fn start(client: &mut Client, name: &str, plan: &v1::Plan, from: &str) -> v1::Subscription {
    let customer = client.customer(name).await;
    client.subscribe(Client::terms(&customer, plan, from)).await.unwrap()
}

/// Discount and net of every line: `3.00 off, 27.00`.
fn taken(document: &v1::Invoice) -> Vec<String> {
    let line = |line: &v1::InvoiceLine| {
        let off = line.discount.as_ref().map_or("0.00".to_owned(), |_| euro(&line.discount));
        format!("{off} off, {}", euro(&line.net))
    };
    document.lines.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_percentage_then_an_amount_are_spread_over_three_lines_before_vat() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let prices = [("base", "30.00"), ("seats", "20.00"), ("backup", "10.00")];
    let plan = plan_of(&mut client, "hosting", &prices).await;
    let five =
        v1::Discount { duration: DiscountDuration::Forever.into(), ..fixed("FIVE", "EUR", 5) };
    create(&mut client, five).await.unwrap();
    create(&mut client, percent("TENTH", "10")).await.unwrap();
    let made = start(&mut client, "Ann", &plan, "2025-02-01").await;
    // The amount is applied first, and is taken off what the percentage leaves all the same.
    apply(&mut client, &made.id, "FIVE").await.unwrap();
    apply(&mut client, &made.id, "TENTH").await.unwrap();
    let request = v1::PreviewInvoiceRequest { customer_id: made.customer_id, on: None };
    let previewed = client.invoices.preview_invoice(request).await.unwrap().into_inner().invoices;
    client.advance("2025-03-01").await.unwrap();
    let documents = client.documents().await;
    for document in [&previewed[0], &documents[0], &documents[1]] {
        assert_eq!(
            taken(document),
            ["5.50 off, 24.50", "3.67 off, 16.33", "1.83 off, 8.17"],
            "10 % of 60.00, then 5.00 of 27.00, 18.00 and 9.00"
        );
        assert_eq!([euro(&document.net), euro(&document.vat)], ["49.00", "10.29"]);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discount_runs_once_for_three_periods_or_for_ever() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let plan = client.plan("hosting", Plan::months(1, "30.00")).await;
    let periods = |code: &str, percents: &str| v1::Discount {
        duration: DiscountDuration::Periods.into(),
        periods: 3,
        ..percent(code, percents)
    };
    create(&mut client, fixed("FIVE", "EUR", 5)).await.unwrap();
    create(&mut client, periods("THRICE", "10")).await.unwrap();
    create(&mut client, percent("HALF", "50")).await.unwrap();
    create(&mut client, percent("FREE", "100")).await.unwrap();
    let mut customers = Vec::new();
    for code in ["FIVE", "THRICE", "HALF", "FREE"] {
        let made = start(&mut client, code, &plan, "2025-01-31").await;
        let applied = apply(&mut client, &made.id, code).await.unwrap();
        customers.push((made, applied.id));
    }
    client.advance("2025-04-30").await.unwrap();
    remove(&mut client, &customers[2].1).await.unwrap();
    client.advance("2025-05-31").await.unwrap();
    let documents = client.documents().await;
    let nets = |made: &v1::Subscription| -> Vec<String> {
        let own = documents.iter().filter(|one| one.customer_id == made.customer_id);
        own.map(|one| euro(&one.net)).collect()
    };
    let nets: Vec<String> = customers.iter().map(|(made, _)| nets(made).join(" ")).collect();
    assert_eq!(
        nets,
        [
            "25.00 30.00 30.00 30.00 30.00",
            "27.00 27.00 27.00 30.00 30.00",
            "15.00 15.00 15.00 15.00 30.00",
            "",
        ]
    );
    let used = super::discounts_of(&mut client, &customers[1].0.id).await[0].periods_used;
    assert_eq!(used, 3);
    let again = refusal(apply(&mut client, &customers[1].0.id, "THRICE").await);
    assert_eq!(again.line(), "FailedPrecondition DISCOUNT_APPLIED");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discount_stays_with_its_period_through_a_change_and_a_pause() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let plan = client.plan("base", Plan::months(1, "31.00")).await;
    let dearer = client.plan("dearer", Plan::months(1, "62.00")).await;
    // 0.20 a day in January.
    let mut once = fixed("ONCE", "EUR", 6);
    let Some(v1::discount::Reduction::Amount(amount)) = &mut once.reduction else { panic!() };
    amount.nanos = 200_000_000;
    create(&mut client, once).await.unwrap();
    let id = start(&mut client, "Ann", &plan, "2025-01-01").await.id;
    apply(&mut client, &id, "ONCE").await.unwrap();
    client.advance("2025-01-11").await.unwrap();
    client.change(&id, v1::Change { plan_id: dearer.id, ..v1::Change::default() }).await.unwrap();
    client.advance("2025-01-20").await.unwrap();
    client.pause(&id, Some("2025-01-21"), Some("2025-01-26")).await.unwrap();
    client.advance("2025-02-01").await.unwrap();
    let documents = client.documents().await;
    let told: Vec<String> = book(&documents)
        .iter()
        .zip(&documents)
        .map(|(b, d)| format!("{b} [{}]", taken(d).join("; ")))
        .collect();
    assert_eq!(
        told,
        [
            "2025-00001 2025-01-01 24.80 + 5.21: base 2025-01-01..2025-02-01 24.80 \
             [6.20 off, 24.80]",
            "2025-00002 2025-01-11 21.00 + 4.41: base 2025-01-11..2025-02-01 -16.80, \
             dearer 2025-01-11..2025-02-01 37.80 [-4.20 off, -16.80; 4.20 off, 37.80]",
            "2025-00003 2025-01-26 10.80 + 2.27: dearer 2025-01-26..2025-02-01 10.80 \
             [1.20 off, 10.80]",
            "2025-00004 2025-02-01 62.00 + 13.02: dearer 2025-02-01..2025-03-01 62.00 \
             [0.00 off, 62.00]",
            "C2025-00001 2025-01-21 -19.80 + -4.16: dearer 2025-01-21..2025-02-01 -19.80 \
             [-2.20 off, -19.80]",
        ],
        "26 days of 0.20 in all: 5.20"
    );
    assert_eq!(super::discounts_of(&mut client, &id).await[0].periods_used, 1);
    world.finish().await;
}
