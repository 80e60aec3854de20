//! The words that every printed page shares, in its languages.

use domain::organization::Language;

/// The words of one language.
pub(crate) struct Words {
    pub(crate) lang: &'static str,
    pub(crate) invoice: &'static str,
    pub(crate) credit_note: &'static str,
    pub(crate) made: &'static str,
    pub(crate) number: &'static str,
    pub(crate) issued: &'static str,
    pub(crate) period: &'static str,
    pub(crate) until: &'static str,
    pub(crate) vat: &'static str,
    pub(crate) amount: &'static str,
    pub(crate) net: &'static str,
    pub(crate) over: &'static str,
    pub(crate) total: &'static str,
    pub(crate) vat_number: &'static str,
    pub(crate) registration: &'static str,
    pub(crate) reason: &'static str,
}

/// Dutch.
const DUTCH: Words = Words {
    lang: "nl",
    invoice: "Factuur",
    credit_note: "Creditfactuur",
    made: "Opgemaakt op",
    number: "Factuurnummer",
    issued: "Factuurdatum",
    period: "Periode",
    until: "t/m",
    vat: "Btw",
    amount: "Bedrag",
    net: "Totaal exclusief btw",
    over: "over",
    total: "Totaal",
    vat_number: "Btw-nummer",
    registration: "KvK/KBO",
    reason: "Reden",
};

/// English.
const ENGLISH: Words = Words {
    lang: "en",
    invoice: "Invoice",
    credit_note: "Credit note",
    made: "Made on",
    number: "Invoice number",
    issued: "Invoice date",
    period: "Period",
    until: "to",
    vat: "VAT",
    amount: "Amount",
    net: "Total excluding VAT",
    over: "on",
    total: "Total",
    vat_number: "VAT number",
    registration: "Company registration",
    reason: "Reason",
};

impl Words {
    /// The words of a language.
    pub(crate) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Dutch => &DUTCH,
            Language::English => &ENGLISH,
        }
    }
}
