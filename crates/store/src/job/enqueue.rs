//! New jobs, and the call that wakes the workers for them.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{
    Array, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::id::{JobId, OrgId};
use uuid::Uuid;

use super::listen::CHANNEL;
use crate::{Result, Tx};

/// A job to write.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Identity.
    pub id: JobId,
    /// Name of its queue.
    pub queue: String,
    /// The organization that the arguments name, for listing.
    pub org: Option<OrgId>,
    /// What the worker is given.
    pub args: serde_json::Value,
    /// Unique in the queue; nothing: may be there many times.
    pub key: Option<String>,
    /// Whether the key is free again when the job has ended.
    pub release_key: bool,
    /// Higher goes first.
    pub priority: i32,
    /// Attempts after which it is given up, at least 1.
    pub max_attempts: i32,
    /// When it is due, by the wall clock.
    pub run_at: DateTime<Utc>,
    /// When it was made, by the wall clock.
    pub created_at: DateTime<Utc>,
}

/// One column per array, so that the statement is the same for any number of jobs.
#[derive(Default)]
struct Insert {
    ids: Vec<Uuid>,
    queues: Vec<String>,
    orgs: Vec<Option<Uuid>>,
    args: Vec<serde_json::Value>,
    keys: Vec<Option<String>>,
    release_keys: Vec<bool>,
    priorities: Vec<i32>,
    max_attempts: Vec<i32>,
    run_at: Vec<DateTime<Utc>>,
    created_at: Vec<DateTime<Utc>>,
}

impl QueryId for Insert {
    type QueryId = Self;
}

impl Query for Insert {
    type SqlType = SqlUuid;
}

impl QueryFragment<Pg> for Insert {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO jobs (id, queue, org_id, args, key, release_key, priority, max_attempts, \
             run_at, created_at, status, attempts) SELECT j.*, 'queued', 0 FROM unnest(",
        );
        out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.queues)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<SqlUuid>>, _>(&self.orgs)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Jsonb>, _>(&self.args)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.keys)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Bool>, _>(&self.release_keys)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&self.priorities)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&self.max_attempts)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Timestamptz>, _>(&self.run_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Timestamptz>, _>(&self.created_at)?;
        out.push_sql(") AS j ON CONFLICT DO NOTHING RETURNING id");
        Ok(())
    }
}

/// Writes jobs, in a transaction of an organization or of none; answers the ids of those that were
/// not there yet. A key that is taken is skipped and harms nothing; one that another open
/// transaction is about to take is waited for.
///
/// # Errors
/// [`crate::Error::Contention`] when that other transaction takes too long.
pub async fn enqueue(tx: &mut Tx, jobs: &[NewJob]) -> Result<Vec<JobId>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    // In one order everywhere, so that two that write the same keys do not wait for each other.
    let mut ordered: Vec<&NewJob> = jobs.iter().collect();
    ordered.sort_by(|a, b| (&a.queue, &a.key).cmp(&(&b.queue, &b.key)));
    let mut insert = Insert::default();
    for job in ordered {
        insert.ids.push(job.id.0);
        insert.queues.push(job.queue.clone());
        insert.orgs.push(job.org.map(|org| org.0));
        insert.args.push(job.args.clone());
        insert.keys.push(job.key.clone());
        insert.release_keys.push(job.release_key);
        insert.priorities.push(job.priority);
        insert.max_attempts.push(job.max_attempts);
        insert.run_at.push(job.run_at);
        insert.created_at.push(job.created_at);
    }
    Ok(insert.load(tx.connection()).await?)
}

diesel::define_sql_function! {
    // It answers nothing, and nobody reads the answer.
    fn pg_notify(channel: Text, payload: Text) -> Text;
}

/// Wakes the workers that listen for a queue, when the transaction is committed.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn notify(tx: &mut Tx, queue: &str) -> Result<()> {
    diesel::select(pg_notify(CHANNEL, queue)).execute(tx.connection()).await?;
    Ok(())
}
