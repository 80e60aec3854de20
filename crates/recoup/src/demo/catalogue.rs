//! What the demonstration's vendor sells.
//!
//! Purpose: plausible products of a Dutch software vendor: monthly, quarterly and yearly; in advance
//! and in arrears; flat, per unit and by a meter in tiers; with and without a trial; at 21 % and at
//! 9 %; a plan whose price went up for newcomers, and later for everybody; discounts of every kind.
//!
//! Deliberately absent: who buys it (`people`), making it (`vendor`).

use domain::discount::Duration;
use domain::period::Interval;
use domain::plan::{RevenueKind, Timing};
use domain::vat::VatCategory;

/// Something that is sold.
#[derive(Debug)]
pub(super) struct Product {
    /// Its name here.
    pub(super) key: &'static str,
    /// Its name on documents.
    pub(super) name: &'static str,
    pub(super) vat: VatCategory,
    pub(super) revenue: RevenueKind,
    /// What one unit is called.
    pub(super) unit: Option<&'static str>,
}

/// A plan with its versions.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) interval: Interval,
    pub(super) timing: Timing,
    pub(super) trial_days: u32,
    /// From the first year on.
    pub(super) components: &'static [Component],
    /// For those who come from the second year on; none: the price stayed.
    pub(super) second_year: Option<&'static [Component]>,
}

/// One component of a plan.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) name: &'static str,
    /// Key of the product.
    pub(super) product: &'static str,
    pub(super) charge: Charge,
}

/// How a component is priced: in EUR; in USD it is the same number, as vendors do it.
#[derive(Debug)]
pub(super) enum Charge {
    /// So much a period.
    Flat(&'static str),
    /// So much a unit and period.
    PerUnit(&'static str),
    /// What the meter counts, by [`CALL_TIERS`].
    Calls,
}

const fn flat(name: &'static str, product: &'static str, price: &'static str) -> Component {
    Component { name, product, charge: Charge::Flat(price) }
}

const fn per_unit(name: &'static str, product: &'static str, price: &'static str) -> Component {
    Component { name, product, charge: Charge::PerUnit(price) }
}

/// The meter's code.
pub(super) const METER: &str = "api-calls";
/// The plan that it is for.
pub(super) const METERED_PLAN: &str = "integration";

/// What calls cost: up to so many a period, so much each; the last tier is open.
pub(super) const CALL_TIERS: [(Option<u32>, &str); 3] =
    [(Some(1_000), "0"), (Some(20_000), "0.004"), (None, "0.0025")];

/// A discount of the vendor.
#[derive(Debug)]
pub(super) struct Discount {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) off: Off,
    pub(super) duration: Duration,
}

/// What a discount takes off.
#[derive(Debug)]
pub(super) enum Off {
    /// So many percent.
    Percent(&'static str),
    /// So many euros.
    Euro(&'static str),
}

/// The discounts: a percentage and an amount, each once, for some periods and for ever.
pub(super) const DISCOUNTS: [Discount; 6] = [
    Discount {
        code: "WELKOM",
        name: "Welkomstkorting 50 %",
        off: Off::Percent("50"),
        duration: Duration::Periods { count: 3 },
    },
    Discount {
        code: "OVERSTAP",
        name: "Overstapkorting",
        off: Off::Euro("25.00"),
        duration: Duration::Once,
    },
    Discount {
        code: "START",
        name: "Startkorting",
        off: Off::Euro("7.50"),
        duration: Duration::Periods { count: 6 },
    },
    Discount {
        code: "TROUW",
        name: "Trouwe klant 10 %",
        off: Off::Percent("10"),
        duration: Duration::Forever,
    },
    Discount {
        code: "ACTIE",
        name: "Najaarsactie 20 %",
        off: Off::Percent("20"),
        duration: Duration::Once,
    },
    Discount {
        code: "PARTNER",
        name: "Partnerkorting",
        off: Off::Euro("5.00"),
        duration: Duration::Forever,
    },
];

/// The products.
pub(super) const PRODUCTS: [Product; 10] = [
    Product {
        key: "hosting",
        name: "Beheerde hosting",
        vat: VatCategory::Standard,
        revenue: RevenueKind::Subscription,
        unit: None,
    },
    Product {
        key: "platform",
        name: "Leerplatform",
        vat: VatCategory::Standard,
        revenue: RevenueKind::Subscription,
        unit: None,
    },
    Product {
        key: "participants",
        name: "Leerplatform, deelnemers",
        vat: VatCategory::Standard,
        revenue: RevenueKind::Subscription,
        unit: Some("deelnemer"),
    },
    Product {
        key: "support",
        name: "Ondersteuning",
        vat: VatCategory::Standard,
        revenue: RevenueKind::Service,
        unit: None,
    },
    Product {
        key: "contacts",
        name: "Ondersteuning, contactpersonen",
        vat: VatCategory::Standard,
        revenue: RevenueKind::Service,
        unit: Some("contactpersoon"),
    },
    Product {
        // Digital publications bear the reduced rate in the Netherlands since 2020.
        key: "library",
        name: "Vakbibliotheek (e-books)",
        vat: VatCategory::Reduced,
        revenue: RevenueKind::Subscription,
        unit: Some("lezer"),
    },
    Product {
        key: "integration",
        name: "Koppeling (API)",
        vat: VatCategory::Standard,
        revenue: RevenueKind::Subscription,
        unit: None,
    },
    Product {
        key: "calls",
        name: "API-aanroepen",
        vat: VatCategory::Standard,
        revenue: RevenueKind::Usage,
        unit: Some("aanroep"),
    },
    Product {
        key: "advice",
        name: "Inrichting en advies",
        vat: VatCategory::Standard,
        revenue: RevenueKind::Service,
        unit: Some("uur"),
    },
    Product {
        key: "feature",
        name: "Uitbreidingen",
        vat: VatCategory::Standard,
        revenue: RevenueKind::Subscription,
        unit: None,
    },
];

/// The plans.
pub(super) const PLANS: [Plan; 9] = [
    Plan {
        code: "hosting-start",
        name: "Hosting Start",
        interval: Interval::MONTHLY,
        timing: Timing::InAdvance,
        trial_days: 0,
        components: &[flat("hosting", "hosting", "19.00")],
        second_year: Some(&[flat("hosting", "hosting", "21.50")]),
    },
    Plan {
        code: "hosting-pro",
        name: "Hosting Pro",
        interval: Interval::QUARTERLY,
        timing: Timing::InAdvance,
        trial_days: 0,
        components: &[flat("hosting", "hosting", "147.00")],
        second_year: None,
    },
    Plan {
        code: "hosting-year",
        name: "Hosting Jaarbundel",
        interval: Interval::YEARLY,
        timing: Timing::InAdvance,
        trial_days: 0,
        components: &[flat("hosting", "hosting", "1188.00")],
        second_year: None,
    },
    Plan {
        code: "learning-team",
        name: "Leerplatform Team",
        interval: Interval::MONTHLY,
        timing: Timing::InAdvance,
        trial_days: 30,
        components: &[
            flat("platform", "platform", "49.00"),
            per_unit("participants", "participants", "4.25"),
        ],
        second_year: Some(&[
            flat("platform", "platform", "49.00"),
            per_unit("participants", "participants", "4.60"),
        ]),
    },
    Plan {
        code: "learning-year",
        name: "Leerplatform Jaar",
        interval: Interval::YEARLY,
        timing: Timing::InAdvance,
        trial_days: 0,
        components: &[per_unit("participants", "participants", "37.50")],
        second_year: None,
    },
    Plan {
        code: "support-basic",
        name: "Ondersteuning Basis",
        interval: Interval::MONTHLY,
        timing: Timing::InArrears,
        trial_days: 0,
        components: &[flat("support", "support", "75.00")],
        second_year: None,
    },
    Plan {
        code: "support-plus",
        name: "Ondersteuning Plus",
        interval: Interval::QUARTERLY,
        timing: Timing::InArrears,
        trial_days: 0,
        components: &[
            flat("support", "support", "390.00"),
            per_unit("contacts", "contacts", "22.50"),
        ],
        second_year: None,
    },
    Plan {
        code: "library",
        name: "Vakbibliotheek",
        interval: Interval::MONTHLY,
        timing: Timing::InAdvance,
        trial_days: 14,
        components: &[per_unit("readers", "library", "6.95")],
        second_year: None,
    },
    Plan {
        code: METERED_PLAN,
        name: "Koppeling",
        interval: Interval::MONTHLY,
        timing: Timing::InAdvance,
        trial_days: 0,
        components: &[
            flat("base", "integration", "29.00"),
            Component { name: "calls", product: "calls", charge: Charge::Calls },
        ],
        second_year: None,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_sells_a_product_at_a_price() {
        for plan in &PLANS {
            let versions = std::iter::once(plan.components).chain(plan.second_year);
            for component in versions.flatten() {
                assert!(
                    PRODUCTS.iter().any(|product| product.key == component.product),
                    "{plan:?}"
                );
                if let Charge::Flat(price) | Charge::PerUnit(price) = component.charge {
                    assert!(domain::decimal::parse(price).is_ok(), "{plan:?}");
                }
            }
        }
    }
}
