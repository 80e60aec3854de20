//! The ledger: accounts, journal entries, and what every event posts.
//!
//! Purpose: every financial fact is a journal entry of two or more postings; the posting rules
//! stand here, one function per event.
//!
//! Invariants: an [`Entry`] can only be made balanced: its postings add up to zero per currency.
//! A posting's amount is positive for debit and negative for credit. An entry has a source, and a
//! source has at most one entry.
//!
//! Deliberately absent: balances (queries of `store`), closing of years.

pub mod payment;
pub mod share;

use std::collections::BTreeMap;

use crate::code::codes;
use crate::date::Date;
use crate::id::{EntryId, LineId};
use crate::invoice::Draft;
use crate::money::{Currency, Money, MoneyRefused};
use crate::plan::RevenueKind;
use crate::vat::LineVat;

codes! {
    /// The accounts, by their default codes.
    Account {
        /// Bank.
        Bank = "1000",
        /// Direct debits accepted, not yet settled.
        CollectionsInTransit = "1010",
        /// What customers owe.
        Receivables = "1300",
        /// VAT payable, per category and rate.
        VatPayable = "1520",
        /// VAT reclaimable on self-billing.
        VatOnSelfBilling = "1530",
        /// VAT to reclaim on bad debt.
        VatOnBadDebt = "1540",
        /// What investors are owed, including VAT.
        InvestorPayable = "1600",
        /// Payouts sent, not yet settled.
        PayoutsInTransit = "1610",
        /// Principal of investments still to be repaid.
        InvestmentsToRepay = "1620",
        /// Service days paid for and not yet delivered.
        DeferredRevenue = "2000",
        /// Prepaid hours not yet used.
        DeferredHours = "2010",
        /// Money that matches nothing.
        UnallocatedReceipts = "2050",
        /// Customers' credit balances, including VAT.
        CustomerBalance = "2060",
        /// The return on investments.
        InvestorReturn = "4500",
        /// Bad debt.
        BadDebt = "4600",
        /// Bank and reversal fees.
        BankFees = "4610",
        /// Credits under service levels.
        SlaCredits = "4700",
        /// Subscription revenue.
        SubscriptionRevenue = "8000",
        /// Service revenue.
        ServiceRevenue = "8010",
        /// Pay-per-use revenue.
        UsageRevenue = "8020",
        /// Expired hours.
        Breakage = "8090",
    }
}

impl Account {
    /// The account's name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::CollectionsInTransit => "collections in transit",
            Self::Receivables => "receivables",
            Self::VatPayable => "VAT payable",
            Self::VatOnSelfBilling => "VAT reclaimable on self-billing",
            Self::VatOnBadDebt => "VAT to reclaim on bad debt",
            Self::InvestorPayable => "investor payable",
            Self::PayoutsInTransit => "payouts in transit",
            Self::InvestmentsToRepay => "investments to repay",
            Self::DeferredRevenue => "deferred revenue",
            Self::DeferredHours => "deferred prepaid hours",
            Self::UnallocatedReceipts => "unallocated receipts",
            Self::CustomerBalance => "customer credit balance",
            Self::InvestorReturn => "investor return",
            Self::BadDebt => "bad debt",
            Self::BankFees => "bank and reversal fees",
            Self::SlaCredits => "SLA credits",
            Self::SubscriptionRevenue => "subscription revenue",
            Self::ServiceRevenue => "service revenue",
            Self::UsageRevenue => "pay-per-use revenue",
            Self::Breakage => "breakage",
        }
    }

    /// Where revenue of a kind goes.
    #[must_use]
    pub const fn of_revenue(kind: RevenueKind) -> Self {
        match kind {
            RevenueKind::Subscription => Self::SubscriptionRevenue,
            RevenueKind::Service => Self::ServiceRevenue,
            RevenueKind::Usage => Self::UsageRevenue,
            RevenueKind::Investment => Self::InvestmentsToRepay,
        }
    }
}

/// The longest account code, in characters.
pub const MAX_ACCOUNT_CODE: usize = 20;

/// Why an account code is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChartRefused {
    /// Empty, too long, or other characters.
    #[error(
        "{code:?} is not an account code: expected 1 to {MAX_ACCOUNT_CODE} letters, digits, - / ."
    )]
    Form {
        /// What was given.
        code: String,
    },
    /// Two accounts under one code.
    #[error("the code {code:?} is given to both {first} and {second}: expected one account")]
    Doubled {
        /// Which code.
        code: String,
        /// The one account.
        first: Account,
        /// The other.
        second: Account,
    },
}

/// The codes under which an organization's bookkeeping knows the accounts. An account without a
/// code of its own has its default one.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Chart(BTreeMap<Account, String>);

impl Chart {
    /// A chart of these codes; the default codes of the other accounts count as taken.
    ///
    /// # Errors
    /// [`ChartRefused`].
    pub fn new(codes: impl IntoIterator<Item = (Account, String)>) -> Result<Self, ChartRefused> {
        let chart = Self(codes.into_iter().collect());
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.');
        let formed =
            |code: &str| (1..=MAX_ACCOUNT_CODE).contains(&code.len()) && code.chars().all(plain);
        if let Some(code) = chart.0.values().find(|code| !formed(code)) {
            return Err(ChartRefused::Form { code: code.chars().take(40).collect() });
        }
        let mut seen: BTreeMap<&str, Account> = BTreeMap::new();
        for second in Account::ALL {
            if let Some(first) = seen.insert(chart.code(*second), *second) {
                let code = chart.code(*second).to_owned();
                return Err(ChartRefused::Doubled { code, first, second: *second });
            }
        }
        Ok(chart)
    }

    /// The code of an account.
    #[must_use]
    pub fn code(&self, account: Account) -> &str {
        self.0.get(&account).map_or(account.as_str(), String::as_str)
    }

    /// The account of a code.
    #[must_use]
    pub fn account(&self, code: &str) -> Option<Account> {
        Account::ALL.iter().copied().find(|account| self.code(*account) == code)
    }

    /// The codes that differ from the default ones.
    pub fn own_codes(&self) -> impl Iterator<Item = (Account, &str)> {
        self.0.iter().map(|(account, code)| (*account, code.as_str()))
    }
}

codes! {
    /// What kind of fact an entry records.
    SourceKind {
        /// A finalized invoice or credit note; the source's id is the document's.
        Invoice = "invoice",
        /// Service days of a line earned up to a day; the source's id is the line's, its part the
        /// day.
        Recognition = "recognition",
        /// Money that came or went; the source's id is the payment's.
        Payment = "payment",
        /// Money that had matched nothing; the source's id is the payment's, its part the place of
        /// the first of its new parts.
        Match = "match",
        /// An attempt that is under way; the source's id is the attempt's.
        AttemptAccepted = "attempt_accepted",
        /// An attempt that was under way and failed; the source's id is the attempt's.
        AttemptFailed = "attempt_failed",
        /// An invoice that will not be paid; the source's id is the invoice's, its part which time.
        WriteOff = "write_off",
        /// VAT of such an invoice, reclaimed; the source's id is the invoice's.
        BadDebtVat = "bad_debt_vat",
        /// What investors were credited, or what of it was taken back; the source's id is the
        /// document's.
        Share = "share",
        /// VAT on an investor's own invoice; the source's id is that of the document it is for.
        InvestorInvoice = "investor_invoice",
        /// A payout that was sent; the source's id is the payout's, its part which time.
        PayoutSent = "payout_sent",
        /// A payout that has arrived; the source's id is the payout's, its part which time.
        PayoutSettled = "payout_settled",
        /// A payout that went back; the source's id is the payout's, its part which time.
        PayoutBounced = "payout_bounced",
        /// Principal that is not repaid, because its feature was retired; the source's id is the
        /// investment's.
        FeatureRetired = "feature_retired",
    }
}

/// The fact behind an entry: at most one entry per source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// What kind of fact.
    pub kind: SourceKind,
    /// The thing it happened to.
    pub id: uuid::Uuid,
    /// Which time, where it happens more than once; else empty.
    pub part: String,
}

/// One side of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// Where.
    pub account: Account,
    /// Positive for debit, negative for credit.
    pub amount: Money,
    /// On VAT accounts: the category and rate.
    pub vat: Option<LineVat>,
}

/// A balanced journal entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    id: EntryId,
    posted_on: Date,
    source: Source,
    postings: Vec<Posting>,
}

/// Why postings are no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryRefused {
    /// Fewer than two postings that are not zero.
    #[error("an entry needs two postings or more: {given} given")]
    TooFew {
        /// How many.
        given: usize,
    },
    /// Does not add up.
    #[error("debit and credit differ by {difference}")]
    Unbalanced {
        /// Debit minus credit.
        difference: Money,
    },
    /// Amounts do not fit.
    #[error(transparent)]
    Money(#[from] MoneyRefused),
}

impl Entry {
    /// An entry, if its postings add up to zero per currency. Postings of zero are dropped.
    ///
    /// # Errors
    /// [`EntryRefused`].
    pub fn new(
        id: EntryId,
        posted_on: Date,
        source: Source,
        postings: Vec<Posting>,
    ) -> Result<Self, EntryRefused> {
        let postings: Vec<Posting> =
            postings.into_iter().filter(|posting| !posting.amount.is_zero()).collect();
        if postings.len() < 2 {
            return Err(EntryRefused::TooFew { given: postings.len() });
        }
        let mut sums: BTreeMap<Currency, Money> = BTreeMap::new();
        for posting in &postings {
            let currency = posting.amount.currency();
            let sum = sums.entry(currency).or_insert(Money::zero(currency));
            *sum = sum.checked_add(posting.amount)?;
        }
        match sums.into_values().find(|sum| !sum.is_zero()) {
            Some(difference) => Err(EntryRefused::Unbalanced { difference }),
            None => Ok(Self { id, posted_on, source, postings }),
        }
    }

    /// Identity.
    #[must_use]
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// The day it counts for.
    #[must_use]
    pub fn posted_on(&self) -> Date {
        self.posted_on
    }

    /// The fact behind it.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Its sides, none of them zero.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

fn debit(account: Account, amount: Money) -> Posting {
    Posting { account, amount, vat: None }
}

fn credit(account: Account, amount: Money) -> Result<Posting, MoneyRefused> {
    Ok(Posting { account, amount: amount.negated()?, vat: None })
}

/// An invoice or credit note: receivables against revenue and VAT; deferred revenue instead of
/// revenue for the service days to come. What goes to or comes from the customer's balance is not
/// receivable. Nothing is posted for a document on which no amount stands.
///
/// # Errors
/// [`EntryRefused`] when the document does not add up.
pub fn document_entry(id: EntryId, draft: &Draft) -> Result<Option<Entry>, EntryRefused> {
    let mut revenue: BTreeMap<Account, Money> = BTreeMap::new();
    let mut add = |account, amount: Money| -> Result<(), MoneyRefused> {
        let sum = revenue.entry(account).or_insert(Money::zero(draft.currency));
        *sum = sum.checked_add(amount)?;
        Ok(())
    };
    for line in &draft.lines {
        let deferred = line.deferred()?;
        add(Account::of_revenue(line.charge.revenue), line.charge.net.checked_sub(deferred)?)?;
        add(Account::DeferredRevenue, deferred)?;
    }
    let balance = draft.settlement.balance;
    let mut postings = vec![
        debit(Account::Receivables, draft.total.checked_add(balance)?),
        credit(Account::CustomerBalance, balance)?,
    ];
    for (account, amount) in revenue {
        postings.push(credit(account, amount)?);
    }
    for row in &draft.vat_rows {
        let posting = credit(Account::VatPayable, row.tax)?;
        postings.push(Posting { vat: Some(row.vat), ..posting });
    }
    if postings.iter().all(|posting| posting.amount.is_zero()) {
        return Ok(None);
    }
    let source = Source { kind: SourceKind::Invoice, id: draft.id.0, part: String::new() };
    Entry::new(id, draft.issue_on, source, postings).map(Some)
}

/// Service days of a line earned: deferred revenue against revenue. `until` is the exclusive end
/// of the days, `posted_on` the last of them.
///
/// # Errors
/// [`EntryRefused`].
pub fn recognition_entry(
    id: EntryId,
    line: LineId,
    account: Account,
    until: Date,
    amount: Money,
) -> Result<Entry, EntryRefused> {
    let postings = vec![debit(Account::DeferredRevenue, amount), credit(account, amount)?];
    let source = Source { kind: SourceKind::Recognition, id: line.0, part: until.to_string() };
    Entry::new(id, crate::date::add_days(until, -1), source, postings)
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
