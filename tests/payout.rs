//! Documents of what investors are credited, and the money they are paid.

mod answer;
mod bank;
mod clawback;
mod page;
mod set_off;
mod vat;
mod wrong;

use server::pb::v1::{self, PayoutState, SelfBillKind, ShareBasis, ShareTreatment};
use tonic::Status;

use crate::world::{Client, World, day, euro, refusal};

/// An account of nobody, right by its form.
const IBAN: &str = "NL20 INGB 0001 2345 67";
/// Another one.
const OTHER_IBAN: &str = "BE68 5390 0754 7034";

/// A sandbox on 10 January with a feature that waits for its investors.
async fn desk() -> (World, Client, v1::Feature) {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    let feature = client.backlog("Export", 5, 5).await;
    (world, client, feature)
}

fn on(basis: ShareBasis, treatment: ShareTreatment, stake: (i64, &str)) -> v1::InvestmentTerms {
    v1::InvestmentTerms {
        basis: basis.into(),
        vat_treatment: treatment.into(),
        ..Client::stake(stake.0, stake.1)
    }
}

/// An investor that has paid 10,000 for a share of what is invoiced.
async fn investor(
    client: &mut Client,
    feature: &v1::Feature,
    name: &str,
    (treatment, share): (ShareTreatment, &str),
) -> v1::Customer {
    let mut customer =
        v1::Customer { vat_number: "NL002345678B01".into(), ..Client::business(name) };
    if treatment == ShareTreatment::ReverseCharge {
        customer.address = Some(Client::address("BE"));
        customer.vat_number = "BE0123456789".into();
        customer.vat_treatment = v1::VatTreatment::EuReverseCharge.into();
    }
    let customer = client.create_customer(customer).await.unwrap();
    let terms = on(ShareBasis::Invoiced, treatment, (10_000, share));
    client.invest(feature, &customer, terms).await;
    customer
}

/// The investor signs that the vendor issues its invoices.
async fn sign(client: &mut Client, investor: &v1::Customer, prefix: &str, silent_days: i32) {
    let agreement = v1::SelfBillingAgreement {
        number_prefix: prefix.into(),
        silent_days,
        ..Default::default()
    };
    let request = v1::SignSelfBillingAgreementRequest {
        investor_id: investor.id.clone(),
        agreement: Some(agreement),
        ..Default::default()
    };
    client.investments.sign_self_billing_agreement(request).await.unwrap();
}

/// Somebody else pays 1,000.00 a month for the feature from today on.
async fn sell(client: &mut Client, feature: &v1::Feature) -> v1::Customer {
    let plan = client.sale("export", feature, "1000.00").await.unwrap();
    let buyer = client.customer("Kees").await;
    client.subscribe(Client::terms(&buyer, &plan, "2025-01-10")).await.unwrap();
    client.run_billing().await;
    buyer
}

/// Ann with an agreement, 40 % of 1,000.00, credited for January.
async fn credited(silent_days: i32) -> (World, Client, v1::Customer) {
    let (world, mut client, feature) = desk().await;
    let ann = investor(&mut client, &feature, "Ann", (ShareTreatment::WithVat, "40")).await;
    sign(&mut client, &ann, "ANN-", silent_days).await;
    sell(&mut client, &feature).await;
    client.advance("2025-02-01").await.unwrap();
    (world, client, ann)
}

async fn documents(client: &mut Client) -> Vec<v1::SelfBill> {
    let request = v1::ListSelfBillsRequest { page_size: 500, ..Default::default() };
    client.payouts.list_self_bills(request).await.unwrap().into_inner().self_bills
}

/// `Ann INVOICE ANN-2025-00001 2025-02-01 400.00 + 84.00 WAITING`
async fn lines(client: &mut Client) -> Vec<String> {
    let line = |bill: v1::SelfBill| {
        let name = bill.supplier.clone().unwrap().name;
        let kind = bill.kind().as_str_name().replace("SELF_BILL_KIND_", "");
        let number = if bill.number.is_empty() { "-" } else { &bill.number };
        let acceptance = bill.acceptance().as_str_name().replace("SELF_BILL_ACCEPTANCE_", "");
        let (net, tax) = (euro(&bill.net), euro(&bill.tax));
        format!("{name} {kind} {number} {} {net} + {tax} {acceptance}", day(&bill.issue_on))
    };
    let mut lines: Vec<String> = documents(client).await.into_iter().map(line).collect();
    lines.sort();
    lines
}

async fn payouts(client: &mut Client) -> Vec<v1::Payout> {
    let request = v1::ListPayoutsRequest { page_size: 500, ..Default::default() };
    client.payouts.list_payouts(request).await.unwrap().into_inner().payouts
}

/// `484.00 READY`
fn shown(payout: &v1::Payout) -> String {
    let state = payout.state().as_str_name().replace("PAYOUT_STATE_", "");
    format!("{} {state}", euro(&payout.amount))
}

/// In order of amount and state.
async fn amounts(client: &mut Client) -> Vec<String> {
    let mut amounts: Vec<String> = payouts(client).await.iter().map(shown).collect();
    amounts.sort();
    amounts
}

/// What the accounts of investors hold in cents: `1530 8400, 1600 -48400, 1620 -960000`.
async fn books(client: &mut Client, on: &str) -> String {
    let balances = client.balances(on).await;
    let own = ["1530", "1600", "1610", "1620", "4500"];
    let rows = own.iter().filter_map(|code| Some(format!("{code} {}", balances.get(*code)?)));
    rows.collect::<Vec<_>>().join(", ")
}

async fn set_account(
    client: &mut Client,
    investor: &v1::Customer,
    iban: &str,
) -> Result<v1::PayoutAccount, Status> {
    let request = v1::SetPayoutAccountRequest {
        investor_id: investor.id.clone(),
        iban: iban.into(),
        holder: investor.name.clone(),
        ..Default::default()
    };
    let answer = client.payouts.set_payout_account(request).await?.into_inner();
    Ok(answer.account.expect("the account is in the answer"))
}

async fn send(client: &mut Client) -> v1::SendPayoutsResponse {
    let request = v1::SendPayoutsRequest::default();
    client.payouts.send_payouts(request).await.unwrap().into_inner()
}

async fn approve(client: &mut Client, payout: &v1::Payout) -> Result<v1::Payout, Status> {
    let request = v1::ApprovePayoutRequest { payout_id: payout.id.clone(), ..Default::default() };
    Ok(client.payouts.approve_payout(request).await?.into_inner().payout.unwrap())
}

/// What the bank says of a payout as it was sent: nothing: it has arrived, else why it went back.
async fn report(
    client: &mut Client,
    payout: &v1::Payout,
    why: Option<&str>,
) -> Result<v1::Payout, Status> {
    use v1::report_payout_result_request::{Bounced, Result, Settled};
    let result = match why {
        None => Result::Settled(Settled {}),
        Some(why) => Result::Bounced(Bounced { why: why.into() }),
    };
    let request = v1::ReportPayoutResultRequest {
        payout_id: payout.id.clone(),
        batch_id: payout.batch_id.clone(),
        result: Some(result),
        ..Default::default()
    };
    Ok(client.payouts.report_payout_result(request).await?.into_inner().payout.unwrap())
}

async fn accept(client: &mut Client, id: &str) -> Result<v1::SelfBill, Status> {
    let request = v1::AcceptSelfBillRequest { self_bill_id: id.into(), ..Default::default() };
    Ok(client.payouts.accept_self_bill(request).await?.into_inner().self_bill.unwrap())
}

async fn reject(client: &mut Client, id: &str) -> Result<v1::SelfBill, Status> {
    let request = v1::RejectSelfBillRequest {
        self_bill_id: id.into(),
        reason: "wij sturen zelf facturen".into(),
        ..Default::default()
    };
    Ok(client.payouts.reject_self_bill(request).await?.into_inner().self_bill.unwrap())
}

/// The only document of a kind.
async fn only(client: &mut Client, kind: SelfBillKind) -> v1::SelfBill {
    let request = v1::ListSelfBillsRequest { kind: kind.into(), ..Default::default() };
    let found = client.payouts.list_self_bills(request).await.unwrap().into_inner().self_bills;
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

async fn own_invoice(client: &mut Client, id: &str, vat: i64) -> Result<v1::SelfBill, Status> {
    let nanos = i32::try_from(vat % 100).unwrap() * 10_000_000;
    let vat =
        server::pb::google::r#type::Money { currency_code: "EUR".into(), units: vat / 100, nanos };
    let request = v1::RecordInvestorInvoiceRequest {
        self_bill_id: id.into(),
        number: "F-7".into(),
        issue_on: Some(crate::world::date("2025-02-01")),
        vat: Some(vat),
        ..Default::default()
    };
    Ok(client.payouts.record_investor_invoice(request).await?.into_inner().self_bill.unwrap())
}

/// What events tell: `SELF_BILL_ISSUED ANN-2025-00001 484.00 WAITING_ACCEPTANCE`.
async fn told(client: &mut Client) -> Vec<String> {
    let request = v1::ListEventsRequest { page_size: 500, ..Default::default() };
    let found = client.events.list_events(request).await.unwrap().into_inner().events;
    let line = |event: &v1::Event| {
        let text = format!("{event:?}");
        assert_eq!(crate::world::witness::secret_in(&text), None);
        let Some(v1::event::Subject::Payout(facts)) = &event.subject else { return None };
        let kind = event.kind().as_str_name().replace("EVENT_KIND_", "");
        let state = facts.state().as_str_name().replace("PAYOUT_STATE_", "");
        Some(format!("{kind} {} {} {state}", facts.number, euro(&facts.gross)))
    };
    found.iter().filter_map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_treatment_has_its_document_with_and_without_an_agreement() {
    use ShareTreatment::{OutsideScope, ReverseCharge, SmallBusiness, WithVat};
    let (world, mut client, feature) = desk().await;
    let table = [
        ("Ann", WithVat, "20", true),
        ("Ben", WithVat, "10", false),
        ("Cor", SmallBusiness, "5", true),
        ("Dee", SmallBusiness, "5", false),
        ("Els", ReverseCharge, "5", true),
        ("Fay", ReverseCharge, "5", false),
        ("Gus", OutsideScope, "5", true),
        ("Hal", OutsideScope, "5", false),
    ];
    for (name, treatment, share, signs) in table {
        let one = investor(&mut client, &feature, name, (treatment, share)).await;
        if signs {
            sign(&mut client, &one, &format!("{name}-"), 0).await;
        }
    }
    sell(&mut client, &feature).await;
    client.advance("2025-02-01").await.unwrap();
    let expected = [
        "Ann INVOICE Ann-2025-00001 2025-02-01 200.00 + 42.00 WAITING",
        "Ben ADVICE - 2025-02-01 100.00 + 0.00 NOT_ASKED",
        "Cor INVOICE Cor-2025-00001 2025-02-01 50.00 + 0.00 WAITING",
        "Dee ADVICE - 2025-02-01 50.00 + 0.00 NOT_ASKED",
        "Els INVOICE Els-2025-00001 2025-02-01 50.00 + 0.00 WAITING",
        "Fay ADVICE - 2025-02-01 50.00 + 0.00 NOT_ASKED",
        "Gus STATEMENT - 2025-02-01 50.00 + 0.00 NOT_ASKED",
        "Hal STATEMENT - 2025-02-01 50.00 + 0.00 NOT_ASKED",
    ];
    assert_eq!(lines(&mut client).await, expected);
    let states = amounts(&mut client).await;
    let expected = [
        "100.00 WAITING_INVOICE",
        "242.00 WAITING_ACCEPTANCE",
        "50.00 READY",
        "50.00 READY",
        "50.00 WAITING_ACCEPTANCE",
        "50.00 WAITING_ACCEPTANCE",
        "50.00 WAITING_INVOICE",
        "50.00 WAITING_INVOICE",
    ];
    assert_eq!(states, expected);
    let expected = "1530 4200, 1600 -64200, 1620 -7940000";
    assert_eq!(books(&mut client, "2025-02-01").await, expected);
    // The next month: the next numbers, each in its own series.
    client.advance("2025-03-01").await.unwrap();
    let numbers: Vec<String> =
        documents(&mut client).await.into_iter().map(|bill| bill.number).collect();
    let of = |name: &str| numbers.iter().filter(|number| number.starts_with(name)).count();
    assert_eq!((of("Ann"), of("Cor"), of("Els"), of("Gus")), (2, 2, 2, 0));
    assert!(numbers.contains(&"Els-2025-00002".to_owned()), "{numbers:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_is_sent_settles_and_is_told() {
    let (world, mut client, ann) = credited(0).await;
    let bill = only(&mut client, SelfBillKind::Invoice).await;
    let line = &bill.lines[0];
    assert_eq!((line.description.as_str(), euro(&line.revenue)), ("Export", "1000.00".into()));
    assert_eq!((euro(&line.net), euro(&line.principal)), ("400.00".into(), "400.00".into()));
    assert_eq!(amounts(&mut client).await, ["484.00 WAITING_ACCEPTANCE"]);
    let nothing = send(&mut client).await;
    assert_eq!((nothing.batches.len(), nothing.held.len()), (0, 0), "nobody has agreed");
    let accepted = accept(&mut client, &bill.id).await.unwrap();
    assert_eq!(accept(&mut client, &bill.id).await.unwrap(), accepted, "again");
    assert_eq!(amounts(&mut client).await, ["484.00 READY"]);
    let held = send(&mut client).await;
    assert_eq!(held.held[0].reason(), v1::PayoutHeldReason::NoAccount);
    set_account(&mut client, &ann, IBAN).await.unwrap();
    assert_eq!(books(&mut client, "2025-02-01").await, "1530 8400, 1600 -48400, 1620 -960000");
    let sent = send(&mut client).await;
    assert_eq!((sent.batches.len(), sent.held.len(), sent.more), (1, 0, false));
    assert_eq!((sent.batches[0].count, euro(&sent.batches[0].total)), (1, "484.00".into()));
    let order = &sent.orders[0];
    let expected = ("NL20INGB0001234567", "Ann", "ANN-2025-00001");
    assert_eq!((order.iban.as_str(), order.holder.as_str(), order.reference.as_str()), expected);
    assert_eq!(books(&mut client, "2025-02-01").await, "1530 8400, 1610 -48400, 1620 -960000");
    let payout = order.payout.clone().unwrap();
    let settled = report(&mut client, &payout, None).await.unwrap();
    assert_eq!(report(&mut client, &payout, None).await.unwrap(), settled, "again");
    assert_eq!(books(&mut client, "2025-02-01").await, "1530 8400, 1620 -960000");
    let get = v1::GetPayoutRequest { payout_id: payout.id };
    let got = client.payouts.get_payout(get).await.unwrap().into_inner().payout.unwrap();
    assert_eq!((got.state(), day(&got.settled_on)), (PayoutState::Settled, "2025-02-01".into()));
    let expected = [
        "SELF_BILL_ISSUED ANN-2025-00001 484.00 WAITING_ACCEPTANCE",
        "PAYOUT_SENT ANN-2025-00001 484.00 SENT",
        "PAYOUT_SETTLED ANN-2025-00001 484.00 SETTLED",
    ];
    assert_eq!(told(&mut client).await, expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_agrees_on_its_day_and_the_money_does_not_wait_for_it() {
    let (world, mut client, ann) = credited(14).await;
    set_account(&mut client, &ann, IBAN).await.unwrap();
    let bill = only(&mut client, SelfBillKind::Invoice).await;
    assert_eq!(day(&bill.accepts_on), "2025-02-15");
    assert_eq!(amounts(&mut client).await, ["484.00 READY"]);
    assert_eq!(send(&mut client).await.orders.len(), 1);
    client.advance("2025-02-14").await.unwrap();
    let still = only(&mut client, SelfBillKind::Invoice).await;
    assert_eq!(still.acceptance(), v1::SelfBillAcceptance::Waiting);
    client.advance("2025-02-15").await.unwrap();
    let accepted = only(&mut client, SelfBillKind::Invoice).await;
    assert_eq!(accepted.acceptance(), v1::SelfBillAcceptance::Accepted);
    let refused = refusal(reject(&mut client, &bill.id).await);
    assert_eq!(refused.line(), "FailedPrecondition SELF_BILL_ACCEPTED");
    world.finish().await;
}
