//! Plans and their versions on the wire: what CatalogService publishes and shows.
//!
//! Deliberately absent: prices ([`crate::price`]); rules over several prices, and whether products exist (`app::catalog`).

use app::catalog::{CreatePlan, Offer, PublishVersion};
use domain::id::PlanVersionId;
use domain::period::Interval;
use domain::plan::PlanVersion;

use crate::enumeration::code;
use crate::field::{self, At, Refused};
use crate::pb::v1;
use crate::{price, wire};

/// The command of CreatePlan.
pub(crate) fn create_command(message: v1::CreatePlanRequest) -> field::Result<CreatePlan> {
    let id = field::parse_filled(&message.plan_id).at("plan_id")?;
    let version = version_command(None, message.version).at("version")?;
    Ok(CreatePlan { id, code: message.code, name: message.name, version })
}

/// The command that publishes a version.
pub(crate) fn version_command(
    id: Option<PlanVersionId>,
    version: Option<v1::PlanVersion>,
) -> field::Result<PublishVersion> {
    let version = field::required(version)?;
    // There is one policy, which is also what an unspecified one means.
    field::one_of_if_any::<v1::CancelPolicy>(version.cancel_policy).at("cancel_policy")?;
    Ok(PublishVersion {
        id,
        valid_from: field::day_if_any(version.valid_from).at("valid_from")?,
        interval: field::required(version.interval).and_then(interval).at("interval")?,
        timing: field::one_of::<v1::BillingTiming>(version.billing_timing).at("billing_timing")?,
        trial_days: field::count(version.trial_days).at("trial_days")?,
        prices: field::each(version.prices, price::new).at("prices")?,
    })
}

fn interval(interval: v1::Interval) -> field::Result<Interval> {
    let unit = field::one_of::<v1::IntervalUnit>(interval.unit).at("unit")?;
    let count = field::count(interval.count).at("count")?;
    Interval::new(count, unit).map_err(Refused::new).at("count")
}

impl From<Offer> for v1::Plan {
    fn from(offer: Offer) -> Self {
        let Offer { plan, versions } = offer;
        Self {
            id: plan.id.to_string(),
            code: plan.code,
            name: plan.name,
            retired_on: plan.retired_on.map(Into::into),
            versions: versions.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PlanVersion> for v1::PlanVersion {
    fn from(version: PlanVersion) -> Self {
        Self {
            id: version.id.to_string(),
            number: version.number,
            valid_from: Some(version.valid_from.into()),
            interval: Some(version.interval.into()),
            billing_timing: code::<v1::BillingTiming>(version.timing),
            trial_days: wire::count(version.trial_days),
            cancel_policy: code::<v1::CancelPolicy>(version.cancel_policy),
            prices: version.prices.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Interval> for v1::Interval {
    fn from(interval: Interval) -> Self {
        let unit = code::<v1::IntervalUnit>(interval.unit());
        Self { count: wire::count(interval.count()), unit }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
