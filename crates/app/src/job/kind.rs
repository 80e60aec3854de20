//! The kinds of jobs: their queues and their arguments.
//!
//! Invariants: one queue per kind; the arguments are an organization and a task or a date, nothing
//! that could be out of date.

use domain::date::Date;
use domain::id::OrgId;
use serde::{Deserialize, Serialize};

use super::{NewJob, Unique};
use crate::day::Task;
use crate::error::Error;

/// Every queue, so that metrics and lists also show the empty ones.
pub const QUEUES: [&str; 8] = [
    Task::Migrate.name(),
    Task::Turn.name(),
    Task::Bill.name(),
    Task::Collect.name(),
    Task::Recognize.name(),
    Task::Credit.name(),
    VerifyLedger::QUEUE,
    Prune::QUEUE,
];

/// Run a task of the day for an organization. Its queue has the task's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTask {
    /// For which organization.
    pub org: OrgId,
    /// Which task.
    #[serde(with = "by_name")]
    pub task: Task,
}

impl RunTask {
    /// The job, one at a time per organization and task.
    pub(super) fn job(self) -> Result<NewJob, Error> {
        let key = format!("{}:{}", self.task.name(), self.org);
        let job = NewJob::new(self.task.name(), &self)?;
        Ok(job.of(self.org).unique(Unique::WhileLive(key)))
    }
}

/// Verify an organization's ledger, once per local day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyLedger {
    /// Of which organization.
    pub org: OrgId,
    /// On which local day.
    pub on: Date,
}

impl VerifyLedger {
    /// Its queue.
    pub const QUEUE: &'static str = "verify_ledger";

    pub(super) fn job(self) -> Result<NewJob, Error> {
        let key = format!("{}:{}:{}", Self::QUEUE, self.org, self.on);
        Ok(NewJob::new(Self::QUEUE, &self)?.of(self.org).unique(Unique::Ever(key)))
    }
}

/// Forget what ended long ago, once per day of the world clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prune {
    /// On which day.
    pub on: Date,
}

impl Prune {
    /// Its queue.
    pub const QUEUE: &'static str = "prune";

    pub(super) fn job(self) -> Result<NewJob, Error> {
        let key = format!("{}:{}", Self::QUEUE, self.on);
        Ok(NewJob::new(Self::QUEUE, &self)?.unique(Unique::Ever(key)))
    }
}

/// A task as its name.
mod by_name {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::day::Task;

    pub(super) fn serialize<S: Serializer>(task: &Task, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(task.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Task, D::Error> {
        let name = String::deserialize(input)?;
        let known = Task::ALL.into_iter().find(|task| task.name() == name);
        known.ok_or_else(|| serde::de::Error::custom(format!("{name:?} is not a task of the day")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_back_as_they_were_written() {
        let org = OrgId(uuid::Uuid::max());
        for task in Task::ALL {
            let written = serde_json::to_value(RunTask { org, task }).unwrap();
            assert_eq!(written["task"], task.name());
            assert_eq!(serde_json::from_value::<RunTask>(written).unwrap().task, task);
        }
        let unknown = serde_json::json!({ "org": org, "task": "sleep" });
        let refused = serde_json::from_value::<RunTask>(unknown).unwrap_err();
        assert_eq!(refused.to_string(), "\"sleep\" is not a task of the day");
    }
}
