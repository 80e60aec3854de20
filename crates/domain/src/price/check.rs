//! Which price models are accepted.
//!
//! Purpose: checks the numbers and the tiers of a price before it is stored; every refusal names
//! the value and what would be right, and knows its place ([`ModelRefused::path`]).
//!
//! Invariants: an accepted model gives every quantity exactly one price.
//!
//! Deliberately absent: amounts; they are in the parent.

use std::fmt;

use rust_decimal::Decimal;

use super::{MAX_PERCENT_DECIMALS, MAX_TIERS, PriceModel, Tier};
use crate::decimal;
use crate::money::{Currency, Money};
use crate::plan::{MAX_PRICE_DECIMALS, MAX_QUANTITY, MAX_QUANTITY_DECIMALS, MAX_UNIT_PRICE};

/// The place of a refused number in a price model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// In which tier; 1 is the first.
    pub tier: Option<usize>,
    /// The field's name.
    pub name: &'static str,
}

/// As a path within the model: `unit_price`, `tiers[1].up_to`.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tier {
            Some(tier) => write!(f, "tiers[{}].{}", tier.saturating_sub(1), self.name),
            None => f.write_str(self.name),
        }
    }
}

/// Why a price model is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelRefused {
    /// Below zero.
    #[error("{value} is negative: expected zero or more")]
    Negative {
        /// Where.
        field: Field,
        /// What was given.
        value: Decimal,
    },
    /// Too many decimals.
    #[error("{value} has too many decimals: at most {allowed}")]
    TooManyDecimals {
        /// Where.
        field: Field,
        /// What was given.
        value: Decimal,
        /// How many are allowed.
        allowed: u32,
    },
    /// Too large.
    #[error("{value} is too large: at most {max}")]
    TooLarge {
        /// Where.
        field: Field,
        /// What was given.
        value: Decimal,
        /// The limit.
        max: Decimal,
    },
    /// A block or package of nothing.
    #[error("a size of 0 is not possible: expected more than zero")]
    Zero {
        /// Where.
        field: Field,
    },
    /// No tier, or too many.
    #[error("{given} tiers are not possible: expected 1 to {MAX_TIERS}")]
    TierCount {
        /// How many were given.
        given: usize,
    },
    /// A tier that begins before the one before it ends.
    #[error(
        "tier {tier} ends at {up_to} and overlaps the one before it: expected more than {previous}"
    )]
    Overlap {
        /// Which; 1 is the first.
        tier: usize,
        /// Its upper bound.
        up_to: Decimal,
        /// The upper bound of the tier before it; 0 before the first.
        previous: Decimal,
    },
    /// An open tier that is not the last.
    #[error("tier {tier} has no upper bound and is not the last: only the last tier is open")]
    OpenTooEarly {
        /// Which; 1 is the first.
        tier: usize,
    },
    /// A last tier with a bound leaves quantities without a price.
    #[error(
        "the last tier ends at {up_to}: expected no upper bound, so that every quantity has a price"
    )]
    LastClosed {
        /// Which; 1 is the first.
        tier: usize,
        /// Its upper bound.
        up_to: Decimal,
    },
}

impl ModelRefused {
    /// The place within the model: `amount`, `tiers`, `tiers[1].up_to`.
    #[must_use]
    pub fn path(&self) -> String {
        match *self {
            Self::Negative { field, .. }
            | Self::TooManyDecimals { field, .. }
            | Self::TooLarge { field, .. }
            | Self::Zero { field } => field.to_string(),
            Self::TierCount { .. } => "tiers".to_owned(),
            Self::Overlap { tier, .. }
            | Self::OpenTooEarly { tier }
            | Self::LastClosed { tier, .. } => {
                Field { tier: Some(tier), name: "up_to" }.to_string()
            }
        }
    }
}

impl PriceModel {
    /// Checks the numbers of a price in `currency`.
    ///
    /// # Errors
    /// [`ModelRefused`] says what is wrong and where.
    pub fn checked(self, currency: Currency) -> Result<Self, ModelRefused> {
        let at = |name| Field { tier: None, name };
        Ok(match self {
            Self::Flat { amount } => Self::Flat {
                amount: bounded(at("amount"), amount, currency.decimals(), MAX_UNIT_PRICE)?,
            },
            Self::PerUnit { unit_price } => {
                Self::PerUnit { unit_price: price(at("unit_price"), unit_price)? }
            }
            Self::Graduated { tiers } => Self::Graduated { tiers: checked_tiers(tiers, currency)? },
            Self::Volume { tiers } => Self::Volume { tiers: checked_tiers(tiers, currency)? },
            Self::Package { size, unit_price, free } => Self::Package {
                size: positive(at("size"), size)?,
                unit_price: price(at("unit_price"), unit_price)?,
                free: bounded(at("free"), free, MAX_QUANTITY_DECIMALS, MAX_QUANTITY)?,
            },
            Self::Percentage { percent } => {
                let max = Decimal::ONE_HUNDRED;
                Self::Percentage {
                    percent: bounded(at("percent"), percent, MAX_PERCENT_DECIMALS, max)?,
                }
            }
        })
    }
}

/// Checks an agreed minimum per period, in major units of `currency`.
///
/// # Errors
/// [`ModelRefused`] says what is wrong.
pub fn minimum(value: Decimal, currency: Currency) -> Result<Money, ModelRefused> {
    let field = Field { tier: None, name: "minimum" };
    let value = bounded(field, value, currency.decimals(), MAX_UNIT_PRICE)?;
    let too_large = |_| ModelRefused::TooLarge { field, value, max: MAX_UNIT_PRICE };
    Money::exact(value, currency).map_err(too_large)
}

fn checked_tiers(tiers: Vec<Tier>, currency: Currency) -> Result<Vec<Tier>, ModelRefused> {
    let count = tiers.len();
    if count == 0 || count > MAX_TIERS {
        return Err(ModelRefused::TierCount { given: count });
    }
    let mut previous = Decimal::ZERO;
    let mut checked = Vec::with_capacity(count);
    for (position, tier) in tiers.into_iter().enumerate() {
        let (number, last) = (position + 1, position + 1 == count);
        let tier = checked_tier(tier, number, currency)?;
        match tier.up_to {
            None if !last => return Err(ModelRefused::OpenTooEarly { tier: number }),
            Some(up_to) if up_to <= previous => {
                return Err(ModelRefused::Overlap { tier: number, up_to, previous });
            }
            Some(up_to) if last => return Err(ModelRefused::LastClosed { tier: number, up_to }),
            Some(up_to) => previous = up_to,
            None => {}
        }
        checked.push(tier);
    }
    Ok(checked)
}

fn checked_tier(tier: Tier, number: usize, currency: Currency) -> Result<Tier, ModelRefused> {
    let at = |name| Field { tier: Some(number), name };
    let bound = |value| bounded(at("up_to"), value, MAX_QUANTITY_DECIMALS, MAX_QUANTITY);
    Ok(Tier {
        up_to: tier.up_to.map(bound).transpose()?,
        unit_price: price(at("unit_price"), tier.unit_price)?,
        flat_fee: bounded(at("flat_fee"), tier.flat_fee, currency.decimals(), MAX_UNIT_PRICE)?,
        block: tier.block.map(|block| positive(at("block"), block)).transpose()?,
    })
}

fn price(field: Field, value: Decimal) -> Result<Decimal, ModelRefused> {
    bounded(field, value, MAX_PRICE_DECIMALS, MAX_UNIT_PRICE)
}

fn positive(field: Field, value: Decimal) -> Result<Decimal, ModelRefused> {
    let value = bounded(field, value, MAX_QUANTITY_DECIMALS, MAX_QUANTITY)?;
    if value.is_zero() { Err(ModelRefused::Zero { field }) } else { Ok(value) }
}

fn bounded(
    field: Field,
    value: Decimal,
    allowed: u32,
    max: Decimal,
) -> Result<Decimal, ModelRefused> {
    if value < Decimal::ZERO {
        return Err(ModelRefused::Negative { field, value });
    }
    if decimal::places(value) > allowed {
        return Err(ModelRefused::TooManyDecimals { field, value, allowed });
    }
    if value > max {
        return Err(ModelRefused::TooLarge { field, value, max });
    }
    Ok(value.normalize())
}
