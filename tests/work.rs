//! The background work: a live organization's days are done by workers, and people can see it.

use std::time::Duration;

use app::Ctx;
use server::pb::v1::{self, IntervalUnit, JobStatus};
use testkit::{Mode, Proxy};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::world::{Client, Plan, World, day, refusal};

/// A worker in this process.
struct Worker {
    stop: CancellationToken,
    running: JoinHandle<Result<(), worker::Error>>,
}

impl Worker {
    /// Looks for work all the time, so that tests need not wait.
    fn start(ctx: Ctx) -> Self {
        let settings = worker::Settings {
            poll: Duration::from_millis(50),
            sweep_every: Duration::from_millis(50),
            ..worker::Settings::default()
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(worker::run(ctx, settings, stop.clone()));
        Self { stop, running }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().expect("the worker ends well");
    }
}

/// A live organization with a monthly and a yearly subscription from today on.
async fn subscribed(world: &World) -> Client {
    let mut client = world.live().await;
    let ann = client.customer("Ann").await;
    for (code, unit) in [("monthly", IntervalUnit::Month), ("yearly", IntervalUnit::Year)] {
        let plan = client.plan(code, Plan { unit, ..Plan::months(1, "365.00") }).await;
        client.subscribe(Client::terms(&ann, &plan, "2025-01-31")).await.unwrap();
    }
    client
}

/// Jobs that are done, and nothing else is left.
const IDLE: &str = "SELECT NOT EXISTS (SELECT FROM jobs WHERE status IN ('queued', 'running'))";

async fn jobs(client: &mut Client, queue: &str, status: JobStatus) -> Vec<v1::Job> {
    let request =
        v1::ListJobsRequest { queue: queue.into(), status: status.into(), ..Default::default() };
    client.work.list_jobs(request).await.unwrap().into_inner().jobs
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_do_a_live_organizations_days_and_leave_sandboxes_alone() {
    let world = World::ticking().await;
    let mut client = subscribed(&world).await;
    let mut sandbox = world.sandbox("2025-01-31").await;
    let ann = sandbox.customer("Ann").await;
    let plan = sandbox.plan("monthly", Plan::months(1, "10.00")).await;
    sandbox.subscribe(Client::terms(&ann, &plan, "2025-01-31")).await.unwrap();

    let worker = Worker::start(world.ctx.clone());
    world.until("SELECT count(*) = 1 FROM invoices").await;
    world.until(IDLE).await;
    world.clock.advance(chrono::Duration::days(28));
    world.until("SELECT count(*) = 2 FROM invoices").await;
    world.until("SELECT bool_and(earned_until = '2025-02-01') FROM deferrals").await;
    world.clock.advance(chrono::Duration::days(1));
    world.until("SELECT bool_and(earned_until = '2025-03-01') FROM deferrals").await;
    // Due since 14 February, and the customer has no way of paying.
    world.until("SELECT count(*) = 1 FROM collections WHERE state = 'person'").await;
    for queue in ["prune", "verify_ledger"] {
        let last = format!(
            "SELECT EXISTS (SELECT FROM jobs WHERE queue = '{queue}' AND status = 'done' \
             AND key LIKE '%:2025-03-01')"
        );
        world.until(&last).await;
    }
    world.until(IDLE).await;
    worker.stop().await;

    let documents = client.documents().await;
    let issued: Vec<String> = documents.iter().map(|one| day(&one.issue_on)).collect();
    assert_eq!(issued, ["2025-01-31", "2025-02-28"]);
    assert_eq!(sandbox.documents().await, [], "a sandbox moves by its clock");
    let request = v1::ListQueuesRequest {};
    let queues = client.work.list_queues(request).await.unwrap().into_inner().queues;
    let names: Vec<&str> = queues.iter().map(|queue| queue.name.as_str()).collect();
    for name in ["turn", "billing", "collection", "recognition", "share", "verify_ledger", "prune"]
    {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(queues.iter().all(|queue| (queue.queued, queue.running, queue.dead) == (0, 0, 0)));
    let done = jobs(&mut client, "billing", JobStatus::Done).await;
    assert!(!done.is_empty() && done.iter().all(|job| job.last_error.is_empty()), "{done:?}");
    assert!(jobs(&mut sandbox, "", JobStatus::Unspecified).await.is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_collect_what_a_live_organization_is_owed_when_it_is_due() {
    let world = World::ticking().await;
    let mut client = subscribed(&world).await;
    let worker = Worker::start(world.ctx.clone());
    world.until("SELECT count(*) = 1 FROM collections WHERE state = 'waiting'").await;
    world.clock.advance(chrono::Duration::days(14));
    // Nobody has set a way of paying: it is left to a person.
    world.until("SELECT count(*) = 1 FROM collections WHERE state = 'person'").await;
    world.until(IDLE).await;
    worker.stop().await;
    let done = jobs(&mut client, "collection", JobStatus::Done).await;
    assert!(!done.is_empty() && done.iter().all(|job| job.last_error.is_empty()), "{done:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_job_is_seen_and_can_be_put_back() {
    let world = World::ticking().await;
    let mut client = subscribed(&world).await;
    let mut stranger = world.live().await;
    let id = uuid::Uuid::max();
    let sql = world.database.sql().await;
    let unreadable = format!(
        "INSERT INTO jobs (id, queue, org_id, args, release_key, status, priority, attempts, \
         max_attempts, run_at, created_at) VALUES \
         ('{id}', 'billing', '{}', '{{}}', false, 'queued', 0, 0, 3, 'epoch', 'epoch')",
        client.org
    );
    sql.batch_execute(&unreadable).await.unwrap();
    let worker = Worker::start(world.ctx.clone());
    world.until("SELECT count(*) = 1 FROM jobs WHERE status = 'dead'").await;
    world.until("SELECT count(*) = 1 FROM invoices").await;
    world.until(IDLE).await;
    let dead = jobs(&mut client, "billing", JobStatus::Dead).await;
    assert_eq!((dead.len(), dead[0].id.as_str()), (1, &*id.to_string()));
    assert!(!dead[0].last_error.is_empty());

    let request = v1::RequeueJobRequest { job_id: id.to_string(), ..Default::default() };
    assert_eq!(refusal(stranger.work.requeue_job(request.clone()).await).line(), "NotFound");
    worker.stop().await;
    let put_back =
        client.work.requeue_job(request.clone()).await.unwrap().into_inner().job.unwrap();
    assert_eq!((put_back.status(), put_back.attempts), (JobStatus::Queued, 0));
    let refused = refusal(client.work.requeue_job(request).await);
    assert_eq!(refused.line(), "FailedPrecondition JOB_NOT_DEAD");
    for (job_id, expected) in
        [("x", "InvalidArgument job_id"), (&*uuid::Uuid::nil().to_string(), "NotFound")]
    {
        let request = v1::RequeueJobRequest { job_id: job_id.into(), ..Default::default() };
        assert_eq!(refusal(client.work.requeue_job(request).await).line(), expected);
    }
    sql.batch_execute("DELETE FROM jobs WHERE id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'")
        .await
        .unwrap();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_waits_for_an_outage_and_goes_on_where_it_was() {
    let world = World::ticking().await;
    let proxy = Proxy::before(&world.database).await;
    let ctx = testkit::ctx(proxy.store(), world.clock.clone());
    let watch = tokio::spawn(store::health::watch(ctx.store.clone()));
    let mut client = subscribed(&world).await;
    let worker = Worker::start(ctx.clone());
    for (days, documents) in [(0, 1), (28, 2), (31, 3)] {
        proxy.set(if days % 2 == 0 { Mode::Refuse } else { Mode::Silent });
        ctx.store.health().subscribe().wait_for(|up| !up).await.unwrap();
        world.clock.advance(chrono::Duration::days(days));
        proxy.set(Mode::Pass);
        world.until(&format!("SELECT count(*) = {documents} FROM invoices")).await;
        world.until(IDLE).await;
    }
    assert!(!worker.running.is_finished(), "it was never started anew");
    worker.stop().await;
    watch.abort();
    assert_eq!(client.documents().await.len(), 3);
    world.finish().await;
}
