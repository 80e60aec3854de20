//! Who the demonstration's customers are.
//!
//! Purpose: from a seed and a number to one customer's facts: businesses of the Netherlands,
//! Belgium and Germany (the last two with reverse charge), consumers, and one business in the
//! United States.
//!
//! Invariants: pure; the same seed and number give the same customer.
//!
//! Deliberately absent: what they buy and when (`lives`).

use domain::customer::PartyType;
use domain::organization::Address;
use domain::vat::VatTreatment;

use super::draw::Draw;
use super::names::{self, Country};

/// One customer's facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) address: Address,
    pub(super) email: String,
    pub(super) vat_number: Option<String>,
    pub(super) vat_treatment: VatTreatment,
    pub(super) party_type: PartyType,
    /// ISO 4217.
    pub(super) currency: &'static str,
    /// Days; the vendor's own terms when absent.
    pub(super) payment_terms_days: Option<u32>,
    /// The vendor's own number of it.
    pub(super) reference: String,
}

/// Which of the customers is the one in the United States: so early that also the smallest
/// demonstration has it.
const AMERICAN: u32 = 7;

/// What a customer is.
#[derive(Debug, Clone, Copy)]
struct Kind {
    country: &'static Country,
    party_type: PartyType,
    vat_treatment: VatTreatment,
}

impl Kind {
    fn of(number: u32, draw: &mut Draw) -> Self {
        use PartyType::{Business, Consumer};
        use VatTreatment::{Domestic, EuReverseCharge, OutsideEu};
        let (country, party_type, vat_treatment) = match draw.below(100) {
            _ if number == AMERICAN => (&names::US, Business, OutsideEu),
            0..62 => (&names::NL, Business, Domestic),
            62..78 => (&names::BE, Business, EuReverseCharge),
            78..86 => (&names::DE, Business, EuReverseCharge),
            86..97 => (&names::NL, Consumer, Domestic),
            // Bears Belgian VAT: the vendor knows that country's rates.
            _ => (&names::BE, Consumer, Domestic),
        };
        Self { country, party_type, vat_treatment }
    }
}

/// The customer with this number, counted from 1.
pub(super) fn person(seed: u64, number: u32) -> Person {
    let mut draw = Draw::of(seed, "person", u64::from(number));
    let kind = Kind::of(number, &mut draw);
    of_kind(kind, &number.to_string(), format!("K{number:05}"), &mut draw)
}

/// A business that is none of the numbered customers: its reference is its own.
pub(super) fn business(
    country: &'static Country,
    vat_treatment: VatTreatment,
    reference: String,
    draw: &mut Draw,
) -> Person {
    let kind = Kind { country, party_type: PartyType::Business, vat_treatment };
    of_kind(kind, &reference.to_lowercase(), reference, draw)
}

fn of_kind(kind: Kind, mailbox: &str, reference: String, draw: &mut Draw) -> Person {
    let business = kind.party_type == PartyType::Business;
    let surname = draw.pick(kind.country.surnames);
    let name = if business {
        format!("{surname} {} {}", draw.pick(kind.country.trades), draw.pick(kind.country.forms))
    } else {
        format!("{} {surname}", draw.pick(&names::FIRST_NAMES))
    };
    let american = kind.country.code == names::US.code;
    Person {
        name,
        address: address(kind.country, draw),
        email: format!(
            "{}{mailbox}@klant.example",
            if business { "administratie" } else { "post" }
        ),
        vat_number: if business { vat_number(kind.country.code, draw) } else { None },
        vat_treatment: kind.vat_treatment,
        party_type: kind.party_type,
        currency: if american { "USD" } else { "EUR" },
        payment_terms_days: (business && draw.chance(30)).then_some(30),
        reference,
    }
}

fn address(country: &Country, draw: &mut Draw) -> Address {
    let count = u32::try_from(country.places.len()).unwrap_or(0);
    let place = country.places.get(draw.below(count) as usize);
    let (city, prefix) = place.copied().unwrap_or_default();
    let street = format!("{} {}", draw.pick(country.streets), draw.between(1, 180));
    let digits = |draw: &mut Draw, of: usize| {
        let missing = u32::try_from(of.saturating_sub(prefix.len())).unwrap_or(0);
        format!("{prefix}{}", draw.digits(missing))
    };
    let postal_code = match country.code {
        "NL" => format!("{} {}", digits(draw, 4), draw.pick(&["AB", "CD", "GH", "KL", "RT", "XZ"])),
        "BE" => digits(draw, 4),
        _ => digits(draw, 5),
    };
    Address {
        lines: vec![street],
        postal_code,
        city: city.to_owned(),
        country: country.code.to_owned(),
    }
}

fn vat_number(country: &str, draw: &mut Draw) -> Option<String> {
    match country {
        "NL" => Some(format!("NL{}B0{}", draw.digits(9), draw.between(1, 9))),
        "BE" => Some(format!("BE0{}", draw.digits(9))),
        "DE" => Some(format!("DE{}", draw.digits(9))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn people_are_acceptable_customers_of_every_kind() {
        let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
        for number in 1..=200 {
            let person = person(1, number);
            let country = person.address.country.as_str();
            assert!(domain::organization::country(country).is_ok(), "{person:?}");
            assert!(domain::organization::email(&person.email).is_ok(), "{person:?}");
            if let Some(vat_number) = &person.vat_number {
                domain::organization::vat_number(vat_number, country).unwrap();
            }
            let reverse = person.vat_treatment == VatTreatment::EuReverseCharge;
            assert!(!reverse || person.vat_number.is_some(), "{person:?}");
            let kind = format!("{country} {} {}", person.party_type, person.vat_treatment);
            *kinds.entry(kind).or_default() += 1;
        }
        let found: Vec<&str> = kinds.keys().map(String::as_str).collect();
        let expected = [
            "BE business eu_reverse_charge",
            "BE consumer domestic",
            "DE business eu_reverse_charge",
            "NL business domestic",
            "NL consumer domestic",
            "US business outside_eu",
        ];
        assert_eq!(found, expected, "{kinds:?}");
        assert_eq!(kinds["US business outside_eu"], 1);
    }
}
