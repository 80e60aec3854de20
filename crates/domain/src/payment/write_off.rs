//! Invoices that will not be paid, and what comes of them after all.
//!
//! Purpose: what of an invoice is written off, with the VAT in it, and how much of that VAT goes
//! back to the tax authority when some of it is paid after all.
//!
//! Invariants: VAT is split by the share of the whole, cumulatively: what comes back in parts adds
//! up to what went, and what is taken back again is exactly what came. What is credited was never
//! owed: it is written off no longer, and when all of it is credited no VAT is left. Dating makes the
//! VAT reclaimable once; from then on it moves on the VAT account itself.
//!
//! Deliberately absent: when to write off (a person decides), when the law allows to reclaim
//! (finance dates it).

use crate::id::InvoiceId;
use crate::money::{Currency, Money, MoneyRefused, share_of_minor};
use crate::vat::{LineVat, VatRow};

/// VAT by class and rate.
pub type VatParts = Vec<(LineVat, Money)>;

/// The VAT of one rate in what was written off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostVat {
    /// Class and rate.
    pub vat: LineVat,
    /// How much was written off.
    pub tax: Money,
    /// How much of it was paid after all.
    pub recovered: Money,
}

/// What is written off of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOff {
    /// Of which invoice.
    pub invoice_id: InvoiceId,
    /// How often something was written off of it.
    pub times: i32,
    /// How much in all, including VAT.
    pub amount: Money,
    /// How much of it was paid after all.
    pub recovered: Money,
    /// Whether the VAT in it has been reclaimed.
    pub is_dated: bool,
    /// The VAT in it.
    pub vat: Vec<LostVat>,
}

/// What was paid after all, or, negative, went back again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Including VAT.
    pub amount: Money,
    /// The VAT in it.
    pub vat: VatParts,
    /// Whether that VAT had been reclaimed.
    pub is_dated: bool,
}

fn share(of: Money, part: Money, whole: Money) -> Result<Money, MoneyRefused> {
    if whole.is_zero() {
        return Ok(Money::zero(of.currency()));
    }
    Ok(Money::new(share_of_minor(of.minor(), part.minor(), whole.minor())?, of.currency()))
}

impl WriteOff {
    /// Of an invoice of which nothing has been written off.
    #[must_use]
    pub fn none(invoice_id: InvoiceId, currency: Currency) -> Self {
        let zero = Money::zero(currency);
        let vat = Vec::new();
        Self { invoice_id, times: 0, amount: zero, recovered: zero, is_dated: false, vat }
    }

    /// Writes off an amount of an invoice of which these rates are left; answers the VAT in it.
    ///
    /// # Errors
    /// [`MoneyRefused`].
    pub fn add(&mut self, amount: Money, rows: &[VatRow]) -> Result<VatParts, MoneyRefused> {
        let gross = rows.iter().flat_map(|row| [row.base, row.tax]);
        let gross = Money::sum(amount.currency(), gross)?;
        let mut parts = Vec::with_capacity(rows.len());
        for row in rows {
            let tax = share(row.tax, amount, gross)?;
            if tax.is_zero() {
                continue;
            }
            parts.push((row.vat, tax));
            match self.vat.iter_mut().find(|lost| lost.vat == row.vat) {
                Some(lost) => lost.tax = lost.tax.checked_add(tax)?,
                None => {
                    let recovered = Money::zero(tax.currency());
                    self.vat.push(LostVat { vat: row.vat, tax, recovered });
                }
            }
        }
        self.amount = self.amount.checked_add(amount)?;
        self.times = self.times.saturating_add(1);
        Ok(parts)
    }

    /// Takes an amount as paid after all, or, negative, as gone back.
    ///
    /// # Errors
    /// [`MoneyRefused`].
    pub fn recover(&mut self, amount: Money) -> Result<Recovered, MoneyRefused> {
        self.recovered = self.recovered.checked_add(amount)?;
        let mut vat = Vec::with_capacity(self.vat.len());
        for lost in &mut self.vat {
            let now = share(lost.tax, self.recovered, self.amount)?;
            vat.push((lost.vat, now.checked_sub(lost.recovered)?));
            lost.recovered = now;
        }
        Ok(Recovered { amount, vat, is_dated: self.is_dated })
    }

    /// Takes what was credited as written off no longer: at most what was not paid after all.
    /// `rows` are the rates of the credit, as they stand on it. Answers what is written off more by
    /// it, with the VAT in it: below zero.
    ///
    /// # Errors
    /// [`MoneyRefused`].
    pub fn lower(&mut self, amount: Money, rows: &[VatRow]) -> Result<Recovered, MoneyRefused> {
        let gross = rows.iter().flat_map(|row| [row.base, row.tax]);
        let gross = Money::sum(amount.currency(), gross)?;
        self.amount = self.amount.checked_sub(amount)?;
        let mut vat = Vec::with_capacity(self.vat.len());
        for lost in &mut self.vat {
            let before = lost.tax.checked_sub(lost.recovered)?;
            let row = rows.iter().find(|row| row.vat == lost.vat);
            let tax = row
                .map_or(Ok(Money::zero(amount.currency())), |row| share(row.tax, amount, gross))?;
            // What was paid of several rates may have left less of this one.
            let is_all = self.amount.is_zero() || tax.minor().abs() > lost.tax.minor().abs();
            lost.tax = lost.tax.checked_sub(if is_all { lost.tax } else { tax })?;
            lost.recovered = share(lost.tax, self.recovered, self.amount)?;
            let after = lost.tax.checked_sub(lost.recovered)?;
            vat.push((lost.vat, after.checked_sub(before)?));
        }
        Ok(Recovered { amount: amount.negated()?, vat, is_dated: self.is_dated })
    }

    /// Dates the VAT; answers how much is reclaimed, which is nothing the second time.
    ///
    /// # Errors
    /// [`MoneyRefused`].
    pub fn date(&mut self) -> Result<VatParts, MoneyRefused> {
        if self.is_dated {
            return Ok(Vec::new());
        }
        self.is_dated = true;
        let left = |lost: &LostVat| Ok((lost.vat, lost.tax.checked_sub(lost.recovered)?));
        self.vat.iter().map(left).collect()
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::vat::VatClass;

    fn euro(minor: i64) -> Money {
        Money::new(minor, Currency::from_code("EUR").unwrap())
    }

    fn rate(percent: i64) -> LineVat {
        LineVat { class: VatClass::Standard, percent: Decimal::from(percent) }
    }

    /// 100.00 at 21 % and 100.00 at 9 %: 230.00.
    fn rows() -> [VatRow; 2] {
        let row = |percent, tax| VatRow { vat: rate(percent), base: euro(10_000), tax: euro(tax) };
        [row(21, 2_100), row(9, 900)]
    }

    fn none() -> WriteOff {
        WriteOff::none(InvoiceId(uuid::Uuid::nil()), euro(0).currency())
    }

    #[test]
    fn a_whole_invoice_loses_all_its_vat_and_a_part_its_share() {
        let table = [(23_000, [2_100, 900]), (11_500, [1_050, 450]), (1, [0, 0]), (100, [9, 4])];
        for (amount, vat) in table {
            let parts = none().add(euro(amount), &rows()).unwrap();
            let of = |percent| {
                let found = parts.iter().find(|(vat, _)| *vat == rate(percent));
                found.map_or(0, |(_, tax)| tax.minor())
            };
            assert_eq!([of(21), of(9)], vat, "{amount}");
        }
    }

    #[test]
    fn what_comes_back_in_parts_adds_up_and_going_back_undoes_it() {
        let mut one = none();
        one.add(euro(23_000), &rows()).unwrap();
        let mut sums = [0, 0];
        for part in [1, 7_666, 7_667, 7_666, -7_666, 7_666] {
            for (sum, (_, tax)) in sums.iter_mut().zip(one.recover(euro(part)).unwrap().vat) {
                *sum += tax.minor();
            }
        }
        assert_eq!((sums, one.recovered), ([2_100, 900], euro(23_000)));
        assert!(one.date().unwrap().iter().all(|(_, tax)| tax.is_zero()));
    }

    #[test]
    fn what_is_credited_is_written_off_no_longer_and_neither_is_its_vat() {
        let credit =
            |base: i64, tax: i64| VatRow { vat: rate(21), base: euro(-base), tax: euro(-tax) };
        // Written off, paid after all, credited at 21 %; what of the VAT is left then, and before.
        let table = [
            (23_000, 0, 12_100, [0, 900], [2_100, 900]),
            (23_000, 0, 6_050, [1_050, 900], [2_100, 900]),
            (11_500, 0, 11_500, [0, 0], [1_050, 450]),
            // More of that rate than is left of it.
            (11_500, 0, 9_000, [0, 450], [1_050, 450]),
            // Half of it was paid: a larger share of what is written off then, and all of it.
            (23_000, 11_500, 6_050, [338, 289], [1_050, 450]),
            (23_000, 11_500, 11_500, [0, 0], [1_050, 450]),
        ];
        for (lost, paid, credited, left, before) in table {
            let mut one = none();
            one.add(euro(lost), &rows()).unwrap();
            one.recover(euro(paid)).unwrap();
            let stands = |one: &WriteOff| -> Vec<i64> {
                one.vat.iter().map(|lost| lost.tax.minor() - lost.recovered.minor()).collect()
            };
            assert_eq!(stands(&one), before, "{lost} {paid} {credited}");
            let less = one.lower(euro(credited), &[credit(10_000, 2_100)]).unwrap();
            assert_eq!(stands(&one), left, "{lost} {paid} {credited}");
            assert_eq!((less.amount, one.amount), (euro(-credited), euro(lost - credited)));
            let moved: Vec<i64> = less.vat.iter().map(|(_, tax)| tax.minor()).collect();
            assert_eq!(moved, [left[0] - before[0], left[1] - before[1]]);
        }
    }

    #[test]
    fn vat_is_dated_once_for_what_is_left() {
        let mut one = none();
        one.add(euro(23_000), &rows()).unwrap();
        assert!(!one.recover(euro(11_500)).unwrap().is_dated);
        assert_eq!(one.date().unwrap(), [(rate(21), euro(1_050)), (rate(9), euro(450))]);
        assert_eq!(one.date().unwrap(), []);
        assert!(one.recover(euro(100)).unwrap().is_dated);
    }
}
