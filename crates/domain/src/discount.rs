//! Discounts: what is taken off which lines before VAT.
//!
//! Purpose: percentage and fixed discounts, how long they run, and how they are spread over the
//! lines of a document.
//!
//! Invariants: percentages first, then fixed amounts, each kind in the order given; a discount
//! works on what the ones before it left; its shares add up to what it takes off, in proportion to
//! net, by largest remainder; no line falls below zero. Lines below zero (credits) and lines of
//! nothing are left alone.
//!
//! Deliberately absent: which discount a subscription has ([`applied`]); VAT, which is computed on
//! what remains.

pub mod applied;

use rust_decimal::Decimal;

use crate::decimal;
use crate::money::{self, Currency, Money, MoneyRefused};
use crate::price::MAX_PERCENT_DECIMALS;

pub use self::applied::{AppliedDiscount, DiscountOffer, DurationKind, Target};

/// The most discounts of one document: more cannot be explained to its reader.
pub const MAX_DISCOUNTS: usize = 100;
/// The most periods a discount runs: a century of months is meant as "for ever".
pub const MAX_PERIODS: u32 = 1_200;

/// What is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// A part of the net.
    Percentage {
        /// Above 0, at most 100; 15 means 15 %.
        percent: Decimal,
    },
    /// An amount without VAT.
    Fixed {
        /// Above zero.
        amount: Money,
    },
}

/// How long a discount runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duration {
    /// In one billed period.
    Once,
    /// In so many billed periods.
    Periods {
        /// How many, at least one.
        count: u32,
    },
    /// In every period.
    Forever,
}

/// A discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discount {
    /// What is taken off.
    pub reduction: Reduction,
    /// How long.
    pub duration: Duration,
}

/// Why a discount is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscountRefused {
    /// Nothing, less than nothing, or more than everything.
    #[error("a discount of {percent} % is not possible: expected more than 0 and at most 100")]
    Percent {
        /// What was given.
        percent: Decimal,
    },
    /// Too fine.
    #[error("{percent} % has too many decimals: at most {MAX_PERCENT_DECIMALS}")]
    TooManyDecimals {
        /// What was given.
        percent: Decimal,
    },
    /// Nothing or less than nothing.
    #[error("a discount of {amount} is not possible: expected more than zero")]
    Amount {
        /// What was given.
        amount: Money,
    },
    /// An amount of another currency.
    #[error("a discount of {amount} does not fit an invoice in {currency}")]
    Currency {
        /// What was given.
        amount: Money,
        /// The customer's currency.
        currency: Currency,
    },
    /// No period, or too many.
    #[error("a discount for {count} periods is not possible: expected 1 to {MAX_PERIODS}")]
    Periods {
        /// What was given.
        count: u32,
    },
    /// Too many at once.
    #[error("{given} discounts on one document are not possible: at most {MAX_DISCOUNTS}")]
    TooMany {
        /// How many were given.
        given: usize,
    },
    /// Amounts do not fit.
    #[error(transparent)]
    Money(#[from] MoneyRefused),
}

impl Reduction {
    /// Checks what is taken off an invoice in `currency`.
    ///
    /// # Errors
    /// [`DiscountRefused`] says what is wrong.
    pub fn checked(self, currency: Currency) -> Result<Self, DiscountRefused> {
        match self {
            Self::Percentage { percent } => {
                if percent <= Decimal::ZERO || percent > Decimal::ONE_HUNDRED {
                    return Err(DiscountRefused::Percent { percent });
                }
                if decimal::places(percent) > MAX_PERCENT_DECIMALS {
                    return Err(DiscountRefused::TooManyDecimals { percent });
                }
                Ok(Self::Percentage { percent: percent.normalize() })
            }
            Self::Fixed { amount } if amount.currency() != currency => {
                Err(DiscountRefused::Currency { amount, currency })
            }
            Self::Fixed { amount } if amount.minor() <= 0 => {
                Err(DiscountRefused::Amount { amount })
            }
            Self::Fixed { .. } => Ok(self),
        }
    }
}

impl Discount {
    /// Checks a discount for a customer billed in `currency`.
    ///
    /// # Errors
    /// [`DiscountRefused`] says what is wrong.
    pub fn checked(self, currency: Currency) -> Result<Self, DiscountRefused> {
        let reduction = self.reduction.checked(currency)?;
        match self.duration {
            Duration::Periods { count } if count == 0 || count > MAX_PERIODS => {
                Err(DiscountRefused::Periods { count })
            }
            duration => Ok(Self { reduction, duration }),
        }
    }
}

impl Duration {
    /// Whether a discount that was applied in `used` billed periods applies in one more.
    #[must_use]
    pub fn applies_after(self, used: u32) -> bool {
        match self {
            Self::Once => used == 0,
            Self::Periods { count } => used < count,
            Self::Forever => true,
        }
    }
}

/// The lines of a document that a discount applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// Those at these positions, counted from 0; other positions and repeats mean nothing.
    Lines(Vec<usize>),
}

impl Scope {
    fn has(&self, position: usize) -> bool {
        match self {
            Self::All => true,
            Self::Lines(positions) => positions.contains(&position),
        }
    }
}

/// What one discount did to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What it took off each line: as many as there are lines, none below zero.
    pub shares: Vec<Money>,
    /// The sum of the shares.
    pub used: Money,
    /// What a fixed amount could not use because the lines were worth less; zero for percentages.
    pub left: Money,
}

/// What discounts did to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discounted {
    /// Net of each line after all discounts.
    pub nets: Vec<Money>,
    /// One per discount, in the order in which they were given.
    pub uses: Vec<Use>,
}

impl Discounted {
    /// What was taken off a line in all.
    ///
    /// # Errors
    /// [`MoneyRefused`] when amounts do not fit.
    pub fn off(&self, position: usize, currency: Currency) -> Result<Money, MoneyRefused> {
        let shares = self.uses.iter().filter_map(|one| one.shares.get(position).copied());
        Money::sum(currency, shares)
    }
}

/// Applies discounts to the nets of a document's lines, all in `currency`. A percentage is rounded
/// once, on the sum of its lines, and then spread.
///
/// # Errors
/// [`DiscountRefused`] when there are too many, one is not possible, or amounts do not fit.
pub fn apply(
    currency: Currency,
    nets: &[Money],
    discounts: &[(Reduction, Scope)],
) -> Result<Discounted, DiscountRefused> {
    if discounts.len() > MAX_DISCOUNTS {
        return Err(DiscountRefused::TooMany { given: discounts.len() });
    }
    let mut order: Vec<usize> = (0..discounts.len()).collect();
    order.sort_by_key(|position| {
        discounts.get(*position).is_some_and(|(one, _)| matches!(one, Reduction::Fixed { .. }))
    });
    let mut remaining = nets.to_vec();
    let mut uses = Vec::with_capacity(discounts.len());
    for position in order {
        if let Some((reduction, scope)) = discounts.get(position) {
            let one = spread(currency, &remaining, reduction.checked(currency)?, scope)?;
            for (net, share) in remaining.iter_mut().zip(&one.shares) {
                *net = net.checked_sub(*share)?;
            }
            uses.push((position, one));
        }
    }
    uses.sort_by_key(|(position, _)| *position);
    Ok(Discounted { nets: remaining, uses: uses.into_iter().map(|(_, one)| one).collect() })
}

fn spread(
    currency: Currency,
    nets: &[Money],
    reduction: Reduction,
    scope: &Scope,
) -> Result<Use, MoneyRefused> {
    let weight = |(position, net): (usize, &Money)| {
        if scope.has(position) { net.minor().max(0) } else { 0 }
    };
    let weights: Vec<i64> = nets.iter().enumerate().map(weight).collect();
    let base = weights.iter().map(|minor| Money::new(*minor, currency));
    let base = Money::sum(currency, base)?;
    let (used, left) = take(base, reduction)?;
    let shares = if used.is_zero() {
        vec![Money::zero(currency); nets.len()]
    } else {
        money::split(used, &weights)?
    };
    Ok(Use { shares, used, left })
}

/// What a reduction takes off a sum of lines, and what of it is left.
fn take(base: Money, reduction: Reduction) -> Result<(Money, Money), MoneyRefused> {
    let nothing = Money::zero(base.currency());
    match reduction {
        Reduction::Percentage { percent } => {
            let exact = money::multiply(base.major(), percent)? / Decimal::ONE_HUNDRED;
            Ok((Money::round(exact, base.currency())?, nothing))
        }
        Reduction::Fixed { amount } => {
            let left = amount.checked_sub(base)?;
            if left.minor() > 0 { Ok((base, left)) } else { Ok((amount, nothing)) }
        }
    }
}

#[cfg(test)]
#[path = "discount_tests.rs"]
mod tests;
