//! Totals in SQL: equal to the fold of the domain, and found by their index.

use std::time::Duration;

use app::usage::{Sent, record};
use chrono::DateTime;
use domain::customer::Customer;
use domain::id::MeterId;
use domain::period::{Interval, Period};
use domain::usage::{Aggregation, Event, Events};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rust_decimal::Decimal;
use store::usage::Asked;
use testkit::{Database, ManualClock, Offer, Vendor, date};

/// A vendor on 1 August 2025 with customers who buy since May.
async fn vendor(database: &Database, customers: usize) -> (Vendor, Vec<Customer>) {
    let ctx = database.ctx(ManualClock::at("2025-08-01T09:00:00Z"));
    let vendor = Vendor::sandbox(&ctx, "2025-08-01").await;
    let plan = vendor.plan("yearly", Offer::flat(Interval::YEARLY, "10.00")).await;
    let mut made = Vec::new();
    for n in 0..customers {
        let customer = vendor.customer(&format!("Customer {n}")).await;
        vendor.subscribe(&customer, plan, "2025-05-01").await;
        made.push(customer);
    }
    (vendor, made)
}

async fn meter(vendor: &Vendor, code: &str, aggregation: Aggregation) -> MeterId {
    let mut scope = vendor.scope().await;
    let command = app::meter::CreateMeter {
        id: None,
        code: code.to_owned(),
        name: code.to_owned(),
        aggregation,
        unit_label: None,
    };
    let made = app::meter::create(&mut scope, command).await.unwrap();
    scope.commit().await.unwrap();
    made.id
}

/// Records events of a customer for a meter, in chunks.
async fn send(vendor: &Vendor, code: &str, customer: &Customer, events: &[Event], chunk: usize) {
    for chunk in events.chunks(chunk) {
        let sent = chunk.iter().enumerate().map(|(index, event)| Sent {
            index,
            meter: code.to_owned(),
            customer_id: customer.id,
            event: event.clone(),
        });
        let mut scope = vendor.scope().await;
        record(&mut scope, sent.collect()).await.unwrap();
        scope.commit().await.unwrap();
    }
}

/// Ids that sort differently by language and by byte; instants around the ends of months.
fn any_event() -> impl Strategy<Value = Event> {
    let id = prop_oneof!["[a-cA-C]{1,2}", "[-_é]b?"];
    let edges = [1_748_728_800_i64, 1_751_320_800, 1_750_000_000];
    (id, 0_usize..3, -2_i64..3, -500_i64..5_000, 0_u32..5).prop_map(
        move |(id, edge, seconds, cents, who)| Event {
            id,
            at: DateTime::from_timestamp(edges[edge] + seconds, 0).unwrap(),
            quantity: Decimal::new(cents, 2),
            value: Some(format!("user {who}")),
        },
    )
}

/// The first event of every id: later ones contradict it and are not recorded.
fn first_of_each(events: &[Event]) -> Vec<Event> {
    let mut kept: Vec<Event> = Vec::new();
    for event in events {
        if !kept.iter().any(|one| one.id == event.id) {
            kept.push(event.clone());
        }
    }
    kept
}

async fn compare(
    vendor: &Vendor,
    customer: &Customer,
    events: &[Event],
    chunk: usize,
    case: usize,
) -> Result<(), TestCaseError> {
    let periods = [
        Period { start: date("2025-05-01"), end: date("2025-06-01") },
        Period { start: date("2025-06-01"), end: date("2025-07-01") },
        Period { start: date("2025-07-01"), end: date("2025-08-01") },
        Period { start: date("2025-05-01"), end: date("2025-08-01") },
    ];
    let zone = vendor.scope().await.organization.time_zone;
    let (mut asked, mut expected) = (Vec::new(), Vec::new());
    for aggregation in Aggregation::ALL {
        let code = format!("{aggregation} {case}");
        let meter_id = meter(vendor, &code, *aggregation).await;
        // Only sums take what is below zero.
        let events: Vec<Event> = events
            .iter()
            .filter(|one| *aggregation == Aggregation::Sum || !one.quantity.is_sign_negative())
            .cloned()
            .collect();
        send(vendor, &code, customer, &events, chunk).await;
        let known: Events = first_of_each(&events).into_iter().collect();
        for period in periods {
            asked.push(Asked { meter_id, customer_id: customer.id, period });
            expected.push(known.total(*aggregation, period, zone).unwrap().quantity());
        }
    }
    let mut tx = vendor.ctx.store.begin(vendor.org).await.unwrap();
    let found = store::usage::totals(&mut tx, &asked).await.unwrap();
    prop_assert_eq!(found, expected);
    Ok(())
}

#[test]
fn totals_in_sql_are_those_of_the_fold() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (database, vendor, customers) = runtime.block_on(async {
        let database = Database::fresh().await;
        let (vendor, customers) = vendor(&database, 1).await;
        (database, vendor, customers)
    });
    let config = Config { cases: 32, failure_persistence: None, ..Config::default() };
    let cases = std::cell::Cell::new(0);
    let strategy = (proptest::collection::vec(any_event(), 0..30), 1_usize..9);
    let tried = TestRunner::new(config).run(&strategy, |(events, chunk)| {
        cases.set(cases.get() + 1);
        runtime.block_on(compare(&vendor, &customers[0], &events, chunk, cases.get()))
    });
    tried.unwrap();
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(database);
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_of_many_are_one_statement_on_their_index() {
    const EACH: usize = 100;
    let database = Database::fresh().await;
    let (vendor, customers) = vendor(&database, 20).await;
    let sum = meter(&vendor, "calls", Aggregation::Sum).await;
    for customer in &customers {
        let events: Vec<Event> = (0..EACH)
            .map(|n| Event {
                id: format!("{} {n}", customer.id),
                at: DateTime::from_timestamp(1_746_500_000 + 70_000 * n as i64, 0).unwrap(),
                quantity: Decimal::ONE,
                value: None,
            })
            .collect();
        send(&vendor, "calls", customer, &events, EACH).await;
    }
    let sql = database.sql().await;
    sql.batch_execute("ANALYZE").await.unwrap();
    let whole = Period { start: date("2025-05-01"), end: date("2025-08-01") };
    let ask =
        |customer: &Customer| Asked { meter_id: sum, customer_id: customer.id, period: whole };
    let asked: Vec<Asked> = customers.iter().map(ask).collect();
    let mut tx = vendor.ctx.store.begin(vendor.org).await.unwrap();
    let found = store::usage::totals(&mut tx, &asked).await.unwrap();
    assert_eq!(found, vec![Decimal::from(EACH); customers.len()]);
    let stranger = Asked { meter_id: MeterId(uuid::Uuid::max()), ..asked[0] };
    let missing = store::usage::totals(&mut tx, &[asked[0], stranger]).await;
    assert!(matches!(missing, Err(store::Error::NotFound)), "{missing:?}");
    drop(tx);

    // The same statement, explained, as the service sees it.
    let ids = |ids: Vec<String>, kind: &str| format!("'{{{}}}'::{kind}[]", ids.join(","));
    let repeated = |text: &str, kind| ids(vec![text.to_owned(); customers.len()], kind);
    let explained = include_str!("../../crates/store/src/usage_totals.sql")
        .replace("$1", &format!("'{}'::uuid", vendor.org))
        .replace("$2", &ids(customers.iter().map(|one| one.id.to_string()).collect(), "uuid"))
        .replace("$3", &repeated(&sum.to_string(), "uuid"))
        .replace("$4", &repeated("2025-06-01", "date"))
        .replace("$5", &repeated("2025-07-01", "date"));
    let begin =
        format!("BEGIN; SET LOCAL ROLE recoup_service; SET LOCAL recoup.org = '{}'", vendor.org);
    sql.batch_execute(&begin).await.unwrap();
    let rows = sql.query(&format!("EXPLAIN (ANALYZE, TIMING OFF) {explained}"), &[]).await.unwrap();
    sql.batch_execute("ROLLBACK").await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("usage_events_total"), "{plan}");
    assert!(!plan.contains("Seq Scan on usage_events"), "{plan}");
    // The branches of the other aggregations are not carried out.
    assert!(plan.matches("(never executed)").count() >= 3, "{plan}");
}
