//! Credits of what is still a draft.

use server::pb::v1::{self, InvoiceState};

use super::{discard, finalize, grace, subscribed, told};
use crate::world::{Plan, World, book, cents, euro};

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_with_credit_finalizes_the_draft_and_credits_it() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    grace(&mut client, 5).await.unwrap();
    let month = subscribed(&mut client, Plan::months(1, "28.00"), "2025-02-01").await;
    client.run_billing().await;
    let draft = client.documents().await.remove(0);
    client.advance("2025-02-03").await.unwrap();
    client.cancel_now(&month.id, true).await.unwrap();
    let request = v1::PreviewInvoiceRequest { customer_id: month.customer_id, on: None };
    let previewed = client.invoices.preview_invoice(request).await.unwrap().into_inner().invoices;
    let ran = client.run_billing().await;
    assert_eq!((ran.invoices_issued, ran.drafts_made), (2, 0));
    let documents = client.documents().await;
    assert_eq!(
        book(&documents),
        [
            "2025-00001 2025-02-03 28.00 + 5.88: base 2025-02-01..2025-03-01 28.00",
            "C2025-00001 2025-02-03 -26.00 + -5.46: base 2025-02-03..2025-03-01 -26.00",
        ]
    );
    assert_eq!(documents[0].id, draft.id);
    assert_eq!(documents[1].lines[0].corrects_line_id, draft.lines[0].id);
    assert_eq!(cents(&documents[0].amount_due), 242);
    assert_eq!(book(&previewed), [book(&documents[1..])[0].replacen("C2025-00001", "", 1)]);
    assert_eq!(
        told(&mut client).await,
        [v1::EventKind::InvoiceFinalized, v1::EventKind::CreditNoteFinalized]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_the_grace_finalizes_the_draft_and_is_itself_not_kept() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    grace(&mut client, 10).await.unwrap();
    let month = subscribed(&mut client, Plan::months(1, "28.00"), "2025-02-01").await;
    client.run_billing().await;
    let dearer = client.plan("dearer", Plan::months(1, "56.00")).await;
    client.advance("2025-02-08").await.unwrap();
    let change = v1::Change { plan_id: dearer.id, ..v1::Change::default() };
    client.change(&month.id, change).await.unwrap();
    client.run_billing().await;
    client.advance("2025-03-11").await.unwrap();
    assert_eq!(
        book(&client.documents().await),
        [
            "2025-00001 2025-02-08 28.00 + 5.88: base 2025-02-01..2025-03-01 28.00",
            "2025-00002 2025-02-08 21.00 + 4.41: base 2025-02-08..2025-03-01 -21.00, \
             dearer 2025-02-08..2025-03-01 42.00",
            "2025-00003 2025-03-11 56.00 + 11.76: dearer 2025-03-01..2025-04-01 56.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_was_waived_in_the_middle_of_a_period_only_what_was_paid_is_credited() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let month = subscribed(&mut client, Plan::months(1, "28.00"), "2025-02-01").await;
    client.run_billing().await;
    grace(&mut client, 5).await.unwrap();
    client.advance("2025-02-05").await.unwrap();
    client.pause(&month.id, None, None).await.unwrap();
    client.run_billing().await;
    client.advance("2025-02-10").await.unwrap();
    client.resume(&month.id, None).await.unwrap();
    client.run_billing().await;
    let drafts = client.documents().await;
    assert_eq!(drafts[0].state(), InvoiceState::Draft);
    assert_eq!(book(&drafts[..1]), [" 2025-02-10 19.00 + 3.99: base 2025-02-10..2025-03-01 19.00"]);
    discard(&mut client, &drafts[0].id, "goed gemaakt").await.unwrap();
    client.advance("2025-02-15").await.unwrap();
    client.cancel_now(&month.id, true).await.unwrap();
    client.advance("2025-03-02").await.unwrap();
    // February's line was given back from the 5th on, once.
    assert_eq!(
        book(&client.documents().await)[1..],
        [
            "2025-00001 2025-02-01 28.00 + 5.88: base 2025-02-01..2025-03-01 28.00",
            "C2025-00001 2025-02-05 -24.00 + -5.04: base 2025-02-05..2025-03-01 -24.00",
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_by_hand_finalizes_the_draft_first() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    grace(&mut client, 5).await.unwrap();
    subscribed(&mut client, Plan::months(1, "28.00"), "2025-02-01").await;
    client.run_billing().await;
    let draft = client.documents().await.remove(0);
    let line = v1::LineCredit {
        line_id: draft.lines[0].id.clone(),
        net: Some(server::pb::google::r#type::Money {
            currency_code: "EUR".into(),
            units: 8,
            nanos: 0,
        }),
    };
    let request = v1::CreditInvoiceRequest {
        invoice_id: draft.id.clone(),
        lines: vec![line],
        reason: "afgesproken".into(),
        ..Default::default()
    };
    let note = client.invoices.credit_invoice(request).await.unwrap().into_inner();
    assert_eq!(euro(&note.credit_note.unwrap().gross), "-9.68");
    let documents = client.documents().await;
    assert_eq!(documents.len(), 2);
    assert_eq!(
        (documents[0].number.as_str(), cents(&documents[0].amount_due)),
        ("2025-00001", 2_420)
    );
    assert_eq!(finalize(&mut client, &draft.id).await.unwrap(), documents[0]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_caught_up_is_kept_and_numbered_by_billing_date() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-03-10").await;
    grace(&mut client, 5).await.unwrap();
    subscribed(&mut client, Plan::months(1, "31.00"), "2025-01-01").await;
    assert_eq!(client.run_billing().await.drafts_made, 3);
    let drafts = client.documents().await;
    assert!(drafts.iter().all(|one| one.state() == InvoiceState::Draft));
    client.advance("2025-03-15").await.unwrap();
    assert_eq!(
        book(&client.documents().await),
        [
            "2025-00001 2025-03-15 31.00 + 6.51: base 2025-01-01..2025-02-01 31.00",
            "2025-00002 2025-03-15 31.00 + 6.51: base 2025-02-01..2025-03-01 31.00",
            "2025-00003 2025-03-15 31.00 + 6.51: base 2025-03-01..2025-04-01 31.00",
        ]
    );
    world.finish().await;
}
