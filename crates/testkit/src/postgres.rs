//! The PostgreSQL server under all test databases of this process.
//!
//! Purpose: `TEST_PG_URL` when it is set (the address of a superuser); otherwise a private cluster,
//! started once per process and ended by the kernel with it.
//!
//! Invariants: processes side by side have clusters of their own: each holds a numbered place below
//! the temporary folder, locked as long as it lives. What a process leaves in its place, the next
//! one to take it removes, so that nothing piles up. The template is named by the contents of the
//! migrations, and made by one process at a time.
//!
//! Deliberately absent: stopping the cluster. Statics are not dropped; the kernel sends the signal.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use cluster::{Cluster, Durability, Fetch, Options, Programs};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use store::{Settings, Store};
use tokio_postgres::{Client, NoTls};

/// All migrations, one after the other.
const MIGRATIONS: &str = include_str!(concat!(env!("OUT_DIR"), "/migrations.sql"));

/// Enough for a full pool, a listener and a health watch per test on a large machine.
const MAX_CONNECTIONS: u32 = 300;

/// More processes side by side than any machine runs.
const PLACES: u32 = 100;

/// Any fixed number: one process at a time makes templates on a shared server.
const TEMPLATE_LOCK: i64 = 7_226_802;

static SERVER: OnceLock<Postgres> = OnceLock::new();

/// A server and the template on it.
pub(crate) struct Postgres {
    at: At,
    template: String,
}

enum At {
    /// Somebody else's server.
    Given(String),
    /// Ours; the file keeps its place.
    Private(Cluster, #[allow(dead_code, reason = "it is the lock that counts")] File),
}

impl Postgres {
    /// The server of this process, started by whoever comes first.
    pub(crate) fn get() -> &'static Postgres {
        SERVER.get_or_init(|| {
            // On a thread of its own: the caller may be inside a runtime, which cannot be blocked on.
            std::thread::spawn(Postgres::start).join().expect("a PostgreSQL server for tests")
        })
    }

    fn start() -> Postgres {
        let at = match std::env::var("TEST_PG_URL") {
            Ok(url) if !url.is_empty() => At::Given(url),
            _ => private(),
        };
        let mut server = Postgres { at, template: template_name() };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(server.ensure_template());
        server.template.shrink_to_fit();
        server
    }

    /// The address of a database on it.
    pub(crate) fn url(&self, database: &str) -> String {
        match &self.at {
            At::Given(url) => with_database(url, database),
            At::Private(cluster, _) => cluster.url(database),
        }
    }

    /// The database to copy.
    pub(crate) fn template(&self) -> &str {
        &self.template
    }

    /// A connection to the database from which others are made and dropped.
    pub(crate) async fn office(&self) -> Client {
        connect(&self.url("postgres")).await
    }

    async fn ensure_template(&self) {
        let office = self.office().await;
        let lock = format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})");
        office.batch_execute(&lock).await.unwrap();
        let name = &self.template;
        let found = office.query("SELECT FROM pg_database WHERE datname = $1", &[name]).await;
        if found.unwrap().is_empty() {
            // Made under another name, so that a half-made one is never taken for the template.
            let draft = format!("{name}_draft");
            office.batch_execute(&format!("DROP DATABASE IF EXISTS {draft}")).await.unwrap();
            office.batch_execute(&format!("CREATE DATABASE {draft}")).await.unwrap();
            let url = SecretString::from(self.url(&draft));
            let store = Store::new(Settings { url, connections: 1 }).unwrap();
            store::migrate::up(&store).await.expect("the migrations apply");
            drop(store);
            evict(&office, &draft).await;
            let rename = format!("ALTER DATABASE {draft} RENAME TO {name}");
            office.batch_execute(&rename).await.unwrap();
        }
        let unlock = format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})");
        office.batch_execute(&unlock).await.unwrap();
    }
}

/// A connection whose other half runs on the caller's runtime.
pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// Ends all connections to a database.
pub(crate) async fn evict(office: &Client, database: &str) {
    let end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1";
    office.query(end, &[&database]).await.unwrap();
}

fn template_name() -> String {
    let digest = Sha256::digest(MIGRATIONS);
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("recoup_template_{short}")
}

/// Starts a cluster in the first place that nobody holds.
fn private() -> At {
    let (data, held) = (0..PLACES).find_map(place).expect("a free place for a test cluster");
    clear(&data);
    let programs = Programs::find(&data, Fetch::Allowed, &|line| eprintln!("{line}")).unwrap();
    let durability = Durability::Throwaway;
    let options = Options { data, durability, programs, max_connections: MAX_CONNECTIONS };
    At::Private(Cluster::start(options).expect("a cluster for tests"), held)
}

/// The data folder of a place and the lock on it, unless another process has it.
fn place(number: u32) -> Option<(PathBuf, File)> {
    use std::os::unix::fs::MetadataExt as _;
    let user = fs::metadata("/proc/self").map(|me| me.uid()).unwrap_or_default();
    let data = std::env::temp_dir().join(format!("recoup-testkit-{user}-{number}"));
    let lock = File::create(data.with_extension("lock")).ok()?;
    lock.try_lock().ok()?;
    Some((data, lock))
}

/// Removes what an earlier process left, when its server has ended.
fn clear(data: &Path) {
    // The server carries this lock until it has shut down.
    if let Ok(server) = File::open(data.join("server.lock")) {
        server.lock().unwrap();
    }
    if data.exists() {
        fs::remove_dir_all(data).expect("the place can be cleared");
    }
}

/// `url` with another database in it.
fn with_database(url: &str, database: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        // The driver's key-value form: the last word on a key counts.
        return format!("{url} dbname={database}");
    };
    let (rest, options) = match rest.split_once('?') {
        Some((rest, options)) => (rest, format!("?{options}")),
        None => (rest, String::new()),
    };
    let authority = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{authority}/{database}{options}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_turned_to_another_database() {
        let table = [
            ("postgres://ann@host:5433", "postgres://ann@host:5433/x"),
            ("postgres://ann@host/postgres", "postgres://ann@host/x"),
            ("postgres://host/postgres?sslmode=disable", "postgres://host/x?sslmode=disable"),
            ("host=/tmp user=ann dbname=postgres", "host=/tmp user=ann dbname=postgres dbname=x"),
        ];
        for (given, expected) in table {
            assert_eq!(with_database(given, "x"), expected);
        }
    }
}
