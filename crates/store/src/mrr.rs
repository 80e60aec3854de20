//! Recurring revenue: the segments of subscriptions, and every figure as a sum of them.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Date as SqlDate, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, SubscriptionId};
use domain::money::{Currency, Money};
use domain::mrr::movement::Change;
use domain::mrr::{ChurnKind, Segment};

use crate::{Result, Tx};

/// Makes these the segments of these subscriptions, in two statements whatever their number: what
/// is no longer so is removed, and only what differs is written. Hold the subscriptions.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn replace(tx: &mut Tx, all: &[(SubscriptionId, Vec<Segment>)]) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let segments: Vec<&Segment> = all.iter().flat_map(|(_, segments)| segments).collect();
    diesel::sql_query(
        "DELETE FROM mrr_segments s WHERE s.org_id = $1 AND s.subscription_id = ANY($2) \
         AND NOT EXISTS (SELECT FROM unnest($3, $4) AS u (item_id, from_on) \
             WHERE u.item_id = s.item_id AND u.from_on = s.from_on)",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(all.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(each(&segments, |one| one.item))
    .bind::<Array<SqlDate>, _>(each(&segments, |one| one.from))
    .execute(tx.connection())
    .await?;
    put(tx, &segments).await
}

async fn put(tx: &mut Tx, segments: &[&Segment]) -> Result<()> {
    if segments.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "INSERT INTO mrr_segments AS s (org_id, item_id, from_on, until_on, subscription_id, \
         customer_id, currency, amount_minor, status, end_reason, churn_kind) \
         SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS u \
         ON CONFLICT (org_id, item_id, from_on) DO UPDATE SET until_on = excluded.until_on, \
         subscription_id = excluded.subscription_id, customer_id = excluded.customer_id, \
         currency = excluded.currency, amount_minor = excluded.amount_minor, \
         status = excluded.status, end_reason = excluded.end_reason, \
         churn_kind = excluded.churn_kind \
         WHERE (s.until_on, s.subscription_id, s.customer_id, s.currency, s.amount_minor, \
             s.status, s.end_reason, s.churn_kind) IS DISTINCT FROM \
             (excluded.until_on, excluded.subscription_id, excluded.customer_id, \
             excluded.currency, excluded.amount_minor, excluded.status, excluded.end_reason, \
             excluded.churn_kind)",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(each(segments, |one| one.item))
    .bind::<Array<SqlDate>, _>(each(segments, |one| one.from))
    .bind::<Array<Nullable<SqlDate>>, _>(each(segments, |one| one.until.map(|(until, _)| until)))
    .bind::<Array<SqlUuid>, _>(each(segments, |one| one.subscription))
    .bind::<Array<SqlUuid>, _>(each(segments, |one| one.customer))
    .bind::<Array<Text>, _>(each(segments, |one| one.amount.currency()))
    .bind::<Array<BigInt>, _>(each(segments, |one| one.amount.minor()))
    .bind::<Array<Text>, _>(each(segments, |one| one.status))
    .bind::<Array<Nullable<Text>>, _>(each(segments, |one| one.until.map(|(_, end)| end.reason())))
    .bind::<Array<Nullable<Text>>, _>(each(segments, |one| {
        one.until.and_then(|(_, end)| end.churn())
    }))
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn each<T>(segments: &[&Segment], of: impl Fn(&Segment) -> T) -> Vec<T> {
    segments.iter().map(|one| of(one)).collect()
}

/// What everything is worth in a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    /// What counts on the day.
    pub mrr: Money,
    /// What is known to be in force in the end.
    pub committed: Money,
    /// What counts on the day of customers that are in arrears now.
    pub at_risk: Money,
    /// Customers with something that counts on the day.
    pub customers: i64,
}

#[derive(QueryableByName)]
struct WorthRow {
    #[diesel(sql_type = Text)]
    currency: Currency,
    #[diesel(sql_type = BigInt)]
    mrr: i64,
    #[diesel(sql_type = BigInt)]
    committed: i64,
    #[diesel(sql_type = BigInt)]
    at_risk: i64,
    #[diesel(sql_type = BigInt)]
    customers: i64,
}

/// What everything is worth on a day, by currency; those of which nothing holds on the day or later
/// are left out.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn worth(tx: &mut Tx, on: Date) -> Result<Vec<Worth>> {
    let rows: Vec<WorthRow> = diesel::sql_query(
        "SELECT m.currency, \
             coalesce(sum(m.amount_minor) FILTER (WHERE m.counts AND m.begun), 0)::bigint AS mrr, \
             coalesce(sum(m.amount_minor) FILTER (WHERE m.counts AND m.lasts), 0)::bigint AS committed, \
             coalesce(sum(m.amount_minor) FILTER (WHERE m.counts AND m.begun AND m.in_arrears), 0)::bigint \
                 AS at_risk, \
             count(DISTINCT m.customer_id) FILTER (WHERE m.counts AND m.begun) AS customers \
         FROM (SELECT s.currency, s.amount_minor, s.customer_id, c.in_arrears, \
                 s.status = 'in_force' AS counts, s.from_on <= $2 AS begun, s.until_on IS NULL AS lasts \
             FROM mrr_segments s JOIN customers c ON c.org_id = $1 AND c.id = s.customer_id \
             WHERE s.org_id = $1 AND (s.until_on IS NULL OR s.until_on > $2)) m \
         GROUP BY m.currency ORDER BY m.currency",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlDate, _>(on)
    .load(tx.connection())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

impl From<WorthRow> for Worth {
    fn from(row: WorthRow) -> Self {
        let money = |minor| Money::new(minor, row.currency);
        Self {
            mrr: money(row.mrr),
            committed: money(row.committed),
            at_risk: money(row.at_risk),
            customers: row.customers,
        }
    }
}

/// How many customers stand where, each counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct Standing {
    /// Something of theirs counts.
    #[diesel(sql_type = BigInt)]
    pub paying: i64,
    /// Nothing counts, and something is paused.
    #[diesel(sql_type = BigInt)]
    pub paused: i64,
    /// Neither, and something is signed: it starts later, or its trial runs.
    #[diesel(sql_type = BigInt)]
    pub starting: i64,
}

/// How many customers stand where on a day.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn standing(tx: &mut Tx, on: Date) -> Result<Standing> {
    let standing = diesel::sql_query(
        "SELECT count(*) FILTER (WHERE one.place = 0) AS paying, \
             count(*) FILTER (WHERE one.place = 1) AS paused, \
             count(*) FILTER (WHERE one.place = 2) AS starting \
         FROM (SELECT min(CASE WHEN s.from_on > $2 THEN 2 WHEN s.status = 'paused' THEN 1 ELSE 0 END) AS place \
             FROM mrr_segments s \
             WHERE s.org_id = $1 AND (s.until_on IS NULL OR s.until_on > $2) \
             GROUP BY s.customer_id) one",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlDate, _>(on)
    .get_result(tx.connection())
    .await?;
    Ok(standing)
}

/// Customers that were there at the end of a day and had gone at the end of another: nothing of
/// theirs counted any more, and nothing was paused.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Gone {
    /// Why the last thing they had was cancelled; unknown when it was not.
    #[diesel(sql_type = Text)]
    pub kind: ChurnKind,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub customers: i64,
}

/// Customers that went between two days, by kind.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn gone(tx: &mut Tx, opening: Date, closing: Date) -> Result<Vec<Gone>> {
    let rows = diesel::sql_query(
        "WITH ended AS (SELECT DISTINCT s.customer_id FROM mrr_segments s WHERE s.org_id = $1 \
             AND s.until_on > $2 AND s.until_on <= $3), \
         customers_of AS (SELECT s.customer_id, \
                 bool_or(s.from_on <= $2 AND (s.until_on IS NULL OR s.until_on > $2)) AS before, \
                 bool_or(s.from_on <= $3 AND (s.until_on IS NULL OR s.until_on > $3)) AS after, \
                 (array_agg(s.churn_kind ORDER BY s.until_on DESC, s.amount_minor DESC, s.churn_kind) \
                     FILTER (WHERE s.churn_kind IS NOT NULL AND s.until_on > $2 AND s.until_on <= $3))[1] \
                     AS kind \
             FROM mrr_segments s JOIN ended ON ended.customer_id = s.customer_id \
             WHERE s.org_id = $1 GROUP BY s.customer_id) \
         SELECT coalesce(one.kind, 'unknown') AS kind, count(*) AS customers FROM customers_of one \
         WHERE one.before AND NOT one.after GROUP BY 1 ORDER BY 1",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlDate, _>(opening)
    .bind::<SqlDate, _>(closing)
    .load(tx.connection())
    .await?;
    Ok(rows)
}

/// Which changes to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between {
    /// The end of this day.
    pub opening: Date,
    /// The end of this day.
    pub closing: Date,
}

/// What a customer was worth in a currency on two days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerChange {
    /// Who.
    pub customer_id: CustomerId,
    /// What.
    pub change: Change,
}

/// The sum of the changes of customers that moved in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeSum {
    /// How many, each once per currency.
    pub customers: i64,
    /// The sum.
    pub change: Change,
}

#[derive(QueryableByName)]
struct ChangeRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    customer_id: Option<CustomerId>,
    #[diesel(sql_type = BigInt)]
    customers: i64,
    #[diesel(sql_type = Text)]
    currency: Currency,
    #[diesel(sql_type = BigInt)]
    opening: i64,
    #[diesel(sql_type = BigInt)]
    closing: i64,
    #[diesel(sql_type = BigInt)]
    paused: i64,
    #[diesel(sql_type = BigInt)]
    resumed: i64,
    #[diesel(sql_type = Bool)]
    paused_before: bool,
    #[diesel(sql_type = Bool)]
    paused_after: bool,
    #[diesel(sql_type = Bool)]
    had_before: bool,
    #[diesel(sql_type = Nullable<Text>)]
    churn_kind: Option<ChurnKind>,
}

impl ChangeRow {
    fn change(&self) -> Change {
        let money = |minor| Money::new(minor, self.currency);
        Change {
            opening: money(self.opening),
            closing: money(self.closing),
            paused: money(self.paused),
            resumed: money(self.resumed),
            paused_before: self.paused_before,
            paused_after: self.paused_after,
            had_before: self.had_before,
            churn: self.churn_kind,
        }
    }
}

/// The changes of customers in which something moved, by customer and currency: those of up to
/// `limit` customers after one, or of one alone.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn changes(
    tx: &mut Tx,
    between: Between,
    only: Option<CustomerId>,
    after: Option<CustomerId>,
    limit: i64,
) -> Result<Vec<CustomerChange>> {
    let rows: Vec<ChangeRow> = diesel::sql_query(include_str!("mrr_changes.sql"))
        .bind::<SqlUuid, _>(tx.org())
        .bind::<SqlDate, _>(between.opening)
        .bind::<SqlDate, _>(between.closing)
        .bind::<Nullable<SqlUuid>, _>(after)
        .bind::<Nullable<SqlUuid>, _>(only)
        .bind::<BigInt, _>(limit)
        .load(tx.connection())
        .await?;
    let listed = rows.into_iter().filter_map(|row| {
        Some(CustomerChange { customer_id: row.customer_id?, change: row.change() })
    });
    Ok(listed.collect())
}

/// The changes of all customers of whom something began or ended, summed over those that moved in
/// the same way: whatever tells movements apart is the same within a sum.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn change_sums(tx: &mut Tx, between: Between) -> Result<Vec<ChangeSum>> {
    let rows: Vec<ChangeRow> = diesel::sql_query(include_str!("mrr_change_sums.sql"))
        .bind::<SqlUuid, _>(tx.org())
        .bind::<SqlDate, _>(between.opening)
        .bind::<SqlDate, _>(between.closing)
        .load(tx.connection())
        .await?;
    let sum = |row: ChangeRow| ChangeSum { customers: row.customers, change: row.change() };
    Ok(rows.into_iter().map(sum).collect())
}
