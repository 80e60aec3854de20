//! As whom the server runs: as ourselves, or, started as root, as a user without privileges.
//!
//! Invariant: an [`Account`] is never root. A data folder that already has database files decides:
//! their owner runs the server, so that a user that is added to the system later (by installing
//! PostgreSQL, say) does not lock anybody out of the data.
//! Deliberately absent: making users, and changing the owner of existing database files.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User, getegid, geteuid};

use crate::error::Error;
use crate::folder;

/// The users a root process drops to, best first.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// The capabilities, by number and name, that root needs to run a server as another user: to give
/// it its folders, to look into them, and to end it. Without the last one not even the kernel's
/// signal at our death would reach it.
const POWERS: [(u32, &str); 5] =
    [(0, "CHOWN"), (1, "DAC_OVERRIDE"), (5, "KILL"), (6, "SETGID"), (7, "SETUID")];

/// The user that owns the database files and runs the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// User id.
    pub(crate) uid: u32,
    /// The user's main group.
    pub(crate) gid: u32,
    /// Whether we are root and have to become this user.
    drops: bool,
}

impl Account {
    /// The account for the database files of the data folder `data`, which may not exist yet.
    ///
    /// # Errors
    /// The files belong to somebody we cannot become, or no unprivileged user exists.
    pub(crate) fn for_data(data: &Path) -> Result<Account, Error> {
        let files = folder::files(data);
        let owner = std::fs::symlink_metadata(&files).ok().map(|found| (found.uid(), found.gid()));
        let me = geteuid();
        if me.is_root() {
            check_powers(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())?;
        }
        match owner {
            Some((0, _)) if me.is_root() => Err(Error::Damaged {
                folder: data.to_owned(),
                why: "its folder postgres belongs to root, as whom PostgreSQL never runs".into(),
            }),
            Some((uid, gid)) if me.is_root() => Ok(Account::of_owner(uid, gid)),
            Some((uid, _)) if uid != me.as_raw() => Err(not_ours(data)),
            None if me.is_root() => Account::unprivileged(),
            _ => Ok(Account { uid: me.as_raw(), gid: getegid().as_raw(), drops: false }),
        }
    }

    fn of_owner(uid: u32, gid: u32) -> Account {
        let main_group = User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.gid);
        Account { uid, gid: main_group.map_or(gid, nix::unistd::Gid::as_raw), drops: true }
    }

    fn unprivileged() -> Result<Account, Error> {
        UNPRIVILEGED
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .filter(|user| !user.uid.is_root())
            .map(|user| Account { uid: user.uid.as_raw(), gid: user.gid.as_raw(), drops: true })
            .ok_or(Error::NoAccount)
    }

    /// Whether the account is another user than this process.
    pub(crate) fn drops(&self) -> bool {
        self.drops
    }

    /// The account in a message: `user postgres`, or `user id 1000`.
    pub(crate) fn label(&self) -> String {
        user_label(self.uid)
    }

    /// A command that runs `program` as this account, away from our terminal and settings.
    ///
    /// It has a process group of its own: a Ctrl-C in the terminal is for us alone, and we stop the
    /// server when our own work has ended. Changing the user also clears all further groups.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if is_postgres_setting(&name) {
                command.env_remove(name);
            }
        }
        // Messages in English whatever the machine's language: they are shown and read.
        command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null()).process_group(0);
        if self.drops {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }
}

/// Looks for [`POWERS`] in the kernel's report on this process; where there is no report, the first
/// thing that does not work will tell.
fn check_powers(report: &str) -> Result<(), Error> {
    let line = report.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let Some(held) = line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()) else {
        return Ok(());
    };
    let missing: Vec<&str> =
        POWERS.iter().filter(|(bit, _)| held & (1 << bit) == 0).map(|(_, name)| *name).collect();
    match missing.as_slice() {
        [] => Ok(()),
        names => Err(Error::NoPowers { missing: names.join(", ") }),
    }
}

/// `PGDATA`, `PGPORT` and their like would override what is said on the command line's behalf.
fn is_postgres_setting(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"PG")
}

/// The refusal of a folder by its own owner: what root made, root has to start, even though the
/// files in it belong to the user that root drops to.
pub(crate) fn not_ours(data: &Path) -> Error {
    let owner = std::fs::metadata(data).map(|found| user_label(found.uid()));
    Error::OtherOwner {
        folder: data.to_owned(),
        owner: owner.unwrap_or_else(|_| "another user".into()),
        runner: user_label(geteuid().as_raw()),
    }
}

/// A user id in a message.
pub(crate) fn user_label(uid: u32) -> String {
    match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => format!("user {}", user.name),
        _ => format!("user id {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_files_are_ours_or_of_an_unprivileged_user_never_of_root() {
        let account = Account::for_data(Path::new("/nonexistent")).unwrap();
        assert_ne!(account.uid, 0);
        assert_eq!(account.drops(), geteuid().is_root());
    }

    #[test]
    fn existing_files_are_served_by_their_owner() {
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder::files(data.path())).unwrap();
        if !geteuid().is_root() {
            let account = Account::for_data(data.path()).unwrap();
            assert_eq!((account.uid, account.drops()), (geteuid().as_raw(), false));
            return;
        }
        let refused = Account::for_data(data.path()).unwrap_err().to_string();
        assert!(refused.contains("belongs to root"), "{refused}");
        std::os::unix::fs::chown(folder::files(data.path()), Some(4242), Some(4343)).unwrap();
        let account = Account::for_data(data.path()).unwrap();
        assert_eq!(account, Account { uid: 4242, gid: 4343, drops: true });
        assert_eq!(account.label(), "user id 4242");
    }

    #[test]
    fn root_without_its_powers_is_told_which_it_lacks() {
        check_powers("Name:\tx\nCapEff:\t000001ffffffffff\n").unwrap();
        check_powers("nothing known").unwrap();
        let refused = check_powers("CapEff:\t000001ffffffff5f\n").unwrap_err().to_string();
        assert!(refused.contains("does not have: KILL, SETUID. Add"), "{refused}");
    }

    #[test]
    fn settings_of_another_postgres_do_not_reach_the_server() {
        assert!(is_postgres_setting(OsStr::new("PGDATA")));
        assert!(!is_postgres_setting(OsStr::new("PATH")));
    }
}
