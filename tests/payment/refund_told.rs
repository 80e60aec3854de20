//! What other systems are told of money that goes back to customers.

use server::pb::v1::{self, event::Subject};

use super::refund::{collected, ordered, refund};
use super::{money, receipt, record};
use crate::world::{Client, World, day, euro};

/// `PAYMENT_REFUNDED 2025-02-04 30.00`, of each event about a refund, with the reason.
async fn told(client: &mut Client) -> Vec<String> {
    let request = v1::ListEventsRequest { page_size: 500, ..Default::default() };
    let events = client.events.list_events(request).await.unwrap().into_inner().events;
    let line = |event: v1::Event| {
        let kind = event.kind().as_str_name().replace("EVENT_KIND_", "");
        let Some(Subject::Refund(facts)) = event.subject else { return None };
        let line = format!(
            "{kind} {} {} {}",
            day(&event.effective_on),
            euro(&facts.amount),
            facts.raw_code
        );
        Some(line.trim_end().to_owned())
    };
    events.into_iter().filter_map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_a_gateway_carries_out_is_told_when_it_went_or_did_not() {
    let world = World::new().await;
    for (token, expected) in [
        ("settles", "PAYMENT_REFUNDED 2025-02-04 30.00"),
        ("refund_declines_expired_card", "REFUND_FAILED 2025-02-04 30.00 expired_card"),
    ] {
        let (mut client, ann, paid) = collected(&world, token).await;
        let one = ordered(&mut client, refund(&paid, 3_000)).await;
        assert_eq!(told(&mut client).await, [""; 0], "nothing went yet");
        client.advance("2025-02-05").await.unwrap();
        assert_eq!(told(&mut client).await, [expected]);
        let request = v1::ListEventsRequest { page_size: 500, ..Default::default() };
        let events = client.events.list_events(request).await.unwrap().into_inner().events;
        let of = events.into_iter().find_map(|event| match event.subject {
            Some(Subject::Refund(facts)) => Some((event.customer_id, facts)),
            _ => None,
        });
        let (customer, facts) = of.unwrap();
        assert_eq!((customer, facts.refund_id, facts.payment_id), (ann.id, one.id, paid.id));
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_paid_back_by_hand_is_told_and_so_is_that_it_came_back() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-03").await;
    let ann = client.customer("Ann").await;
    record(&mut client, receipt(Some(&ann), 5_000)).await;
    let request = v1::RefundPaymentRequest {
        customer_id: ann.id.clone(),
        amount: money(5_000),
        ..Default::default()
    };
    let went = client.payments.refund_payment(request).await.unwrap().into_inner().payment.unwrap();
    client.advance("2025-02-07").await.unwrap();
    let request = v1::ReturnPaymentRequest { payment_id: went.id, ..Default::default() };
    client.payments.return_payment(request).await.unwrap();
    assert_eq!(
        told(&mut client).await,
        ["PAYMENT_REFUNDED 2025-02-03 50.00", "REFUND_FAILED 2025-02-07 50.00"]
    );
    world.finish().await;
}
