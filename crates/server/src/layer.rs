//! What happens around every call, outside the services.
//!
//! Purpose: one file per concern. From outside to inside: `trace` measures and logs, `panic` turns
//! panics into statuses, `size` names its limit, `stop`, `database` and `deadline` end calls,
//! `concurrency` bounds them, `authentication` says who calls and `authorization` whether they may.
//!
//! Invariants: a layer answers with a status and never with an error of the transport; what it holds
//! for a call it holds until the answer's last byte, also of streams.
//!
//! Deliberately absent: anything about a single method, but for its row in [`crate::permission`] and
//! its deadline.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use prost::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

pub(crate) mod authentication;
pub(crate) mod authorization;
pub(crate) mod concurrency;
pub(crate) mod database;
pub(crate) mod deadline;
pub(crate) mod interrupt;
pub(crate) mod panic;
pub(crate) mod size;
pub(crate) mod stop;
pub(crate) mod trace;

/// A part of a body, as `poll_frame` gives it.
pub(crate) type Frame = Option<Result<http_body::Frame<Bytes>, Status>>;

/// A service that calls pass through.
pub(crate) trait Inner:
    Service<Request<Body>, Response = Response<Body>, Future: Send, Error: Send> + Send + 'static
{
}

impl<S> Inner for S where
    S: Service<Request<Body>, Response = Response<Body>, Future: Send, Error: Send>
        + Send
        + 'static
{
}

/// A concern around every call.
pub(crate) trait Around: Send + Sync + 'static {
    /// Answers the call itself, or lets `inner` answer it.
    fn around<S: Inner>(
        self: Arc<Self>,
        request: Request<Body>,
        inner: S,
    ) -> impl Future<Output = Result<Response<Body>, S::Error>> + Send;
}

/// A concern as a layer of tower.
#[derive(Debug)]
pub(crate) struct Layer<A>(Arc<A>);

impl<A> Layer<A> {
    /// The layer of a concern.
    pub(crate) fn of(around: A) -> Self {
        Self(Arc::new(around))
    }
}

impl<A> Clone for Layer<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A, S> tower::Layer<S> for Layer<A> {
    type Service = Layered<A, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Layered { around: Arc::clone(&self.0), inner }
    }
}

/// A service with a concern around it.
#[derive(Debug)]
pub(crate) struct Layered<A, S> {
    around: Arc<A>,
    inner: S,
}

impl<A, S: Clone> Clone for Layered<A, S> {
    fn clone(&self) -> Self {
        Self { around: Arc::clone(&self.around), inner: self.inner.clone() }
    }
}

impl<A: Around, S: Inner + Clone> Service<Request<Body>> for Layered<A, S> {
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The service that was polled ready is used, and a fresh clone stays for the next call.
        let fresh = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, fresh);
        Box::pin(Arc::clone(&self.around).around(request, inner))
    }
}

/// The end of a streamed answer that is refused half-way.
pub(crate) fn trailers(status: &Status) -> http_body::Frame<Bytes> {
    let mut headers = HeaderMap::new();
    if status.add_header(&mut headers).is_err() {
        // Details that fit no header: the code alone still does.
        headers.insert(Status::GRPC_STATUS, http::HeaderValue::from(status.code() as i32));
    }
    http_body::Frame::trailers(headers)
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
