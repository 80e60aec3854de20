//! What makes a policy impossible.
//!
//! Purpose: the checks of a policy, each with what was wrong and what would be right.
//!
//! Invariants: the first thing wrong is named, in the order of the steps. Checks that depend on
//! who pays how are made for every scheme and class.
//!
//! Deliberately absent: whether a policy is wise.

use std::collections::BTreeSet;

use super::{
    Action, Delivery, MAX_CARD_RETRIES, MAX_DAY, MAX_DEBIT_RETRIES, MAX_MINIMUMS, MAX_MORE_RETRIES,
    MAX_STEPS, Step, Terms,
};
use crate::failure::FailureClass;
use crate::money::Money;
use crate::payment::Scheme;

/// Why a policy is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRefused {
    /// No step, or too many.
    #[error("{given} steps are not possible: expected 1 to {MAX_STEPS}")]
    Count {
        /// How many were given.
        given: usize,
    },
    /// A day beyond the last one.
    #[error("day {day} of {action} is not possible: expected 0 to {MAX_DAY}")]
    Day {
        /// What was given.
        day: u16,
        /// Of which step.
        action: Action,
    },
    /// Days go back.
    #[error("{action} on day {day} comes after day {previous}: expected steps in order of day")]
    Order {
        /// What was given.
        day: u16,
        /// Of which step.
        action: Action,
        /// The day of the step before it.
        previous: u16,
    },
    /// A retry on the day of the failure itself.
    #[error("a retry on day 0 is the first attempt once more: expected day 1 or later")]
    RetryAtOnce,
    /// A retry of what the customer pays by itself.
    #[error("a retry names bank_transfer: nothing is collected from a customer who transfers")]
    RetryTransfer,
    /// A retry for a class that must not be tried again.
    #[error("a retry on day {day} names {class}: it is never tried again by itself")]
    RetryClass {
        /// The step's day.
        day: u16,
        /// What was given.
        class: FailureClass,
    },
    /// A step for a class whose day 0 does not start.
    #[error(
        "{action} on day {day} names {class}: such a failure starts no dunning, a person sees it"
    )]
    ClassNotDunned {
        /// The step's day.
        day: u16,
        /// Of which step.
        action: Action,
        /// What was given.
        class: FailureClass,
    },
    /// Too many retries.
    #[error("{given} retries of {scheme} are too many: at most {allowed}")]
    Retries {
        /// How many were given.
        given: usize,
        /// For which scheme.
        scheme: Scheme,
        /// How many are allowed.
        allowed: usize,
    },
    /// The same twice on a day for the same case.
    #[error("{action} on day {day} for {scheme} and {class} stands beside another of its kind")]
    Twice {
        /// The day.
        day: u16,
        /// What was given.
        action: Action,
        /// For which scheme.
        scheme: Scheme,
        /// For which class.
        class: FailureClass,
    },
    /// Restrict, suspend and cancel in another order, or one of them twice.
    #[error(
        "{action} on day {day} for {scheme} and {class} follows {earlier}: expected restrict, then suspend, then cancel, each once and on a later day"
    )]
    Degrees {
        /// The day.
        day: u16,
        /// What was given.
        action: Action,
        /// What came before it.
        earlier: Action,
        /// For which scheme.
        scheme: Scheme,
        /// For which class.
        class: FailureClass,
    },
    /// Grace that ends never or after delivery has been restricted.
    #[error("grace until day {until_day} is not possible: expected 1 to {latest}")]
    Grace {
        /// What was given.
        until_day: u16,
        /// The day of the first restriction, or the last day of any policy.
        latest: u16,
    },
    /// No day of a month, or one twice.
    #[error("pay day {day} is not possible: expected days 1 to 31, each once")]
    PayDay {
        /// What was given.
        day: u32,
    },
    /// A minimum of nothing, or a second one of a currency.
    #[error("a minimum of {amount} is not possible: expected more than zero, once per currency")]
    Minimum {
        /// What was given.
        amount: Money,
    },
    /// Too many minimums.
    #[error("{given} minimums are too many: at most {MAX_MINIMUMS}")]
    Minimums {
        /// How many were given.
        given: usize,
    },
    /// Late fees, which nothing charges.
    #[error("late fees are not charged: expected neither a late fee nor a step that charges one")]
    LateFee,
}

/// Whether terms make a policy.
pub(super) fn check(terms: &Terms) -> Result<(), PolicyRefused> {
    let given = terms.steps.len();
    if !(1..=MAX_STEPS).contains(&given) {
        return Err(PolicyRefused::Count { given });
    }
    let mut previous = 0;
    for step in &terms.steps {
        check_step(step, previous)?;
        previous = step.day;
    }
    for scheme in Scheme::ALL.iter().copied() {
        for class in FailureClass::ALL.iter().copied().filter(|class| class.starts_overdue()) {
            let taken = terms.steps.iter().filter(|step| step.applies(scheme, class));
            check_case(&taken.collect::<Vec<_>>(), scheme, class, terms.more_retries)?;
        }
    }
    check_grace(terms)?;
    check_pay_days(&terms.pay_days)?;
    check_amounts(terms)
}

fn check_step(step: &Step, previous: u16) -> Result<(), PolicyRefused> {
    let &Step { day, action, .. } = step;
    if day > MAX_DAY {
        return Err(PolicyRefused::Day { day, action });
    }
    if day < previous {
        return Err(PolicyRefused::Order { day, action, previous });
    }
    if let Some(class) = step.classes.iter().copied().find(|class| !class.starts_overdue()) {
        return Err(PolicyRefused::ClassNotDunned { day, action, class });
    }
    if action != Action::Retry {
        return Ok(());
    }
    if day == 0 {
        return Err(PolicyRefused::RetryAtOnce);
    }
    if step.schemes.contains(&Scheme::BankTransfer) {
        return Err(PolicyRefused::RetryTransfer);
    }
    match step.classes.iter().copied().find(|class| !class.may_retry()) {
        Some(class) => Err(PolicyRefused::RetryClass { day, class }),
        None => Ok(()),
    }
}

fn check_case(
    taken: &[&Step],
    scheme: Scheme,
    class: FailureClass,
    more: bool,
) -> Result<(), PolicyRefused> {
    let given = taken.iter().filter(|step| step.action == Action::Retry).count();
    let allowed = match scheme {
        Scheme::Card if more => MAX_MORE_RETRIES,
        Scheme::Card => MAX_CARD_RETRIES,
        Scheme::DirectDebit | Scheme::BankTransfer => MAX_DEBIT_RETRIES,
    };
    if given > allowed {
        return Err(PolicyRefused::Retries { given, scheme, allowed });
    }
    let mut reached: Option<&Step> = None;
    for (k, step) in taken.iter().enumerate() {
        let &Step { day, action, .. } = *step;
        if action.is_degree() {
            if let Some(earlier) = reached.filter(|e| e.action >= action || e.day >= day) {
                let earlier = earlier.action;
                return Err(PolicyRefused::Degrees { day, action, earlier, scheme, class });
            }
            reached = Some(step);
        }
        let beside = taken.iter().take(k).any(|e| e.day == day && e.action.supersedes(action));
        if beside {
            return Err(PolicyRefused::Twice { day, action, scheme, class });
        }
    }
    Ok(())
}

fn check_grace(terms: &Terms) -> Result<(), PolicyRefused> {
    let Delivery::Goodwill { until_day } = terms.delivery else { return Ok(()) };
    let first = terms.steps.iter().find(|step| step.action.is_degree());
    let latest = first.map_or(MAX_DAY, |step| step.day);
    if (1..=latest).contains(&until_day) {
        Ok(())
    } else {
        Err(PolicyRefused::Grace { until_day, latest })
    }
}

fn check_pay_days(days: &[u32]) -> Result<(), PolicyRefused> {
    let mut seen = BTreeSet::new();
    match days.iter().copied().find(|day| !(1..=31).contains(day) || !seen.insert(*day)) {
        Some(day) => Err(PolicyRefused::PayDay { day }),
        None => Ok(()),
    }
}

fn check_amounts(terms: &Terms) -> Result<(), PolicyRefused> {
    let given = terms.minimums.len();
    if given > MAX_MINIMUMS {
        return Err(PolicyRefused::Minimums { given });
    }
    let mut seen = BTreeSet::new();
    for amount in terms.minimums.iter().copied() {
        if amount.minor() <= 0 || !seen.insert(amount.currency().code().to_owned()) {
            return Err(PolicyRefused::Minimum { amount });
        }
    }
    // A fee is a line on an invoice, which needs a product; a policy names none.
    let charges = terms.steps.iter().any(|step| step.action == Action::ChargeLateFee);
    if charges || terms.late_fee.is_some() { Err(PolicyRefused::LateFee) } else { Ok(()) }
}
