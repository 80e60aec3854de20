//! `/metrics` for Prometheus and `/healthz` for load balancers, over plain HTTP.
//!
//! Purpose: one recorder per process ([`recorder`]), shown by any number of small endpoints
//! ([`Endpoint`]).
//!
//! Invariants: it listens where it was told to and nowhere else; it answers two paths; it stops
//! when asked, within a bounded time, whatever its clients do.
//!
//! Deliberately absent: which metrics exist (`app::telemetry`), TLS and passwords: the address is
//! not meant to be reachable from outside.

mod page;
mod recorder;

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use store::Store;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Error;
pub use recorder::{Recorder, recorder};

/// Connections at once; more wait in the system's queue. A scraper needs one.
const MAX_CONNECTIONS: usize = 64;
/// How long a client may take to send the head of its request.
const HEAD: Duration = Duration::from_secs(5);
/// How long answers that are under way may take when a stop was asked for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often what was measured is folded into the histograms, so that memory stays bounded where
/// nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);
/// The pause after a connection could not be accepted (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An address that answers `/metrics` and `/healthz`.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
}

impl Endpoint {
    /// Takes the address; answers nothing yet.
    ///
    /// # Errors
    /// [`Error::Listen`].
    pub async fn bind(address: SocketAddr) -> Result<Self, Error> {
        let (listener, address) = crate::service::listen("metrics", "--metrics", address).await?;
        Ok(Self { listener, address })
    }

    /// Where it listens; with the real port where port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop`.
    pub async fn serve(self, recorder: Recorder, store: Store, stop: CancellationToken) {
        let mut connections = JoinSet::new();
        let mut upkeep = tokio::time::interval(UPKEEP);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = upkeep.tick() => recorder.upkeep(),
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                    let Some(stream) = taken(accepted).await else { continue };
                    let (recorder, store) = (recorder.clone(), store.clone());
                    connections.spawn(answer(stream, recorder, store, stop.clone()));
                }
            }
        }
        drop(self.listener);
        let ended = async { while connections.join_next().await.is_some() {} };
        // Whoever has not taken its answer by then does not get it.
        let _ = tokio::time::timeout(PATIENCE, ended).await;
    }
}

/// The connection, or nothing and a pause where the system has none to give.
async fn taken(accepted: std::io::Result<(TcpStream, SocketAddr)>) -> Option<TcpStream> {
    match accepted {
        Ok((stream, _)) => Some(stream),
        Err(error) => {
            tracing::warn!(%error, "a connection to the metrics was not accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Answers the requests of one connection.
async fn answer(stream: TcpStream, recorder: Recorder, store: Store, stop: CancellationToken) {
    let service = service_fn(|request| {
        let answer: Response<Full<Bytes>> = page::answer(&request, &recorder, &store);
        async move { Ok::<_, std::convert::Infallible>(answer) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let connection = server.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the metrics broke");
    }
}
