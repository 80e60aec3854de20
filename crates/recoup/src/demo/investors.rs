//! What came of features and investments, read back from the database, and its proof.
//!
//! Purpose: every investor's statement, by the use case that the interface calls, compared with the
//! documents, the payouts and the ledger; and where investments and features stand, compared with
//! the plan (`features`).
//!
//! Deliberately absent: how it looks (`investors_table`).

use std::collections::{BTreeMap, HashMap, HashSet};

use app::Scope;
use app::self_bill::Kept;
use app::statement::{Position, Statement};
use domain::event::EventKind;
use domain::feature::{Feature, FeatureState};
use domain::id::{FeatureId, InvestmentId};
use domain::investment::InvestmentState;
use domain::ledger::Account;
use domain::money::{Currency, Money};
use domain::payout::{Payout, PayoutState};
use domain::self_bill::SelfBillKind;
use domain::share;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::books::{next, page};
use super::features::{self, FUNDINGS, INVESTORS, WISHES, investment_id, investor_id};
use super::invest::{documents, payouts};
use super::revenue::Proof;
use super::scale::Scale;

/// What came of features and investments.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Investments {
    /// Features by where they stand.
    pub(super) features: BTreeMap<FeatureState, u32>,
    /// Of customers, for features.
    pub(super) votes: u32,
    /// In the order of the plan.
    pub(super) rows: Vec<Row>,
    /// Documents in investors' names, and what stands in their place, by kind.
    pub(super) documents: BTreeMap<SelfBillKind, u32>,
    /// By where they stand.
    pub(super) payouts: BTreeMap<PayoutState, u32>,
    /// What the accounts of investing hold in the end, debit less credit.
    pub(super) accounts: Vec<(Account, Money)>,
    pub(super) proof: Proof,
}

/// An investment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) feature: String,
    pub(super) investor: String,
    pub(super) principal: Money,
    /// In percent.
    pub(super) share: Decimal,
    pub(super) state: InvestmentState,
    /// Whether it was completed, and is no more.
    pub(super) is_open_again: bool,
    pub(super) credited: Money,
    pub(super) left: Money,
    /// What of the credited has arrived.
    pub(super) paid: Money,
    /// Of the month that runs in the end.
    pub(super) expected: Money,
}

/// The accounts of investing.
const ACCOUNTS: [Account; 5] = [
    Account::VatOnSelfBilling,
    Account::InvestorPayable,
    Account::PayoutsInTransit,
    Account::InvestmentsToRepay,
    Account::InvestorReturn,
];

/// Everything about investments in a currency, as it stands.
struct Known {
    statements: Vec<Statement>,
    documents: Vec<Kept>,
    payouts: Vec<Payout>,
    /// What account 1600 holds for documents and payouts, credit less debit.
    owed: HashMap<Uuid, i64>,
    accounts: Vec<(Account, Money)>,
    /// What was opened again after it was completed.
    reopened: HashSet<InvestmentId>,
}

/// Reads what came of investing, and compares it.
pub(super) async fn read(scope: &mut Scope, scale: &Scale) -> Result<Investments, app::Error> {
    let mut statements = Vec::new();
    for number in 0..INVESTORS.len() {
        let id = investor_id(scale, number);
        statements.push(app::statement::of_investor(scope, id).await?);
    }
    let known = Known {
        statements,
        documents: documents(scope, app::self_bill::Filter::default()).await?,
        payouts: payouts(scope, None).await?,
        owed: owed(scope).await?,
        accounts: accounts(scope).await?,
        reopened: reopened(scope).await?,
    };
    let mut found = Investments::default();
    wishes(scope, scale, &mut found).await?;
    for kept in &known.documents {
        *found.documents.entry(kept.bill.kind).or_default() += 1;
    }
    for payout in &known.payouts {
        *found.payouts.entry(payout.state).or_default() += 1;
    }
    known.investments(scale, &mut found);
    for statement in &known.statements {
        known.prove_statement(statement, &mut found.proof);
    }
    known.prove_accounts(&mut found.proof);
    let went_back = |one: &Payout| one.bounced_on.is_some() && one.state == PayoutState::Settled;
    found.proof.check(known.payouts.iter().any(went_back));
    found.accounts = known.accounts;
    Ok(found)
}

/// Features stand where the plan says.
async fn wishes(
    scope: &mut Scope,
    scale: &Scale,
    found: &mut Investments,
) -> Result<(), app::Error> {
    let mut features: HashMap<FeatureId, Feature> = HashMap::new();
    let mut token = Some(String::new());
    while let Some(after) = token {
        let mut rows = app::feature::list(scope, None, &page(after)?).await?;
        features.extend(std::mem::take(&mut rows.rows).into_iter().map(|one| (one.id, one)));
        token = next(rows);
    }
    for feature in features.values() {
        *found.features.entry(feature.state).or_default() += 1;
        found.votes += feature.votes;
    }
    let stands = |(number, wish): (usize, &features::Wish)| {
        let feature = features.get(&features::feature_id(scale, number));
        feature.is_some_and(|feature| feature.state == wish.ends)
    };
    found.proof.check(WISHES.iter().enumerate().all(stands));
    Ok(())
}

/// What account 1600 holds, by the document or the payout for which it was posted.
async fn owed(scope: &mut Scope) -> Result<HashMap<Uuid, i64>, app::Error> {
    let account = Some(Account::InvestorPayable);
    let filter = app::ledger::Filter { account, ..Default::default() };
    let (mut owed, mut token) = (HashMap::new(), Some(String::new()));
    while let Some(after) = token {
        let rows = app::ledger::entries(scope, &filter, &page(after)?).await?;
        for entry in &rows.rows {
            let own = entry.postings.iter().filter(|one| Some(one.account) == account);
            let credit: i64 = own.map(|one| -one.amount.minor()).sum();
            *owed.entry(entry.source_id).or_default() += credit;
        }
        token = next(rows);
    }
    Ok(owed)
}

async fn accounts(scope: &mut Scope) -> Result<Vec<(Account, Money)>, app::Error> {
    let (_, balances) = app::ledger::trial_balance(scope, None).await?;
    let of = |account: Account| {
        let own =
            balances.iter().filter(|row| row.account == account && row.currency == Currency::EUR);
        let minor = own.map(|row| row.debit_minor - row.credit_minor).sum();
        (account, Money::new(minor, Currency::EUR))
    };
    Ok(ACCOUNTS.map(of).to_vec())
}

async fn reopened(scope: &mut Scope) -> Result<HashSet<InvestmentId>, app::Error> {
    let kinds = vec![EventKind::InvestmentReopened];
    let filter = app::event::Filter { kinds, ..Default::default() };
    let (mut found, mut token) = (HashSet::new(), Some(String::new()));
    while let Some(after) = token {
        let batch = app::event::list(scope, &filter, &page(after)?).await?;
        found.extend(batch.events.iter().filter_map(|one| one.event.subject.investment_id()));
        token = (!batch.is_last).then_some(batch.cursor);
    }
    Ok(found)
}

impl Known {
    /// Investments stand where the plan says, and where their amounts say.
    fn investments(&self, scale: &Scale, found: &mut Investments) {
        for (number, funding) in FUNDINGS.iter().enumerate() {
            let statement = &self.statements[funding.investor];
            let id = investment_id(scale, number);
            let position = statement.investments.iter().find(|one| one.holding.id == id);
            let Some(position) = position else {
                found.proof.check(false);
                continue;
            };
            let state = position.holding.state;
            let was_reopened = self.reopened.contains(&id);
            found.proof.check(funding.ends(scale).contains(&state));
            found.proof.check(!funding.is_reopened() || was_reopened);
            found.proof.check(adds_up(position));
            found.rows.push(Row {
                feature: position.holding.feature_title.clone(),
                investor: statement.name.clone(),
                principal: Money::new(position.holding.principal, position.holding.currency),
                share: position.holding.share_percent,
                state,
                is_open_again: was_reopened && state != InvestmentState::Completed,
                credited: position.figures.credited,
                left: position.figures.left,
                paid: position.figures.paid,
                expected: position.figures.expected,
            });
        }
    }

    /// What a statement says is what the documents, the payouts and the ledger say.
    fn prove_statement(&self, statement: &Statement, proof: &mut Proof) {
        let own = self.documents.iter().map(|kept| &kept.bill);
        let own: Vec<_> = own.filter(|one| one.investor_id == statement.investor_id).collect();
        let payouts = self.payouts.iter().filter(|one| one.investor_id == statement.investor_id);
        let payouts: Vec<&Payout> = payouts.collect();
        let sum = |of: fn(&app::statement::Total) -> Money| -> i64 {
            statement.totals.iter().map(|total| of(total).minor()).sum()
        };
        let net: i64 = own.iter().map(|bill| bill.net.minor()).sum();
        proof.check(sum(|total| total.figures.credited) == net);
        let tax = |bill: &&domain::self_bill::SelfBill| {
            bill.own.as_ref().map_or(0, |invoice| invoice.tax.minor())
        };
        let gross: i64 = own.iter().map(|bill| bill.total.minor() + tax(bill)).sum();
        proof.check(sum(|total| total.credited_gross) == gross);
        let gone = |state| -> i64 {
            let gone = payouts.iter().filter(|payout| payout.state == state);
            gone.map(|payout| payout.amount.minor()).sum()
        };
        let (settled, sent) = (gone(PayoutState::Settled), gone(PayoutState::Sent));
        proof.check(sum(|total| total.paid_gross) == settled);
        proof.check(sum(|total| total.sent_gross) == sent);
        let payable = sum(|total| total.payable_gross);
        proof.check(payable == gross - settled - sent);
        let sources = own.iter().map(|bill| bill.id.0).chain(payouts.iter().map(|one| one.id.0));
        let posted: i64 = sources.filter_map(|id| self.owed.get(&id)).sum();
        proof.check(payable == posted);
    }

    /// The accounts hold what the statements and the documents say together.
    fn prove_accounts(&self, proof: &mut Proof) {
        let totals = || self.statements.iter().flat_map(|statement| &statement.totals);
        let holdings = self.statements.iter().flat_map(|statement| &statement.investments);
        let bills = || self.documents.iter().map(|kept| &kept.bill);
        let lines = || bills().flat_map(|bill| &bill.lines);
        let principal: i64 = lines().map(|line| line.principal.minor()).sum();
        let net: i64 = bills().map(|bill| bill.net.minor()).sum();
        let own_tax = bills().filter_map(|bill| bill.own.as_ref());
        let tax: i64 = bills().map(|bill| bill.tax.minor()).sum::<i64>()
            + own_tax.map(|invoice| invoice.tax.minor()).sum::<i64>();
        let invoiced = holdings
            .map(|one| &one.holding)
            .filter(|one| one.accepted_on.is_some() && one.state != InvestmentState::Withdrawn);
        let to_repay: i64 = invoiced.map(|one| one.principal - one.forgone).sum();
        let expected = |account| match account {
            Account::InvestorPayable => {
                -totals().map(|total| total.payable_gross.minor()).sum::<i64>()
            }
            Account::PayoutsInTransit => {
                -totals().map(|total| total.sent_gross.minor()).sum::<i64>()
            }
            Account::InvestmentsToRepay => principal - to_repay,
            Account::InvestorReturn => net - principal,
            _ => tax,
        };
        for (account, held) in &self.accounts {
            proof.check(held.minor() == expected(*account));
        }
    }
}

/// An investment stands where its amounts say, and is never credited beyond its cap.
fn adds_up(position: &Position) -> bool {
    let holding = &position.holding;
    let money = |minor| Money::new(minor, holding.currency);
    let figures = &position.figures;
    let most = figures.credited.minor() + figures.awaiting.minor() + figures.expected.minor();
    let stands = share::state(
        money(holding.credited),
        money(holding.accrued),
        money(holding.principal),
        money(holding.cap),
    );
    most <= holding.cap && (holding.funded_on.is_none() || holding.state == stands)
}
