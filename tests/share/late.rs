//! Months that are credited late, and facts that are recorded late.

use super::{Sale, begin, buyer, months, pay, run};
use crate::world::{Client, World};

/// Keeps months from being credited until they are let go.
async fn hold(world: &World) {
    let hold = "UPDATE share_progress SET next_month = '2100-01-01'";
    world.database.sql().await.batch_execute(hold).await.unwrap();
}

async fn let_go(world: &World, month: &str) {
    let let_go = format!("UPDATE share_progress SET next_month = '{month}'");
    world.database.sql().await.batch_execute(&let_go).await.unwrap();
}

/// Three months with payments, in part and in full.
async fn live(client: &mut Client, sale: &Sale) {
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(client, sale, "Ben", "2025-02-01").await;
    let cas = buyer(client, sale, "Cas", "2025-02-15").await;
    client.advance("2025-02-20").await.unwrap();
    pay(client, &ben, 3_333, None).await;
    client.advance("2025-03-05").await.unwrap();
    pay(client, &ben, 12_345, None).await;
    let goes_back = pay(client, &cas, 12_100, None).await;
    client.advance("2025-04-05").await.unwrap();
    super::bounce(client, &goes_back).await;
    pay(client, &ben, 11_111, None).await;
    client.advance("2025-05-02").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn months_that_are_credited_late_are_what_they_would_have_been() {
    let (world, mut client, sale) = begin().await;
    live(&mut client, &sale).await;
    let on_time = months(&mut client, &sale.investment.investment_id).await;
    assert_eq!(on_time.len(), 4);
    world.finish().await;
    let (world, mut client, sale) = begin().await;
    hold(&world).await;
    live(&mut client, &sale).await;
    assert_eq!(months(&mut client, &sale.investment.investment_id).await, [""; 0]);
    let_go(&world, "2025-01-01").await;
    let (credited, ..) = run(&mut client).await;
    assert_eq!(credited, 4);
    assert_eq!(months(&mut client, &sale.investment.investment_id).await, on_time);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_late_flows_into_the_next_month() {
    let (world, mut client, sale) = begin().await;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    client.advance("2025-03-05").await.unwrap();
    // The bank's date lies in a month that has been credited.
    pay(&mut client, &ben, 12_100, Some("2025-02-20")).await;
    client.advance("2025-04-01").await.unwrap();
    let expected = [
        "2025-01 0.00: 0.00, 0.00 (0.00) of 0.00, 0.00",
        "2025-02 0.00: 0.00, 0.00 (0.00) of 0.00, 0.00",
        "2025-03 100.00: 40.00, 40.00 (40.00) of 40.00, 0.00",
    ];
    assert_eq!(months(&mut client, &sale.investment.investment_id).await, expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_a_balance_keeps_paid_still_counts() {
    let (world, mut client, sale) = begin().await;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    client.advance("2025-02-20").await.unwrap();
    let paid = pay(&mut client, &ben, 12_100, None).await;
    // The same once more; then the bank takes the first back.
    pay(&mut client, &ben, 12_100, None).await;
    super::bounce(&mut client, &paid).await;
    client.advance("2025-04-01").await.unwrap();
    let expected = [
        "2025-01 0.00: 0.00, 0.00 (0.00) of 0.00, 0.00",
        "2025-02 100.00: 40.00, 40.00 (40.00) of 40.00, 0.00",
        "2025-03 0.00: 0.00, 0.00 (0.00) of 40.00, 0.00",
    ];
    assert_eq!(months(&mut client, &sale.investment.investment_id).await, expected);
    world.finish().await;
}
