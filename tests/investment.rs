//! Investments, up to the day on which they are paid.

mod agreement;
mod principal;
mod wrong;

use server::pb::google::r#type as google;
use server::pb::v1::{self, EventKind, FeatureState, InvestmentState, InvoiceState};
use tonic::Status;

use crate::world::{Client, World, cents, day, euro, euros, refusal, text};

async fn withdraw(client: &mut Client, id: &str) -> Result<v1::Investment, Status> {
    let request = v1::WithdrawInvestmentRequest {
        investment_id: id.to_owned(),
        reason: "they think better of it".to_owned(),
        ..Default::default()
    };
    Ok(client.investments.withdraw_investment(request).await?.into_inner().investment.unwrap())
}

async fn pay(client: &mut Client, invoice: &str, amount: Option<google::Money>) -> v1::Payment {
    let request = v1::RecordPaymentRequest {
        invoice: Some(v1::record_payment_request::Invoice::InvoiceId(invoice.to_owned())),
        amount,
        ..Default::default()
    };
    client.payments.record_payment(request).await.unwrap().into_inner().payment.unwrap()
}

/// What events tell about investments: `INVESTMENT_FUNDED FUNDED 2025-02-05`.
async fn told(client: &mut Client) -> Vec<String> {
    let request = v1::ListEventsRequest { page_size: 500, ..Default::default() };
    let found = client.events.list_events(request).await.unwrap().into_inner().events;
    let line = |event: &v1::Event| {
        let Some(v1::event::Subject::Investment(facts)) = &event.subject else { return None };
        let kind = event.kind().as_str_name().replace("EVENT_KIND_", "");
        let state = facts.state().as_str_name().replace("INVESTMENT_STATE_", "");
        Some(format!("{kind} {state} {}", day(&event.effective_on)))
    };
    found.iter().filter_map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terms_hold_with_the_invoice_and_it_is_funded_when_that_is_paid() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "40.0")).await.unwrap();
    assert_eq!(
        (proposed.state(), euro(&proposed.cap)),
        (InvestmentState::Proposed, "11000.00".into())
    );
    let terms = proposed.terms.clone().unwrap();
    assert_eq!((text(&terms.share_percent), text(&terms.return_percent)), ("40", "10"));
    assert_eq!(terms.basis(), v1::ShareBasis::Collected);
    assert_eq!(client.feature(&feature.feature_id).await.currency, "EUR");
    assert_eq!(client.documents().await.len(), 0, "nothing is invoiced yet");

    client.advance("2025-02-03").await.unwrap();
    let accepted = client.accept(&proposed, true).await.unwrap();
    assert_eq!(
        (accepted.state(), day(&accepted.consent_on)),
        (InvestmentState::Accepted, "2025-02-03".into())
    );
    let invoice = client.document(&accepted.invoice_id).await;
    assert_eq!(invoice.lines[0].description, "Investering in Export");
    assert_eq!((cents(&invoice.net), cents(&invoice.vat)), (1_000_000, 210_000));
    let balances = client.balances("2025-02-03").await;
    assert_eq!(
        (balances["1300"], balances["1620"], balances["1520"]),
        (1_210_000, -1_000_000, -210_000)
    );
    assert!(!balances.contains_key("8000") && !balances.contains_key("2000"), "{balances:?}");

    // Half of it funds nothing.
    pay(&mut client, &invoice.id, euros(6_050)).await;
    assert_eq!(client.investment(&proposed.investment_id).await, accepted);
    assert_eq!(client.feature(&feature.feature_id).await.state(), FeatureState::Backlog);
    client.advance("2025-02-20").await.unwrap();
    pay(&mut client, &invoice.id, euros(6_050)).await;
    let funded = client.investment(&proposed.investment_id).await;
    assert_eq!(
        (funded.state(), day(&funded.funded_on)),
        (InvestmentState::Funded, "2025-02-20".into())
    );
    assert_eq!(client.feature(&feature.feature_id).await.state(), FeatureState::Funded);
    let expected =
        ["INVESTMENT_ACCEPTED ACCEPTED 2025-02-03", "INVESTMENT_FUNDED FUNDED 2025-02-20"];
    assert_eq!(told(&mut client).await, expected);
    let sql = world.database.sql().await;
    let next = "SELECT next_month::text FROM share_progress";
    let next: String = sql.query_one(next, &[]).await.unwrap().get(0);
    assert_eq!(next, "2025-02-01", "the month in which it was funded takes part");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_fund_one_feature_and_share_the_whole() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let (ann, ben) = (client.customer("Ann").await, client.customer("Ben").await);
    let first = client.invest(&feature, &ann, Client::stake(10_000, "60")).await;
    let refused = refusal(client.propose(&feature, &ben, Client::stake(1, "40.0001")).await);
    assert_eq!(refused.line(), "FailedPrecondition SHARES_EXCEEDED");
    assert_eq!(refused.facts["left"], "40");
    client.advance("2025-02-02").await.unwrap();
    let second = client.invest(&feature, &ben, Client::stake(5_000, "40")).await;
    assert_eq!(second.state(), InvestmentState::Funded);
    let refused = refusal(client.propose(&feature, &ben, Client::stake(1, "0.0001")).await);
    assert_eq!(refused.facts["left"], "0");

    let listed = |filter| async {
        let request = filter;
        let mut client = client.clone();
        let found = client.investments.list_investments(request).await.unwrap().into_inner();
        found
            .investments
            .into_iter()
            .map(|one: v1::Investment| one.investment_id)
            .collect::<Vec<_>>()
    };
    let of = v1::ListInvestmentsRequest::default();
    let both = [first.investment_id.clone(), second.investment_id.clone()];
    assert_eq!(listed(of.clone()).await, both);
    let id = feature.feature_id.clone();
    assert_eq!(listed(v1::ListInvestmentsRequest { feature_id: id, ..of.clone() }).await, both);
    let investor_id = ben.id.clone();
    assert_eq!(listed(v1::ListInvestmentsRequest { investor_id, ..of.clone() }).await, both[1..]);
    let state = InvestmentState::Proposed.into();
    assert_eq!(listed(v1::ListInvestmentsRequest { state, ..of }).await, [""; 0]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withdrawn_before_it_is_funded_is_credited_and_leaves_its_share() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "100")).await.unwrap();
    let gone = withdraw(&mut client, &proposed.investment_id).await.unwrap();
    assert_eq!(
        (gone.state(), day(&gone.withdrawn_on)),
        (InvestmentState::Withdrawn, "2025-02-01".into())
    );
    assert_eq!(client.documents().await.len(), 0, "nothing was invoiced");
    assert_eq!(client.feature(&feature.feature_id).await.currency, "", "any will do again");

    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "100")).await.unwrap();
    let accepted = client.accept(&proposed, true).await.unwrap();
    pay(&mut client, &accepted.invoice_id, euros(2_100)).await;
    client.advance("2025-02-05").await.unwrap();
    let gone = withdraw(&mut client, &accepted.investment_id).await.unwrap();
    client.advance("2025-02-06").await.unwrap();
    assert_eq!(withdraw(&mut client, &accepted.investment_id).await.unwrap(), gone, "again");
    let documents = client.documents().await;
    assert_eq!(documents.len(), 2, "one credit note: {documents:#?}");
    let note = documents.iter().find(|one| one.kind() == v1::InvoiceKind::CreditNote).unwrap();
    assert_eq!((cents(&note.gross), note.reason.as_str()), (-1_210_000, "they think better of it"));
    assert_eq!(cents(&note.balance_change), 210_000, "what was paid is the customer's");
    let balances = client.balances("2025-02-06").await;
    assert!(!balances.contains_key("1620") && !balances.contains_key("1300"), "{balances:?}");
    assert_eq!((balances["1000"], balances["2060"]), (210_000, -210_000));
    let expected = [
        "INVESTMENT_WITHDRAWN WITHDRAWN 2025-02-01",
        "INVESTMENT_ACCEPTED ACCEPTED 2025-02-01",
        "INVESTMENT_WITHDRAWN WITHDRAWN 2025-02-05",
    ];
    assert_eq!(told(&mut client).await, expected);
    assert_eq!(client.feature(&feature.feature_id).await.state(), FeatureState::Backlog);

    // The balance pays a part of the next one, the rest funds it; then it is too late.
    let funded = client.invest(&feature, &ann, Client::stake(10_000, "100")).await;
    assert_eq!(funded.state(), InvestmentState::Funded);
    let late = refusal(withdraw(&mut client, &funded.investment_id).await);
    assert_eq!(late.line(), "FailedPrecondition ALREADY_FUNDED");
    assert_eq!(late.facts["on"], "2025-02-06");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_that_pays_the_principal_funds_it_at_once() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let request = v1::RecordPaymentRequest {
        customer_id: ann.id.clone(),
        amount: euros(20_000),
        ..Default::default()
    };
    client.payments.record_payment(request).await.unwrap();
    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "40")).await.unwrap();
    let funded = client.accept(&proposed, true).await.unwrap();
    assert_eq!(
        (funded.state(), day(&funded.funded_on)),
        (InvestmentState::Funded, "2025-02-01".into())
    );
    assert_eq!(client.document(&funded.invoice_id).await.state(), InvoiceState::Settled);
    let expected =
        ["INVESTMENT_ACCEPTED ACCEPTED 2025-02-01", "INVESTMENT_FUNDED FUNDED 2025-02-01"];
    assert_eq!(told(&mut client).await, expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_is_matched_later_funds_it_too() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "40")).await.unwrap();
    let accepted = client.accept(&proposed, true).await.unwrap();
    let request = v1::RecordPaymentRequest { amount: euros(12_100), ..Default::default() };
    let payment = client.payments.record_payment(request).await.unwrap().into_inner().payment;
    assert_eq!(client.investment(&accepted.investment_id).await, accepted);
    let request = v1::MatchPaymentRequest {
        payment_id: payment.unwrap().id,
        customer_id: ann.id.clone(),
        ..Default::default()
    };
    client.payments.match_payment(request).await.unwrap();
    let funded = client.investment(&accepted.investment_id).await;
    assert_eq!(funded.state(), InvestmentState::Funded);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_goes_back_leaves_it_funded_and_its_invoice_open() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "40")).await.unwrap();
    let accepted = client.accept(&proposed, true).await.unwrap();
    let payment = pay(&mut client, &accepted.invoice_id, euros(12_100)).await;
    let funded = client.investment(&accepted.investment_id).await;
    client.advance("2025-03-03").await.unwrap();
    let request = v1::ReturnPaymentRequest { payment_id: payment.id, ..Default::default() };
    client.payments.return_payment(request).await.unwrap();
    assert_eq!(client.document(&accepted.invoice_id).await.state(), InvoiceState::Open);
    pay(&mut client, &accepted.invoice_id, euros(12_100)).await;
    let again = client.investment(&accepted.investment_id).await;
    assert_eq!((again.state(), &again.funded_on), (funded.state(), &funded.funded_on));
    let kinds = told(&mut client).await;
    let count = kinds.iter().filter(|kind| kind.starts_with("INVESTMENT_FUNDED")).count();
    assert_eq!(count, 1, "{kinds:?}");
    assert!(EventKind::InvestmentFunded.as_str_name().ends_with("INVESTMENT_FUNDED"));
    world.finish().await;
}
