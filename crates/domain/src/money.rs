//! Amounts of money and their rounding.
//!
//! Purpose: an amount is an integer number of minor units with an ISO 4217 currency. Unit prices
//! are decimals and become amounts only through the named functions here.
//!
//! Invariants: currencies never mix; arithmetic is checked, an overflow is an error; rounding is
//! half away from zero (commercial rounding) and happens where a function says so.
//!
//! Deliberately absent: floats, conversion between currencies, operators on amounts.

use std::fmt;
use std::str::FromStr;

use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::decimal::{self, DecimalRefused};

/// Why money cannot be made or combined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyRefused {
    /// Not an ISO 4217 code with minor units.
    #[error("{code:?} is not a currency: expected an ISO 4217 code such as EUR")]
    UnknownCurrency {
        /// What was given.
        code: String,
    },
    /// Two currencies in one computation.
    #[error("{left} and {right} cannot be added: amounts of one document share a currency")]
    Mixed {
        /// The first currency.
        left: Currency,
        /// The other one.
        right: Currency,
    },
    /// The result does not fit.
    #[error("the amount is too large: at most 9,223,372,036,854,775,807 minor units")]
    Overflow,
    /// More decimals than the currency has.
    #[error("{value} has more decimals than {currency} allows: at most {allowed}")]
    TooManyDecimals {
        /// What was given.
        value: Decimal,
        /// Its currency.
        currency: Currency,
        /// The currency's decimals.
        allowed: u32,
    },
    /// Not a number.
    #[error(transparent)]
    Decimal(#[from] DecimalRefused),
}

/// An ISO 4217 currency that has minor units defined (EUR 2, JPY 0, KWD 3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "diesel",
    derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)
)]
#[cfg_attr(feature = "diesel", diesel(sql_type = diesel::sql_types::Text))]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The euro, default of an organization.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// The currency of an upper-case ISO 4217 code.
    ///
    /// # Errors
    /// [`MoneyRefused::UnknownCurrency`] for other texts, also for codes of metals and funds,
    /// which have no minor units.
    pub fn from_code(code: &str) -> Result<Self, MoneyRefused> {
        iso_currency::Currency::from_code(code)
            .filter(|currency| currency.exponent().is_some())
            .map(Self)
            .ok_or_else(|| MoneyRefused::UnknownCurrency { code: code.chars().take(12).collect() })
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Decimals of the major unit: 2 for EUR.
    #[must_use]
    pub fn decimals(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }
}

#[cfg(feature = "diesel")]
crate::sql::text_value!(Currency, code);

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyRefused;

    fn from_str(code: &str) -> Result<Self, MoneyRefused> {
        Self::from_code(code)
    }
}

/// An amount: minor units (cents) of a currency. Negative amounts are credits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// An amount of `minor` units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Minor units (cents for EUR).
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// Its currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether nothing is meant.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The amount in major units, with the currency's decimals: 12.50.
    #[must_use]
    pub fn major(self) -> Decimal {
        Decimal::new(self.minor, self.currency.decimals())
    }

    /// Rounds an amount in major units half away from zero: the one place where a decimal becomes
    /// money on an invoice line or a VAT row.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn round(major: Decimal, currency: Currency) -> Result<Self, MoneyRefused> {
        let rounded = major
            .round_dp_with_strategy(currency.decimals(), RoundingStrategy::MidpointAwayFromZero);
        Self::exact(rounded, currency)
    }

    /// An amount in major units that needs no rounding.
    ///
    /// # Errors
    /// [`MoneyRefused::TooManyDecimals`], [`MoneyRefused::Overflow`].
    pub fn exact(major: Decimal, currency: Currency) -> Result<Self, MoneyRefused> {
        let allowed = currency.decimals();
        if decimal::places(major) > allowed {
            return Err(MoneyRefused::TooManyDecimals { value: major, currency, allowed });
        }
        let mut scaled = major.normalize();
        let factor = 10_i64.checked_pow(allowed).ok_or(MoneyRefused::Overflow)?;
        scaled = scaled.checked_mul(Decimal::from(factor)).ok_or(MoneyRefused::Overflow)?;
        let minor = scaled.to_i64().ok_or(MoneyRefused::Overflow)?;
        Ok(Self { minor, currency })
    }

    /// Parses a text in major units by the strict grammar of [`decimal::parse`].
    ///
    /// # Errors
    /// What was wrong with the text, or more decimals than the currency has.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyRefused> {
        Self::exact(decimal::parse(text)?, currency)
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyRefused::Mixed`], [`MoneyRefused::Overflow`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyRefused> {
        if self.currency != other.currency {
            return Err(MoneyRefused::Mixed { left: self.currency, right: other.currency });
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyRefused::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The difference of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyRefused::Mixed`], [`MoneyRefused::Overflow`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyRefused> {
        self.checked_add(other.negated()?)
    }

    /// The opposite amount.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`] for the one amount that has no opposite.
    pub fn negated(self) -> Result<Self, MoneyRefused> {
        let minor = self.minor.checked_neg().ok_or(MoneyRefused::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The sum of many amounts; nothing in `currency` when there are none.
    ///
    /// # Errors
    /// [`MoneyRefused::Mixed`], [`MoneyRefused::Overflow`].
    pub fn sum(
        currency: Currency,
        amounts: impl IntoIterator<Item = Self>,
    ) -> Result<Self, MoneyRefused> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::checked_add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.major())
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `a x b`, checked.
///
/// # Errors
/// [`MoneyRefused::Overflow`].
pub fn multiply(a: Decimal, b: Decimal) -> Result<Decimal, MoneyRefused> {
    a.checked_mul(b).ok_or(MoneyRefused::Overflow)
}

/// `round(amount x part / whole)` in minor units, half away from zero, exact for every `i64`.
/// The base of proration and of revenue recognition.
///
/// # Errors
/// [`MoneyRefused::Overflow`] when `whole` is zero or the result does not fit.
pub fn share_of_minor(amount: i64, part: i64, whole: i64) -> Result<i64, MoneyRefused> {
    let rounded = divide_half_away(i128::from(amount) * i128::from(part), i128::from(whole))?;
    i64::try_from(rounded).map_err(|_| MoneyRefused::Overflow)
}

/// `round(value x part / whole)` of a decimal in major units, half away from zero, in exact integer
/// arithmetic: nothing is rounded before the end.
///
/// # Errors
/// [`MoneyRefused::Overflow`] when `whole` is zero or the result does not fit.
pub fn round_share(
    value: Decimal,
    part: i64,
    whole: i64,
    currency: Currency,
) -> Result<Money, MoneyRefused> {
    let value = value.normalize();
    let power = |exponent| 10_i128.checked_pow(exponent).ok_or(MoneyRefused::Overflow);
    let product = value
        .mantissa()
        .checked_mul(i128::from(part))
        .and_then(|product| product.checked_mul(power(currency.decimals()).ok()?))
        .ok_or(MoneyRefused::Overflow)?;
    let divisor =
        i128::from(whole).checked_mul(power(value.scale())?).ok_or(MoneyRefused::Overflow)?;
    let minor = divide_half_away(product, divisor)?;
    Ok(Money::new(i64::try_from(minor).map_err(|_| MoneyRefused::Overflow)?, currency))
}

fn divide_half_away(product: i128, divisor: i128) -> Result<i128, MoneyRefused> {
    if divisor == 0 {
        return Err(MoneyRefused::Overflow);
    }
    let (quotient, remainder) = (product / divisor, product % divisor);
    // Twice the remainder may leave 128 bits; the other half of the divisor cannot.
    let away = remainder != 0 && remainder.abs() >= divisor.abs() - remainder.abs();
    let sign = if (product < 0) == (divisor < 0) { 1 } else { -1 };
    Ok(if away { quotient + sign } else { quotient })
}

/// Splits `total` in proportion to `weights` by largest remainder; ties go to the earlier weight,
/// so callers pass the oldest first. The parts always add up to the whole; with weights that add
/// up to zero everything goes to the first.
///
/// # Errors
/// [`MoneyRefused::Overflow`] when there are no weights, one is negative, or sums do not fit.
pub fn split(total: Money, weights: &[i64]) -> Result<Vec<Money>, MoneyRefused> {
    let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if weights.is_empty() || weights.iter().any(|weight| *weight < 0) {
        return Err(MoneyRefused::Overflow);
    }
    if whole == 0 {
        let first = std::iter::once(total);
        let rest = std::iter::repeat_n(Money::zero(total.currency), weights.len() - 1);
        return Ok(first.chain(rest).collect());
    }
    let magnitude = i128::from(total.minor).abs();
    let mut parts: Vec<i128> = Vec::with_capacity(weights.len());
    let mut remainders: Vec<(i128, usize)> = Vec::with_capacity(weights.len());
    for (position, weight) in weights.iter().enumerate() {
        let product = magnitude * i128::from(*weight);
        parts.push(product / whole);
        remainders.push((product % whole, position));
    }
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let missing = magnitude - parts.iter().sum::<i128>();
    let missing = usize::try_from(missing).map_err(|_| MoneyRefused::Overflow)?;
    for (_, position) in remainders.iter().take(missing) {
        parts[*position] += 1;
    }
    let sign = i128::from(total.minor.signum());
    parts
        .into_iter()
        .map(|part| {
            let minor = i64::try_from(part * sign).map_err(|_| MoneyRefused::Overflow)?;
            Ok(Money::new(minor, total.currency))
        })
        .collect()
}

/// A decimal from an integer; every `i64` fits.
#[must_use]
pub fn decimal(value: i64) -> Decimal {
    Decimal::from_i64(value).unwrap_or(Decimal::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn eur(text: &str) -> Money {
        Money::parse(text, Currency::EUR).unwrap()
    }

    #[test]
    fn currencies_bring_their_own_decimals() {
        for (code, decimals) in [("EUR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3)] {
            assert_eq!(Currency::from_code(code).unwrap().decimals(), decimals, "{code}");
        }
        for code in ["", "eur", "EURO", "ZZZ", "XAU", "€"] {
            let refused = Currency::from_code(code).unwrap_err();
            assert!(refused.to_string().contains("ISO 4217"), "{code}: {refused}");
        }
    }

    #[test]
    fn rounding_is_half_away_from_zero() {
        let table = [
            ("0.005", "0.01"),
            ("0.015", "0.02"),
            ("0.025", "0.03"),
            ("-0.005", "-0.01"),
            ("1.2349", "1.23"),
            ("1.235", "1.24"),
            ("-1.235", "-1.24"),
        ];
        for (exact, rounded) in table {
            let value = decimal::parse(exact).unwrap();
            assert_eq!(Money::round(value, Currency::EUR).unwrap(), eur(rounded), "{exact}");
        }
    }

    #[test]
    fn too_many_decimals_and_overflow_are_refused() {
        let refused = Money::parse("1.005", Currency::EUR).unwrap_err();
        assert_eq!(refused.to_string(), "1.005 has more decimals than EUR allows: at most 2");
        assert_eq!(eur("1.500"), eur("1.5"));
        assert_eq!(
            Money::parse("92233720368547758.08", Currency::EUR),
            Err(MoneyRefused::Overflow)
        );
        assert_eq!(
            Money::new(i64::MAX, Currency::EUR).checked_add(eur("0.01")),
            Err(MoneyRefused::Overflow)
        );
        assert_eq!(Money::new(i64::MIN, Currency::EUR).negated(), Err(MoneyRefused::Overflow));
        let yen = Money::parse("100", Currency::from_code("JPY").unwrap()).unwrap();
        assert!(matches!(eur("1").checked_add(yen), Err(MoneyRefused::Mixed { .. })));
    }

    #[test]
    fn the_largest_remainder_goes_first_and_ties_to_the_oldest() {
        let table: [(&str, &[i64], &[&str]); 6] = [
            ("10.00", &[1, 1, 1], &["3.34", "3.33", "3.33"]),
            ("0.02", &[1, 1, 1], &["0.01", "0.01", "0.00"]),
            ("100.00", &[70, 20, 10], &["70.00", "20.00", "10.00"]),
            ("0.05", &[3, 7], &["0.02", "0.03"]),
            ("-10.00", &[1, 1, 1], &["-3.34", "-3.33", "-3.33"]),
            ("1.00", &[0, 0], &["1.00", "0.00"]),
        ];
        for (total, weights, parts) in table {
            let expected: Vec<_> = parts.iter().map(|part| eur(part)).collect();
            assert_eq!(split(eur(total), weights).unwrap(), expected, "{total} over {weights:?}");
        }
    }

    proptest! {
        #[test]
        fn parts_of_a_split_add_up_and_differ_by_at_most_one(
            minor in any::<i64>(),
            weights in proptest::collection::vec(0_i64..1_000_000, 1..12),
        ) {
            prop_assume!(minor != i64::MIN);
            let total = Money::new(minor, Currency::EUR);
            let parts = split(total, &weights).unwrap();
            prop_assert_eq!(Money::sum(Currency::EUR, parts.iter().copied()).unwrap(), total);
            let whole: i64 = weights.iter().sum();
            if whole > 0 {
                for (part, weight) in parts.iter().zip(&weights) {
                    let ideal = i128::from(minor) * i128::from(*weight);
                    let off = (i128::from(part.minor()) * i128::from(whole) - ideal).abs();
                    prop_assert!(off < i128::from(whole));
                }
            }
        }

        #[test]
        fn a_share_agrees_with_decimal_rounding(
            amount in -1_000_000_000_i64..1_000_000_000,
            part in 0_i64..400,
            whole in 1_i64..400,
        ) {
            let exact = decimal(amount) * decimal(part) / decimal(whole);
            let rounded = exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
            prop_assert_eq!(share_of_minor(amount, part, whole).unwrap(), rounded.to_i64().unwrap());
        }
    }
}
