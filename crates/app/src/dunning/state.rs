//! Where a customer stands, and what comes next.
//!
//! Invariants: what is shown is what the worker will do: the same policy, the same case, the same
//! rule. Reading changes nothing.

use domain::dunning::Moment;
use domain::id::{CustomerId, InvoiceId};
use store::arrears::Kept;
use store::collection::{Collected, Which as Collections};

use super::{Preview, ShownPolicy, Which, get};
use crate::Scope;
use crate::collection::Desk;
use crate::error::{Error, Refusal};

/// The most collections that are shown of a customer, the oldest: more than anybody reads.
pub const MAX_SHOWN: usize = 100;

/// Where a customer stands.
#[derive(Debug, Clone)]
pub struct DunningState {
    /// Whom it is about.
    pub customer_id: CustomerId,
    /// What is missing and what that does; nothing when nothing is missing.
    pub kept: Option<Kept>,
    /// What it owes, with what comes next if nothing is paid, in the order of due date and number.
    pub courses: Vec<(Collected, Vec<Moment>)>,
    /// How many more there are.
    pub left_out: usize,
}

/// Where a customer stands with what it owes, and what comes next.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn state(scope: &mut Scope, customer_id: CustomerId) -> Result<DunningState, Error> {
    crate::customer::get(scope, customer_id).await?;
    let mut kept = store::arrears::get_many(&mut scope.tx, &[customer_id]).await?;
    let mut open =
        store::collection::load(&mut scope.tx, Collections::Open(&[customer_id])).await?;
    let left_out = open.len().saturating_sub(MAX_SHOWN);
    open.truncate(MAX_SHOWN);
    let desk = Desk::load(scope, &open).await?;
    let courses = open.into_iter().map(|one| {
        let coming = desk.coming(&one);
        (one, coming)
    });
    let courses = courses.collect();
    Ok(DunningState { customer_id, kept: kept.remove(&customer_id), courses, left_out })
}

/// What would happen to an open invoice from now on if nothing is paid. Of one of which nothing has
/// failed yet: if there is no money on its due date, or today if that has passed.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `NOTHING_TO_COLLECT` or `NO_PAYMENT_METHOD`.
pub async fn preview_invoice(scope: &mut Scope, id: InvoiceId) -> Result<Preview, Error> {
    let found = store::collection::load(&mut scope.tx, Collections::Of(&[id])).await?;
    let Some(one) = found.into_iter().next() else {
        return Err(Error::not_found("collection of invoice", id));
    };
    if one.open.minor() <= 0 {
        let message = "nothing of the invoice is open: there is nothing to collect";
        let refusal = Refusal::new("NOTHING_TO_COLLECT", message).with("invoice_id", id);
        return Err(Error::Refused(refusal));
    }
    let desk = Desk::load(scope, std::slice::from_ref(&one)).await?;
    let policy = shown(scope, &desk, &one).await?;
    if let Some(case) = desk.case(&one) {
        let failure = one.collection.failure.as_ref();
        let reason = failure.map(|(_, code)| domain::failure::reason(case.scheme, code));
        let moments = desk.coming(&one);
        return Ok(Preview { policy, class: case.class, reason, moments });
    }
    if one.collection.waits_for_more() {
        // Nothing follows until more is owed.
        let class = one.collection.class();
        return Ok(Preview { policy, class, reason: None, moments: Vec::new() });
    }
    let Some(scheme) = desk.scheme(&one) else {
        let message = "nothing has failed, and the customer has no way of paying: set one";
        let customer = one.collection.customer_id;
        let refusal = Refusal::new("NO_PAYMENT_METHOD", message).with("customer_id", customer);
        return Err(Error::Refused(refusal));
    };
    let case = desk.first_case(&one, scheme, one.collection.due_on.max(scope.today()));
    let moments = policy.policy.timeline(&case);
    Ok(Preview { policy, class: case.class, reason: None, moments })
}

/// The policy that an invoice follows, as it is shown.
async fn shown(scope: &mut Scope, desk: &Desk, one: &Collected) -> Result<ShownPolicy, Error> {
    match one.collection.policy_id {
        Some(id) => get(scope, Which::Id(id)).await,
        None => Ok(ShownPolicy {
            id: None,
            name: super::BUILT_IN.to_owned(),
            policy: desk.policy(one).clone(),
            is_default: store::dunning::default_id(&mut scope.tx).await?.is_none(),
        }),
    }
}
