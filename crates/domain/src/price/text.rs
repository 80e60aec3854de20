//! Decimals in JSON as text of the strict grammar; a JSON number would pass through a float.
//!
//! Purpose: one way in and out for the numbers of a stored price model.
//!
//! Invariants: what is read is exactly what was written.
//!
//! Deliberately absent: JSON numbers, which are refused.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serializer, de};

pub(super) fn serialize<S: Serializer>(value: &Decimal, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(from)?;
    crate::decimal::parse(&text).map_err(de::Error::custom)
}

/// The same for decimals that may be absent.
pub(super) mod optional {
    use super::*;

    pub(in crate::price) fn serialize<S: Serializer>(
        value: &Option<Decimal>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    pub(in crate::price) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Decimal>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| crate::decimal::parse(&text).map_err(de::Error::custom)).transpose()
    }
}
