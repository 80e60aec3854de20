//! Settlement of documents with each other: what a credit note pays off, and a customer's balance.
//!
//! Purpose: a credit note goes first against what is open on the invoices that it corrects, the
//! rest to the customer's balance; the balance pays the next invoices. What was written off of an
//! invoice counts as open here: nobody paid it, so a credit of it is no money of the customer's.
//!
//! Invariants: all amounts include VAT. The balance is never negative and nothing is applied
//! beyond what is open; settling changes no line and no VAT.
//!
//! Deliberately absent: payments.

use std::collections::HashMap;

use crate::id::InvoiceId;
use crate::invoice::Draft;
use crate::money::{Money, MoneyRefused};

/// What a document settles besides being paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Invoices that a credit note pays off, and by how much.
    pub allocations: Vec<(InvoiceId, Money)>,
    /// What it adds to the customer's balance, or, negative, takes from it.
    pub balance: Money,
    /// What is still to be paid of it.
    pub open: Money,
}

impl Settlement {
    /// A document of this total that settles nothing.
    #[must_use]
    pub fn none(total: Money) -> Self {
        let open = Money::new(total.minor().max(0), total.currency());
        Self { allocations: Vec::new(), balance: Money::zero(total.currency()), open }
    }
}

/// A customer's balance in one currency, and what is open on the invoices that may be corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// What the vendor owes the customer.
    pub available: Money,
    /// Invoices with what is still to be paid of them, or was written off.
    pub open: HashMap<InvoiceId, Money>,
}

impl Balance {
    /// Of this much, with no open invoices.
    #[must_use]
    pub fn of(available: Money) -> Self {
        Self { available, open: HashMap::new() }
    }

    /// Settles a document as it is finalized.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn settle(&mut self, draft: &mut Draft) -> Result<(), MoneyRefused> {
        let mut settlement = Settlement::none(draft.total);
        if draft.total.minor() < 0 {
            let mut rest = draft.total.negated()?;
            for invoice in draft.corrected_invoices() {
                let Some(open) = self.open.get_mut(&invoice) else { continue };
                let part = smaller(*open, rest);
                if part.is_zero() {
                    continue;
                }
                *open = open.checked_sub(part)?;
                rest = rest.checked_sub(part)?;
                settlement.allocations.push((invoice, part));
            }
            self.available = self.available.checked_add(rest)?;
            settlement.balance = rest;
        } else {
            let applied = smaller(self.available, draft.total);
            self.available = self.available.checked_sub(applied)?;
            settlement.balance = applied.negated()?;
            settlement.open = draft.total.checked_sub(applied)?;
            self.open.insert(draft.id, settlement.open);
        }
        draft.settlement = settlement;
        Ok(())
    }
}

/// The smaller of two amounts of one currency.
fn smaller(one: Money, other: Money) -> Money {
    if one.minor() <= other.minor() { one } else { other }
}

#[cfg(test)]
#[path = "balance_tests.rs"]
mod tests;
