//! The catalogue: products, plans, their dated versions and prices.
//!
//! Purpose: what is offered, at which price, billed how often; what a quantity of it costs.
//!
//! Invariants: a version never changes once published; within a version a component has one price
//! per currency; a price is never negative.
//!
//! Deliberately absent: tiers, packages, percentages, minimums and discounts (their place is
//! [`PriceModel`]); features.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::code::codes;
use crate::date::Date;
use crate::decimal;
use crate::id::{PlanId, PlanVersionId, PriceId, ProductId};
use crate::money::{self, Currency, Money, MoneyRefused};
use crate::period::Interval;
use crate::vat::VatCategory;

/// The most decimals of a unit price: a ten-thousandth of a cent is the finest used in practice,
/// two more are kept in reserve.
pub const MAX_PRICE_DECIMALS: u32 = 8;
/// The most decimals of a quantity.
pub const MAX_QUANTITY_DECIMALS: u32 = 6;
/// The largest quantity.
pub const MAX_QUANTITY: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// The largest unit price, in major units.
pub const MAX_UNIT_PRICE: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// The most prices of one version.
pub const MAX_PRICES: usize = 100;
/// The longest trial, in days.
pub const MAX_TRIAL_DAYS: u32 = 730;

codes! {
    /// Which account the product's revenue goes to.
    RevenueKind {
        /// Subscriptions: account 8000.
        Subscription = "subscription",
        /// Services: account 8010.
        Service = "service",
        /// Pay per use: account 8020.
        Usage = "usage",
    }
}

codes! {
    /// When a period is billed.
    Timing {
        /// On its first day.
        InAdvance = "in_advance",
        /// On its exclusive end date.
        InArrears = "in_arrears",
    }
}

codes! {
    /// How a subscription to the plan ends.
    CancelPolicy {
        /// At the end of the running period.
        PeriodEnd = "period_end",
    }
}

/// What is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Identity.
    pub id: ProductId,
    /// Name on documents.
    pub name: String,
    /// Category that decides the VAT rate.
    pub vat_category: VatCategory,
    /// Account of its revenue.
    pub revenue: RevenueKind,
    /// What one unit is called: seat, participant; nothing for a flat price.
    pub unit_label: Option<String>,
}

/// A named offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Identity.
    pub id: PlanId,
    /// The vendor's own short name, unique.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// No new subscriptions from this day.
    pub retired_on: Option<Date>,
}

/// One immutable, dated version of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanVersion {
    /// Identity.
    pub id: PlanVersionId,
    /// Whose version.
    pub plan_id: PlanId,
    /// 1, 2, 3 ... within the plan.
    pub number: i32,
    /// New subscriptions that start on or after this day get it.
    pub valid_from: Date,
    /// How long a period is.
    pub interval: Interval,
    /// When a period is billed.
    pub timing: Timing,
    /// Days free of charge before the first period.
    pub trial_days: u32,
    /// How subscriptions end.
    pub cancel_policy: CancelPolicy,
    /// One per component and currency.
    pub prices: Vec<Price>,
}

/// The price of a component in a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Identity.
    pub id: PriceId,
    /// What is sold.
    pub product_id: ProductId,
    /// The component's name within the plan: base, seats.
    pub component: String,
    /// Its currency.
    pub currency: Currency,
    /// How a quantity becomes an amount.
    pub model: PriceModel,
}

/// How a quantity becomes the amount of a whole period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PriceModel {
    /// The same amount whatever the quantity.
    Flat {
        /// Major units, at most the currency's decimals.
        amount: Decimal,
    },
    /// Quantity times unit price.
    PerUnit {
        /// Major units, at most [`MAX_PRICE_DECIMALS`] decimals.
        unit_price: Decimal,
    },
}

/// Why a plan version or a quantity is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceRefused {
    /// Below zero.
    #[error("{value} is negative: expected zero or more")]
    Negative {
        /// What was given.
        value: Decimal,
    },
    /// Too many decimals.
    #[error("{value} has too many decimals: at most {allowed}")]
    TooManyDecimals {
        /// What was given.
        value: Decimal,
        /// How many are allowed.
        allowed: u32,
    },
    /// Too large.
    #[error("{value} is too large: at most {max}")]
    TooLarge {
        /// What was given.
        value: Decimal,
        /// The limit.
        max: Decimal,
    },
    /// No price at all, or too many.
    #[error("{given} prices are not possible: expected 1 to {MAX_PRICES}")]
    Count {
        /// How many were given.
        given: usize,
    },
    /// The same component and currency twice.
    #[error("component {component:?} has two prices in {currency}: expected one")]
    Doubled {
        /// Which component.
        component: String,
        /// In which currency.
        currency: Currency,
    },
    /// Trial too long.
    #[error("a trial of {days} days is not possible: at most {MAX_TRIAL_DAYS}")]
    Trial {
        /// What was given.
        days: u32,
    },
}

fn within(value: Decimal, decimals: u32, max: Decimal) -> Result<Decimal, PriceRefused> {
    if value.is_sign_negative() && !value.is_zero() {
        return Err(PriceRefused::Negative { value });
    }
    if decimal::places(value) > decimals {
        return Err(PriceRefused::TooManyDecimals { value, allowed: decimals });
    }
    if value > max {
        return Err(PriceRefused::TooLarge { value, max });
    }
    Ok(value.normalize())
}

/// A quantity: zero or more, bounded.
///
/// # Errors
/// [`PriceRefused`] says what is wrong.
pub fn quantity(value: Decimal) -> Result<Decimal, PriceRefused> {
    within(value, MAX_QUANTITY_DECIMALS, MAX_QUANTITY)
}

impl PriceModel {
    /// Checks the numbers of a price in `currency`.
    ///
    /// # Errors
    /// [`PriceRefused`] says what is wrong.
    pub fn checked(self, currency: Currency) -> Result<Self, PriceRefused> {
        Ok(match self {
            Self::Flat { amount } => {
                Self::Flat { amount: within(amount, currency.decimals(), MAX_UNIT_PRICE)? }
            }
            Self::PerUnit { unit_price } => Self::PerUnit {
                unit_price: within(unit_price, MAX_PRICE_DECIMALS, MAX_UNIT_PRICE)?,
            },
        })
    }

    /// What a whole period of `quantity` costs, in major units, not rounded.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn exact(self, quantity: Decimal) -> Result<Decimal, MoneyRefused> {
        match self {
            Self::Flat { amount } => Ok(amount),
            Self::PerUnit { unit_price } => money::multiply(unit_price, quantity),
        }
    }

    /// What a whole period of `quantity` costs, rounded once.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn amount(self, quantity: Decimal, currency: Currency) -> Result<Money, MoneyRefused> {
        Money::round(self.exact(quantity)?, currency)
    }

    /// The unit price as a line shows it.
    #[must_use]
    pub fn unit_price(self) -> Decimal {
        match self {
            Self::Flat { amount } => amount,
            Self::PerUnit { unit_price } => unit_price,
        }
    }

    /// Whether the quantity matters.
    #[must_use]
    pub fn counts_units(self) -> bool {
        !matches!(self, Self::Flat { .. })
    }
}

/// Checks a version's prices and trial.
///
/// # Errors
/// [`PriceRefused`] says what is wrong; with it, the position of the price if it is one price.
pub fn check_version(
    prices: &[Price],
    trial_days: u32,
) -> Result<(), (Option<usize>, PriceRefused)> {
    if prices.is_empty() || prices.len() > MAX_PRICES {
        return Err((None, PriceRefused::Count { given: prices.len() }));
    }
    if trial_days > MAX_TRIAL_DAYS {
        return Err((None, PriceRefused::Trial { days: trial_days }));
    }
    let mut seen = BTreeSet::new();
    for (position, price) in prices.iter().enumerate() {
        price.model.checked(price.currency).map_err(|refused| (Some(position), refused))?;
        if !seen.insert((&price.component, price.currency)) {
            let component = price.component.clone();
            let refused = PriceRefused::Doubled { component, currency: price.currency };
            return Err((Some(position), refused));
        }
    }
    Ok(())
}

impl PlanVersion {
    /// The prices in a currency.
    pub fn prices_in(&self, currency: Currency) -> impl Iterator<Item = &Price> {
        self.prices.iter().filter(move |price| price.currency == currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        decimal::parse(text).unwrap()
    }

    #[test]
    fn a_quantity_becomes_an_amount_rounded_once() {
        let table = [
            (PriceModel::Flat { amount: number("49.00") }, "7", "49.00"),
            (PriceModel::PerUnit { unit_price: number("2.50") }, "7", "17.50"),
            (PriceModel::PerUnit { unit_price: number("0.0333") }, "10", "0.33"),
            (PriceModel::PerUnit { unit_price: number("0.0335") }, "10", "0.34"),
            (PriceModel::PerUnit { unit_price: number("12.00") }, "0", "0.00"),
        ];
        for (model, quantity, amount) in table {
            let expected = Money::parse(amount, Currency::EUR).unwrap();
            assert_eq!(
                model.amount(number(quantity), Currency::EUR).unwrap(),
                expected,
                "{model:?}"
            );
        }
    }

    #[test]
    fn prices_and_quantities_are_bounded() {
        let flat = |text: &str| PriceModel::Flat { amount: number(text) }.checked(Currency::EUR);
        let unit =
            |text: &str| PriceModel::PerUnit { unit_price: number(text) }.checked(Currency::EUR);
        assert_eq!(
            flat("1.005").unwrap_err().to_string(),
            "1.005 has too many decimals: at most 2"
        );
        assert!(unit("1.005").is_ok());
        assert!(matches!(unit("0.000000001"), Err(PriceRefused::TooManyDecimals { .. })));
        assert!(matches!(flat("-1"), Err(PriceRefused::Negative { .. })));
        assert!(matches!(flat("1000000001"), Err(PriceRefused::TooLarge { .. })));
        assert!(matches!(quantity(number("-1")), Err(PriceRefused::Negative { .. })));
        assert_eq!(quantity(number("-0")).unwrap(), Decimal::ZERO);
    }
}
