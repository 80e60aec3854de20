//! Drafts written with their lines.
//!
//! Invariants: a fixed number of statements for any number of drafts.

use chrono::{DateTime, Utc};
use diesel::sql_types::{
    Array, BigInt, Date as SqlDate, Integer, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::billing::Kept;
use domain::date::Date;
use domain::id::InvoiceId;
use domain::invoice::{Draft, Line};

use crate::{Error, Result, Tx};

/// Writes what a decision keeps, and marks the one-off charges on it: at most three statements.
///
/// # Errors
/// [`Error::Exists`] when a part of an item's service was charged before; [`Error::Fault`] when a
/// charge does not wait.
pub async fn insert(
    tx: &mut Tx,
    kept: &Kept,
    finalize_on: Date,
    created_at: DateTime<Utc>,
) -> Result<()> {
    if kept.drafts.is_empty() {
        return Ok(());
    }
    insert_headers(tx, &kept.drafts, finalize_on, created_at).await?;
    insert_lines(tx, &kept.drafts).await?;
    mark_charges(tx, kept).await
}

fn each<T>(drafts: &[Draft], of: impl Fn(&Draft) -> T) -> Vec<T> {
    drafts.iter().map(of).collect()
}

async fn insert_headers(
    tx: &mut Tx,
    drafts: &[Draft],
    finalize_on: Date,
    created_at: DateTime<Utc>,
) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO drafts (org_id, state, finalize_on, created_at, id, customer_id, kind, \
         currency, billing_on, made_on, due_on, net_minor, tax_minor, total_minor) \
         SELECT $1, 'draft', $2, $3, u.* \
         FROM unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlDate, _>(finalize_on)
    .bind::<Timestamptz, _>(created_at)
    .bind::<Array<SqlUuid>, _>(each(drafts, |one| one.id))
    .bind::<Array<SqlUuid>, _>(each(drafts, |one| one.customer_id))
    .bind::<Array<Text>, _>(each(drafts, |one| one.kind))
    .bind::<Array<Text>, _>(each(drafts, |one| one.currency))
    .bind::<Array<SqlDate>, _>(each(drafts, |one| one.billing_on))
    .bind::<Array<SqlDate>, _>(each(drafts, |one| one.issue_on))
    .bind::<Array<SqlDate>, _>(each(drafts, |one| one.due_on))
    .bind::<Array<BigInt>, _>(each(drafts, |one| one.net.minor()))
    .bind::<Array<BigInt>, _>(each(drafts, |one| one.tax.minor()))
    .bind::<Array<BigInt>, _>(each(drafts, |one| one.total.minor()))
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn insert_lines(tx: &mut Tx, drafts: &[Draft]) -> Result<()> {
    let lines: Vec<(InvoiceId, i32, &Line)> = drafts
        .iter()
        .flat_map(|draft| {
            (0_i32..).zip(&draft.lines).map(|(position, line)| (draft.id, position, line))
        })
        .collect();
    macro_rules! each {
        ($of:expr) => {
            lines.iter().map(|(_, _, line)| $of(*line)).collect::<Vec<_>>()
        };
    }
    diesel::sql_query(
        "INSERT INTO draft_lines (org_id, id, draft_id, position, kind, subscription_id, item_id, \
         change_number, charge_id, product_id, description, unit_label, revenue, vat_category, \
         vat_class, vat_percent, service_from, service_until, quantity, unit_price, discount_minor, \
         net_minor) SELECT $1, u.* \
         FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21, $22) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(each!(|line: &Line| line.id))
    .bind::<Array<SqlUuid>, _>(lines.iter().map(|(draft, ..)| *draft).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(lines.iter().map(|(_, at, _)| *at).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(each!(|line: &Line| line.charge.kind))
    .bind::<Array<Nullable<SqlUuid>>, _>(each!(|line: &Line| line.charge.origin.subscription_id()))
    .bind::<Array<Nullable<SqlUuid>>, _>(each!(|line: &Line| line.charge.origin.item_id()))
    .bind::<Array<Integer>, _>(each!(|line: &Line| line.charge.origin.change()))
    .bind::<Array<Nullable<SqlUuid>>, _>(each!(|line: &Line| line.charge.origin.charge_id()))
    .bind::<Array<SqlUuid>, _>(each!(|line: &Line| line.charge.product_id))
    .bind::<Array<Text>, _>(each!(|line: &Line| line.charge.description.clone()))
    .bind::<Array<Nullable<Text>>, _>(each!(|line: &Line| line.charge.unit_label.clone()))
    .bind::<Array<Text>, _>(each!(|line: &Line| line.charge.revenue))
    .bind::<Array<Text>, _>(each!(|line: &Line| line.charge.vat_category))
    .bind::<Array<Text>, _>(each!(|line: &Line| line.vat.class))
    .bind::<Array<Numeric>, _>(each!(|line: &Line| line.vat.percent))
    .bind::<Array<SqlDate>, _>(each!(|line: &Line| line.charge.service.start))
    .bind::<Array<SqlDate>, _>(each!(|line: &Line| line.charge.service.end))
    .bind::<Array<Numeric>, _>(each!(|line: &Line| line.charge.quantity))
    .bind::<Array<Numeric>, _>(each!(|line: &Line| line.charge.unit_price))
    .bind::<Array<BigInt>, _>(each!(|line: &Line| line.charge.discount.minor()))
    .bind::<Array<BigInt>, _>(each!(|line: &Line| line.charge.net.minor()))
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn mark_charges(tx: &mut Tx, kept: &Kept) -> Result<()> {
    if kept.one_offs.is_empty() {
        return Ok(());
    }
    let marked = diesel::sql_query(
        "UPDATE charges c SET state = 'drafted', draft_id = u.draft_id \
         FROM unnest($2, $3) AS u (id, draft_id) \
         WHERE c.org_id = $1 AND c.id = u.id AND c.state = 'waiting'",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(kept.one_offs.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(kept.one_offs.iter().map(|(_, on)| *on).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    if marked == kept.one_offs.len() {
        Ok(())
    } else {
        Err(Error::corrupt(format!("{marked} of {} charges were waiting", kept.one_offs.len())))
    }
}
