//! What customers do meanwhile: they pause, pay a part, give new details, pay by themselves.

use server::pb::v1;

use super::{NOTICE_DAY, attempts, collection, payer, pays_by, story, world, world_from};
use crate::world::{Client, Plan, day, euro};

fn money(cents: i64) -> Option<server::pb::google::r#type::Money> {
    let nanos = i32::try_from(cents % 100).unwrap() * 10_000_000;
    let units = cents / 100;
    Some(server::pb::google::r#type::Money { currency_code: "EUR".into(), units, nanos })
}

async fn transfers(client: &mut Client, invoice: &v1::Invoice, cents: i64) -> v1::Payment {
    let named = v1::record_payment_request::Invoice::InvoiceId(invoice.id.clone());
    let request = v1::RecordPaymentRequest {
        amount: money(cents),
        invoice: Some(named),
        ..Default::default()
    };
    client.payments.record_payment(request).await.unwrap().into_inner().payment.unwrap()
}

/// What the bank has, what is in transit, what customers owe and have to their credit.
async fn books(client: &mut Client, on: &str) -> [i64; 4] {
    let balances = client.balances(on).await;
    ["1000", "1010", "1300", "2060"].map(|code| balances.get(code).copied().unwrap_or(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_freezes_what_follows_and_an_earlier_end_of_it_thaws_it_at_once() {
    let (world, mut client, _) = world().await;
    // In arrears, so that what is invoiced does not stand in the way of a pause.
    let monthly = Plan { timing: v1::BillingTiming::InArrears, ..Plan::months(1, "100.00") };
    let plan = client.plan("hosting", monthly).await;
    let ann = payer(&mut client, "Ann", "declines_1_insufficient_funds").await;
    let made = client.subscribe(Client::terms(&ann, &plan, "2025-02-03")).await.unwrap();
    client.advance("2025-03-03").await.unwrap();
    let one = client.documents().await.remove(0);
    assert_eq!(story(&mut client, &one).await, "03-03 declined insufficient_funds: waiting 121.00");
    client.pause(&made.id, Some("2025-03-03"), Some("2025-04-03")).await.unwrap();
    client.advance("2025-03-10").await.unwrap();
    let found = collection(&mut client, &one).await;
    assert_eq!((found.attempts, day(&found.day_zero)), (1, "2025-03-03".to_owned()));
    client.resume(&made.id, Some("2025-03-11")).await.unwrap();
    client.advance("2025-03-13").await.unwrap();
    assert_eq!(
        story(&mut client, &one).await,
        "03-03 declined insufficient_funds, 03-12 settled: closed 0.00"
    );
    assert_eq!(books(&mut client, "2025-03-13").await, [12_100, 0, 0, 0]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_part_is_paid_the_next_attempt_asks_for_the_rest() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "declines_2_insufficient_funds").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-05").await.unwrap();
    let before = collection(&mut client, &one).await;
    transfers(&mut client, &one, 5_000).await;
    let after = collection(&mut client, &one).await;
    assert_eq!(euro(&after.amount_due), "71.00");
    assert_eq!((&after.day_zero, &after.next_time), (&before.day_zero, &before.next_time));
    client.advance("2025-02-06").await.unwrap();
    let amounts: Vec<String> =
        attempts(&mut client, &one).await.iter().map(|one| euro(&one.amount)).collect();
    assert_eq!(amounts, ["121.00", "121.00", "71.00"]);
    assert_eq!(collection(&mut client, &one).await.state(), v1::CollectionState::Closed);
    assert_eq!(books(&mut client, "2025-02-06").await, [12_100, 0, 0, 0]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_details_are_tried_once_however_often_they_are_given() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "declines_expired_card").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-05").await.unwrap();
    // Twice between two looks: the last ones are tried, once.
    pays_by(&mut client, &ann, "declines_incorrect_number").await;
    pays_by(&mut client, &ann, "declines_do_not_honor").await;
    pays_by(&mut client, &ann, "declines_do_not_honor").await;
    client.advance("2025-02-09").await.unwrap();
    let twice = "02-03 declined expired_card, 02-05 declined do_not_honor";
    assert!(story(&mut client, &one).await.starts_with(twice));
    assert_eq!(attempts(&mut client, &one).await.len(), 2);
    pays_by(&mut client, &ann, "settles").await;
    client.advance("2025-02-10").await.unwrap();
    assert_eq!(story(&mut client, &one).await, format!("{twice}, 02-09 settled: closed 0.00"));
    assert_eq!(books(&mut client, "2025-02-10").await, [12_100, 0, 0, 0]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn details_given_while_the_old_ones_are_still_tried_are_tried_when_those_fail() {
    let (world, mut client, product) = world_from(NOTICE_DAY).await;
    let ann = payer(&mut client, "Ann", "NL39SNDB0000000012").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-04").await.unwrap();
    assert_eq!(story(&mut client, &one).await, "02-03 accepted: under_way 121.00");
    pays_by(&mut client, &ann, "settles").await;
    client.advance("2025-02-06").await.unwrap();
    assert_eq!(story(&mut client, &one).await, "02-03 declined AC01, 02-05 settled: closed 0.00");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_while_a_debit_is_under_way_asks_the_debit_back() {
    let (world, mut client, product) = world_from(NOTICE_DAY).await;
    let ann = payer(&mut client, "Ann", "NL18SNDB0000000002").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-04").await.unwrap();
    transfers(&mut client, &one, 12_100).await;
    assert_eq!(story(&mut client, &one).await, "02-03 accepted: closed 0.00");
    client.advance("2025-02-05").await.unwrap();
    assert_eq!(story(&mut client, &one).await, "02-03 cancelled: closed 0.00");
    client.advance("2025-02-20").await.unwrap();
    assert_eq!(books(&mut client, "2025-02-20").await, [12_100, 0, 0, 0]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_and_a_debit_that_cannot_be_asked_back_leave_a_balance() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "silent_3").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-04").await.unwrap();
    transfers(&mut client, &one, 12_100).await;
    client.advance("2025-02-10").await.unwrap();
    assert_eq!(story(&mut client, &one).await, "02-03 settled: closed 0.00");
    assert_eq!(books(&mut client, "2025-02-10").await, [24_200, 0, 0, -12_100]);
    // The balance pays what comes next, without an attempt.
    let next = client.invoice_of(&ann, &product).await;
    assert_eq!(euro(&next.amount_due), "0.00");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_goes_back_opens_the_queue_again_and_a_write_off_closes_it() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "transfer").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-05").await.unwrap();
    let paid = transfers(&mut client, &one, 12_100).await;
    assert_eq!(story(&mut client, &one).await, ": closed 0.00");
    let request = v1::ReturnPaymentRequest { payment_id: paid.id, ..Default::default() };
    client.payments.return_payment(request).await.unwrap();
    assert_eq!(story(&mut client, &one).await, ": waiting 121.00");
    let request = v1::WriteOffInvoiceRequest {
        invoice_id: one.id.clone(),
        reason: "gone".into(),
        ..Default::default()
    };
    client.payments.write_off_invoice(request).await.unwrap();
    assert_eq!(story(&mut client, &one).await, ": closed 0.00");
    // Money of nobody that is matched closes it, too.
    let two = client.invoice_of(&ann, &product).await;
    let request = v1::RecordPaymentRequest { amount: money(12_100), ..Default::default() };
    let found = client.payments.record_payment(request).await.unwrap().into_inner();
    let request = v1::MatchPaymentRequest {
        payment_id: found.payment.unwrap().id,
        customer_id: ann.id.clone(),
        invoice_ids: vec![two.id.clone()],
        ..Default::default()
    };
    client.payments.match_payment(request).await.unwrap();
    assert_eq!(story(&mut client, &two).await, ": closed 0.00");
    world.finish().await;
}
