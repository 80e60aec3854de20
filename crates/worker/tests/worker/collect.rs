//! Collecting as work: a live organization's due attempts are executed, asked about, and counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use app::Ctx;
use app::day::Task;
use app::gateway::Gateways;
use app::job;
use app::payment::{self, RecordPayment};
use app::payment_method::{self, NewDetails, SetPaymentMethod};
use app::telemetry;
use domain::id::CustomerId;
use domain::money::{Currency, Money};
use domain::payment::Answer;
use domain::period::Interval;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use testkit::gateway::Said;
use testkit::{ManualClock, Offer, ScriptedGateway, Vendor, date};
use tokio_util::sync::CancellationToken;
use worker::Settings;

use crate::database::{Database, set, soon, soon_so};

/// A world with a gateway that a test tells what to say.
async fn world(clock: &Arc<ManualClock>) -> (Database, Arc<ScriptedGateway>) {
    let mut database = Database::new(clock.clone()).await;
    let gateway = ScriptedGateway::new();
    database.ctx.gateways = Gateways::only(gateway.clone());
    (database, gateway)
}

/// A customer with a mandate, billed today EUR 49.00 with VAT, to be collected on Monday 7 December.
async fn billed(vendor: &Vendor) -> CustomerId {
    let plan = vendor.plan("yearly", Offer::flat(Interval::YEARLY, "40.50")).await;
    let customer = vendor.customer("Jansen").await;
    let mut scope = vendor.scope().await;
    let details = NewDetails::DirectDebit {
        iban: "NL91ABNA0417164300".into(),
        holder: "Jansen".to_owned(),
        reference: None,
        signed_on: scope.today(),
    };
    let command = SetPaymentMethod { customer_id: customer.id, id: None, details };
    payment_method::set(&mut scope, command).await.unwrap();
    scope.commit().await.unwrap();
    vendor.subscribe(&customer, plan, "2026-11-21").await;
    vendor.bill().await.unwrap();
    customer.id
}

const ATTEMPTS: &str = "SELECT state FROM payment_attempts ORDER BY number";

async fn attempts(database: &Database, expected: &[&str]) {
    soon_so(
        async || database.rows(ATTEMPTS).await == expected,
        async || format!("expected {expected:?}, are {:?}", database.rows(ATTEMPTS).await),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_submits_what_is_due_and_asks_five_minutes_later_what_became_of_it() {
    let clock = Arc::new(ManualClock::at("2026-11-21T12:00:00Z"));
    let (database, gateway) = world(&clock).await;
    let vendor = Vendor::live(&database.ctx).await;
    billed(&vendor).await;
    gateway.on_submit(Said::LosesAnswer(Answer::Settled { on: date("2026-12-07") }));

    let settings = Settings { sweep_every: Duration::from_millis(20), ..Settings::default() };
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker::run(database.ctx.clone(), settings, stop.clone()));
    set(&clock, "2026-12-06T22:59:59Z");
    database.until(Task::Collect.name(), &[]).await;
    // Midnight in Amsterdam.
    set(&clock, "2026-12-06T23:00:00Z");
    attempts(&database, &["unknown"]).await;
    assert_eq!(gateway.submissions().len(), 1);
    set(&clock, "2026-12-06T23:04:59Z");
    assert_eq!(gateway.queries().len(), 0, "too early to ask");
    set(&clock, "2026-12-06T23:05:00Z");
    attempts(&database, &["settled"]).await;
    assert_eq!((gateway.submissions().len(), gateway.queries().len()), (1, 1));
    let states = database.rows("SELECT state FROM collections").await;
    assert_eq!(states, ["closed"]);
    assert_eq!(database.rows("SELECT amount_minor::text FROM payments").await, ["4901"]);
    stop.cancel();
    soon(running).await.unwrap().unwrap();
    assert_eq!(job::sweep(&database.ctx).await.unwrap().failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_submit_what_is_due_once() {
    let clock = Arc::new(ManualClock::at("2026-11-21T12:00:00Z"));
    let (database, gateway) = world(&clock).await;
    let vendor = Vendor::live(&database.ctx).await;
    billed(&vendor).await;
    gateway.usually(|_| Answer::Accepted);
    set(&clock, "2026-12-07T00:00:00Z");
    let settings = Settings { sweep_every: Duration::from_millis(20), ..Settings::default() };
    let stop = CancellationToken::new();
    let run = |ctx: Ctx| tokio::spawn(worker::run(ctx, settings.clone(), stop.clone()));
    let other = Ctx { gateways: database.ctx.gateways.clone(), ..database.again() };
    let running = [run(database.ctx.clone()), run(other)];
    attempts(&database, &["accepted"]).await;
    stop.cancel();
    for one in running {
        soon(one).await.unwrap().unwrap();
    }
    assert_eq!(gateway.submissions().len(), 1);
}

/// What is recorded while something is done, by name and labels.
async fn recorded(doing: impl Future<Output = ()>) -> BTreeMap<String, f64> {
    let recorder = DebuggingRecorder::new();
    let here = metrics::set_default_local_recorder(&recorder);
    doing.await;
    drop(here);
    let mut found = BTreeMap::new();
    for (key, _, _, value) in recorder.snapshotter().snapshot().into_vec() {
        let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
        let name = [&[key.key().name().to_owned()], &*labels].concat().join(" ");
        let value = match value {
            DebugValue::Gauge(value) => value.into_inner(),
            #[allow(clippy::cast_precision_loss)] // A handful.
            DebugValue::Counter(value) => value as f64,
            DebugValue::Histogram(_) => continue,
        };
        found.insert(name, value);
    }
    assert_silent(&found);
    found
}

/// No name and no label of a metric tells an account or a customer, however it is spelt.
fn assert_silent(found: &BTreeMap<String, f64>) {
    for name in found.keys() {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_ascii_lowercase();
        for secret in ["nl91abna0417164300", "0417164300", "jansen"] {
            assert!(!plain.contains(secret), "{secret} in {name}");
        }
    }
}

fn assert_shown(found: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        assert_eq!(found.get(*name), Some(value), "{name} in {found:#?}");
    }
}

async fn collect(ctx: &Ctx, vendor: &Vendor) -> BTreeMap<String, f64> {
    recorded(async { drop(Task::Collect.run(ctx, vendor.org).await.unwrap()) }).await
}

async fn gauges(ctx: &Ctx) -> BTreeMap<String, f64> {
    recorded(async { telemetry::refresh(ctx).await.unwrap() }).await
}

async fn stray_money(vendor: &Vendor) {
    let mut scope = vendor.scope().await;
    let money = RecordPayment {
        customer_id: None,
        invoice: None,
        amount: Money::new(1_000, Currency::EUR),
        booked_on: None,
        reference: Some("thanks".to_owned()),
        payer_name: None,
        note: None,
        external_id: None,
    };
    payment::record(&mut scope, money).await.unwrap();
    scope.commit().await.unwrap();
}

/// On one thread: so the recorder of the test sees what is recorded.
#[tokio::test(flavor = "current_thread")]
async fn the_numbers_say_what_is_collected_what_failed_and_what_was_recovered() {
    let clock = Arc::new(ManualClock::at("2026-11-21T12:00:00Z"));
    let (database, gateway) = world(&clock).await;
    let ctx = &database.ctx;
    let vendor = Vendor::live(ctx).await;
    // What a sandbox does is not counted.
    let sandbox = Vendor::sandbox(ctx, "2026-11-21").await;
    billed(&sandbox).await;
    stray_money(&sandbox).await;
    billed(&vendor).await;
    let zero = |state: &str| (format!("recoup_retries {state}"), 0.0);
    let before = gauges(ctx).await;
    assert_shown(&before, &[("recoup_retries waiting", 1.0), ("recoup_retries_due", 0.0)]);
    for (name, value) in ["under_way", "unknown", "held", "person"].map(zero) {
        assert_shown(&before, &[(&name, value)]);
    }
    assert_shown(
        &before,
        &[
            ("recoup_retries_oldest_due_timestamp_seconds", 0.0),
            ("recoup_payment_recovered_amount EUR", 0.0),
            ("recoup_payment_unmatched", 0.0),
            ("recoup_drafts", 0.0),
        ],
    );

    set(&clock, "2026-12-07T12:00:00Z");
    // Since midnight in Amsterdam.
    let midnight = 1_796_598_000.0;
    assert_shown(
        &gauges(ctx).await,
        &[("recoup_retries_due", 1.0), ("recoup_retries_oldest_due_timestamp_seconds", midnight)],
    );
    gateway.on_submit(Said::Answers(Answer::Declined { code: "ZZ99".to_owned() }));
    assert_shown(
        &collect(ctx, &vendor).await,
        &[
            ("recoup_payment_attempts_total direct_debit submitted", 1.0),
            ("recoup_payment_attempts_total direct_debit declined", 1.0),
            ("recoup_payment_failures_total unknown", 1.0),
            ("recoup_payment_unknown_codes_total", 1.0),
        ],
    );
    stray_money(&vendor).await;
    let failed = gauges(ctx).await;
    assert_shown(&failed, &[("recoup_payment_unmatched", 1.0), ("recoup_retries_due", 0.0)]);
    assert_shown(&failed, &[("recoup_payment_recovered_amount EUR", 0.0)]);

    // An unknown code is tried once more.
    set(&clock, "2026-12-14T12:00:00Z");
    assert_shown(
        &collect(ctx, &vendor).await,
        &[("recoup_payment_attempts_total direct_debit settled", 1.0)],
    );
    let after = gauges(ctx).await;
    assert_shown(
        &after,
        &[("recoup_payment_recovered_amount EUR", 49.01), ("recoup_retries waiting", 0.0)],
    );
    set(&clock, "2027-01-01T12:00:00Z");
    let later = gauges(ctx).await;
    assert_shown(&later, &[("recoup_payment_recovered_amount EUR", 0.0)]);
}

/// On one thread, as above.
#[tokio::test(flavor = "current_thread")]
async fn every_counter_of_payments_is_there_from_the_start() {
    let found = recorded(async { telemetry::describe() }).await;
    for outcome in ["submitted", "settled", "declined", "bounced", "unknown", "lost"] {
        for scheme in ["direct_debit", "card"] {
            let name = format!("recoup_payment_attempts_total {scheme} {outcome}");
            assert_shown(&found, &[(&name, 0.0)]);
        }
    }
    for class in domain::failure::FailureClass::ALL {
        let name = format!("recoup_payment_failures_total {}", class.as_str());
        assert_shown(&found, &[(&name, 0.0)]);
    }
    assert_shown(&found, &[("recoup_payment_unknown_codes_total", 0.0)]);
}
