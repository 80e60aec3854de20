//! Values of the wire, written and read as people do.

use server::pb::google::r#type as google;
use server::pb::v1;

/// A date such as `2025-01-31`; also one that no calendar has.
pub fn date(text: &str) -> google::Date {
    let mut parts = text.split('-').map(|part| part.parse().expect("a date such as 2025-01-31"));
    let mut next = || parts.next().expect("a date such as 2025-01-31");
    google::Date { year: next(), month: next(), day: next() }
}

/// A date as text; empty when there is none.
pub fn day(date: &Option<google::Date>) -> String {
    date.as_ref()
        .map_or(String::new(), |date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day))
}

/// A number such as `49.00`; also one that is none.
pub fn decimal(text: &str) -> Option<google::Decimal> {
    Some(google::Decimal { value: text.to_owned() })
}

/// A number as text; empty when there is none.
pub fn text(number: &Option<google::Decimal>) -> &str {
    number.as_ref().map_or("", |number| number.value.as_str())
}

/// An amount in minor units of a currency with two decimals.
pub fn cents(amount: &Option<google::Money>) -> i64 {
    let amount = amount.as_ref().expect("an amount");
    assert_eq!(amount.nanos % 10_000_000, 0, "{amount:?} is not a whole number of cents");
    amount.units * 100 + i64::from(amount.nanos / 10_000_000)
}

/// An amount in euro as text: `49.00`, `-0.05`.
pub fn euro(amount: &Option<google::Money>) -> String {
    let minor = cents(amount);
    let currency = &amount.as_ref().expect("an amount").currency_code;
    assert_eq!(currency, "EUR");
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100)
}

/// Documents in euro as a bookkeeper reads them, one line each:
/// `2025-00001 2025-01-31 49.99 + 10.50: base 2025-01-31..2025-02-28 49.99`.
pub fn book(documents: &[v1::Invoice]) -> Vec<String> {
    let line = |line: &v1::InvoiceLine| {
        let (from, until) = (day(&line.service_from), day(&line.service_until));
        format!("{} {from}..{until} {}", line.description, euro(&line.net))
    };
    let document = |document: &v1::Invoice| {
        let lines: Vec<String> = document.lines.iter().map(line).collect();
        let (net, vat) = (euro(&document.net), euro(&document.vat));
        let issued = day(&document.issue_on);
        format!("{} {issued} {net} + {vat}: {}", document.number, lines.join(", "))
    };
    documents.iter().map(document).collect()
}
