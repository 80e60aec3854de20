//! Discounts: the calls of `CatalogService` and `SubscriptionService` about them, and their shapes
//! on the wire.
//!
//! Deliberately absent: what they do to documents (the billing run's, see `invoice`).

use app::Ctx;
use app::discount::{self, CreateDiscount, Which};
use domain::discount::{AppliedDiscount, Discount, DiscountOffer, Duration, Reduction, Target};
use futures::FutureExt;
use tonic::Request;

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At, Refused};
use crate::pb::v1;
use crate::wire;

/// CatalogService/CreateDiscount.
pub(crate) async fn create(
    ctx: &Ctx,
    request: Request<v1::CreateDiscountRequest>,
) -> Answer<v1::CreateDiscountResponse> {
    let (call, message) = call::open_once(request)?;
    let command = create_command(message)?;
    call.write(ctx, |scope| {
        async move {
            let offer = discount::create(scope, command).await?;
            Ok(v1::CreateDiscountResponse { discount: Some(offer.into()) })
        }
        .boxed()
    })
    .await
}

/// CatalogService/ListDiscounts.
pub(crate) async fn list(
    ctx: &Ctx,
    request: Request<v1::ListDiscountsRequest>,
) -> Answer<v1::ListDiscountsResponse> {
    let (call, message) = call::open(request)?;
    let page = field::page(message.page_size, message.page_token)?;
    call.read(ctx, |scope| {
        async move {
            let found = discount::list(scope, field::filled(&message.code), &page).await?;
            let discounts = found.rows.into_iter().map(Into::into).collect();
            Ok(v1::ListDiscountsResponse { discounts, next_page_token: found.next })
        }
        .boxed()
    })
    .await
}

/// CatalogService/RetireDiscount.
pub(crate) async fn retire(
    ctx: &Ctx,
    request: Request<v1::RetireDiscountRequest>,
) -> Answer<v1::RetireDiscountResponse> {
    let (call, message) = call::open_once(request)?;
    let id = field::parse(&message.discount_id).at("discount_id")?;
    call.write(ctx, |scope| {
        async move {
            let offer = discount::retire(scope, id).await?;
            Ok(v1::RetireDiscountResponse { discount: Some(offer.into()) })
        }
        .boxed()
    })
    .await
}

/// SubscriptionService/ApplyDiscount.
pub(crate) async fn apply(
    ctx: &Ctx,
    request: Request<v1::ApplyDiscountRequest>,
) -> Answer<v1::ApplyDiscountResponse> {
    let (call, message) = call::open_once(request)?;
    let id = field::parse(&message.subscription_id).at("subscription_id")?;
    let which = which(message.discount)?;
    let from_on = field::day_if_any(message.from_on).at("from_on")?;
    call.write(ctx, |scope| {
        async move {
            let applied = discount::apply(scope, id, which, from_on).await?;
            Ok(v1::ApplyDiscountResponse { subscription_discount: Some(applied.into()) })
        }
        .boxed()
    })
    .await
}

/// SubscriptionService/RemoveDiscount.
pub(crate) async fn remove(
    ctx: &Ctx,
    request: Request<v1::RemoveDiscountRequest>,
) -> Answer<v1::RemoveDiscountResponse> {
    let (call, message) = call::open_once(request)?;
    let id = field::parse(&message.subscription_discount_id).at("subscription_discount_id")?;
    call.write(ctx, |scope| {
        async move {
            let applied = discount::remove(scope, id).await?;
            Ok(v1::RemoveDiscountResponse { subscription_discount: Some(applied.into()) })
        }
        .boxed()
    })
    .await
}

/// SubscriptionService/ListSubscriptionDiscounts.
pub(crate) async fn of_subscription(
    ctx: &Ctx,
    request: Request<v1::ListSubscriptionDiscountsRequest>,
) -> Answer<v1::ListSubscriptionDiscountsResponse> {
    let (call, message) = call::open(request)?;
    let id = field::parse(&message.subscription_id).at("subscription_id")?;
    call.read(ctx, |scope| {
        async move {
            let found = discount::of_subscription(scope, id).await?;
            let subscription_discounts = found.into_iter().map(Into::into).collect();
            Ok(v1::ListSubscriptionDiscountsResponse { subscription_discounts })
        }
        .boxed()
    })
    .await
}

fn which(discount: Option<v1::apply_discount_request::Discount>) -> field::Result<Which> {
    use v1::apply_discount_request::Discount;
    match discount {
        Some(Discount::DiscountId(id)) => field::parse(&id).at("discount_id").map(Which::Id),
        Some(Discount::Code(code)) => Ok(Which::Code(code)),
        None => Err(Refused::new("expected discount_id or code")).at("discount"),
    }
}

fn create_command(message: v1::CreateDiscountRequest) -> field::Result<CreateDiscount> {
    let id = field::parse_filled(&message.discount_id).at("discount_id")?;
    let new = field::required(message.discount).at("discount")?;
    let read = || {
        let duration = duration(new.duration, new.periods)?;
        Ok(CreateDiscount {
            id,
            code: new.code,
            name: new.name,
            discount: Discount { reduction: reduction(new.reduction)?, duration },
            target: Target {
                products: field::each(new.product_ids, |id| field::parse(&id)).at("product_ids")?,
                components: new.components,
            },
            valid_from: field::day_if_any(new.valid_from).at("valid_from")?,
            valid_until: field::day_if_any(new.valid_until).at("valid_until")?,
        })
    };
    read().at("discount")
}

fn reduction(reduction: Option<v1::discount::Reduction>) -> field::Result<Reduction> {
    use v1::discount::Reduction as Wire;
    match reduction {
        Some(Wire::Percent(percent)) => {
            let percent = field::decimal(Some(percent)).at("percent")?;
            Ok(Reduction::Percentage { percent })
        }
        Some(Wire::Amount(amount)) => {
            let amount = field::money(&amount).at("amount")?;
            Ok(Reduction::Fixed { amount })
        }
        None => Err(Refused::new("expected percent or amount")).at("reduction"),
    }
}

fn duration(kind: i32, periods: i32) -> field::Result<Duration> {
    let kind = field::one_of::<v1::DiscountDuration>(kind).at("duration")?;
    let count = field::count(periods).at("periods")?;
    let count = Some(count).filter(|count| *count != 0);
    let refused = || {
        let expected = "expected 1 to 1200 with DISCOUNT_DURATION_PERIODS, otherwise 0";
        Refused::new(format!("{periods} is not possible: {expected}"))
    };
    Duration::from_parts(kind, count).ok_or_else(refused).at("periods")
}

impl From<DiscountOffer> for v1::Discount {
    fn from(offer: DiscountOffer) -> Self {
        let Discount { reduction, duration } = offer.discount;
        let reduction = match reduction {
            Reduction::Percentage { percent } => v1::discount::Reduction::Percent(percent.into()),
            Reduction::Fixed { amount } => v1::discount::Reduction::Amount(amount.into()),
        };
        Self {
            id: offer.id.to_string(),
            code: offer.code,
            name: offer.name,
            reduction: Some(reduction),
            duration: code::<v1::DiscountDuration>(duration.kind()),
            periods: duration.count().map(wire::count).unwrap_or_default(),
            product_ids: offer.target.products.iter().map(ToString::to_string).collect(),
            components: offer.target.components,
            valid_from: offer.valid_from.map(Into::into),
            valid_until: offer.valid_until.map(Into::into),
            retired_on: offer.retired_on.map(Into::into),
        }
    }
}

impl From<AppliedDiscount> for v1::SubscriptionDiscount {
    fn from(applied: AppliedDiscount) -> Self {
        Self {
            id: applied.id.to_string(),
            subscription_id: applied.subscription_id.to_string(),
            from_on: Some(applied.from_on.into()),
            ended_on: applied.ended_on.map(Into::into),
            periods_used: wire::count(applied.used),
            discount: Some(applied.offer.into()),
        }
    }
}
