//! What was credited and is taken back.

use server::pb::v1::{self, InvestmentState, SelfBillKind, ShareBasis, ShareTreatment};
use tonic::Status;

use super::{amounts, books, desk, lines, on, only, sell, sign};
use crate::world::{Client, World, euro, refusal};

pub(super) async fn settle(client: &mut Client, investment: &str) -> Result<v1::SelfBill, Status> {
    let request = v1::SettleClawbackRequest {
        investment_id: investment.into(),
        reason: "klant stopt".into(),
        ..Default::default()
    };
    Ok(client.payouts.settle_clawback(request).await?.into_inner().self_bill.unwrap())
}

/// 605.00 of a customer.
pub(super) async fn pay(client: &mut Client, customer: &v1::Customer) -> v1::Payment {
    let request = v1::RecordPaymentRequest {
        customer_id: customer.id.clone(),
        amount: crate::world::euros(605),
        ..Default::default()
    };
    client.payments.record_payment(request).await.unwrap().into_inner().payment.unwrap()
}

/// 300 at 40 % with 10 % return: 330.00 credited in January of 400.00 accrued, then half of the
/// revenue goes back.
pub(super) async fn overpaid(
    treatment: ShareTreatment,
) -> (World, Client, v1::Investment, v1::Customer) {
    let (world, mut client, feature) = desk().await;
    let ann = client.customer("Ann").await;
    let terms = on(ShareBasis::Collected, treatment, (300, "40"));
    let investment = client.invest(&feature, &ann, terms).await;
    sign(&mut client, &ann, "ANN-", 14).await;
    let buyer = sell(&mut client, &feature).await;
    let first = pay(&mut client, &buyer).await;
    pay(&mut client, &buyer).await;
    client.advance("2025-02-05").await.unwrap();
    let early = refusal(settle(&mut client, &investment.investment_id).await);
    assert_eq!(early.line(), "FailedPrecondition NOTHING_TO_TAKE_BACK");
    let back = v1::ReturnPaymentRequest { payment_id: first.id, ..Default::default() };
    client.payments.return_payment(back).await.unwrap();
    client.advance("2025-03-01").await.unwrap();
    (world, client, investment, buyer)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_credited_too_much_is_taken_back_return_first() {
    let (world, mut client, investment, _) = overpaid(ShareTreatment::WithVat).await;
    let before = client.investment(&investment.investment_id).await;
    assert_eq!((euro(&before.accrued), euro(&before.credited)), ("200.00".into(), "330.00".into()));
    let expected = "1530 6930, 1600 -39930, 4500 3000";
    assert_eq!(books(&mut client, "2025-03-01").await, expected);
    let note = settle(&mut client, &investment.investment_id).await.unwrap();
    assert_eq!((note.kind(), note.number.as_str()), (SelfBillKind::CreditNote, "ANN-2025-00002"));
    assert_eq!(
        (euro(&note.lines[0].net), euro(&note.lines[0].principal)),
        ("-130.00".into(), "-100.00".into())
    );
    let expected = "1530 4200, 1600 -24200, 1620 -10000";
    assert_eq!(books(&mut client, "2025-03-01").await, expected);
    let after = client.investment(&investment.investment_id).await;
    assert_eq!(
        (after.state(), euro(&after.credited)),
        (InvestmentState::Recouping, "200.00".into())
    );
    assert_eq!(amounts(&mut client).await, ["399.30 READY"], "less of it is sent");
    let again = refusal(settle(&mut client, &investment.investment_id).await);
    assert_eq!(again.line(), "FailedPrecondition NOTHING_TO_TAKE_BACK");
    let request = v1::GetSelfBillDocumentRequest { self_bill_id: note.id, ..Default::default() };
    let page = client.payouts.get_self_bill_document(request).await.unwrap().into_inner();
    assert!(page.html.contains("ANN-2025-00001 van 01-02-2025"), "{}", page.html);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_scope_of_vat_a_statement_takes_back() {
    let (world, mut client, investment, _) = overpaid(ShareTreatment::OutsideScope).await;
    settle(&mut client, &investment.investment_id).await.unwrap();
    let expected = [
        "Ann STATEMENT - 2025-02-01 330.00 + 0.00 NOT_ASKED",
        "Ann STATEMENT - 2025-03-01 -130.00 + 0.00 NOT_ASKED",
    ];
    assert_eq!(lines(&mut client).await, expected);
    assert_eq!(books(&mut client, "2025-03-01").await, "1600 -20000, 1620 -10000");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_agreement_no_credit_note_is_issued() {
    let (world, mut client, feature) = desk().await;
    let ann = client.customer("Ann").await;
    let terms = on(ShareBasis::Collected, ShareTreatment::WithVat, (300, "40"));
    let investment = client.invest(&feature, &ann, terms).await;
    let buyer = sell(&mut client, &feature).await;
    let paid = pay(&mut client, &buyer).await;
    client.advance("2025-02-01").await.unwrap();
    only(&mut client, SelfBillKind::Advice).await;
    let back = v1::ReturnPaymentRequest { payment_id: paid.id, ..Default::default() };
    client.payments.return_payment(back).await.unwrap();
    client.advance("2025-03-01").await.unwrap();
    let refused = refusal(settle(&mut client, &investment.investment_id).await);
    assert_eq!(refused.line(), "FailedPrecondition AGREEMENT_MISSING");
    world.finish().await;
}
