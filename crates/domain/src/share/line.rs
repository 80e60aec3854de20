//! What of an invoice line counts.
//!
//! Purpose: from a line, what was taken back of it and what of its invoice was paid, as of a day, to
//! what counts of it on each basis; and the sums of many lines.
//!
//! Invariants: an amount that counts lies between nothing and what is left of the line. It depends
//! on what is so on the day alone, never on the order in which it came about.
//!
//! Deliberately absent: which lines are a feature's, and what was so on a day (`store::share`).

use crate::investment::Basis;
use crate::money::{MoneyRefused, share_of_minor};

/// After how many days money that has come is certain: a direct debit can be taken back for eight
/// weeks without a reason.
pub const AGE_DAYS: i64 = 56;

/// An invoice line of a feature, and what became of it by the end of a day: minor units of one
/// currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Without VAT, after discounts.
    pub net: i64,
    /// What other lines took back of it: zero or less.
    pub credited: i64,
    /// What is to be paid of its document, including VAT, after credit notes. Zero or less: it
    /// counts as paid.
    pub due: i64,
    /// What was paid of it, with balance applied.
    pub settled: i64,
    /// The same, of what is [`AGE_DAYS`] old.
    pub aged: i64,
}

impl Line {
    /// What of it counts.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn counted(&self, basis: Basis) -> Result<i64, MoneyRefused> {
        let left = self.net.checked_add(self.credited).ok_or(MoneyRefused::Overflow)?;
        match basis {
            Basis::Invoiced => Ok(left),
            Basis::Collected => self.part(left, self.settled),
            Basis::CollectedAndAged => self.part(left, self.aged),
        }
    }

    fn part(&self, left: i64, settled: i64) -> Result<i64, MoneyRefused> {
        if self.due <= 0 || settled >= self.due {
            return Ok(left);
        }
        share_of_minor(left, settled.max(0), self.due)
    }
}

/// What of a feature's lines counts by the end of a day, of all times, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    collected: i64,
    invoiced: i64,
    aged: i64,
}

impl Counted {
    /// Adds a line.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn add(&mut self, line: &Line) -> Result<(), MoneyRefused> {
        for basis in Basis::ALL {
            let sum = self.sum(*basis);
            *sum = sum.checked_add(line.counted(*basis)?).ok_or(MoneyRefused::Overflow)?;
        }
        Ok(())
    }

    /// What counts on a basis.
    #[must_use]
    pub fn of(mut self, basis: Basis) -> i64 {
        *self.sum(basis)
    }

    fn sum(&mut self, basis: Basis) -> &mut i64 {
        match basis {
            Basis::Collected => &mut self.collected,
            Basis::Invoiced => &mut self.invoiced,
            Basis::CollectedAndAged => &mut self.aged,
        }
    }
}
