//! Write-offs: what they post, and what becomes of them.
//!
//! Purpose: what is written off, what of it is paid after all, and what of it is credited, in the
//! order in which that was recorded. The VAT in it is what is left of the VAT of its own documents;
//! what has come back of that is the share of all that has come back so far.

use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::Deserialize;
use uuid::Uuid;

use super::amounts::{fine, rounded};
use super::rows::Rows;

/// What was written off of an invoice.
#[derive(Debug, Deserialize)]
pub(super) struct WriteOff {
    pub(super) invoice_id: Uuid,
    pub(super) amount_minor: i128,
    pub(super) recovered_minor: i128,
    pub(super) written_off_on: NaiveDate,
    pub(super) dated_on: Option<NaiveDate>,
    pub(super) dated_at: Option<DateTime<FixedOffset>>,
}

/// The VAT of a rate in it.
#[derive(Debug, Deserialize)]
pub(super) struct LostVat {
    pub(super) invoice_id: Uuid,
    pub(super) vat_class: String,
    pub(super) vat_percent: String,
    pub(super) tax_minor: i128,
}

/// Its rows; `ORG` is the organization.
pub(super) const VAT: &str = "SELECT invoice_id, vat_class, vat_percent::text, tax_minor \
     FROM write_off_vat WHERE org_id = ORG";

/// What became of a part of it.
enum Fate {
    Paid,
    CreditedBy(Uuid),
}

/// When, by how much, and how it stands no longer lost.
struct Return {
    on: NaiveDate,
    at: DateTime<FixedOffset>,
    amount: i128,
    fate: Fate,
}

/// Everything that came back, in order.
fn returns(rows: &Rows, one: &WriteOff) -> Vec<Return> {
    let own = |part: &&super::rows::Part| {
        part.target == "written_off" && part.invoice_id == Some(one.invoice_id)
    };
    let paid = rows.parts.iter().filter(own).map(|part| Return {
        on: part.allocated_on,
        at: part.created_at,
        amount: part.amount_minor,
        fate: Fate::Paid,
    });
    let credited = rows.allocations.iter().filter(|credit| credit.invoice_id == one.invoice_id);
    let credited = credited.filter(|credit| credit.written_off_minor > 0).map(|credit| Return {
        on: credit.issue_on,
        at: credit.finalized_at,
        amount: credit.written_off_minor,
        fate: Fate::CreditedBy(credit.credit_note_id),
    });
    let mut all: Vec<Return> = paid.chain(credited).collect();
    all.sort_by_key(|one| one.at);
    all
}

/// The VAT of a rate and the total of some documents together.
fn vat_of(rows: &Rows, documents: &[Uuid], lost: &LostVat) -> (i128, i128) {
    let all = || documents.iter().flat_map(|id| rows.vat_of(*id));
    let of_rate = all().filter(|row| {
        row.vat_class == lost.vat_class && fine(&row.vat_percent) == fine(&lost.vat_percent)
    });
    (of_rate.map(|row| row.tax_minor).sum(), all().map(|row| row.base_minor + row.tax_minor).sum())
}

/// The VAT in what was written off at first: of the invoice without its credits by hand, or, where
/// runs had credited more than those, of all of it.
fn at_first(rows: &Rows, one: &WriteOff, amount: i128, lost: &LostVat) -> i128 {
    let by_hand = rows.lines_of(one.invoice_id).flat_map(|line| rows.by_hand_of(line));
    let mut documents: Vec<Uuid> = by_hand.map(|line| line.invoice_id).collect();
    documents.sort_unstable();
    documents.dedup();
    documents.push(one.invoice_id);
    let (mut tax, mut gross) = vat_of(rows, &documents, lost);
    if gross < amount {
        (tax, gross) = vat_of(rows, &[one.invoice_id], lost);
    }
    rounded(tax * amount, gross)
}

/// What a write-off posts, and what comes back of it.
pub(super) fn post(
    rows: &Rows,
    one: &WriteOff,
    post: &mut impl FnMut(NaiveDate, &str, &str, Option<(String, i128)>, i128),
) {
    let Some(invoice) = rows.invoice(one.invoice_id) else { return };
    let currency = invoice.currency.as_str();
    let returns = returns(rows, one);
    let credited: i128 = returns
        .iter()
        .filter(|back| matches!(back.fate, Fate::CreditedBy(_)))
        .map(|back| back.amount)
        .sum();
    let amount = one.amount_minor + credited;
    let mut net = amount;
    let mut nets: Vec<i128> = returns.iter().map(|back| back.amount).collect();
    for lost in rows.lost_vat.iter().filter(|lost| lost.invoice_id == one.invoice_id) {
        let vat = || Some((lost.vat_class.clone(), fine(&lost.vat_percent)));
        let whole = if credited == 0 { lost.tax_minor } else { at_first(rows, one, amount, lost) };
        net -= whole;
        post(one.written_off_on, "1540", currency, vat(), whole);
        let (mut tax, mut of, mut so_far) = (whole, amount, 0);
        let (mut left, mut when_dated) = (whole, whole);
        for (back, net) in returns.iter().zip(&mut nets) {
            match back.fate {
                Fate::Paid => so_far += back.amount,
                Fate::CreditedBy(id) => {
                    of -= back.amount;
                    let (its, gross) = vat_of(rows, &[id], lost);
                    let less = rounded(-its * back.amount, -gross);
                    tax -= if of == 0 || less.abs() > tax.abs() { tax } else { less };
                }
            }
            let now = if of == 0 { 0 } else { tax - rounded(tax * so_far, of) };
            let is_dated = one.dated_at.is_some_and(|at| back.at > at);
            let account = if is_dated { "1520" } else { "1540" };
            post(back.on, account, currency, vat(), now - left);
            *net += now - left;
            left = now;
            when_dated = if is_dated { when_dated } else { now };
        }
        if let Some(day) = one.dated_on {
            post(day, "1520", currency, vat(), when_dated);
            post(day, "1540", currency, vat(), -when_dated);
        }
    }
    post(one.written_off_on, "4600", currency, None, net);
    post(one.written_off_on, "1300", currency, None, -amount);
    for (back, net) in returns.iter().zip(nets) {
        post(back.on, "4600", currency, None, -net);
        if matches!(back.fate, Fate::CreditedBy(_)) {
            post(back.on, "1300", currency, None, back.amount);
        }
    }
}
