//! The words of the page of a credit, in its languages.

use domain::organization::Language;

/// The words of one language.
pub(super) struct Words {
    pub(super) statement: &'static str,
    pub(super) advice: &'static str,
    pub(super) self_billing: &'static str,
    pub(super) supplier: &'static str,
    pub(super) buyer: &'static str,
    pub(super) feature: &'static str,
    pub(super) revenue: &'static str,
    pub(super) share: &'static str,
    pub(super) corrects: &'static str,
    pub(super) send_own: &'static str,
    pub(super) no_invoice: &'static str,
}

/// Dutch.
const DUTCH: Words = Words {
    statement: "Uitbetalingsoverzicht",
    advice: "Opgave van uw aandeel",
    self_billing: "Factuur uitgereikt door afnemer",
    supplier: "Leverancier",
    buyer: "Afnemer",
    feature: "Aandeel in de opbrengst van",
    revenue: "Opbrengst",
    share: "Aandeel",
    corrects: "Betreft",
    send_own: "Dit is geen factuur. Stuur ons uw eigen factuur voor dit bedrag; daarna betalen wij het uit.",
    no_invoice: "Dit is geen factuur.",
};

/// English.
const ENGLISH: Words = Words {
    statement: "Payout statement",
    advice: "Advice of your share",
    self_billing: "Self-billing",
    supplier: "Supplier",
    buyer: "Customer",
    feature: "Share of the revenue of",
    revenue: "Revenue",
    share: "Share",
    corrects: "Concerns",
    send_own: "This is not an invoice. Please send us your own invoice for this amount; we then pay it out.",
    no_invoice: "This is not an invoice.",
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
