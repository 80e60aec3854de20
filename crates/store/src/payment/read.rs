//! Payments read, for people and for what follows from them.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{AttemptId, CustomerId, InvoiceId, PaymentId};
use domain::money::{Currency, Money};
use domain::payment::{Allocation, Payment, PaymentKind, Target};

use super::Kept;
use crate::schema::{payment_allocations, payments};
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = payments, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: PaymentId,
    customer_id: Option<CustomerId>,
    kind: PaymentKind,
    currency: Currency,
    amount_minor: i64,
    fee_minor: i64,
    booked_on: Date,
    in_transit: bool,
    attempt_id: Option<AttemptId>,
    reverses: Option<PaymentId>,
    reference: Option<String>,
    payer_name: Option<String>,
    note: Option<String>,
    external_id: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = payment_allocations, check_for_backend(diesel::pg::Pg))]
struct PartRow {
    payment_id: PaymentId,
    target: String,
    customer_id: Option<CustomerId>,
    invoice_id: Option<InvoiceId>,
    amount_minor: i64,
    allocated_on: Date,
}

fn target(name: &str, invoice_id: Option<InvoiceId>) -> Result<Target> {
    match (name, invoice_id) {
        ("invoice", Some(id)) => Ok(Target::Invoice(id)),
        ("written_off", Some(id)) => Ok(Target::WrittenOff(id)),
        ("balance", None) => Ok(Target::Balance),
        ("unmatched", None) => Ok(Target::Unmatched),
        _ => Err(Error::corrupt(format!("a part of a payment for {name}"))),
    }
}

async fn whole(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<Kept>> {
    let ids: Vec<PaymentId> = rows.iter().map(|row| row.id).collect();
    let parts = payment_allocations::table
        .filter(payment_allocations::org_id.eq(tx.org()))
        .filter(payment_allocations::payment_id.eq_any(ids))
        .order((payment_allocations::payment_id, payment_allocations::position))
        .select(PartRow::as_select())
        .load(tx.connection())
        .await?;
    let mut of: HashMap<PaymentId, Vec<PartRow>> = HashMap::with_capacity(rows.len());
    for part in parts {
        of.entry(part.payment_id).or_default().push(part);
    }
    rows.into_iter()
        .map(|row| {
            let parts = of.remove(&row.id).unwrap_or_default();
            kept(row, &parts)
        })
        .collect()
}

fn kept(row: Row, parts: &[PartRow]) -> Result<Kept> {
    let money = |minor| Money::new(minor, row.currency);
    let allocation = |part: &PartRow| {
        let target = target(&part.target, part.invoice_id)?;
        Ok(Allocation { target, amount: money(part.amount_minor) })
    };
    let allocations = parts.iter().map(allocation).collect::<Result<Vec<_>>>()?;
    let payment = Payment {
        id: row.id,
        customer_id: row.customer_id,
        kind: row.kind,
        amount: money(row.amount_minor),
        booked_on: row.booked_on,
        attempt_id: row.attempt_id,
        reverses: row.reverses,
        in_transit: row.in_transit,
        fee: (row.fee_minor > 0).then(|| money(row.fee_minor)),
        reference: row.reference,
        payer_name: row.payer_name,
        note: row.note,
        external_id: row.external_id,
        allocations,
    };
    let of_parts = parts.iter().map(|part| (part.customer_id, part.allocated_on)).collect();
    Ok(Kept { payment, of_parts })
}

/// A payment.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: PaymentId) -> Result<Kept> {
    let row = payments::table
        .filter(payments::org_id.eq(tx.org()))
        .filter(payments::id.eq(id))
        .select(Row::as_select())
        .first(tx.connection())
        .await?;
    whole(tx, vec![row]).await?.pop().ok_or(Error::NotFound)
}

/// The payments that collected these attempts.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn by_attempts(tx: &mut Tx, attempts: &[AttemptId]) -> Result<Vec<Kept>> {
    let rows = payments::table
        .filter(payments::org_id.eq(tx.org()))
        .filter(payments::attempt_id.eq_any(attempts))
        .filter(payments::kind.eq(PaymentKind::Collection))
        .order(payments::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    whole(tx, rows).await
}

/// The payments with these names of the bank.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn by_external_ids(tx: &mut Tx, ids: &[String]) -> Result<Vec<Kept>> {
    let rows = payments::table
        .filter(payments::org_id.eq(tx.org()))
        .filter(payments::external_id.eq_any(ids))
        .order(payments::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    whole(tx, rows).await
}

/// Which of these payments have gone back.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn returned(tx: &mut Tx, ids: &[PaymentId]) -> Result<HashSet<PaymentId>> {
    let found: Vec<Option<PaymentId>> = payments::table
        .filter(payments::org_id.eq(tx.org()))
        .filter(payments::reverses.eq_any(ids))
        .select(payments::reverses)
        .load(tx.connection())
        .await?;
    Ok(found.into_iter().flatten().collect())
}

/// Which payments to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of which a part is this customer's.
    pub customer_id: Option<CustomerId>,
    /// Only those of which a part went to this invoice.
    pub invoice_id: Option<InvoiceId>,
    /// Only those of this kind.
    pub kind: Option<PaymentKind>,
    /// Only those booked on or after this day.
    pub booked_from: Option<Date>,
    /// Only those booked before this day.
    pub booked_until: Option<Date>,
}

/// Payments after an id, in order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<PaymentId>,
    limit: i64,
) -> Result<Vec<Kept>> {
    use payment_allocations as a;
    let mut query = payments::table.filter(payments::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(payments::id.gt(after));
    }
    if let Some(customer_id) = filter.customer_id {
        let of_customer = a::table
            .filter(a::org_id.eq(tx.org()))
            .filter(a::customer_id.eq(customer_id))
            .select(a::payment_id);
        let is_of = payments::customer_id.eq(customer_id).assume_not_null();
        query = query.filter(is_of.or(payments::id.eq_any(of_customer)));
    }
    if let Some(invoice_id) = filter.invoice_id {
        let of_invoice = a::table
            .filter(a::org_id.eq(tx.org()))
            .filter(a::invoice_id.eq(invoice_id))
            .select(a::payment_id);
        query = query.filter(payments::id.eq_any(of_invoice));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(payments::kind.eq(kind));
    }
    if let Some(from) = filter.booked_from {
        query = query.filter(payments::booked_on.ge(from));
    }
    if let Some(until) = filter.booked_until {
        query = query.filter(payments::booked_on.lt(until));
    }
    let rows = query
        .order(payments::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    whole(tx, rows).await
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    payment_id: PaymentId,
}

/// Payments of which something matches nothing, after an id, in order. Negative: money that went
/// back after it had been spent.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list_unmatched(
    tx: &mut Tx,
    after: Option<PaymentId>,
    limit: i64,
) -> Result<Vec<Kept>> {
    let ids: Vec<Id> = diesel::sql_query(
        "SELECT a.payment_id FROM payment_allocations a \
         WHERE a.org_id = $1 AND a.target = 'unmatched' AND ($2 IS NULL OR a.payment_id > $2) \
         GROUP BY a.payment_id HAVING sum(a.amount_minor) <> 0 ORDER BY a.payment_id LIMIT $3",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Nullable<SqlUuid>, _>(after)
    .bind::<BigInt, _>(limit)
    .load(tx.connection())
    .await?;
    let ids: Vec<PaymentId> = ids.into_iter().map(|row| row.payment_id).collect();
    let rows = payments::table
        .filter(payments::org_id.eq(tx.org()))
        .filter(payments::id.eq_any(ids))
        .order(payments::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    whole(tx, rows).await
}
