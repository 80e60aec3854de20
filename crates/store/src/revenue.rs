//! Deferrals: lines whose service is earned month by month.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::LineId;
use domain::ledger::Account;
use domain::money::{Currency, Money};
use domain::period::Period;
use domain::revenue::Deferral;

use crate::schema::deferrals;
use crate::{Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = deferrals, check_for_backend(diesel::pg::Pg))]
struct Row {
    line_id: LineId,
    account: Account,
    currency: Currency,
    net_minor: i64,
    service_from: Date,
    service_until: Date,
    earned_until: Date,
    earned_minor: i64,
}

impl From<Row> for (LineId, Deferral) {
    fn from(row: Row) -> Self {
        let deferral = Deferral {
            account: row.account,
            net: Money::new(row.net_minor, row.currency),
            service: Period { start: row.service_from, end: row.service_until },
            earned_until: row.earned_until,
            earned: Money::new(row.earned_minor, row.currency),
        };
        (row.line_id, deferral)
    }
}

fn each<T>(deferrals: &[(LineId, Deferral)], of: impl Fn(&Deferral) -> T) -> Vec<T> {
    deferrals.iter().map(|(_, deferral)| of(deferral)).collect()
}

fn line_ids(deferrals: &[(LineId, Deferral)]) -> Vec<LineId> {
    deferrals.iter().map(|(line_id, _)| *line_id).collect()
}

/// Writes deferrals of new lines, in one statement.
///
/// # Errors
/// [`crate::Error::Exists`] when a line has one.
pub async fn insert(tx: &mut Tx, new: &[(LineId, Deferral)]) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "INSERT INTO deferrals (org_id, line_id, account, currency, net_minor, service_from, \
         service_until, earned_until, earned_minor, next_on) \
         SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(line_ids(new))
    .bind::<Array<Text>, _>(each(new, |one| one.account))
    .bind::<Array<Text>, _>(each(new, |one| one.net.currency()))
    .bind::<Array<BigInt>, _>(each(new, |one| one.net.minor()))
    .bind::<Array<SqlDate>, _>(each(new, |one| one.service.start))
    .bind::<Array<SqlDate>, _>(each(new, |one| one.service.end))
    .bind::<Array<SqlDate>, _>(each(new, |one| one.earned_until))
    .bind::<Array<BigInt>, _>(each(new, |one| one.earned.minor()))
    .bind::<Array<Nullable<SqlDate>>, _>(each(new, Deferral::next_on))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Saves deferrals that were earned or shortened, in one statement.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save(tx: &mut Tx, changed: &[(LineId, Deferral)]) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE deferrals d SET net_minor = u.net_minor, service_from = u.service_from, \
         service_until = u.service_until, earned_until = u.earned_until, \
         earned_minor = u.earned_minor, next_on = u.next_on \
         FROM unnest($2, $3, $4, $5, $6, $7, $8) AS u (line_id, net_minor, service_from, \
         service_until, earned_until, earned_minor, next_on) \
         WHERE d.org_id = $1 AND d.line_id = u.line_id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(line_ids(changed))
    .bind::<Array<BigInt>, _>(each(changed, |one| one.net.minor()))
    .bind::<Array<SqlDate>, _>(each(changed, |one| one.service.start))
    .bind::<Array<SqlDate>, _>(each(changed, |one| one.service.end))
    .bind::<Array<SqlDate>, _>(each(changed, |one| one.earned_until))
    .bind::<Array<BigInt>, _>(each(changed, |one| one.earned.minor()))
    .bind::<Array<Nullable<SqlDate>>, _>(each(changed, Deferral::next_on))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The deferrals of lines, held until the end of the transaction.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn lock(tx: &mut Tx, lines: &[LineId]) -> Result<Vec<(LineId, Deferral)>> {
    let rows: Vec<Row> = lines_query(tx, lines).for_no_key_update().load(tx.connection()).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// As [`lock`], without holding them: for previews.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn of_lines(tx: &mut Tx, lines: &[LineId]) -> Result<Vec<(LineId, Deferral)>> {
    let rows: Vec<Row> = lines_query(tx, lines).load(tx.connection()).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn lines_query<'a>(tx: &Tx, lines: &'a [LineId]) -> _ {
    let org: domain::id::OrgId = tx.org();
    let row: diesel::dsl::AsSelect<Row, diesel::pg::Pg> = Row::as_select();
    deferrals::table
        .filter(deferrals::org_id.eq(org))
        .filter(deferrals::line_id.eq_any(lines))
        .order(deferrals::line_id)
        .select(row)
}

/// Whether a month of a deferral can be posted on a day.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn is_due(tx: &mut Tx, on: Date) -> Result<bool> {
    let due =
        deferrals::table.filter(deferrals::org_id.eq(tx.org())).filter(deferrals::next_on.le(on));
    Ok(diesel::select(diesel::dsl::exists(due)).get_result(tx.connection()).await?)
}

/// Up to `limit` deferrals of which a month can be posted on a day, held until the end of the
/// transaction; those that others hold are left to them.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn claim(tx: &mut Tx, on: Date, limit: i64) -> Result<Vec<(LineId, Deferral)>> {
    let rows = deferrals::table
        .filter(deferrals::org_id.eq(tx.org()))
        .filter(deferrals::next_on.le(on))
        .order((deferrals::next_on, deferrals::line_id))
        .limit(limit)
        .select(Row::as_select())
        .for_no_key_update()
        .skip_locked()
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
