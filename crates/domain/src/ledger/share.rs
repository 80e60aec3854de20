//! What investors are credited and paid posts.
//!
//! Invariants: what an investor is owed (1600) moves by documents, by the VAT of its own invoices and
//! by payouts, and by nothing else. What takes back posts the same accounts the other way round. A
//! vendor under the small business scheme reclaims no VAT: it is part of the return's cost (4500).

use super::{Account, Entry, EntryRefused, Posting, Source, SourceKind, credit, debit};
use crate::date::Date;
use crate::id::{EntryId, InvestmentId, SelfBillId};
use crate::money::Money;
use crate::payout::{Move, Payout};
use crate::self_bill::SelfBill;

/// A document of what an investor was credited, or of what of it is taken back: principal and
/// return, with VAT where it bears any, against what the investor is owed. VAT that the vendor does
/// not reclaim is a cost.
///
/// # Errors
/// [`EntryRefused`].
pub fn share_entry(id: EntryId, bill: &SelfBill, reclaims: bool) -> Result<Entry, EntryRefused> {
    let currency = bill.total.currency();
    let principal = Money::sum(currency, bill.lines.iter().map(|line| line.principal))?;
    let postings = vec![
        debit(Account::InvestmentsToRepay, principal),
        debit(Account::InvestorReturn, bill.net.checked_sub(principal)?),
        vat(bill, bill.tax, reclaims),
        credit(Account::InvestorPayable, bill.total)?,
    ];
    Entry::new(id, bill.issue_on, source(SourceKind::Share, bill.id), postings)
}

/// VAT that an investor is due: to be reclaimed, or a cost of what it is credited.
fn vat(bill: &SelfBill, tax: Money, reclaims: bool) -> Posting {
    if reclaims {
        Posting { vat: Some(bill.vat), ..debit(Account::VatOnSelfBilling, tax) }
    } else {
        debit(Account::InvestorReturn, tax)
    }
}

/// The VAT of the investor's own invoice for an advice; nothing when there is none.
///
/// # Errors
/// [`EntryRefused`].
pub fn own_invoice_entry(
    id: EntryId,
    bill: &SelfBill,
    on: Date,
    reclaims: bool,
) -> Result<Option<Entry>, EntryRefused> {
    let Some(own) = bill.own.as_ref().filter(|own| !own.tax.is_zero()) else { return Ok(None) };
    let postings = vec![vat(bill, own.tax, reclaims), credit(Account::InvestorPayable, own.tax)?];
    Entry::new(id, on, source(SourceKind::InvestorInvoice, bill.id), postings).map(Some)
}

/// Principal that is not repaid, because its feature was retired; `part` tells apart what is said
/// of one investment more than once.
///
/// # Errors
/// [`EntryRefused`].
pub fn forgone_entry(
    id: EntryId,
    investment: InvestmentId,
    part: String,
    on: Date,
    amount: Money,
) -> Result<Entry, EntryRefused> {
    let postings =
        vec![debit(Account::InvestmentsToRepay, amount), credit(Account::ServiceRevenue, amount)?];
    let source = Source { kind: SourceKind::FeatureRetired, id: investment.0, part };
    Entry::new(id, on, source, postings)
}

fn source(kind: SourceKind, id: SelfBillId) -> Source {
    Source { kind, id: id.0, part: String::new() }
}

/// A payout that was sent, has arrived or went back: the `times` of the payout tells the sendings
/// apart.
///
/// # Errors
/// [`EntryRefused`].
pub fn payout_entry(
    id: EntryId,
    payout: &Payout,
    moved: Move,
    on: Date,
) -> Result<Entry, EntryRefused> {
    use Account::{Bank, InvestorPayable, PayoutsInTransit};
    let (kind, from, to) = match moved {
        Move::Sent => (SourceKind::PayoutSent, InvestorPayable, PayoutsInTransit),
        Move::Settled => (SourceKind::PayoutSettled, PayoutsInTransit, Bank),
        Move::Bounced => (SourceKind::PayoutBounced, PayoutsInTransit, InvestorPayable),
        Move::CameBack => (SourceKind::PayoutBounced, Bank, InvestorPayable),
    };
    let source = Source { kind, id: payout.id.0, part: payout.times.to_string() };
    let postings = vec![debit(from, payout.amount), credit(to, payout.amount)?];
    Entry::new(id, on, source, postings)
}

#[cfg(test)]
#[path = "share_tests.rs"]
mod tests;
