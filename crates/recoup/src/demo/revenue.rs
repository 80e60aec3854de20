//! The recurring revenue of the demonstration, month by month, and its proof.
//!
//! Purpose: the answers of `GetChurn`, `ListMovements` and `GetMrr`, by the same use cases, compared
//! with each other.
//!
//! Deliberately absent: how it looks (`revenue_table`).

use std::collections::BTreeMap;

use app::Scope;
use app::mrr::{Churn, Worth};
use domain::date::Date;
use domain::money::{Currency, Money};
use domain::mrr::movement::{Kind, Totals};

use super::books::{add, next, page};
use super::scale::Scale;

/// The recurring revenue.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Revenue {
    /// One per month, in order.
    pub(super) months: Vec<Churn>,
    /// At the end of the last day.
    pub(super) worth: Vec<Worth>,
    pub(super) proof: Proof,
}

/// Comparisons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Proof {
    /// How many were made.
    pub(super) checks: usize,
    /// How many hold.
    pub(super) hold: usize,
}

impl Proof {
    /// Adds a comparison.
    pub(super) fn check(&mut self, holds: bool) {
        self.checks += 1;
        self.hold += usize::from(holds);
    }
}

/// Sums of movements.
type Sums = BTreeMap<(Currency, Kind), Money>;

/// Asks for every month, and compares: a month opens with what the one before closed with; opening
/// and movements are the closing; the movements of the customers are those of the month; what closes
/// the last month is what is in force.
pub(super) async fn read(scope: &mut Scope, scale: &Scale) -> Result<Revenue, app::Error> {
    let (mut months, mut proof) = (Vec::new(), Proof::default());
    let mut before: BTreeMap<Currency, Money> = BTreeMap::new();
    for first in scale.months() {
        let month = app::mrr::churn(scope, Some(first)).await?;
        let of_customers = of_customers(scope, first).await?;
        for totals in &month.totals {
            let currency = totals.opening.currency();
            let nothing = Money::zero(currency);
            let carried = before.insert(currency, totals.closing).unwrap_or(nothing);
            proof.check(carried == totals.opening);
            proof.check(adds_up(totals)?);
            let same = |kind: &Kind| {
                let sum = of_customers.get(&(currency, *kind)).copied().unwrap_or(nothing);
                sum == totals.of(*kind)
            };
            proof.check(Kind::ALL.iter().all(same));
        }
        months.push(month);
    }
    let (_, worth) = app::mrr::worth(scope, Some(scale.closes_on())).await?;
    for one in &worth {
        proof.check(before.get(&one.mrr.currency()) == Some(&one.mrr));
    }
    Ok(Revenue { months, worth, proof })
}

fn adds_up(totals: &Totals) -> Result<bool, app::Error> {
    let mut sum = totals.opening;
    for kind in Kind::ALL {
        sum = sum.checked_add(totals.of(*kind))?;
    }
    Ok(sum == totals.closing)
}

/// The sums of all customers' movements in a month.
async fn of_customers(scope: &mut Scope, first: Date) -> Result<Sums, app::Error> {
    let (mut sums, mut token) = (Sums::new(), Some(String::new()));
    while let Some(after) = token {
        let (_, found) = app::mrr::movements(scope, Some(first), None, &page(after)?).await?;
        for movement in found.rows.iter().flatten().flat_map(|moved| &moved.movements) {
            add(&mut sums, (movement.amount.currency(), movement.kind), movement.amount)?;
        }
        token = next(found);
    }
    Ok(sums)
}
