//! What is refused, and how.

use server::pb::v1::{self, Role, SelfBillKind};

use super::{
    IBAN, accept, approve, credited, only, own_invoice, payouts, reject, report, send, set_account,
};
use crate::world::{Client, date, refusal};

const NOBODY: &str = "ffffffff-ffff-ffff-ffff-ffffffffffff";

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_checked_and_no_refusal_repeats_one() {
    let (world, mut client, ann) = credited(0).await;
    let get = v1::GetPayoutAccountRequest { investor_id: ann.id.clone() };
    let none = refusal(client.payouts.get_payout_account(get).await);
    assert_eq!(none.line(), "NotFound");
    let request = |iban: &str, holder: &str| v1::SetPayoutAccountRequest {
        investor_id: ann.id.clone(),
        iban: iban.into(),
        holder: holder.into(),
        ..Default::default()
    };
    let table = [
        (request("NL21INGB0001234567", "Ann"), "InvalidArgument iban"),
        (request("", "Ann"), "InvalidArgument iban"),
        (request(IBAN, " "), "InvalidArgument holder"),
        (
            v1::SetPayoutAccountRequest { investor_id: NOBODY.into(), ..request(IBAN, "Ann") },
            "NotFound",
        ),
    ];
    for (request, expected) in table {
        let refused = refusal(client.payouts.set_payout_account(request).await);
        assert_eq!(refused.line(), expected);
        assert!(!refused.message.contains("INGB"), "{}", refused.message);
    }
    let mut viewer = client.with_roles(world.channel(), &[Role::Viewer, Role::Support]).await;
    let refused = refusal(set_account(&mut viewer, &ann, IBAN).await);
    assert_eq!(refused.code, tonic::Code::PermissionDenied);
    let refused = refusal(viewer.payouts.send_payouts(v1::SendPayoutsRequest::default()).await);
    assert_eq!(refused.code, tonic::Code::PermissionDenied);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_do_not_fit_the_document_are_refused() {
    let (world, mut client, ann) = credited(0).await;
    set_account(&mut client, &ann, IBAN).await.unwrap();
    let bill = only(&mut client, SelfBillKind::Invoice).await;
    let refused = refusal(own_invoice(&mut client, &bill.id, 0).await);
    assert_eq!(refused.line(), "FailedPrecondition NOT_AN_ADVICE");
    let empty = v1::RejectSelfBillRequest {
        self_bill_id: bill.id.clone(),
        reason: " ".into(),
        ..Default::default()
    };
    let refused = refusal(client.payouts.reject_self_bill(empty).await);
    assert_eq!(refused.line(), "InvalidArgument reason");
    reject(&mut client, &bill.id).await.unwrap();
    let advice = only(&mut client, SelfBillKind::Advice).await;
    for refused in [accept(&mut client, &advice.id).await, reject(&mut client, &advice.id).await] {
        assert_eq!(refusal(refused).line(), "FailedPrecondition ACCEPTANCE_NOT_ASKED");
    }
    let refused = refusal(own_invoice(&mut client, &advice.id, 8_401).await);
    assert_eq!(refused.line(), "InvalidArgument vat");
    own_invoice(&mut client, &advice.id, 8_400).await.unwrap();
    let refused = refusal(own_invoice(&mut client, &advice.id, 8_399).await);
    assert_eq!(refused.line(), "FailedPrecondition INVOICE_RECORDED");
    for refused in [
        accept(&mut client, NOBODY).await,
        reject(&mut client, NOBODY).await,
        own_invoice(&mut client, NOBODY, 0).await,
    ] {
        assert_eq!(refusal(refused).line(), "NotFound");
    }
    let get = v1::GetSelfBillRequest { self_bill_id: advice.id.clone() };
    let got = client.payouts.get_self_bill(get.clone()).await.unwrap().into_inner().self_bill;
    assert_eq!(got.unwrap().investor_invoice.unwrap().number, "F-7");
    let mut other = world.sandbox("2025-02-01").await;
    assert_eq!(refusal(other.payouts.get_self_bill(get).await).line(), "NotFound");
    world.finish().await;
}

fn result(payout: &str) -> v1::ReportPayoutResultRequest {
    use v1::report_payout_result_request::{Result, Settled};
    v1::ReportPayoutResultRequest {
        payout_id: payout.into(),
        result: Some(Result::Settled(Settled {})),
        ..Default::default()
    }
}

async fn reported(client: &mut Client, request: v1::ReportPayoutResultRequest) -> String {
    refusal(client.payouts.report_payout_result(request).await).line()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_said_of_a_payout_is_refused() {
    let (world, mut client, ann) = credited(14).await;
    set_account(&mut client, &ann, IBAN).await.unwrap();
    send(&mut client).await;
    let payout = payouts(&mut client).await.remove(0);
    let refused = refusal(approve(&mut client, &payout).await);
    assert_eq!(refused.line(), "FailedPrecondition PAYOUT_STATE");
    for on in ["2025-01-31", "2025-02-02"] {
        let wrong = v1::ReportPayoutResultRequest { on: Some(date(on)), ..result(&payout.id) };
        assert_eq!(reported(&mut client, wrong).await, "InvalidArgument on", "{on}");
    }
    let silent = v1::ReportPayoutResultRequest { result: None, ..result(&payout.id) };
    assert_eq!(reported(&mut client, silent).await, "InvalidArgument result");
    assert_eq!(reported(&mut client, result(NOBODY)).await, "NotFound");
    assert_eq!(
        refusal(report(&mut client, &payout, Some(" ")).await).line(),
        "InvalidArgument why"
    );
    let missing = v1::SettleClawbackRequest {
        investment_id: NOBODY.into(),
        reason: "x".into(),
        ..Default::default()
    };
    assert_eq!(refusal(client.payouts.settle_clawback(missing).await).line(), "NotFound");
    world.finish().await;
}
