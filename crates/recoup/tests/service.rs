//! The service as tests start it: in their own process, on free ports.

#![allow(clippy::unwrap_used)] // Helpers of tests; a failure is a failed test.

use std::net::SocketAddr;
use std::sync::Arc;

use app::clock::WallClock;
use recoup::Error;
use recoup::config::{DatabaseOptions, SealOptions};
use recoup::database::Database;
use recoup::service::{Service, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

fn database(data: Option<&std::path::Path>, url: Option<String>) -> DatabaseOptions {
    DatabaseOptions {
        database_url: url.map(Into::into),
        data: data.map(Into::into),
        offline: false,
        connections: 8,
        seal: SealOptions::default(),
    }
}

async fn health(address: Option<SocketAddr>) -> String {
    let mut stream = TcpStream::connect(address.unwrap()).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn services_share_a_database_and_stop_one_by_one() {
    let data = tempfile::tempdir().unwrap();
    let options = database(Some(data.path()), None);
    let clock = Arc::new(WallClock);
    let first = Service::launch(Settings::on_free_ports(), &options, clock.clone()).await.unwrap();
    let settings = Settings { work: None, ..Settings::on_free_ports() };
    let shared = Database::given(first.store().clone(), first.ctx().seal.clone());
    let second = Service::start(settings, shared, clock).await.unwrap();
    assert_ne!(first.grpc(), second.grpc());
    assert_eq!(health(first.metrics()).await, "HTTP/1.0 200 OK");
    assert_eq!(health(second.metrics()).await, "HTTP/1.0 200 OK");
    let (grpc, metrics) = (second.grpc().unwrap(), second.metrics().unwrap());
    second.stop().await.unwrap();
    for address in [grpc, metrics] {
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }
    assert_eq!(health(first.metrics()).await, "HTTP/1.0 200 OK");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_away_at_the_start_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let options = database(None, Some(format!("postgres://ann@127.0.0.1:{port}/recoup")));
    let settings = Settings::on_free_ports();
    let service = Service::launch(settings, &options, Arc::new(WallClock)).await.unwrap();
    assert_eq!(health(service.metrics()).await, "HTTP/1.0 503 Service Unavailable");
    assert!(TcpStream::connect(service.grpc().unwrap()).await.is_ok());
    service.stop().await.unwrap();
}

#[tokio::test]
async fn a_taken_address_is_told_before_a_database_is_started() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut settings = Settings::on_free_ports();
    settings.metrics = Some(listener.local_addr().unwrap());
    let options = database(Some(data.path()), None);
    let refused = Service::launch(settings, &options, Arc::new(WallClock)).await.unwrap_err();
    assert!(matches!(refused, Error::Listen { what: "metrics", .. }), "{refused}");
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0);
}
