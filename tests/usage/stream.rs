//! The stream: what counts, what does not, and what a broken one leaves behind.

use std::sync::Arc;

use server::pb::v1;
use testkit::{Cut, Proxy};
use tonic::Code;

use super::{event, events, recorded, send, taken, totals, vendor};
use crate::world::{Client, Served, World, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn an_id_counts_once_per_meter() {
    let world = World::new().await;
    let (mut client, ann) = vendor(&world).await;
    let chunk = events(
        &ann,
        &[
            "calls a 2025-11-03T12:00:00Z 5",
            "calls b 2025-11-04T12:00:00Z 2.5",
            "calls a 2025-11-03T12:00:00Z 5.00",
            "seats a 2025-11-03T12:00:00Z 7",
            "seats b 2025-11-02T12:00:00Z 3",
            "storage a 2025-11-03T12:00:00Z 7",
            "storage b 2025-11-02T12:00:00Z 9",
            "users a 2025-11-03T12:00:00Z 1 anna",
            "users b 2025-11-02T12:00:00Z 1 bert",
            "users c 2025-11-05T12:00:00Z 1 anna",
        ],
    );
    assert_eq!(taken(&mut client, chunk.clone()).await, [9, 1, 0]);
    assert_eq!(taken(&mut client, chunk).await, [0, 10, 0]);
    let november = totals(&world, &mut client, &ann, "2025-11-01", "2025-12-01").await;
    assert_eq!(november, ["7.5", "7", "7", "2"]);
    // A correction is a new event; what is below zero counts as zero.
    assert_eq!(
        taken(&mut client, events(&ann, &["calls c 2025-11-05T12:00:00Z -6"])).await,
        [1, 0, 0]
    );
    assert_eq!(totals(&world, &mut client, &ann, "2025-11-01", "2025-12-01").await[0], "1.5");
    assert_eq!(totals(&world, &mut client, &ann, "2025-11-05", "2025-11-06").await[0], "0");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_date_decides_the_period() {
    let world = World::new().await;
    let (mut client, ann) = vendor(&world).await;
    // Summer time ended on 26 October: midnight in Amsterdam was 22:00Z before it, 23:00Z after it.
    let chunk = events(
        &ann,
        &[
            "calls a 2025-10-14T22:00:00Z 1",
            "calls b 2025-10-25T21:59:59.999999Z 10",
            "calls c 2025-10-25T22:00:00Z 100",
            "calls d 2025-10-26T22:59:59Z 1000",
            "calls e 2025-10-31T22:59:59Z 10000",
            "calls f 2025-10-31T23:30:00Z 100000",
        ],
    );
    assert_eq!(taken(&mut client, chunk).await, [6, 0, 0]);
    let table = [
        ("2025-10-01", "2025-11-01", "11111"),
        ("2025-10-15", "2025-10-26", "11"),
        ("2025-10-26", "2025-10-27", "1100"),
        ("2025-11-01", "2025-12-01", "100000"),
    ];
    for (from, until, sum) in table {
        assert_eq!(totals(&world, &mut client, &ann, from, until).await[0], sum, "{from}");
    }
    world.finish().await;
}

/// Three days of events: ids differ by `name`, quantities do not.
fn three_days(ann: &v1::Customer, name: &str) -> Vec<v1::UsageEvent> {
    let meters = ["calls", "seats", "storage", "users"];
    let texts = (0..24).map(|n| {
        let (meter, day, value) = (meters[n % 4], 3 + n % 3, n % 5);
        format!("{meter} {name}{n} 2025-11-0{day}T{n:02}:00:00Z {n}.25 user{value}")
    });
    texts.map(|text| event(ann, &text)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn order_and_chunks_do_not_change_a_total() {
    let world = World::new().await;
    let (mut client, ann) = vendor(&world).await;
    taken(&mut client, three_days(&ann, "x")).await;
    let expected = totals(&world, &mut client, &ann, "2025-11-01", "2025-12-01").await;
    for (name, size, turned) in [("Ben", 1, true), ("Cor", 5, false), ("Dirk", 7, true)] {
        let customer = super::buyer(&mut client, name, "2025-10-15").await;
        let mut sent = three_days(&customer, name);
        if turned {
            sent.reverse();
        }
        // Some of it twice.
        sent.extend(three_days(&customer, name).into_iter().step_by(3));
        let chunks: Vec<_> = sent.chunks(size).map(<[_]>::to_vec).collect();
        let count = chunks.len();
        let (answers, end) = send(&mut client, chunks).await;
        end.unwrap();
        assert_eq!((answers.len(), super::counts(&answers)), (count, [24, 8, 0]), "{name}");
        // The larger id is last, and names differ: the instants of these events do, too.
        let found = totals(&world, &mut client, &customer, "2025-11-01", "2025-12-01").await;
        assert_eq!(found, expected, "{name}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_at_any_statement_is_sent_again_and_counts_once() {
    let world = World::new().await;
    let (client, ann) = vendor(&world).await;
    let proxy = Proxy::before(&world.database).await;
    let settings = server::Settings::default();
    let served = Served::start(proxy.store(), Arc::clone(&world.clock), settings).await;
    let mut client = Client { org: client.org, ..served.client(&client.key) };
    let (mut visited, mut sent) = (0, 0);
    for side in [Cut::Before, Cut::After] {
        for statement in 1.. {
            let name = format!("{side:?}{statement}.");
            let chunks: Vec<_> = three_days(&ann, &name).chunks(10).map(<[_]>::to_vec).collect();
            proxy.cut(statement, side);
            let (answers, end) = send(&mut client, chunks.clone()).await;
            let happened = proxy.mend();
            if let Err(status) = end {
                assert_eq!(
                    refusal(Err::<(), _>(status)).line(),
                    "Unavailable DATABASE_AWAY",
                    "{name}"
                );
            }
            // What was answered is there, so the sender goes on behind it.
            let rest = again(&mut client, &chunks[answers.len()..]).await;
            let [accepted, duplicates, rejected] = rest;
            let [before, ..] = super::counts(&answers);
            assert_eq!((before + accepted + duplicates, rejected), (24, 0), "{name}");
            sent += 24;
            assert_eq!(recorded(&world, client.org).await, sent, "{name}");
            if !happened {
                break;
            }
            visited += 1;
        }
    }
    assert!(visited > 20, "only {visited} statements");
    served.stop().await;
    world.finish().await;
}

/// Sends chunks until the server knows that the database is there.
async fn again(client: &mut Client, chunks: &[Vec<v1::UsageEvent>]) -> [usize; 3] {
    let mut sum = [0; 3];
    let mut done = 0;
    loop {
        let (answers, end) = send(client, chunks[done..].to_vec()).await;
        done += answers.len();
        for (sum, count) in sum.iter_mut().zip(super::counts(&answers)) {
            *sum += count;
        }
        match end {
            Ok(()) => return sum,
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_senders_of_the_same_events_count_them_once() {
    let world = World::new().await;
    let (mut client, ann) = vendor(&world).await;
    let all: Vec<_> =
        (0..1_200).map(|n| event(&ann, &format!("calls {n} 2025-11-03T12:00:00Z 1"))).collect();
    let mut backwards = all.clone();
    backwards.reverse();
    let senders = [all[..800].to_vec(), backwards[..800].to_vec(), all[200..1_000].to_vec()];
    let sending = senders.into_iter().map(|events| {
        let mut client = client.clone();
        async move {
            let chunks = events.chunks(160).map(<[_]>::to_vec).collect();
            let (answers, end) = send(&mut client, chunks).await;
            end.unwrap();
            super::counts(&answers)
        }
    });
    let counted = futures::future::join_all(sending).await;
    let sum = |at: usize| counted.iter().map(|counts| counts[at]).sum::<usize>();
    assert_eq!([sum(0), sum(1), sum(2)], [1_200, 1_200, 0], "{counted:?}");
    assert_eq!(totals(&world, &mut client, &ann, "2025-11-03", "2025-11-04").await[0], "1200");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_its_limits_and_its_roles() {
    let world = World::new().await;
    let (mut client, ann) = vendor(&world).await;
    let many: Vec<_> =
        (0..1_001).map(|n| event(&ann, &format!("calls {n} 2025-11-03T12:00:00Z 1"))).collect();
    let first = many[..1_000].to_vec();
    let (answers, end) = send(&mut client, vec![Vec::new(), first, many.clone()]).await;
    assert_eq!(refusal(end).line(), "InvalidArgument events");
    assert_eq!((answers.len(), super::counts(&answers)), (2, [1_000, 0, 0]));
    assert_eq!(recorded(&world, client.org).await, 1_000, "what was answered stays");
    let huge = v1::UsageEvent { value: "x".repeat(5 * 1024 * 1024), ..many[0].clone() };
    let (_, end) = send(&mut client, vec![vec![huge]]).await;
    assert_eq!(refusal(end).line(), "ResourceExhausted MESSAGE_TOO_LARGE");

    let mut viewer = client.with_roles(world.channel(), &[v1::Role::Finance]).await;
    let (_, end) = send(&mut viewer, vec![many[..1].to_vec()]).await;
    assert_eq!(refusal(end).line(), "PermissionDenied ROLE_MISSING");
    let mut worker = client.with_roles(world.channel(), &[v1::Role::Worker]).await;
    assert_eq!(taken(&mut worker, many[..1].to_vec()).await, [0, 1, 0]);
    // Another organization has neither this customer nor this meter.
    let mut other = world.sandbox("2025-11-20").await;
    let (answers, _) = send(&mut other, vec![many[..1].to_vec()]).await;
    assert_eq!(answers[0].rejected[0].reason, "METER_UNKNOWN");
    super::meter(&mut other, "calls", v1::Aggregation::Sum).await.unwrap();
    let (answers, _) = send(&mut other, vec![many[..1].to_vec()]).await;
    assert_eq!(answers[0].rejected[0].reason, "CUSTOMER_UNKNOWN");
    world.finish().await;
}
