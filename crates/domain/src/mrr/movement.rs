//! How recurring revenue moved between two days, customer by customer.
//!
//! Purpose: from what a customer was worth at the opening and at the closing of a month to its
//! movements, net; from the movements of a month to its churn.
//!
//! Invariants: opening + movements = closing, always. A pause that lasts over the closing is a
//! contraction with [`Reason::Paused`], and its end an expansion with [`Reason::Resumed`]: never
//! churn, never new. What began and ended within the month is no movement.
//!
//! Deliberately absent: which segments were in force (`mrr`), which month it is.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{ChurnKind, End, Segment, Status};
use crate::code::codes;
use crate::date::Date;
use crate::id::SubscriptionId;
use crate::money::{Currency, Money, MoneyRefused};

/// Decimals of a rate: a hundredth of a percent, and two more to compute with.
pub const RATE_DECIMALS: u32 = 6;

codes! {
    /// What a movement is.
    Kind {
        /// The customer's first.
        New = "new",
        /// The customer had none, and had some before.
        Reactivation = "reactivation",
        /// More.
        Expansion = "expansion",
        /// Less.
        Contraction = "contraction",
        /// Nothing is left.
        Churn = "churn",
    }
}

codes! {
    /// What a movement comes from, where that is told.
    Reason {
        /// A pause.
        Paused = "paused",
        /// The end of a pause.
        Resumed = "resumed",
    }
}

/// What a customer, or several of the same kind, was worth in a currency on two days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// What counted at the opening.
    pub opening: Money,
    /// What counts at the closing.
    pub closing: Money,
    /// What counted at the opening of subscriptions that are paused at the closing.
    pub paused: Money,
    /// What counts at the closing of subscriptions that were paused at the opening.
    pub resumed: Money,
    /// Whether a subscription was paused at the opening.
    pub paused_before: bool,
    /// Whether a subscription is paused at the closing.
    pub paused_after: bool,
    /// Whether anything ever counted up to the opening.
    pub had_before: bool,
    /// Of what ended by a cancellation in between: why the last, of these the largest, did.
    pub churn: Option<ChurnKind>,
}

/// One movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    /// What it is.
    pub kind: Kind,
    /// What it comes from, where that is told.
    pub reason: Option<Reason>,
    /// Of churn: why.
    pub churn: Option<ChurnKind>,
    /// By how much, signed.
    pub amount: Money,
}

impl Change {
    /// Nothing on either day.
    #[must_use]
    pub const fn none(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Self {
            opening: zero,
            closing: zero,
            paused: zero,
            resumed: zero,
            paused_before: false,
            paused_after: false,
            had_before: false,
            churn: None,
        }
    }

    /// The change of one customer in one currency, from all its segments in that currency.
    ///
    /// # Errors
    /// [`MoneyRefused`] when amounts do not fit or are of several currencies.
    pub fn of(
        segments: &[Segment],
        currency: Currency,
        opening: Date,
        closing: Date,
    ) -> Result<Self, MoneyRefused> {
        let mut change = Self::none(currency);
        let paused = |of: SubscriptionId, day: Date| {
            let own = segments.iter().filter(|one| one.subscription == of);
            own.filter(|one| one.status == Status::Paused).any(|one| one.holds_on(day))
        };
        for segment in segments {
            if segment.counts_on(opening) {
                change.opening = change.opening.checked_add(segment.amount)?;
                if paused(segment.subscription, closing) {
                    change.paused = change.paused.checked_add(segment.amount)?;
                }
            }
            if segment.counts_on(closing) {
                change.closing = change.closing.checked_add(segment.amount)?;
                if paused(segment.subscription, opening) {
                    change.resumed = change.resumed.checked_add(segment.amount)?;
                }
            }
            change.paused_before |= segment.status == Status::Paused && segment.holds_on(opening);
            change.paused_after |= segment.status == Status::Paused && segment.holds_on(closing);
            change.had_before |= segment.status == Status::InForce && segment.from <= opening;
        }
        change.churn = last_churn(segments, opening, closing);
        Ok(change)
    }

    /// What moved apart from pauses.
    fn rest(&self) -> Result<Money, MoneyRefused> {
        let net = self.closing.checked_sub(self.opening)?;
        net.checked_add(self.paused)?.checked_sub(self.resumed)
    }

    /// The movements: at most one of each pauses, ends of pauses, and all the rest.
    ///
    /// # Errors
    /// [`MoneyRefused`] when amounts do not fit.
    pub fn movements(&self) -> Result<Vec<Movement>, MoneyRefused> {
        let movement = |kind, reason, amount| Movement { kind, reason, churn: None, amount };
        let paused = self.paused.negated()?;
        let rest = self.rest()?;
        let kind = self.kind(rest);
        let churn = (kind == Kind::Churn).then(|| self.churn.unwrap_or(ChurnKind::Unknown));
        let mut found = vec![
            movement(Kind::Contraction, Some(Reason::Paused), paused),
            movement(Kind::Expansion, Some(Reason::Resumed), self.resumed),
            Movement { churn, ..movement(kind, None, rest) },
        ];
        found.retain(|movement| !movement.amount.is_zero());
        Ok(found)
    }

    fn kind(&self, rest: Money) -> Kind {
        let nobody = self.opening.is_zero() && !self.paused_before;
        let gone = self.closing.is_zero() && !self.paused_after;
        match (rest.minor() < 0, nobody, gone) {
            (true, _, true) => Kind::Churn,
            (true, _, false) => Kind::Contraction,
            (false, true, _) if self.had_before => Kind::Reactivation,
            (false, true, _) => Kind::New,
            (false, false, _) => Kind::Expansion,
        }
    }
}

/// Why the last of what ended by a cancellation after the opening did; of several on one day, the
/// one that was worth most.
fn last_churn(segments: &[Segment], opening: Date, closing: Date) -> Option<ChurnKind> {
    let ended = segments.iter().filter_map(|segment| match segment.until {
        Some((until, End::Cancelled(kind))) if opening < until && until <= closing => {
            Some((until, segment.amount.minor(), std::cmp::Reverse(kind.as_str()), kind))
        }
        _ => None,
    });
    ended.max().map(|(.., kind)| kind)
}

/// The movements of a month in one currency, summed by kind, with what they lead from and to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// What counted at the opening.
    pub opening: Money,
    /// What counts at the closing, found without the movements.
    pub closing: Money,
    /// Sum of [`Kind::New`].
    pub new: Money,
    /// Sum of [`Kind::Reactivation`].
    pub reactivation: Money,
    /// Sum of [`Kind::Expansion`].
    pub expansion: Money,
    /// Sum of [`Kind::Contraction`], below zero.
    pub contraction: Money,
    /// Sum of [`Kind::Churn`], below zero.
    pub churn: Money,
    /// The part of the contraction that is pauses, below zero.
    pub paused: Money,
    /// The part of the expansion that is ends of pauses.
    pub resumed: Money,
}

impl Totals {
    /// No movement yet.
    #[must_use]
    pub const fn begin(opening: Money, closing: Money) -> Self {
        let none = Money::zero(opening.currency());
        Self {
            opening,
            closing,
            new: none,
            reactivation: none,
            expansion: none,
            contraction: none,
            churn: none,
            paused: none,
            resumed: none,
        }
    }

    /// Adds a movement.
    ///
    /// # Errors
    /// [`MoneyRefused`] when the sum does not fit or is of another currency.
    pub fn add(&mut self, movement: &Movement) -> Result<(), MoneyRefused> {
        let sum = match movement.kind {
            Kind::New => &mut self.new,
            Kind::Reactivation => &mut self.reactivation,
            Kind::Expansion => &mut self.expansion,
            Kind::Contraction => &mut self.contraction,
            Kind::Churn => &mut self.churn,
        };
        *sum = sum.checked_add(movement.amount)?;
        let part = match movement.reason {
            Some(Reason::Paused) => &mut self.paused,
            Some(Reason::Resumed) => &mut self.resumed,
            None => return Ok(()),
        };
        *part = part.checked_add(movement.amount)?;
        Ok(())
    }

    /// The sum of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Money {
        match kind {
            Kind::New => self.new,
            Kind::Reactivation => self.reactivation,
            Kind::Expansion => self.expansion,
            Kind::Contraction => self.contraction,
            Kind::Churn => self.churn,
        }
    }

    /// What went of what there was at the opening: contraction and churn.
    #[must_use]
    pub fn gross_churn(&self) -> Option<Decimal> {
        rate(-(self.contraction.major() + self.churn.major()), self.opening.major())
    }

    /// The same less expansion; below zero when more came than went. Reactivation is left out.
    #[must_use]
    pub fn net_churn(&self) -> Option<Decimal> {
        let went = self.contraction.major() + self.churn.major() + self.expansion.major();
        rate(-went, self.opening.major())
    }
}

/// `part / whole`, rounded half away from zero to [`RATE_DECIMALS`]; no value when the whole is
/// zero.
#[must_use]
pub fn rate(part: Decimal, whole: Decimal) -> Option<Decimal> {
    let exact = part.checked_div(whole)?;
    let strategy = RoundingStrategy::MidpointAwayFromZero;
    Some(exact.round_dp_with_strategy(RATE_DECIMALS, strategy).normalize())
}

#[cfg(test)]
#[path = "movement_tests.rs"]
mod tests;
