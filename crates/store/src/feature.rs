//! Features and the votes for them.
//!
//! Invariants: whoever changes a feature, its prices or what is invested in it holds its row. The
//! score stands in the row, so that the work list comes from an index.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::feature::{Feature, FeatureState, Rating, WORK_ORDER};
use domain::id::{CustomerId, FeatureId};
use domain::money::Currency;

use crate::schema::features::dsl;
use crate::schema::{feature_votes, features, prices};
use crate::{Error, Result, Tx};

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = features, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: FeatureId,
    title: String,
    description: String,
    requested_by: Option<CustomerId>,
    state: FeatureState,
    value: Option<i32>,
    complexity: Option<i32>,
    votes: i32,
    note: Option<String>,
    currency: Option<Currency>,
    submitted_on: Date,
    assessed_on: Option<Date>,
    started_on: Option<Date>,
    released_on: Option<Date>,
    retired_on: Option<Date>,
    owned_on: Option<Date>,
}

fn rating((value, complexity): (i32, i32)) -> Result<Rating> {
    let number = |number: i32| u32::try_from(number).map_err(Error::corrupt);
    Ok(Rating { value: number(value)?, complexity: number(complexity)? })
}

impl TryFrom<Row> for Feature {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            title: row.title,
            description: row.description,
            requested_by: row.requested_by,
            state: row.state,
            rating: row.value.zip(row.complexity).map(rating).transpose()?,
            votes: u32::try_from(row.votes).map_err(Error::corrupt)?,
            note: row.note,
            currency: row.currency,
            submitted_on: row.submitted_on,
            assessed_on: row.assessed_on,
            started_on: row.started_on,
            released_on: row.released_on,
            retired_on: row.retired_on,
            owned_on: row.owned_on,
        })
    }
}

fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Writes a new one.
///
/// # Errors
/// [`Error::Exists`] when the id is taken.
pub async fn insert(tx: &mut Tx, feature: &Feature, created_at: DateTime<Utc>) -> Result<()> {
    let row = (
        dsl::org_id.eq(tx.org()),
        dsl::id.eq(feature.id),
        dsl::title.eq(&feature.title),
        dsl::description.eq(&feature.description),
        dsl::requested_by.eq(feature.requested_by),
        dsl::state.eq(feature.state),
        dsl::votes.eq(number(feature.votes)),
        dsl::submitted_on.eq(feature.submitted_on),
        dsl::created_at.eq(created_at),
    );
    diesel::insert_into(dsl::features).values(row).execute(tx.connection()).await?;
    Ok(())
}

/// One of them.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: FeatureId) -> Result<Feature> {
    dsl::features
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq(id))
        .select(Row::as_select())
        .first(tx.connection())
        .await?
        .try_into()
}

/// As [`get`], and holds the row until the end of the transaction.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx, id: FeatureId) -> Result<Feature> {
    lock_many(tx, &[id]).await?.pop().ok_or(Error::NotFound)
}

/// Many, by id, and holds their rows until the end of the transaction.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn lock_many(tx: &mut Tx, ids: &[FeatureId]) -> Result<Vec<Feature>> {
    let rows: Vec<Row> = dsl::features
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq_any(ids))
        .order(dsl::id)
        .select(Row::as_select())
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    rows.into_iter().map(Feature::try_from).collect()
}

/// Many, by id.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn get_many(tx: &mut Tx, ids: &[FeatureId]) -> Result<Vec<Feature>> {
    let rows: Vec<Row> = dsl::features
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq_any(ids))
        .order(dsl::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(Feature::try_from).collect()
}

/// Saves everything that may change about one.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn save(tx: &mut Tx, feature: &Feature) -> Result<()> {
    let rating = feature.rating;
    diesel::update(dsl::features)
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq(feature.id))
        .set((
            dsl::state.eq(feature.state),
            dsl::value.eq(rating.map(|rating| number(rating.value))),
            dsl::complexity.eq(rating.map(|rating| number(rating.complexity))),
            dsl::votes.eq(number(feature.votes)),
            dsl::score.eq(feature.score().map(number)),
            dsl::note.eq(&feature.note),
            dsl::currency.eq(feature.currency),
            dsl::assessed_on.eq(feature.assessed_on),
            dsl::started_on.eq(feature.started_on),
            dsl::released_on.eq(feature.released_on),
            dsl::retired_on.eq(feature.retired_on),
            dsl::owned_on.eq(feature.owned_on),
        ))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Saves of many that they are funded.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn save_funded(tx: &mut Tx, funded: &[Feature]) -> Result<()> {
    if funded.is_empty() {
        return Ok(());
    }
    let ids: Vec<FeatureId> = funded.iter().map(|feature| feature.id).collect();
    diesel::update(dsl::features)
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq_any(ids))
        .set(dsl::state.eq(FeatureState::Funded))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Writes that a customer wants it too; says whether that is new.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn vote(
    tx: &mut Tx,
    id: FeatureId,
    customer: CustomerId,
    voted_on: Date,
) -> Result<bool> {
    let row = (
        feature_votes::org_id.eq(tx.org()),
        feature_votes::feature_id.eq(id),
        feature_votes::customer_id.eq(customer),
        feature_votes::voted_on.eq(voted_on),
    );
    let insert = diesel::insert_into(feature_votes::table).values(row).on_conflict_do_nothing();
    Ok(insert.execute(tx.connection()).await? > 0)
}

/// Whether it has prices.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn is_sold(tx: &mut Tx, id: FeatureId) -> Result<bool> {
    let own = prices::table.filter(prices::org_id.eq(tx.org())).filter(prices::feature_id.eq(id));
    Ok(diesel::select(diesel::dsl::exists(own)).get_result(tx.connection()).await?)
}

/// A page of features after one of them, in the order in which there is something to do about them.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    state: Option<FeatureState>,
    after: Option<FeatureId>,
    limit: i64,
) -> Result<Vec<Feature>> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT f.* FROM features f \
         WHERE f.org_id = $1 AND ($2 IS NULL OR f.state = $2) AND ($3 IS NULL OR \
             (array_position($4, f.state), -coalesce(f.score, 0), f.id) > \
             (SELECT array_position($4, l.state), -coalesce(l.score, 0), l.id \
              FROM features l WHERE l.org_id = $1 AND l.id = $3)) \
         ORDER BY array_position($4, f.state), -coalesce(f.score, 0), f.id LIMIT $5",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Nullable<Text>, _>(state)
    .bind::<Nullable<SqlUuid>, _>(after)
    .bind::<Array<Text>, _>(WORK_ORDER.to_vec())
    .bind::<BigInt, _>(limit)
    .load(tx.connection())
    .await?;
    rows.into_iter().map(Feature::try_from).collect()
}
