//! Invoices and credit notes on the wire, finalized and as drafts.
//!
//! Invariants: a draft has what a finalized document will have, but for ids, number and the instant
//! of finalization.
//!
//! Deliberately absent: the printable page (`app::document`).

use app::invoice::{Document, DocumentLine, DocumentVat};
use domain::invoice::{Draft, Line, Party, legal_texts};
use domain::money::Money;
use domain::organization::Language;
use domain::vat::{LineVat, VatClass, VatRow};

use crate::enumeration::code;
use crate::pb::{google::r#type as google, v1};
use crate::wire;

/// Who a draft is from and for.
#[derive(Debug)]
pub(crate) struct Parties {
    /// The vendor.
    pub(crate) seller: Party,
    /// The customer.
    pub(crate) buyer: Party,
}

/// The language of a document between these parties.
fn language(seller: &Party, buyer: &Party) -> Language {
    buyer.language.or(seller.language).unwrap_or(Language::Dutch)
}

fn texts(seller: &Party, buyer: &Party, classes: &[VatClass]) -> Vec<String> {
    let texts = legal_texts(seller, classes, language(seller, buyer));
    texts.into_iter().map(str::to_owned).collect()
}

/// A document that a run would make.
pub(crate) fn draft(draft: Draft, parties: &Parties) -> v1::Invoice {
    let Parties { seller, buyer } = parties;
    let classes: Vec<VatClass> = draft.vat_rows.iter().map(|row| row.vat.class).collect();
    v1::Invoice {
        id: String::new(),
        kind: code::<v1::InvoiceKind>(draft.kind),
        state: v1::InvoiceState::Draft.into(),
        number: String::new(),
        customer_id: draft.customer_id.to_string(),
        currency: draft.currency.code().to_owned(),
        billing_on: Some(draft.billing_on.into()),
        issue_on: Some(draft.issue_on.into()),
        due_on: Some(draft.due_on.into()),
        lines: (1..).zip(draft.lines).map(|(position, line)| draft_line(position, line)).collect(),
        vat_totals: draft.vat_rows.into_iter().map(Into::into).collect(),
        net: Some(draft.net.into()),
        vat: Some(draft.tax.into()),
        gross: Some(draft.total.into()),
        amount_due: Some(draft.settlement.open.into()),
        balance_change: Some(draft.settlement.balance.into()),
        legal_texts: texts(seller, buyer, &classes),
        language: code::<v1::Language>(language(seller, buyer)),
        seller: Some(seller.clone().into()),
        buyer: Some(buyer.clone().into()),
        finalize_time: None,
        reason: String::new(),
        amount_written_off: None,
        finalize_on: None,
        discard_time: None,
        discarded_by: String::new(),
    }
}

fn draft_line(position: i32, line: Line) -> v1::InvoiceLine {
    let charge = line.charge;
    v1::InvoiceLine {
        id: String::new(),
        position,
        description: charge.description,
        product_id: charge.product_id.to_string(),
        subscription_id: text(charge.origin.subscription_id()),
        subscription_item_id: text(charge.origin.item_id()),
        service_from: Some(charge.service.start.into()),
        service_until: Some(charge.service.end.into()),
        quantity: Some(charge.quantity.into()),
        unit_price: Some(charge.unit_price.into()),
        net: Some(charge.net.into()),
        vat: Some(line.vat.into()),
        unit_label: charge.unit_label.unwrap_or_default(),
        kind: code::<v1::InvoiceLineKind>(charge.kind),
        discount: any(charge.discount),
        corrects_line_id: text(charge.corrects.map(|corrected| corrected.line_id)),
        charge_id: text(charge.origin.charge_id()),
    }
}

/// An id, or nothing.
fn text(id: Option<impl ToString>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// An amount, if it is one.
fn any(amount: Money) -> Option<google::Money> {
    (!amount.is_zero()).then(|| amount.into())
}

/// A draft of a subscription that does not exist: its lines name none.
pub(crate) fn without_sources(mut invoice: v1::Invoice) -> v1::Invoice {
    for line in &mut invoice.lines {
        line.subscription_id.clear();
        line.subscription_item_id.clear();
    }
    invoice
}

/// A document as lists show it.
pub(crate) fn listed(document: Document) -> v1::Invoice {
    let language = language(&document.seller, &document.buyer);
    let (discard_time, discarded_by) = document.discarded.unzip();
    v1::Invoice {
        id: document.id.to_string(),
        kind: code::<v1::InvoiceKind>(document.kind),
        state: code::<v1::InvoiceState>(document.state),
        number: document.number,
        customer_id: document.customer_id.to_string(),
        currency: document.total.currency().code().to_owned(),
        billing_on: Some(document.billing_on.into()),
        issue_on: Some(document.issue_on.into()),
        due_on: Some(document.due_on.into()),
        lines: Vec::new(),
        vat_totals: Vec::new(),
        net: Some(document.net.into()),
        vat: Some(document.tax.into()),
        gross: Some(document.total.into()),
        amount_due: Some(document.open.into()),
        balance_change: Some(document.balance.into()),
        legal_texts: Vec::new(),
        language: code::<v1::Language>(language),
        seller: None,
        buyer: None,
        finalize_time: document.finalized_at.map(wire::instant),
        reason: document.reason.unwrap_or_default(),
        amount_written_off: any(document.written_off),
        finalize_on: document.finalize_on.map(Into::into),
        discard_time: discard_time.map(wire::instant),
        discarded_by: discarded_by.unwrap_or_default(),
    }
}

/// A document with everything on it.
pub(crate) fn whole(mut document: Document) -> v1::Invoice {
    let lines = std::mem::take(&mut document.lines);
    let vat_rows = std::mem::take(&mut document.vat_rows);
    let classes: Vec<VatClass> = vat_rows.iter().map(|row| row.vat_class).collect();
    let (seller, buyer) = (document.seller.clone(), document.buyer.clone());
    v1::Invoice {
        lines: lines.into_iter().map(Into::into).collect(),
        vat_totals: vat_rows.into_iter().map(Into::into).collect(),
        legal_texts: texts(&seller, &buyer, &classes),
        seller: Some(seller.into()),
        buyer: Some(buyer.into()),
        ..listed(document)
    }
}

impl From<DocumentLine> for v1::InvoiceLine {
    fn from(line: DocumentLine) -> Self {
        let vat = LineVat { class: line.vat_class, percent: line.vat_percent };
        Self {
            id: line.id.to_string(),
            position: line.position.saturating_add(1),
            description: line.description,
            product_id: line.product_id.to_string(),
            subscription_id: text(line.subscription_id),
            subscription_item_id: text(line.item_id),
            service_from: Some(line.service_from.into()),
            service_until: Some(line.service_until.into()),
            quantity: Some(line.quantity.into()),
            unit_price: Some(line.unit_price.into()),
            net: Some(line.net.into()),
            vat: Some(vat.into()),
            unit_label: line.unit_label.unwrap_or_default(),
            kind: code::<v1::InvoiceLineKind>(line.kind),
            discount: any(line.discount),
            corrects_line_id: text(line.corrects_line_id),
            charge_id: text(line.charge_id),
        }
    }
}

impl From<DocumentVat> for v1::VatTotal {
    fn from(row: DocumentVat) -> Self {
        let vat = LineVat { class: row.vat_class, percent: row.vat_percent };
        VatRow { vat, base: row.base, tax: row.tax }.into()
    }
}

impl From<VatRow> for v1::VatTotal {
    fn from(row: VatRow) -> Self {
        Self {
            vat: Some(row.vat.into()),
            base: Some(row.base.into()),
            amount: Some(row.tax.into()),
        }
    }
}

impl From<Party> for v1::InvoiceParty {
    fn from(party: Party) -> Self {
        Self {
            name: party.name,
            address: Some(party.address.into()),
            vat_number: party.vat_number.unwrap_or_default(),
            email: party.email.unwrap_or_default(),
            iban: party.iban.unwrap_or_default(),
            registration_number: party.registration_number.unwrap_or_default(),
        }
    }
}
