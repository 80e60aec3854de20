//! The folder of the server's socket, which is the only way to the server.
//!
//! Socket paths are limited to 107 bytes, and data folders may lie deep: so the socket has a short
//! folder of its own, named by a hash of the data folder's path. The server trusts whoever can
//! connect, so who may enter this folder is the whole of the access control.
//!
//! Invariants: the folder is a real folder (no link), belongs to the server's account, and is
//! closed to everybody else (0700); a folder that is not so is refused, since anybody may make
//! names below `/tmp`.
//! Deliberately absent: network addresses, passwords.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

use crate::account::{Account, user_label};
use crate::error::Error;

/// The port: it only names the socket's file. PostgreSQL's default, so that urls need none.
pub(crate) const PORT: u16 = 5432;

/// The socket folder of the data folder at `data` (absolute, without links).
fn path(data: &Path) -> PathBuf {
    let digest = Sha256::digest(data.as_os_str().as_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    PathBuf::from(format!("/tmp/recoup-{short}"))
}

/// Makes the socket folder of `data` and removes what a killed server left in it.
///
/// The caller holds the data folder, and no server works in it any more.
///
/// # Errors
/// The folder exists and is not safely ours, or cannot be made.
pub(crate) fn prepare(data: &Path, account: &Account) -> Result<PathBuf, Error> {
    let folder = path(data);
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(Error::io("make", &folder)(error));
        }
        _ => {}
    }
    check(&folder, account)?;
    if account.drops() {
        lchown(&folder, Some(account.uid), Some(account.gid))
            .map_err(Error::io("change the owner of", &folder))?;
    }
    clear(&folder);
    Ok(folder)
}

/// As root the folder is ours until the line that gives it to the account.
fn check(folder: &Path, account: &Account) -> Result<(), Error> {
    let found = std::fs::symlink_metadata(folder).map_err(Error::io("look at", folder))?;
    let mode = found.mode() & 0o777;
    let why = if !found.is_dir() {
        "is not a folder".into()
    } else if found.uid() != account.uid && found.uid() != geteuid().as_raw() {
        format!("belongs to {}, not to {}", user_label(found.uid()), account.label())
    } else if mode != 0o700 {
        format!("has mode {mode:04o}, not 0700")
    } else {
        return Ok(());
    };
    Err(Error::Socket { folder: folder.to_owned(), why })
}

/// Removes the socket's files: a lock file of a dead server names a process id that may have been
/// given to somebody else since, and PostgreSQL would then refuse to start.
fn clear(folder: &Path) {
    for name in [format!(".s.PGSQL.{PORT}"), format!(".s.PGSQL.{PORT}.lock")] {
        match std::fs::remove_file(folder.join(&name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, folder = %folder.display(), name, "cannot remove a file");
            }
            _ => {}
        }
    }
}

/// Removes the folder after the server's end; whatever is left in it goes with the next start.
pub(crate) fn remove(folder: &Path) {
    clear(folder);
    if let Err(error) = std::fs::remove_dir(folder) {
        tracing::debug!(%error, folder = %folder.display(), "the socket folder stays");
    }
}

/// The address of `database`, with the folder as its host.
pub(crate) fn url(folder: &Path, user: &str, database: &str) -> String {
    let host = percent_encode(folder.as_os_str().as_bytes());
    format!("postgresql://{user}@{host}:{PORT}/{}", percent_encode(database.as_bytes()))
}

fn percent_encode(bytes: &[u8]) -> String {
    let encode = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(*byte).into(),
        other => format!("%{other:02X}"),
    };
    bytes.iter().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn me() -> Account {
        Account::for_data(Path::new("/nonexistent")).unwrap()
    }

    #[test]
    fn the_path_fits_a_socket_address_and_differs_by_folder() {
        let deep = PathBuf::from("/very/deep".repeat(100));
        let socket = path(&deep).join(format!(".s.PGSQL.{PORT}.lock"));
        assert!(socket.as_os_str().len() < 107);
        assert_ne!(path(&deep), path(Path::new("/other")));
    }

    #[test]
    fn the_url_is_understood_by_the_driver() {
        let url = url(Path::new("/tmp/recoup-0a1b"), "postgres", "näme/&?");
        let config: tokio_postgres::Config = url.parse().unwrap();
        let host = tokio_postgres::config::Host::Unix(PathBuf::from("/tmp/recoup-0a1b"));
        assert_eq!(config.get_hosts(), [host]);
        assert_eq!(config.get_user(), Some("postgres"));
        assert_eq!(config.get_dbname(), Some("näme/&?"));
    }

    #[test]
    fn an_open_folder_a_link_and_a_file_are_refused() {
        let data = tempfile::tempdir().unwrap();
        let folder = path(data.path());
        let refusal = || prepare(data.path(), &me()).unwrap_err().to_string();

        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(refusal().contains("has mode 0755, not 0700"), "{}", refusal());
        std::fs::remove_dir(&folder).unwrap();

        symlink(data.path(), &folder).unwrap();
        assert!(refusal().contains("is not a folder"), "{}", refusal());
        std::fs::remove_file(&folder).unwrap();

        std::fs::write(&folder, "").unwrap();
        assert!(refusal().contains("is not a folder"), "{}", refusal());
        std::fs::remove_file(&folder).unwrap();
    }

    #[test]
    fn leftovers_of_a_killed_server_are_removed() {
        let data = tempfile::tempdir().unwrap();
        let folder = prepare(data.path(), &me()).unwrap();
        std::fs::write(folder.join(".s.PGSQL.5432.lock"), "1\n").unwrap();
        assert_eq!(prepare(data.path(), &me()).unwrap(), folder);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        remove(&folder);
        assert!(!folder.exists());
    }
}
