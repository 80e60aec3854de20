//! The monthly share: what investors are credited of what others pay.

mod basis;
mod fault;
mod held;
mod late;
mod limit;
mod ownership;
mod principal;
mod reopened;
mod retired;
mod worked;
mod years;

use server::pb::google::r#type as google;
use server::pb::v1;

use crate::world::{Client, World, cents, date, day, euro, refusal};

/// An amount in euro cents.
fn money(minor: i64) -> Option<google::Money> {
    let nanos = i32::try_from(minor % 100).unwrap() * 10_000_000;
    Some(google::Money { currency_code: "EUR".into(), units: minor / 100, nanos })
}

/// A feature that others buy at 100.00 a month, in which one invested.
pub struct Sale {
    feature: v1::Feature,
    investment: v1::Investment,
    plan: v1::Plan,
}

/// A sandbox in which Ann pays for a feature on 10 January 2025.
async fn sold(client: &mut Client, terms: v1::InvestmentTerms, price: &str) -> Sale {
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let investment = client.invest(&feature, &ann, terms).await;
    let plan = client.sale("export", &feature, price).await.unwrap();
    Sale { feature, investment, plan }
}

async fn begin() -> (World, Client, Sale) {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    terms_of_a_year(&mut client).await;
    let sale = sold(&mut client, Client::stake(10_000, "40"), "100.00").await;
    (world, client, sale)
}

/// Nobody has to pay before a year is over: what is not paid has no consequence.
async fn terms_of_a_year(client: &mut Client) {
    let organization =
        v1::Organization { default_payment_terms_days: Some(365), ..Default::default() };
    settings(client, organization, "default_payment_terms_days").await.unwrap();
}

async fn settings(
    client: &mut Client,
    organization: v1::Organization,
    path: &str,
) -> Result<v1::Organization, tonic::Status> {
    let request = v1::UpdateOrganizationRequest {
        organization: Some(organization),
        update_mask: Some(prost_types::FieldMask { paths: vec![path.into()] }),
        ..Default::default()
    };
    let answer = client.organizations.update_organization(request).await?.into_inner();
    Ok(answer.organization.unwrap())
}

/// A new customer who buys the feature from a day on.
async fn buyer(client: &mut Client, sale: &Sale, name: &str, from: &str) -> v1::Customer {
    let customer = client.customer(name).await;
    client.subscribe(Client::terms(&customer, &sale.plan, from)).await.unwrap();
    client.run_billing().await;
    customer
}

/// Money of a customer, today or on an earlier day.
async fn pay(
    client: &mut Client,
    customer: &v1::Customer,
    minor: i64,
    booked_on: Option<&str>,
) -> v1::Payment {
    let request = v1::RecordPaymentRequest {
        customer_id: customer.id.clone(),
        amount: money(minor),
        booked_on: booked_on.map(date),
        ..Default::default()
    };
    client.payments.record_payment(request).await.unwrap().into_inner().payment.unwrap()
}

async fn sign(client: &mut Client, investor_id: &str, silent_days: i32) {
    let agreement = v1::SelfBillingAgreement {
        signed_on: Some(date("2025-01-10")),
        silent_days,
        ..Default::default()
    };
    let request = v1::SignSelfBillingAgreementRequest {
        investor_id: investor_id.to_owned(),
        agreement: Some(agreement),
        ..Default::default()
    };
    client.investments.sign_self_billing_agreement(request).await.unwrap();
}

async fn retire(client: &mut Client, feature: &v1::Feature) -> Result<v1::Feature, tonic::Status> {
    let request =
        v1::RetireFeatureRequest { feature_id: feature.feature_id.clone(), ..Default::default() };
    Ok(client.features.retire_feature(request).await?.into_inner().feature.unwrap())
}

async fn withdraw(client: &mut Client, id: &str) -> Result<v1::Investment, tonic::Status> {
    let request = v1::WithdrawInvestmentRequest {
        investment_id: id.to_owned(),
        reason: "it was never paid".into(),
        ..Default::default()
    };
    let answer = client.investments.withdraw_investment(request).await?.into_inner();
    Ok(answer.investment.unwrap())
}

/// What the investor of an investment sees of it.
async fn position(client: &mut Client, investment: &v1::Investment) -> v1::StatementInvestment {
    let request = v1::GetInvestorStatementRequest { investor_id: investment.investor_id.clone() };
    let told = client.investors.get_investor_statement(request).await.unwrap().into_inner();
    let id = &investment.investment_id;
    told.investments.into_iter().find(|one| one.investment_id == *id).unwrap()
}

/// What events tell about investments.
async fn events(client: &mut Client) -> Vec<String> {
    let kinds = [
        v1::EventKind::InvestmentAccepted,
        v1::EventKind::InvestmentFunded,
        v1::EventKind::InvestmentRecouped,
        v1::EventKind::FeatureOwnershipPassed,
        v1::EventKind::InvestmentCompleted,
        v1::EventKind::InvestmentReopened,
        v1::EventKind::InvestmentWithdrawn,
    ];
    let request = v1::ListEventsRequest {
        page_size: 500,
        filter: Some(v1::EventFilter {
            kinds: kinds.map(Into::into).to_vec(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let found = client.events.list_events(request).await.unwrap().into_inner().events;
    let line = |event: &v1::Event| {
        let kind = event.kind().as_str_name().replace("EVENT_KIND_", "");
        format!("{kind} {}", day(&event.effective_on))
    };
    found.iter().map(line).collect()
}

async fn bounce(client: &mut Client, payment: &v1::Payment) {
    let request = v1::ReturnPaymentRequest { payment_id: payment.id.clone(), ..Default::default() };
    client.payments.return_payment(request).await.unwrap();
}

async fn credit(client: &mut Client, invoice: &v1::Invoice, net: &str) {
    let line = v1::LineCredit {
        line_id: invoice.lines[0].id.clone(),
        net: Some(google::Money {
            currency_code: "EUR".into(),
            units: net.parse().unwrap(),
            nanos: 0,
        }),
    };
    let request = v1::CreditInvoiceRequest {
        invoice_id: invoice.id.clone(),
        lines: vec![line],
        reason: "it did not work".into(),
        ..Default::default()
    };
    client.invoices.credit_invoice(request).await.unwrap();
}

/// A month as `2025-02 revenue: accrual, credited (principal) of credited to date, carried`.
fn told(month: &v1::InvestmentMonth) -> String {
    let [revenue, accrual, credited, principal, total, carried] = [
        &month.revenue,
        &month.accrual,
        &month.credited,
        &month.principal,
        &month.credited_total,
        &month.carried,
    ]
    .map(euro);
    let month = &day(&month.month)[..7];
    format!("{month} {revenue}: {accrual}, {credited} ({principal}) of {total}, {carried}")
}

/// The months of an investment that were credited.
async fn months(client: &mut Client, investment_id: &str) -> Vec<String> {
    let mut request = v1::ListInvestmentMonthsRequest {
        investment_id: investment_id.to_owned(),
        page_size: 2,
        ..Default::default()
    };
    let mut found = Vec::new();
    loop {
        let page = client.shares.list_investment_months(request.clone()).await.unwrap();
        let page = page.into_inner();
        found.extend(page.months.iter().map(told));
        if page.next_page_token.is_empty() {
            return found;
        }
        request.page_token = page.next_page_token;
    }
}

async fn preview(client: &mut Client) -> Vec<String> {
    let answer = client.shares.preview_payout(v1::PreviewPayoutRequest {}).await.unwrap();
    answer.into_inner().credits.iter().map(|one| told(one.month.as_ref().unwrap())).collect()
}

async fn run(client: &mut Client) -> (i32, i32, Vec<i64>) {
    let answer = client.shares.run_payouts(v1::RunPayoutsRequest::default()).await.unwrap();
    let v1::RunPayoutsResponse { months_credited, credits_made, amounts, .. } = answer.into_inner();
    (months_credited, credits_made, amounts.into_iter().map(|one| cents(&Some(one))).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_paid_counts_in_proportion_and_what_goes_back_is_taken_off() {
    let (world, mut client, sale) = begin().await;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    client.advance("2025-02-10").await.unwrap();
    pay(&mut client, &ben, 6_050, None).await;
    client.advance("2025-03-10").await.unwrap();
    // The rest of February and the whole of March.
    let paid = pay(&mut client, &ben, 18_150, None).await;
    client.advance("2025-04-10").await.unwrap();
    bounce(&mut client, &paid).await;
    client.advance("2025-05-10").await.unwrap();
    // April is paid, and 40.00 of it is credited: 60.00 counts.
    let april =
        client.documents().await.into_iter().rfind(|one| day(&one.issue_on) == "2025-04-01");
    credit(&mut client, &april.unwrap(), "40").await;
    pay(&mut client, &ben, 6_050 + 12_100 + 7_260, None).await;
    client.advance("2025-06-01").await.unwrap();
    let expected = [
        "2025-01 0.00: 0.00, 0.00 (0.00) of 0.00, 0.00",
        "2025-02 50.00: 20.00, 20.00 (20.00) of 20.00, 0.00",
        "2025-03 150.00: 60.00, 60.00 (60.00) of 80.00, 0.00",
        "2025-04 -150.00: -60.00, 0.00 (0.00) of 80.00, -60.00",
        "2025-05 210.00: 84.00, 24.00 (24.00) of 104.00, 0.00",
    ];
    assert_eq!(months(&mut client, &sale.investment.investment_id).await, expected);
    let now = client.investment(&sale.investment.investment_id).await;
    assert_eq!((euro(&now.accrued), euro(&now.credited)), ("104.00".into(), "104.00".into()));
    assert_eq!(now.state(), v1::InvestmentState::Recouping);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_little_waits_until_there_is_more_of_it() {
    let (world, mut client, sale) = begin().await;
    let minimum = v1::Organization { minimum_payout: money(5_000), ..Default::default() };
    let organization = settings(&mut client, minimum, "minimum_payout").await.unwrap();
    assert_eq!(cents(&organization.minimum_payout), 5_000);
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    pay(&mut client, &ben, 12_100, None).await;
    client.advance("2025-03-02").await.unwrap();
    pay(&mut client, &ben, 12_100, None).await;
    client.advance("2025-04-01").await.unwrap();
    let expected = [
        "2025-01 0.00: 0.00, 0.00 (0.00) of 0.00, 0.00",
        "2025-02 100.00: 40.00, 0.00 (0.00) of 0.00, 40.00",
        "2025-03 100.00: 40.00, 80.00 (80.00) of 80.00, 0.00",
    ];
    assert_eq!(months(&mut client, &sale.investment.investment_id).await, expected);
    let wrong = [
        (v1::Organization { minimum_payout: money(-1), ..Default::default() }, "minimum_payout"),
        (v1::Organization { payout_day: 29, ..Default::default() }, "payout_day"),
        (v1::Organization { payout_day: 0, ..Default::default() }, "payout_day"),
    ];
    for (organization, path) in wrong {
        let refused = refusal(settings(&mut client, organization, path).await);
        assert_eq!(refused.line(), format!("InvalidArgument organization.{path}"));
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_credited_on_the_payout_day_or_when_somebody_asks() {
    let (world, mut client, sale) = begin().await;
    let middle = v1::Organization { payout_day: 15, ..Default::default() };
    assert_eq!(settings(&mut client, middle, "payout_day").await.unwrap().payout_day, 15);
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    pay(&mut client, &ben, 12_100, None).await;
    let id = sale.investment.investment_id.clone();
    let waiting = ["2025-01 0.00: 0.00, 0.00 (0.00) of 0.00, 0.00"];
    assert_eq!(months(&mut client, &id).await, [""; 0]);
    let february = "2025-02 100.00: 40.00, 40.00 (40.00) of 40.00, 0.00";
    assert_eq!(preview(&mut client).await, [waiting[0], february]);
    client.advance("2025-02-14").await.unwrap();
    assert_eq!(months(&mut client, &id).await, [""; 0]);
    client.advance("2025-02-15").await.unwrap();
    assert_eq!(months(&mut client, &id).await, waiting);
    assert_eq!(run(&mut client).await, (0, 0, vec![]), "February is not over");
    client.advance("2025-03-03").await.unwrap();
    assert_eq!(months(&mut client, &id).await, waiting, "before the fifteenth");
    assert_eq!(preview(&mut client).await[0], february);
    assert_eq!(run(&mut client).await, (1, 1, vec![4_000]));
    assert_eq!(run(&mut client).await, (0, 0, vec![]));
    assert_eq!(months(&mut client, &id).await, [waiting[0], february]);
    let nobody = v1::ListInvestmentMonthsRequest {
        investment_id: sale.feature.feature_id.clone(),
        ..Default::default()
    };
    let refused = refusal(client.shares.list_investment_months(nobody).await);
    assert_eq!(refused.line(), "NotFound");
    world.finish().await;
}
