//! Documents: their sums, VAT, dates and numbers.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::amounts::{ONE, fine, rounded};
use super::charges::{Charge, is_plain};
use super::rows::{Allocation, Customer, Invoice, Line, Rows};

/// The countries whose consumers owe their own country's VAT.
const EU: &str = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";

/// Checks every document by itself, and all of them together.
pub(super) fn check(rows: &Rows, charges: &[Charge], findings: &mut Vec<String>) {
    for invoice in &rows.invoices {
        let wrong = |what: &str| format!("document {:?} ({}): {what}", invoice.number, invoice.id);
        let mut found = Vec::new();
        check_sums(rows, invoice, &mut found);
        check_vat(rows, invoice, &mut found);
        check_dates(rows, invoice, &mut found);
        findings.extend(found.iter().map(|what| wrong(what)));
    }
    check_consolidation(rows, findings);
    check_zero(rows, charges, findings);
    check_numbers(rows, findings);
}

fn check_sums(rows: &Rows, invoice: &Invoice, found: &mut Vec<String>) {
    let net: i128 = rows.lines_of(invoice.id).map(|line| line.net_minor).sum();
    let base: i128 = rows.vat_of(invoice.id).map(|row| row.base_minor).sum();
    let tax: i128 = rows.vat_of(invoice.id).map(|row| row.tax_minor).sum();
    let expected = (net, base, tax, net + tax);
    let has = (invoice.net_minor, invoice.net_minor, invoice.tax_minor, invoice.total_minor);
    if has != expected {
        found.push(format!("sums {has:?} instead of {expected:?}"));
    }
    let paid_off: i128 = of_allocations(rows, |one| one.invoice_id == invoice.id);
    let pays_off: i128 = of_allocations(rows, |one| one.credit_note_id == invoice.id);
    let is_credit = invoice.total_minor < 0;
    let (paid, lost, recovered) = super::payments::of_invoice(rows, invoice.id);
    let rest = invoice.total_minor + invoice.balance_minor - paid_off - paid - lost;
    let open = if is_credit { 0 } else { rest };
    let state = match (open, lost - recovered) {
        (1.., _) => "open",
        (_, 1..) => "written_off",
        _ => "settled",
    };
    if invoice.written_off_minor != lost - recovered {
        found.push(format!("{} written off", invoice.written_off_minor));
    }
    if invoice.open_minor != open || invoice.state != state {
        found.push(format!("{} with {} open, not {open}", invoice.state, invoice.open_minor));
    }
    let kind = if is_credit { "credit_note" } else { "invoice" };
    let balance = -invoice.total_minor - pays_off;
    if invoice.kind != kind || (is_credit && invoice.balance_minor != balance) {
        let has = (&invoice.kind, invoice.balance_minor);
        found.push(format!("{has:?} instead of {kind} and {balance}"));
    }
    let mut positions: Vec<i32> = rows.lines_of(invoice.id).map(|line| line.position).collect();
    positions.sort_unstable();
    if positions.is_empty() || positions.windows(2).any(|pair| pair[1] != pair[0] + 1) {
        found.push(format!("positions {positions:?}"));
    }
}

fn of_allocations(rows: &Rows, of: impl Fn(&Allocation) -> bool) -> i128 {
    rows.allocations.iter().filter(|one| of(one)).map(|one| one.amount_minor).sum()
}

/// Every line has the VAT of its product, parties and date; VAT is rounded once per rate.
fn check_vat(rows: &Rows, invoice: &Invoice, found: &mut Vec<String>) {
    let customer = rows.customer(invoice.customer_id);
    let mut bases: BTreeMap<(String, i128), i128> = BTreeMap::new();
    for line in rows.lines_of(invoice.id) {
        let expected = vat_of(rows, invoice, customer, line);
        let has = (line.vat_class.clone(), fine(&line.vat_percent));
        if expected.as_ref() != Some(&has) {
            found.push(format!("line {}: VAT {has:?} instead of {expected:?}", line.position));
        }
        *bases.entry(has).or_default() += line.net_minor;
    }
    let expected: BTreeSet<(String, i128, i128, i128)> = bases
        .into_iter()
        .map(|((class, percent), base)| (class, percent, base, rounded(base * percent, 100 * ONE)))
        .collect();
    let has: BTreeSet<(String, i128, i128, i128)> = rows
        .vat_of(invoice.id)
        .map(|row| (row.vat_class.clone(), fine(&row.vat_percent), row.base_minor, row.tax_minor))
        .collect();
    if has != expected {
        found.push(format!("VAT rows {has:?} instead of {expected:?}"));
    }
}

/// Class and percentage of a line; nothing where no rate is known.
fn vat_of(
    rows: &Rows,
    invoice: &Invoice,
    customer: &Customer,
    line: &Line,
) -> Option<(String, i128)> {
    if let Some(corrected) = line.corrects_line_id {
        let original = rows.line(corrected)?;
        return Some((original.vat_class.clone(), fine(&original.vat_percent)));
    }
    let category = line.vat_category.as_str();
    let without = |class: &str| Some((class.to_owned(), 0));
    let is_outside = line.revenue == "investment" && {
        let mut of = rows.investments.iter().filter(|one| one.invoice_id == Some(invoice.id));
        of.any(|one| one.vat_treatment == "outside_scope")
    };
    if is_outside || line.is_late_fee {
        return without("O");
    }
    if invoice.small_business {
        return without("E");
    }
    match (customer.vat_treatment.as_str(), category) {
        ("outside_eu", _) => return without("G"),
        (_, "exempt") => return without("E"),
        ("eu_reverse_charge", _) => return without("AE"),
        (_, "zero") => return without("Z"),
        _ => {}
    }
    let abroad = customer.party_type == "consumer" && EU.contains(&customer.country);
    let country = if abroad { &customer.country } else { &rows.organization.country };
    let last_day = line.service_until.pred_opt()?;
    let point = invoice.issue_on.min(last_day);
    let rate = rows
        .rates
        .iter()
        .filter(|rate| rate.country == *country && rate.category == category)
        .rfind(|rate| rate.valid_from <= point)?;
    let percent = fine(&rate.percent);
    Some((if percent == 0 { "Z" } else { "S" }.to_owned(), percent))
}

/// A sandbox bills on the day: late only what was made late or had been set aside.
fn check_dates(rows: &Rows, invoice: &Invoice, found: &mut Vec<String>) {
    if invoice.issue_on < invoice.billing_on {
        found.push(format!("issued on {}, before {}", invoice.issue_on, invoice.billing_on));
    }
    if rows.organization.kind != "sandbox" || rows.customer(invoice.customer_id).was_set_aside {
        return;
    }
    for line in rows.lines_of(invoice.id) {
        let Some(subscription) = line.subscription_id.map(|id| rows.subscription(id)) else {
            continue;
        };
        if !is_plain(rows, subscription) {
            continue;
        }
        let made = subscription.created_on;
        let expected = invoice.billing_on.max(made);
        // Of what was kept as a draft, that was made on the day.
        let has = rows.drafted_on.get(&invoice.id).copied().unwrap_or(invoice.issue_on);
        if has != expected {
            found.push(format!("made or issued on {has} instead of {expected}"));
        }
    }
}

/// One document per customer, currency and billing date, but for what was made after the run of
/// the same day.
fn check_consolidation(rows: &Rows, findings: &mut Vec<String>) {
    let mut seen: BTreeMap<(Uuid, &str, NaiveDate, NaiveDate), Uuid> = BTreeMap::new();
    for invoice in &rows.invoices {
        // What was kept as a draft was put together on another day than it was issued.
        let made_on = rows.drafted_on.get(&invoice.id).copied().unwrap_or(invoice.issue_on);
        let was_there_before = |line: &Line| {
            let subscription = line.subscription_id.map(|id| rows.subscription(id));
            subscription.is_some_and(|one| one.created_on < made_on && is_plain(rows, one))
        };
        if !rows.lines_of(invoice.id).any(was_there_before) {
            continue;
        }
        let key = (invoice.customer_id, invoice.currency.as_str(), invoice.billing_on, made_on);
        if let Some(other) = seen.insert(key, invoice.id) {
            findings.push(format!("two documents instead of one: {other} and {}", invoice.id));
        }
    }
}

/// Documents on which nothing stands are there only where they are wanted; a line of nothing stands
/// on the document of its subscription's other lines.
fn check_zero(rows: &Rows, charges: &[Charge], findings: &mut Vec<String>) {
    if rows.organization.issue_zero_invoices {
        return;
    }
    for invoice in &rows.invoices {
        if rows.lines_of(invoice.id).all(|line| line.net_minor == 0) {
            findings.push(format!("document {:?} is over nothing", invoice.number));
        }
    }
    let has_line: BTreeSet<(Uuid, NaiveDate)> =
        rows.lines().filter_map(|line| Some((line.item_id?, line.service_from))).collect();
    let of_value: BTreeSet<(Uuid, NaiveDate)> = charges
        .iter()
        .filter(|charge| charge.net != 0)
        .map(|charge| (charge.subscription, charge.from))
        .collect();
    for charge in charges.iter().filter(|charge| charge.net == 0) {
        let beside = of_value.contains(&(charge.subscription, charge.from));
        if beside && !has_line.contains(&(charge.item, charge.from)) {
            findings.push(format!("not on the document: {charge:?}"));
        }
    }
}

/// Numbers run from 1 without a gap, look as the pattern says, and follow the issue dates.
fn check_numbers(rows: &Rows, findings: &mut Vec<String>) {
    for invoice in rows.invoices.iter().filter(|invoice| invoice.sequence.is_none()) {
        findings.push(format!("document {} has no number", invoice.id));
    }
    let mut years: BTreeMap<(&str, i32), Vec<&Invoice>> = BTreeMap::new();
    for invoice in &rows.invoices {
        if let (Some(series), Some(year)) = (&invoice.series, invoice.year) {
            years.entry((series, year)).or_default().push(invoice);
        }
    }
    for ((series, year), documents) in &mut years {
        documents.sort_by_key(|document| document.sequence);
        let last_issue_on = documents.last().map(|document| document.issue_on);
        let counter = rows.series.iter().find(|one| one.series == *series && one.year == *year);
        let next = documents.len() as i64 + 1;
        let is_right = counter.is_some_and(|counter| {
            counter.next_sequence == next && Some(counter.last_issue_on) == last_issue_on
        });
        if !is_right {
            findings.push(format!("series {series} {year}: {counter:?}, next should be {next}"));
        }
        check_run(rows, *year, documents, findings);
    }
}

fn check_run(rows: &Rows, year: i32, documents: &[&Invoice], findings: &mut Vec<String>) {
    let organization = &rows.organization;
    for (at, document) in (1_i64..).zip(documents) {
        let prefix = match document.kind.as_str() {
            "credit_note" => &organization.credit_note_prefix,
            _ => &organization.invoice_prefix,
        };
        let number = organization
            .number_pattern
            .replace("{prefix}", prefix)
            .replace("{year}", &year.to_string())
            .replace("{seq:05}", &format!("{at:05}"));
        let has = (document.sequence, document.number.as_deref(), document.issue_on.year());
        let expected = (Some(at), Some(number.as_str()), year);
        if has != expected {
            findings.push(format!("number {has:?} instead of {expected:?}"));
        }
    }
    for pair in documents.windows(2) {
        if pair[1].issue_on < pair[0].issue_on {
            findings.push(format!("number {:?} is dated before its predecessor", pair[1].number));
        }
    }
}
