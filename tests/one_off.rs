//! One-off charges: on the next consolidated invoice, or on one of their own.

use server::pb::v1::{self, ChargeState, InvoiceState};

use crate::world::{Client, Plan, World, book, cents, date, day, decimal, euro, refusal};

/// A charge of a product.
fn charge(product: &v1::Product, quantity: &str, price: &str) -> v1::NewCharge {
    v1::NewCharge {
        product_id: product.id.clone(),
        quantity: decimal(quantity),
        unit_price: decimal(price),
        ..Default::default()
    }
}

async fn add(
    client: &mut Client,
    customer: &v1::Customer,
    charge: v1::NewCharge,
    bill_on: Option<&str>,
) -> v1::OneOffCharge {
    let request = v1::AddChargeRequest {
        customer_id: customer.id.clone(),
        charge: Some(charge),
        bill_on: bill_on.map(date),
        ..Default::default()
    };
    client.invoices.add_charge(request).await.unwrap().into_inner().charge.unwrap()
}

async fn states(client: &mut Client) -> Vec<(String, ChargeState)> {
    let request = v1::ListChargesRequest::default();
    let listed = client.invoices.list_charges(request).await.unwrap().into_inner().charges;
    listed.into_iter().map(|one| (one.description.clone(), one.state())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_waits_for_the_consolidated_invoice_of_its_billing_date() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let customer = client.customer("Bakkerij Jansen").await;
    let plan = client.plan("base", Plan::months(1, "30.00")).await;
    client.subscribe(Client::terms(&customer, &plan, "2025-02-01")).await.unwrap();
    let setup = client.product("set-up", &Plan::months(1, "0")).await;
    client.advance("2025-02-10").await.unwrap();
    // 2.5 x 79.99 is 199.975.
    let added =
        add(&mut client, &customer, charge(&setup, "2.5", "79.99"), Some("2025-03-01")).await;
    assert_eq!((euro(&added.net), added.state()), ("199.98".into(), ChargeState::Waiting));
    let mistaken = v1::NewCharge { description: "mistake".into(), ..charge(&setup, "1", "1.00") };
    let mistaken = add(&mut client, &customer, mistaken, Some("2025-03-01")).await;
    let remove = v1::RemoveChargeRequest { charge_id: mistaken.id, ..Default::default() };
    for _ in 0..2 {
        let removed = client.invoices.remove_charge(remove.clone()).await.unwrap().into_inner();
        assert_eq!(removed.charge.unwrap().state(), ChargeState::Removed);
    }
    let request = v1::PreviewInvoiceRequest {
        customer_id: customer.id.clone(),
        on: Some(date("2025-03-01")),
    };
    let previewed = client.invoices.preview_invoice(request).await.unwrap().into_inner().invoices;
    client.advance("2025-03-01").await.unwrap();
    let documents = client.documents().await;
    let expected = "2025-03-01 229.98 + 48.30: base 2025-03-01..2025-04-01 30.00, \
                    set-up 2025-03-01..2025-03-02 199.98";
    assert_eq!(book(&documents)[1], format!("2025-00002 {expected}"));
    assert_eq!(book(&previewed), [format!(" {expected}")]);
    let line = &documents[1].lines[1];
    assert_eq!(line.kind(), v1::InvoiceLineKind::OneOff);
    assert_eq!(line.charge_id, added.id);
    // Made at one moment of the sandbox: their order is that of their ids, which is any.
    let mut states = states(&mut client).await;
    states.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    let billed = ("set-up".to_owned(), ChargeState::Billed);
    assert_eq!(states, [("mistake".to_owned(), ChargeState::Removed), billed]);
    let remove = v1::RemoveChargeRequest { charge_id: added.id, ..Default::default() };
    let refused = refusal(client.invoices.remove_charge(remove).await);
    assert_eq!(refused.line(), "FailedPrecondition CHARGE_BILLED");
    assert_eq!(refused.facts["invoice_id"], documents[1].id);
    client.advance("2025-04-01").await.unwrap();
    assert_eq!(client.documents().await.len(), 3, "it is billed once");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_of_today_is_billed_by_the_next_run_also_without_a_subscription() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-10").await;
    let customer = client.customer("Ann").await;
    let setup = client.product("set-up", &Plan::months(1, "0")).await;
    let free = client.product("free", &Plan::months(1, "0")).await;
    add(&mut client, &customer, charge(&setup, "1", "100.00"), None).await;
    let ben = client.customer("Ben").await;
    add(&mut client, &ben, charge(&free, "1", "0"), None).await;
    assert_eq!(client.run_billing().await.invoices_issued, 1, "nothing makes no invoice");
    assert_eq!(client.run_billing().await.invoices_issued, 0);
    assert_eq!(
        book(&client.documents().await),
        ["2025-00001 2025-02-10 100.00 + 21.00: set-up 2025-02-10..2025-02-11 100.00"]
    );
    assert!(states(&mut client).await.iter().all(|(_, state)| *state == ChargeState::Billed));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_are_invoiced_at_once_on_a_document_of_their_own() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let customer = client.customer("Ann").await;
    let service = Plan { revenue: v1::RevenueKind::Service, ..Plan::months(1, "0") };
    let advice = client.product("advice", &service).await;
    let licence = client.product("licence", &Plan::months(1, "0")).await;
    let a_year = v1::NewCharge {
        description: "licence 2025".into(),
        service_from: Some(date("2025-01-01")),
        service_until: Some(date("2026-01-01")),
        ..charge(&licence, "1", "365.00")
    };
    let request = v1::CreateInvoiceRequest {
        customer_id: customer.id.clone(),
        charges: vec![charge(&advice, "4", "25.00"), a_year],
        request_id: domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string(),
    };
    let made = client.invoices.create_invoice(request.clone()).await.unwrap().into_inner();
    let again = client.invoices.create_invoice(request).await.unwrap().into_inner();
    assert_eq!(again, made, "the same call again");
    let documents = client.documents().await;
    assert_eq!(documents, [made.invoice.unwrap()]);
    assert_eq!(
        book(&documents),
        ["2025-00001 2025-01-01 465.00 + 97.65: advice 2025-01-01..2025-01-02 100.00, \
          licence 2025 2025-01-01..2026-01-01 365.00"]
    );
    assert_eq!(documents[0].state(), InvoiceState::Open);
    let balances = client.balances("2025-01-01").await;
    let expected =
        [("1300", 56_265), ("1520", -9_765), ("2000", -36_400), ("8000", -100), ("8010", -10_000)];
    assert_eq!(balances, expected.map(|(code, minor)| (code.to_owned(), minor)).into());
    client.advance("2025-02-01").await.unwrap();
    assert_eq!(client.balances("2025-01-31").await["2000"], -33_400);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_of_charges_over_nothing_is_made_only_when_it_is_wanted() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let customer = client.customer("Ann").await;
    let free = client.product("free", &Plan::months(1, "0")).await;
    let request = v1::CreateInvoiceRequest {
        customer_id: customer.id.clone(),
        charges: vec![charge(&free, "1", "0")],
        ..Default::default()
    };
    let refused = refusal(client.invoices.create_invoice(request.clone()).await);
    assert_eq!(refused.line(), "FailedPrecondition NOTHING_TO_INVOICE");
    let organization = v1::Organization { issue_zero_invoices: true, ..Default::default() };
    let update = v1::UpdateOrganizationRequest {
        organization: Some(organization),
        update_mask: Some(prost_types::FieldMask { paths: vec!["issue_zero_invoices".into()] }),
        ..Default::default()
    };
    client.organizations.update_organization(update).await.unwrap();
    let made = client.invoices.create_invoice(request).await.unwrap().into_inner().invoice.unwrap();
    assert_eq!((cents(&made.gross), made.state()), (0, InvoiceState::Settled));
    assert_eq!(made.number, "2025-00001");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_charge_is_refused_with_its_field() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-10").await;
    let customer = client.customer("Ann").await;
    let setup = client.product("set-up", &Plan::months(1, "0")).await;
    let good = charge(&setup, "1", "1.00");
    let taken = add(&mut client, &customer, good.clone(), Some("2025-03-01")).await;
    let unknown = uuid::Uuid::max().to_string();
    let table = [
        (charge(&setup, "0", "1.00"), "InvalidArgument charge.quantity"),
        (charge(&setup, "-1", "1.00"), "InvalidArgument charge.quantity"),
        (charge(&setup, "1", "-1.00"), "InvalidArgument charge.unit_price"),
        (charge(&setup, "1", "1e5"), "InvalidArgument charge.unit_price"),
        (
            v1::NewCharge { product_id: unknown.clone(), ..good.clone() },
            "InvalidArgument charge.product_id",
        ),
        (
            v1::NewCharge { description: "x".repeat(321), ..good.clone() },
            "InvalidArgument charge.description",
        ),
        (
            v1::NewCharge { service_until: Some(date("2025-03-01")), ..good.clone() },
            "InvalidArgument charge.service_from",
        ),
        (
            v1::NewCharge {
                service_from: Some(date("2025-03-01")),
                service_until: Some(date("2025-03-01")),
                ..good.clone()
            },
            "InvalidArgument charge.service_until",
        ),
        (v1::NewCharge { id: taken.id.clone(), ..good.clone() }, "AlreadyExists ID_TAKEN"),
    ];
    for (charge, expected) in table {
        let request = v1::AddChargeRequest {
            customer_id: customer.id.clone(),
            charge: Some(charge.clone()),
            ..Default::default()
        };
        let refused = refusal(client.invoices.add_charge(request).await);
        assert_eq!(refused.line(), expected, "{charge:?}");
    }
    let past = v1::AddChargeRequest {
        customer_id: customer.id.clone(),
        charge: Some(good.clone()),
        bill_on: Some(date("2025-02-09")),
        ..Default::default()
    };
    let refused = refusal(client.invoices.add_charge(past.clone()).await);
    assert_eq!(refused.line(), "InvalidArgument bill_on");
    let nobody = v1::AddChargeRequest { customer_id: unknown, bill_on: None, ..past };
    assert_eq!(refusal(client.invoices.add_charge(nobody).await).line(), "NotFound");
    let none = v1::CreateInvoiceRequest { customer_id: customer.id.clone(), ..Default::default() };
    let refused = refusal(client.invoices.create_invoice(none).await);
    assert_eq!(refused.line(), "InvalidArgument charges");
    let second = v1::CreateInvoiceRequest {
        customer_id: customer.id,
        charges: vec![good, charge(&setup, "0", "1.00")],
        ..Default::default()
    };
    let refused = refusal(client.invoices.create_invoice(second).await);
    assert_eq!(refused.line(), "InvalidArgument charges[1].quantity");
    assert_eq!(day(&taken.bill_on), "2025-03-01");
    assert_eq!(client.documents().await, []);
    world.finish().await;
}
