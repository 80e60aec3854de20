//! Where things are kept when nobody says otherwise, and making those folders.
//!
//! Invariant: what root keeps can be reached by the user that PostgreSQL runs as, whatever the
//! umask; what an ordinary user keeps is closed to others.
//! Deliberately absent: reading configuration, and changing folders that exist.

use std::ffi::OsString;
use std::fs::{DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{User, geteuid};

/// The name of our folders below the system's or the user's.
const NAME: &str = "recoup";

/// The data folder for this user: `/var/lib/recoup` for root, else `$XDG_DATA_HOME/recoup` or
/// `~/.local/share/recoup`; without any home, a folder of the user's own below `/var/tmp`.
pub fn default_data_folder() -> PathBuf {
    if geteuid().is_root() {
        return PathBuf::from("/var/lib").join(NAME);
    }
    below_home(std::env::var_os("XDG_DATA_HOME"), home(), ".local/share")
        .unwrap_or_else(|| PathBuf::from(format!("/var/tmp/{NAME}-{}", geteuid())))
}

/// Where fetched programs are kept; `None` for a user without a home.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    if geteuid().is_root() {
        return Some(PathBuf::from("/var/cache").join(NAME));
    }
    below_home(std::env::var_os("XDG_CACHE_HOME"), home(), ".cache")
}

/// The XDG rule: an absolute path in the variable, else the default below the home folder.
fn below_home(xdg: Option<OsString>, home: Option<PathBuf>, default: &str) -> Option<PathBuf> {
    xdg.map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| home.map(|home| home.join(default)))
        .map(|base| base.join(NAME))
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME")
        .map(PathBuf::from)
        .or_else(|| User::from_uid(geteuid()).ok().flatten().map(|user| user.dir))
        .filter(|path| path.is_absolute())
}

/// Makes `folder` and the missing ones above it, open to all for root, else closed to others.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    match folder.parent() {
        Some(parent) if !parent.try_exists()? => make(parent)?,
        _ => {}
    }
    let mode = if geteuid().is_root() { 0o755 } else { 0o700 };
    match DirBuilder::new().mode(mode).create(folder) {
        // The umask may have taken something away.
        Ok(()) => std::fs::set_permissions(folder, Permissions::from_mode(mode)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_xdg_variable_wins_if_it_is_absolute() {
        let home = || Some(PathBuf::from("/home/ann"));
        let place = |xdg: Option<&str>| below_home(xdg.map(OsString::from), home(), ".local/share");
        assert_eq!(place(Some("/data")), Some(PathBuf::from("/data/recoup")));
        assert_eq!(place(Some("data")), Some(PathBuf::from("/home/ann/.local/share/recoup")));
        assert_eq!(place(None), Some(PathBuf::from("/home/ann/.local/share/recoup")));
        assert_eq!(below_home(None, None, ".cache"), None);
    }

    #[test]
    fn folders_are_made_with_those_above_and_existing_ones_stay_as_they_are() {
        let outer = tempfile::tempdir().unwrap();
        std::fs::set_permissions(outer.path(), Permissions::from_mode(0o711)).unwrap();
        let inner = outer.path().join("a/b");
        make(&inner).unwrap();
        make(&inner).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let expected = if geteuid().is_root() { 0o755 } else { 0o700 };
        assert_eq!([mode(&inner), mode(&outer.path().join("a"))], [expected; 2]);
        assert_eq!(mode(outer.path()), 0o711);
        std::fs::write(inner.join("file"), "").unwrap();
        assert!(make(&inner.join("file")).is_err());
    }
}
