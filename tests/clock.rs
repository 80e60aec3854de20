//! The clock: a sandbox's stands still and moves forward only, a live one is the wall's.

use prost_types::Timestamp;
use server::pb::v1::{self, OrganizationKind, advance_clock_request::Target};

use crate::world::{Client, Plan, World, date, day, refusal};

async fn clock(client: &mut Client) -> v1::Clock {
    let answer = client.clock.get_clock(v1::GetClockRequest {}).await.unwrap().into_inner();
    answer.clock.unwrap()
}

fn request(target: Target) -> v1::AdvanceClockRequest {
    v1::AdvanceClockRequest { target: Some(target), request_id: String::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_stands_still_while_the_wall_clock_goes_on() {
    let world = World::new().await;
    let mut sandbox = world.sandbox("2020-02-29").await;
    let mut live = world.live().await;
    for (hours, today) in [(0, "2025-01-31"), (13, "2025-01-31"), (1, "2025-02-01")] {
        world.clock.advance(chrono::Duration::hours(hours));
        let of_sandbox = clock(&mut sandbox).await;
        assert_eq!(of_sandbox.kind(), OrganizationKind::Sandbox);
        assert_eq!(day(&of_sandbox.today), "2020-02-29");
        // 23:00 in London is midnight in Amsterdam.
        let of_live = clock(&mut live).await;
        assert_eq!((of_live.kind(), day(&of_live.today)), (OrganizationKind::Live, today.into()));
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_moves_to_a_date_by_days_or_to_an_instant() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let noon = Timestamp { seconds: 1_738_753_200, nanos: 0 }; // 5 February, 12:00 in Amsterdam.
    let table = [
        (Target::ToDate(date("2025-02-01")), 1, "2025-02-01"),
        (Target::ToDate(date("2025-02-03")), 3, "2025-02-03"),
        (Target::Days(1), 2, "2025-02-04"),
        (Target::ToTime(noon), 2, "2025-02-05"),
        (Target::ToTime(noon), 1, "2025-02-05"),
        (Target::ToDate(date("2025-02-05")), 1, "2025-02-05"),
    ];
    for (target, count, today) in table {
        let days = client.advance_by(request(target)).await.unwrap();
        assert_eq!(days.len(), count, "{target:?}");
        let now = clock(&mut client).await;
        assert_eq!(day(&now.today), today, "{target:?}");
        let last = days.last().unwrap();
        assert!(last.done && last.now == now.now, "{target:?}: {last:?}");
    }
    // The instant is kept within the day.
    assert_eq!(clock(&mut client).await.now, Some(noon));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_does_not_go_back_or_too_far_and_a_live_one_not_at_all() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let earlier = Timestamp { seconds: 1_700_000_000, nanos: 0 };
    let table = [
        (Some(Target::ToDate(date("2025-01-31"))), "FailedPrecondition CLOCK_BACKWARDS"),
        (Some(Target::ToTime(earlier)), "FailedPrecondition CLOCK_BACKWARDS"),
        (Some(Target::ToDate(date("2036-01-01"))), "InvalidArgument target"),
        (Some(Target::Days(3_661)), "InvalidArgument target"),
        (Some(Target::Days(0)), "InvalidArgument days"),
        (Some(Target::Days(-1)), "InvalidArgument days"),
        (Some(Target::ToDate(date("2025-02-31"))), "InvalidArgument to_date"),
        (
            Some(Target::ToTime(Timestamp { seconds: i64::MAX, nanos: 0 })),
            "InvalidArgument to_time",
        ),
        (None, "InvalidArgument target"),
    ];
    for (target, expected) in table {
        let request = v1::AdvanceClockRequest { target, request_id: String::new() };
        let refused = refusal(client.advance_by(request).await);
        assert_eq!(refused.line(), expected, "{target:?}");
    }
    let mut live = world.live().await;
    let refused = refusal(live.advance("2026-01-01").await);
    assert_eq!(refused.line(), "FailedPrecondition SANDBOX_ONLY");
    assert_eq!(day(&clock(&mut client).await.today), "2025-02-01", "nothing has moved");
    world.finish().await;
}

/// Somebody else's run that holds all accounts, so that a day with something due cannot end.
async fn held(world: &World) -> tokio_postgres::Client {
    let sql = world.database.sql().await;
    sql.batch_execute("BEGIN; SELECT FROM billing_accounts FOR UPDATE").await.unwrap();
    sql
}

/// A client whose subscription is billed on the first of every month.
async fn subscribed(world: &World) -> Client {
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    client.subscribe(Client::terms(&ann, &plan, "2025-02-01")).await.unwrap();
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_calls_at_once_one_moves_the_clock_and_the_other_is_told() {
    let world = World::new().await;
    let mut client = subscribed(&world).await;
    let other_run = held(&world).await;
    let mut mover = client.clone();
    let moving = tokio::spawn(async move { mover.advance("2025-02-05").await });
    world.until("SELECT clock_holder IS NOT NULL FROM organizations").await;
    let refused = refusal(client.advance("2025-02-03").await);
    assert_eq!(refused.line(), "Aborted CLOCK_BUSY");
    assert!(refused.retry, "it says when to come back");
    other_run.batch_execute("ROLLBACK").await.unwrap();
    let days = moving.await.unwrap().unwrap();
    assert_eq!(days.iter().map(|day| day.invoices_issued).sum::<i32>(), 1);
    client.advance("2025-02-06").await.unwrap();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_caller_goes_away_the_day_is_finished_and_the_clock_stands_still() {
    let world = World::new().await;
    let mut client = subscribed(&world).await;
    // What is billed meanwhile is not yet to be collected.
    let late = "UPDATE organizations SET payment_terms_days = 365";
    world.database.sql().await.batch_execute(late).await.unwrap();
    client.run_billing().await;
    let other_run = held(&world).await;
    let target = request(Target::ToDate(date("2025-04-01")));
    let mut stream = client.clock.advance_clock(target).await.unwrap().into_inner();
    for _ in 0..28 {
        stream.message().await.unwrap().expect("a day of February");
    }
    drop(stream);
    // On this connection the server hears of the end before it hears of the next call.
    assert_eq!(day(&clock(&mut client).await.today), "2025-03-01");
    other_run.batch_execute("ROLLBACK").await.unwrap();
    world.until("SELECT clock_holder IS NULL FROM organizations").await;
    assert_eq!(day(&clock(&mut client).await.today), "2025-03-02", "1 March is over");
    assert_eq!(client.documents().await.len(), 2);
    let days = client.advance("2025-04-01").await.unwrap();
    assert_eq!((days.len(), client.documents().await.len()), (31, 3));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_months_at_once_are_three_invoices_per_subscription() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    for name in ["Ann", "Ben"] {
        let customer = client.customer(name).await;
        client.subscribe(Client::terms(&customer, &plan, "2025-01-31")).await.unwrap();
    }
    client.run_billing().await;
    client.advance("2025-04-30").await.unwrap();
    let issued: Vec<String> =
        client.documents().await.iter().map(|one| day(&one.issue_on)).collect();
    let months = ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"];
    assert_eq!(issued, months.map(|month| [month; 2]).concat());
    world.finish().await;
}
