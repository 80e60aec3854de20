//! Discounts: offered, put on subscriptions, taken off.

use domain::date::Date;
use domain::discount::applied::{ApplyRefused, MAX_TARGETS, Onto, RemoveRefused};
use domain::discount::{AppliedDiscount, Discount, DiscountOffer, DiscountRefused, Target};
use domain::id::{AppliedDiscountId, DiscountId, PriceId, ProductId, SubscriptionId};
use domain::organization::{MAX_NAME, text};
use domain::subscription::Subscription;

use crate::Scope;
use crate::access::id_taken;
use crate::catalog::MAX_CODE;
use crate::error::{Error, Expect, Field, Refusal};
use crate::page::{Page, PageRequest};

/// What makes a discount.
#[derive(Debug, Clone)]
pub struct CreateDiscount {
    /// Its id; a fresh one when absent.
    pub id: Option<DiscountId>,
    /// The vendor's own short name, unique.
    pub code: String,
    /// Name on documents.
    pub name: String,
    /// What is taken off, and how long.
    pub discount: Discount,
    /// Which items it is taken off.
    pub target: Target,
    /// First day on which it may be applied; at once when absent.
    pub valid_from: Option<Date>,
    /// First day on which it may no longer be applied; without end when absent.
    pub valid_until: Option<Date>,
}

/// Names a discount.
#[derive(Debug, Clone)]
pub enum Which {
    /// By its id.
    Id(DiscountId),
    /// By its code.
    Code(String),
}

/// Makes a discount.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::Exists`] with `ID_TAKEN` or `CODE_TAKEN`.
pub async fn create(scope: &mut Scope, command: CreateDiscount) -> Result<DiscountOffer, Error> {
    let target = checked_target(scope, command.target).await?;
    let mut offer = DiscountOffer {
        id: command.id.unwrap_or_else(|| DiscountId::fresh(scope.now)),
        code: text(&command.code, MAX_CODE).field("discount.code")?,
        name: text(&command.name, MAX_NAME).field("discount.name")?,
        discount: command.discount,
        target,
        valid_from: command.valid_from,
        valid_until: command.valid_until,
        retired_on: None,
    };
    offer.discount = offer.check_discount().map_err(|refused| {
        let field = match refused {
            DiscountRefused::Periods { .. } => "discount.periods",
            DiscountRefused::Amount { .. } => "discount.amount",
            _ => "discount.percent",
        };
        Error::invalid(field, refused)
    })?;
    offer.check_validity().field("discount.valid_until")?;
    match store::discount::insert(&mut scope.tx, &offer, scope.now).await {
        Ok(()) => Ok(offer),
        Err(store::Error::Exists(constraint)) if constraint == "discounts_code" => {
            let message = format!("another discount has the code {:?}", offer.code);
            Err(Error::Exists(Refusal::new("CODE_TAKEN", message).with("code", &offer.code)))
        }
        Err(store::Error::Exists(_)) => Err(id_taken("discount", offer.id)),
        Err(other) => Err(other.into()),
    }
}

async fn checked_target(scope: &mut Scope, target: Target) -> Result<Target, Error> {
    let Target { mut products, components } = target;
    for (given, field) in
        [(products.len(), "discount.product_ids"), (components.len(), "discount.components")]
    {
        if given > MAX_TARGETS {
            let message = format!("{given} are not possible: at most {MAX_TARGETS}");
            return Err(Error::invalid(field, message));
        }
    }
    let known = store::plan::products(&mut scope.tx, &products).await?;
    let unknown = products.iter().position(|id| !known.iter().any(|product| product.id == *id));
    if let Some(at) = unknown {
        let message = format!("product {} does not exist", products[at]);
        return Err(Error::invalid(format!("discount.product_ids[{at}]"), message));
    }
    let mut checked = Vec::with_capacity(components.len());
    for (at, component) in components.iter().enumerate() {
        checked.push(text(component, MAX_CODE).field(&format!("discount.components[{at}]"))?);
    }
    products.sort_unstable();
    products.dedup();
    checked.sort_unstable();
    checked.dedup();
    Ok(Target { products, components: checked })
}

/// Discounts by id, retired ones too.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    code: Option<&str>,
    page: &PageRequest,
) -> Result<Page<DiscountOffer>, Error> {
    let filters = format!("{code:?}");
    let after = page.after(scope, "discounts", filters.as_bytes()).await?.map(DiscountId);
    let rows = store::discount::list(&mut scope.tx, code, after, page.limit() + 1).await?;
    page.finish(scope, "discounts", filters.as_bytes(), rows, |one| one.id.0).await
}

/// Takes a discount out of the offer from today. Subscriptions that have it keep it. Doing it again
/// changes nothing.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn retire(scope: &mut Scope, id: DiscountId) -> Result<DiscountOffer, Error> {
    let today = scope.today();
    store::discount::retire(&mut scope.tx, id, today).await?;
    offer(scope, Which::Id(id)).await
}

async fn offer(scope: &mut Scope, which: Which) -> Result<DiscountOffer, Error> {
    match which {
        Which::Id(id) => {
            let mut found = store::discount::offers(&mut scope.tx, &[id]).await?;
            found.pop().ok_or_else(|| Error::not_found("discount", id))
        }
        Which::Code(code) => store::discount::by_code(&mut scope.tx, &code)
            .await
            .or_missing("discount", code.chars().take(MAX_CODE).collect::<String>()),
    }
}

/// Puts a discount on a subscription.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for a day in periods that are billed;
/// [`Error::Refused`] with the reason of [`ApplyRefused`].
pub async fn apply(
    scope: &mut Scope,
    id: SubscriptionId,
    which: Which,
    from_on: Option<Date>,
) -> Result<AppliedDiscount, Error> {
    let offer = offer(scope, which).await?;
    let subscription = crate::subscription::lock(scope, id).await?;
    let items = items_of(scope, &subscription).await?;
    let discounts = store::discount::all_of(&mut scope.tx, id).await?;
    let onto = Onto {
        id: AppliedDiscountId::fresh(scope.now),
        subscription_id: id,
        currency: subscription.currency,
        billed_until: subscription.billed_until(),
        ends_on: subscription.ends_on(),
        items: &items,
        discounts: &discounts,
        from_on,
    };
    let applied =
        offer.apply(&onto, scope.today()).map_err(|refused| not_applied(&offer, &refused))?;
    store::discount::insert_applied(&mut scope.tx, &applied, scope.now).await?;
    crate::mrr::record(scope, &[subscription]).await?;
    Ok(applied)
}

/// Products and components of a subscription's items.
async fn items_of(
    scope: &mut Scope,
    subscription: &Subscription,
) -> Result<Vec<(ProductId, String)>, Error> {
    let ids: Vec<PriceId> = subscription.items.iter().map(|item| item.price_id).collect();
    let prices = store::plan::prices(&mut scope.tx, &ids).await?;
    Ok(prices.into_iter().map(|price| (price.product_id, price.component)).collect())
}

fn not_applied(offer: &DiscountOffer, refused: &ApplyRefused) -> Error {
    let reason = match refused {
        ApplyRefused::Billed { .. } => return Error::invalid("from_on", refused),
        ApplyRefused::Retired { .. } => "DISCOUNT_RETIRED",
        ApplyRefused::TooEarly { .. } | ApplyRefused::Expired { .. } => "DISCOUNT_NOT_VALID",
        ApplyRefused::Discount(_) => "DISCOUNT_CURRENCY",
        ApplyRefused::SubscriptionEnded { .. } => "ALREADY_ENDED",
        ApplyRefused::NothingToDiscount { .. } => "DISCOUNT_NOT_APPLICABLE",
        ApplyRefused::Twice { .. } => "DISCOUNT_APPLIED",
        ApplyRefused::UsedUp { .. } => "DISCOUNT_USED_UP",
        ApplyRefused::TooMany { .. } => "TOO_MANY_DISCOUNTS",
    };
    Error::Refused(Refusal::new(reason, refused).with("discount_id", offer.id))
}

/// Takes a discount off its subscription: periods that begin today or later no longer have it.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `DISCOUNT_REMOVED`.
pub async fn remove(scope: &mut Scope, id: AppliedDiscountId) -> Result<AppliedDiscount, Error> {
    let what = "discount on a subscription";
    let found = store::discount::applied(&mut scope.tx, id).await.or_missing(what, id)?;
    let subscription = crate::subscription::lock(scope, found.subscription_id).await?;
    // Again, now that nobody else changes it.
    let mut applied = store::discount::applied(&mut scope.tx, id).await.or_missing(what, id)?;
    let on = applied.remove(scope.today()).map_err(|refused| {
        let RemoveRefused::Already { on } = refused;
        Error::Refused(Refusal::new("DISCOUNT_REMOVED", refused).with("ended_on", on))
    })?;
    store::discount::end(&mut scope.tx, id, on).await?;
    crate::mrr::record(scope, &[subscription]).await?;
    Ok(applied)
}

/// The discounts that a subscription has and had.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn of_subscription(
    scope: &mut Scope,
    id: SubscriptionId,
) -> Result<Vec<AppliedDiscount>, Error> {
    crate::subscription::get(scope, id).await?;
    Ok(store::discount::all_of(&mut scope.tx, id).await?)
}
