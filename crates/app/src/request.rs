//! Calls that are made once, however often they arrive.
//!
//! Purpose: a mutating call with a request id is answered from the record when it comes again.
//! The claim on the id, the work and the stored answer are one transaction, so that a crash leaves
//! either all of them or none.
//!
//! Invariants: the same id with the same content gives the same answer; with other content it is
//! refused; of two at once, one works and the other waits for its answer.
//!
//! Deliberately absent: the wire format. The caller encodes its answer and compares by hash.

use domain::id::OrgId;
use futures::future::BoxFuture;
use uuid::Uuid;

use crate::error::{Error, Expect, Refusal};
use crate::{Ctx, Scope};

/// What identifies a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// Chosen by the caller.
    pub id: Uuid,
    /// Full name of the method.
    pub method: &'static str,
    /// SHA-256 of the content.
    pub content_hash: [u8; 32],
}

/// An answer, fresh or from the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// The work was done now.
    Fresh(T),
    /// The work was done before; this is the encoded answer.
    Stored(Vec<u8>),
}

/// Does the work in one transaction, at most once per request id, and stores its encoded answer.
///
/// # Errors
/// What the work answers; [`Error::Exists`] with reason `REQUEST_ID_REUSED`.
pub async fn once<T, W, C>(
    ctx: &Ctx,
    org: OrgId,
    key: Option<RequestKey>,
    encode: C,
    work: W,
) -> Result<Answer<T>, Error>
where
    W: for<'a> FnOnce(&'a mut Scope) -> BoxFuture<'a, Result<T, Error>> + Send,
    C: FnOnce(&T) -> Vec<u8> + Send,
    T: Send,
{
    let mut scope = ctx.scope(org).await?;
    let Some(key) = key else {
        let answer = work(&mut scope).await?;
        scope.commit().await?;
        return Ok(Answer::Fresh(answer));
    };
    let wall = ctx.clock.now();
    let claimed =
        store::request::claim(&mut scope.tx, key.id, key.method, &key.content_hash, wall).await?;
    if !claimed {
        return stored_answer(&mut scope, &key).await;
    }
    let answer = work(&mut scope).await?;
    store::request::save_answer(&mut scope.tx, key.id, &encode(&answer)).await?;
    scope.commit().await?;
    Ok(Answer::Fresh(answer))
}

/// The answer of a call that was made before, if it was: for work that commits by itself, in more
/// than one transaction.
///
/// # Errors
/// [`Error::Exists`] with reason `REQUEST_ID_REUSED`.
pub async fn answered(ctx: &Ctx, org: OrgId, key: &RequestKey) -> Result<Option<Vec<u8>>, Error> {
    let mut scope = ctx.scope(org).await?;
    let answer = match stored_answer::<()>(&mut scope, key).await {
        Ok(Answer::Stored(answer)) => Some(answer),
        Ok(Answer::Fresh(())) => None,
        Err(Error::NotFound { .. }) => None,
        Err(other) => return Err(other),
    };
    scope.commit().await?;
    Ok(answer)
}

/// How long answers are kept: a caller that has not heard for a month does not ask again.
const KEPT: chrono::Duration = chrono::Duration::days(30);
/// Answers that one transaction forgets.
const PRUNE_BATCH: i64 = 1_000;

/// Forgets old answers of all organizations, in batches; answers how many.
///
/// # Errors
/// [`Error::Unavailable`]; what was forgotten stays so.
pub async fn prune(ctx: &Ctx) -> Result<usize, Error> {
    let before = ctx.clock.now() - KEPT;
    let mut tx = ctx.store.begin_global().await?;
    let directory = store::organization::directory(&mut tx).await?;
    tx.commit().await?;
    let mut forgotten = 0;
    for entry in directory {
        loop {
            let mut tx = ctx.store.begin(entry.org_id).await?;
            let batch = store::request::prune(&mut tx, before, PRUNE_BATCH).await?;
            tx.commit().await?;
            forgotten += batch;
            if batch == 0 {
                break;
            }
        }
    }
    Ok(forgotten)
}

async fn stored_answer<T>(scope: &mut Scope, key: &RequestKey) -> Result<Answer<T>, Error> {
    let record = store::request::get(&mut scope.tx, key.id).await.or_missing("request", key.id)?;
    if record.method == key.method && record.content_hash == key.content_hash {
        return Ok(Answer::Stored(record.answer));
    }
    let message = format!(
        "request id {} was used before with other content: use a new id for a new request",
        key.id
    );
    Err(Error::Exists(Refusal::new("REQUEST_ID_REUSED", message).with("request_id", key.id)))
}
