//! One-off payments: references under which chosen invoices are paid.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, InvoiceId};
use domain::money::Money;
use domain::payment::reference::Reference;
use uuid::Uuid;

use crate::schema::{one_off_payment_invoices, one_off_payments};
use crate::{Result, Tx};

/// A one-off payment to be.
#[derive(Debug, Clone)]
pub struct NewOneOff {
    /// Identity.
    pub id: Uuid,
    /// Who is to pay.
    pub customer_id: CustomerId,
    /// How much.
    pub amount: Money,
    /// What the payment says.
    pub reference: Reference,
    /// When it was started.
    pub started_on: Date,
    /// Which invoices, with what is open on each.
    pub invoices: Vec<(InvoiceId, Money)>,
}

/// Whom a reference belongs to, and which invoices it pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOffPayment {
    /// Who pays.
    pub customer_id: CustomerId,
    /// Which invoices.
    pub invoices: Vec<InvoiceId>,
}

/// Writes a one-off payment.
///
/// # Errors
/// [`crate::Error::Exists`] when the reference is taken.
pub async fn insert_one_off(tx: &mut Tx, new: &NewOneOff, created_at: DateTime<Utc>) -> Result<()> {
    let row = (
        one_off_payments::org_id.eq(tx.org()),
        one_off_payments::id.eq(new.id),
        one_off_payments::customer_id.eq(new.customer_id),
        one_off_payments::currency.eq(new.amount.currency()),
        one_off_payments::amount_minor.eq(new.amount.minor()),
        one_off_payments::reference.eq(new.reference.as_str()),
        one_off_payments::started_on.eq(new.started_on),
        one_off_payments::created_at.eq(created_at),
    );
    diesel::insert_into(one_off_payments::table).values(row).execute(tx.connection()).await?;
    let rows: Vec<_> = new
        .invoices
        .iter()
        .map(|(invoice, amount)| {
            (
                one_off_payment_invoices::org_id.eq(tx.org()),
                one_off_payment_invoices::one_off_payment_id.eq(new.id),
                one_off_payment_invoices::invoice_id.eq(*invoice),
                one_off_payment_invoices::amount_minor.eq(amount.minor()),
            )
        })
        .collect();
    diesel::insert_into(one_off_payment_invoices::table)
        .values(rows)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// What a reference pays, if it is one of ours.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn chosen_by(tx: &mut Tx, reference: &Reference) -> Result<Option<OneOffPayment>> {
    use one_off_payment_invoices as i;
    let found: Option<(Uuid, CustomerId)> = one_off_payments::table
        .filter(one_off_payments::org_id.eq(tx.org()))
        .filter(one_off_payments::reference.eq(reference.as_str()))
        .select((one_off_payments::id, one_off_payments::customer_id))
        .first(tx.connection())
        .await
        .optional()?;
    let Some((id, customer_id)) = found else { return Ok(None) };
    let invoices = i::table
        .filter(i::org_id.eq(tx.org()))
        .filter(i::one_off_payment_id.eq(id))
        .order(i::invoice_id)
        .select(i::invoice_id)
        .load(tx.connection())
        .await?;
    Ok(Some(OneOffPayment { customer_id, invoices }))
}
