//! What a quantity costs, counted naively.

use serde::Deserialize;

use super::amounts::{ONE, fine};

/// A price.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Model {
    Flat { amount: String },
    PerUnit { unit_price: String },
    Graduated { tiers: Vec<Tier> },
    Volume { tiers: Vec<Tier> },
    Package { size: String, unit_price: String, free: Option<String> },
    Percentage { percent: String },
}

/// A step of a price.
#[derive(Debug, Deserialize)]
pub(super) struct Tier {
    up_to: Option<String>,
    unit_price: String,
    flat_fee: Option<String>,
    block: Option<String>,
}

impl Model {
    /// What a period of `quantity` (as [`fine`] gives it) costs, in parts of which `ONE * ONE` are
    /// one major unit.
    pub(super) fn price(&self, quantity: i128) -> i128 {
        match self {
            Self::Flat { amount } => fine(amount) * ONE,
            Self::PerUnit { unit_price } => fine(unit_price) * quantity,
            Self::Graduated { tiers } => {
                let begins = std::iter::once(0).chain(tiers.iter().map(Tier::end));
                begins
                    .zip(tiers)
                    .enumerate()
                    .filter(|(at, (begin, _))| *at == 0 || quantity > *begin)
                    .map(|(_, (begin, tier))| tier.price(quantity.min(tier.end()) - begin))
                    .sum()
            }
            Self::Volume { tiers } => {
                let reached = tiers.iter().find(|tier| quantity <= tier.end());
                reached.expect("the last tier is open").price(quantity)
            }
            Self::Package { size, unit_price, free } => {
                let free = free.as_deref().map_or(0, fine);
                fine(unit_price) * started(quantity - free, fine(size))
            }
            Self::Percentage { percent } => fine(percent) / 100 * quantity,
        }
    }

    /// The quantity and the unit price that a line shows.
    pub(super) fn shown(&self, quantity: i128) -> (i128, i128) {
        match self {
            Self::Flat { amount } => (ONE, fine(amount)),
            Self::PerUnit { unit_price } | Self::Package { unit_price, .. } => {
                (quantity, fine(unit_price))
            }
            Self::Graduated { tiers } | Self::Volume { tiers } => {
                (quantity, fine(&tiers.first().expect("a tier").unit_price))
            }
            Self::Percentage { percent } => (quantity, fine(percent) / 100),
        }
    }
}

impl Tier {
    fn end(&self) -> i128 {
        self.up_to.as_deref().map_or(i128::MAX, fine)
    }

    fn price(&self, quantity: i128) -> i128 {
        let units = match &self.block {
            Some(block) => started(quantity, fine(block)),
            None => quantity,
        };
        self.flat_fee.as_deref().map_or(0, fine) * ONE + fine(&self.unit_price) * units
    }
}

/// Bundles that are begun, as [`fine`] would give their number.
fn started(quantity: i128, size: i128) -> i128 {
    (quantity.max(0) + size - 1) / size * ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_counted() {
        let tiers =
            r#""tiers":[{"up_to":"5","unit_price":"10"},{"unit_price":"8","flat_fee":"3"}]"#;
        let table = [
            (format!(r#"{{"kind":"graduated",{tiers}}}"#), "12", "109"),
            (format!(r#"{{"kind":"graduated",{tiers}}}"#), "5", "50"),
            (format!(r#"{{"kind":"volume",{tiers}}}"#), "12", "99"),
            (r#"{"kind":"package","size":"100","unit_price":"4","free":"50"}"#.into(), "251", "12"),
            (r#"{"kind":"package","size":"100","unit_price":"4"}"#.into(), "0", "0"),
            (r#"{"kind":"percentage","percent":"2.5"}"#.into(), "200", "5"),
        ];
        for (model, quantity, expected) in table {
            let price = serde_json::from_str::<Model>(&model).unwrap().price(fine(quantity));
            assert_eq!(price, fine(expected) * ONE, "{model} {quantity}");
        }
    }
}
