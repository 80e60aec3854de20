//! Subscriptions: what a customer pays for, in which periods, until when.
//!
//! Purpose: from a plan version to a subscription; which part of which period is to be charged
//! next and on which date; ending and undoing the end; the state on a day.
//!
//! Invariants: periods come from the anchor's grid; `billed_until` only moves forward, so charged
//! parts never overlap; no day on or after the end is charged. The stored state is what
//! [`Subscription::state_on`] says for the day of the last turn.
//!
//! Deliberately absent: pauses, changes of plan and quantity, usage.

use rust_decimal::Decimal;

use crate::Outcome;
use crate::code::codes;
use crate::date::{self, Date};
use crate::id::{CustomerId, ItemId, PlanId, PlanVersionId, PriceId, SubscriptionId};
use crate::money::{Currency, Money, MoneyRefused};
use crate::period::{Alignment, Interval, IntervalRefused, Period, prorate_exact};
use crate::plan::{PlanVersion, PriceModel, PriceRefused, Timing};

codes! {
    /// Where a subscription stands.
    State {
        /// Starts in the future.
        Pending = "pending",
        /// Runs, free of charge.
        Trialing = "trialing",
        /// Runs.
        Active = "active",
        /// Has ended.
        Cancelled = "cancelled",
    }
}

codes! {
    /// Why a subscription was cancelled.
    CancelReason {
        /// The customer's choice: too expensive.
        VoluntaryPrice = "voluntary_price",
        /// The customer's choice: something is missing.
        VoluntaryMissingFeature = "voluntary_missing_feature",
        /// The customer's choice: went to a competitor.
        VoluntaryCompetitor = "voluntary_competitor",
        /// The customer's choice: no longer needed.
        VoluntaryNoNeed = "voluntary_no_need",
        /// The customer's choice, for another reason.
        VoluntaryOther = "voluntary_other",
        /// The money did not come.
        NonPayment = "non_payment",
        /// The term ended.
        Expired = "expired",
        /// Not recorded.
        Unknown = "unknown",
    }
}

/// One priced component of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Identity.
    pub id: ItemId,
    /// The price, which names product and component.
    pub price_id: PriceId,
    /// The component's name within the plan.
    pub component: String,
    /// How many units.
    pub quantity: Decimal,
}

/// A planned end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// First day that is no longer delivered.
    pub ends_on: Date,
    /// Why.
    pub reason: CancelReason,
    /// In the customer's words.
    pub note: Option<String>,
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
    /// Boundary 0 of the grid.
    pub anchor_on: Date,
    /// Length of a period.
    pub interval: Interval,
    /// In advance or in arrears.
    pub timing: Timing,
    /// Every day before this one has been charged (or was free).
    pub billed_until: Date,
    /// A planned or past end.
    pub cancellation: Option<Cancellation>,
    /// What is paid for.
    pub items: Vec<Item>,
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

/// Why a subscription is not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartRefused {
    /// The plan has no price in the customer's currency.
    #[error("version {version} of the plan has no price in {currency}")]
    NotPriced {
        /// Number of the version.
        version: i32,
        /// The customer's currency.
        currency: Currency,
    },
    /// A quantity for something the plan does not have.
    #[error("component {component:?} is not part of the plan: expected one of {expected}")]
    UnknownComponent {
        /// What was given.
        component: String,
        /// What exists.
        expected: String,
    },
    /// A component twice.
    #[error("component {component:?} is given twice")]
    DoubledComponent {
        /// Which.
        component: String,
    },
    /// A quantity out of bounds.
    #[error("component {component:?}: {refused}")]
    Quantity {
        /// Whose quantity.
        component: String,
        /// What is wrong.
        refused: PriceRefused,
    },
    /// The interval cannot follow the calendar.
    #[error(transparent)]
    Interval(#[from] IntervalRefused),
}

/// Why a subscription is not cancelled, or its end not undone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CancelRefused {
    /// It is over.
    #[error("the subscription ended on {on}")]
    AlreadyEnded {
        /// Its end.
        on: Date,
    },
}

/// A part of a period that is to be charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The date on which it is billed.
    pub billing_on: Date,
    /// The whole period of the grid.
    pub whole: Period,
    /// The part that is charged; equal to `whole` in most cases.
    pub part: Period,
}

impl Due {
    /// What `quantity` at `price` costs for this part.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn amount(
        &self,
        price: &PriceModel,
        quantity: Decimal,
        currency: Currency,
    ) -> Result<Money, MoneyRefused> {
        prorate_exact(price.exact(quantity)?, currency, self.whole, self.part)
    }
}

impl Subscription {
    /// A new subscription to a version. `item_id` makes the ids of its items.
    ///
    /// # Errors
    /// [`StartRefused`] says what does not fit.
    pub fn start(
        start: Start,
        version: &PlanVersion,
        today: Date,
        mut item_id: impl FnMut() -> ItemId,
    ) -> Result<Self, StartRefused> {
        let quantities = check_quantities(&start, version)?;
        let items = version
            .prices_in(start.currency)
            .map(|price| Item {
                id: item_id(),
                price_id: price.id,
                component: price.component.clone(),
                quantity: quantities
                    .iter()
                    .find(|(component, _)| *component == price.component)
                    .map_or(Decimal::ONE, |(_, quantity)| *quantity),
            })
            .collect();
        let trial_ends_on = (version.trial_days > 0)
            .then(|| date::add_days(start.start_on, i64::from(version.trial_days)));
        let first_paid_day = trial_ends_on.unwrap_or(start.start_on);
        let anchor_on = match start.alignment {
            Alignment::OwnDay => first_paid_day,
            Alignment::Calendar => version.interval.calendar_anchor(first_paid_day)?,
        };
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
            anchor_on,
            interval: version.interval,
            timing: version.timing,
            billed_until: first_paid_day,
            cancellation: None,
            items,
        };
        subscription.state = subscription.state_on(today);
        Ok(subscription)
    }

    /// First day that is no longer delivered, if an end is planned or past.
    #[must_use]
    pub fn ends_on(&self) -> Option<Date> {
        self.cancellation.as_ref().map(|cancellation| cancellation.ends_on)
    }

    /// The state on a day.
    #[must_use]
    pub fn state_on(&self, today: Date) -> State {
        if self.ends_on().is_some_and(|end| end <= today) {
            State::Cancelled
        } else if today < self.start_on {
            State::Pending
        } else if self.trial_ends_on.is_some_and(|end| today < end) {
            State::Trialing
        } else {
            State::Active
        }
    }

    /// The next day on which the state changes by itself.
    #[must_use]
    pub fn next_turn_on(&self) -> Option<Date> {
        let candidates = match self.state {
            State::Pending => [Some(self.start_on), self.ends_on()],
            State::Trialing => [self.trial_ends_on, self.ends_on()],
            State::Active => [None, self.ends_on()],
            State::Cancelled => [None, None],
        };
        candidates.into_iter().flatten().min()
    }

    /// Brings the stored state up to `today`.
    pub fn turn(&mut self, today: Date) -> Outcome<State> {
        let state = self.state_on(today);
        if state == self.state {
            return Outcome::Unchanged;
        }
        self.state = state;
        Outcome::Applied(state)
    }

    /// What is to be charged next, whenever that is; nothing when everything up to the end has
    /// been charged.
    #[must_use]
    pub fn next_due(&self) -> Option<Due> {
        let whole = self.interval.period_containing(self.anchor_on, self.billed_until);
        let end = self.ends_on().map_or(whole.end, |end| whole.end.min(end));
        let part = Period { start: self.billed_until, end };
        if part.is_empty() || whole.end >= date::LATEST {
            return None;
        }
        let billing_on = match self.timing {
            Timing::InAdvance => part.start,
            Timing::InArrears => part.end,
        };
        Some(Due { billing_on, whole, part })
    }

    /// Records that `due` has been charged.
    pub fn mark_charged(&mut self, due: &Due) {
        self.billed_until = self.billed_until.max(due.part.end);
    }

    /// The period that a day falls in: the trial, or a period of the grid.
    #[must_use]
    pub fn current_period(&self, today: Date) -> Period {
        match self.trial_ends_on {
            Some(end) if today < end => Period { start: self.start_on, end },
            _ => {
                let first_paid_day = self.trial_ends_on.unwrap_or(self.start_on);
                let day = today.max(first_paid_day);
                let period = self.interval.period_containing(self.anchor_on, day);
                Period { start: period.start.max(first_paid_day), ..period }
            }
        }
    }

    /// Cancels at the end of the running period. A subscription that has not started ends before
    /// it begins. Asking again keeps the end and takes the new reason.
    ///
    /// # Errors
    /// [`CancelRefused::AlreadyEnded`].
    pub fn cancel_at_period_end(
        &mut self,
        today: Date,
        reason: CancelReason,
        note: Option<String>,
    ) -> Result<Outcome<Cancellation>, CancelRefused> {
        self.refuse_ended(today)?;
        let ends_on = match self.ends_on() {
            Some(end) => end,
            None if today < self.start_on => self.start_on,
            // What has been charged in advance is delivered.
            None => self.current_period(today).end.max(self.billed_until),
        };
        let cancellation = Cancellation { ends_on, reason, note };
        if self.cancellation.as_ref() == Some(&cancellation) {
            return Ok(Outcome::Unchanged);
        }
        self.cancellation = Some(cancellation.clone());
        Ok(Outcome::Applied(cancellation))
    }

    /// Takes a planned end back, until it has happened.
    ///
    /// # Errors
    /// [`CancelRefused::AlreadyEnded`].
    pub fn undo_cancel(&mut self, today: Date) -> Result<Outcome<()>, CancelRefused> {
        self.refuse_ended(today)?;
        match self.cancellation.take() {
            Some(_) => Ok(Outcome::Applied(())),
            None => Ok(Outcome::Unchanged),
        }
    }

    fn refuse_ended(&self, today: Date) -> Result<(), CancelRefused> {
        match self.ends_on() {
            Some(on) if on <= today => Err(CancelRefused::AlreadyEnded { on }),
            _ => Ok(()),
        }
    }
}

fn check_quantities(
    start: &Start,
    version: &PlanVersion,
) -> Result<Vec<(String, Decimal)>, StartRefused> {
    let components: Vec<&str> =
        version.prices_in(start.currency).map(|price| price.component.as_str()).collect();
    if components.is_empty() {
        return Err(StartRefused::NotPriced { version: version.number, currency: start.currency });
    }
    let mut checked: Vec<(String, Decimal)> = Vec::with_capacity(start.quantities.len());
    for (component, quantity) in &start.quantities {
        if !components.contains(&component.as_str()) {
            let expected = components.join(", ");
            return Err(StartRefused::UnknownComponent { component: component.clone(), expected });
        }
        if checked.iter().any(|(seen, _)| seen == component) {
            return Err(StartRefused::DoubledComponent { component: component.clone() });
        }
        let quantity = crate::plan::quantity(*quantity)
            .map_err(|refused| StartRefused::Quantity { component: component.clone(), refused })?;
        checked.push((component.clone(), quantity));
    }
    Ok(checked)
}

#[cfg(test)]
#[path = "subscription_tests.rs"]
mod tests;
