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
            post_line(rows, invoice, line, today, &mut expected);
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
    post("1300", None, invoice.total_minor + invoice.balance_minor);
    post("2060", None, -invoice.balance_minor);
    for row in rows.vat_of(invoice.id) {
        let vat = Some((row.vat_class.clone(), fine(&row.vat_percent)));
        post("1520", vat, -row.tax_minor);
    }
}

/// Revenue at once, or month by month where the period is longer than one. What is credited comes
/// first from what is not earned yet; the days that stay go on being earned.
fn post_line(
    rows: &Rows,
    invoice: &Invoice,
    line: &Line,
    today: NaiveDate,
    ledger: &mut BTreeMap<Place, i128>,
) {
    let revenue = match line.revenue.as_str() {
        "subscription" => "8000",
        "service" => "8010",
        _ => "8020",
    };
    let mut post = |day, account: &str, amount: i128| {
        let place = (day, account.to_owned(), invoice.currency.clone(), None);
        *ledger.entry(place).or_default() += amount;
    };
    let (from, mut until) = (line.service_from, line.service_until);
    if line.corrects_line_id.is_some() || days(from, until) <= MONTH {
        return post(invoice.issue_on, revenue, -line.net_minor);
    }
    let mut net = line.net_minor;
    let mut credits = credits_of(rows, line);
    let earned =
        |net, until, day: NaiveDate| first_days((net, 1), days(from, day), days(from, until));
    let mut earned_until = days_later(invoice.issue_on, 1).clamp(from, until);
    let mut so_far = earned(net, until, earned_until);
    post(invoice.issue_on, revenue, -so_far);
    post(invoice.issue_on, "2000", so_far - net);
    let mut day = earned_until.min(invoice.issue_on);
    while day <= today {
        // Documents of a day come before the months that it ends.
        while let Some((_, cut, amount)) = credits.pop_if(|(issued, _, _)| *issued <= day) {
            let left = net - so_far;
            let part = if earned_until >= cut { left } else { left.min(amount) };
            (net, until) = (net - part, if earned_until >= cut { earned_until } else { cut });
            // The credit's own line took all of it from revenue.
            post(day, "2000", part);
            post(day, revenue, -part);
        }
        // A month is over, or the service is.
        if day > earned_until && earned_until < until && (day.day() == 1 || day == until) {
            let now = earned(net, until, day);
            let last_day = day.pred_opt().expect("the day before");
            post(last_day, revenue, so_far - now);
            post(last_day, "2000", now - so_far);
            (so_far, earned_until) = (now, day);
        }
        day = days_later(day, 1);
    }
}

/// What was taken back of a line: when, from which day on, how much; the latest first.
fn credits_of(rows: &Rows, line: &Line) -> Vec<(NaiveDate, NaiveDate, i128)> {
    let mut credits: Vec<_> = rows
        .lines()
        .filter(|credit| credit.corrects_line_id == Some(line.id))
        .filter_map(|credit| {
            let issued = rows.invoice(credit.invoice_id)?.issue_on;
            Some((issued, credit.service_from, -credit.net_minor))
        })
        .collect();
    credits.sort_unstable_by(|one, other| other.cmp(one));
    credits
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
