//! Money that the vendor pays back, and money that the bank takes back.

use domain::date::Date;
use domain::event::{EventKind, RefundFacts};
use domain::failure::FailureClass;
use domain::id::{CustomerId, PaymentId};
use domain::money::Money;
use domain::payment::allocation::{TakenBack, take_back};
use domain::payment::{Allocation, Payment, PaymentKind, Target};
use store::billing::Account;

use super::record::{booked_on, optional, positive, taken, write};
use super::{Kept, MAX_REFERENCE, hold};
use crate::customer::MAX_NOTE;
use crate::error::{Error, Refusal};
use crate::{Scope, collection, event};

/// Money that is paid back from a customer's balance.
#[derive(Debug, Clone)]
pub struct RefundPayment {
    /// To whom.
    pub customer_id: CustomerId,
    /// How much; above zero.
    pub amount: Money,
    /// The bank's date; today when absent.
    pub booked_on: Option<Date>,
    /// What was written to the customer.
    pub reference: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// The bank's own name of the movement.
    pub external_id: Option<String>,
}

/// A payment that the bank took back.
#[derive(Debug, Clone)]
pub struct ReturnPayment {
    /// Which payment.
    pub payment_id: PaymentId,
    /// The bank's date; today when absent.
    pub booked_on: Option<Date>,
    /// What the bank asks for it.
    pub fee: Option<Money>,
    /// A remark.
    pub note: Option<String>,
    /// The bank's own name of the movement.
    pub external_id: Option<String>,
}

/// Records that an amount was paid back to a customer, at most its balance.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Exists`] with `EXTERNAL_ID_TAKEN`;
/// [`Error::Refused`] with `BALANCE_TOO_LOW`.
pub async fn refund(scope: &mut Scope, command: RefundPayment) -> Result<Kept, Error> {
    let amount = positive(command.amount)?;
    let booked_on = booked_on(command.booked_on, scope.today())?;
    let external_id = optional(command.external_id, MAX_REFERENCE, "external_id")?;
    let (paid, customer_id) = (amount.negated()?, command.customer_id);
    let is_same = |known: &Payment| known.amount == paid && known.customer_id == Some(customer_id);
    if let Some(known) = known(scope, external_id.as_ref(), is_same).await? {
        return Ok(known);
    }
    let account = Account { customer_id, currency: amount.currency() };
    crate::customer::get(scope, customer_id).await?;
    hold(scope, vec![account]).await?;
    check_balance(scope, account, amount).await?;
    let payment = Payment {
        id: PaymentId::fresh(scope.now),
        customer_id: Some(customer_id),
        kind: PaymentKind::Refund,
        amount: paid,
        booked_on,
        attempt_id: None,
        reverses: None,
        in_transit: false,
        fee: None,
        reference: optional(command.reference, MAX_REFERENCE, "reference")?,
        payer_name: None,
        note: optional(command.note, MAX_NOTE, "note")?,
        external_id,
        allocations: vec![Allocation { target: Target::Balance, amount: paid }],
    };
    write(scope, &payment).await?;
    tell(scope, EventKind::PaymentRefunded, booked_on, &payment);
    super::get(scope, payment.id).await
}

/// Whether a balance holds what is to be paid back.
pub(super) async fn check_balance(
    scope: &mut Scope,
    account: Account,
    amount: Money,
) -> Result<(), Error> {
    let balance = balance(scope, Some(account), account.currency).await?;
    if amount.minor() > balance.minor() {
        let message = format!("{amount} cannot be paid back: the customer's balance is {balance}");
        return Err(Error::Refused(
            Refusal::new("BALANCE_TOO_LOW", message).with("balance", balance),
        ));
    }
    Ok(())
}

/// A movement of the bank that was recorded before.
async fn known(
    scope: &mut Scope,
    external_id: Option<&String>,
    is_same: impl Fn(&Payment) -> bool,
) -> Result<Option<Kept>, Error> {
    let Some(external_id) = external_id.cloned() else { return Ok(None) };
    let mut found = store::payment::by_external_ids(&mut scope.tx, &[external_id]).await?;
    match found.pop() {
        Some(known) if is_same(&known.payment) => Ok(Some(known)),
        Some(known) => Err(taken(known.payment.id)),
        None => Ok(None),
    }
}

/// Records that the bank took a payment back: what it paid is open again. A refund that did not
/// arrive is the customer's balance again.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Exists`] with `EXTERNAL_ID_TAKEN`;
/// [`Error::Refused`] with `NOT_RETURNABLE` or `RETURNED_BEFORE`.
pub async fn give_back(scope: &mut Scope, command: ReturnPayment) -> Result<Kept, Error> {
    let id = command.payment_id;
    let found = super::get(scope, id).await?;
    let currency = found.payment.amount.currency();
    let fee = command.fee.map(positive).transpose()?;
    if fee.is_some_and(|fee| fee.currency() != currency) {
        return Err(Error::invalid("fee", format!("expected an amount in {currency}")));
    }
    let booked_on = booked_on(command.booked_on, scope.today())?;
    if booked_on < found.payment.booked_on {
        let message = format!("{booked_on} is before the payment of {}", found.payment.booked_on);
        return Err(Error::invalid("booked_on", message));
    }
    let external_id = optional(command.external_id, MAX_REFERENCE, "external_id")?;
    let is_same = |known: &Payment| known.reverses == Some(id);
    if let Some(known) = known(scope, external_id.as_ref(), is_same).await? {
        return Ok(known);
    }
    if matches!(found.payment.kind, PaymentKind::Bounce | PaymentKind::RefundReturned) {
        let message = "the payment is itself one that went back";
        return Err(Error::Refused(Refusal::new("NOT_RETURNABLE", message).with("payment_id", id)));
    }
    let account = found.customer_id().map(|customer_id| Account { customer_id, currency });
    hold(scope, account.into_iter().collect()).await?;
    // Again, now that nobody else changes it.
    let mut found = super::get(scope, id).await?;
    if store::payment::returned(&mut scope.tx, &[id]).await?.contains(&id) {
        let message = "the payment went back before";
        return Err(Error::Refused(
            Refusal::new("RETURNED_BEFORE", message).with("payment_id", id),
        ));
    }
    found.payment.customer_id = found.customer_id();
    let how = TakenBack { id: PaymentId::fresh(scope.now), booked_on, fee };
    let taken = take_back(&found.payment, balance(scope, account, currency).await?, how)?;
    let note = optional(command.note, MAX_NOTE, "note")?;
    let taken = Payment { note, external_id, ..taken };
    write(scope, &taken).await?;
    let collected = found.payment.kind == PaymentKind::Collection;
    let class = collected.then_some(FailureClass::Unknown);
    collection::went_back(scope, &super::reopened([&taken]), class).await?;
    if taken.kind == PaymentKind::RefundReturned {
        tell(scope, EventKind::RefundFailed, booked_on, &found.payment);
    }
    collection::refresh(scope, taken.customer_id.as_slice()).await?;
    super::get(scope, taken.id).await
}

/// Announces that money went back to a customer, or came back from it.
fn tell(scope: &mut Scope, kind: EventKind, on: Date, refund: &Payment) {
    let (Some(customer_id), Ok(amount)) = (refund.customer_id, refund.amount.negated()) else {
        return;
    };
    let facts = RefundFacts {
        id: refund.id,
        of_payment_id: None,
        amount,
        raw_code: None,
        reference: refund.reference.clone(),
    };
    scope.announce([event::of_refund(kind, on, customer_id, facts)]);
}

async fn balance(
    scope: &mut Scope,
    account: Option<Account>,
    currency: domain::money::Currency,
) -> Result<Money, Error> {
    let nothing = Money::zero(currency);
    let Some(account) = account else { return Ok(nothing) };
    let balances = store::billing::balances(&mut scope.tx, &[account.customer_id]).await?;
    Ok(balances.get(&account).copied().unwrap_or(nothing))
}
