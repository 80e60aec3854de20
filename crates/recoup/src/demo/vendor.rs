//! The demonstration's vendor: founded with its catalogue, or found again.
//!
//! Invariants: founding is one transaction and the catalogue is another; each is either there or
//! not, so that a demonstration that was interrupted can go on.
//!
//! Deliberately absent: customers (`lives`).

use std::collections::HashMap;
use std::sync::Arc;

use app::access::{CreateApiKey, MAX_LIVE, Secret};
use app::catalog::{CreatePlan, CreateProduct, NewPrice, PublishVersion};
use app::discount::CreateDiscount;
use app::meter::CreateMeter;
use app::organization::{CreateOrganization, Facts};
use app::page::{MAX_SIZE, PageRequest};
use app::{Ctx, Scope};
use domain::date::Date;
use domain::discount::{Discount, Reduction, Target};
use domain::id::{MeterId, OrgId, PlanId, ProductId};
use domain::money::{Currency, Money};
use domain::organization::{Address, OrgKind, Role};
use domain::plan::{CancelPolicy, DEFAULT_PAUSE_MONTHS, PriceModel};
use domain::price::Tier;
use domain::usage::Aggregation;
use rust_decimal::Decimal;

use super::catalogue::{
    CALL_TIERS, Charge, Component, DISCOUNTS, METER, Off, PLANS, PRODUCTS, Plan,
};
use super::sales;
use super::scale::Scale;

/// The currencies that every plan is priced in.
const CURRENCIES: [&str; 2] = ["EUR", "USD"];
/// What investors are credited at least, in cents: less is carried to the next month.
const MINIMUM_PAYOUT: i64 = 2_500;
/// What the keys are called that are shown when the demonstration is started again.
const KEY: &str = "demonstration";

/// The vendor and its offer.
#[derive(Debug)]
pub(super) struct Vendor {
    pub(super) org: OrgId,
    pub(super) offer: Arc<Offer>,
    /// The first key, where it was founded just now.
    pub(super) first_key: Option<Secret>,
}

/// What can be bought.
#[derive(Debug)]
pub(super) struct Offer {
    /// Plans by code.
    plans: HashMap<String, PlanId>,
    /// Products by key.
    products: HashMap<&'static str, ProductId>,
}

impl Offer {
    /// The plan with this code.
    pub(super) fn plan(&self, code: &str) -> Result<PlanId, app::Error> {
        let found = self.plans.get(code).copied();
        found.ok_or_else(|| app::Error::not_found("plan", code))
    }

    /// The product with this key.
    pub(super) fn product(&self, key: &str) -> Result<ProductId, app::Error> {
        let found = self.products.get(key).copied();
        found.ok_or_else(|| app::Error::not_found("product", key))
    }
}

/// Finds the vendor of this scale, or founds it.
pub(super) async fn settle(ctx: &Ctx, scale: &Scale) -> Result<Vendor, app::Error> {
    let org = scale.vendor();
    let first_key = match ctx.scope(org).await {
        Ok(_) => None,
        Err(app::Error::NotFound { .. }) => Some(found(ctx, scale).await?),
        Err(other) => return Err(other),
    };
    let mut scope = ctx.scope(org).await?;
    let mut offer = find_offer(&mut scope).await?;
    if offer.plans.is_empty() {
        make_offer(&mut scope, scale).await?;
        make_discounts(&mut scope).await?;
        offer = find_offer(&mut scope).await?;
    }
    // Those that sell features are made later, and have their ids from the start.
    offer.plans.extend(sales::plans(scale));
    scope.commit().await?;
    Ok(Vendor { org, offer: Arc::new(offer), first_key })
}

async fn found(ctx: &Ctx, scale: &Scale) -> Result<Secret, app::Error> {
    let address = Address {
        lines: vec!["Oudegracht 120".to_owned()],
        postal_code: "3511 AX".to_owned(),
        city: "Utrecht".to_owned(),
        country: "NL".to_owned(),
    };
    let facts = Facts {
        registration_number: Some("12345678".to_owned()),
        vat_number: Some("NL001234567B01".to_owned()),
        iban: Some("NL91 ABNA 0417 1643 00".to_owned()),
        email: Some("administratie@waterlelie.example".to_owned()),
        minimum_payout: Some(Money::new(MINIMUM_PAYOUT, Currency::EUR)),
        ..Facts::named("Waterlelie Software B.V.", address)
    };
    let command = CreateOrganization {
        id: Some(scale.vendor()),
        kind: OrgKind::Sandbox,
        facts,
        default_currency: Some(Currency::EUR),
        time_zone: None,
        clock_starts_on: Some(scale.opens_on()),
    };
    let (_, secret) = app::organization::create(ctx, command).await?;
    Ok(secret)
}

async fn find_offer(scope: &mut Scope) -> Result<Offer, app::Error> {
    let page = PageRequest::new(i32::try_from(MAX_SIZE).unwrap_or(0), "")?;
    let plans = app::catalog::list_plans(scope, None, &page).await?.rows;
    let plans = plans.into_iter().map(|offer| (offer.plan.code, offer.plan.id)).collect();
    let found = app::catalog::list_products(scope, &page).await?.rows;
    let key = |name: &str| PRODUCTS.iter().find(|known| known.name == name).map(|it| it.key);
    let products = found.iter().filter_map(|one| Some((key(&one.name)?, one.id))).collect();
    Ok(Offer { plans, products })
}

async fn make_discounts(scope: &mut Scope) -> Result<(), app::Error> {
    for discount in &DISCOUNTS {
        let reduction = match discount.off {
            Off::Percent(percent) => Reduction::Percentage { percent: decimal(percent)? },
            Off::Euro(amount) => Reduction::Fixed { amount: Money::parse(amount, Currency::EUR)? },
        };
        let command = CreateDiscount {
            id: None,
            code: discount.code.to_owned(),
            name: discount.name.to_owned(),
            discount: Discount { reduction, duration: discount.duration },
            target: Target::default(),
            valid_from: None,
            valid_until: None,
        };
        app::discount::create(scope, command).await?;
    }
    Ok(())
}

async fn make_offer(scope: &mut Scope, scale: &Scale) -> Result<(), app::Error> {
    let mut products = HashMap::new();
    for product in &PRODUCTS {
        let command = CreateProduct {
            id: None,
            name: product.name.to_owned(),
            vat_category: product.vat,
            revenue: product.revenue,
            unit_label: product.unit.map(str::to_owned),
        };
        products.insert(product.key, app::catalog::create_product(scope, command).await?.id);
    }
    let meter = CreateMeter {
        id: None,
        code: METER.to_owned(),
        name: "API-aanroepen".to_owned(),
        aggregation: Aggregation::Sum,
        unit_label: Some("aanroep".to_owned()),
    };
    let meter = app::meter::create(scope, meter).await?.id;
    for plan in &PLANS {
        let of = |components, from| version(plan, components, from, &products, meter);
        let first = of(plan.components, scale.opens_on())?;
        let command = CreatePlan {
            id: None,
            code: plan.code.to_owned(),
            name: plan.name.to_owned(),
            version: first,
        };
        let offer = app::catalog::create_plan(scope, command).await?;
        if let Some(components) = plan.second_year {
            let second = of(components, scale.second_year_on())?;
            app::catalog::publish_version(scope, offer.plan.id, second).await?;
        }
    }
    Ok(())
}

fn version(
    plan: &Plan,
    components: &[Component],
    valid_from: Date,
    products: &HashMap<&str, ProductId>,
    meter: MeterId,
) -> Result<PublishVersion, app::Error> {
    let mut prices = Vec::new();
    for component in components {
        let product_id = products.get(component.product).copied();
        let product_id =
            product_id.ok_or_else(|| app::Error::not_found("product", component.product))?;
        let model = model(&component.charge)?;
        let meter_id = matches!(component.charge, Charge::Calls).then_some(meter);
        for code in CURRENCIES {
            let currency = Currency::from_code(code)?;
            let component = component.name.to_owned();
            prices.push(NewPrice {
                id: None,
                product_id,
                component,
                currency,
                model: model.clone(),
                minimum: None,
                meter_id,
                feature_id: None,
            });
        }
    }
    Ok(PublishVersion {
        id: None,
        valid_from: Some(valid_from),
        interval: plan.interval,
        timing: plan.timing,
        trial_days: plan.trial_days,
        cancel_policy: CancelPolicy::PeriodEnd,
        max_pause_months: DEFAULT_PAUSE_MONTHS,
        prices,
    })
}

fn model(charge: &Charge) -> Result<PriceModel, app::Error> {
    let tier = |(up_to, price): (Option<u32>, &str)| {
        let (up_to, unit_price) = (up_to.map(Decimal::from), decimal(price)?);
        Ok(Tier { up_to, unit_price, flat_fee: Decimal::ZERO, block: None })
    };
    Ok(match charge {
        Charge::Flat(amount) => PriceModel::Flat { amount: decimal(amount)? },
        Charge::PerUnit(price) => PriceModel::PerUnit { unit_price: decimal(price)? },
        Charge::Calls => {
            let tiers: Result<Vec<Tier>, app::Error> = CALL_TIERS.map(tier).into_iter().collect();
            PriceModel::Graduated { tiers: tiers? }
        }
    })
}

fn decimal(text: &str) -> Result<Decimal, app::Error> {
    domain::decimal::parse(text).map_err(|refused| app::Error::invalid("price", refused))
}

/// A fresh key, because secrets are not kept. The one that was shown last goes on working; those
/// before it end.
pub(super) async fn fresh_key(ctx: &Ctx, org: OrgId) -> Result<Secret, app::Error> {
    let wall = ctx.clock.now();
    let mut scope = ctx.scope(org).await?;
    let mut live = store::api_key::named(&mut scope.tx, KEY).await?;
    live.retain(|key| key.is_live(wall));
    live.sort_by_key(|key| key.created_at);
    let ends = (live.len() + 1).saturating_sub(MAX_LIVE);
    for key in live.iter().take(ends) {
        app::access::revoke(&mut scope, wall, key.id).await?;
    }
    let command =
        CreateApiKey { id: None, name: KEY.to_owned(), roles: vec![Role::Admin], expires_at: None };
    let (_, secret) = app::access::create(&mut scope, wall, command).await?;
    scope.commit().await?;
    Ok(secret)
}
