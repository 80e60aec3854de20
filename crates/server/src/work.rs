//! `WorkService`: what the workers have to do, did, and could not do.

use app::Ctx;
use app::job::{self, Filter, Job, Queue};
use app::set_aside::{self, SetAside};
use futures::FutureExt;
use prost::Message;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::work_service_server::WorkService;
use crate::wire;

/// The service.
#[derive(Debug)]
pub(crate) struct Work {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl WorkService for Work {
    async fn list_queues(
        &self,
        request: Request<v1::ListQueuesRequest>,
    ) -> Answer<v1::ListQueuesResponse> {
        let (call, _) = call::open(request)?;
        let ctx = self.ctx.clone();
        call.read(&self.ctx, |scope| {
            async move {
                let queues = job::list_queues(&ctx, scope).await?;
                let queues = queues.into_iter().map(Into::into).collect();
                Ok(v1::ListQueuesResponse { queues })
            }
            .boxed()
        })
        .await
    }

    async fn list_jobs(
        &self,
        request: Request<v1::ListJobsRequest>,
    ) -> Answer<v1::ListJobsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let status = field::one_of_if_any::<v1::JobStatus>(message.status).at("status")?;
        let filter = Filter { queue: field::text_if_any(message.queue), status };
        call.read(&self.ctx, |scope| {
            async move {
                let found = job::list(scope, &filter, &page).await?;
                let jobs = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListJobsResponse { jobs, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn requeue_job(
        &self,
        request: Request<v1::RequeueJobRequest>,
    ) -> Answer<v1::RequeueJobResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.job_id).at("job_id")?;
        let ctx = self.ctx.clone();
        call.write(&self.ctx, |scope| {
            async move {
                let job = job::requeue(&ctx, scope, id).await?;
                Ok(v1::RequeueJobResponse { job: Some(job.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn list_set_aside(
        &self,
        request: Request<v1::ListSetAsideRequest>,
    ) -> Answer<v1::ListSetAsideResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        call.read(&self.ctx, |scope| {
            async move {
                let found = set_aside::list(scope, &page).await?;
                let set_aside = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListSetAsideResponse { set_aside, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn retry_set_aside(
        &self,
        request: Request<v1::RetrySetAsideRequest>,
    ) -> Answer<v1::RetrySetAsideResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.set_aside_id).at("set_aside_id")?;
        let org = call.caller.org;
        let work = async {
            let record = set_aside::retry(&self.ctx, org, id).await?;
            let resolved = record.resolved_at.is_some();
            Ok(v1::RetrySetAsideResponse { resolved, set_aside: Some(record.into()) })
        };
        call.steps(&self.ctx, Message::encode_to_vec, work).await
    }
}

impl From<Queue> for v1::Queue {
    fn from(queue: Queue) -> Self {
        Self {
            name: queue.name,
            queued: queue.queued,
            running: queue.running,
            dead: queue.dead,
            oldest_due_time: queue.oldest_due.map(wire::instant),
        }
    }
}

impl From<Job> for v1::Job {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.to_string(),
            queue: job.queue,
            key: job.key.unwrap_or_default(),
            status: code::<v1::JobStatus>(job.status),
            attempts: job.attempts,
            max_attempts: job.max_attempts,
            run_time: Some(wire::instant(job.run_at)),
            last_error: job.last_result.unwrap_or_default(),
            lease_owner: job.lock_owner.unwrap_or_default(),
            lease_expire_time: job.lease_until.map(wire::instant),
            create_time: Some(wire::instant(job.created_at)),
            finish_time: job.finished_at.map(wire::instant),
        }
    }
}

/// What the kinds of set-aside work are called in the records.
fn kind(stored: &str) -> v1::SetAsideKind {
    match stored {
        "billing" => v1::SetAsideKind::Billing,
        // A kind that a newer process has written.
        _ => v1::SetAsideKind::Unspecified,
    }
}

impl From<SetAside> for v1::SetAside {
    fn from(record: SetAside) -> Self {
        Self {
            id: record.id.to_string(),
            kind: kind(&record.kind).into(),
            customer_id: record.customer_id.to_string(),
            currency: record.currency.code().to_owned(),
            reason: record.reason,
            message: record.message,
            first_time: Some(wire::instant(record.first_at)),
            last_time: Some(wire::instant(record.last_at)),
            times: record.times,
        }
    }
}
