//! The database goes away, or falls silent: calls hear of it at once, health turns, nothing is
//! started anew, and everything goes on where it was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use server::pb::v1;
use testkit::{Database, ManualClock, Mode, Proxy, Vendor};
use tonic::{Code, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::world::{Client, Plan, Refusal, Served, refusal, until};

/// How soon a caller has to hear of it.
const SOON: Duration = Duration::from_secs(1);

/// A server that reaches its database through a proxy.
struct Remote {
    database: Database,
    proxy: Proxy,
    clock: Arc<ManualClock>,
    served: Served,
    client: Client,
    health: Streaming<HealthCheckResponse>,
}

impl Remote {
    async fn new() -> Self {
        let database = Database::fresh().await;
        let proxy = Proxy::before(&database).await;
        let clock = Arc::new(ManualClock::at(crate::world::NOW));
        let ctx = testkit::ctx(database.store(), clock.clone());
        let vendor = Vendor::sandbox(&ctx, "2025-02-01").await;
        let settings = server::Settings::default();
        let served = Served::start(proxy.store(), clock.clone(), settings).await;
        let client = Client { org: vendor.org, ..served.client(&vendor.key) };
        let mut health = HealthClient::new(served.channel());
        let request = HealthCheckRequest { service: String::new() };
        let health = health.watch(request).await.unwrap().into_inner();
        let mut remote = Self { database, proxy, clock, served, client, health };
        remote.health_is(ServingStatus::Serving).await;
        remote
    }

    /// Waits for the health to turn.
    async fn health_is(&mut self, wanted: ServingStatus) {
        loop {
            let told = self.health.message().await.unwrap().expect("the watch goes on");
            if told.status() == wanted {
                return;
            }
        }
    }

    /// Audits the books past the proxy and stops the server.
    async fn finish(self) {
        let ctx = testkit::ctx(self.database.store(), self.clock);
        testkit::books::assert_right(&self.database, &ctx, self.client.org).await;
        self.served.stop().await;
    }
}

#[track_caller]
fn assert_away(refused: &Refusal, since: Instant) {
    assert_eq!((refused.line().as_str(), refused.retry), ("Unavailable DATABASE_AWAY", true));
    assert!(since.elapsed() < SOON, "heard of it after {:?}", since.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_calls_are_told_so_and_afterwards_answered() {
    let mut remote = Remote::new().await;
    remote.client.customer("Ann").await;
    for _ in 0..2 {
        remote.proxy.set(Mode::Refuse);
        let since = Instant::now();
        let answer = remote.client.create_customer(Client::business("Ben")).await;
        assert_away(&refusal(answer), since);
        remote.health_is(ServingStatus::NotServing).await;
        let since = Instant::now();
        let request = v1::GetClockRequest {};
        assert_away(&refusal(remote.client.clock.get_clock(request).await), since);
        remote.proxy.set(Mode::Pass);
        remote.health_is(ServingStatus::Serving).await;
        remote.client.clone().clock.get_clock(v1::GetClockRequest {}).await.unwrap();
    }
    let request = v1::ListCustomersRequest::default();
    let listed = remote.client.customers.list_customers(request).await.unwrap().into_inner();
    assert_eq!(listed.customers.len(), 1);
    remote.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_ends_within_a_second_of_the_silence() {
    let mut remote = Remote::new().await;
    let ann = remote.client.customer("Ann").await;
    let holder = remote.database.sql().await;
    holder.batch_execute("BEGIN; SELECT FROM customers FOR UPDATE").await.unwrap();
    let mut client = remote.client.clone();
    let request = v1::BlockCustomerRequest {
        customer_id: ann.id,
        reason: "betaalt niet".into(),
        ..Default::default()
    };
    let waiting = tokio::spawn(async move { client.customers.block_customer(request).await });
    let waits = "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                 AND datname = current_database()";
    until(&remote.database, waits).await;
    remote.proxy.set(Mode::Silent);
    let since = Instant::now();
    assert_away(&refusal(waiting.await.unwrap()), since);
    // New calls are refused as well, on connections that look alive.
    let since = Instant::now();
    let answer = remote.client.clock.get_clock(v1::GetClockRequest {}).await;
    assert_away(&refusal(answer), since);
    holder.batch_execute("ROLLBACK").await.unwrap();
    remote.proxy.set(Mode::Pass);
    remote.health_is(ServingStatus::NotServing).await;
    remote.health_is(ServingStatus::Serving).await;
    remote.client.customer("Ben").await;
    remote.finish().await;
}

/// Five customers on a daily plan, so that every day has work.
async fn busy(client: &mut Client) {
    let daily = Plan { unit: v1::IntervalUnit::Day, ..Plan::months(1, "1.00") };
    let plan = client.plan("daily", daily).await;
    for number in 0..5 {
        let customer = client.customer(&format!("Customer {number}")).await;
        client.subscribe(Client::terms(&customer, &plan, "2025-02-01")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_moves_when_the_database_goes_away_goes_on_where_it_was() {
    let mut remote = Remote::new().await;
    busy(&mut remote.client).await;
    let target = v1::advance_clock_request::Target::ToDate(crate::world::date("2025-03-10"));
    let request = v1::AdvanceClockRequest { target: Some(target), request_id: String::new() };
    let mut stream = remote.client.clock.advance_clock(request.clone()).await.unwrap().into_inner();
    for _ in 0..3 {
        stream.message().await.unwrap().expect("a day");
    }
    remote.proxy.set(Mode::Refuse);
    let since = Instant::now();
    let status = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the clock has arrived before the outage"),
            Err(status) => break status,
        }
    };
    assert_away(&refusal(Err::<(), _>(status)), since);
    remote.health_is(ServingStatus::NotServing).await;
    remote.proxy.set(Mode::Pass);
    remote.health_is(ServingStatus::Serving).await;
    // The right to move the clock is still held by the call that broke off, for a minute.
    remote.clock.advance(chrono::Duration::seconds(61));
    let days = remote.client.advance_by(request).await.unwrap();
    assert!(days.len() <= 38 - 3, "some days were lived before: {} are left", days.len());
    let documents = remote.client.documents().await;
    assert_eq!(documents.len(), 38 * 5, "every day from 1 February to 10 March");
    remote.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cut_off_is_repeated_without_harm() {
    let mut remote = Remote::new().await;
    busy(&mut remote.client).await;
    let holder = remote.database.sql().await;
    holder.batch_execute("BEGIN; LOCK TABLE invoice_lines IN EXCLUSIVE MODE").await.unwrap();
    let mut client = remote.client.clone();
    let request = v1::RunBillingRequest::default();
    let running = tokio::spawn(async move { client.invoices.run_billing(request).await });
    let waits = "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                 AND datname = current_database()";
    until(&remote.database, waits).await;
    remote.proxy.set(Mode::Refuse);
    let refused = refusal(running.await.unwrap());
    assert_eq!(refused.code, Code::Unavailable);
    holder.batch_execute("ROLLBACK").await.unwrap();
    remote.health_is(ServingStatus::NotServing).await;
    remote.proxy.set(Mode::Pass);
    remote.health_is(ServingStatus::Serving).await;
    assert_eq!(remote.client.run_billing().await.invoices_issued, 5);
    assert_eq!(remote.client.documents().await[0].number, "2025-00001");
    remote.finish().await;
}
