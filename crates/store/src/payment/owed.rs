//! What customers owe, held for being paid.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, InvoiceId};
use domain::money::{Currency, Money};
use domain::payment::allocation::OpenInvoice;

use crate::billing::Account;
use crate::schema::{document_numbers, invoices};
use crate::{Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = invoices, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: InvoiceId,
    customer_id: CustomerId,
    currency: Currency,
    due_on: Date,
    open_minor: i64,
    written_off_minor: i64,
}

/// Everything that customers owe, by account; the invoices are held until the end of the
/// transaction.
///
/// # Errors
/// [`crate::Error::Contention`] when another transaction holds one for too long.
pub async fn owed(
    tx: &mut Tx,
    customers: &[CustomerId],
) -> Result<HashMap<Account, Vec<OpenInvoice>>> {
    let rows = invoices::table
        .filter(invoices::org_id.eq(tx.org()))
        .filter(invoices::customer_id.eq_any(customers))
        .filter(invoices::open_minor.gt(0).or(invoices::written_off_minor.gt(0)))
        .order(invoices::id)
        .select(Row::as_select())
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    by_account(tx, rows).await
}

/// What is owed of these invoices, by account; they are held until the end of the transaction.
///
/// # Errors
/// [`crate::Error::Contention`] when another transaction holds one for too long.
pub async fn owed_of(tx: &mut Tx, ids: &[InvoiceId]) -> Result<HashMap<Account, Vec<OpenInvoice>>> {
    let rows = invoices::table
        .filter(invoices::org_id.eq(tx.org()))
        .filter(invoices::id.eq_any(ids))
        .order(invoices::id)
        .select(Row::as_select())
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    by_account(tx, rows).await
}

async fn by_account(tx: &mut Tx, rows: Vec<Row>) -> Result<HashMap<Account, Vec<OpenInvoice>>> {
    use document_numbers as n;
    let ids: Vec<InvoiceId> = rows.iter().map(|row| row.id).collect();
    let numbers: Vec<(InvoiceId, i32, i64)> = n::table
        .filter(n::org_id.eq(tx.org()))
        .filter(n::document_id.eq_any(ids))
        .select((n::document_id, n::year, n::sequence))
        .load(tx.connection())
        .await?;
    let numbers: HashMap<InvoiceId, (i32, i64)> =
        numbers.into_iter().map(|(id, year, sequence)| (id, (year, sequence))).collect();
    let mut found: HashMap<Account, Vec<OpenInvoice>> = HashMap::new();
    for row in rows {
        let account = Account { customer_id: row.customer_id, currency: row.currency };
        found.entry(account).or_default().push(OpenInvoice {
            id: row.id,
            number: numbers.get(&row.id).copied().unwrap_or((i32::MAX, i64::MAX)),
            due_on: row.due_on,
            open: Money::new(row.open_minor, row.currency),
            written_off: Money::new(row.written_off_minor, row.currency),
        });
    }
    Ok(found)
}

/// The document with this number, if there is one.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn invoice_by_number(tx: &mut Tx, number: &str) -> Result<Option<InvoiceId>> {
    let id = document_numbers::table
        .filter(document_numbers::org_id.eq(tx.org()))
        .filter(document_numbers::number.eq(number))
        .order(document_numbers::series)
        .select(document_numbers::document_id)
        .first(tx.connection())
        .await
        .optional()?;
    Ok(id)
}
