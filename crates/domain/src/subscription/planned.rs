//! What is to happen to a subscription: one list of changes, pauses, resumptions and the end.

use super::{Subscription, Terms};
use crate::date::Date;
use crate::id::{IntentId, MigrationId};

/// Something to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Of the change or pause; an end has none.
    pub id: Option<IntentId>,
    /// When.
    pub on: Date,
    /// What.
    pub what: PlannedKind,
}

/// What is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedKind {
    /// Other terms.
    Change {
        /// Which.
        terms: Terms,
        /// The migration that brought it.
        migration_id: Option<MigrationId>,
    },
    /// A pause begins.
    Pause,
    /// A pause ends.
    Resume,
    /// The subscription ends.
    Cancel,
}

impl Subscription {
    /// What is to happen after a day, soonest first; nothing that the end comes before.
    #[must_use]
    pub fn planned(&self, today: Date) -> Vec<Planned> {
        let changes = self.intents.iter().map(|intent| {
            let (terms, migration_id) = (intent.terms.clone(), intent.migration_id);
            let what = PlannedKind::Change { terms, migration_id };
            Planned { id: Some(intent.id), on: intent.on, what }
        });
        let pauses = self.pauses.iter().flat_map(|pause| {
            let id = Some(pause.id);
            [(pause.from_on, PlannedKind::Pause), (pause.until_on, PlannedKind::Resume)]
                .map(|(on, what)| Planned { id, on, what })
        });
        let end = self.ends_on();
        let mut planned: Vec<Planned> = changes
            .chain(pauses)
            .filter(|one| end.is_none_or(|end| one.on < end))
            .chain(end.map(|on| Planned { id: None, on, what: PlannedKind::Cancel }))
            .filter(|one| one.on > today)
            .collect();
        planned.sort_by_key(|one| one.on);
        planned
    }
}
