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
pub(super) type Place = (NaiveDate, String, String, Option<(String, i128)>);

/// Compares the postings with what the documents ask for, day by day and account by account.
pub(super) fn check(rows: &Rows, today: NaiveDate, findings: &mut Vec<String>) {
    let mut expected: BTreeMap<Place, i128> = BTreeMap::new();
    for invoice in &rows.invoices {
        post_document(rows, invoice, &mut expected);
        for line in rows.lines_of(invoice.id) {
            post_line(rows, invoice, line, today, &mut expected);
        }
    }
    super::payments::post(rows, &mut expected);
    super::attempts::post(&rows.transits, &mut expected);
    super::investors::post(rows, &mut expected);
    let mut found: BTreeMap<Place, i128> = BTreeMap::new();
    let apart = super::investors::APART;
    for posting in rows.postings.iter().filter(|one| !apart.contains(&&*one.source_kind)) {
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
        "investment" => "1620",
        _ => "8020",
    };
    let mut post = |day, account: &str, amount: i128| {
        let place = (day, account.to_owned(), invoice.currency.clone(), None);
        *ledger.entry(place).or_default() += amount;
    };
    let (from, until) = (line.service_from, line.service_until);
    if line.corrects_line_id.is_some() || days(from, until) <= MONTH {
        return post(invoice.issue_on, revenue, -line.net_minor);
    }
    let mut earning = Earning { net: line.net_minor, from, until, earned_until: from, so_far: 0 };
    earning.earn(days_later(invoice.issue_on, 1).clamp(from, until));
    post(invoice.issue_on, revenue, -earning.so_far);
    post(invoice.issue_on, "2000", earning.so_far - earning.net);
    let (by_hand, by_run) = credits_of(rows, line);
    let mut day = earning.earned_until.min(invoice.issue_on);
    while day <= today {
        // Documents of a run come before the months that a day ends, credits by hand after them.
        for (_, cut, amount) in by_run.iter().filter(|(issued, _, _)| *issued == day) {
            let part = earning.credit(*cut, *amount);
            // The credit's own line took all of it from revenue.
            post(day, "2000", part);
            post(day, revenue, -part);
        }
        // A month is over, or the service is.
        let is_open = day > earning.earned_until && earning.earned_until < earning.until;
        if is_open && (day.day() == 1 || day >= earning.until) {
            // It may have been over for some days when that became known.
            let end = day.min(earning.until);
            let now = earning.earn(end);
            let last_day = end.pred_opt().expect("the day before");
            post(last_day, revenue, -now);
            post(last_day, "2000", now);
        }
        for (_, _, amount) in by_hand.iter().filter(|(issued, _, _)| *issued == day) {
            let part = earning.give_back(*amount);
            post(day, "2000", part);
            post(day, revenue, -part);
        }
        day = days_later(day, 1);
    }
}

/// A line on its way from unearned to earned.
struct Earning {
    net: i128,
    from: NaiveDate,
    until: NaiveDate,
    earned_until: NaiveDate,
    so_far: i128,
}

impl Earning {
    /// The days up to this one are over; what they bring. Nothing is taken back.
    fn earn(&mut self, day: NaiveDate) -> i128 {
        let whole = days(self.from, self.until);
        let now = first_days((self.net, 1), days(self.from, day), whole).max(self.so_far);
        let brings = now - self.so_far;
        (self.so_far, self.earned_until) = (now, day);
        brings
    }

    /// The days from `cut` on are not delivered; how much of the amount was not earned.
    fn credit(&mut self, cut: NaiveDate, amount: i128) -> i128 {
        let left = self.net - self.so_far;
        let is_over = self.earned_until >= cut;
        let part = if is_over { left } else { left.min(amount) };
        self.net -= part;
        self.until = if is_over { self.earned_until } else { cut };
        part
    }

    /// All days are worth less; how much of the amount was not earned. The days to come share what
    /// is left of it.
    fn give_back(&mut self, amount: i128) -> i128 {
        let left = self.net - self.so_far;
        let part = left.min(amount);
        if part == left {
            self.until = self.earned_until;
        }
        (self.net, self.from, self.so_far) = (left - part, self.earned_until, 0);
        part
    }
}

/// What was taken back of a line: when, from which day on, how much. An amount and its day.
type Credit = (NaiveDate, NaiveDate, i128);

/// What was taken back of a line by hand, and by runs, in the order of the days.
fn credits_of(rows: &Rows, line: &Line) -> (Vec<Credit>, Vec<Credit>) {
    let of_line = rows.lines().filter(|credit| credit.corrects_line_id == Some(line.id));
    let (mut by_hand, mut by_run) = (Vec::new(), Vec::new());
    for credit in of_line {
        let Some(invoice) = rows.invoice(credit.invoice_id) else { continue };
        let list = if credit.kind == "correction" { &mut by_hand } else { &mut by_run };
        list.push((invoice.issue_on, credit.service_from, -credit.net_minor));
    }
    by_hand.sort_unstable();
    by_run.sort_unstable();
    (by_hand, by_run)
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
