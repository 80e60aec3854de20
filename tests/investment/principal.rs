//! The invoice of a principal: its VAT, and what is not done to it by hand.

use server::pb::v1::{self, PartyType, ShareTreatment, VatClass, VatTreatment};

use crate::world::{Client, Plan, World, cents, day, decimal, refusal};

fn taxed(treatment: ShareTreatment) -> v1::InvestmentTerms {
    v1::InvestmentTerms { vat_treatment: treatment.into(), ..Client::stake(10_000, "10") }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_vat_is_the_customers_or_none_outside_the_scope() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let business = client.customer("Ann").await;
    let belgian = v1::Customer {
        address: Some(Client::address("BE")),
        vat_number: "BE0123456749".into(),
        vat_treatment: VatTreatment::EuReverseCharge.into(),
        ..Client::business("Ben")
    };
    let belgian = client.create_customer(belgian).await.unwrap();
    let person = v1::Customer { party_type: PartyType::Consumer.into(), ..Client::business("Cor") };
    let person = client.create_customer(person).await.unwrap();
    let table = [
        (&business, ShareTreatment::WithVat, VatClass::Standard, 210_000),
        (&business, ShareTreatment::SmallBusiness, VatClass::Standard, 210_000),
        (&belgian, ShareTreatment::ReverseCharge, VatClass::ReverseCharge, 0),
        (&business, ShareTreatment::OutsideScope, VatClass::OutsideScope, 0),
        (&belgian, ShareTreatment::OutsideScope, VatClass::OutsideScope, 0),
        (&person, ShareTreatment::OutsideScope, VatClass::OutsideScope, 0),
    ];
    for (customer, treatment, class, vat) in table {
        let proposed = client.propose(&feature, customer, taxed(treatment)).await.unwrap();
        let accepted = client.accept(&proposed, true).await.unwrap();
        let invoice = client.document(&accepted.invoice_id).await;
        let line = invoice.lines[0].vat.clone().unwrap();
        assert_eq!((line.class(), cents(&invoice.vat)), (class, vat), "{treatment:?}");
        assert_eq!(cents(&invoice.net), 1_000_000);
        let request =
            v1::GetDocumentRequest { invoice_id: invoice.id.clone(), ..Default::default() };
        let printed = client.invoices.get_document(request).await.unwrap().into_inner();
        let printed = printed.html;
        assert!(printed.contains("Investering in Export"), "{printed}");
        let outside = printed.contains("Buiten de heffing van btw.");
        assert_eq!(outside, class == VatClass::OutsideScope, "{treatment:?}");
    }
    let balances = client.balances("2025-02-01").await;
    assert_eq!((balances["1620"], balances["1520"]), (-6_000_000, -420_000));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_neither_credited_nor_written_off_by_hand() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "40")).await.unwrap();
    let accepted = client.accept(&proposed, true).await.unwrap();
    let credit = v1::CreditInvoiceRequest {
        invoice_id: accepted.invoice_id.clone(),
        reason: "no".into(),
        ..Default::default()
    };
    let refused = refusal(client.invoices.credit_invoice(credit).await);
    assert_eq!(refused.line(), "FailedPrecondition INVESTMENT_PRINCIPAL");
    assert_eq!(refused.facts["investment_id"], accepted.investment_id);
    let loss = v1::WriteOffInvoiceRequest {
        invoice_id: accepted.invoice_id.clone(),
        reason: "no".into(),
        ..Default::default()
    };
    let refused = refusal(client.payments.write_off_invoice(loss).await);
    assert_eq!(refused.line(), "FailedPrecondition INVESTMENT_PRINCIPAL");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_product_is_made_by_itself_and_not_sold() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let mine = v1::Product {
        name: "Investments".into(),
        vat_category: v1::VatCategory::Standard.into(),
        revenue_kind: v1::RevenueKind::Investment.into(),
        ..Default::default()
    };
    let request = v1::CreateProductRequest { product: Some(mine), ..Default::default() };
    let refused = refusal(client.catalog.create_product(request).await);
    assert_eq!(refused.line(), "InvalidArgument product.revenue_kind");

    let (feature, other) = (client.backlog("A", 5, 5).await, client.backlog("B", 5, 5).await);
    let ann = client.customer("Ann").await;
    for feature in [&feature, &other] {
        client.invest(feature, &ann, Client::stake(1_000, "40")).await;
    }
    let request = v1::ListProductsRequest::default();
    let products = client.catalog.list_products(request).await.unwrap().into_inner().products;
    let [product] = products.as_slice() else { panic!("one for all: {products:?}") };
    assert_eq!(
        (product.name.as_str(), product.revenue_kind()),
        ("Investering", v1::RevenueKind::Investment)
    );

    let charge = v1::NewCharge {
        product_id: product.id.clone(),
        quantity: decimal("1"),
        unit_price: decimal("1.00"),
        ..Default::default()
    };
    let request = v1::AddChargeRequest {
        customer_id: ann.id.clone(),
        charge: Some(charge.clone()),
        ..Default::default()
    };
    let refused = refusal(client.invoices.add_charge(request).await);
    assert_eq!(refused.line(), "InvalidArgument charge.product_id");
    let request = v1::CreateInvoiceRequest {
        customer_id: ann.id.clone(),
        charges: vec![charge],
        ..Default::default()
    };
    let refused = refusal(client.invoices.create_invoice(request).await);
    assert_eq!(refused.line(), "InvalidArgument charges[0].product_id");
    let request = v1::CreatePlanRequest {
        code: "a".into(),
        name: "a".into(),
        version: Some(Plan::months(1, "1.00").version(&product.id)),
        ..Default::default()
    };
    let refused = refusal(client.catalog.create_plan(request).await);
    assert_eq!(refused.line(), "InvalidArgument version.prices[0].product_id");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_issued_at_once_whatever_the_grace_and_is_no_recurring_revenue() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let organization = v1::Organization { draft_grace_days: 5, ..Default::default() };
    let request = v1::UpdateOrganizationRequest {
        organization: Some(organization),
        update_mask: Some(prost_types::FieldMask { paths: vec!["draft_grace_days".into()] }),
        ..Default::default()
    };
    client.organizations.update_organization(request).await.unwrap();
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "40")).await.unwrap();
    let accepted = client.accept(&proposed, true).await.unwrap();
    let invoice = client.document(&accepted.invoice_id).await;
    assert_eq!(
        (invoice.number.as_str(), day(&invoice.issue_on)),
        ("2025-00001", "2025-02-01".into())
    );
    client.advance("2025-06-01").await.unwrap();
    let request = v1::GetMrrRequest::default();
    let mrr = client.revenue.get_mrr(request).await.unwrap().into_inner();
    assert!(mrr.currencies.is_empty(), "{mrr:?}");
    // Nobody paid: the policy ran to its end, and the investment can still be given up.
    super::withdraw(&mut client, &accepted.investment_id).await.unwrap();
    world.finish().await;
}
