//! The layers around a service that stands in for all of ours.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app::access::Caller;
use domain::id::{ApiKeyId, OrgId};
use domain::organization::Role;
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tower::{Layer as _, ServiceExt as _};
use uuid::Uuid;

use super::concurrency::Concurrency;
use super::database::Database;
use super::deadline::Deadline;
use super::panic::Panics;
use super::size::Size;
use super::stop::Stop;
use super::trace::Trace;
use super::*;
use crate::Settings;

const METHOD: &str = "/recoup.v1.CustomerService/GetCustomer";
const HEALTH: &str = "/grpc.health.v1.Health/Watch";
const ADVANCE: &str = "/recoup.v1.ClockService/AdvanceClock";

type Answer = Result<Response<Body>, Infallible>;

/// A body that says nothing and does not end.
struct Silent;

impl http_body::Body for Silent {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Frame> {
        Poll::Pending
    }
}

/// A body that panics.
struct Broken;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Frame> {
        panic!("half-way")
    }
}

fn request(path: &str) -> Request<Body> {
    Request::builder().uri(path).body(Body::empty()).unwrap()
}

fn request_of(key: u128) -> Request<Body> {
    let mut request = request(METHOD);
    let (org, key) = (OrgId(Uuid::nil()), ApiKeyId(Uuid::from_u128(key)));
    let name = "test".to_owned();
    request.extensions_mut().insert(Caller { org, key, name, roles: vec![Role::Admin] });
    request
}

async fn call<A: Around>(
    around: A,
    request: Request<Body>,
    inner: fn(Request<Body>) -> BoxFuture<'static, Answer>,
) -> Response<Body> {
    Layer::of(around).layer(tower::service_fn(inner)).oneshot(request).await.unwrap()
}

fn never(_: Request<Body>) -> BoxFuture<'static, Answer> {
    futures::future::pending().boxed()
}

fn stream(_: Request<Body>) -> BoxFuture<'static, Answer> {
    async { Ok(Response::new(Body::new(Silent))) }.boxed()
}

fn fine(_: Request<Body>) -> BoxFuture<'static, Answer> {
    async {
        let trailers = trailers(&Status::ok(""));
        let body =
            http_body_util::StreamBody::new(futures::stream::iter([Ok::<_, Status>(trailers)]));
        Ok(Response::new(Body::new(body)))
    }
    .boxed()
}

/// The status of an answer, from its headers or its trailers.
async fn code(response: Response<Body>) -> Code {
    let of = |headers: &HeaderMap| {
        headers.get(Status::GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes()))
    };
    match of(response.headers()) {
        Some(code) => code,
        None => of(response.into_body().collect().await.unwrap().trailers().unwrap()).unwrap(),
    }
}

fn short() -> Settings {
    let moment = Duration::from_millis(5);
    Settings { deadline: moment, long_deadline: moment, stop_within: moment, ..Settings::default() }
}

#[tokio::test]
async fn a_deadline_ends_calls_and_streams() {
    let deadline = || Deadline::new(&short());
    assert_eq!(code(call(deadline(), request(METHOD), never).await).await, Code::DeadlineExceeded);
    assert_eq!(code(call(deadline(), request(METHOD), stream).await).await, Code::DeadlineExceeded);
    assert_eq!(code(call(deadline(), request(METHOD), fine).await).await, Code::Ok);
}

#[tokio::test]
async fn a_database_that_goes_away_ends_calls_and_streams() {
    for inner in [never, stream] {
        let (up, follow) = watch::channel(true);
        let calling =
            async { code(call(Database::new(follow), request(METHOD), inner).await).await };
        let mut calling = std::pin::pin!(calling);
        assert!((&mut calling).now_or_never().is_none(), "goes on while the database is there");
        up.send_replace(false);
        assert_eq!(calling.await, Code::Unavailable);
    }
}

#[tokio::test]
async fn calls_do_not_begin_while_the_database_is_away_but_health_does() {
    static BEGUN: AtomicBool = AtomicBool::new(false);
    let begin = |request| {
        BEGUN.store(true, Ordering::Relaxed);
        fine(request)
    };
    let (_keep, away) = watch::channel(false);
    let refused = call(Database::new(away.clone()), request(METHOD), begin).await;
    assert_eq!(code(refused).await, Code::Unavailable);
    assert!(!BEGUN.load(Ordering::Relaxed));
    let health = call(Database::new(away), request(HEALTH), begin).await;
    assert_eq!(code(health).await, Code::Ok);
}

#[tokio::test]
async fn a_stop_ends_streams_at_once_and_calls_after_a_while() {
    let asked = CancellationToken::new();
    asked.cancel();
    let patient = Settings { stop_within: Duration::from_secs(3_600), ..Settings::default() };
    for path in [ADVANCE, HEALTH] {
        let ended = call(Stop::new(asked.clone(), &patient), request(path), stream).await;
        assert_eq!(code(ended).await, Code::Unavailable, "{path}");
    }
    let goes_on = call(Stop::new(asked.clone(), &patient), request(METHOD), fine).await;
    assert_eq!(code(goes_on).await, Code::Ok);
    let ended = call(Stop::new(asked, &short()), request(METHOD), never).await;
    assert_eq!(code(ended).await, Code::Unavailable);
}

#[tokio::test]
async fn a_panic_is_an_internal_fault() {
    let at_once = |_| -> BoxFuture<'static, Answer> { panic!("at once") };
    let later = |_| async { panic!("later") }.boxed();
    let half_way = |_| async { Ok(Response::new(Body::new(Broken))) }.boxed();
    for inner in [at_once, later, half_way] as [fn(Request<Body>) -> BoxFuture<'static, Answer>; 3]
    {
        assert_eq!(code(call(Panics, request(METHOD), inner).await).await, Code::Internal);
    }
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused_by_name() {
    let large =
        |_| async { Ok(Status::out_of_range("5 bytes, the limit is 4").into_http()) }.boxed();
    let refused = call(Size, request(METHOD), large).await;
    let status = refused.extensions().get::<Status>().unwrap();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.message(), "5 bytes, the limit is 4");
}

#[tokio::test]
async fn a_key_has_so_many_calls_at_a_time_and_no_more() {
    let service = Layer::of(Concurrency::per_key(1)).layer(tower::service_fn(stream));
    let first = service.clone().oneshot(request_of(1)).await.unwrap();
    let second = service.clone().oneshot(request_of(1)).await.unwrap();
    assert_eq!(code(second).await, Code::ResourceExhausted);
    let other = service.clone().oneshot(request_of(2)).await.unwrap();
    assert!(other.headers().is_empty(), "another key has its own");
    drop(first);
    let third = service.oneshot(request_of(1)).await.unwrap();
    assert!(third.headers().is_empty(), "the first stream has ended");
}

/// Metrics of one call, as `name method code value`.
fn measured(call: impl Future<Output = ()>) -> Vec<String> {
    let recorder = DebuggingRecorder::new();
    let seen = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(call));
    let mut lines: Vec<String> = seen
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| {
            let key = key.key();
            let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
            let value = match value {
                DebugValue::Counter(count) => count.to_string(),
                DebugValue::Gauge(level) => level.to_string(),
                DebugValue::Histogram(values) => format!("{} measured", values.len()),
            };
            format!("{} {} {value}", key.name(), labels.join(" "))
        })
        .collect();
    lines.sort();
    lines
}

fn expected(method: &str, code: &str) -> Vec<String> {
    vec![
        format!("recoup_grpc_in_flight {method} 0"),
        format!("recoup_grpc_request_duration_seconds {method} 1 measured"),
        format!("recoup_grpc_requests_total {method} {code} 1"),
    ]
}

#[test]
fn every_end_of_a_call_is_counted_once_by_its_code() {
    let method = METHOD.trim_start_matches('/');
    let refuse = |_| async { Ok(Status::not_found("x").into_http()) }.boxed();
    let answered = async {
        assert_eq!(code(call(Trace, request(METHOD), fine).await).await, Code::Ok);
    };
    assert_eq!(measured(answered), expected(method, "OK"));
    let refused = async { drop(call(Trace, request(METHOD), refuse).await) };
    assert_eq!(measured(refused), expected(method, "NOT_FOUND"));
    let left = async { drop(call(Trace, request(METHOD), stream).await) };
    assert_eq!(measured(left), expected(method, "CANCELLED"));
    let given_up = async { drop(call(Trace, request(METHOD), never).now_or_never()) };
    assert_eq!(measured(given_up), expected(method, "CANCELLED"));
    let invented = async { drop(call(Trace, request("/some/thing"), refuse).await) };
    assert_eq!(measured(invented), expected("unknown", "NOT_FOUND"));
}

#[tokio::test]
async fn an_answer_that_is_ready_wins_over_its_interruption() {
    let (answer, waits) = oneshot::channel::<()>();
    let (interrupt, interrupted) = oneshot::channel::<()>();
    let interruption = async move {
        interrupted.await.ok();
        Status::aborted("")
    };
    let mut waits = Some(waits);
    let inner = tower::service_fn(move |request| {
        let waits = waits.take();
        async move {
            waits.unwrap().await.unwrap();
            fine(request).await
        }
    });
    let calling = interrupt::until(interruption.boxed(), request(METHOD), inner);
    let mut calling = std::pin::pin!(calling);
    assert!((&mut calling).now_or_never().is_none());
    answer.send(()).unwrap();
    interrupt.send(()).unwrap();
    assert_eq!(code(calling.await.unwrap()).await, Code::Ok);
}
