//! The queue by its use cases, without workers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use app::clock::WallClock;
use app::job::{self, Claimed, Ended, Lease, NewJob, Status, Unique, Wake};
use app::page::PageRequest;
use app::{Ctx, Error};
use domain::id::{JobId, OrgId};
use testkit::{ManualClock, Vendor};
use tokio::sync::mpsc;

use crate::database::{Database, advance, soon, soon_so};

const QUEUE: &str = "test";
const LEASE: Duration = Duration::from_secs(10);

pub(crate) fn job(args: i32) -> NewJob {
    NewJob::new(QUEUE, &args).unwrap()
}

pub(crate) async fn enqueue(ctx: &Ctx, jobs: &[NewJob]) -> Vec<JobId> {
    let mut tx = ctx.store.begin_global().await.unwrap();
    let new = job::enqueue(ctx, &mut tx, jobs).await.unwrap();
    tx.commit().await.unwrap();
    new
}

async fn claim(ctx: &Ctx, owner: &str, slots: usize) -> Vec<Claimed> {
    job::claim(ctx, QUEUE, owner, slots, &[], LEASE).await.unwrap()
}

fn lease(claimed: &Claimed, owner: &str) -> Lease {
    Lease { id: claimed.id, owner: owner.to_owned(), attempt: claimed.attempt }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-11-21T12:00:00Z"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_taken_is_skipped_and_harms_nothing() {
    let database = Database::new(clock()).await;
    let ctx = &database.ctx;
    let org = OrgId::fresh(ctx.clock.now());
    let live = || job(1).of(org).unique(Unique::WhileLive("live".into()));
    let ever = || job(2).of(org).unique(Unique::Ever("ever".into()));
    assert_eq!(enqueue(ctx, &[live(), ever(), live()]).await.len(), 2, "also within one batch");

    // In an organization's transaction, which goes on.
    let mut tx = ctx.store.begin(org).await.unwrap();
    assert!(job::enqueue(ctx, &mut tx, &[live(), ever()]).await.unwrap().is_empty());
    assert_eq!(job::enqueue(ctx, &mut tx, &[job(3), job(3)]).await.unwrap().len(), 2, "no key");
    tx.commit().await.unwrap();

    for claimed in claim(ctx, "a", 10).await {
        assert!(enqueue(ctx, &[live(), ever()]).await.is_empty(), "while it runs");
        assert!(job::end(ctx, &lease(&claimed, "a"), &Ended::Done).await.unwrap());
        let new = enqueue(ctx, &[live(), ever()]).await.len();
        // What may come again is free when it has ended; what may not is not.
        assert_eq!(new, usize::from(claimed.args == 1), "after {}", claimed.args);
        if new == 1 {
            let again = claim(ctx, "b", 1).await.remove(0);
            job::end(ctx, &lease(&again, "b"), &job::given_up("no")).await.unwrap();
            assert_eq!(enqueue(ctx, &[live()]).await.len(), 1, "also when it was given up");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_not_committed_does_not_exist() {
    let database = Database::new(clock()).await;
    let ctx = &database.ctx;
    let mut tx = ctx.store.begin_global().await.unwrap();
    assert_eq!(job::enqueue(ctx, &mut tx, &[job(1)]).await.unwrap().len(), 1);
    assert!(claim(ctx, "a", 1).await.is_empty());
    drop(tx);
    assert!(claim(ctx, "a", 1).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn claimers_side_by_side_get_different_jobs() {
    const JOBS: i32 = 600;
    let database = Database::new(clock()).await;
    enqueue(&database.ctx, &(0..JOBS).map(job).collect::<Vec<_>>()).await;
    let claimers = ["a", "b", "c"].map(|owner| {
        let ctx = database.again();
        tokio::spawn(async move {
            let mut got = Vec::new();
            loop {
                let claimed = claim(&ctx, owner, 7).await;
                if claimed.is_empty() {
                    return got;
                }
                assert!(claimed.len() <= 7);
                got.extend(claimed.into_iter().map(|job| job.id));
            }
        })
    });
    let mut all = Vec::new();
    for claimer in claimers {
        all.extend(claimer.await.unwrap());
    }
    assert_eq!(all.len(), usize::try_from(JOBS).unwrap(), "each once");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "none twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_longest_goes_first_and_what_is_not_due_waits() {
    let clock = clock();
    let database = Database::new(clock.clone()).await;
    let ctx = &database.ctx;
    let now = ctx.clock.now();
    let at = |seconds: i64| now + chrono::Duration::seconds(seconds);
    let jobs = [job(1).run_at(at(-1)), job(2).run_at(at(-3)), job(3).run_at(at(60))];
    enqueue(ctx, &jobs).await;
    let args: Vec<_> = claim(ctx, "a", 9).await.into_iter().map(|job| job.args).collect();
    assert_eq!(args, [2, 1]);
    advance(&clock, Duration::from_secs(60));
    assert_eq!(job::claim(ctx, "other", "a", 9, &[], LEASE).await.unwrap(), []);
    assert_eq!(claim(ctx, "b", 9).await.len(), 3, "also the lapsed leases");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_lease_is_taken_over_and_the_late_word_does_not_count() {
    let clock = clock();
    let database = Database::new(clock.clone()).await;
    let ctx = &database.ctx;
    enqueue(ctx, &[job(1)]).await;
    let first = claim(ctx, "a", 1).await.remove(0);
    assert_eq!((first.status, first.attempt), (Status::Running, 1));
    advance(&clock, LEASE / 2);
    assert_eq!(job::renew(ctx, "a", &[first.id.0], LEASE).await.unwrap(), [first.id]);
    advance(&clock, LEASE - Duration::from_secs(1));
    assert!(claim(ctx, "b", 1).await.is_empty(), "renewed in time");
    advance(&clock, Duration::from_secs(1));
    assert!(
        job::claim(ctx, QUEUE, "a", 1, &[first.id.0], LEASE).await.unwrap().is_empty(),
        "nobody takes over from himself"
    );
    let second = claim(ctx, "b", 1).await.remove(0);
    assert_eq!((second.id, second.attempt), (first.id, 2));

    let late = lease(&first, "a");
    assert!(!job::end(ctx, &late, &Ended::Done).await.unwrap());
    assert!(!job::end(ctx, &late, &job::given_up("no")).await.unwrap());
    assert!(!job::hand_back(ctx, &late, QUEUE).await.unwrap());
    assert!(job::renew(ctx, "a", &[first.id.0], LEASE).await.unwrap().is_empty());
    // An attempt of the same owner that was given out anew is another one too.
    let wrong = Lease { attempt: 1, ..lease(&second, "b") };
    assert!(!job::end(ctx, &wrong, &Ended::Done).await.unwrap());
    assert!(job::end(ctx, &lease(&second, "b"), &Ended::Done).await.unwrap());
    assert!(!job::end(ctx, &lease(&second, "b"), &Ended::Done).await.unwrap(), "only once");
    assert_eq!(database.jobs(QUEUE).await, ["done 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_workers_vanish_is_given_up_after_its_attempts() {
    let clock = clock();
    let database = Database::new(clock.clone()).await;
    let ctx = &database.ctx;
    enqueue(ctx, &[job(1).max_attempts(2)]).await;
    for attempt in [1, 2] {
        assert_eq!(claim(ctx, "a", 1).await.remove(0).attempt, attempt);
        advance(&clock, LEASE);
    }
    assert_eq!(claim(ctx, "a", 1).await.remove(0).status, Status::Dead);
    let row = "SELECT status || ' ' || last_result FROM jobs";
    assert_eq!(database.rows(row).await, ["dead the worker vanished in the last attempt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_handed_back_lost_no_attempt() {
    let database = Database::new(clock()).await;
    let ctx = &database.ctx;
    enqueue(ctx, &[job(1).max_attempts(1)]).await;
    for owner in ["a", "b", "c"] {
        let claimed = claim(ctx, owner, 1).await.remove(0);
        assert_eq!((claimed.status, claimed.attempt), (Status::Running, 1));
        assert!(job::hand_back(ctx, &lease(&claimed, owner), QUEUE).await.unwrap());
    }
    assert_eq!(database.jobs(QUEUE).await, ["queued 0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_sees_its_own_jobs_and_puts_dead_ones_back() {
    let database = Database::new(clock()).await;
    let ctx = &database.ctx;
    let own = Vendor::sandbox(ctx, "2026-01-01").await.org;
    let other = Vendor::live(ctx).await.org;
    let ids = enqueue(ctx, &[job(1).of(own), job(2).of(own), job(3).of(other), job(4)]).await;
    let first = claim(ctx, "a", 9).await.into_iter().find(|job| job.args == 1).unwrap();
    let mut scope = ctx.scope(own).await.unwrap();

    let page = PageRequest::new(1, "").unwrap();
    let one = job::list(&mut scope, &job::Filter::default(), &page).await.unwrap();
    let page = PageRequest::new(5, &*one.next).unwrap();
    let two = job::list(&mut scope, &job::Filter::default(), &page).await.unwrap();
    assert_eq!((one.rows.len(), two.rows.len(), &*two.next), (1, 1, ""));
    let running = job::Filter { status: Some(Status::Running), ..job::Filter::default() };
    let foreign = job::list(&mut scope, &running, &page).await;
    assert!(matches!(foreign, Err(Error::Invalid { .. })), "a token of another filter");
    let empty = job::Filter { queue: Some("other".into()), status: None };
    let page = PageRequest::new(5, "").unwrap();
    assert!(job::list(&mut scope, &empty, &page).await.unwrap().rows.is_empty());

    let refused = job::requeue(ctx, &mut scope, first.id).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused(refusal) if refusal.reason == "JOB_NOT_DEAD"));
    // It holds the row.
    drop(scope);
    assert!(job::end(ctx, &lease(&first, "a"), &job::given_up("broken")).await.unwrap());
    let mut scope = ctx.scope(own).await.unwrap();
    let queues = job::list_queues(ctx, &mut scope).await.unwrap();
    assert_eq!(queues.len(), job::QUEUES.len() + 1, "the known ones, and that of the test");
    let queue = queues.iter().find(|queue| queue.name == QUEUE).unwrap();
    assert_eq!((queue.queued, queue.running, queue.dead, queue.oldest_due), (0, 1, 1, None));
    let back = job::requeue(ctx, &mut scope, first.id).await.unwrap();
    assert_eq!(
        (back.status, back.attempts, &*back.last_result.unwrap()),
        (Status::Queued, 0, "broken")
    );
    scope.commit().await.unwrap();
    assert_eq!(claim(ctx, "b", 9).await.len(), 1);

    let mut scope = ctx.scope(own).await.unwrap();
    for id in ids.into_iter().filter(|id| *id != first.id) {
        let answer = job::requeue(ctx, &mut scope, id).await;
        assert!(matches!(answer, Err(Error::NotFound { .. } | Error::Refused(_))), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_ended_long_ago_are_forgotten() {
    let clock = clock();
    let database = Database::new(clock.clone()).await;
    let ctx = &database.ctx;
    enqueue(ctx, &(0..1_500).map(job).collect::<Vec<_>>()).await;
    for claimed in claim(ctx, "a", 1_200).await.chunks(600) {
        let ids: Vec<String> = claimed.iter().map(|job| format!("'{}'", job.id)).collect();
        let end =
            "UPDATE jobs SET status = 'done', lease_until = NULL, finished_at = '2026-11-21Z'";
        database.rows(&format!("{end} WHERE id IN ({})", ids.join(","))).await;
    }
    assert_eq!(job::prune(ctx).await.unwrap(), 0, "they can be looked at for a while");
    advance(&clock, Duration::from_secs(15 * 86_400));
    assert_eq!(job::prune(ctx).await.unwrap(), 1_200);
    assert_eq!(database.jobs(QUEUE).await.len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_is_called_also_after_the_connection_was_cut() {
    let database = Database::new(Arc::new(WallClock)).await;
    let ctx = database.ctx.clone();
    let (sender, mut calls) = mpsc::unbounded_channel();
    let listening = tokio::spawn({
        let ctx = ctx.clone();
        async move { job::listen(&ctx, move |wake| drop(sender.send(wake))).await }
    });
    for _ in 0..2 {
        assert_eq!(soon(calls.recv()).await, Some(Wake::All));
        enqueue(&ctx, &[job(1), job(2)]).await;
        assert_eq!(soon(calls.recv()).await, Some(Wake::Queue(QUEUE.into())), "once for two");
        database.cut().await;
        // The pool's connections were cut too; the first call finds out.
        let is_back = async || ctx.store.begin_global().await.is_ok();
        soon_so(is_back, async || "no connection".to_owned()).await;
    }
    listening.abort();
}
