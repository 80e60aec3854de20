//! Answers of gateways recorded: what they make of attempts, of the books, and of the queue.
//!
//! Purpose: one way in for everything that says how an attempt stands: the answer to a call, to a
//! question, and what a person or another system reports.
//!
//! Invariants: answers may come late, twice or in contradiction; what they change is decided by the
//! attempt ([`domain::payment::attempt`]) under the lock of the customer's billing account, and
//! money that came is a payment with the attempt as its natural key. A fixed number of statements
//! for any number of answers.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::Outcome;
use domain::collection::Collection;
use domain::failure::{self, FailureClass};
use domain::id::{AttemptId, CustomerId, EntryId, InvoiceId, OrgId, Sequence};
use domain::ledger::payment::{accepted_entry, failed_entry};
use domain::ledger::{Entry, EntryRefused};
use domain::organization::OrgKind;
use domain::payment::attempt::{Attempt, Effect};
use domain::payment::{Answer, Payment};
use store::billing::Account;
use store::collection::Which;

use super::Desk;
use crate::day::Done;
use crate::error::Error;
use crate::gateway::Reply;
use crate::payment::{Bounced, Collected};
use crate::{Ctx, Scope, arrears, payment, telemetry};

/// An answer about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Which attempt.
    pub attempt_id: AttemptId,
    /// Whose.
    pub customer_id: CustomerId,
    /// What was answered.
    pub answer: Answer,
    /// The gateway's own reference.
    pub reference: Option<String>,
    /// When the gateway wants to be asked again.
    pub ask_again: Option<DateTime<Utc>>,
}

impl Answered {
    /// What a gateway answered about an attempt.
    pub(crate) fn of_gateway(attempt: &Attempt, reply: Reply) -> Self {
        Self {
            attempt_id: attempt.id,
            customer_id: attempt.customer_id,
            answer: reply.answer,
            reference: reply.reference,
            ask_again: reply.ask_again,
        }
    }
}

/// Records answers in a transaction of their own.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`]; then nothing was recorded, and the gateways are asked
/// later.
pub(crate) async fn record(ctx: &Ctx, org: OrgId, answers: &[Answered]) -> Result<Done, Error> {
    let mut scope = ctx.scope(org).await?;
    let taken = take_in(&mut scope, answers).await?;
    let kind = scope.organization.kind;
    scope.commit().await?;
    taken.count(kind);
    Ok(taken.report())
}

/// Attempts that answers were about, and what became of them.
#[derive(Debug)]
pub(crate) struct Taken {
    /// As they now are.
    pub attempts: HashMap<AttemptId, Attempt>,
    /// What changed, in the order of the answers.
    pub effects: Vec<(AttemptId, Effect)>,
}

impl Taken {
    /// What happened, for reports.
    fn report(&self) -> Done {
        let mut done = Done::default();
        for (id, effect) in &self.effects {
            let Some(attempt) = self.attempts.get(id) else { continue };
            match effect {
                Effect::Settled { .. } => {
                    done.add(Done { collected: vec![attempt.amount], ..Done::default() });
                }
                Effect::Failed { .. } | Effect::Bounced { .. } => {
                    done.add(Done { failed: 1, ..Done::default() });
                }
                _ => {}
            }
        }
        done
    }

    /// Counts what changed, for metrics.
    pub(crate) fn count(&self, kind: OrgKind) {
        for (attempt, effect) in self.each() {
            telemetry::payments::answered(kind, attempt, effect);
        }
    }

    /// What changed, with the attempts as they now are.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&Attempt, &Effect)> {
        self.effects.iter().filter_map(|(id, effect)| Some((self.attempts.get(id)?, effect)))
    }
}

/// Takes answers in: of several about one attempt, in their order.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`].
pub(crate) async fn take_in(scope: &mut Scope, answers: &[Answered]) -> Result<Taken, Error> {
    let mut customers: Vec<CustomerId> = answers.iter().map(|one| one.customer_id).collect();
    customers.sort_unstable();
    customers.dedup();
    store::billing::lock_many(&mut scope.tx, &customers).await?;
    // The wait for the accounts may have lasted into another day.
    scope.refresh().await?;
    let ids: Vec<AttemptId> = answers.iter().map(|one| one.attempt_id).collect();
    let attempts = store::attempt::get_many(&mut scope.tx, &ids).await?;
    let mut taken = Taken {
        attempts: attempts.into_iter().map(|one| (one.id, one)).collect(),
        effects: Vec::new(),
    };
    for answered in answers {
        let Some(attempt) = taken.attempts.get_mut(&answered.attempt_id) else { continue };
        attempt.reference = answered.reference.clone().or(attempt.reference.take());
        let scheme = attempt.scheme;
        let class_of = |code: &str| failure::reason(scheme, code).class;
        let outcome = attempt.answer(&answered.answer, class_of, answered.ask_again, scope.now);
        if let Outcome::Applied(effect) = outcome {
            taken.effects.push((answered.attempt_id, effect));
        }
    }
    let changed: Vec<Attempt> = taken.attempts.values().cloned().collect();
    store::attempt::save(&mut scope.tx, &changed, scope.now).await?;
    if !taken.effects.is_empty() {
        post(scope, &taken).await?;
        let moved = move_money(scope, &taken).await?;
        plan(scope, &taken).await?;
        strike(scope, &taken).await?;
        crate::reminder::failed(scope, &taken).await?;
        // Now that the failure is recorded and told: these look at where the customers stand.
        end_methods(scope, &taken).await?;
        follow(scope, &taken, &moved, &customers).await?;
        super::measure(scope, &customers).await?;
        arrears::recompute(scope, &customers).await?;
    }
    Ok(taken)
}

/// Posts what is under way, and what was.
async fn post(scope: &mut Scope, taken: &Taken) -> Result<(), Error> {
    let (ids, today) = (Sequence::new(scope.now), scope.today());
    let mut entries: Vec<Entry> = Vec::new();
    for (attempt, effect) in taken.each() {
        let (id, amount) = (attempt.id, attempt.amount);
        let entry = match effect {
            Effect::Accepted => accepted_entry(EntryId(ids.next()), id, today, amount),
            Effect::Failed { from_transit: true, .. }
            | Effect::Cancelled { from_transit: true } => {
                failed_entry(EntryId(ids.next()), id, today, amount)
            }
            _ => continue,
        };
        entries.push(entry.map_err(|refused: EntryRefused| {
            Error::fault(format!("attempt {id} does not post: {refused}"))
        })?);
    }
    Ok(store::ledger::insert(&mut scope.tx, &entries, scope.now).await?)
}

/// Records the money that came and that went back; answers it.
async fn move_money(scope: &mut Scope, taken: &Taken) -> Result<Vec<Payment>, Error> {
    let mut collected = Vec::new();
    let mut bounced = Vec::new();
    for (attempt, effect) in taken.each() {
        match effect {
            Effect::Settled { on, from_transit } => collected.push(Collected {
                attempt_id: attempt.id,
                account: Account {
                    customer_id: attempt.customer_id,
                    currency: attempt.amount.currency(),
                },
                invoice_id: attempt.invoice_id,
                amount: attempt.amount,
                on: *on,
                in_transit: *from_transit,
            }),
            Effect::Bounced { on, fee, .. } => {
                bounced.push(Bounced { attempt_id: attempt.id, on: *on, fee: *fee });
            }
            _ => {}
        }
    }
    let mut moved = Vec::new();
    if !collected.is_empty() {
        moved.extend(payment::collect(scope, &collected).await?);
    }
    if !bounced.is_empty() {
        moved.extend(payment::bounce(scope, &bounced).await?);
    }
    Ok(moved)
}

/// Plans anew what the money paid, or does not pay any more, besides the attempts' own invoices: an
/// attempt that brings more than is open on its own pays others, too.
async fn follow(
    scope: &mut Scope,
    taken: &Taken,
    moved: &[Payment],
    customers: &[CustomerId],
) -> Result<(), Error> {
    let own: HashSet<InvoiceId> = taken.each().map(|(one, _)| one.invoice_id).collect();
    let parts = moved.iter().flat_map(|one| &one.allocations);
    let mut paid = parts.filter_map(|part| part.target.invoice_id());
    if paid.all(|id| own.contains(&id)) {
        return Ok(());
    }
    let mut reopened = payment::reopened(moved);
    reopened.retain(|id, _| !own.contains(id));
    super::went_back(scope, &reopened, None).await?;
    super::refresh(scope, customers).await
}

/// Decides what happens next with the invoices.
async fn plan(scope: &mut Scope, taken: &Taken) -> Result<(), Error> {
    let today = scope.today();
    let mut invoices: Vec<InvoiceId> = taken.each().map(|(one, _)| one.invoice_id).collect();
    invoices.sort_unstable();
    invoices.dedup();
    let mut found = store::collection::load(&mut scope.tx, Which::Of(&invoices)).await?;
    let desk = Desk::load(scope, &found).await?;
    let mut effects: HashMap<InvoiceId, Vec<(&Effect, Option<FailureClass>)>> = HashMap::new();
    for (attempt, effect) in taken.each() {
        effects.entry(attempt.invoice_id).or_default().push((effect, attempt.class));
    }
    for one in &mut found {
        let of_invoice = effects.remove(&one.collection.invoice_id).unwrap_or_default();
        for (effect, class) in of_invoice {
            one.collection.answered(effect, class, today);
        }
        desk.plan(one);
    }
    desk.withdraw(scope, &found).await?;
    crate::decision::outdate(scope, &found).await?;
    let planned: Vec<Collection> = found.into_iter().map(|one| one.collection).collect();
    store::collection::save(&mut scope.tx, &planned, scope.now).await?;
    Ok(())
}

/// Records what counts against the customers.
async fn strike(scope: &mut Scope, taken: &Taken) -> Result<(), Error> {
    let today = scope.today();
    let failures = taken.each().filter_map(|(attempt, effect)| match effect {
        Effect::Failed { code, .. } => Some((attempt, code.as_str(), today)),
        Effect::Bounced { code, on, .. } => Some((attempt, code.as_str(), *on)),
        _ => None,
    });
    crate::strike::of_failures(scope, failures).await
}

/// Ends the ways of paying whose mandate or permission is gone.
async fn end_methods(scope: &mut Scope, taken: &Taken) -> Result<(), Error> {
    for (attempt, effect) in taken.each() {
        let (Effect::Failed { code, .. } | Effect::Bounced { code, .. }) = effect else { continue };
        if failure::reason(attempt.scheme, code).ends_mandate {
            let reason = format!("the bank answered {code}");
            crate::payment_method::end(scope, attempt.method_id, &reason).await?;
        }
    }
    Ok(())
}
