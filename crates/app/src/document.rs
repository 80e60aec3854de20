//! The printable page of a document.
//!
//! Purpose: one self-contained page in Dutch or English with all that the law asks of an invoice:
//! both parties, number and dates, lines with their period, VAT per rate, legal texts; of a document
//! that takes lines back, the invoices that it corrects. Source: Directive 2006/112/EC art. 219 and
//! 226.
//!
//! Invariants: the page shows the parties as they were on the day of issue, and the last day of a
//! period inclusive. Its total, less what is settled, is what the page asks for. A draft is called
//! one, and has neither number nor due date.

mod words;

use askama::Template;
use domain::date;
use domain::id::{InvoiceId, LineId};
use domain::invoice::{DocumentKind, DocumentState, legal_texts};
use domain::organization::Language;
use domain::vat::VatClass;
use domain::writing::{day, money, number};
use rust_decimal::Decimal;
use store::invoice::{Document, DocumentLine, DocumentVat};

use self::words::Words;
use crate::Scope;
use crate::error::Error;
use crate::print::{self, PartyBlock, Printed, VatRow, rate};

#[derive(Template)]
#[template(path = "document.html")]
struct PageTemplate {
    words: &'static print::Words,
    own: &'static Words,
    title: &'static str,
    number: Option<String>,
    currency: &'static str,
    issue_on: String,
    due_on: Option<String>,
    /// The invoices of which it takes lines back.
    corrects: Option<String>,
    reason: Option<String>,
    seller: PartyBlock,
    buyer: PartyBlock,
    lines: Vec<LineRow>,
    vat_rows: Vec<VatRow>,
    net: String,
    total: String,
    settled: Vec<SettledRow>,
    to_pay: Option<String>,
    legal_texts: Vec<&'static str>,
    payment: Option<String>,
}

struct LineRow {
    description: String,
    first_day: String,
    last_day: String,
    quantity: String,
    unit_price: String,
    vat: String,
    net: String,
}

/// A part of the total that is settled without paying it now.
struct SettledRow {
    what: &'static str,
    amount: String,
}

/// A unit price with at least the currency's decimals.
fn unit_price(price: Decimal, decimals: u32, language: Language) -> String {
    let mut price = price.normalize();
    if price.scale() < decimals {
        price.rescale(decimals);
    }
    number(price, language)
}

fn line_row(line: &DocumentLine, language: Language) -> LineRow {
    let quantity = number(line.quantity.normalize(), language);
    LineRow {
        description: line.description.clone(),
        first_day: day(line.service_from, language),
        last_day: day(date::add_days(line.service_until, -1), language),
        quantity: match &line.unit_label {
            Some(label) => format!("{quantity} {label}"),
            None => quantity,
        },
        unit_price: unit_price(line.unit_price, line.net.currency().decimals(), language),
        vat: rate(line.vat_class, line.vat_percent, language),
        net: money(line.net, language),
    }
}

fn vat_row(row: &DocumentVat, language: Language) -> VatRow {
    VatRow {
        vat: rate(row.vat_class, row.vat_percent, language),
        base: money(row.base, language),
        tax: money(row.tax, language),
    }
}

/// What of the total is settled, and, where that is something, what of an invoice is left to pay.
fn settled(
    document: &Document,
    language: Language,
) -> Result<(Vec<SettledRow>, Option<String>), Error> {
    let words = Words::of(language);
    let Document { total, balance, open, .. } = document;
    let parts = if total.minor() < 0 {
        // What a credit note does not pay off becomes the customer's.
        let off_invoices = total.checked_add(*balance)?.negated()?;
        [(words.off_invoices, off_invoices), (words.to_credit, *balance)]
    } else {
        let since = open.checked_sub(total.checked_add(*balance)?)?;
        [(words.from_credit, *balance), (words.since, since)]
    };
    let parts = parts.into_iter().filter(|(_, amount)| !amount.is_zero());
    let rows: Vec<SettledRow> =
        parts.map(|(what, amount)| SettledRow { what, amount: money(amount, language) }).collect();
    let to_pay = (total.minor() > 0 && !rows.is_empty()).then(|| money(*open, language));
    Ok((rows, to_pay))
}

fn references(corrected: &[Document], language: Language) -> Option<String> {
    let named = corrected.iter().map(|one| (one.number.clone(), one.issue_on));
    print::references(named, language)
}

fn payment_text(document: &Document, language: Language) -> Option<String> {
    let iban = document.seller.iban.as_ref().filter(|_| document.open.minor() > 0)?;
    let due = day(document.due_on, language);
    let amount = money(document.open, language);
    let currency = document.open.currency();
    let number = &document.number;
    Some(match language {
        Language::Dutch => format!(
            "Wij verzoeken u {currency} {amount} uiterlijk {due} over te maken op {iban} onder vermelding van {number}."
        ),
        Language::English => {
            format!("Please transfer {currency} {amount} to {iban} by {due}, mentioning {number}.")
        }
    })
}

/// The page of a document, in a language or in the customer's.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn print(
    scope: &mut Scope,
    id: InvoiceId,
    language: Option<Language>,
) -> Result<Printed, Error> {
    let document = crate::invoice::get(scope, id).await?;
    let lines: Vec<LineId> =
        document.lines.iter().filter_map(|line| line.corrects_line_id).collect();
    let corrected = store::invoice::of_lines(&mut scope.tx, &lines).await?;
    render(&document, &corrected, language)
}

fn render(
    document: &Document,
    corrected: &[Document],
    language: Option<Language>,
) -> Result<Printed, Error> {
    let preferred = document.buyer.language.or(document.seller.language);
    let language = language.or(preferred).unwrap_or(Language::Dutch);
    let (words, own) = (print::Words::of(language), Words::of(language));
    let is_issued = document.finalized_at.is_some();
    let classes: Vec<VatClass> = document.vat_rows.iter().map(|row| row.vat_class).collect();
    let (settled, to_pay) = settled(document, language)?;
    let is_payable = document.total.checked_add(document.balance)?.minor() > 0;
    let page = PageTemplate {
        words,
        own,
        title: match (document.state, document.kind) {
            (DocumentState::Draft, _) => own.draft,
            (DocumentState::Discarded, _) => own.discarded,
            (_, DocumentKind::Invoice) => words.invoice,
            (_, DocumentKind::CreditNote) => words.credit_note,
        },
        number: is_issued.then(|| document.number.clone()),
        currency: document.total.currency().code(),
        issue_on: day(document.issue_on, language),
        due_on: (is_issued && is_payable).then(|| day(document.due_on, language)),
        corrects: references(corrected, language),
        reason: document.reason.clone(),
        seller: (&document.seller).into(),
        buyer: (&document.buyer).into(),
        lines: document.lines.iter().map(|line| line_row(line, language)).collect(),
        vat_rows: document.vat_rows.iter().map(|row| vat_row(row, language)).collect(),
        net: money(document.net, language),
        total: money(document.total, language),
        settled,
        to_pay,
        legal_texts: legal_texts(&document.seller, &classes, language),
        payment: payment_text(document, language).filter(|_| is_issued),
    };
    let html = page.render().map_err(|error| Error::Fault(Box::new(error)))?;
    Ok(Printed { html, language })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_prices_have_at_least_the_decimals_of_their_currency() {
        let price = domain::decimal::parse("2.5").unwrap();
        assert_eq!(unit_price(price, 2, Language::Dutch), "2,50");
    }
}
