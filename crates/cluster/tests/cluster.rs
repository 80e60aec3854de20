//! Private clusters on a real PostgreSQL: starts, refusals, kills and recoveries.
//!
//! The processes that are killed are the crate's own program `keep`. Nothing here sleeps: what has
//! to happen is waited for by its event, or watched for with a deadline.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use cluster::{Cluster, Durability, Error, Fetch, Options, Programs};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use tempfile::TempDir;

/// More than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn programs(data: &Path) -> Programs {
    Programs::find(data, Fetch::Allowed, &|line| eprintln!("{line}")).unwrap()
}

fn options(data: &Path, durability: Durability) -> Options {
    let (data, programs) = (data.to_owned(), programs(data));
    Options { data, durability, programs, max_connections: 20 }
}

fn start(data: &TempDir) -> Cluster {
    Cluster::start(options(data.path(), Durability::Throwaway)).unwrap()
}

fn refusal(data: &Path) -> Error {
    Cluster::start(options(data, Durability::Throwaway)).unwrap_err()
}

/// Runs statements on the database `postgres` behind `url`; the first value of the last row.
fn sql(url: &str, statements: &str) -> Result<String, tokio_postgres::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let messages = client.simple_query(statements).await?;
        let rows = messages.iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        Ok(rows.last().unwrap_or_default())
    })
}

fn ask(cluster: &Cluster, statements: &str) -> String {
    sql(&cluster.url("postgres"), statements).unwrap()
}

fn postmaster(data: &Path) -> Pid {
    let text = std::fs::read_to_string(data.join("postgres/postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap())
}

/// Watches for something that another process does.
fn until(what: &str, happened: impl Fn() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::yield_now();
    }
}

/// The program `keep` on a data folder.
struct Keeper {
    process: Child,
    /// Taken to end it.
    input: Option<ChildStdin>,
    url: String,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.input.take();
        self.process.wait().unwrap();
    }
}

impl Keeper {
    fn spawn(command: &mut Command) -> (Child, ChildStdin) {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = process.stdin.take().unwrap();
        (process, input)
    }

    fn start(command: &mut Command) -> Keeper {
        let (mut process, input) = Keeper::spawn(command);
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("postgresql://"), "keep did not start: {url:?}");
        Keeper { process, input: Some(input), url: url.trim().to_owned() }
    }

    fn on(data: &Path) -> Keeper {
        Keeper::start(Command::new(env!("CARGO_BIN_EXE_keep")).arg("--durable").arg(data))
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        assert_eq!(self.process.wait().unwrap().signal(), Some(9));
    }
}

#[test]
fn data_is_kept_from_start_to_start_and_commits_wait_for_the_disk() {
    let data = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(options(data.path(), Durability::Durable)).unwrap();
    ask(&cluster, "create table kept (name text); insert into kept values ('Éva')");
    let url = cluster.url("postgres");
    cluster.stop();
    assert!(sql(&url, "select 1").is_err(), "the server still answers after the stop");

    let cluster = Cluster::start(options(data.path(), Durability::Durable)).unwrap();
    assert_eq!(cluster.url("postgres"), url);
    assert_eq!(ask(&cluster, "select lower(name) from kept"), "éva");
    let setting = |name: &str| ask(&cluster, &format!("show {name}"));
    for name in ["fsync", "synchronous_commit", "full_page_writes", "data_checksums"] {
        assert_eq!(setting(name), "on", "{name}");
    }
    assert_eq!(setting("listen_addresses"), "");
    assert_eq!(setting("server_encoding"), "UTF8");
    assert_eq!(setting("max_connections"), "20");
    assert_eq!(setting("timezone"), "UTC");
}

#[test]
fn two_folders_have_two_servers_and_a_throwaway_one_does_not_wait_for_the_disk() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (start(&one), start(&other));
    assert_ne!(first.url("postgres"), second.url("postgres"));
    ask(&first, "create table here ()");
    assert!(sql(&second.url("postgres"), "select * from here").is_err());
    for name in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(ask(&second, &format!("show {name}")), "off", "{name}");
    }
}

#[test]
fn a_second_start_is_refused_with_the_folder_and_the_holder() {
    let data = tempfile::tempdir().unwrap();
    let keeper = Keeper::on(data.path());
    let refused = refusal(data.path()).to_string();
    let folder = data.path().canonicalize().unwrap();
    assert!(refused.contains(folder.to_str().unwrap()), "{refused}");
    assert!(refused.contains(&format!("in use by process {}", keeper.process.id())), "{refused}");
    assert_eq!(sql(&keeper.url, "select 1").unwrap(), "1");
}

#[test]
fn a_cluster_that_was_not_made_here_is_left_untouched() {
    let data = tempfile::tempdir().unwrap();
    for (name, contents) in [("PG_VERSION", "15\n"), ("postmaster.pid", "1\n")] {
        std::fs::write(data.path().join(name), contents).unwrap();
    }
    let refused = refusal(data.path());
    assert!(matches!(refused, Error::Foreign { .. }), "{refused}");
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 2);
    assert_eq!(std::fs::read_to_string(data.path().join("postmaster.pid")).unwrap(), "1\n");
}

#[test]
fn data_of_another_version_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let options = options(data.path(), Durability::Throwaway);
    Cluster::start(options.clone()).unwrap().stop();
    std::fs::write(data.path().join("postgres/PG_VERSION"), "14\n").unwrap();
    let refused = Cluster::start(options).unwrap_err().to_string();
    assert!(refused.contains("was made by PostgreSQL 14"), "{refused}");
    assert!(refused.contains("apt-get install postgresql-14"), "{refused}");
    let refused = Programs::find(data.path(), Fetch::Allowed, &|_| {}).unwrap_err().to_string();
    assert!(refused.contains("was made by version 14"), "{refused}");
}

#[test]
fn the_server_runs_without_privileges_and_apart_from_our_terminal() {
    let data = tempfile::tempdir().unwrap();
    let cluster = start(&data);
    let pid = postmaster(data.path());
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let ids = |name: &str| -> Vec<u32> {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().skip(1).map(|id| id.parse().unwrap()).collect()
    };
    let owner = std::fs::metadata(data.path().join("postgres")).unwrap().uid();
    assert_ne!(owner, 0);
    assert_eq!(ids("Uid:"), [owner; 4]);
    if geteuid().is_root() {
        assert_eq!(ids("Groups:"), [0; 0], "groups of root are left");
    }
    assert_eq!(nix::unistd::getpgid(Some(pid)).unwrap(), pid, "Ctrl-C would reach it");
    drop(cluster);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn a_killed_parent_takes_the_server_down_cleanly_and_the_next_start_waits_for_it() {
    let data = tempfile::tempdir().unwrap();
    let keeper = Keeper::on(data.path());
    sql(&keeper.url, "create table kept as select generate_series(1, 50000) as n").unwrap();
    keeper.kill();

    let cluster = Cluster::start(options(data.path(), Durability::Durable)).unwrap();
    assert_eq!(ask(&cluster, "select count(*) from kept"), "50000");
    let log = std::fs::read_to_string(data.path().join("server.log")).unwrap();
    assert!(log.contains("received fast shutdown request"), "{log}");
    assert!(!log.contains("was not properly shut down"), "{log}");
}

#[test]
fn after_a_kill_of_everything_the_next_start_recovers() {
    let data = tempfile::tempdir().unwrap();
    let mut keeper = Keeper::on(data.path());
    sql(&keeper.url, "create table kept as select generate_series(1, 50000) as n").unwrap();
    // Stopped first, so that it cannot react to the server's end or send it a signal.
    kill(Pid::from_raw(keeper.process.id().cast_signed()), Signal::SIGSTOP).unwrap();
    kill(postmaster(data.path()), Signal::SIGKILL).unwrap();
    keeper.process.kill().unwrap();
    keeper.process.wait().unwrap();
    // The number in the leftover file is somebody's again, of all people ours.
    let mark = data.path().join("postgres/postmaster.pid");
    let stale = std::fs::read_to_string(&mark).unwrap();
    let rest = stale.split_once('\n').unwrap().1;
    std::fs::write(&mark, format!("{}\n{rest}", std::process::id())).unwrap();

    let cluster = Cluster::start(options(data.path(), Durability::Durable)).unwrap();
    assert_eq!(ask(&cluster, "select count(*) from kept"), "50000");
    let log = std::fs::read_to_string(data.path().join("server.log")).unwrap();
    assert!(log.contains("was not properly shut down"), "{log}");
}

#[test]
fn a_kill_during_the_first_start_leaves_nothing_half_made() {
    let data = tempfile::tempdir().unwrap();
    for step in ["PG_VERSION", "global/pg_control", "base/1/PG_VERSION"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keep"));
        let (mut process, _input) = Keeper::spawn(command.arg("--durable").arg(data.path()));
        let file = data.path().join("postgres.new").join(step);
        until(step, || file.exists());
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(!data.path().join("postgres").exists(), "{step}");
    }
    let cluster = Cluster::start(options(data.path(), Durability::Durable)).unwrap();
    assert_eq!(ask(&cluster, "select 1"), "1");
    assert!(!data.path().join("postgres.new").exists());
}

#[test]
fn a_server_that_dies_is_noticed_and_can_be_started_again() {
    let data = tempfile::tempdir().unwrap();
    let cluster = start(&data);
    let watch = cluster.watch();
    assert!(watch.wait_for(Duration::ZERO).is_none());
    kill(postmaster(data.path()), Signal::SIGKILL).unwrap();
    let exit = watch.wait_for(PATIENCE).unwrap();
    assert!(!exit.asked);
    assert!(exit.to_string().contains("ended by itself (signal: 9 (SIGKILL))"), "{exit}");
    assert!(cluster.exited().is_some());
    drop(cluster);

    let cluster = start(&data);
    assert_eq!(ask(&cluster, "select 1"), "1");
    let watch = cluster.watch();
    cluster.stop();
    assert!(watch.wait().asked);
}

#[test]
fn a_failed_start_shows_what_the_server_said() {
    let data = tempfile::tempdir().unwrap();
    start(&data).stop();
    let settings = data.path().join("postgres/postgresql.auto.conf");
    std::fs::write(&settings, "shared_buffers = 'much'\n").unwrap();
    let refused = refusal(data.path());
    assert!(matches!(refused, Error::Start { .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("did not start: exit status: 1"), "{text}");
    assert!(text.contains("invalid value for parameter \"shared_buffers\""), "{text}");
    std::fs::write(&settings, "").unwrap();
    start(&data);
}

#[test]
fn a_folder_that_the_server_cannot_reach_is_refused_with_a_way_out() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("inner");
    if geteuid().is_root() {
        // As below a home folder: closed to the user that root drops to.
        std::fs::set_permissions(outer.path(), PermissionsExt::from_mode(0o700)).unwrap();
        let refused = refusal(&data).to_string();
        let closed = outer.path().display();
        assert!(refused.contains(&format!("cannot enter {closed},")), "{refused}");
        assert!(!data.exists());
        assert!(refused.contains("--data, for example /var/lib/recoup"), "{refused}");
    } else {
        std::fs::set_permissions(outer.path(), PermissionsExt::from_mode(0o500)).unwrap();
        let refused = refusal(&data).to_string();
        assert!(refused.contains(&format!("cannot make {}", data.display())), "{refused}");
    }
}

#[test]
fn an_ordinary_user_has_a_cluster_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    let (program, data) = (home.path().join("keep"), home.path().join("data"));
    // Copied by another process: a file that this one has open for writing cannot be run.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_keep")).arg(&program).status();
    assert!(copied.unwrap().success());
    let mut command = Command::new(&program);
    command.arg(&data).current_dir("/");
    let user = if geteuid().is_root() { "nobody" } else { "" };
    if let Some(user) = User::from_name(user).unwrap() {
        use std::os::unix::process::CommandExt;
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        let (uid, gid) = (Some(user.uid.as_raw()), Some(user.gid.as_raw()));
        std::os::unix::fs::chown(home.path(), uid, gid).unwrap();
    }
    let keeper = Keeper::start(&mut command);
    let found = std::fs::metadata(&data).unwrap();
    assert_eq!(found.mode() & 0o777, 0o700);
    assert_eq!(found.uid(), std::fs::metadata(home.path()).unwrap().uid());
    assert_ne!(found.uid(), 0);
    // Who cannot enter the socket's folder cannot connect: only its owner and root can.
    let config: tokio_postgres::Config = keeper.url.parse().unwrap();
    let [tokio_postgres::config::Host::Unix(socket)] = config.get_hosts() else {
        panic!("{} is not a socket", keeper.url)
    };
    let socket: &PathBuf = socket;
    assert_eq!(std::fs::metadata(socket).unwrap().mode() & 0o777, 0o700);
    assert_eq!(std::fs::metadata(socket).unwrap().uid(), found.uid());
}
