//! Numbers of investors: what they are owed, credited and paid, and whether crediting keeps up.
//!
//! Purpose: gauges of live organizations together, read from the database.
//!
//! Invariants: every label has a value at every refresh. Amounts are sums of investments, documents
//! and payouts, never counted on the way; the mismatch compares them with the ledger.
//!
//! Deliberately absent: sandboxes; who the investors are ([`crate::statement`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use chrono::Datelike;
use domain::date::{self, Date};
use domain::investment::InvestmentState;
use domain::money::Currency;
use domain::payout::PayoutState;
use domain::share::{self, Hold};
use metrics::gauge;
use store::Tx;
use store::statement::gauge::{self as rows, Amounts, Progress};

use super::{amount, major};
use crate::error::Error;

/// What investors may still be credited.
pub const INVESTOR_OWED: &str = "recoup_investor_owed_amount";
/// What they were credited and not sent.
pub const INVESTOR_PAYABLE: &str = "recoup_investor_payable_amount";
/// What is on its way to them.
pub const INVESTOR_IN_TRANSIT: &str = "recoup_investor_in_transit_amount";
/// What they were credited since the month began.
pub const INVESTOR_CREDITED: &str = "recoup_investor_credited_month_amount";
/// What has arrived since the month began.
pub const INVESTOR_PAID: &str = "recoup_investor_paid_month_amount";
/// By how much the ledger differs.
pub const INVESTOR_MISMATCH: &str = "recoup_investor_mismatch_amount";
/// Investments by where they stand.
pub const INVESTMENTS: &str = "recoup_investments";
/// Payouts by where they stand.
pub const PAYOUTS: &str = "recoup_payouts";
/// Months whose crediting is late.
pub const SHARE_MONTHS_LATE: &str = "recoup_share_months_late";
/// Investments that are not credited what they could be.
pub const SHARES_HELD: &str = "recoup_shares_held";

/// Payouts that are over are history, and no gauge.
const OVER: [PayoutState; 2] = [PayoutState::Settled, PayoutState::Cancelled];

/// Currencies that this process has shown: one in which nothing is owed any more goes to zero.
static SHOWN: Mutex<BTreeSet<Currency>> = Mutex::new(BTreeSet::new());

/// The sum over organizations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Investing {
    amounts: BTreeMap<Currency, Amounts>,
    investments: BTreeMap<InvestmentState, i64>,
    payouts: BTreeMap<PayoutState, i64>,
    months_late: i64,
    held: BTreeMap<Hold, i64>,
}

impl Investing {
    /// Adds an organization, whose date is `today`.
    pub(super) async fn add(&mut self, tx: &mut Tx, today: Date) -> Result<(), Error> {
        for (state, count) in rows::investments(tx).await? {
            *self.investments.entry(state).or_default() += count;
        }
        // Nothing is credited before something was funded.
        let Some(progress) = rows::progress(tx).await? else { return Ok(()) };
        self.months_late = self.months_late.max(months_late(progress, today));
        for (state, count) in rows::payouts(tx).await? {
            *self.payouts.entry(state).or_default() += count;
        }
        for (reason, count) in rows::held(tx, progress.next_month).await? {
            *self.held.entry(reason).or_default() += count;
        }
        let month = (date::first_of_month(today), today);
        for one in rows::amounts(tx, month, progress.next_month).await? {
            let sum = self.amounts.entry(one.currency).or_insert(zero(one.currency));
            *sum = add(*sum, one);
        }
        Ok(())
    }

    /// Sets the gauges.
    pub(super) fn set(&self) {
        let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
        // The series exist before the first organization does.
        shown.insert(Currency::EUR);
        shown.extend(self.amounts.keys());
        for currency in shown.iter().copied() {
            let sum = self.amounts.get(&currency).copied().unwrap_or(zero(currency));
            let code = currency.code();
            let of = |minor| major(minor, currency);
            gauge!(INVESTOR_OWED, "currency" => code, "kind" => "principal").set(of(sum.principal));
            gauge!(INVESTOR_OWED, "currency" => code, "kind" => "return").set(of(sum.returns));
            gauge!(INVESTOR_OWED, "currency" => code, "kind" => "accrued").set(of(sum.accrued));
            gauge!(INVESTOR_PAYABLE, "currency" => code).set(of(sum.payable));
            gauge!(INVESTOR_IN_TRANSIT, "currency" => code).set(of(sum.in_transit));
            gauge!(INVESTOR_CREDITED, "currency" => code).set(of(sum.credited));
            gauge!(INVESTOR_PAID, "currency" => code).set(of(sum.paid));
            gauge!(INVESTOR_MISMATCH, "currency" => code).set(of(sum.mismatch));
        }
        for state in InvestmentState::ALL {
            let count = self.investments.get(state).copied().unwrap_or_default();
            gauge!(INVESTMENTS, "state" => state.as_str()).set(amount(count));
        }
        for state in PayoutState::ALL.iter().filter(|one| !OVER.contains(one)) {
            let count = self.payouts.get(state).copied().unwrap_or_default();
            gauge!(PAYOUTS, "state" => state.as_str()).set(amount(count));
        }
        for reason in Hold::ALL {
            let count = self.held.get(reason).copied().unwrap_or_default();
            gauge!(SHARES_HELD, "reason" => reason.as_str()).set(amount(count));
        }
        gauge!(SHARE_MONTHS_LATE).set(amount(self.months_late));
    }
}

/// Months that were due before today and are not credited: on its day, a month is not late yet.
fn months_late(progress: Progress, today: Date) -> i64 {
    let number = |day: Date| i64::from(day.year()) * 12 + i64::from(day.month());
    let day = u32::try_from(progress.payout_day).unwrap_or(1);
    let last = share::due_month(date::add_days(today, -1), day);
    (number(last) + 1 - number(progress.next_month)).max(0)
}

fn zero(currency: Currency) -> Amounts {
    Amounts {
        currency,
        principal: 0,
        returns: 0,
        accrued: 0,
        payable: 0,
        in_transit: 0,
        credited: 0,
        paid: 0,
        mismatch: 0,
    }
}

fn add(sum: Amounts, one: Amounts) -> Amounts {
    Amounts {
        currency: sum.currency,
        principal: sum.principal.saturating_add(one.principal),
        returns: sum.returns.saturating_add(one.returns),
        accrued: sum.accrued.saturating_add(one.accrued),
        payable: sum.payable.saturating_add(one.payable),
        in_transit: sum.in_transit.saturating_add(one.in_transit),
        credited: sum.credited.saturating_add(one.credited),
        paid: sum.paid.saturating_add(one.paid),
        mismatch: sum.mismatch.saturating_add(one.mismatch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_late_from_the_day_after_its_day() {
        let table = [
            ("2026-06-01", 1, "2026-06-30", 0),
            ("2026-06-01", 1, "2026-07-01", 0),
            ("2026-06-01", 1, "2026-07-02", 1),
            ("2026-06-01", 5, "2026-07-05", 0),
            ("2026-06-01", 5, "2026-07-06", 1),
            ("2026-06-01", 5, "2026-08-05", 1),
            ("2026-11-01", 28, "2027-01-29", 2),
            ("2027-01-01", 1, "2026-12-31", 0),
        ];
        for (next_month, payout_day, today, late) in table {
            let progress = Progress { next_month: next_month.parse().unwrap(), payout_day };
            let found = months_late(progress, today.parse().unwrap());
            assert_eq!(found, late, "{next_month} {payout_day} {today}");
        }
    }
}
