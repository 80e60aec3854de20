//! Dunning policies: which there are, and which is in force for whom.
//!
//! Invariants: a policy is written once; one that the domain would refuse is corrupt.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::dunning::{Delivery, LateFee, Policy, Terms};
use domain::id::{DunningPolicyId, InvoiceId, PlanId, ProductId};
use domain::money::{Currency, Money};

use crate::schema::{
    dunning_defaults, dunning_late_fees, dunning_minimums, dunning_policies, invoice_lines, plans,
    subscriptions,
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
    more_retries: bool,
    late_fee_product_id: Option<ProductId>,
}

impl Row {
    fn policy(self, minimums: Vec<Money>, late_fees: Vec<Money>) -> Result<StoredPolicy> {
        let delivery = match self.grace_until_day {
            None => Delivery::Strict,
            Some(day) => {
                Delivery::Goodwill { until_day: u16::try_from(day).map_err(Error::corrupt)? }
            }
        };
        let late_fee = |product_id| LateFee { product_id, amounts: late_fees };
        let terms = Terms {
            delivery,
            steps: serde_json::from_value(self.steps).map_err(Error::corrupt)?,
            pay_days: serde_json::from_value(self.pay_days).map_err(Error::corrupt)?,
            minimums,
            late_fee: self.late_fee_product_id.map(late_fee),
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
        p::more_retries.eq(terms.more_retries),
        p::late_fee_product_id.eq(terms.late_fee.as_ref().map(|fee| fee.product_id)),
        p::created_at.eq(created_at),
    );
    diesel::insert_into(p::table).values(row).execute(tx.connection()).await?;
    use {dunning_late_fees as f, dunning_minimums as m};
    if terms.minimums.is_empty() && terms.late_fee.is_none() {
        return Ok(());
    }
    let of_policy = |one: &Money| (one.currency(), one.minor());
    let minimums = terms.minimums.iter().map(of_policy).map(|(currency, minor)| {
        let of = (m::org_id.eq(tx.org()), m::policy_id.eq(new.id));
        (of, m::currency.eq(currency), m::amount_minor.eq(minor))
    });
    let minimums: Vec<_> = minimums.collect();
    diesel::insert_into(m::table).values(minimums).execute(tx.connection()).await?;
    let late_fees = terms.late_fee.iter().flat_map(|fee| &fee.amounts).map(of_policy);
    let late_fees = late_fees.map(|(currency, minor)| {
        let of = (f::org_id.eq(tx.org()), f::policy_id.eq(new.id));
        (of, f::currency.eq(currency), f::amount_minor.eq(minor))
    });
    let late_fees: Vec<_> = late_fees.collect();
    diesel::insert_into(f::table).values(late_fees).execute(tx.connection()).await?;
    Ok(())
}

async fn with_amounts(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<StoredPolicy>> {
    use {dunning_late_fees as f, dunning_minimums as m};
    let ids: Vec<DunningPolicyId> = rows.iter().map(|row| row.id).collect();
    let minimums = m::table
        .filter(m::org_id.eq(tx.org()))
        .filter(m::policy_id.eq_any(&ids))
        .order((m::policy_id, m::currency))
        .select((m::policy_id, m::currency, m::amount_minor))
        .load(tx.connection())
        .await?;
    // Most policies have no late fee: then there is nothing to read.
    let late_fees = match rows.iter().any(|row| row.late_fee_product_id.is_some()) {
        false => Vec::new(),
        true => {
            f::table
                .filter(f::org_id.eq(tx.org()))
                .filter(f::policy_id.eq_any(&ids))
                .order((f::policy_id, f::currency))
                .select((f::policy_id, f::currency, f::amount_minor))
                .load(tx.connection())
                .await?
        }
    };
    let (mut minimums, mut late_fees) = (by_policy(minimums), by_policy(late_fees));
    let policy = |row: Row| {
        let own = |amounts: &mut HashMap<_, _>| amounts.remove(&row.id).unwrap_or_default();
        let (minimums, late_fees) = (own(&mut minimums), own(&mut late_fees));
        row.policy(minimums, late_fees)
    };
    rows.into_iter().map(policy).collect()
}

fn by_policy(rows: Vec<(DunningPolicyId, Currency, i64)>) -> HashMap<DunningPolicyId, Vec<Money>> {
    let mut amounts: HashMap<DunningPolicyId, Vec<Money>> = HashMap::new();
    for (id, currency, minor) in rows {
        amounts.entry(id).or_default().push(Money::new(minor, currency));
    }
    amounts
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
    with_amounts(tx, rows).await
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
    with_amounts(tx, rows).await
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
