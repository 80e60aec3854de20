//! Payments: their parts, what they post, what they leave open.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::postings::Place;
use super::rows::{Payment, Rows};

/// What was paid of an invoice, written off of it, and of that paid after all.
pub(super) fn of_invoice(rows: &Rows, invoice: Uuid) -> (i128, i128, i128) {
    let of = |target: &str| -> i128 {
        let parts = rows.parts.iter();
        let own = parts.filter(|part| part.invoice_id == Some(invoice) && part.target == target);
        own.map(|part| part.amount_minor).sum()
    };
    let lost = rows.write_offs.iter().filter(|one| one.invoice_id == invoice);
    (of("invoice"), lost.map(|one| one.amount_minor).sum(), of("written_off"))
}

/// Every payment by itself, and what they have in common.
pub(super) fn check(rows: &Rows, findings: &mut Vec<String>) {
    let mut attempts: BTreeSet<(Uuid, &str)> = BTreeSet::new();
    for payment in &rows.payments {
        let parts: Vec<_> =
            rows.parts.iter().filter(|part| part.payment_id == payment.id).collect();
        let sum: i128 = parts.iter().map(|part| part.amount_minor).sum();
        let mut positions: Vec<i32> = parts.iter().map(|part| part.position).collect();
        positions.sort_unstable();
        let whole: Vec<i32> = (0..).take(parts.len()).collect();
        if sum != payment.amount_minor || positions != whole {
            findings.push(format!("payment {}: parts {positions:?} of {sum}", payment.id));
        }
        if let Some(attempt) = payment.attempt_id
            && !attempts.insert((attempt, &payment.kind))
        {
            findings.push(format!("payment {}: the attempt has another", payment.id));
        }
        check_return(rows, payment, findings);
    }
    for part in &rows.parts {
        let Some(invoice) = part.invoice_id.and_then(|id| rows.invoice(id)) else { continue };
        if part.customer_id != Some(invoice.customer_id) || invoice.kind != "invoice" {
            findings.push(format!("payment {} pays another's invoice", part.payment_id));
        }
    }
    for one in &rows.write_offs {
        let (_, lost, recovered) = of_invoice(rows, one.invoice_id);
        if recovered != one.recovered_minor || !(0..=lost).contains(&recovered) {
            findings.push(format!("write-off of {}: {recovered} recovered", one.invoice_id));
        }
    }
}

/// What goes back is the whole of what came, once.
fn check_return(rows: &Rows, payment: &Payment, findings: &mut Vec<String>) {
    let Some(reverses) = payment.reverses else { return };
    let original = rows.payments.iter().find(|one| one.id == reverses);
    let again = rows.payments.iter().filter(|one| one.reverses == Some(reverses)).count();
    let is_right = original.is_some_and(|one| one.amount_minor == -payment.amount_minor);
    if !is_right || again != 1 {
        findings.push(format!("payment {} takes back {original:?}", payment.id));
    }
}

/// What payments and write-offs post.
pub(super) fn post(rows: &Rows, ledger: &mut BTreeMap<Place, i128>) {
    let mut post = |day: NaiveDate, account: &str, currency: &str, vat, amount: i128| {
        let place = (day, account.to_owned(), currency.to_owned(), vat);
        *ledger.entry(place).or_default() += amount;
    };
    for payment in &rows.payments {
        let (day, currency) = (payment.booked_on, payment.currency.as_str());
        post(day, "1000", currency, None, payment.amount_minor - payment.fee_minor);
        post(day, "4610", currency, None, payment.fee_minor);
        if payment.in_transit {
            // It comes back from where it was under way, and then pays as any other money.
            post(day, "1010", currency, None, -payment.amount_minor);
            post(day, "1300", currency, None, payment.amount_minor);
        }
        for part in rows.parts.iter().filter(|part| part.payment_id == payment.id) {
            let account = match part.target.as_str() {
                "invoice" => "1300",
                "balance" => "2060",
                "unmatched" => "2050",
                _ => continue,
            };
            post(part.allocated_on, account, currency, None, -part.amount_minor);
        }
    }
    for one in &rows.write_offs {
        super::lost::post(rows, one, &mut post);
    }
}
