//! Prices on the wire: models with their tiers, minimums and meters.
//!
//! Purpose: a refused number is named by its whole path: `prices[1].graduated.tiers[2].up_to`.
//!
//! Deliberately absent: whether meters and products exist (`app::catalog`).

use app::catalog::NewPrice;
use domain::plan::Price;
use domain::price::{self, PriceModel, Tier};
use rust_decimal::Decimal;

use crate::field::{self, At, Refused};
use crate::pb::google::r#type as google;
use crate::pb::v1;
use crate::pb::v1::price::Model;

/// A price to publish.
pub(crate) fn new(price: v1::Price) -> field::Result<NewPrice> {
    let currency = field::parse(&price.currency).at("currency")?;
    let model = model(price.model)?;
    model.clone().checked(currency).map_err(|refused| {
        let path = format!("{}.{}", name(&model), refused.path());
        Refused::new(refused).below(&path)
    })?;
    let minimum = decimal_if_any(price.minimum).and_then(|minimum| {
        minimum.map(|value| price::minimum(value, currency)).transpose().map_err(Refused::new)
    });
    Ok(NewPrice {
        id: field::parse_filled(&price.id).at("id")?,
        product_id: field::parse(&price.product_id).at("product_id")?,
        component: price.component,
        currency,
        model,
        minimum: minimum.at("minimum")?,
        meter_id: field::parse_filled(&price.meter_id).at("meter_id")?,
        feature_id: field::parse_filled(&price.feature_id).at("feature_id")?,
    })
}

fn decimal_if_any(value: Option<google::Decimal>) -> field::Result<Option<Decimal>> {
    value.map(|value| field::decimal(Some(value))).transpose()
}

fn model(model: Option<Model>) -> field::Result<PriceModel> {
    const EXPECTED: &str = "expected flat, per_unit, graduated, volume, package or percentage";
    match model {
        Some(Model::Flat(flat)) => {
            let amount = field::decimal(flat.amount).at("amount").at("flat")?;
            Ok(PriceModel::Flat { amount })
        }
        Some(Model::PerUnit(per_unit)) => {
            let unit_price = field::decimal(per_unit.unit_price).at("unit_price").at("per_unit")?;
            Ok(PriceModel::PerUnit { unit_price })
        }
        Some(Model::Graduated(graduated)) => {
            let tiers = field::each(graduated.tiers, tier).at("tiers").at("graduated")?;
            Ok(PriceModel::Graduated { tiers })
        }
        Some(Model::Volume(volume)) => {
            let tiers = field::each(volume.tiers, tier).at("tiers").at("volume")?;
            Ok(PriceModel::Volume { tiers })
        }
        Some(Model::Package(bundle)) => package(bundle).at("package"),
        Some(Model::Percentage(percentage)) => {
            let percent = field::decimal(percentage.percent).at("percent").at("percentage")?;
            Ok(PriceModel::Percentage { percent })
        }
        None => Err(Refused::new(EXPECTED)).at("model"),
    }
}

fn package(bundle: v1::PackagePrice) -> field::Result<PriceModel> {
    Ok(PriceModel::Package {
        size: field::decimal(bundle.size).at("size")?,
        unit_price: field::decimal(bundle.unit_price).at("unit_price")?,
        free: decimal_if_any(bundle.free).at("free")?.unwrap_or_default(),
    })
}

fn tier(tier: v1::PriceTier) -> field::Result<Tier> {
    Ok(Tier {
        up_to: decimal_if_any(tier.up_to).at("up_to")?,
        unit_price: field::decimal(tier.unit_price).at("unit_price")?,
        flat_fee: decimal_if_any(tier.flat_fee).at("flat_fee")?.unwrap_or_default(),
        block: decimal_if_any(tier.block).at("block")?,
    })
}

/// The name of a model's field.
fn name(model: &PriceModel) -> &'static str {
    match model {
        PriceModel::Flat { .. } => "flat",
        PriceModel::PerUnit { .. } => "per_unit",
        PriceModel::Graduated { .. } => "graduated",
        PriceModel::Volume { .. } => "volume",
        PriceModel::Package { .. } => "package",
        PriceModel::Percentage { .. } => "percentage",
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
            minimum: price.minimum.map(|minimum| minimum.major().into()),
            meter_id: price.meter_id.map(|id| id.to_string()).unwrap_or_default(),
            feature_id: price.feature_id.map(|id| id.to_string()).unwrap_or_default(),
        }
    }
}

impl From<PriceModel> for Model {
    fn from(model: PriceModel) -> Self {
        let all = |tiers: Vec<Tier>| tiers.into_iter().map(Into::into).collect();
        match model {
            PriceModel::Flat { amount } => {
                Self::Flat(v1::FlatPrice { amount: Some(amount.into()) })
            }
            PriceModel::PerUnit { unit_price } => {
                Self::PerUnit(v1::PerUnitPrice { unit_price: Some(unit_price.into()) })
            }
            PriceModel::Graduated { tiers } => {
                Self::Graduated(v1::GraduatedPrice { tiers: all(tiers) })
            }
            PriceModel::Volume { tiers } => Self::Volume(v1::VolumePrice { tiers: all(tiers) }),
            PriceModel::Package { size, unit_price, free } => Self::Package(v1::PackagePrice {
                size: Some(size.into()),
                unit_price: Some(unit_price.into()),
                free: unless_zero(free),
            }),
            PriceModel::Percentage { percent } => {
                Self::Percentage(v1::PercentagePrice { percent: Some(percent.into()) })
            }
        }
    }
}

impl From<Tier> for v1::PriceTier {
    fn from(tier: Tier) -> Self {
        Self {
            up_to: tier.up_to.map(Into::into),
            unit_price: Some(tier.unit_price.into()),
            flat_fee: unless_zero(tier.flat_fee),
            block: tier.block.map(Into::into),
        }
    }
}

fn unless_zero(value: Decimal) -> Option<google::Decimal> {
    Some(value).filter(|value| !value.is_zero()).map(Into::into)
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
