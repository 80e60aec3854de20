//! What a change to come names, and its terms once other changes come before it.
//!
//! Purpose: whoever plans another plan for March and adds a seat in January keeps the seat in March.
//!
//! Invariants: a change to come changes only what it names: the plan, or quantities of components,
//! or both. What it does not name is what holds when it happens. The terms of every change to come
//! are in full and follow from those before it, whichever came or went in between. A quantity of a
//! component that the plan does not have by then, or that a meter counts, changes nothing.
//!
//! Deliberately absent: whether a change is possible (`change`).

use rust_decimal::Decimal;

use super::{Intent, PlannedItem, Subscription, Terms};
use crate::id::ItemId;

/// What a change names.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Named {
    /// Whether it names the plan: a version with its components, prices and periods.
    pub plan: bool,
    /// The quantities.
    pub quantities: Vec<NamedQuantity>,
}

/// A quantity that a change names.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NamedQuantity {
    /// Identity of the item, should it begin.
    pub id: ItemId,
    /// The component's name within the plan.
    pub component: String,
    /// How many units.
    pub quantity: Decimal,
}

impl Named {
    /// What a change with these terms names, given the quantities that were asked for.
    #[must_use]
    pub fn new(plan: bool, quantities: &[(String, Decimal)], terms: &Terms) -> Self {
        let named = terms.items.iter().filter_map(|item| {
            let mut given = quantities.iter();
            let (component, quantity) =
                given.find(|(component, _)| *component == item.component)?;
            let (component, quantity) = (component.clone(), *quantity);
            Some(NamedQuantity { id: item.id, component, quantity })
        });
        Self { plan, quantities: named.collect() }
    }

    fn quantity_of(&self, component: &str) -> Option<&NamedQuantity> {
        self.quantities.iter().find(|one| one.component == component)
    }
}

impl Intent {
    /// Whether it has a plan of its own, and not just other quantities.
    #[must_use]
    pub fn names_plan(&self) -> bool {
        self.named.as_ref().is_none_or(|named| named.plan)
    }
}

impl Subscription {
    /// Lets the changes to come follow from the terms in force and from each other.
    pub(super) fn rebase(&mut self) {
        let mut intents = std::mem::take(&mut self.intents);
        let mut before = self.terms_in_force();
        for intent in &mut intents {
            intent.terms = self.rebased(intent, &before);
            before.clone_from(&intent.terms);
        }
        self.intents = intents;
    }

    /// The terms of a change that comes after others.
    fn rebased(&self, intent: &Intent, before: &Terms) -> Terms {
        let Some(named) = &intent.named else { return intent.terms.clone() };
        if !named.plan {
            let items = before.items.iter().map(|item| with_named(item, named)).collect();
            return Terms { items, ..before.clone() };
        }
        let kept = |item: &PlannedItem| {
            let mut items = before.items.iter().filter(|before| !before.metered);
            let same = items.find(|before| before.component == item.component);
            let quantity = match same {
                _ if item.metered => item.quantity,
                Some(same) => same.quantity,
                None => Decimal::ONE,
            };
            PlannedItem { quantity, ..item.clone() }
        };
        let items = intent.terms.items.iter().map(|item| {
            let kept = kept(item);
            let quantity =
                named.quantity_of(&item.component).map_or(kept.quantity, |one| one.quantity);
            PlannedItem { quantity, ..kept }
        });
        let mut grid = intent.terms.grid;
        // Where the calendar has no place for the interval, it keeps that of its plan.
        if let Ok(anchor_on) = self.anchor(grid.interval, intent.on, &before.grid) {
            grid.anchor_on = anchor_on;
        }
        Terms { grid, items: items.collect(), ..intent.terms }
    }
}

/// A component with the quantity that a change names, if it names one.
fn with_named(item: &PlannedItem, named: &Named) -> PlannedItem {
    match named.quantity_of(&item.component).filter(|_| !item.metered) {
        Some(one) => PlannedItem { id: one.id, quantity: one.quantity, ..item.clone() },
        None => item.clone(),
    }
}

#[cfg(test)]
#[path = "named_tests.rs"]
mod tests;
