//! The catalogue: products, plans, their dated versions and prices.
//!
//! Purpose: what is offered, at which price, billed how often.
//!
//! Invariants: a version never changes once published; within a version a component has one price
//! per currency. The quantity of a metered price is what its meter counted in the period, so it is
//! billed in arrears whatever the version's timing. The quantity of a percentage is an amount of
//! money, which nobody agrees on beforehand, so a percentage is always metered.
//!
//! Deliberately absent: what a quantity costs ([`crate::price`]); meters ([`crate::usage`]);
//! discounts ([`crate::discount`]); whether a feature may be sold ([`crate::feature`]).

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::code::codes;
use crate::date::Date;
use crate::decimal;
use crate::id::{FeatureId, MeterId, PlanId, PlanVersionId, PriceId, ProductId};
use crate::money::{Currency, Money};
use crate::period::Interval;
use crate::price::{self, ModelRefused};
use crate::vat::VatCategory;

pub use crate::price::PriceModel;

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
/// How long a pause may be when the version does not say, in months.
pub const DEFAULT_PAUSE_MONTHS: u32 = 3;
/// The longest pause that a version may allow, in months: more is an end.
pub const MAX_PAUSE_MONTHS: u32 = 24;
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
        /// Principals of investments: no revenue, but what is to be repaid.
        Investment = "investment",
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
        /// At once; days charged beyond it are credited.
        NowWithCredit = "now_with_credit",
        /// At once; days charged beyond it are forfeited.
        NowWithoutCredit = "now_without_credit",
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

impl Product {
    /// Whether its lines are principals of investments, which are not sold.
    #[must_use]
    pub fn is_investment(&self) -> bool {
        self.revenue == RevenueKind::Investment
    }
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
    /// How long a pause may be, in months; 0 when there are none.
    pub max_pause_months: u32,
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
    /// What a whole period costs at least, in the price's currency.
    pub minimum: Option<Money>,
    /// What counts its quantity; absent where the quantity is agreed.
    pub meter_id: Option<MeterId>,
    /// The feature that it sells: all its lines are revenue of that feature.
    pub feature_id: Option<FeatureId>,
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
    /// The model of a price.
    #[error(transparent)]
    Model(#[from] ModelRefused),
    /// A minimum below zero, too large or of another currency.
    #[error(
        "a minimum of {minimum} does not fit a price in {currency}: expected zero or more {currency}"
    )]
    Minimum {
        /// What was given.
        minimum: Money,
        /// The price's currency.
        currency: Currency,
    },
    /// A meter for a price that does not count.
    #[error("a flat price does not count units: expected no meter")]
    FlatMetered,
    /// A percentage of nothing that is measured.
    #[error("a percentage is taken of what a meter counts: expected a meter")]
    MeterMissing,
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
        check_price(price).map_err(|refused| (Some(position), refused))?;
        if !seen.insert((&price.component, price.currency)) {
            let component = price.component.clone();
            let refused = PriceRefused::Doubled { component, currency: price.currency };
            return Err((Some(position), refused));
        }
    }
    Ok(())
}

/// Checks one price by itself.
///
/// # Errors
/// [`PriceRefused`] says what is wrong.
pub fn check_price(price: &Price) -> Result<(), PriceRefused> {
    price.model.clone().checked(price.currency)?;
    if let Some(minimum) = price.minimum {
        let fits = minimum.currency() == price.currency
            && price::minimum(minimum.major(), price.currency).is_ok();
        if !fits {
            return Err(PriceRefused::Minimum { minimum, currency: price.currency });
        }
    }
    match (price.meter_id, &price.model) {
        (Some(_), PriceModel::Flat { .. }) => Err(PriceRefused::FlatMetered),
        (None, PriceModel::Percentage { .. }) => Err(PriceRefused::MeterMissing),
        _ => Ok(()),
    }
}

impl Price {
    /// When a period of it is billed: the version's timing, but in arrears where a meter counts.
    #[must_use]
    pub fn timing(&self, of_version: Timing) -> Timing {
        if self.meter_id.is_some() { Timing::InArrears } else { of_version }
    }
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

    fn price(model: PriceModel, metered: bool, minimum: Option<&str>) -> Price {
        let nil = uuid::Uuid::nil();
        Price {
            id: PriceId(nil),
            product_id: ProductId(nil),
            component: "api".into(),
            currency: Currency::EUR,
            model,
            minimum: minimum.map(|text| Money::parse(text, Currency::EUR).unwrap()),
            meter_id: metered.then_some(MeterId(nil)),
            feature_id: None,
        }
    }

    #[test]
    fn quantities_are_bounded() {
        assert!(matches!(quantity(number("-1")), Err(PriceRefused::Negative { .. })));
        assert!(matches!(quantity(number("0.1234567")), Err(PriceRefused::TooManyDecimals { .. })));
        assert!(matches!(quantity(number("1000000001")), Err(PriceRefused::TooLarge { .. })));
        assert_eq!(quantity(number("-0")).unwrap(), Decimal::ZERO);
    }

    #[test]
    fn a_price_fits_its_meter_and_its_minimum() {
        let flat = || PriceModel::Flat { amount: number("49") };
        let unit = || PriceModel::PerUnit { unit_price: number("0.01") };
        let percent = || PriceModel::Percentage { percent: number("2.5") };
        let table = [
            (flat(), false, None, "ok"),
            (flat(), false, Some("100.00"), "ok"),
            (flat(), true, None, "a flat price does not count units: expected no meter"),
            (unit(), false, None, "ok"),
            (unit(), true, Some("0.00"), "ok"),
            (percent(), true, None, "ok"),
            (
                percent(),
                false,
                None,
                "a percentage is taken of what a meter counts: expected a meter",
            ),
            (
                unit(),
                true,
                Some("-0.01"),
                "a minimum of EUR -0.01 does not fit a price in EUR: expected zero or more EUR",
            ),
        ];
        for (model, metered, minimum, expected) in table {
            let price = price(model, metered, minimum);
            let found =
                check_price(&price).map_or_else(|refused| refused.to_string(), |()| "ok".into());
            assert_eq!(found, expected, "{price:?}");
        }
        let dollars = Money::parse("5.00", Currency::from_code("USD").unwrap()).unwrap();
        let mixed = Price { minimum: Some(dollars), ..price(unit(), true, None) };
        assert!(matches!(check_price(&mixed), Err(PriceRefused::Minimum { .. })));
    }

    #[test]
    fn a_version_names_the_price_that_is_wrong() {
        let right = price(PriceModel::Flat { amount: number("1") }, false, None);
        let wrong = price(PriceModel::Graduated { tiers: Vec::new() }, false, None);
        let refused = check_version(&[right.clone(), wrong], 0).unwrap_err();
        assert!(matches!(refused, (Some(1), PriceRefused::Model(ModelRefused::TierCount { .. }))));
        let refused = check_version(&[right.clone(), right.clone()], 0).unwrap_err();
        assert!(matches!(refused, (Some(1), PriceRefused::Doubled { .. })));
        assert!(matches!(check_version(&[], 0), Err((None, PriceRefused::Count { given: 0 }))));
        let too_long = check_version(&[right], 731).unwrap_err();
        assert_eq!(too_long, (None, PriceRefused::Trial { days: 731 }));
    }

    #[test]
    fn usage_is_billed_afterwards() {
        let unit = || PriceModel::PerUnit { unit_price: number("0.01") };
        assert_eq!(price(unit(), true, None).timing(Timing::InAdvance), Timing::InArrears);
        assert_eq!(price(unit(), false, None).timing(Timing::InAdvance), Timing::InAdvance);
    }
}
