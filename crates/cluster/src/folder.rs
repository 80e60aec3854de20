//! The data folder: taking it, locking it, and what lies where in it.
//!
//! ```text
//! <data>/recoup.lock    marks the folder as ours; locked while a cluster holds it; the holder's pid
//! <data>/server.lock    locked while any program of PostgreSQL works here (see `predecessor`)
//! <data>/server.log     what initdb and the server wrote (and server.log.1, the one before)
//! <data>/postgres/      the database files, owned by the account that runs the server
//! <data>/secret.key     seals account numbers; not of this crate
//! <data>/postgres.new/  database files in the making: renamed when complete, removed when found
//! ```
//! Invariants: a folder with anything else in it is left untouched; the lock goes with the process
//! (it is not inherited by children); nothing here follows a link at the end of a path.
//! Deliberately absent: removing a data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::libc::O_NOFOLLOW;
use nix::unistd::geteuid;

use crate::account::{Account, not_ours};
use crate::error::Error;
use crate::places;
use crate::programs::Programs;

/// Its presence marks a folder as ours, and the lock on it holds the folder.
const LOCK: &str = "recoup.lock";
/// What a fresh file system puts into its top folder; a mounted volume is as good as an empty one.
const HARMLESS: &str = "lost+found";
/// The key of a service that used another database before: a folder with it is ours already.
const KEY: &str = "secret.key";

/// A data folder that this process holds.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    lock: File,
}

/// Where the database files of the data folder `data` are.
pub(crate) fn files(data: &Path) -> PathBuf {
    data.join("postgres")
}

/// The major version that made the database files of `data`; `None` if there are none yet.
///
/// # Errors
/// There are files but no version, or it cannot be read.
pub(crate) fn major(data: &Path) -> Result<Option<u32>, Error> {
    let files = files(data);
    if !files.try_exists().map_err(Error::io("look into", data))? {
        return Ok(None);
    }
    let path = files.join("PG_VERSION");
    let damaged = |why| Error::Damaged { folder: data.to_owned(), why };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| damaged(format!("{} cannot be read ({error})", path.display())))?;
    let version = text.trim().parse();
    version.map(Some).map_err(|_| damaged(format!("{} holds {text:?}", path.display())))
}

impl Folder {
    /// Takes the folder at `data`, making it if needed.
    ///
    /// # Errors
    /// It holds something else, somebody else holds it, or we may not write there.
    pub(crate) fn take(data: &Path) -> Result<Folder, Error> {
        let root = make(data)?;
        let path = root.join(LOCK);
        if !path.try_exists().map_err(Error::io("look into", &root))? && !is_empty(&root)? {
            return Err(Error::Foreign { folder: root });
        }
        let lock = open_lock(&path, &root)?;
        let mut folder = Folder { root, lock };
        folder.hold()?;
        if geteuid().is_root() {
            folder.let_through()?;
        }
        Ok(folder)
    }

    fn hold(&mut self) -> Result<(), Error> {
        let path = self.root.join(LOCK);
        match self.lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = self.holder();
                return Err(Error::InUse { folder: self.root.clone(), holder });
            }
            Err(TryLockError::Error(source)) => {
                return Err(Error::Io { doing: "lock", path, source });
            }
        }
        let written =
            self.lock.set_len(0).and_then(|()| writeln!(self.lock, "{}", std::process::id()));
        written.map_err(Error::io("write", &path))
    }

    fn holder(&mut self) -> String {
        let mut text = String::new();
        // The holder writes its number after locking: in between the file is empty or old.
        match (&self.lock).take(32).read_to_string(&mut text).map(|_| text.trim().parse::<u32>()) {
            Ok(Ok(pid)) => format!("process {pid}"),
            _ => "another process".into(),
        }
    }

    /// As root: the account that runs the server must get through this folder to its files.
    fn let_through(&self) -> Result<(), Error> {
        let found = std::fs::metadata(&self.root).map_err(Error::io("look at", &self.root))?;
        let mode = found.mode() & 0o7777;
        if mode & 0o011 == 0o011 {
            return Ok(());
        }
        let opened = std::fs::Permissions::from_mode(mode | 0o011);
        std::fs::set_permissions(&self.root, opened).map_err(Error::io("open to all", &self.root))
    }

    /// The folder's path, absolute and without links.
    pub(crate) fn path(&self) -> &Path {
        &self.root
    }

    /// The database files.
    pub(crate) fn files(&self) -> PathBuf {
        files(&self.root)
    }

    /// Database files in the making.
    pub(crate) fn unfinished(&self) -> PathBuf {
        self.root.join("postgres.new")
    }
}

/// Tells whether `account` will get to the data folder `given`, by trying how far it comes. The
/// folder itself does not count: it need not exist, and is opened for passing through.
///
/// # Errors
/// [`Error::Unreachable`] with the outermost folder that is closed.
pub(crate) fn check_reachable(
    given: &Path,
    account: &Account,
    programs: &Programs,
) -> Result<(), Error> {
    if !account.drops() {
        return Ok(());
    }
    let data = given.canonicalize().or_else(|_| std::path::absolute(given));
    let data = data.map_err(Error::io("find", given))?;
    let above: Vec<&Path> = data.ancestors().skip(1).filter(|folder| folder.exists()).collect();
    let closed = |folder: &&&Path| {
        let mut probe = account.command(&programs.initdb());
        probe.arg("--version").current_dir(folder).output().is_err()
    };
    if above.first().filter(closed).is_none() {
        return Ok(());
    }
    let at = above.iter().rev().find(closed).copied().unwrap_or(&data).to_owned();
    Err(Error::Unreachable { folder: data, at, user: account.label() })
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing would do, but a child that is just being started elsewhere in this process may
        // have a copy of the handle until its exec: unlocking is for all copies.
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, folder = %self.root.display(), "cannot unlock the data folder");
        }
    }
}

/// Makes the folder and those above it; returns its path without links.
fn make(data: &Path) -> Result<PathBuf, Error> {
    let path = std::path::absolute(data).map_err(Error::io("find", data))?;
    places::make(&path).map_err(Error::io("make", &path))?;
    path.canonicalize().map_err(Error::io("find", &path))
}

fn is_empty(root: &Path) -> Result<bool, Error> {
    for entry in std::fs::read_dir(root).map_err(Error::io("list", root))? {
        let name = entry.map_err(Error::io("list", root))?.file_name();
        if name != HARMLESS && name != KEY {
            return Ok(false);
        }
    }
    Ok(true)
}

fn open_lock(path: &Path, root: &Path) -> Result<File, Error> {
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(O_NOFOLLOW)
        .open(path);
    opened.map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => not_ours(root),
        _ => Error::io("open", path)(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_other_contents_is_refused_and_left_alone() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("PG_VERSION"), "15\n").unwrap();
        let refused = Folder::take(data.path()).unwrap_err();
        assert!(refused.to_string().contains("is not empty and was not made by recoup"));
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_fresh_volume_counts_as_empty() {
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir(data.path().join(HARMLESS)).unwrap();
        Folder::take(data.path()).unwrap();
    }

    #[test]
    fn a_held_folder_is_refused_with_the_holder_and_free_after_the_drop() {
        let data = tempfile::tempdir().unwrap();
        let held = Folder::take(data.path()).unwrap();
        let refused = Folder::take(data.path()).unwrap_err().to_string();
        assert!(refused.contains(&format!("in use by process {}", std::process::id())));
        assert!(refused.contains(&data.path().canonicalize().unwrap().display().to_string()));
        drop(held);
        Folder::take(data.path()).unwrap();
    }

    #[test]
    fn files_without_a_version_are_damaged() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(major(data.path()).unwrap(), None);
        std::fs::create_dir(files(data.path())).unwrap();
        assert!(matches!(major(data.path()), Err(Error::Damaged { .. })));
        std::fs::write(files(data.path()).join("PG_VERSION"), "15\n").unwrap();
        assert_eq!(major(data.path()).unwrap(), Some(15));
    }

    #[test]
    fn a_link_in_place_of_the_lock_is_not_followed() {
        let data = tempfile::tempdir().unwrap();
        let target = data.path().join("precious");
        std::fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, data.path().join(LOCK)).unwrap();
        assert!(Folder::take(data.path()).is_err());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "kept");
    }
}
