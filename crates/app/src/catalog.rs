//! The catalogue: products, plans and their versions.

use domain::date::Date;
use domain::id::{FeatureId, MeterId, PlanId, PlanVersionId, PriceId, ProductId};
use domain::money::{Currency, Money};
use domain::organization::{self as rules, MAX_NAME};
use domain::period::Interval;
use domain::plan::{
    CancelPolicy, MAX_PAUSE_MONTHS, Plan, PlanVersion, Price, PriceModel, PriceRefused, Product,
    RevenueKind, Timing, check_version,
};
use domain::vat::VatCategory;

use crate::Scope;
use crate::access::id_taken;
use crate::error::{Error, Expect, Field, Refusal};
use crate::organization::optional;
use crate::page::{Page, PageRequest};

/// The longest code or component name, in characters.
pub const MAX_CODE: usize = 50;

/// What makes a product.
#[derive(Debug, Clone)]
pub struct CreateProduct {
    /// Its id; a fresh one when absent.
    pub id: Option<ProductId>,
    /// Name on documents.
    pub name: String,
    /// Decides the VAT rate.
    pub vat_category: VatCategory,
    /// Account of its revenue.
    pub revenue: RevenueKind,
    /// What a unit is called.
    pub unit_label: Option<String>,
}

/// What makes a plan, with its first version.
#[derive(Debug, Clone)]
pub struct CreatePlan {
    /// Its id; a fresh one when absent.
    pub id: Option<PlanId>,
    /// The vendor's own short name, unique.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// The first version.
    pub version: PublishVersion,
}

/// What makes a version.
#[derive(Debug, Clone)]
pub struct PublishVersion {
    /// Its id; a fresh one when absent.
    pub id: Option<PlanVersionId>,
    /// First day on which new subscriptions may start with it; today when absent.
    pub valid_from: Option<Date>,
    /// Length of a period.
    pub interval: Interval,
    /// When a period is billed.
    pub timing: Timing,
    /// Days free of charge.
    pub trial_days: u32,
    /// How its subscriptions end.
    pub cancel_policy: CancelPolicy,
    /// How long a pause may be, in months.
    pub max_pause_months: u32,
    /// Its prices.
    pub prices: Vec<NewPrice>,
}

/// A price to publish.
#[derive(Debug, Clone)]
pub struct NewPrice {
    /// Its id; a fresh one when absent.
    pub id: Option<PriceId>,
    /// What is sold.
    pub product_id: ProductId,
    /// Name of the component within the plan.
    pub component: String,
    /// Its currency.
    pub currency: Currency,
    /// How a quantity becomes an amount.
    pub model: PriceModel,
    /// What a whole period costs at least, in its currency.
    pub minimum: Option<Money>,
    /// What counts its quantity; absent where the quantity is agreed.
    pub meter_id: Option<MeterId>,
    /// The feature that it sells.
    pub feature_id: Option<FeatureId>,
}

/// A plan with all its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The plan.
    pub plan: Plan,
    /// Its versions, oldest first.
    pub versions: Vec<PlanVersion>,
}

/// Makes a product.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::Exists`].
pub async fn create_product(scope: &mut Scope, command: CreateProduct) -> Result<Product, Error> {
    if command.revenue == RevenueKind::Investment {
        let message = "the product of investments is made by itself: expected another kind";
        return Err(Error::invalid("product.revenue_kind", message));
    }
    let product = Product {
        id: command.id.unwrap_or_else(|| ProductId::fresh(scope.now)),
        name: rules::text(&command.name, MAX_NAME).field("product.name")?,
        vat_category: command.vat_category,
        revenue: command.revenue,
        unit_label: optional(command.unit_label, "product.unit_label", |text| {
            rules::text(text, MAX_CODE)
        })?,
    };
    match store::plan::insert_product(&mut scope.tx, &product, scope.now).await {
        Ok(()) => Ok(product),
        Err(store::Error::Exists(_)) => Err(id_taken("product", product.id)),
        Err(other) => Err(other.into()),
    }
}

/// A product.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_product(scope: &mut Scope, id: ProductId) -> Result<Product, Error> {
    let mut found = store::plan::products(&mut scope.tx, &[id]).await?;
    found.pop().ok_or_else(|| Error::not_found("product", id))
}

/// Products by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list_products(scope: &mut Scope, page: &PageRequest) -> Result<Page<Product>, Error> {
    let after = page.after(scope, "products", b"").await?.map(ProductId);
    let rows = store::plan::list_products(&mut scope.tx, after, page.limit() + 1).await?;
    page.finish(scope, "products", b"", rows, |product| product.id.0).await
}

/// Makes a plan with its first version.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::Exists`] with `ID_TAKEN` or `CODE_TAKEN`.
pub async fn create_plan(scope: &mut Scope, command: CreatePlan) -> Result<Offer, Error> {
    let plan = Plan {
        id: command.id.unwrap_or_else(|| PlanId::fresh(scope.now)),
        code: rules::text(&command.code, MAX_CODE).field("code")?,
        name: rules::text(&command.name, MAX_NAME).field("name")?,
        retired_on: None,
    };
    match store::plan::insert(&mut scope.tx, &plan, scope.now).await {
        Ok(()) => {}
        Err(store::Error::Exists(constraint)) if constraint == "plans_code" => {
            let message = format!("another plan has the code {:?}", plan.code);
            return Err(Error::Exists(
                Refusal::new("CODE_TAKEN", message).with("code", &plan.code),
            ));
        }
        Err(store::Error::Exists(_)) => return Err(id_taken("plan", plan.id)),
        Err(other) => return Err(other.into()),
    }
    let version = publish(scope, plan.id, 1, command.version).await?;
    Ok(Offer { plan, versions: vec![version] })
}

/// Publishes the next version of a plan. Subscriptions keep theirs.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `PLAN_RETIRED` or `PLAN_VERSION_NOT_LATER`.
pub async fn publish_version(
    scope: &mut Scope,
    plan_id: PlanId,
    command: PublishVersion,
) -> Result<Offer, Error> {
    let plan = store::plan::lock(&mut scope.tx, plan_id).await.or_missing("plan", plan_id)?;
    if let Some(on) = plan.retired_on {
        return Err(retired(&plan, on));
    }
    let mut versions = store::plan::versions(&mut scope.tx, &[plan_id]).await?;
    let valid_from = command.valid_from.unwrap_or_else(|| scope.today());
    let last = versions.last();
    if let Some(last) = last.filter(|last| valid_from <= last.valid_from) {
        let message = format!(
            "version {} is valid from {}: expected a later day than that, not {valid_from}",
            last.number, last.valid_from
        );
        return Err(Error::Refused(
            Refusal::new("PLAN_VERSION_NOT_LATER", message).with("valid_from", last.valid_from),
        ));
    }
    let number = last.map_or(1, |last| last.number + 1);
    versions.push(publish(scope, plan_id, number, command).await?);
    Ok(Offer { plan, versions })
}

pub(crate) fn retired(plan: &Plan, on: Date) -> Error {
    let message = format!("plan {:?} is retired since {on}", plan.code);
    Error::Refused(
        Refusal::new("PLAN_RETIRED", message).with("plan_id", plan.id).with("retired_on", on),
    )
}

async fn publish(
    scope: &mut Scope,
    plan_id: PlanId,
    number: i32,
    command: PublishVersion,
) -> Result<PlanVersion, Error> {
    let mut prices = Vec::with_capacity(command.prices.len());
    for (at, price) in command.prices.into_iter().enumerate() {
        let component = rules::text(&price.component, MAX_CODE)
            .field(&format!("version.prices[{at}].component"))?;
        prices.push(Price {
            id: price.id.unwrap_or_else(|| PriceId::fresh(scope.now)),
            product_id: price.product_id,
            component,
            currency: price.currency,
            model: price.model,
            minimum: price.minimum,
            meter_id: price.meter_id,
            feature_id: price.feature_id,
        });
    }
    check_version(&prices, command.trial_days)
        .map_err(|(at, refused)| Error::invalid(place(at, &refused), refused))?;
    if command.max_pause_months > MAX_PAUSE_MONTHS {
        let given = command.max_pause_months;
        let message = format!("{given} months are too long: expected 0 to {MAX_PAUSE_MONTHS}");
        return Err(Error::invalid("version.max_pause_months", message));
    }
    check_products(scope, &prices).await?;
    check_meters(scope, &prices).await?;
    crate::feature::sell(scope, &prices).await?;
    let version = PlanVersion {
        id: command.id.unwrap_or_else(|| PlanVersionId::fresh(scope.now)),
        plan_id,
        number,
        valid_from: command.valid_from.unwrap_or_else(|| scope.today()),
        interval: command.interval,
        timing: command.timing,
        trial_days: command.trial_days,
        cancel_policy: command.cancel_policy,
        max_pause_months: command.max_pause_months,
        prices,
    };
    match store::plan::insert_version(&mut scope.tx, &version, scope.now).await {
        Ok(()) => Ok(version),
        Err(store::Error::Exists(_)) => Err(id_taken("plan version or price", version.id)),
        Err(other) => Err(other.into()),
    }
}

/// The field that a check of a version is about.
fn place(at: Option<usize>, refused: &PriceRefused) -> String {
    let prices =
        at.map_or_else(|| "version.prices".to_owned(), |at| format!("version.prices[{at}]"));
    match refused {
        PriceRefused::Trial { .. } => "version.trial_days".to_owned(),
        PriceRefused::Minimum { .. } => format!("{prices}.minimum"),
        PriceRefused::FlatMetered | PriceRefused::MeterMissing => format!("{prices}.meter_id"),
        PriceRefused::Model(refused) => format!("{prices}.{}", refused.path()),
        _ => prices,
    }
}

async fn check_meters(scope: &mut Scope, prices: &[Price]) -> Result<(), Error> {
    let ids: Vec<MeterId> = prices.iter().filter_map(|price| price.meter_id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let known = store::meter::many(&mut scope.tx, &ids).await?;
    let is_unknown = |id: &MeterId| !known.iter().any(|meter| meter.id == *id);
    let unknown = |(at, price): (usize, &Price)| Some((at, price.meter_id.filter(is_unknown)?));
    match prices.iter().enumerate().find_map(unknown) {
        None => Ok(()),
        Some((at, id)) => {
            let message = format!("meter {id} does not exist");
            Err(Error::invalid(format!("version.prices[{at}].meter_id"), message))
        }
    }
}

async fn check_products(scope: &mut Scope, prices: &[Price]) -> Result<(), Error> {
    let ids: Vec<ProductId> = prices.iter().map(|price| price.product_id).collect();
    let known = store::plan::products(&mut scope.tx, &ids).await?;
    for (at, id) in ids.iter().enumerate() {
        let message = match known.iter().find(|product| product.id == *id) {
            None => format!("product {id} does not exist"),
            Some(product) if product.is_investment() => {
                format!("product {id} is that of investments: expected one that is sold")
            }
            Some(_) => continue,
        };
        return Err(Error::invalid(format!("version.prices[{at}].product_id"), message));
    }
    Ok(())
}

/// A plan with its versions.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_plan(scope: &mut Scope, id: PlanId) -> Result<Offer, Error> {
    let plan = store::plan::get(&mut scope.tx, id).await.or_missing("plan", id)?;
    let versions = store::plan::versions(&mut scope.tx, &[id]).await?;
    Ok(Offer { plan, versions })
}

/// Plans by id, with their versions.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list_plans(
    scope: &mut Scope,
    code: Option<&str>,
    page: &PageRequest,
) -> Result<Page<Offer>, Error> {
    let filters = format!("{code:?}");
    let after = page.after(scope, "plans", filters.as_bytes()).await?.map(PlanId);
    let plans = store::plan::list(&mut scope.tx, code, after, page.limit() + 1).await?;
    let ids: Vec<PlanId> = plans.iter().map(|plan| plan.id).collect();
    let versions = store::plan::versions(&mut scope.tx, &ids).await?;
    let offer = |plan: Plan| {
        let own = versions.iter().filter(|version| version.plan_id == plan.id);
        Offer { versions: own.cloned().collect(), plan }
    };
    let offers = plans.into_iter().map(offer).collect();
    page.finish(scope, "plans", filters.as_bytes(), offers, |offer| offer.plan.id.0).await
}

/// Takes a plan out of the offer from today. Subscriptions to it go on. Doing it again changes
/// nothing.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn retire_plan(scope: &mut Scope, id: PlanId) -> Result<Offer, Error> {
    let mut plan = store::plan::lock(&mut scope.tx, id).await.or_missing("plan", id)?;
    if plan.retired_on.is_none() {
        let today = scope.today();
        store::plan::retire(&mut scope.tx, id, today).await?;
        plan.retired_on = Some(today);
    }
    let versions = store::plan::versions(&mut scope.tx, &[id]).await?;
    Ok(Offer { plan, versions })
}
