//! What investors see: one statement of everything, and forecasts.

mod proof;

use domain::id::CustomerId;
use server::pb::v1;
use testkit::Proxy;

use crate::world::{Client, World, cents, day, euro, refusal, text};

/// A sandbox on 1 January 2025 in which Ann funded 1,000.00 of a feature for 40 % of it, with an
/// agreement, and so many customers buy it at 25.00 a month.
async fn sold(world: &World, buyers: usize) -> (Client, v1::Investment, Vec<v1::Customer>) {
    let mut client = world.sandbox("2025-01-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let request = v1::SignSelfBillingAgreementRequest {
        investor_id: ann.id.clone(),
        agreement: Some(v1::SelfBillingAgreement { silent_days: 14, ..Default::default() }),
        ..Default::default()
    };
    client.investments.sign_self_billing_agreement(request).await.unwrap();
    let investment = client.invest(&feature, &ann, Client::stake(1_000, "40")).await;
    let plan = client.sale("export", &feature, "25.00").await.unwrap();
    let mut customers = Vec::new();
    for at in 0..buyers {
        let customer = client.customer(&format!("Buyer {at}")).await;
        client.subscribe(Client::terms(&customer, &plan, "2025-01-01")).await.unwrap();
        customers.push(customer);
    }
    client.run_billing().await;
    (client, investment, customers)
}

/// Each pays so many months of 30.25.
async fn pay(client: &mut Client, customers: &[v1::Customer], months: i64) {
    for customer in customers {
        let minor = 3_025 * months;
        let request = v1::RecordPaymentRequest {
            customer_id: customer.id.clone(),
            amount: Some(server::pb::google::r#type::Money {
                currency_code: "EUR".into(),
                units: minor / 100,
                nanos: i32::try_from(minor % 100).unwrap() * 10_000_000,
            }),
            ..Default::default()
        };
        client.payments.record_payment(request).await.unwrap();
    }
}

async fn statement(client: &mut Client, investor: &str) -> v1::GetInvestorStatementResponse {
    let request = v1::GetInvestorStatementRequest { investor_id: investor.to_owned() };
    client.investors.get_investor_statement(request).await.unwrap().into_inner()
}

/// Figures as an investor reads them.
fn figures(figures: &Option<v1::InvestmentFigures>) -> String {
    let it = figures.as_ref().unwrap();
    format!(
        "credited {} of {}, repaid {}, awaiting {}, expected {}, left {}; paid {}, sent {}, to pay {}",
        euro(&it.credited),
        euro(&it.cap),
        euro(&it.repaid),
        euro(&it.awaiting),
        euro(&it.expected),
        euro(&it.left),
        euro(&it.paid),
        euro(&it.sent),
        euro(&it.to_pay)
    )
}

/// `40.00: 2025-08 2025-09`: revenue assumed, recouped, completed.
fn outlook(outlook: &v1::Outlook) -> String {
    let tell = |at: &Option<v1::ForecastDate>| {
        let at = at.as_ref().unwrap();
        match at.reach() {
            v1::ForecastReach::InMonth => day(&at.month)[..7].to_owned(),
            other => format!("{other:?}"),
        }
    };
    let revenue = euro(&outlook.monthly_revenue);
    format!("{revenue}: {} {}", tell(&outlook.recouped), tell(&outlook.completed))
}

fn outlooks(all: &[v1::Outlook]) -> Vec<String> {
    all.iter().map(outlook).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_says_what_is_credited_expected_paid_and_left() {
    let world = World::new().await;
    let (mut client, investment, buyers) = sold(&world, 8).await;
    let ann = investment.investor_id.clone();
    client.advance("2025-01-10").await.unwrap();
    pay(&mut client, &buyers[..6], 1).await;
    let first = statement(&mut client, &ann).await;
    let [one] = first.investments.as_slice() else { panic!("{first:?}") };
    // Six have paid, and two would.
    let running = one.running.as_ref().unwrap();
    assert_eq!((euro(&running.revenue), euro(&running.part)), ("150.00".into(), "60.00".into()));
    assert_eq!(euro(&running.to_come), "20.00");
    let nothing_yet = "credited 0.00 of 1100.00, repaid 0.00, awaiting 0.00, expected 80.00, \
                       left 1100.00; paid 0.00, sent 0.00, to pay 0.00";
    assert_eq!(figures(&one.figures), nothing_yet);
    assert_eq!((one.customers, one.state()), (8, v1::InvestmentState::Funded));
    assert_eq!(
        outlooks(&one.outlooks),
        ["0.00: Never Never", "0.00: Never Never", "200.00: 2026-01 2026-02"]
    );
    assert_eq!((first.documents.len(), first.account.is_some(), one.months.len()), (0, false, 0));
    assert_eq!(first.agreement.as_ref().unwrap().silent_days, 14);
    assert_eq!(day(&first.next_month), "2025-01-01");

    // January is credited, and two are late.
    client.advance("2025-02-10").await.unwrap();
    pay(&mut client, &buyers[..6], 1).await;
    pay(&mut client, &buyers[6..7], 2).await;
    let second = statement(&mut client, &ann).await;
    let [one] = second.investments.as_slice() else { panic!("{second:?}") };
    let february = "credited 60.00 of 1100.00, repaid 60.00, awaiting 0.00, expected 90.00, \
                    left 1040.00; paid 0.00, sent 0.00, to pay 60.00";
    assert_eq!(
        figures(&one.figures),
        february,
        "late money counts, and one of January is still open"
    );
    assert_eq!(text(&one.percentage), "5.45");
    let [month] = one.months.as_slice() else { panic!("{one:?}") };
    assert_eq!((day(&month.month), euro(&month.revenue)), ("2025-01-01".into(), "150.00".into()));
    assert_eq!((euro(&month.credited), euro(&month.carried)), ("60.00".into(), "0.00".into()));
    let [document] = second.documents.as_slice() else { panic!("{second:?}") };
    assert_eq!((&month.number, &month.self_bill_id), (&document.number, &document.self_bill_id));
    assert_eq!((document.kind(), cents(&document.vat)), (v1::SelfBillKind::Invoice, 1_260));
    assert_eq!(month.payout_state(), document.payout_state());
    let [total] = second.totals.as_slice() else { panic!("{second:?}") };
    assert_eq!(figures(&total.figures), february);
    assert_eq!(
        (euro(&total.credited_gross), euro(&total.payable_gross)),
        ("72.60".into(), "72.60".into())
    );
    assert_eq!(outlooks(&one.outlooks)[0], "150.00: 2026-05 2026-07");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_out_is_told_on_its_way_and_when_it_arrives() {
    let world = World::new().await;
    let (mut client, investment, buyers) = sold(&world, 4).await;
    let ann = investment.investor_id.clone();
    pay(&mut client, &buyers, 1).await;
    let account = v1::SetPayoutAccountRequest {
        investor_id: ann.clone(),
        iban: "NL91ABNA0417164300".into(),
        holder: "Ann".into(),
        ..Default::default()
    };
    client.payouts.set_payout_account(account).await.unwrap();
    client.advance("2025-02-20").await.unwrap();
    let send = v1::SendPayoutsRequest::default();
    let sent = client.payouts.send_payouts(send).await.unwrap().into_inner();
    assert_eq!(sent.orders.len(), 1, "{sent:?}");
    let told = statement(&mut client, &ann).await;
    let way = "credited 40.00 of 1100.00, repaid 40.00, awaiting 0.00, expected 40.00, left 1060.00; \
               paid 0.00, sent 40.00, to pay 0.00";
    assert_eq!(figures(&told.totals[0].figures), way);
    assert_eq!(
        (euro(&told.totals[0].sent_gross), euro(&told.totals[0].payable_gross)),
        ("48.40".into(), "0.00".into())
    );
    let account = told.account.as_ref().unwrap();
    assert!(account.masked_account.starts_with("NL") && account.masked_account.ends_with("43 00"));
    assert!(!format!("{told:?}").contains("0417164300"), "only the end of it");
    let document = &told.documents[0];
    assert_eq!(
        (euro(&document.payout), day(&document.sent_on)),
        ("48.40".into(), "2025-02-20".into())
    );
    let arrived = v1::report_payout_result_request::Result::Settled(Default::default());
    let report = v1::ReportPayoutResultRequest {
        payout_id: document.payout_id.clone(),
        result: Some(arrived),
        ..Default::default()
    };
    client.payouts.report_payout_result(report).await.unwrap();
    let told = statement(&mut client, &ann).await;
    assert_eq!(
        figures(&told.totals[0].figures),
        way.replace("paid 0.00, sent 40.00", "paid 40.00, sent 0.00")
    );
    assert_eq!(euro(&told.totals[0].paid_gross), "48.40");
    assert_eq!(told.investments[0].months[0].payout_state(), v1::PayoutState::Settled);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_expected_depends_on_the_basis_and_on_what_is_still_billed() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let feature = client.backlog("Export", 5, 5).await;
    let bases =
        [v1::ShareBasis::Collected, v1::ShareBasis::Invoiced, v1::ShareBasis::CollectedAndAged];
    let mut investors = Vec::new();
    for basis in bases {
        let investor = client.customer(&format!("{basis:?}")).await;
        let terms = v1::InvestmentTerms { basis: basis.into(), ..Client::stake(1_000, "20") };
        client.invest(&feature, &investor, terms).await;
        investors.push(investor);
    }
    let plan = client.sale("export", &feature, "25.00").await.unwrap();
    let ben = client.customer("Ben").await;
    client.subscribe(Client::terms(&ben, &plan, "2025-01-01")).await.unwrap();
    let cor = client.customer("Cor").await;
    client.subscribe(Client::terms(&cor, &plan, "2025-01-20")).await.unwrap();
    // An investor's own use brings nothing, and is not counted.
    client.subscribe(Client::terms(&investors[0], &plan, "2025-01-01")).await.unwrap();
    client.run_billing().await;
    pay(&mut client, std::slice::from_ref(&ben), 1).await;
    client.advance("2025-02-10").await.unwrap();
    // Ben's of 1 February is open, Cor's of 20 January too and of 20 February is billed; Ben's money
    // of 1 January is 56 days old on 26 February.
    let mut told = Vec::new();
    for investor in &investors {
        let statement = statement(&mut client, &investor.id).await;
        let one = &statement.investments[0];
        let running = one.running.as_ref().unwrap();
        let expected = euro(&one.figures.as_ref().unwrap().expected);
        told.push(format!(
            "{} {} {expected} {}",
            euro(&running.revenue),
            euro(&running.to_come),
            one.customers
        ));
    }
    assert_eq!(told, ["0.00 10.00 10.00 2", "25.00 5.00 10.00 2", "0.00 5.00 5.00 2"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_is_for_what_is_not_given_up() {
    let world = World::new().await;
    let (mut client, investment, buyers) = sold(&world, 4).await;
    for (month, paying) in [("2025-02-01", 1), ("2025-03-01", 2), ("2025-04-01", 3)] {
        pay(&mut client, &buyers[..paying], 1).await;
        client.advance(month).await.unwrap();
    }
    let forecast = |id: &str| v1::ForecastInvestmentRequest { investment_id: id.to_owned() };
    let id = &investment.investment_id;
    let found = client.investors.forecast_investment(forecast(id)).await.unwrap().into_inner();
    let months: Vec<String> = found
        .months
        .iter()
        .map(|one| format!("{} {}", day(&one.month), euro(&one.revenue)))
        .collect();
    assert_eq!(months, ["2025-01-01 25.00", "2025-02-01 50.00", "2025-03-01 75.00"]);
    // 60.00 was credited: 940.00 and 1,040.00 are left, at 40 %.
    assert_eq!(
        outlooks(&found.outlooks),
        ["75.00: 2027-11 2028-02", "100.00: 2026-02 2026-03", "100.00: 2027-03 2027-05"]
    );
    // What is only proposed is taken as if it were paid today, and shares with who is there.
    let feature = client.feature(&investment.feature_id).await;
    let bea = client.customer("Bea").await;
    let proposed = client.propose(&feature, &bea, Client::stake(100, "20")).await.unwrap();
    let id = &proposed.investment_id;
    let found = client.investors.forecast_investment(forecast(id)).await.unwrap().into_inner();
    assert_eq!(outlook(&found.outlooks[0]), "75.00: 2025-10 2025-11");
    let told = statement(&mut client, &bea.id).await;
    assert_eq!(told.investments[0].outlooks, found.outlooks);
    assert!(figures(&told.totals[0].figures).starts_with("credited 0.00 of 0.00"));

    let withdraw = v1::WithdrawInvestmentRequest {
        investment_id: id.clone(),
        reason: "too late".into(),
        ..Default::default()
    };
    client.investments.withdraw_investment(withdraw).await.unwrap();
    let refused = refusal(client.investors.forecast_investment(forecast(id)).await);
    assert_eq!(refused.line(), "FailedPrecondition INVESTMENT_WITHDRAWN");
    let told = statement(&mut client, &bea.id).await;
    assert_eq!(told.investments[0].outlooks, []);
    for (id, line) in [("x", "InvalidArgument investment_id"), (&*bea.id, "NotFound")] {
        let refused = refusal(client.investors.forecast_investment(forecast(id)).await);
        assert!(refused.line().starts_with(line), "{refused:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_invested_has_an_empty_statement() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let ben = client.customer("Ben").await;
    let told = statement(&mut client, &ben.id).await;
    assert_eq!((told.name.as_str(), day(&told.as_of)), ("Ben", "2025-01-01".into()));
    assert_eq!((told.totals.len(), told.investments.len(), told.next_month), (0, 0, None));
    for (id, line) in
        [("", "InvalidArgument investor_id"), ("00000000-0000-0000-0000-000000000001", "NotFound")]
    {
        let request = v1::GetInvestorStatementRequest { investor_id: id.to_owned() };
        let refused = refusal(client.investors.get_investor_statement(request).await);
        assert!(refused.line().starts_with(line), "{refused:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_feature_leaves_nothing() {
    let world = World::new().await;
    let (mut client, investment, buyers) = sold(&world, 4).await;
    pay(&mut client, &buyers, 1).await;
    let retire = v1::RetireFeatureRequest {
        feature_id: investment.feature_id.clone(),
        ..Default::default()
    };
    client.features.retire_feature(retire).await.unwrap();
    client.advance("2025-02-01").await.unwrap();
    let told = statement(&mut client, &investment.investor_id).await;
    let one = &told.investments[0];
    // What is sold now is not shared; what was sold in January may still be paid.
    assert_eq!(
        figures(&one.figures),
        "credited 40.00 of 1100.00, repaid 40.00, awaiting 0.00, expected 0.00, left 1060.00; \
         paid 0.00, sent 0.00, to pay 40.00"
    );
    assert!(one.outlooks.iter().all(|one| outlook(one).ends_with("Never Never")), "{one:?}");
    client.advance("2025-05-01").await.unwrap();
    let told = statement(&mut client, &investment.investor_id).await;
    let one = &told.investments[0];
    assert_eq!(
        figures(&one.figures),
        "credited 40.00 of 1100.00, repaid 40.00, awaiting 0.00, expected 0.00, left 0.00; \
         paid 0.00, sent 0.00, to pay 40.00"
    );
    assert_eq!((euro(&one.forgone), day(&one.retired_on)), ("960.00".into(), "2025-01-01".into()));
    assert!(one.outlooks.iter().all(|one| outlook(one).ends_with("Never Never")), "{one:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_investments_take_as_many_statements_as_one() {
    let world = World::new().await;
    let (mut client, investment, buyers) = sold(&world, 1).await;
    pay(&mut client, &buyers, 1).await;
    let ann = v1::Customer { id: investment.investor_id.clone(), ..Default::default() };
    let before = sent(&world, &client, &ann.id).await;
    for title in ["Import", "Search", "Print"] {
        let feature = client.backlog(title, 5, 5).await;
        client.invest(&feature, &ann, Client::stake(500, "10")).await;
        let plan = client.sale(title, &feature, "10.00").await.unwrap();
        client.subscribe(Client::terms(&buyers[0], &plan, "2025-01-01")).await.unwrap();
    }
    client.advance("2025-03-01").await.unwrap();
    assert_eq!(statement(&mut client, &ann.id).await.investments.len(), 4);
    assert_eq!(sent(&world, &client, &ann.id).await, before);
    world.finish().await;
}

/// How many statements a statement takes.
async fn sent(world: &World, client: &Client, investor: &str) -> usize {
    let proxy = Proxy::before(&world.database).await;
    let ctx = testkit::ctx(proxy.store(), world.clock.clone());
    let mut scope = ctx.scope(client.org).await.unwrap();
    let investor: CustomerId = investor.parse().unwrap();
    // The first time, statements are prepared.
    app::statement::of_investor(&mut scope, investor).await.unwrap();
    let before = proxy.statements();
    app::statement::of_investor(&mut scope, investor).await.unwrap();
    proxy.statements() - before
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_that_has_ended_is_not_replaced_by_the_one_before() {
    let world = World::new().await;
    let (mut client, investment, _) = sold(&world, 1).await;
    client.advance("2025-01-05").await.unwrap();
    let last = v1::SelfBillingAgreement {
        valid_until: Some(crate::world::date("2025-01-20")),
        silent_days: 7,
        ..Default::default()
    };
    let request = v1::SignSelfBillingAgreementRequest {
        investor_id: investment.investor_id.clone(),
        agreement: Some(last),
        ..Default::default()
    };
    client.investments.sign_self_billing_agreement(request).await.unwrap();
    for (today, days) in [("2025-01-19", Some(7)), ("2025-01-20", None)] {
        client.advance(today).await.unwrap();
        let told = statement(&mut client, &investment.investor_id).await.agreement;
        assert_eq!(told.map(|it| it.silent_days), days, "{today}");
    }
    world.finish().await;
}
