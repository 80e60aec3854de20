//! The sweep: what is due becomes a job, once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use app::day::Task;
use app::feature::{SubmitFeature, Verdict};
use app::investment::{AcceptInvestment, ProposeInvestment};
use app::job::{self, NewJob, Prune, QUEUES, VerifyLedger};
use app::payment::{RecordPayment, WhichInvoice};
use app::telemetry::{self, METRICS};
use domain::investment::{Basis, ShareTreatment, Terms};
use domain::money::{Currency, Money};
use domain::period::{Interval, Unit};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use testkit::{ManualClock, Offer, Vendor, amount};
use worker::Settings;

use crate::database::{Database, advance, set, soon};
use crate::queue::enqueue;

#[tokio::test(flavor = "multi_thread")]
async fn daily_work_is_enqueued_once_a_day_for_live_organizations() {
    let clock = Arc::new(ManualClock::at("2026-11-21T01:30:00Z"));
    let database = Database::new(clock.clone()).await;
    let ctx = &database.ctx;
    let live = Vendor::live(ctx).await.org;
    Vendor::sandbox(ctx, "2026-01-01").await;
    let keys = || database.rows("SELECT key FROM jobs ORDER BY created_at, key");

    let swept = job::sweep(ctx).await.unwrap();
    assert_eq!((swept.organizations, swept.enqueued, swept.failed), (1, 1, 0));
    assert_eq!(keys().await, ["prune:2026-11-21"], "02:30 in Amsterdam: too early to verify");

    // Two processes sweep at once; later again; and the next day, after a night without a worker.
    for (instant, day, jobs) in [
        ("2026-11-21T03:00:00Z", "2026-11-21", 2),
        ("2026-11-21T20:00:00Z", "2026-11-21", 2),
        ("2026-11-22T15:00:00Z", "2026-11-22", 4),
    ] {
        set(&clock, instant);
        let other = database.again();
        let (one, two) = tokio::join!(job::sweep(ctx), job::sweep(&other));
        one.unwrap();
        two.unwrap();
        let keys = keys().await;
        assert_eq!(keys.len(), jobs, "{instant}: {keys:?}");
        assert!(keys.contains(&format!("verify_ledger:{live}:{day}")), "{instant}: {keys:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_sweeps_at_its_start_and_does_what_it_found() {
    let clock = Arc::new(ManualClock::at("2026-11-21T12:00:00Z"));
    let database = Database::new(clock.clone()).await;
    let live = Vendor::live(&database.ctx).await.org;
    let shutdown = tokio_util::sync::CancellationToken::new();
    let settings = Settings { sweep_every: Duration::from_secs(3_600), ..Settings::default() };
    let running = tokio::spawn(worker::run(database.ctx.clone(), settings, shutdown.clone()));
    for queue in [VerifyLedger::QUEUE, Prune::QUEUE] {
        database.until(queue, &["done 1"]).await;
    }
    let proofs = database.rows("SELECT org_id || ' ' || mismatches FROM ledger_proofs").await;
    assert_eq!(proofs, [format!("{live} 0")]);
    shutdown.cancel();
    soon(running).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_enqueued_once_while_it_is_and_billed_by_a_worker() {
    let clock = Arc::new(ManualClock::at("2026-11-21T12:00:00Z"));
    let database = Database::new(clock.clone()).await;
    let ctx = &database.ctx;
    let vendor = Vendor::live(ctx).await;
    let plan =
        vendor.plan("monthly", Offer::flat(Interval::new(1, Unit::Month).unwrap(), "49.00")).await;
    let customer = vendor.customer("Jansen").await;
    vendor.subscribe(&customer, plan, "2026-11-21").await;
    assert!(job::sweep(ctx).await.unwrap().enqueued > 0);
    assert_eq!(job::sweep(ctx).await.unwrap().enqueued, 0, "its job is there");
    assert_eq!(database.jobs(Task::Bill.name()).await, ["queued 0"]);

    let shutdown = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(worker::run(ctx.clone(), Settings::default(), shutdown.clone()));
    database.until(Task::Bill.name(), &["done 1"]).await;
    assert_eq!(database.rows("SELECT count(*)::text FROM invoices").await, ["1"]);
    shutdown.cancel();
    soon(running).await.unwrap().unwrap();
    assert_eq!(job::sweep(ctx).await.unwrap().enqueued, 0, "nothing is due any more");
}

/// What a refresh sets, by name and labels.
async fn gauges(ctx: &app::Ctx) -> BTreeMap<String, f64> {
    let recorder = DebuggingRecorder::new();
    let here = metrics::set_default_local_recorder(&recorder);
    telemetry::refresh(ctx).await.unwrap();
    drop(here);
    let mut gauges = BTreeMap::new();
    for (key, _, _, value) in recorder.snapshotter().snapshot().into_vec() {
        let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
        let DebugValue::Gauge(value) = value else { panic!("{key:?} is no gauge") };
        assert!(METRICS.iter().any(|metric| metric.name == key.key().name()), "{key:?}");
        let name = [&[key.key().name().to_owned()], &*labels].concat().join(" ");
        gauges.insert(name, value.into_inner());
    }
    gauges
}

/// On one thread: so the recorder of the test sees what is recorded.
#[tokio::test(flavor = "current_thread")]
async fn the_gauges_say_what_waits_and_show_every_queue() {
    let clock = Arc::new(ManualClock::at("2026-11-21T12:00:00Z"));
    let database = Database::new(clock.clone()).await;
    let ctx = &database.ctx;
    Vendor::live(ctx).await;
    let jobs = [1, 2, 3].map(|args| NewJob::new(Task::Bill.name(), &args).unwrap());
    enqueue(ctx, &jobs).await;
    let lease = Duration::from_secs(10);
    job::claim(ctx, Task::Bill.name(), "a", 1, &[], lease).await.unwrap();
    advance(&clock, Duration::from_secs(60));

    let gauges = gauges(ctx).await;
    let noon = 1_795_262_400.0;
    for (name, value) in [
        ("recoup_jobs billing queued", 2.0),
        ("recoup_jobs billing running", 1.0),
        ("recoup_jobs billing dead", 0.0),
        ("recoup_jobs turn queued", 0.0),
        ("recoup_jobs_oldest_due_timestamp_seconds billing", noon),
        ("recoup_jobs_oldest_due_timestamp_seconds turn", 0.0),
        ("recoup_billing_due_accounts", 0.0),
        ("recoup_billing_oldest_due_timestamp_seconds", 0.0),
        ("recoup_set_aside billing", 0.0),
        ("recoup_ledger_mismatches", 0.0),
        ("recoup_snapshot_timestamp_seconds", noon + 60.0),
    ] {
        assert_eq!(gauges.get(name), Some(&value), "{name} in {gauges:#?}");
    }
    assert!(gauges["recoup_db_pool_connections open"] >= 1.0);
    let shown = gauges.keys().filter(|name| name.starts_with("recoup_jobs ")).count();
    assert_eq!(shown, 3 * QUEUES.len());
}

#[tokio::test(flavor = "current_thread")]
async fn the_gauges_say_what_live_organizations_are_worth() {
    let clock = Arc::new(ManualClock::at("2026-11-21T12:00:00Z"));
    let database = Database::new(clock.clone()).await;
    let ctx = &database.ctx;
    for vendor in [Vendor::live(ctx).await, Vendor::sandbox(ctx, "2026-11-21").await] {
        let plan = vendor.plan("base", Offer::flat(Interval::YEARLY, "120.00")).await;
        for (name, from) in [("Ann", "2026-01-15"), ("Ben", "2026-11-20"), ("Cor", "2026-12-01")] {
            let customer = vendor.customer(name).await;
            vendor.subscribe(&customer, plan, from).await;
        }
        let dan = vendor.customer("Dan").await;
        vendor.subscribe(&dan, plan, "2025-10-10").await;
    }
    // As if the last had gone last month.
    let went = "UPDATE mrr_segments SET until_on = '2026-10-10', end_reason = 'cancelled', \
                churn_kind = 'involuntary' WHERE from_on = '2025-10-10' RETURNING status";
    assert_eq!(database.rows(went).await.len(), 2);
    let gauges = gauges(ctx).await;
    for (name, value) in [
        ("recoup_mrr EUR", 20.0),
        ("recoup_mrr_committed EUR", 30.0),
        ("recoup_mrr_at_risk EUR", 0.0),
        ("recoup_mrr_movement_month EUR new", 10.0),
        ("recoup_mrr_movement_month EUR churn", 0.0),
        ("recoup_customers paying", 2.0),
        ("recoup_customers paused", 0.0),
        ("recoup_customers starting", 1.0),
        ("recoup_churned_customers_last_month involuntary", 1.0),
        ("recoup_churned_customers_last_month voluntary", 0.0),
        // Never verified: as old as its organization.
        ("recoup_ledger_verified_timestamp_seconds", 1_795_262_400.0),
    ] {
        assert_eq!(gauges.get(name), Some(&value), "{name} in {gauges:#?}");
    }
}

/// Ann paid 1,000.00 for 40 % of a feature, for which Ben is invoiced 100.00 a month.
async fn invest(vendor: &Vendor) {
    let (ann, ben) = (vendor.customer("Ann").await, vendor.customer("Ben").await);
    let mut scope = vendor.scope().await;
    let wish = SubmitFeature {
        id: None,
        title: "Export".to_owned(),
        description: "What it is to do".to_owned(),
        requested_by: None,
    };
    let feature_id = app::feature::submit(&mut scope, wish).await.unwrap().id;
    let verdict = Verdict::Accept { value: 5, complexity: 5, note: None };
    app::feature::assess(&mut scope, feature_id, verdict).await.unwrap();
    let terms = Terms {
        principal: Money::new(100_000, Currency::EUR),
        share_percent: amount("40"),
        return_percent: amount("10"),
        basis: Basis::Invoiced,
        vat_treatment: ShareTreatment::OutsideScope,
    };
    let command = ProposeInvestment { id: None, feature_id, investor_id: ann.id, terms };
    let id = app::investment::propose(&mut scope, command).await.unwrap().id;
    let command = AcceptInvestment { id, consents: true, agreement: None };
    let invoice = app::investment::accept(&mut scope, command).await.unwrap().invoice_id.unwrap();
    let principal = RecordPayment {
        customer_id: None,
        invoice: Some(WhichInvoice::Id(invoice)),
        amount: Money::new(100_000, Currency::EUR),
        booked_on: None,
        reference: None,
        payer_name: None,
        note: None,
        external_id: None,
    };
    app::payment::record(&mut scope, principal).await.unwrap();
    scope.commit().await.unwrap();
    let offer = Offer::flat(Interval::MONTHLY, "100.00");
    let plan = vendor.feature_plan("export", offer, feature_id).await;
    vendor.subscribe(&ben, plan, "2026-11-21").await;
    vendor.bill().await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn the_gauges_say_what_investors_are_owed_credited_and_paid() {
    let clock = Arc::new(ManualClock::at("2026-11-21T12:00:00Z"));
    let database = Database::new(clock.clone()).await;
    let ctx = &database.ctx;
    let vendor = Vendor::live(ctx).await;
    invest(&vendor).await;
    advance(&clock, Duration::from_secs(12 * 86_400));
    let late = gauges(ctx).await;
    assert_eq!(late["recoup_share_months_late"], 1.0, "November was due yesterday");
    app::share::credit_due(ctx, vendor.org).await.unwrap();
    let gauges = gauges(ctx).await;
    for (name, value) in [
        ("recoup_investor_owed_amount EUR principal", 960.0),
        ("recoup_investor_owed_amount EUR return", 100.0),
        ("recoup_investor_owed_amount EUR accrued", 0.0),
        ("recoup_investor_payable_amount EUR", 40.0),
        ("recoup_investor_in_transit_amount EUR", 0.0),
        ("recoup_investor_credited_month_amount EUR", 40.0),
        ("recoup_investor_paid_month_amount EUR", 0.0),
        ("recoup_investor_mismatch_amount EUR", 0.0),
        ("recoup_investments recouping", 1.0),
        ("recoup_investments funded", 0.0),
        ("recoup_payouts ready", 1.0),
        ("recoup_share_months_late", 0.0),
    ] {
        assert_eq!(gauges.get(name), Some(&value), "{name} in {gauges:#?}");
    }
}
