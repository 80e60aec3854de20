//! How currencies and amounts stand in the payload of an event: `"EUR"`, `"EUR 6049"` (minor
//! units), as text, so that no reader of JSON makes a float of them.

/// A currency by its code.
pub(super) mod currency {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::money::Currency;

    pub(in crate::event) fn serialize<S: Serializer>(
        value: &Currency,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.code())
    }

    pub(in crate::event) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Currency, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// An amount by its currency's code and its minor units.
pub(super) mod money {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::money::Money;

    pub(in crate::event) fn serialize<S: Serializer>(
        value: &Money,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{} {}", value.currency().code(), value.minor()))
    }

    pub(in crate::event) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Money, D::Error> {
        let text = String::deserialize(from)?;
        let parts = text.split_once(' ').ok_or_else(|| de::Error::custom("no amount"))?;
        let currency = parts.0.parse().map_err(de::Error::custom)?;
        Ok(Money::new(parts.1.parse().map_err(de::Error::custom)?, currency))
    }
}
