//! `SubscriptionService.ListUpcomingRenewals`: what begins in the time to come.

use app::Ctx;
use app::renewal::{self, Planned};
use app::subscription::Filter;
use futures::FutureExt;
use tonic::Request;

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;

/// The whole call.
pub(crate) async fn list_upcoming(
    ctx: &Ctx,
    request: Request<v1::ListUpcomingRenewalsRequest>,
) -> Answer<v1::ListUpcomingRenewalsResponse> {
    let (call, message) = call::open(request)?;
    let page = field::page(message.page_size, message.page_token)?;
    let until = field::required(message.until).and_then(field::day).at("until")?;
    let filter = Filter {
        customer_id: field::parse_filled(&message.customer_id).at("customer_id")?,
        plan_id: field::parse_filled(&message.plan_id).at("plan_id")?,
        ..Filter::default()
    };
    call.read(ctx, |scope| {
        async move {
            let found = renewal::list(scope, &filter, until, &page).await?;
            let renewals = found.rows.into_iter().map(Into::into).collect();
            Ok(v1::ListUpcomingRenewalsResponse { renewals, next_page_token: found.next })
        }
        .boxed()
    })
    .await
}

impl From<Planned> for v1::UpcomingRenewal {
    fn from(planned: Planned) -> Self {
        let Planned { upcoming, subscription, items } = planned;
        Self {
            date: Some(upcoming.on.into()),
            kind: code::<v1::RenewalKind>(upcoming.kind),
            subscription_id: subscription.id.to_string(),
            customer_id: subscription.customer_id.to_string(),
            plan_id: subscription.plan_id.to_string(),
            plan_version_id: subscription.version_id.to_string(),
            items: items.into_iter().map(Into::into).collect(),
        }
    }
}
