//! The gateway is late, silent, says things twice; workers are killed and cut off: whoever owes is
//! charged once, and it is recorded once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use app::gateway::Gateways;
use app::payment_method::{NewDetails, SetPaymentMethod};
use app::{Ctx, Error};
use domain::customer::Customer;
use domain::date::add_days;
use domain::dunning::{Action, LateFee, Policy, Step, Terms};
use domain::id::{OrgId, PlanId};
use domain::money::{Currency, Money};
use domain::payment::Answer;
use domain::period::Interval;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use testkit::gateway::Said;
use testkit::{
    Cut, Database, ManualClock, Offer, Proxy, ScriptedGateway, Vendor, books, copy, date,
};

/// 49.99 and 21 % of it.
const TOTAL: i64 = 6_049;
/// Longer than any answer takes that comes.
const LIMIT: Duration = Duration::from_secs(20);

fn settled() -> Answer {
    Answer::Settled { on: date("2025-02-03") }
}

fn card() -> NewDetails {
    NewDetails::Card {
        token: "settles".to_owned().into(),
        brand: "visa".into(),
        last_four: "4242".into(),
        expires_year: 2031,
        expires_month: 3,
        holder: None,
    }
}

async fn pays_by(vendor: &Vendor, customer: &Customer, details: NewDetails) {
    let mut scope = vendor.scope().await;
    let command = SetPaymentMethod { customer_id: customer.id, id: None, details };
    app::payment_method::set(&mut scope, command).await.unwrap();
    scope.commit().await.unwrap();
}

/// A vendor on Monday 3 February, to whom so many customers with cards are to pay today.
async fn owed(ctx: &Ctx, payers: usize) -> Vendor {
    let vendor = Vendor::sandbox(ctx, "2025-02-03").await;
    let plan = vendor.plan("monthly", Offer::flat(Interval::MONTHLY, "49.99")).await;
    for payer in 0..payers {
        owes(&vendor, plan, &format!("Payer {payer}"), card()).await;
    }
    vendor.bill().await.unwrap();
    vendor
}

/// A customer who is to pay today.
async fn owes(vendor: &Vendor, plan: PlanId, name: &str, details: NewDetails) {
    let customer = vendor.customer(name).await;
    let mut scope = vendor.scope().await;
    let today = scope.today().to_string();
    let now = |facts| app::customer::Facts { payment_terms_days: Some(0), ..facts };
    app::customer::update(&mut scope, customer.id, now).await.unwrap();
    scope.commit().await.unwrap();
    pays_by(vendor, &customer, details).await;
    vendor.subscribe(&customer, plan, &today).await;
}

/// A vendor to whom somebody pays so late that a fee is due.
async fn owed_late(ctx: &Ctx, database: &Database) -> Vendor {
    let vendor = Vendor::sandbox(ctx, "2025-01-18").await;
    let amounts = vec![Money::new(4_000, Currency::EUR)];
    let late_fee = Some(LateFee { product_id: vendor.product("late fees").await, amounts });
    let mut terms = Policy::goodwill().terms().clone();
    let (action, schemes, classes) = (Action::ChargeLateFee, Vec::new(), Vec::new());
    terms.steps.push(Step { day: 16, action, schemes, classes });
    terms.steps.sort_by_key(|step| step.day);
    let terms = Terms { late_fee, ..terms };
    let mut scope = vendor.scope().await;
    let command = app::dunning::CreateDunningPolicy { id: None, name: "Own".into(), terms };
    let made = app::dunning::create(&mut scope, command).await.unwrap();
    app::dunning::set_default(&mut scope, made.id).await.unwrap();
    scope.commit().await.unwrap();
    let plan = vendor.plan("monthly", Offer::flat(Interval::MONTHLY, "49.99")).await;
    owes(&vendor, plan, "Late", NewDetails::BankTransfer).await;
    vendor.bill().await.unwrap();
    later(database, vendor.org, 16 * 24 * 60).await;
    vendor
}

/// The late fees that were charged.
async fn fees(database: &Database, org: OrgId) -> i64 {
    let count = "SELECT count(*) FROM charges \
                 WHERE org_id = ($1::text)::uuid AND late_fee_of IS NOT NULL";
    database.sql().await.query_one(count, &[&org.to_string()]).await.unwrap().get(0)
}

fn with(ctx: &Ctx, gateway: &Arc<ScriptedGateway>, limit: Duration) -> Ctx {
    let gateways = Gateways::only(Arc::<ScriptedGateway>::clone(gateway)).within(limit);
    Ctx { gateways, ..ctx.clone() }
}

/// Moves the vendor's clock, without anything being done.
async fn later(database: &Database, org: OrgId, minutes: i64) {
    let later = format!(
        "UPDATE organizations SET sandbox_now = sandbox_now + interval '{minutes} minutes' \
         WHERE org_id = '{org}'"
    );
    database.sql().await.batch_execute(&later).await.unwrap();
}

async fn collect(vendor: &Vendor) -> Result<(), Error> {
    app::collection::run(&vendor.ctx, vendor.org).await.map(drop)
}

/// Starts a run, and kills it once the gateway has been called so often.
async fn killed_at(vendor: &Vendor, gateway: &ScriptedGateway, calls: usize) {
    tokio::select! {
        done = collect(vendor) => drop(done),
        () = gateway.called(calls) => {}
    }
}

async fn states(database: &Database, org: OrgId) -> Vec<String> {
    let states = "SELECT state FROM payment_attempts WHERE org_id = ($1::text)::uuid ORDER BY id";
    let rows = database.sql().await.query(states, &[&org.to_string()]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// What was recorded as collected, less what went back.
async fn recorded(database: &Database, org: OrgId) -> i64 {
    let sum = "SELECT coalesce(sum(amount_minor), 0)::bigint FROM payments \
               WHERE org_id = ($1::text)::uuid AND kind IN ('collection', 'bounce')";
    database.sql().await.query_one(sum, &[&org.to_string()]).await.unwrap().get(0)
}

async fn one_payer() -> (Database, Arc<ScriptedGateway>, Vendor) {
    let database = Database::fresh().await;
    let ctx = database.ctx(ManualClock::at(crate::world::NOW));
    let gateway = ScriptedGateway::new();
    let vendor = owed(&with(&ctx, &gateway, LIMIT), 1).await;
    (database, gateway, vendor)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_worker_is_killed_during_a_call_the_query_decides_and_nothing_is_sent_again() {
    let (database, gateway, vendor) = one_payer().await;
    gateway.on_submit(Said::HangsAfter(settled()));
    killed_at(&vendor, &gateway, 1).await;
    assert_eq!(states(&database, vendor.org).await, ["submitting"]);
    // Before it is time nobody asks, and nobody sends.
    collect(&vendor).await.unwrap();
    later(&database, vendor.org, 4).await;
    collect(&vendor).await.unwrap();
    assert_eq!((gateway.submissions().len(), gateway.queries().len()), (1, 0));
    later(&database, vendor.org, 1).await;
    collect(&vendor).await.unwrap();
    assert_eq!(states(&database, vendor.org).await, ["settled"]);
    assert_eq!((gateway.submissions().len(), gateway.queries().len()), (1, 1));
    assert_eq!((gateway.collected(), recorded(&database, vendor.org).await), (TOTAL, TOTAL));
    books::assert_right(&database, &vendor.ctx, vendor.org).await;
}

/// Who works on the only invoice that is collected.
async fn worker(vendor: &Vendor) -> Option<String> {
    let mut scope = vendor.scope().await;
    let page = app::page::PageRequest::new(50, String::new()).unwrap();
    let filter = app::collection::queue::Filter::default();
    let found = app::collection::queue::list(&mut scope, filter, &page).await.unwrap();
    found.rows[0].worker.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_says_which_worker_sends_an_attempt_until_it_is_heard_how_it_ended() {
    let (database, gateway, vendor) = one_payer().await;
    assert_eq!(worker(&vendor).await, None);
    gateway.on_submit(Said::HangsAfter(Answer::Accepted));
    let first = Ctx { worker: Arc::from("first-1"), ..vendor.ctx.clone() };
    tokio::select! {
        done = app::collection::run(&first, vendor.org) => drop(done),
        () = gateway.called(1) => {}
    }
    assert_eq!(worker(&vendor).await, Some("first-1".into()));
    later(&database, vendor.org, 5).await;
    collect(&vendor).await.unwrap();
    assert_eq!(worker(&vendor).await, None, "the bank has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_arrived_is_sent_again_with_a_key_of_its_own_after_the_query_said_so() {
    let (database, gateway, vendor) = one_payer().await;
    gateway.on_submit(Said::HangsBefore);
    killed_at(&vendor, &gateway, 1).await;
    for minutes in [5, 4, 1] {
        later(&database, vendor.org, minutes).await;
        collect(&vendor).await.unwrap();
    }
    assert_eq!(states(&database, vendor.org).await, ["not_sent", "settled"]);
    let sent = gateway.submissions();
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0].attempt, sent[1].attempt);
    assert_eq!((gateway.collected(), recorded(&database, vendor.org).await), (TOTAL, TOTAL));
    books::assert_right(&database, &vendor.ctx, vendor.org).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_after_a_settle_and_an_answer_that_comes_twice_change_nothing() {
    let (database, gateway, vendor) = one_payer().await;
    gateway.on_submit(Said::LosesAnswer(Answer::Accepted));
    collect(&vendor).await.unwrap();
    let attempt = gateway.submissions()[0].attempt;
    gateway.on_query(Said::Answers(settled()));
    later(&database, vendor.org, 5).await;
    // Two ask at once.
    let (one, other) = tokio::join!(collect(&vendor), collect(&vendor));
    one.and(other).unwrap();
    let mut scope = vendor.scope().await;
    for result in [
        domain::payment::attempt::AttemptState::Declined,
        domain::payment::attempt::AttemptState::Settled,
    ] {
        let report = app::collection::queue::Report {
            attempt_id: attempt,
            result,
            raw_code: Some("insufficient_funds".into()),
            on: None,
            fee: None,
            reference: None,
        };
        app::collection::queue::report(&mut scope, report).await.unwrap();
    }
    scope.commit().await.unwrap();
    assert_eq!(states(&database, vendor.org).await, ["settled"]);
    assert_eq!(recorded(&database, vendor.org).await, TOTAL);
    books::assert_right(&database, &vendor.ctx, vendor.org).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_send_a_thousand_attempts_once_each() {
    const DUE: usize = 1_000;
    let database = Database::fresh().await;
    let clock = Arc::new(ManualClock::at(crate::world::NOW));
    let gateway = ScriptedGateway::new();
    let ctx = with(&testkit::ctx(database.store(), clock.clone()), &gateway, LIMIT);
    let vendor = owed(&ctx, 0).await;
    let plan = vendor.plan("yearly", Offer::flat(Interval::MONTHLY, "49.99")).await;
    let customer = vendor.customer("Crowd").await;
    let made = vendor.subscribe(&customer, plan, "2025-02-03").await;
    copy::crowd(&database, made.id, DUE as u32 - 1).await;
    let sql = database.sql().await;
    sql.batch_execute("UPDATE customers SET payment_terms_days = 0").await.unwrap();
    let mut scope = vendor.scope().await;
    for row in sql.query("SELECT id::text FROM customers", &[]).await.unwrap() {
        let details = card();
        let customer_id = domain::id::CustomerId(row.get::<_, &str>(0).parse().unwrap());
        let command = SetPaymentMethod { customer_id, id: None, details };
        app::payment_method::set(&mut scope, command).await.unwrap();
    }
    scope.commit().await.unwrap();
    vendor.bill().await.unwrap();
    let worker = |store| {
        let ctx = with(&testkit::ctx(store, clock.clone()), &gateway, LIMIT);
        let vendor = Vendor { ctx, ..vendor.clone() };
        tokio::spawn(async move { collect(&vendor).await })
    };
    let (one, other) = (worker(database.store()), worker(database.store()));
    one.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    // Who comes last does what the others held.
    collect(&vendor).await.unwrap();
    let mut sent: Vec<_> = gateway.submissions().into_iter().map(|one| one.invoice).collect();
    sent.sort_unstable();
    sent.dedup();
    assert_eq!((gateway.submissions().len(), sent.len()), (DUE, DUE));
    let whole = TOTAL * DUE as i64;
    assert_eq!((gateway.collected(), recorded(&database, vendor.org).await), (whole, whole));
}

/// More statements than collecting has.
const MOST: usize = 300;

/// Collects from two with the connection cut at one statement after the other; then goes on until
/// nobody waits for an answer. Answers how many statements there were.
async fn cut_off_everywhere(side: Cut) -> usize {
    let database = Database::fresh().await;
    let clock = Arc::new(ManualClock::at(crate::world::NOW));
    let proxy = Proxy::before(&database).await;
    let (direct, store) = (testkit::ctx(database.store(), clock.clone()), proxy.store());
    for statement in 1..MOST {
        let gateway = ScriptedGateway::new();
        let whole = owed(&with(&direct, &gateway, LIMIT), 2).await;
        let ctx = with(&testkit::ctx(store.clone(), clock.clone()), &gateway, LIMIT);
        let cut_off = Vendor { ctx, ..whole.clone() };
        proxy.cut(statement, side);
        let first = collect(&cut_off).await;
        let happened = proxy.mend();
        if let Err(error) = first {
            let is_away = matches!(error, Error::Unavailable(_));
            assert!(happened && is_away, "cut {side:?} statement {statement}: {error:?}");
        }
        crate::world::idle(&database).await;
        for minutes in [0, 5, 5] {
            later(&database, whole.org, minutes).await;
            collect(&cut_off).await.unwrap();
        }
        let books = (gateway.collected(), recorded(&database, whole.org).await);
        assert_eq!(books, (2 * TOTAL, 2 * TOTAL), "cut {side:?} statement {statement}");
        books::assert_right(&database, &whole.ctx, whole.org).await;
        if !happened {
            return statement - 1;
        }
    }
    panic!("{MOST} statements are not enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn collecting_cut_off_before_any_of_its_statements_collects_once() {
    let statements = cut_off_everywhere(Cut::Before).await;
    assert!(statements > 20, "only {statements} statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn collecting_whose_answer_is_lost_at_any_of_its_statements_collects_once() {
    let statements = cut_off_everywhere(Cut::After).await;
    assert!(statements > 20, "only {statements} statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_fee_is_charged_once_at_whichever_statement_the_answer_is_lost() {
    let database = Database::fresh().await;
    let clock = Arc::new(ManualClock::at(crate::world::NOW));
    let proxy = Proxy::before(&database).await;
    let (direct, store) = (testkit::ctx(database.store(), clock.clone()), proxy.store());
    for statement in 1..MOST {
        let whole = owed_late(&direct, &database).await;
        let cut_off = Vendor { ctx: testkit::ctx(store.clone(), clock.clone()), ..whole.clone() };
        proxy.cut(statement, Cut::After);
        let first = collect(&cut_off).await;
        let happened = proxy.mend();
        if let Err(error) = first {
            let is_away = matches!(error, Error::Unavailable(_));
            assert!(happened && is_away, "statement {statement}: {error:?}");
        }
        crate::world::idle(&database).await;
        collect(&cut_off).await.unwrap();
        assert_eq!(fees(&database, whole.org).await, 1, "statement {statement}");
        books::assert_right(&database, &whole.ctx, whole.org).await;
        if !happened {
            assert!(statement > 60, "only {statement} statements");
            return;
        }
    }
    panic!("{MOST} statements are not enough");
}

/// What happens, one after the other.
#[derive(Debug, Clone)]
enum Event {
    Submit(Said),
    Query(Said),
    Run,
    Killed { calls: usize },
    Cut { statement: usize, after: bool },
    Minutes(i64),
    Days(i64),
}

fn event() -> impl Strategy<Value = Event> {
    let declined = || Answer::Declined { code: "insufficient_funds".into() };
    let answer = prop::sample::select(vec![settled(), Answer::Accepted, declined()]);
    let submit = prop_oneof![
        2 => answer.clone().prop_map(Said::LosesAnswer),
        2 => answer.clone().prop_map(Said::HangsAfter),
        2 => answer.prop_map(Said::Answers),
        1 => Just(Said::LosesOrder),
        1 => Just(Said::HangsBefore),
        1 => Just(Said::Answers(Answer::NotSent)),
    ];
    let query = prop_oneof![
        Just(Said::Tells(Answer::Unknown)),
        Just(Said::HangsBefore),
        Just(Said::Answers(settled())),
    ];
    prop_oneof![
        5 => submit.prop_map(Event::Submit),
        2 => query.prop_map(Event::Query),
        4 => Just(Event::Run),
        3 => (1..4_usize).prop_map(|calls| Event::Killed { calls }),
        3 => (1..60_usize, any::<bool>())
            .prop_map(|(statement, after)| Event::Cut { statement, after }),
        3 => (1..200_i64).prop_map(Event::Minutes),
        2 => (1..8_i64).prop_map(Event::Days),
    ]
}

/// Does one thing; a run that is cut off or killed is nobody's fault.
async fn happen(
    event: &Event,
    database: &Database,
    vendor: &Vendor,
    of: (&Proxy, &ScriptedGateway),
) {
    let (proxy, gateway) = of;
    match event {
        Event::Submit(said) => gateway.on_submit(said.clone()),
        Event::Query(said) => gateway.on_query(said.clone()),
        Event::Run => collect(vendor).await.unwrap(),
        Event::Killed { calls } => {
            let so_far = gateway.submissions().len() + gateway.queries().len();
            killed_at(vendor, gateway, so_far + calls).await;
        }
        Event::Cut { statement, after } => {
            proxy.cut(*statement, if *after { Cut::After } else { Cut::Before });
            if let Err(error) = collect(vendor).await {
                assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
            }
            let _ = proxy.mend();
            crate::world::idle(database).await;
        }
        Event::Minutes(minutes) => later(database, vendor.org, *minutes).await,
        Event::Days(days) => later(database, vendor.org, days * 24 * 60).await,
    }
}

/// Three months on, in which the banks come to an end with everything.
async fn afterwards(vendor: &Vendor, gateway: &ScriptedGateway) {
    gateway.usually(|order| Answer::Settled { on: order.today() });
    for _ in 0..9 {
        for sent in gateway.submissions() {
            if gateway.stands(sent.attempt) == Some(Answer::Accepted) {
                gateway.turns(sent.attempt, settled());
            }
        }
        let target = add_days(vendor.today().await, 10);
        vendor.live_until(target).await.unwrap();
    }
}

#[test]
fn whatever_the_gateway_says_and_whoever_is_killed_each_invoice_is_charged_and_recorded_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (database, proxy) = runtime.block_on(async {
        let database = Database::fresh().await;
        let proxy = Proxy::before(&database).await;
        (database, proxy)
    });
    let store = runtime.block_on(async { proxy.store() });
    let clock = Arc::new(ManualClock::at(crate::world::NOW));
    let mut runner =
        TestRunner::new(Config { cases: 12, max_shrink_iters: 30, ..Config::default() });
    let schedules = prop::collection::vec(event(), 4..24);
    let checked = runner.run(&schedules, |events| {
        runtime.block_on(async {
            let gateway = ScriptedGateway::new();
            let ctx = testkit::ctx(store.clone(), clock.clone());
            let vendor = owed(&with(&ctx, &gateway, Duration::from_millis(40)), 3).await;
            for event in &events {
                happen(event, &database, &vendor, (&proxy, &gateway)).await;
            }
            afterwards(&vendor, &gateway).await;
            let mut charged: BTreeMap<String, usize> = BTreeMap::new();
            for sent in gateway.submissions() {
                if let Some(Answer::Settled { .. }) = gateway.stands(sent.attempt) {
                    *charged.entry(sent.invoice).or_default() += 1;
                }
            }
            let twice: Vec<_> = charged.iter().filter(|(_, times)| **times > 1).collect();
            assert!(twice.is_empty(), "charged more than once: {twice:?}");
            assert_eq!(gateway.collected(), recorded(&database, vendor.org).await);
            books::assert_right(&database, &vendor.ctx, vendor.org).await;
        });
        Ok(())
    });
    checked.unwrap();
    // What holds connections ends on the runtime.
    runtime.block_on(async { drop((store, proxy, database)) });
}
