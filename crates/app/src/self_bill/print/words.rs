//! The words of the page of a credit, in its languages.

use domain::organization::Language;

/// The words of one language.
pub(super) struct Words {
    pub(super) lang: &'static str,
    pub(super) invoice: &'static str,
    pub(super) credit_note: &'static str,
    pub(super) statement: &'static str,
    pub(super) advice: &'static str,
    pub(super) self_billing: &'static str,
    pub(super) number: &'static str,
    pub(super) issued: &'static str,
    pub(super) made: &'static str,
    pub(super) period: &'static str,
    pub(super) until: &'static str,
    pub(super) supplier: &'static str,
    pub(super) buyer: &'static str,
    pub(super) feature: &'static str,
    pub(super) revenue: &'static str,
    pub(super) share: &'static str,
    pub(super) vat: &'static str,
    pub(super) amount: &'static str,
    pub(super) net: &'static str,
    pub(super) over: &'static str,
    pub(super) total: &'static str,
    pub(super) vat_number: &'static str,
    pub(super) registration: &'static str,
    pub(super) corrects: &'static str,
    pub(super) reason: &'static str,
    pub(super) send_own: &'static str,
    pub(super) no_invoice: &'static str,
}

/// Dutch.
const DUTCH: Words = Words {
    lang: "nl",
    invoice: "Factuur",
    credit_note: "Creditfactuur",
    statement: "Uitbetalingsoverzicht",
    advice: "Opgave van uw aandeel",
    self_billing: "Factuur uitgereikt door afnemer",
    number: "Factuurnummer",
    issued: "Factuurdatum",
    made: "Opgemaakt op",
    period: "Periode",
    until: "t/m",
    supplier: "Leverancier",
    buyer: "Afnemer",
    feature: "Aandeel in de opbrengst van",
    revenue: "Opbrengst",
    share: "Aandeel",
    vat: "Btw",
    amount: "Bedrag",
    net: "Totaal exclusief btw",
    over: "over",
    total: "Totaal",
    vat_number: "Btw-nummer",
    registration: "KvK/KBO",
    corrects: "Betreft",
    reason: "Reden",
    send_own: "Dit is geen factuur. Stuur ons uw eigen factuur voor dit bedrag; daarna betalen wij het uit.",
    no_invoice: "Dit is geen factuur.",
};

/// English.
const ENGLISH: Words = Words {
    lang: "en",
    invoice: "Invoice",
    credit_note: "Credit note",
    statement: "Payout statement",
    advice: "Advice of your share",
    self_billing: "Self-billing",
    number: "Invoice number",
    issued: "Invoice date",
    made: "Made on",
    period: "Period",
    until: "to",
    supplier: "Supplier",
    buyer: "Customer",
    feature: "Share of the revenue of",
    revenue: "Revenue",
    share: "Share",
    vat: "VAT",
    amount: "Amount",
    net: "Total excluding VAT",
    over: "on",
    total: "Total",
    vat_number: "VAT number",
    registration: "Company registration",
    corrects: "Concerns",
    reason: "Reason",
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
