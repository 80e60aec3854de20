//! Money that matched nothing and now does.

use domain::id::{CustomerId, EntryId, InvoiceId, PaymentId};
use domain::ledger::payment::match_entry;
use domain::money::Money;
use domain::payment::{Allocation, Target};
use store::billing::Account;
use store::payment::MatchedParts;

use super::record::parts;
use super::{Kept, announce, before, hold, lost, not_posted, recover, touched};
use crate::error::{Error, Refusal};
use crate::page::MAX_SIZE;
use crate::{Scope, collection};

/// Whose money it is.
#[derive(Debug, Clone)]
pub struct MatchPayment {
    /// Which payment.
    pub payment_id: PaymentId,
    /// Whose.
    pub customer_id: CustomerId,
    /// What it pays first; the oldest when empty.
    pub invoices: Vec<InvoiceId>,
}

/// Gives what matches nothing of a payment to a customer, where it goes as if it had come for it. What
/// is missing (money that went back after it had been spent) is taken from the customer's balance, as
/// far as there is one.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Refused`] with `NOTHING_UNMATCHED` or
/// `BALANCE_TOO_LOW`.
pub async fn match_payment(scope: &mut Scope, command: MatchPayment) -> Result<Kept, Error> {
    let found = super::get(scope, command.payment_id).await?;
    let currency = found.payment.amount.currency();
    let account = Account { customer_id: command.customer_id, currency };
    if found.customer_id().is_some_and(|customer| customer != command.customer_id) {
        let message = "the payment is of another customer";
        return Err(Error::invalid("customer_id", message));
    }
    check_invoices(scope, account, &command.invoices).await?;
    // Whoever matches the same payment for the same customer waits here; for another customer both
    // write the same place, and one fails.
    hold(scope, vec![account]).await?;
    let found = super::get(scope, command.payment_id).await?;
    let waits = found.unmatched()?;
    let mut new = match waits.minor().signum() {
        1 => parts(scope, account, waits, &command.invoices).await?,
        -1 => vec![from_balance(scope, account, waits).await?],
        _ => {
            let refusal = Refusal::new("NOTHING_UNMATCHED", "all of the payment is matched");
            return Err(Error::Refused(refusal.with("payment_id", command.payment_id)));
        }
    };
    let taken = Money::sum(currency, new.iter().map(|part| part.amount))?.negated()?;
    new.insert(0, Allocation { target: Target::Unmatched, amount: taken });
    write(scope, &found, account, &new).await?;
    collection::refresh(scope, &[account.customer_id]).await?;
    super::get(scope, command.payment_id).await
}

async fn write(
    scope: &mut Scope,
    found: &Kept,
    account: Account,
    new: &[Allocation],
) -> Result<(), Error> {
    let (id, today) = (found.payment.id, scope.today());
    let first = i32::try_from(found.payment.allocations.len()).unwrap_or(i32::MAX);
    let touched = touched(new.iter().map(|part| (today, part)));
    let before = before(scope, &touched).await?;
    let mut lost = lost(scope, new.iter()).await?;
    let recovered = recover(&mut lost, new)?;
    let entry = match_entry(EntryId::fresh(scope.now), id, first, today, new, &recovered);
    let entry = entry.map_err(|refused| not_posted(id, &refused))?;
    let parts = MatchedParts {
        payment_id: id,
        first,
        customer_id: Some(account.customer_id),
        allocated_on: today,
        parts: new,
    };
    match store::payment::insert_parts(&mut scope.tx, &[parts], scope.now).await {
        Err(store::Error::Exists(_)) => {
            let message = "the payment is being matched: try again";
            return Err(Error::Busy(Refusal::new("CONTENTION", message)));
        }
        other => other?,
    }
    let lost: Vec<_> = lost.into_values().collect();
    store::payment::save_write_offs(&mut scope.tx, &lost, None).await?;
    store::ledger::insert(&mut scope.tx, &[entry], scope.now).await?;
    announce(scope, &before, &touched).await
}

/// What a balance can give of what is missing.
async fn from_balance(
    scope: &mut Scope,
    account: Account,
    missing: Money,
) -> Result<Allocation, Error> {
    let balances = store::billing::balances(&mut scope.tx, &[account.customer_id]).await?;
    let Some(balance) = balances.get(&account) else {
        let refusal = Refusal::new("BALANCE_TOO_LOW", "the customer has nothing to its credit");
        return Err(Error::Refused(refusal.with("balance", Money::zero(account.currency))));
    };
    let minor = missing.minor().max(balance.negated()?.minor());
    Ok(Allocation { target: Target::Balance, amount: Money::new(minor, account.currency) })
}

/// Invoices that a customer chose are its own.
pub(super) async fn check_invoices(
    scope: &mut Scope,
    account: Account,
    ids: &[InvoiceId],
) -> Result<(), Error> {
    if i64::try_from(ids.len()).unwrap_or(i64::MAX) > MAX_SIZE {
        let message = format!("{} are not possible: at most {MAX_SIZE}", ids.len());
        return Err(Error::invalid("invoice_ids", message));
    }
    for (index, id) in ids.iter().enumerate() {
        let field = format!("invoice_ids[{index}]");
        if ids.iter().take(index).any(|other| other == id) {
            return Err(Error::invalid(field, format!("{id} is given twice")));
        }
    }
    let found = store::invoice::headers(&mut scope.tx, ids).await?;
    for (index, id) in ids.iter().enumerate() {
        let field = format!("invoice_ids[{index}]");
        let Some(invoice) = found.iter().find(|one| one.id == *id) else {
            return Err(Error::invalid(field, format!("invoice {id} does not exist")));
        };
        if invoice.customer_id != account.customer_id || invoice.total.minor() < 0 {
            let message = format!("{id} is not an invoice of customer {}", account.customer_id);
            return Err(Error::invalid(field, message));
        }
        if invoice.total.currency() != account.currency {
            let message = format!("{id} is not in {}", account.currency);
            return Err(Error::invalid(field, message));
        }
    }
    Ok(())
}
