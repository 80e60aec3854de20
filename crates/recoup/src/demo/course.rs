//! What happens to a subscription between its first weeks and its end.
//!
//! Purpose: discounts at the sale; then, a few times a year, other quantities, another plan, a
//! pause, a cancellation that is taken back; in the end a cancellation, in every way there is.
//!
//! Invariants: pure; acts come in the order of their dates, and so far apart that what one of them
//! plans is over when the next one comes.
//!
//! Deliberately absent: what it costs; whether it may be done. Those are the program's rules.

use app::subscription::ChangeWhen;
use chrono::{Datelike, Weekday};
use domain::date::{self, Date};
use domain::period::Period;
use domain::plan::DEFAULT_PAUSE_MONTHS;
use domain::subscription::{CancelReason, CancelWhen};

use super::draw::Draw;
use super::scale::Scale;

/// Something that is done with a subscription.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Other quantities, or another plan.
    Change {
        /// Code of the plan, if it is another.
        plan: Option<&'static str>,
        /// Units by component.
        quantities: Quantities,
        when: ChangeWhen,
    },
    /// A pause; as long as the plan allows where no end is given.
    Pause { from: Date, until: Option<Date> },
    /// The pause ends today.
    Resume,
    /// A cancellation; as the plan says where no way is given.
    Cancel { when: Option<CancelWhen>, reason: CancelReason },
    /// The end is taken back.
    Undo,
    /// A discount is put on it, by its code.
    Discount(&'static str),
}

/// Units by component.
pub(super) type Quantities = Vec<(&'static str, u32)>;

/// An end: when, in which way, and why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaving {
    pub(super) on: Date,
    pub(super) when: Option<CancelWhen>,
    pub(super) reason: CancelReason,
}

/// A subscription as it was sold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sold<'a> {
    pub(super) on: Date,
    pub(super) starts_on: Date,
    pub(super) plan: &'static str,
    pub(super) quantities: &'a [(&'static str, u32)],
    pub(super) leaves: Option<Leaving>,
    /// Discounts in euros can be put on it.
    pub(super) in_euros: bool,
}

/// All that happens to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    pub(super) acts: Vec<(Date, Act)>,
    /// Days on which it is paused, as planned.
    pub(super) still: Vec<Period>,
}

/// The first act comes so many days after the beginning: no trial lasts as long.
const FIRST_AFTER: u32 = 45;
/// From one act to the next: longer than any pause or dated change lasts.
const APART: u32 = 130;
/// An act comes up to so many days later than that.
const JITTER: u32 = 15;
/// Nothing else happens so many days before a subscription is cancelled: pauses are over by then.
const QUIET: i64 = 95;
/// Of a hundred subscriptions, so many begin with a discount.
const WELCOMED: u32 = 30;

/// Why customers leave, as often as it stands here.
const REASONS: [CancelReason; 7] = [
    CancelReason::VoluntaryNoNeed,
    CancelReason::VoluntaryPrice,
    CancelReason::VoluntaryNoNeed,
    CancelReason::VoluntaryCompetitor,
    CancelReason::VoluntaryMissingFeature,
    CancelReason::VoluntaryOther,
    CancelReason::Unknown,
];

impl Leaving {
    /// One of the ways, on a day.
    pub(super) fn on(day: Date, draw: &mut Draw) -> Self {
        let when = match draw.below(10) {
            0..4 => None,
            4..6 => Some(CancelWhen::PeriodEnd),
            6..8 => Some(CancelWhen::Now { credit: true }),
            8 => Some(CancelWhen::Now { credit: false }),
            _ => Some(CancelWhen::On { day: later(day, draw, 5, 40), credit: true }),
        };
        Self { on: day, when, reason: REASONS[draw.below(7) as usize] }
    }
}

/// The day itself, or the next one on which the vendor's office enters what customers ask for.
pub(super) fn office_day(day: Date) -> Date {
    let mut day = day;
    while !matches!(day.weekday(), Weekday::Mon | Weekday::Thu) {
        day = date::add_days(day, 1);
    }
    day
}

fn later(day: Date, draw: &mut Draw, first: u32, last: u32) -> Date {
    date::add_days(day, i64::from(draw.between(first, last)))
}

/// What happens to a subscription, to its end or to the last day.
pub(super) fn course(scale: &Scale, sold: &Sold<'_>, mut draw: Draw) -> Course {
    let mut state = State {
        closes_on: scale.closes_on(),
        plan: sold.plan,
        units: sold.quantities.first().copied(),
        in_euros: sold.in_euros,
        discounts: Vec::new(),
        course: Course::default(),
    };
    if draw.chance(WELCOMED) {
        state.discount(sold.on, &["WELKOM", "WELKOM", "OVERSTAP", "START"], &mut draw);
    }
    let last = match sold.leaves {
        Some(leaving) => date::add_days(leaving.on, -QUIET),
        None => scale.closes_on(),
    };
    let mut from = date::add_days(sold.starts_on, i64::from(FIRST_AFTER));
    while from <= last {
        let on = office_day(date::add_days(from, i64::from(draw.below(JITTER))));
        if on <= last {
            state.act(on, &mut draw);
        }
        from = date::add_days(from, i64::from(APART));
    }
    if let Some(Leaving { on, when, reason }) = sold.leaves {
        state.push(on, Act::Cancel { when, reason });
    }
    state.course
}

/// A subscription on its way.
struct State {
    closes_on: Date,
    plan: &'static str,
    units: Option<(&'static str, u32)>,
    in_euros: bool,
    /// Those that it had.
    discounts: Vec<&'static str>,
    course: Course,
}

impl State {
    /// What comes after the last day is left out.
    fn push(&mut self, on: Date, act: Act) {
        if on <= self.closes_on {
            self.course.acts.push((on, act));
        }
    }

    fn act(&mut self, on: Date, draw: &mut Draw) {
        match draw.below(100) {
            0..36 => self.grow(on, draw),
            36..44 => self.move_over(on, draw),
            44..49 => self.pause(on, draw),
            49..52 => self.hesitate(on, draw),
            52..60 => self.discount(on, &["TROUW", "ACTIE", "PARTNER"], draw),
            _ => {}
        }
    }

    fn change(&mut self, on: Date, plan: Option<&'static str>, of: Quantities, draw: &mut Draw) {
        let when = match draw.below(10) {
            0..5 => ChangeWhen::Now,
            5..7 => ChangeWhen::PeriodEnd,
            _ => ChangeWhen::On(later(on, draw, 5, 40)),
        };
        self.push(on, Act::Change { plan, quantities: of, when });
    }

    /// More units, or fewer.
    fn grow(&mut self, on: Date, draw: &mut Draw) {
        let Some((component, count)) = self.units else { return };
        let step = draw.between(1, (count / 4).max(2));
        let count = if draw.chance(75) { count + step } else { count.saturating_sub(step).max(1) };
        self.units = Some((component, count));
        self.change(on, None, vec![(component, count)], draw);
    }

    /// Another plan.
    fn move_over(&mut self, on: Date, draw: &mut Draw) {
        let (plan, units) = match self.plan {
            "hosting-start" => ("hosting-pro", None),
            "hosting-pro" => ("hosting-year", None),
            "hosting-year" => ("hosting-pro", None),
            "learning-team" => ("learning-year", self.units),
            "support-basic" => ("support-plus", Some(("contacts", draw.between(1, 4)))),
            "support-plus" => ("support-basic", None),
            _ => return,
        };
        (self.plan, self.units) = (plan, units);
        self.change(on, Some(plan), units.into_iter().collect(), draw);
    }

    /// A pause that ends on its day, as late as it may, or earlier by hand.
    fn pause(&mut self, on: Date, draw: &mut Draw) {
        let from = if draw.chance(40) { on } else { later(on, draw, 1, 14) };
        let mut end = later(from, draw, 20, 75);
        match draw.below(3) {
            0 => self.push(on, Act::Pause { from, until: Some(end) }),
            1 => {
                end = date::add_months(from, DEFAULT_PAUSE_MONTHS);
                self.push(on, Act::Pause { from, until: None });
            }
            _ => {
                self.push(on, Act::Pause { from, until: Some(date::add_days(end, 10)) });
                self.push(office_day(end), Act::Resume);
            }
        }
        self.course.still.push(Period { start: from, end });
    }

    /// An end that is taken back.
    fn hesitate(&mut self, on: Date, draw: &mut Draw) {
        let when = Some(CancelWhen::On { day: later(on, draw, 35, 45), credit: true });
        self.push(on, Act::Cancel { when, reason: CancelReason::VoluntaryPrice });
        self.push(office_day(later(on, draw, 3, 25)), Act::Undo);
    }

    /// One of these, if it never had it.
    fn discount(&mut self, on: Date, codes: &[&'static str], draw: &mut Draw) {
        let code = codes[draw.below(u32::try_from(codes.len()).unwrap_or(1)) as usize];
        let in_euros = ["OVERSTAP", "START", "PARTNER"].contains(&code);
        if self.discounts.contains(&code) || (in_euros && !self.in_euros) {
            return;
        }
        self.discounts.push(code);
        self.push(on, Act::Discount(code));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::demo::catalogue::{DISCOUNTS, PLANS};

    fn name(act: &Act) -> String {
        match act {
            Act::Change { when: ChangeWhen::On(_), .. } => "change on".to_owned(),
            Act::Change { when, .. } => format!("change {when:?}"),
            Act::Cancel { when: Some(CancelWhen::On { .. }), .. } => "cancel on".to_owned(),
            Act::Cancel { when, .. } => format!("cancel {when:?}"),
            Act::Pause { until, .. } => format!("pause, end given: {}", until.is_some()),
            Act::Discount(code) => (*code).to_owned(),
            Act::Resume => "resume".to_owned(),
            Act::Undo => "undo".to_owned(),
        }
    }

    #[test]
    fn everything_happens_in_order_with_plans_and_discounts_that_exist() {
        let scale = Scale { customers: 1, years: 2, seed: 1 };
        let (on, starts_on) = (scale.opens_on(), date::add_days(scale.opens_on(), 3));
        let mut seen = BTreeSet::new();
        for (number, plan) in (0..).zip(PLANS.iter().cycle().take(900)) {
            let mut draw = Draw::of(7, "leaves", number);
            let day = later(starts_on, &mut draw, 40, 700);
            let leaves = draw.chance(50).then(|| Leaving::on(day, &mut draw));
            let sold =
                Sold { on, starts_on, plan: plan.code, quantities: &[], leaves, in_euros: true };
            let course = course(&scale, &sold, Draw::of(7, "course", number));
            assert!(course.acts.is_sorted_by_key(|(on, _)| *on), "{course:?}");
            assert!(course.acts.iter().all(|(on, _)| *on <= scale.closes_on()), "{course:?}");
            for (_, act) in &course.acts {
                seen.insert(name(act));
                if let Act::Change { plan: Some(code), .. } = act {
                    assert!(PLANS.iter().any(|plan| plan.code == *code), "{code}");
                }
            }
        }
        for discount in &DISCOUNTS {
            assert!(seen.remove(discount.code), "{}", discount.code);
        }
        let expected = [
            "cancel None",
            "cancel Some(Now { credit: false })",
            "cancel Some(Now { credit: true })",
            "cancel Some(PeriodEnd)",
            "cancel on",
            "change Now",
            "change PeriodEnd",
            "change on",
            "pause, end given: false",
            "pause, end given: true",
            "resume",
            "undo",
        ];
        assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }
}
