//! The journal: entries and postings, balances, proofs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Date as SqlDate, Integer, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use domain::date::Date;
use domain::id::EntryId;
use domain::ledger::{Account, Entry, SourceKind};
use domain::money::{Currency, Money};
use domain::vat::VatClass;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::schema::{journal_entries, ledger_proofs, postings};
use crate::{Result, Tx};

/// Writes entries with their postings: two statements whatever their number.
///
/// # Errors
/// [`crate::Error::Exists`] when a source has an entry.
pub async fn insert(tx: &mut Tx, entries: &[Entry], created_at: DateTime<Utc>) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "INSERT INTO journal_entries (org_id, created_at, id, posted_on, source_kind, source_id, source_part) \
         SELECT $1, $2, u.* FROM unnest($3, $4, $5, $6, $7) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Timestamptz, _>(created_at)
    .bind::<Array<SqlUuid>, _>(entries.iter().map(Entry::id).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(entries.iter().map(Entry::posted_on).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(entries.iter().map(|one| one.source().kind).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(entries.iter().map(|one| one.source().id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(entries.iter().map(|one| one.source().part.as_str()).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    insert_postings(tx, entries).await
}

async fn insert_postings(tx: &mut Tx, entries: &[Entry]) -> Result<()> {
    let rows: Vec<_> = entries
        .iter()
        .flat_map(|entry| {
            (0_i32..).zip(entry.postings()).map(|(at, posting)| (entry.id(), at, *posting))
        })
        .collect();
    diesel::sql_query(
        "INSERT INTO postings (org_id, entry_id, position, account, currency, amount_minor, vat_class, vat_percent) \
         SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7, $8) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|(id, _, _)| *id).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(rows.iter().map(|(_, at, _)| *at).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|(_, _, one)| one.account).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|(_, _, one)| one.amount.currency()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(rows.iter().map(|(_, _, one)| one.amount.minor()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(
        rows.iter().map(|(_, _, one)| one.vat.map(|vat| vat.class)).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<Numeric>>, _>(
        rows.iter().map(|(_, _, one)| one.vat.map(|vat| vat.percent)).collect::<Vec<_>>(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// An entry as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Identity.
    pub id: EntryId,
    /// The day it counts for.
    pub posted_on: Date,
    /// What kind of fact.
    pub source_kind: SourceKind,
    /// The thing it happened to.
    pub source_id: Uuid,
    /// Which time.
    pub source_part: String,
    /// When it was written, by the organization's clock.
    pub created_at: DateTime<Utc>,
    /// Its sides.
    pub postings: Vec<JournalPosting>,
}

/// One side of an entry as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalPosting {
    /// Where.
    pub account: Account,
    /// Positive for debit.
    pub amount: Money,
    /// On VAT accounts: the letter.
    pub vat_class: Option<VatClass>,
    /// On VAT accounts: percent.
    pub vat_percent: Option<Decimal>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = journal_entries, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: EntryId,
    posted_on: Date,
    source_kind: SourceKind,
    source_id: Uuid,
    source_part: String,
    created_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = postings, check_for_backend(diesel::pg::Pg))]
struct PostingRow {
    entry_id: EntryId,
    account: Account,
    currency: Currency,
    amount_minor: i64,
    vat_class: Option<VatClass>,
    vat_percent: Option<Decimal>,
}

/// Which entries to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those posted on or after this day.
    pub posted_from: Option<Date>,
    /// Only those posted before this day.
    pub posted_until: Option<Date>,
    /// Only those of this thing.
    pub source_id: Option<Uuid>,
    /// Only those that touch this account.
    pub account: Option<Account>,
}

/// Entries after an id, in order, with their postings.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<EntryId>,
    limit: i64,
) -> Result<Vec<JournalEntry>> {
    use journal_entries as e;
    let mut query = e::table.filter(e::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(e::id.gt(after));
    }
    if let Some(from) = filter.posted_from {
        query = query.filter(e::posted_on.ge(from));
    }
    if let Some(until) = filter.posted_until {
        query = query.filter(e::posted_on.lt(until));
    }
    if let Some(source_id) = filter.source_id {
        query = query.filter(e::source_id.eq(source_id));
    }
    if let Some(account) = filter.account {
        let touched = postings::table
            .filter(postings::org_id.eq(tx.org()))
            .filter(postings::account.eq(account))
            .select(postings::entry_id);
        query = query.filter(e::id.eq_any(touched));
    }
    let rows =
        query.order(e::id).limit(limit).select(Row::as_select()).load(tx.connection()).await?;
    let ids: Vec<EntryId> = rows.iter().map(|row| row.id).collect();
    let mut sides = postings_of(tx, &ids).await?;
    let entry = |row: Row| JournalEntry {
        id: row.id,
        posted_on: row.posted_on,
        source_kind: row.source_kind,
        source_id: row.source_id,
        source_part: row.source_part,
        created_at: row.created_at,
        postings: sides.remove(&row.id).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(entry).collect())
}

async fn postings_of(
    tx: &mut Tx,
    ids: &[EntryId],
) -> Result<HashMap<EntryId, Vec<JournalPosting>>> {
    let rows = postings::table
        .filter(postings::org_id.eq(tx.org()))
        .filter(postings::entry_id.eq_any(ids))
        .order((postings::entry_id, postings::position))
        .select(PostingRow::as_select())
        .load(tx.connection())
        .await?;
    let mut sides: HashMap<EntryId, Vec<JournalPosting>> = HashMap::with_capacity(ids.len());
    for row in rows {
        sides.entry(row.entry_id).or_default().push(JournalPosting {
            account: row.account,
            amount: Money::new(row.amount_minor, row.currency),
            vat_class: row.vat_class,
            vat_percent: row.vat_percent,
        });
    }
    Ok(sides)
}

/// An account's sums in a currency.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Balance {
    /// Which account.
    #[diesel(sql_type = Text)]
    pub account: Account,
    /// Which currency.
    #[diesel(sql_type = Text)]
    pub currency: Currency,
    /// Sum of the debits, in minor units.
    #[diesel(sql_type = BigInt)]
    pub debit_minor: i64,
    /// Sum of the credits, in minor units, as a positive number.
    #[diesel(sql_type = BigInt)]
    pub credit_minor: i64,
}

/// The accounts' sums of everything posted on or before a day, by account and currency.
///
/// # Errors
/// [`crate::Error::Fault`] when a sum does not fit 64 bits.
pub async fn trial_balance(tx: &mut Tx, as_of: Date) -> Result<Vec<Balance>> {
    let rows = diesel::sql_query(
        "SELECT p.account, p.currency, \
         coalesce(sum(p.amount_minor) FILTER (WHERE p.amount_minor > 0), 0)::bigint AS debit_minor, \
         coalesce(-sum(p.amount_minor) FILTER (WHERE p.amount_minor < 0), 0)::bigint AS credit_minor \
         FROM postings p JOIN journal_entries e ON e.org_id = $1 AND e.id = p.entry_id \
         WHERE p.org_id = $1 AND e.posted_on <= $2 \
         GROUP BY p.account, p.currency ORDER BY p.account, p.currency",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlDate, _>(as_of)
    .load(tx.connection())
    .await?;
    Ok(rows)
}

/// One comparison of the proof.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Comparison {
    /// What is compared.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Currency of the amounts; absent where things are counted.
    #[diesel(sql_type = Nullable<Text>)]
    pub currency: Option<Currency>,
    /// What the sub-ledger says: minor units or a count.
    #[diesel(sql_type = BigInt)]
    pub expected: i64,
    /// What the ledger says: minor units or a count.
    #[diesel(sql_type = BigInt)]
    pub actual: i64,
}

/// Compares the ledger with the sub-ledgers and the documents with themselves.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn compare(tx: &mut Tx) -> Result<Vec<Comparison>> {
    // It reads everything that was ever posted, and grows with it.
    tx.connection().batch_execute("SET LOCAL statement_timeout = '10min'").await?;
    let rows = diesel::sql_query(include_str!("ledger_compare.sql"))
        .bind::<SqlUuid, _>(tx.org())
        .load(tx.connection())
        .await?;
    Ok(rows)
}

/// Records a proof of the ledger.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn record_proof(tx: &mut Tx, verified_at: DateTime<Utc>, mismatches: i32) -> Result<()> {
    let result =
        (ledger_proofs::verified_at.eq(verified_at), ledger_proofs::mismatches.eq(mismatches));
    diesel::insert_into(ledger_proofs::table)
        .values((ledger_proofs::org_id.eq(tx.org()), result))
        .on_conflict(ledger_proofs::org_id)
        .do_update()
        .set(result)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The last proof of the ledger: when, by the wall clock, and how many comparisons did not hold.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn last_proof(tx: &mut Tx) -> Result<Option<(DateTime<Utc>, i32)>> {
    let proof = ledger_proofs::table
        .filter(ledger_proofs::org_id.eq(tx.org()))
        .select((ledger_proofs::verified_at, ledger_proofs::mismatches))
        .first(tx.connection())
        .await
        .optional()?;
    Ok(proof)
}
