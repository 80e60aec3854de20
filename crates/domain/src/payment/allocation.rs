//! Where money goes: which invoices it pays, and what happens to the rest.
//!
//! Purpose: money that names invoices pays them first; the rest, and money that names none, pays
//! what its customer owes, earliest payment due date first, then the lowest number. Debts that were
//! written off come after those that were not. What is too much is the customer's balance.
//!
//! Invariants: the parts add up to the whole; no invoice gets more than is open on it. Money that
//! goes back is taken from where it went; what has been spent of a balance meanwhile is unmatched
//! and negative, for a person to see. No invoice is open again beside a balance: what its customer
//! has to its credit pays it instead, so nobody is asked for money that it does not owe.
//!
//! Deliberately absent: whose money it is, which invoices exist.

use std::collections::BTreeMap;

use super::{Allocation, Payment, PaymentKind, Target};
use crate::date::Date;
use crate::id::{InvoiceId, PaymentId};
use crate::money::{Money, MoneyRefused};

/// An invoice of which something is to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvoice {
    /// Which.
    pub id: InvoiceId,
    /// Year and place in the series of numbers.
    pub number: (i32, i64),
    /// The date by which it is to be paid.
    pub due_on: Date,
    /// What is still to be paid.
    pub open: Money,
    /// What was written off and not paid after all.
    pub written_off: Money,
}

/// Where money of a customer goes. `chosen` are the invoices that it names.
///
/// # Errors
/// [`MoneyRefused`] when amounts are of several currencies.
pub fn allocate(
    amount: Money,
    chosen: &[InvoiceId],
    owed: &[OpenInvoice],
) -> Result<Vec<Allocation>, MoneyRefused> {
    let mut order: Vec<&OpenInvoice> = owed.iter().collect();
    order.sort_by_key(|one| (!chosen.contains(&one.id), one.due_on, one.number));
    let of_chosen = order.iter().filter(|one| chosen.contains(&one.id));
    let others = order.iter().filter(|one| !chosen.contains(&one.id));
    let open = |one: &&OpenInvoice| (Target::Invoice(one.id), one.open);
    let lost = |one: &&OpenInvoice| (Target::WrittenOff(one.id), one.written_off);
    let wants = of_chosen
        .flat_map(|one| [open(one), lost(one)])
        .chain(others.clone().map(open))
        .chain(others.map(lost));
    let mut rest = amount;
    let mut parts = Vec::new();
    for (target, wanted) in wants {
        let after = rest.checked_sub(wanted)?;
        let part = if after.minor() < 0 { rest } else { wanted };
        if part.minor() > 0 {
            rest = rest.checked_sub(part)?;
            parts.push(Allocation { target, amount: part });
        }
    }
    if !rest.is_zero() {
        parts.push(Allocation { target: Target::Balance, amount: rest });
    }
    Ok(parts)
}

/// Where money of nobody goes.
#[must_use]
pub fn unmatched(amount: Money) -> Vec<Allocation> {
    vec![Allocation { target: Target::Unmatched, amount }]
}

/// What parts come to, target by target, without those that come to nothing.
///
/// # Errors
/// [`MoneyRefused`].
pub fn sums(parts: &[Allocation]) -> Result<Vec<Allocation>, MoneyRefused> {
    let mut order: Vec<Target> = Vec::new();
    let mut by_target: BTreeMap<usize, Money> = BTreeMap::new();
    for part in parts {
        let place = order.iter().position(|target| *target == part.target).unwrap_or(order.len());
        if place == order.len() {
            order.push(part.target);
        }
        let sum = by_target.entry(place).or_insert(Money::zero(part.amount.currency()));
        *sum = sum.checked_add(part.amount)?;
    }
    let sums = order.into_iter().zip(by_target.into_values());
    Ok(sums
        .filter(|(_, amount)| !amount.is_zero())
        .map(|(target, amount)| Allocation { target, amount })
        .collect())
}

/// How a payment goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// Identity of the new payment.
    pub id: PaymentId,
    /// The bank's date.
    pub booked_on: Date,
    /// What the bank asks for it.
    pub fee: Option<Money>,
}

/// The payment that takes a whole payment back, as its parts stand now. `available` is what the
/// customer has to its credit: first that which came with the payment is taken from it, then what
/// keeps its invoices paid.
///
/// # Errors
/// [`MoneyRefused`].
pub fn take_back(
    payment: &Payment,
    available: Money,
    how: TakenBack,
) -> Result<Payment, MoneyRefused> {
    let mut left = available;
    let mut parts = Vec::new();
    let mut gone = sums(&payment.allocations)?;
    gone.sort_by_key(|part| part.target != Target::Balance);
    for Allocation { target, amount } in gone {
        let of_balance = match target {
            Target::Unmatched => Money::zero(amount.currency()),
            // A refund that did not arrive: the balance gets it again.
            Target::Balance if amount.minor() < 0 => amount,
            _ if left.minor() < amount.minor() => left,
            _ => amount,
        };
        left = left.checked_sub(of_balance)?;
        parts.push(Allocation { target: Target::Balance, amount: of_balance.negated()? });
        let target = if target == Target::Balance { Target::Unmatched } else { target };
        let rest = amount.checked_sub(of_balance)?.negated()?;
        parts.push(Allocation { target, amount: rest });
    }
    let kind = match payment.kind {
        PaymentKind::Refund => PaymentKind::RefundReturned,
        _ => PaymentKind::Bounce,
    };
    Ok(Payment {
        id: how.id,
        customer_id: payment.customer_id,
        kind,
        amount: payment.amount.negated()?,
        booked_on: how.booked_on,
        attempt_id: payment.attempt_id,
        reverses: Some(payment.id),
        in_transit: false,
        fee: how.fee,
        reference: None,
        payer_name: None,
        note: None,
        external_id: None,
        allocations: sums(&parts)?,
    })
}

#[cfg(test)]
#[path = "allocation_tests.rs"]
mod tests;
