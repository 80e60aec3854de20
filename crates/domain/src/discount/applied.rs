//! Discounts of the catalogue, and discounts on subscriptions.
//!
//! Purpose: which discounts are on offer until when, on which subscriptions they may be put, and
//! whether one that was put there still runs.
//!
//! Invariants: a discount is on a subscription once at a time. What was used before a removal stays
//! used when it is applied again. Billed periods never change: a discount begins and ends with
//! periods that are not billed yet.
//!
//! Deliberately absent: what it takes off ([`super::apply`]); whether a period was billed.

use super::{Discount, DiscountRefused, Duration, Reduction};
use crate::code::codes;
use crate::date::Date;
use crate::id::{AppliedDiscountId, DiscountId, ProductId, SubscriptionId};
use crate::money::Currency;

/// The most discounts that run on a subscription at once: more cannot be explained to its payer.
pub const MAX_RUNNING: usize = 10;
/// The most products, and the most components, that a discount names.
pub const MAX_TARGETS: usize = 100;

codes! {
    /// How long a discount runs, without the number of periods.
    DurationKind {
        /// In one billed period.
        Once = "once",
        /// In a number of billed periods.
        Periods = "periods",
        /// In every period.
        Forever = "forever",
    }
}

impl Duration {
    /// Without the number of periods.
    #[must_use]
    pub fn kind(self) -> DurationKind {
        match self {
            Self::Once => DurationKind::Once,
            Self::Periods { .. } => DurationKind::Periods,
            Self::Forever => DurationKind::Forever,
        }
    }

    /// The number of periods, where it is said.
    #[must_use]
    pub fn count(self) -> Option<u32> {
        match self {
            Self::Periods { count } => Some(count),
            Self::Once | Self::Forever => None,
        }
    }

    /// From its two parts; `None` when they do not fit each other.
    #[must_use]
    pub fn from_parts(kind: DurationKind, count: Option<u32>) -> Option<Self> {
        match (kind, count) {
            (DurationKind::Once, None) => Some(Self::Once),
            (DurationKind::Periods, Some(count)) => Some(Self::Periods { count }),
            (DurationKind::Forever, None) => Some(Self::Forever),
            _ => None,
        }
    }
}

/// What a discount is taken off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// Items of these products.
    pub products: Vec<ProductId>,
    /// Items of these components; names of the plans.
    pub components: Vec<String>,
}

impl Target {
    /// Whether it has an item. Without products and components it has all of them.
    #[must_use]
    pub fn has(&self, product: ProductId, component: &str) -> bool {
        let all = self.products.is_empty() && self.components.is_empty();
        all || self.products.contains(&product)
            || self.components.iter().any(|named| named == component)
    }
}

/// A discount of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscountOffer {
    /// Identity.
    pub id: DiscountId,
    /// The vendor's own short name, unique; what a customer types.
    pub code: String,
    /// Name on documents.
    pub name: String,
    /// What is taken off, and how long.
    pub discount: Discount,
    /// Which items it is taken off.
    pub target: Target,
    /// First day on which it may be applied.
    pub valid_from: Option<Date>,
    /// First day on which it may no longer be applied.
    pub valid_until: Option<Date>,
    /// Not offered from this day.
    pub retired_on: Option<Date>,
}

/// A discount on a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedDiscount {
    /// Identity.
    pub id: AppliedDiscountId,
    /// On which subscription.
    pub subscription_id: SubscriptionId,
    /// Which discount.
    pub offer: DiscountOffer,
    /// Periods that begin on or after this day have it.
    pub from_on: Date,
    /// Periods that begin on or after this day no longer have it.
    pub ended_on: Option<Date>,
    /// In how many billed periods it was taken off.
    pub used: u32,
    /// First day of the last of them.
    pub last_on: Option<Date>,
}

/// Whether a period has a discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// No.
    Not,
    /// Yes, and it has not been counted.
    New,
    /// Yes, and it was counted when the first part of the period was billed.
    Counted,
}

/// What a discount is to be put on.
#[derive(Debug, Clone)]
pub struct Onto<'a> {
    /// Identity of the new discount on the subscription.
    pub id: AppliedDiscountId,
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// Its currency.
    pub currency: Currency,
    /// Every day before this one has been billed.
    pub billed_until: Date,
    /// Its end, planned or past.
    pub ends_on: Option<Date>,
    /// Products and components of its items.
    pub items: &'a [(ProductId, String)],
    /// Discounts that it has or had.
    pub discounts: &'a [AppliedDiscount],
    /// Periods from this day on; today when absent.
    pub from_on: Option<Date>,
}

/// Why a discount is not put on a subscription.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyRefused {
    /// No longer offered.
    #[error("discount {code:?} is retired since {on}")]
    Retired {
        /// Its code.
        code: String,
        /// Since when.
        on: Date,
    },
    /// Not offered yet.
    #[error("discount {code:?} may be applied from {from} on, not on {today}")]
    TooEarly {
        /// Its code.
        code: String,
        /// First day.
        from: Date,
        /// Today.
        today: Date,
    },
    /// Past its last day.
    #[error("discount {code:?} has expired: it could be applied before {until}, not on {today}")]
    Expired {
        /// Its code.
        code: String,
        /// First day on which it could no longer be applied.
        until: Date,
        /// Today.
        today: Date,
    },
    /// An amount of another currency.
    #[error(transparent)]
    Discount(#[from] DiscountRefused),
    /// The subscription is over.
    #[error("the subscription ended on {on}")]
    SubscriptionEnded {
        /// Its end.
        on: Date,
    },
    /// No item that it is taken off.
    #[error("discount {code:?} is for none of the subscription's items: {items}")]
    NothingToDiscount {
        /// Its code.
        code: String,
        /// The components that there are.
        items: String,
    },
    /// It is there already.
    #[error("discount {code:?} is on the subscription already, since {since}")]
    Twice {
        /// Its code.
        code: String,
        /// Since when.
        since: Date,
    },
    /// Taken off in all its periods, before it was removed.
    #[error("discount {code:?} was taken off in {used} periods, which is all it is for")]
    UsedUp {
        /// Its code.
        code: String,
        /// In how many.
        used: u32,
    },
    /// More than can be explained.
    #[error("{running} discounts run on the subscription: at most {MAX_RUNNING}")]
    TooMany {
        /// How many run.
        running: usize,
    },
    /// Dated before what is not billed yet.
    #[error("{from_on} lies in periods that are billed: expected {earliest} or later")]
    Billed {
        /// What was given.
        from_on: Date,
        /// What would be right.
        earliest: Date,
    },
}

/// Why a discount is not taken off a subscription.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoveRefused {
    /// It was removed before.
    #[error("the discount was removed: it ended on {on}")]
    Already {
        /// Its end.
        on: Date,
    },
}

/// Why the days on which a discount may be applied are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{until} is not after the first day, {from}: expected a later day")]
pub struct ValidityRefused {
    /// First day.
    pub from: Date,
    /// The end that was given.
    pub until: Date,
}

impl DiscountOffer {
    /// Checks the days on which it may be applied.
    ///
    /// # Errors
    /// [`ValidityRefused`] when there is none.
    pub fn check_validity(&self) -> Result<(), ValidityRefused> {
        match (self.valid_from, self.valid_until) {
            (Some(from), Some(until)) if until <= from => Err(ValidityRefused { from, until }),
            _ => Ok(()),
        }
    }

    /// Checks what is taken off, in its own currency where it has one.
    ///
    /// # Errors
    /// [`DiscountRefused`] says what is wrong.
    pub fn check_discount(&self) -> Result<Discount, DiscountRefused> {
        let currency = match self.discount.reduction {
            Reduction::Percentage { .. } => Currency::EUR,
            Reduction::Fixed { amount } => amount.currency(),
        };
        self.discount.checked(currency)
    }

    fn refuse_unoffered(&self, today: Date) -> Result<(), ApplyRefused> {
        let code = || self.code.clone();
        if let Some(on) = self.retired_on.filter(|on| *on <= today) {
            return Err(ApplyRefused::Retired { code: code(), on });
        }
        match (self.valid_from, self.valid_until) {
            (Some(from), _) if today < from => {
                Err(ApplyRefused::TooEarly { code: code(), from, today })
            }
            (_, Some(until)) if until <= today => {
                Err(ApplyRefused::Expired { code: code(), until, today })
            }
            _ => Ok(()),
        }
    }

    /// In how many periods it was taken off earlier, if it may be put there again.
    fn used_before(&self, discounts: &[AppliedDiscount]) -> Result<u32, ApplyRefused> {
        let code = || self.code.clone();
        let same = || discounts.iter().filter(|one| one.offer.id == self.id);
        if let Some(there) = same().find(|one| one.ended_on.is_none()) {
            return Err(ApplyRefused::Twice { code: code(), since: there.from_on });
        }
        let used = same().map(|one| one.used).max().unwrap_or_default();
        if !self.discount.duration.applies_after(used) {
            return Err(ApplyRefused::UsedUp { code: code(), used });
        }
        let running = discounts.iter().filter(|one| one.ended_on.is_none()).count();
        if running >= MAX_RUNNING {
            return Err(ApplyRefused::TooMany { running });
        }
        Ok(used)
    }

    /// Puts it on a subscription.
    ///
    /// # Errors
    /// [`ApplyRefused`] says what does not fit.
    pub fn apply(&self, onto: &Onto<'_>, today: Date) -> Result<AppliedDiscount, ApplyRefused> {
        self.refuse_unoffered(today)?;
        if let Some(on) = onto.ends_on.filter(|on| *on <= today) {
            return Err(ApplyRefused::SubscriptionEnded { on });
        }
        self.discount.checked(onto.currency)?;
        if !onto.items.iter().any(|(product, component)| self.target.has(*product, component)) {
            let items: Vec<&str> = onto.items.iter().map(|(_, name)| name.as_str()).collect();
            let (code, items) = (self.code.clone(), items.join(", "));
            return Err(ApplyRefused::NothingToDiscount { code, items });
        }
        let used = self.used_before(onto.discounts)?;
        let from_on = onto.from_on.unwrap_or(today);
        let earliest = onto.billed_until.min(today);
        if from_on < earliest {
            return Err(ApplyRefused::Billed { from_on, earliest });
        }
        Ok(AppliedDiscount {
            id: onto.id,
            subscription_id: onto.subscription_id,
            offer: self.clone(),
            from_on,
            ended_on: None,
            used,
            last_on: None,
        })
    }
}

impl AppliedDiscount {
    /// Whether a period that begins on a day has it, as things stand.
    #[must_use]
    pub fn runs_on(&self, period_start: Date) -> bool {
        self.runs_after(period_start, self.used)
    }

    /// Whether a period that begins on a day has it, after so many billed periods had it.
    #[must_use]
    pub fn runs_after(&self, period_start: Date, used: u32) -> bool {
        self.from_on <= period_start
            && self.ended_on.is_none_or(|end| period_start < end)
            && self.offer.discount.duration.applies_after(used)
    }

    /// Whether it is taken off an item of this product and component.
    #[must_use]
    pub fn covers(&self, product: ProductId, component: &str) -> bool {
        self.offer.target.has(product, component)
    }

    /// Whether a period that begins on a day has it. A period that was counted keeps it, whatever
    /// came after.
    #[must_use]
    pub fn has(&self, period_start: Date) -> Has {
        if self.last_on.is_some_and(|last| period_start <= last) {
            if self.from_on <= period_start { Has::Counted } else { Has::Not }
        } else if self.runs_on(period_start) {
            Has::New
        } else {
            Has::Not
        }
    }

    /// One more billed period had it.
    pub fn mark_used(&mut self, period_start: Date) {
        self.used = self.used.saturating_add(1);
        self.last_on = self.last_on.max(Some(period_start));
    }

    /// Takes it off the subscription: periods that begin today or later no longer have it.
    ///
    /// # Errors
    /// [`RemoveRefused::Already`].
    pub fn remove(&mut self, today: Date) -> Result<Date, RemoveRefused> {
        if let Some(on) = self.ended_on {
            return Err(RemoveRefused::Already { on });
        }
        let on = today.max(self.from_on);
        self.ended_on = Some(on);
        Ok(on)
    }
}

#[cfg(test)]
#[path = "applied_tests.rs"]
mod tests;
