//! Price models: what a subscription of several components costs, in several currencies; and what
//! is no price.

use server::pb::google::r#type as google;
use server::pb::v1;
use server::pb::v1::price::Model;

use crate::world::{Client, Plan, World, cents, date, day, decimal, refusal, text};

/// A step of a price in words: `to 5: 10.00`, `rest: 8.00 + 3.00`.
fn tier(words: &str) -> v1::PriceTier {
    let (end, price) = words.split_once(": ").unwrap();
    let (unit_price, fee) =
        price.split_once(" + ").map_or((price, None), |(unit_price, fee)| (unit_price, Some(fee)));
    v1::PriceTier {
        up_to: end.strip_prefix("to ").and_then(decimal),
        unit_price: decimal(unit_price),
        flat_fee: fee.and_then(decimal),
        block: None,
    }
}

fn flat(amount: &str) -> Model {
    Model::Flat(v1::FlatPrice { amount: decimal(amount) })
}

fn graduated(tiers: &[&str]) -> Model {
    Model::Graduated(v1::GraduatedPrice { tiers: tiers.iter().map(|words| tier(words)).collect() })
}

fn volume(tiers: &[&str]) -> Model {
    Model::Volume(v1::VolumePrice { tiers: tiers.iter().map(|words| tier(words)).collect() })
}

fn package(size: &str, unit_price: &str, free: &str) -> Model {
    let (size, unit_price, free) = (decimal(size), decimal(unit_price), decimal(free));
    Model::Package(v1::PackagePrice { size, unit_price, free })
}

/// A monthly version of these components, each with a product of its own.
async fn version(client: &mut Client, prices: &[(&str, &str, Model)]) -> v1::PlanVersion {
    let mut version = Plan::months(1, "0").version("");
    version.prices.clear();
    for (component, currency, model) in prices {
        let known = version.prices.iter().find(|price| price.component == *component);
        let product_id = match known {
            Some(price) => price.product_id.clone(),
            None => client.product(component, &Plan::months(1, "0")).await.id,
        };
        version.prices.push(v1::Price {
            product_id,
            component: (*component).to_owned(),
            currency: (*currency).to_owned(),
            model: Some(model.clone()),
            ..v1::Price::default()
        });
    }
    version
}

async fn create(client: &mut Client, version: v1::PlanVersion) -> Result<v1::Plan, tonic::Status> {
    let request = v1::CreatePlanRequest {
        code: "team".into(),
        name: "Team".into(),
        version: Some(version),
        ..Default::default()
    };
    Ok(client.catalog.create_plan(request).await?.into_inner().plan.unwrap())
}

fn take(
    customer: &v1::Customer,
    plan: &v1::Plan,
    from: &str,
    quantities: &[(&str, &str)],
) -> v1::SubscriptionTerms {
    let quantity = |(component, quantity): &(&str, &str)| v1::ComponentQuantity {
        component: (*component).to_owned(),
        quantity: decimal(quantity),
    };
    let quantities = quantities.iter().map(quantity).collect();
    v1::SubscriptionTerms { quantities, ..Client::terms(customer, plan, from) }
}

fn minor(amount: &Option<google::Money>) -> String {
    let minor = cents(amount);
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// A customer's documents: issued, currency, lines, net and VAT.
fn book_of(documents: &[v1::Invoice], customer: &v1::Customer) -> Vec<String> {
    let line = |line: &v1::InvoiceLine| {
        format!(
            "{} {} at {} {}",
            line.description,
            text(&line.quantity),
            text(&line.unit_price),
            minor(&line.net)
        )
    };
    let document = |document: &v1::Invoice| {
        let lines: Vec<String> = document.lines.iter().map(line).collect();
        format!(
            "{} {} {}: {} + {}",
            day(&document.billing_on),
            document.currency,
            lines.join(", "),
            minor(&document.net),
            minor(&document.vat)
        )
    };
    documents.iter().filter(|one| one.customer_id == customer.id).map(document).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_of_several_components_is_billed_in_the_customers_currency() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let version = version(
        &mut client,
        &[
            ("base", "EUR", flat("49.00")),
            ("base", "USD", flat("55.00")),
            ("seats", "EUR", graduated(&["to 5: 10.00", "to 20: 8.00 + 3.00", "rest: 6.50"])),
            ("seats", "USD", graduated(&["to 5: 11.00", "rest: 9.005"])),
            ("storage", "EUR", package("100", "4.00", "50")),
            ("storage", "USD", volume(&["to 100: 0.10", "rest: 0.08"])),
        ],
    )
    .await;
    let plan = create(&mut client, version).await.unwrap();
    let request = v1::GetPlanRequest { plan_id: plan.id.clone() };
    let found = client.catalog.get_plan(request).await.unwrap().into_inner().plan;
    assert_eq!(found.as_ref(), Some(&plan));
    let dollars = graduated(&["to 5: 11", "rest: 9.005"]);
    assert_eq!(plan.versions[0].prices[3].model, Some(dollars));
    let ann = client.customer("Ann").await;
    let bob = v1::Customer { currency: "USD".into(), ..Client::business("Bob") };
    let bob = client.create_customer(bob).await.unwrap();
    let cid = client.customer("Cid").await;
    let taken = [("seats", "12"), ("storage", "251")];
    client.subscribe(take(&ann, &plan, "2025-01-31", &taken)).await.unwrap();
    client.subscribe(take(&bob, &plan, "2025-01-31", &taken)).await.unwrap();
    let half = v1::SubscriptionTerms {
        alignment: v1::Alignment::Calendar.into(),
        ..take(&cid, &plan, "2025-02-15", &taken)
    };
    client.subscribe(half).await.unwrap();
    client.advance("2025-03-01").await.unwrap();
    let documents = client.documents().await;
    // 5 x 10 + 7 x 8 + 3, and (251 - 50) / 100 begun packages.
    let month =
        "EUR base 1 at 49 49.00, seats 12 at 10 109.00, storage 251 at 4 12.00: 170.00 + 35.70";
    let in_dollars =
        "USD base 1 at 55 55.00, seats 12 at 11 118.04, storage 251 at 0.1 20.08: 193.12 + 40.56";
    assert_eq!(
        book_of(&documents, &ann),
        [format!("2025-01-31 {month}"), format!("2025-02-28 {month}")]
    );
    assert_eq!(
        book_of(&documents, &bob),
        [format!("2025-01-31 {in_dollars}"), format!("2025-02-28 {in_dollars}")]
    );
    // 14 of 28 days, each line rounded once.
    let half = "EUR base 1 at 49 24.50, seats 12 at 10 54.50, storage 251 at 4 6.00: 85.00 + 17.85";
    assert_eq!(
        book_of(&documents, &cid),
        [format!("2025-02-15 {half}"), format!("2025-03-01 {month}")]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upper_bounds_of_tiers_are_inclusive() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let each = [
        ("graduated", "EUR", graduated(&["to 5: 10.00", "to 10: 8.00", "rest: 6.00"])),
        ("volume", "EUR", volume(&["to 5: 10.00", "to 10: 8.00", "rest: 6.00"])),
        ("package", "EUR", package("5", "10.00", "0")),
    ];
    let version = version(&mut client, &each).await;
    let plan = create(&mut client, version).await.unwrap();
    let table = [
        ("0", [0, 0, 0]),
        ("1", [1000, 1000, 1000]),
        ("5", [5000, 5000, 1000]),
        ("5.5", [5400, 4400, 2000]),
        ("10", [9000, 8000, 2000]),
        ("11", [9600, 6600, 3000]),
    ];
    for (quantity, expected) in table {
        let customer = client.customer(quantity).await;
        let taken = ["graduated", "volume", "package"].map(|component| (component, quantity));
        let request = v1::PreviewSubscriptionRequest {
            terms: Some(take(&customer, &plan, "2025-01-31", &taken)),
            horizon: None,
        };
        let preview = client.subscriptions.preview_subscription(request).await.unwrap();
        let invoices = preview.into_inner().invoices;
        // A document that is worth nothing is not issued.
        let nets: Vec<i64> = invoices
            .first()
            .map_or(vec![0; 3], |one| one.lines.iter().map(|line| cents(&line.net)).collect());
        assert_eq!(nets, expected, "{quantity}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_a_quantity_without_one_price_is_refused_by_its_path() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let right = version(&mut client, &[("seats", "EUR", flat("1"))]).await;
    let percent = |percent| Model::Percentage(v1::PercentagePrice { percent: decimal(percent) });
    let unknown = uuid::Uuid::max().to_string();
    type Spoil<'a> = &'a dyn Fn(&mut v1::Price);
    let table: [(Spoil<'_>, &str); 14] = [
        (&|it| it.model = Some(graduated(&[])), "graduated.tiers"),
        (&|it| it.model = Some(graduated(&["to 5: 1"])), "graduated.tiers[0].up_to"),
        (
            &|it| it.model = Some(graduated(&["to 5: 1", "to 4: 1", "rest: 1"])),
            "graduated.tiers[1].up_to",
        ),
        (&|it| it.model = Some(volume(&["rest: 1", "rest: 1"])), "volume.tiers[0].up_to"),
        (&|it| it.model = Some(volume(&["to 5: 1", "rest: -1"])), "volume.tiers[1].unit_price"),
        (&|it| it.model = Some(volume(&["rest: 1 + 0.001"])), "volume.tiers[0].flat_fee"),
        (&|it| it.model = Some(graduated(&vec!["rest: 1"; 101])), "graduated.tiers"),
        (&|it| it.model = Some(package("0", "1", "0")), "package.size"),
        (&|it| it.model = Some(package("1", "1", "-1")), "package.free"),
        (&|it| it.model = Some(percent("101")), "percentage.percent"),
        (&|it| it.model = Some(percent("2.5")), "meter_id"),
        (&|it| it.minimum = decimal("-1"), "minimum"),
        (&|it| it.meter_id = unknown.clone(), "meter_id"),
        (
            &|it| {
                it.meter_id = unknown.clone();
                it.model = Some(volume(&["rest: 1"]));
            },
            "meter_id",
        ),
    ];
    for (spoil, field) in table {
        let mut version = right.clone();
        spoil(&mut version.prices[0]);
        let price = version.prices[0].clone();
        let refused = refusal(create(&mut client, version).await);
        assert_eq!(
            refused.line(),
            format!("InvalidArgument version.prices[0].{field}"),
            "{price:?}"
        );
    }
    let later = v1::PlanVersion { valid_from: Some(date("2026-01-01")), ..right };
    assert!(create(&mut client, later).await.is_ok());
    world.finish().await;
}
