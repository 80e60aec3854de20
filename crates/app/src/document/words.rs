//! The words of the printed page, in its languages.

use domain::organization::Language;

/// The words of one language.
pub(super) struct Words {
    pub(super) lang: &'static str,
    pub(super) invoice: &'static str,
    pub(super) credit_note: &'static str,
    pub(super) draft: &'static str,
    pub(super) discarded: &'static str,
    pub(super) made: &'static str,
    pub(super) number: &'static str,
    pub(super) issued: &'static str,
    pub(super) due: &'static str,
    pub(super) description: &'static str,
    pub(super) period: &'static str,
    pub(super) until: &'static str,
    pub(super) quantity: &'static str,
    pub(super) price: &'static str,
    pub(super) vat: &'static str,
    pub(super) amount: &'static str,
    pub(super) net: &'static str,
    pub(super) over: &'static str,
    pub(super) total: &'static str,
    pub(super) vat_number: &'static str,
    pub(super) registration: &'static str,
    pub(super) corrects: &'static str,
    pub(super) reason: &'static str,
    pub(super) from_credit: &'static str,
    pub(super) since: &'static str,
    pub(super) to_pay: &'static str,
    pub(super) off_invoices: &'static str,
    pub(super) to_credit: &'static str,
}

/// Dutch.
const DUTCH: Words = Words {
    lang: "nl",
    invoice: "Factuur",
    credit_note: "Creditfactuur",
    draft: "Concept",
    discarded: "Vervallen concept",
    made: "Opgemaakt op",
    number: "Factuurnummer",
    issued: "Factuurdatum",
    due: "Te betalen uiterlijk",
    description: "Omschrijving",
    period: "Periode",
    until: "t/m",
    quantity: "Aantal",
    price: "Prijs",
    vat: "Btw",
    amount: "Bedrag",
    net: "Totaal exclusief btw",
    over: "over",
    total: "Totaal",
    vat_number: "Btw-nummer",
    registration: "KvK/KBO",
    corrects: "Betreft factuur",
    reason: "Reden",
    from_credit: "Verrekend met uw tegoed",
    since: "Reeds betaald of gecrediteerd",
    to_pay: "Te betalen",
    off_invoices: "Verrekend met openstaande facturen",
    to_credit: "Toegevoegd aan uw tegoed",
};

/// English.
const ENGLISH: Words = Words {
    lang: "en",
    invoice: "Invoice",
    credit_note: "Credit note",
    draft: "Draft",
    discarded: "Discarded draft",
    made: "Made on",
    number: "Invoice number",
    issued: "Invoice date",
    due: "Payable by",
    description: "Description",
    period: "Period",
    until: "to",
    quantity: "Quantity",
    price: "Price",
    vat: "VAT",
    amount: "Amount",
    net: "Total excluding VAT",
    over: "on",
    total: "Total",
    vat_number: "VAT number",
    registration: "Company registration",
    corrects: "Corrects invoice",
    reason: "Reason",
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
