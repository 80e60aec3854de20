//! One-off payments: a reference under which a customer pays chosen invoices.

use domain::id::{CustomerId, InvoiceId};
use domain::money::Money;
use domain::payment::reference::Reference;
use store::billing::Account;
use store::payment::NewOneOff;

use super::hold;
use super::matching::check_invoices;
use crate::Scope;
use crate::error::{Error, Refusal};

/// A one-off payment that was started.
#[derive(Debug, Clone)]
pub struct StartedOneOff {
    /// What the payment is to say.
    pub reference: Reference,
    /// How much is to be paid.
    pub amount: Money,
    /// Which invoices it pays, with what is owed of each, in the order of the due dates.
    pub invoices: Vec<(InvoiceId, Money)>,
}

/// Starts a one-off payment of chosen invoices, or of everything that a customer owes in its
/// currency. Money that comes with the reference pays exactly these invoices first.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Refused`] with `NOTHING_OPEN`.
pub async fn start_one_off(
    scope: &mut Scope,
    customer_id: CustomerId,
    invoices: &[InvoiceId],
) -> Result<StartedOneOff, Error> {
    let customer = crate::customer::get(scope, customer_id).await?;
    let currency = match invoices.first() {
        None => customer.currency,
        Some(first) => {
            let found = store::invoice::headers(&mut scope.tx, &[*first]).await?;
            found.first().map_or(customer.currency, |one| one.total.currency())
        }
    };
    let account = Account { customer_id, currency };
    check_invoices(scope, account, invoices).await?;
    hold(scope, vec![account]).await?;
    let mut owed = store::payment::owed(&mut scope.tx, &[customer_id]).await?;
    let mut owed = owed.remove(&account).unwrap_or_default();
    owed.retain(|one| invoices.is_empty() || invoices.contains(&one.id));
    owed.sort_by_key(|one| (one.due_on, one.number));
    let each = owed.iter().map(|one| Ok((one.id, one.open.checked_add(one.written_off)?)));
    let each = each.collect::<Result<Vec<_>, Error>>()?;
    let amount = Money::sum(currency, each.iter().map(|(_, amount)| *amount))?;
    if amount.is_zero() {
        let refusal = Refusal::new("NOTHING_OPEN", "nothing is to be paid of these invoices");
        return Err(Error::Refused(refusal.with("customer_id", customer_id)));
    }
    let id = domain::id::fresh(scope.now);
    let new = NewOneOff {
        id,
        customer_id,
        amount,
        reference: Reference::of(id),
        started_on: scope.today(),
        invoices: each.clone(),
    };
    store::payment::insert_one_off(&mut scope.tx, &new, scope.now).await?;
    Ok(StartedOneOff { reference: new.reference, amount, invoices: each })
}
