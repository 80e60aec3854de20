//! Ends a call before it has ended itself.
//!
//! Purpose: what `deadline`, `database` and `stop` have in common: a future that, when it resolves,
//! is the call's answer. It watches the call and then the answer's body, so that streams end too.
//!
//! Invariants: an interruption that is due before the call begins keeps it from beginning. An answer
//! that is ready at the same moment wins: it may say that something was committed.
//!
//! Deliberately absent: waiting for the interrupted work. It is dropped, and its transaction rolls
//! back.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, Response};
use prost::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;

use super::{Frame, Inner, trailers};

/// Resolves when the call is to end.
pub(crate) type Interruption = BoxFuture<'static, Status>;

/// Calls `inner`, unless and until it is interrupted.
pub(crate) async fn until<S: Inner>(
    mut interruption: Interruption,
    request: Request<Body>,
    mut inner: S,
) -> Result<Response<Body>, S::Error> {
    if let Some(status) = (&mut interruption).now_or_never() {
        return Ok(status.into_http());
    }
    tokio::select! {
        biased;
        answer = inner.call(request) => {
            let guard = |body| Body::new(Guarded { body, interruption: Some(interruption) });
            answer.map(|response| response.map(guard))
        }
        status = &mut interruption => Ok(status.into_http()),
    }
}

/// A body that can be interrupted.
struct Guarded {
    body: Body,
    /// Absent once it has resolved.
    interruption: Option<Interruption>,
}

impl http_body::Body for Guarded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Frame> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        let Some(interruption) = &mut self.interruption else { return Poll::Pending };
        match interruption.poll_unpin(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(status) => {
                self.interruption = None;
                // Drops the work behind the stream.
                self.body = Body::empty();
                Poll::Ready(Some(Ok(trailers(&status))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
