//! How many calls are under way at a time.
//!
//! Purpose: one key cannot take all connections to the database, and all calls together cannot take
//! all memory. What is too much is refused at once, with the limit, and never queued.
//!
//! Invariants: a call counts from its beginning to the last byte of its answer, also of a stream.
//! Nothing is kept of keys that do not call.
//!
//! Deliberately absent: calls per second; limits over several processes.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use app::access::Caller;
use domain::id::ApiKeyId;
use http::{Request, Response};
use prost::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;

use super::{Around, Frame, Inner};
use crate::permission::{self, Access};
use crate::status;

/// Whose calls are counted together; nothing for calls that are not counted.
type GroupOf<K> = fn(&Request<Body>) -> Option<K>;

/// Bounds the calls of every group.
#[derive(Debug)]
pub(crate) struct Concurrency<K> {
    of: &'static str,
    limit: usize,
    group: GroupOf<K>,
    running: Arc<Running<K>>,
}

impl Concurrency<()> {
    /// Bounds all calls of this process but those of public methods, so that health is always told.
    pub(crate) fn overall(limit: usize) -> Self {
        Self::new("this server", limit, |request| {
            let entry = permission::find(request.uri().path());
            (!entry.is_some_and(|entry| entry.access == Access::Public)).then_some(())
        })
    }
}

impl Concurrency<ApiKeyId> {
    /// Bounds the calls of every key. Inside `authentication`.
    pub(crate) fn per_key(limit: usize) -> Self {
        Self::new("this key", limit, |request| {
            request.extensions().get::<Caller>().map(|caller| caller.key)
        })
    }
}

impl<K: Hash + Eq> Concurrency<K> {
    fn new(of: &'static str, limit: usize, group: GroupOf<K>) -> Self {
        Self { of, limit, group, running: Arc::new(Running(Mutex::default())) }
    }
}

impl<K: Hash + Eq + Copy + Send + Sync + Unpin + 'static> Around for Concurrency<K> {
    async fn around<S: Inner>(
        self: Arc<Self>,
        request: Request<Body>,
        mut inner: S,
    ) -> Result<Response<Body>, S::Error> {
        let Some(group) = (self.group)(&request) else {
            return inner.call(request).await;
        };
        let Some(place) = self.running.enter(group, self.limit) else {
            return Ok(status::too_many_calls(self.of, self.limit).into_http());
        };
        let answer = inner.call(request).await;
        answer.map(|response| response.map(|body| Body::new(Held { body, _place: place })))
    }
}

/// Calls under way per group.
#[derive(Debug)]
struct Running<K>(Mutex<HashMap<K, usize>>);

impl<K: Hash + Eq + Copy> Running<K> {
    fn counts(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        // The counts are right whatever happened to another holder: nothing in here can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one call, if there is one.
    fn enter(self: &Arc<Self>, group: K, limit: usize) -> Option<Place<K>> {
        let mut counts = self.counts();
        let count = counts.entry(group).or_insert(0);
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Place { group, running: Arc::clone(self) })
    }
}

/// The place of one call; dropping it makes room.
struct Place<K: Hash + Eq + Copy> {
    group: K,
    running: Arc<Running<K>>,
}

impl<K: Hash + Eq + Copy> Drop for Place<K> {
    fn drop(&mut self) {
        let mut counts = self.running.counts();
        match counts.get_mut(&self.group) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                counts.remove(&self.group);
            }
        }
    }
}

/// A body whose call keeps its place until the end.
struct Held<K: Hash + Eq + Copy> {
    body: Body,
    _place: Place<K>,
}

impl<K: Hash + Eq + Copy + Unpin> http_body::Body for Held<K> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Frame> {
        Pin::new(&mut self.body).poll_frame(context)
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

    #[test]
    fn a_place_is_free_again_when_its_call_ends() {
        let running = Arc::new(Running(Mutex::default()));
        let first = running.enter("a", 2);
        let second = running.enter("a", 2);
        assert!(first.is_some() && second.is_some());
        assert!(running.enter("a", 2).is_none(), "a third of two");
        assert!(running.enter("b", 2).is_some(), "another group");
        drop(first);
        let third = running.enter("a", 2);
        assert!(third.is_some());
        drop((second, third));
        assert!(running.counts().is_empty(), "nothing is kept of groups without calls");
    }
}
