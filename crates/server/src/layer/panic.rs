//! A panic ends its call and nothing else.
//!
//! Purpose: a panic in a service becomes INTERNAL, also in the middle of a streamed answer, and its
//! message goes to the log like the cause of any other fault.
//!
//! Deliberately absent: going on after it. The call's work is dropped and rolls back.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use http::{Request, Response};
use prost::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;

use super::{Around, Frame, Inner, trace, trailers};
use crate::status;

/// Catches panics.
#[derive(Debug)]
pub(crate) struct Panics;

impl Around for Panics {
    async fn around<S: Inner>(
        self: Arc<Self>,
        request: Request<Body>,
        mut inner: S,
    ) -> Result<Response<Body>, S::Error> {
        // What a panic leaves behind is dropped with the call, so nobody sees it half done.
        match AssertUnwindSafe(async move { inner.call(request).await }).catch_unwind().await {
            Ok(answer) => answer.map(|response| response.map(|body| Body::new(Caught(body)))),
            Err(panic) => Ok(status::panicked(message(&*panic)).into_http()),
        }
    }
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown")
        .to_owned()
}

/// A body that does not panic.
struct Caught(Body);

impl http_body::Body for Caught {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Frame> {
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll_frame(context)));
        polled.unwrap_or_else(|panic| {
            let status = status::panicked(message(&*panic));
            trace::log_failure(&status);
            self.0 = Body::empty();
            Poll::Ready(Some(Ok(trailers(&status))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_a_panic_is_found() {
        assert_eq!(message(&"static"), "static");
        assert_eq!(message(&String::from("made")), "made");
        assert_eq!(message(&7), "unknown");
    }
}
