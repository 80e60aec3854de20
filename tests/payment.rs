//! Money that comes and goes: what it pays, what waits, what goes back.

mod refund;
mod refund_told;
mod write_off;

use server::pb::google::r#type as google;
use server::pb::v1::{self, InvoiceState};

use crate::world::{Client, Plan, World, cents, date, day, decimal, euro, refusal};

fn money(cents: i64) -> Option<google::Money> {
    let nanos = i32::try_from(cents % 100).unwrap() * 10_000_000;
    Some(google::Money { currency_code: "EUR".into(), units: cents / 100, nanos })
}

/// An invoice of today with these products and net prices.
async fn invoice(
    client: &mut Client,
    customer: &v1::Customer,
    lines: &[(&v1::Product, &str)],
) -> v1::Invoice {
    let charge = |(product, price): &(&v1::Product, &str)| v1::NewCharge {
        product_id: product.id.clone(),
        quantity: decimal("1"),
        unit_price: decimal(price),
        ..Default::default()
    };
    let request = v1::CreateInvoiceRequest {
        customer_id: customer.id.clone(),
        charges: lines.iter().map(charge).collect(),
        ..Default::default()
    };
    client.invoices.create_invoice(request).await.unwrap().into_inner().invoice.unwrap()
}

/// Money of a customer, or of nobody.
fn receipt(customer: Option<&v1::Customer>, cents: i64) -> v1::RecordPaymentRequest {
    let customer_id = customer.map(|customer| customer.id.clone()).unwrap_or_default();
    v1::RecordPaymentRequest { customer_id, amount: money(cents), ..Default::default() }
}

fn naming(invoice: &v1::Invoice) -> Option<v1::record_payment_request::Invoice> {
    Some(v1::record_payment_request::Invoice::InvoiceId(invoice.id.clone()))
}

async fn record(client: &mut Client, request: v1::RecordPaymentRequest) -> v1::Payment {
    let answer = client.payments.record_payment(request).await.unwrap().into_inner();
    answer.payment.unwrap()
}

/// `INVOICE 2025-00001 60.50, BALANCE 9.50`
async fn parts(client: &mut Client, payment: &v1::Payment) -> String {
    let mut parts = Vec::new();
    for part in &payment.allocations {
        let target = part.target().as_str_name().replace("PAYMENT_TARGET_", "");
        let number = match part.invoice_id.as_str() {
            "" => String::new(),
            id => format!(" {}", client.document(id).await.number),
        };
        parts.push(format!("{target}{number} {}", euro(&part.amount)));
    }
    parts.join(", ")
}

async fn open(client: &mut Client) -> Vec<(InvoiceState, String)> {
    let documents = client.documents().await;
    documents.iter().map(|one| (one.state(), euro(&one.amount_due))).collect()
}

/// A world with a customer and a product at 21 %.
async fn world() -> (World, Client, v1::Customer, v1::Product) {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let customer = client.customer("Bakkerij Jansen").await;
    let product = client.product("advice", &Plan::months(1, "0")).await;
    (world, client, customer, product)
}

#[tokio::test(flavor = "multi_thread")]
async fn money_pays_what_it_names_then_the_oldest_and_the_rest_pays_the_next_invoice() {
    let (world, mut client, ann, advice) = world().await;
    let first = invoice(&mut client, &ann, &[(&advice, "100.00")]).await;
    client.advance("2025-02-05").await.unwrap();
    let second = invoice(&mut client, &ann, &[(&advice, "50.00")]).await;
    let part = record(&mut client, receipt(Some(&ann), 2_100)).await;
    assert_eq!(parts(&mut client, &part).await, "INVOICE 2025-00001 21.00");
    let shown = client.document(&first.id).await;
    assert_eq!((shown.state(), euro(&shown.amount_due)), (InvoiceState::Open, "100.00".into()));
    let by_name = v1::RecordPaymentRequest { invoice: naming(&second), ..receipt(None, 7_050) };
    let named = record(&mut client, by_name).await;
    let expected = "INVOICE 2025-00002 60.50, INVOICE 2025-00001 10.00";
    assert_eq!(parts(&mut client, &named).await, expected);
    assert_eq!(named.customer_id, ann.id);
    let by_text =
        v1::RecordPaymentRequest { reference: "2025-00001".into(), ..receipt(None, 10_000) };
    let over = record(&mut client, by_text).await;
    assert_eq!(parts(&mut client, &over).await, "INVOICE 2025-00001 90.00, BALANCE 10.00");
    let settled = (InvoiceState::Settled, "0.00".to_owned());
    assert_eq!(open(&mut client).await, [settled.clone(), settled]);
    assert_eq!(client.balances("2025-02-05").await["2060"], -1_000);
    let third = invoice(&mut client, &ann, &[(&advice, "20.00")]).await;
    assert_eq!(
        (euro(&third.balance_change), euro(&third.amount_due)),
        ("-10.00".into(), "14.20".into())
    );
    let request = v1::ListPaymentsRequest { invoice_id: first.id, ..Default::default() };
    let listed = client.payments.list_payments(request).await.unwrap().into_inner().payments;
    assert_eq!(listed.len(), 3);
    let request = v1::ListPaymentsRequest {
        customer_id: ann.id.clone(),
        kind: v1::PaymentKind::Refund.into(),
        ..Default::default()
    };
    assert_eq!(client.payments.list_payments(request).await.unwrap().into_inner().payments, []);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_of_nobody_waits_until_it_is_matched() {
    let (world, mut client, ann, advice) = world().await;
    let first = invoice(&mut client, &ann, &[(&advice, "100.00")]).await;
    let second = invoice(&mut client, &ann, &[(&advice, "10.00")]).await;
    let found = record(&mut client, receipt(None, 3_000)).await;
    assert_eq!(
        (parts(&mut client, &found).await.as_str(), found.customer_id.as_str()),
        ("UNMATCHED 30.00", "")
    );
    assert_eq!(client.balances("2025-02-01").await["2050"], -3_000);
    let list = v1::ListUnmatchedRequest::default();
    let waiting = client.payments.list_unmatched(list.clone()).await.unwrap().into_inner().payments;
    assert_eq!(waiting, std::slice::from_ref(&found));
    client.advance("2025-02-03").await.unwrap();
    let request = v1::MatchPaymentRequest {
        payment_id: found.id.clone(),
        customer_id: ann.id.clone(),
        invoice_ids: vec![second.id.clone()],
        ..Default::default()
    };
    let matched = client.payments.match_payment(request.clone()).await.unwrap().into_inner();
    let matched = matched.payment.unwrap();
    let expected = "UNMATCHED 30.00, UNMATCHED -30.00, INVOICE 2025-00002 12.10, \
                    INVOICE 2025-00001 17.90";
    assert_eq!(parts(&mut client, &matched).await, expected);
    assert_eq!((matched.customer_id.as_str(), matched.unmatched), (ann.id.as_str(), None));
    assert_eq!(client.payments.list_unmatched(list).await.unwrap().into_inner().payments, []);
    let again = refusal(client.payments.match_payment(request).await);
    assert_eq!(again.line(), "FailedPrecondition NOTHING_UNMATCHED");
    assert!(!client.balances("2025-02-03").await.contains_key("2050"));
    assert_eq!(euro(&client.document(&first.id).await.amount_due), "103.10");
    // It was another's after all.
    let back = v1::ReturnPaymentRequest { payment_id: found.id, ..Default::default() };
    client.payments.return_payment(back).await.unwrap();
    assert_eq!(euro(&client.document(&first.id).await.amount_due), "121.00");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_movement_of_the_bank_counts_once_and_a_call_with_its_id_too() {
    let (world, mut client, ann, advice) = world().await;
    invoice(&mut client, &ann, &[(&advice, "100.00")]).await;
    let line = v1::RecordPaymentRequest {
        external_id: "NL-2025-7".into(),
        booked_on: Some(date("2025-01-31")),
        ..receipt(Some(&ann), 1_000)
    };
    let first = client.payments.record_payment(line.clone()).await.unwrap().into_inner();
    let second = client.payments.record_payment(line.clone()).await.unwrap().into_inner();
    assert_eq!((first.already_recorded, second.already_recorded), (false, true));
    assert_eq!(first.payment, second.payment);
    assert_eq!(day(&first.payment.unwrap().booked_on), "2025-01-31");
    let other = v1::RecordPaymentRequest { amount: money(1_001), ..line };
    let refused = refusal(client.payments.record_payment(other).await);
    assert_eq!(refused.line(), "AlreadyExists EXTERNAL_ID_TAKEN");
    let request_id = domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string();
    let call = v1::RecordPaymentRequest { request_id, ..receipt(Some(&ann), 500) };
    let one = record(&mut client, call.clone()).await;
    assert_eq!(record(&mut client, call).await, one, "the same call again");
    assert_eq!(open(&mut client).await, [(InvoiceState::Open, "106.00".to_owned())]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_payments_of_one_invoice_at_once_pay_it_once() {
    let (world, mut client, ann, advice) = world().await;
    let one = invoice(&mut client, &ann, &[(&advice, "100.00")]).await;
    let pay = || v1::RecordPaymentRequest { invoice: naming(&one), ..receipt(None, 12_100) };
    let (mut left, mut right) = (client.clone(), client.clone());
    let (left, right) =
        tokio::join!(left.payments.record_payment(pay()), right.payments.record_payment(pay()));
    let mut targets = Vec::new();
    for answer in [left, right] {
        targets.push(parts(&mut client, &answer.unwrap().into_inner().payment.unwrap()).await);
    }
    targets.sort_unstable();
    assert_eq!(targets, ["BALANCE 121.00", "INVOICE 2025-00001 121.00"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_off_payment_settles_exactly_the_chosen_invoices() {
    let (world, mut client, ann, advice) = world().await;
    let mut made = Vec::new();
    for price in ["100.00", "20.00", "30.00"] {
        made.push(invoice(&mut client, &ann, &[(&advice, price)]).await);
    }
    let request = v1::StartOneOffPaymentRequest {
        customer_id: ann.id.clone(),
        invoice_ids: vec![made[2].id.clone(), made[1].id.clone()],
        ..Default::default()
    };
    let started = client.payments.start_one_off_payment(request).await.unwrap().into_inner();
    assert_eq!(euro(&started.amount), "60.50");
    let order: Vec<&str> = started.invoices.iter().map(|one| one.invoice_id.as_str()).collect();
    assert_eq!(order, [made[1].id.as_str(), &made[2].id]);
    // As a person writes it.
    let reference: Vec<&str> = started
        .reference
        .as_bytes()
        .chunks(4)
        .map(|four| std::str::from_utf8(four).unwrap())
        .collect();
    let reference = reference.join(" ").to_lowercase();
    let paid = v1::RecordPaymentRequest { reference, ..receipt(None, 6_050) };
    let paid = record(&mut client, paid).await;
    let expected = "INVOICE 2025-00002 24.20, INVOICE 2025-00003 36.30";
    assert_eq!(parts(&mut client, &paid).await, expected);
    assert_eq!(euro(&client.document(&made[0].id).await.amount_due), "121.00");
    let all = v1::StartOneOffPaymentRequest { customer_id: ann.id.clone(), ..Default::default() };
    let all = client.payments.start_one_off_payment(all).await.unwrap().into_inner();
    assert_eq!((euro(&all.amount).as_str(), all.invoices.len()), ("121.00", 1));
    assert_ne!(all.reference, started.reference);
    let nothing = v1::StartOneOffPaymentRequest {
        customer_id: ann.id.clone(),
        invoice_ids: vec![made[1].id.clone()],
        ..Default::default()
    };
    let nothing = refusal(client.payments.start_one_off_payment(nothing).await);
    assert_eq!(nothing.line(), "FailedPrecondition NOTHING_OPEN");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_paid_back_and_a_refund_that_returns_is_balance_again() {
    let (world, mut client, ann, _) = world().await;
    record(&mut client, receipt(Some(&ann), 5_000)).await;
    let refund = |cents| v1::RefundPaymentRequest {
        customer_id: ann.id.clone(),
        amount: money(cents),
        external_id: "out-1".into(),
        ..Default::default()
    };
    let more = refusal(client.payments.refund_payment(refund(5_001)).await);
    assert_eq!(more.line(), "FailedPrecondition BALANCE_TOO_LOW");
    assert_eq!(more.facts["balance"], "EUR 50.00");
    let paid = client.payments.refund_payment(refund(3_000)).await.unwrap().into_inner();
    let again = client.payments.refund_payment(refund(3_000)).await.unwrap().into_inner();
    assert_eq!(paid, again, "the same movement");
    let paid = paid.payment.unwrap();
    assert_eq!((paid.kind(), cents(&paid.amount)), (v1::PaymentKind::Refund, -3_000));
    let books = |bank: i64| [("1000".to_owned(), bank), ("2060".to_owned(), -bank)].into();
    assert_eq!(client.balances("2025-02-01").await, books(2_000));
    let back = v1::ReturnPaymentRequest { payment_id: paid.id, ..Default::default() };
    let back = client.payments.return_payment(back).await.unwrap().into_inner().payment.unwrap();
    assert_eq!(back.kind(), v1::PaymentKind::RefundReturned);
    assert_eq!(client.balances("2025-02-01").await, books(5_000));
    let twice = v1::ReturnPaymentRequest { payment_id: back.id, ..Default::default() };
    let twice = refusal(client.payments.return_payment(twice).await);
    assert_eq!(twice.line(), "FailedPrecondition NOT_RETURNABLE");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_goes_back_opens_its_invoice_and_what_was_spent_is_listed() {
    let (world, mut client, ann, advice) = world().await;
    let first = invoice(&mut client, &ann, &[(&advice, "100.00")]).await;
    let paid = record(&mut client, receipt(Some(&ann), 15_000)).await;
    // 29.00 of balance, of which 24.20 are spent.
    invoice(&mut client, &ann, &[(&advice, "20.00")]).await;
    let back = v1::ReturnPaymentRequest {
        payment_id: paid.id.clone(),
        fee: money(250),
        ..Default::default()
    };
    let bounced = client.payments.return_payment(back.clone()).await.unwrap().into_inner();
    let bounced = bounced.payment.unwrap();
    let expected = "BALANCE -4.80, UNMATCHED -24.20, INVOICE 2025-00001 -121.00";
    assert_eq!(parts(&mut client, &bounced).await, expected);
    assert_eq!(bounced.reverses_payment_id, paid.id);
    assert_eq!(client.document(&first.id).await.state(), InvoiceState::Open);
    let twice = refusal(client.payments.return_payment(back).await);
    assert_eq!(twice.line(), "FailedPrecondition RETURNED_BEFORE");
    let books = client.balances("2025-02-01").await;
    assert_eq!((books["1000"], books["4610"], books["2050"]), (-250, 250, 2_420));
    let take = v1::MatchPaymentRequest {
        payment_id: bounced.id,
        customer_id: ann.id.clone(),
        ..Default::default()
    };
    let poor = refusal(client.payments.match_payment(take.clone()).await);
    assert_eq!(poor.line(), "FailedPrecondition BALANCE_TOO_LOW");
    // It pays everything again, and what was spent with it.
    record(&mut client, receipt(Some(&ann), 12_100 + 2_420)).await;
    let made_good = client.payments.match_payment(take).await.unwrap().into_inner();
    assert_eq!(made_good.payment.unwrap().unmatched, None);
    let request = v1::ListEventsRequest { page_size: 500, ..Default::default() };
    let events = client.events.list_events(request).await.unwrap().into_inner().events;
    let of_first = events.iter().filter(|event| {
        let kinds = [v1::EventKind::InvoiceSettled, v1::EventKind::InvoiceReopened];
        let about = |facts: &v1::DocumentFacts| facts.invoice_id == first.id;
        let is_of = matches!(&event.subject, Some(v1::event::Subject::Document(of)) if about(of));
        is_of && kinds.contains(&event.kind())
    });
    let kinds: Vec<v1::EventKind> = of_first.map(v1::Event::kind).collect();
    let settled = v1::EventKind::InvoiceSettled;
    assert_eq!(kinds, [settled, v1::EventKind::InvoiceReopened, settled]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_payments_are_refused_with_their_field() {
    let (world, mut client, ann, advice) = world().await;
    let ben = client.customer("Ben").await;
    let one = invoice(&mut client, &ann, &[(&advice, "100.00")]).await;
    let dollars = google::Money { currency_code: "USD".into(), units: 1, nanos: 0 };
    let number =
        |text: &str| Some(v1::record_payment_request::Invoice::InvoiceNumber(text.to_owned()));
    let good = receipt(Some(&ann), 100);
    let table = [
        (receipt(Some(&ann), 0), "InvalidArgument amount"),
        (receipt(Some(&ann), -100), "InvalidArgument amount"),
        (v1::RecordPaymentRequest { amount: None, ..good.clone() }, "InvalidArgument amount"),
        (
            v1::RecordPaymentRequest { amount: Some(dollars.clone()), ..good.clone() },
            "InvalidArgument amount",
        ),
        (
            v1::RecordPaymentRequest {
                amount: Some(dollars),
                invoice: naming(&one),
                ..Default::default()
            },
            "InvalidArgument amount",
        ),
        (
            v1::RecordPaymentRequest { booked_on: Some(date("2025-02-02")), ..good.clone() },
            "InvalidArgument booked_on",
        ),
        (
            v1::RecordPaymentRequest { invoice: naming(&one), ..receipt(Some(&ben), 100) },
            "InvalidArgument invoice",
        ),
        (v1::RecordPaymentRequest { invoice: number("2025-00099"), ..good.clone() }, "NotFound"),
        (
            v1::RecordPaymentRequest { reference: "x".repeat(141), ..good.clone() },
            "InvalidArgument reference",
        ),
        (
            v1::RecordPaymentRequest { customer_id: uuid::Uuid::max().to_string(), ..good.clone() },
            "NotFound",
        ),
    ];
    for (request, expected) in table {
        let refused = refusal(client.payments.record_payment(request.clone()).await);
        assert_eq!(refused.line(), expected, "{request:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_matched_within_its_currency_customer_and_organization() {
    let (world, mut client, ann, advice) = world().await;
    let ben = client.customer("Ben").await;
    let one = invoice(&mut client, &ann, &[(&advice, "100.00")]).await;
    // Money of nobody may be in any currency.
    let strange = google::Money { currency_code: "USD".into(), units: 3, nanos: 0 };
    let strange = v1::RecordPaymentRequest { amount: Some(strange), ..Default::default() };
    let strange = record(&mut client, strange).await;
    let table = [
        (&strange.id, &ann.id, vec![], "InvalidArgument amount"),
        (&strange.id, &ann.id, vec![one.id.clone()], "InvalidArgument invoice_ids[0]"),
        (&strange.id, &ben.id, vec![one.id.clone()], "InvalidArgument invoice_ids[0]"),
        (&one.id, &ann.id, vec![], "NotFound"),
    ];
    for (payment_id, customer_id, invoice_ids, expected) in table {
        let request = v1::MatchPaymentRequest {
            payment_id: payment_id.clone(),
            customer_id: customer_id.clone(),
            invoice_ids,
            ..Default::default()
        };
        let refused = refusal(client.payments.match_payment(request.clone()).await);
        assert_eq!(refused.line(), expected, "{request:?}");
    }
    let mut other = world.sandbox("2025-02-01").await;
    let theirs = v1::RecordPaymentRequest { invoice: naming(&one), ..receipt(None, 100) };
    assert_eq!(refusal(other.payments.record_payment(theirs).await).line(), "NotFound");
    let back = v1::ReturnPaymentRequest { payment_id: strange.id, ..Default::default() };
    assert_eq!(refusal(other.payments.return_payment(back).await).line(), "NotFound");
    let listed = other.payments.list_payments(v1::ListPaymentsRequest::default()).await.unwrap();
    assert_eq!(listed.into_inner().payments, []);
    world.finish().await;
}
