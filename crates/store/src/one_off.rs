//! One-off charges: waiting, billed, removed.
//!
//! Invariants: whoever writes one holds the billing account of its customer and currency, so that a
//! run sees either all of a change or nothing.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{ChargeId, CustomerId, InvoiceId, ProductId};
use domain::money::{Currency, Money};
use domain::one_off::{ChargeState, OneOff};
use domain::period::Period;
use domain::plan::RevenueKind;
use rust_decimal::Decimal;

use crate::billing::Account;
use crate::schema::{charges, products};
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = charges, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: ChargeId,
    customer_id: CustomerId,
    currency: Currency,
    product_id: ProductId,
    description: String,
    quantity: Decimal,
    unit_price: Decimal,
    net_minor: i64,
    service_from: Date,
    service_until: Date,
    bill_on: Date,
    state: ChargeState,
    invoice_id: Option<InvoiceId>,
    draft_id: Option<InvoiceId>,
    late_fee_of: Option<InvoiceId>,
}

/// A one-off charge and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The charge.
    pub one_off: OneOff,
    /// Where it stands.
    pub state: ChargeState,
    /// The document or draft on which it stands; none also when it was billed and came to nothing.
    pub invoice_id: Option<InvoiceId>,
}

impl From<Row> for Kept {
    fn from(row: Row) -> Self {
        let one_off = OneOff {
            id: row.id,
            customer_id: row.customer_id,
            product_id: row.product_id,
            description: row.description,
            quantity: row.quantity,
            unit_price: row.unit_price,
            net: Money::new(row.net_minor, row.currency),
            service: Period { start: row.service_from, end: row.service_until },
            bill_on: row.bill_on,
            late_fee_of: row.late_fee_of,
        };
        Self { one_off, state: row.state, invoice_id: row.invoice_id.or(row.draft_id) }
    }
}

/// Writes new charges, which wait.
///
/// # Errors
/// [`Error::Exists`] when an id is taken, or an invoice has a late fee already.
pub async fn insert(tx: &mut Tx, new: &[OneOff], created_at: DateTime<Utc>) -> Result<()> {
    let rows: Vec<_> = new
        .iter()
        .map(|one| {
            (
                charges::org_id.eq(tx.org()),
                charges::id.eq(one.id),
                charges::customer_id.eq(one.customer_id),
                charges::currency.eq(one.net.currency()),
                charges::product_id.eq(one.product_id),
                charges::description.eq(&one.description),
                charges::quantity.eq(one.quantity),
                charges::unit_price.eq(one.unit_price),
                charges::net_minor.eq(one.net.minor()),
                charges::service_from.eq(one.service.start),
                charges::service_until.eq(one.service.end),
                charges::bill_on.eq(one.bill_on),
                charges::state.eq(ChargeState::Waiting),
                charges::created_at.eq(created_at),
                charges::late_fee_of.eq(one.late_fee_of),
            )
        })
        .collect();
    diesel::insert_into(charges::table).values(rows).execute(tx.connection()).await?;
    Ok(())
}

/// A charge.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: ChargeId) -> Result<Kept> {
    let row = charges::table
        .filter(charges::org_id.eq(tx.org()))
        .filter(charges::id.eq(id))
        .select(Row::as_select())
        .first(tx.connection())
        .await?;
    Ok(row.into())
}

/// The charges of customers that wait to be billed on or before a day, by account, each in the
/// order of the ids.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn due(
    tx: &mut Tx,
    customers: &[CustomerId],
    until: Date,
) -> Result<HashMap<Account, Vec<OneOff>>> {
    let rows = charges::table
        .filter(charges::org_id.eq(tx.org()))
        .filter(charges::customer_id.eq_any(customers))
        .filter(charges::state.eq(ChargeState::Waiting))
        .filter(charges::bill_on.le(until))
        .order(charges::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    let mut found: HashMap<Account, Vec<OneOff>> = HashMap::new();
    for row in rows {
        let account = Account { customer_id: row.customer_id, currency: row.currency };
        found.entry(account).or_default().push(Kept::from(row).one_off);
    }
    Ok(found)
}

/// Those of some invoices that bill a late fee, or the principal of an investment.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn not_sold(tx: &mut Tx, invoices: &[InvoiceId]) -> Result<HashSet<InvoiceId>> {
    let product = products::org_id.eq(charges::org_id).and(products::id.eq(charges::product_id));
    let is_principal = products::revenue.eq(RevenueKind::Investment);
    let rows: Vec<Option<InvoiceId>> = charges::table
        .inner_join(products::table.on(product))
        .filter(charges::org_id.eq(tx.org()))
        .filter(products::org_id.eq(tx.org()))
        .filter(charges::invoice_id.eq_any(invoices))
        .filter(charges::late_fee_of.is_not_null().or(is_principal))
        .select(charges::invoice_id)
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().flatten().collect())
}

/// Charges after an id, in order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    customer_id: Option<CustomerId>,
    state: Option<ChargeState>,
    after: Option<ChargeId>,
    limit: i64,
) -> Result<Vec<Kept>> {
    let mut query = charges::table.filter(charges::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(charges::id.gt(after));
    }
    if let Some(customer_id) = customer_id {
        query = query.filter(charges::customer_id.eq(customer_id));
    }
    if let Some(state) = state {
        query = query.filter(charges::state.eq(state));
    }
    let rows = query
        .order(charges::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Marks a waiting charge as removed.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn remove(tx: &mut Tx, id: ChargeId) -> Result<()> {
    diesel::update(charges::table)
        .filter(charges::org_id.eq(tx.org()))
        .filter(charges::id.eq(id))
        .filter(charges::state.eq(ChargeState::Waiting))
        .set(charges::state.eq(ChargeState::Removed))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Marks charges as billed, with the documents on which they stand, in one statement.
///
/// # Errors
/// [`Error::Fault`] when one of them does not wait.
pub async fn mark_billed(tx: &mut Tx, billed: &[(ChargeId, Option<InvoiceId>)]) -> Result<()> {
    if billed.is_empty() {
        return Ok(());
    }
    let marked = diesel::sql_query(
        "UPDATE charges c SET state = 'billed', invoice_id = u.invoice_id \
         FROM unnest($2, $3) AS u (id, invoice_id) \
         WHERE c.org_id = $1 AND c.id = u.id AND c.state = 'waiting'",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(billed.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(billed.iter().map(|(_, on)| *on).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    if marked == billed.len() {
        Ok(())
    } else {
        Err(Error::corrupt(format!("{marked} of {} charges were waiting", billed.len())))
    }
}
