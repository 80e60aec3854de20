//! The recurring revenue as text.
//!
//! Invariants: the same figures give the same text.
//!
//! Deliberately absent: finding and proving the figures (`revenue`).

use app::mrr::Churn;
use domain::money::Currency;
use domain::mrr::movement::{Kind, Totals};
use rust_decimal::{Decimal, RoundingStrategy};

use super::amount::{grouped, shown};
use super::revenue::Revenue;
use super::scale::Scale;

/// So many months are shown, the latest.
const SHOWN: usize = 24;

/// A line per month in euros, and what recurs in the end in every currency.
pub(super) fn revenue_table(revenue: &Revenue, scale: &Scale) -> Vec<String> {
    let heads = ["opening", "new", "reactivated", "expansion", "contraction", "churn", "closing"];
    let mut lines = vec![
        "monthly recurring revenue (EUR), and customers at the opening".to_owned(),
        row("month", &heads.map(str::to_owned), "customers", ("lost", "lost %")),
    ];
    let hidden = revenue.months.len().saturating_sub(SHOWN);
    lines.extend(revenue.months.iter().skip(hidden).map(month));
    for one in &revenue.worth {
        lines.push(format!(
            "MRR on {}: {} (customers {}, committed {}, at risk {})",
            scale.closes_on(),
            shown(one.mrr),
            grouped(&one.customers.to_string()),
            shown(one.committed),
            shown(one.at_risk)
        ));
    }
    lines
}

fn month(month: &Churn) -> String {
    let euros = |totals: &&Totals| totals.opening.currency() == Currency::EUR;
    let of = month.totals.iter().find(euros);
    let amount = |of: Option<domain::money::Money>| {
        of.map_or("0.00".to_owned(), |sum| grouped(&sum.major().to_string()))
    };
    let sum = |kind| amount(of.map(|totals| totals.of(kind)));
    let amounts = [
        amount(of.map(|totals| totals.opening)),
        sum(Kind::New),
        sum(Kind::Reactivation),
        sum(Kind::Expansion),
        sum(Kind::Contraction),
        sum(Kind::Churn),
        amount(of.map(|totals| totals.closing)),
    ];
    let lost: i64 = month.lost.iter().map(|(_, customers)| customers).sum();
    let percent = |rate: Decimal| {
        let exact = rate * Decimal::ONE_HUNDRED;
        let rounded = exact.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
        format!("{rounded:.1}")
    };
    let rate = month.rate.map(percent);
    let name = month.month.first.format("%Y-%m").to_string();
    let customers = month.opening_customers.to_string();
    row(&name, &amounts, &customers, (&lost.to_string(), rate.as_deref().unwrap_or("-")))
}

fn row(name: &str, amounts: &[String; 7], customers: &str, (lost, rate): (&str, &str)) -> String {
    let amounts: String = amounts.iter().map(|amount| format!("{amount:>12}")).collect();
    format!("{name:<7}{amounts}{customers:>11}{lost:>6}{rate:>8}")
}
