//! What is left of lines, for credits by hand.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, InvoiceId, LineId, ProductId};
use domain::invoice::credit::Creditable;
use domain::invoice::{DocumentKind, LineKind};
use domain::money::{Currency, Money};
use domain::period::Period;
use domain::vat::{LineVat, VatClass};
use rust_decimal::Decimal;

use crate::billing::Account;
use crate::schema::{invoice_lines, invoices};
use crate::{Result, Tx};

/// What decides whether a document can be credited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Invoice or credit note.
    pub kind: DocumentKind,
    /// Whose, in which currency.
    pub account: Account,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = invoice_lines, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: LineId,
    product_id: ProductId,
    description: String,
    corrects_line_id: Option<LineId>,
    service_from: Date,
    service_until: Date,
    net_minor: i64,
    vat_class: VatClass,
    vat_percent: Decimal,
}

/// A document's kind and account.
///
/// # Errors
/// [`crate::Error::NotFound`].
pub async fn header(tx: &mut Tx, id: InvoiceId) -> Result<Header> {
    let (kind, customer_id, currency): (DocumentKind, CustomerId, Currency) = invoices::table
        .filter(invoices::org_id.eq(tx.org()))
        .filter(invoices::id.eq(id))
        .select((invoices::kind, invoices::customer_id, invoices::currency))
        .first(tx.connection())
        .await?;
    Ok(Header { kind, account: Account { customer_id, currency } })
}

/// The lines of an invoice with what is left of them, in order; their deferrals are held until the
/// end of the transaction.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn creditable(tx: &mut Tx, id: InvoiceId, currency: Currency) -> Result<Vec<Creditable>> {
    let rows = invoice_lines::table
        .filter(invoice_lines::org_id.eq(tx.org()))
        .filter(invoice_lines::invoice_id.eq(id))
        .order(invoice_lines::position)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    let ids: Vec<LineId> = rows.iter().map(|row| row.id).collect();
    let taken = taken_back(tx, &ids, None).await?;
    let mut deferrals: HashMap<_, _> = crate::revenue::lock(tx, &ids).await?.into_iter().collect();
    let line = |row: Row| {
        // Of what was taken back itself, nothing can be.
        let left = match row.corrects_line_id {
            Some(_) => 0,
            None => row.net_minor.saturating_add(taken.get(&row.id).copied().unwrap_or(0)),
        };
        Creditable {
            line_id: row.id,
            invoice_id: id,
            product_id: row.product_id,
            description: row.description,
            service: Period { start: row.service_from, end: row.service_until },
            vat: LineVat { class: row.vat_class, percent: row.vat_percent },
            left: Money::new(left, currency),
            deferral: deferrals.remove(&row.id),
        }
    };
    Ok(rows.into_iter().map(line).collect())
}

/// The sum of what was taken back of lines, zero or less; only by lines of a kind, if one is given.
pub(super) async fn taken_back(
    tx: &mut Tx,
    ids: &[LineId],
    kind: Option<LineKind>,
) -> Result<HashMap<LineId, i64>> {
    let mut query = invoice_lines::table
        .filter(invoice_lines::org_id.eq(tx.org()))
        .filter(invoice_lines::corrects_line_id.eq_any(ids))
        .into_boxed();
    if let Some(kind) = kind {
        query = query.filter(invoice_lines::kind.eq(kind));
    }
    let rows: Vec<(Option<LineId>, i64)> = query
        .select((invoice_lines::corrects_line_id, invoice_lines::net_minor))
        .load(tx.connection())
        .await?;
    let mut sums = HashMap::new();
    for (id, net) in rows {
        if let Some(id) = id {
            let sum: &mut i64 = sums.entry(id).or_default();
            *sum = sum.saturating_add(net);
        }
    }
    Ok(sums)
}
