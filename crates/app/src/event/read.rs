//! Reading events after a cursor, a bounded number at a time.

use domain::event::Event;
use store::event::Filter;

use crate::Scope;
use crate::error::{Error, Refusal};
use crate::page::{PageRequest, seal, unseal};

/// What cursors are signed for: any list of an organization's events.
const EVENTS: &str = "events";

/// Events that one reading looks at when a filter leaves most of them out: one range of an index
/// that is read in milliseconds. Those of one customer have an index of their own.
const WINDOW: i64 = 10_000;

/// An event with its place in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Where to go on after it.
    pub cursor: String,
    /// What happened.
    pub event: Event,
}

/// Events in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The events; there may be none although there are more behind them.
    pub events: Vec<Numbered>,
    /// Where to go on: behind everything that was looked at.
    pub cursor: String,
    /// Whether nothing was left behind it.
    pub is_last: bool,
    /// The position of the cursor.
    pub(super) position: i64,
}

/// The next events after a page token, which is any cursor; from the beginning when it is empty.
///
/// # Errors
/// [`Error::Invalid`] for a cursor that was not given out by this organization; [`Error::Refused`]
/// with `CURSOR_BEYOND_END`.
pub async fn list(scope: &mut Scope, filter: &Filter, page: &PageRequest) -> Result<Batch, Error> {
    let secret = store::organization::page_secret(&mut scope.tx).await?;
    let after = position(scope, &secret, "page_token", page.token()).await?;
    batch(scope, &secret, filter, after, page.limit()).await
}

/// The cursor of a position.
pub(super) fn cursor(secret: &[u8], position: i64) -> Result<String, Error> {
    seal(secret, EVENTS, &[], &position.to_be_bytes())
}

/// The position of a cursor that was given in a field; 0 for an empty one.
pub(super) async fn position(
    scope: &mut Scope,
    secret: &[u8],
    field: &'static str,
    cursor: &str,
) -> Result<i64, Error> {
    if cursor.is_empty() {
        return Ok(0);
    }
    let place = unseal(secret, EVENTS, &[], cursor)?;
    let place = place.and_then(|place| Some(i64::from_be_bytes(place.try_into().ok()?)));
    let position = place.ok_or_else(|| {
        let message = "not a cursor of this organization's events: pass one of an earlier answer, \
                       unchanged, or none to begin at the beginning";
        Error::invalid(field, message)
    })?;
    let head = store::event::head(&mut scope.tx).await?;
    if position > head {
        let message = "the cursor lies beyond the newest event, as after an older backup was \
                       restored: begin at the beginning, and compare by the ids of events";
        return Err(Error::Refused(Refusal::new("CURSOR_BEYOND_END", message)));
    }
    Ok(position)
}

/// At most `limit` events after a position.
pub(super) async fn batch(
    scope: &mut Scope,
    secret: &[u8],
    filter: &Filter,
    after: i64,
    limit: i64,
) -> Result<Batch, Error> {
    // The end first: every event up to it can be seen by the query that follows.
    let head = store::event::head(&mut scope.tx).await?;
    let window = if filter.customer_id.is_some() { head } else { after.saturating_add(WINDOW) };
    let through = head.min(window);
    let found = if through > after {
        store::event::list(&mut scope.tx, filter, after, through, limit).await?
    } else {
        Vec::new()
    };
    let is_full = i64::try_from(found.len()).is_ok_and(|found| found >= limit);
    let last = found.last().map_or(after, |(position, _)| *position);
    let position = if is_full { last } else { through.max(after) };
    let events = found
        .into_iter()
        .map(|(position, event)| Ok(Numbered { cursor: cursor(secret, position)?, event }));
    Ok(Batch {
        events: events.collect::<Result<_, Error>>()?,
        cursor: cursor(secret, position)?,
        is_last: position >= head,
        position,
    })
}
