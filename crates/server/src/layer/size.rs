//! Requests that are too large are refused by name.
//!
//! Purpose: the framework answers OUT_OF_RANGE to a request above the limit; the interface promises
//! RESOURCE_EXHAUSTED with a reason for every limit.
//!
//! Invariants: nothing else of this interface is OUT_OF_RANGE.
//!
//! Deliberately absent: the limit itself, which the framework applies while it reads.

use std::sync::Arc;

use http::{Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};

use super::{Around, Inner};
use crate::status;

/// Names the limit of a request's size.
#[derive(Debug)]
pub(crate) struct Size;

impl Around for Size {
    async fn around<S: Inner>(
        self: Arc<Self>,
        request: Request<Body>,
        mut inner: S,
    ) -> Result<Response<Body>, S::Error> {
        let response = inner.call(request).await?;
        Ok(match response.extensions().get::<Status>() {
            Some(refused) if is_of_the_framework(refused) => {
                status::too_large(refused.message()).into_http()
            }
            _ => response,
        })
    }
}

/// Refusals of our own have details; the framework's have none. A request that is small only while
/// it is packed is RESOURCE_EXHAUSTED to the framework.
fn is_of_the_framework(refused: &Status) -> bool {
    let too_large = matches!(refused.code(), Code::OutOfRange | Code::ResourceExhausted);
    too_large && refused.details().is_empty()
}
