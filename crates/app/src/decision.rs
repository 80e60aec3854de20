//! Decisions: what automation proposes, and what people make of it.
//!
//! Purpose: steps of policies and strikes propose to write an invoice off or to block a customer; a
//! person confirms, and it is done, or rejects.
//!
//! Invariants: proposed once at a time, and a block only of a customer who is not blocked. What is
//! confirmed is done in the same transaction. Whoever decides holds the customer (of a block) or its
//! billing accounts (of a write-off), then the decision. An invoice on which nothing is open leaves
//! no proposal open.
//!
//! Deliberately absent: doing any of it without a person.

use std::collections::{HashMap, HashSet};

use domain::Outcome;
use domain::collection::Collection;
use domain::date::{self, Date};
use domain::decision::{
    Decided, Decision, DecisionKind, DecisionRefused, DecisionState, Proposed, Verdict, block_ends,
};
use domain::dunning::Action;
use domain::failure;
use domain::id::{CustomerId, DecisionId, InvoiceId, Sequence};
use domain::organization::text;
use domain::strike::{self as rules, MONTHS, THRESHOLD};
use store::collection::{Collected, Which};

use crate::access::Caller;
use crate::collection::Step;
use crate::customer::{self, MAX_NOTE};
use crate::error::{Error, Expect, Refusal};
use crate::organization::optional;
use crate::page::{Page, PageRequest};
use crate::strike::{self, Lost};
use crate::{Scope, payment};

pub use store::decision::Filter;

/// What a person says about a proposal.
#[derive(Debug, Clone)]
pub struct Decide {
    /// Which.
    pub id: DecisionId,
    /// What is to be done.
    pub verdict: Verdict,
    /// Why, for people.
    pub note: Option<String>,
    /// First day on which the block no longer holds; in a year when absent.
    pub block_expires_on: Option<Date>,
}

impl From<DecisionRefused> for Error {
    fn from(refused: DecisionRefused) -> Self {
        let DecisionRefused::AlreadyDecided { state, on } = refused;
        let refusal = Refusal::new("ALREADY_DECIDED", &refused);
        Self::Refused(refusal.with("state", state).with("on", on))
    }
}

/// Decisions by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    filter: Filter,
    page: &PageRequest,
) -> Result<Page<Decision>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "decisions", filters.as_bytes()).await?.map(DecisionId);
    let rows = store::decision::list(&mut scope.tx, filter, after, page.limit() + 1).await?;
    page.finish(scope, "decisions", filters.as_bytes(), rows, |one| one.id.0).await
}

/// Decides about a proposal, and does what is confirmed. The same again changes nothing. One that
/// has been overtaken by events becomes obsolete, whatever is said.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] names the field; [`Error::Refused`] with
/// `ALREADY_DECIDED` or `ATTEMPT_UNDER_WAY`.
pub async fn decide(
    scope: &mut Scope,
    caller: &Caller,
    command: Decide,
) -> Result<Decision, Error> {
    let Decide { id, verdict, note, block_expires_on } = command;
    let note = optional(note, "note", |note| text(note, MAX_NOTE))?;
    let found = store::decision::get(&mut scope.tx, id).await.or_missing("decision", id)?;
    hold(scope, &found).await?;
    let ends = ends_on(&found, verdict, block_expires_on, scope.today())?;
    // Again, now that nobody else decides it.
    let mut decision = store::decision::lock(&mut scope.tx, id).await.or_missing("decision", id)?;
    let today = scope.today();
    if decision.state == DecisionState::Open && is_overtaken(scope, &decision).await? {
        let (Outcome::Applied(()) | Outcome::Unchanged) = decision.outdate(today);
        store::decision::save(&mut scope.tx, &decision).await?;
        return Ok(decision);
    }
    let decided = Decided { by: caller.name.clone(), note: note.clone() };
    if let Outcome::Applied(()) = decision.decide(verdict, decided, today)? {
        store::decision::save(&mut scope.tx, &decision).await?;
        if verdict == Verdict::Confirm {
            let reason = note.unwrap_or_else(|| decision.why.clone());
            carry_out(scope, caller, &decision, &reason, ends).await?;
        }
    }
    Ok(decision)
}

/// Holds what deciding changes, until the end of the transaction.
async fn hold(scope: &mut Scope, decision: &Decision) -> Result<(), Error> {
    let id = decision.customer_id;
    match decision.proposed.kind() {
        DecisionKind::Block => {
            store::customer::lock(&mut scope.tx, id).await.or_missing("customer", id)?;
        }
        DecisionKind::WriteOff => store::billing::lock_many(&mut scope.tx, &[id]).await?,
    }
    // The wait may have lasted into another day.
    scope.refresh().await
}

/// When the block ends, of a block that is confirmed.
fn ends_on(
    decision: &Decision,
    verdict: Verdict,
    given: Option<Date>,
    today: Date,
) -> Result<Date, Error> {
    let Some(given) = given else { return Ok(block_ends(today)) };
    if decision.proposed.kind() != DecisionKind::Block || verdict != Verdict::Confirm {
        let message =
            format!("{given} is not possible: expected it with a block that is confirmed");
        return Err(Error::invalid("block_expires_on", message));
    }
    if decision.state == DecisionState::Open && given <= today {
        let message = format!("{given} is not after {today}: expected a later date");
        return Err(Error::invalid("block_expires_on", message));
    }
    Ok(given)
}

/// Whether what is proposed has happened or become needless.
async fn is_overtaken(scope: &mut Scope, decision: &Decision) -> Result<bool, Error> {
    Ok(match decision.proposed {
        Proposed::Block { .. } => {
            let customer = customer::get(scope, decision.customer_id).await?;
            customer.active_block(scope.today()).is_some()
        }
        Proposed::WriteOff { invoice_id, .. } => {
            let invoice = store::invoice::headers(&mut scope.tx, &[invoice_id]).await?.pop();
            invoice.is_none_or(|invoice| invoice.open.minor() <= 0)
        }
    })
}

/// Does what was confirmed.
async fn carry_out(
    scope: &mut Scope,
    caller: &Caller,
    decision: &Decision,
    reason: &str,
    ends: Date,
) -> Result<(), Error> {
    match decision.proposed {
        Proposed::Block { .. } => {
            customer::block(scope, caller, decision.customer_id, reason, Some(ends)).await?;
        }
        Proposed::WriteOff { invoice_id, .. } => {
            let open = store::attempt::open_of(&mut scope.tx, &[invoice_id]).await?;
            if let Some(attempt) = open.first() {
                let message = "an attempt may still bring the money: it must come to its end first";
                let refusal = Refusal::new("ATTEMPT_UNDER_WAY", message);
                return Err(Error::Refused(refusal.with("attempt_id", attempt.id)));
            }
            payment::write_off(scope, invoice_id, reason).await?;
        }
    }
    Ok(())
}

/// What follows from steps of policies: cycles that are lost, and what is proposed to people. Hold
/// the billing accounts of the customers.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn of_steps(scope: &mut Scope, steps: &[Step]) -> Result<(), Error> {
    let about = steps.iter().filter(|step| concerns(step.action));
    let mut invoices: Vec<InvoiceId> = about.map(|step| step.invoice_id).collect();
    invoices.sort_unstable();
    invoices.dedup();
    if invoices.is_empty() {
        return Ok(());
    }
    let found = store::collection::load(&mut scope.tx, Which::Of(&invoices)).await?;
    let open: HashMap<InvoiceId, &Collected> = found
        .iter()
        .filter(|one| one.open.minor() > 0)
        .map(|one| (one.collection.invoice_id, one))
        .collect();
    let (mut losses, mut lost, mut blocks) = (Vec::new(), HashMap::new(), Vec::new());
    for step in steps {
        let Some(one) = open.get(&step.invoice_id) else { continue };
        let Some(day_zero) = one.collection.day_zero else { continue };
        if ends_cycle(step.action) {
            let (customer_id, invoice_id) = (step.customer_id, step.invoice_id);
            lost.insert(invoice_id, Lost { customer_id, invoice_id, day_zero });
        }
        match step.action {
            Action::ProposeWriteOff => losses.push((*one, day_zero)),
            Action::ProposeBlock => blocks.push((*one, day_zero)),
            _ => {}
        }
    }
    propose_write_offs(scope, &losses).await?;
    let blocks =
        blocks.into_iter().map(|(one, day_zero)| policy_block(one, day_zero, scope.today()));
    let blocks: Vec<Reason> = blocks.collect();
    propose_blocks(scope, blocks).await?;
    let mut lost: Vec<Lost> = lost.into_values().collect();
    lost.sort_unstable_by_key(|lost| lost.invoice_id);
    strike::of_lost(scope, &lost).await
}

/// Whether a step proposes something or ends a cycle.
const fn concerns(action: Action) -> bool {
    ends_cycle(action) || matches!(action, Action::ProposeBlock)
}

/// Whether nothing is left to do about the invoice by itself after the step.
const fn ends_cycle(action: Action) -> bool {
    matches!(action, Action::Cancel | Action::ProposeWriteOff)
}

async fn propose_write_offs(scope: &mut Scope, of: &[(&Collected, Date)]) -> Result<(), Error> {
    let (ids, today) = (Sequence::new(scope.now), scope.today());
    let decision = |(one, day_zero): &(&Collected, Date)| {
        let (collection, amount) = (&one.collection, one.open);
        let (number, days) = (&one.number, date::days_between(*day_zero, today));
        let why = format!(
            "{amount} of invoice {number} is open {days} days after day zero: {}",
            meaning(collection)
        );
        let proposed = Proposed::WriteOff {
            invoice_id: collection.invoice_id,
            amount,
            class: collection.failure.as_ref().map(|(class, _)| *class),
            day_zero: *day_zero,
        };
        Decision::propose(DecisionId(ids.next()), collection.customer_id, proposed, why, today)
    };
    let new: Vec<Decision> = of.iter().map(decision).collect();
    Ok(store::decision::insert(&mut scope.tx, &new, scope.now).await?)
}

/// Why the money did not come, for staff.
fn meaning(collection: &Collection) -> &'static str {
    match (&collection.failure, collection.scheme) {
        (Some((_, code)), Some(scheme)) => failure::reason(scheme, code).meaning,
        _ => "it was not paid",
    }
}

/// A reason to block a customer.
struct Reason {
    customer_id: CustomerId,
    invoice_id: Option<InvoiceId>,
    why: String,
}

fn policy_block(one: &Collected, day_zero: Date, today: Date) -> Reason {
    let days = date::days_between(day_zero, today);
    let (amount, number) = (one.open, &one.number);
    Reason {
        customer_id: one.collection.customer_id,
        invoice_id: Some(one.collection.invoice_id),
        why: format!(
            "the policy asks for it: {amount} of invoice {number} is open {days} days after day zero"
        ),
    }
}

/// Proposes to block those of the customers, who have just got a strike, whose strikes are enough.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn of_strikes(scope: &mut Scope, struck: &[CustomerId]) -> Result<(), Error> {
    if struck.is_empty() {
        return Ok(());
    }
    let strikes = store::strike::points(&mut scope.tx, struck).await?;
    let today = scope.today();
    let reasons = struck.iter().filter_map(|customer_id| {
        let points = rules::points(strikes.get(customer_id)?, today);
        rules::proposes_block(points).then(|| Reason {
            customer_id: *customer_id,
            invoice_id: None,
            why: format!(
                "{points} points of strikes within {MONTHS} months: from {THRESHOLD} on a block is proposed"
            ),
        })
    });
    let reasons: Vec<Reason> = reasons.collect();
    propose_blocks(scope, reasons).await
}

/// Proposes to block customers, but those who are blocked.
async fn propose_blocks(scope: &mut Scope, reasons: Vec<Reason>) -> Result<(), Error> {
    if reasons.is_empty() {
        return Ok(());
    }
    let (ids, today) = (Sequence::new(scope.now), scope.today());
    let customers: Vec<CustomerId> = reasons.iter().map(|one| one.customer_id).collect();
    let strikes = store::strike::points(&mut scope.tx, &customers).await?;
    let found = store::customer::get_many(&mut scope.tx, &customers).await?;
    let blocked = found.iter().filter(|customer| customer.active_block(today).is_some());
    let blocked: HashSet<CustomerId> = blocked.map(|customer| customer.id).collect();
    let reasons = reasons.into_iter().filter(|one| !blocked.contains(&one.customer_id));
    let decision = |Reason { customer_id, invoice_id, why }: Reason| {
        let points = strikes.get(&customer_id).map_or(0, |strikes| rules::points(strikes, today));
        let proposed = Proposed::Block { points, invoice_id };
        Decision::propose(DecisionId(ids.next()), customer_id, proposed, why, today)
    };
    let new: Vec<Decision> = reasons.map(decision).collect();
    Ok(store::decision::insert(&mut scope.tx, &new, scope.now).await?)
}

/// Closes the proposals to write off invoices on which nothing is open any more. Hold the billing
/// accounts of the customers.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn outdate(scope: &mut Scope, about: &[Collected]) -> Result<(), Error> {
    let paid = about.iter().filter(|one| one.open.minor() <= 0);
    let invoices: Vec<InvoiceId> = paid.map(|one| one.collection.invoice_id).collect();
    if invoices.is_empty() {
        return Ok(());
    }
    let today = scope.today();
    let mut open = store::decision::open_write_offs(&mut scope.tx, &invoices).await?;
    for decision in &mut open {
        let (Outcome::Applied(()) | Outcome::Unchanged) = decision.outdate(today);
    }
    Ok(store::decision::save_outdated(&mut scope.tx, &open).await?)
}
