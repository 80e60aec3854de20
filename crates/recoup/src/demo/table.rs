//! The table that the demonstration prints.
//!
//! Invariants: the same books give the same text, so that it can be compared.
//!
//! Deliberately absent: reading the books (`books`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use domain::money::{Currency, Money};
use domain::subscription::State;
use store::ledger::Balance;

use super::amount::{grouped, shown};
use super::books::{Books, add};
use super::investors_table::investors_table;
use super::payments_table::payments_table;
use super::revenue::Proof;
use super::revenue_table::revenue_table;
use super::scale::Scale;

/// The books as text.
pub(super) fn table(books: &Books, scale: &Scale) -> Result<String, app::Error> {
    let mut text = String::new();
    let (from, to) = (scale.opens_on(), scale.closes_on());
    let name = &books.name;
    line(&mut text, &format!("{name} (sandbox), {from} to {to}, seed {}\n", scale.seed));
    line(
        &mut text,
        &counted("customers", books.customers.iter().map(|(code, n)| (code.as_str(), *n))),
    );
    parts(&mut text, books);
    months(&mut text, books)?;
    line(&mut text, "");
    for recurring in revenue_table(&books.revenue, scale) {
        line(&mut text, &recurring);
    }
    line(&mut text, "");
    for paid in payments_table(&books.payments) {
        line(&mut text, &paid);
    }
    line(&mut text, "");
    for invested in investors_table(&books.investments)? {
        line(&mut text, &invested);
    }
    balances(&mut text, &books.balances, scale)?;
    line(&mut text, &verdict("ledger", books.proof));
    line(&mut text, &verdict("recurring revenue", books.revenue.proof));
    line(&mut text, &verdict("collecting", books.payments.proof));
    write_to(&mut text, &verdict("investing", books.investments.proof));
    Ok(text)
}

/// What there is and what happened, counted.
fn parts(text: &mut String, books: &Books) {
    let states = State::ALL.iter();
    let states = states
        .filter_map(|state| books.subscriptions.get(state).map(|count| (state.as_str(), *count)));
    line(text, &counted("subscriptions", states));
    let happened = books.happened.iter().map(|(kind, count)| {
        let kind = kind.as_str();
        (kind.strip_prefix("subscription_").unwrap_or(kind), *count)
    });
    line(text, &counted("events", happened));
    if !books.migrated.is_empty() {
        let migrated = books.migrated.iter().map(|(outcome, count)| (*outcome, *count));
        line(text, &counted("migration", migrated));
    }
    let documents = books.documents.iter().map(|(kind, count)| (kind.as_str(), *count));
    line(text, &counted("documents", documents));
    line(text, &format!("{:<14}{:>7}", "set aside", books.set_aside));
}

fn verdict(what: &str, proof: Proof) -> String {
    let Proof { checks, hold } = proof;
    if hold == checks {
        format!("The {what} holds: {hold} of {checks} checks.")
    } else {
        format!("THE {} DOES NOT HOLD: {hold} of {checks} checks.", what.to_uppercase())
    }
}

fn write_to(text: &mut String, part: &str) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{part}");
}

fn line(text: &mut String, part: &str) {
    write_to(text, part);
    text.push('\n');
}

/// A total and its parts: `customers  200  (BE 38, NL 147)`.
pub(super) fn counted<'a>(what: &str, parts: impl Iterator<Item = (&'a str, u32)>) -> String {
    let parts: Vec<(&str, u32)> = parts.collect();
    let total: u32 = parts.iter().map(|(_, count)| count).sum();
    let parts: Vec<String> = parts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    format!("{what:<14}{:>7}  ({})", grouped(&total.to_string()), parts.join(", "))
}

fn months(text: &mut String, books: &Books) -> Result<(), app::Error> {
    line(text, "");
    line(text, &row("month", "documents", "invoiced excl. VAT", "revenue earned"));
    let (mut count, mut invoiced, mut earned) = (0, BTreeMap::new(), BTreeMap::new());
    for month in &books.months {
        let (first, documents) = (month.first, month.documents.values().sum::<u32>());
        let of = |sums: &BTreeMap<Currency, Money>| {
            shown(sums.get(&Currency::EUR).copied().unwrap_or(Money::zero(Currency::EUR)))
        };
        let name = first.format("%Y-%m").to_string();
        line(text, &row(&name, &documents.to_string(), &of(&month.invoiced), &of(&month.earned)));
        count += documents;
        month.invoiced.iter().try_for_each(|(code, sum)| add(&mut invoiced, *code, *sum))?;
        month.earned.iter().try_for_each(|(code, sum)| add(&mut earned, *code, *sum))?;
    }
    for (currency, sum) in &invoiced {
        let earned = earned.get(currency).copied().unwrap_or(Money::zero(*currency));
        // The number of documents is of all currencies: it stands once.
        let count =
            if *currency == Currency::EUR { grouped(&count.to_string()) } else { String::new() };
        line(text, &row("total", &count, &shown(*sum), &shown(earned)));
    }
    Ok(())
}

fn row(name: &str, count: &str, invoiced: &str, earned: &str) -> String {
    format!("{name:<10}{count:>10}{invoiced:>22}{earned:>20}")
}

fn balances(text: &mut String, rows: &[Balance], scale: &Scale) -> Result<(), app::Error> {
    line(text, "");
    let title = format!("trial balance on {}", scale.closes_on());
    line(text, &format!("{title:<32}{:>20}{:>20}", "debit", "credit"));
    let (mut debits, mut credits) = (BTreeMap::new(), BTreeMap::new());
    for row in rows {
        let debit = Money::new(row.debit_minor, row.currency);
        let credit = Money::new(row.credit_minor, row.currency);
        let name = format!("{} {}", row.account, row.account.title());
        line(text, &format!("{name:<32}{:>20}{:>20}", shown(debit), shown(credit)));
        add(&mut debits, row.currency, debit)?;
        add(&mut credits, row.currency, credit)?;
    }
    for (currency, debit) in &debits {
        let credit = credits.get(currency).copied().unwrap_or(Money::zero(*currency));
        let difference = debit.checked_sub(credit)?;
        let name = format!("total, difference {}", difference.major());
        line(text, &format!("{name:<32}{:>20}{:>20}", shown(*debit), shown(credit)));
    }
    line(text, "");
    Ok(())
}
