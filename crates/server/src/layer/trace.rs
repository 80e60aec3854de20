//! What is seen of calls from outside: a span, a line of the log, three metrics.
//!
//! Purpose: every call is measured and, where it matters, logged, once, at the edge; faults with the
//! whole chain of their causes.
//!
//! Invariants: labels come from the permission table, so that callers cannot invent any. A call that
//! its client gave up counts as CANCELLED. Neither keys nor contents of requests and answers are
//! logged, only causes of faults, which carry none.
//!
//! Deliberately absent: what the metrics mean (`app::telemetry`), their recorder and the format of the
//! log (the binary).

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use app::telemetry::{GRPC_IN_FLIGHT, GRPC_REQUEST_DURATION, GRPC_REQUESTS};
use http::{Request, Response};
use prost::bytes::Bytes;
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::{Around, Frame, Inner};
use crate::permission;
use crate::status::code_name;

/// The label of every path that is not in the permission table.
const UNKNOWN: &str = "unknown";

/// Measures and logs.
#[derive(Debug)]
pub(crate) struct Trace;

impl Around for Trace {
    async fn around<S: Inner>(
        self: Arc<Self>,
        request: Request<Body>,
        mut inner: S,
    ) -> Result<Response<Body>, S::Error> {
        let entry = permission::find(request.uri().path());
        let method = entry.map_or(UNKNOWN, |entry| entry.method);
        // At the level of errors, so that every line of the log says which call it belongs to.
        let span = tracing::error_span!("call", method, org = Empty, key = Empty, code = Empty);
        let mut measured = Measured::begin(method, span.clone());
        let response = inner.call(request).instrument(span.clone()).await?;
        if let Some(status) = response.extensions().get::<Status>() {
            span.in_scope(|| log_failure(status));
        }
        if let Some(code) = code_of(response.headers()) {
            measured.end(code);
        }
        Ok(response.map(|body| Body::new(Observed { body, measured })))
    }
}

/// A status in headers or trailers.
fn code_of(headers: &http::HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()))
}

/// Logs what failed on our side, with all causes. Refusals are not failures.
pub(crate) fn log_failure(status: &Status) {
    let causes = || chain(status);
    match status.code() {
        Code::Internal | Code::Unknown | Code::DataLoss => {
            tracing::error!(code = code_name(status.code()), causes = causes(), "call failed");
        }
        // Without a cause it is refused because the database is away or the server stops, which is
        // logged where it is found out, and not once per call.
        Code::Unavailable if status.source().is_none() => {}
        Code::Unavailable | Code::DeadlineExceeded => {
            tracing::warn!(code = code_name(status.code()), causes = causes(), "call not answered");
        }
        _ => {}
    }
}

/// The causes of a status, outermost first.
fn chain(status: &Status) -> String {
    let mut causes = Vec::new();
    let mut next = status.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    if causes.is_empty() { status.message().to_owned() } else { causes.join(": ") }
}

/// One call, measured until it ends or is dropped.
struct Measured {
    method: &'static str,
    span: Span,
    begun: Instant,
    ended: bool,
}

impl Measured {
    fn begin(method: &'static str, span: Span) -> Self {
        metrics::gauge!(GRPC_IN_FLIGHT, "method" => method).increment(1);
        Self { method, span, begun: Instant::now(), ended: false }
    }

    fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let (method, code) = (self.method, code_name(code));
        let elapsed = self.begun.elapsed();
        metrics::gauge!(GRPC_IN_FLIGHT, "method" => method).decrement(1);
        metrics::counter!(GRPC_REQUESTS, "method" => method, "code" => code).increment(1);
        metrics::histogram!(GRPC_REQUEST_DURATION, "method" => method).record(elapsed);
        self.span.record("code", code);
        self.span.in_scope(|| tracing::debug!(?elapsed, "call ended"));
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        // Dropped before its end: the client went away.
        self.end(Code::Cancelled);
    }
}

/// A body whose end is the end of the call.
struct Observed {
    body: Body,
    measured: Measured,
}

impl http_body::Body for Observed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Frame> {
        let this = &mut *self;
        let polled = {
            let _entered = this.measured.span.enter();
            Pin::new(&mut this.body).poll_frame(context)
        };
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(code) = frame.trailers_ref().and_then(code_of) {
                    this.measured.end(code);
                }
            }
            Poll::Ready(Some(Err(status))) => this.measured.end(status.code()),
            // An end without trailers breaks the protocol.
            Poll::Ready(None) => this.measured.end(Code::Unknown),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::status;

    #[test]
    fn a_fault_is_logged_with_all_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        let fault = app::Error::Fault(Box::new(Outer(std::io::Error::other("inner"))));
        assert_eq!(chain(&status(fault)), "outer: inner");
        assert_eq!(chain(&Status::not_found("nothing")), "nothing");
    }
}
