//! Nobody is sent more than is owed, and what was set off too early is paid after all.

use app::payout::Ready;
use server::pb::v1::{self, PayoutHeldReason, SelfBillKind, ShareTreatment};

use super::clawback::{overpaid, pay, settle};
use super::{
    IBAN, amounts, approve, books, credited, desk, documents, investor, only, own_invoice, payouts,
    reject, report, sell, send, set_account, sign,
};
use crate::world::{Client, euro, refusal};

async fn account(client: &mut Client, id: &str, name: &str) {
    let investor = v1::Customer { id: id.into(), name: name.into(), ..Default::default() };
    set_account(client, &investor, IBAN).await.unwrap();
}

/// `242.00 of 399.30 SENT`, in the order of texts.
async fn parts(client: &mut Client) -> Vec<String> {
    let part = |one: &v1::Payout| {
        let cents = crate::world::cents(&one.amount) + crate::world::cents(&one.set_off);
        let state = one.state().as_str_name().replace("PAYOUT_STATE_", "");
        format!("{} of {}.{:02} {state}", euro(&one.amount), cents / 100, cents % 100)
    };
    let mut parts: Vec<String> = payouts(client).await.iter().map(part).collect();
    parts.sort();
    parts
}

/// `credited 242.00, paid 242.00, payable 0.00; paid 200.00, to pay 0.00; set off 157.30`: with VAT,
/// without VAT, and of each payout.
async fn statement(client: &mut Client, investor: &str) -> String {
    let request = v1::GetInvestorStatementRequest { investor_id: investor.to_owned() };
    let told = client.investors.get_investor_statement(request).await.unwrap().into_inner();
    let set_off = told.documents.iter().filter(|one| one.set_off.is_some());
    let set_off: Vec<String> = set_off.map(|one| euro(&one.set_off)).collect();
    let total = &told.totals[0];
    let figures = total.figures.as_ref().unwrap();
    format!(
        "credited {}, paid {}, payable {}; paid {}, to pay {}; set off {}",
        euro(&total.credited_gross),
        euro(&total.paid_gross),
        euro(&total.payable_gross),
        euro(&figures.paid),
        euro(&figures.to_pay),
        set_off.join(" ")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_is_not_sent() {
    let (world, mut client, investment, buyer) = overpaid(ShareTreatment::WithVat).await;
    let ann = investment.investor_id.clone();
    account(&mut client, &ann, "Ann").await;
    settle(&mut client, &investment.investment_id).await.unwrap();
    assert_eq!(books(&mut client, "2025-03-01").await, "1530 4200, 1600 -24200, 1620 -10000");
    let sent = send(&mut client).await;
    assert_eq!((euro(&sent.batches[0].total), sent.set_off.len()), ("242.00".into(), 0));
    assert_eq!(parts(&mut client).await, ["242.00 of 399.30 SENT"]);
    assert_eq!(books(&mut client, "2025-03-01").await, "1530 4200, 1610 -24200, 1620 -10000");
    // It goes back and goes again, as much as before.
    let payout = sent.orders[0].payout.clone().unwrap();
    report(&mut client, &payout, Some("AC04")).await.unwrap();
    assert_eq!(books(&mut client, "2025-03-01").await, "1530 4200, 1600 -24200, 1620 -10000");
    approve(&mut client, &payout).await.unwrap();
    let again = send(&mut client).await.orders[0].payout.clone().unwrap();
    report(&mut client, &again, None).await.unwrap();
    assert_eq!(parts(&mut client).await, ["242.00 of 399.30 SETTLED"]);
    let expected = "credited 242.00, paid 242.00, payable 0.00; paid 200.00, to pay 0.00; \
                    set off 157.30";
    assert_eq!(statement(&mut client, &ann).await, expected);
    // Up to the cap: 399.30 in all, no more.
    pay(&mut client, &buyer).await;
    client.advance("2025-04-01").await.unwrap();
    send(&mut client).await;
    assert_eq!(parts(&mut client).await, ["157.30 of 157.30 SENT", "242.00 of 399.30 SETTLED"]);
    assert_eq!(books(&mut client, "2025-04-01").await, "1530 6930, 1610 -15730, 4500 3000");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_after_it_was_paid_lowers_the_next_payouts() {
    let (world, mut client, investment, buyer) = overpaid(ShareTreatment::WithVat).await;
    let ann = investment.investor_id.clone();
    account(&mut client, &ann, "Ann").await;
    let first = send(&mut client).await.orders[0].payout.clone().unwrap();
    report(&mut client, &first, None).await.unwrap();
    settle(&mut client, &investment.investment_id).await.unwrap();
    assert_eq!(books(&mut client, "2025-03-01").await, "1530 4200, 1600 15730, 1620 -10000");
    pay(&mut client, &buyer).await;
    client.advance("2025-04-01").await.unwrap();
    let sent = send(&mut client).await;
    assert_eq!((sent.orders.len(), sent.set_off.len(), sent.more), (0, 1, false));
    assert!(sent.set_off[0].why.starts_with("set off"), "{:?}", sent.set_off[0]);
    assert_eq!(parts(&mut client).await, ["0.00 of 157.30 CANCELLED", "399.30 of 399.30 SETTLED"]);
    assert_eq!(books(&mut client, "2025-04-01").await, "1530 6930, 4500 3000");
    let expected = "credited 399.30, paid 399.30, payable 0.00; paid 330.00, to pay 0.00; \
                    set off 157.30 0.00";
    assert_eq!(statement(&mut client, &ann).await, expected);
    // What was paid first comes back: all of it is owed again.
    report(&mut client, &first, Some("AC04")).await.unwrap();
    approve(&mut client, &first).await.unwrap();
    send(&mut client).await;
    assert_eq!(parts(&mut client).await, ["0.00 of 157.30 CANCELLED", "399.30 of 399.30 SENT"]);
    assert_eq!(books(&mut client, "2025-04-01").await, "1530 6930, 1610 -39930, 4500 3000");
    world.finish().await;
}

/// Ann was sent 484.00 for January and rejected the document; in February its VAT was set off.
async fn waiting_vat() -> (crate::world::World, Client, v1::Payout) {
    let (world, mut client, ann) = credited(14).await;
    set_account(&mut client, &ann, IBAN).await.unwrap();
    let first = send(&mut client).await.orders[0].payout.clone().unwrap();
    let bill = only(&mut client, SelfBillKind::Invoice).await;
    reject(&mut client, &bill.id).await.unwrap();
    client.advance("2025-03-01").await.unwrap();
    send(&mut client).await;
    assert_eq!(parts(&mut client).await, ["400.00 of 484.00 SENT", "484.00 of 484.00 SENT"]);
    let advice = only(&mut client, SelfBillKind::Advice).await;
    own_invoice(&mut client, &advice.id, 8_400).await.unwrap();
    (world, client, first)
}

#[tokio::test(flavor = "multi_thread")]
async fn vat_that_was_set_off_is_paid_when_its_invoice_has_come() {
    let (world, mut client, first) = waiting_vat().await;
    let expected = "1530 16800, 1600 -8400, 1610 -88400, 1620 -920000";
    assert_eq!(books(&mut client, "2025-03-01").await, expected);
    send(&mut client).await;
    let told = ["400.00 of 484.00 SENT", "484.00 of 484.00 SENT", "84.00 of 484.00 SENT"];
    assert_eq!(parts(&mut client).await, told);
    // The first one goes back after all: the advice has paid its part, and this goes again.
    report(&mut client, &first, Some("AC04")).await.unwrap();
    approve(&mut client, &first).await.unwrap();
    send(&mut client).await;
    assert_eq!(parts(&mut client).await, told);
    let expected = "1530 16800, 1610 -96800, 1620 -920000";
    assert_eq!(books(&mut client, "2025-03-01").await, expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_before_the_rest_is_sent_is_paid_once() {
    let (world, mut client, first) = waiting_vat().await;
    report(&mut client, &first, Some("AC04")).await.unwrap();
    approve(&mut client, &first).await.unwrap();
    send(&mut client).await;
    let told = ["400.00 of 484.00 SENT", "484.00 of 484.00 SENT", "84.00 of 484.00 SENT"];
    assert_eq!(parts(&mut client).await, told);
    let expected = "1530 16800, 1610 -96800, 1620 -920000";
    assert_eq!(books(&mut client, "2025-03-01").await, expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_for_an_investment_whose_principal_went_back() {
    let (world, mut client, ann) = credited(14).await;
    set_account(&mut client, &ann, IBAN).await.unwrap();
    let request = v1::ListPaymentsRequest { customer_id: ann.id.clone(), ..Default::default() };
    let paid = client.payments.list_payments(request).await.unwrap().into_inner().payments;
    let back = v1::ReturnPaymentRequest { payment_id: paid[0].id.clone(), ..Default::default() };
    client.payments.return_payment(back).await.unwrap();
    let held = send(&mut client).await;
    assert_eq!((held.orders.len(), held.more), (0, false));
    assert_eq!(held.held[0].reason(), PayoutHeldReason::PrincipalOpen);
    assert_eq!(amounts(&mut client).await, ["484.00 READY"]);
    let list = v1::ListInvestmentsRequest { page_size: 10, ..Default::default() };
    let found = client.investments.list_investments(list).await.unwrap().into_inner().investments;
    client.pay_principal(&found[0]).await;
    let sent = send(&mut client).await;
    assert_eq!((sent.orders.len(), sent.held.len()), (1, 0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_go_keeps_nothing_else_from_going() {
    let (world, mut client, feature) = desk().await;
    let mut investors = Vec::new();
    for name in ["Ann", "Ben", "Cor", "Dee"] {
        let one = investor(&mut client, &feature, name, (ShareTreatment::WithVat, "10")).await;
        sign(&mut client, &one, &format!("{name}-"), 14).await;
        investors.push(one);
    }
    sell(&mut client, &feature).await;
    client.advance("2025-02-01").await.unwrap();
    // The oldest has no account, nor has the last.
    let first = documents(&mut client).await[0].investor_id.clone();
    let last = documents(&mut client).await[3].investor_id.clone();
    for one in investors.iter().filter(|one| ![&first, &last].contains(&&one.id)) {
        set_account(&mut client, one, IBAN).await.unwrap();
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        let mut scope = world.ctx.scope(client.org).await.unwrap();
        let sent = app::payout::send(&mut scope, Ready::default(), 1).await.unwrap();
        scope.commit().await.unwrap();
        told.push((sent.payouts.len(), sent.held.len(), sent.is_more));
    }
    assert_eq!(told, [(1, 1, true), (1, 1, false), (0, 1, false)]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_twice_is_reported_with_its_batch() {
    let (world, mut client, ann) = credited(14).await;
    set_account(&mut client, &ann, IBAN).await.unwrap();
    let payout = send(&mut client).await.orders[0].payout.clone().unwrap();
    report(&mut client, &payout, Some("AC04")).await.unwrap();
    approve(&mut client, &payout).await.unwrap();
    let second = send(&mut client).await.orders[0].payout.clone().unwrap();
    let any = v1::Payout { batch_id: String::new(), ..second.clone() };
    let refused = refusal(report(&mut client, &any, Some("AC04")).await);
    assert_eq!(refused.line(), "InvalidArgument batch_id");
    let refused = refusal(report(&mut client, &payout, Some("AC04")).await);
    assert_eq!(refused.line(), "FailedPrecondition OTHER_BATCH");
    report(&mut client, &second, Some("AC04")).await.unwrap();
    world.finish().await;
}
