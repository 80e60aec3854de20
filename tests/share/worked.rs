//! The worked case of the design: an investment of EUR 10,000 in a feature that others pay for,
//! from the wish to the last cent, over the wire.
//!
//! Principal 10,000.00, share 40 %, return 10 %, the feature at 25.00 a month. 40, 100, 300, 480,
//! 180 and 200 customers pay in six months, and in the fourth month the money of 60 payments of the
//! third goes back.

use server::pb::v1;

use crate::world::{Client, World, cents, date, day, euro};

/// What the table of the design says, month by month: revenue, credited, so far, left, 1620 after,
/// to 1600 including VAT, state.
const TABLE: [&str; 6] = [
    "2025-01 1000.00 400.00 400.00 10600.00 9600.00 484.00 recouping",
    "2025-02 2500.00 1000.00 1400.00 9600.00 8600.00 1210.00 recouping",
    "2025-03 7500.00 3000.00 4400.00 6600.00 5600.00 3630.00 recouping",
    "2025-04 10500.00 4200.00 8600.00 2400.00 1400.00 5082.00 recouping",
    "2025-05 4500.00 1800.00 10400.00 600.00 0.00 2178.00 recouped",
    "2025-06 5000.00 600.00 11000.00 0.00 0.00 726.00 completed",
];

/// The day after each month: when it is credited.
const CREDITED_ON: [&str; 6] =
    ["2025-02-01", "2025-03-01", "2025-04-01", "2025-05-01", "2025-06-01", "2025-07-01"];

/// A customer who pays by this card, at once, from today on.
async fn buyer(
    client: &mut Client,
    number: usize,
    token: &str,
    plan: &v1::Plan,
    from: &str,
) -> (v1::Customer, v1::Subscription) {
    let customer = v1::Customer {
        payment_terms_days: Some(0),
        ..Client::business(&format!("Koper {number}"))
    };
    let customer = client.create_customer(customer).await.unwrap();
    card(client, &customer, token).await;
    let terms = Client::terms(&customer, plan, from);
    let subscription = client.subscribe(terms).await.unwrap();
    (customer, subscription)
}

async fn card(client: &mut Client, customer: &v1::Customer, token: &str) {
    let details = v1::CardDetails {
        token: token.into(),
        brand: "visa".into(),
        last_four: "4242".into(),
        expires: Some(v1::CardExpiry { year: 2031, month: 3 }),
        holder: String::new(),
    };
    let request = v1::SetPaymentMethodRequest {
        customer_id: customer.id.clone(),
        details: Some(v1::set_payment_method_request::Details::Card(details)),
        ..Default::default()
    };
    client.customers.set_payment_method(request).await.unwrap();
}

/// The feature, funded by an investor and released.
async fn funded(client: &mut Client) -> (v1::Customer, v1::Feature, v1::Investment) {
    let investor = client.customer("Drukkerij De Vos").await;
    let feature = client.backlog("Koppeling met de boekhouding", 9, 3).await;
    let proposed = client.propose(&feature, &investor, Client::stake(10_000, "40")).await.unwrap();
    let agreement = v1::SelfBillingAgreement {
        signed_on: Some(date("2024-12-01")),
        silent_days: 14,
        number_prefix: "DV-".into(),
        ..Default::default()
    };
    let request = v1::AcceptInvestmentRequest {
        investment_id: proposed.investment_id,
        consents_to_sale: true,
        agreement: Some(agreement),
        ..Default::default()
    };
    let accepted = client.investments.accept_investment(request).await.unwrap().into_inner();
    let investment = accepted.investment.unwrap();
    let invoice = client.document(&investment.invoice_id).await;
    assert_eq!((euro(&invoice.net), euro(&invoice.gross)), ("10000.00".into(), "12100.00".into()));
    client.pay_principal(&investment).await;
    let feature_id = feature.feature_id;
    let request =
        v1::StartDevelopmentRequest { feature_id: feature_id.clone(), ..Default::default() };
    client.features.start_development(request).await.unwrap();
    let request = v1::ReleaseFeatureRequest { feature_id, ..Default::default() };
    let released = client.features.release_feature(request).await.unwrap().into_inner();
    (investor, released.feature.unwrap(), investment)
}

async fn statement(
    client: &mut Client,
    investor: &v1::Customer,
) -> v1::GetInvestorStatementResponse {
    let request = v1::GetInvestorStatementRequest { investor_id: investor.id.clone() };
    client.investors.get_investor_statement(request).await.unwrap().into_inner()
}

/// A row of the table as it is now.
async fn row(client: &mut Client, investor: &v1::Customer, on: &str) -> String {
    let told = statement(client, investor).await;
    let investment = &told.investments[0];
    let month = investment.months.iter().max_by_key(|month| day(&month.month)).unwrap();
    let document = told.documents.iter().find(|one| one.self_bill_id == month.self_bill_id);
    let document = document.expect("the month has a document");
    let figures = investment.figures.as_ref().unwrap();
    let to_repay = client.balances(on).await.get("1620").copied().unwrap_or(0);
    let state = investment.state().as_str_name().replace("INVESTMENT_STATE_", "").to_lowercase();
    format!(
        "{} {} {} {} {} {} {} {state}",
        &day(&month.month)[..7],
        euro(&month.revenue),
        euro(&month.credited),
        euro(&month.credited_total),
        euro(&figures.left),
        written(-to_repay),
        written(cents(&document.net) + cents(&document.vat)),
    )
}

fn written(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_investment_of_ten_thousand_is_repaid_to_the_cent() {
    let world = World::new().await;
    let mut client = world.sandbox("2024-12-15").await;
    let (investor, feature, investment) = funded(&mut client).await;
    let plan = client.sale("koppeling", &feature, "25.00").await.unwrap();
    let mut buyers = Vec::new();
    for (count, from) in
        [(40, "2025-01-01"), (60, "2025-02-01"), (200, "2025-03-01"), (180, "2025-04-01")]
    {
        for place in 0..count {
            // What 60 of them pay on 1 March goes back on 28 April.
            let bounces = from == "2025-03-01" && place < 60;
            let token = if bounces { "bounces_58_fraudulent" } else { "settles" };
            let bought = buyer(&mut client, buyers.len(), token, &plan, from).await;
            buyers.push((bought, bounces));
        }
    }
    assert_eq!(buyers.len(), 480);
    let mut rows = Vec::new();
    for on in CREDITED_ON {
        match on {
            "2025-04-01" => {
                client.advance("2025-03-15").await.unwrap();
                for ((customer, _), _) in buyers.iter().filter(|(_, bounces)| *bounces) {
                    card(&mut client, customer, "settles").await;
                }
            }
            "2025-05-01" => {
                client.advance("2025-04-15").await.unwrap();
                for ((_, subscription), _) in leaving(&buyers) {
                    client.cancel(&subscription.id).await.unwrap();
                }
            }
            "2025-07-01" => {
                let back = leaving(&buyers).filter(|(_, bounces)| !bounces).take(20);
                for ((customer, _), _) in back {
                    let terms = Client::terms(customer, &plan, "2025-06-01");
                    client.subscribe(terms).await.unwrap();
                }
            }
            _ => {}
        }
        client.advance(on).await.unwrap();
        rows.push(row(&mut client, &investor, on).await);
    }
    assert_eq!(rows, TABLE);

    days(&mut client, &feature, &investment).await;
    let balances = client.balances("2025-07-01").await;
    let of = |account: &str| balances.get(account).copied().unwrap_or(0);
    assert_eq!((of("1600"), of("1620")), (-1_331_000, 0));
    assert_eq!((of("4500"), of("1530")), (100_000, 231_000));
    paid_out(&mut client, &investor).await;
    world.finish().await;
}

/// When the feature was the vendor's, and the investment repaid.
async fn days(client: &mut Client, feature: &v1::Feature, investment: &v1::Investment) {
    let owned = client.feature(&feature.feature_id).await;
    assert_eq!(day(&owned.owned_on), "2025-06-01");
    let done = client.investment(&investment.investment_id).await;
    assert_eq!(
        (day(&done.recouped_on), day(&done.completed_on)),
        ("2025-06-01".to_owned(), "2025-07-01".to_owned())
    );
    let expected = [
        "INVESTMENT_ACCEPTED 2024-12-15",
        "INVESTMENT_FUNDED 2024-12-15",
        "INVESTMENT_RECOUPED 2025-06-01",
        "FEATURE_OWNERSHIP_PASSED 2025-06-01",
        "INVESTMENT_COMPLETED 2025-07-01",
    ];
    assert_eq!(super::events(client).await, expected);
}

/// Who leaves at the end of April: the 60 whose money goes back, and 240 others.
fn leaving(
    buyers: &[((v1::Customer, v1::Subscription), bool)],
) -> impl Iterator<Item = &((v1::Customer, v1::Subscription), bool)> {
    let bounced = buyers.iter().filter(|(_, bounces)| *bounces);
    bounced.chain(buyers.iter().filter(|(_, bounces)| !bounces).take(240))
}

/// All documents are paid together, and nothing is owed to the investor any more.
async fn paid_out(client: &mut Client, investor: &v1::Customer) {
    let request = v1::SetPayoutAccountRequest {
        investor_id: investor.id.clone(),
        iban: "NL91ABNA0417164300".into(),
        holder: "Drukkerij De Vos".into(),
        ..Default::default()
    };
    client.payouts.set_payout_account(request).await.unwrap();
    let sent = client.payouts.send_payouts(v1::SendPayoutsRequest::default()).await.unwrap();
    let sent = sent.into_inner();
    assert_eq!((sent.orders.len(), sent.held.len(), sent.batches.len()), (6, 0, 1));
    assert_eq!(euro(&sent.batches[0].total), "13310.00");
    for order in sent.orders {
        let settled = v1::report_payout_result_request::Settled {};
        let request = v1::ReportPayoutResultRequest {
            payout_id: order.payout.unwrap().id,
            batch_id: sent.batches[0].id.clone(),
            on: Some(date("2025-07-01")),
            result: Some(v1::report_payout_result_request::Result::Settled(settled)),
            ..Default::default()
        };
        client.payouts.report_payout_result(request).await.unwrap();
    }
    let balances = client.balances("2025-07-01").await;
    assert_eq!((balances.get("1600"), balances.get("1610")), (None, None));
    let told = statement(client, investor).await;
    let total = &told.totals[0];
    assert_eq!(euro(&total.paid_gross), "13310.00");
    assert_eq!(euro(&total.figures.as_ref().unwrap().left), "0.00");
}
