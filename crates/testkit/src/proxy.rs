//! A connection to PostgreSQL that breaks when told to.
//!
//! Purpose: the service connects to the proxy, the proxy to the server. A test makes the database
//! vanish ([`Mode::Refuse`]), fall silent ([`Mode::Silent`]), or cuts one connection at an exact
//! statement ([`Proxy::cut`]), before the server has seen it or before its answer has come back.
//!
//! Invariants: bytes pass unchanged and in order. Statements are counted over all connections, so
//! that "cut at 1, at 2, at 3 ..." visits every point at which a connection can break.
//!
//! Deliberately absent: delays and half-written messages.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::Store;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_postgres::config::Host;

use crate::database::{Database, store_at};

/// How the proxy treats everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everything passes.
    Pass,
    /// Connections are closed, and new ones as soon as they come: the server is gone.
    Refuse,
    /// Connections stay and are taken, and nothing passes: the network swallows everything.
    Silent,
}

/// On which side of a statement a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The server never sees the statement.
    Before,
    /// The server has carried it out, and the answer is lost.
    After,
}

/// A breakable way to a database. Lives as long as the runtime it was made on.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    user: String,
    database: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    mode: watch::Sender<Mode>,
    count: Mutex<Count>,
}

#[derive(Debug, Default)]
struct Count {
    /// Statements since it was last set to zero.
    statements: usize,
    /// Those of them that were carried out: preparing one is none.
    executed: usize,
    /// At which of them to cut, and on which side; taken when it happens.
    cut: Option<(usize, Cut)>,
}

impl Proxy {
    /// A proxy in front of a database; everything passes.
    pub async fn before(database: &Database) -> Self {
        let config: tokio_postgres::Config = database.url().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mode = watch::Sender::new(Mode::Pass);
        let shared = Arc::new(Shared { mode, count: Mutex::default() });
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            user: config.get_user().unwrap_or("postgres").to_owned(),
            database: config.get_dbname().unwrap_or_default().to_owned(),
            shared: Arc::clone(&shared),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(Arc::clone(&shared), client, config.clone()));
            }
        });
        proxy
    }

    /// The database's address through the proxy.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{}@{}/{}", self.user, self.address, self.database)
    }

    /// A pool through the proxy.
    #[must_use]
    pub fn store(&self) -> Store {
        store_at(self.url())
    }

    /// Treats everybody like this from now on.
    pub fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// Counts statements anew, and cuts the connection of the `statement`-th (from 1), once.
    pub fn cut(&self, statement: usize, side: Cut) {
        *self.shared.count() = Count { statements: 0, executed: 0, cut: Some((statement, side)) };
    }

    /// Takes a cut back that has not happened. True if it had happened.
    #[must_use]
    pub fn mend(&self) -> bool {
        self.shared.count().cut.take().is_none()
    }

    /// Statements that came by since the last [`Proxy::cut`].
    #[must_use]
    pub fn statements(&self) -> usize {
        self.shared.count().statements
    }
}

impl Proxy {
    /// Statements that were carried out since the last [`Proxy::cut`]: one is one, whether it was
    /// prepared before, for it, or not at all.
    #[must_use]
    pub fn executed(&self) -> usize {
        self.shared.count().executed
    }
}

impl Shared {
    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a statement; says whether to cut here.
    fn verdict(&self) -> Option<Cut> {
        let mut count = self.count();
        count.statements += 1;
        let statements = count.statements;
        count.cut.take_if(|(at, _)| *at == statements).map(|(_, side)| side)
    }
}

/// The other end: a socket of this machine or a network address.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

async fn reach(config: &tokio_postgres::Config) -> io::Result<Box<dyn Stream>> {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    match config.get_hosts().first() {
        Some(Host::Unix(folder)) => {
            let socket = folder.join(format!(".s.PGSQL.{port}"));
            Ok(Box::new(UnixStream::connect(socket).await?))
        }
        Some(Host::Tcp(name)) => {
            let stream = TcpStream::connect((name.as_str(), port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        None => Err(io::Error::other("no host in the address")),
    }
}

/// Carries one connection until one side ends it, or the proxy does.
async fn carry(shared: Arc<Shared>, client: TcpStream, config: tokio_postgres::Config) {
    let mut mode = shared.mode.subscribe();
    // Small answers would wait for each other, 40 ms at a time.
    client.set_nodelay(true).expect("a socket of this machine");
    if mode.wait_for(|mode| *mode != Mode::Silent).await.is_err() || *mode.borrow() == Mode::Refuse
    {
        return;
    }
    if let Ok(server) = reach(&config).await {
        // Either side may end it at any time: then it is over, which is no failure of a proxy.
        let _ = exchange(&shared, mode, client, server).await;
    }
}

async fn exchange(
    shared: &Shared,
    mut mode: watch::Receiver<Mode>,
    mut client: TcpStream,
    mut server: Box<dyn Stream>,
) -> io::Result<()> {
    let mut messages = Messages::default();
    let mut answer = Vec::new();
    let mut swallow = false;
    loop {
        let passes = match *mode.borrow_and_update() {
            Mode::Pass => true,
            Mode::Silent => false,
            Mode::Refuse => return Ok(()),
        };
        tokio::select! {
            changed = mode.changed() => if changed.is_err() { return Ok(()) },
            read = client.read_buf(&mut messages.bytes), if passes && !swallow => {
                if read? == 0 {
                    return Ok(());
                }
                while let Some(message) = messages.next() {
                    if message.executes {
                        shared.count().executed += 1;
                    }
                    match message.is_statement.then(|| shared.verdict()).flatten() {
                        Some(Cut::Before) => return Ok(()),
                        Some(Cut::After) => swallow = true,
                        None => {}
                    }
                    server.write_all(&message.bytes).await?;
                }
            }
            read = server.read_buf(&mut answer), if passes => {
                if read? == 0 || swallow {
                    return Ok(());
                }
                client.write_all(&answer).await?;
                answer.clear();
            }
        }
    }
}

/// What a client sends, cut into the messages of PostgreSQL's protocol.
#[derive(Debug, Default)]
struct Messages {
    bytes: Vec<u8>,
    /// The first messages have no type; the last of them asks for protocol 3.
    started: bool,
}

struct Message {
    bytes: Vec<u8>,
    /// Whether the server answers it: a simple query, or the end of an extended one.
    is_statement: bool,
    /// Whether it has a statement carried out.
    executes: bool,
}

/// The code of a start message of protocol 3.0; others ask for TLS or cancel a query.
const PROTOCOL: u32 = 196_608;

impl Messages {
    fn next(&mut self) -> Option<Message> {
        let number = |at: usize| {
            let bytes: [u8; 4] = self.bytes.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_be_bytes(bytes))
        };
        let (length, kind) = if self.started {
            (1 + number(1)? as usize, self.bytes[0])
        } else {
            (number(0)? as usize, 0)
        };
        if self.bytes.len() < length {
            return None;
        }
        if !self.started {
            self.started = number(4)? == PROTOCOL;
        }
        let rest = self.bytes.split_off(length);
        let bytes = std::mem::replace(&mut self.bytes, rest);
        let (is_statement, executes) = (matches!(kind, b'Q' | b'S'), matches!(kind, b'Q' | b'E'));
        Some(Message { bytes, is_statement, executes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(url: &str, question: &str) -> Result<String, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client.query_one(question, &[]).await?.get(0))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn everything_passes_until_the_server_is_gone_and_again_after_it() {
        let database = Database::fresh().await;
        let proxy = Proxy::before(&database).await;
        assert_eq!(ask(&proxy.url(), "SELECT 'here'").await.unwrap(), "here");
        proxy.set(Mode::Refuse);
        assert!(ask(&proxy.url(), "SELECT 'here'").await.is_err());
        proxy.set(Mode::Pass);
        let long = "SELECT repeat('x', 3000000)";
        assert_eq!(ask(&proxy.url(), long).await.unwrap().len(), 3_000_000);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_silent_proxy_takes_connections_and_answers_nothing() {
        let database = Database::fresh().await;
        let proxy = Proxy::before(&database).await;
        proxy.set(Mode::Silent);
        let limit = std::time::Duration::from_millis(100);
        assert!(tokio::time::timeout(limit, ask(&proxy.url(), "SELECT 'x'")).await.is_err());
        let waiting = tokio::spawn({
            let url = proxy.url();
            async move { ask(&url, "SELECT 'late'").await }
        });
        proxy.set(Mode::Pass);
        assert_eq!(waiting.await.unwrap().unwrap(), "late");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_cut_before_a_statement_undoes_it_and_one_after_it_does_not() {
        let database = Database::fresh().await;
        let proxy = Proxy::before(&database).await;
        for (side, kept) in [(Cut::Before, 0_i64), (Cut::After, 1)] {
            let client = crate::postgres::connect(&proxy.url()).await;
            client.batch_execute("DROP TABLE IF EXISTS t; CREATE TABLE t ()").await.unwrap();
            proxy.cut(2, side);
            client.batch_execute("SELECT 1").await.unwrap();
            assert!(client.batch_execute("INSERT INTO t DEFAULT VALUES").await.is_err());
            assert!(proxy.mend(), "{side:?} did not happen");
            assert_eq!(proxy.statements(), 2);
            let found = database.sql().await.query_one("SELECT count(*) FROM t", &[]).await;
            assert_eq!(found.unwrap().get::<_, i64>(0), kept, "{side:?}");
        }
    }
}
