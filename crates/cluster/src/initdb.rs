//! Making the database files, once.
//!
//! Invariant: the files appear under their final name only when they are complete: `initdb` works
//! in a folder next to it, which is renamed at the end. A kill before that leaves a folder that the
//! next start removes.
//! Deliberately absent: databases, roles and tables, which are the callers'.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, lchown};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::account::Account;
use crate::cluster::Durability;
use crate::error::Error;
use crate::folder::Folder;
use crate::launch;
use crate::log::Log;
use crate::programs::Programs;

/// The superuser of the cluster, whom the socket folder's owner is trusted to be.
pub(crate) const SUPERUSER: &str = "postgres";
/// `initdb` takes seconds; this is for a very slow disk.
const LIMIT: Duration = Duration::from_secs(180);
/// From this major version on, PostgreSQL brings a locale of its own.
const BUILTIN_LOCALE: u32 = 17;

/// Makes the database files of `folder` if there are none; `initdb` carries `lock`.
///
/// # Errors
/// [`Error::Init`] with the end of the log; [`Error::Io`] from the file system.
pub(crate) fn ensure(
    folder: &Folder,
    programs: &Programs,
    account: &Account,
    durability: Durability,
    lock: &File,
    log: &Log,
) -> Result<(), Error> {
    if folder.files().try_exists().map_err(Error::io("look into", folder.path()))? {
        return Ok(());
    }
    tracing::info!(folder = %folder.path().display(), "making a new database cluster");
    let unfinished = make_room(folder, account)?;
    let mut command = account.command(&programs.initdb());
    command.arg("--pgdata").arg(&unfinished);
    describe(&mut command, programs.major(), durability);
    command.stdout(log.writer()?).stderr(log.writer()?);
    let ended = launch::run(command, Some(lock), LIMIT);
    let ended = ended.map_err(Error::io("start", &programs.initdb()))?;
    let why = match ended {
        Some(status) if status.success() => return finish(&unfinished, folder),
        Some(status) => status.to_string(),
        None => format!("not ready after {} s", LIMIT.as_secs()),
    };
    Err(Error::Init { folder: folder.path().to_owned(), why, log: log.tail() })
}

/// Texts sort by code point, which is fast and the same on every machine; letters beyond ASCII are
/// still known as letters. The socket's folder is the access control, hence `trust`.
fn describe(command: &mut Command, major: u32, durability: Durability) {
    command.args(["--username", SUPERUSER, "--encoding=UTF8", "--locale=C"]);
    if major >= BUILTIN_LOCALE {
        command.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]);
    } else {
        command.arg("--lc-ctype=C.UTF-8");
    }
    command.args(["--auth-local=trust", "--auth-host=reject", "--no-instructions"]);
    command.arg("--data-checksums");
    if durability == Durability::Throwaway {
        command.arg("--no-sync");
    }
}

/// An empty folder for `initdb`, in place of what a killed start may have left.
fn make_room(folder: &Folder, account: &Account) -> Result<std::path::PathBuf, Error> {
    let room = folder.unfinished();
    if room.symlink_metadata().is_ok() {
        tracing::info!(folder = %room.display(), "removing what an interrupted start left");
        std::fs::remove_dir_all(&room).map_err(Error::io("remove", &room))?;
    }
    DirBuilder::new().mode(0o700).create(&room).map_err(Error::io("make", &room))?;
    if account.drops() {
        lchown(&room, Some(account.uid), Some(account.gid))
            .map_err(Error::io("change the owner of", &room))?;
    }
    Ok(room)
}

/// The rename is durable only when the folder that holds the name is.
fn finish(unfinished: &Path, folder: &Folder) -> Result<(), Error> {
    std::fs::rename(unfinished, folder.files()).map_err(Error::io("rename", unfinished))?;
    let synced = File::open(folder.path()).and_then(|folder| folder.sync_all());
    synced.map_err(Error::io("sync", folder.path()))
}
