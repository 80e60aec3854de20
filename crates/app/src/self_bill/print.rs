//! The printable page of a document of a credit.
//!
//! Purpose: one self-contained page in Dutch or English with all that the law asks of an invoice
//! that its buyer issues: that it is one, both parties (the investor supplies, the vendor buys),
//! number and dates, a line per investment, VAT, legal texts. Source: Directive 2006/112/EC art. 219
//! and 226, (10a).
//!
//! Invariants: the page shows the parties as they were on the day of issue. What is no invoice says
//! so.

mod words;

use askama::Template;
use domain::date;
use domain::id::SelfBillId;
use domain::invoice::{Party, legal_texts};
use domain::organization::Language;
use domain::self_bill::{Line, SelfBill, SelfBillAcceptance, SelfBillKind};
use domain::writing::{day, money, number};
use store::self_bill::{Filter, Kept};

use self::words::Words;
use super::get;
use crate::Scope;
use crate::error::Error;
use crate::print::{self, PartyBlock, Printed, VatRow, rate};

/// The most documents that are looked at for those that a clawback takes back.
const MAX_CORRECTED: i64 = 1_000;

#[derive(Template)]
#[template(path = "self_bill.html")]
struct PageTemplate {
    words: &'static print::Words,
    own: &'static Words,
    title: &'static str,
    mention: Option<&'static str>,
    number: Option<String>,
    currency: &'static str,
    issue_on: String,
    first_day: String,
    last_day: String,
    corrects: Option<String>,
    reason: Option<String>,
    supplier: PartyBlock,
    buyer: PartyBlock,
    lines: Vec<LineRow>,
    net: String,
    vat: Option<VatRow>,
    total: String,
    legal_texts: Vec<&'static str>,
    remark: Option<&'static str>,
}

struct LineRow {
    description: String,
    revenue: Option<String>,
    share: String,
    vat: Option<String>,
    net: String,
}

/// The page of a document, in a language or in the investor's.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn print(
    scope: &mut Scope,
    id: SelfBillId,
    language: Option<Language>,
) -> Result<Printed, Error> {
    let kept = get(scope, id).await?;
    let corrected = corrected(scope, &kept.bill).await?;
    let own = kept.supplier.language.or(kept.buyer.language);
    let language = language.or(own).unwrap_or(Language::Dutch);
    render(&kept, &corrected, language)
}

/// The documents that a document takes back or replaces: of a clawback the latest of its investment
/// that come to what is taken back.
async fn corrected(scope: &mut Scope, bill: &SelfBill) -> Result<Vec<Kept>, Error> {
    if let Some(id) = bill.corrects {
        return Ok(vec![get(scope, id).await?]);
    }
    let Some(line) = bill.lines.first().filter(|_| bill.net.minor() < 0) else {
        return Ok(Vec::new());
    };
    let filter = Filter { investment_id: Some(line.investment_id), ..Filter::default() };
    let all = store::self_bill::list(&mut scope.tx, filter, None, MAX_CORRECTED).await?;
    let mut left = -bill.net.minor();
    let mut found = Vec::new();
    for kept in all.into_iter().rev() {
        let is_credit = kept.bill.id < bill.id
            && kept.bill.net.minor() > 0
            && kept.bill.acceptance != SelfBillAcceptance::Rejected;
        if is_credit && left > 0 {
            left -= kept.bill.net.minor();
            found.push(kept);
        }
    }
    found.reverse();
    Ok(found)
}

fn line_row(line: &Line, bill: &SelfBill, language: Language) -> LineRow {
    LineRow {
        description: line.description.clone(),
        revenue: line.revenue.map(|revenue| money(revenue, language)),
        share: format!("{} %", number(line.share_percent.normalize(), language)),
        vat: bears_vat(bill).then(|| rate(bill.vat.class, bill.vat.percent, language)),
        net: money(line.net, language),
    }
}

/// Whether VAT is a word on it.
fn bears_vat(bill: &SelfBill) -> bool {
    matches!(bill.kind, SelfBillKind::Invoice | SelfBillKind::CreditNote)
}

fn references(corrected: &[Kept], language: Language) -> Option<String> {
    let id = |one: &Kept| one.bill.id.to_string();
    let name =
        |one: &Kept| one.number.as_ref().map_or_else(|| id(one), |number| number.text.clone());
    print::references(corrected.iter().map(|one| (name(one), one.bill.issue_on)), language)
}

fn render(kept: &Kept, corrected: &[Kept], language: Language) -> Result<Printed, Error> {
    let (words, own) = (print::Words::of(language), Words::of(language));
    let bill = &kept.bill;
    let last_day = date::add_days(date::first_of_next_month(bill.month), -1);
    let vat = bears_vat(bill).then(|| VatRow {
        vat: rate(bill.vat.class, bill.vat.percent, language),
        base: money(bill.net, language),
        tax: money(bill.tax, language),
    });
    let legal_texts = match bill.kind {
        // The VAT is the investor's own invoice's.
        SelfBillKind::Advice => Vec::new(),
        _ => legal_texts(&kept.supplier, &[bill.vat.class], language),
    };
    let page = PageTemplate {
        words,
        own,
        title: match bill.kind {
            SelfBillKind::Invoice => words.invoice,
            SelfBillKind::CreditNote => words.credit_note,
            SelfBillKind::Statement => own.statement,
            SelfBillKind::Advice => own.advice,
        },
        mention: bears_vat(bill).then_some(own.self_billing),
        number: kept.number.as_ref().map(|number| number.text.clone()),
        currency: bill.total.currency().code(),
        issue_on: day(bill.issue_on, language),
        first_day: day(bill.month, language),
        last_day: day(last_day, language),
        corrects: references(corrected, language),
        reason: bill.reason.clone(),
        supplier: (&kept.supplier).into(),
        buyer: without_account(&kept.buyer),
        lines: bill.lines.iter().map(|line| line_row(line, bill, language)).collect(),
        net: money(bill.net, language),
        vat,
        total: money(bill.total, language),
        legal_texts,
        remark: match bill.kind {
            SelfBillKind::Advice => Some(own.send_own),
            SelfBillKind::Statement => Some(own.no_invoice),
            SelfBillKind::Invoice | SelfBillKind::CreditNote => None,
        },
    };
    let html = page.render().map_err(|error| Error::Fault(Box::new(error)))?;
    Ok(Printed { html, language })
}

/// The vendor as it buys: nobody pays to its account.
fn without_account(buyer: &Party) -> PartyBlock {
    PartyBlock { iban: None, ..buyer.into() }
}
