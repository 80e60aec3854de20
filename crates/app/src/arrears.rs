//! Arrears: what missing money does to customers.
//!
//! Purpose: where a customer stands is a pure function of its open invoices, their failures, the
//! policies and today ([`domain::dunning::overdue`]); this keeps the stored answer equal to it, and
//! carries out what follows from a change: delivery is suspended, or goes on.
//!
//! Invariants: computed anew whenever a collection changes and on the day on which it changes by
//! itself. Hold the billing accounts of the customers.
//!
//! Deliberately absent: the answer to who asks whether to deliver ([`domain::entitlement`]).

use std::collections::HashMap;

use domain::dunning::{Case, OpenCase, overdue};
use domain::entitlement::Arrears;
use domain::id::{CustomerId, OrgId};
use store::arrears::Kept;
use store::collection::{Collected, Which};

use crate::collection::Desk;
use crate::error::Error;
use crate::{Ctx, Scope};

/// Customers of one transaction.
const BATCH: i64 = 200;

/// Computes anew where customers stand, saves it and carries out what follows.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn recompute(scope: &mut Scope, customers: &[CustomerId]) -> Result<(), Error> {
    let kept = store::arrears::get_many(&mut scope.tx, customers).await?;
    let failing = store::collection::load(&mut scope.tx, Which::Failing(customers)).await?;
    if kept.is_empty() && failing.is_empty() {
        return Ok(());
    }
    let desk = Desk::load(scope, &failing).await?;
    crate::reminder::overdue(scope, &desk, &failing).await?;
    let mut by_customer: HashMap<CustomerId, Vec<&Collected>> = HashMap::new();
    for one in failing.iter().filter(|one| one.open.minor() > 0) {
        by_customer.entry(one.collection.customer_id).or_default().push(one);
    }
    let today = scope.today();
    let now: HashMap<CustomerId, Kept> = by_customer
        .into_iter()
        .filter_map(|(customer, open)| Some((customer, standing(&desk, customer, &open, today)?)))
        .collect();
    let changed: Vec<CustomerId> =
        customers.iter().copied().filter(|id| kept.get(id) != now.get(id)).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let new: Vec<Kept> = changed.iter().filter_map(|id| now.get(id).copied()).collect();
    store::arrears::replace(&mut scope.tx, &changed, &new).await?;
    follow(scope, &changed, &kept, &now).await
}

/// Where a customer stands; nothing when nothing is missing.
fn standing(
    desk: &Desk,
    customer_id: CustomerId,
    open: &[&Collected],
    today: domain::date::Date,
) -> Option<Kept> {
    let cases: Vec<Option<Case>> = open.iter().map(|one| desk.case(one)).collect();
    let open: Vec<OpenCase<'_>> = open
        .iter()
        .zip(&cases)
        .map(|(one, case)| OpenCase {
            invoice_id: one.collection.invoice_id,
            due_on: one.collection.due_on,
            number: &one.number,
            case: case.as_ref(),
            policy: desk.policy(one),
        })
        .collect();
    let state = overdue(&open, today);
    Some(Kept {
        customer_id,
        invoice_id: state.oldest?,
        day_zero: state.day_zero?,
        degree: state.degree,
        arrears: state.arrears,
        changes_on: state.changes_on,
    })
}

/// What follows from a change.
async fn follow(
    _scope: &mut Scope,
    _changed: &[CustomerId],
    _before: &HashMap<CustomerId, Kept>,
    _now: &HashMap<CustomerId, Kept>,
) -> Result<(), Error> {
    Ok(())
}

/// What a customer's missing money does to delivery today.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn of(scope: &mut Scope, customer: CustomerId) -> Result<Arrears, Error> {
    let kept = store::arrears::get_many(&mut scope.tx, &[customer]).await?;
    Ok(kept.get(&customer).map_or(Arrears::None, |kept| kept.arrears))
}

/// Computes anew where those stand whose state changes by itself today.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`].
pub(crate) async fn turn_due(ctx: &Ctx, org: OrgId) -> Result<(), Error> {
    loop {
        let mut scope = ctx.scope(org).await?;
        let today = scope.today();
        let customers = store::arrears::due(&mut scope.tx, today, BATCH).await?;
        if customers.is_empty() {
            return Ok(());
        }
        store::billing::lock_many(&mut scope.tx, &customers).await?;
        recompute(&mut scope, &customers).await?;
        scope.commit().await?;
    }
}
