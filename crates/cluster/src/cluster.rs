//! A running private cluster, from start to stop.
//!
//! Invariants: the data folder stays locked as long as the value lives; dropping it stops the
//! server; a start that fails leaves no server behind.
//! Deliberately absent: databases and roles, connections, and restarts by itself.

use std::path::PathBuf;

use crate::account::Account;
use crate::error::Error;
use crate::folder::{self, Folder};
use crate::initdb::{self, SUPERUSER};
use crate::log::Log;
use crate::predecessor;
use crate::programs::Programs;
use crate::server::{self, Exit, Server, Watch};
use crate::socket;

/// What a crash of the machine may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was committed.
    Durable,
    /// Everything: nothing waits for the disk. For tests only.
    Throwaway,
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data folder: empty, new, or made by an earlier start. As root it must be one that other
    /// users can reach; it is opened for passing through, but the folders above it are not touched.
    pub data: PathBuf,
    /// Whether commits wait for the disk.
    pub durability: Durability,
    /// The programs to run.
    pub programs: Programs,
    /// How many connections the server takes at once.
    pub max_connections: u32,
}

/// A running server on a data folder that this process holds. Dropping it stops the server, which
/// blocks for a moment; [`Cluster::stop`] says so.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    socket: PathBuf,
    // Last: the folder is free only when the server has ended.
    folder: Folder,
}

impl Cluster {
    /// Starts a server on the data folder, making the database files at the first start, and
    /// returns when it takes connections. Blocks: some tenths of a second, seconds at the first
    /// start, longer after a crash.
    ///
    /// # Errors
    /// The folder is held, foreign, damaged, unreachable or of another version, or a program
    /// failed; the message says what to do.
    pub fn start(options: Options) -> Result<Cluster, Error> {
        let Options { data, durability, programs, max_connections } = options;
        let account = Account::for_data(&data)?;
        let programs = programs.checked(&account)?;
        folder::check_reachable(&data, &account, &programs)?;
        let folder = Folder::take(&data)?;
        check_version(&folder, &programs)?;
        let lock = predecessor::wait(&folder)?;
        let log = Log::open(folder.path())?;
        initdb::ensure(&folder, &programs, &account, durability, &lock, &log)?;
        let socket = socket::prepare(folder.path(), &account)?;

        let (program, files) = (programs.postgres(), folder.files());
        let mut command = account.command(&program);
        command.arg("-D").arg(&files);
        server::configure(&mut command, durability, max_connections, &socket);
        command.stdout(log.writer()?).stderr(log.writer()?);
        let server = Server::start(command, &lock, log.clone());
        let server = server.map_err(Error::io("start", &program))?;
        // From here on only the server holds it.
        drop(lock);
        let cluster = Cluster { server, socket, folder };
        cluster.server.wait_ready(&files).map_err(|why| {
            let folder = cluster.folder.path().to_owned();
            Error::Start { folder, why, log: log.tail() }
        })?;
        tracing::info!(
            folder = %cluster.folder.path().display(), version = programs.major(),
            user = account.label(), ?durability, "the PostgreSQL server is ready"
        );
        Ok(cluster)
    }

    /// The address of `database` for the superuser, as drivers understand it
    /// (`postgresql://postgres@%2Ftmp%2F...:5432/name`). It is the same at every start.
    pub fn url(&self, database: &str) -> String {
        socket::url(&self.socket, SUPERUSER, database)
    }

    /// How the server ended, if it did. To go on, drop this and start anew.
    pub fn exited(&self) -> Option<Exit> {
        self.server.exited()
    }

    /// A handle to wait for the server's end with, from another thread.
    pub fn watch(&self) -> Watch {
        self.server.watch()
    }

    /// Stops the server: connections are closed and a checkpoint is written. Blocks, usually for
    /// some tenths of a second, at most 50 seconds (then the server was killed, and the next start
    /// recovers).
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.server.stop();
        socket::remove(&self.socket);
    }
}

fn check_version(folder: &Folder, programs: &Programs) -> Result<(), Error> {
    match folder::major(folder.path())? {
        Some(made_by) if made_by != programs.major() => Err(Error::Version {
            folder: folder.path().to_owned(),
            made_by,
            bin: programs.bin().to_owned(),
            programs: programs.major(),
        }),
        _ => Ok(()),
    }
}
