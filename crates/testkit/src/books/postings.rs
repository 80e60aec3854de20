//! The ledger: what every account must hold on every day, and whether it does.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::amounts::{fine, first_days};
use super::calendar::{days, days_later};
use super::rows::{Invoice, Line, Rows};

/// The most days that a month has. A monthly period from the 28th to the 31st is no longer than that.
const MONTH: i64 = 31;

/// Where an amount stands: day, account, currency, VAT.
type Place = (NaiveDate, String, String, Option<(String, i128)>);

/// Compares the postings with what the documents ask for, day by day and account by account.
pub(super) fn check(rows: &Rows, today: NaiveDate, findings: &mut Vec<String>) {
    let mut expected: BTreeMap<Place, i128> = BTreeMap::new();
    for invoice in &rows.invoices {
        post_document(rows, invoice, &mut expected);
        for line in rows.lines_of(invoice.id) {
            post_line(invoice, line, today, &mut expected);
        }
    }
    let mut found: BTreeMap<Place, i128> = BTreeMap::new();
    for posting in &rows.postings {
        let vat = posting.vat_class.clone().zip(posting.vat_percent.as_deref().map(fine));
        let place = (posting.posted_on, posting.account.clone(), posting.currency.clone(), vat);
        *found.entry(place).or_default() += posting.amount_minor;
    }
    expected.retain(|_, amount| *amount != 0);
    found.retain(|_, amount| *amount != 0);
    for (place, amount) in &expected {
        if found.get(place) != Some(amount) {
            findings.push(format!("ledger {place:?}: {:?}, not {amount}", found.get(place)));
        }
    }
    for (place, amount) in found.iter().filter(|(place, _)| !expected.contains_key(*place)) {
        findings.push(format!("ledger {place:?}: {amount} without a reason"));
    }
    check_entries(rows, findings);
}

/// Receivables and VAT.
fn post_document(rows: &Rows, invoice: &Invoice, ledger: &mut BTreeMap<Place, i128>) {
    let mut post = |account: &str, vat, amount| {
        let place = (invoice.issue_on, account.to_owned(), invoice.currency.clone(), vat);
        *ledger.entry(place).or_default() += amount;
    };
    post("1300", None, invoice.total_minor);
    for row in rows.vat_of(invoice.id) {
        let vat = Some((row.vat_class.clone(), fine(&row.vat_percent)));
        post("1520", vat, -row.tax_minor);
    }
}

/// Revenue at once, or month by month where the period is longer than one.
fn post_line(invoice: &Invoice, line: &Line, today: NaiveDate, ledger: &mut BTreeMap<Place, i128>) {
    let revenue = match line.revenue.as_str() {
        "subscription" => "8000",
        "service" => "8010",
        _ => "8020",
    };
    let mut post = |day, account: &str, amount: i128| {
        let place = (day, account.to_owned(), invoice.currency.clone(), None);
        *ledger.entry(place).or_default() += amount;
    };
    let (from, until) = (line.service_from, line.service_until);
    if days(from, until) <= MONTH {
        return post(invoice.issue_on, revenue, -line.net_minor);
    }
    let earned =
        |day: NaiveDate| first_days((line.net_minor, 1), days(from, day), days(from, until));
    let mut earned_until = days_later(invoice.issue_on, 1).clamp(from, until);
    post(invoice.issue_on, revenue, -earned(earned_until));
    post(invoice.issue_on, "2000", earned(earned_until) - line.net_minor);
    let mut day = earned_until;
    while day < until && day < today {
        day = days_later(day, 1);
        // A month is over, or the service is.
        if day.day() == 1 || day == until {
            let amount = earned(day) - earned(earned_until);
            let last_day = day.pred_opt().expect("the day before");
            post(last_day, revenue, -amount);
            post(last_day, "2000", amount);
            earned_until = day;
        }
    }
}

/// Every entry has two sides or more and adds up to nothing.
fn check_entries(rows: &Rows, findings: &mut Vec<String>) {
    let mut entries: BTreeMap<(Uuid, &str), (usize, i128)> = BTreeMap::new();
    for posting in &rows.postings {
        let entry = entries.entry((posting.entry_id, &posting.currency)).or_default();
        entry.0 += 1;
        entry.1 += posting.amount_minor;
    }
    for ((entry, currency), (sides, sum)) in entries {
        if sides < 2 || sum != 0 {
            findings.push(format!("entry {entry}: {sides} postings, {sum} {currency} over"));
        }
    }
}
