//! Faults: the connection is cut at every statement; after each cut, the work done again ends in the
//! same state as without it.

use std::sync::Arc;

use app::day::Task;
use app::{Ctx, Error};
use domain::id::OrgId;
use domain::period::Interval;
use server::pb::v1;
use testkit::{Cut, Database, ManualClock, Offer, Proxy, Vendor, copy, date, snapshot};

use crate::world::{Client, Served, refusal};

/// More statements than anything here has: the loops end long before.
const MOST: usize = 400;

/// A vendor on 1 March: subscriptions turn, are billed, and earn a month.
pub async fn first_of_march() -> (Database, Arc<ManualClock>, OrgId) {
    let database = Database::fresh().await;
    let clock = Arc::new(ManualClock::at(crate::world::NOW));
    let ctx = testkit::ctx(database.store(), clock.clone());
    let vendor = Vendor::sandbox(&ctx, "2025-02-27").await;
    let monthly = vendor.plan("monthly", Offer::flat(Interval::MONTHLY, "49.99")).await;
    let yearly = vendor.plan("yearly", Offer::flat(Interval::YEARLY, "365.00")).await;
    let trial = Offer { trial_days: 28, ..Offer::flat(Interval::MONTHLY, "10.00") };
    let trial = vendor.plan("trial", trial).await;
    for name in ["Ann", "Ben"] {
        let customer = vendor.customer(name).await;
        for plan in [monthly, yearly, trial] {
            vendor.subscribe(&customer, plan, "2025-02-01").await;
        }
        let ending = vendor.subscribe(&customer, monthly, "2025-02-01").await;
        vendor.cancel(ending.id).await.unwrap();
    }
    vendor.live_until(vendor.today().await).await.unwrap();
    // The day begins, and nothing of it has been done.
    let begin = "UPDATE organizations SET sandbox_now = '2025-03-01 00:00 Europe/Amsterdam'";
    database.sql().await.batch_execute(begin).await.unwrap();
    (database, clock, vendor.org)
}

/// Does `work` with its connection cut at one statement after the other, then once more; every time
/// the end is that of an undisturbed run. Answers how many statements there were.
async fn cut_everywhere(side: Cut, work: impl AsyncFn(Vendor) -> Result<(), Error>) -> usize {
    cut_everywhere_from(first_of_march().await, side, work).await
}

/// The same, from any beginning.
pub async fn cut_everywhere_from(
    (database, clock, original): (Database, Arc<ManualClock>, OrgId),
    side: Cut,
    work: impl AsyncFn(Vendor) -> Result<(), Error>,
) -> usize {
    let proxy = Proxy::before(&database).await;
    let store = proxy.store();
    let vendor = |org| {
        let ctx = testkit::ctx(store.clone(), clock.clone());
        Vendor { ctx, org, key: String::new() }
    };
    let undisturbed = vendor(copy::twin(&database, original).await);
    work(undisturbed.clone()).await.unwrap();
    let expected = snapshot(&database, undisturbed.org).await;
    testkit::books::assert_right(&database, &undisturbed.ctx, undisturbed.org).await;
    for statement in 1..MOST {
        let cut_off = vendor(copy::twin(&database, original).await);
        proxy.cut(statement, side);
        let first = work(cut_off.clone()).await;
        if !proxy.mend() {
            first.expect("without a cut it succeeds");
            return statement - 1;
        }
        if let Err(error) = first {
            let is_away = matches!(error, Error::Unavailable(_));
            assert!(is_away, "cut {side:?} statement {statement}: {error:?}");
        }
        crate::world::idle(&database).await;
        // Whoever was cut off while it moved the clock has a minute to come back.
        clock.advance(chrono::Duration::seconds(61));
        let again = work(cut_off.clone()).await;
        again.unwrap_or_else(|error| panic!("again after {side:?} {statement}: {error:?}"));
        let found = snapshot(&database, cut_off.org).await;
        assert_eq!(found, expected, "cut {side:?} statement {statement}");
    }
    panic!("{MOST} statements are not enough");
}

/// All tasks of the day.
async fn day(vendor: Vendor) -> Result<(), Error> {
    vendor.live_until(date("2025-03-01")).await?;
    let mut scope = vendor.ctx.scope(vendor.org).await?;
    for task in Task::ALL {
        assert!(!task.is_due(&mut scope).await?, "{} is left", task.name());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_cut_off_before_any_of_its_statements_is_lived_once() {
    let statements = cut_everywhere(Cut::Before, day).await;
    assert!(statements > 60, "only {statements} statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_whose_answer_is_lost_at_any_of_its_statements_is_lived_once() {
    let statements = cut_everywhere(Cut::After, day).await;
    assert!(statements > 60, "only {statements} statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_a_request_id_is_carried_out_once_wherever_the_connection_breaks() {
    let (database, clock, org) = first_of_march().await;
    let ctx = testkit::ctx(database.store(), clock.clone());
    let proxy = Proxy::before(&database).await;
    let served = Served::start(proxy.store(), clock.clone(), server::Settings::default()).await;
    let mut admin = served.client(&admin_key(&ctx, org, clock.as_ref()).await);
    let mut visited = 0;
    for side in [Cut::Before, Cut::After] {
        for statement in 1..MOST {
            let name = format!("{side:?} {statement}");
            let request = v1::CreateCustomerRequest {
                customer: Some(Client::business(&name)),
                request_id: domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string(),
                ..Default::default()
            };
            proxy.cut(statement, side);
            let first = admin.customers.create_customer(request.clone()).await;
            let happened = proxy.mend();
            if let Err(status) = first {
                assert_eq!(
                    refusal(Err::<(), _>(status)).line(),
                    "Unavailable DATABASE_AWAY",
                    "{name}"
                );
            }
            let answer = again(&mut admin, request).await;
            let request = v1::ListCustomersRequest { page_size: 500, ..Default::default() };
            let listed = admin.customers.list_customers(request).await.unwrap().into_inner();
            let made: Vec<_> = listed.customers.iter().filter(|one| one.name == name).collect();
            assert_eq!(made, [&answer.customer.unwrap()], "{name}");
            if !happened {
                break;
            }
            visited += 1;
        }
    }
    assert!(visited > 10, "only {visited} statements");
    served.stop().await;
}

/// Repeats a call until the server knows that the database is there.
async fn again(
    admin: &mut Client,
    request: v1::CreateCustomerRequest,
) -> v1::CreateCustomerResponse {
    loop {
        match admin.customers.create_customer(request.clone()).await {
            Ok(answer) => return answer.into_inner(),
            Err(status) => assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}"),
        }
    }
}

async fn admin_key(ctx: &Ctx, org: OrgId, clock: &dyn app::clock::Clock) -> String {
    let mut scope = ctx.scope(org).await.unwrap();
    let command = app::access::CreateApiKey {
        id: None,
        name: "second".into(),
        roles: vec![domain::organization::Role::Admin],
        expires_at: None,
    };
    let (_, secret) = app::access::create(&mut scope, clock.now(), command).await.unwrap();
    scope.commit().await.unwrap();
    secret.reveal().to_owned()
}
