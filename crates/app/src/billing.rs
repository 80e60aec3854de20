//! The billing run: claim, read, decide, write.
//!
//! Purpose: everything due of an organization becomes finalized, numbered, posted documents, each
//! period once, in bounded batches.
//!
//! One batch is one transaction:
//! 1. **claim** billing accounts with `SKIP LOCKED`, so that runs side by side share the work and
//!    never a customer;
//! 2. **read** their subscriptions, one-off charges, customers, balances, prices, products, the
//!    rates, and the lines that credits take back, with a fixed number of queries; what is about to
//!    move is held;
//! 3. **decide** in memory ([`domain::billing`]);
//! 4. **write** documents, postings, deferrals, subscriptions and accounts with a fixed number of
//!    multi-row statements, and take the block of numbers last, because its row is held to commit
//!    and serializes runs.
//!
//! With grace days the documents of a run are kept as drafts, which counts as billed; a later run, when
//! their grace is over, makes documents of them (`grace`) before it decides anything new.
//!
//! A customer who cannot be billed is set aside with the reason and no longer claimed. When the
//! database itself refuses a batch, customers are billed one by one until the one at fault is
//! found.

mod counted;
mod grace;
mod shelf;

use std::collections::{BTreeSet, HashMap};

use chrono::Datelike;
use domain::billing::{self as rules, BillRefused, Horizon, Kept};
use domain::customer::Customer;
use domain::date::{self, Date};
use domain::discount::AppliedDiscount;
use domain::id::{ChargeId, CustomerId, InvoiceId, LineId, OrgId, Sequence, SetAsideId};
use domain::invoice::{DocumentKind, Draft, Party};
use domain::ledger::{Entry, document_entry};
use domain::numbering::Series;
use domain::organization::OrgKind;
use domain::revenue::Deferral;
use domain::subscription::{Subscription, Turn};
use domain::usage::BilledPeriod;
use store::billing::Account;
use store::invoice::{Hold, NewDocument};
use store::set_aside::NewSetAside;

use crate::day::Done;
use crate::error::{Error, Refusal};
use crate::event::{self, News};
use crate::invoice::issue::announce_paid_off;
use crate::{Ctx, Scope, collection, telemetry};

pub(crate) use self::counted::discounts;
pub(crate) use self::grace::{Finalized, finalize};
pub(crate) use self::shelf::{Shelf, Waiting, price_ids};

/// Accounts of one transaction: large enough that the fixed statements hardly count, small enough
/// that memory stays flat and a crash repeats little.
pub const BATCH: i64 = 500;

/// Which accounts a batch takes.
#[derive(Debug, Clone, Copy)]
enum Claim {
    /// The oldest due, at most so many.
    Due(i64),
    /// This one, even if it was set aside.
    One(Account),
}

/// Bills everything that is due for an organization today.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`]; batches that were committed stay, and the next run goes
/// on there.
pub async fn run(ctx: &Ctx, org: OrgId) -> Result<Done, Error> {
    let started = std::time::Instant::now();
    let kind = ctx.scope(org).await?.organization.kind;
    let mut done = Done::default();
    loop {
        let batch = match batch(ctx, org, Claim::Due(BATCH)).await {
            Err(rejected) if rejected.is_rejection() => {
                let reason = rejected.chain();
                tracing::error!(%org, reason, "a billing batch was refused: billing one by one");
                one_by_one(ctx, org).await?
            }
            other => other?,
        };
        match batch {
            Some(batch) => done.add(batch),
            None => break,
        }
    }
    // Sandboxes are for trying things out.
    if kind != OrgKind::Live {
        return Ok(done);
    }
    metrics::histogram!(telemetry::BILLING_RUN_DURATION).record(started.elapsed().as_secs_f64());
    #[allow(clippy::cast_precision_loss)] // A timestamp in seconds is far below 2^52.
    metrics::gauge!(telemetry::BILLING_LAST_SUCCESS).set(ctx.clock.now().timestamp() as f64);
    Ok(done)
}

/// Bills one account, even if it was set aside; true when nothing holds it up any more.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`].
pub(crate) async fn run_one(ctx: &Ctx, org: OrgId, account: Account) -> Result<bool, Error> {
    loop {
        match batch(ctx, org, Claim::One(account)).await? {
            None => return Ok(true),
            Some(done) if done.set_aside > 0 => return Ok(false),
            Some(_) => {}
        }
    }
}

/// As many accounts as a batch, each in a transaction of its own; the one at fault is set aside.
async fn one_by_one(ctx: &Ctx, org: OrgId) -> Result<Option<Done>, Error> {
    let mut done = None;
    for _ in 0..BATCH {
        let mut scope = ctx.scope(org).await?;
        let today = scope.today();
        let claimed = store::billing::claim(&mut scope.tx, today, 1).await?;
        drop(scope);
        let Some(account) = claimed.into_iter().next() else { break };
        let one = match batch(ctx, org, Claim::One(account)).await {
            Err(rejected) if rejected.is_rejection() => {
                let reason = rejected.chain();
                tracing::error!(%org, customer = %account.customer_id, reason, "billing was refused");
                set_fault_aside(ctx, org, account).await?
            }
            other => other?.unwrap_or_default(),
        };
        done.get_or_insert_with(Done::default).add(one);
    }
    Ok(done)
}

async fn set_fault_aside(ctx: &Ctx, org: OrgId, account: Account) -> Result<Done, Error> {
    let mut scope = ctx.scope(org).await?;
    store::billing::lock(&mut scope.tx, account).await?;
    let new = NewSetAside {
        id: SetAsideId::fresh(scope.now),
        account,
        reason: "FAULT",
        message: "an internal fault; the log tells more".to_owned(),
    };
    store::set_aside::put(&mut scope.tx, &[new], scope.now).await?;
    store::billing::mark_set_aside(&mut scope.tx, &[account], true).await?;
    let kind = scope.organization.kind;
    scope.commit().await?;
    telemetry::set_aside(kind, 1);
    Ok(Done { set_aside: 1, ..Done::default() })
}

/// One batch; nothing when there was nothing to claim.
async fn batch(ctx: &Ctx, org: OrgId, claim: Claim) -> Result<Option<Done>, Error> {
    let mut scope = ctx.scope(org).await?;
    let today = scope.today();
    let accounts = match claim {
        Claim::Due(limit) => store::billing::claim(&mut scope.tx, today, limit).await?,
        Claim::One(account) => {
            store::billing::lock(&mut scope.tx, account).await?;
            vec![account]
        }
    };
    if accounts.is_empty() {
        return Ok(None);
    }
    let customers: Vec<CustomerId> = accounts.iter().map(|one| one.customer_id).collect();
    let mut due = store::subscription::lock_due(&mut scope.tx, &customers, today).await?;
    due.retain(|one| accounts.contains(&account_of(one)));
    let mut waiting = store::one_off::due(&mut scope.tx, &customers, today).await?;
    waiting.retain(|account, _| accounts.contains(account));
    if let (Claim::One(account), true) = (claim, due.is_empty() && waiting.is_empty())
        && !counted::is_late_alone(&mut scope, account).await?
        && grace::due(&mut scope, &accounts, &[], today).await?.is_empty()
    {
        release(&mut scope, account).await?;
        scope.commit().await?;
        return Ok(None);
    }
    turn(&mut scope, &mut due, today).await?;
    let kept = grace::due(&mut scope, &accounts, &due, today).await?;
    let finalized = finalize(&mut scope, &kept).await?;
    let decision = decide(&mut scope, &accounts, (due, waiting), finalized).await?;
    let done = decision.done();
    write(&mut scope, &accounts, decision).await?;
    let kind = scope.organization.kind;
    scope.commit().await?;
    telemetry::issued(kind, done.invoices);
    telemetry::set_aside(kind, done.set_aside);
    Ok(Some(done))
}

/// The account that a subscription is billed to.
pub(crate) fn account_of(subscription: &Subscription) -> Account {
    Account { customer_id: subscription.customer_id, currency: subscription.currency }
}

/// Nothing is due for the account: it is free, whatever was the matter before.
async fn release(scope: &mut Scope, account: Account) -> Result<(), Error> {
    store::billing::reschedule(&mut scope.tx, &[account]).await?;
    store::billing::mark_set_aside(&mut scope.tx, &[account], false).await?;
    store::set_aside::resolve(&mut scope.tx, &[account], scope.now).await?;
    Ok(())
}

/// Lets happen what was to happen by itself, so that changes hold before what they change is
/// billed. Most days nothing was.
async fn turn(scope: &mut Scope, due: &mut [Subscription], today: Date) -> Result<(), Error> {
    let mut turned = Vec::new();
    for subscription in due {
        if subscription.next_turn_on().is_some_and(|on| on <= today) {
            let turns: Vec<(Date, Turn)> = subscription.turn(today);
            turned.push((subscription.clone(), turns));
        }
    }
    crate::subscription::save_turned(scope, &turned).await
}

/// What a batch is about to write.
#[derive(Debug, Default)]
struct Decision {
    finalized: Finalized,
    kept: Kept,
    documents: Vec<NewDocument>,
    entries: Vec<Entry>,
    deferrals: Vec<(LineId, Deferral)>,
    shortened: Vec<(LineId, Deferral)>,
    one_offs: Vec<(ChargeId, Option<InvoiceId>)>,
    subscriptions: Vec<Subscription>,
    discounts: Vec<AppliedDiscount>,
    usage: Vec<BilledPeriod>,
    refused: Vec<(Account, BillRefused)>,
    news: Vec<News>,
}

impl Decision {
    fn done(&self) -> Done {
        let mut done = Done {
            invoices: (self.documents.len() + self.finalized.documents.len()) as u64,
            drafted: self.kept.drafts.len() as u64,
            entries: (self.entries.len() + self.finalized.entries) as u64,
            set_aside: self.refused.len() as u64,
            ..Done::default()
        };
        for document in self.documents.iter().chain(&self.finalized.documents) {
            done.add(Done { invoiced: vec![document.draft.total], ..Done::default() });
        }
        done
    }
}

async fn decide(
    scope: &mut Scope,
    accounts: &[Account],
    (due, waiting): (Vec<Subscription>, Waiting),
    mut finalized: Finalized,
) -> Result<Decision, Error> {
    let today = scope.today();
    let ids: Vec<CustomerId> = accounts.iter().map(|one| one.customer_id).collect();
    let shelf = Shelf::load(scope, &ids, &due, waiting, (today, Hold::Lock)).await?;
    let customers: HashMap<CustomerId, Customer> = store::customer::get_many(&mut scope.tx, &ids)
        .await?
        .into_iter()
        .map(|customer| (customer.id, customer))
        .collect();
    let mut by_account: HashMap<Account, Vec<Subscription>> = HashMap::new();
    for one in due {
        by_account.entry(account_of(&one)).or_default().push(one);
    }
    let material = shelf.material(&scope.organization);
    let refused = std::mem::take(&mut finalized.refused);
    let mut decision = Decision { finalized, refused, ..Decision::default() };
    let grace = scope.organization.draft_grace_days > 0;
    for account in accounts {
        if decision.refused.iter().any(|(refused, _)| refused == account) {
            continue;
        }
        // Without any where only usage that arrived late is due.
        let mut subscriptions = by_account.remove(account).unwrap_or_default();
        let Some(customer) = customers.get(&account.customer_id) else { continue };
        let mut own = shelf.account(customer, *account, &mut subscriptions);
        let balance = grace.then(|| own.balance.clone());
        let mut billed = rules::bill(&material, &mut own, Horizon::run(today));
        if let Some(balance) = balance {
            let kept = billed.keep(balance)?;
            decision.kept.drafts.extend(kept.drafts);
            decision.kept.one_offs.extend(kept.one_offs);
        }
        for draft in billed.drafts {
            let entry = document_entry(shelf.entry_id(), &draft).map_err(|refused| {
                Error::fault(format!("document {} does not post: {refused}", draft.id))
            })?;
            decision.entries.extend(entry);
            decision.documents.push(NewDocument {
                draft,
                buyer: Party::buyer(customer),
                reason: None,
            });
        }
        let renewed = event::renewed(&billed.renewed, &subscriptions);
        decision.news.extend(renewed);
        decision.discounts.extend(billed.discounts);
        decision.usage.extend(billed.usage);
        decision.deferrals.extend(billed.deferrals);
        decision.shortened.extend(billed.shortened);
        decision.one_offs.extend(billed.one_offs);
        decision.subscriptions.append(&mut subscriptions);
        decision.refused.extend(billed.refused.map(|refused| (*account, refused)));
    }
    in_order(&mut decision.documents);
    Ok(decision)
}

async fn write(scope: &mut Scope, accounts: &[Account], decision: Decision) -> Result<(), Error> {
    let now = scope.now;
    let seller = Party::seller(&scope.organization);
    let grace = i64::from(scope.organization.draft_grace_days);
    let finalize_on = date::add_days(scope.today(), grace);
    let tx = &mut scope.tx;
    store::invoice::insert(tx, &seller, &decision.documents, now).await?;
    store::ledger::insert(tx, &decision.entries, now).await?;
    store::revenue::insert(tx, &decision.deferrals).await?;
    store::revenue::save(tx, &decision.shortened).await?;
    store::one_off::mark_billed(tx, &decision.one_offs).await?;
    let lowered = crate::payment::lower_write_offs(scope, &decision.documents).await?;
    let tx = &mut scope.tx;
    store::invoice::settle(tx, &decision.documents, &lowered).await?;
    store::subscription::save_billed(tx, &decision.subscriptions).await?;
    store::discount::record_uses(tx, &decision.discounts).await?;
    if !decision.usage.is_empty() {
        store::usage::record_billed(tx, &decision.usage).await?;
    }
    store::draft::insert(tx, &decision.kept, finalize_on, now).await?;
    store::billing::reschedule(tx, accounts).await?;
    write_refused(scope, &decision.refused).await?;
    scope.announce(decision.news);
    let mut documents = decision.finalized.documents;
    documents.extend(decision.documents);
    in_order(&mut documents);
    number(scope, &documents).await?;
    announce_paid_off(scope, &documents).await
}

/// Numbers follow the billing dates; customers of one date in the order of their ids.
fn in_order(documents: &mut [NewDocument]) {
    documents.sort_by_key(|document| (document.draft.billing_on, document.draft.customer_id));
}

async fn write_refused(scope: &mut Scope, refused: &[(Account, BillRefused)]) -> Result<(), Error> {
    if refused.is_empty() {
        return Ok(());
    }
    let ids = Sequence::new(scope.now);
    let new: Vec<NewSetAside> = refused
        .iter()
        .map(|(account, refused)| NewSetAside {
            id: SetAsideId(ids.next()),
            account: *account,
            reason: refused.reason(),
            message: refused.to_string(),
        })
        .collect();
    store::set_aside::put(&mut scope.tx, &new, scope.now).await?;
    let accounts: Vec<Account> = refused.iter().map(|(account, _)| *account).collect();
    store::billing::mark_set_aside(&mut scope.tx, &accounts, true).await?;
    Ok(())
}

/// Begins to collect documents, and gives them their numbers: the last statements before those of
/// the events, invoices before credit notes.
pub(crate) async fn number(scope: &mut Scope, documents: &[NewDocument]) -> Result<(), Error> {
    let drafts = || documents.iter().map(|one| &one.draft);
    collection::open(scope, &drafts().collect::<Vec<_>>()).await?;
    // What credits have paid off is not collected any more.
    let crediting = drafts().filter(|one| !one.settlement.allocations.is_empty());
    let credited: BTreeSet<CustomerId> = crediting.map(|one| one.customer_id).collect();
    collection::refresh(scope, &credited.into_iter().collect::<Vec<_>>()).await?;
    let of_kind = |kind| drafts().filter(move |one| one.kind == kind).collect::<Vec<_>>();
    number_series(scope, Series::Invoice, &of_kind(DocumentKind::Invoice)).await?;
    number_series(scope, Series::CreditNote, &of_kind(DocumentKind::CreditNote)).await
}

async fn number_series(
    scope: &mut Scope,
    series: Series,
    documents: &[&Draft],
) -> Result<(), Error> {
    // All documents of a transaction are issued on the same day.
    let Some(issue_on) = documents.first().map(|draft| draft.issue_on) else { return Ok(()) };
    let (key, year) = (series.key(), issue_on.year());
    let count = i64::try_from(documents.len()).unwrap_or(i64::MAX);
    let first = store::numbering::take(&mut scope.tx, &key, year, count, issue_on)
        .await?
        .ok_or_else(|| {
            let message = format!("a document of a later date than {issue_on} exists: try again");
            Error::Busy(Refusal::new("ISSUE_DATE_PASSED", message).with("issue_on", issue_on))
        })?;
    let organization = &scope.organization;
    let prefix = match series {
        Series::CreditNote => &organization.credit_note_prefix,
        Series::Invoice | Series::SelfBilling(_) => &organization.invoice_prefix,
    };
    let numbers: Vec<(InvoiceId, String)> = (first..)
        .zip(documents)
        .map(|(sequence, draft)| {
            (draft.id, organization.number_pattern.number(prefix, year, sequence))
        })
        .collect();
    match store::numbering::assign(&mut scope.tx, &key, year, first, &numbers).await {
        Ok(()) => {}
        // The pattern or the prefix was changed into one that repeats older numbers. That is not
        // a customer's fault: nobody is set aside for it.
        Err(store::Error::Exists(_)) => {
            let message =
                "the number pattern gives a number that exists: change the pattern or prefix";
            return Err(Error::refused("NUMBER_TAKEN", message));
        }
        Err(other) => return Err(other.into()),
    }
    scope.announce(event::finalized(documents, &numbers));
    Ok(())
}
