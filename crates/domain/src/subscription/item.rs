//! Items: a component on fixed terms, and which of its days are to be charged or credited next.
//!
//! Purpose: a change of plan or quantity ends an item and begins its successor, so that an item's
//! price and quantity never change. From the days that are delivered (its own days without pauses,
//! up to the end of the subscription) and the days that have been charged follows what is due.
//!
//! Invariants: `[charged_from, billed_until)` are the days that its last charge still pays for.
//! Every delivered day before `billed_until` has been charged once; a day that was charged and
//! will not be delivered is credited before anything else is charged. Charged days, less those
//! credited, never overlap. What lies after an end without credit stays paid for: where a pause or
//! a change before the end takes the rest of a charge back, the days after the end are charged anew
//! with those that come before it, or on the end itself.
//!
//! Deliberately absent: amounts.

use rust_decimal::Decimal;

use super::Subscription;
use crate::date::{self, Date};
use crate::id::{ItemId, PriceId};
use crate::money::{Currency, Money, MoneyRefused};
use crate::period::{Interval, Period, prorate_exact};
use crate::plan::Timing;
use crate::price::PriceModel;

/// Where billing periods come from, and when they are billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Grid {
    /// Boundary 0.
    pub anchor_on: Date,
    /// Length of a period.
    pub interval: Interval,
    /// In advance or in arrears.
    pub timing: Timing,
}

impl Grid {
    /// The whole period that a day falls in.
    #[must_use]
    pub fn period_containing(&self, day: Date) -> Period {
        self.interval.period_containing(self.anchor_on, day)
    }
}

/// One priced component of a subscription, on terms that do not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Identity.
    pub id: ItemId,
    /// The price, which names product and component.
    pub price_id: PriceId,
    /// The component's name within the plan.
    pub component: String,
    /// How many units; of a metered item nothing, its meter counts.
    pub quantity: Decimal,
    /// Whether a meter counts its units: billed when the period is over.
    pub metered: bool,
    /// Its periods.
    pub grid: Grid,
    /// First day that it is delivered.
    pub from_on: Date,
    /// First day that it is no longer delivered because a change ended it.
    pub until_on: Option<Date>,
    /// First day of its last charge.
    pub charged_from: Date,
    /// Day after the last day that is charged: all delivered days before it are paid for.
    pub billed_until: Date,
    /// How far it had been charged when a credit took days after an end without credit back.
    pub forfeited_until: Option<Date>,
}

impl Item {
    /// When its periods are billed: what a meter counts is known when they are over.
    #[must_use]
    pub fn timing(&self) -> Timing {
        if self.metered { Timing::InArrears } else { self.grid.timing }
    }

    /// Whether it is delivered on a day, as far as changes decide it.
    #[must_use]
    pub fn is_in_force(&self, day: Date) -> bool {
        self.from_on <= day && self.until_on.is_none_or(|until| day < until)
    }

    /// Whether no change has ended it.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.until_on.is_none()
    }
}

/// Which way money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the vendor.
    Charge,
    /// Back to the customer.
    Credit,
}

/// A part of a period that is to be charged or credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Of which item.
    pub item_id: ItemId,
    /// Charge or credit.
    pub direction: Direction,
    /// The date on which it is billed.
    pub billing_on: Date,
    /// The whole period of the grid.
    pub whole: Period,
    /// The part; equal to `whole` in most cases.
    pub part: Period,
}

impl Due {
    /// What `quantity` at `price` costs for this part, before its sign.
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
    /// What is due next of one item, whenever that is.
    pub(super) fn next_due_of(&self, item: &Item) -> Option<Due> {
        let due = self.credit_due(item).or_else(|| self.charge_due(item))?;
        match self.suspension {
            // Nothing is billed while it lasts, and it lasts until the end at most.
            Some(open) if open.from_on <= due.billing_on => {
                self.ends_on().map(|end| Due { billing_on: due.billing_on.max(end), ..due })
            }
            _ => Some(due),
        }
    }

    /// The items of which something that has been charged may be credited, now or by a change to
    /// come: all whose charged days are known not to be delivered, and those that a change may end.
    pub fn creditable_items(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| {
            let may_end = item.is_current() && !self.intents.is_empty();
            let is_charged = item.charged_from < item.billed_until;
            let in_advance = item.timing() == Timing::InAdvance;
            self.credit_due(item).is_some() || (may_end && is_charged && in_advance)
        })
    }

    /// The days that were charged and will not be delivered, from the first such day on: what
    /// comes after a pause is charged anew when it comes.
    fn credit_due(&self, item: &Item) -> Option<Due> {
        let charged = Period { start: item.charged_from, end: item.billed_until };
        if charged.is_empty() || item.timing() == Timing::InArrears {
            return None;
        }
        let cut = self.first_undelivered(item, charged)?;
        if self.forfeits_from().is_some_and(|end| end <= cut) {
            return None;
        }
        let part = Period { start: cut, end: charged.end };
        let whole = item.grid.period_containing(charged.start);
        Some(Due { item_id: item.id, direction: Direction::Credit, billing_on: cut, whole, part })
    }

    /// The first day that is forfeited should it be paid for: that of an end without credit.
    fn forfeits_from(&self) -> Option<Date> {
        self.cancellation.as_ref().filter(|end| !end.credit).map(|end| end.ends_on)
    }

    /// The days after the end that an item was paid for before a credit took them back.
    fn forfeited(&self, item: &Item) -> Option<Period> {
        let days = Period { start: self.forfeits_from()?, end: item.forfeited_until? };
        (!days.is_empty()).then_some(days)
    }

    /// The first of these days that is not delivered and not forfeited. What lies after an end is
    /// the end's matter alone, also where it would have been paused.
    fn first_undelivered(&self, item: &Item, days: Period) -> Option<Date> {
        let end = self.cancellation.as_ref().filter(|end| end.credit).map(|end| end.ends_on);
        let pause = self
            .withheld()
            .filter(|out| !out.intersection(days).is_empty())
            .filter(|out| self.ends_on().is_none_or(|end| out.start < end))
            .map(|out| out.start)
            .min();
        let first = [item.until_on, end, pause].into_iter().flatten().min()?;
        (first < days.end).then(|| first.max(days.start))
    }

    fn charge_due(&self, item: &Item) -> Option<Due> {
        let first = item.billed_until.max(item.from_on).max(self.first_paid_day());
        let end = [item.until_on, self.ends_on()].into_iter().flatten().min();
        let day = if item.metered { first } else { self.first_unpaused(first) };
        if day == date::LATEST {
            return None;
        }
        let whole = item.grid.period_containing(day);
        let own_end = end.map_or(whole.end, |end| whole.end.min(end));
        let pause = self.withheld().map(|out| out.start).filter(|from| *from > day).min();
        let part_end = match pause {
            Some(pause) if !item.metered => own_end.min(pause),
            _ => own_end,
        };
        let part = self.with_forfeited(item, Period { start: day, end: part_end });
        let whole = item.grid.period_containing(part.start);
        if part.is_empty() || whole.end >= date::LATEST {
            return None;
        }
        let billing_on = match item.timing() {
            Timing::InAdvance => part.start,
            // The parts around a pause are billed together, when the period is over.
            Timing::InArrears => own_end,
        };
        Some(Due { item_id: item.id, direction: Direction::Charge, billing_on, whole, part })
    }

    /// The part with the forfeited days that follow it; they alone when nothing comes before them.
    fn with_forfeited(&self, item: &Item, part: Period) -> Period {
        match self.forfeited(item) {
            Some(days) if part.is_empty() && item.billed_until < days.end => {
                Period { start: days.start.max(item.billed_until), ..days }
            }
            Some(days) if part.end == days.start => Period { end: days.end, ..part },
            _ => part,
        }
    }

    /// The first day on or after `day` that no pause and no suspension contains.
    #[must_use]
    pub fn first_unpaused(&self, mut day: Date) -> Date {
        while let Some(out) = self.withheld().find(|out| out.contains(day)) {
            day = out.end;
        }
        day
    }

    /// Records that `due` has been charged or credited.
    pub fn mark_billed(&mut self, due: &Due) {
        let forfeits_from = self.forfeits_from();
        let Some(item) = self.items.iter_mut().find(|item| item.id == due.item_id) else { return };
        match due.direction {
            Direction::Charge => {
                item.charged_from = due.part.start;
                item.billed_until = due.part.end;
            }
            Direction::Credit => {
                item.billed_until = due.part.start;
                let taken = forfeits_from.filter(|end| *end < due.part.end);
                let before = item.forfeited_until.filter(|_| forfeits_from.is_some());
                item.forfeited_until = before.max(taken.map(|_| due.part.end));
            }
        }
        self.billed_on = self.billed_on.max(Some(due.billing_on));
    }
}
