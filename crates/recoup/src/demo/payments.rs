//! What came of collecting, read back from the database, and its proof.
//!
//! Purpose: attempts, the retry queue and payments, by the use cases that the interface calls,
//! compared with the documents and with the ledger.
//!
//! Deliberately absent: how it looks (`payments_table`).

use std::collections::{BTreeMap, HashMap};

use app::Scope;
use app::collection::queue::{self, AttemptFilter, Collected};
use app::invoice::Document;
use app::payment::Kept;
use domain::collection::CollectionState;
use domain::id::InvoiceId;
use domain::invoice::{DocumentKind, DocumentState};
use domain::ledger::Account;
use domain::money::{Currency, Money};
use domain::payment::PaymentKind;
use domain::payment::attempt::{Attempt, AttemptState};

use super::books::{add, next, page};
use super::revenue::Proof;

/// What came of collecting.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Payments {
    /// Attempts by how they ended.
    pub(super) attempts: BTreeMap<AttemptState, u32>,
    /// Collections by where they stand.
    pub(super) queue: BTreeMap<CollectionState, u32>,
    /// Invoices that were tried, and those whose first attempt did not bring the money for good.
    pub(super) tried: u32,
    /// Of invoices that could not be collected at once.
    pub(super) failed: Fate,
    /// Of invoices that customers were to pay by themselves and that were late.
    pub(super) late: Fate,
    /// Money that moved, by kind.
    pub(super) moved: BTreeMap<PaymentKind, Sum>,
    /// What matches nothing.
    pub(super) unmatched: Sum,
    /// What finance gave up.
    pub(super) written_off: Sum,
    pub(super) proof: Proof,
}

/// A count, and amounts by currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) count: u32,
    pub(super) amounts: BTreeMap<Currency, Money>,
}

/// What became of invoices that were not paid when they were due. Invoices of which only a part is
/// paid or lost count with what is left of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) all: Sum,
    /// Paid since, or credited.
    pub(super) recovered: Sum,
    /// Written off.
    pub(super) lost: Sum,
    /// Still open.
    pub(super) at_risk: Sum,
}

impl Sum {
    fn add(&mut self, amount: Money) -> Result<(), app::Error> {
        self.count += 1;
        add(&mut self.amounts, amount.currency(), amount)
    }
}

impl Fate {
    /// An invoice that came to `amount` when it was not paid.
    fn take(&mut self, amount: Money, document: &Document) -> Result<(), app::Error> {
        self.all.add(amount)?;
        let back = amount.checked_sub(document.open)?.checked_sub(document.written_off)?;
        if document.open.minor() > 0 {
            self.at_risk.add(document.open)?;
        } else if document.written_off.minor() > 0 {
            self.lost.add(document.written_off)?;
        } else {
            return self.recovered.add(back);
        }
        add(&mut self.recovered.amounts, back.currency(), back)
    }
}

/// Reads what came of collecting, and compares it.
pub(super) async fn read(scope: &mut Scope) -> Result<Payments, app::Error> {
    let invoices = invoices(scope).await?;
    let collections = collections(scope).await?;
    let mut found = Payments::default();
    attempts(scope, &invoices, &mut found).await?;
    for one in collections.values() {
        *found.queue.entry(one.collection.state).or_default() += 1;
        let late = one.collection.day_zero.is_some() && one.collection.attempts == 0;
        if let Some(document) = invoices.get(&one.collection.invoice_id).filter(|_| late) {
            found.late.take(document.total, document)?;
        }
    }
    for document in invoices.values().filter(|one| one.written_off.minor() > 0) {
        found.written_off.add(document.written_off)?;
    }
    payments(scope, &mut found).await?;
    prove(scope, &invoices, &collections, &mut found).await?;
    Ok(found)
}

async fn invoices(scope: &mut Scope) -> Result<HashMap<InvoiceId, Document>, app::Error> {
    let filter = app::invoice::Filter::default();
    let (mut found, mut token) = (HashMap::new(), Some(String::new()));
    while let Some(after) = token {
        let mut rows = app::invoice::list(scope, &filter, &page(after)?).await?;
        let all = std::mem::take(&mut rows.rows).into_iter();
        let invoices = all.filter(|one| one.kind == DocumentKind::Invoice);
        found.extend(invoices.map(|one| (one.id, one)));
        token = next(rows);
    }
    Ok(found)
}

async fn collections(scope: &mut Scope) -> Result<HashMap<InvoiceId, Collected>, app::Error> {
    let mut found = HashMap::new();
    for state in [None, Some(CollectionState::Closed)] {
        let filter = queue::Filter { state, ..Default::default() };
        let mut token = Some(String::new());
        while let Some(after) = token {
            let mut rows = queue::list(scope, filter, &page(after)?).await?;
            let all = std::mem::take(&mut rows.rows).into_iter();
            found.extend(all.map(|one| (one.collection.invoice_id, one)));
            token = next(rows);
        }
    }
    Ok(found)
}

/// Attempts by state, and the invoices of which one failed.
async fn attempts(
    scope: &mut Scope,
    invoices: &HashMap<InvoiceId, Document>,
    found: &mut Payments,
) -> Result<(), app::Error> {
    let mut failed: BTreeMap<InvoiceId, Attempt> = BTreeMap::new();
    let mut token = Some(String::new());
    while let Some(after) = token {
        let mut rows = queue::attempts(scope, AttemptFilter::default(), &page(after)?).await?;
        for attempt in std::mem::take(&mut rows.rows) {
            *found.attempts.entry(attempt.state).or_default() += 1;
            found.tried += u32::from(attempt.number == 1);
            if matches!(attempt.state, AttemptState::Declined | AttemptState::Bounced) {
                let first = failed.entry(attempt.invoice_id).or_insert_with(|| attempt.clone());
                if attempt.number < first.number {
                    *first = attempt;
                }
            }
        }
        token = next(rows);
    }
    for (id, first) in failed {
        if let Some(document) = invoices.get(&id) {
            found.failed.take(first.amount, document)?;
        }
    }
    Ok(())
}

async fn payments(scope: &mut Scope, found: &mut Payments) -> Result<(), app::Error> {
    let filter = app::payment::Filter::default();
    let mut token = Some(String::new());
    while let Some(after) = token {
        let mut rows = app::payment::list(scope, &filter, &page(after)?).await?;
        for kept in std::mem::take(&mut rows.rows) {
            found.moved.entry(kept.payment.kind).or_default().add(kept.payment.amount)?;
            let unmatched = Kept::unmatched(&kept)?;
            if !unmatched.is_zero() {
                found.unmatched.add(unmatched)?;
            }
        }
        token = next(rows);
    }
    Ok(())
}

/// What is open is in hand and what is not is not; the accounts hold what the rows say.
async fn prove(
    scope: &mut Scope,
    invoices: &HashMap<InvoiceId, Document>,
    collections: &HashMap<InvoiceId, Collected>,
    found: &mut Payments,
) -> Result<(), app::Error> {
    let mut open: BTreeMap<Currency, Money> = BTreeMap::new();
    let (mut in_hand, mut planned, mut settled) = (true, true, true);
    for (id, document) in invoices {
        let collection = collections.get(id).map(|one| &one.collection);
        let works = collection.is_some_and(|one| one.state != CollectionState::Closed);
        in_hand &= works == (document.open.minor() > 0);
        let waits = collection.is_some_and(|one| one.state == CollectionState::Waiting);
        planned &= !waits || collection.is_some_and(|one| one.next.is_some());
        settled &= (document.state == DocumentState::Open) == (document.open.minor() > 0);
        add(&mut open, document.open.currency(), document.open)?;
    }
    for holds in [in_hand, planned, settled] {
        found.proof.check(holds);
    }
    let (_, balances) = app::ledger::trial_balance(scope, None).await?;
    let held = |accounts: &[Account], currency: Currency| {
        let of = |row: &&store::ledger::Balance| {
            accounts.contains(&row.account) && row.currency == currency
        };
        balances.iter().filter(of).map(|row| row.debit_minor - row.credit_minor).sum::<i64>()
    };
    for (currency, sum) in &open {
        let owed = held(&[Account::Receivables, Account::CollectionsInTransit], *currency);
        found.proof.check(owed == sum.minor());
        let waiting = found.unmatched.amounts.get(currency).map_or(0, |sum| sum.minor());
        found.proof.check(-held(&[Account::UnallocatedReceipts], *currency) == waiting);
    }
    Ok(())
}
