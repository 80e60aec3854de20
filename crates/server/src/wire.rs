//! Values of the domain become fields of messages.
//!
//! Purpose: amounts, numbers, dates and instants in Google's shapes, and the parts that several
//! messages share.
//!
//! Deliberately absent: the way in ([`crate::field`]).

use chrono::{DateTime, Datelike, Utc};
use domain::date::Date;
use domain::money::Money;
use domain::vat::LineVat;
use prost_types::Timestamp;
use rust_decimal::Decimal;

use crate::enumeration::code;
use crate::pb::google::r#type as google;
use crate::pb::v1;

/// Decimals of the `nanos` of `google.type.Money`.
const NANO_DECIMALS: u32 = 9;

impl From<Money> for google::Money {
    fn from(money: Money) -> Self {
        let decimals = money.currency().decimals().min(NANO_DECIMALS);
        let minor_per_unit = 10_i64.pow(decimals);
        // Below one unit, so at most 999,999,999.
        let nanos = money.minor() % minor_per_unit * 10_i64.pow(NANO_DECIMALS - decimals);
        Self {
            currency_code: money.currency().code().to_owned(),
            units: money.minor() / minor_per_unit,
            nanos: i32::try_from(nanos).unwrap_or_default(),
        }
    }
}

impl From<Decimal> for google::Decimal {
    fn from(value: Decimal) -> Self {
        Self { value: value.normalize().to_string() }
    }
}

impl From<Date> for google::Date {
    fn from(date: Date) -> Self {
        // Days and months are at most 31.
        let small = |number: u32| i32::try_from(number).unwrap_or_default();
        Self { year: date.year(), month: small(date.month()), day: small(date.day()) }
    }
}

/// An instant.
pub(crate) fn instant(at: DateTime<Utc>) -> Timestamp {
    // A leap second has more nanos than the wire allows.
    let nanos = at.timestamp_subsec_nanos().min(999_999_999);
    Timestamp { seconds: at.timestamp(), nanos: i32::try_from(nanos).unwrap_or_default() }
}

/// A count of the domain on the wire, which has no larger one.
pub(crate) fn count(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

impl From<LineVat> for v1::LineVat {
    fn from(vat: LineVat) -> Self {
        Self { class: code::<v1::VatClass>(vat.class), rate: Some(vat.percent.into()) }
    }
}

#[cfg(test)]
mod tests {
    use domain::money::Currency;

    use super::*;
    use crate::field;

    #[test]
    fn amounts_go_out_and_come_back() {
        let table = [
            ("EUR", 1250, 12, 500_000_000),
            ("EUR", -1250, -12, -500_000_000),
            ("EUR", -5, 0, -50_000_000),
            ("EUR", 0, 0, 0),
            ("JPY", 12, 12, 0),
            ("KWD", 1_234, 1, 234_000_000),
            ("EUR", i64::MAX, 92_233_720_368_547_758, 70_000_000),
            ("EUR", i64::MIN, -92_233_720_368_547_758, -80_000_000),
        ];
        for (currency, minor, units, nanos) in table {
            let money = Money::new(minor, Currency::from_code(currency).unwrap());
            let wire = google::Money::from(money);
            assert_eq!((wire.units, wire.nanos), (units, nanos), "{currency} {minor}");
            assert_eq!(field::money(&wire), Ok(money));
        }
    }

    #[test]
    fn numbers_dates_and_instants_go_out() {
        let number = |text| google::Decimal::from(domain::decimal::parse(text).unwrap()).value;
        assert_eq!(number("21.00"), "21");
        assert_eq!(number("0.000000010"), "0.00000001");
        assert_eq!(number("-0"), "0");
        let date = Date::from_ymd_opt(2024, 2, 29).unwrap();
        assert_eq!(google::Date::from(date), google::Date { year: 2024, month: 2, day: 29 });
        let at: DateTime<Utc> = "2026-01-31T00:00:00.5Z".parse().unwrap();
        assert_eq!(instant(at), Timestamp { seconds: 1_769_817_600, nanos: 500_000_000 });
        assert_eq!(field::instant(instant(at)), Ok(at));
    }
}
