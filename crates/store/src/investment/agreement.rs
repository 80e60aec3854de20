//! Agreements, which never change: another one takes their place.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{AgreementId, CustomerId};
use domain::investment::{Acceptance, Agreement};

use crate::schema::self_billing_agreements::{self, dsl};
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = self_billing_agreements, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: AgreementId,
    investor_id: CustomerId,
    signed_on: Date,
    valid_until: Option<Date>,
    acceptance: Acceptance,
    silent_days: Option<i32>,
    number_prefix: String,
}

impl TryFrom<Row> for Agreement {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let silent_days = row.silent_days.map(u32::try_from).transpose().map_err(Error::corrupt)?;
        let Row { id, investor_id, signed_on, valid_until, acceptance, number_prefix, .. } = row;
        Ok(Self { id, investor_id, signed_on, valid_until, acceptance, silent_days, number_prefix })
    }
}

/// Writes a new one.
///
/// # Errors
/// [`Error::Exists`] when the id is taken, or the investor has signed one on that day; it names the
/// constraint.
pub async fn insert_agreement(
    tx: &mut Tx,
    new: &Agreement,
    created_at: DateTime<Utc>,
) -> Result<()> {
    let days = new.silent_days.map(i32::try_from).transpose().map_err(Error::corrupt)?;
    let row = (
        dsl::org_id.eq(tx.org()),
        dsl::id.eq(new.id),
        dsl::investor_id.eq(new.investor_id),
        dsl::signed_on.eq(new.signed_on),
        dsl::valid_until.eq(new.valid_until),
        dsl::acceptance.eq(new.acceptance),
        dsl::silent_days.eq(days),
        dsl::number_prefix.eq(&new.number_prefix),
        dsl::created_at.eq(created_at),
    );
    diesel::insert_into(dsl::self_billing_agreements).values(row).execute(tx.connection()).await?;
    Ok(())
}

/// All agreements of investors, in the order in which they were signed.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn agreements(tx: &mut Tx, investors: &[CustomerId]) -> Result<Vec<Agreement>> {
    let rows: Vec<Row> = dsl::self_billing_agreements
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::investor_id.eq_any(investors))
        .order((dsl::investor_id, dsl::signed_on))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(Agreement::try_from).collect()
}

/// A page of agreements after an id, in the order of their ids.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list_agreements(
    tx: &mut Tx,
    investor: Option<CustomerId>,
    after: Option<AgreementId>,
    limit: i64,
) -> Result<Vec<Agreement>> {
    let mut query = dsl::self_billing_agreements
        .filter(dsl::org_id.eq(tx.org()))
        .order(dsl::id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(investor) = investor {
        query = query.filter(dsl::investor_id.eq(investor));
    }
    if let Some(after) = after {
        query = query.filter(dsl::id.gt(after));
    }
    let rows: Vec<Row> = query.load(tx.connection()).await?;
    rows.into_iter().map(Agreement::try_from).collect()
}
