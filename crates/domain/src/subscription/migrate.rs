//! Moving subscriptions to another version of their plan.
//!
//! Purpose: whether, when and how one subscription is moved by a migration.
//!
//! Invariants: the day is the same whenever the migration gets to the subscription, unless that
//! day has been billed or changed by then. A refusal changes nothing.
//!
//! Deliberately absent: which subscriptions a migration is about (`store`), and its progress.

use super::change::{ChangeRefused, Intent, TermsRefused};
use super::named::Named;
use super::{State, Subscription};
use crate::Outcome;
use crate::code::codes;
use crate::date::Date;
use crate::id::{IntentId, ItemId, MigrationId, PlanId, PlanVersionId, SubscriptionId};
use crate::plan::PlanVersion;

codes! {
    /// How far a migration is.
    MigrationState {
        /// Not every subscription has been looked at.
        Running = "running",
        /// All were looked at.
        Done = "done",
    }
}

codes! {
    /// What became of a subscription.
    MigrationOutcome {
        /// It is on the new version, or will be on its day.
        Migrated = "migrated",
        /// It was to be on the new version anyway.
        Unchanged = "unchanged",
        /// It cannot be.
        Refused = "refused",
    }
}

/// When subscriptions are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationWhen {
    /// Each when the period ends that runs when the migration is made.
    PeriodEnd,
    /// All on a day; those that start later, on their first day.
    On(Date),
}

/// A movement of subscriptions to a version of their plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Identity.
    pub id: MigrationId,
    /// Of which plan.
    pub plan_id: PlanId,
    /// To which of its versions.
    pub version_id: PlanVersionId,
    /// Only from this version; from any other when absent.
    pub from_version_id: Option<PlanVersionId>,
    /// Only this subscription; all of the plan when absent.
    pub subscription_id: Option<SubscriptionId>,
    /// When.
    pub when: MigrationWhen,
    /// The day on which it was made.
    pub made_on: Date,
    /// How far it is.
    pub state: MigrationState,
    /// How many subscriptions it was about when it was made.
    pub expected: u32,
}

/// Why a subscription is not moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MigrateRefused {
    /// It is on another plan by then.
    #[error("the subscription is on another plan on {on}")]
    OtherPlan {
        /// The day.
        on: Date,
    },
    /// The version is not in force on the day.
    #[error("the version is offered from {valid_from}, not yet on {on}")]
    NotInForce {
        /// The day.
        on: Date,
        /// The first day of the version.
        valid_from: Date,
    },
    /// A later change has a plan of its own and would undo this one.
    #[error("a change is planned on {on}, after the migration: revoke it first")]
    LaterChange {
        /// The day of that change.
        on: Date,
    },
    /// The version has no such component: what the customer has would vanish.
    #[error("component {component:?} is not part of version {version}")]
    ComponentGone {
        /// Which.
        component: String,
        /// Number of the version.
        version: i32,
    },
    /// The terms do not fit.
    #[error(transparent)]
    Terms(#[from] TermsRefused),
    /// The subscription cannot be changed.
    #[error(transparent)]
    Change(#[from] ChangeRefused),
}

impl MigrateRefused {
    /// The reason, for programs.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::OtherPlan { .. } => "OTHER_PLAN",
            Self::NotInForce { .. } => "PLAN_NOT_IN_FORCE",
            Self::LaterChange { .. } => "LATER_CHANGE_PLANNED",
            Self::ComponentGone { .. } => "COMPONENT_GONE",
            Self::Terms(TermsRefused::NotPriced { .. }) => "CURRENCY_NOT_PRICED",
            Self::Terms(_) => "ALIGNMENT_NOT_POSSIBLE",
            Self::Change(ChangeRefused::Ended { .. }) => "ALREADY_ENDED",
            Self::Change(ChangeRefused::TooMany) => "TOO_MANY_INTENTS",
            Self::Change(_) => "BEFORE_LAST_INVOICE",
        }
    }
}

impl Subscription {
    /// Moves the subscription to the version of a migration, at once when the day has come, else by
    /// an intent; answers the day. What was to happen by itself until today has happened.
    ///
    /// # Errors
    /// [`MigrateRefused`].
    pub fn migrate(
        &mut self,
        today: Date,
        migration: &Migration,
        version: &PlanVersion,
        intent_id: IntentId,
        item_id: impl FnMut() -> ItemId,
    ) -> Result<(Date, Outcome<()>), MigrateRefused> {
        let on = self.day_of(today, migration);
        self.may_migrate(today, on, version)?;
        let before = self.terms_on(on);
        let terms = self.terms_of_change(version, on, &[], item_id)?;
        if terms.is_like(&before) {
            return Ok((on, Outcome::Unchanged));
        }
        let named = Some(Named::new(true, &[], &terms));
        let migration_id = Some(migration.id);
        self.change(today, Intent { id: intent_id, on, terms, named, migration_id })?;
        Ok((on, Outcome::Applied(())))
    }

    fn day_of(&self, today: Date, migration: &Migration) -> Date {
        let wanted = match migration.when {
            MigrationWhen::On(on) => on,
            MigrationWhen::PeriodEnd => self.current_period(migration.made_on).end,
        };
        wanted.max(self.start_on).max(self.earliest_change(today))
    }

    fn may_migrate(
        &self,
        today: Date,
        on: Date,
        version: &PlanVersion,
    ) -> Result<(), MigrateRefused> {
        let end =
            self.ends_on().filter(|end| self.state == State::Cancelled || *end <= on.max(today));
        if let Some(on) = end {
            return Err(ChangeRefused::Ended { on }.into());
        }
        let before = self.terms_on(on);
        if before.plan_id != version.plan_id {
            return Err(MigrateRefused::OtherPlan { on });
        }
        if on < version.valid_from {
            return Err(MigrateRefused::NotInForce { on, valid_from: version.valid_from });
        }
        if let Some(later) = self.intents.iter().find(|one| one.on > on && one.names_plan()) {
            return Err(MigrateRefused::LaterChange { on: later.on });
        }
        let known = |component: &str| {
            version.prices_in(self.currency).any(|price| price.component == component)
        };
        let gone = before.items.iter().find(|item| !known(&item.component));
        match gone.filter(|_| version.prices_in(self.currency).next().is_some()) {
            Some(item) => Err(MigrateRefused::ComponentGone {
                component: item.component.clone(),
                version: version.number,
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "migrate_tests.rs"]
mod tests;
