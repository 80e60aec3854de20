//! What printed pages share: the page, the parties, VAT, references and words.
//!
//! Invariants: a page is one self-contained file; everything that comes from outside is escaped.
//!
//! Deliberately absent: PDF; a browser prints the page on A4.

mod words;

use domain::date::Date;
use domain::invoice::Party;
use domain::organization::Language;
use domain::vat::VatClass;
use domain::writing::{day, number};
use rust_decimal::Decimal;

pub(crate) use self::words::Words;

/// A page and its language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// Self-contained HTML.
    pub html: String,
    /// The language it is in.
    pub language: Language,
}

/// A party as a page shows it.
pub(crate) struct PartyBlock {
    pub(crate) name: String,
    pub(crate) lines: Vec<String>,
    pub(crate) vat_number: Option<String>,
    pub(crate) registration_number: Option<String>,
    pub(crate) iban: Option<String>,
    pub(crate) email: Option<String>,
}

/// VAT of a page, per class and rate.
pub(crate) struct VatRow {
    pub(crate) vat: String,
    pub(crate) base: String,
    pub(crate) tax: String,
}

impl From<&Party> for PartyBlock {
    fn from(party: &Party) -> Self {
        let address = &party.address;
        let city = format!("{} {}", address.postal_code, address.city).trim().to_owned();
        let mut lines = address.lines.clone();
        lines.extend([city, address.country.clone()].into_iter().filter(|line| !line.is_empty()));
        Self {
            name: party.name.clone(),
            lines,
            vat_number: party.vat_number.clone(),
            registration_number: party.registration_number.clone(),
            iban: party.iban.clone(),
            email: party.email.clone(),
        }
    }
}

/// A VAT class and rate in words.
pub(crate) fn rate(class: VatClass, percent: Decimal, language: Language) -> String {
    match (class, language) {
        (VatClass::Standard | VatClass::Zero, _) => format!("{} %", number(percent, language)),
        (VatClass::ReverseCharge, Language::Dutch) => "verlegd".to_owned(),
        (VatClass::ReverseCharge, Language::English) => "reverse charge".to_owned(),
        (VatClass::Exempt, Language::Dutch) => "vrijgesteld".to_owned(),
        (VatClass::Exempt, Language::English) => "exempt".to_owned(),
        (VatClass::Export, Language::Dutch) => "buiten EU".to_owned(),
        (VatClass::Export, Language::English) => "outside EU".to_owned(),
        (VatClass::OutsideScope, Language::Dutch) => "buiten btw".to_owned(),
        (VatClass::OutsideScope, Language::English) => "outside VAT".to_owned(),
    }
}

/// Documents with their dates, as the law asks for them: an unambiguous reference. Nothing of none.
pub(crate) fn references(
    documents: impl Iterator<Item = (String, Date)>,
    language: Language,
) -> Option<String> {
    let of = match language {
        Language::Dutch => "van",
        Language::English => "of",
    };
    let named = documents.map(|(number, on)| format!("{number} {of} {}", day(on, language)));
    let named: Vec<String> = named.collect();
    (!named.is_empty()).then(|| named.join(", "))
}
