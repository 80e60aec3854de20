//! Dunning policies: made, chosen, and shown day by day.
//!
//! Purpose: an organization makes policies, chooses one for itself and others for single plans.
//! What is chosen decides for the invoices issued from then on; dates of steps are computed, never
//! stored.
//!
//! Invariants: a plan's own policy goes before the organization's; without either the built-in
//! goodwill policy is in force. A policy never changes once made. A preview writes nothing.
//!
//! Deliberately absent: taking steps, which is `collection`'s.

mod state;

use domain::date::Date;
use domain::dunning::{Case, Moment, Policy, PolicyRefused, Terms};
use domain::failure::{self, FailureClass, Reason};
use domain::id::{DunningPolicyId, PlanId};
use domain::organization::{MAX_NAME, text};
use domain::payment::Scheme;
use domain::period::Period;
use store::dunning::StoredPolicy;

use crate::Scope;
use crate::access::id_taken;
use crate::error::{Error, Expect, Field};
use crate::page::{Page, PageRequest};

pub use self::state::{DunningState, MAX_SHOWN, preview_invoice, state};

/// The name of the policy that is in force until another one is chosen.
const BUILT_IN: &str = "built-in";

/// The most pauses of a preview: more than one a week in a year is a mistake.
pub const MAX_PAUSES: usize = 60;
/// The longest raw code of a preview.
pub const MAX_CODE: usize = 64;

/// A policy as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownPolicy {
    /// Identity; none for the built-in one.
    pub id: Option<DunningPolicyId>,
    /// For people.
    pub name: String,
    /// What it says.
    pub policy: Policy,
    /// Whether it is the organization's.
    pub is_default: bool,
}

/// What makes a policy.
#[derive(Debug, Clone)]
pub struct CreateDunningPolicy {
    /// Its id; a fresh one when absent.
    pub id: Option<DunningPolicyId>,
    /// For people.
    pub name: String,
    /// What it says.
    pub terms: Terms,
}

/// Names a policy.
#[derive(Debug, Clone)]
pub enum Which {
    /// The organization's.
    Default,
    /// One that was made.
    Id(DunningPolicyId),
    /// The one that is in force for a plan.
    OfPlan(PlanId),
    /// One that is not made yet.
    New(Terms),
}

/// What a preview is of.
#[derive(Debug, Clone)]
pub struct PreviewDunning {
    /// By which policy.
    pub which: Which,
    /// How the invoice is paid.
    pub scheme: Scheme,
    /// Why money did not come.
    pub why: Why,
    /// Day 0; today when absent.
    pub day_zero: Option<Date>,
    /// Days that do not count.
    pub frozen: Vec<Period>,
}

/// Why money did not come.
#[derive(Debug, Clone)]
pub enum Why {
    /// Its class.
    Class(FailureClass),
    /// The raw code of the scheme.
    Code(String),
}

/// What would happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// By which policy.
    pub policy: ShownPolicy,
    /// The class of the failure.
    pub class: FailureClass,
    /// What the raw code means, where one was given.
    pub reason: Option<Reason>,
    /// Every day on which something happens or changes.
    pub moments: Vec<Moment>,
}

/// A policy of these terms, that can do what it says.
async fn checked(scope: &mut Scope, terms: Terms) -> Result<Policy, Error> {
    let policy = of_terms(terms)?;
    let Some(fee) = &policy.terms().late_fee else { return Ok(policy) };
    let (id, field) = (fee.product_id, "policy.late_fee.product_id");
    match store::plan::products(&mut scope.tx, &[id]).await?.pop() {
        None => Err(Error::invalid(field, format!("product {id} does not exist"))),
        Some(product) if product.is_investment() => {
            Err(Error::invalid(field, "the product of investments is not sold: name another one"))
        }
        Some(_) => Ok(policy),
    }
}

fn of_terms(terms: Terms) -> Result<Policy, Error> {
    Policy::new(terms).map_err(|refused| {
        let field = match refused {
            PolicyRefused::Grace { .. } => "policy.grace_until_day",
            PolicyRefused::PayDay { .. } => "policy.pay_days",
            PolicyRefused::Minimum { .. } | PolicyRefused::Minimums { .. } => "policy.minimums",
            PolicyRefused::LateFeeMissing { .. } | PolicyRefused::LateFeeUnused => {
                "policy.late_fee"
            }
            PolicyRefused::LateFeeAmount { .. } | PolicyRefused::LateFeeAmounts { .. } => {
                "policy.late_fee.amounts"
            }
            _ => "policy.steps",
        };
        Error::invalid(field, refused)
    })
}

/// Makes a policy. It is in force nowhere yet.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::Exists`] with `ID_TAKEN`.
pub async fn create(scope: &mut Scope, command: CreateDunningPolicy) -> Result<ShownPolicy, Error> {
    let id = command.id.unwrap_or_else(|| DunningPolicyId::fresh(scope.now));
    let name = text(&command.name, MAX_NAME).field("policy.name")?;
    let policy = checked(scope, command.terms).await?;
    let new = StoredPolicy { id, name, policy };
    match store::dunning::insert(&mut scope.tx, &new, scope.now).await {
        Ok(()) => Ok(shown(new, None)),
        Err(store::Error::Exists(_)) => Err(id_taken("dunning policy", id)),
        Err(other) => Err(other.into()),
    }
}

fn shown(stored: StoredPolicy, default: Option<DunningPolicyId>) -> ShownPolicy {
    let StoredPolicy { id, name, policy } = stored;
    ShownPolicy { id: Some(id), name, policy, is_default: default == Some(id) }
}

/// One policy.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for one that is not made yet and not possible.
pub async fn get(scope: &mut Scope, which: Which) -> Result<ShownPolicy, Error> {
    let default = store::dunning::default_id(&mut scope.tx).await?;
    let id = match which {
        Which::New(terms) => {
            let policy = checked(scope, terms).await?;
            return Ok(ShownPolicy { id: None, name: String::new(), policy, is_default: false });
        }
        Which::Id(id) => Some(id),
        Which::Default => default,
        Which::OfPlan(plan_id) => {
            let found = store::dunning::of_plans(&mut scope.tx, &[plan_id]).await?;
            let own = found.get(&plan_id).ok_or_else(|| Error::not_found("plan", plan_id))?;
            own.or(default)
        }
    };
    let Some(id) = id else {
        let (name, policy) = (BUILT_IN.to_owned(), Policy::goodwill());
        return Ok(ShownPolicy { id: None, name, policy, is_default: true });
    };
    let found = store::dunning::policies(&mut scope.tx, &[id]).await?.pop();
    Ok(shown(found.ok_or_else(|| Error::not_found("dunning policy", id))?, default))
}

/// Policies by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(scope: &mut Scope, page: &PageRequest) -> Result<Page<ShownPolicy>, Error> {
    let default = store::dunning::default_id(&mut scope.tx).await?;
    let after = page.after(scope, "dunning_policies", b"").await?.map(DunningPolicyId);
    let rows = store::dunning::list(&mut scope.tx, after, page.limit() + 1).await?;
    let found = page.finish(scope, "dunning_policies", b"", rows, |one| one.id.0).await?;
    let rows = found.rows.into_iter().map(|one| shown(one, default)).collect();
    Ok(Page { rows, next: found.next })
}

/// Chooses the organization's policy; nothing for the built-in one. It is in force at once.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn set_default(
    scope: &mut Scope,
    id: Option<DunningPolicyId>,
) -> Result<ShownPolicy, Error> {
    if let Some(id) = id {
        get(scope, Which::Id(id)).await?;
    }
    store::dunning::set_default(&mut scope.tx, id).await?;
    get(scope, Which::Default).await
}

/// Chooses a plan's own policy; nothing for the organization's. Answers the one in force for the
/// plan then.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn set_of_plan(
    scope: &mut Scope,
    plan_id: PlanId,
    id: Option<DunningPolicyId>,
) -> Result<ShownPolicy, Error> {
    if let Some(id) = id {
        get(scope, Which::Id(id)).await?;
    }
    store::dunning::set_of_plan(&mut scope.tx, plan_id, id).await.or_missing("plan", plan_id)?;
    get(scope, Which::OfPlan(plan_id)).await
}

/// What would happen to an invoice whose money does not come, day by day.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::NotFound`].
pub async fn preview(scope: &mut Scope, command: PreviewDunning) -> Result<Preview, Error> {
    let PreviewDunning { which, scheme, why, day_zero, frozen } = command;
    if frozen.len() > MAX_PAUSES {
        let message = format!("{} are not possible: at most {MAX_PAUSES}", frozen.len());
        return Err(Error::invalid("pauses", message));
    }
    let empty = frozen.iter().position(|pause| pause.is_empty());
    if let Some(at) = empty {
        let Period { start, end } = frozen[at];
        let message = format!("{end} is not possible: expected a day after {start}");
        return Err(Error::invalid(format!("pauses[{at}].until_on"), message));
    }
    let policy = get(scope, which).await?;
    let (class, reason) = match why {
        Why::Class(class) => (class, None),
        Why::Code(code) => {
            let code = text(&code, MAX_CODE).field("code")?;
            let reason = failure::reason(scheme, &code);
            (reason.class, Some(reason))
        }
    };
    let case = Case { frozen, ..Case::new(scheme, class, day_zero.unwrap_or(scope.today())) };
    let moments = policy.policy.timeline(&case);
    Ok(Preview { policy, class, reason, moments })
}
