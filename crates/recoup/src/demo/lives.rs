//! What the demonstration's customers do, and when.
//!
//! Purpose: from a seed to a list of dated events: who joins, with which subscriptions, who
//! cancels, why. The list is the same whenever it is made, so that a demonstration that was
//! interrupted goes on where it stood.
//!
//! Invariants: pure; events are in the order of their dates; a subscription begins after the day
//! on which it is sold, so that its first day finds it there; a cancellation comes after the
//! beginning.
//!
//! Deliberately absent: dates of bills. Those are the program's work.

use std::ops::RangeInclusive;

use domain::date::{self, Date};
use domain::id::{CustomerId, SubscriptionId};
use domain::period::Alignment;
use domain::subscription::CancelReason;

use super::draw::Draw;
use super::people::{self, Person};
use super::scale::Scale;

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) on: Date,
    pub(super) what: What,
}

/// What happens.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// A customer is entered, with what it buys.
    Join { id: CustomerId, person: Box<Person>, buys: Vec<Contract> },
    /// A subscription is cancelled, to its period's end.
    Cancel { id: SubscriptionId, reason: CancelReason },
}

/// One subscription.
#[derive(Debug, Clone)]
pub(super) struct Contract {
    pub(super) id: SubscriptionId,
    /// Code of the plan.
    pub(super) plan: &'static str,
    pub(super) starts_on: Date,
    pub(super) alignment: Alignment,
    /// Units by component.
    pub(super) quantities: Vec<(&'static str, u32)>,
    cancels: Option<(Date, CancelReason)>,
}

/// Of a hundred customers, so many come over from the vendor's former administration in the first
/// month; the others join over the years.
const FROM_THE_START: u32 = 45;
/// Of a hundred subscriptions, so many are cancelled per year.
const CANCELLED_PER_YEAR: u32 = 16;
/// Of a hundred subscriptions, so many follow the calendar.
const ON_THE_CALENDAR: u32 = 35;
/// Nobody joins in the last days: whoever joins is to begin within the time that is shown.
const QUIET_END: u32 = 12;
/// A subscription begins so many days after it is sold.
const LEAD_DAYS: RangeInclusive<u32> = 1..=9;
/// Nobody leaves in the first weeks.
const LOYAL_DAYS: u32 = 40;

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

/// Everything that happens, in order.
pub(super) fn events(scale: &Scale) -> Vec<Event> {
    let mut events = Vec::new();
    for number in 1..=scale.customers {
        let mut draw = Draw::of(scale.seed, "life", u64::from(number));
        let joins_on = joins_on(scale, &mut draw);
        let person = people::person(scale.seed, number);
        let id = CustomerId(
            Draw::of(scale.seed, "customer", u64::from(number)).id(scale.moment(joins_on)),
        );
        let buys = buys(scale, number, &person, joins_on, &mut draw);
        events.extend(buys.iter().filter_map(|contract| {
            let (on, reason) = contract.cancels?;
            Some(Event { on, what: What::Cancel { id: contract.id, reason } })
        }));
        let what = What::Join { id, person: Box::new(person), buys };
        events.push(Event { on: joins_on, what });
    }
    // Stable: on one day, in the order of the customers.
    events.sort_by_key(|event| event.on);
    events
}

fn joins_on(scale: &Scale, draw: &mut Draw) -> Date {
    let days = if draw.chance(FROM_THE_START) {
        draw.below(28)
    } else {
        draw.between(28, scale.days().saturating_sub(QUIET_END))
    };
    date::add_days(scale.opens_on(), i64::from(days))
}

fn buys(
    scale: &Scale,
    number: u32,
    person: &Person,
    sold_on: Date,
    draw: &mut Draw,
) -> Vec<Contract> {
    basket(person, draw)
        .into_iter()
        .zip(0..)
        .map(|((plan, quantities), position)| {
            let lead = draw.between(*LEAD_DAYS.start(), *LEAD_DAYS.end());
            let starts_on = date::add_days(sold_on, i64::from(lead));
            let calendar = draw.chance(ON_THE_CALENDAR);
            let name = u64::from(number) * 16 + position;
            Contract {
                id: SubscriptionId(
                    Draw::of(scale.seed, "contract", name).id(scale.moment(sold_on)),
                ),
                plan,
                starts_on,
                alignment: if calendar { Alignment::Calendar } else { Alignment::OwnDay },
                quantities,
                cancels: cancels(scale, starts_on, draw),
            }
        })
        .collect()
}

type Basket = Vec<(&'static str, Vec<(&'static str, u32)>)>;

/// What a customer buys: consumers the library or a small site, businesses a site and more.
fn basket(person: &Person, draw: &mut Draw) -> Basket {
    let mut basket = Basket::new();
    if person.party_type == domain::customer::PartyType::Consumer {
        if draw.chance(70) {
            basket.push(("library", vec![("readers", 1)]));
        } else {
            basket.push(("hosting-start", Vec::new()));
        }
        return basket;
    }
    basket.push((
        match draw.below(10) {
            0..5 => "hosting-start",
            5..8 => "hosting-pro",
            _ => "hosting-year",
        },
        Vec::new(),
    ));
    if draw.chance(35) {
        basket.push(("learning-team", vec![("participants", draw.between(4, 60))]));
    } else if draw.chance(15) {
        basket.push(("learning-year", vec![("participants", draw.between(40, 250))]));
    }
    if draw.chance(25) {
        basket.push(("support-basic", Vec::new()));
    } else if draw.chance(15) {
        basket.push(("support-plus", vec![("contacts", draw.between(1, 6))]));
    }
    if draw.chance(20) {
        basket.push(("library", vec![("readers", draw.between(2, 25))]));
    }
    basket
}

/// When and why a subscription is cancelled, if it is.
fn cancels(scale: &Scale, starts_on: Date, draw: &mut Draw) -> Option<(Date, CancelReason)> {
    let days = date::days_between(starts_on, scale.closes_on());
    let days = u32::try_from(days).unwrap_or(0);
    let leaves = draw.chance(CANCELLED_PER_YEAR * days / 365);
    let after = draw.between(LOYAL_DAYS, days.max(LOYAL_DAYS));
    let reason = REASONS[draw.below(7) as usize];
    (leaves && after < days).then(|| (date::add_days(starts_on, i64::from(after)), reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::catalogue::PLANS;

    #[test]
    fn two_years_have_joins_and_ends_in_order_of_plans_that_exist() {
        let scale = Scale { customers: 200, years: 2, seed: 1 };
        let events = events(&scale);
        assert!(events.is_sorted_by_key(|event| event.on));
        let (mut joins, mut cancels, mut plans) = (0, 0, std::collections::BTreeSet::new());
        for event in &events {
            assert!((scale.opens_on()..=scale.closes_on()).contains(&event.on), "{event:?}");
            match &event.what {
                What::Join { buys, .. } => {
                    joins += 1;
                    for contract in buys {
                        assert!(contract.starts_on > event.on, "{contract:?}");
                        plans.insert(contract.plan);
                    }
                }
                What::Cancel { .. } => cancels += 1,
            }
        }
        assert_eq!(joins, 200);
        assert!((30..=120).contains(&cancels), "{cancels}");
        assert_eq!(plans.len(), PLANS.len());
        assert!(plans.iter().all(|code| PLANS.iter().any(|plan| plan.code == *code)));
    }

    #[test]
    fn units_are_bought_of_components_that_exist() {
        let scale = Scale { customers: 300, years: 1, seed: 9 };
        for event in events(&scale) {
            let What::Join { buys, .. } = event.what else { continue };
            for contract in buys {
                let plan = PLANS.iter().find(|plan| plan.code == contract.plan).unwrap();
                for (name, _) in contract.quantities {
                    let component = plan.components.iter().find(|component| component.name == name);
                    assert!(component.unwrap().per_unit, "{} {name}", plan.code);
                }
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_lives_and_more_customers_change_no_others() {
        let few = format!("{:?}", events(&Scale { customers: 20, years: 2, seed: 4 }));
        assert_eq!(few, format!("{:?}", events(&Scale { customers: 20, years: 2, seed: 4 })));
        let more = format!("{:?}", events(&Scale { customers: 40, years: 2, seed: 4 }));
        let first = &few[1..few.find("}, Event").unwrap()];
        assert!(more.contains(first));
    }
}
