//! Recurring revenue through a subscription's life: seats, pauses, and calls that are repeated.

use app::clock::Clock;
use server::pb::v1;

use super::{churn, lost, moved, worth};
use crate::world::{Client, Plan, World, date, decimal};

async fn seats(client: &mut Client, count: &str, from: &str) -> String {
    let plan = client.plan("seats", Plan::seats("10.00")).await;
    let customer = client.customer("Ann").await;
    let terms = Client::terms(&customer, &plan, from);
    client.subscribe(v1::SubscriptionTerms { quantities: of(count), ..terms }).await.unwrap().id
}

fn of(count: &str) -> Vec<v1::ComponentQuantity> {
    vec![v1::ComponentQuantity { component: "base".into(), quantity: decimal(count) }]
}

fn to_seats(count: &str) -> v1::Change {
    v1::Change { quantities: of(count), ..v1::Change::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_seats_are_an_expansion_and_fewer_a_contraction() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    let id = seats(&mut client, "2", "2025-01-10").await;
    client.advance("2025-02-05").await.unwrap();
    client.change(&id, to_seats("5")).await.unwrap();
    assert_eq!(worth(&mut client, "2025-02-04").await, ["20.00 EUR, 50.00 EUR, 0.00 EUR, 1"]);
    assert_eq!(worth(&mut client, "2025-02-05").await, ["50.00 EUR, 50.00 EUR, 0.00 EUR, 1"]);
    client.advance("2025-03-03").await.unwrap();
    let on = Some(v1::change::When::On(date("2025-03-20")));
    client.change(&id, v1::Change { when: on, ..to_seats("1") }).await.unwrap();
    assert_eq!(worth(&mut client, "2025-03-03").await, ["50.00 EUR, 10.00 EUR, 0.00 EUR, 1"]);
    client.advance("2025-04-02").await.unwrap();
    for (month, expected) in [
        ("2025-01-01", "0.00 EUR | new 20.00 EUR | 20.00 EUR"),
        ("2025-02-01", "20.00 EUR | expansion 30.00 EUR | 50.00 EUR"),
        ("2025-03-01", "50.00 EUR | contraction -40.00 EUR | 10.00 EUR"),
    ] {
        assert_eq!(moved(&mut client, month).await, [expected]);
    }
    assert_eq!(moved(&mut client, "2025-04-01").await, [""; 0]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_over_a_month_end_is_a_contraction_and_no_churn() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let id = seats(&mut client, "3", "2025-01-01").await;
    client.advance("2025-02-20").await.unwrap();
    client.pause(&id, None, Some("2025-03-10")).await.unwrap();
    assert_eq!(worth(&mut client, "2025-02-19").await, ["30.00 EUR, 30.00 EUR, 0.00 EUR, 1"]);
    assert_eq!(worth(&mut client, "2025-02-20").await, ["0.00 EUR, 30.00 EUR, 0.00 EUR, 0"]);
    client.advance("2025-04-01").await.unwrap();
    let february = moved(&mut client, "2025-02-01").await;
    assert_eq!(february, ["30.00 EUR | contraction paused -30.00 EUR | 0.00 EUR"]);
    assert_eq!(lost(&churn(&mut client, "2025-02-01").await), " of 1, rate 0");
    let march = moved(&mut client, "2025-03-01").await;
    assert_eq!(march, ["0.00 EUR | expansion resumed 30.00 EUR | 30.00 EUR"]);
    assert_eq!(lost(&churn(&mut client, "2025-03-01").await), " of 1, rate 0");
    // Within a month a pause leaves no movement.
    client.pause(&id, None, Some("2025-04-20")).await.unwrap();
    client.advance("2025-05-01").await.unwrap();
    assert_eq!(moved(&mut client, "2025-04-01").await, [""; 0]);
    world.finish().await;
}

/// Every segment, as the database has it.
async fn segments(world: &World) -> Vec<String> {
    let sql = world.database.sql().await;
    let rows = "SELECT to_jsonb(s)::text FROM mrr_segments s ORDER BY item_id, from_on";
    sql.query(rows, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Makes a call twice with one request id: the second changes no segment, and answers the same.
macro_rules! repeated {
    ($world:expr, $client:expr, $call:ident, $request:expr) => {{
        let mut request = $request;
        request.request_id = domain::id::fresh(app::clock::WallClock.now()).to_string();
        let before = segments(&$world).await;
        let first = $client.subscriptions.$call(request.clone()).await.unwrap().into_inner();
        let once = segments(&$world).await;
        assert_ne!(before, once, "the call changes what it is worth");
        let again = $client.subscriptions.$call(request).await.unwrap().into_inner();
        assert_eq!((first, once), (again.clone(), segments(&$world).await));
        again
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_repeated_changes_no_recurring_revenue() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let plan = client.plan("seats", Plan::seats("10.00")).await;
    let customer = client.customer("Ann").await;
    let terms = Some(Client::terms(&customer, &plan, "2025-01-01"));
    let request = v1::CreateSubscriptionRequest { terms, ..Default::default() };
    let made = repeated!(world, client, create_subscription, request);
    let id = made.subscription.unwrap().id;
    client.advance("2025-01-15").await.unwrap();
    let subscription_id = id.clone();
    let change = Some(to_seats("4"));
    let request = v1::ChangeSubscriptionRequest { subscription_id, change, ..Default::default() };
    repeated!(world, client, change_subscription, request);
    let subscription_id = id.clone();
    let (from, until) = (Some(date("2025-01-20")), Some(date("2025-03-01")));
    let request =
        v1::PauseSubscriptionRequest { subscription_id, from, until, ..Default::default() };
    repeated!(world, client, pause_subscription, request);
    client.advance("2025-02-10").await.unwrap();
    let subscription_id = id.clone();
    let request = v1::ResumeSubscriptionRequest { subscription_id, ..Default::default() };
    repeated!(world, client, resume_subscription, request);
    let subscription_id = id.clone();
    let reason = v1::CancelReason::VoluntaryPrice.into();
    let request = v1::CancelSubscriptionRequest { subscription_id, reason, ..Default::default() };
    repeated!(world, client, cancel_subscription, request);
    let request = v1::UndoCancelRequest { subscription_id: id, ..Default::default() };
    repeated!(world, client, undo_cancel, request);
    assert_eq!(worth(&mut client, "2025-02-10").await, ["40.00 EUR, 40.00 EUR, 0.00 EUR, 1"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_recorded_late_is_recorded_with_its_whole_past() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    let id = seats(&mut client, "1", "2025-01-10").await;
    client.advance("2025-02-10").await.unwrap();
    client.change(&id, to_seats("3")).await.unwrap();
    client.advance("2025-04-20").await.unwrap();
    let before = segments(&world).await;
    // As if it were older than the record.
    world.database.sql().await.batch_execute("DELETE FROM mrr_segments").await.unwrap();
    assert_eq!(worth(&mut client, "2025-04-20").await, [""; 0]);
    client.pause(&id, None, Some("2025-05-20")).await.unwrap();
    assert!(before.len() < segments(&world).await.len());
    client.advance("2025-05-01").await.unwrap();
    let months = ["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"];
    let expected = [
        &["0.00 EUR | new 10.00 EUR | 10.00 EUR"][..],
        &["10.00 EUR | expansion 20.00 EUR | 30.00 EUR"],
        &[],
        &["30.00 EUR | contraction paused -30.00 EUR | 0.00 EUR"],
    ];
    for (month, expected) in months.into_iter().zip(expected) {
        assert_eq!(moved(&mut client, month).await, expected, "{month}");
    }
    world.finish().await;
}
