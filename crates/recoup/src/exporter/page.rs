//! What the two paths answer.
//!
//! Invariants: the answer needs no database and no waiting, so that a scrape works best when
//! everything else does not.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use store::Store;

use super::Recorder;

/// The text format of Prometheus.
const METRICS_TYPE: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const TEXT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

pub(super) fn answer(
    request: &Request<Incoming>,
    recorder: &Recorder,
    store: &Store,
) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "expected GET or HEAD\n");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match request.uri().path() {
        "/metrics" => {
            let mut page = text(StatusCode::OK, recorder.render());
            page.headers_mut().insert(CONTENT_TYPE, METRICS_TYPE);
            page
        }
        "/healthz" if store.health().is_up() => text(StatusCode::OK, "the database answers\n"),
        "/healthz" => text(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
        _ => text(StatusCode::NOT_FOUND, "here are /metrics and /healthz\n"),
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, TEXT_TYPE);
    response
}
