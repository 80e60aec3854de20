//! What came of collecting, as text.
//!
//! Invariants: the same figures give the same text.
//!
//! Deliberately absent: finding and proving the figures (`payments`).

use domain::money::{Currency, Money};
use domain::payment::PaymentKind;
use rust_decimal::{Decimal, RoundingStrategy};

use super::amount::{grouped, shown};
use super::payments::{Fate, Payments, Sum};
use super::table::counted;

/// What each kind of movement is called.
const MOVED: [(PaymentKind, &str); 5] = [
    (PaymentKind::Collection, "collected"),
    (PaymentKind::Receipt, "transferred"),
    (PaymentKind::Bounce, "bounced"),
    (PaymentKind::Refund, "paid back"),
    (PaymentKind::RefundReturned, "came back"),
];

/// Attempts, the retry queue, the money that came, and what became of what did not.
pub(super) fn payments_table(payments: &Payments) -> Vec<String> {
    let attempts = payments.attempts.iter().map(|(state, count)| (state.as_str(), *count));
    let queue = payments.queue.iter().map(|(state, count)| (state.as_str(), *count));
    let mut lines =
        vec![counted("attempts", attempts), counted("retry queue", queue), String::new()];
    lines.push(format!("{:<24}{:>10}{:>22}", "money", "count", "amount"));
    for (kind, name) in MOVED {
        if let Some(sum) = payments.moved.get(&kind) {
            sums(&mut lines, name, sum);
        }
    }
    sums(&mut lines, "matches nothing", &payments.unmatched);
    sums(&mut lines, "written off", &payments.written_off);
    lines.push(String::new());
    let failed = payments.failed.all.count;
    let percent = share(failed, payments.tried);
    let title =
        format!("invoices that failed ({percent} of {})", grouped(&payments.tried.to_string()));
    fate(&mut lines, &title, &payments.failed);
    fate(&mut lines, "invoices to be transferred that were late", &payments.late);
    lines
}

fn share(part: u32, of: u32) -> String {
    let exact = Decimal::from(part) * Decimal::ONE_HUNDRED;
    match exact.checked_div(Decimal::from(of)) {
        Some(percent) => {
            let to_nearest = RoundingStrategy::MidpointAwayFromZero;
            format!("{:.1} %", percent.round_dp_with_strategy(1, to_nearest))
        }
        None => "-".to_owned(),
    }
}

fn fate(lines: &mut Vec<String>, title: &str, fate: &Fate) {
    lines.push(title.to_owned());
    let parts = [
        ("  all", &fate.all),
        ("  recovered", &fate.recovered),
        ("  lost", &fate.lost),
        ("  at risk", &fate.at_risk),
    ];
    for (name, sum) in parts {
        sums(lines, name, sum);
    }
}

/// A line per currency; the count stands once.
fn sums(lines: &mut Vec<String>, name: &str, sum: &Sum) {
    let nothing = Money::zero(Currency::EUR);
    let count = grouped(&sum.count.to_string());
    let euros = sum.amounts.get(&Currency::EUR).copied().unwrap_or(nothing);
    lines.push(row(name, &count, euros));
    let others = sum
        .amounts
        .iter()
        .filter(|(currency, amount)| **currency != Currency::EUR && !amount.is_zero());
    lines.extend(others.map(|(_, amount)| row("", "", *amount)));
}

fn row(name: &str, count: &str, amount: Money) -> String {
    format!("{name:<24}{count:>10}{:>22}", shown(amount))
}
