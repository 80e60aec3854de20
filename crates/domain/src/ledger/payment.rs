//! What payments, attempts and write-offs post.
//!
//! Invariants: a payment posts once, whatever its parts; receivables and collections in transit
//! together always are what is open on invoices. Money under way moves from receivables to
//! collections in transit when it is accepted, and back when it fails.

use std::collections::BTreeMap;

use super::{Account, Entry, EntryRefused, Posting, Source, SourceKind, credit, debit};
use crate::date::Date;
use crate::id::{AttemptId, EntryId, InvoiceId, PaymentId};
use crate::money::{Money, MoneyRefused};
use crate::payment::write_off::Recovered;
use crate::payment::{Allocation, Payment, Target};
use crate::vat::LineVat;

/// What parts of money post on the side away from the bank: receivables, balances, money that
/// matches nothing, and for invoices that were written off bad debt and VAT.
fn sides(parts: &[Allocation], recovered: &[Recovered]) -> Result<Vec<Posting>, MoneyRefused> {
    let mut sums: BTreeMap<Account, Money> = BTreeMap::new();
    let mut add = |account, amount: Money| -> Result<(), MoneyRefused> {
        let sum = sums.entry(account).or_insert(Money::zero(amount.currency()));
        *sum = sum.checked_add(amount)?;
        Ok(())
    };
    for part in parts {
        match part.target {
            Target::Invoice(_) => add(Account::Receivables, part.amount)?,
            Target::Balance => add(Account::CustomerBalance, part.amount)?,
            Target::Unmatched => add(Account::UnallocatedReceipts, part.amount)?,
            Target::WrittenOff(_) => {}
        }
    }
    let mut postings = Vec::new();
    for one in recovered {
        let tax = Money::sum(one.amount.currency(), one.vat.iter().map(|(_, tax)| *tax))?;
        add(Account::BadDebt, one.amount.checked_sub(tax)?)?;
        let account = vat_account(one.is_dated);
        for (vat, tax) in &one.vat {
            postings.push(Posting { vat: Some(*vat), ..credit(account, *tax)? });
        }
    }
    for (account, amount) in sums {
        postings.push(credit(account, amount)?);
    }
    Ok(postings)
}

/// Where VAT of bad debt stands before and after it was reclaimed.
fn vat_account(is_dated: bool) -> Account {
    if is_dated { Account::VatPayable } else { Account::VatOnBadDebt }
}

fn source(kind: SourceKind, id: uuid::Uuid) -> Source {
    Source { kind, id, part: String::new() }
}

/// Money that came or went: the bank, or what was under way, against where it goes. `recovered` is
/// what its parts for invoices that were written off bring.
///
/// # Errors
/// [`EntryRefused`] when its parts do not add up to it.
pub fn payment_entry(
    id: EntryId,
    payment: &Payment,
    recovered: &[Recovered],
) -> Result<Entry, EntryRefused> {
    let fee = payment.fee.unwrap_or(Money::zero(payment.amount.currency()));
    let mut postings =
        vec![debit(Account::Bank, payment.amount.checked_sub(fee)?), debit(Account::BankFees, fee)];
    if payment.in_transit {
        // It had left the receivables when it was accepted.
        postings.push(credit(Account::CollectionsInTransit, payment.amount)?);
        let to_invoices = payment.allocations.iter().filter_map(|part| match part.target {
            Target::Invoice(_) => Some(part.amount),
            _ => None,
        });
        let to_invoices = Money::sum(payment.amount.currency(), to_invoices)?;
        let elsewhere = payment.amount.checked_sub(to_invoices)?;
        postings.push(debit(Account::Receivables, elsewhere));
        let others = |part: &&Allocation| !matches!(part.target, Target::Invoice(_));
        let others: Vec<Allocation> = payment.allocations.iter().filter(others).copied().collect();
        postings.extend(sides(&others, recovered)?);
    } else {
        postings.extend(sides(&payment.allocations, recovered)?);
    }
    let source = source(SourceKind::Payment, payment.id.0);
    Entry::new(id, payment.booked_on, source, postings)
}

/// Money that matched nothing and now does; `part` is the place of the first of its new parts.
///
/// # Errors
/// [`EntryRefused`].
pub fn match_entry(
    id: EntryId,
    payment: PaymentId,
    part: i32,
    on: Date,
    parts: &[Allocation],
    recovered: &[Recovered],
) -> Result<Entry, EntryRefused> {
    let source = Source { kind: SourceKind::Match, id: payment.0, part: part.to_string() };
    Entry::new(id, on, source, sides(parts, recovered)?)
}

/// An attempt that was accepted and is under way.
///
/// # Errors
/// [`EntryRefused`].
pub fn accepted_entry(
    id: EntryId,
    attempt: AttemptId,
    on: Date,
    amount: Money,
) -> Result<Entry, EntryRefused> {
    let postings =
        vec![debit(Account::CollectionsInTransit, amount), credit(Account::Receivables, amount)?];
    Entry::new(id, on, source(SourceKind::AttemptAccepted, attempt.0), postings)
}

/// An attempt that had been accepted and failed before it was settled.
///
/// # Errors
/// [`EntryRefused`].
pub fn failed_entry(
    id: EntryId,
    attempt: AttemptId,
    on: Date,
    amount: Money,
) -> Result<Entry, EntryRefused> {
    let postings =
        vec![debit(Account::Receivables, amount), credit(Account::CollectionsInTransit, amount)?];
    Entry::new(id, on, source(SourceKind::AttemptFailed, attempt.0), postings)
}

/// What is written off of an invoice, for the `times`-th time, with the VAT in it.
///
/// # Errors
/// [`EntryRefused`].
pub fn write_off_entry(
    id: EntryId,
    invoice: InvoiceId,
    times: i32,
    on: Date,
    lost: &Recovered,
) -> Result<Entry, EntryRefused> {
    let source = Source { kind: SourceKind::WriteOff, id: invoice.0, part: times.to_string() };
    Entry::new(id, on, source, lost_postings(lost)?)
}

/// What of an invoice is written off no longer because a credit note pays it off: the `place`-th of
/// its invoices. `lost` is below zero.
///
/// # Errors
/// [`EntryRefused`].
pub fn credited_write_off_entry(
    id: EntryId,
    credit_note: InvoiceId,
    place: usize,
    on: Date,
    lost: &Recovered,
) -> Result<Entry, EntryRefused> {
    let source = Source { kind: SourceKind::WriteOff, id: credit_note.0, part: place.to_string() };
    Entry::new(id, on, source, lost_postings(lost)?)
}

fn lost_postings(lost: &Recovered) -> Result<Vec<Posting>, MoneyRefused> {
    let tax = Money::sum(lost.amount.currency(), lost.vat.iter().map(|(_, tax)| *tax))?;
    let mut postings = vec![
        debit(Account::BadDebt, lost.amount.checked_sub(tax)?),
        credit(Account::Receivables, lost.amount)?,
    ];
    for (vat, tax) in &lost.vat {
        postings.push(Posting { vat: Some(*vat), ..debit(vat_account(lost.is_dated), *tax) });
    }
    Ok(postings)
}

/// VAT of an invoice that was written off, reclaimed; nothing when there is none.
///
/// # Errors
/// [`EntryRefused`].
pub fn bad_debt_vat_entry(
    id: EntryId,
    invoice: InvoiceId,
    on: Date,
    vat: &[(LineVat, Money)],
) -> Result<Option<Entry>, EntryRefused> {
    let mut postings = Vec::with_capacity(vat.len() * 2);
    for (vat, tax) in vat.iter().filter(|(_, tax)| !tax.is_zero()) {
        let vat = Some(*vat);
        postings.push(Posting { vat, ..debit(Account::VatPayable, *tax) });
        postings.push(Posting { vat, ..credit(Account::VatOnBadDebt, *tax)? });
    }
    if postings.is_empty() {
        return Ok(None);
    }
    Entry::new(id, on, source(SourceKind::BadDebtVat, invoice.0), postings).map(Some)
}

#[cfg(test)]
#[path = "payment_tests.rs"]
mod tests;
