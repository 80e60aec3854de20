//! Payment methods: set, replaced, ended.
//!
//! Invariants: whoever writes one holds its customer, so that a customer has at most one active
//! method; the index `payment_methods_active` keeps it too. Accounts and tokens are here as sealed
//! bytes only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, PaymentMethodId};
use domain::payment::Scheme;
use domain::payment_method::{Card, Details, Expiry, Mandate, MethodState, PaymentMethod};

use crate::schema::payment_methods;
use crate::seal::Sealed;
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = payment_methods, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: PaymentMethodId,
    customer_id: CustomerId,
    scheme: Scheme,
    state: MethodState,
    holder: Option<String>,
    masked_account: Option<String>,
    mandate_reference: Option<String>,
    mandate_signed_on: Option<Date>,
    card_brand: Option<String>,
    card_last_four: Option<String>,
    card_expires_year: Option<i32>,
    card_expires_month: Option<i32>,
    sealed: Option<Vec<u8>>,
    fingerprint: Option<Vec<u8>>,
    key_id: Option<String>,
    set_on: Date,
    ended_on: Option<Date>,
    end_reason: Option<String>,
}

/// A payment method and its sealed account number or token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The method.
    pub method: PaymentMethod,
    /// The account number or token; a bank transfer has none.
    pub sealed: Option<Sealed>,
}

/// A column of a scheme's details that has to be there.
fn held<T>(value: Option<T>, column: &str) -> Result<T> {
    value.ok_or_else(|| Error::corrupt(format!("a payment method without {column}")))
}

impl TryFrom<Row> for Kept {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let details = match row.scheme {
            Scheme::DirectDebit => Details::DirectDebit(Mandate {
                reference: held(row.mandate_reference, "mandate_reference")?,
                signed_on: held(row.mandate_signed_on, "mandate_signed_on")?,
                holder: held(row.holder, "holder")?,
                account: held(row.masked_account, "masked_account")?,
            }),
            Scheme::Card => {
                let month = held(row.card_expires_month, "card_expires_month")?;
                let month = u32::try_from(month).map_err(Error::corrupt)?;
                let year = held(row.card_expires_year, "card_expires_year")?;
                Details::Card(Card {
                    brand: held(row.card_brand, "card_brand")?,
                    last_four: held(row.card_last_four, "card_last_four")?,
                    expires: Expiry::new(year, month).map_err(Error::corrupt)?,
                    holder: row.holder,
                })
            }
            Scheme::BankTransfer => Details::BankTransfer,
        };
        let sealed = match (row.key_id, row.sealed, row.fingerprint) {
            (Some(key_id), Some(bytes), Some(fingerprint)) => {
                Some(Sealed { key_id, bytes, fingerprint })
            }
            _ => None,
        };
        let method = PaymentMethod {
            id: row.id,
            customer_id: row.customer_id,
            details,
            set_on: row.set_on,
            state: row.state,
            ended_on: row.ended_on,
            end_reason: row.end_reason,
        };
        Ok(Self { method, sealed })
    }
}

/// Writes a new method.
///
/// # Errors
/// [`Error::Exists`] when the id or the mandate reference is taken, or another method is active; it
/// names the constraint.
pub async fn insert(tx: &mut Tx, new: &Kept, created_at: DateTime<Utc>) -> Result<()> {
    use payment_methods as m;
    let Kept { method, sealed } = new;
    let (mut mandate, mut card) = (None, None);
    match &method.details {
        Details::DirectDebit(details) => mandate = Some(details),
        Details::Card(details) => card = Some(details),
        Details::BankTransfer => {}
    }
    let holder = mandate.map(|it| &it.holder).or(card.and_then(|it| it.holder.as_ref()));
    let month = card.map(|it| i32::try_from(it.expires.month())).transpose();
    let row = (
        m::org_id.eq(tx.org()),
        m::id.eq(method.id),
        m::customer_id.eq(method.customer_id),
        m::scheme.eq(method.details.scheme()),
        m::state.eq(method.state),
        m::holder.eq(holder),
        m::masked_account.eq(mandate.map(|it| &it.account)),
        m::mandate_reference.eq(mandate.map(|it| &it.reference)),
        m::mandate_signed_on.eq(mandate.map(|it| it.signed_on)),
        m::card_brand.eq(card.map(|it| &it.brand)),
        m::card_last_four.eq(card.map(|it| &it.last_four)),
        m::card_expires_year.eq(card.map(|it| it.expires.year())),
        m::card_expires_month.eq(month.map_err(Error::corrupt)?),
        m::sealed.eq(sealed.as_ref().map(|it| &it.bytes)),
        m::fingerprint.eq(sealed.as_ref().map(|it| &it.fingerprint)),
        m::key_id.eq(sealed.as_ref().map(|it| &it.key_id)),
        m::set_on.eq(method.set_on),
        m::ended_on.eq(method.ended_on),
        m::end_reason.eq(&method.end_reason),
        m::created_at.eq(created_at),
    );
    diesel::insert_into(m::table).values(row).execute(tx.connection()).await?;
    Ok(())
}

/// Saves where a method stands; nothing else about it changes.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn save_state(tx: &mut Tx, method: &PaymentMethod) -> Result<()> {
    use payment_methods as m;
    let state = (
        m::state.eq(method.state),
        m::ended_on.eq(method.ended_on),
        m::end_reason.eq(&method.end_reason),
    );
    let row = m::table.filter(m::org_id.eq(tx.org())).filter(m::id.eq(method.id));
    diesel::update(row).set(state).execute(tx.connection()).await?;
    Ok(())
}

/// A method.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: PaymentMethodId) -> Result<Kept> {
    payment_methods::table
        .filter(payment_methods::org_id.eq(tx.org()))
        .filter(payment_methods::id.eq(id))
        .select(Row::as_select())
        .first(tx.connection())
        .await?
        .try_into()
}

/// Many methods, in no order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn get_many(tx: &mut Tx, ids: &[PaymentMethodId]) -> Result<Vec<Kept>> {
    let rows = payment_methods::table
        .filter(payment_methods::org_id.eq(tx.org()))
        .filter(payment_methods::id.eq_any(ids))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(Kept::try_from).collect()
}

/// The active methods of customers, in no order; who has none is not listed.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn active(tx: &mut Tx, customers: &[CustomerId]) -> Result<Vec<Kept>> {
    let rows = payment_methods::table
        .filter(payment_methods::org_id.eq(tx.org()))
        .filter(payment_methods::customer_id.eq_any(customers))
        .filter(payment_methods::state.eq(MethodState::Active))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(Kept::try_from).collect()
}

/// Methods after an id, in order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: Filter,
    after: Option<PaymentMethodId>,
    limit: i64,
) -> Result<Vec<PaymentMethod>> {
    let mut query =
        payment_methods::table.filter(payment_methods::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(payment_methods::id.gt(after));
    }
    if let Some(customer_id) = filter.customer_id {
        query = query.filter(payment_methods::customer_id.eq(customer_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(payment_methods::state.eq(state));
    }
    let rows = query
        .order(payment_methods::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(|row| Ok(Kept::try_from(row)?.method)).collect()
}

/// The customers that have or had a method with one of these fingerprints, each once.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn customers_with(tx: &mut Tx, fingerprints: &[Vec<u8>]) -> Result<Vec<CustomerId>> {
    let customers = payment_methods::table
        .filter(payment_methods::org_id.eq(tx.org()))
        .filter(payment_methods::fingerprint.eq_any(fingerprints))
        .select(payment_methods::customer_id)
        .distinct()
        .order(payment_methods::customer_id)
        .load(tx.connection())
        .await?;
    Ok(customers)
}

/// Which methods to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this customer.
    pub customer_id: Option<CustomerId>,
    /// Only those that stand so.
    pub state: Option<MethodState>,
}
