//! Gauges of recurring revenue.
//!
//! Purpose: what live organizations are worth together, by currency, in major units; how they moved
//! since the month began, by each organization's own calendar; their customers.
//!
//! Invariants: every label has a value at every refresh, so that what is gone is shown as zero.
//!
//! Deliberately absent: sandboxes; other months than these two, which `RevenueService` answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use domain::date::{self, Date};
use domain::money::Currency;
use domain::mrr::ChurnKind;
use domain::mrr::movement::Kind;
use metrics::gauge;
use store::Tx;
use store::mrr::{Between, Standing};

use super::{amount, major};
use crate::error::Error;
use crate::mrr::Month;

/// Monthly worth of what is in force.
pub const MRR: &str = "recoup_mrr";
/// Monthly worth of what is known to last.
pub const MRR_COMMITTED: &str = "recoup_mrr_committed";
/// The part of customers in arrears.
pub const MRR_AT_RISK: &str = "recoup_mrr_at_risk";
/// How it moved since the month began.
pub const MRR_MOVEMENT_MONTH: &str = "recoup_mrr_movement_month";
/// Customers by standing.
pub const CUSTOMERS: &str = "recoup_customers";
/// Customers that went last month.
pub const CHURNED_CUSTOMERS_LAST_MONTH: &str = "recoup_churned_customers_last_month";

/// Currencies that this process has shown: one that no organization has any more goes to zero, and
/// does not stay where it was.
static SHOWN: Mutex<BTreeSet<Currency>> = Mutex::new(BTreeSet::new());

/// What one currency is worth, in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Worth {
    mrr: i64,
    committed: i64,
    at_risk: i64,
    moved: BTreeMap<Kind, i64>,
}

/// The sum over organizations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Recurring {
    worth: BTreeMap<Currency, Worth>,
    standing: Standing,
    lost: BTreeMap<ChurnKind, i64>,
}

impl Recurring {
    /// Adds an organization, whose date is `today`.
    pub(super) async fn add(&mut self, tx: &mut Tx, today: Date) -> Result<(), Error> {
        let own = store::organization::get(tx).await?.default_currency;
        self.worth.entry(own).or_default();
        for found in store::mrr::worth(tx, today).await? {
            let worth = self.worth.entry(found.mrr.currency()).or_default();
            worth.mrr += found.mrr.minor();
            worth.committed += found.committed.minor();
            worth.at_risk += found.at_risk.minor();
        }
        let month = Month::of(today, today);
        let between = Between { opening: month.opening, closing: month.closing };
        for sum in store::mrr::change_sums(tx, between).await? {
            let worth = self.worth.entry(sum.change.opening.currency()).or_default();
            for movement in sum.change.movements()? {
                *worth.moved.entry(movement.kind).or_default() += movement.amount.minor();
            }
        }
        let standing = store::mrr::standing(tx, today).await?;
        self.standing.paying += standing.paying;
        self.standing.paused += standing.paused;
        self.standing.starting += standing.starting;
        let last_opening = date::add_days(date::first_of_month(month.opening), -1);
        for gone in store::mrr::gone(tx, last_opening, month.opening).await? {
            *self.lost.entry(gone.kind).or_default() += gone.customers;
        }
        Ok(())
    }

    /// Sets the gauges.
    pub(super) fn set(&self) {
        let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
        // The series exist before the first organization does.
        shown.insert(Currency::EUR);
        shown.extend(self.worth.keys());
        let nothing = Worth::default();
        for currency in shown.iter().copied() {
            let worth = self.worth.get(&currency).unwrap_or(&nothing);
            let code = currency.code();
            gauge!(MRR, "currency" => code).set(major(worth.mrr, currency));
            gauge!(MRR_COMMITTED, "currency" => code).set(major(worth.committed, currency));
            gauge!(MRR_AT_RISK, "currency" => code).set(major(worth.at_risk, currency));
            for kind in Kind::ALL {
                let moved = worth.moved.get(kind).copied().unwrap_or_default();
                gauge!(MRR_MOVEMENT_MONTH, "currency" => code, "movement" => kind.as_str())
                    .set(major(moved, currency));
            }
        }
        let Standing { paying, paused, starting } = self.standing;
        for (state, count) in [("paying", paying), ("paused", paused), ("starting", starting)] {
            gauge!(CUSTOMERS, "state" => state).set(amount(count));
        }
        for kind in ChurnKind::ALL {
            let lost = self.lost.get(kind).copied().unwrap_or_default();
            gauge!(CHURNED_CUSTOMERS_LAST_MONTH, "kind" => kind.as_str()).set(amount(lost));
        }
    }
}
