//! Workers at work: what becomes of a job however its attempt ends.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::Ctx;
use app::clock::{Clock, WallClock};
use app::job::{NewJob, Unique};
use chrono::{DateTime, Utc};
use testkit::{Cut, ManualClock, Mode};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::{Failure, Settings, Workers};

use crate::database::{Database, advance, set, soon, soon_so};
use crate::queue::{enqueue, job};

const QUEUE: &str = "test";

/// Quick settings: what takes seconds in service takes tenths here.
fn settings() -> Settings {
    Settings {
        poll: Duration::from_millis(20),
        lease: Duration::from_secs(2),
        grace: Duration::from_millis(200),
        ..Settings::default()
    }
}

/// A worker process that runs.
struct Running {
    shutdown: CancellationToken,
    process: JoinHandle<Result<(), worker::Error>>,
}

impl Running {
    fn start(workers: Workers) -> Self {
        let shutdown = CancellationToken::new();
        let process = tokio::spawn(workers.run(shutdown.clone()));
        Self { shutdown, process }
    }

    /// Stops it in order.
    async fn stop(self) {
        self.shutdown.cancel();
        soon(self.process).await.unwrap().unwrap();
    }

    /// Stops it as `kill -9` would: it says and does nothing more.
    fn kill(self) {
        self.process.abort();
    }
}

/// One worker, whose attempts call `work` with the arguments.
fn work<W, F>(ctx: &Ctx, settings: Settings, work: W) -> Running
where
    W: Fn(i32) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    Running::start(Workers::new(ctx.clone(), settings).queue(QUEUE, move |_, args: i32| work(args)))
}

async fn database() -> Database {
    Database::new(Arc::new(WallClock)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_job_runs_once_in_two_processes() {
    const JOBS: i32 = 400;
    let database = database().await;
    let ran = Arc::new(Mutex::new(BTreeMap::new()));
    let start = |ctx: &Ctx| {
        let ran = ran.clone();
        work(ctx, settings(), move |args| {
            *ran.lock().unwrap().entry(args).or_insert(0) += 1;
            async { Ok(()) }
        })
    };
    let first = start(&database.ctx);
    let jobs: Vec<_> = (0..JOBS).map(job).collect();
    for some in jobs.chunks(50) {
        enqueue(&database.ctx, some).await;
    }
    let second = start(&database.again());
    database.until(QUEUE, &vec!["done 1"; jobs.len()]).await;
    assert_eq!(*ran.lock().unwrap(), (0..JOBS).map(|args| (args, 1)).collect());
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_that_cannot_be_read_end_their_job_and_no_other() {
    let database = database().await;
    let poison = NewJob::new(QUEUE, &"poison").unwrap().unique(Unique::WhileLive("p".into()));
    enqueue(&database.ctx, &[job(1), poison, job(2)]).await;
    let running = work(&database.ctx, settings(), |_| async { Ok(()) });
    database.until(QUEUE, &["dead 1", "done 1", "done 1"]).await;
    running.stop().await;
    let said = database.rows("SELECT last_result FROM jobs WHERE status = 'dead'").await.remove(0);
    assert!(said.starts_with("the arguments cannot be read: invalid type"), "{said}");
    assert_eq!(database.rows("SELECT key FROM jobs WHERE key IS NOT NULL").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_and_a_time_limit_are_failures_like_others() {
    let clock = Arc::new(ManualClock::at("2026-11-21T12:00:00Z"));
    let database = Database::new(clock.clone()).await;
    let jobs = [1, 2, 3].map(|args| job(args).max_attempts(2));
    enqueue(&database.ctx, &jobs).await;
    let settings = Settings { job_timeout: Duration::from_millis(300), ..settings() };
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = is_mended.clone();
    let running = work(&database.ctx, settings, move |args| {
        let is_mended = mended.load(Ordering::Relaxed);
        async move {
            match args {
                _ if is_mended => Ok(()),
                1 => panic!("a secret"),
                2 => std::future::pending().await,
                _ => Err(Failure::dead("never")),
            }
        }
    });
    database.until(QUEUE, &["queued 1", "queued 1", "dead 1"]).await;
    let said = database.rows("SELECT last_result FROM jobs ORDER BY args").await;
    let panicked = "it panicked: the log of that time says where";
    assert_eq!(said, [panicked, "it took longer than 300ms", "never"]);
    is_mended.store(true, Ordering::Relaxed);
    advance(&clock, Duration::from_secs(2));
    database.until(QUEUE, &["done 2", "done 2", "dead 1"]).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_job_is_tried_again_ever_later_and_then_given_up() {
    let clock = Arc::new(ManualClock::at("2026-11-21T12:00:00Z"));
    let database = Database::new(clock.clone()).await;
    enqueue(&database.ctx, &[job(1).max_attempts(6)]).await;
    let (sender, mut attempts) = mpsc::unbounded_channel();
    let wall = clock.clone();
    let running = work(&database.ctx, settings(), move |_| {
        let known = sender.send(wall.now());
        async move {
            known.unwrap();
            Err(Failure::retry("not yet"))
        }
    });
    let mut times: Vec<DateTime<Utc>> = vec![soon(attempts.recv()).await.unwrap()];
    for attempt in 1..6 {
        database.until(QUEUE, &[&format!("queued {attempt}")]).await;
        let due =
            "SELECT to_char(run_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.USZ') FROM jobs";
        set(&clock, &database.rows(due).await[0]);
        times.push(soon(attempts.recv()).await.unwrap());
    }
    database.until(QUEUE, &["dead 6"]).await;
    running.stop().await;
    let seconds: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]).num_seconds()).collect();
    for (pause, doubled) in seconds.iter().zip([1, 2, 4, 8, 16]) {
        assert!((doubled..=doubled * 9 / 8).contains(pause), "{seconds:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_names_a_time_is_tried_again_then() {
    let clock = Arc::new(ManualClock::at("2026-11-21T12:00:00Z"));
    let database = Database::new(clock.clone()).await;
    enqueue(&database.ctx, &[job(1)]).await;
    let at: DateTime<Utc> = "2026-11-21T18:00:00Z".parse().unwrap();
    let wall = clock.clone();
    let running = work(&database.ctx, settings(), move |_| {
        let is_early = wall.now() < at;
        async move { if is_early { Err(Failure::retry_at(at, "closed")) } else { Ok(()) } }
    });
    database.until(QUEUE, &["queued 1"]).await;
    set(&clock, "2026-11-21T18:00:00Z");
    database.until(QUEUE, &["done 2"]).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_running_work_end_and_takes_no_more() {
    let database = database().await;
    let (sender, mut begun) = mpsc::unbounded_channel();
    let go = CancellationToken::new();
    let gate = go.clone();
    let settings = Settings { concurrency: 1, grace: Duration::from_secs(20), ..settings() };
    let running = work(&database.ctx, settings, move |args| {
        let known = sender.send(args);
        let gate = gate.clone();
        async move {
            known.unwrap();
            gate.cancelled().await;
            Ok(())
        }
    });
    enqueue(&database.ctx, &[job(1)]).await;
    assert_eq!(soon(begun.recv()).await, Some(1));
    enqueue(&database.ctx, &[job(2)]).await;
    running.shutdown.cancel();
    go.cancel();
    running.stop().await;
    assert_eq!(database.jobs(QUEUE).await, ["done 1", "queued 0"]);
    assert!(begun.recv().await.is_none(), "nothing else was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_hands_back_what_does_not_end_in_time() {
    let database = database().await;
    let (sender, mut begun) = mpsc::unbounded_channel();
    let running = work(&database.ctx, settings(), move |args| {
        sender.send(args).unwrap();
        std::future::pending()
    });
    enqueue(&database.ctx, &[job(1), job(2)]).await;
    soon(begun.recv()).await.unwrap();
    soon(begun.recv()).await.unwrap();
    running.stop().await;
    assert_eq!(database.jobs(QUEUE).await, ["queued 0", "queued 0"]);
    let successor = work(&database.again(), settings(), |_| async { Ok(()) });
    database.until(QUEUE, &["done 1", "done 1"]).await;
    successor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_workers_job_is_taken_over() {
    let database = database().await;
    let (sender, mut begun) = mpsc::unbounded_channel();
    let first = work(&database.ctx, settings(), move |_| {
        sender.send(()).unwrap();
        std::future::pending()
    });
    enqueue(&database.ctx, &[job(1)]).await;
    soon(begun.recv()).await.unwrap();
    let second = work(&database.again(), settings(), |_| async { Ok(()) });
    first.kill();
    database.until(QUEUE, &["done 2"]).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_outlives_long_work_and_a_lost_one_stops_it() {
    struct Stop(mpsc::UnboundedSender<()>);
    impl Drop for Stop {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }
    let database = database().await;
    let (begin, mut begun) = mpsc::unbounded_channel();
    let (stop, mut stopped) = mpsc::unbounded_channel();
    let settings = Settings { lease: Duration::from_millis(300), ..settings() };
    let running = work(&database.ctx, settings, move |_| {
        begin.send(()).unwrap();
        let stop = Stop(stop.clone());
        async move {
            let _stop = stop;
            std::future::pending().await
        }
    });
    enqueue(&database.ctx, &[job(1)]).await;
    soon(begun.recv()).await.unwrap();
    let is_renewed = async || {
        let held = "SELECT (lease_until > created_at + interval '1 s')::text FROM jobs";
        database.rows(held).await == ["true"]
    };
    soon_so(is_renewed, async || "the lease is not renewed".to_owned()).await;
    assert_eq!(database.jobs(QUEUE).await, ["running 1"]);
    let take = "UPDATE jobs SET lock_owner = 'other', attempts = 2, lease_until = 'infinity'";
    database.rows(take).await;
    soon(stopped.recv()).await.unwrap();
    running.stop().await;
    assert_eq!(database.rows("SELECT lock_owner || attempts FROM jobs").await, ["other2"]);
}

/// Waits until a call finds the database away, or there again.
async fn until_it_is(ctx: &Ctx, away: bool) {
    let ask = || tokio::time::timeout(Duration::from_millis(100), ctx.store.begin_global());
    let is_so = async || matches!(ask().await, Ok(Ok(_))) != away;
    soon_so(is_so, async || format!("expected away: {away}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_database_is_waited_for() {
    let database = database().await;
    let (ctx, proxy) = database.behind_proxy().await;
    let (sender, mut begun) = mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let gate = go.clone();
    let running = work(&ctx, settings(), move |args| {
        let known = sender.send(args);
        let gate = gate.clone();
        async move {
            known.unwrap();
            gate.notified().await;
            Ok(())
        }
    });
    for (outage, done) in [(Mode::Refuse, vec!["done 1"]), (Mode::Silent, vec!["done 1"; 2])] {
        enqueue(&database.ctx, &[job(1)]).await;
        assert_eq!(soon(begun.recv()).await, Some(1));
        proxy.set(outage);
        until_it_is(&ctx, true).await;
        // Its work ends in the outage, and cannot be acknowledged yet.
        go.notify_one();
        until_it_is(&ctx, true).await;
        proxy.set(Mode::Pass);
        until_it_is(&ctx, false).await;
        database.until(QUEUE, &done).await;
    }
    assert!(!running.process.is_finished(), "nothing was restarted");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_at_any_statement_loses_no_job() {
    // More than a process makes to begin, claim and acknowledge.
    const STATEMENTS: usize = 22;
    let database = database().await;
    let settings = Settings { lease: Duration::from_millis(300), ..settings() };
    let mut done = Vec::new();
    for statement in 1..=STATEMENTS {
        for side in [Cut::Before, Cut::After] {
            let (ctx, proxy) = database.behind_proxy().await;
            let args = i32::try_from(done.len()).unwrap();
            let ran = Arc::new(AtomicU32::new(0));
            let counted = ran.clone();
            // It is there before the worker, so that the first claim takes it.
            enqueue(&database.ctx, &[job(args)]).await;
            proxy.cut(statement, side);
            let running = work(&ctx, settings.clone(), move |args_now| {
                assert_eq!(args_now, args);
                counted.fetch_add(1, Ordering::Relaxed);
                async { Ok(()) }
            });
            done.push("done");
            let is_done = async || database.rows("SELECT status FROM jobs").await == done;
            soon_so(is_done, async || format!("not done: {statement} {side:?}")).await;
            running.stop().await;
            assert!(ran.load(Ordering::Relaxed) >= 1, "{statement} {side:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_an_outage_is_bounded_and_loses_nothing() {
    let database = database().await;
    let (ctx, proxy) = database.behind_proxy().await;
    let (sender, mut begun) = mpsc::unbounded_channel();
    let running = work(&ctx, settings(), move |_| {
        sender.send(()).unwrap();
        std::future::pending()
    });
    enqueue(&database.ctx, &[job(1)]).await;
    soon(begun.recv()).await.unwrap();
    proxy.set(Mode::Refuse);
    running.stop().await;
    assert_eq!(database.jobs(QUEUE).await, ["running 1"], "it could not be handed back");
    let successor = work(&database.again(), settings(), |_| async { Ok(()) });
    database.until(QUEUE, &["done 2"]).await;
    successor.stop().await;
}
