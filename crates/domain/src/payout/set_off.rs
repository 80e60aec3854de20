//! Nobody is sent more than is owed.
//!
//! Purpose: what an investor was credited and is taken back lowers what it is owed (account 1600);
//! payouts that are about to be sent are lowered by it, oldest first.
//!
//! Invariants: of one investor and currency no more is sent than is owed. What is sent and what is
//! set off are together what the document says. What was set off before is looked at again: as much
//! as is owed now is sent.
//!
//! Deliberately absent: what is owed (the database adds it up), who is paid at all
//! ([`Payout::check_account`]).

use std::collections::HashMap;

use super::{Payout, PayoutState};
use crate::id::CustomerId;
use crate::money::{Currency, Money, MoneyRefused};

/// Why a payout of which nothing is left is not sent.
const SET_OFF: &str = "set off against what was paid and then taken back";

/// What an investor is owed in a currency: below zero, it was paid too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    /// Who.
    pub investor_id: CustomerId,
    /// How much, with VAT.
    pub amount: Money,
}

impl Payout {
    /// Lowers it to what is owed; nothing left: it is cancelled.
    fn set_off(&mut self, owed: i64) -> Result<(), MoneyRefused> {
        let currency = self.amount.currency();
        let whole = self.amount.checked_add(self.set_off)?;
        self.amount = Money::new(whole.minor().min(owed.max(0)), currency);
        self.set_off = whole.checked_sub(self.amount)?;
        if self.amount.is_zero() {
            self.state = PayoutState::Cancelled;
            self.why = Some(SET_OFF.to_owned());
        }
        Ok(())
    }
}

/// Lowers payouts that are ready, oldest first, to what their investors are owed; who is not among
/// `owed` is owed nothing. Those of which nothing is left are cancelled.
///
/// # Errors
/// [`MoneyRefused`].
pub fn set_off(ready: &mut [Payout], owed: &[Owed]) -> Result<(), MoneyRefused> {
    let mut left: HashMap<(CustomerId, Currency), i64> = owed
        .iter()
        .map(|one| ((one.investor_id, one.amount.currency()), one.amount.minor()))
        .collect();
    for payout in ready {
        let left = left.entry((payout.investor_id, payout.amount.currency())).or_default();
        payout.set_off(*left)?;
        *left = left.saturating_sub(payout.amount.minor());
    }
    Ok(())
}

#[cfg(test)]
#[path = "set_off_tests.rs"]
mod tests;
