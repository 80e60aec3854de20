//! Child processes that do not outlive this process.
//!
//! Invariant: a child gets SIGINT from the kernel when this process ends, however it ends; for the
//! server that is a fast, clean shutdown, and `initdb` cleans up. The kernel ties that signal to
//! the *thread* that made the child, so all children are made by one thread that never ends.
//! A child can be given an open, locked file to carry: the lock is then held until the child and
//! all its own children have ended.
//! Deliberately absent: systems without that signal.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid, getppid};

/// How often a bounded wait looks again.
pub(crate) const GLANCE: Duration = Duration::from_millis(10);

/// A command to run, and where to send the child.
type Order = (Command, Sender<io::Result<Child>>);

/// The way to the thread that makes the children; there is none before the first child.
static SPAWNER: Mutex<Option<Sender<Order>>> = Mutex::new(None);

/// Starts `command` as a child that is told to end when this process ends, and that carries
/// `lock`, if given.
pub(crate) fn spawn(mut command: Command, lock: Option<&File>) -> io::Result<Child> {
    prepare(&mut command, getpid(), lock);
    let (reply, child) = channel();
    let mut spawner = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner);
    let orders = match spawner.as_ref() {
        Some(orders) => orders,
        None => spawner.insert(start_spawner()?),
    };
    let gone = || io::Error::other("the thread that starts programs has ended");
    orders.send((command, reply)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

/// The thread ends only with the process: the sender lives in a static.
fn start_spawner() -> io::Result<Sender<Order>> {
    let (orders, inbox): (Sender<Order>, Receiver<Order>) = channel();
    std::thread::Builder::new().name("cluster-spawner".into()).spawn(move || {
        for (mut command, reply) in inbox {
            // A caller that no longer waits has nothing to start either; it never happens, since
            // the caller blocks for the answer.
            let _ = reply.send(command.spawn());
        }
    })?;
    Ok(orders)
}

/// Says what the child does before it becomes the program.
#[allow(unsafe_code, reason = "there is no safe way to run code between fork and exec")]
fn prepare(command: &mut Command, parent: Pid, lock: Option<&File>) {
    let carried = lock.map(|file| file.as_fd().as_raw_fd());
    let in_child = move || {
        if let Some(raw) = carried {
            // SAFETY: `spawn` waits for the child to have started, and borrows the file until
            // then: the descriptor is open, here as in the parent.
            let fd = unsafe { BorrowedFd::borrow_raw(raw) };
            fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        set_pdeathsig(Signal::SIGINT)?;
        // The parent may have died before the line above; then nobody will send the signal.
        if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
    };
    // SAFETY: the closure runs in the child between fork and exec. It makes three system calls,
    // fcntl, prctl and getppid, all async-signal-safe; it does not allocate (`Errno` becomes an
    // `io::Error` without a heap part), takes no lock and touches no memory of other threads.
    // The standard library runs it after the change of user, which would clear the request.
    unsafe { command.pre_exec(in_child) };
}

/// Runs `command` to its end, at most for `limit`; `None` if it had to be killed.
pub(crate) fn run(
    command: Command,
    lock: Option<&File>,
    limit: Duration,
) -> io::Result<Option<ExitStatus>> {
    let mut child = spawn(command, lock)?;
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(GLANCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_command_ends_by_itself_or_is_killed_at_the_limit() {
        let ended = run(shell("exit 3"), None, Duration::from_secs(20)).unwrap();
        assert_eq!(ended.and_then(|status| status.code()), Some(3));
        let killed = run(shell("kill -STOP $$"), None, Duration::from_millis(50)).unwrap();
        assert!(killed.is_none());
    }

    #[test]
    fn a_missing_program_is_an_error_and_the_spawner_goes_on() {
        assert!(spawn(Command::new("/nonexistent/program"), None).is_err());
        assert!(spawn(shell("true"), None).unwrap().wait().unwrap().success());
    }
}
