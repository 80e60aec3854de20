//! The server's log: one file in the data folder, written by `initdb` and the server.
//!
//! Invariants: at most two files of about [`KEEP`] bytes at the moment of a start; opened without
//! following links, because as root we write into a folder that others may own.
//! Deliberately absent: rotation while the server runs, and the server's reports of refused
//! statements, which would carry customers' data (see `server`).

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc::O_NOFOLLOW;

use crate::error::Error;

/// A log above this size, in bytes, is set aside at the next start.
const KEEP: u64 = 10 * 1024 * 1024;
/// How much of the log's end an error shows, in bytes.
const TAIL: u64 = 4096;
/// How many lines of the log's end an error shows.
const TAIL_LINES: usize = 20;

/// The log of one start.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    path: PathBuf,
    /// Where this start's part begins, in bytes.
    from: u64,
}

impl Log {
    /// The log in `folder`; one that has grown large becomes `server.log.1`.
    pub(crate) fn open(folder: &Path) -> Result<Log, Error> {
        let path = folder.join("server.log");
        let size = std::fs::symlink_metadata(&path).map_or(0, |found| found.len());
        if size <= KEEP {
            return Ok(Log { path, from: size });
        }
        let aside = folder.join("server.log.1");
        std::fs::rename(&path, &aside).map_err(Error::io("rename", &path))?;
        Ok(Log { path, from: 0 })
    }

    /// A handle for a child's output.
    pub(crate) fn writer(&self) -> Result<File, Error> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(O_NOFOLLOW)
            .open(&self.path)
            .map_err(Error::io("open", &self.path))
    }

    /// Bytes written so far, to see whether there is progress.
    pub(crate) fn size(&self) -> u64 {
        std::fs::symlink_metadata(&self.path).map_or(0, |found| found.len())
    }

    /// The last lines of this start, for an error; a log that cannot be read says so.
    pub(crate) fn tail(&self) -> String {
        match self.read_tail() {
            Ok(tail) if tail.is_empty() => format!("({} has nothing more)", self.path.display()),
            Ok(tail) => format!("the end of {}:\n{tail}", self.path.display()),
            Err(error) => format!("({} cannot be read: {error})", self.path.display()),
        }
    }

    fn read_tail(&self) -> std::io::Result<String> {
        let mut file = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW).open(&self.path)?;
        let start = file.metadata()?.len().saturating_sub(TAIL).max(self.from);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        Ok(lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_tail_is_of_this_start_only_and_short() {
        let folder = tempfile::tempdir().unwrap();
        writeln!(Log::open(folder.path()).unwrap().writer().unwrap(), "of the last start").unwrap();
        let log = Log::open(folder.path()).unwrap();
        assert!(log.tail().contains("has nothing more"), "{}", log.tail());
        for line in 0..100 {
            writeln!(log.writer().unwrap(), "line {line}").unwrap();
        }
        let tail = log.tail();
        assert!(tail.contains("line 80") && tail.ends_with("line 99"), "{tail}");
        assert!(!tail.contains("line 79") && !tail.contains("last start"), "{tail}");
    }

    #[test]
    fn a_large_log_is_set_aside_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        File::create(&path).unwrap().set_len(KEEP + 1).unwrap();
        let log = Log::open(folder.path()).unwrap();
        log.writer().unwrap();
        assert_eq!(log.size(), 0);
        assert_eq!(folder.path().join("server.log.1").metadata().unwrap().len(), KEEP + 1);
    }

    #[test]
    fn a_link_in_place_of_the_log_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("precious");
        std::os::unix::fs::symlink(&target, folder.path().join("server.log")).unwrap();
        assert!(Log::open(folder.path()).unwrap().writer().is_err());
        assert!(!target.exists());
    }
}
