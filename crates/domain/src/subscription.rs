//! Subscriptions: what a customer pays for, in which periods, until when.
//!
//! Purpose: from a plan version to a subscription; what is due next; the state on a day, and what
//! happens by itself when days pass.
//!
//! Invariants: items have the days in which they are delivered; which days were charged stands on
//! the items, so that charged days never overlap (`item`). The stored state is what
//! [`Subscription::state_on`] says for the day of the last turn.
//!
//! Deliberately absent: amounts, discounts, usage; what a payment that fails leads to, apart from
//! taking delivery away and giving it back (`suspend`).

mod cancel;
mod change;
mod item;
mod migrate;
mod named;
mod pause;
mod planned;
mod suspend;

use rust_decimal::Decimal;

pub use self::cancel::{CancelReason, CancelRefused, CancelWhen, Cancellation};
pub use self::change::{ChangeRefused, Intent, MAX_INTENTS, PlannedItem, Terms, TermsRefused};
pub use self::item::{Direction, Due, Grid, Item};
pub use self::migrate::{
    MigrateRefused, Migration, MigrationOutcome, MigrationState, MigrationWhen,
};
pub use self::named::{Named, NamedQuantity};
pub use self::pause::{NewPause, Pause, PauseKind, PauseRefused};
pub use self::planned::{Planned, PlannedKind};
pub use self::suspend::Suspension;
use crate::code::codes;
use crate::date::{self, Date};
use crate::id::{CustomerId, ItemId, PlanId, PlanVersionId, SubscriptionId};
use crate::money::Currency;
use crate::period::{Alignment, Period};
use crate::plan::PlanVersion;

/// The most dues that are looked ahead: some thirty years of months, and bounds the work.
pub const MAX_DUES: usize = 400;

codes! {
    /// Where a subscription stands.
    State {
        /// Starts in the future.
        Pending = "pending",
        /// Runs, free of charge.
        Trialing = "trialing",
        /// Runs.
        Active = "active",
        /// Stands still for a time, at the customer's wish.
        Paused = "paused",
        /// Runs, and its customer's money is missing: what is shown, never kept.
        PastDue = "past_due",
        /// Stands still because its customer's money is missing.
        Suspended = "suspended",
        /// Has ended.
        Cancelled = "cancelled",
    }
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Identity.
    pub id: SubscriptionId,
    /// Who pays.
    pub customer_id: CustomerId,
    /// The plan.
    pub plan_id: PlanId,
    /// The version it is pinned to.
    pub version_id: PlanVersionId,
    /// Where it stands.
    pub state: State,
    /// Currency of its prices.
    pub currency: Currency,
    /// First day of delivery.
    pub start_on: Date,
    /// First day after the trial; absent without a trial.
    pub trial_ends_on: Option<Date>,
    /// Where the boundaries come from.
    pub alignment: Alignment,
    /// The billing periods of the terms in force.
    pub grid: Grid,
    /// What happens by itself has happened up to and including this day.
    pub turned_on: Date,
    /// The latest billing date that was billed.
    pub billed_on: Option<Date>,
    /// How many changes, pauses and resumptions there were.
    pub changes: i32,
    /// A planned or past end.
    pub cancellation: Option<Cancellation>,
    /// What is and was paid for, oldest first.
    pub items: Vec<Item>,
    /// Days that are not delivered, oldest first; past ones too, and those of suspensions that are
    /// over.
    pub pauses: Vec<Pause>,
    /// A suspension that was not lifted: it lasts, or lasted until the end.
    pub suspension: Option<Suspension>,
    /// Changes to come, the next one first.
    pub intents: Vec<Intent>,
}

/// What starts a subscription.
#[derive(Debug, Clone)]
pub struct Start {
    /// Identity of the new subscription.
    pub id: SubscriptionId,
    /// Who pays.
    pub customer_id: CustomerId,
    /// Currency in which the prices are taken.
    pub currency: Currency,
    /// First day of delivery.
    pub start_on: Date,
    /// Own day or calendar.
    pub alignment: Alignment,
    /// Quantity per component; components left out have quantity 1.
    pub quantities: Vec<(String, Decimal)>,
}

/// Something that happened by itself when a day came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Delivery began.
    Started,
    /// The trial ended; the first paid period begins.
    Converted,
    /// An intent took effect.
    Changed,
    /// A pause began.
    Paused,
    /// A pause ended.
    Resumed,
    /// It ended.
    Ended,
}

impl Subscription {
    /// A new subscription to a version. `item_id` makes the ids of its items.
    ///
    /// # Errors
    /// [`TermsRefused`] says what does not fit.
    pub fn start(
        start: Start,
        version: &PlanVersion,
        today: Date,
        mut item_id: impl FnMut() -> ItemId,
    ) -> Result<Self, TermsRefused> {
        let one = |_: &str| Decimal::ONE;
        let planned =
            change::planned_items(version, start.currency, &start.quantities, one, &mut item_id)?;
        let trial_ends_on = (version.trial_days > 0)
            .then(|| date::add_days(start.start_on, i64::from(version.trial_days)));
        let first_paid_day = trial_ends_on.unwrap_or(start.start_on);
        let anchor_on = match start.alignment {
            Alignment::OwnDay => first_paid_day,
            Alignment::Calendar => version.interval.calendar_anchor(first_paid_day)?,
        };
        let grid = Grid { anchor_on, interval: version.interval, timing: version.timing };
        let item = |planned| change::item(planned, grid, start.start_on, first_paid_day);
        let mut subscription = Self {
            id: start.id,
            customer_id: start.customer_id,
            plan_id: version.plan_id,
            version_id: version.id,
            state: State::Pending,
            currency: start.currency,
            start_on: start.start_on,
            trial_ends_on,
            alignment: start.alignment,
            grid,
            turned_on: today,
            billed_on: None,
            changes: 0,
            cancellation: None,
            items: planned.into_iter().map(item).collect(),
            pauses: Vec::new(),
            suspension: None,
            intents: Vec::new(),
        };
        subscription.state = subscription.state_on(today);
        Ok(subscription)
    }

    /// First day that is no longer delivered, if an end is planned or past.
    #[must_use]
    pub fn ends_on(&self) -> Option<Date> {
        self.cancellation.as_ref().map(|cancellation| cancellation.ends_on)
    }

    /// The first day that is not free.
    #[must_use]
    pub fn first_paid_day(&self) -> Date {
        self.trial_ends_on.unwrap_or(self.start_on)
    }

    /// The day up to which the components in force are charged.
    #[must_use]
    pub fn billed_until(&self) -> Date {
        let current = self.items.iter().filter(|item| item.is_current());
        current.map(|item| item.billed_until).max().unwrap_or(self.first_paid_day())
    }

    /// The state on a day.
    #[must_use]
    pub fn state_on(&self, today: Date) -> State {
        if self.ends_on().is_some_and(|end| end <= today) {
            State::Cancelled
        } else if today < self.start_on {
            State::Pending
        } else if self.is_suspended_on(today) {
            State::Suspended
        } else if self.is_paused_on(today) {
            State::Paused
        } else if self.trial_ends_on.is_some_and(|end| today < end) {
            State::Trialing
        } else {
            State::Active
        }
    }

    /// The next day on which something happens by itself.
    #[must_use]
    pub fn next_turn_on(&self) -> Option<Date> {
        if self.state == State::Cancelled {
            return None;
        }
        let pauses = self.pauses.iter().flat_map(|pause| [pause.from_on, pause.until_on]);
        let own = [Some(self.start_on), self.trial_ends_on, self.ends_on()];
        let to_come = own.into_iter().flatten().chain(pauses).filter(|on| *on > self.turned_on);
        // An intent has not happened, also where the calendar went back since.
        to_come.chain(self.intents.first().map(|intent| intent.on)).min()
    }

    /// Lets everything happen that happens by itself up to and including `today`, and says what
    /// and when, in order.
    pub fn turn(&mut self, today: Date) -> Vec<(Date, Turn)> {
        let since = self.turned_on;
        let end = self.ends_on();
        let mut turns: Vec<_> =
            self.apply_changes(today).into_iter().map(|on| (on, Turn::Changed)).collect();
        let mut add = |on: Option<Date>, turn| {
            let came = |on: &Date| since < *on && *on <= today;
            let lives = |on: &Date| turn == Turn::Ended || end.is_none_or(|end| *on < end);
            turns.extend(on.filter(came).filter(lives).map(|on| (on, turn)));
        };
        add(Some(self.start_on), Turn::Started);
        add(self.trial_ends_on, Turn::Converted);
        // While it is suspended nothing begins or ends by a pause.
        let told = |on: &Date| !self.is_suspended_on(*on);
        let of_customer = || self.pauses.iter().filter(|pause| pause.kind == PauseKind::Customer);
        for pause in of_customer() {
            // Pauses that follow each other are one.
            let goes_on = self.is_paused_on(pause.until_on);
            let went_on = of_customer().any(|other| other.until_on == pause.from_on);
            add(Some(pause.from_on).filter(|_| !went_on).filter(told), Turn::Paused);
            add(Some(pause.until_on).filter(|_| !goes_on).filter(told), Turn::Resumed);
        }
        add(end, Turn::Ended);
        turns.sort_unstable();
        self.turned_on = since.max(today);
        self.state = self.state_on(self.turned_on);
        turns
    }

    /// What is due next, whenever that is, with no regard to changes to come; nothing when
    /// everything up to the end has been charged.
    #[must_use]
    pub fn next_due(&self) -> Option<Due> {
        let dues = self.items.iter().filter_map(|item| self.next_due_of(item));
        dues.min_by_key(|due| due.billing_on)
    }

    /// The date on which something is due next, with the changes to come.
    #[must_use]
    pub fn next_billing_on(&self) -> Option<Date> {
        let next = self.next_due().map(|due| due.billing_on);
        let change = self.intents.first().map(|intent| intent.on);
        if change.is_none_or(|change| next.is_some_and(|next| next < change)) {
            return next;
        }
        let mut ahead = self.clone();
        ahead.intents.first().map(|intent| intent.on).map(|on| ahead.apply_changes(on));
        ahead.next_billing_on()
    }

    /// Whether days that were charged may not be delivered: false for most subscriptions, which
    /// nothing has cut short.
    #[must_use]
    pub fn may_credit(&self) -> bool {
        self.cancellation.is_some()
            || !self.pauses.is_empty()
            || self.suspension.is_some()
            || !self.intents.is_empty()
            || self.items.iter().any(|item| !item.is_current())
    }

    /// Everything due up to and including a day, in order, with the changes to come. The first
    /// [`MAX_DUES`] at most.
    #[must_use]
    pub fn dues_until(&self, until: Date) -> Vec<Due> {
        let mut ahead = self.clone();
        let mut dues = Vec::new();
        while let Some(on) = ahead.next_billing_on().filter(|on| *on <= until) {
            let _ = ahead.apply_changes(on);
            let Some(due) = ahead.next_due().filter(|due| due.billing_on <= on) else { continue };
            ahead.mark_billed(&due);
            dues.push(due);
            if dues.len() >= MAX_DUES {
                break;
            }
        }
        dues
    }

    /// The period that a day falls in: the trial, or a period of the grid.
    #[must_use]
    pub fn current_period(&self, today: Date) -> Period {
        let first_paid_day = self.first_paid_day();
        match self.trial_ends_on {
            Some(end) if today < end => Period { start: self.start_on, end },
            _ => {
                let period = self.grid.period_containing(today.max(first_paid_day));
                Period { start: period.start.max(first_paid_day), ..period }
            }
        }
    }
}

#[cfg(test)]
mod life_tests;
#[cfg(test)]
#[path = "subscription_tests.rs"]
mod tests;
