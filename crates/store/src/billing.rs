//! Billing accounts: one per customer and currency, the unit that a billing run claims.
//!
//! Invariants: `due_on` is never later than the earliest date on which something of the account is
//! to be billed. It may be earlier for a moment; a run then finds nothing and puts it right.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::CustomerId;
use domain::money::{Currency, Money};

use crate::schema::{billing_accounts, subscriptions};
use crate::{Result, Tx};

/// A customer's billing in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Queryable, Selectable)]
#[diesel(table_name = billing_accounts, check_for_backend(diesel::pg::Pg))]
pub struct Account {
    /// Whose.
    pub customer_id: CustomerId,
    /// In which currency.
    pub currency: Currency,
}

/// What waits to be billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueSummary {
    /// Accounts with something due and not set aside.
    pub accounts: i64,
    /// The earliest due date among them.
    pub oldest: Option<Date>,
}

/// Holds an account until the end of the transaction; makes it when it does not exist. The first
/// lock of everything that changes what is to be billed.
///
/// # Errors
/// [`crate::Error::Contention`] when a billing run holds it for too long.
pub async fn lock(tx: &mut Tx, account: Account) -> Result<()> {
    let row = (
        billing_accounts::org_id.eq(tx.org()),
        billing_accounts::customer_id.eq(account.customer_id),
        billing_accounts::currency.eq(account.currency),
        billing_accounts::balance_minor.eq(0_i64),
        billing_accounts::refunding_minor.eq(0_i64),
    );
    diesel::insert_into(billing_accounts::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(tx.connection())
        .await?;
    billing_accounts::table
        .filter(billing_accounts::org_id.eq(tx.org()))
        .filter(billing_accounts::customer_id.eq(account.customer_id))
        .filter(billing_accounts::currency.eq(account.currency))
        .select(billing_accounts::customer_id)
        .for_no_key_update()
        .first::<CustomerId>(tx.connection())
        .await?;
    Ok(())
}

/// As [`lock`], of many that exist, in one order. Others that hold several skip what is held.
///
/// # Errors
/// [`crate::Error::Contention`] when a billing run holds one for too long.
pub async fn lock_many(tx: &mut Tx, customers: &[CustomerId]) -> Result<()> {
    let _held: Vec<CustomerId> = billing_accounts::table
        .filter(billing_accounts::org_id.eq(tx.org()))
        .filter(billing_accounts::customer_id.eq_any(customers))
        .order((billing_accounts::customer_id, billing_accounts::currency))
        .select(billing_accounts::customer_id)
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    Ok(())
}

/// What accounts have to their credit, without what is on its way back to the customer. Accounts
/// that do not exist have nothing.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn balances(tx: &mut Tx, customers: &[CustomerId]) -> Result<HashMap<Account, Money>> {
    let rows: Vec<(Account, i64)> = billing_accounts::table
        .filter(billing_accounts::org_id.eq(tx.org()))
        .filter(billing_accounts::customer_id.eq_any(customers))
        .filter(billing_accounts::balance_minor.gt(billing_accounts::refunding_minor))
        .select((
            Account::as_select(),
            billing_accounts::balance_minor - billing_accounts::refunding_minor,
        ))
        .load(tx.connection())
        .await?;
    let balance = |(account, minor): (Account, i64)| (account, Money::new(minor, account.currency));
    Ok(rows.into_iter().map(balance).collect())
}

/// Sets when the accounts are due next: from their drafts, their subscriptions and the charges that
/// wait, and where the latter are through, at once if usage arrived late, which waits for the next
/// document otherwise.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn reschedule(tx: &mut Tx, accounts: &[Account]) -> Result<()> {
    diesel::sql_query(
        "UPDATE billing_accounts a SET due_on = m.due_on \
         FROM (SELECT u.customer_id, u.currency, \
                      least((SELECT min(d.finalize_on) FROM drafts d \
                             WHERE d.org_id = $1 AND d.customer_id = u.customer_id AND d.currency = u.currency \
                             AND d.state = 'draft'), \
                      coalesce(least((SELECT min(s.next_billing_on) FROM subscriptions s \
                             WHERE s.org_id = $1 AND s.customer_id = u.customer_id AND s.currency = u.currency), \
                            (SELECT min(c.bill_on) FROM charges c \
                             WHERE c.org_id = $1 AND c.customer_id = u.customer_id AND c.currency = u.currency \
                             AND c.state = 'waiting')), \
                      (SELECT min(p.service_until) FROM usage_periods p \
                       WHERE p.org_id = $1 AND p.customer_id = u.customer_id AND p.currency = u.currency \
                       AND p.stale))) AS due_on \
               FROM unnest($2, $3) AS u (customer_id, currency)) m \
         WHERE a.org_id = $1 AND a.customer_id = m.customer_id AND a.currency = m.currency",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(accounts.iter().map(|one| one.customer_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(accounts.iter().map(|one| one.currency).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The accounts of customers for which some subscription is still to be billed, whenever that is.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn continuing(tx: &mut Tx, customers: &[CustomerId]) -> Result<HashSet<Account>> {
    let rows: Vec<(CustomerId, Currency)> = subscriptions::table
        .filter(subscriptions::org_id.eq(tx.org()))
        .filter(subscriptions::customer_id.eq_any(customers))
        .filter(subscriptions::next_billing_on.is_not_null())
        .distinct()
        .select((subscriptions::customer_id, subscriptions::currency))
        .load(tx.connection())
        .await?;
    let account = |(customer_id, currency)| Account { customer_id, currency };
    Ok(rows.into_iter().map(account).collect())
}

/// Marks accounts as set aside, or takes the mark away.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn mark_set_aside(tx: &mut Tx, accounts: &[Account], set_aside: bool) -> Result<()> {
    diesel::sql_query(
        "UPDATE billing_accounts a SET set_aside = $4 \
         FROM unnest($2, $3) AS u (customer_id, currency) \
         WHERE a.org_id = $1 AND a.customer_id = u.customer_id AND a.currency = u.currency",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(accounts.iter().map(|one| one.customer_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(accounts.iter().map(|one| one.currency).collect::<Vec<_>>())
    .bind::<diesel::sql_types::Bool, _>(set_aside)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Whether anything is to be billed on or before a day.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn is_due(tx: &mut Tx, on: Date) -> Result<bool> {
    let due = billing_accounts::table
        .filter(billing_accounts::org_id.eq(tx.org()))
        .filter(billing_accounts::due_on.le(on))
        .filter(diesel::dsl::not(billing_accounts::set_aside));
    Ok(diesel::select(diesel::dsl::exists(due)).get_result(tx.connection()).await?)
}

/// How much is to be billed on or before a day.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn due(tx: &mut Tx, on: Date) -> Result<DueSummary> {
    let (accounts, oldest) = billing_accounts::table
        .filter(billing_accounts::org_id.eq(tx.org()))
        .filter(billing_accounts::due_on.le(on))
        .filter(diesel::dsl::not(billing_accounts::set_aside))
        .select((diesel::dsl::count_star(), diesel::dsl::min(billing_accounts::due_on)))
        .first(tx.connection())
        .await?;
    Ok(DueSummary { accounts, oldest })
}

/// Claims up to `limit` accounts with something to bill on or before a day, oldest first; those
/// that another run holds are left to it.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn claim(tx: &mut Tx, on: Date, limit: i64) -> Result<Vec<Account>> {
    let accounts = billing_accounts::table
        .filter(billing_accounts::org_id.eq(tx.org()))
        .filter(billing_accounts::due_on.le(on))
        .filter(diesel::dsl::not(billing_accounts::set_aside))
        .order((billing_accounts::due_on, billing_accounts::customer_id))
        .limit(limit)
        .select(Account::as_select())
        .for_no_key_update()
        .skip_locked()
        .load(tx.connection())
        .await?;
    Ok(accounts)
}
