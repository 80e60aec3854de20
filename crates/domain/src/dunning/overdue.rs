//! What a case does to delivery, and a customer's overdue state.
//!
//! Purpose: from cases, policies and a day to how far things have gone: for an invoice, and for a
//! customer by the oldest of its invoices.
//!
//! Invariants: a pure function of what is open now; nothing is remembered, so paying, bouncing or
//! checking late cannot leave it wrong. It depends on dates alone, not on steps that were taken: a
//! late check finds the most severe state that is reached. Without payments it never becomes
//! milder. A part payment changes nothing: an invoice is open or it is not.
//!
//! Deliberately absent: how much is open; blocks, which a person decides.

use super::plan::is_open;
use super::{Action, Case, Delivery, Planned, Policy, StepKey};
use crate::code::codes;
use crate::date::{self, Date};
use crate::entitlement::Arrears;
use crate::id::InvoiceId;

codes! {
    /// How far things have gone, milder first.
    Degree {
        /// Nothing is missing.
        Clear = "clear",
        /// Money is missing; no restriction has been reached.
        Overdue = "overdue",
        /// Read only.
        Restricted = "restricted",
        /// No new invoices.
        Suspended = "suspended",
        /// To be ended.
        Cancelled = "cancelled",
    }
}

/// A day of a case on which something happens or changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub on: Date,
    /// The steps of the day, in order.
    pub steps: Vec<Planned>,
    /// How far things have gone on that day.
    pub degree: Degree,
    /// What that does to delivery.
    pub arrears: Arrears,
}

impl Policy {
    /// How far a case has gone on a day.
    #[must_use]
    pub fn degree_on(&self, case: &Case, today: Date) -> Degree {
        if !case.class.starts_overdue() || today < case.date_of(0) {
            return Degree::Clear;
        }
        let reached = self.degrees(case).into_iter().filter(|(on, _)| *on <= today);
        reached.map(|(_, degree)| degree).max().unwrap_or(Degree::Overdue)
    }

    /// What a case does to delivery on a day.
    #[must_use]
    pub fn arrears_on(&self, case: &Case, today: Date) -> Arrears {
        match (self.degree_on(case, today), self.terms.delivery) {
            (Degree::Clear, _) => Arrears::None,
            (Degree::Suspended | Degree::Cancelled, _) | (_, Delivery::Strict) => Arrears::Stopped,
            (Degree::Restricted, Delivery::Goodwill { .. }) => Arrears::Restricted,
            (Degree::Overdue, Delivery::Goodwill { until_day }) => {
                let until = case.date_of(until_day);
                if until <= today { Arrears::Restricted } else { Arrears::Grace { until } }
            }
        }
    }

    /// The first day after today on which degree or arrears of a case are others.
    #[must_use]
    pub fn changes_on(&self, case: &Case, today: Date) -> Option<Date> {
        let state = |day| (self.degree_on(case, day), self.arrears_on(case, day));
        let mut days = self.changing_days(case);
        days.sort();
        days.into_iter().find(|day| *day > today && state(*day) != state(today))
    }

    /// Every day of a case on which something happens or changes, in order, beginning with day 0.
    #[must_use]
    pub fn timeline(&self, case: &Case) -> Vec<Moment> {
        let plan = self.plan(case);
        let mut days = self.changing_days(case);
        days.push(case.day_zero);
        days.extend(plan.iter().map(|step| step.on));
        days.sort();
        days.dedup();
        let moment = |on: Date| Moment {
            on,
            steps: plan.iter().filter(|step| step.on == on).copied().collect(),
            degree: self.degree_on(case, on),
            arrears: self.arrears_on(case, on),
        };
        days.into_iter().map(moment).collect()
    }

    /// What is still to come of a case when nothing is paid, given what has been done since day 0:
    /// today, and every later day on which something happens or changes. Steps that were missed
    /// stand on the first day on which they can be taken.
    #[must_use]
    pub fn coming(&self, case: &Case, done: &[StepKey], today: Date) -> Vec<Moment> {
        let looked = case.first_unfrozen(today);
        let due = self.due(case, done, looked);
        let mut days: Vec<Moment> =
            self.timeline(case).into_iter().filter(|moment| moment.on > looked).collect();
        for moment in &mut days {
            moment.steps.retain(|step| is_open(case, step, done));
        }
        let state = |on, steps| Moment {
            on,
            steps,
            degree: self.degree_on(case, on),
            arrears: self.arrears_on(case, on),
        };
        days.insert(0, state(looked, due));
        if looked > today {
            days.insert(0, state(today, Vec::new()));
        }
        days.dedup_by(|one, before| {
            one.steps.is_empty() && (one.degree, one.arrears) == (before.degree, before.arrears)
        });
        days
    }

    fn changing_days(&self, case: &Case) -> Vec<Date> {
        if !case.class.starts_overdue() {
            return Vec::new();
        }
        let mut days = vec![case.date_of(0)];
        days.extend(self.degrees(case).into_iter().map(|(on, _)| on));
        if let Delivery::Goodwill { until_day } = self.terms.delivery {
            days.push(case.date_of(until_day));
        }
        days
    }

    fn degrees(&self, case: &Case) -> Vec<(Date, Degree)> {
        let taken = self.terms.steps.iter().filter(|step| step.applies(case.scheme, case.class));
        let degree = |action| match action {
            Action::Restrict => Some(Degree::Restricted),
            Action::Suspend => Some(Degree::Suspended),
            Action::Cancel => Some(Degree::Cancelled),
            _ => None,
        };
        taken.filter_map(|step| Some((case.date_of(step.day), degree(step.action)?))).collect()
    }
}

/// An invoice of a customer that is still open, be it in part.
#[derive(Debug, Clone, Copy)]
pub struct OpenCase<'a> {
    /// Which.
    pub invoice_id: InvoiceId,
    /// When it was to be paid.
    pub due_on: Date,
    /// Its number.
    pub number: &'a str,
    /// What went wrong; nothing when nothing did, or not yet.
    pub case: Option<&'a Case>,
    /// The policy that its plan or organization sets.
    pub policy: &'a Policy,
}

impl OpenCase<'_> {
    /// Whether it has failed in a way that starts day 0, and that day is reached.
    fn is_overdue(&self, today: Date) -> bool {
        self.case.is_some_and(|case| self.policy.degree_on(case, today) > Degree::Clear)
    }
}

/// A customer's overdue state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdue {
    /// The invoice that decides.
    pub oldest: Option<InvoiceId>,
    /// Its day 0.
    pub day_zero: Option<Date>,
    /// How far things have gone.
    pub degree: Degree,
    /// What that does to delivery.
    pub arrears: Arrears,
    /// Whether the customer's standing is in arrears (unless a person has blocked it).
    pub in_arrears: bool,
    /// The first later day on which this changes, if nothing is paid.
    pub changes_on: Option<Date>,
}

/// A customer's overdue state: that of its oldest invoice that is overdue. The oldest is the one
/// with the earliest day 0; among those, the earliest due date, then the lowest number. (By day 0
/// and not by due date: an old invoice whose payment bounces today must not win new grace for one
/// that has been failing for weeks. A day 0 within a pause is the day after the pause.)
#[must_use]
pub fn overdue(open: &[OpenCase<'_>], today: Date) -> Overdue {
    let started = open.iter().filter(|invoice| invoice.is_overdue(today));
    let age = |invoice: &&OpenCase<'_>| {
        let day_zero = invoice.case.map_or(date::LATEST, |case| case.date_of(0));
        let number = (invoice.number.len(), invoice.number.to_owned());
        (day_zero, invoice.due_on, number, invoice.invoice_id)
    };
    let oldest = started.min_by_key(age);
    let Some((invoice, case)) = oldest.and_then(|invoice| Some((invoice, invoice.case?))) else {
        let coming = open.iter().filter_map(|i| i.policy.changes_on(i.case?, today)).min();
        return Overdue {
            oldest: None,
            day_zero: None,
            degree: Degree::Clear,
            arrears: Arrears::None,
            in_arrears: false,
            changes_on: coming,
        };
    };
    Overdue {
        oldest: Some(invoice.invoice_id),
        day_zero: Some(case.day_zero),
        degree: invoice.policy.degree_on(case, today),
        arrears: invoice.policy.arrears_on(case, today),
        in_arrears: true,
        changes_on: invoice.policy.changes_on(case, today),
    }
}
