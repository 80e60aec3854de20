//! Invoices: what comes together on one, quantities, sums, currencies, nothing at all.

use server::pb::v1::{self, VatCategory};

use crate::world::{Client, Plan, World, book, date, day, decimal, euro, text};

/// Ids of the caller: they decide the order of lines, and of documents of one day.
fn own_id(number: u128) -> String {
    uuid::Uuid::from_u128(number).to_string()
}

async fn customer_with_id(client: &mut Client, name: &str, number: u128) -> v1::Customer {
    let request = v1::CreateCustomerRequest {
        customer_id: own_id(number),
        customer: Some(Client::business(name)),
        ..Default::default()
    };
    let created = client.customers.create_customer(request).await.unwrap().into_inner();
    let customer = created.customer.unwrap();
    assert_eq!(customer.id, own_id(number));
    customer
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_of_one_billing_date_come_on_one_invoice_and_others_on_their_own() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = customer_with_id(&mut client, "Ann", 1).await;
    let ben = customer_with_id(&mut client, "Ben", 2).await;
    let hosting = client.plan("hosting", Plan::months(1, "10.00")).await;
    let support = client.plan("support", Plan::months(1, "25.00")).await;
    let backup = client.plan("backup", Plan::months(3, "9.00")).await;
    for (number, customer, plan, from) in [
        (1, &ann, &hosting, "2025-02-01"),
        (2, &ann, &support, "2025-02-01"),
        (3, &ann, &backup, "2025-02-01"),
        (4, &ben, &hosting, "2025-02-01"),
        (5, &ann, &hosting, "2025-02-15"),
    ] {
        let request = v1::CreateSubscriptionRequest {
            subscription_id: own_id(number),
            terms: Some(Client::terms(customer, plan, from)),
            ..Default::default()
        };
        client.subscriptions.create_subscription(request).await.unwrap();
    }
    client.advance("2025-03-01").await.unwrap();
    let documents = client.documents().await;
    assert_eq!(
        book(&documents),
        [
            "2025-00001 2025-02-01 44.00 + 9.24: hosting 2025-02-01..2025-03-01 10.00, \
             support 2025-02-01..2025-03-01 25.00, backup 2025-02-01..2025-05-01 9.00",
            "2025-00002 2025-02-01 10.00 + 2.10: hosting 2025-02-01..2025-03-01 10.00",
            "2025-00003 2025-02-15 10.00 + 2.10: hosting 2025-02-15..2025-03-15 10.00",
            "2025-00004 2025-03-01 35.00 + 7.35: hosting 2025-03-01..2025-04-01 10.00, \
             support 2025-03-01..2025-04-01 25.00",
            "2025-00005 2025-03-01 10.00 + 2.10: hosting 2025-03-01..2025-04-01 10.00",
        ]
    );
    let positions: Vec<i32> = documents[0].lines.iter().map(|line| line.position).collect();
    assert_eq!(positions, [1, 2, 3]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn billing_dates_that_were_missed_are_invoiced_late_each_on_its_own() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-04-10").await;
    let customer = client.customer("Ann").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    client.subscribe(Client::terms(&customer, &plan, "2025-01-31")).await.unwrap();
    let run = client.run_billing().await;
    assert_eq!((day(&run.date).as_str(), run.invoices_issued, run.set_aside), ("2025-04-10", 3, 0));
    assert_eq!(run.entries_posted, 3);
    assert_eq!(
        run.amounts.iter().cloned().map(Some).map(|one| euro(&one)).collect::<Vec<_>>(),
        ["36.30"]
    );
    let documents = client.documents().await;
    assert_eq!(
        book(&documents),
        [
            "2025-00001 2025-04-10 10.00 + 2.10: hosting 2025-01-31..2025-02-28 10.00",
            "2025-00002 2025-04-10 10.00 + 2.10: hosting 2025-02-28..2025-03-31 10.00",
            "2025-00003 2025-04-10 10.00 + 2.10: hosting 2025-03-31..2025-04-30 10.00",
        ]
    );
    let billed: Vec<String> = documents.iter().map(|one| day(&one.billing_on)).collect();
    assert_eq!(billed, ["2025-01-31", "2025-02-28", "2025-03-31"]);
    assert!(documents.iter().all(|one| day(&one.due_on) == "2025-04-24"), "14 days from the issue");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_per_unit_is_multiplied_and_rounded_once() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    // Unit price, quantity, net: halves go away from zero.
    let table = [
        ("2.555", "3", "7.67"),
        ("0.0335", "10", "0.34"),
        ("0.33333333", "3", "1.00"),
        ("12.50", "2.5", "31.25"),
        ("5.00", "0.000001", "0.00"),
        ("4.00", "1", "4.00"),
    ];
    for (at, (price, quantity, net)) in table.into_iter().enumerate() {
        let customer = client.customer(&format!("Customer {at}")).await;
        let plan = client.plan(&format!("seats-{at}"), Plan::seats(price)).await;
        let mut terms = Client::terms(&customer, &plan, "2025-02-01");
        terms.quantities =
            vec![v1::ComponentQuantity { component: "base".into(), quantity: decimal(quantity) }];
        let created = client.subscribe(terms).await.unwrap();
        assert_eq!(text(&created.items[0].quantity), quantity);
        client.run_billing().await;
        let request = v1::ListInvoicesRequest { customer_id: customer.id, ..Default::default() };
        let listed = client.invoices.list_invoices(request).await.unwrap().into_inner().invoices;
        let Some(listed) = listed.first() else {
            assert_eq!(net, "0.00", "nothing is worth a document only when it costs nothing");
            continue;
        };
        let document = client.document(&listed.id).await;
        let line = &document.lines[0];
        assert_eq!((euro(&line.net).as_str(), text(&line.quantity)), (net, quantity));
        assert_eq!(text(&line.unit_price), price.trim_end_matches('0').trim_end_matches('.'));
    }
    world.finish().await;
}

/// A version of many components with the same price.
fn components(product: &v1::Product, count: usize, price: &str) -> v1::PlanVersion {
    let mut version = Plan::months(1, price).version(&product.id);
    let one = version.prices[0].clone();
    let component = |at| v1::Price { component: format!("part {at}"), ..one.clone() };
    version.prices = (0..count).map(component).collect();
    version
}

#[tokio::test(flavor = "multi_thread")]
async fn vat_is_rounded_once_per_rate_and_not_per_line() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let customer = client.customer("Ann").await;
    let product = client.product("small things", &Plan::months(1, "0.03")).await;
    let request = v1::CreatePlanRequest {
        code: "small".into(),
        name: "Small things".into(),
        version: Some(components(&product, 10, "0.03")),
        ..Default::default()
    };
    let plan = client.catalog.create_plan(request).await.unwrap().into_inner().plan.unwrap();
    let reduced = Plan { category: VatCategory::Reduced, ..Plan::months(1, "10.05") };
    let book_plan = client.plan("book", reduced).await;
    client.subscribe(Client::terms(&customer, &plan, "2025-02-01")).await.unwrap();
    client.subscribe(Client::terms(&customer, &book_plan, "2025-02-01")).await.unwrap();
    client.run_billing().await;
    let documents = client.documents().await;
    let [document] = documents.as_slice() else { panic!("one document: {documents:?}") };
    assert_eq!(document.lines.len(), 11);
    let mut totals: Vec<(String, String, String)> = document
        .vat_totals
        .iter()
        .map(|total| {
            let rate = text(&total.vat.as_ref().unwrap().rate).to_owned();
            (rate, euro(&total.base), euro(&total.amount))
        })
        .collect();
    totals.sort();
    let row = |rate: &str, base: &str, vat: &str| (rate.into(), base.into(), vat.into());
    // 10 x 0.03 at 21 % is 0.06 and not 0.10; 10.05 at 9 % is 0.9045.
    assert_eq!(totals, [row("21", "0.30", "0.06"), row("9", "10.05", "0.90")]);
    assert_eq!(
        [&document.net, &document.vat, &document.gross].map(euro),
        ["10.35", "0.96", "11.31"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_currency_has_its_own_decimals_and_its_own_accounts() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let yen = v1::Customer { currency: "JPY".into(), ..Client::business("Kaisha") };
    let yen = client.create_customer(yen).await.unwrap();
    let plan = client.plan("yen", Plan { currency: "JPY", ..Plan::months(1, "1005") }).await;
    client.subscribe(Client::terms(&yen, &plan, "2025-02-01")).await.unwrap();
    client.run_billing().await;
    let documents = client.documents().await;
    let gross = documents[0].gross.as_ref().unwrap();
    // 21 % of 1005 is 211.05.
    assert_eq!((gross.currency_code.as_str(), gross.units, gross.nanos), ("JPY", 1_216, 0));
    let request = v1::GetTrialBalanceRequest { as_of: None };
    let balance = client.ledger.get_trial_balance(request).await.unwrap().into_inner();
    assert_eq!(day(&balance.as_of), "2025-02-01");
    assert_eq!(balance.totals.len(), 1);
    let total = balance.totals[0].balance.as_ref().unwrap();
    assert_eq!((total.currency_code.as_str(), total.units, total.nanos), ("JPY", 0, 0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_over_nothing_is_issued_only_when_the_organization_wants_it() {
    let world = World::new().await;
    for (wanted, count) in [(false, 0), (true, 3)] {
        let mut client = world.sandbox("2025-02-01").await;
        let organization = v1::Organization { issue_zero_invoices: wanted, ..Default::default() };
        let request = v1::UpdateOrganizationRequest {
            organization: Some(organization),
            update_mask: Some(prost_types::FieldMask { paths: vec!["issue_zero_invoices".into()] }),
            ..Default::default()
        };
        client.organizations.update_organization(request).await.unwrap();
        let customer = client.customer("Ann").await;
        let plan = client.plan("free", Plan::months(1, "0")).await;
        let created =
            client.subscribe(Client::terms(&customer, &plan, "2025-02-01")).await.unwrap();
        client.advance("2025-04-01").await.unwrap();
        let documents = client.documents().await;
        assert_eq!(documents.len(), count);
        assert!(documents.iter().all(|one| one.state() == v1::InvoiceState::Settled));
        let after = client.subscription(&created.id).await;
        assert_eq!(day(&after.billed_until), "2025-05-01", "the period counts as billed");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_nothing_stands_beside_the_others() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let customer = client.customer("Ann").await;
    let free = client.plan("free", Plan::months(1, "0")).await;
    let paid = client.plan("paid", Plan::months(1, "5.00")).await;
    for (number, plan) in [(1, &free), (2, &paid)] {
        let request = v1::CreateSubscriptionRequest {
            subscription_id: own_id(number),
            terms: Some(Client::terms(&customer, plan, "2025-02-01")),
            ..Default::default()
        };
        client.subscriptions.create_subscription(request).await.unwrap();
    }
    client.run_billing().await;
    assert_eq!(
        book(&client.documents().await),
        ["2025-00001 2025-02-01 5.00 + 1.05: free 2025-02-01..2025-03-01 0.00, \
          paid 2025-02-01..2025-03-01 5.00"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preview_of_a_customer_is_what_the_run_then_makes() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let customer = client.customer("Ann").await;
    for (code, plan, from) in [
        ("hosting", Plan::months(1, "10.00"), "2025-02-01"),
        ("support", Plan::months(3, "99.99"), "2025-02-14"),
    ] {
        let plan = client.plan(code, plan).await;
        client.subscribe(Client::terms(&customer, &plan, from)).await.unwrap();
    }
    let request = v1::PreviewInvoiceRequest {
        customer_id: customer.id.clone(),
        on: Some(date("2025-03-01")),
    };
    let previewed = client.invoices.preview_invoice(request.clone()).await.unwrap().into_inner();
    client.advance("2025-03-01").await.unwrap();
    let documents = client.documents().await;
    assert_eq!(documents.len(), 3);
    let without_number = |line: String| line.split_once(' ').unwrap().1.to_owned();
    let book_of = |documents: &[v1::Invoice]| -> Vec<String> {
        book(documents).into_iter().map(without_number).collect()
    };
    assert_eq!(book_of(&previewed.invoices), book_of(&documents));
    let again = client.invoices.preview_invoice(request).await.unwrap().into_inner();
    assert_eq!(again.invoices, [], "nothing is left to bill");
    world.finish().await;
}
