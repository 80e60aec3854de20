//! Customers.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::customer::{Block, Customer, PartyType};
use domain::date::Date;
use domain::id::CustomerId;
use domain::money::Currency;
use domain::organization::Language;
use domain::payment::Scheme;
use domain::vat::VatTreatment;

use crate::organization::{address, address_json};
use crate::schema::customers;
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = customers, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: CustomerId,
    name: String,
    address: serde_json::Value,
    email: Option<String>,
    vat_number: Option<String>,
    vat_treatment: VatTreatment,
    currency: Currency,
    payment_terms_days: Option<i32>,
    scheme: Option<Scheme>,
    party_type: PartyType,
    treat_as_consumer: bool,
    language: Option<Language>,
    external_reference: Option<String>,
    in_arrears: bool,
    block_reason: Option<String>,
    blocked_on: Option<Date>,
    block_expires_on: Option<Date>,
    blocked_by: Option<String>,
}

impl TryFrom<Row> for Customer {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let block = match (row.block_reason, row.blocked_on, row.blocked_by) {
            (Some(reason), Some(blocked_on), Some(blocked_by)) => {
                Some(Block { reason, blocked_on, expires_on: row.block_expires_on, blocked_by })
            }
            _ => None,
        };
        let terms = row.payment_terms_days.map(u32::try_from).transpose();
        Ok(Self {
            id: row.id,
            name: row.name,
            address: address(row.address)?,
            email: row.email,
            vat_number: row.vat_number,
            vat_treatment: row.vat_treatment,
            currency: row.currency,
            payment_terms_days: terms.map_err(Error::corrupt)?,
            scheme: row.scheme,
            party_type: row.party_type,
            treat_as_consumer: row.treat_as_consumer,
            language: row.language,
            external_reference: row.external_reference,
            in_arrears: row.in_arrears,
            block,
        })
    }
}

fn terms(customer: &Customer) -> Result<Option<i32>> {
    customer.payment_terms_days.map(i32::try_from).transpose().map_err(Error::corrupt)
}

/// Writes a new customer.
///
/// # Errors
/// [`Error::Exists`] when the id or the external reference is taken; it names the constraint.
pub async fn insert(tx: &mut Tx, customer: &Customer, created_at: DateTime<Utc>) -> Result<()> {
    use customers as c;
    let row = (
        c::org_id.eq(tx.org()),
        c::id.eq(customer.id),
        c::name.eq(&customer.name),
        c::address.eq(address_json(&customer.address)?),
        c::country.eq(&customer.address.country),
        c::email.eq(&customer.email),
        c::vat_number.eq(&customer.vat_number),
        c::vat_treatment.eq(customer.vat_treatment),
        c::currency.eq(customer.currency),
        c::payment_terms_days.eq(terms(customer)?),
        c::party_type.eq(customer.party_type),
        c::treat_as_consumer.eq(customer.treat_as_consumer),
        c::language.eq(customer.language),
        c::external_reference.eq(&customer.external_reference),
        c::created_at.eq(created_at),
    );
    diesel::insert_into(c::table).values(row).execute(tx.connection()).await?;
    Ok(())
}

/// Saves everything that may change about a customer.
///
/// # Errors
/// [`Error::Exists`] when the external reference is taken.
pub async fn update(tx: &mut Tx, customer: &Customer) -> Result<()> {
    use customers as c;
    let block = customer.block.as_ref();
    let facts = (
        c::name.eq(&customer.name),
        c::address.eq(address_json(&customer.address)?),
        c::country.eq(&customer.address.country),
        c::email.eq(&customer.email),
        c::vat_number.eq(&customer.vat_number),
        c::vat_treatment.eq(customer.vat_treatment),
        c::payment_terms_days.eq(terms(customer)?),
        c::party_type.eq(customer.party_type),
        c::treat_as_consumer.eq(customer.treat_as_consumer),
        c::language.eq(customer.language),
        c::external_reference.eq(&customer.external_reference),
        c::block_reason.eq(block.map(|block| &block.reason)),
        c::blocked_on.eq(block.map(|block| block.blocked_on)),
        c::block_expires_on.eq(block.and_then(|block| block.expires_on)),
        c::blocked_by.eq(block.map(|block| &block.blocked_by)),
    );
    let row = c::table.filter(c::org_id.eq(tx.org())).filter(c::id.eq(customer.id));
    diesel::update(row).set(facts).execute(tx.connection()).await?;
    Ok(())
}

/// Keeps the scheme of the customer's active payment method; none when it has none.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn save_scheme(tx: &mut Tx, id: CustomerId, scheme: Option<Scheme>) -> Result<()> {
    let row = customers::table.filter(customers::org_id.eq(tx.org())).filter(customers::id.eq(id));
    diesel::update(row).set(customers::scheme.eq(scheme)).execute(tx.connection()).await?;
    Ok(())
}

/// A customer.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: CustomerId) -> Result<Customer> {
    customers::table
        .filter(customers::org_id.eq(tx.org()))
        .filter(customers::id.eq(id))
        .select(Row::as_select())
        .first(tx.connection())
        .await?
        .try_into()
}

/// As [`get`], and holds the row until the end of the transaction.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: CustomerId) -> Result<Customer> {
    customers::table
        .filter(customers::org_id.eq(tx.org()))
        .filter(customers::id.eq(id))
        .select(Row::as_select())
        .for_no_key_update()
        .first(tx.connection())
        .await?
        .try_into()
}

/// Many customers, in no order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn get_many(tx: &mut Tx, ids: &[CustomerId]) -> Result<Vec<Customer>> {
    let rows = customers::table
        .filter(customers::org_id.eq(tx.org()))
        .filter(customers::id.eq_any(ids))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(Customer::try_from).collect()
}

/// Customers after an id, in order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<CustomerId>,
    limit: i64,
) -> Result<Vec<Customer>> {
    let mut query = customers::table.filter(customers::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(customers::id.gt(after));
    }
    if let Some(reference) = &filter.external_reference {
        query = query.filter(customers::external_reference.eq(reference));
    }
    if let Some(country) = &filter.country {
        query = query.filter(customers::country.eq(country));
    }
    let rows = query
        .order(customers::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(Customer::try_from).collect()
}

/// Which customers to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only the one with this reference of the caller's.
    pub external_reference: Option<String>,
    /// Only those in this country.
    pub country: Option<String>,
}
