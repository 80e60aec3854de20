//! The billing run: claim, read, decide, write.
//!
//! Purpose: everything due of an organization becomes finalized, numbered, posted documents, each
//! period once, in bounded batches.
//!
//! One batch is one transaction:
//! 1. **claim** billing accounts with `SKIP LOCKED`, so that runs side by side share the work and
//!    never a customer;
//! 2. **read** their subscriptions, customers, prices, products and the rates, with a fixed number
//!    of queries; the subscriptions are held, because they are about to move;
//! 3. **decide** in memory ([`domain::billing`]);
//! 4. **write** documents, postings, deferrals, subscriptions and accounts with a fixed number of
//!    multi-row statements, and take the block of numbers last, because its row is held to commit
//!    and serializes runs.
//!
//! A customer who cannot be billed is set aside with the reason and no longer claimed. When the
//! database itself refuses a batch, customers are billed one by one until the one at fault is
//! found.

use std::collections::HashMap;

use chrono::Datelike;
use domain::billing::{self as rules, BillRefused, Horizon, Material};
use domain::customer::Customer;
use domain::date::Date;
use domain::id::Sequence;
use domain::id::{CustomerId, EntryId, InvoiceId, LineId, OrgId, PriceId, ProductId, SetAsideId};
use domain::invoice::{DocumentKind, Party};
use domain::ledger::{Account as LedgerAccount, Entry, invoice_entry};
use domain::numbering::Series;
use domain::organization::{OrgKind, Organization};
use domain::plan::{Price, Product};
use domain::revenue::Deferral;
use domain::subscription::Subscription;
use domain::vat::VatRates;
use store::billing::Account;
use store::invoice::NewDocument;
use store::set_aside::NewSetAside;

use crate::day::Done;
use crate::error::{Error, Refusal};
use crate::{Ctx, Scope, telemetry};

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

/// Prices, products and rates that a decision needs.
#[derive(Debug)]
pub(crate) struct Shelf {
    prices: HashMap<PriceId, Price>,
    products: HashMap<ProductId, Product>,
    rates: VatRates,
}

impl Shelf {
    /// Everything that these subscriptions' items need, in three queries.
    pub(crate) async fn load(
        scope: &mut Scope,
        subscriptions: &[Subscription],
    ) -> Result<Self, Error> {
        let mut price_ids: Vec<PriceId> =
            subscriptions.iter().flat_map(|one| &one.items).map(|item| item.price_id).collect();
        price_ids.sort_unstable();
        price_ids.dedup();
        let prices = store::plan::prices(&mut scope.tx, &price_ids).await?;
        let mut product_ids: Vec<ProductId> = prices.iter().map(|price| price.product_id).collect();
        product_ids.sort_unstable();
        product_ids.dedup();
        let products = store::plan::products(&mut scope.tx, &product_ids).await?;
        Ok(Self {
            prices: prices.into_iter().map(|price| (price.id, price)).collect(),
            products: products.into_iter().map(|product| (product.id, product)).collect(),
            rates: store::vat::rates(&mut scope.tx).await?,
        })
    }

    /// As the decision takes it.
    pub(crate) fn material<'a>(&'a self, seller: &'a Organization) -> Material<'a> {
        Material { seller, rates: &self.rates, prices: &self.prices, products: &self.products }
    }
}

/// Bills everything that is due for an organization today.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`]; batches that were committed stay, and the next run goes
/// on there.
pub async fn run(ctx: &Ctx, org: OrgId) -> Result<Done, Error> {
    let started = std::time::Instant::now();
    let counts = counts(&ctx.scope(org).await?);
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
    if !counts {
        return Ok(done);
    }
    metrics::histogram!(telemetry::BILLING_RUN_DURATION).record(started.elapsed().as_secs_f64());
    #[allow(clippy::cast_precision_loss)] // A timestamp in seconds is far below 2^52.
    metrics::gauge!(telemetry::BILLING_LAST_SUCCESS).set(ctx.clock.now().timestamp() as f64);
    Ok(done)
}

/// Whether the metrics count what is done here: sandboxes are for trying things out.
fn counts(scope: &Scope) -> bool {
    scope.organization.kind == OrgKind::Live
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
    let counts = counts(&scope);
    scope.commit().await?;
    if counts {
        metrics::counter!(telemetry::BILLING_SET_ASIDE).increment(1);
    }
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
    if let (Claim::One(account), true) = (claim, due.is_empty()) {
        release(&mut scope, account).await?;
        scope.commit().await?;
        return Ok(None);
    }
    let decision = decide(&mut scope, &accounts, due, today).await?;
    let done = decision.done();
    write(&mut scope, &accounts, decision).await?;
    let counts = counts(&scope);
    scope.commit().await?;
    if counts {
        metrics::counter!(telemetry::INVOICES_ISSUED).increment(done.invoices);
        metrics::counter!(telemetry::BILLING_SET_ASIDE).increment(done.set_aside);
    }
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

/// What a batch is about to write.
#[derive(Debug, Default)]
struct Decision {
    documents: Vec<NewDocument>,
    entries: Vec<Entry>,
    deferrals: Vec<(LineId, Deferral)>,
    subscriptions: Vec<Subscription>,
    refused: Vec<(Account, BillRefused)>,
}

impl Decision {
    fn done(&self) -> Done {
        let mut done = Done {
            invoices: self.documents.len() as u64,
            entries: self.entries.len() as u64,
            set_aside: self.refused.len() as u64,
            ..Done::default()
        };
        for document in &self.documents {
            done.add(Done { invoiced: vec![document.draft.total], ..Done::default() });
        }
        done
    }
}

async fn decide(
    scope: &mut Scope,
    accounts: &[Account],
    due: Vec<Subscription>,
    today: Date,
) -> Result<Decision, Error> {
    let shelf = Shelf::load(scope, &due).await?;
    let ids: Vec<CustomerId> = accounts.iter().map(|one| one.customer_id).collect();
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
    let ids = Sequence::new(scope.now);
    let mut decision = Decision::default();
    for account in accounts {
        let Some(mut subscriptions) = by_account.remove(account) else { continue };
        let Some(customer) = customers.get(&account.customer_id) else { continue };
        let billed = rules::bill(
            &material,
            customer,
            account.currency,
            &mut subscriptions,
            Horizon::run(today),
        );
        for draft in billed.drafts {
            let buyer = Party::buyer(customer);
            add_document(&mut decision, &ids, buyer, draft)?;
        }
        decision.subscriptions.append(&mut subscriptions);
        decision.refused.extend(billed.refused.map(|refused| (*account, refused)));
    }
    // Numbers follow the billing dates; customers of one date in the order of their ids.
    decision
        .documents
        .sort_by_key(|document| (document.draft.billing_on, document.draft.customer_id));
    Ok(decision)
}

fn add_document(
    decision: &mut Decision,
    ids: &Sequence,
    buyer: Party,
    draft: domain::invoice::Draft,
) -> Result<(), Error> {
    let id = InvoiceId(ids.next());
    let line_ids: Vec<LineId> = draft.lines.iter().map(|_| LineId(ids.next())).collect();
    let mut deferrals = Vec::new();
    for (line, line_id) in draft.lines.iter().zip(&line_ids) {
        let account = LedgerAccount::of_revenue(line.charge.revenue);
        let deferral =
            Deferral::at_issue(account, line.charge.net, line.charge.service, draft.issue_on)?;
        deferrals.extend(deferral.map(|deferral| (*line_id, deferral)));
    }
    let own: Vec<Deferral> = deferrals.iter().map(|(_, deferral)| deferral.clone()).collect();
    let entry = invoice_entry(EntryId(ids.next()), id, &draft, &own)
        .map_err(|refused| Error::fault(format!("document {id} does not post: {refused}")))?;
    decision.entries.extend(entry);
    decision.deferrals.append(&mut deferrals);
    decision.documents.push(NewDocument {
        id,
        kind: DocumentKind::Invoice,
        draft,
        buyer,
        line_ids,
    });
    Ok(())
}

async fn write(scope: &mut Scope, accounts: &[Account], decision: Decision) -> Result<(), Error> {
    let now = scope.now;
    let seller = Party::seller(&scope.organization);
    let tx = &mut scope.tx;
    store::invoice::insert(tx, &seller, &decision.documents, now).await?;
    store::ledger::insert(tx, &decision.entries, now).await?;
    store::revenue::insert(tx, &decision.deferrals).await?;
    store::subscription::save(tx, &decision.subscriptions).await?;
    store::billing::reschedule(tx, accounts).await?;
    write_refused(scope, &decision.refused).await?;
    number(scope, &decision.documents).await
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

/// Gives the documents their numbers: the last statements before commit.
async fn number(scope: &mut Scope, documents: &[NewDocument]) -> Result<(), Error> {
    let Some(first_document) = documents.first() else { return Ok(()) };
    // All documents of a batch are issued on the same day.
    let issue_on = first_document.draft.issue_on;
    let series = Series::Invoice.key();
    let count = i64::try_from(documents.len()).unwrap_or(i64::MAX);
    let first = store::numbering::take(&mut scope.tx, &series, issue_on.year(), count, issue_on)
        .await?
        .ok_or_else(|| {
            let message = format!("a document of a later date than {issue_on} exists: try again");
            Error::Busy(Refusal::new("ISSUE_DATE_PASSED", message).with("issue_on", issue_on))
        })?;
    let organization = &scope.organization;
    let numbers: Vec<(InvoiceId, String)> = (first..)
        .zip(documents)
        .map(|(sequence, document)| {
            let prefix = &organization.invoice_prefix;
            (document.id, organization.number_pattern.number(prefix, issue_on.year(), sequence))
        })
        .collect();
    match store::numbering::assign(&mut scope.tx, &series, issue_on.year(), first, &numbers).await {
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
    Ok(())
}
