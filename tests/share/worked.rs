//! The worked case: 480 customers at 25.00 a month, EUR 10,000 at 40 % and 10 % return.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use server::pb::v1;
use testkit::copy;

use super::{Sale, bounce, money, sold, terms_of_a_year};
use crate::world::{Client, World, date, day, euro};

/// What a customer pays a month, with VAT.
const PRICE: i64 = 3_025;
/// Calls at a time.
const AT_ONCE: usize = 8;

/// Lets so many more customers buy the feature from today on; answers all who do.
async fn join(
    world: &World,
    client: &mut Client,
    plan: &v1::Plan,
    from: &str,
    count: u32,
) -> Vec<v1::Customer> {
    let first = client.customer(&format!("Customer of {from}")).await;
    let subscription = client.subscribe(Client::terms(&first, plan, from)).await.unwrap();
    copy::crowd(&world.database, subscription.id.parse().unwrap(), count - 1).await;
    client.run_billing().await;
    let mut request = v1::ListCustomersRequest { page_size: 500, ..Default::default() };
    let mut all = Vec::new();
    loop {
        let page = client.customers.list_customers(request.clone()).await.unwrap().into_inner();
        all.extend(page.customers);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    all.retain(|one| one.name == first.name || one.name.starts_with(&format!("{} ", first.name)));
    all
}

/// Each of them pays for a month.
async fn all_pay(client: &Client, customers: &[v1::Customer]) -> Vec<v1::Payment> {
    let pay = |customer_id: String| {
        let mut client = client.clone();
        async move {
            let amount = money(PRICE);
            let request = v1::RecordPaymentRequest { customer_id, amount, ..Default::default() };
            client.payments.record_payment(request).await.unwrap().into_inner().payment.unwrap()
        }
    };
    let ids: Vec<String> = customers.iter().map(|one| one.id.clone()).collect();
    stream::iter(ids).map(pay).buffered(AT_ONCE).collect().await
}

async fn sign(client: &mut Client, investor_id: &str) {
    let agreement = v1::SelfBillingAgreement {
        signed_on: Some(date("2025-01-10")),
        silent_days: 14,
        ..Default::default()
    };
    let request = v1::SignSelfBillingAgreementRequest {
        investor_id: investor_id.to_owned(),
        agreement: Some(agreement),
        ..Default::default()
    };
    client.investments.sign_self_billing_agreement(request).await.unwrap();
}

/// `credited of so far, left, state; 1620, 1600, 4500, 1530`.
async fn stands(client: &mut Client, id: &str, on: &str) -> String {
    let now = client.investment(id).await;
    let left = super::cents(&now.cap) - super::cents(&now.credited);
    let state = now.state().as_str_name().replace("INVESTMENT_STATE_", "").to_lowercase();
    let balances: BTreeMap<String, i64> = client.balances(on).await;
    let of = |account: &str| euro(&money_of(balances.get(account).copied().unwrap_or(0)));
    let accounts = ["1620", "1600", "4500", "1530"].map(of).join(", ");
    format!("{} {} {state}; {accounts}", euro(&now.credited), euro(&money_of(left)))
}

fn money_of(minor: i64) -> Option<server::pb::google::r#type::Money> {
    money(minor)
}

/// First day, how many join, how many pay, how many payments of the month before bounce, first day
/// after; what then stands, as [`stands`] says.
const COURSE: [(&str, u32, usize, usize, &str, &str); 6] = [
    (
        "2025-02-01",
        40,
        40,
        0,
        "2025-03-01",
        "400.00 10600.00 recouping; -9600.00, -484.00, 0.00, 84.00",
    ),
    (
        "2025-03-01",
        60,
        100,
        0,
        "2025-04-01",
        "1400.00 9600.00 recouping; -8600.00, -1694.00, 0.00, 294.00",
    ),
    (
        "2025-04-01",
        200,
        300,
        0,
        "2025-05-01",
        "4400.00 6600.00 recouping; -5600.00, -5324.00, 0.00, 924.00",
    ),
    (
        "2025-05-01",
        180,
        480,
        60,
        "2025-06-01",
        "8600.00 2400.00 recouping; -1400.00, -10406.00, 0.00, 1806.00",
    ),
    (
        "2025-06-01",
        0,
        180,
        0,
        "2025-07-01",
        "10400.00 600.00 recouped; 0.00, -12584.00, 400.00, 2184.00",
    ),
    (
        "2025-07-01",
        0,
        200,
        0,
        "2025-08-01",
        "11000.00 0.00 completed; 0.00, -13310.00, 1000.00, 2310.00",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_worked_case_to_the_cent() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    terms_of_a_year(&mut client).await;
    let sale = sold(&mut client, Client::stake(10_000, "40"), "25.00").await;
    let id = sale.investment.investment_id.clone();
    sign(&mut client, &sale.investment.investor_id).await;
    let mut customers: Vec<v1::Customer> = Vec::new();
    let mut before: Vec<v1::Payment> = Vec::new();
    for (first, joining, paying, bouncing, after, expected) in COURSE {
        client.advance(first).await.unwrap();
        if joining > 0 {
            customers.extend(join(&world, &mut client, &sale.plan, first, joining).await);
        }
        let middle = format!("{}-12", &first[..7]);
        client.advance(&middle).await.unwrap();
        let paid = all_pay(&client, &customers[..paying]).await;
        for payment in before.iter().rev().take(bouncing) {
            bounce(&mut client, payment).await;
        }
        before = paid;
        client.advance(after).await.unwrap();
        assert_eq!(stands(&mut client, &id, after).await, expected, "{first}");
    }
    assert_eq!(customers.len(), 480);
    in_the_end(&mut client, &sale).await;
    world.finish().await;
}

/// Months, days and events of the whole course.
async fn in_the_end(client: &mut Client, sale: &Sale) {
    let id = &sale.investment.investment_id;
    let feature = client.feature(&sale.feature.feature_id).await;
    assert_eq!(day(&feature.owned_on), "2025-07-01");
    let investment = client.investment(id).await;
    let days = (day(&investment.recouped_on), day(&investment.completed_on));
    assert_eq!(days, ("2025-07-01".to_owned(), "2025-08-01".to_owned()));
    let expected = [
        "2025-01 0.00: 0.00, 0.00 (0.00) of 0.00, 0.00",
        "2025-02 1000.00: 400.00, 400.00 (400.00) of 400.00, 0.00",
        "2025-03 2500.00: 1000.00, 1000.00 (1000.00) of 1400.00, 0.00",
        "2025-04 7500.00: 3000.00, 3000.00 (3000.00) of 4400.00, 0.00",
        "2025-05 10500.00: 4200.00, 4200.00 (4200.00) of 8600.00, 0.00",
        "2025-06 4500.00: 1800.00, 1800.00 (1400.00) of 10400.00, 0.00",
        "2025-07 5000.00: 2000.00, 600.00 (0.00) of 11000.00, 0.00",
    ];
    assert_eq!(super::months(client, id).await, expected);
    assert_eq!(
        told(client).await,
        [
            "INVESTMENT_ACCEPTED 2025-01-10",
            "INVESTMENT_FUNDED 2025-01-10",
            "INVESTMENT_RECOUPED 2025-07-01",
            "FEATURE_OWNERSHIP_PASSED 2025-07-01",
            "INVESTMENT_COMPLETED 2025-08-01",
        ]
    );
}

/// What events tell about investments.
async fn told(client: &mut Client) -> Vec<String> {
    let kinds = [
        v1::EventKind::InvestmentAccepted,
        v1::EventKind::InvestmentFunded,
        v1::EventKind::InvestmentRecouped,
        v1::EventKind::FeatureOwnershipPassed,
        v1::EventKind::InvestmentCompleted,
        v1::EventKind::InvestmentReopened,
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
