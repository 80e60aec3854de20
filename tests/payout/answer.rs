//! What investors answer: they do not agree, or send their own invoices.

use server::pb::v1::SelfBillKind;

use super::{
    IBAN, accept, amounts, books, credited, lines, only, own_invoice, payouts, reject, report,
    send, set_account, told,
};
use crate::world::{day, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rejected_is_credited_and_waits_for_the_investors_own_invoice() {
    let (world, mut client, ann) = credited(0).await;
    set_account(&mut client, &ann, IBAN).await.unwrap();
    client.advance("2025-02-03").await.unwrap();
    let bill = only(&mut client, SelfBillKind::Invoice).await;
    let rejected = reject(&mut client, &bill.id).await.unwrap();
    assert_eq!(reject(&mut client, &bill.id).await.unwrap(), rejected, "again");
    let refused = refusal(accept(&mut client, &bill.id).await);
    assert_eq!(refused.line(), "FailedPrecondition SELF_BILL_REJECTED");
    let expected = [
        "Ann ADVICE - 2025-02-03 400.00 + 0.00 NOT_ASKED",
        "Ann CREDIT_NOTE ANN-2025-00002 2025-02-03 -400.00 + -84.00 NOT_ASKED",
        "Ann INVOICE ANN-2025-00001 2025-02-01 400.00 + 84.00 REJECTED",
    ];
    assert_eq!(lines(&mut client).await, expected);
    assert_eq!(amounts(&mut client).await, ["400.00 WAITING_INVOICE", "484.00 CANCELLED"]);
    assert_eq!(books(&mut client, "2025-02-03").await, "1600 -40000, 1620 -960000");
    assert!(send(&mut client).await.orders.is_empty());
    let note = only(&mut client, SelfBillKind::CreditNote).await;
    let advice = only(&mut client, SelfBillKind::Advice).await;
    assert_eq!((&note.corrects_self_bill_id, &advice.corrects_self_bill_id), (&bill.id, &bill.id));
    assert_eq!((day(&note.month), day(&advice.month)), ("2025-02-01".into(), "2025-01-01".into()));
    let own = own_invoice(&mut client, &advice.id, 8_400).await.unwrap();
    assert_eq!(own_invoice(&mut client, &advice.id, 8_400).await.unwrap(), own, "again");
    assert_eq!(amounts(&mut client).await, ["484.00 CANCELLED", "484.00 READY"]);
    assert_eq!(books(&mut client, "2025-02-03").await, "1530 8400, 1600 -48400, 1620 -960000");
    let sent = send(&mut client).await;
    assert_eq!(sent.orders[0].reference, advice.id, "it has no number");
    let told = told(&mut client).await;
    let expected = [
        "SELF_BILL_ISSUED ANN-2025-00001 484.00 WAITING_ACCEPTANCE",
        "SELF_BILL_ISSUED ANN-2025-00002 -484.00 UNSPECIFIED",
        "SELF_BILL_ISSUED  400.00 WAITING_INVOICE",
        "PAYOUT_SENT  400.00 SENT",
    ];
    assert_eq!(told, expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_before_it_was_rejected_stays_so_and_its_vat_waits() {
    let (world, mut client, ann) = credited(14).await;
    set_account(&mut client, &ann, IBAN).await.unwrap();
    send(&mut client).await;
    let bill = only(&mut client, SelfBillKind::Invoice).await;
    reject(&mut client, &bill.id).await.unwrap();
    assert_eq!(amounts(&mut client).await, ["484.00 SENT"], "the advice has no payout");
    let expected = "1600 8400, 1610 -48400, 1620 -960000";
    assert_eq!(books(&mut client, "2025-02-01").await, expected);
    let advice = only(&mut client, SelfBillKind::Advice).await;
    own_invoice(&mut client, &advice.id, 8_400).await.unwrap();
    let expected = "1530 8400, 1610 -48400, 1620 -960000";
    assert_eq!(books(&mut client, "2025-02-01").await, expected);
    let sent = payouts(&mut client).await.remove(0);
    report(&mut client, &sent, None).await.unwrap();
    assert_eq!(books(&mut client, "2025-02-01").await, "1530 8400, 1620 -960000");
    // It comes back after all: what is paid then is the advice.
    report(&mut client, &sent, Some("account closed")).await.unwrap();
    assert_eq!(amounts(&mut client).await, ["484.00 CANCELLED", "484.00 READY"]);
    assert_eq!(books(&mut client, "2025-02-01").await, "1530 8400, 1600 -48400, 1620 -960000");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_of_a_rejected_document_that_goes_back_waits_for_the_own_invoice() {
    let (world, mut client, ann) = credited(14).await;
    set_account(&mut client, &ann, IBAN).await.unwrap();
    let sent = send(&mut client).await.orders[0].payout.clone().unwrap();
    let bill = only(&mut client, SelfBillKind::Invoice).await;
    reject(&mut client, &bill.id).await.unwrap();
    report(&mut client, &sent, Some("account closed")).await.unwrap();
    assert_eq!(amounts(&mut client).await, ["400.00 WAITING_INVOICE", "484.00 CANCELLED"]);
    assert_eq!(books(&mut client, "2025-02-01").await, "1600 -40000, 1620 -960000");
    world.finish().await;
}
