//! Strikes: what counts against customers, recorded as it happens.
//!
//! Purpose: a payer's objection, a lost cycle and fraud that a person records become facts; with
//! enough points a block is proposed ([`crate::decision`]).
//!
//! Invariants: recorded in the transaction in which it happens. What was recorded before changes
//! nothing, and proposes nothing.
//!
//! Deliberately absent: what each is worth ([`domain::strike`], [`domain::failure`]).

use domain::date::Date;
use domain::failure;
use domain::id::{CustomerId, InvoiceId, Sequence, StrikeId};
use domain::organization::text;
use domain::payment::attempt::Attempt;
use domain::strike::{FRAUD_POINTS, LOST_CYCLE_POINTS, Offence, Strike};

use crate::access::Caller;
use crate::customer::MAX_NOTE;
use crate::error::{Error, Expect, Field};
use crate::page::{Page, PageRequest};
use crate::{Scope, decision};

/// A strike, and whether it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The strike.
    pub strike: Strike,
    /// Whether it counts today.
    pub counts: bool,
}

/// Fraud that a person records.
#[derive(Debug, Clone)]
pub struct RecordFraud {
    /// Whose.
    pub customer_id: CustomerId,
    /// With this invoice, where it was one.
    pub invoice_id: Option<InvoiceId>,
    /// What happened.
    pub note: String,
}

/// A cycle that was lost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lost {
    /// Whose.
    pub customer_id: CustomerId,
    /// On which invoice.
    pub invoice_id: InvoiceId,
    /// The day from which its steps were counted.
    pub day_zero: Date,
}

/// Strikes by id, of a customer or of everybody.
///
/// # Errors
/// [`Error::NotFound`] for a customer that does not exist; [`Error::Invalid`] for a page token that
/// is not of this list.
pub async fn list(
    scope: &mut Scope,
    customer: Option<CustomerId>,
    page: &PageRequest,
) -> Result<Page<Shown>, Error> {
    if let Some(customer) = customer {
        crate::customer::get(scope, customer).await?;
    }
    let filters = format!("{customer:?}");
    let after = page.after(scope, "strikes", filters.as_bytes()).await?.map(StrikeId);
    let rows = store::strike::list(&mut scope.tx, customer, after, page.limit() + 1).await?;
    let today = scope.today();
    let found = page.finish(scope, "strikes", filters.as_bytes(), rows, |one| one.id.0).await?;
    let rows = found.rows.into_iter().map(|strike| shown(strike, today)).collect();
    Ok(Page { rows, next: found.next })
}

fn shown(strike: Strike, today: Date) -> Shown {
    Shown { counts: today < strike.lapses_on(), strike }
}

/// Records fraud, and proposes to block the customer. A second one of the same customer on the same
/// day changes nothing and answers the first.
///
/// # Errors
/// [`Error::NotFound`] for the customer; [`Error::Invalid`] names the field.
pub async fn record_fraud(
    scope: &mut Scope,
    caller: &Caller,
    command: RecordFraud,
) -> Result<Shown, Error> {
    let RecordFraud { customer_id, invoice_id, note } = command;
    crate::customer::get(scope, customer_id).await?;
    if let Some(id) = invoice_id {
        let found = store::invoice::headers(&mut scope.tx, &[id]).await?.pop();
        if found.is_none_or(|invoice| invoice.customer_id != customer_id) {
            let message = format!("{id} is no invoice of the customer: expected one of its own");
            return Err(Error::invalid("invoice_id", message));
        }
    }
    let note = text(&note, MAX_NOTE).field("note")?;
    let today = scope.today();
    let fraud = Strike {
        id: StrikeId::fresh(scope.now),
        customer_id,
        what: Offence::Fraud { invoice_id, note, by: caller.name.clone() },
        points: FRAUD_POINTS,
        on: today,
    };
    record(scope, &[fraud]).await?;
    let recorded = store::strike::fraud(&mut scope.tx, customer_id, today).await;
    Ok(shown(recorded.or_missing("fraud of customer", customer_id)?, today))
}

/// Records what failures of attempts count: each with its code and its day. Hold the billing
/// accounts of the customers.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn of_failures(
    scope: &mut Scope,
    failures: impl Iterator<Item = (&Attempt, &str, Date)>,
) -> Result<(), Error> {
    let ids = Sequence::new(scope.now);
    let strikes: Vec<Strike> = failures
        .filter_map(|(attempt, code, on)| {
            let points = failure::reason(attempt.scheme, code).strikes;
            let (attempt_id, invoice_id) = (attempt.id, attempt.invoice_id);
            (points > 0).then(|| Strike {
                id: StrikeId(ids.next()),
                customer_id: attempt.customer_id,
                what: Offence::Objection { attempt_id, invoice_id },
                points,
                on,
            })
        })
        .collect();
    record(scope, &strikes).await
}

/// Records cycles that were lost today. Hold the billing accounts of the customers.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn of_lost(scope: &mut Scope, lost: &[Lost]) -> Result<(), Error> {
    let (ids, today) = (Sequence::new(scope.now), scope.today());
    let strike = |lost: &Lost| Strike {
        id: StrikeId(ids.next()),
        customer_id: lost.customer_id,
        what: Offence::LostCycle { invoice_id: lost.invoice_id, day_zero: lost.day_zero },
        points: LOST_CYCLE_POINTS,
        on: today,
    };
    let strikes: Vec<Strike> = lost.iter().map(strike).collect();
    record(scope, &strikes).await
}

async fn record(scope: &mut Scope, strikes: &[Strike]) -> Result<(), Error> {
    let struck = store::strike::insert(&mut scope.tx, strikes, scope.now).await?;
    decision::of_strikes(scope, &struck).await
}
