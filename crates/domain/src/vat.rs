//! Value added tax: who owes it, at which rate, with which note on the document.
//!
//! Purpose: the VAT category of a product, the treatment of a customer and the dated rates of the
//! vendor's country give the category and rate of every line; VAT is computed once per category
//! and rate of a document on the sum of its rounded lines.
//!
//! Sources: EN 16931 BR-CO-17 (VAT per breakdown row) and code list UNCL5305 (category letters);
//! Council Directive 2006/112/EC art. 196 (reverse charge), 146 (export), 282-292 (small
//! businesses); Belgian Royal Decree no. 1 (no rounding per line).
//!
//! Deliberately absent: prices including VAT; one-stop-shop rates of other countries.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::code::codes;
use crate::date::Date;
use crate::money::{self, Currency, Money, MoneyRefused};

codes! {
    /// The category a product falls in; the rate follows from the country and the date.
    VatCategory {
        /// The standard rate: 21 % in the Netherlands and Belgium.
        Standard = "standard",
        /// The intermediate rate: 12 % in Belgium.
        Intermediate = "intermediate",
        /// The reduced rate: 9 % in the Netherlands, 6 % in Belgium.
        Reduced = "reduced",
        /// Taxable at zero per cent.
        Zero = "zero",
        /// Exempt from VAT.
        Exempt = "exempt",
    }
}

codes! {
    /// How a customer stands towards the vendor's VAT.
    VatTreatment {
        /// The vendor's own country: VAT is charged.
        Domestic = "domestic",
        /// A business in another EU country: the customer accounts for the VAT.
        EuReverseCharge = "eu_reverse_charge",
        /// Outside the EU: no VAT.
        OutsideEu = "outside_eu",
    }
}

codes! {
    /// What stands on a line and in the VAT breakdown of a document.
    VatClass {
        /// VAT at a positive rate (code S).
        Standard = "S",
        /// Zero rated (code Z).
        Zero = "Z",
        /// Exempt (code E); also the small business scheme.
        Exempt = "E",
        /// Reverse charge (code AE).
        ReverseCharge = "AE",
        /// Outside the EU (code G).
        Export = "G",
        /// Outside the scope of VAT (code O): a loan, a private person.
        OutsideScope = "O",
    }
}

/// A rate of a country and category, in force from a day until the next row's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VatRate {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Which products.
    pub category: VatCategory,
    /// First day in force.
    pub valid_from: Date,
    /// Percent: 21 means 21 %.
    pub percent: Decimal,
}

/// The dated rates of an organization.
#[derive(Debug, Clone, Default)]
pub struct VatRates(BTreeMap<(String, VatCategory, Date), Decimal>);

impl FromIterator<VatRate> for VatRates {
    fn from_iter<I: IntoIterator<Item = VatRate>>(rates: I) -> Self {
        Self(
            rates
                .into_iter()
                .map(|rate| ((rate.country, rate.category, rate.valid_from), rate.percent))
                .collect(),
        )
    }
}

/// Why no VAT can be determined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VatRefused {
    /// No rate in force.
    #[error("no {category} VAT rate for {country} is in force on {on}: add one with SetVatRate")]
    NoRate {
        /// The vendor's country.
        country: String,
        /// The product's category.
        category: VatCategory,
        /// The tax point.
        on: Date,
    },
    /// The sum does not fit.
    #[error(transparent)]
    Money(#[from] MoneyRefused),
}

impl VatRates {
    /// The percentage in force on `on`. Zero and exempt need no row.
    ///
    /// # Errors
    /// [`VatRefused::NoRate`].
    pub fn percent(
        &self,
        country: &str,
        category: VatCategory,
        on: Date,
    ) -> Result<Decimal, VatRefused> {
        if matches!(category, VatCategory::Zero | VatCategory::Exempt) {
            return Ok(Decimal::ZERO);
        }
        let from = (country.to_owned(), category, Date::MIN);
        let until = (country.to_owned(), category, on);
        self.0
            .range(from..=until)
            .next_back()
            .map(|(_, percent)| *percent)
            .ok_or_else(|| VatRefused::NoRate { country: country.to_owned(), category, on })
    }
}

/// The built-in rates of the Netherlands and Belgium, which a new organization starts with.
/// Sources: Wet OB 1968 art. 9 and tables I, II; Royal Decree no. 20 of 20 July 1970.
#[must_use]
pub fn built_in_rates() -> Vec<VatRate> {
    let day = |year, month, day| Date::from_ymd_opt(year, month, day).unwrap_or_default();
    let rate = |country: &str, category, valid_from, percent| VatRate {
        country: country.to_owned(),
        category,
        valid_from,
        percent: Decimal::from(percent),
    };
    vec![
        rate("NL", VatCategory::Standard, day(2001, 1, 1), 19),
        rate("NL", VatCategory::Standard, day(2012, 10, 1), 21),
        rate("NL", VatCategory::Reduced, day(1992, 1, 1), 6),
        rate("NL", VatCategory::Reduced, day(2019, 1, 1), 9),
        rate("BE", VatCategory::Standard, day(1996, 1, 1), 21),
        rate("BE", VatCategory::Intermediate, day(1992, 4, 1), 12),
        rate("BE", VatCategory::Reduced, day(1992, 4, 1), 6),
    ]
}

/// The member states of the European Union, ISO 3166-1 alpha-2.
pub const EU_COUNTRIES: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT",
    "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// What one line of a document bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineVat {
    /// The letter on the document.
    pub class: VatClass,
    /// Percent: 21 means 21 %.
    pub percent: Decimal,
}

impl LineVat {
    /// Of what is outside the scope of VAT.
    pub const OUTSIDE_SCOPE: Self = Self { class: VatClass::OutsideScope, percent: Decimal::ZERO };
}

/// The party facts that decide VAT.
#[derive(Debug, Clone, Copy)]
pub struct VatParties<'a> {
    /// The country whose rates apply: the vendor's, or a foreign consumer's own.
    pub rate_country: &'a str,
    /// The vendor uses the small business scheme (KOR, franchise).
    pub small_business: bool,
    /// The customer's treatment.
    pub treatment: VatTreatment,
}

/// The VAT of a line of a product of `category`, with tax point `on`.
///
/// # Errors
/// [`VatRefused::NoRate`].
pub fn line_vat(
    rates: &VatRates,
    parties: VatParties<'_>,
    category: VatCategory,
    on: Date,
) -> Result<LineVat, VatRefused> {
    let without = |class| Ok(LineVat { class, percent: Decimal::ZERO });
    if parties.small_business {
        return without(VatClass::Exempt);
    }
    match (parties.treatment, category) {
        (VatTreatment::OutsideEu, _) => without(VatClass::Export),
        (_, VatCategory::Exempt) => without(VatClass::Exempt),
        (VatTreatment::EuReverseCharge, _) => without(VatClass::ReverseCharge),
        (VatTreatment::Domestic, VatCategory::Zero) => without(VatClass::Zero),
        (VatTreatment::Domestic, _) => {
            let percent = rates.percent(parties.rate_country, category, on)?;
            let class = if percent.is_zero() { VatClass::Zero } else { VatClass::Standard };
            Ok(LineVat { class, percent: percent.normalize() })
        }
    }
}

/// One row of a document's VAT breakdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VatRow {
    /// Category and rate.
    pub vat: LineVat,
    /// Sum of the rounded lines.
    pub base: Money,
    /// VAT on that sum.
    pub tax: Money,
}

/// The breakdown: lines summed per category and rate, VAT rounded once per row. 10 lines of 0.03
/// at 21 % give 0.06.
///
/// # Errors
/// [`MoneyRefused`] when sums do not fit.
pub fn breakdown(
    currency: Currency,
    lines: impl IntoIterator<Item = (LineVat, Money)>,
) -> Result<Vec<VatRow>, MoneyRefused> {
    let mut bases: BTreeMap<LineVat, Money> = BTreeMap::new();
    for (vat, net) in lines {
        let base = bases.entry(vat).or_insert(Money::zero(currency));
        *base = base.checked_add(net)?;
    }
    bases
        .into_iter()
        .map(|(vat, base)| {
            let exact = money::multiply(base.major(), vat.percent)? / Decimal::ONE_HUNDRED;
            Ok(VatRow { vat, base, tax: Money::round(exact, currency)? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn the_rate_is_chosen_by_the_tax_point() {
        let rates: VatRates = built_in_rates().into_iter().collect();
        let table = [
            ("NL", VatCategory::Standard, "2012-09-30", Some(19)),
            ("NL", VatCategory::Standard, "2012-10-01", Some(21)),
            ("NL", VatCategory::Reduced, "2018-12-31", Some(6)),
            ("NL", VatCategory::Reduced, "2019-01-01", Some(9)),
            ("BE", VatCategory::Intermediate, "2025-01-01", Some(12)),
            ("NL", VatCategory::Intermediate, "2025-01-01", None),
            ("NL", VatCategory::Standard, "2000-12-31", None),
            ("DE", VatCategory::Standard, "2025-01-01", None),
            ("DE", VatCategory::Zero, "2025-01-01", Some(0)),
        ];
        for (country, category, on, percent) in table {
            let found = rates.percent(country, category, day(on)).ok();
            assert_eq!(found, percent.map(Decimal::from), "{country} {category} {on}");
        }
    }

    #[test]
    fn parties_decide_who_owes() {
        let rates: VatRates = built_in_rates().into_iter().collect();
        let table = [
            (false, VatTreatment::Domestic, VatCategory::Standard, "S 21"),
            (false, VatTreatment::Domestic, VatCategory::Reduced, "S 9"),
            (false, VatTreatment::Domestic, VatCategory::Zero, "Z 0"),
            (false, VatTreatment::Domestic, VatCategory::Exempt, "E 0"),
            (false, VatTreatment::EuReverseCharge, VatCategory::Standard, "AE 0"),
            (false, VatTreatment::EuReverseCharge, VatCategory::Exempt, "E 0"),
            (false, VatTreatment::OutsideEu, VatCategory::Standard, "G 0"),
            (true, VatTreatment::Domestic, VatCategory::Standard, "E 0"),
        ];
        for (small_business, treatment, category, expected) in table {
            let parties = VatParties { rate_country: "NL", small_business, treatment };
            let vat = line_vat(&rates, parties, category, day("2025-01-01")).unwrap();
            assert_eq!(
                format!("{} {}", vat.class, vat.percent),
                expected,
                "{treatment} {category}"
            );
        }
    }

    #[test]
    fn vat_is_rounded_once_per_rate_and_not_per_line() {
        let standard = LineVat { class: VatClass::Standard, percent: Decimal::from(21) };
        let reduced = LineVat { class: VatClass::Standard, percent: Decimal::from(9) };
        let cents = |minor| Money::new(minor, Currency::EUR);
        let ten_small = vec![(standard, cents(3)); 10];
        let rows = breakdown(Currency::EUR, ten_small).unwrap();
        assert_eq!(rows, [VatRow { vat: standard, base: cents(30), tax: cents(6) }]);
        let mixed = [(standard, cents(1000)), (reduced, cents(1000)), (standard, cents(-250))];
        let rows = breakdown(Currency::EUR, mixed).unwrap();
        assert_eq!(
            rows,
            [
                VatRow { vat: reduced, base: cents(1000), tax: cents(90) },
                VatRow { vat: standard, base: cents(750), tax: cents(158) },
            ]
        );
    }
}
