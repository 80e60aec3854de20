//! What attempts brought, and what of it bounced: in batches, for the workers.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::date::Date;
use domain::id::{AttemptId, InvoiceId, PaymentId, Sequence};
use domain::money::Money;
use domain::payment::allocation::{OpenInvoice, TakenBack, allocate, take_back};
use domain::payment::{Payment, PaymentKind, Target};
use store::billing::Account;

use super::{book, hold};
use crate::Scope;
use crate::error::Error;

/// An attempt that was settled.
#[derive(Debug, Clone)]
pub struct Collected {
    /// Which attempt.
    pub attempt_id: AttemptId,
    /// Whose, in which currency.
    pub account: Account,
    /// What it was to pay.
    pub invoice_id: InvoiceId,
    /// How much came.
    pub amount: Money,
    /// The bank's date.
    pub on: Date,
    /// Whether its acceptance was posted (`domain::ledger::payment::accepted_entry`).
    pub in_transit: bool,
}

/// A settled attempt whose money went back.
#[derive(Debug, Clone)]
pub struct Bounced {
    /// Which attempt.
    pub attempt_id: AttemptId,
    /// The bank's date.
    pub on: Date,
    /// What the bank asks for it.
    pub fee: Option<Money>,
}

/// Records what attempts brought. Each pays its invoice; what is not open on it any more pays what
/// else its customer owes, as any other money. An attempt that was recorded before changes nothing
/// and is not in the answer.
///
/// # Errors
/// [`Error::Busy`], [`Error::Unavailable`].
pub async fn collect(scope: &mut Scope, collected: &[Collected]) -> Result<Vec<Payment>, Error> {
    hold(scope, collected.iter().map(|one| one.account).collect()).await?;
    let attempts: Vec<AttemptId> = collected.iter().map(|one| one.attempt_id).collect();
    let known = store::payment::by_attempts(&mut scope.tx, &attempts).await?;
    let mut known: HashSet<AttemptId> =
        known.iter().filter_map(|one| one.payment.attempt_id).collect();
    let customers: BTreeSet<_> = collected.iter().map(|one| one.account.customer_id).collect();
    let customers: Vec<_> = customers.into_iter().collect();
    let mut owed = store::payment::owed(&mut scope.tx, &customers).await?;
    let ids = Sequence::new(scope.now);
    let mut payments: Vec<Payment> = Vec::with_capacity(collected.len());
    for one in collected.iter().filter(|one| known.insert(one.attempt_id)) {
        let own = owed.entry(one.account).or_default();
        let allocations = allocate(one.amount, &[one.invoice_id], own)?;
        for part in &allocations {
            pay(own, part.target, part.amount)?;
        }
        payments.push(Payment {
            id: PaymentId(ids.next()),
            customer_id: Some(one.account.customer_id),
            kind: PaymentKind::Collection,
            amount: one.amount,
            booked_on: one.on,
            attempt_id: Some(one.attempt_id),
            reverses: None,
            in_transit: one.in_transit,
            fee: None,
            reference: None,
            payer_name: None,
            note: None,
            external_id: None,
            allocations,
        });
    }
    book(scope, &payments).await?;
    Ok(payments)
}

/// Another attempt of the same batch finds less open.
fn pay(owed: &mut [OpenInvoice], target: Target, amount: Money) -> Result<(), Error> {
    let Some(invoice) = owed.iter_mut().find(|one| Some(one.id) == target.invoice_id()) else {
        return Ok(());
    };
    let place = match target {
        Target::WrittenOff(_) => &mut invoice.written_off,
        _ => &mut invoice.open,
    };
    *place = place.checked_sub(amount)?;
    Ok(())
}

/// Records that money which attempts had brought went back: their invoices are open again. An
/// attempt that brought nothing, or whose money went back before, changes nothing and is not in the
/// answer.
///
/// # Errors
/// [`Error::Busy`], [`Error::Unavailable`].
pub async fn bounce(scope: &mut Scope, bounced: &[Bounced]) -> Result<Vec<Payment>, Error> {
    let attempts: Vec<AttemptId> = bounced.iter().map(|one| one.attempt_id).collect();
    let found = store::payment::by_attempts(&mut scope.tx, &attempts).await?;
    let accounts = found.iter().filter_map(|one| {
        let currency = one.payment.amount.currency();
        Some(Account { customer_id: one.payment.customer_id?, currency })
    });
    hold(scope, accounts.collect()).await?;
    // Again, now that nobody else changes them.
    let found = store::payment::by_attempts(&mut scope.tx, &attempts).await?;
    let ids: Vec<PaymentId> = found.iter().map(|one| one.payment.id).collect();
    let returned = store::payment::returned(&mut scope.tx, &ids).await?;
    let mut payments: HashMap<AttemptId, Payment> = found
        .into_iter()
        .filter(|one| !returned.contains(&one.payment.id))
        .filter_map(|one| Some((one.payment.attempt_id?, one.payment)))
        .collect();
    let mut back = Vec::with_capacity(payments.len());
    let ids = Sequence::new(scope.now);
    let mut spent: Vec<(Account, Money)> = Vec::new();
    let available = available(scope, payments.values()).await?;
    for one in bounced {
        let Some(payment) = payments.remove(&one.attempt_id) else { continue };
        let currency = payment.amount.currency();
        let account = payment.customer_id.map(|customer_id| Account { customer_id, currency });
        let nothing = Money::zero(currency);
        let mut left = account.and_then(|of| available.get(&of).copied()).unwrap_or(nothing);
        for (_, amount) in spent.iter().filter(|(of, _)| Some(*of) == account) {
            left = left.checked_add(*amount)?;
        }
        let how = TakenBack { id: PaymentId(ids.next()), booked_on: one.on, fee: one.fee };
        let taken = take_back(&payment, left, how)?;
        let of_balance = taken.allocations.iter().filter(|part| part.target == Target::Balance);
        if let Some(account) = account {
            spent.extend(of_balance.map(|part| (account, part.amount)));
        }
        back.push(taken);
    }
    book(scope, &back).await?;
    Ok(back)
}

/// What the customers of payments have to their credit.
async fn available(
    scope: &mut Scope,
    payments: impl Iterator<Item = &Payment>,
) -> Result<HashMap<Account, Money>, Error> {
    let customers: HashSet<_> = payments.filter_map(|payment| payment.customer_id).collect();
    let customers: Vec<_> = customers.into_iter().collect();
    Ok(store::billing::balances(&mut scope.tx, &customers).await?)
}
