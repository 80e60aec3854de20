//! Late fees: who is charged one, when, and what stands on its invoice.

use server::pb::google;
use server::pb::v1::{self, DunningAction, DunningStep, EventKind};

use super::policy::with_policy;
use super::{card, pay};
use crate::world::{Client, Plan, World, book, cents, day, euro, refusal};

fn amount(units: i64, currency: &str) -> google::r#type::Money {
    google::r#type::Money { currency_code: currency.into(), units, nanos: 0 }
}

/// Chooses the built-in policy with a late fee on day 16, in two currencies; answers its product.
async fn charging(client: &mut Client) -> v1::Product {
    let product = client.product("late fees", &Plan::months(1, "0")).await;
    let late_fee = v1::LateFee {
        product_id: product.id.clone(),
        amounts: vec![amount(40, "EUR"), amount(45, "USD")],
    };
    with_policy(client, |policy| {
        let action = DunningAction::ChargeLateFee.into();
        policy.steps.push(DunningStep { day: 16, action, ..Default::default() });
        policy.steps.sort_by_key(|step| step.day);
        policy.late_fee = Some(late_fee);
    })
    .await;
    product
}

/// A customer without money, and an invoice of today over 100.00 without VAT.
async fn owing(client: &mut Client, customer: v1::Customer) -> (v1::Customer, v1::Invoice) {
    let customer = v1::Customer { payment_terms_days: Some(0), ..customer };
    let customer = client.create_customer(customer).await.unwrap();
    card(client, &customer, "declines_insufficient_funds").await;
    let invoice = invoice(client, &customer).await;
    (customer, invoice)
}

/// An invoice of today over 100.00 without VAT.
async fn invoice(client: &mut Client, customer: &v1::Customer) -> v1::Invoice {
    let product = client.product("advice", &Plan::months(1, "0")).await;
    client.invoice_of(customer, &product).await
}

/// The late fees of a customer: for which invoice, and how much.
async fn fees(client: &mut Client, customer: &v1::Customer) -> Vec<(String, i64)> {
    let request = v1::ListChargesRequest { customer_id: customer.id.clone(), ..Default::default() };
    let found = client.invoices.list_charges(request).await.unwrap().into_inner().charges;
    let fees = found.into_iter().filter(|charge| !charge.late_fee_of.is_empty());
    fees.map(|charge| (charge.late_fee_of, cents(&charge.net))).collect()
}

/// The steps that are still to come for an invoice, as `day action`.
async fn coming(client: &mut Client, invoice: &v1::Invoice) -> Vec<String> {
    let request =
        v1::PreviewDunningRequest { invoice_id: invoice.id.clone(), ..Default::default() };
    let preview = client.dunning.preview_dunning(request).await.unwrap().into_inner();
    let days = preview.days.iter().flat_map(|one| {
        let on = day(&one.on);
        one.steps.iter().map(move |step| format!("{on} {}", step.action().as_str_name()))
    });
    days.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_that_pays_late_is_charged_once_on_an_invoice_of_its_own_without_vat() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-03-03").await;
    let product = charging(&mut client).await;
    let business = Client::business("Bakkerij Jansen");
    let (customer, invoice) = owing(&mut client, business.clone()).await;
    let dollars = v1::Customer { currency: "USD".into(), ..business.clone() };
    let (american, of_american) = owing(&mut client, dollars).await;
    // Nobody named a fee in pounds; consumers are charged none by themselves.
    let pounds = v1::Customer { currency: "GBP".into(), ..business.clone() };
    let consumer = v1::Customer { party_type: v1::PartyType::Consumer.into(), ..business.clone() };
    let protected = v1::Customer { treat_as_consumer: true, ..business };
    let mut spared = Vec::new();
    for customer in [pounds, consumer, protected] {
        spared.push(owing(&mut client, customer).await);
    }
    let fee = "2025-03-19 DUNNING_ACTION_CHARGE_LATE_FEE".to_owned();
    assert!(coming(&mut client, &invoice).await.contains(&fee), "before anything has failed");
    client.advance("2025-03-18").await.unwrap();
    assert!(coming(&mut client, &invoice).await.contains(&fee));
    for (customer, invoice) in &spared {
        let coming = coming(&mut client, invoice).await;
        assert!(!coming.iter().any(|step| step.contains("LATE_FEE")), "{coming:?}");
        assert_eq!(fees(&mut client, customer).await, []);
    }
    assert_eq!(fees(&mut client, &customer).await, []);
    client.advance("2025-05-20").await.unwrap();
    assert_eq!(fees(&mut client, &customer).await, [(invoice.id.clone(), 4_000)]);
    assert_eq!(fees(&mut client, &american).await, [(of_american.id.clone(), 4_500)]);
    for (customer, _) in &spared {
        assert_eq!(fees(&mut client, customer).await, []);
    }
    let mut documents = client.documents().await;
    documents.retain(|one| one.customer_id == customer.id);
    let number = &invoice.number;
    let line = format!("Aanmaningskosten factuur {number} 2025-03-19..2025-03-20 40.00");
    let expected = [
        format!("{number} 2025-03-03 100.00 + 21.00: advice 2025-03-03..2025-03-04 100.00"),
        format!("{} 2025-03-19 40.00 + 0.00: {line}", documents[1].number),
    ];
    assert_eq!(book(&documents), expected);
    let line = &documents[1].lines[0];
    assert_eq!(line.product_id, product.id);
    assert_eq!(line.vat.clone().unwrap().class(), v1::VatClass::OutsideScope);
    // It is an invoice like any other: it can be paid, and credited.
    pay(&mut client, &customer, 16_100).await;
    let request = v1::CreditInvoiceRequest {
        invoice_id: documents[1].id.clone(),
        reason: "Met excuses".into(),
        ..Default::default()
    };
    let credited = client.invoices.credit_invoice(request).await.unwrap().into_inner();
    let credit = credited.credit_note.unwrap();
    assert_eq!((euro(&credit.net), euro(&credit.vat)), ("-40.00".into(), "0.00".into()));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_says_what_will_be_charged_and_when() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-03-03").await;
    charging(&mut client).await;
    let customer =
        v1::Customer { language: v1::Language::En.into(), ..Client::business("Bakery Jansen") };
    let (customer, _) = owing(&mut client, customer).await;
    client.advance("2025-04-01").await.unwrap();
    let filter = v1::EventFilter {
        kinds: vec![EventKind::DetailsNeeded.into(), EventKind::OneOffPaymentOffered.into()],
        customer_id: customer.id.clone(),
        ..Default::default()
    };
    let request =
        v1::ListEventsRequest { page_size: 500, filter: Some(filter), ..Default::default() };
    let events = client.events.list_events(request).await.unwrap().into_inner().events;
    let body = |event: &v1::Event| match event.subject.clone() {
        Some(v1::event::Subject::Collection(facts)) => facts.message.unwrap().body,
        other => panic!("{other:?}"),
    };
    let says = "If we have not received the amount before 19 Mar 2025, we will charge you a late fee of EUR 40.00 on that day.";
    let told: Vec<(String, bool)> =
        events.iter().map(|one| (day(&one.effective_on), body(one).contains(says))).collect();
    let before = "2025-03-18".to_owned();
    assert_eq!(told, [(before.clone(), true), (before, true)]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_or_skipped_in_time_is_charged_nothing_and_what_fails_again_nothing_more() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-03-03").await;
    charging(&mut client).await;
    let business = || Client::business("Bakkerij Jansen");
    let (in_time, _) = owing(&mut client, business()).await;
    let (skipped, of_skipped) = owing(&mut client, business()).await;
    let (again, of_again) = owing(&mut client, business()).await;
    client.advance("2025-03-18").await.unwrap();
    pay(&mut client, &in_time, 12_100).await;
    // A person passes over the next step, which is the fee.
    let skip = v1::SkipRetryRequest { invoice_id: of_skipped.id.clone(), ..Default::default() };
    client.collection.skip_retry(skip).await.unwrap();
    client.advance("2025-03-20").await.unwrap();
    assert_eq!(fees(&mut client, &again).await, [(of_again.id.clone(), 4_000)]);
    // The money comes, and goes back: the days count anew, and the fee is not charged again.
    let paid = pay(&mut client, &again, 12_100).await;
    let request = v1::ReturnPaymentRequest { payment_id: paid.id, ..Default::default() };
    client.payments.return_payment(request).await.unwrap();
    client.advance("2025-06-20").await.unwrap();
    assert_eq!(fees(&mut client, &again).await, [(of_again.id, 4_000)]);
    assert_eq!(fees(&mut client, &in_time).await, []);
    assert_eq!(fees(&mut client, &skipped).await, []);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_charged_by_whom_a_fee_is_outside_the_scope_of_vat() {
    let world = World::new().await;
    for small_business in [false, true] {
        let mut client = world.sandbox("2025-03-03").await;
        charging(&mut client).await;
        let request = v1::UpdateOrganizationRequest {
            organization: Some(v1::Organization { small_business, ..Default::default() }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["small_business".into()] }),
            ..Default::default()
        };
        client.organizations.update_organization(request).await.unwrap();
        let belgian = v1::Customer {
            address: Some(Client::address("BE")),
            vat_number: "BE0203201340".into(),
            vat_treatment: v1::VatTreatment::EuReverseCharge.into(),
            ..Client::business("Bakkerij Peeters")
        };
        let swiss = v1::Customer {
            address: Some(Client::address("CH")),
            vat_treatment: v1::VatTreatment::OutsideEu.into(),
            ..Client::business("Confiserie")
        };
        let mut numbers = Vec::new();
        for customer in [Client::business("Bakkerij Jansen"), belgian, swiss] {
            numbers.push(owing(&mut client, customer).await.1.number);
        }
        client.advance("2025-03-19").await.unwrap();
        let documents = client.documents().await;
        let fees = documents.iter().filter(|one| !numbers.contains(&one.number));
        let classes = fees.map(|one| one.lines[0].vat.clone().unwrap().class());
        assert_eq!(classes.collect::<Vec<_>>(), [v1::VatClass::OutsideScope; 3]);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_has_to_its_credit_pays_fees_once_and_a_fee_can_be_written_off() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-03-03").await;
    charging(&mut client).await;
    let (customer, paid) = owing(&mut client, Client::business("Bakkerij Jansen")).await;
    pay(&mut client, &customer, 12_100).await;
    let mut invoices = Vec::new();
    for _ in 0..2 {
        invoices.push(invoice(&mut client, &customer).await);
    }
    client.advance("2025-03-05").await.unwrap();
    let line_id = paid.lines[0].id.clone();
    let line = v1::LineCredit { line_id, net: Some(amount(50, "EUR")) };
    let request = v1::CreditInvoiceRequest {
        invoice_id: paid.id,
        lines: vec![line],
        reason: "Te veel".into(),
        ..Default::default()
    };
    client.invoices.credit_invoice(request).await.unwrap();
    // 60.50 to its credit when two fees of 40.00 are charged at once.
    let days = client.advance("2025-03-19").await.unwrap();
    let day = days.last().unwrap();
    assert_eq!(day.invoices_issued, 2, "{day:?}");
    let documents = client.documents().await;
    let fees: Vec<&v1::Invoice> =
        documents.iter().filter(|one| euro(&one.gross) == "40.00").collect();
    let due: Vec<String> = fees.iter().map(|one| euro(&one.amount_due)).collect();
    assert_eq!(due, ["0.00", "19.50"]);
    let request = v1::WriteOffInvoiceRequest {
        invoice_id: fees[1].id.clone(),
        reason: "Goodwill".into(),
        ..Default::default()
    };
    client.payments.write_off_invoice(request).await.unwrap();
    assert_eq!(euro(&client.document(&fees[1].id).await.amount_due), "0.00");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_investor_that_does_not_pay_its_principal_is_charged_nothing() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-03-03").await;
    charging(&mut client).await;
    let (investor, invoice) = owing(&mut client, Client::business("Bakkerij Jansen")).await;
    let feature = client.backlog("Export", 5, 3).await;
    let terms = Client::stake(10_000, "20");
    let terms =
        v1::InvestmentTerms { vat_treatment: v1::ShareTreatment::OutsideScope.into(), ..terms };
    let proposed = client.propose(&feature, &investor, terms).await.unwrap();
    let accepted = client.accept(&proposed, true).await.unwrap();
    // Its product, which is not sold, is no product of fees.
    let principal = client.document(&accepted.invoice_id).await.lines[0].product_id.clone();
    let request = v1::GetDunningPolicyRequest::default();
    let found = client.dunning.get_dunning_policy(request).await.unwrap().into_inner();
    let mut policy = found.policy.unwrap();
    policy.late_fee.as_mut().unwrap().product_id = principal;
    let request = v1::CreateDunningPolicyRequest { policy: Some(policy), ..Default::default() };
    let refused = refusal(client.dunning.create_dunning_policy(request).await);
    assert_eq!(refused.line(), "InvalidArgument policy.late_fee.product_id");
    client.advance("2025-04-20").await.unwrap();
    assert_eq!(fees(&mut client, &investor).await, [(invoice.id, 4_000)]);
    assert_eq!(
        client.investment(&accepted.investment_id).await.state(),
        v1::InvestmentState::Accepted
    );
    world.finish().await;
}
