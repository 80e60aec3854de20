//! The running server: its settings, its start, its watch and its end.
//!
//! Invariants: the server is signalled only while it is not yet reaped, so that no signal reaches
//! a stranger that got its number; every wait is bounded; the log gets no report of refused
//! statements, because those quote the customers' data, and the client has the report anyway.
//! Deliberately absent: restarting. A server that ends by itself is reported, not replaced.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use crate::cluster::Durability;
use crate::launch::{self, GLANCE};
use crate::log::Log;
use crate::socket::PORT;

/// A server that is not ready and has logged nothing for so long is given up. Recovery after a
/// crash may take longer, but reports its progress every ten seconds.
const SILENCE: Duration = Duration::from_secs(60);
/// How to end a server, and how long to wait before the next, harder way: fast shutdown (ends the
/// connections, writes a checkpoint), immediate shutdown (the next start recovers), kill.
const ENDINGS: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(30)),
    (Signal::SIGQUIT, Duration::from_secs(10)),
    (Signal::SIGKILL, Duration::from_secs(10)),
];

/// How a server ended.
#[derive(Debug, Clone)]
pub struct Exit {
    /// Whether [`crate::Cluster::stop`] (or a drop) asked for it.
    pub asked: bool,
    /// How the process ended, as `exit status: 1` or `signal: 9 (SIGKILL)`.
    pub status: String,
    /// The last lines of the server's log.
    pub log: String,
}

impl fmt::Display for Exit {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.asked {
            return write!(to, "the PostgreSQL server was stopped ({})", self.status);
        }
        write!(to, "the PostgreSQL server ended by itself ({})\n{}", self.status, self.log)
    }
}

/// Waits for the end of a server; lives on after its [`crate::Cluster`].
#[derive(Debug, Clone)]
pub struct Watch(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
    log: Log,
}

#[derive(Debug)]
struct State {
    child: Child,
    asked: bool,
    exit: Option<Exit>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Waits until the server has ended, asked or not. Blocks: call it where that is allowed.
    pub fn wait(&self) -> Exit {
        loop {
            if let Some(exit) = self.wait_for(Duration::from_secs(3600)) {
                return exit;
            }
        }
    }

    /// Waits at most for `limit`; `None` if the server still runs then.
    pub fn wait_for(&self, limit: Duration) -> Option<Exit> {
        let running = |state: &mut State| state.exit.is_none();
        let waited = self.0.ended.wait_timeout_while(self.0.state(), limit, running);
        waited.unwrap_or_else(PoisonError::into_inner).0.exit.clone()
    }
}

/// A server process, and the thread that waits for its end.
#[derive(Debug)]
pub(crate) struct Server(Watch);

impl Server {
    /// Starts the server with `command` and watches it; it is not ready yet. It carries `lock`.
    pub(crate) fn start(command: Command, lock: &File, log: Log) -> std::io::Result<Server> {
        let child = launch::spawn(command, Some(lock))?;
        let state = Mutex::new(State { child, asked: false, exit: None });
        let server = Server(Watch(Arc::new(Shared { state, ended: Condvar::new(), log })));
        let (shared, pid) = (Arc::clone(&server.0.0), server.pid());
        std::thread::Builder::new()
            .name("cluster-watch".into())
            .spawn(move || attend(&shared, pid))
            .inspect_err(|_| server.kill_unwatched())?;
        Ok(server)
    }

    /// Without the watching thread nobody would reap the server.
    fn kill_unwatched(&self) {
        let mut state = self.0.0.state();
        let _ = state.child.kill();
        let _ = state.child.wait();
    }

    fn pid(&self) -> Pid {
        // Process ids are positive and fit: the kernel's limit is 2^22.
        Pid::from_raw(self.0.0.state().child.id().cast_signed())
    }

    /// A handle to wait with.
    pub(crate) fn watch(&self) -> Watch {
        self.0.clone()
    }

    /// How the server ended, if it did.
    pub(crate) fn exited(&self) -> Option<Exit> {
        self.0.0.state().exit.clone()
    }

    /// Waits until the server on `files` takes connections; else the reason why it does not.
    pub(crate) fn wait_ready(&self, files: &Path) -> Result<(), String> {
        let (pid, log) = (self.pid(), &self.0.0.log);
        let (mut size, mut heard) = (log.size(), Instant::now());
        while !is_ready(files, pid) {
            if let Some(exit) = self.0.wait_for(GLANCE) {
                return Err(exit.status);
            }
            let now = log.size();
            if now != size {
                (size, heard) = (now, Instant::now());
            }
            if heard.elapsed() >= SILENCE {
                return Err(format!("not ready, and silent for {} s", SILENCE.as_secs()));
            }
        }
        Ok(())
    }

    /// Ends the server, at first gently; returns when it has ended, or cannot be ended.
    pub(crate) fn stop(&self) {
        for (signal, limit) in ENDINGS {
            if !self.signal(signal) || self.0.wait_for(limit).is_some() {
                return;
            }
            tracing::warn!(%signal, seconds = limit.as_secs(), "the server did not end in time");
        }
    }

    /// Sends `signal` if the server still runs; tells whether there is something to wait for.
    fn signal(&self, signal: Signal) -> bool {
        let pid = self.pid();
        let mut state = self.0.0.state();
        if state.exit.is_some() {
            return false;
        }
        state.asked = true;
        // It may have ended this moment: then it is not yet reaped, since that needs the state.
        let warn = |error: &Errno| tracing::warn!(%error, %signal, "cannot signal the server");
        kill(pid, signal).inspect_err(warn).is_ok()
    }
}

/// Waits for the server's end without reaping it, then reaps it under the lock.
fn attend(shared: &Shared, pid: Pid) {
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
    let mut state = shared.state();
    let status = match state.child.wait() {
        Ok(status) => status.to_string(),
        Err(error) => format!("unknown: {error}"),
    };
    state.exit = Some(Exit { asked: state.asked, status, log: shared.log.tail() });
    drop(state);
    shared.ended.notify_all();
}

/// Whether the server's own status file says that it takes connections.
fn is_ready(files: &Path, pid: Pid) -> bool {
    let status = std::fs::read_to_string(files.join("postmaster.pid")).unwrap_or_default();
    let mut lines = status.lines().map(str::trim);
    // Line 1 is the process, line 8 its state.
    lines.next() == Some(&pid.to_string()) && lines.nth(6) == Some("ready")
}

/// Adds the settings of a private server to `command`.
pub(crate) fn configure(
    command: &mut Command,
    durability: Durability,
    max_connections: u32,
    socket: &Path,
) {
    let mut set = |name: &str, value: &str| {
        command.arg("-c").arg(format!("{name}={value}"));
    };
    set("listen_addresses", "");
    set("unix_socket_directories", &socket.to_string_lossy());
    set("unix_socket_permissions", "0700");
    set("port", &PORT.to_string());
    set("max_connections", &max_connections.to_string());
    set("logging_collector", "off");
    set("log_destination", "stderr");
    // Only what concerns the server itself: see the module's invariants.
    set("log_min_messages", "log");
    set("log_min_error_statement", "panic");
    // The same on every machine and with all programs.
    set("timezone", "UTC");
    set("log_timezone", "UTC");
    set("jit", "off");
    let safe = if durability == Durability::Durable { "on" } else { "off" };
    for name in ["fsync", "synchronous_commit", "full_page_writes"] {
        set(name, safe);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_of_our_server_not_of_the_one_before() {
        let files = tempfile::tempdir().unwrap();
        let write = |pid: u32, state: &str| {
            let text = format!("{pid}\n/data\n1\n5432\n/tmp/x\n\n 1 2\n{state}  \n");
            std::fs::write(files.path().join("postmaster.pid"), text).unwrap();
        };
        assert!(!is_ready(files.path(), Pid::from_raw(7)));
        write(7, "starting");
        assert!(!is_ready(files.path(), Pid::from_raw(7)));
        write(6, "ready");
        assert!(!is_ready(files.path(), Pid::from_raw(7)));
        write(7, "ready");
        assert!(is_ready(files.path(), Pid::from_raw(7)));
    }

    #[test]
    fn a_process_that_ends_by_itself_was_not_asked() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::open(folder.path()).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo broken >&2; exit 4"]).stderr(log.writer().unwrap());
        let exit = Server::start(command, &log.writer().unwrap(), log).unwrap().watch().wait();
        assert!(!exit.asked);
        assert!(exit.to_string().contains("ended by itself (exit status: 4)"), "{exit}");
        assert!(exit.to_string().ends_with("broken"), "{exit}");
    }

    #[test]
    fn a_stopped_process_was_asked_and_a_second_stop_is_harmless() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("cat");
        command.stdin(std::process::Stdio::piped());
        let log = Log::open(folder.path()).unwrap();
        let server = Server::start(command, &log.writer().unwrap(), log).unwrap();
        assert!(server.exited().is_none());
        server.stop();
        server.stop();
        let exit = server.exited().unwrap();
        assert!(exit.asked);
        assert!(exit.status.starts_with("signal: 2"), "{exit}");
    }
}
