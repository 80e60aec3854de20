//! The retry queue as people use it: looked at, hurried, held, released, passed over; and attempts,
//! whose results people and other systems report.

use domain::Outcome;
use domain::collection::{CollectionState, Extra, Hold};
use domain::date::{self, Date};
use domain::id::{AttemptId, InvoiceId};
use domain::money::Money;
use domain::organization::text;
use domain::payment::Answer;
use domain::payment::attempt::{Attempt, AttemptState};
use store::collection::Which;

use super::answer::{self, Answered};
use super::{Desk, save};
use crate::access::Caller;
use crate::error::{Error, Expect, Field, Refusal};
use crate::page::{Page, PageRequest};
use crate::{Scope, arrears};

pub use store::attempt::Filter as AttemptFilter;
pub use store::collection::{Collected, Filter};

/// The longest raw code that is kept, in characters.
const MAX_CODE: usize = 40;
/// The longest reference of a gateway, in characters.
const MAX_REFERENCE: usize = 140;

/// Collections by the ids of their invoices.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    filter: Filter,
    page: &PageRequest,
) -> Result<Page<Collected>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "collections", filters.as_bytes()).await?.map(InvoiceId);
    let mut rows = store::collection::list(&mut scope.tx, filter, after, page.limit() + 1).await?;
    show_workers(scope, &mut rows).await?;
    page.finish(scope, "collections", filters.as_bytes(), rows, |one| one.collection.invoice_id.0)
        .await
}

/// Attempts by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn attempts(
    scope: &mut Scope,
    filter: AttemptFilter,
    page: &PageRequest,
) -> Result<Page<Attempt>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "attempts", filters.as_bytes()).await?.map(AttemptId);
    let rows = store::attempt::list(&mut scope.tx, filter, after, page.limit() + 1).await?;
    page.finish(scope, "attempts", filters.as_bytes(), rows, |one| one.id.0).await
}

/// The collection of an invoice, held with its customer's billing accounts.
async fn lock(scope: &mut Scope, id: InvoiceId) -> Result<Collected, Error> {
    let found = one(scope, id).await?;
    let customer = found.collection.customer_id;
    store::billing::lock_many(&mut scope.tx, &[customer]).await?;
    // The wait for the account may have lasted into another day.
    scope.refresh().await?;
    one(scope, id).await
}

async fn one(scope: &mut Scope, id: InvoiceId) -> Result<Collected, Error> {
    let mut found = store::collection::load(&mut scope.tx, Which::Of(&[id])).await?;
    show_workers(scope, &mut found).await?;
    found.into_iter().next().ok_or_else(|| Error::not_found("collection of invoice", id))
}

/// Says who works on what is under way.
async fn show_workers(scope: &mut Scope, shown: &mut [Collected]) -> Result<(), Error> {
    let sent = shown.iter().filter(|one| one.collection.state == CollectionState::UnderWay);
    let invoices: Vec<InvoiceId> = sent.map(|one| one.collection.invoice_id).collect();
    if invoices.is_empty() {
        return Ok(());
    }
    let mut workers = store::attempt::workers(&mut scope.tx, &invoices).await?;
    for one in shown {
        one.worker = workers.remove(&one.collection.invoice_id);
    }
    Ok(())
}

fn nothing_to_collect(id: InvoiceId) -> Error {
    let message = "nothing of the invoice is open: there is nothing to collect";
    Error::Refused(Refusal::new("NOTHING_TO_COLLECT", message).with("invoice_id", id))
}

/// Plans and saves one collection, and where its customer stands.
async fn settle(scope: &mut Scope, mut one: Collected) -> Result<Collected, Error> {
    let desk = Desk::load(scope, std::slice::from_ref(&one)).await?;
    desk.plan(&mut one);
    save(scope, std::slice::from_ref(&one.collection)).await?;
    arrears::recompute(scope, &[one.collection.customer_id]).await?;
    Ok(one)
}

/// Collects an invoice once, out of turn, at the next look.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `NOTHING_TO_COLLECT`, `ATTEMPT_UNDER_WAY` or
/// `NO_PAYMENT_METHOD`.
pub async fn retry_now(scope: &mut Scope, id: InvoiceId) -> Result<Collected, Error> {
    let mut one = lock(scope, id).await?;
    if one.open.minor() <= 0 {
        return Err(nothing_to_collect(id));
    }
    let desk = Desk::load(scope, std::slice::from_ref(&one)).await?;
    if let Some(attempt) = desk.attempt(&one) {
        let message = "an attempt may still bring the money: it must come to its end first";
        let refusal = Refusal::new("ATTEMPT_UNDER_WAY", message).with("attempt_id", attempt.id);
        return Err(Error::Refused(refusal));
    }
    if !desk.is_collectable(&one) {
        let message = "the customer has no direct debit or card: set a payment method first";
        let customer = one.collection.customer_id;
        let refusal = Refusal::new("NO_PAYMENT_METHOD", message).with("customer_id", customer);
        return Err(Error::Refused(refusal));
    }
    one.collection.hold = None;
    // Where new details wait to be tried, that is the attempt.
    let (Outcome::Applied(()) | Outcome::Unchanged) = one.collection.rearm(Extra::ByHand);
    settle(scope, one).await
}

/// Holds a collection, until a date or until it is released.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for a date that has passed; [`Error::Refused`] with
/// `NOTHING_TO_COLLECT`.
pub async fn hold(
    scope: &mut Scope,
    caller: &Caller,
    id: InvoiceId,
    until: Option<Date>,
) -> Result<Collected, Error> {
    let mut one = lock(scope, id).await?;
    let today = scope.today();
    if let Some(passed) = until.filter(|until| *until <= today) {
        let message = format!("{passed} is not after {today}: expected a later date");
        return Err(Error::invalid("until", message));
    }
    if one.open.minor() <= 0 {
        return Err(nothing_to_collect(id));
    }
    one.collection.hold = Some(Hold { by: caller.name.clone(), until });
    settle(scope, one).await
}

/// Lets a held collection go on.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn release(scope: &mut Scope, id: InvoiceId) -> Result<Collected, Error> {
    let mut one = lock(scope, id).await?;
    if one.collection.hold.take().is_none() {
        return Ok(one);
    }
    settle(scope, one).await
}

/// Passes over what would happen next: an attempt out of turn, the repeat of one that never left,
/// or else the steps that the policy would take next.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `NOTHING_TO_SKIP`.
pub async fn skip(scope: &mut Scope, id: InvoiceId) -> Result<Collected, Error> {
    let mut one = lock(scope, id).await?;
    let desk = Desk::load(scope, std::slice::from_ref(&one)).await?;
    let next = desk.skip(&mut one).map_err(|refused| {
        Error::Refused(Refusal::new("NOTHING_TO_SKIP", refused).with("invoice_id", id))
    })?;
    if let Some(day_zero) = one.collection.day_zero {
        let today = scope.today();
        let steps: Vec<_> = next.into_iter().map(|key| (id, day_zero, key)).collect();
        store::collection::record_steps(&mut scope.tx, &steps, today).await?;
    }
    settle(scope, one).await
}

/// What somebody says about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which attempt.
    pub attempt_id: AttemptId,
    /// How it stands.
    pub result: AttemptState,
    /// The scheme's raw code.
    pub raw_code: Option<String>,
    /// The bank's date; today when absent.
    pub on: Option<Date>,
    /// What the bank asks for a bounce.
    pub fee: Option<Money>,
    /// The gateway's own reference.
    pub reference: Option<String>,
}

/// Takes in what somebody says about an attempt.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] names the field.
pub async fn report(scope: &mut Scope, report: Report) -> Result<Attempt, Error> {
    let attempt = attempt(scope, report.attempt_id).await?;
    let answer = answer_of(scope, &attempt, &report)?;
    check_order(scope, &attempt, &answer).await?;
    let reference = report
        .reference
        .filter(|reference| !reference.trim().is_empty())
        .map(|reference| text(&reference, MAX_REFERENCE))
        .transpose()
        .field("reference")?;
    let answered = Answered {
        attempt_id: attempt.id,
        customer_id: attempt.customer_id,
        answer,
        reference,
        ask_again: None,
    };
    let mut taken = answer::take_in(scope, &[answered]).await?;
    taken.count(scope.organization.kind);
    let missing = || Error::fault(format!("attempt {} is gone", attempt.id));
    taken.attempts.remove(&attempt.id).ok_or_else(missing)
}

/// Decides about an attempt of which nobody knows how it ended.
///
/// # Errors
/// As [`report`]; [`Error::Refused`] with `NOT_UNKNOWN`.
pub async fn resolve_unknown(scope: &mut Scope, told: Report) -> Result<Attempt, Error> {
    let possible = [AttemptState::Settled, AttemptState::Declined, AttemptState::NotSent];
    if !possible.contains(&told.result) {
        let message = format!("{} is no end: expected settled, declined or not_sent", told.result);
        return Err(Error::invalid("result", message));
    }
    let found = attempt(scope, told.attempt_id).await?;
    store::billing::lock_many(&mut scope.tx, &[found.customer_id]).await?;
    let found = attempt(scope, told.attempt_id).await?;
    if found.state != AttemptState::Unknown {
        let message = format!("it is known how the attempt stands: it is {}", found.state);
        let refusal = Refusal::new("NOT_UNKNOWN", message).with("state", found.state);
        return Err(Error::Refused(refusal));
    }
    report(scope, told).await
}

async fn attempt(scope: &mut Scope, id: AttemptId) -> Result<Attempt, Error> {
    let found = store::attempt::get_many(&mut scope.tx, &[id]).await?;
    found.into_iter().next().ok_or(store::Error::NotFound).or_missing("attempt", id)
}

/// Money comes after it was asked for, and goes back after it came.
async fn check_order(scope: &mut Scope, attempt: &Attempt, answer: &Answer) -> Result<(), Error> {
    let (Answer::Settled { on } | Answer::Bounced { on, .. }) = answer else { return Ok(()) };
    let asked = date::local(attempt.submitted_at, scope.organization.time_zone);
    let mut earliest = (asked, "the attempt");
    if matches!(answer, Answer::Bounced { .. }) {
        let came = store::payment::by_attempts(&mut scope.tx, &[attempt.id]).await?;
        let came = came.iter().map(|one| (one.payment.booked_on, "what it brought"));
        earliest = came.fold(earliest, |one, other| if other.0 > one.0 { other } else { one });
    }
    if *on >= earliest.0 {
        return Ok(());
    }
    let ((first, what), today) = (earliest, scope.today());
    let message = format!("{on} is before {what} of {first}: expected {first} to {today}");
    Err(Error::invalid("on", message))
}

fn answer_of(scope: &Scope, attempt: &Attempt, report: &Report) -> Result<Answer, Error> {
    let today = scope.today();
    let on = report.on.unwrap_or(today);
    if on > today {
        let message = format!("{on} is in the future: expected {today} or earlier");
        return Err(Error::invalid("on", message));
    }
    let code = || match report.raw_code.as_deref().map(str::trim) {
        Some(code) if !code.is_empty() => text(code, MAX_CODE).field("raw_code"),
        _ => Err(Error::invalid("raw_code", "expected the scheme's code, such as AM04")),
    };
    let fee = report.fee.filter(|fee| !fee.is_zero());
    if let Some(wrong) =
        fee.filter(|fee| fee.minor() < 0 || fee.currency() != attempt.amount.currency())
    {
        let currency = attempt.amount.currency();
        let message = format!("{wrong} is no fee: expected zero or more {currency}");
        return Err(Error::invalid("fee", message));
    }
    match report.result {
        AttemptState::Accepted => Ok(Answer::Accepted),
        AttemptState::Settled => Ok(Answer::Settled { on }),
        AttemptState::Declined => Ok(Answer::Declined { code: code()? }),
        AttemptState::Bounced => Ok(Answer::Bounced { code: code()?, on, fee }),
        AttemptState::NotSent => Ok(Answer::NotSent),
        AttemptState::Cancelled => Ok(Answer::Cancelled),
        AttemptState::Submitting | AttemptState::Unknown => {
            let message = format!("{} says nothing: expected how it stands", report.result);
            Err(Error::invalid("result", message))
        }
    }
}
