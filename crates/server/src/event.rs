//! `EventService`: what happened, by page or as it comes.
//!
//! Purpose: a watch is a stream that reads when its caller has taken what came before, so a slow
//! caller costs nothing. It ends as calls end: by its deadline, at the stop, or with an outage.
//!
//! Deliberately absent: the order and what wakes a watch (`app::event`).

use std::time::Duration;

use app::Ctx;
use app::event::{self, Batch, Begin, Filter, Numbered, Watch};
use domain::event::{
    CollectionFacts, DocumentFacts, InvestmentFacts, ItemFacts, PayoutFacts, RefundFacts, Subject,
    SubscriptionFacts,
};
use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt};
use tonic::{Request, Response, Status, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At, Refused};
use crate::layer::trace;
use crate::pb::v1;
use crate::pb::v1::event::Subject as Told;
use crate::pb::v1::event_service_server::EventService;
use crate::status::status;
use crate::wire;

/// The most kinds of a filter: more than there are.
const MOST_KINDS: usize = 50;

/// The service.
#[derive(Debug)]
pub(crate) struct Events {
    /// The outside world.
    pub(crate) ctx: Ctx,
    /// The longest silence of a watch.
    pub(crate) heartbeat: Duration,
}

#[async_trait]
impl EventService for Events {
    async fn list_events(
        &self,
        request: Request<v1::ListEventsRequest>,
    ) -> Answer<v1::ListEventsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let filter = filter(message.filter).at("filter")?;
        call.read(&self.ctx, |scope| {
            async move {
                let Batch { events, cursor, is_last, .. } =
                    event::list(scope, &filter, &page).await?;
                let next_page_token = if is_last { String::new() } else { cursor.clone() };
                let events = events.into_iter().map(Into::into).collect();
                Ok(v1::ListEventsResponse { events, next_page_token, cursor })
            }
            .boxed()
        })
        .await
    }

    type WatchEventsStream = BoxStream<'static, Result<v1::WatchEventsResponse, Status>>;

    async fn watch_events(
        &self,
        request: Request<v1::WatchEventsRequest>,
    ) -> Answer<Self::WatchEventsStream> {
        let (call, message) = call::open(request)?;
        let filter = filter(message.filter).at("filter")?;
        let begin = begin(message.cursor, message.from_now)?;
        let (ctx, heartbeat) = (self.ctx.clone(), self.heartbeat);
        let watch = call
            .read(&self.ctx, |scope| {
                async move { Watch::begin(&ctx, scope, begin, filter, heartbeat).await }.boxed()
            })
            .await?;
        Ok(Response::new(streamed(watch.into_inner())))
    }
}

fn filter(filter: Option<v1::EventFilter>) -> field::Result<Filter> {
    let filter = filter.unwrap_or_default();
    if filter.kinds.len() > MOST_KINDS {
        let message = format!("{} kinds: expected at most {MOST_KINDS}", filter.kinds.len());
        return Err(Refused::new(message)).at("kinds");
    }
    Ok(Filter {
        kinds: field::each(filter.kinds, field::one_of::<v1::EventKind>).at("kinds")?,
        customer_id: field::parse_filled(&filter.customer_id).at("customer_id")?,
        subscription_id: field::parse_filled(&filter.subscription_id).at("subscription_id")?,
    })
}

fn begin(cursor: String, from_now: bool) -> field::Result<Begin> {
    match (cursor.is_empty(), from_now) {
        (_, false) => Ok(Begin::After(cursor)),
        (true, true) => Ok(Begin::Now),
        (false, true) => {
            Err(Refused::new("begins after a cursor or from now, not both")).at("from_now")
        }
    }
}

/// What a watch answers, until it fails.
fn streamed(watch: Watch) -> BoxStream<'static, Result<v1::WatchEventsResponse, Status>> {
    let answers = stream::unfold(Some(watch), |watch| async {
        let mut watch = watch?;
        match watch.next().await {
            Ok(batch) => Some((Ok(batch.into()), Some(watch))),
            Err(error) => {
                let status = status(error);
                trace::log_failure(&status);
                Some((Err(status), None))
            }
        }
    });
    answers.boxed()
}

impl From<Batch> for v1::WatchEventsResponse {
    fn from(batch: Batch) -> Self {
        let events = batch.events.into_iter().map(Into::into).collect();
        Self { events, cursor: batch.cursor }
    }
}

impl From<Numbered> for v1::Event {
    fn from(numbered: Numbered) -> Self {
        let Numbered { cursor, event } = numbered;
        Self {
            id: event.id.to_string(),
            kind: code::<v1::EventKind>(event.kind),
            occur_time: Some(wire::instant(event.occurred_at)),
            effective_on: Some(event.effective_on.into()),
            customer_id: event.customer_id.to_string(),
            cursor,
            subject: Some(match event.subject {
                Subject::Subscription(facts) => Told::Subscription(facts.into()),
                Subject::Document(facts) => Told::Document(facts.into()),
                Subject::Collection(facts) => Told::Collection((*facts).into()),
                Subject::Investment(facts) => Told::Investment(facts.into()),
                Subject::Payout(facts) => Told::Payout(facts.into()),
                Subject::Refund(facts) => Told::Refund(facts.into()),
            }),
        }
    }
}

impl From<SubscriptionFacts> for v1::SubscriptionFacts {
    fn from(facts: SubscriptionFacts) -> Self {
        Self {
            subscription_id: facts.id.to_string(),
            plan_id: facts.plan_id.to_string(),
            plan_version_id: facts.version_id.to_string(),
            state: code::<v1::SubscriptionState>(facts.state),
            currency: facts.currency.code().to_owned(),
            items: facts.items.into_iter().map(Into::into).collect(),
            next_renewal_on: facts.next_renewal_on.map(Into::into),
            ends_on: facts.ends_on.map(Into::into),
        }
    }
}

impl From<ItemFacts> for v1::DeliveredItem {
    fn from(item: ItemFacts) -> Self {
        Self {
            product_id: item.product_id.to_string(),
            component: item.component,
            quantity: Some(item.quantity.into()),
        }
    }
}

impl From<DocumentFacts> for v1::DocumentFacts {
    fn from(facts: DocumentFacts) -> Self {
        Self {
            invoice_id: facts.id.to_string(),
            number: facts.number,
            kind: code::<v1::InvoiceKind>(facts.kind),
            issue_on: Some(facts.issue_on.into()),
            due_on: Some(facts.due_on.into()),
            gross: Some(facts.total.into()),
            amount_due: Some(facts.open.into()),
        }
    }
}

impl From<CollectionFacts> for v1::CollectionFacts {
    fn from(facts: CollectionFacts) -> Self {
        let message = facts.message.map(|message| v1::CustomerMessage {
            language: code::<v1::Language>(message.language),
            subject: message.subject,
            body: message.body,
        });
        let one_off = facts.one_off.map(|one| v1::OneOffFacts {
            reference: one.reference,
            amount: Some(one.amount.into()),
        });
        Self {
            document: Some(facts.document.into()),
            scheme: facts.scheme.map(code::<v1::Scheme>).unwrap_or_default(),
            failure_class: facts.class.map(code::<v1::FailureClass>).unwrap_or_default(),
            raw_code: facts.raw_code.unwrap_or_default(),
            attempt: facts.attempt,
            next_on: facts.next_on.map(Into::into),
            step: facts.step.map(code::<v1::DunningAction>).unwrap_or_default(),
            one_off,
            message,
        }
    }
}

impl From<InvestmentFacts> for v1::InvestmentFacts {
    fn from(facts: InvestmentFacts) -> Self {
        Self {
            investment_id: facts.id.to_string(),
            feature_id: facts.feature_id.to_string(),
            state: code::<v1::InvestmentState>(facts.state),
            principal: Some(facts.principal.into()),
            cap: Some(facts.cap.into()),
            credited: Some(facts.credited.into()),
            share_percent: Some(facts.share_percent.into()),
        }
    }
}

impl From<RefundFacts> for v1::RefundFacts {
    fn from(facts: RefundFacts) -> Self {
        Self {
            refund_id: facts.id.to_string(),
            payment_id: facts.of_payment_id.map(|id| id.to_string()).unwrap_or_default(),
            amount: Some(facts.amount.into()),
            raw_code: facts.raw_code.unwrap_or_default(),
            reference: facts.reference.unwrap_or_default(),
        }
    }
}

impl From<PayoutFacts> for v1::PayoutFacts {
    fn from(facts: PayoutFacts) -> Self {
        Self {
            self_bill_id: facts.self_bill_id.to_string(),
            kind: code::<v1::SelfBillKind>(facts.kind),
            number: facts.number.unwrap_or_default(),
            month: Some(facts.month.into()),
            issue_on: Some(facts.issue_on.into()),
            gross: Some(facts.total.into()),
            payout_id: facts.payout_id.map(|id| id.to_string()).unwrap_or_default(),
            state: facts.state.map(code::<v1::PayoutState>).unwrap_or_default(),
        }
    }
}
