//! A worker process is killed in the middle of a billing run: another one takes over, without a
//! double and without a gap.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use app::clock::WallClock;
use domain::period::Interval;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testkit::{Database, Offer, Vendor, copy};

use crate::world::until;

/// Customers of the run: three batches.
const CUSTOMERS: u32 = 1_200;

/// The real program, built like these tests. The whole test run builds it anyway; it is built here
/// only where these tests are run alone, on sources that are newer.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let tests = std::env::current_exe().unwrap();
        let folder = tests.ancestors().nth(2).expect("the folder of the profile").to_owned();
        let program = folder.join("recoup");
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        if is_newer_than_sources(&program, &workspace) {
            return program;
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--package", "recoup", "--bin", "recoup"]);
        build.arg("--target-dir").arg(folder.parent().expect("the target folder"));
        if folder.file_name().is_some_and(|name| name == "release") {
            build.arg("--release");
        }
        assert!(build.current_dir(workspace).status().unwrap().success(), "recoup is built");
        program
    })
}

fn is_newer_than_sources(program: &Path, workspace: &Path) -> bool {
    let Ok(built) = program.metadata().and_then(|file| file.modified()) else { return false };
    let folders = ["crates", "migrations", "proto"].map(|folder| workspace.join(folder));
    let files = folders.iter().flat_map(walkdir::WalkDir::new).filter_map(Result::ok);
    let mut sources = files.filter(|file| file.file_type().is_file());
    sources.all(|file| file.metadata().unwrap().modified().unwrap() <= built)
}

/// `recoup work` on a database.
pub struct Worker(Child);

impl Worker {
    pub fn start(database: &Database) -> Self {
        let mut command = Command::new(program());
        command
            .args(["work", "--lease", "3", "--metrics", "127.0.0.1:0"])
            .env("DATABASE_URL", database.url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().expect("recoup runs"))
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).unwrap();
    }
}

/// Ends a worker gracefully.
pub fn end(mut worker: Worker) {
    worker.signal(Signal::SIGTERM);
    let ended = worker.0.wait().unwrap();
    assert_eq!(ended.code(), Some(0), "a graceful stop");
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Only what is left over when a test fails.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lets the second batch of a run wait where numbers are taken, as long as somebody holds the key.
const BARRIER: &str = "CREATE FUNCTION wait_for_key() RETURNS trigger LANGUAGE plpgsql AS \
     $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$; \
     CREATE TRIGGER barrier AFTER UPDATE ON number_series FOR EACH ROW \
     WHEN (new.next_sequence > 600) EXECUTE FUNCTION wait_for_key()";

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_is_taken_over_without_a_double_and_without_a_gap() {
    let database = Database::fresh().await;
    let ctx = database.ctx(WallClock);
    let vendor = Vendor::live(&ctx).await;
    let plan = vendor.plan("monthly", Offer::flat(Interval::MONTHLY, "49.99")).await;
    let customer = vendor.customer("Ann").await;
    let today = vendor.today().await.to_string();
    let original = vendor.subscribe(&customer, plan, &today).await;
    copy::crowd(&database, original.id, CUSTOMERS - 1).await;
    let key = database.sql().await;
    key.batch_execute(BARRIER).await.unwrap();
    key.batch_execute("SELECT pg_advisory_lock(4711)").await.unwrap();

    let killed = Worker::start(&database);
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' \
                 AND datname = current_database())";
    until(&database, waits).await;
    until(&database, "SELECT count(*) = 500 FROM invoices").await;
    killed.signal(Signal::SIGKILL);
    drop(killed);
    key.batch_execute("DROP TRIGGER barrier ON number_series; SELECT pg_advisory_unlock(4711)")
        .await
        .unwrap();
    let held = "SELECT count(*) = 1 FROM jobs WHERE queue = 'billing' AND status = 'running'";
    until(&database, held).await;

    let successor = Worker::start(&database);
    until(&database, &format!("SELECT count(*) = {CUSTOMERS} FROM invoices")).await;
    until(&database, "SELECT NOT EXISTS (SELECT FROM jobs WHERE status <> 'done')").await;
    let again = "SELECT attempts = 2 FROM jobs WHERE queue = 'billing' ORDER BY created_at LIMIT 1";
    until(&database, again).await;
    end(successor);
    testkit::books::assert_right(&database, &ctx, vendor.org).await;
}
