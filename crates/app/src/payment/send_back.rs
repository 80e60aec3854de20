//! Refunds that gateways carry out: ordered, sent, answered.
//!
//! One refund is two transactions with the call between them: it is **ordered** ([`order`]: its key
//! is committed and its amount set apart from the balance), **sent** with no transaction open, and
//! what is answered is **recorded** ([`take_in`]). Killed in between, it is sent again with the same
//! key, which is one effect.
//!
//! Invariants: whoever changes a refund holds the billing account of its customer. Money that went
//! is a payment with the refund's id, so it is recorded once.
//!
//! Deliberately absent: what an answer means ([`domain::payment::refund`]); refunds by hand
//! ([`super::refund`]).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::Outcome;
use domain::date::Date;
use domain::event::{EventKind, RefundFacts};
use domain::id::{AttemptId, CustomerId, OrgId, PaymentId};
use domain::money::Money;
use domain::payment::attempt::Attempt;
use domain::payment::refund::{Refund, RefundEffect, RefundState};
use domain::payment::{Allocation, Answer, Payment, PaymentKind, Target};
use futures::StreamExt;
use store::billing::Account;

use super::record::{optional, positive};
use super::{MAX_REFERENCE, book, hold};
use crate::collection::Orders;
use crate::customer::MAX_NOTE;
use crate::error::{Error, Expect, Refusal};
use crate::event::{self, News};
use crate::page::{Page, PageRequest};
use crate::{Ctx, Scope, telemetry};

pub use store::payment::RefundFilter;

/// Refunds sent at a time.
const BATCH: i64 = 200;
/// Calls to gateways at a time.
const CALLS: usize = 32;
/// The longest raw code that is kept, in characters.
const MAX_CODE: usize = 40;

/// Money that is to go back by the way on which it was collected.
#[derive(Debug, Clone)]
pub struct OrderRefund {
    /// To whom.
    pub customer_id: CustomerId,
    /// The payment that collected it.
    pub payment_id: PaymentId,
    /// How much; above zero.
    pub amount: Money,
    /// A remark.
    pub note: Option<String>,
}

/// An answer about a refund.
struct Answered {
    id: PaymentId,
    customer_id: CustomerId,
    answer: Answer,
    reference: Option<String>,
    ask_again: Option<DateTime<Utc>>,
}

/// Orders that an amount goes back to the card or account from which it was collected: at most what
/// was collected, and the customer's balance.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Refused`] with `NOT_COLLECTED`,
/// `RETURNED_BEFORE`, `REFUND_TOO_LARGE` or `BALANCE_TOO_LOW`.
pub async fn order(scope: &mut Scope, command: OrderRefund) -> Result<Refund, Error> {
    let amount = positive(command.amount)?;
    let note = optional(command.note, MAX_NOTE, "note")?;
    let (id, customer_id) = (command.payment_id, command.customer_id);
    crate::customer::get(scope, customer_id).await?;
    let payment = super::get(scope, id).await?.payment;
    if payment.customer_id != Some(customer_id) {
        return Err(Error::invalid("payment_id", "expected a payment of this customer"));
    }
    let currency = payment.amount.currency();
    if amount.currency() != currency {
        return Err(Error::invalid("amount", format!("expected an amount in {currency}")));
    }
    let attempt_id = payment.attempt_id.filter(|_| payment.kind == PaymentKind::Collection);
    let Some(attempt_id) = attempt_id else {
        let message = "nobody collected the payment: pay it back by yourself, and record it";
        return Err(Error::Refused(Refusal::new("NOT_COLLECTED", message).with("payment_id", id)));
    };
    let account = Account { customer_id, currency };
    hold(scope, vec![account]).await?;
    check_left(scope, &payment, amount).await?;
    super::refund::check_balance(scope, account, amount).await?;
    let refund = Refund {
        id: PaymentId::fresh(scope.now),
        payment_id: id,
        attempt_id,
        customer_id,
        amount,
        state: RefundState::Submitting,
        note,
        reference: None,
        raw_code: None,
        submitted_at: scope.now,
        ask_at: Some(scope.now),
        asked: 0,
    };
    store::payment::insert_refund(&mut scope.tx, &refund).await?;
    Ok(refund)
}

/// Whether what was collected is still there, and not refunded already.
async fn check_left(scope: &mut Scope, payment: &Payment, amount: Money) -> Result<(), Error> {
    let id = payment.id;
    if store::payment::returned(&mut scope.tx, &[id]).await?.contains(&id) {
        let message = "the payment went back before";
        return Err(Error::Refused(
            Refusal::new("RETURNED_BEFORE", message).with("payment_id", id),
        ));
    }
    let sent = store::payment::refunded_of(&mut scope.tx, id).await?;
    let left = payment.amount.checked_sub(Money::new(sent, amount.currency()))?;
    if amount.minor() > left.minor() {
        let message = format!("{amount} is more than is left of what was collected: {left}");
        return Err(Error::Refused(Refusal::new("REFUND_TOO_LARGE", message).with("left", left)));
    }
    Ok(())
}

/// Refunds by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list_refunds(
    scope: &mut Scope,
    filter: RefundFilter,
    page: &PageRequest,
) -> Result<Page<Refund>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "refunds", filters.as_bytes()).await?.map(PaymentId);
    let rows = store::payment::list_refunds(&mut scope.tx, filter, after, page.limit() + 1).await?;
    page.finish(scope, "refunds", filters.as_bytes(), rows, |one| one.id.0).await
}

/// Sends every refund that is to be sent or asked about.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`]; what was recorded stays, and the rest is sent later.
pub(crate) async fn run(ctx: &Ctx, org: OrgId) -> Result<(), Error> {
    loop {
        let mut scope = ctx.scope(org).await?;
        let now = scope.now;
        let refunds = store::payment::refunds_to_ask(&mut scope.tx, now, BATCH).await?;
        if refunds.is_empty() {
            return Ok(());
        }
        let ids: Vec<AttemptId> = refunds.iter().map(|one| one.attempt_id).collect();
        let attempts = store::attempt::get_many(&mut scope.tx, &ids).await?;
        let orders = Orders::load(ctx, &mut scope, &attempts).await?;
        scope.commit().await?;
        let answers = send(ctx, &orders, &attempts, refunds).await;
        let mut scope = ctx.scope(org).await?;
        let effects = take_in(&mut scope, &answers).await?;
        let kind = scope.organization.kind;
        scope.commit().await?;
        telemetry::refunds::answered(kind, &effects);
    }
}

async fn send(
    ctx: &Ctx,
    orders: &Orders,
    attempts: &[Attempt],
    refunds: Vec<Refund>,
) -> Vec<Answered> {
    let attempts: HashMap<AttemptId, &Attempt> = attempts.iter().map(|one| (one.id, one)).collect();
    let attempts = &attempts;
    futures::stream::iter(refunds)
        .map(|refund| async move {
            let attempt = attempts.get(&refund.attempt_id).copied();
            let reply = orders.refund(&ctx.gateways, attempt, &refund).await;
            Answered {
                id: refund.id,
                customer_id: refund.customer_id,
                answer: reply.answer,
                reference: reply.reference,
                ask_again: reply.ask_again,
            }
        })
        .buffer_unordered(CALLS)
        .collect()
        .await
}

/// What somebody says about a refund.
#[derive(Debug, Clone)]
pub struct RefundReport {
    /// Which.
    pub refund_id: PaymentId,
    /// How it stands: settled or declined.
    pub result: RefundState,
    /// Why it was declined.
    pub raw_code: Option<String>,
    /// The bank's date; today when absent.
    pub on: Option<Date>,
    /// The gateway's own reference.
    pub reference: Option<String>,
}

/// Takes in what somebody says about a refund.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] names the field.
pub async fn report_refund(scope: &mut Scope, report: RefundReport) -> Result<Refund, Error> {
    let id = report.refund_id;
    let found = get(scope, id).await?;
    let today = scope.today();
    let on = report.on.unwrap_or(today);
    if on > today {
        let message = format!("{on} is in the future: expected {today} or earlier");
        return Err(Error::invalid("on", message));
    }
    let answer = match report.result {
        RefundState::Settled => Answer::Settled { on },
        RefundState::Declined => {
            let code = report.raw_code.filter(|code| !code.trim().is_empty());
            let code = optional(code, MAX_CODE, "raw_code")?;
            let missing = || Error::invalid("raw_code", "expected why it was declined");
            Answer::Declined { code: code.ok_or_else(missing)? }
        }
        other => {
            let message = format!("{other} is no end: expected settled or declined");
            return Err(Error::invalid("result", message));
        }
    };
    let answered = Answered {
        id,
        customer_id: found.customer_id,
        answer,
        reference: optional(report.reference, MAX_REFERENCE, "reference")?,
        ask_again: None,
    };
    let effects = take_in(scope, &[answered]).await?;
    telemetry::refunds::answered(scope.organization.kind, &effects);
    get(scope, id).await
}

async fn get(scope: &mut Scope, id: PaymentId) -> Result<Refund, Error> {
    let found = store::payment::get_refunds(&mut scope.tx, &[id]).await?;
    found.into_iter().next().ok_or(store::Error::NotFound).or_missing("refund", id)
}

/// Takes answers in: what went is a payment, what did not is the balance as before.
async fn take_in(scope: &mut Scope, answers: &[Answered]) -> Result<Vec<RefundEffect>, Error> {
    let mut customers: Vec<CustomerId> = answers.iter().map(|one| one.customer_id).collect();
    customers.sort_unstable();
    customers.dedup();
    store::billing::lock_many(&mut scope.tx, &customers).await?;
    // The wait for the accounts may have lasted into another day.
    scope.refresh().await?;
    let ids: Vec<PaymentId> = answers.iter().map(|one| one.id).collect();
    let found = store::payment::get_refunds(&mut scope.tx, &ids).await?;
    let mut refunds: HashMap<PaymentId, Refund> =
        found.into_iter().map(|one| (one.id, one)).collect();
    let (mut ended, mut went, mut effects) = (Vec::new(), Vec::new(), Vec::new());
    let today = scope.today();
    for answered in answers {
        let Some(refund) = refunds.get_mut(&answered.id) else { continue };
        refund.reference = answered.reference.clone().or(refund.reference.take());
        let outcome = refund.answer(&answered.answer, answered.ask_again, scope.now);
        let Outcome::Applied(effect) = outcome else { continue };
        let account =
            Account { customer_id: refund.customer_id, currency: refund.amount.currency() };
        match effect {
            RefundEffect::Settled { on, was_apart } => {
                if was_apart {
                    ended.push((account, refund.amount));
                }
                went.push((refund.clone(), on));
                scope.announce([told(EventKind::PaymentRefunded, on, refund)]);
            }
            RefundEffect::Declined => {
                ended.push((account, refund.amount));
                scope.announce([told(EventKind::RefundFailed, today, refund)]);
            }
            RefundEffect::Lost => {
                tracing::error!(refund = %refund.id, "nobody knows whether a refund went");
            }
            RefundEffect::Accepted | RefundEffect::Unknown => {}
        }
        effects.push(effect);
    }
    let changed: Vec<Refund> = refunds.into_values().collect();
    store::payment::save_refunds(&mut scope.tx, &changed, &ended, scope.now).await?;
    record(scope, &customers, went).await?;
    Ok(effects)
}

/// What others are told of a refund that a gateway carries out.
fn told(kind: EventKind, on: Date, refund: &Refund) -> News {
    let facts = RefundFacts {
        id: refund.id,
        of_payment_id: Some(refund.payment_id),
        amount: refund.amount,
        raw_code: refund.raw_code.clone(),
        reference: refund.reference.clone(),
    };
    event::of_refund(kind, on, refund.customer_id, facts)
}

/// Records what went: from the balance, and what of it is not there any more, because the refund
/// had been given up and was spent, waits for a person.
async fn record(
    scope: &mut Scope,
    customers: &[CustomerId],
    went: Vec<(Refund, Date)>,
) -> Result<(), Error> {
    if went.is_empty() {
        return Ok(());
    }
    let mut left = store::billing::balances(&mut scope.tx, customers).await?;
    let mut payments = Vec::with_capacity(went.len());
    for (refund, on) in went {
        let currency = refund.amount.currency();
        let account = Account { customer_id: refund.customer_id, currency };
        let available = left.entry(account).or_insert(Money::zero(currency));
        let of_balance =
            if available.minor() < refund.amount.minor() { *available } else { refund.amount };
        *available = available.checked_sub(of_balance)?;
        let missing = refund.amount.checked_sub(of_balance)?;
        let parts = [(Target::Balance, of_balance), (Target::Unmatched, missing)];
        let parts = parts.into_iter().filter(|(_, amount)| !amount.is_zero());
        let allocations = parts
            .map(|(target, amount)| Ok(Allocation { target, amount: amount.negated()? }))
            .collect::<Result<Vec<_>, Error>>()?;
        payments.push(Payment {
            id: refund.id,
            customer_id: Some(refund.customer_id),
            kind: PaymentKind::Refund,
            amount: refund.amount.negated()?,
            booked_on: on,
            attempt_id: None,
            reverses: None,
            in_transit: false,
            fee: None,
            reference: refund.reference,
            payer_name: None,
            note: refund.note,
            external_id: None,
            allocations,
        });
    }
    book(scope, &payments).await
}
