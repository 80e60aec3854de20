//! The gateway of sandbox organizations.
//!
//! Purpose: lets a vendor try every way in which payments end.

use domain::payment::Answer;
use futures::FutureExt;
use futures::future::{self, BoxFuture};

use super::{Gateway, Order, Refund, Reply};

/// IBANs of no bank and what happens to them.
pub const TEST_IBANS: &[(&str, &str)] = &[];

/// Decides by what pays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sandbox;

impl Gateway for Sandbox {
    fn submit<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Reply> {
        future::ready(Reply::bare(Answer::Settled { on: order.submitted_on() })).boxed()
    }

    fn query<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Reply> {
        future::ready(Reply::bare(Answer::Settled { on: order.submitted_on() })).boxed()
    }

    fn cancel<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Reply> {
        future::ready(Reply::bare(Answer::Settled { on: order.submitted_on() })).boxed()
    }

    fn refund<'a>(&'a self, refund: &'a Refund) -> BoxFuture<'a, Reply> {
        future::ready(Reply::bare(Answer::Settled { on: refund.order.today() })).boxed()
    }
}
