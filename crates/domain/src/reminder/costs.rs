//! Collection costs: what the law lets a vendor charge at most for collecting from a consumer.
//!
//! Source: Besluit vergoeding voor buitengerechtelijke incassokosten (Stb. 2012, 141), article 2.
//! Rounded down to the cent; without VAT, which a vendor that deducts it may not add.

use crate::money::{Currency, Money};

/// Of how much, in euro cents, how many per thousand; the rest above all is the last row.
const SCALE: &[(i64, i64)] =
    &[(250_000, 150), (250_000, 100), (500_000, 50), (19_000_000, 10), (i64::MAX, 5)];
/// The least, in euro cents.
const LEAST: i64 = 4_000;
/// The most, in euro cents.
const MOST: i64 = 677_500;

/// The most that may be charged for collecting a claim; nothing for a claim that is no euros, or
/// none.
#[must_use]
pub fn collection_costs(claim: Money) -> Option<Money> {
    if claim.currency() != Currency::EUR || claim.minor() <= 0 {
        return None;
    }
    let mut rest = claim.minor();
    let mut costs = 0_i64;
    for (width, per_thousand) in SCALE {
        let part = rest.min(*width);
        costs = costs.saturating_add(part.saturating_mul(*per_thousand) / 1_000);
        rest -= part;
    }
    Some(Money::new(costs.clamp(LEAST, MOST), Currency::EUR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_follow_the_scale_between_40_and_6775_euro() {
        // Claim and costs in cents.
        let table = [
            (1, 4_000),
            (26_666, 4_000),
            (26_667, 4_000),
            (30_000, 4_500),
            (250_000, 37_500),
            (500_000, 62_500),
            (1_000_000, 87_500),
            (20_000_000, 277_500),
            (100_000_000, 677_500),
            (i64::MAX, 677_500),
        ];
        for (claim, costs) in table {
            let found = collection_costs(Money::new(claim, Currency::EUR)).unwrap();
            assert_eq!(found, Money::new(costs, Currency::EUR), "{claim}");
        }
        assert_eq!(collection_costs(Money::zero(Currency::EUR)), None);
        assert_eq!(collection_costs(Money::new(1, "USD".parse().unwrap())), None);
    }
}
