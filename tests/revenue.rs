//! Revenue of longer periods: deferred on the invoice, earned month by month.

use server::pb::v1::{self, BillingTiming, IntervalUnit, RevenueKind};

use crate::world::{Client, Plan, World, day, euro};

fn balances(of: &[(&str, i64)]) -> std::collections::BTreeMap<String, i64> {
    of.iter().map(|(account, cents)| ((*account).to_owned(), *cents)).collect()
}

async fn client_with(world: &World, plan: Plan, from: &str) -> Client {
    let mut client = world.sandbox(from).await;
    let customer = client.customer("Bakkerij Jansen").await;
    let plan = client.plan("base", plan).await;
    client.subscribe(Client::terms(&customer, &plan, from)).await.unwrap();
    client
}

/// When and how much was earned after the invoice.
async fn earned(client: &mut Client) -> Vec<String> {
    let request = v1::ListEntriesRequest { page_size: 500, ..Default::default() };
    let entries = client.ledger.list_entries(request).await.unwrap().into_inner().entries;
    let is_recognition = |entry: &v1::Entry| {
        entry.source.as_ref().unwrap().kind() == v1::EntrySourceKind::Recognition
    };
    let mut earned: Vec<String> = entries
        .iter()
        .filter(|entry| is_recognition(entry))
        .map(|entry| {
            let [deferred, revenue] = entry.postings.as_slice() else { panic!("{entry:?}") };
            assert_eq!(deferred.account.as_ref().unwrap().code, "2000");
            let account = &revenue.account.as_ref().unwrap().code;
            format!("{} {account} {}", day(&entry.posted_on), euro(&revenue.amount))
        })
        .collect();
    earned.sort();
    earned
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_in_advance_is_earned_day_by_day_and_posted_month_by_month() {
    let world = World::new().await;
    let plan = Plan { count: 1, unit: IntervalUnit::Year, ..Plan::months(1, "365.00") };
    let mut client = client_with(&world, plan, "2025-01-01").await;
    client.advance("2025-01-01").await.unwrap();
    // The day of issue is earned at once.
    let start = [("1300", 44_165), ("1520", -7_665), ("2000", -36_400), ("8000", -100)];
    assert_eq!(client.balances("2025-01-01").await, balances(&start));

    client.advance("2025-04-15").await.unwrap();
    assert_eq!(
        earned(&mut client).await,
        ["2025-01-31 8000 -30.00", "2025-02-28 8000 -28.00", "2025-03-31 8000 -31.00"]
    );
    let april = [("1300", 44_165), ("1520", -7_665), ("2000", -27_500), ("8000", -9_000)];
    assert_eq!(client.balances("2025-04-15").await, balances(&april));
    client.advance("2025-12-31").await.unwrap();
    assert_eq!(client.balances("2025-12-31").await.get("2000"), Some(&-3_100));
    client.advance("2026-01-01").await.unwrap();
    // The old year is earned to the cent, and the new one has begun.
    assert_eq!(client.balances("2025-12-31").await.get("8000"), Some(&-36_500));
    assert_eq!(client.balances("2026-01-01").await.get("2000"), Some(&-36_400));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_months_of_a_quarter_add_up_to_its_price() {
    let world = World::new().await;
    let plan = Plan { revenue: RevenueKind::Service, ..Plan::months(3, "100.00") };
    let mut client = client_with(&world, plan, "2025-01-15").await;
    client.advance("2025-04-15").await.unwrap();
    // 90 days: 1 at once, 16 in January, 28 in February, 31 in March, 14 in April.
    assert_eq!(
        earned(&mut client).await,
        [
            "2025-01-31 8010 -17.78",
            "2025-02-28 8010 -31.11",
            "2025-03-31 8010 -34.44",
            "2025-04-14 8010 -15.56"
        ]
    );
    assert_eq!(client.balances("2025-04-14").await.get("8010"), Some(&-10_000));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_billed_in_arrears_is_earned_with_its_invoice() {
    let world = World::new().await;
    let timing = BillingTiming::InArrears;
    let plan = Plan { timing, revenue: RevenueKind::Usage, ..Plan::months(3, "100.00") };
    let mut client = client_with(&world, plan, "2025-01-15").await;
    client.advance("2025-04-15").await.unwrap();
    let expected = [("1300", 12_100), ("1520", -2_100), ("8020", -10_000)];
    assert_eq!(client.balances("2025-04-15").await, balances(&expected));
    assert_eq!(earned(&mut client).await, [""; 0]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_31_days_from_a_28th_is_not_deferred() {
    let world = World::new().await;
    let mut client = client_with(&world, Plan::months(1, "31.00"), "2025-01-31").await;
    client.advance("2025-03-01").await.unwrap();
    // The second period is 28 February to 31 March.
    let expected = [("1300", 2 * 3_751), ("1520", -2 * 651), ("8000", -2 * 3_100)];
    assert_eq!(client.balances("2025-03-01").await, balances(&expected));
    world.finish().await;
}
