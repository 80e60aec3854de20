//! Who calls.
//!
//! Purpose: the key in `authorization: Bearer <key>` becomes an [`app::access::Caller`] in the
//! request's extensions.
//!
//! Invariants: nothing but public methods is reached without a live key. Keys are neither logged nor
//! repeated in answers.
//!
//! Deliberately absent: a memory of keys seen before; every call looks, so that a revoked key ends at
//! once.

use std::sync::Arc;

use app::Ctx;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use tonic::body::Body;

use super::{Around, Inner};
use crate::permission::{self, Access};
use crate::status::{self, status};

/// The scheme before the key; its case does not matter (RFC 9110, 11.1).
const SCHEME: &str = "Bearer";

/// Finds out who calls.
#[derive(Debug)]
pub(crate) struct Authentication {
    ctx: Ctx,
}

impl Authentication {
    /// Looks keys up in this database.
    pub(crate) fn new(ctx: Ctx) -> Self {
        Self { ctx }
    }
}

impl Around for Authentication {
    async fn around<S: Inner>(
        self: Arc<Self>,
        mut request: Request<Body>,
        mut inner: S,
    ) -> Result<Response<Body>, S::Error> {
        let entry = permission::find(request.uri().path());
        if entry.is_some_and(|entry| entry.access == Access::Public) {
            return inner.call(request).await;
        }
        let Some(key) = key(request.headers()) else {
            return Ok(status::key_missing().into_http());
        };
        match app::access::authenticate(&self.ctx, key).await {
            Ok(caller) => {
                let span = tracing::Span::current();
                span.record("org", tracing::field::display(caller.org));
                span.record("key", caller.name.as_str());
                request.extensions_mut().insert(caller);
                inner.call(request).await
            }
            Err(error) => Ok(status(error).into_http()),
        }
    }
}

/// The key that a call shows.
fn key(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case(SCHEME) && !key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_follows_the_scheme() {
        let table = [
            ("Bearer recoup_x", Some("recoup_x")),
            ("bearer  recoup_x ", Some("recoup_x")),
            ("recoup_x", None),
            ("Basic recoup_x", None),
            ("Bearer ", None),
            ("Bearer", None),
            ("", None),
        ];
        for (value, expected) in table {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            assert_eq!(key(&headers), expected, "{value:?}");
        }
        assert_eq!(key(&HeaderMap::new()), None);
    }
}
