//! Monthly recurring revenue: what everything recurring is worth a month.
//!
//! Purpose: the monthly value of a price; the segments of a subscription, which say what it is worth
//! from when until when, past, present and as far as it is known to come; the movements between two
//! days ([`movement`]).
//!
//! Invariants: segments of an item never overlap. A segment is rounded once. Trial days, usage and
//! one-offs have no segment; paused days have one that counts nothing; a notice that was given
//! counts until the last day. Nothing is ever added to a counter: every figure is a sum of segments.
//!
//! Deliberately absent: restatements (a change that reaches back changes the months it reaches),
//! charges and proration (`billing`), margins and cohorts.

pub mod movement;
mod source;

use rust_decimal::Decimal;

pub use self::source::of_subscription;
use crate::code::codes;
use crate::date::Date;
use crate::id::{CustomerId, ItemId, SubscriptionId};
use crate::money::{self, Currency, Money, MoneyRefused};
use crate::period::{Interval, Unit};
use crate::subscription::CancelReason;

/// Months of a year, by which days and weeks become months.
const MONTHS: i64 = 12;
/// Days of a year here: leap days are left out, so that a day is worth the same in every month.
const DAYS: i64 = 365;
/// Weeks of a year here.
const WEEKS: i64 = 52;

codes! {
    /// Whether a segment counts.
    Status {
        /// Counts.
        InForce = "in_force",
        /// Keeps its worth, and counts nothing.
        Paused = "paused",
    }
}

codes! {
    /// Why a customer goes.
    ChurnKind {
        /// The customer's choice.
        Voluntary = "voluntary",
        /// The money did not come.
        Involuntary = "involuntary",
        /// The term ended.
        Expired = "expired",
        /// Not recorded.
        Unknown = "unknown",
    }
}

codes! {
    /// Why a segment ends.
    EndReason {
        /// Another price, quantity or discount follows, or nothing of this item.
        Changed = "changed",
        /// A pause begins.
        Paused = "paused",
        /// A pause ends.
        Resumed = "resumed",
        /// The subscription ends.
        Cancelled = "cancelled",
    }
}

impl From<CancelReason> for ChurnKind {
    fn from(reason: CancelReason) -> Self {
        match reason {
            CancelReason::VoluntaryPrice
            | CancelReason::VoluntaryMissingFeature
            | CancelReason::VoluntaryCompetitor
            | CancelReason::VoluntaryNoNeed
            | CancelReason::VoluntaryOther => Self::Voluntary,
            CancelReason::NonPayment => Self::Involuntary,
            CancelReason::Expired => Self::Expired,
            CancelReason::Unknown => Self::Unknown,
        }
    }
}

/// How a segment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As [`EndReason::Changed`].
    Changed,
    /// As [`EndReason::Paused`].
    Paused,
    /// As [`EndReason::Resumed`].
    Resumed,
    /// As [`EndReason::Cancelled`], and why.
    Cancelled(ChurnKind),
}

impl End {
    /// The reason alone.
    #[must_use]
    pub fn reason(self) -> EndReason {
        match self {
            Self::Changed => EndReason::Changed,
            Self::Paused => EndReason::Paused,
            Self::Resumed => EndReason::Resumed,
            Self::Cancelled(_) => EndReason::Cancelled,
        }
    }

    /// Why the customer goes, if it does.
    #[must_use]
    pub fn churn(self) -> Option<ChurnKind> {
        match self {
            Self::Cancelled(kind) => Some(kind),
            Self::Changed | Self::Paused | Self::Resumed => None,
        }
    }
}

/// What an item is worth a month, from a day until another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Who pays.
    pub customer: CustomerId,
    /// Of which subscription.
    pub subscription: SubscriptionId,
    /// Of which item.
    pub item: ItemId,
    /// First day.
    pub from: Date,
    /// First day on which it no longer holds, and why; absent: no end is known.
    pub until: Option<(Date, End)>,
    /// The monthly worth, above zero.
    pub amount: Money,
    /// Whether it counts.
    pub status: Status,
}

impl Segment {
    /// Whether the day lies in it.
    #[must_use]
    pub fn holds_on(&self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|(until, _)| day < until)
    }

    /// Whether it counts on a day.
    #[must_use]
    pub fn counts_on(&self, day: Date) -> bool {
        self.status == Status::InForce && self.holds_on(day)
    }
}

/// A subscription as segments see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Who pays.
    pub customer: CustomerId,
    /// Identity.
    pub subscription: SubscriptionId,
    /// Currency of its prices.
    pub currency: Currency,
    /// First day that is not free of charge: after the trial, or the first day.
    pub paid_from: Date,
    /// First day that is no longer delivered, and why it ends.
    pub ends: Option<(Date, ChurnKind)>,
    /// Half-open ranges of days on which nothing is delivered; the last may be open.
    pub pauses: Vec<(Date, Option<Date>)>,
}

/// One recurring price of a subscription while it stays the same: a change of price, quantity or
/// discount ends it and begins the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurring {
    /// Of which item.
    pub item: ItemId,
    /// First day.
    pub from: Date,
    /// First day on which it no longer holds.
    pub until: Option<Date>,
    /// Price of a whole period in major units, exact, after lasting and running discounts, without
    /// VAT.
    pub price_per_period: Decimal,
    /// Length of a period.
    pub interval: Interval,
}

/// What a price per period is worth a month, rounded half away from zero: EUR 10.00 a week is 43.33.
///
/// # Errors
/// [`MoneyRefused::Overflow`].
pub fn monthly(
    price_per_period: Decimal,
    interval: Interval,
    currency: Currency,
) -> Result<Money, MoneyRefused> {
    let count = i64::from(interval.count());
    let (part, whole) = match interval.unit() {
        Unit::Day => (DAYS, MONTHS * count),
        Unit::Week => (WEEKS, MONTHS * count),
        Unit::Month => (1, count),
        Unit::Year => (1, MONTHS * count),
    };
    money::round_share(price_per_period, part, whole, currency)
}

/// All segments of a subscription, by item and first day. Prices worth nothing have none.
///
/// # Errors
/// [`MoneyRefused::Overflow`].
pub fn segments(terms: &Terms, recurring: &[Recurring]) -> Result<Vec<Segment>, MoneyRefused> {
    let pauses = joined(&terms.pauses);
    let mut found = Vec::with_capacity(recurring.len());
    for one in recurring {
        let amount = monthly(one.price_per_period, one.interval, terms.currency)?;
        if amount.minor() <= 0 {
            continue;
        }
        let from = one.from.max(terms.paid_from);
        let until = earlier(one.until, terms.ends.map(|(on, _)| on));
        for (from, until, status) in pieces(from, until, &pauses) {
            found.push(Segment {
                customer: terms.customer,
                subscription: terms.subscription,
                item: one.item,
                from,
                until: until.map(|until| (until, end(terms, &pauses, until, status))),
                amount,
                status,
            });
        }
    }
    found.sort_by_key(|segment| (segment.item, segment.from));
    Ok(found)
}

/// The sum of what counts on a day.
///
/// # Errors
/// [`MoneyRefused`] when amounts do not fit or are of several currencies.
pub fn on<'a>(
    segments: impl IntoIterator<Item = &'a Segment>,
    currency: Currency,
    day: Date,
) -> Result<Money, MoneyRefused> {
    let counting = segments.into_iter().filter(|segment| segment.counts_on(day));
    Money::sum(currency, counting.map(|segment| segment.amount))
}

/// The sum of what is known to be in force in the end: with what is signed and has not started,
/// after all dated changes, without what has been given notice.
///
/// # Errors
/// [`MoneyRefused`] when amounts do not fit or are of several currencies.
pub fn committed<'a>(
    segments: impl IntoIterator<Item = &'a Segment>,
    currency: Currency,
) -> Result<Money, MoneyRefused> {
    let lasting = |segment: &&Segment| segment.until.is_none();
    let counting =
        segments.into_iter().filter(lasting).filter(|segment| segment.status == Status::InForce);
    Money::sum(currency, counting.map(|segment| segment.amount))
}

/// The earlier of two days, where absent is never.
fn earlier(one: Option<Date>, other: Option<Date>) -> Option<Date> {
    [one, other].into_iter().flatten().min()
}

/// Pauses in order, those that touch or overlap as one.
fn joined(pauses: &[(Date, Option<Date>)]) -> Vec<(Date, Option<Date>)> {
    let mut sorted = pauses.to_vec();
    sorted.retain(|(from, until)| until.is_none_or(|until| *from < until));
    sorted.sort_unstable();
    let mut joined: Vec<(Date, Option<Date>)> = Vec::with_capacity(sorted.len());
    for (from, until) in sorted {
        match joined.last_mut() {
            Some((_, last)) if last.is_none_or(|last| from <= last) => {
                *last = last.zip(until).map(|(last, until)| last.max(until));
            }
            _ => joined.push((from, until)),
        }
    }
    joined
}

type Piece = (Date, Option<Date>, Status);

/// A range of days cut at the pauses.
fn pieces(from: Date, until: Option<Date>, pauses: &[(Date, Option<Date>)]) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut day = Some(from);
    for (pause, resume) in pauses {
        let Some(at) = day else { break };
        if resume.is_some_and(|resume| resume <= at) || until.is_some_and(|until| until <= *pause) {
            continue;
        }
        found.push((at, Some(*pause), Status::InForce));
        found.push((at.max(*pause), earlier(until, *resume), Status::Paused));
        day = *resume;
    }
    found.extend(day.map(|day| (day, until, Status::InForce)));
    found.retain(|(from, until, _)| until.is_none_or(|until| *from < until));
    found
}

/// Why a piece ends on a day.
fn end(terms: &Terms, pauses: &[(Date, Option<Date>)], until: Date, status: Status) -> End {
    match terms.ends {
        Some((on, kind)) if on == until => return End::Cancelled(kind),
        _ => {}
    }
    let cut = |pause: &(Date, Option<Date>)| match status {
        Status::InForce => pause.0 == until,
        Status::Paused => pause.1 == Some(until),
    };
    match (pauses.iter().any(cut), status) {
        (true, Status::InForce) => End::Paused,
        (true, Status::Paused) => End::Resumed,
        (false, _) => End::Changed,
    }
}

#[cfg(test)]
#[path = "mrr_tests.rs"]
mod tests;
