//! What features brought, month by month, and what was credited of it.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Date as SqlDate, Integer, Nullable, Numeric, Text, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, FeatureId, InvestmentId};
use domain::investment::{Basis, InvestmentState, ShareTreatment};
use domain::money::{Currency, Money};
use domain::share::{AGE_DAYS, Hold, Line, Shared, Stake, first_retired};
use futures::TryStreamExt;
use rust_decimal::Decimal;

use crate::schema::share_progress;
use crate::{Error, Result, Tx};

mod month;

pub use self::month::{list, save, save_months};

#[derive(QueryableByName)]
struct LineRow {
    #[diesel(sql_type = SqlUuid)]
    feature_id: FeatureId,
    #[diesel(sql_type = SqlDate)]
    day: Date,
    #[diesel(sql_type = BigInt)]
    net: i64,
    #[diesel(sql_type = BigInt)]
    credited: i64,
    #[diesel(sql_type = BigInt)]
    due: i64,
    #[diesel(sql_type = BigInt)]
    settled: i64,
    #[diesel(sql_type = BigInt)]
    aged: i64,
}

/// Which lines of a feature, and as of when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Whose.
    pub feature_id: FeatureId,
    /// As they were by the end of this day.
    pub day: Date,
    /// Those of documents of this day or earlier.
    pub sold_until: Date,
}

/// Every invoice line of features, as it was by the end of a day each: one statement whatever their
/// number. Lines are handed over one by one as they arrive, so that memory does not depend on how
/// many there are.
///
/// # Errors
/// [`Error::Unavailable`], and what `take` answers.
pub async fn each_line<E: From<Error>>(
    tx: &mut Tx,
    wanted: &[Wanted],
    mut take: impl FnMut(FeatureId, Date, &Line) -> Result<(), E>,
) -> Result<(), E> {
    if wanted.is_empty() {
        return Ok(());
    }
    let age = i32::try_from(AGE_DAYS).map_err(Error::corrupt)?;
    let rows = diesel::sql_query(include_str!("share_lines.sql"))
        .bind::<SqlUuid, _>(tx.org())
        .bind::<Array<SqlUuid>, _>(wanted.iter().map(|one| one.feature_id).collect::<Vec<_>>())
        .bind::<Array<SqlDate>, _>(wanted.iter().map(|one| one.day).collect::<Vec<_>>())
        .bind::<Array<SqlDate>, _>(wanted.iter().map(|one| one.sold_until).collect::<Vec<_>>())
        .bind::<Integer, _>(age)
        .load_stream::<LineRow>(tx.connection())
        .await
        .map_err(Error::from)?;
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.try_next().await.map_err(Error::from)? {
        let LineRow { feature_id, day, net, credited, due, settled, aged } = row;
        take(feature_id, day, &Line { net, credited, due, settled, aged })?;
    }
    Ok(())
}

/// Takes the next month that is not credited yet, if it is this one or an earlier one: answers its
/// first day, and nobody else takes it or a later one before the transaction ends.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn take_month(tx: &mut Tx, until: Date) -> Result<Option<Date>> {
    #[derive(QueryableByName)]
    struct Taken {
        #[diesel(sql_type = SqlDate)]
        month: Date,
    }
    let taken: Option<Taken> = diesel::sql_query(
        "UPDATE share_progress SET next_month = (next_month + interval '1 month')::date \
         WHERE org_id = $1 AND next_month <= $2 \
         RETURNING (next_month - interval '1 month')::date AS month",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlDate, _>(until)
    .get_result(tx.connection())
    .await
    .optional()?;
    Ok(taken.map(|taken| taken.month))
}

/// The first day of the next month to be credited; nothing when nobody has invested.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn next_month(tx: &mut Tx) -> Result<Option<Date>> {
    let month = share_progress::table
        .filter(share_progress::org_id.eq(tx.org()))
        .select(share_progress::next_month)
        .first(tx.connection())
        .await
        .optional()?;
    Ok(month)
}

/// Whether this month or an earlier one is not credited yet.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn is_due(tx: &mut Tx, until: Date) -> Result<bool> {
    Ok(next_month(tx).await?.is_some_and(|next| next <= until))
}

const SHARED: &str = "SELECT f.id AS feature_id, f.title, f.retired_on, f.owned_on, x.id, \
     x.investor_id, x.currency, x.basis, x.vat_treatment, x.share_percent, x.principal_minor, \
     x.cap_minor, coalesce(i.open_minor > 0, false) AS is_unpaid, x.funded_on, x.state, \
     x.recouped_on, x.completed_on, x.accrued_minor, x.credited_minor, x.forgone_minor, \
     (SELECT m.counted_minor FROM feature_months m WHERE m.org_id = $1 AND m.feature_id = f.id \
         AND m.basis = x.basis AND m.month = ($2 - interval '1 month')::date) AS counted_minor, \
     EXISTS (SELECT FROM investments a WHERE a.org_id = $1 AND a.feature_id = f.id \
         AND a.state = $5) AS is_awaited \
     FROM features f \
     JOIN investments x ON x.org_id = $1 AND x.feature_id = f.id AND x.funded_on IS NOT NULL \
     LEFT JOIN invoices i ON i.org_id = $1 AND i.id = x.invoice_id \
     WHERE f.org_id = $1 AND (f.retired_on IS NULL OR f.retired_on >= $4) \
     AND ($3::uuid[] IS NULL OR f.id = ANY($3)) \
     ORDER BY f.id, x.id";

#[derive(QueryableByName)]
struct SharedRow {
    #[diesel(sql_type = SqlUuid)]
    feature_id: FeatureId,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Nullable<SqlDate>)]
    retired_on: Option<Date>,
    #[diesel(sql_type = Nullable<SqlDate>)]
    owned_on: Option<Date>,
    #[diesel(sql_type = SqlUuid)]
    id: InvestmentId,
    #[diesel(sql_type = SqlUuid)]
    investor_id: CustomerId,
    #[diesel(sql_type = Text)]
    currency: Currency,
    #[diesel(sql_type = Text)]
    basis: Basis,
    #[diesel(sql_type = Text)]
    vat_treatment: ShareTreatment,
    #[diesel(sql_type = Numeric)]
    share_percent: Decimal,
    #[diesel(sql_type = BigInt)]
    principal_minor: i64,
    #[diesel(sql_type = BigInt)]
    cap_minor: i64,
    #[diesel(sql_type = Bool)]
    is_unpaid: bool,
    #[diesel(sql_type = SqlDate)]
    funded_on: Date,
    #[diesel(sql_type = Text)]
    state: InvestmentState,
    #[diesel(sql_type = Nullable<SqlDate>)]
    recouped_on: Option<Date>,
    #[diesel(sql_type = Nullable<SqlDate>)]
    completed_on: Option<Date>,
    #[diesel(sql_type = BigInt)]
    accrued_minor: i64,
    #[diesel(sql_type = BigInt)]
    credited_minor: i64,
    #[diesel(sql_type = BigInt)]
    forgone_minor: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    counted_minor: Option<i64>,
    #[diesel(sql_type = Bool)]
    is_awaited: bool,
}

impl From<&SharedRow> for Stake {
    fn from(row: &SharedRow) -> Self {
        let money = |minor| Money::new(minor, row.currency);
        Self {
            id: row.id,
            investor_id: row.investor_id,
            basis: row.basis,
            vat_treatment: row.vat_treatment,
            share_percent: row.share_percent,
            principal: money(row.principal_minor),
            cap: money(row.cap_minor),
            held: row.is_unpaid.then_some(Hold::PrincipalOpen),
            funded_on: row.funded_on,
            state: row.state,
            recouped_on: row.recouped_on,
            completed_on: row.completed_on,
            accrued: money(row.accrued_minor),
            credited: money(row.credited_minor),
            forgone: money(row.forgone_minor),
        }
    }
}

/// The features that share what they bring in a month, or did not stop before it, with all
/// investments that were paid and what counted at the end of the month before, in order. They are held until the end of the
/// transaction.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn lock(tx: &mut Tx, month: Date) -> Result<Vec<Shared>> {
    shared(tx, month, None, " FOR NO KEY UPDATE OF f, x").await
}

/// As [`lock`], without holding them, and if wanted only some features: for previews.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn read(tx: &mut Tx, month: Date, only: Option<&[FeatureId]>) -> Result<Vec<Shared>> {
    shared(tx, month, only, "").await
}

async fn shared(
    tx: &mut Tx,
    month: Date,
    only: Option<&[FeatureId]>,
    hold: &str,
) -> Result<Vec<Shared>> {
    let rows: Vec<SharedRow> = diesel::sql_query(format!("{SHARED}{hold}"))
        .bind::<SqlUuid, _>(tx.org())
        .bind::<SqlDate, _>(month)
        .bind::<Nullable<Array<SqlUuid>>, _>(only)
        .bind::<SqlDate, _>(first_retired(month))
        .bind::<Text, _>(InvestmentState::Accepted)
        .load(tx.connection())
        .await?;
    let mut found: Vec<Shared> = Vec::new();
    for row in rows {
        if found.last().is_none_or(|last| last.id != row.feature_id) {
            found.push(Shared {
                id: row.feature_id,
                title: row.title.clone(),
                retired_on: row.retired_on,
                owned_on: row.owned_on,
                is_awaited: row.is_awaited,
                stakes: Vec::new(),
                counted: BTreeMap::new(),
            });
        }
        if let Some(last) = found.last_mut() {
            last.stakes.push((&row).into());
            let counted = row.counted_minor.map(|minor| Money::new(minor, row.currency));
            last.counted.extend(counted.map(|counted| (row.basis, counted)));
        }
    }
    Ok(found)
}
