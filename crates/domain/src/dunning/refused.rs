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
    Action, Delivery, MAX_CARD_RETRIES, MAX_DAY, MAX_DEBIT_RETRIES, MAX_LATE_FEES, MAX_MINIMUMS,
    MAX_MORE_RETRIES, MAX_STEPS, Step, Terms,
};
use crate::failure::FailureClass;
use crate::money::Money;
use crate::payment::Scheme;
use crate::plan::MAX_UNIT_PRICE;

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
    /// A step that charges a late fee, and none is named.
    #[error("charge_late_fee on day {day} has nothing to charge: expected a late fee")]
    LateFeeMissing {
        /// The step's day.
        day: u16,
    },
    /// A late fee, and no step that charges it.
    #[error("no step charges the late fee: expected one with charge_late_fee, or no late fee")]
    LateFeeUnused,
    /// A late fee on the day of the failure itself.
    #[error("charge_late_fee on day 0 is not possible: expected day 1 or later")]
    LateFeeAtOnce,
    /// A late fee twice.
    #[error(
        "charge_late_fee on day {day} for {scheme} and {class} is a second one: an invoice is charged one late fee"
    )]
    LateFeeTwice {
        /// The day of the second one.
        day: u16,
        /// For which scheme.
        scheme: Scheme,
        /// For which class.
        class: FailureClass,
    },
    /// A fee of nothing, of too much, or a second one of a currency.
    #[error(
        "a late fee of {amount} is not possible: expected more than zero, at most {MAX_UNIT_PRICE}, once per currency"
    )]
    LateFeeAmount {
        /// What was given.
        amount: Money,
    },
    /// No amount of a late fee, or too many.
    #[error("{given} amounts of a late fee are not possible: expected 1 to {MAX_LATE_FEES}")]
    LateFeeAmounts {
        /// How many were given.
        given: usize,
    },
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
    check_minimums(&terms.minimums)?;
    check_late_fee(terms)
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
    if action == Action::ChargeLateFee && day == 0 {
        return Err(PolicyRefused::LateFeeAtOnce);
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
        let charges = action == Action::ChargeLateFee;
        if charges && taken.iter().take(k).any(|e| e.action == action) {
            return Err(PolicyRefused::LateFeeTwice { day, scheme, class });
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

fn check_minimums(minimums: &[Money]) -> Result<(), PolicyRefused> {
    let given = minimums.len();
    if given > MAX_MINIMUMS {
        return Err(PolicyRefused::Minimums { given });
    }
    match not_once(minimums) {
        Some(amount) => Err(PolicyRefused::Minimum { amount }),
        None => Ok(()),
    }
}

/// The first amount that is not more than nothing, or the second of its currency.
fn not_once(amounts: &[Money]) -> Option<Money> {
    let mut seen = BTreeSet::new();
    let mut amounts = amounts.iter().copied();
    amounts.find(|one| one.minor() <= 0 || !seen.insert(one.currency().code().to_owned()))
}

fn check_late_fee(terms: &Terms) -> Result<(), PolicyRefused> {
    let step = terms.steps.iter().find(|step| step.action == Action::ChargeLateFee);
    let fee = match (step, &terms.late_fee) {
        (None, None) => return Ok(()),
        (Some(step), None) => return Err(PolicyRefused::LateFeeMissing { day: step.day }),
        (None, Some(_)) => return Err(PolicyRefused::LateFeeUnused),
        (Some(_), Some(fee)) => fee,
    };
    let given = fee.amounts.len();
    if !(1..=MAX_LATE_FEES).contains(&given) {
        return Err(PolicyRefused::LateFeeAmounts { given });
    }
    let too_much = fee.amounts.iter().copied().find(|amount| amount.major() > MAX_UNIT_PRICE);
    match too_much.or_else(|| not_once(&fee.amounts)) {
        Some(amount) => Err(PolicyRefused::LateFeeAmount { amount }),
        None => Ok(()),
    }
}
