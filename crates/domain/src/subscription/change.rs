//! Changes of plan and quantity, now or later.
//!
//! Purpose: from what is wanted to the terms in full; how terms replace those in force. A change
//! to come is an intent: kept in order, listed, revoked until its day. It changes what it names
//! (`named`).
//!
//! Invariants: an item that stays as it is goes on untouched; one that differs ends on the day of
//! the change and its successor begins on it. Terms that come back on the day on which they ended
//! go on as if they had never ended, so that up and down on one day comes to nothing. No change
//! before the latest billing date.
//!
//! Deliberately absent: credits and charges, which follow from the items' days (`item`).

use rust_decimal::Decimal;

use super::item::{Grid, Item};
use super::named::Named;
use super::{Pause, PauseKind, State, Subscription};
use crate::date::Date;
use crate::id::{IntentId, ItemId, MigrationId, PlanId, PlanVersionId, PriceId};
use crate::money::Currency;
use crate::period::{Alignment, Interval, IntervalRefused};
use crate::plan::{PlanVersion, PriceRefused};

/// The most changes that one subscription has ahead of it.
pub const MAX_INTENTS: usize = 24;

/// A component as a change will have it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PlannedItem {
    /// Identity of the item, should it begin.
    pub id: ItemId,
    /// The price.
    pub price_id: PriceId,
    /// The component's name within the plan.
    pub component: String,
    /// How many units.
    pub quantity: Decimal,
    /// Whether a meter counts its units.
    pub metered: bool,
}

/// What a subscription is to be like from a day on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Terms {
    /// The plan.
    pub plan_id: PlanId,
    /// Its version.
    pub version_id: PlanVersionId,
    /// The billing periods.
    pub grid: Grid,
    /// All components.
    pub items: Vec<PlannedItem>,
}

impl Terms {
    /// Whether they come to the same, whatever the ids of their items.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let of = |terms: &Self| {
            let items = terms.items.iter();
            let mut items: Vec<_> =
                items.map(|item| (item.price_id, item.component.clone(), item.quantity)).collect();
            items.sort();
            (terms.version_id, terms.grid, items)
        };
        of(self) == of(other)
    }

    /// Whether more is delivered than under other terms: another plan, another component, or more
    /// units of one.
    #[must_use]
    pub fn adds_to(&self, before: &Self) -> bool {
        let had =
            |item: &PlannedItem| before.items.iter().find(|one| one.component == item.component);
        let more = |item: &PlannedItem| had(item).is_none_or(|one| item.quantity > one.quantity);
        self.plan_id != before.plan_id || self.items.iter().any(more)
    }
}

/// A change to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Identity.
    pub id: IntentId,
    /// The first day of the new terms.
    pub on: Date,
    /// The new terms, as things are.
    pub terms: Terms,
    /// What of them it names; all when absent. The rest follows from the terms before it.
    pub named: Option<Named>,
    /// The migration that brought it, if one did.
    pub migration_id: Option<MigrationId>,
}

/// Why terms are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermsRefused {
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
        /// Position among the quantities given.
        index: usize,
        /// What was given.
        component: String,
        /// What exists.
        expected: String,
    },
    /// A component twice.
    #[error("component {component:?} is given twice")]
    DoubledComponent {
        /// Position among the quantities given.
        index: usize,
        /// Which.
        component: String,
    },
    /// A quantity out of bounds.
    #[error("component {component:?}: {refused}")]
    Quantity {
        /// Position among the quantities given.
        index: usize,
        /// Whose quantity.
        component: String,
        /// What is wrong.
        refused: PriceRefused,
    },
    /// A quantity of what a meter counts.
    #[error("component {component:?} is counted by a meter: expected no quantity")]
    Metered {
        /// Position among the quantities given.
        index: usize,
        /// Which.
        component: String,
    },
    /// The interval cannot follow the calendar.
    #[error(transparent)]
    Interval(#[from] IntervalRefused),
}

/// Why a subscription is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// It is over, or will be by then.
    #[error("the subscription ends on {on}")]
    Ended {
        /// Its end.
        on: Date,
    },
    /// A day before what has been invoiced or recorded.
    #[error("{on} is too early: expected {earliest} or later")]
    TooEarly {
        /// What was given.
        on: Date,
        /// The first day that can still be changed.
        earliest: Date,
    },
    /// Too many changes to come.
    #[error("the subscription has {MAX_INTENTS} changes ahead of it: revoke one first")]
    TooMany,
    /// There is no such intent.
    #[error("intent {id} does not exist or has happened")]
    NotPlanned {
        /// Which.
        id: IntentId,
    },
}

/// The components of a version for these quantities; `quantity_of` says how many there are of a
/// component that is not named.
///
/// # Errors
/// [`TermsRefused`].
pub(super) fn planned_items(
    version: &PlanVersion,
    currency: Currency,
    quantities: &[(String, Decimal)],
    quantity_of: impl Fn(&str) -> Decimal,
    item_id: &mut impl FnMut() -> ItemId,
) -> Result<Vec<PlannedItem>, TermsRefused> {
    let named = check_quantities(version, currency, quantities)?;
    let items = version.prices_in(currency).map(|price| {
        let metered = price.meter_id.is_some();
        let given = named.iter().find(|(component, _)| *component == price.component);
        let quantity = match given {
            Some((_, quantity)) => *quantity,
            None if metered => Decimal::ZERO,
            None => quantity_of(&price.component),
        };
        let component = price.component.clone();
        PlannedItem { id: item_id(), price_id: price.id, component, quantity, metered }
    });
    Ok(items.collect())
}

fn check_quantities(
    version: &PlanVersion,
    currency: Currency,
    quantities: &[(String, Decimal)],
) -> Result<Vec<(String, Decimal)>, TermsRefused> {
    let components: Vec<&str> =
        version.prices_in(currency).map(|price| price.component.as_str()).collect();
    if components.is_empty() {
        return Err(TermsRefused::NotPriced { version: version.number, currency });
    }
    let mut checked: Vec<(String, Decimal)> = Vec::with_capacity(quantities.len());
    for (index, (component, quantity)) in quantities.iter().enumerate() {
        let name = component.clone();
        let Some(price) = version.prices_in(currency).find(|price| price.component == *component)
        else {
            let expected = components.join(", ");
            return Err(TermsRefused::UnknownComponent { index, component: name, expected });
        };
        if price.meter_id.is_some() {
            return Err(TermsRefused::Metered { index, component: name });
        }
        if checked.iter().any(|(seen, _)| seen == component) {
            return Err(TermsRefused::DoubledComponent { index, component: name });
        }
        let quantity = crate::plan::quantity(*quantity).map_err(|refused| {
            TermsRefused::Quantity { index, component: name.clone(), refused }
        })?;
        checked.push((name, quantity));
    }
    Ok(checked)
}

impl Subscription {
    /// The terms that hold from a day on: those of the last change before it, or those in force.
    #[must_use]
    pub fn terms_on(&self, day: Date) -> Terms {
        let planned = self.intents.iter().rev().find(|intent| intent.on <= day);
        planned.map_or_else(|| self.terms_in_force(), |intent| intent.terms.clone())
    }

    /// The terms before any change to come.
    pub(super) fn terms_in_force(&self) -> Terms {
        let current = self.items.iter().filter(|item| item.is_current());
        Terms {
            plan_id: self.plan_id,
            version_id: self.version_id,
            grid: self.grid,
            items: current.map(planned_item).collect(),
        }
    }

    /// The terms of a change to a version from a day on. A component that is not named keeps its
    /// quantity if it was there before, else it has quantity 1. The periods stay when their length
    /// does; else a new grid begins on the day of the change, or with the calendar.
    ///
    /// # Errors
    /// [`TermsRefused`].
    pub fn terms_of_change(
        &self,
        version: &PlanVersion,
        on: Date,
        quantities: &[(String, Decimal)],
        mut item_id: impl FnMut() -> ItemId,
    ) -> Result<Terms, TermsRefused> {
        let before = self.terms_on(on);
        let kept = |component: &str| {
            let same = before.items.iter().find(|item| item.component == component);
            same.filter(|item| !item.metered).map_or(Decimal::ONE, |item| item.quantity)
        };
        let items = planned_items(version, self.currency, quantities, kept, &mut item_id)?;
        let anchor_on = self.anchor(version.interval, on, &before.grid)?;
        let grid = Grid { anchor_on, interval: version.interval, timing: version.timing };
        Ok(Terms { plan_id: version.plan_id, version_id: version.id, grid, items })
    }

    /// Where the periods of a change begin.
    pub(super) fn anchor(
        &self,
        interval: Interval,
        on: Date,
        before: &Grid,
    ) -> Result<Date, IntervalRefused> {
        let first = on.max(self.first_paid_day());
        match self.alignment {
            _ if interval == before.interval => Ok(before.anchor_on),
            Alignment::OwnDay => Ok(first),
            Alignment::Calendar => interval.calendar_anchor(first),
        }
    }

    /// The first day from which a change can still be dated: not before the start, nor before the
    /// latest billing date, nor before the latest change.
    #[must_use]
    pub fn earliest_change(&self, today: Date) -> Date {
        let latest_item = self.items.iter().map(|item| item.from_on).max();
        let latest_pause = self.pauses.iter().map(|pause| pause.from_on);
        let latest_pause = latest_pause.filter(|from| *from <= today).max();
        [Some(self.start_on), self.billed_on, latest_item, latest_pause]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(self.start_on)
            .min(today.max(self.start_on))
    }

    /// Changes the terms on a day: at once when it has come, else as an intent.
    ///
    /// # Errors
    /// [`ChangeRefused`].
    pub fn change(&mut self, today: Date, intent: Intent) -> Result<(), ChangeRefused> {
        if let Some(on) = self.ends_on().filter(|end| *end <= intent.on || *end <= today) {
            return Err(ChangeRefused::Ended { on });
        }
        let earliest = self.earliest_change(today);
        if intent.on < earliest {
            return Err(ChangeRefused::TooEarly { on: intent.on, earliest });
        }
        if intent.on <= today {
            self.apply(intent.on, intent.terms);
            self.rebase();
            return Ok(());
        }
        if self.intents.len() >= MAX_INTENTS {
            return Err(ChangeRefused::TooMany);
        }
        self.intents.push(intent);
        // Stable: of two on one day the later one holds.
        self.intents.sort_by_key(|intent| intent.on);
        self.rebase();
        Ok(())
    }

    /// Takes a change or a pause back that has not begun.
    ///
    /// # Errors
    /// [`ChangeRefused::NotPlanned`].
    pub fn revoke(&mut self, today: Date, id: IntentId) -> Result<(), ChangeRefused> {
        if let Some(position) = self.intents.iter().position(|intent| intent.id == id) {
            self.intents.remove(position);
            self.rebase();
            return Ok(());
        }
        let is_planned =
            |one: &Pause| one.kind == PauseKind::Customer && one.id == id && one.from_on > today;
        let planned = self.pauses.iter().position(is_planned);
        let Some(position) = planned else { return Err(ChangeRefused::NotPlanned { id }) };
        self.pauses.remove(position);
        self.changes += 1;
        Ok(())
    }

    /// Makes every change happen whose day has come by `day`; answers the days.
    pub fn apply_changes(&mut self, day: Date) -> Vec<Date> {
        let mut days = Vec::new();
        while self.intents.first().is_some_and(|intent| intent.on <= day) {
            let intent = self.intents.remove(0);
            if self.state != State::Cancelled && self.ends_on().is_none_or(|end| intent.on < end) {
                days.push(intent.on);
                self.apply(intent.on, intent.terms);
            }
        }
        days
    }

    fn apply(&mut self, on: Date, terms: Terms) {
        let (staying, coming): (Vec<_>, Vec<_>) =
            terms.items.into_iter().partition(|planned| self.goes_on(planned, &terms.grid));
        for item in self.items.iter_mut().filter(|item| item.is_current()) {
            if !staying.iter().any(|planned| is_same(item, planned, &terms.grid)) {
                item.until_on = Some(on);
            }
        }
        for planned in coming {
            self.begin(on, planned, terms.grid);
        }
        (self.plan_id, self.version_id, self.grid) = (terms.plan_id, terms.version_id, terms.grid);
        self.changes += 1;
    }

    fn goes_on(&self, planned: &PlannedItem, grid: &Grid) -> bool {
        self.items.iter().any(|item| item.is_current() && is_same(item, planned, grid))
    }

    fn begin(&mut self, on: Date, planned: PlannedItem, grid: Grid) {
        let returning =
            |item: &&mut Item| item.until_on == Some(on) && is_same(item, &planned, &grid);
        if let Some(item) = self.items.iter_mut().find(returning) {
            item.until_on = None;
            return;
        }
        let first = on.max(self.first_paid_day());
        self.items.push(item(planned, grid, on, first));
    }
}

/// A new item that begins on a day and is charged from a day on.
pub(super) fn item(planned: PlannedItem, grid: Grid, from_on: Date, first: Date) -> Item {
    Item {
        id: planned.id,
        price_id: planned.price_id,
        component: planned.component,
        quantity: planned.quantity,
        metered: planned.metered,
        grid,
        from_on,
        until_on: None,
        charged_from: first,
        billed_until: first,
        forfeited_until: None,
    }
}

fn planned_item(item: &Item) -> PlannedItem {
    PlannedItem {
        id: item.id,
        price_id: item.price_id,
        component: item.component.clone(),
        quantity: item.quantity,
        metered: item.metered,
    }
}

fn is_same(item: &Item, planned: &PlannedItem, grid: &Grid) -> bool {
    item.price_id == planned.price_id
        && item.component == planned.component
        && item.quantity == planned.quantity
        && item.grid == *grid
}
