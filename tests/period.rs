//! Periods: own day and calendar, in advance and in arrears, trials, short and long intervals.

use server::pb::v1::{self, Alignment, BillingTiming, IntervalUnit, SubscriptionState};

use crate::world::{Client, Plan, World, book, day, euro};

/// One subscription lived until a day, as documents without their numbers and VAT.
async fn billed(plan: Plan, alignment: Alignment, from: &str, until: &str) -> Vec<String> {
    let world = World::new().await;
    let mut client = world.sandbox(from).await;
    let customer = client.customer("Bakkerij Jansen").await;
    let plan = client.plan("base", plan).await;
    let terms = v1::SubscriptionTerms {
        alignment: alignment.into(),
        ..Client::terms(&customer, &plan, from)
    };
    client.subscribe(terms).await.unwrap();
    client.advance(until).await.unwrap();
    let documents = client.documents().await;
    world.finish().await;
    documents.iter().map(short).collect()
}

/// `2025-02-10: 2025-02-10..2025-03-01 20.36`
fn short(document: &v1::Invoice) -> String {
    let [line] = document.lines.as_slice() else { panic!("one line: {document:?}") };
    let (from, until) = (day(&line.service_from), day(&line.service_until));
    format!("{}: {from}..{until} {}", day(&document.issue_on), euro(&line.net))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_month_begins_with_a_shorter_first_period() {
    let found =
        billed(Plan::months(1, "30.00"), Alignment::Calendar, "2025-02-10", "2025-04-01").await;
    // 28 days in February, 19 of them are left: 30.00 - 30.00 x 9/28.
    let expected = [
        "2025-02-10: 2025-02-10..2025-03-01 20.36",
        "2025-03-01: 2025-03-01..2025-04-01 30.00",
        "2025-04-01: 2025-04-01..2025-05-01 30.00",
    ];
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_quarter_begins_in_january_april_july_or_october() {
    let found =
        billed(Plan::months(3, "90.00"), Alignment::Calendar, "2025-02-10", "2025-07-01").await;
    let expected = [
        "2025-02-10: 2025-02-10..2025-04-01 50.00",
        "2025-04-01: 2025-04-01..2025-07-01 90.00",
        "2025-07-01: 2025-07-01..2025-10-01 90.00",
    ];
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_week_begins_on_monday() {
    let plan = Plan { count: 1, unit: IntervalUnit::Week, ..Plan::months(1, "7.00") };
    let found = billed(plan, Alignment::Calendar, "2025-02-05", "2025-02-17").await;
    let expected = [
        "2025-02-05: 2025-02-05..2025-02-10 5.00",
        "2025-02-10: 2025-02-10..2025-02-17 7.00",
        "2025-02-17: 2025-02-17..2025-02-24 7.00",
    ];
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_year_begins_in_january() {
    let plan = Plan { count: 1, unit: IntervalUnit::Year, ..Plan::months(1, "365.00") };
    let found = billed(plan, Alignment::Calendar, "2025-07-01", "2026-01-01").await;
    let expected =
        ["2025-07-01: 2025-07-01..2026-01-01 184.00", "2026-01-01: 2026-01-01..2027-01-01 365.00"];
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_days_are_an_interval_too() {
    let plan = Plan { count: 10, unit: IntervalUnit::Day, ..Plan::months(1, "10.00") };
    let found = billed(plan, Alignment::OwnDay, "2025-02-20", "2025-03-02").await;
    let expected =
        ["2025-02-20: 2025-02-20..2025-03-02 10.00", "2025-03-02: 2025-03-02..2025-03-12 10.00"];
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_arrears_a_period_is_billed_on_the_day_after_it() {
    let plan = Plan { timing: BillingTiming::InArrears, ..Plan::months(1, "30.00") };
    let found = billed(plan, Alignment::OwnDay, "2025-01-31", "2025-03-31").await;
    let expected =
        ["2025-02-28: 2025-01-31..2025-02-28 30.00", "2025-03-31: 2025-02-28..2025-03-31 30.00"];
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_arrears_on_the_calendar_the_short_part_comes_first() {
    let plan = Plan { timing: BillingTiming::InArrears, ..Plan::months(1, "30.00") };
    let found = billed(plan, Alignment::Calendar, "2025-02-10", "2025-04-01").await;
    let expected =
        ["2025-03-01: 2025-02-10..2025-03-01 20.36", "2025-04-01: 2025-03-01..2025-04-01 30.00"];
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_is_free_and_the_first_paid_period_begins_at_its_end() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-20").await;
    let customer = client.customer("Bakkerij Jansen").await;
    let plan = client.plan("base", Plan { trial_days: 14, ..Plan::months(1, "30.00") }).await;
    let created = client.subscribe(Client::terms(&customer, &plan, "2025-02-01")).await.unwrap();
    assert_eq!(created.state(), SubscriptionState::Pending);
    assert_eq!(day(&created.trial_ends_on), "2025-02-15");
    assert_eq!(day(&created.anchor_on), "2025-02-15");
    assert_eq!(day(&created.next_billing_on), "2025-02-15");

    let days = client.advance("2025-02-01").await.unwrap();
    assert_eq!(days.iter().map(|day| day.subscriptions_started).sum::<i32>(), 1);
    let trialing = client.subscription(&created.id).await;
    assert_eq!(trialing.state(), SubscriptionState::Trialing);
    client.advance("2025-02-14").await.unwrap();
    assert_eq!(client.documents().await, [], "the trial is free");
    client.advance("2025-03-15").await.unwrap();
    assert_eq!(client.subscription(&created.id).await.state(), SubscriptionState::Active);
    let expected = [
        "2025-00001 2025-02-15 30.00 + 6.30: base 2025-02-15..2025-03-15 30.00",
        "2025-00002 2025-03-15 30.00 + 6.30: base 2025-03-15..2025-04-15 30.00",
    ];
    assert_eq!(book(&client.documents().await), expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_ends_on_29_february_anchors_on_it() {
    let world = World::new().await;
    let mut client = world.sandbox("2024-02-01").await;
    let customer = client.customer("Bakkerij Jansen").await;
    let monthly = client.plan("monthly", Plan { trial_days: 28, ..Plan::months(1, "30.00") }).await;
    let year =
        Plan { count: 1, unit: IntervalUnit::Year, trial_days: 28, ..Plan::months(1, "360") };
    let yearly = client.plan("yearly", year).await;

    let yearly_days = [
        "2024-02-29: 2024-02-29..2025-02-28 360.00",
        "2025-02-28: 2025-02-28..2026-02-28 360.00",
        "2026-02-28: 2026-02-28..2027-02-28 360.00",
        "2027-02-28: 2027-02-28..2028-02-29 360.00",
        "2028-02-29: 2028-02-29..2029-02-28 360.00",
    ];
    let horizon = Some(v1::preview_subscription_request::Horizon::Periods(5));
    let terms = Some(Client::terms(&customer, &yearly, "2024-02-01"));
    let request = v1::PreviewSubscriptionRequest { terms, horizon };
    let preview = client.subscriptions.preview_subscription(request).await.unwrap().into_inner();
    assert_eq!(preview.invoices.iter().map(short).collect::<Vec<_>>(), yearly_days);

    client.subscribe(Client::terms(&customer, &monthly, "2024-02-01")).await.unwrap();
    client.advance("2024-04-29").await.unwrap();
    let monthly_days = [
        "2024-02-29: 2024-02-29..2024-03-29 30.00",
        "2024-03-29: 2024-03-29..2024-04-29 30.00",
        "2024-04-29: 2024-04-29..2024-05-29 30.00",
    ];
    let found: Vec<String> = client.documents().await.iter().map(short).collect();
    assert_eq!(found, monthly_days);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_ends_at_local_midnight_also_when_the_clocks_change() {
    let world = World::new().await;
    // From Saturday to Monday around both changes of the year.
    for (saturday, monday) in [("2025-03-29", "2025-03-31"), ("2025-10-25", "2025-10-27")] {
        let mut client = world.sandbox(saturday).await;
        let customer = client.customer("Bakkerij Jansen").await;
        let daily = Plan { count: 1, unit: IntervalUnit::Day, ..Plan::months(1, "1.00") };
        let plan = client.plan("daily", daily).await;
        client.subscribe(Client::terms(&customer, &plan, saturday)).await.unwrap();
        let days = client.advance(monday).await.unwrap();
        assert_eq!(days.len(), 3, "three days are lived");
        assert!(days.iter().all(|day| day.invoices_issued == 1), "{days:?}");
        let clock = client.clock.get_clock(v1::GetClockRequest {}).await.unwrap().into_inner();
        let clock = clock.clock.unwrap();
        assert_eq!(
            (day(&clock.today).as_str(), clock.time_zone.as_str()),
            (monday, "Europe/Amsterdam")
        );
    }
    world.finish().await;
}
