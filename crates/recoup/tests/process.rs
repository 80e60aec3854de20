//! The program as it is started by a person: on an embedded database of its own.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers of tests; a failure is a failed test.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn program(data: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recoup"));
    command.args(words).arg("--data").arg(data).env_remove("DATABASE_URL");
    command.env("RECOUP_LISTEN", "127.0.0.1:0").env("RECOUP_METRICS", "127.0.0.1:0");
    command.env_remove("RECOUP_LOG").env_remove("RECOUP_LOG_FORMAT");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(data: &Path, words: &[&str]) -> (bool, String, String) {
    let Output { status, stdout, stderr } = program(data, words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.success(), text(stdout), text(stderr))
}

/// A started program; one that a failed test left behind is killed.
struct Started {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Started {
    fn new(data: &Path, words: &[&str]) -> Self {
        let mut child = program(data, words).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Waits until the log says something; answers what it said up to then.
    fn until(&mut self, text: &str) -> String {
        let mut said = String::new();
        while !said.contains(text) {
            let read = self.log.read_line(&mut said).unwrap();
            assert!(read > 0, "it ended before it said {text:?}:\n{said}");
        }
        said
    }

    fn end(mut self, signal: Signal) -> Option<i32> {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
        // A program whose log nobody reads would wait for a reader.
        self.log.read_to_string(&mut String::new()).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

#[test]
fn it_shows_its_configuration_and_stops_gracefully_when_asked() {
    let data = tempfile::tempdir().unwrap();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut started = Started::new(data.path(), &["all"]);
        let log = started.until("recoup::command: ready");
        assert!(log.contains("database=embedded PostgreSQL in"), "{log}");
        assert_eq!(started.end(signal), Some(0), "{signal}");
    }
}

#[test]
fn a_second_start_on_the_same_folder_is_refused_with_a_message() {
    let data = tempfile::tempdir().unwrap();
    let mut started = Started::new(data.path(), &["serve"]);
    started.until("recoup::command: ready");
    let (fine, _, told) = run(data.path(), &["migrate"]);
    assert!(!fine);
    assert!(told.contains("is in use by process"), "{told}");
    assert_eq!(started.end(Signal::SIGTERM), Some(0));
}

#[test]
fn an_embedded_server_that_dies_is_started_again() {
    let data = tempfile::tempdir().unwrap();
    let mut started = Started::new(data.path(), &["all"]);
    started.until("recoup::command: ready");
    let status = std::fs::read_to_string(data.path().join("postgres/postmaster.pid")).unwrap();
    let server = status.lines().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(server), Signal::SIGKILL).unwrap();
    started.until("the embedded PostgreSQL ended by itself: starting it again");
    started.until("the PostgreSQL server is ready");
    started.until("the database answers again");
    assert_eq!(started.end(Signal::SIGTERM), Some(0));
}

#[test]
fn the_first_organization_is_made_once_and_its_key_is_shown_once() {
    let data = tempfile::tempdir().unwrap();
    let (fine, shown, told) = run(data.path(), &["init", "--legal-name", "Voorbeeld B.V."]);
    assert!(fine, "{told}");
    assert!(shown.contains("Voorbeeld B.V. (live)"), "{shown}");
    assert_eq!(shown.matches("recoup_").count(), 1, "{shown}");
    let (fine, shown, told) = run(data.path(), &["init", "--legal-name", "Andere B.V."]);
    assert!(!fine && shown.is_empty());
    assert!(told.contains("there is a live organization already"), "{told}");
    let (fine, _, told) = run(data.path(), &["init", "--sandbox", "--country", "Holland"]);
    assert!(!fine && told.contains("organization.address.country"), "{told}");
    assert!(run(data.path(), &["init", "--sandbox"]).0);
    let (fine, shown, _) = run(data.path(), &["migrate", "down", "--yes-delete-everything"]);
    assert!(fine && shown.starts_with("reverted "), "{shown}");
    let (fine, shown, _) = run(data.path(), &["migrate"]);
    assert!(fine && shown.starts_with("applied "), "{shown}");
}

/// What is the same whenever the demonstration is shown: all but the key.
fn without_key(shown: &str) -> String {
    let lines = shown.lines().filter(|line| !line.contains("export KEY="));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_demonstration_goes_on_where_it_was_stopped_and_is_shown_again() {
    let small = ["demo", "--customers", "12", "--years", "1", "--exit"];
    let (undisturbed, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (fine, shown, told) = run(undisturbed.path(), &small);
    assert!(fine, "{told}");
    // Those who buy and fund features come besides.
    assert!(shown.contains("customers          31"), "{shown}");
    assert!(shown.contains("total, difference 0.00"), "{shown}");
    assert!(shown.contains("The ledger holds"), "{shown}");
    assert!(shown.contains("The recurring revenue holds"), "{shown}");
    assert!(shown.contains("The collecting holds"), "{shown}");
    assert!(!told.contains("refused"), "{told}");
    assert!(shown.contains("export KEY=recoup_"), "{shown}");

    let mut started = Started::new(stopped.path(), &small);
    started.until("lived to 2024-02");
    assert_eq!(started.end(Signal::SIGINT), Some(0));
    let (fine, once, told) = run(stopped.path(), &small);
    assert!(fine, "{told}");
    assert_eq!(without_key(&once), without_key(&shown));
    let (fine, again, _) = run(stopped.path(), &small);
    assert!(fine);
    assert_eq!(without_key(&again), without_key(&shown));
    assert_ne!(again, once, "the key is a fresh one");
}
