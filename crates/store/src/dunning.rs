//! Dunning policies: which there are, and which is in force for whom.
//!
//! Invariants: a policy is written once; one that the domain would refuse is corrupt.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::dunning::{Delivery, Policy, Terms};
use domain::id::{DunningPolicyId, InvoiceId, PlanId};
use domain::money::{Currency, Money};

use crate::schema::{
    dunning_defaults, dunning_minimums, dunning_policies, invoice_lines, plans, subscriptions,
};
use crate::{Error, Result, Tx};

/// A policy of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPolicy {
    /// Identity.
    pub id: DunningPolicyId,
    /// For people.
    pub name: String,
    /// What it says.
    pub policy: Policy,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = dunning_policies, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: DunningPolicyId,
    name: String,
    grace_until_day: Option<i32>,
    steps: serde_json::Value,
    pay_days: serde_json::Value,
    late_fee_minor: Option<i64>,
    late_fee_currency: Option<Currency>,
    more_retries: bool,
}

impl Row {
    fn policy(self, minimums: Vec<Money>) -> Result<StoredPolicy> {
        let delivery = match self.grace_until_day {
            None => Delivery::Strict,
            Some(day) => {
                Delivery::Goodwill { until_day: u16::try_from(day).map_err(Error::corrupt)? }
            }
        };
        let late_fee = self.late_fee_minor.zip(self.late_fee_currency);
        let terms = Terms {
            delivery,
            steps: serde_json::from_value(self.steps).map_err(Error::corrupt)?,
            pay_days: serde_json::from_value(self.pay_days).map_err(Error::corrupt)?,
            minimums,
            late_fee: late_fee.map(|(minor, currency)| Money::new(minor, currency)),
            more_retries: self.more_retries,
        };
        let policy = Policy::new(terms).map_err(Error::corrupt)?;
        Ok(StoredPolicy { id: self.id, name: self.name, policy })
    }
}

/// Writes a new policy.
///
/// # Errors
/// [`Error::Exists`] when the id is taken.
pub async fn insert(tx: &mut Tx, new: &StoredPolicy, created_at: DateTime<Utc>) -> Result<()> {
    use dunning_policies as p;
    let terms = new.policy.terms();
    let grace = match terms.delivery {
        Delivery::Goodwill { until_day } => Some(i32::from(until_day)),
        Delivery::Strict => None,
    };
    let row = (
        p::org_id.eq(tx.org()),
        p::id.eq(new.id),
        p::name.eq(&new.name),
        p::grace_until_day.eq(grace),
        p::steps.eq(serde_json::to_value(&terms.steps).map_err(Error::corrupt)?),
        p::pay_days.eq(serde_json::to_value(&terms.pay_days).map_err(Error::corrupt)?),
        p::late_fee_minor.eq(terms.late_fee.map(Money::minor)),
        p::late_fee_currency.eq(terms.late_fee.map(Money::currency)),
        p::more_retries.eq(terms.more_retries),
        p::created_at.eq(created_at),
    );
    diesel::insert_into(p::table).values(row).execute(tx.connection()).await?;
    if terms.minimums.is_empty() {
        return Ok(());
    }
    let currencies: Vec<Currency> = terms.minimums.iter().map(|one| one.currency()).collect();
    let amounts: Vec<i64> = terms.minimums.iter().map(|one| one.minor()).collect();
    diesel::sql_query(
        "INSERT INTO dunning_minimums (org_id, policy_id, currency, amount_minor) \
         SELECT $1, $2, u.* FROM unnest($3, $4) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlUuid, _>(new.id)
    .bind::<Array<Text>, _>(currencies)
    .bind::<Array<BigInt>, _>(amounts)
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn with_minimums(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<StoredPolicy>> {
    use dunning_minimums as m;
    let ids: Vec<DunningPolicyId> = rows.iter().map(|row| row.id).collect();
    let found: Vec<(DunningPolicyId, Currency, i64)> = m::table
        .filter(m::org_id.eq(tx.org()))
        .filter(m::policy_id.eq_any(&ids))
        .order((m::policy_id, m::currency))
        .select((m::policy_id, m::currency, m::amount_minor))
        .load(tx.connection())
        .await?;
    let mut minimums: HashMap<DunningPolicyId, Vec<Money>> = HashMap::new();
    for (id, currency, minor) in found {
        minimums.entry(id).or_default().push(Money::new(minor, currency));
    }
    let policy = |row: Row| {
        let own = minimums.remove(&row.id).unwrap_or_default();
        row.policy(own)
    };
    rows.into_iter().map(policy).collect()
}

/// Policies by id, in no order; those that do not exist are left out.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn policies(tx: &mut Tx, ids: &[DunningPolicyId]) -> Result<Vec<StoredPolicy>> {
    let rows = dunning_policies::table
        .filter(dunning_policies::org_id.eq(tx.org()))
        .filter(dunning_policies::id.eq_any(ids))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    with_minimums(tx, rows).await
}

/// Policies after an id, in order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    after: Option<DunningPolicyId>,
    limit: i64,
) -> Result<Vec<StoredPolicy>> {
    let mut query =
        dunning_policies::table.filter(dunning_policies::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(dunning_policies::id.gt(after));
    }
    let rows = query
        .order(dunning_policies::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    with_minimums(tx, rows).await
}

/// The organization's own policy; nothing for the built-in one.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn default_id(tx: &mut Tx) -> Result<Option<DunningPolicyId>> {
    let row: Option<Option<DunningPolicyId>> = dunning_defaults::table
        .filter(dunning_defaults::org_id.eq(tx.org()))
        .select(dunning_defaults::policy_id)
        .first(tx.connection())
        .await
        .optional()?;
    Ok(row.flatten())
}

/// Sets the organization's policy; nothing for the built-in one.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn set_default(tx: &mut Tx, id: Option<DunningPolicyId>) -> Result<()> {
    use dunning_defaults as d;
    diesel::insert_into(d::table)
        .values((d::org_id.eq(tx.org()), d::policy_id.eq(id)))
        .on_conflict(d::org_id)
        .do_update()
        .set(d::policy_id.eq(id))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Sets the policy of a plan; nothing for the organization's.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn set_of_plan(tx: &mut Tx, plan_id: PlanId, id: Option<DunningPolicyId>) -> Result<()> {
    let of_plan = plans::table.filter(plans::org_id.eq(tx.org())).filter(plans::id.eq(plan_id));
    let update = diesel::update(of_plan).set(plans::dunning_policy_id.eq(id));
    match update.execute(tx.connection()).await? {
        0 => Err(Error::NotFound),
        _ => Ok(()),
    }
}

/// The policies of the plans that exist; nothing where a plan follows the organization's.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn of_plans(
    tx: &mut Tx,
    plan_ids: &[PlanId],
) -> Result<HashMap<PlanId, Option<DunningPolicyId>>> {
    let rows: Vec<(PlanId, Option<DunningPolicyId>)> = plans::table
        .filter(plans::org_id.eq(tx.org()))
        .filter(plans::id.eq_any(plan_ids))
        .select((plans::id, plans::dunning_policy_id))
        .load(tx.connection())
        .await?;
    Ok(rows.into_iter().collect())
}

/// The policies that the plans behind invoices name, without those that name none.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn of_invoices(
    tx: &mut Tx,
    invoices: &[InvoiceId],
) -> Result<HashMap<InvoiceId, Vec<DunningPolicyId>>> {
    let named = plans::table
        .filter(plans::org_id.eq(tx.org()))
        .filter(plans::dunning_policy_id.is_not_null());
    // Most organizations have one policy: then nothing is joined.
    if !diesel::select(diesel::dsl::exists(named)).get_result(tx.connection()).await? {
        return Ok(HashMap::new());
    }
    let of_subscription = subscriptions::org_id
        .eq(invoice_lines::org_id)
        .and(subscriptions::id.nullable().eq(invoice_lines::subscription_id));
    let of_plan = plans::org_id.eq(invoice_lines::org_id).and(plans::id.eq(subscriptions::plan_id));
    let rows: Vec<(InvoiceId, Option<DunningPolicyId>)> = invoice_lines::table
        .inner_join(subscriptions::table.on(of_subscription))
        .inner_join(plans::table.on(of_plan))
        .filter(invoice_lines::org_id.eq(tx.org()))
        .filter(subscriptions::org_id.eq(tx.org()))
        .filter(plans::org_id.eq(tx.org()))
        .filter(invoice_lines::invoice_id.eq_any(invoices))
        .filter(plans::dunning_policy_id.is_not_null())
        .distinct()
        .select((invoice_lines::invoice_id, plans::dunning_policy_id))
        .load(tx.connection())
        .await?;
    let mut named: HashMap<InvoiceId, Vec<DunningPolicyId>> = HashMap::new();
    for (invoice, policy) in rows {
        named.entry(invoice).or_default().extend(policy);
    }
    Ok(named)
}
