//! A server that outlived the process which started it.
//!
//! When that process is killed, the kernel tells its server to shut down, which takes a moment: a
//! new start holds the folder already while the old server still writes. And a server that was
//! killed too leaves `postmaster.pid`, whose number may belong to somebody else by now; PostgreSQL
//! would then refuse to start for ever.
//!
//! So every program that works in the folder carries a lock on `server.lock`, inherited from us
//! and by its own children: the lock is free when the last of them has ended, whoever died first.
//! A server that somebody started by hand carries none; it is known by its working folder.
//!
//! Invariant: after [`wait`] nothing of PostgreSQL works in the folder.
//! Deliberately absent: signals to processes that we did not start.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::libc::O_NOFOLLOW;

use crate::error::Error;
use crate::folder::Folder;
use crate::launch::GLANCE;

/// How long a server that shuts down is waited for: it writes a checkpoint.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits until nothing works in `folder`, removes the mark of the last server, and returns the
/// lock for the programs that are started next.
///
/// # Errors
/// [`Error::StillRunning`]: a server did not end within a minute, or was started by hand.
/// [`Error::Io`].
pub(crate) fn wait(folder: &Folder) -> Result<File, Error> {
    wait_for(folder, LIMIT)
}

fn wait_for(folder: &Folder, limit: Duration) -> Result<File, Error> {
    let path = folder.path().join("server.lock");
    let lock = open(&path)?;
    let mark = folder.files().join("postmaster.pid");
    let begun = Instant::now();
    let mut told = false;
    while !try_lock(&lock, &path)? {
        if begun.elapsed() >= limit {
            return Err(still_running(folder, &mark));
        }
        if !told {
            tracing::info!(folder = %folder.path().display(), "an earlier server is shutting down");
            told = true;
        }
        std::thread::sleep(GLANCE);
    }
    // What carries no lock is not shutting down on our account: waiting would not help.
    if is_alive(&mark, &folder.files()) {
        return Err(still_running(folder, &mark));
    }
    match std::fs::remove_file(&mark) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", &mark)(error)),
        _ => Ok(lock),
    }
}

fn still_running(folder: &Folder, mark: &Path) -> Error {
    let unknown = || "its process is not known".to_owned();
    let process = pid_in(mark).map_or_else(unknown, |pid| format!("process {pid}"));
    Error::StillRunning { folder: folder.path().to_owned(), process }
}

fn open(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(O_NOFOLLOW);
    options.open(path).map_err(Error::io("open", path))
}

fn try_lock(lock: &File, path: &Path) -> Result<bool, Error> {
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", path)(error)),
    }
}

fn pid_in(mark: &Path) -> Option<u32> {
    std::fs::read_to_string(mark).ok()?.lines().next()?.trim().parse().ok()
}

/// Whether the process that `mark` names is a PostgreSQL server on `files`, and not somebody who
/// got its number.
fn is_alive(mark: &Path, files: &Path) -> bool {
    let Some(pid) = pid_in(mark) else { return false };
    let process = Path::new("/proc").join(pid.to_string());
    let name = std::fs::read_to_string(process.join("comm")).unwrap_or_default();
    if name.trim() != "postgres" {
        return false;
    }
    match std::fs::read_link(process.join("cwd")) {
        Ok(folder) => folder == files,
        // Not even root may look in some containers; the command line is open to all.
        Err(_) => {
            let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|word| word == files.as_os_str().as_encoded_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    /// A process called `postgres` that waits in `cwd`.
    fn impostor(folder: &Folder, cwd: &Path) -> Child {
        let program = folder.path().join("linked").join("postgres");
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("/bin/cat", &program).unwrap();
        let child = Command::new(&program).current_dir(cwd).stdin(Stdio::piped()).spawn().unwrap();
        let name = format!("/proc/{}/comm", child.id());
        // The kernel lets us go on a moment before it writes the name.
        while std::fs::read_to_string(&name).unwrap() != "postgres\n" {
            std::thread::yield_now();
        }
        child
    }

    fn mark(folder: &Folder, pid: u32) -> std::path::PathBuf {
        std::fs::create_dir_all(folder.files()).unwrap();
        let path = folder.files().join("postmaster.pid");
        std::fs::write(&path, format!("{pid}\n{}\n", folder.files().display())).unwrap();
        path
    }

    #[test]
    fn the_mark_of_a_dead_server_goes_even_if_its_number_is_taken() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::take(data.path()).unwrap();
        let path = mark(&folder, std::process::id());
        wait_for(&folder, Duration::ZERO).unwrap();
        assert!(!path.exists());

        let mut stranger = impostor(&folder, Path::new("/"));
        let path = mark(&folder, stranger.id());
        let waited = wait_for(&folder, Duration::ZERO);
        stranger.kill().unwrap();
        stranger.wait().unwrap();
        waited.unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_server_that_somebody_else_started_is_left_alone() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::take(data.path()).unwrap();
        std::fs::create_dir(folder.files()).unwrap();
        let mut server = impostor(&folder, &folder.files());
        let path = mark(&folder, server.id());
        let refused = wait_for(&folder, Duration::ZERO);
        let pid = server.id();
        server.kill().unwrap();
        server.wait().unwrap();
        assert!(refused.unwrap_err().to_string().contains(&format!("(process {pid})")));
        assert!(path.exists());
    }

    #[test]
    fn a_program_that_carries_the_lock_is_waited_for() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::take(data.path()).unwrap();
        let lock = wait_for(&folder, Duration::ZERO).unwrap();
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped());
        let mut program = crate::launch::spawn(command, Some(&lock)).unwrap();
        drop(lock);
        let refused = wait_for(&folder, Duration::ZERO);
        program.kill().unwrap();
        program.wait().unwrap();
        assert!(matches!(refused, Err(Error::StillRunning { .. })), "{refused:?}");
        wait_for(&folder, Duration::ZERO).unwrap();
    }
}
