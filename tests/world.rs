//! A world of its own for every test: a database, a clock, a real server on a free port.
//!
//! Purpose: tests speak to the service as its users do, by the generated client and a key, and move
//! time by hand.
//!
//! Invariants: every test ends with [`World::finish`], which does what is due today and then lets
//! the auditor look at every organization. A world that is dropped without it fails its test.

mod chance;
mod client;
mod invest;
mod refusal;
mod value;
pub mod witness;

use std::net::SocketAddr;
use std::sync::Arc;

use app::Ctx;
use app::day::Task;
use store::Store;
use testkit::{Database, ManualClock};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

pub use chance::Chance;
pub use client::{Client, Plan};
pub use invest::euros;
pub use refusal::{Refusal, refusal};
pub use value::{book, cents, date, day, decimal, euro, text};

/// The wall clock's first moment, unless a test says otherwise.
pub const NOW: &str = "2025-01-31T09:00:00Z";

/// A database and a server on it.
pub struct World {
    /// The database, for looking at it as its owner.
    pub database: Database,
    /// The use cases on that database, past the server.
    pub ctx: Ctx,
    /// The wall clock.
    pub clock: Arc<ManualClock>,
    served: Served,
    finished: bool,
}

/// A running server.
pub struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<()>,
    watch: JoinHandle<()>,
}

impl Served {
    /// A server on a pool.
    pub async fn start(store: Store, clock: Arc<ManualClock>, settings: server::Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let watch = tokio::spawn(store::health::watch(store.clone()));
        let ctx = testkit::ctx(store, clock);
        let shutdown = stop.clone();
        let server = tokio::spawn(async move {
            server::serve(ctx, listener, settings, shutdown).await.expect("the server serves");
        });
        Self { address, stop, server, watch }
    }

    /// A connection to it.
    pub fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy()
    }

    /// A client with a key.
    pub fn client(&self, key: &str) -> Client {
        Client::new(self.channel(), key)
    }

    /// Stops it gracefully.
    pub async fn stop(self) {
        self.stop.cancel();
        self.server.await.expect("the server ends well");
        self.watch.abort();
    }
}

impl World {
    /// A server with its usual limits.
    pub async fn new() -> Self {
        Self::with(server::Settings::default()).await
    }

    /// A server with these limits.
    pub async fn with(settings: server::Settings) -> Self {
        Self::of(settings, ManualClock::at(NOW)).await
    }

    /// A server with its usual limits and a wall clock that ticks, as workers need it.
    pub async fn ticking() -> Self {
        Self::of(server::Settings::default(), ManualClock::ticking_from(NOW)).await
    }

    async fn of(settings: server::Settings, clock: ManualClock) -> Self {
        witness::listen();
        let database = Database::fresh().await;
        let clock = Arc::new(clock);
        let ctx = testkit::ctx(database.store(), clock.clone());
        let served = Served::start(ctx.store.clone(), clock.clone(), settings).await;
        Self { database, ctx, clock, served, finished: false }
    }

    /// A Dutch sandbox whose clock starts on a day, and a client with its admin key.
    pub async fn sandbox(&self, starts_on: &str) -> Client {
        let vendor = testkit::Vendor::sandbox(&self.ctx, starts_on).await;
        self.client_of(vendor)
    }

    /// A Dutch organization that lives by the wall clock, and a client with its admin key.
    pub async fn live(&self) -> Client {
        let vendor = testkit::Vendor::live(&self.ctx).await;
        self.client_of(vendor)
    }

    fn client_of(&self, vendor: testkit::Vendor) -> Client {
        let mut client = self.client(&vendor.key);
        client.org = vendor.org;
        client
    }

    /// A client with any key.
    pub fn client(&self, key: &str) -> Client {
        self.served.client(key)
    }

    /// A connection without a key.
    pub fn channel(&self) -> Channel {
        self.served.channel()
    }

    /// Looks until a question to the database is answered with yes.
    pub async fn until(&self, question: &str) {
        until(&self.database, question).await;
    }

    /// Does what is due today, audits every organization, and stops the server.
    pub async fn finish(mut self) {
        self.finished = true;
        let mut tx = self.ctx.store.begin_global().await.unwrap();
        let directory = store::organization::directory(&mut tx).await.unwrap();
        drop(tx);
        for entry in directory {
            for task in Task::ALL {
                task.run(&self.ctx, entry.org_id).await.expect("today's work");
            }
            testkit::books::assert_right(&self.database, &self.ctx, entry.org_id).await;
        }
        self.served.stop.cancel();
        (&mut self.served.server).await.expect("the server ends well");
        witness::assert_silent();
    }
}

/// More than anything here takes on a loaded machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// How often the database is asked, so that asking does not keep it from its work.
const GLANCE: std::time::Duration = std::time::Duration::from_millis(5);

/// Looks until a question to a database is answered with yes.
pub async fn until(database: &Database, question: &str) {
    let sql = database.sql().await;
    let looking = async {
        let mut looks = tokio::time::interval(GLANCE);
        while !sql.query_one(question, &[]).await.unwrap().get::<_, bool>(0) {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("not yet: {question}"));
}

/// Looks until nobody else does anything in a database: who was cut off holds rows until the server
/// has noticed.
pub async fn idle(database: &Database) {
    let idle = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
                AND state <> 'idle' AND pid <> pg_backend_pid())";
    until(database, idle).await;
}

impl Drop for World {
    fn drop(&mut self) {
        self.served.stop.cancel();
        self.served.watch.abort();
        if !self.finished && !std::thread::panicking() {
            panic!("a test ends with World::finish, which audits the books");
        }
    }
}
