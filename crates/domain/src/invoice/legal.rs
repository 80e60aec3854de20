//! The texts that the law wants on documents, in their language.

use super::Party;
use crate::organization::Language;
use crate::vat::VatClass;

/// The texts that the law wants on a document with these VAT classes. Sources: Directive
/// 2006/112/EC art. 226 (11), (11a); Wet OB 1968 art. 25; Belgian VAT Code art. 56bis.
#[must_use]
pub fn legal_texts(seller: &Party, classes: &[VatClass], language: Language) -> Vec<&'static str> {
    let mut texts: Vec<&'static str> = classes
        .iter()
        .filter_map(|class| match (class, language) {
            (VatClass::Standard | VatClass::Zero, _) => None,
            (VatClass::ReverseCharge, Language::Dutch) => {
                Some("Btw verlegd (artikel 196 Richtlijn 2006/112/EG).")
            }
            (VatClass::ReverseCharge, Language::English) => {
                Some("VAT reverse charged (Article 196 of Directive 2006/112/EC).")
            }
            (VatClass::Export, Language::Dutch) => {
                Some("Geen btw: de plaats van de dienst ligt buiten de EU (artikel 44 Richtlijn 2006/112/EG).")
            }
            (VatClass::Export, Language::English) => {
                Some("No VAT: the place of supply is outside the EU (Article 44 of Directive 2006/112/EC).")
            }
            (VatClass::OutsideScope, Language::Dutch) => Some("Buiten de heffing van btw."),
            (VatClass::OutsideScope, Language::English) => Some("Outside the scope of VAT."),
            (VatClass::Exempt, language) => Some(exempt_text(seller, language)),
        })
        .collect();
    texts.dedup();
    texts
}

fn exempt_text(seller: &Party, language: Language) -> &'static str {
    match (seller.small_business, seller.address.country.as_str(), language) {
        (true, "BE", Language::Dutch) => {
            "Kleine onderneming onderworpen aan de vrijstellingsregeling van belasting. Btw niet toepasselijk."
        }
        (true, "BE", Language::English) => {
            "Small enterprise subject to the tax exemption scheme. VAT not applicable."
        }
        (true, _, Language::Dutch) => {
            "Vrijgesteld van btw: kleineondernemersregeling (artikel 25 Wet op de omzetbelasting 1968)."
        }
        (true, _, Language::English) => {
            "Exempt from VAT: small businesses scheme (Article 25 Wet op de omzetbelasting 1968)."
        }
        (false, _, Language::Dutch) => "Vrijgesteld van btw (artikel 132 Richtlijn 2006/112/EG).",
        (false, _, Language::English) => "Exempt from VAT (Article 132 of Directive 2006/112/EC).",
    }
}
