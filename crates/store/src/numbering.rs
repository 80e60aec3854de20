//! Gapless numbers of documents.
//!
//! Invariants: a series' counter row is held to commit, so a block that is taken is used, or the
//! transaction vanishes with it. Take blocks with the last statements of a transaction.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Integer, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::InvoiceId;

use crate::schema::number_series;
use crate::{Result, Tx};

#[derive(QueryableByName)]
struct Block {
    #[diesel(sql_type = BigInt)]
    first: i64,
}

/// Takes the next `count` numbers of a series and year; answers the first. Nothing when the series
/// has a document of a later date: issue dates never run backwards.
///
/// # Errors
/// [`crate::Error::Contention`] when another transaction holds the series for too long.
pub async fn take(
    tx: &mut Tx,
    series: &str,
    year: i32,
    count: i64,
    issue_on: Date,
) -> Result<Option<i64>> {
    let block: Option<Block> = diesel::sql_query(
        "INSERT INTO number_series AS n (org_id, series, year, next_sequence, last_issue_on) \
         VALUES ($1, $2, $3, 1 + $4, $5) \
         ON CONFLICT (org_id, series, year) DO UPDATE \
         SET next_sequence = n.next_sequence + $4, last_issue_on = excluded.last_issue_on \
         WHERE n.org_id = $1 AND n.last_issue_on <= excluded.last_issue_on \
         RETURNING n.next_sequence - $4 AS first",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Text, _>(series)
    .bind::<Integer, _>(year)
    .bind::<BigInt, _>(count)
    .bind::<SqlDate, _>(issue_on)
    .get_result(tx.connection())
    .await
    .optional()?;
    Ok(block.map(|block| block.first))
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Text)]
    series: String,
    #[diesel(sql_type = BigInt)]
    next_sequence: i64,
}

/// Takes the next numbers of many series of a year, so many of each, in one statement; answers the
/// first of each. A series that has a document of a later date is missing in the answer. The series
/// are given in order and differ.
///
/// # Errors
/// [`crate::Error::Contention`] when another transaction holds a series for too long.
pub async fn take_many(
    tx: &mut Tx,
    series: &[(String, i64)],
    year: i32,
    issue_on: Date,
) -> Result<HashMap<String, i64>> {
    let rows: Vec<Taken> = diesel::sql_query(
        "INSERT INTO number_series AS n (org_id, series, year, next_sequence, last_issue_on) \
         SELECT $1, u.series, $2, 1 + u.count, $3 FROM unnest($4, $5) AS u (series, count) \
         ORDER BY u.series \
         ON CONFLICT (org_id, series, year) DO UPDATE \
         SET next_sequence = n.next_sequence + excluded.next_sequence - 1, \
             last_issue_on = excluded.last_issue_on \
         WHERE n.org_id = $1 AND n.last_issue_on <= excluded.last_issue_on \
         RETURNING n.series, n.next_sequence",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Integer, _>(year)
    .bind::<SqlDate, _>(issue_on)
    .bind::<Array<Text>, _>(series.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(series.iter().map(|(_, count)| *count).collect::<Vec<_>>())
    .load(tx.connection())
    .await?;
    let mut firsts: HashMap<String, i64> =
        rows.into_iter().map(|row| (row.series, row.next_sequence)).collect();
    for (key, count) in series {
        if let Some(next) = firsts.get_mut(key) {
            *next -= count;
        }
    }
    Ok(firsts)
}

/// Gives documents their numbers: sequences from `first` on, in the order given.
///
/// # Errors
/// [`crate::Error::Exists`] when a document has a number, or a number is taken.
pub async fn assign(
    tx: &mut Tx,
    series: &str,
    year: i32,
    first: i64,
    numbers: &[(InvoiceId, String)],
) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO document_numbers (org_id, series, year, sequence, document_id, number) \
         SELECT $1, $2, $3, $4 + u.ordinality - 1, u.document_id, u.number \
         FROM unnest($5, $6) WITH ORDINALITY AS u (document_id, number, ordinality)",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Text, _>(series)
    .bind::<Integer, _>(year)
    .bind::<BigInt, _>(first)
    .bind::<Array<SqlUuid>, _>(numbers.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(numbers.iter().map(|(_, number)| number.as_str()).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The last issue date of a series, over all years.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn last_issue_on(tx: &mut Tx, series: &str) -> Result<Option<Date>> {
    let last = number_series::table
        .filter(number_series::org_id.eq(tx.org()))
        .filter(number_series::series.eq(series))
        .select(diesel::dsl::max(number_series::last_issue_on))
        .first(tx.connection())
        .await?;
    Ok(last)
}
