//! Recurring revenue: what it is worth on a day, how it moves in a month, who goes.

mod coupon;
mod history;
mod life;

use server::pb::v1;

use crate::world::{Client, Plan, World, date, decimal, refusal, text};

fn money(amount: &Option<server::pb::google::r#type::Money>) -> String {
    let amount = amount.as_ref().expect("an amount");
    let minor = amount.units * 100 + i64::from(amount.nanos / 10_000_000);
    let sign = if minor < 0 { "-" } else { "" };
    let (whole, cents) = (minor.abs() / 100, minor.abs() % 100);
    format!("{sign}{whole}.{cents:02} {}", amount.currency_code)
}

/// What everything is worth on a day: `mrr, committed, at risk, customers` by currency.
async fn worth(client: &mut Client, on: &str) -> Vec<String> {
    let request = v1::GetMrrRequest { on: Some(date(on)) };
    let answer = client.revenue.get_mrr(request).await.unwrap().into_inner();
    assert_eq!(answer.on, Some(date(on)));
    let tell = |one: &v1::Mrr| {
        let amounts = [&one.mrr, &one.committed, &one.at_risk].map(money);
        format!("{}, {}", amounts.join(", "), one.customers)
    };
    answer.currencies.iter().map(tell).collect()
}

fn told(movement: &v1::Movement) -> String {
    let word = |name: &str, start: &str| name.trim_start_matches(start).to_lowercase();
    let kind = word(movement.kind().as_str_name(), "MOVEMENT_KIND_");
    let churn = match movement.churn_kind() {
        v1::ChurnKind::Unspecified => String::new(),
        kind => format!(" {}", word(kind.as_str_name(), "CHURN_KIND_")),
    };
    let reason = match movement.reason() {
        v1::MovementReason::Unspecified => String::new(),
        reason => format!(" {}", word(reason.as_str_name(), "MOVEMENT_REASON_")),
    };
    format!("{kind}{churn}{reason} {}", money(&movement.amount))
}

/// The movements of the month that a day lies in, by customer, as `opening | movements | closing`.
async fn moved(client: &mut Client, month: &str) -> Vec<String> {
    let mut request =
        v1::ListMovementsRequest { month: Some(date(month)), page_size: 1, ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = client.revenue.list_movements(request.clone()).await.unwrap().into_inner();
        for one in &page.customers {
            let movements: Vec<String> = one.movements.iter().map(told).collect();
            let [opening, closing] = [&one.opening, &one.closing].map(money);
            found.push(format!("{opening} | {} | {closing}", movements.join(", ")));
        }
        if page.next_page_token.is_empty() {
            // Ids of one moment are in no order that a test knows.
            found.sort();
            return found;
        }
        request.page_token = page.next_page_token;
    }
}

async fn churn(client: &mut Client, month: &str) -> v1::GetChurnResponse {
    let request = v1::GetChurnRequest { month: Some(date(month)) };
    client.revenue.get_churn(request).await.unwrap().into_inner()
}

/// `lost of opening customers, rate`, kinds of which nobody went left out.
fn lost(churn: &v1::GetChurnResponse) -> String {
    assert_eq!(churn.lost.len(), 4, "every kind occurs");
    let kinds = churn.lost.iter().filter(|row| row.customers > 0);
    let kinds: Vec<String> =
        kinds.map(|row| format!("{} {:?}", row.customers, row.kind())).collect();
    format!("{} of {}, rate {}", kinds.join(" + "), churn.opening_customers, text(&churn.rate))
}

async fn start(client: &mut Client, name: &str, plan: &v1::Plan, from: &str) -> v1::Subscription {
    let customer = client.customer(name).await;
    client.subscribe(Client::terms(&customer, plan, from)).await.unwrap()
}

async fn cancel_for(client: &mut Client, id: &str, reason: v1::CancelReason) {
    let request = v1::CancelSubscriptionRequest {
        subscription_id: id.to_owned(),
        reason: reason.into(),
        ..Default::default()
    };
    client.subscriptions.cancel_subscription(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_counts_from_its_conversion_and_is_committed_before() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-20").await;
    let trial = Plan { trial_days: 14, ..Plan::months(1, "30.00") };
    let plan = client.plan("trial", trial).await;
    start(&mut client, "Ann", &plan, "2025-01-20").await;
    let given_up = start(&mut client, "Ben", &plan, "2025-01-20").await;
    client.cancel(&given_up.id).await.unwrap();
    assert_eq!(worth(&mut client, "2025-01-20").await, ["0.00 EUR, 30.00 EUR, 0.00 EUR, 0"]);
    assert_eq!(worth(&mut client, "2025-02-02").await, ["0.00 EUR, 30.00 EUR, 0.00 EUR, 0"]);
    assert_eq!(worth(&mut client, "2025-02-03").await, ["30.00 EUR, 30.00 EUR, 0.00 EUR, 1"]);
    client.advance("2025-03-01").await.unwrap();
    assert_eq!(moved(&mut client, "2025-01-15").await, [""; 0]);
    assert_eq!(moved(&mut client, "2025-02-15").await, ["0.00 EUR | new 30.00 EUR | 30.00 EUR"]);
    assert_eq!(lost(&churn(&mut client, "2025-02-01").await), " of 0, rate ");
    assert_eq!(lost(&churn(&mut client, "2025-03-01").await), " of 1, rate 0");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notice_counts_until_the_last_day_and_an_undone_one_leaves_no_trace() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    let plan = client.plan("base", Plan::months(1, "30.00")).await;
    let id = start(&mut client, "Ann", &plan, "2025-01-10").await.id;
    client.advance("2025-02-01").await.unwrap();
    client.cancel(&id).await.unwrap();
    client.cancel(&id).await.unwrap();
    assert_eq!(worth(&mut client, "2025-02-09").await, ["30.00 EUR, 0.00 EUR, 0.00 EUR, 1"]);
    assert_eq!(worth(&mut client, "2025-02-10").await, [""; 0]);

    client.undo_cancel(&id).await.unwrap();
    assert_eq!(worth(&mut client, "2025-02-10").await, ["30.00 EUR, 30.00 EUR, 0.00 EUR, 1"]);
    client.advance("2025-03-05").await.unwrap();
    assert_eq!(moved(&mut client, "2025-02-01").await, [""; 0]);

    client.cancel(&id).await.unwrap();
    client.advance("2025-03-10").await.unwrap();
    assert_eq!(
        moved(&mut client, "2025-03-01").await,
        ["30.00 EUR | churn voluntary -30.00 EUR | 0.00 EUR"]
    );
    let gone = churn(&mut client, "2025-03-10").await;
    assert_eq!(lost(&gone), "1 Voluntary of 1, rate 1");
    let [of_euro] = gone.currencies.as_slice() else { panic!("{gone:?}") };
    assert_eq!((text(&of_euro.gross_rate), text(&of_euro.net_rate)), ("1", "1"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn years_weeks_and_days_count_by_their_months() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let every = |count, unit, price| Plan { count, unit, ..Plan::months(1, price) };
    let table = [
        ("yearly", every(1, v1::IntervalUnit::Year, "120.00"), "10.00"),
        ("weekly", every(1, v1::IntervalUnit::Week, "10.00"), "53.33"),
        ("fortnightly", every(2, v1::IntervalUnit::Week, "10.00"), "75.00"),
        ("quarterly", every(3, v1::IntervalUnit::Month, "100.00"), "108.33"),
        ("thirty-days", every(30, v1::IntervalUnit::Day, "30.00"), "138.75"),
        ("free", every(1, v1::IntervalUnit::Month, "0.00"), "138.75"),
    ];
    for (code, plan, sum) in table {
        let plan = client.plan(code, plan).await;
        start(&mut client, code, &plan, "2025-01-01").await;
        let found = worth(&mut client, "2025-01-01").await;
        assert!(found[0].starts_with(&format!("{sum} EUR, {sum} EUR, ")), "{code}: {found:?}");
    }
    let seats = client.plan("seats", Plan::seats("2.50")).await;
    let customer = client.customer("Seats").await;
    let quantities =
        vec![v1::ComponentQuantity { component: "base".into(), quantity: decimal("7") }];
    let terms = Client::terms(&customer, &seats, "2025-01-01");
    client.subscribe(v1::SubscriptionTerms { quantities, ..terms }).await.unwrap();
    let all = worth(&mut client, "2025-01-01").await;
    assert_eq!(all, ["156.25 EUR, 156.25 EUR, 0.00 EUR, 6"], "the free one pays nothing");
    client.advance("2025-01-31").await.unwrap();
    assert_eq!(worth(&mut client, "2025-01-31").await, all, "no bill changes it");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_starts_later_is_committed_and_counts_from_its_first_day() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-15").await;
    let plan = client.plan("base", Plan::months(1, "30.00")).await;
    start(&mut client, "Ann", &plan, "2025-01-15").await;
    let later = start(&mut client, "Ben", &plan, "2025-03-31").await;
    let never = start(&mut client, "Cor", &plan, "2025-03-31").await;
    client.cancel(&never.id).await.unwrap();
    assert_eq!(worth(&mut client, "2025-01-15").await, ["30.00 EUR, 60.00 EUR, 0.00 EUR, 1"]);
    assert_eq!(worth(&mut client, "2025-03-30").await, ["30.00 EUR, 60.00 EUR, 0.00 EUR, 1"]);
    assert_eq!(worth(&mut client, "2025-03-31").await, ["60.00 EUR, 60.00 EUR, 0.00 EUR, 2"]);
    client.advance("2025-04-01").await.unwrap();
    assert_eq!(moved(&mut client, "2025-03-01").await, ["0.00 EUR | new 30.00 EUR | 30.00 EUR"]);
    let request = v1::ListMovementsRequest {
        month: Some(date("2025-01-01")),
        customer_id: later.customer_id,
        ..Default::default()
    };
    let none = client.revenue.list_movements(request).await.unwrap().into_inner();
    assert_eq!((none.customers, none.closing_on), (vec![], Some(date("2025-01-31"))));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_go_by_kind_and_come_back() {
    use v1::CancelReason::{Expired, NonPayment, Unknown, VoluntaryPrice};
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let plan = client.plan("base", Plan::months(1, "10.00")).await;
    let mut customers = Vec::new();
    for (at, reason) in [VoluntaryPrice, NonPayment, Expired, Unknown, Unknown].iter().enumerate() {
        let one = start(&mut client, &format!("Customer {at}"), &plan, "2025-01-01").await;
        if at < 4 {
            cancel_for(&mut client, &one.id, *reason).await;
        }
        customers.push(one.customer_id);
    }
    client.advance("2025-02-01").await.unwrap();
    let kinds = churn(&mut client, "2025-02-01").await;
    assert_eq!(lost(&kinds), "1 Voluntary + 1 Involuntary + 1 Expired + 1 Unknown of 5, rate 0.8");
    assert_eq!(
        moved(&mut client, "2025-02-01").await,
        ["expired", "involuntary", "unknown", "voluntary"]
            .map(|kind| format!("10.00 EUR | churn {kind} -10.00 EUR | 0.00 EUR"))
    );
    let first = v1::Customer { id: customers[0].clone(), ..Default::default() };
    client.advance("2025-03-10").await.unwrap();
    client.subscribe(Client::terms(&first, &plan, "2025-03-10")).await.unwrap();
    let last = v1::Customer { id: customers[4].clone(), ..Default::default() };
    client.subscribe(Client::terms(&last, &plan, "2025-03-10")).await.unwrap();
    assert_eq!(
        moved(&mut client, "2025-03-01").await,
        [
            "0.00 EUR | reactivation 10.00 EUR | 10.00 EUR",
            "10.00 EUR | expansion 10.00 EUR | 20.00 EUR"
        ]
    );
    let march = churn(&mut client, "2025-03-10").await;
    assert_eq!(lost(&march), " of 1, rate 0");
    let [of_euro] = march.currencies.as_slice() else { panic!("{march:?}") };
    assert_eq!((text(&of_euro.gross_rate), text(&of_euro.net_rate)), ("0", "-1"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn currencies_are_counted_apart_and_arrears_are_at_risk() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let euro = client.plan("euro", Plan::months(1, "10.00")).await;
    let dollars = Plan { currency: "USD", ..Plan::months(1, "25.00") };
    let dollars = client.plan("dollars", dollars).await;
    start(&mut client, "Ann", &euro, "2025-01-01").await;
    let late = start(&mut client, "Ben", &euro, "2025-01-01").await;
    let abroad = v1::Customer { currency: "USD".into(), ..Client::business("Cor") };
    let abroad = client.create_customer(abroad).await.unwrap();
    let there = client.subscribe(Client::terms(&abroad, &dollars, "2025-01-01")).await.unwrap();
    let arrears =
        format!("UPDATE customers SET in_arrears = true WHERE id = '{}'", late.customer_id);
    world.database.sql().await.batch_execute(&arrears).await.unwrap();
    assert_eq!(
        worth(&mut client, "2025-01-31").await,
        ["20.00 EUR, 20.00 EUR, 10.00 EUR, 2", "25.00 USD, 25.00 USD, 0.00 USD, 1"]
    );
    // Nothing is missing; what is, and how it comes about, is told in `arrears`.
    let clear = arrears.replace("true", "false");
    world.database.sql().await.batch_execute(&clear).await.unwrap();
    client.cancel(&there.id).await.unwrap();
    client.advance("2025-02-01").await.unwrap();
    let february = churn(&mut client, "2025-02-01").await;
    assert_eq!(lost(&february), "1 Voluntary of 3, rate 0.333333");
    let rates: Vec<_> = february
        .currencies
        .iter()
        .map(|one| (money(&one.opening), money(&one.closing), text(&one.gross_rate).to_owned()))
        .collect();
    assert_eq!(
        rates,
        [
            ("20.00 EUR".into(), "20.00 EUR".into(), "0".into()),
            ("25.00 USD".into(), "0.00 USD".into(), "1".to_owned())
        ]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_not_of_the_future_and_an_id_is_an_id() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let months = [("2025-02-01", "month"), ("2025-02-31", "month"), ("1812-01-01", "month")];
    for (month, field) in months {
        let request = v1::GetChurnRequest { month: Some(date(month)) };
        let refused = refusal(client.revenue.get_churn(request).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"), "{month}");
        let request = v1::ListMovementsRequest { month: Some(date(month)), ..Default::default() };
        let refused = refusal(client.revenue.list_movements(request).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"), "{month}");
    }
    let request = v1::ListMovementsRequest { customer_id: "x".into(), ..Default::default() };
    let refused = refusal(client.revenue.list_movements(request).await);
    assert_eq!(refused.line(), "InvalidArgument customer_id");
    let request = v1::ListMovementsRequest { page_token: "x".into(), ..Default::default() };
    let refused = refusal(client.revenue.list_movements(request).await);
    assert_eq!(refused.line(), "InvalidArgument page_token");
    let request = v1::GetMrrRequest { on: Some(date("2025-13-01")) };
    let refused = refusal(client.revenue.get_mrr(request).await);
    assert_eq!(refused.line(), "InvalidArgument on");
    let today = client.revenue.get_mrr(v1::GetMrrRequest::default()).await.unwrap().into_inner();
    assert_eq!((today.on, today.currencies.len()), (Some(date("2025-01-31")), 0));
    world.finish().await;
}
