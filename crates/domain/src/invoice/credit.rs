//! Credits by hand: what is taken back of an invoice's lines.
//!
//! Purpose: from the lines of a finalized invoice, with what was taken back of them before, to the
//! lines of a credit note.
//!
//! Invariants: of a line never more is taken back than is left of it, whoever took back the rest. A
//! credit has the VAT of its line. It comes first out of what the line has not earned yet; what
//! then stays unearned is earned evenly over the days that are left.
//!
//! Deliberately absent: which days are not delivered (that is the run's, `billing::charge`), and
//! settlement ([`crate::balance`]).

use crate::id::{InvoiceId, LineId, ProductId};
use crate::invoice::{Charge, Corrected, LineKind, Origin};
use crate::money::{Money, MoneyRefused};
use crate::period::Period;
use crate::plan::Product;
use crate::revenue::Deferral;
use crate::vat::LineVat;

/// A line of which something may be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creditable {
    /// Which.
    pub line_id: LineId,
    /// On which invoice.
    pub invoice_id: InvoiceId,
    /// What was sold.
    pub product_id: ProductId,
    /// Its text.
    pub description: String,
    /// The days it pays for.
    pub service: Period,
    /// Its VAT.
    pub vat: LineVat,
    /// What is left of its net after all credits; nothing of a line that is a credit itself.
    pub left: Money,
    /// What of it is earned later.
    pub deferral: Option<Deferral>,
}

/// What is to be taken back of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Of which line.
    pub line_id: LineId,
    /// How much of its net; all that is left when absent.
    pub amount: Option<Money>,
}

/// Why nothing can be taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreditRefused {
    /// Not a line of the invoice.
    #[error("line {id} is not on this invoice")]
    LineUnknown {
        /// Which.
        id: LineId,
    },
    /// The same line twice.
    #[error("line {id} is given twice: expected each line once")]
    Doubled {
        /// Which.
        id: LineId,
    },
    /// Nothing, less than nothing, or of another currency.
    #[error("{amount} is not possible: expected an amount above zero in {left}'s currency")]
    Amount {
        /// What was wanted.
        amount: Money,
        /// What is left.
        left: Money,
    },
    /// All of it has been taken back.
    #[error("nothing is left to credit")]
    NothingLeft,
    /// Less than wanted is left.
    #[error("{amount} is more than what is left of line {id}: {left}")]
    MoreThanLeft {
        /// Of which line.
        id: LineId,
        /// What was wanted.
        amount: Money,
        /// What is left.
        left: Money,
    },
    /// Amounts do not fit.
    #[error(transparent)]
    Money(#[from] MoneyRefused),
}

/// The lines of an invoice of which something is taken back, with how much: everything that is left
/// when nothing particular is wanted.
///
/// # Errors
/// [`CreditRefused`].
pub fn choose(
    lines: Vec<Creditable>,
    wanted: &[Wanted],
) -> Result<Vec<(Creditable, Money)>, CreditRefused> {
    if wanted.is_empty() {
        let left = lines.into_iter().filter(|line| line.left.minor() > 0);
        let chosen: Vec<_> =
            left.map(|line| (line.left, line)).map(|(left, line)| (line, left)).collect();
        return if chosen.is_empty() { Err(CreditRefused::NothingLeft) } else { Ok(chosen) };
    }
    let mut lines: Vec<Option<Creditable>> = lines.into_iter().map(Some).collect();
    let known: Vec<LineId> = lines.iter().flatten().map(|line| line.line_id).collect();
    let mut chosen = Vec::with_capacity(wanted.len());
    for one in wanted {
        let id = one.line_id;
        let at = known.iter().position(|known| *known == id);
        let at = at.ok_or(CreditRefused::LineUnknown { id })?;
        let line = lines[at].take().ok_or(CreditRefused::Doubled { id })?;
        let left = line.left;
        if left.minor() <= 0 {
            return Err(CreditRefused::NothingLeft);
        }
        let amount = one.amount.unwrap_or(left);
        if amount.minor() <= 0 || amount.currency() != left.currency() {
            return Err(CreditRefused::Amount { amount, left });
        }
        if amount.minor() > left.minor() {
            return Err(CreditRefused::MoreThanLeft { id, amount, left });
        }
        chosen.push((line, amount));
    }
    Ok(chosen)
}

impl Creditable {
    /// The credit note's line that takes an amount back; the line's deferral moves along.
    ///
    /// # Errors
    /// [`MoneyRefused`].
    pub fn credit(&mut self, product: &Product, amount: Money) -> Result<Charge, MoneyRefused> {
        let unearned = match &mut self.deferral {
            Some(deferral) => deferral.correct(amount)?,
            None => Money::zero(amount.currency()),
        };
        self.left = self.left.checked_sub(amount)?;
        let origin = Origin::Line { line_id: self.line_id };
        let corrects = Corrected {
            line_id: self.line_id,
            invoice_id: self.invoice_id,
            vat: self.vat,
            unearned,
        };
        Ok(Charge {
            description: self.description.clone(),
            unit_label: None,
            net: amount.negated()?,
            corrects: Some(corrects),
            ..Charge::of_product(origin, LineKind::Correction, product, self.service, amount)
        })
    }
}

#[cfg(test)]
#[path = "credit_tests.rs"]
mod tests;
