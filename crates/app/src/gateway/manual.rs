//! The gateway that is a person.
//!
//! Purpose: orders that no program carries out: a bank transfer, and collections that a live
//! organization hands to its bank or payment service by itself.
//!
//! Invariants: nothing leaves, so every call is safe to repeat; an order stands as accepted until a
//! person or `ReportPaymentResult` says how it ended, and nobody needs to ask before that.

use domain::payment::Answer;
use futures::FutureExt;
use futures::future;

use super::{Call, Gateway, Order, Refund, Reply};

/// A person carries it out and reports how it ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manual;

impl Gateway for Manual {
    fn submit<'a>(&'a self, order: &'a Order) -> Call<'a> {
        future::ready(standing(order)).boxed()
    }

    fn query<'a>(&'a self, order: &'a Order) -> Call<'a> {
        future::ready(standing(order)).boxed()
    }

    fn cancel<'a>(&'a self, _: &'a Order) -> Call<'a> {
        future::ready(Reply::bare(Answer::Cancelled)).boxed()
    }

    fn refund<'a>(&'a self, _: &'a Refund) -> Call<'a> {
        future::ready(Reply::bare(Answer::Accepted)).boxed()
    }
}

fn standing(order: &Order) -> Reply {
    let withdrawn = order.withdrawn_at.is_some_and(|at| at <= order.now);
    Reply::bare(if withdrawn { Answer::Cancelled } else { Answer::Accepted })
}
