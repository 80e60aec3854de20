//! The steps of a case with their dates, and which of them are to be taken now.
//!
//! Purpose: [`Policy::plan`] dates every step; [`Policy::due`] says what to do today, given what
//! has been done; [`Policy::next_on`] says when to look again.
//!
//! Invariants:
//! - Days are counted from day 0 and stand still while a pause freezes them: a step that would
//!   fall into a pause falls on the day after it.
//! - A retry of a direct debit moves to the next TARGET day; where pay days are set, retries move
//!   to the next of them. A retry never moves past the next step: where it would, it is taken on
//!   the last fitting day before that step, and where there is no fitting pay day, on a day that
//!   is none. It stays after the retry before it; where there is no such day it is left out.
//! - Several retries that were missed become one; of several missed reminders, and of several
//!   missed restrictions, only the last is taken.
//! - Nothing ends silently: a plan whose last step puts the case before nobody ends with
//!   [`Action::ListForPerson`] on its last day.
//!
//! Deliberately absent: whether an attempt is under way; the caller asks for nothing due then.

use chrono::Datelike;

use super::{Action, Policy, Step};
use crate::date::{self, Date};
use crate::failure::FailureClass;
use crate::payment::Scheme;
use crate::period::Period;
use crate::target;

/// An invoice whose money did not come, as far as a policy must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// How it is paid.
    pub scheme: Scheme,
    /// Why the money did not come. A transfer that is not there on its due date counts as
    /// [`FailureClass::NoMoney`].
    pub class: FailureClass,
    /// The day of the first failure, or of the bounce; of a transfer, the due date. Of a class
    /// whose day 0 does not start, the day of the failure.
    pub day_zero: Date,
    /// When money was last asked for; retries up to that day are void.
    pub last_attempt_on: Option<Date>,
    /// Days that do not count: pauses.
    pub frozen: Vec<Period>,
    /// Whether a person holds back its retries.
    pub held: bool,
    /// Whether a late fee may still be charged for it, in its currency.
    pub may_be_charged: bool,
}

impl Case {
    /// A case with nothing special about it.
    #[must_use]
    pub fn new(scheme: Scheme, class: FailureClass, day_zero: Date) -> Self {
        Self {
            scheme,
            class,
            day_zero,
            last_attempt_on: None,
            frozen: Vec::new(),
            held: false,
            may_be_charged: true,
        }
    }

    /// Whether a pause freezes a day.
    #[must_use]
    pub fn is_frozen(&self, day: Date) -> bool {
        self.frozen.iter().any(|pause| pause.contains(day))
    }

    /// The date of a day of the policy: so many days after day 0, frozen ones not counted.
    #[must_use]
    pub fn date_of(&self, day: u16) -> Date {
        let mut pauses = self.frozen.clone();
        pauses.sort_by_key(|pause| pause.start);
        let mut on = date::add_days(self.day_zero, i64::from(day));
        let mut counted = self.day_zero;
        for pause in pauses {
            let start = pause.start.max(counted);
            if start > on {
                break;
            }
            on = date::add_days(on, date::days_between(start, pause.end).max(0));
            counted = counted.max(pause.end);
        }
        on
    }

    /// The first day from `day` on that no pause freezes.
    pub(super) fn first_unfrozen(&self, day: Date) -> Date {
        let mut free = day;
        while let Some(pause) = self.frozen.iter().find(|pause| pause.contains(free)) {
            free = pause.end;
        }
        free
    }
}

/// What a step is known by: no two steps of a case have the same.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct StepKey {
    /// The policy's day.
    pub day: u16,
    /// What is done.
    pub action: Action,
}

/// A step with its date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Planned {
    /// When.
    pub on: Date,
    /// Which.
    pub key: StepKey,
}

/// A failure of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// When it became known, as a date of the bank where there is one.
    pub on: Date,
    /// Why.
    pub class: FailureClass,
    /// Whether the money had come and went back.
    pub bounced: bool,
}

/// What an invoice's failures amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// Day 0; of a class whose day 0 does not start, the day of the failure.
    pub day_zero: Date,
    /// The class that decides.
    pub class: FailureClass,
}

/// Day 0 and class of an invoice that failed, in order of time; nothing when it never failed. A
/// bounce begins anew: day 0 is its date. Day 0 is the first failure that starts it, and the class
/// is that of the last such failure: technical trouble on the way changes neither. Only when no
/// failure starts day 0 it is the first failure's.
#[must_use]
pub fn course(failures: &[Failure]) -> Option<Course> {
    let bounce = failures.iter().rposition(|failure| failure.bounced).unwrap_or(0);
    let since = failures.get(bounce..)?;
    let mut starting = since.iter().filter(|failure| failure.class.starts_overdue());
    let first = starting.next();
    let last = starting.next_back().or(first).or(since.last())?;
    let day_zero = first.or(since.first())?.on;
    Some(Course { day_zero, class: last.class })
}

impl Policy {
    /// Every step of a case with its date, in order.
    #[must_use]
    pub fn plan(&self, case: &Case) -> Vec<Planned> {
        if !case.class.starts_overdue() {
            return not_dunned(case);
        }
        let mut steps = self.steps_of(case);
        let ends = steps.last().is_none_or(|last| {
            steps.iter().all(|key| key.day < last.day || !key.action.needs_person())
        });
        if ends {
            // The last day of the whole policy: also what a class leaves out has its time.
            let day = self.terms.steps.last().map_or(0, |step| step.day);
            steps.push(StepKey { day, action: Action::ListForPerson });
        }
        let mut retried = case.day_zero;
        let mut plan = Vec::with_capacity(steps.len());
        for key in &steps {
            if key.action != Action::Retry {
                plan.push(Planned { on: case.date_of(key.day), key: *key });
            } else if let Some(on) = self.place(case, *key, &steps, retried) {
                plan.push(Planned { on, key: *key });
                retried = on;
            }
        }
        // Only now: whoever is charged none is collected from on the same days as everybody.
        plan.retain(|step| case.may_be_charged || step.key.action != Action::ChargeLateFee);
        plan.sort();
        plan
    }

    /// What is to be done today, given what has been done since day 0: every step up to today
    /// that is neither done nor void. Nothing while a pause lasts.
    #[must_use]
    pub fn due(&self, case: &Case, done: &[StepKey], today: Date) -> Vec<Planned> {
        if case.is_frozen(today) {
            return Vec::new();
        }
        let plan = self.plan(case);
        let reached: Vec<Planned> = plan.into_iter().filter(|step| step.on <= today).collect();
        let later = |step: &Planned| {
            let rest = reached.iter().filter(|other| other.on <= today && *other > step);
            rest.into_iter().any(|other| other.key.action.supersedes(step.key.action))
        };
        let open = reached.iter().filter(|step| is_open(case, step, done));
        open.filter(|step| !later(step)).copied().collect()
    }

    /// The next day on which something is due: today when something is due now, nothing when
    /// nothing is left to do.
    #[must_use]
    pub fn next_on(&self, case: &Case, done: &[StepKey], today: Date) -> Option<Date> {
        let looked = case.first_unfrozen(today);
        if !self.due(case, done, looked).is_empty() {
            return Some(looked);
        }
        let coming = self.plan(case).into_iter().filter(|step| step.on > looked);
        coming.filter(|step| is_open(case, step, done)).map(|step| step.on).min()
    }

    /// The steps of a case in order of day. Of `unknown`, the first retry alone is kept and a
    /// person takes the place of the second; where there is none, the day after the first; where
    /// nothing is collected, day 1.
    fn steps_of(&self, case: &Case) -> Vec<StepKey> {
        let taken = self.terms.steps.iter().filter(|step| step.applies(case.scheme, case.class));
        let mut steps: Vec<StepKey> = taken.map(Step::key).collect();
        if case.class == FailureClass::Unknown {
            let mut retries = steps.iter().filter(|key| key.action == Action::Retry);
            let first = retries.next().map_or(0, |key| key.day);
            let person = retries.next().map_or(first.saturating_add(1), |key| key.day);
            steps.retain(|key| key.action != Action::Retry || key.day == first);
            steps.push(StepKey { day: person, action: Action::ListForPerson });
        }
        steps.sort();
        steps.dedup();
        steps
    }

    /// The date of a retry; nothing when there is no day for it.
    fn place(&self, case: &Case, key: StepKey, steps: &[StepKey], after: Date) -> Option<Date> {
        let nominal = case.date_of(key.day);
        let next = steps.iter().find(|step| step.day > key.day);
        let limit = next.map(|step| match step.action {
            Action::Retry => date::add_days(case.date_of(step.day), -1),
            _ => case.date_of(step.day),
        });
        let limit = limit.unwrap_or_else(|| date::add_days(nominal, LONGEST_MOVE));
        let from = nominal.max(date::add_days(after, 1));
        let fits = |day: &Date| {
            let banks = case.scheme != Scheme::DirectDebit || target::is_open(*day);
            banks && !case.is_frozen(*day)
        };
        let pays = |day: &Date| fits(day) && self.is_pay_day(*day);
        let forward = || from.iter_days().take_while(|day| *day <= limit);
        let back = || forward_from(date::add_days(after, 1), limit);
        let on_pay_day = || forward().find(pays).or_else(|| back().filter(pays).last());
        let any = || forward().find(fits).or_else(|| back().filter(fits).last());
        if self.terms.pay_days.is_empty() { any() } else { on_pay_day().or_else(any) }
    }

    /// Whether a day is one of the policy's pay days; a day that its month lacks is the last one.
    fn is_pay_day(&self, day: Date) -> bool {
        let last = date::add_days(date::first_of_next_month(day), -1) == day;
        let is = |pay: &u32| *pay == day.day() || (last && *pay > day.day());
        self.terms.pay_days.iter().any(is)
    }
}

/// How far a retry with no step after it may move: to the same pay day of the next month.
const LONGEST_MOVE: i64 = 31;

fn forward_from(first: Date, last: Date) -> impl Iterator<Item = Date> {
    first.iter_days().take_while(move |day| *day <= last)
}

impl Step {
    fn key(&self) -> StepKey {
        StepKey { day: self.day, action: self.action }
    }
}

/// A step that is neither done, nor overtaken by one of its kind that is done, nor void.
pub(super) fn is_open(case: &Case, step: &Planned, done: &[StepKey]) -> bool {
    let overtaken = done.iter().any(|done| {
        done == &step.key || (done.action.supersedes(step.key.action) && *done >= step.key)
    });
    let tried = case.last_attempt_on.is_some_and(|last| step.on <= last);
    let void = step.key.action == Action::Retry && (case.held || tried);
    !overtaken && !void
}

/// Where day 0 does not start: technical trouble is tried again on the next business day, and a
/// person sees it on the business day after that; the others a person sees at once.
fn not_dunned(case: &Case) -> Vec<Planned> {
    let planned = |on, day, action| Planned { on, key: StepKey { day, action } };
    if case.class != FailureClass::Technical {
        let on = case.date_of(0);
        return vec![planned(on, 0, Action::ListForPerson)];
    }
    let business_day = |after: Date| {
        let mut day = target::after(after);
        while case.is_frozen(day) {
            day = target::on_or_after(case.first_unfrozen(day));
        }
        day
    };
    let retry = business_day(case.day_zero);
    let seen = planned(business_day(retry), 2, Action::ListForPerson);
    match case.scheme {
        Scheme::BankTransfer => vec![planned(retry, 2, Action::ListForPerson)],
        Scheme::DirectDebit | Scheme::Card => vec![planned(retry, 1, Action::Retry), seen],
    }
}
