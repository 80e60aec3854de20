//! The books of the demonstration, read back from the database.
//!
//! Purpose: what the table shows comes from what was stored, not from what was counted on the way:
//! so it is the same when the demonstration is started again.
//!
//! Deliberately absent: how it looks (`table`).

use std::collections::BTreeMap;

use app::page::{MAX_SIZE, Page, PageRequest};
use app::{Ctx, Scope};
use domain::date::{self, Date};
use domain::event::EventKind;
use domain::id::OrgId;
use domain::invoice::DocumentKind;
use domain::ledger::Account;
use domain::money::{Currency, Money};
use domain::subscription::State;
use store::ledger::Balance;

use super::investors::{self, Investments};
use super::payments::{self, Payments};
use super::revenue::{self, Proof, Revenue};
use super::scale::Scale;

/// Everything the table shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Books {
    /// The vendor's name.
    pub(super) name: String,
    pub(super) customers: BTreeMap<String, u32>,
    pub(super) subscriptions: BTreeMap<State, u32>,
    /// What happened to them, from the events.
    pub(super) happened: BTreeMap<EventKind, u32>,
    /// Subscriptions that migrations looked at, by what became of them.
    pub(super) migrated: BTreeMap<&'static str, u32>,
    /// Documents by kind.
    pub(super) documents: BTreeMap<DocumentKind, u32>,
    /// One per month, in order.
    pub(super) months: Vec<Month>,
    /// At the end of the last day.
    pub(super) balances: Vec<Balance>,
    pub(super) set_aside: i64,
    /// What proves the ledger.
    pub(super) proof: Proof,
    pub(super) revenue: Revenue,
    pub(super) payments: Payments,
    pub(super) investments: Investments,
}

/// One month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Month {
    pub(super) first: Date,
    pub(super) documents: BTreeMap<DocumentKind, u32>,
    /// Without VAT, per currency.
    pub(super) invoiced: BTreeMap<Currency, Money>,
    /// What the ledger counts as revenue of the month, per currency.
    pub(super) earned: BTreeMap<Currency, Money>,
}

/// Where revenue is posted.
const REVENUE: [Account; 3] =
    [Account::SubscriptionRevenue, Account::ServiceRevenue, Account::UsageRevenue];

/// Reads the books and proves them.
pub(super) async fn read(ctx: &Ctx, org: OrgId, scale: &Scale) -> Result<Books, app::Error> {
    let mut proof = Proof::default();
    for check in app::ledger::verify(ctx, org).await? {
        proof.check(check.ok);
    }
    let mut scope = ctx.scope(org).await?;
    let (_, balances) = app::ledger::trial_balance(&mut scope, Some(scale.closes_on())).await?;
    let months = months(&mut scope, scale).await?;
    let mut documents = BTreeMap::new();
    for (kind, count) in months.iter().flat_map(|month| &month.documents) {
        *documents.entry(*kind).or_default() += count;
    }
    let books = Books {
        name: scope.organization.legal_name.clone(),
        customers: customers(&mut scope).await?,
        subscriptions: subscriptions(&mut scope).await?,
        happened: happened(&mut scope).await?,
        migrated: migrated(&mut scope).await?,
        documents,
        months,
        balances,
        set_aside: store::set_aside::open_count(&mut scope.tx).await?,
        proof,
        revenue: revenue::read(&mut scope, scale).await?,
        payments: payments::read(&mut scope).await?,
        investments: investors::read(&mut scope, scale).await?,
    };
    scope.commit().await?;
    Ok(books)
}

/// The page after a token, as large as it may be.
pub(super) fn page(token: String) -> Result<PageRequest, app::Error> {
    PageRequest::new(i32::try_from(MAX_SIZE).unwrap_or(0), token)
}

/// Where to go on after a page; nothing after the last one.
pub(super) fn next<T>(page: Page<T>) -> Option<String> {
    (!page.next.is_empty()).then_some(page.next)
}

async fn customers(scope: &mut Scope) -> Result<BTreeMap<String, u32>, app::Error> {
    let (mut found, mut token) = (BTreeMap::new(), Some(String::new()));
    while let Some(after) = token {
        let rows = app::customer::list(scope, &Default::default(), &page(after)?).await?;
        for customer in &rows.rows {
            *found.entry(customer.address.country.clone()).or_default() += 1;
        }
        token = next(rows);
    }
    Ok(found)
}

async fn subscriptions(scope: &mut Scope) -> Result<BTreeMap<State, u32>, app::Error> {
    let (mut found, mut token) = (BTreeMap::new(), Some(String::new()));
    while let Some(after) = token {
        let rows = app::subscription::list(scope, &Default::default(), &page(after)?).await?;
        for subscription in &rows.rows {
            *found.entry(subscription.state).or_default() += 1;
        }
        token = next(rows);
    }
    Ok(found)
}

/// What is counted of what happened to subscriptions.
const COUNTED: [EventKind; 8] = [
    EventKind::SubscriptionChanged,
    EventKind::SubscriptionPaused,
    EventKind::SubscriptionResumed,
    EventKind::SubscriptionSuspended,
    EventKind::SubscriptionRestored,
    EventKind::SubscriptionCancellationPlanned,
    EventKind::SubscriptionCancellationUndone,
    EventKind::SubscriptionCancelled,
];

async fn happened(scope: &mut Scope) -> Result<BTreeMap<EventKind, u32>, app::Error> {
    let filter = app::event::Filter { kinds: COUNTED.to_vec(), ..Default::default() };
    let (mut found, mut token) = (BTreeMap::new(), Some(String::new()));
    while let Some(after) = token {
        let batch = app::event::list(scope, &filter, &page(after)?).await?;
        for numbered in &batch.events {
            *found.entry(numbered.event.kind).or_default() += 1;
        }
        token = (!batch.is_last).then_some(batch.cursor);
    }
    Ok(found)
}

async fn migrated(scope: &mut Scope) -> Result<BTreeMap<&'static str, u32>, app::Error> {
    let mut found = BTreeMap::new();
    for progress in app::migration::list(scope, None, &page(String::new())?).await?.rows {
        for (outcome, count) in progress.counts {
            *found.entry(outcome.as_str()).or_default() += u32::try_from(count).unwrap_or(u32::MAX);
        }
    }
    Ok(found)
}

async fn months(scope: &mut Scope, scale: &Scale) -> Result<Vec<Month>, app::Error> {
    let mut months = Vec::new();
    let mut before = BTreeMap::new();
    for first in scale.months() {
        let until = date::first_of_next_month(first);
        let as_of = Some(date::add_days(until, -1));
        let (_, balances) = app::ledger::trial_balance(scope, as_of).await?;
        let total = revenue(&balances)?;
        let mut month = Month {
            first,
            documents: BTreeMap::new(),
            invoiced: BTreeMap::new(),
            earned: BTreeMap::new(),
        };
        for (currency, sum) in &total {
            let earlier = before.get(currency).copied().unwrap_or(Money::zero(*currency));
            month.earned.insert(*currency, sum.checked_sub(earlier)?);
        }
        before = total;
        invoices(scope, &mut month, until).await?;
        months.push(month);
    }
    Ok(months)
}

fn revenue(balances: &[Balance]) -> Result<BTreeMap<Currency, Money>, app::Error> {
    let mut total = BTreeMap::new();
    for row in balances.iter().filter(|row| REVENUE.contains(&row.account)) {
        let credit = Money::new(row.credit_minor, row.currency);
        let amount = credit.checked_sub(Money::new(row.debit_minor, row.currency))?;
        add(&mut total, row.currency, amount)?;
    }
    Ok(total)
}

async fn invoices(scope: &mut Scope, month: &mut Month, until: Date) -> Result<(), app::Error> {
    let filter = store::invoice::Filter {
        issued_from: Some(month.first),
        issued_until: Some(until),
        ..Default::default()
    };
    let mut token = Some(String::new());
    while let Some(after) = token {
        let rows = app::invoice::list(scope, &filter, &page(after)?).await?;
        for invoice in &rows.rows {
            *month.documents.entry(invoice.kind).or_default() += 1;
            add(&mut month.invoiced, invoice.net.currency(), invoice.net)?;
        }
        token = next(rows);
    }
    Ok(())
}

/// Adds an amount to the sum under its key.
pub(super) fn add<K: Ord>(
    sums: &mut BTreeMap<K, Money>,
    key: K,
    amount: Money,
) -> Result<(), app::Error> {
    let sum = sums.entry(key).or_insert(Money::zero(amount.currency()));
    *sum = sum.checked_add(amount)?;
    Ok(())
}
