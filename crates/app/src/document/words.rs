//! The words of the page of an invoice or credit note, in its languages.

use domain::organization::Language;

/// The words of one language.
pub(super) struct Words {
    pub(super) draft: &'static str,
    pub(super) discarded: &'static str,
    pub(super) due: &'static str,
    pub(super) description: &'static str,
    pub(super) quantity: &'static str,
    pub(super) price: &'static str,
    pub(super) corrects: &'static str,
    pub(super) from_credit: &'static str,
    pub(super) since: &'static str,
    pub(super) to_pay: &'static str,
    pub(super) off_invoices: &'static str,
    pub(super) to_credit: &'static str,
}

/// Dutch.
const DUTCH: Words = Words {
    draft: "Concept",
    discarded: "Vervallen concept",
    due: "Te betalen uiterlijk",
    description: "Omschrijving",
    quantity: "Aantal",
    price: "Prijs",
    corrects: "Betreft factuur",
    from_credit: "Verrekend met uw tegoed",
    since: "Reeds betaald of gecrediteerd",
    to_pay: "Te betalen",
    off_invoices: "Verrekend met openstaande facturen",
    to_credit: "Toegevoegd aan uw tegoed",
};

/// English.
const ENGLISH: Words = Words {
    draft: "Draft",
    discarded: "Discarded draft",
    due: "Payable by",
    description: "Description",
    quantity: "Quantity",
    price: "Price",
    corrects: "Corrects invoice",
    from_credit: "Applied from your credit",
    since: "Paid or credited since",
    to_pay: "To be paid",
    off_invoices: "Deducted from open invoices",
    to_credit: "Added to your credit",
};

impl Words {
    /// The words of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Dutch => &DUTCH,
            Language::English => &ENGLISH,
        }
    }
}
