//! Asking the gateways about attempts that are under way, or of which nobody knows.
//!
//! Invariants: nothing is sent again here. An attempt that is to be withdrawn is asked back instead.

use domain::id::OrgId;
use domain::payment::attempt::Attempt;
use futures::StreamExt;

use super::answer::{self, Answered};
use super::order::Orders;
use crate::Ctx;
use crate::day::Done;
use crate::error::Error;

/// Attempts asked about at a time.
const BATCH: i64 = 200;
/// Calls to gateways at a time.
const CALLS: usize = 32;

/// Asks about everything about which it is time to ask.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`].
pub(crate) async fn run(ctx: &Ctx, org: OrgId) -> Result<Done, Error> {
    let mut done = Done::default();
    loop {
        let mut scope = ctx.scope(org).await?;
        let now = scope.now;
        let attempts = store::attempt::to_ask(&mut scope.tx, now, BATCH).await?;
        if attempts.is_empty() {
            return Ok(done);
        }
        let orders = Orders::load(ctx, &mut scope, &attempts).await?;
        scope.commit().await?;
        let answered = ask(ctx, &orders, attempts).await;
        done.add(answer::record(ctx, org, &answered).await?);
    }
}

async fn ask(ctx: &Ctx, orders: &Orders, attempts: Vec<Attempt>) -> Vec<Answered> {
    futures::stream::iter(attempts)
        .map(|attempt| async move {
            let reply = match attempt.withdrawn_at {
                Some(_) => orders.cancel(&ctx.gateways, &attempt).await,
                None => orders.query(&ctx.gateways, &attempt).await,
            };
            Answered::of_gateway(&attempt, reply)
        })
        .buffer_unordered(CALLS)
        .collect()
        .await
}
