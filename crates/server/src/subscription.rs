//! `SubscriptionService`: customers on plans.
//!
//! Deliberately absent: billing (the billing run's, see `invoice`); the stream of usage
//! ([`crate::usage`]).

use app::subscription::{self, CreateSubscription, Filter};
use app::{Ctx, Scope};
use domain::id::SubscriptionId;
use domain::invoice::Party;
use domain::period::Alignment;
use domain::subscription::{Cancellation, Item, Subscription};
use futures::FutureExt;
use rust_decimal::Decimal;
use tonic::{Request, Streaming, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At, Refused};
use crate::intent;
use crate::pb::v1;
use crate::pb::v1::check_entitlement_request::Of;
use crate::pb::v1::subscription_service_server::SubscriptionService;
use crate::{discount, document, renewal, usage};

/// The service.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl SubscriptionService for Subscriptions {
    async fn create_subscription(
        &self,
        request: Request<v1::CreateSubscriptionRequest>,
    ) -> Answer<v1::CreateSubscriptionResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse_filled(&message.subscription_id).at("subscription_id")?;
        let command = terms(id, message.terms).at("terms")?;
        call.write(&self.ctx, |scope| {
            async move {
                let subscription = subscription::create(scope, command).await?;
                let subscription = Some(shown(scope, subscription).await?);
                Ok(v1::CreateSubscriptionResponse { subscription })
            }
            .boxed()
        })
        .await
    }

    async fn preview_subscription(
        &self,
        request: Request<v1::PreviewSubscriptionRequest>,
    ) -> Answer<v1::PreviewSubscriptionResponse> {
        let (call, message) = call::open(request)?;
        let horizon = intent::horizon(message.horizon.map(Into::into))?;
        let command = terms(None, message.terms).at("terms")?;
        call.read(&self.ctx, |scope| {
            async move {
                let customer_id = command.customer_id;
                let (planned, drafts) = subscription::preview(scope, command, horizon).await?;
                let customer = app::customer::get(scope, customer_id).await?;
                let parties = document::Parties {
                    seller: Party::seller(&scope.organization),
                    buyer: Party::buyer(&customer),
                };
                let invoices = drafts.into_iter().map(|draft| document::draft(draft, &parties));
                Ok(v1::PreviewSubscriptionResponse {
                    subscription: Some(without_ids(planned.into())),
                    invoices: invoices.map(document::without_sources).collect(),
                })
            }
            .boxed()
        })
        .await
    }

    async fn get_subscription(
        &self,
        request: Request<v1::GetSubscriptionRequest>,
    ) -> Answer<v1::GetSubscriptionResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.subscription_id).at("subscription_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let subscription = subscription::get(scope, id).await?;
                let subscription = Some(shown(scope, subscription).await?);
                Ok(v1::GetSubscriptionResponse { subscription })
            }
            .boxed()
        })
        .await
    }

    async fn list_subscriptions(
        &self,
        request: Request<v1::ListSubscriptionsRequest>,
    ) -> Answer<v1::ListSubscriptionsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let filter = Filter {
            customer_id: field::parse_filled(&message.customer_id).at("customer_id")?,
            plan_id: field::parse_filled(&message.plan_id).at("plan_id")?,
            state: field::one_of_if_any::<v1::SubscriptionState>(message.state).at("state")?,
        };
        call.read(&self.ctx, |scope| {
            async move {
                let mut found = subscription::list(scope, &filter, &page).await?;
                app::arrears::show(scope, &mut found.rows).await?;
                let subscriptions = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListSubscriptionsResponse { subscriptions, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn cancel_subscription(
        &self,
        request: Request<v1::CancelSubscriptionRequest>,
    ) -> Answer<v1::CancelSubscriptionResponse> {
        let (call, message) = call::open_once(request)?;
        let command = intent::cancel(message)?;
        call.write(&self.ctx, |scope| {
            async move {
                let subscription = subscription::cancel(scope, command).await?;
                let subscription = Some(shown(scope, subscription).await?);
                Ok(v1::CancelSubscriptionResponse { subscription })
            }
            .boxed()
        })
        .await
    }

    async fn change_subscription(
        &self,
        request: Request<v1::ChangeSubscriptionRequest>,
    ) -> Answer<v1::ChangeSubscriptionResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.subscription_id).at("subscription_id")?;
        let command = intent::change(id, message.change).at("change")?;
        call.write(&self.ctx, |scope| {
            async move {
                let subscription = subscription::change(scope, command).await?;
                let intents = intent::intents(&subscription, scope.today());
                let subscription = Some(shown(scope, subscription).await?);
                Ok(v1::ChangeSubscriptionResponse { subscription, intents })
            }
            .boxed()
        })
        .await
    }

    async fn preview_change(
        &self,
        request: Request<v1::PreviewChangeRequest>,
    ) -> Answer<v1::PreviewChangeResponse> {
        let (call, message) = call::open(request)?;
        let horizon = intent::horizon(message.horizon.map(Into::into))?;
        let id = field::parse(&message.subscription_id).at("subscription_id")?;
        let command = intent::change(id, message.change).at("change")?;
        call.read(&self.ctx, |scope| {
            async move {
                let (changed, drafts) =
                    subscription::preview_change(scope, command, horizon).await?;
                let customer = app::customer::get(scope, changed.customer_id).await?;
                let parties = document::Parties {
                    seller: Party::seller(&scope.organization),
                    buyer: Party::buyer(&customer),
                };
                let intents = intent::intents(&changed, scope.today());
                let invoices = drafts.into_iter().map(|draft| document::draft(draft, &parties));
                let subscription = shown(scope, changed).await?;
                Ok(v1::PreviewChangeResponse {
                    subscription: Some(subscription),
                    invoices: invoices.collect(),
                    intents,
                })
            }
            .boxed()
        })
        .await
    }

    async fn list_intents(
        &self,
        request: Request<v1::ListIntentsRequest>,
    ) -> Answer<v1::ListIntentsResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.subscription_id).at("subscription_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let subscription = subscription::get(scope, id).await?;
                let intents = intent::intents(&subscription, scope.today());
                Ok(v1::ListIntentsResponse { intents })
            }
            .boxed()
        })
        .await
    }

    async fn revoke_intent(
        &self,
        request: Request<v1::RevokeIntentRequest>,
    ) -> Answer<v1::RevokeIntentResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.subscription_id).at("subscription_id")?;
        let revoked = field::parse(&message.intent_id).at("intent_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let subscription = subscription::revoke_intent(scope, id, revoked).await?;
                let intents = intent::intents(&subscription, scope.today());
                let subscription = Some(shown(scope, subscription).await?);
                Ok(v1::RevokeIntentResponse { subscription, intents })
            }
            .boxed()
        })
        .await
    }

    async fn pause_subscription(
        &self,
        request: Request<v1::PauseSubscriptionRequest>,
    ) -> Answer<v1::PauseSubscriptionResponse> {
        let (call, message) = call::open_once(request)?;
        let command = intent::pause(message)?;
        call.write(&self.ctx, |scope| {
            async move {
                let subscription = subscription::pause(scope, command).await?;
                let subscription = Some(shown(scope, subscription).await?);
                Ok(v1::PauseSubscriptionResponse { subscription })
            }
            .boxed()
        })
        .await
    }

    async fn resume_subscription(
        &self,
        request: Request<v1::ResumeSubscriptionRequest>,
    ) -> Answer<v1::ResumeSubscriptionResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.subscription_id).at("subscription_id")?;
        let on = field::day_if_any(message.on).at("on")?;
        call.write(&self.ctx, |scope| {
            async move {
                let subscription = subscription::resume(scope, id, on).await?;
                let subscription = Some(shown(scope, subscription).await?);
                Ok(v1::ResumeSubscriptionResponse { subscription })
            }
            .boxed()
        })
        .await
    }

    async fn check_entitlement(
        &self,
        request: Request<v1::CheckEntitlementRequest>,
    ) -> Answer<v1::CheckEntitlementResponse> {
        let (call, message) = call::open(request)?;
        let (id, customer_id) = match field::required(message.of).at("of")? {
            Of::SubscriptionId(id) => (Some(field::parse(&id).at("subscription_id")?), None),
            Of::CustomerId(id) => (None, Some(field::parse(&id).at("customer_id")?)),
        };
        call.read(&self.ctx, |scope| {
            async move {
                let today = scope.today();
                let found = subscription::entitlements(scope, id, customer_id).await?;
                let shown = found.into_iter().map(|(one, of)| intent::entitlement(one, of, today));
                Ok(v1::CheckEntitlementResponse { entitlements: shown.collect() })
            }
            .boxed()
        })
        .await
    }

    async fn undo_cancel(
        &self,
        request: Request<v1::UndoCancelRequest>,
    ) -> Answer<v1::UndoCancelResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.subscription_id).at("subscription_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let subscription = subscription::undo_cancel(scope, id).await?;
                let subscription = Some(shown(scope, subscription).await?);
                Ok(v1::UndoCancelResponse { subscription })
            }
            .boxed()
        })
        .await
    }

    async fn apply_discount(
        &self,
        request: Request<v1::ApplyDiscountRequest>,
    ) -> Answer<v1::ApplyDiscountResponse> {
        discount::apply(&self.ctx, request).await
    }

    async fn remove_discount(
        &self,
        request: Request<v1::RemoveDiscountRequest>,
    ) -> Answer<v1::RemoveDiscountResponse> {
        discount::remove(&self.ctx, request).await
    }

    async fn list_subscription_discounts(
        &self,
        request: Request<v1::ListSubscriptionDiscountsRequest>,
    ) -> Answer<v1::ListSubscriptionDiscountsResponse> {
        discount::of_subscription(&self.ctx, request).await
    }

    type RecordUsageStream = usage::Answers;

    async fn record_usage(
        &self,
        request: Request<Streaming<v1::RecordUsageRequest>>,
    ) -> Answer<Self::RecordUsageStream> {
        usage::record(&self.ctx, request)
    }

    async fn list_upcoming_renewals(
        &self,
        request: Request<v1::ListUpcomingRenewalsRequest>,
    ) -> Answer<v1::ListUpcomingRenewalsResponse> {
        renewal::list_upcoming(&self.ctx, request).await
    }
}

fn terms(
    id: Option<SubscriptionId>,
    terms: Option<v1::SubscriptionTerms>,
) -> field::Result<CreateSubscription> {
    let terms = field::required(terms)?;
    let alignment = field::one_of_if_any::<v1::Alignment>(terms.alignment).at("alignment")?;
    Ok(CreateSubscription {
        id,
        customer_id: field::parse(&terms.customer_id).at("customer_id")?,
        plan_id: field::parse(&terms.plan_id).at("plan_id")?,
        start_on: field::day_if_any(terms.start_on).at("start_on")?,
        alignment: alignment.unwrap_or(Alignment::OwnDay),
        quantities: field::each(terms.quantities, quantity).at("quantities")?,
    })
}

pub(crate) fn quantity(taken: v1::ComponentQuantity) -> field::Result<(String, Decimal)> {
    let quantity = field::decimal(taken.quantity)
        .and_then(|quantity| domain::plan::quantity(quantity).map_err(Refused::new))
        .at("quantity")?;
    Ok((taken.component, quantity))
}

/// A subscription as it stands with what its customer owes.
async fn shown(
    scope: &mut Scope,
    subscription: Subscription,
) -> Result<v1::Subscription, app::Error> {
    let mut one = [subscription];
    app::arrears::show(scope, &mut one).await?;
    let [subscription] = one;
    Ok(subscription.into())
}

/// A preview has no ids of its own: the next call would make others.
fn without_ids(mut subscription: v1::Subscription) -> v1::Subscription {
    subscription.id.clear();
    for item in &mut subscription.items {
        item.id.clear();
    }
    subscription
}

impl From<Subscription> for v1::Subscription {
    fn from(subscription: Subscription) -> Self {
        let next_billing_on = subscription.next_billing_on().map(Into::into);
        let billed_until = Some(subscription.billed_until().into());
        Self {
            id: subscription.id.to_string(),
            customer_id: subscription.customer_id.to_string(),
            plan_id: subscription.plan_id.to_string(),
            plan_version_id: subscription.version_id.to_string(),
            state: code::<v1::SubscriptionState>(subscription.state),
            currency: subscription.currency.code().to_owned(),
            start_on: Some(subscription.start_on.into()),
            anchor_on: Some(subscription.grid.anchor_on.into()),
            alignment: code::<v1::Alignment>(subscription.alignment),
            interval: Some(subscription.grid.interval.into()),
            billing_timing: code::<v1::BillingTiming>(subscription.grid.timing),
            trial_ends_on: subscription.trial_ends_on.map(Into::into),
            items: subscription.items.into_iter().map(Into::into).collect(),
            next_billing_on,
            billed_until,
            cancellation: subscription.cancellation.map(Into::into),
            suspended_from: subscription.suspension.map(|open| open.from_on.into()),
            pauses: subscription.pauses.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Item> for v1::SubscriptionItem {
    fn from(item: Item) -> Self {
        Self {
            id: item.id.to_string(),
            component: item.component,
            price_id: item.price_id.to_string(),
            quantity: Some(item.quantity.into()),
            from: Some(item.from_on.into()),
            until: item.until_on.map(Into::into),
            billed_until: Some(item.billed_until.into()),
        }
    }
}

impl From<Cancellation> for v1::Cancellation {
    fn from(cancellation: Cancellation) -> Self {
        Self {
            ends_on: Some(cancellation.ends_on.into()),
            reason: code::<v1::CancelReason>(cancellation.reason),
            note: cancellation.note.unwrap_or_default(),
            credit: cancellation.credit,
        }
    }
}

#[cfg(test)]
#[path = "subscription_tests.rs"]
mod tests;
