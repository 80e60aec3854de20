//! `CollectionService`: the retry queue and attempts, and their shapes on the wire.

use app::Ctx;
use app::collection::queue::{self, AttemptFilter, Collected, Filter, Report};
use domain::payment::attempt::Attempt;
use futures::FutureExt;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::collection_service_server::CollectionService;
use crate::wire;

/// The service.
#[derive(Debug)]
pub(crate) struct Collections {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl CollectionService for Collections {
    async fn list_retries(
        &self,
        request: Request<v1::ListRetriesRequest>,
    ) -> Answer<v1::ListRetriesResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let filter = Filter {
            state: field::one_of_if_any::<v1::CollectionState>(message.state).at("state")?,
            customer_id: field::parse_filled(&message.customer_id).at("customer_id")?,
            class: field::one_of_if_any::<v1::FailureClass>(message.failure_class)
                .at("failure_class")?,
        };
        call.read(&self.ctx, |scope| {
            async move {
                let found = queue::list(scope, filter, &page).await?;
                let collections = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListRetriesResponse { collections, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn retry_now(
        &self,
        request: Request<v1::RetryNowRequest>,
    ) -> Answer<v1::RetryNowResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.invoice_id).at("invoice_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let collection = Some(queue::retry_now(scope, id).await?.into());
                Ok(v1::RetryNowResponse { collection })
            }
            .boxed()
        })
        .await
    }

    async fn hold_retry(
        &self,
        request: Request<v1::HoldRetryRequest>,
    ) -> Answer<v1::HoldRetryResponse> {
        let (call, message) = call::open_once(request)?;
        let caller = call.caller.clone();
        let id = field::parse(&message.invoice_id).at("invoice_id")?;
        let until = field::day_if_any(message.until).at("until")?;
        call.write(&self.ctx, |scope| {
            async move {
                let collection = Some(queue::hold(scope, &caller, id, until).await?.into());
                Ok(v1::HoldRetryResponse { collection })
            }
            .boxed()
        })
        .await
    }

    async fn release_retry(
        &self,
        request: Request<v1::ReleaseRetryRequest>,
    ) -> Answer<v1::ReleaseRetryResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.invoice_id).at("invoice_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let collection = Some(queue::release(scope, id).await?.into());
                Ok(v1::ReleaseRetryResponse { collection })
            }
            .boxed()
        })
        .await
    }

    async fn skip_retry(
        &self,
        request: Request<v1::SkipRetryRequest>,
    ) -> Answer<v1::SkipRetryResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.invoice_id).at("invoice_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let collection = Some(queue::skip(scope, id).await?.into());
                Ok(v1::SkipRetryResponse { collection })
            }
            .boxed()
        })
        .await
    }

    async fn list_attempts(
        &self,
        request: Request<v1::ListAttemptsRequest>,
    ) -> Answer<v1::ListAttemptsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let filter = AttemptFilter {
            invoice_id: field::parse_filled(&message.invoice_id).at("invoice_id")?,
            customer_id: field::parse_filled(&message.customer_id).at("customer_id")?,
            state: field::one_of_if_any::<v1::AttemptState>(message.state).at("state")?,
        };
        call.read(&self.ctx, |scope| {
            async move {
                let found = queue::attempts(scope, filter, &page).await?;
                let attempts = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListAttemptsResponse { attempts, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn report_payment_result(
        &self,
        request: Request<v1::ReportPaymentResultRequest>,
    ) -> Answer<v1::ReportPaymentResultResponse> {
        let (call, message) = call::open_once(request)?;
        let report = Report {
            attempt_id: field::parse(&message.attempt_id).at("attempt_id")?,
            result: field::one_of::<v1::AttemptState>(message.result).at("result")?,
            raw_code: field::text_if_any(message.raw_code),
            on: field::day_if_any(message.on).at("on")?,
            fee: message.fee.as_ref().map(field::money).transpose().at("fee")?,
            reference: field::text_if_any(message.reference),
        };
        call.write(&self.ctx, |scope| {
            async move {
                let attempt = Some(queue::report(scope, report).await?.into());
                Ok(v1::ReportPaymentResultResponse { attempt })
            }
            .boxed()
        })
        .await
    }

    async fn resolve_unknown(
        &self,
        request: Request<v1::ResolveUnknownRequest>,
    ) -> Answer<v1::ResolveUnknownResponse> {
        let (call, message) = call::open_once(request)?;
        let report = Report {
            attempt_id: field::parse(&message.attempt_id).at("attempt_id")?,
            result: field::one_of::<v1::AttemptState>(message.result).at("result")?,
            raw_code: field::text_if_any(message.raw_code),
            on: field::day_if_any(message.on).at("on")?,
            fee: None,
            reference: None,
        };
        call.write(&self.ctx, |scope| {
            async move {
                let attempt = Some(queue::resolve_unknown(scope, report).await?.into());
                Ok(v1::ResolveUnknownResponse { attempt })
            }
            .boxed()
        })
        .await
    }
}

impl From<Collected> for v1::Collection {
    fn from(collected: Collected) -> Self {
        let Collected { collection: one, number, open, worker, .. } = collected;
        let (class, raw_code) = one.failure.unzip();
        let (held_by, held_until) = one.hold.map(|hold| (hold.by, hold.until)).unzip();
        let policy = one.policy_id.map(|id| id.to_string());
        Self {
            invoice_id: one.invoice_id.to_string(),
            invoice_number: number,
            customer_id: one.customer_id.to_string(),
            amount_due: Some(open.into()),
            due_on: Some(one.due_on.into()),
            state: code::<v1::CollectionState>(one.state),
            scheme: one.scheme.map(code::<v1::Scheme>).unwrap_or_default(),
            failure_class: class.map(code::<v1::FailureClass>).unwrap_or_default(),
            raw_code: raw_code.unwrap_or_default(),
            attempts: one.attempts,
            day_zero: one.day_zero.map(Into::into),
            next_time: one.next.map(|next| wire::instant(next.at)),
            next_action: one
                .next
                .map(|next| code::<v1::NextAction>(next.action))
                .unwrap_or_default(),
            why: one.why,
            held_by: held_by.unwrap_or_default(),
            held_until: held_until.flatten().map(Into::into),
            dunning_policy_id: policy.unwrap_or_default(),
            worker: worker.unwrap_or_default(),
        }
    }
}

impl From<Attempt> for v1::Attempt {
    fn from(one: Attempt) -> Self {
        Self {
            attempt_id: one.id.to_string(),
            invoice_id: one.invoice_id.to_string(),
            customer_id: one.customer_id.to_string(),
            number: one.number,
            payment_method_id: one.method_id.to_string(),
            scheme: code::<v1::Scheme>(one.scheme),
            amount: Some(one.amount.into()),
            state: code::<v1::AttemptState>(one.state),
            raw_code: one.raw_code.unwrap_or_default(),
            failure_class: one.class.map(code::<v1::FailureClass>).unwrap_or_default(),
            reference: one.reference.unwrap_or_default(),
            submit_time: Some(wire::instant(one.submitted_at)),
            ask_time: one.ask_at.map(wire::instant),
        }
    }
}
