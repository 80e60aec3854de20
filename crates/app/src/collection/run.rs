//! The worker's look at the queue: claim, read, decide, commit, call, record.
//!
//! One batch is two transactions with the calls between them:
//! 1. **claim** billing accounts with due collections by `SKIP LOCKED`, so that runs side by side
//!    share the work and never an invoice; **decide** what is due; **commit** the attempts with
//!    their keys, and the steps of the policy with what they announce and charge;
//! 2. **call** the gateways, several at a time, with no transaction open;
//! 3. **record** the answers ([`super::answer`]).
//!
//! Killed between 1 and 3, the attempts stand as submitted and nobody knows whether they arrived:
//! the gateway is asked five minutes later ([`super::ask`]), and nothing is sent again before that.

use domain::collection::{Collection, CollectionState};
use domain::date::Date;
use domain::dunning::StepKey;
use domain::id::{AttemptId, CustomerId, InvoiceId, OrgId, Sequence};
use domain::payment::attempt::{ASK_AFTER, Attempt, AttemptState};
use futures::StreamExt;
use store::collection::{Collected, Which};
use tokio::time::Instant;

use super::answer::{self, Answered};
use super::desk::Desk;
use super::order::Orders;
use super::{ask, step};
use crate::day::Done;
use crate::error::Error;
use crate::{Ctx, Scope, arrears, payment, telemetry};

/// Accounts of one batch: large enough that the fixed statements hardly count, small enough that
/// the calls of a batch end well within a job's lease.
const BATCH: i64 = 200;
/// Calls to gateways at a time.
const CALLS: usize = 32;
/// After how long a committed attempt is no longer sent. Five minutes after its commit others ask
/// about it, and send another one when the gateway never received it: by then this one must not be
/// on its way any more.
const SEND_WITHIN: std::time::Duration = std::time::Duration::from_secs(4 * 60);

/// Does what is due: asks about what is under way, collects, takes the steps of the policies, sends
/// refunds.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`], and [`Error::Refused`] when a late fee can get no number
/// (`NUMBER_TAKEN`); what was committed stays, and the next run goes on there.
pub async fn run(ctx: &Ctx, org: OrgId) -> Result<Done, Error> {
    let mut done = ask::run(ctx, org).await?;
    while let Some(batch) = batch(ctx, org).await? {
        done.add(batch);
    }
    payment::send_refunds(ctx, org).await?;
    arrears::turn_due(ctx, org).await?;
    Ok(done)
}

/// Whether anything is due.
pub(crate) async fn is_due(scope: &mut Scope) -> Result<bool, Error> {
    let (now, today) = (scope.now, scope.today());
    let tx = &mut scope.tx;
    Ok(store::collection::is_due(tx, now).await?
        || store::attempt::is_to_ask(tx, now).await?
        || store::payment::is_refund_to_ask(tx, now).await?
        || store::arrears::is_due(tx, today).await?)
}

/// One batch; nothing when there was nothing to claim.
async fn batch(ctx: &Ctx, org: OrgId) -> Result<Option<Done>, Error> {
    let send_until = Instant::now() + SEND_WITHIN;
    let mut scope = ctx.scope(org).await?;
    let now = scope.now;
    let accounts = store::collection::claim(&mut scope.tx, now, BATCH).await?;
    if accounts.is_empty() {
        return Ok(None);
    }
    let customers: Vec<CustomerId> = accounts.iter().map(|one| one.customer_id).collect();
    let mut due = store::collection::load(&mut scope.tx, Which::Due(&customers, now)).await?;
    // An account of another currency of the same customer may be another run's.
    due.retain(|one| {
        let own = |account: &&store::billing::Account| {
            account.customer_id == one.collection.customer_id
                && account.currency == one.collection.currency
        };
        accounts.iter().any(|account| own(&account))
    });
    let mut desk = Desk::load(&mut scope, &due).await?;
    let mut decision = Decision::new(&scope);
    for one in &mut due {
        decision.decide(&mut desk, one);
    }
    let orders = Orders::load(ctx, &mut scope, &decision.attempts).await?;
    let charged = decision.write(&mut scope, due, (&customers, &ctx.worker)).await?;
    let kind = scope.organization.kind;
    scope.commit().await?;
    telemetry::issued(kind, charged.invoices);
    telemetry::payments::submitted(kind, &decision.attempts);
    let mut done = Done { attempts: decision.attempts.len() as u64, ..charged };
    if done.attempts > 0 {
        let answered = submit(ctx, orders, decision.attempts, send_until).await;
        done.add(answer::record(ctx, org, &answered).await?);
    }
    Ok(Some(done))
}

/// What a batch is about to do.
struct Decision {
    ids: Sequence,
    now: chrono::DateTime<chrono::Utc>,
    today: Date,
    attempts: Vec<Attempt>,
    steps: Vec<(InvoiceId, Date, StepKey)>,
    taken: step::Taken,
}

impl Decision {
    fn new(scope: &Scope) -> Self {
        Self {
            ids: Sequence::new(scope.now),
            now: scope.now,
            today: scope.today(),
            attempts: Vec::new(),
            steps: Vec::new(),
            taken: step::Taken::default(),
        }
    }

    fn decide(&mut self, desk: &mut Desk, one: &mut Collected) {
        let planned = one.collection.next;
        desk.plan(one);
        let due = desk.due(one);
        if let Some((method_id, scheme)) = due.attempt {
            one.collection.attempted(scheme, self.today);
            self.attempts.push(Attempt {
                id: AttemptId(self.ids.next()),
                invoice_id: one.collection.invoice_id,
                customer_id: one.collection.customer_id,
                number: one.collection.attempts,
                method_id,
                scheme,
                amount: one.open,
                state: AttemptState::Submitting,
                in_transit: false,
                reference: None,
                raw_code: None,
                class: None,
                submitted_at: self.now,
                ask_at: Some(self.now + ASK_AFTER[0]),
                asked: 0,
                withdrawn_at: None,
            });
        }
        let (false, Some(day_zero)) = (due.steps.is_empty(), one.collection.day_zero) else {
            if due.attempt.is_none() && still_due(&one.collection, planned, self.now) {
                put_before_person(&mut one.collection);
            }
            return;
        };
        let keys: Vec<StepKey> = due.steps.iter().map(|planned| planned.key).collect();
        let invoice = one.collection.invoice_id;
        self.steps.extend(keys.iter().map(|key| (invoice, day_zero, *key)));
        desk.did(invoice, day_zero, &keys);
        self.taken.extend(one, desk.policy(one), &due.steps);
        if due.attempt.is_none() {
            desk.plan(one);
        }
    }

    async fn write(
        &mut self,
        scope: &mut Scope,
        collected: Vec<Collected>,
        (customers, worker): (&[CustomerId], &str),
    ) -> Result<Done, Error> {
        crate::decision::outdate(scope, &collected).await?;
        let changed: Vec<Collection> = collected.into_iter().map(|one| one.collection).collect();
        let tx = &mut scope.tx;
        store::attempt::insert(tx, &self.attempts, worker).await?;
        store::collection::save(tx, &changed, self.now).await?;
        store::collection::record_steps(tx, &self.steps, self.today).await?;
        let taken = std::mem::take(&mut self.taken);
        taken.carry_out(scope).await?;
        arrears::recompute(scope, customers).await?;
        taken.charge(scope).await
    }
}

/// Whether something is said to be due and nothing was done about it: it would be taken up again
/// without end.
fn still_due(
    one: &Collection,
    planned: Option<domain::collection::Next>,
    now: chrono::DateTime<chrono::Utc>,
) -> bool {
    one.next == planned && one.next.is_some_and(|next| next.at <= now)
}

fn put_before_person(one: &mut Collection) {
    tracing::error!(invoice = %one.invoice_id, why = one.why, "what is due cannot be done");
    one.why = format!("what was planned cannot be done: {}", one.why);
    one.state = CollectionState::Person;
    one.next = None;
}

/// Sends attempts that are committed, several at a time. What cannot be sent in time is not sent:
/// the gateway is asked about it like about one whose worker was killed.
async fn submit(
    ctx: &Ctx,
    orders: Orders,
    attempts: Vec<Attempt>,
    send_until: Instant,
) -> Vec<Answered> {
    let orders = &orders;
    futures::stream::iter(attempts)
        .take_while(|_| futures::future::ready(Instant::now() < send_until))
        .map(|attempt| async move {
            let reply = orders.submit(&ctx.gateways, &attempt).await;
            Answered::of_gateway(&attempt, reply)
        })
        .buffer_unordered(CALLS)
        .collect()
        .await
}
