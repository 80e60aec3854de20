//! Money that customers paid by themselves.

use domain::date::Date;
use domain::id::{CustomerId, InvoiceId, PaymentId};
use domain::invoice::DocumentKind;
use domain::money::Money;
use domain::organization::text;
use domain::payment::allocation::{allocate, unmatched};
use domain::payment::reference::Reference;
use domain::payment::{Payment, PaymentKind};
use store::billing::Account;

use super::{Kept, MAX_REFERENCE, book, hold};
use crate::customer::MAX_NOTE;
use crate::error::{Error, Expect, Field, Refusal};
use crate::{Scope, collection};

/// How an invoice is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichInvoice {
    /// By its id.
    Id(InvoiceId),
    /// By its number.
    Number(String),
}

/// Money that came.
#[derive(Debug, Clone)]
pub struct RecordPayment {
    /// Whose, if it is known.
    pub customer_id: Option<CustomerId>,
    /// What it says to pay.
    pub invoice: Option<WhichInvoice>,
    /// How much; above zero.
    pub amount: Money,
    /// The bank's date; today when absent.
    pub booked_on: Option<Date>,
    /// What the payer wrote.
    pub reference: Option<String>,
    /// Who paid, as the bank names it.
    pub payer_name: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// The bank's own name of the movement.
    pub external_id: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The payment.
    pub payment: Kept,
    /// Whether the same movement of the bank had been recorded before.
    pub was_known: bool,
}

/// Whose money it is and what it names.
#[derive(Debug, Default)]
struct Named {
    customer_id: Option<CustomerId>,
    invoices: Vec<InvoiceId>,
}

/// Records money that came: it pays what it names, then what its customer owes, oldest first; what
/// is too much is the customer's balance, and money of nobody waits. A movement that is known by its
/// external id is not recorded again.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Exists`] with `EXTERNAL_ID_TAKEN`.
pub async fn record(scope: &mut Scope, command: RecordPayment) -> Result<Recorded, Error> {
    let command = checked(command)?;
    let today = scope.today();
    let booked_on = booked_on(command.booked_on, today)?;
    if let Some(known) = known(scope, &command, booked_on).await? {
        return Ok(Recorded { payment: known, was_known: true });
    }
    let named = named(scope, &command).await?;
    let mut payment = Payment {
        id: PaymentId::fresh(scope.now),
        customer_id: named.customer_id,
        kind: PaymentKind::Receipt,
        amount: command.amount,
        booked_on,
        attempt_id: None,
        reverses: None,
        in_transit: false,
        fee: None,
        reference: command.reference,
        payer_name: command.payer_name,
        note: command.note,
        external_id: command.external_id,
        allocations: unmatched(command.amount),
    };
    if let Some(customer_id) = named.customer_id {
        let account = Account { customer_id, currency: command.amount.currency() };
        payment.allocations = parts(scope, account, command.amount, &named.invoices).await?;
    }
    write(scope, &payment).await?;
    collection::refresh(scope, payment.customer_id.as_slice()).await?;
    let payment = super::get(scope, payment.id).await?;
    Ok(Recorded { payment, was_known: false })
}

/// Where money of a customer goes, whose account and invoices are held from here on.
pub(super) async fn parts(
    scope: &mut Scope,
    account: Account,
    amount: Money,
    chosen: &[InvoiceId],
) -> Result<Vec<domain::payment::Allocation>, Error> {
    let customer = crate::customer::get(scope, account.customer_id).await?;
    hold(scope, vec![account]).await?;
    let mut owed = store::payment::owed(&mut scope.tx, &[account.customer_id]).await?;
    let owed = owed.remove(&account).unwrap_or_default();
    if owed.is_empty() && customer.currency != account.currency {
        let (given, own) = (account.currency, customer.currency);
        let message = format!(
            "{given} is not possible: the customer pays in {own}; without a customer it waits \
             unmatched"
        );
        return Err(Error::invalid("amount", message));
    }
    Ok(allocate(amount, chosen, &owed)?)
}

/// Writes one payment. Another one of the same movement may have come first.
pub(super) async fn write(scope: &mut Scope, payment: &Payment) -> Result<(), Error> {
    match book(scope, std::slice::from_ref(payment)).await {
        Err(Error::Fault(source))
            if matches!(source.downcast_ref(), Some(store::Error::Exists(_))) =>
        {
            let message = "the same movement is being recorded: try again";
            Err(Error::Busy(Refusal::new("CONTENTION", message)))
        }
        other => other,
    }
}

/// The bank's date, which has come.
pub(super) fn booked_on(given: Option<Date>, today: Date) -> Result<Date, Error> {
    let booked_on = given.unwrap_or(today);
    if booked_on > today {
        let message = format!("{booked_on} is still to come: expected {today} or earlier");
        return Err(Error::invalid("booked_on", message));
    }
    Ok(booked_on)
}

/// An amount above zero.
pub(super) fn positive(amount: Money) -> Result<Money, Error> {
    if amount.minor() <= 0 || amount.minor() > domain::invoice::MAX_TOTAL_MINOR {
        let message = format!("{amount} is not possible: expected an amount above zero");
        return Err(Error::invalid("amount", message));
    }
    Ok(amount)
}

/// A text that may be absent.
pub(super) fn optional(
    given: Option<String>,
    max: usize,
    field: &str,
) -> Result<Option<String>, Error> {
    given.map(|given| text(&given, max).field(field)).transpose()
}

fn checked(command: RecordPayment) -> Result<RecordPayment, Error> {
    Ok(RecordPayment {
        amount: positive(command.amount)?,
        reference: optional(command.reference, MAX_REFERENCE, "reference")?,
        payer_name: optional(command.payer_name, MAX_REFERENCE, "payer_name")?,
        note: optional(command.note, MAX_NOTE, "note")?,
        external_id: optional(command.external_id, MAX_REFERENCE, "external_id")?,
        ..command
    })
}

/// The payment of the same movement of the bank, if it was recorded before.
async fn known(
    scope: &mut Scope,
    command: &RecordPayment,
    booked_on: Date,
) -> Result<Option<Kept>, Error> {
    let Some(external_id) = command.external_id.clone() else { return Ok(None) };
    let mut found = store::payment::by_external_ids(&mut scope.tx, &[external_id]).await?;
    let Some(known) = found.pop() else { return Ok(None) };
    let same = known.payment.amount == command.amount
        && (command.booked_on.is_none() || known.payment.booked_on == booked_on);
    if same {
        return Ok(Some(known));
    }
    Err(taken(known.payment.id))
}

/// A movement of the bank that was recorded otherwise.
pub(super) fn taken(id: PaymentId) -> Error {
    let message = "a payment with this external id and another amount or date is recorded";
    Error::Exists(Refusal::new("EXTERNAL_ID_TAKEN", message).with("payment_id", id))
}

async fn named(scope: &mut Scope, command: &RecordPayment) -> Result<Named, Error> {
    let mut named = Named { customer_id: command.customer_id, invoices: Vec::new() };
    let invoice = match &command.invoice {
        None => by_reference(scope, command, &mut named).await?,
        Some(WhichInvoice::Id(id)) => Some(*id),
        Some(WhichInvoice::Number(number)) => {
            let found = store::payment::invoice_by_number(&mut scope.tx, number).await?;
            Some(found.ok_or_else(|| Error::not_found("invoice", number))?)
        }
    };
    let Some(id) = invoice else { return Ok(named) };
    let header = store::invoice::header(&mut scope.tx, id).await.or_missing("invoice", id)?;
    if header.kind == DocumentKind::CreditNote {
        return Err(Error::invalid("invoice", "a credit note is not paid: expected an invoice"));
    }
    if named.customer_id.is_some_and(|customer| customer != header.account.customer_id) {
        let message = format!("it is of customer {}", header.account.customer_id);
        return Err(Error::invalid("invoice", message));
    }
    if header.account.currency != command.amount.currency() {
        let (given, own) = (command.amount.currency(), header.account.currency);
        let message = format!("{given} is not possible: the invoice is in {own}");
        return Err(Error::invalid("amount", message));
    }
    named.customer_id = Some(header.account.customer_id);
    named.invoices.push(id);
    Ok(named)
}

/// What the payer's text names: the invoices of a one-off payment, or an invoice by its number. A
/// text that contradicts the customer or the currency that is given names nothing.
async fn by_reference(
    scope: &mut Scope,
    command: &RecordPayment,
    named: &mut Named,
) -> Result<Option<InvoiceId>, Error> {
    let Some(text) = &command.reference else { return Ok(None) };
    if let Some(reference) = Reference::read(text) {
        let found = store::payment::chosen_by(&mut scope.tx, &reference).await?;
        let fits = |of: CustomerId| named.customer_id.is_none_or(|customer| customer == of);
        if let Some(found) = found.filter(|found| fits(found.customer_id)) {
            *named = Named { customer_id: Some(found.customer_id), invoices: found.invoices };
        }
        return Ok(None);
    }
    let Some(id) = store::payment::invoice_by_number(&mut scope.tx, text).await? else {
        return Ok(None);
    };
    let header = store::invoice::header(&mut scope.tx, id).await?;
    let fits = header.kind == DocumentKind::Invoice
        && header.account.currency == command.amount.currency()
        && named.customer_id.is_none_or(|customer| customer == header.account.customer_id);
    Ok(fits.then_some(id))
}
