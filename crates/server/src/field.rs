//! Fields of messages become values of the domain.
//!
//! Purpose: one reading of every kind of field. Small functions read one value; [`At`] names the
//! field on the way out, so that a refusal carries the whole path: `terms.quantities[2].quantity`.
//!
//! Invariants: a refusal says what was given and what would be right. Paths are only made when
//! something is refused.
//!
//! Deliberately absent: rules that need more than one field or the state of things (`domain`, `app`);
//! the way back ([`crate::wire`]).

use std::fmt::Display;
use std::str::FromStr;

use app::page::PageRequest;
use chrono::{DateTime, Utc};
use domain::date::{self, Date};
use domain::id::IdRefused;
use domain::money::{Currency, Money};
use prost_types::Timestamp;
use rust_decimal::Decimal;
use tonic::Status;
use uuid::Uuid;

use crate::enumeration::Enumeration;
use crate::pb::google::r#type as google;
use crate::status::status;

/// Why a field is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    path: String,
    message: String,
}

/// The result of reading fields.
pub(crate) type Result<T> = std::result::Result<T, Refused>;

impl Refused {
    /// A refusal that does not know its field yet.
    pub(crate) fn new(message: impl Display) -> Self {
        Self { path: String::new(), message: message.to_string() }
    }

    /// The path of the field and the message.
    pub(crate) fn into_parts(self) -> (String, String) {
        (self.path, self.message)
    }

    /// The same refusal, seen from the message around it.
    pub(crate) fn below(mut self, parent: &str) -> Self {
        // An index is part of its field: `prices[2]`, `prices[2].currency`.
        let joint = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{parent}{joint}{}", self.path);
        self
    }
}

impl From<Refused> for app::Error {
    fn from(refused: Refused) -> Self {
        Self::Invalid { field: refused.path, message: refused.message }
    }
}

impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        status(refused.into())
    }
}

/// Names the field in which something was refused.
pub(crate) trait At: Sized {
    /// Inside the field of this name.
    fn at(self, field: &str) -> Self;

    /// At this place of a repeated field; its name comes with another `at` outside.
    fn at_index(self, index: usize) -> Self {
        self.at(&format!("[{index}]"))
    }
}

impl<T> At for Result<T> {
    fn at(self, field: &str) -> Self {
        self.map_err(|refused| refused.below(field))
    }
}

impl<T> At for app::Result<T> {
    fn at(self, field: &str) -> Self {
        self.map_err(|error| match error {
            app::Error::Invalid { field: path, message } => {
                Refused { path, message }.below(field).into()
            }
            other => other,
        })
    }
}

/// Reads every element of a repeated field.
pub(crate) fn each<P, T>(elements: Vec<P>, read: impl Fn(P) -> Result<T>) -> Result<Vec<T>> {
    elements.into_iter().enumerate().map(|(index, element)| read(element).at_index(index)).collect()
}

/// A message that has to be there.
pub(crate) fn required<T>(message: Option<T>) -> Result<T> {
    message.ok_or_else(|| Refused::new("required"))
}

/// An empty text is an absent one.
pub(crate) fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// The same, as a text to keep.
pub(crate) fn text_if_any(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// A text of a given form: an id, a currency, a zone.
pub(crate) fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T> {
    text.parse().map_err(Refused::new)
}

/// The same where an empty text means none.
pub(crate) fn parse_filled<T: FromStr<Err: Display>>(text: &str) -> Result<Option<T>> {
    filled(text).map(parse).transpose()
}

/// A country's code by its form; an empty text means none.
pub(crate) fn country_if_any(text: &str) -> Result<Option<String>> {
    filled(text).map(domain::organization::country).transpose().map_err(Refused::new)
}

/// A UUID in the one form that is accepted everywhere.
pub(crate) fn uuid(text: &str) -> Result<Uuid> {
    let refused = || Refused::new(IdRefused { text: text.chars().take(48).collect() });
    // Only the hyphenated form, as the ids of the domain.
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36).ok_or_else(refused)
}

/// Which page of a list is asked for.
#[allow(clippy::result_large_err)] // The refusal is an answer of the framework's type.
pub(crate) fn page(size: i32, token: String) -> std::result::Result<PageRequest, Status> {
    PageRequest::new(size, token).map_err(status)
}

/// A number of the wire where the domain counts from zero.
pub(crate) fn count(number: i32) -> Result<u32> {
    let refused = |_| Refused::new(format!("{number} is negative: expected 0 or more"));
    u32::try_from(number).map_err(refused)
}

/// A number by the strict grammar.
pub(crate) fn decimal(value: Option<google::Decimal>) -> Result<Decimal> {
    domain::decimal::parse(&required(value)?.value).map_err(Refused::new)
}

/// A whole date of the calendar; partial ones have zeros and are refused.
pub(crate) fn day(value: google::Date) -> Result<Date> {
    date::from_parts(value.year, value.month, value.day).map_err(Refused::new)
}

/// The same where it may be absent.
pub(crate) fn day_if_any(value: Option<google::Date>) -> Result<Option<Date>> {
    value.map(day).transpose()
}

/// An instant between the earliest and the latest accepted date.
pub(crate) fn instant(value: Timestamp) -> Result<DateTime<Utc>> {
    let nanos = u32::try_from(value.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    let instant = nanos.and_then(|nanos| DateTime::from_timestamp(value.seconds, nanos));
    let refused = || {
        let (seconds, nanos) = (value.seconds, value.nanos);
        let expected = "expected seconds since 1970 and 0 to 999,999,999 nanos";
        Refused::new(format!("{seconds} s, {nanos} ns is not an instant: {expected}"))
    };
    let instant = instant.ok_or_else(refused)?;
    date::accepted(instant.date_naive()).map_err(Refused::new)?;
    Ok(instant)
}

/// An amount: units and nanos of one sign, no more decimals than the currency has.
pub(crate) fn money(value: &google::Money) -> Result<Money> {
    const NANOS: i64 = 1_000_000_000;
    let currency =
        Currency::from_code(&value.currency_code).map_err(Refused::new).at("currency_code")?;
    let nanos = i64::from(value.nanos);
    if nanos.abs() >= NANOS {
        let message = format!("{nanos} is not possible: expected -999,999,999 to 999,999,999");
        return Err(Refused::new(message)).at("nanos");
    }
    if value.units.signum() * nanos.signum() < 0 {
        let units = value.units;
        let message = format!("{nanos} has another sign than the {units} units: expected the same");
        return Err(Refused::new(message)).at("nanos");
    }
    let major = Decimal::from(value.units) + Decimal::new(nanos, 9);
    Money::exact(major, currency).map_err(Refused::new)
}

/// A value of an enumeration, `code` being its number on the wire. Unspecified, unknown and unfit
/// values are refused with the names of the right ones.
pub(crate) fn one_of<P: Enumeration>(code: i32) -> Result<P::Value> {
    let given = P::try_from(code).ok();
    if let Some(value) = given.and_then(P::value) {
        return Ok(value);
    }
    // Numbers are given out from 0 on, without gaps; a test of the descriptors keeps it so.
    let known = (0..).map_while(|number| P::try_from(number).ok());
    let right: Vec<&str> =
        known.filter(|known| known.value().is_some()).map(|known| known.name()).collect();
    let given = given.map_or_else(|| code.to_string(), |given| given.name().to_owned());
    Err(Refused::new(format!("{given} is not possible: expected one of {}", right.join(", "))))
}

/// The same where unspecified means none.
pub(crate) fn one_of_if_any<P: Enumeration>(code: i32) -> Result<Option<P::Value>> {
    if code == 0 { Ok(None) } else { one_of::<P>(code).map(Some) }
}

#[cfg(test)]
#[path = "field_tests.rs"]
mod tests;
