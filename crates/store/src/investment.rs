//! Investments, and agreements by which the vendor issues investors' invoices.
//!
//! Invariants: whoever changes an investment holds its feature first, then its own row; one that is
//! credited is held by whoever holds the progress of the shares.

mod agreement;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Date as SqlDate, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, FeatureId, InvestmentId, InvoiceId};
use domain::investment::{Basis, Investment, InvestmentState, ShareTreatment};
use domain::money::{Currency, Money};
use rust_decimal::Decimal;

use crate::schema::investments::{self, dsl};
use crate::{Result, Tx};

pub use self::agreement::{agreements, insert_agreement, list_agreements};

#[derive(Queryable, Selectable)]
#[diesel(table_name = investments, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: InvestmentId,
    feature_id: FeatureId,
    investor_id: CustomerId,
    currency: Currency,
    principal_minor: i64,
    share_percent: Decimal,
    return_percent: Decimal,
    cap_minor: i64,
    basis: Basis,
    vat_treatment: ShareTreatment,
    state: InvestmentState,
    proposed_on: Date,
    accepted_on: Option<Date>,
    withdrawn_on: Option<Date>,
    consent_on: Option<Date>,
    invoice_id: Option<InvoiceId>,
    funded_on: Option<Date>,
    recouped_on: Option<Date>,
    completed_on: Option<Date>,
    accrued_minor: i64,
    credited_minor: i64,
    forgone_minor: i64,
}

impl From<Row> for Investment {
    fn from(row: Row) -> Self {
        let money = |minor| Money::new(minor, row.currency);
        Self {
            id: row.id,
            feature_id: row.feature_id,
            investor_id: row.investor_id,
            principal: money(row.principal_minor),
            share_percent: row.share_percent.normalize(),
            return_percent: row.return_percent.normalize(),
            cap: money(row.cap_minor),
            basis: row.basis,
            vat_treatment: row.vat_treatment,
            state: row.state,
            proposed_on: row.proposed_on,
            accepted_on: row.accepted_on,
            withdrawn_on: row.withdrawn_on,
            consent_on: row.consent_on,
            invoice_id: row.invoice_id,
            funded_on: row.funded_on,
            recouped_on: row.recouped_on,
            completed_on: row.completed_on,
            accrued: money(row.accrued_minor),
            credited: money(row.credited_minor),
            forgone: money(row.forgone_minor),
        }
    }
}

/// Writes a new one.
///
/// # Errors
/// [`crate::Error::Exists`] when the id is taken.
pub async fn insert(tx: &mut Tx, new: &Investment, created_at: DateTime<Utc>) -> Result<()> {
    let row = (
        dsl::org_id.eq(tx.org()),
        dsl::id.eq(new.id),
        dsl::feature_id.eq(new.feature_id),
        dsl::investor_id.eq(new.investor_id),
        dsl::currency.eq(new.principal.currency()),
        dsl::principal_minor.eq(new.principal.minor()),
        dsl::share_percent.eq(new.share_percent),
        dsl::return_percent.eq(new.return_percent),
        dsl::cap_minor.eq(new.cap.minor()),
        dsl::basis.eq(new.basis),
        dsl::vat_treatment.eq(new.vat_treatment),
        dsl::state.eq(new.state),
        dsl::proposed_on.eq(new.proposed_on),
        dsl::accrued_minor.eq(new.accrued.minor()),
        dsl::credited_minor.eq(new.credited.minor()),
        dsl::forgone_minor.eq(new.forgone.minor()),
        dsl::created_at.eq(created_at),
    );
    diesel::insert_into(dsl::investments).values(row).execute(tx.connection()).await?;
    Ok(())
}

/// One of them.
///
/// # Errors
/// [`crate::Error::NotFound`].
pub async fn get(tx: &mut Tx, id: InvestmentId) -> Result<Investment> {
    let row: Row = dsl::investments
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq(id))
        .select(Row::as_select())
        .first(tx.connection())
        .await?;
    Ok(row.into())
}

/// All that were ever proposed for features, by id, and holds their rows until the end of the
/// transaction. Hold the features first.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn lock_of(tx: &mut Tx, features: &[FeatureId]) -> Result<Vec<Investment>> {
    let rows: Vec<Row> = dsl::investments
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::feature_id.eq_any(features))
        .order(dsl::id)
        .select(Row::as_select())
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Investment::from).collect())
}

/// All that were ever proposed for features, by id.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn of_features(tx: &mut Tx, features: &[FeatureId]) -> Result<Vec<Investment>> {
    let rows: Vec<Row> = dsl::investments
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::feature_id.eq_any(features))
        .order(dsl::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Investment::from).collect())
}

/// Those whose principals these invoices are, by id.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn of_invoices(tx: &mut Tx, invoices: &[InvoiceId]) -> Result<Vec<Investment>> {
    let rows: Vec<Row> = dsl::investments
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::invoice_id.eq_any(invoices))
        .order(dsl::id)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().map(Investment::from).collect())
}

/// Saves what became of one, but what is shared with it: that is written where months are credited.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save(tx: &mut Tx, investment: &Investment) -> Result<()> {
    diesel::update(dsl::investments)
        .filter(dsl::org_id.eq(tx.org()))
        .filter(dsl::id.eq(investment.id))
        .set((
            dsl::state.eq(investment.state),
            dsl::accepted_on.eq(investment.accepted_on),
            dsl::withdrawn_on.eq(investment.withdrawn_on),
            dsl::consent_on.eq(investment.consent_on),
            dsl::invoice_id.eq(investment.invoice_id),
            dsl::funded_on.eq(investment.funded_on),
            dsl::forgone_minor.eq(investment.forgone.minor()),
        ))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Saves of many that they were funded.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save_funded(tx: &mut Tx, funded: &[Investment]) -> Result<()> {
    if funded.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE investments i SET state = $2, funded_on = u.funded_on \
         FROM unnest($3, $4) AS u (id, funded_on) WHERE i.org_id = $1 AND i.id = u.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Text, _>(InvestmentState::Funded)
    .bind::<Array<SqlUuid>, _>(funded.iter().map(|one| one.id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlDate>>, _>(funded.iter().map(|one| one.funded_on).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// From this month on there are shares to credit, unless there were before.
///
/// Whoever credits a month holds the row of the progress and then waits for features, and whoever
/// funds an investment holds its feature already. So a row that is there is only read, which does
/// not wait; an insert would wait for whoever changes it, each for the other.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn begin_shares(tx: &mut Tx, month: Date) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO share_progress (org_id, next_month) SELECT $1, $2 \
         WHERE NOT EXISTS (SELECT FROM share_progress p WHERE p.org_id = $1) \
         ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlDate, _>(month)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Which investments, in lists.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only those in this feature.
    pub feature_id: Option<FeatureId>,
    /// Only this investor's.
    pub investor_id: Option<CustomerId>,
    /// Only those that stand so.
    pub state: Option<InvestmentState>,
}

/// A page of investments after an id, in the order of their ids.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: Filter,
    after: Option<InvestmentId>,
    limit: i64,
) -> Result<Vec<Investment>> {
    let mut query = dsl::investments
        .filter(dsl::org_id.eq(tx.org()))
        .order(dsl::id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(feature) = filter.feature_id {
        query = query.filter(dsl::feature_id.eq(feature));
    }
    if let Some(investor) = filter.investor_id {
        query = query.filter(dsl::investor_id.eq(investor));
    }
    if let Some(state) = filter.state {
        query = query.filter(dsl::state.eq(state));
    }
    if let Some(after) = after {
        query = query.filter(dsl::id.gt(after));
    }
    let rows: Vec<Row> = query.load(tx.connection()).await?;
    Ok(rows.into_iter().map(Investment::from).collect())
}
