//! The metrics endpoint: what it answers, and that it stops.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers of tests; a failure is a failed test.

use std::net::SocketAddr;
use std::time::Duration;

use recoup::exporter::{Endpoint, recorder};
use secrecy::SecretString;
use store::{Settings, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than the endpoint may take to stop.
const LONG: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

/// An endpoint of a process whose database was never reached.
async fn start() -> Running {
    let url = SecretString::from("postgres://nobody@127.0.0.1:1/none".to_owned());
    let store = Store::new(Settings { url, connections: 2 }).unwrap();
    let endpoint = Endpoint::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (address, stop) = (endpoint.address(), CancellationToken::new());
    let served = tokio::spawn(endpoint.serve(recorder().unwrap(), store, stop.clone()));
    Running { address, stop, served }
}

async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn ends(running: Running) {
    running.stop.cancel();
    tokio::time::timeout(LONG, running.served).await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn metrics_and_health_are_answered_and_nothing_else() {
    let running = start().await;
    app::telemetry::describe();
    metrics::counter!(app::telemetry::INVOICES_ISSUED).increment(3);
    let page = ask(running.address, "GET /metrics").await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("text/plain; version=0.0.4"), "{page}");
    assert!(page.contains("# HELP recoup_invoices_issued_total "), "{page}");
    assert!(page.contains("recoup_invoices_issued_total 3"), "{page}");
    let table = [
        ("GET /healthz", "200"),
        ("HEAD /healthz", "200"),
        ("GET /", "404"),
        ("GET /metrics/x", "404"),
        ("POST /metrics", "405"),
    ];
    for (request, status) in table {
        let answer = ask(running.address, request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {answer}");
    }
    ends(running).await;
}

#[tokio::test]
async fn it_stops_although_clients_hold_connections_open() {
    let running = start().await;
    // One says nothing, one has sent half a request, one has had its answer and stays.
    let _silent = TcpStream::connect(running.address).await.unwrap();
    let mut slow = TcpStream::connect(running.address).await.unwrap();
    slow.write_all(b"GET /metr").await.unwrap();
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    ends(running).await;
}

#[tokio::test]
async fn a_taken_address_is_refused_with_the_flag_that_changes_it() {
    let running = start().await;
    let refused = Endpoint::bind(running.address).await.unwrap_err().to_string();
    assert!(refused.contains(&running.address.to_string()), "{refused}");
    assert!(refused.contains("--metrics"), "{refused}");
    ends(running).await;
}
