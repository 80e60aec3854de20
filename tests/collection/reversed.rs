//! Money that goes back, and money that is too much: nobody is asked for what it does not owe.

use server::pb::v1::{self, AttemptState as State};

use super::report::{report, told};
use super::{attempts, collection, payer, pays_by, story, world};
use crate::world::{Client, Plan, day, euro};

fn money(cents: i64) -> Option<server::pb::google::r#type::Money> {
    let nanos = i32::try_from(cents % 100).unwrap() * 10_000_000;
    let units = cents / 100;
    Some(server::pb::google::r#type::Money { currency_code: "EUR".into(), units, nanos })
}

/// Credits an invoice of one line, whole or in part.
async fn credit(client: &mut Client, invoice: &v1::Invoice, net: Option<i64>) {
    let line = |net| v1::LineCredit { line_id: invoice.lines[0].id.clone(), net: money(net) };
    let request = v1::CreditInvoiceRequest {
        invoice_id: invoice.id.clone(),
        lines: net.map(line).into_iter().collect(),
        reason: "it did not work".into(),
        ..Default::default()
    };
    client.invoices.credit_invoice(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debit_that_is_reversed_after_its_invoice_was_credited_asks_for_nothing() {
    let (world, mut client, product) = world().await;
    // What is credited, net, and what is asked for when all that was collected goes back.
    for (net, asked) in [(None, "closed 0.00"), (Some(6_000), "waiting 48.40")] {
        let ann = payer(&mut client, "Ann", "settles").await;
        let one = client.invoice_of(&ann, &product).await;
        client.advance(if net.is_none() { "2025-02-04" } else { "2025-02-05" }).await.unwrap();
        credit(&mut client, &one, net).await;
        let attempt = attempts(&mut client, &one).await.remove(0);
        report(&mut client, told(&attempt, State::Bounced)).await.unwrap();
        let story = story(&mut client, &one).await;
        assert!(story.ends_with(&format!("bounced insufficient_funds: {asked}")), "{story}");
    }
    let books = client.balances("2025-02-05").await;
    assert_eq!((books.get("2060"), books.get("1000"), books["1300"]), (None, None, 4_840));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_attempt_brings_too_much_pays_what_else_is_overdue() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "silent").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-04").await.unwrap();
    pays_by(&mut client, &ann, "declines_do_not_honor").await;
    let two = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-05").await.unwrap();
    let request = v1::RecordPaymentRequest {
        amount: money(12_100),
        invoice: Some(v1::record_payment_request::Invoice::InvoiceId(one.id.clone())),
        ..Default::default()
    };
    client.payments.record_payment(request).await.unwrap();
    assert_eq!(story(&mut client, &two).await, "02-04 declined do_not_honor: waiting 121.00");
    // The attempt had brought the same money.
    let attempt = attempts(&mut client, &one).await.remove(0);
    report(&mut client, told(&attempt, State::Settled)).await.unwrap();
    assert_eq!(story(&mut client, &two).await, "02-04 declined do_not_honor: closed 0.00");
    client.advance("2025-02-20").await.unwrap();
    // And it goes back: what it paid begins anew.
    report(&mut client, told(&attempt, State::Bounced)).await.unwrap();
    assert_eq!(story(&mut client, &one).await, "02-03 bounced insufficient_funds: closed 0.00");
    let found = collection(&mut client, &two).await;
    assert_eq!(
        (euro(&found.amount_due), day(&found.day_zero)),
        ("121.00".into(), "2025-02-20".into())
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_that_ends_the_mandate_tells_of_no_suspension() {
    let (world, mut client, _) = world().await;
    let ann = payer(&mut client, "Ann", "declines_1_insufficient_funds").await;
    let plan = client.plan("hosting", Plan::months(12, "100.00")).await;
    client.subscribe(Client::terms(&ann, &plan, "2025-02-03")).await.unwrap();
    client.advance("2025-03-25").await.unwrap();
    let one = client.documents().await.remove(0);
    let attempt = attempts(&mut client, &one).await.remove(1);
    let mut bounced = told(&attempt, State::Bounced);
    bounced.raw_code = "revocation_of_authorization".into();
    report(&mut client, bounced).await.unwrap();
    let request = v1::ListEventsRequest { page_size: 500, ..Default::default() };
    let events = client.events.list_events(request).await.unwrap().into_inner().events;
    let kinds: Vec<v1::EventKind> = events.iter().map(v1::Event::kind).collect();
    assert!(kinds.contains(&v1::EventKind::PaymentFailed), "{kinds:?}");
    let moved = [v1::EventKind::SubscriptionSuspended, v1::EventKind::SubscriptionRestored];
    assert!(!kinds.iter().any(|kind| moved.contains(kind)), "{kinds:?}");
    let found = collection(&mut client, &one).await;
    assert_eq!(day(&found.day_zero), "2025-03-25");
    world.finish().await;
}
