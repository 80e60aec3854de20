//! Starts and renewals: on which days a subscription begins or goes on into another period.
//!
//! Purpose: what other systems plan by, ahead ([`upcoming`]) and when it happens ([`renewed`]).
//!
//! Invariants: a renewal is a boundary of the subscription's grid after its first paid day, before
//! its end; the same days are told ahead and when they come, whatever the timing of the bill.
//!
//! Deliberately absent: what it costs (`billing`).

use crate::code::codes;
use crate::date::{self, Date};
use crate::plan::Timing;
use crate::subscription::{Direction, Due, Item, Subscription};

codes! {
    /// What begins on a day.
    RenewalKind {
        /// Service begins, with a trial or without.
        Start = "start",
        /// The trial is over and the first paid period begins.
        TrialEnd = "trial_end",
        /// Another period begins.
        Renewal = "renewal",
    }
}

/// A day on which something begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upcoming {
    /// The day.
    pub on: Date,
    /// What begins.
    pub kind: RenewalKind,
}

/// What begins after `today` and before `until`, in order, with the changes that are planned.
pub fn upcoming(
    subscription: &Subscription,
    today: Date,
    until: Date,
) -> impl Iterator<Item = Upcoming> + '_ {
    let start = Some((subscription.start_on, RenewalKind::Start));
    let trial_end = subscription.trial_ends_on.map(|on| (on, RenewalKind::TrialEnd));
    let once = [start, trial_end].into_iter().flatten();
    let once = once.filter(move |(on, _)| *on > today && is_delivered(subscription, *on));
    let again = renewals_after(subscription, today).map(|on| (on, RenewalKind::Renewal));
    once.chain(again).take_while(move |(on, _)| *on < until).map(|(on, kind)| Upcoming { on, kind })
}

/// Whether a day lies before the end, in no pause and in no suspension.
fn is_delivered(subscription: &Subscription, day: Date) -> bool {
    subscription.ends_on().is_none_or(|end| day < end) && !subscription.is_withheld_on(day)
}

/// The boundaries after a day on which the subscription is renewed, for ever or up to its end.
fn renewals_after(subscription: &Subscription, after: Date) -> impl Iterator<Item = Date> + '_ {
    let mut ahead = subscription.clone();
    let mut day = after.max(subscription.first_paid_day());
    let boundaries = std::iter::from_fn(move || {
        loop {
            let next = ahead.grid.period_containing(day).end;
            let change = ahead.intents.first().map(|intent| intent.on).filter(|on| *on <= next);
            match change {
                Some(on) => drop(ahead.apply_changes(on)),
                None if ahead.is_suspended_on(next) => return None,
                None if next >= date::LATEST || ahead.ends_on().is_some_and(|end| end <= next) => {
                    return None;
                }
                None => {
                    day = next;
                    return Some(next);
                }
            }
        }
    });
    boundaries.filter(|day| is_delivered(subscription, *day))
}

/// The day after `day` on which the next paid period begins; nothing when none does.
#[must_use]
pub fn next_renewal_on(subscription: &Subscription, day: Date) -> Option<Date> {
    let paid = upcoming(subscription, day, date::LATEST);
    paid.filter(|one| one.kind != RenewalKind::Start).map(|one| one.on).next()
}

/// The day on which charging `due` renews the subscription, if it does: in advance the first day of
/// a period after the first, in arrears the day after it.
#[must_use]
pub fn renewed(subscription: &Subscription, item: &Item, due: &Due) -> Option<Date> {
    let day = match item.timing() {
        Timing::InAdvance if due.part.start == due.whole.start => due.whole.start,
        Timing::InArrears if due.part.end == due.whole.end => due.whole.end,
        Timing::InAdvance | Timing::InArrears => return None,
    };
    let again = day > item.grid.anchor_on && day > subscription.first_paid_day();
    (due.direction == Direction::Charge && again && is_delivered(subscription, day)).then_some(day)
}

#[cfg(test)]
#[path = "renewal_tests.rs"]
pub(crate) mod tests;
