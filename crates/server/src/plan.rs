//! Plans, their versions and prices on the wire: what CatalogService publishes and shows.
//!
//! Deliberately absent: rules over several prices, and whether products exist (`app::catalog`).

use app::catalog::{CreatePlan, NewPrice, Offer, PublishVersion};
use domain::id::PlanVersionId;
use domain::period::Interval;
use domain::plan::{PlanVersion, Price, PriceModel};

use crate::enumeration::code;
use crate::field::{self, At, Refused};
use crate::pb::v1;
use crate::pb::v1::price::Model;
use crate::wire;

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
        prices: field::each(version.prices, price).at("prices")?,
    })
}

fn interval(interval: v1::Interval) -> field::Result<Interval> {
    let unit = field::one_of::<v1::IntervalUnit>(interval.unit).at("unit")?;
    let count = field::count(interval.count).at("count")?;
    Interval::new(count, unit).map_err(Refused::new).at("count")
}

fn price(price: v1::Price) -> field::Result<NewPrice> {
    let currency = field::parse(&price.currency).at("currency")?;
    let model = model(price.model)?;
    model.checked(currency).map_err(Refused::new).at(number_of(model))?;
    Ok(NewPrice {
        id: field::parse_filled(&price.id).at("id")?,
        product_id: field::parse(&price.product_id).at("product_id")?,
        component: price.component,
        currency,
        model,
    })
}

fn model(model: Option<Model>) -> field::Result<PriceModel> {
    match model {
        Some(Model::Flat(flat)) => {
            let amount = field::decimal(flat.amount).at("amount").at("flat")?;
            Ok(PriceModel::Flat { amount })
        }
        Some(Model::PerUnit(per_unit)) => {
            let unit_price = field::decimal(per_unit.unit_price).at("unit_price").at("per_unit")?;
            Ok(PriceModel::PerUnit { unit_price })
        }
        None => Err(Refused::new("expected flat or per_unit")).at("model"),
    }
}

/// The path of the number that a model's check is about.
fn number_of(model: PriceModel) -> &'static str {
    match model {
        PriceModel::Flat { .. } => "flat.amount",
        PriceModel::PerUnit { .. } => "per_unit.unit_price",
    }
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

impl From<Price> for v1::Price {
    fn from(price: Price) -> Self {
        Self {
            id: price.id.to_string(),
            product_id: price.product_id.to_string(),
            component: price.component,
            currency: price.currency.code().to_owned(),
            model: Some(price.model.into()),
        }
    }
}

impl From<PriceModel> for Model {
    fn from(model: PriceModel) -> Self {
        match model {
            PriceModel::Flat { amount } => {
                Self::Flat(v1::FlatPrice { amount: Some(amount.into()) })
            }
            PriceModel::PerUnit { unit_price } => {
                Self::PerUnit(v1::PerUnitPrice { unit_price: Some(unit_price.into()) })
            }
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
