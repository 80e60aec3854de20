//! Price models: how a quantity becomes the amount of a whole period.
//!
//! Purpose: flat, per unit, graduated, volume, package and percentage prices; the amount of a
//! quantity, of a further quantity, and what is missing to an agreed minimum.
//!
//! Invariants: an amount stays exact until the caller rounds it, once per line; arithmetic that
//! would lose a digit is refused as an overflow. Upper bounds of tiers are inclusive, the last
//! tier is open. More never costs less, except in volume tiers, whose point it is. A quantity
//! below zero counts as zero.
//!
//! Deliberately absent: maximums, fees per event, tiers per seat and day (part of a period costs a
//! part of its amount: [`crate::period::prorate`]); discounts and VAT.

mod check;
mod text;

use rust_decimal::Decimal;

pub use self::check::{Field, ModelRefused, minimum};
use crate::money::{self, Currency, Money, MoneyRefused};
use crate::period::{Period, prorate};
use crate::plan::MAX_PRICE_DECIMALS;

/// The most tiers of a price: more steps than this are a formula, and it bounds the stored row.
pub const MAX_TIERS: usize = 100;
/// The most decimals of a percentage: a hundredth of it has two more, [`MAX_PRICE_DECIMALS`].
pub const MAX_PERCENT_DECIMALS: u32 = MAX_PRICE_DECIMALS - 2;

/// How a quantity becomes the amount of a whole period. All numbers are in major units.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PriceModel {
    /// The same amount whatever the quantity.
    Flat {
        /// At most the currency's decimals.
        #[serde(with = "text")]
        amount: Decimal,
    },
    /// Quantity times unit price.
    PerUnit {
        /// At most [`MAX_PRICE_DECIMALS`] decimals.
        #[serde(with = "text")]
        unit_price: Decimal,
    },
    /// Each tier prices the units that fall in it.
    Graduated {
        /// Ascending; the last one is open.
        tiers: Vec<Tier>,
    },
    /// The tier that the quantity reaches prices all units.
    Volume {
        /// Ascending; the last one is open.
        tiers: Vec<Tier>,
    },
    /// A price per started bundle.
    Package {
        /// Units in a bundle, above zero.
        #[serde(with = "text")]
        size: Decimal,
        /// What a started bundle costs.
        #[serde(with = "text")]
        unit_price: Decimal,
        /// Units free of charge before the first bundle starts.
        #[serde(with = "text", default, skip_serializing_if = "Decimal::is_zero")]
        free: Decimal,
    },
    /// A percentage of an amount; the quantity is that amount.
    Percentage {
        /// 0 to 100; at most [`MAX_PERCENT_DECIMALS`] decimals.
        #[serde(with = "text")]
        percent: Decimal,
    },
}

/// A step of a graduated or volume price.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The last quantity that belongs to it; absent in the last tier, which is open.
    #[serde(with = "text::optional", default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Decimal>,
    /// What a unit costs, or a started block when `block` is given.
    #[serde(with = "text")]
    pub unit_price: Decimal,
    /// Charged once when the tier is reached. The first tier is reached at quantity 0.
    #[serde(with = "text", default, skip_serializing_if = "Decimal::is_zero")]
    pub flat_fee: Decimal,
    /// Units in a block, above zero; each started block costs `unit_price`.
    #[serde(with = "text::optional", default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Decimal>,
}

/// What one tier contributes to an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierPart {
    /// Which tier: 1 is the first.
    pub tier: usize,
    /// Units that it prices.
    pub quantity: Decimal,
    /// What they cost, with the tier's flat fee, unrounded, in major units.
    pub amount: Decimal,
}

impl PriceModel {
    /// What a whole period of `quantity` costs, in major units, unrounded. Callers round once per
    /// line.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`], also where a digit would be lost.
    pub fn exact(&self, quantity: Decimal) -> Result<Decimal, MoneyRefused> {
        let quantity = quantity.max(Decimal::ZERO);
        match self {
            Self::Flat { amount } => Ok(*amount),
            Self::PerUnit { unit_price } => times(*unit_price, quantity),
            Self::Graduated { .. } | Self::Volume { .. } => self
                .parts(quantity)?
                .into_iter()
                .try_fold(Decimal::ZERO, |sum, part| plus(sum, part.amount)),
            Self::Package { size, unit_price, free } => {
                let beyond = plus(quantity, -*free)?.max(Decimal::ZERO);
                times(*unit_price, started(beyond, *size)?)
            }
            Self::Percentage { percent } => times(times(*percent, Decimal::new(1, 2))?, quantity),
        }
    }

    /// What a whole period of `quantity` costs, rounded once.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn amount(&self, quantity: Decimal, currency: Currency) -> Result<Money, MoneyRefused> {
        Money::round(self.exact(quantity)?, currency)
    }

    /// What `now` more units cost when `before` units were counted earlier in the period: tiers,
    /// packages and free units go on where they stood. In major units, unrounded; the differences
    /// of a period add up to [`Self::exact`] of its total. Below zero where volume tiers make more
    /// units cheaper.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn difference(&self, before: Decimal, now: Decimal) -> Result<Decimal, MoneyRefused> {
        plus(self.exact(plus(before, now)?)?, -self.exact(before)?)
    }

    /// How the tiers make up the amount of a quantity, lowest tier first. A price without tiers is
    /// one part.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn parts(&self, quantity: Decimal) -> Result<Vec<TierPart>, MoneyRefused> {
        let quantity = quantity.max(Decimal::ZERO);
        match self {
            Self::Graduated { tiers } => graduated(tiers, quantity),
            Self::Volume { tiers } => {
                let reached = tiers.iter().position(|tier| tier.reaches(quantity));
                let position = reached.unwrap_or(tiers.len().saturating_sub(1));
                let part = |tier: &Tier| tier.part(position + 1, quantity);
                tiers.get(position).map(part).into_iter().collect()
            }
            _ => Ok(vec![TierPart { tier: 1, quantity, amount: self.exact(quantity)? }]),
        }
    }

    /// The unit price as a line shows it: of a unit, of a package, of one unit of currency for a
    /// percentage; with tiers, that of the first tier. Only where [`Self::is_linear`] holds is it
    /// true that quantity times unit price gives the line's amount.
    #[must_use]
    pub fn unit_price(&self) -> Decimal {
        match self {
            Self::Flat { amount } => *amount,
            Self::PerUnit { unit_price } | Self::Package { unit_price, .. } => *unit_price,
            Self::Graduated { tiers } | Self::Volume { tiers } => {
                tiers.first().map_or(Decimal::ZERO, |tier| tier.unit_price)
            }
            Self::Percentage { percent } => *percent / Decimal::ONE_HUNDRED,
        }
    }

    /// Whether the quantity matters.
    #[must_use]
    pub fn counts_units(&self) -> bool {
        !matches!(self, Self::Flat { .. })
    }

    /// Whether quantity times unit price is the amount, so that a document may print both.
    #[must_use]
    pub fn is_linear(&self) -> bool {
        matches!(self, Self::Flat { .. } | Self::PerUnit { .. } | Self::Percentage { .. })
    }
}

impl Tier {
    /// Whether `quantity` does not go beyond it.
    fn reaches(&self, quantity: Decimal) -> bool {
        self.up_to.is_none_or(|up_to| quantity <= up_to)
    }

    /// Its part of an amount: `quantity` units fall in it.
    fn part(&self, number: usize, quantity: Decimal) -> Result<TierPart, MoneyRefused> {
        let units = match self.block {
            Some(block) => started(quantity, block)?,
            None => quantity,
        };
        let amount = plus(self.flat_fee, times(self.unit_price, units)?)?;
        Ok(TierPart { tier: number, quantity, amount })
    }
}

fn graduated(tiers: &[Tier], quantity: Decimal) -> Result<Vec<TierPart>, MoneyRefused> {
    let mut parts = Vec::new();
    let mut lower = Decimal::ZERO;
    for (position, tier) in tiers.iter().enumerate() {
        if position > 0 && quantity <= lower {
            break;
        }
        let upper = tier.up_to.map_or(quantity, |up_to| quantity.min(up_to));
        parts.push(tier.part(position + 1, plus(upper, -lower)?)?);
        lower = upper;
        if tier.reaches(quantity) {
            break;
        }
    }
    Ok(parts)
}

/// What is missing to the minimum of a period: `max(0, minimum - charged)`. A part of a period
/// needs only its part of the minimum, by calendar days. Rounded, as it makes a line of its own.
///
/// # Errors
/// [`MoneyRefused`] when the part lies outside the whole or the currencies differ.
pub fn true_up(
    minimum: Money,
    charged: Money,
    whole: Period,
    part: Period,
) -> Result<Money, MoneyRefused> {
    let missing = prorate(minimum, whole, part)?.checked_sub(charged)?;
    Ok(Money::new(missing.minor().max(0), missing.currency()))
}

/// `a x b` without the loss of a digit.
fn times(a: Decimal, b: Decimal) -> Result<Decimal, MoneyRefused> {
    if a.is_zero() || b.is_zero() {
        return Ok(Decimal::ZERO);
    }
    let (a, b) = (a.normalize(), b.normalize());
    let product = money::multiply(a, b)?;
    if product.scale() < a.scale() + b.scale() {
        return Err(MoneyRefused::Overflow);
    }
    Ok(product)
}

/// `a + b` without the loss of a digit.
fn plus(a: Decimal, b: Decimal) -> Result<Decimal, MoneyRefused> {
    let (a, b) = (a.normalize(), b.normalize());
    let sum = a.checked_add(b).ok_or(MoneyRefused::Overflow)?;
    if sum.scale() < a.scale().max(b.scale()) {
        return Err(MoneyRefused::Overflow);
    }
    Ok(sum)
}

/// How many blocks of `size` units `quantity` starts. The remainder is exact where a quotient
/// would not be.
fn started(quantity: Decimal, size: Decimal) -> Result<Decimal, MoneyRefused> {
    let rest = quantity.checked_rem(size).ok_or(MoneyRefused::Overflow)?;
    let full = plus(quantity, -rest)?.checked_div(size).ok_or(MoneyRefused::Overflow)?;
    if rest.is_zero() { Ok(full) } else { plus(full, Decimal::ONE) }
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
