//! Collections: getting what customers owe.
//!
//! Purpose: every finalized invoice on which something is open has a collection: a row of the retry
//! queue that says what happens next by itself, when and why. Workers take what is due ([`run`]),
//! ask the gateways about what is under way, and record what they answer ([`answer`]); people look
//! at the queue and act on it ([`queue`]).
//!
//! Invariants: an attempt is committed before its gateway is called, and no transaction is open
//! during the call. Whoever changes a collection holds the billing account of its customer, so that
//! payments, credits and attempts of one customer follow each other. What is planned is planned anew
//! whenever something about it has changed, by the same rule.
//!
//! Deliberately absent: what follows when ([`domain::dunning`], [`domain::collection`]); what
//! missing money does to delivery ([`crate::arrears`]).

pub mod answer;
mod ask;
mod desk;
mod late_fee;
mod order;
pub mod queue;
mod run;
mod step;

use std::collections::HashMap;

use chrono_tz::Tz;
use domain::Outcome;
use domain::collection::{Collection, Extra};
use domain::date::Date;
use domain::failure::FailureClass;
use domain::id::{CustomerId, InvoiceId};
use domain::invoice::{DocumentKind, Draft};
use store::collection::{Collected, Which};

pub(crate) use self::answer::Taken;
pub(crate) use self::desk::Desk;
pub(crate) use self::order::Orders;
pub(crate) use self::run::is_due;
pub use self::run::run;
pub(crate) use self::step::Step;

use crate::Scope;
use crate::error::Error;

/// Begins to collect what is open on documents that have just got their numbers.
pub(crate) async fn open(scope: &mut Scope, documents: &[&Draft]) -> Result<(), Error> {
    let zone: Tz = scope.organization.time_zone;
    let open = documents
        .iter()
        .filter(|one| one.kind == DocumentKind::Invoice && !one.settlement.open.is_zero());
    let new: Vec<Collection> = open
        .map(|one| Collection::of_invoice(one.id, one.customer_id, one.currency, one.due_on, zone))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let new = with_policies(scope, new).await?;
    let customers: Vec<CustomerId> = new.iter().map(|one| one.customer_id).collect();
    let today = scope.today();
    // What comes of the others is decided at the next look, which is due now.
    store::collection::look_again(&mut scope.tx, &customers, today).await?;
    Ok(store::collection::insert(&mut scope.tx, &new, scope.now).await?)
}

/// The policy that each will follow: that of the plans on the invoice, where those that name one
/// name the same; else the organization's.
async fn with_policies(
    scope: &mut Scope,
    mut new: Vec<Collection>,
) -> Result<Vec<Collection>, Error> {
    let invoices: Vec<InvoiceId> = new.iter().map(|one| one.invoice_id).collect();
    let own = store::dunning::default_id(&mut scope.tx).await?;
    let named = store::dunning::of_invoices(&mut scope.tx, &invoices).await?;
    for one in &mut new {
        one.policy_id = match named.get(&one.invoice_id).map(Vec::as_slice) {
            Some([policy]) => Some(*policy),
            _ => own,
        };
    }
    Ok(new)
}

/// Plans anew what customers are to pay, after money moved or something else about them changed:
/// what is paid is closed, and delivery goes on at once where nothing is missing any more. Hold
/// their billing accounts.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn refresh(scope: &mut Scope, customers: &[CustomerId]) -> Result<(), Error> {
    if customers.is_empty() {
        return Ok(());
    }
    let found = store::collection::load(&mut scope.tx, Which::Open(customers)).await?;
    plan(scope, found).await?;
    crate::arrears::recompute(scope, customers).await
}

/// Begins anew with invoices that are open again because money went back, on that day; `class` says
/// why, if it had been collected. Refresh their customer afterwards. Hold its billing accounts.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn went_back(
    scope: &mut Scope,
    invoices: &HashMap<InvoiceId, Date>,
    class: Option<FailureClass>,
) -> Result<(), Error> {
    if invoices.is_empty() {
        return Ok(());
    }
    let ids: Vec<InvoiceId> = invoices.keys().copied().collect();
    let mut found = store::collection::load(&mut scope.tx, Which::Of(&ids)).await?;
    found.retain(|one| one.open.minor() > 0);
    let desk = Desk::load(scope, &found).await?;
    let today = scope.today();
    for one in &mut found {
        let Some(on) = invoices.get(&one.collection.invoice_id) else { continue };
        one.collection.went_back(*on, today, desk.scheme(one), class);
    }
    let begun: Vec<Collection> = found.into_iter().map(|one| one.collection).collect();
    save(scope, &begun).await
}

/// Plans anew what customers are to pay after one of their invoices was, where a policy asks for
/// what they owe in all. Hold their billing accounts.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn measure(scope: &mut Scope, customers: &[CustomerId]) -> Result<(), Error> {
    let today = scope.today();
    if store::collection::look_again(&mut scope.tx, customers, today).await? {
        let found = store::collection::load(&mut scope.tx, Which::Open(customers)).await?;
        plan(scope, found).await?;
    }
    Ok(())
}

/// Tries once, at the next look, what could not be collected from a customer: it has given new
/// details. Hold its billing accounts.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn rearm(scope: &mut Scope, customer: CustomerId) -> Result<(), Error> {
    let mut found = store::collection::load(&mut scope.tx, Which::Open(&[customer])).await?;
    for one in &mut found {
        // What is not waiting for details goes on as planned.
        let (Outcome::Applied(()) | Outcome::Unchanged) = one.collection.rearm(Extra::NewDetails);
    }
    plan(scope, found).await?;
    crate::arrears::recompute(scope, &[customer]).await
}

/// Plans and saves.
async fn plan(scope: &mut Scope, mut found: Vec<Collected>) -> Result<(), Error> {
    if found.is_empty() {
        return Ok(());
    }
    let desk = Desk::load(scope, &found).await?;
    for one in &mut found {
        desk.plan(one);
    }
    desk.withdraw(scope, &found).await?;
    crate::decision::outdate(scope, &found).await?;
    let planned: Vec<Collection> = found.into_iter().map(|one| one.collection).collect();
    save(scope, &planned).await
}

async fn save(scope: &mut Scope, changed: &[Collection]) -> Result<(), Error> {
    Ok(store::collection::save(&mut scope.tx, changed, scope.now).await?)
}
