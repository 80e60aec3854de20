//! A worker process is killed in the middle of a migration: another one goes on after the last
//! batch that was committed.

use std::sync::Arc;

use app::clock::{Clock, WallClock};
use app::day::Task;
use chrono::Duration;
use domain::period::Interval;
use nix::sys::signal::Signal;
use server::pb::v1::{self, MigrationState};
use testkit::{Database, ManualClock, Offer, Vendor, copy};

use super::{all_to, found, migrate, preview, publish};
use crate::takeover::{Worker, end};
use crate::world::{Client, Plan, Served, euro, until};

/// Subscribers: five batches.
const CUSTOMERS: i32 = 1_000;

/// Lets the third batch wait before it moves the cursor, as long as somebody holds the key.
const BARRIER: &str = "CREATE FUNCTION wait_for_key() RETURNS trigger LANGUAGE plpgsql AS \
     $$ BEGIN IF (SELECT count(*) FROM plan_migration_results) > 400 THEN \
     PERFORM pg_advisory_xact_lock(4711); END IF; RETURN NULL; END $$; \
     CREATE TRIGGER barrier AFTER UPDATE ON plan_migrations FOR EACH ROW \
     EXECUTE FUNCTION wait_for_key()";

/// A worker carries the migration out half-way, and is killed; another ends it.
async fn kill_half_way(database: &Database) {
    let key = database.sql().await;
    key.batch_execute(BARRIER).await.unwrap();
    key.batch_execute("SELECT pg_advisory_lock(4711)").await.unwrap();
    let killed = Worker::start(database);
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' \
                 AND datname = current_database())";
    until(database, waits).await;
    until(database, "SELECT count(*) = 400 FROM plan_migration_results").await;
    killed.signal(Signal::SIGKILL);
    drop(killed);
    let free = "DROP TRIGGER barrier ON plan_migrations; SELECT pg_advisory_unlock(4711)";
    key.batch_execute(free).await.unwrap();
    let queue = "migration";
    let held =
        format!("SELECT count(*) = 1 FROM jobs WHERE queue = '{queue}' AND status = 'running'");
    until(database, &held).await;
    let successor = Worker::start(database);
    until(database, "SELECT state = 'done' FROM plan_migrations").await;
    until(database, "SELECT NOT EXISTS (SELECT FROM jobs WHERE status <> 'done')").await;
    end(successor);
}

/// A thousand customers, billed for their first month, and their plan.
async fn thousand(database: &Database, vendor: &Vendor) -> domain::id::PlanId {
    let plan = vendor.plan("monthly", Offer::flat(Interval::MONTHLY, "49.99")).await;
    let customer = vendor.customer("Ann").await;
    let today = vendor.today().await.to_string();
    let original = vendor.subscribe(&customer, plan, &today).await;
    copy::crowd(database, original.id, u32::try_from(CUSTOMERS).unwrap() - 1).await;
    assert_eq!(vendor.bill().await.unwrap().invoices, 1_000);
    plan
}

async fn committed(client: &mut Client) -> (String, String) {
    let answer = client.revenue.get_mrr(v1::GetMrrRequest::default()).await.unwrap().into_inner();
    (euro(&answer.currencies[0].mrr), euro(&answer.currencies[0].committed))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_customers_are_migrated_once_each_although_the_worker_is_killed_half_way() {
    let database = Database::fresh().await;
    let clock = Arc::new(ManualClock::ticking_from(&WallClock.now().to_rfc3339()));
    let ctx = testkit::ctx(database.store(), clock.clone());
    let vendor = Vendor::live(&ctx).await;
    let plan_id = thousand(&database, &vendor).await.to_string();
    let served = Served::start(ctx.store.clone(), clock.clone(), server::Settings::default()).await;
    let mut client = served.client(&vendor.key);
    let request = v1::GetPlanRequest { plan_id };
    let plan = client.catalog.get_plan(request).await.unwrap().into_inner().plan.unwrap();
    let today = vendor.today().await.to_string();
    let version = publish(&mut client, &plan, &Plan::months(1, "59.99"), &today).await;
    let preview = preview(&mut client, all_to(&plan, &version)).await;
    let [worth] = preview.currencies.as_slice() else { panic!("{preview:?}") };
    let foreseen = (euro(&worth.mrr_before), euro(&worth.mrr_after));
    assert_eq!(foreseen, ("49990.00".to_owned(), "59990.00".to_owned()));
    assert_eq!((preview.examples.len(), preview.refused.len()), (50, 0));

    let id = migrate(&mut client, all_to(&plan, &version)).await;
    kill_half_way(&database).await;
    let (done, results) = found(&mut client, &id).await;
    assert_eq!((done.state(), done.expected), (MigrationState::Done, CUSTOMERS));
    assert_eq!(done.counts, preview.counts);
    assert_eq!(results.len(), 1_000);
    assert_eq!(
        results[..50],
        preview.examples.iter().map(|one| one.result.clone().unwrap()).collect::<Vec<_>>()
    );
    until(
        &database,
        "SELECT count(*) = 1000 AND count(DISTINCT subscription_id) = 1000 \
         AND count(migration_id) = 1000 FROM subscription_intents",
    )
    .await;
    assert_eq!(committed(&mut client).await, foreseen);

    // The next month.
    clock.advance(Duration::days(32));
    for task in Task::ALL {
        task.run(&ctx, vendor.org).await.unwrap();
    }
    until(
        &database,
        "SELECT count(*) = 2000 AND count(*) FILTER (WHERE net_minor = 4999) = 1000 \
         AND count(*) FILTER (WHERE net_minor = 5999) = 1000 FROM invoices",
    )
    .await;
    assert_eq!(committed(&mut client).await, (foreseen.1.clone(), foreseen.1));
    testkit::books::assert_right(&database, &ctx, vendor.org).await;
    served.stop().await;
}
