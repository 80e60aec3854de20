//! The accounts that investors are paid to.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, PayoutAccountId};
use domain::payout::PayoutAccount;

use crate::schema::payout_accounts;
use crate::seal::Sealed;
use crate::{Result, Tx};

/// An account and its sealed number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAccount {
    /// The account.
    pub account: PayoutAccount,
    /// Its number.
    pub sealed: Sealed,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = payout_accounts, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: PayoutAccountId,
    investor_id: CustomerId,
    holder: String,
    masked_account: String,
    sealed: Vec<u8>,
    fingerprint: Vec<u8>,
    key_id: String,
    set_on: Date,
    set_by: String,
    is_change: bool,
    ended_on: Option<Date>,
}

impl From<Row> for KeptAccount {
    fn from(row: Row) -> Self {
        let account = PayoutAccount {
            id: row.id,
            investor_id: row.investor_id,
            holder: row.holder,
            masked: row.masked_account,
            set_on: row.set_on,
            set_by: row.set_by,
            is_change: row.is_change,
            ended_on: row.ended_on,
        };
        let sealed = Sealed { key_id: row.key_id, bytes: row.sealed, fingerprint: row.fingerprint };
        Self { account, sealed }
    }
}

/// The active accounts of investors, in no order; who has none is not listed.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn active(tx: &mut Tx, investors: &[CustomerId]) -> Result<Vec<KeptAccount>> {
    use payout_accounts as a;
    let rows: Vec<Row> = a::table
        .filter(a::org_id.eq(tx.org()))
        .filter(a::investor_id.eq_any(investors))
        .filter(a::ended_on.is_null())
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Accounts, active or not, in no order.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn accounts(tx: &mut Tx, ids: &[PayoutAccountId]) -> Result<Vec<KeptAccount>> {
    use payout_accounts as a;
    let rows: Vec<Row> = a::table
        .filter(a::org_id.eq(tx.org()))
        .filter(a::id.eq_any(ids))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Another account takes the place of one.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn end_account(tx: &mut Tx, id: PayoutAccountId, on: Date) -> Result<()> {
    use payout_accounts as a;
    let row = a::table.filter(a::org_id.eq(tx.org())).filter(a::id.eq(id));
    diesel::update(row).set(a::ended_on.eq(on)).execute(tx.connection()).await?;
    Ok(())
}

/// Writes a new account.
///
/// # Errors
/// [`crate::Error::Exists`] when the investor has an active one.
pub async fn insert_account(
    tx: &mut Tx,
    new: &KeptAccount,
    created_at: DateTime<Utc>,
) -> Result<()> {
    use payout_accounts as a;
    let KeptAccount { account, sealed } = new;
    let row = (
        a::org_id.eq(tx.org()),
        a::id.eq(account.id),
        a::investor_id.eq(account.investor_id),
        a::holder.eq(&account.holder),
        a::masked_account.eq(&account.masked),
        a::sealed.eq(&sealed.bytes),
        a::fingerprint.eq(&sealed.fingerprint),
        a::key_id.eq(&sealed.key_id),
        a::set_on.eq(account.set_on),
        a::set_by.eq(&account.set_by),
        a::is_change.eq(account.is_change),
        a::ended_on.eq(account.ended_on),
        a::created_at.eq(created_at),
    );
    diesel::insert_into(a::table).values(row).execute(tx.connection()).await?;
    Ok(())
}
