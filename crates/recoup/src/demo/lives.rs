//! What the demonstration's customers do, and when.
//!
//! Purpose: from a seed to a list of dated events: who joins, with which subscriptions, what happens
//! to these, who uses how much, what is sold beside them and credited; with what happens to features
//! and investments (`wishes`). The list is the same whenever it is made, so that a demonstration that
//! was interrupted goes on where it stood. Beside them stands how each pays, and what the office
//! enters of it.
//!
//! Invariants: pure; events are in the order of their dates; a subscription begins after the day
//! on which it is sold, so that its first day finds it there; a cancellation comes after the
//! beginning.
//!
//! Deliberately absent: dates of bills. Those are the program's work.

use std::ops::RangeInclusive;
use std::sync::Arc;

use app::usage::MAX_EVENTS;
use domain::date::{self, Date};
use domain::id::{ChargeId, CustomerId, SubscriptionId};
use domain::period::{Alignment, Period};

use super::catalogue::METERED_PLAN;
use super::course::{Act, Course, Leaving, Quantities, Sold, course, office_day};
use super::draw::Draw;
use super::pay::{Payers, Statement};
use super::people::{self, Person};
use super::purse::{Pay, purse};
use super::scale::Scale;
use super::traffic::{Metered, Reading, readings};
use super::wishes::{self, Step};

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
    /// A customer buys another subscription, or again what it had.
    Buy { customer: CustomerId, buys: Box<Contract> },
    /// Something is done with a subscription.
    Act { id: SubscriptionId, act: Act },
    /// Hours of work are sold.
    Work(Work),
    /// A part of the customer's latest invoice is credited by hand, or all of it.
    Credit { customer: CustomerId, reason: &'static str, whole: bool },
    /// Usage is sent.
    Measure(Vec<Reading>),
    /// All subscribers of a plan are moved to its second version, when their periods end.
    Migrate { plan: &'static str },
    /// A customer pays otherwise, or finance gives up what it owes.
    Pay { customer: CustomerId, holder: String, pay: Pay },
    /// What customers transferred is entered.
    Statement(Statement),
    /// Money of nobody comes.
    Stray,
    /// Customers who paid too much get it back.
    PayBack(Arc<Payers>),
    /// Something about features and what is invested in them.
    Invest(Step),
}

/// One subscription.
#[derive(Debug, Clone)]
pub(super) struct Contract {
    pub(super) id: SubscriptionId,
    /// Code of the plan.
    pub(super) plan: &'static str,
    pub(super) starts_on: Date,
    pub(super) alignment: Alignment,
    pub(super) quantities: Quantities,
    leaves: Option<Leaving>,
}

/// Hours of work.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) id: ChargeId,
    pub(super) customer: CustomerId,
    pub(super) description: &'static str,
    pub(super) hours: u32,
    /// The date on whose invoice they stand; none: they are invoiced at once.
    pub(super) bill_on: Option<Date>,
}

/// Of a hundred customers, so many come over from the vendor's former administration in the first
/// month; the others join over the years.
const FROM_THE_START: u32 = 45;
/// Of a hundred subscriptions, so many are cancelled per year.
const CANCELLED_PER_YEAR: u32 = 16;
/// Of a hundred subscriptions, so many follow the calendar.
const ON_THE_CALENDAR: u32 = 35;
/// Of a hundred cancelled subscriptions, so many are bought again.
const RETURNING: u32 = 35;
/// Of a hundred businesses, so many have it set up for them.
const SET_UP: u32 = 35;
/// Of a hundred customers, so many buy advice in a year.
const ADVISED_PER_YEAR: u32 = 15;
/// Of a hundred customers, so many get something back by hand in a year.
const CREDITED_PER_YEAR: u32 = 6;
/// Nobody joins in the last days: whoever joins is to begin within the time that is shown.
const QUIET_END: u32 = 12;
/// A subscription begins so many days after it is sold.
const LEAD_DAYS: RangeInclusive<u32> = 1..=9;
/// Nobody leaves in the first weeks.
const LOYAL_DAYS: u32 = 40;
/// The plan that is moved to its second version, so many days into the second year.
const MIGRATION: (&str, i64) = ("hosting-start", 59);

/// Balances are paid back on these days of a year, counted from 0; money of nobody comes on another.
const PAID_BACK_ON: [i64; 2] = [100, 283];
const STRAY_ON: i64 = 331;

/// Why something is given back.
const APOLOGIES: [&str; 3] =
    ["Storing van langer dan vier uur", "Afgesproken bij overstap", "Coulance na klacht"];

/// Everything that happens, in order.
pub(super) fn events(scale: &Scale) -> Vec<Event> {
    let (mut events, mut metered, mut payers) = (Vec::new(), Vec::new(), Payers::new());
    for number in 1..=scale.customers {
        one(scale, number, &mut events, &mut metered, &mut payers);
    }
    events.extend(wishes::events(scale));
    office(scale, payers, &mut events);
    for (on, mut readings) in readings(scale, &metered) {
        while !readings.is_empty() {
            let rest = readings.split_off(readings.len().min(MAX_EVENTS));
            events.push(Event { on, what: What::Measure(readings) });
            readings = rest;
        }
    }
    if scale.years > 1 {
        let on = date::add_days(scale.second_year_on(), MIGRATION.1);
        events.push(Event { on, what: What::Migrate { plan: MIGRATION.0 } });
    }
    // Stable: on one day, in the order of the customers.
    events.sort_by_key(|event| event.on);
    events
}

/// What the office enters about money: statements twice a week, and what follows from them.
fn office(scale: &Scale, payers: Payers, events: &mut Vec<Event>) {
    let payers = Arc::new(payers);
    let mut after = date::add_days(scale.opens_on(), -1);
    let mut day = office_day(scale.opens_on());
    while day <= scale.closes_on() {
        let payers = Arc::clone(&payers);
        let statement = Statement { seed: scale.seed, after, payers };
        events.push(Event { on: day, what: What::Statement(statement) });
        after = day;
        day = office_day(date::add_days(day, 1));
    }
    for year in 0..scale.years {
        let first = date::add_months(scale.opens_on(), 12 * year);
        events.push(Event { on: date::add_days(first, STRAY_ON), what: What::Stray });
        for days in PAID_BACK_ON {
            let what = What::PayBack(Arc::clone(&payers));
            events.push(Event { on: date::add_days(first, days), what });
        }
    }
}

/// All that one customer does.
fn one(
    scale: &Scale,
    number: u32,
    events: &mut Vec<Event>,
    metered: &mut Vec<Metered>,
    payers: &mut Payers,
) {
    let name = u64::from(number);
    let mut draw = Draw::of(scale.seed, "life", name);
    let joins_on = joins_on(scale, &mut draw);
    let person = people::person(scale.seed, number);
    let id = CustomerId(Draw::of(scale.seed, "customer", name).id(scale.moment(joins_on)));
    let buys = buys(scale, number, &person, joins_on, &mut draw);
    let mut later = Vec::new();
    for (contract, position) in buys.iter().zip(0..) {
        let draw = Draw::of(scale.seed, "course", name * 16 + position);
        let in_euros = person.currency == "EUR";
        let Course { acts, still } = course(scale, &contract.sold(joins_on, in_euros), draw);
        let act = |(on, act)| Event { on, what: What::Act { id: contract.id, act } };
        later.extend(acts.into_iter().map(act));
        if contract.plan == METERED_PLAN {
            let end = contract.leaves.map_or(scale.ends_on(), |leaving| leaving.on);
            let days = Period { start: contract.starts_on, end };
            metered.push(Metered { customer: id, number: name, days, still });
        }
        let draw = Draw::of(scale.seed, "return", name * 16 + position);
        later.extend(returns(scale, id, contract, draw));
    }
    let first_day = buys.iter().map(|contract| contract.starts_on).min().unwrap_or(joins_on);
    let draw = Draw::of(scale.seed, "extra", name);
    later.extend(extras(scale, id, &person, (joins_on, first_day), draw));
    later.extend(wishes::of_customer(scale, number, id, &person, joins_on));
    let mut purse = purse(scale, number, person.currency == "EUR", joins_on);
    if metered.last().is_some_and(|metered| metered.customer == id) {
        purse.keep_paying();
    }
    if let Some(stops_on) = purse.stops_on {
        // Who does not pay asks for nothing.
        later.retain(|event| event.on < stops_on);
    }
    if purse.transfers {
        payers.insert(id, purse.stops_on);
    }
    let pay = |(on, pay)| {
        let what = What::Pay { customer: id, holder: person.name.clone(), pay };
        Event { on, what }
    };
    let pays: Vec<Event> = purse.pays.into_iter().map(pay).collect();
    let what = What::Join { id, person: Box::new(person), buys };
    events.push(Event { on: joins_on, what });
    events.extend(pays);
    events.append(&mut later);
}

/// A subscription that is bought again some months after its end.
fn returns(
    scale: &Scale,
    customer: CustomerId,
    contract: &Contract,
    mut draw: Draw,
) -> Option<Event> {
    let leaving = contract.leaves?;
    // Of a meter there is one at a time, and a year lasts on after its cancellation.
    let never = contract.plan == METERED_PLAN || contract.plan.ends_with("-year");
    let on = date::add_days(leaving.on, i64::from(draw.between(130, 280)));
    let starts_on = date::add_days(on, i64::from(draw.between(1, 9)));
    if never || !draw.chance(RETURNING) || starts_on > scale.closes_on() {
        return None;
    }
    let id = SubscriptionId(draw.id(scale.moment(on)));
    let buys = Contract { id, starts_on, leaves: None, ..contract.clone() };
    Some(Event { on, what: What::Buy { customer, buys: Box::new(buys) } })
}

/// What a customer buys beside its subscriptions, and gets back.
fn extras(
    scale: &Scale,
    customer: CustomerId,
    person: &Person,
    (joins_on, first_day): (Date, Date),
    mut draw: Draw,
) -> Vec<Event> {
    let mut extras = Vec::new();
    let days = date::days_between(joins_on, scale.closes_on());
    let days = u32::try_from(days).unwrap_or(0);
    let business = person.party_type == domain::customer::PartyType::Business;
    let mut work = |on, description, hours, bill_on, draw: &mut Draw| {
        let id = ChargeId(draw.id(scale.moment(on)));
        let work = Work { id, customer, description, hours, bill_on };
        extras.push(Event { on, what: What::Work(work) });
    };
    if business && draw.chance(SET_UP) {
        let hours = draw.between(2, 8);
        work(joins_on, "Inrichting", hours, Some(first_day), &mut draw);
    }
    if draw.chance(ADVISED_PER_YEAR * days / 365) {
        let on = date::add_days(joins_on, i64::from(draw.below(days + 1)));
        let bill_on = draw.chance(50).then_some(on);
        let hours = draw.between(1, 6);
        work(on, "Advies op afstand", hours, bill_on, &mut draw);
    }
    let after = draw.between(60, days.max(60));
    if draw.chance(CREDITED_PER_YEAR * days / 365) && after <= days {
        let on = office_day(date::add_days(joins_on, i64::from(after))).min(scale.closes_on());
        let reason = draw.pick(&APOLOGIES);
        let what = What::Credit { customer, reason, whole: draw.chance(25) };
        extras.push(Event { on, what });
    }
    extras
}

impl Contract {
    /// One without units, of which is not said when it ends.
    pub(super) fn new(
        id: SubscriptionId,
        plan: &'static str,
        starts_on: Date,
        alignment: Alignment,
    ) -> Self {
        Self { id, plan, starts_on, alignment, quantities: Vec::new(), leaves: None }
    }

    fn sold(&self, on: Date, in_euros: bool) -> Sold<'_> {
        let Self { plan, starts_on, quantities, leaves, .. } = self;
        let (plan, starts_on, leaves) = (*plan, *starts_on, *leaves);
        Sold { on, starts_on, plan, quantities, leaves, in_euros }
    }
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
                leaves: leaves(scale, starts_on, draw),
            }
        })
        .collect()
}

type Basket = Vec<(&'static str, Quantities)>;

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
    if draw.chance(18) {
        basket.push((METERED_PLAN, Vec::new()));
    }
    basket
}

/// When and why a subscription is cancelled, if it is.
fn leaves(scale: &Scale, starts_on: Date, draw: &mut Draw) -> Option<Leaving> {
    let days = date::days_between(starts_on, scale.closes_on());
    let days = u32::try_from(days).unwrap_or(0);
    let leaves = draw.chance(CANCELLED_PER_YEAR * days / 365);
    let after = draw.between(LOYAL_DAYS, days.max(LOYAL_DAYS));
    let on = office_day(date::add_days(starts_on, i64::from(after)));
    let leaving = Leaving::on(on, draw);
    (leaves && on < scale.closes_on()).then_some(leaving)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::catalogue::{Charge, PLANS};

    #[test]
    fn two_years_have_everything_in_order_with_plans_that_exist() {
        let scale = Scale { customers: 200, years: 2, seed: 1 };
        let events = events(&scale);
        assert!(events.is_sorted_by_key(|event| event.on));
        let mut plans = std::collections::BTreeSet::new();
        let (mut joins, mut acts, mut others) = (0, 0, [0; 10]);
        for event in &events {
            assert!((scale.opens_on()..=scale.closes_on()).contains(&event.on), "{event:?}");
            let place = match &event.what {
                What::Join { buys, .. } => {
                    joins += usize::from(!buys.is_empty());
                    assert!(buys.iter().all(|contract| contract.starts_on > event.on));
                    plans.extend(buys.iter().map(|contract| contract.plan));
                    continue;
                }
                What::Act { .. } => {
                    acts += 1;
                    continue;
                }
                What::Buy { buys, .. } => {
                    assert!(buys.starts_on > event.on, "{buys:?}");
                    0
                }
                What::Work(_) => 1,
                What::Credit { .. } => 2,
                What::Measure(_) => 3,
                What::Migrate { .. } => 4,
                What::Pay { .. } => 5,
                What::Statement(_) => 6,
                What::Stray => 7,
                What::PayBack(_) => 8,
                What::Invest(_) => 9,
            };
            others[place] += 1;
        }
        assert_eq!(joins, 200);
        assert!((300..=900).contains(&acts), "{acts}");
        assert!(others.iter().all(|count| *count > 0), "{others:?}");
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
                    let charge = &component.unwrap().charge;
                    assert!(matches!(charge, Charge::PerUnit(_)), "{} {name}", plan.code);
                }
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_lives_and_more_customers_change_no_others() {
        let lives = |customers| events(&Scale { customers, years: 2, seed: 4 });
        assert_eq!(format!("{:?}", lives(20)), format!("{:?}", lives(20)));
        let joins = |customers| {
            let events = lives(customers).into_iter();
            let is_drawn =
                |what: &What| matches!(what, What::Join { buys, .. } if !buys.is_empty());
            let joins = events.filter(|event| is_drawn(&event.what));
            joins.map(|event| format!("{event:?}")).collect::<Vec<_>>()
        };
        let more = joins(40);
        assert_eq!(more.len(), 40);
        assert!(joins(20).iter().all(|join| more.contains(join)));
    }
}
