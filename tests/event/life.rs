//! All that can happen in a subscription's life, told once each and in order, by workers that come
//! every day and by workers that come a month late.

use app::day::Task;
use chrono::Duration;
use server::pb::v1;

use super::all_events;
use crate::world::{Client, Plan, World, date, day};

/// Lets days pass; workers come on each, or on the last only.
async fn pass(world: &World, client: &Client, days: i64, is_late: bool) {
    let steps = if is_late { vec![days] } else { vec![1; usize::try_from(days).unwrap()] };
    for step in steps {
        world.clock.advance(Duration::days(step));
        for task in Task::ALL {
            task.run(&world.ctx, client.org).await.unwrap();
        }
    }
}

/// What was told of the subscription, by kind and day.
async fn told(client: &mut Client) -> Vec<String> {
    let events = all_events(client).await;
    let told = events.iter().filter_map(|event| {
        let kind = event.kind().as_str_name();
        let kind = kind.strip_prefix("EVENT_KIND_SUBSCRIPTION_")?.to_lowercase();
        Some(format!("{} {kind}", day(&event.effective_on)))
    });
    told.collect()
}

async fn lived(is_late: bool) -> Vec<String> {
    let world = World::new().await;
    let mut client = world.live().await;
    let customer = client.customer("Bakkerij Jansen").await;
    let trial = Plan { trial_days: 14, ..Plan::months(1, "31.00") };
    let plan = client.plan("base", trial).await;
    let dearer = client.plan("dearer", Plan::months(1, "62.00")).await;
    let terms = Client::terms(&customer, &plan, "2025-01-31");
    let id = client.subscribe(terms).await.unwrap().id;
    // To 20 March.
    pass(&world, &client, 48, is_late).await;
    let change = v1::Change { plan_id: dearer.id.clone(), ..v1::Change::default() };
    client.change(&id, change).await.unwrap();
    client.pause(&id, Some("2025-03-25"), Some("2025-04-05")).await.unwrap();
    let on = Some(v1::change::When::On(date("2025-04-20")));
    let back = v1::Change { plan_id: plan.id.clone(), when: on, ..v1::Change::default() };
    client.change(&id, back).await.unwrap();
    // To 20 May.
    pass(&world, &client, 61, is_late).await;
    client.cancel(&id).await.unwrap();
    client.undo_cancel(&id).await.unwrap();
    client.cancel(&id).await.unwrap();
    // To 20 July.
    pass(&world, &client, 61, is_late).await;
    let told = told(&mut client).await;
    world.finish().await;
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_is_told_once_and_in_order_also_by_workers_that_come_late() {
    let expected = [
        "2025-01-31 started",
        "2025-02-14 trial_converted",
        "2025-03-14 renewed",
        "2025-03-20 changed",
        "2025-03-25 paused",
        "2025-04-05 resumed",
        "2025-04-14 renewed",
        "2025-04-20 changed",
        "2025-05-14 renewed",
        "2025-06-14 cancellation_planned",
        "2025-05-20 cancellation_undone",
        "2025-06-14 cancellation_planned",
        "2025-06-14 cancelled",
    ];
    assert_eq!(lived(false).await, expected);
    let late = lived(true).await;
    let mut sorted = late.clone();
    sorted.sort();
    let mut all = expected.map(str::to_owned).to_vec();
    all.sort();
    assert_eq!(sorted, all, "each once");
    // What happens by itself is told before what is billed, each in the order of its days.
    let of = |told: &[String], billed: bool| -> Vec<String> {
        told.iter().filter(|line| line.ends_with("renewed") == billed).cloned().collect()
    };
    let expected = expected.map(str::to_owned);
    for billed in [false, true] {
        assert_eq!(of(&late, billed), of(&expected, billed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_recorded_when_it_is_over_is_told_whole() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let customer = client.customer("Bakkerij Jansen").await;
    let plan = client.plan("base", Plan::months(1, "31.00")).await;
    let terms = Client::terms(&customer, &plan, "2025-01-01");
    let id = client.subscribe(terms).await.unwrap().id;
    client.advance("2025-01-20").await.unwrap();
    client.pause(&id, Some("2025-01-10"), Some("2025-01-15")).await.unwrap();
    // Up to the one that follows, which still runs.
    client.pause(&id, Some("2025-01-18"), Some("2025-01-25")).await.unwrap();
    client.pause(&id, Some("2025-01-25"), Some("2025-01-28")).await.unwrap();
    client.advance("2025-02-02").await.unwrap();
    let told = told(&mut client).await;
    let pauses: Vec<_> =
        told.iter().filter(|one| one.ends_with("paused") || one.ends_with("resumed")).collect();
    assert_eq!(
        pauses,
        ["2025-01-10 paused", "2025-01-15 resumed", "2025-01-18 paused", "2025-01-28 resumed"]
    );
    world.finish().await;
}
