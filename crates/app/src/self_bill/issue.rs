//! Documents are issued: composed, numbered, posted, with their payouts.

use std::collections::{BTreeMap, HashMap};

use chrono::Datelike;
use domain::date::{self, Date};
use domain::event::{EventKind, PayoutFacts};
use domain::id::{CustomerId, EntryId, PayoutId, SelfBillId, Sequence};
use domain::investment::{ShareTreatment, in_force};
use domain::invoice::Party;
use domain::ledger::Entry;
use domain::ledger::share::share_entry;
use domain::numbering::Series;
use domain::payout::Payout;
use domain::self_bill::compose;
use domain::self_bill::{Credit, Heading, Line, Recipient, SelfBill, SelfBillKind};
use domain::vat::VatCategory;
use rust_decimal::Decimal;
use store::self_bill::{NewSelfBill, Number, Supplier};

use crate::Scope;
use crate::error::{Error, Refusal};
use crate::event;

/// The investors of documents.
pub(super) type Suppliers = HashMap<CustomerId, Supplier>;

/// Issues the documents of credits of one month: one per investor, VAT treatment and currency, at
/// most seven statements. None when there are no credits. `standard_percent` is the VAT rate of the
/// month, where one bears VAT; what else the month posts is written with their entries.
///
/// # Errors
/// [`Error::Refused`] with `NUMBER_TAKEN`; [`Error::Busy`], [`Error::Unavailable`].
pub async fn issue(
    scope: &mut Scope,
    credits: Vec<Credit>,
    standard_percent: Option<Decimal>,
    beside: Vec<Entry>,
) -> Result<(), Error> {
    let Some(month) = credits.first().map(|credit| credit.month) else {
        return Ok(store::ledger::insert(&mut scope.tx, &beside, scope.now).await?);
    };
    let mut by_recipient: BTreeMap<Recipient, Vec<Line>> = BTreeMap::new();
    for credit in credits {
        by_recipient.entry(credit.recipient()).or_default().push(credit.into());
    }
    let investors: Vec<CustomerId> = by_recipient.keys().map(|one| one.investor_id).collect();
    let suppliers = suppliers(scope, &investors).await?;
    let with_vat = by_recipient.keys().any(|one| one.vat_treatment == ShareTreatment::WithVat);
    let standard_percent = match standard_percent {
        None if with_vat => return Err(Error::fault(format!("no VAT rate for {month}"))),
        found => found.unwrap_or_default(),
    };
    let (ids, issue_on) = (Sequence::new(scope.now), scope.today());
    let mut bills = Vec::with_capacity(by_recipient.len());
    for (recipient, lines) in by_recipient {
        let agreement = in_force(agreement(&suppliers, recipient.investor_id), issue_on);
        let heading = Heading { recipient, month, issue_on, standard_percent, agreement };
        bills.push(compose(&heading, SelfBillId(ids.next()), lines)?);
    }
    let payouts = bills.iter().filter_map(|bill| Payout::of(bill, PayoutId(ids.next()))).collect();
    write_beside(scope, &suppliers, bills, payouts, beside).await
}

/// Investors, as documents of today show them, with their latest agreements.
pub(super) async fn suppliers(
    scope: &mut Scope,
    investors: &[CustomerId],
) -> Result<Suppliers, Error> {
    let today = scope.today();
    Ok(store::self_bill::suppliers(&mut scope.tx, investors, today).await?)
}

/// The agreement that an investor signed last.
pub(super) fn agreement(
    suppliers: &Suppliers,
    investor: CustomerId,
) -> Option<&domain::investment::Agreement> {
    suppliers.get(&investor).and_then(|one| one.agreement.as_ref())
}

/// The vendor's standard rate on the last day of a month, in percent.
///
/// # Errors
/// [`Error::Refused`] with `VAT_RATE_MISSING`.
pub(crate) async fn standard_percent(scope: &mut Scope, month: Date) -> Result<Decimal, Error> {
    let rates = store::vat::rates(&mut scope.tx).await?;
    let last_day = date::add_days(date::first_of_next_month(month), -1);
    let country = &scope.organization.address.country;
    rates
        .percent(country, VatCategory::Standard, last_day)
        .map_err(|refused| Error::refused("VAT_RATE_MISSING", refused))
}

/// Writes documents with their numbers, entries and payouts, and announces them.
pub(super) async fn write(
    scope: &mut Scope,
    suppliers: &Suppliers,
    bills: Vec<SelfBill>,
    payouts: Vec<Payout>,
) -> Result<(), Error> {
    write_beside(scope, suppliers, bills, payouts, Vec::new()).await
}

/// As [`write`], with entries of other sources.
async fn write_beside(
    scope: &mut Scope,
    suppliers: &Suppliers,
    bills: Vec<SelfBill>,
    payouts: Vec<Payout>,
    mut entries: Vec<Entry>,
) -> Result<(), Error> {
    let numbers = numbers(scope, suppliers, &bills).await?;
    let (ids, buyer) = (Sequence::new(scope.now), Party::seller(&scope.organization));
    let mut documents = Vec::with_capacity(bills.len());
    for (bill, number) in bills.into_iter().zip(numbers) {
        let entry = share_entry(EntryId(ids.next()), &bill, !buyer.small_business);
        let entry = entry.map_err(|refused| {
            Error::fault(format!("document {} does not post: {refused}", bill.id))
        })?;
        entries.push(entry);
        let supplier = supplier(suppliers, &bill)?;
        documents.push(NewSelfBill { bill, number, supplier });
    }
    match store::self_bill::insert(&mut scope.tx, &buyer, &documents, scope.now).await {
        Ok(()) => {}
        Err(store::Error::Exists(constraint)) if constraint == "self_bills_paper" => {
            let message = "the number pattern gives a number that exists: change the pattern or \
                           the prefix of the agreement";
            return Err(Error::refused("NUMBER_TAKEN", message));
        }
        Err(other) => return Err(other.into()),
    }
    store::ledger::insert(&mut scope.tx, &entries, scope.now).await?;
    store::payout::insert(&mut scope.tx, &payouts, scope.now).await?;
    let payouts: HashMap<SelfBillId, &Payout> =
        payouts.iter().map(|payout| (payout.self_bill_id, payout)).collect();
    let news: Vec<event::News> = documents
        .iter()
        .map(|one| {
            let payout = payouts.get(&one.bill.id).copied();
            let number = one.number.as_ref().map(|number| number.text.clone());
            let facts = facts(&one.bill, number, payout);
            let (on, investor) = (one.bill.issue_on, one.bill.investor_id);
            event::of_payout(EventKind::SelfBillIssued, on, investor, facts)
        })
        .collect();
    scope.announce(news);
    Ok(())
}

/// A document and its payout, as others need to know them.
pub(crate) fn facts(
    bill: &SelfBill,
    number: Option<String>,
    payout: Option<&Payout>,
) -> PayoutFacts {
    PayoutFacts {
        self_bill_id: bill.id,
        kind: bill.kind,
        number,
        month: bill.month,
        issue_on: bill.issue_on,
        total: bill.total,
        payout_id: payout.map(|payout| payout.id),
        state: payout.map(|payout| payout.state),
    }
}

/// The investor on a document.
fn supplier(suppliers: &Suppliers, bill: &SelfBill) -> Result<Party, Error> {
    let known = suppliers.get(&bill.investor_id);
    let known = known.ok_or_else(|| Error::fault(format!("no investor {}", bill.investor_id)))?;
    let small_business = bill.vat_treatment == ShareTreatment::SmallBusiness;
    Ok(Party { small_business, ..known.party.clone() })
}

/// The next numbers of the investors' own series, for those documents that have one.
async fn numbers(
    scope: &mut Scope,
    suppliers: &Suppliers,
    bills: &[SelfBill],
) -> Result<Vec<Option<Number>>, Error> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for bill in bills.iter().filter(|bill| is_numbered(bill)) {
        *counts.entry(key(bill)).or_default() += 1;
    }
    if counts.is_empty() {
        return Ok(vec![None; bills.len()]);
    }
    let issue_on = scope.today();
    let year = issue_on.year();
    let counts: Vec<(String, i64)> = counts.into_iter().collect();
    let mut next = store::numbering::take_many(&mut scope.tx, &counts, year, issue_on).await?;
    let pattern = &scope.organization.number_pattern;
    let number = |bill: &SelfBill| {
        if !is_numbered(bill) {
            return Ok(None);
        }
        let next = next.get_mut(&key(bill)).ok_or_else(|| {
            let message = format!("a document of a later date than {issue_on} exists: try again");
            Error::Busy(Refusal::new("ISSUE_DATE_PASSED", message).with("issue_on", issue_on))
        })?;
        let sequence = *next;
        *next += 1;
        let agreement = agreement(suppliers, bill.investor_id)
            .ok_or_else(|| Error::fault(format!("{} has no agreement", bill.investor_id)))?;
        let text = pattern.number(&agreement.number_prefix, year, sequence);
        Ok(Some(Number { year, sequence, text }))
    };
    bills.iter().map(number).collect()
}

fn is_numbered(bill: &SelfBill) -> bool {
    matches!(bill.kind, SelfBillKind::Invoice | SelfBillKind::CreditNote)
}

fn key(bill: &SelfBill) -> String {
    Series::SelfBilling(bill.investor_id).key()
}
