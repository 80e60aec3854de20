//! Usage on the wire: the stream of `SubscriptionService/RecordUsage`.
//!
//! Purpose: every message is read, recorded in a transaction of its own, committed, and only then
//! answered, in order. A sender whose stream breaks knows by the answers where to go on, which a
//! single answer at the end could not tell.
//!
//! Invariants: one message is in memory at a time; the next one is read when the one before it has
//! been answered and the answer taken, so that a fast sender is held up by the transport and not by
//! our memory. An event that cannot be read is rejected like one that cannot be recorded.

use app::usage::{self, Recorded, Rejection, Sent};
use app::{Ctx, Error};
use domain::id::OrgId;
use domain::usage::Event;
use futures::stream::{self, BoxStream, StreamExt};
use rust_decimal::Decimal;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::call::{self, Answer};
use crate::field::{self, At, Refused};
use crate::layer::trace;
use crate::pb::v1;
use crate::status::{self, status};
use crate::wire;

/// One answer for every message.
pub(crate) type Answers = BoxStream<'static, Result<v1::RecordUsageResponse, Status>>;

/// Takes a stream of chunks.
#[allow(clippy::result_large_err)] // The refusal is an answer of the framework's type.
pub(crate) fn record(
    ctx: &Ctx,
    request: Request<Streaming<v1::RecordUsageRequest>>,
) -> Answer<Answers> {
    let (call, messages) = call::open(request)?;
    let (ctx, org) = (ctx.clone(), call.caller.org);
    let answers = stream::unfold(Some(messages), move |messages| {
        let ctx = ctx.clone();
        async move {
            let mut messages = messages?;
            let chunk = match messages.message().await {
                Ok(chunk) => chunk?,
                Err(broken) => return Some((Err(named(broken)), None)),
            };
            match one(&ctx, org, chunk).await {
                Ok(recorded) => Some((Ok(recorded), Some(messages))),
                Err(error) => {
                    let status = status(error);
                    trace::log_failure(&status);
                    Some((Err(status), None))
                }
            }
        }
    });
    Ok(Response::new(answers.boxed()))
}

/// Records a chunk, in a transaction of its own.
async fn one(
    ctx: &Ctx,
    org: OrgId,
    chunk: v1::RecordUsageRequest,
) -> Result<v1::RecordUsageResponse, Error> {
    if chunk.events.len() > usage::MAX_EVENTS {
        let (given, most) = (chunk.events.len(), usage::MAX_EVENTS);
        let message = format!("{given} events are too many for one message: at most {most}");
        return Err(Error::invalid("events", message));
    }
    let (mut sent, mut unreadable) = (Vec::with_capacity(chunk.events.len()), Vec::new());
    for (index, event) in chunk.events.into_iter().enumerate() {
        let id = usage::printable(&event.id);
        match read(index, event) {
            Ok(event) => sent.push(event),
            Err(refused) => unreadable.push(rejection(index, id, refused)),
        }
    }
    let mut scope = ctx.scope(org).await?;
    let mut recorded = usage::record(&mut scope, sent).await?;
    scope.commit().await?;
    recorded.rejected.extend(unreadable);
    recorded.rejected.sort_unstable_by_key(|rejection| rejection.index);
    Ok(recorded.into())
}

fn read(index: usize, event: v1::UsageEvent) -> field::Result<Sent> {
    let quantity = match event.quantity {
        Some(quantity) => field::decimal(Some(quantity)).at("quantity")?,
        None => Decimal::ONE,
    };
    let at = field::required(event.occurred_time).and_then(field::instant).at("occurred_time")?;
    Ok(Sent {
        index,
        meter: event.meter,
        customer_id: field::parse(&event.customer_id).at("customer_id")?,
        event: Event { id: event.id, at, quantity, value: field::text_if_any(event.value) },
    })
}

fn rejection(index: usize, id: String, refused: Refused) -> Rejection {
    let (field, message) = refused.into_parts();
    Rejection { index, id, field, reason: "EVENT_NOT_VALID", message }
}

/// A message that is too large is refused by name, as everywhere.
fn named(broken: Status) -> Status {
    let too_large = matches!(broken.code(), Code::OutOfRange | Code::ResourceExhausted);
    if too_large && broken.details().is_empty() {
        return status::too_large(broken.message());
    }
    broken
}

impl From<Recorded> for v1::RecordUsageResponse {
    fn from(recorded: Recorded) -> Self {
        Self {
            accepted: wire::count(recorded.accepted),
            duplicates: wire::count(recorded.duplicates),
            rejected: recorded.rejected.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Rejection> for v1::RejectedUsage {
    fn from(rejection: Rejection) -> Self {
        Self {
            index: wire::count(rejection.index),
            id: rejection.id,
            field: rejection.field,
            reason: rejection.reason.to_owned(),
            message: rejection.message,
        }
    }
}
