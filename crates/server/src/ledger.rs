//! `LedgerService`: reads and proves the books.
//!
//! Deliberately absent: making entries, which no call does.

use std::collections::BTreeMap;

use app::Ctx;
use app::ledger::{self, Balance, Check, Filter, JournalEntry, JournalPosting};
use domain::ledger::{Account, Chart};
use domain::money::{Currency, Money, MoneyRefused};
use domain::vat::LineVat;
use futures::FutureExt;
use rust_decimal::Decimal;
use tonic::{Request, Response, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::ledger_service_server::LedgerService;
use crate::status::status;
use crate::wire;

/// The service.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl LedgerService for Ledger {
    async fn list_entries(
        &self,
        request: Request<v1::ListEntriesRequest>,
    ) -> Answer<v1::ListEntriesResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let source_id = field::filled(&message.source_id).map(field::uuid).transpose();
        let account = message.account;
        let filter = Filter {
            posted_from: field::day_if_any(message.posted_from).at("posted_from")?,
            posted_until: field::day_if_any(message.posted_until).at("posted_until")?,
            source_id: source_id.at("source_id")?,
            account: None,
        };
        call.read(&self.ctx, |scope| {
            async move {
                let chart = scope.organization.chart.clone();
                let filter = Filter { account: of_code(&chart, &account)?, ..filter };
                let found = ledger::entries(scope, &filter, &page).await?;
                let entries = found.rows.into_iter().map(|one| entry(&chart, one)).collect();
                Ok(v1::ListEntriesResponse { entries, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn get_trial_balance(
        &self,
        request: Request<v1::GetTrialBalanceRequest>,
    ) -> Answer<v1::GetTrialBalanceResponse> {
        let (call, message) = call::open(request)?;
        let as_of = field::day_if_any(message.as_of).at("as_of")?;
        call.read(&self.ctx, |scope| {
            async move {
                let (as_of, balances) = ledger::trial_balance(scope, as_of).await?;
                let rows = balances.iter().map(Sums::of).collect::<Result<Vec<_>, _>>()?;
                let chart = &scope.organization.chart;
                let shown = |(row, sums)| balance(chart, row, sums);
                Ok(v1::GetTrialBalanceResponse {
                    as_of: Some(as_of.into()),
                    totals: totals(&rows)?,
                    rows: balances.iter().zip(rows).map(shown).collect(),
                })
            }
            .boxed()
        })
        .await
    }

    async fn verify_ledger(
        &self,
        request: Request<v1::VerifyLedgerRequest>,
    ) -> Answer<v1::VerifyLedgerResponse> {
        let (call, _) = call::open(request)?;
        let checks = ledger::verify(&self.ctx, call.caller.org).await.map_err(status)?;
        Ok(Response::new(v1::VerifyLedgerResponse {
            ok: checks.iter().all(|check| check.ok),
            checks: checks.into_iter().map(Into::into).collect(),
        }))
    }
}

/// Debit, credit and their difference.
#[derive(Debug, Clone, Copy)]
struct Sums {
    debit: Money,
    credit: Money,
    balance: Money,
}

impl Sums {
    fn of(row: &Balance) -> Result<Self, MoneyRefused> {
        let debit = Money::new(row.debit_minor, row.currency);
        let credit = Money::new(row.credit_minor, row.currency);
        Ok(Self { debit, credit, balance: debit.checked_sub(credit)? })
    }

    fn plus(self, other: Self) -> Result<Self, MoneyRefused> {
        Ok(Self {
            debit: self.debit.checked_add(other.debit)?,
            credit: self.credit.checked_add(other.credit)?,
            balance: self.balance.checked_add(other.balance)?,
        })
    }
}

/// One row per currency.
fn totals(rows: &[Sums]) -> Result<Vec<v1::TrialBalanceTotal>, MoneyRefused> {
    let mut totals: BTreeMap<Currency, Sums> = BTreeMap::new();
    for row in rows {
        let currency = row.debit.currency();
        let sum = match totals.get(&currency) {
            Some(sum) => sum.plus(*row)?,
            None => *row,
        };
        totals.insert(currency, sum);
    }
    let total = |sums: Sums| v1::TrialBalanceTotal {
        debit: Some(sums.debit.into()),
        credit: Some(sums.credit.into()),
        balance: Some(sums.balance.into()),
    };
    Ok(totals.into_values().map(total).collect())
}

fn balance(chart: &Chart, row: &Balance, sums: Sums) -> v1::TrialBalanceRow {
    v1::TrialBalanceRow {
        account: Some(shown_account(chart, row.account)),
        debit: Some(sums.debit.into()),
        credit: Some(sums.credit.into()),
        balance: Some(sums.balance.into()),
    }
}

/// The account that the caller's code stands for; an empty code means all.
fn of_code(chart: &Chart, code: &str) -> app::Result<Option<Account>> {
    let unknown = || {
        let shown: String = code.chars().take(40).collect();
        app::Error::invalid("account", format!("{shown:?} is not the code of an account"))
    };
    field::filled(code).map(|code| chart.account(code).ok_or_else(unknown)).transpose()
}

fn shown_account(chart: &Chart, account: Account) -> v1::Account {
    v1::Account { code: chart.code(account).to_owned(), name: account.title().to_owned() }
}

fn entry(chart: &Chart, entry: JournalEntry) -> v1::Entry {
    v1::Entry {
        id: entry.id.to_string(),
        posted_on: Some(entry.posted_on.into()),
        source: Some(v1::EntrySource {
            kind: code::<v1::EntrySourceKind>(entry.source_kind),
            id: entry.source_id.to_string(),
            part: entry.source_part,
        }),
        postings: entry.postings.into_iter().map(|one| posting(chart, one)).collect(),
        create_time: Some(wire::instant(entry.created_at)),
    }
}

fn posting(chart: &Chart, posting: JournalPosting) -> v1::Posting {
    let vat = posting.vat_class.zip(posting.vat_percent);
    v1::Posting {
        account: Some(shown_account(chart, posting.account)),
        amount: Some(posting.amount.into()),
        vat: vat.map(|(class, percent)| LineVat { class, percent }.into()),
    }
}

impl From<Check> for v1::LedgerCheck {
    fn from(check: Check) -> Self {
        let comparison = check.comparison;
        let currency = comparison.currency;
        // Minor units where there is a currency, else a count.
        let shown = |value: i64| match currency {
            Some(currency) => Money::new(value, currency).major(),
            None => Decimal::from(value),
        };
        Self {
            expected: Some(shown(comparison.expected).into()),
            actual: Some(shown(comparison.actual).into()),
            name: comparison.name,
            currency: currency.map_or_else(String::new, |currency| currency.code().to_owned()),
            ok: check.ok,
        }
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
