//! Usage: meters, and events that are recorded once, whoever sends them however often.
//!
//! What is billed for it stands in `billed`.

mod billed;
mod late;
mod stream;
mod totals;
mod wrong;

use std::collections::BTreeMap;

use domain::date::Date;
use domain::id::{CustomerId, MeterId, OrgId};
use domain::period::Period;
use prost_types::Timestamp;
use server::pb::v1;
use store::usage::Asked;
use tonic::Status;

use crate::world::{Client, Plan, World, decimal, refusal};

const METERS: [(&str, v1::Aggregation); 4] = [
    ("calls", v1::Aggregation::Sum),
    ("seats", v1::Aggregation::Max),
    ("storage", v1::Aggregation::Last),
    ("users", v1::Aggregation::Distinct),
];

/// A vendor of four meters with a customer who subscribes on 15 October 2025; it is 20 November.
async fn vendor(world: &World) -> (Client, v1::Customer) {
    let mut client = world.sandbox("2025-10-15").await;
    for (code, aggregation) in METERS {
        meter(&mut client, code, aggregation).await.unwrap();
    }
    let customer = buyer(&mut client, "Ann", "2025-10-15").await;
    client.advance("2025-11-20").await.unwrap();
    (client, customer)
}

/// A customer with a subscription from a day on.
async fn buyer(client: &mut Client, name: &str, from: &str) -> v1::Customer {
    let customer = client.customer(name).await;
    let plan = client.plan(&format!("plan of {name}"), Plan::months(1, "10.00")).await;
    client.subscribe(Client::terms(&customer, &plan, from)).await.unwrap();
    customer
}

pub async fn meter(
    client: &mut Client,
    code: &str,
    aggregation: v1::Aggregation,
) -> Result<v1::Meter, Status> {
    let meter = v1::Meter {
        code: code.to_owned(),
        name: format!("The {code}"),
        aggregation: aggregation.into(),
        ..v1::Meter::default()
    };
    let request = v1::CreateMeterRequest { meter: Some(meter), ..Default::default() };
    Ok(client.catalog.create_meter(request).await?.into_inner().meter.expect("the meter"))
}

fn instant(text: &str) -> Option<Timestamp> {
    let at: chrono::DateTime<chrono::Utc> = text.parse().expect("an instant");
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap();
    Some(Timestamp { seconds: at.timestamp(), nanos })
}

/// An event in words: `calls a 2025-11-01T12:00:00Z 5 anna`.
fn event(customer: &v1::Customer, text: &str) -> v1::UsageEvent {
    let words: Vec<&str> = text.split(' ').collect();
    v1::UsageEvent {
        meter: words[0].into(),
        id: words[1].into(),
        customer_id: customer.id.clone(),
        occurred_time: instant(words[2]),
        quantity: decimal(words[3]),
        value: words.get(4).copied().unwrap_or_default().into(),
    }
}

fn events(customer: &v1::Customer, texts: &[&str]) -> Vec<v1::UsageEvent> {
    texts.iter().map(|text| event(customer, text)).collect()
}

/// Sends chunks on one stream; the answers until its end, and how it ended.
async fn send(
    client: &mut Client,
    chunks: Vec<Vec<v1::UsageEvent>>,
) -> (Vec<v1::RecordUsageResponse>, Result<(), Status>) {
    let requests = chunks.into_iter().map(|events| v1::RecordUsageRequest { events });
    let stream = match client
        .subscriptions
        .record_usage(futures::stream::iter(requests.collect::<Vec<_>>()))
        .await
    {
        Ok(answer) => answer.into_inner(),
        Err(status) => return (Vec::new(), Err(status)),
    };
    let (mut stream, mut answers) = (stream, Vec::new());
    loop {
        match stream.message().await {
            Ok(Some(answer)) => answers.push(answer),
            Ok(None) => return (answers, Ok(())),
            Err(status) => return (answers, Err(status)),
        }
    }
}

/// Sends one chunk that is taken; its answer as `accepted duplicates rejected`.
async fn taken(client: &mut Client, events: Vec<v1::UsageEvent>) -> [usize; 3] {
    let (answers, end) = send(client, vec![events]).await;
    end.expect("a chunk that is taken");
    counts(&answers)
}

fn counts(answers: &[v1::RecordUsageResponse]) -> [usize; 3] {
    let mut sums = [0; 3];
    for answer in answers {
        sums[0] += usize::try_from(answer.accepted).unwrap();
        sums[1] += usize::try_from(answer.duplicates).unwrap();
        sums[2] += answer.rejected.len();
    }
    sums
}

/// The meters of an organization by code.
async fn meter_ids(client: &mut Client) -> BTreeMap<String, MeterId> {
    let request = v1::ListMetersRequest { page_size: 500, ..Default::default() };
    let listed = client.catalog.list_meters(request).await.unwrap().into_inner().meters;
    listed.into_iter().map(|meter| (meter.code, meter.id.parse().unwrap())).collect()
}

fn period(from: &str, until: &str) -> Period {
    let day = |text: &str| text.parse::<Date>().unwrap();
    Period { start: day(from), end: day(until) }
}

/// The quantities of the four meters in a period, in the order of [`METERS`].
async fn totals(
    world: &World,
    client: &mut Client,
    customer: &v1::Customer,
    from: &str,
    until: &str,
) -> Vec<String> {
    let ids = meter_ids(client).await;
    let customer_id: CustomerId = customer.id.parse().unwrap();
    let asked = METERS.map(|(code, _)| Asked {
        meter_id: ids[code],
        customer_id,
        period: period(from, until),
    });
    let mut tx = world.ctx.store.begin(client.org).await.unwrap();
    let found = store::usage::totals(&mut tx, &asked).await.unwrap();
    found.into_iter().map(|quantity| quantity.to_string()).collect()
}

/// How many events an organization has.
async fn recorded(world: &World, org: OrgId) -> i64 {
    let sql = world.database.sql().await;
    let count = format!("SELECT count(*) FROM usage_events WHERE org_id = '{org}'");
    sql.query_one(&count, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn meters_are_created_found_and_listed() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let calls = meter(&mut client, "calls", v1::Aggregation::Sum).await.unwrap();
    let seats = meter(&mut client, "seats", v1::Aggregation::Max).await.unwrap();
    let request = v1::GetMeterRequest { meter_id: calls.id.clone() };
    assert_eq!(
        client.catalog.get_meter(request.clone()).await.unwrap().into_inner().meter,
        Some(calls.clone())
    );
    let request_of = |code: &str| v1::ListMetersRequest { code: code.into(), ..Default::default() };
    for (code, expected) in [("", 2), ("calls", 1), ("cal", 0)] {
        let listed = client.catalog.list_meters(request_of(code)).await.unwrap().into_inner();
        assert_eq!(listed.meters.len(), expected, "{code:?}");
    }
    let refused = refusal(meter(&mut client, "calls", v1::Aggregation::Max).await);
    assert_eq!(refused.line(), "AlreadyExists CODE_TAKEN");
    let again = v1::CreateMeterRequest {
        meter_id: calls.id.clone(),
        meter: Some(v1::Meter { code: "other".into(), ..calls }),
        ..Default::default()
    };
    let refused = refusal(client.catalog.create_meter(again).await);
    assert_eq!(refused.line(), "AlreadyExists ID_TAKEN");
    let refused = refusal(meter(&mut client, "none", v1::Aggregation::Unspecified).await);
    assert_eq!(refused.line(), "InvalidArgument meter.aggregation");
    let refused = refusal(meter(&mut client, "", v1::Aggregation::Sum).await);
    assert_eq!(refused.line(), "InvalidArgument meter.code");

    let twice = v1::CreateMeterRequest {
        meter: Some(v1::Meter { id: String::new(), code: "twice".into(), ..seats }),
        request_id: domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string(),
        ..Default::default()
    };
    let first = client.catalog.create_meter(twice.clone()).await.unwrap().into_inner();
    assert_eq!(client.catalog.create_meter(twice).await.unwrap().into_inner(), first);

    let mut other = world.sandbox("2025-02-01").await;
    let missing = refusal(other.catalog.get_meter(request).await);
    assert_eq!(missing.code, tonic::Code::NotFound);
    assert_eq!(meter_ids(&mut other).await.len(), 0);
    world.finish().await;
}
