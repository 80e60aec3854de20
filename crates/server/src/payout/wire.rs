//! Payouts and accounts on the wire.
//!
//! Invariants: an account number leaves its message as a secret text at once, and enters one only in
//! what SendPayouts answers. The messages that hold one are shown without it.

use std::collections::HashMap;
use std::fmt;

use app::payout::{
    BankAnswer, Batch, Held, Order, ReportPayoutResult, Sent, SetPayoutAccount, WhyHeld,
};
use domain::date::{self, Date};
use domain::payout::{Payout, PayoutAccount, WATCHED_DAYS};

use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;

/// The command of SetPayoutAccount.
pub(super) fn account_command(
    message: v1::SetPayoutAccountRequest,
) -> field::Result<SetPayoutAccount> {
    let investor_id = field::parse(&message.investor_id).at("investor_id")?;
    Ok(SetPayoutAccount { investor_id, iban: message.iban.into(), holder: message.holder })
}

/// The command of ReportPayoutResult.
pub(super) fn report_command(
    message: v1::ReportPayoutResultRequest,
) -> field::Result<ReportPayoutResult> {
    use v1::report_payout_result_request::Result as Given;
    let answer = match field::required(message.result).at("result")? {
        Given::Settled(_) => BankAnswer::Settled,
        Given::Bounced(bounced) => BankAnswer::Bounced { why: bounced.why },
    };
    Ok(ReportPayoutResult {
        payout_id: field::parse(&message.payout_id).at("payout_id")?,
        batch_id: field::parse_filled(&message.batch_id).at("batch_id")?,
        on: field::day_if_any(message.on).at("on")?,
        answer,
    })
}

/// An account as it is shown on a day.
pub(super) fn account(account: PayoutAccount, today: Date) -> v1::PayoutAccount {
    let watched = account.is_watched(today);
    let until = date::add_days(account.set_on, WATCHED_DAYS);
    v1::PayoutAccount {
        id: account.id.to_string(),
        investor_id: account.investor_id.to_string(),
        holder: account.holder,
        masked_iban: account.masked,
        set_on: Some(account.set_on.into()),
        set_by: account.set_by,
        watched_until: watched.then(|| until.into()),
    }
}

/// Puts what the bank is told into an answer.
pub(super) fn tell(answer: &mut v1::SendPayoutsResponse, orders: Vec<Order>) {
    let mut orders: HashMap<String, Order> =
        orders.into_iter().map(|order| (order.payout_id.to_string(), order)).collect();
    for told in &mut answer.orders {
        let id = told.payout.as_ref().map(|payout| payout.id.as_str()).unwrap_or_default();
        if let Some(order) = orders.remove(id) {
            told.iban = order.reveal().to_owned();
            told.holder = order.holder;
            told.reference = order.reference;
        }
    }
}

impl From<Payout> for v1::Payout {
    fn from(payout: Payout) -> Self {
        Self {
            id: payout.id.to_string(),
            investor_id: payout.investor_id.to_string(),
            self_bill_id: payout.self_bill_id.to_string(),
            amount: Some(payout.amount.into()),
            set_off: Some(payout.set_off.into()),
            state: code::<v1::PayoutState>(payout.state),
            why: payout.why.unwrap_or_default(),
            approved_by: payout.approved_by.unwrap_or_default(),
            times_sent: payout.times,
            batch_id: payout.batch_id.map(|id| id.to_string()).unwrap_or_default(),
            sent_on: payout.sent_on.map(Into::into),
            settled_on: payout.settled_on.map(Into::into),
            bounced_on: payout.bounced_on.map(Into::into),
        }
    }
}

impl From<Batch> for v1::PayoutBatch {
    fn from(batch: Batch) -> Self {
        Self {
            id: batch.id.to_string(),
            count: batch.count,
            total: Some(batch.total.into()),
            sent_on: Some(batch.sent_on.into()),
        }
    }
}

impl From<Held> for v1::HeldPayout {
    fn from(held: Held) -> Self {
        let reason = match held.why {
            WhyHeld::NoAccount => v1::PayoutHeldReason::NoAccount,
            WhyHeld::SecondPerson => v1::PayoutHeldReason::SecondPerson,
            WhyHeld::PrincipalOpen => v1::PayoutHeldReason::PrincipalOpen,
        };
        Self { payout: Some(held.payout.into()), reason: reason.into() }
    }
}

impl From<Sent> for v1::SendPayoutsResponse {
    fn from(sent: Sent) -> Self {
        let order = |payout: Payout| v1::PayoutOrder {
            payout: Some(payout.into()),
            ..v1::PayoutOrder::default()
        };
        Self {
            batches: sent.batches.into_iter().map(Into::into).collect(),
            orders: sent.payouts.into_iter().map(order).collect(),
            held: sent.held.into_iter().map(Into::into).collect(),
            set_off: sent.set_off.into_iter().map(Into::into).collect(),
            more: sent.is_more,
        }
    }
}

impl fmt::Debug for v1::PayoutOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayoutOrder")
            .field("payout", &self.payout)
            .field("holder", &self.holder)
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for v1::SetPayoutAccountRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetPayoutAccountRequest")
            .field("investor_id", &self.investor_id)
            .field("holder", &self.holder)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
