//! Starts and renewals: on which days a subscription begins or goes on into another period.
//!
//! Purpose: what other systems plan by, ahead ([`upcoming`]) and when it happens ([`renewed`]).
//!
//! Invariants: a renewal is a boundary of the subscription's grid after its first paid day, before
//! its end; the same days are told ahead and when they come, whatever the timing of the bill.
//!
//! Deliberately absent: what it costs (`billing`), changes that are still to come.

use crate::code::codes;
use crate::date::{self, Date};
use crate::plan::Timing;
use crate::subscription::Subscription;

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

/// The first day that is paid for.
fn first_paid_day(subscription: &Subscription) -> Date {
    subscription.trial_ends_on.unwrap_or(subscription.start_on)
}

/// Whether a day is delivered, as far as the end goes.
fn is_before_end(subscription: &Subscription, day: Date) -> bool {
    subscription.ends_on().is_none_or(|end| day < end)
}

/// The boundaries after a day on which the subscription is renewed, for ever or up to its end.
fn renewals_after(subscription: &Subscription, after: Date) -> impl Iterator<Item = Date> + '_ {
    let next = |day: Date| {
        let whole = subscription.interval.period_containing(subscription.anchor_on, day);
        (whole.end < date::LATEST && is_before_end(subscription, whole.end)).then_some(whole.end)
    };
    let first = next(after.max(first_paid_day(subscription)));
    std::iter::successors(first, move |day| next(*day))
}

/// What begins after `today` and before `until`, in order.
pub fn upcoming(
    subscription: &Subscription,
    today: Date,
    until: Date,
) -> impl Iterator<Item = Upcoming> + '_ {
    let start = Some((subscription.start_on, RenewalKind::Start));
    let trial_end = subscription.trial_ends_on.map(|on| (on, RenewalKind::TrialEnd));
    let once = [start, trial_end].into_iter().flatten();
    let once = once.filter(move |(on, _)| *on > today && is_before_end(subscription, *on));
    let again = renewals_after(subscription, today).map(|on| (on, RenewalKind::Renewal));
    once.chain(again).take_while(move |(on, _)| *on < until).map(|(on, kind)| Upcoming { on, kind })
}

/// The day after `day` on which the next paid period begins; nothing when none does.
#[must_use]
pub fn next_renewal_on(subscription: &Subscription, day: Date) -> Option<Date> {
    let paid = upcoming(subscription, day, date::LATEST);
    paid.filter(|one| one.kind != RenewalKind::Start).map(|one| one.on).next()
}

/// The days on which a subscription was renewed by charging what lies between `billed_until`, as it
/// was before, and as it is now. In advance, charging a period renews on its first day; in arrears,
/// on the day after it.
#[must_use]
pub fn renewed(billed_until: Date, subscription: &Subscription) -> Vec<Date> {
    let (after, last) = match subscription.timing {
        Timing::InAdvance => {
            (date::add_days(billed_until, -1), date::add_days(subscription.billed_until, -1))
        }
        Timing::InArrears => (billed_until, subscription.billed_until),
    };
    renewals_after(subscription, after).take_while(|day| *day <= last).collect()
}

#[cfg(test)]
#[path = "renewal_tests.rs"]
pub(crate) mod tests;
