//! When the demonstration's features are wished, funded, built, sold and shared.
//!
//! Purpose: from what there is (`features`, `sales`) to dated events: investors and buyers join; wishes are
//! written down, assessed and voted for; investments are proposed, accepted and paid, one is given
//! up; features are built and sold; every month documents are answered, payouts sent, and the bank
//! tells how they went, once that one went back.
//!
//! Invariants: pure; events of one day stand in the order in which they must happen. Nothing here
//! depends on how many customers there are, but for votes and for the feature that they buy too.
//!
//! Deliberately absent: making it happen (`invest`).

use domain::customer::PartyType;
use domain::date::{self, Date};
use domain::id::{CustomerId, FeatureId, InvestmentId, SubscriptionId};
use domain::period::Alignment;
use domain::subscription::{CancelReason, CancelWhen};
use domain::vat::VatTreatment;

use super::course::{Act, Sold, course, office_day};
use super::draw::Draw;
use super::features::{
    Day, FUNDINGS, Funding, INVESTORS, Investor, VOTED, WISHES, Wish, at, feature_id,
    investment_id, investor_id,
};
use super::lives::{Contract, Event, What};
use super::names;
use super::people::{self, Person};
use super::purse::{Method, Pay};
use super::sales::{BUYERS, Buyer, Leaves, PLANNER, SALES, Sale};
use super::scale::Scale;

/// Something about features and what is invested in them.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// An investor signs, if it does, and says where it is paid.
    Sign { id: CustomerId, investor: &'static Investor },
    /// A wish is written down.
    Wish { id: FeatureId, by: Option<CustomerId>, wish: &'static Wish },
    /// It is assessed.
    Assess { id: FeatureId, wish: &'static Wish },
    /// Another customer wants it too.
    Vote { id: FeatureId, customer: CustomerId },
    /// Terms are proposed.
    Propose { id: InvestmentId, feature: FeatureId, investor: CustomerId, terms: &'static Funding },
    /// They hold.
    Accept(InvestmentId),
    /// The principal is paid.
    Fund(InvestmentId),
    /// It is given up.
    Withdraw(InvestmentId),
    /// The feature is being built.
    Build(FeatureId),
    /// It is there, and is sold.
    Sell { id: FeatureId, sale: &'static Sale },
    /// Investors answer the documents in their names.
    Answer,
    /// What is ready is handed to the bank.
    Send,
    /// The bank tells how it went: all have arrived, but that of this investor.
    Report { bounces: Option<CustomerId> },
    /// An investor is paid elsewhere, and a second person approves it.
    Move { id: CustomerId, holder: &'static str },
}

/// The days: investors join and sign; wishes come, and are assessed.
const JOIN: Day = (0, 3);
const SIGN: Day = (0, 5);
const WISHED: Day = (0, 8);
const ASSESSED: Day = (0, 10);
/// From proposing to accepting; from accepting to giving up; from paying to building, in days.
const ACCEPTED_AFTER: i64 = 1;
const WITHDRAWN_AFTER: i64 = 25;
const BUILT_AFTER: i64 = 4;
/// A buyer is entered so many days before its subscription begins, and buys the next day.
const ENTERED_BEFORE: i64 = 4;
/// The days of a month on which investors answer, payouts are sent, and, of the month after, the
/// bank tells how they went.
const ANSWERED: u32 = 25;
const SENT: u32 = 28;
const REPORTED: u32 = 2;
/// The month in which the bank tells that one went back, to whom, and when its account is another.
const BOUNCES: u32 = 6;
const BOUNCING: usize = 2;
const MOVED: Day = (6, 5);
/// The customer that uses what it invested in: what it pays is not shared.
const USER: (usize, Day) = (0, (2, 1));
/// Of a hundred businesses, so many buy the planner, and so many vote for each of the wishes.
const PLANNING: u32 = 30;
const VOTING: u32 = 14;

/// All events that are of no customer of the draw, in order.
pub(super) fn events(scale: &Scale) -> Vec<Event> {
    let mut events = Events { scale, all: Vec::new() };
    events.investors();
    events.wishes();
    for (funding, number) in FUNDINGS.iter().zip(0..) {
        events.funding(funding, number);
    }
    for sale in &SALES {
        events.sale(sale);
    }
    for (buyer, number) in BUYERS.iter().zip(0..) {
        events.buyer(buyer, number);
    }
    events.months();
    events.all.retain(|event| event.on <= scale.closes_on());
    events.all.sort_by_key(|event| event.on);
    events.all
}

struct Events<'a> {
    scale: &'a Scale,
    all: Vec<Event>,
}

impl Events<'_> {
    fn push(&mut self, on: Date, what: What) {
        self.all.push(Event { on, what });
    }

    fn step(&mut self, on: Date, step: Step) {
        self.push(on, What::Invest(step));
    }

    fn at(&self, day: Day) -> Date {
        at(self.scale, day)
    }

    fn join(&mut self, on: Date, id: CustomerId, person: Person, method: Method) {
        let holder = person.name.clone();
        self.push(on, What::Join { id, person: Box::new(person), buys: Vec::new() });
        self.push(on, What::Pay { customer: id, holder, pay: Pay::With(method) });
    }

    /// A subscription is sold the day before it begins.
    fn buy(&mut self, customer: CustomerId, number: u64, plan: &'static str, starts_on: Date) {
        let on = date::add_days(starts_on, -1);
        let buys = Box::new(contract(self.scale, number, plan, starts_on));
        self.push(on, What::Buy { customer, buys });
    }

    fn investors(&mut self) {
        let (on, signs_on) = (self.at(JOIN), self.at(SIGN));
        for (number, investor) in INVESTORS.iter().enumerate() {
            let id = investor_id(self.scale, number);
            let mut draw = Draw::of(self.scale.seed, "investor", number as u64);
            let reference = format!("I{:05}", number + 1);
            let (country, vat_treatment) = (investor.country, investor.vat_treatment);
            let person = people::business(country, vat_treatment, reference, &mut draw);
            let person = Person { name: investor.name.to_owned(), ..person };
            self.join(on, id, person, Method::Transfer);
            self.step(signs_on, Step::Sign { id, investor });
        }
        let (number, starts) = USER;
        let id = investor_id(self.scale, number);
        self.buy(id, BUYERS.len() as u64, PLANNER, self.at(starts));
    }

    fn wishes(&mut self) {
        let (on, assessed_on) = (self.at(WISHED), self.at(ASSESSED));
        for (number, wish) in WISHES.iter().enumerate() {
            let id = feature_id(self.scale, number);
            let by = wish.by.map(|number| investor_id(self.scale, number));
            self.step(on, Step::Wish { id, by, wish });
            if wish.verdict.is_some() {
                self.step(assessed_on, Step::Assess { id, wish });
            }
        }
    }

    fn funding(&mut self, terms: &'static Funding, number: usize) {
        let (id, feature) = (investment_id(self.scale, number), feature_id(self.scale, terms.wish));
        let investor = investor_id(self.scale, terms.investor);
        let on = self.at(terms.on);
        let accepted_on = date::add_days(on, ACCEPTED_AFTER);
        self.step(on, Step::Propose { id, feature, investor, terms });
        self.step(accepted_on, Step::Accept(id));
        match terms.paid.map(|day| self.at(day)) {
            Some(paid_on) => {
                self.step(paid_on, Step::Fund(id));
                // Twice is once: the first of two investors begins it.
                self.step(date::add_days(paid_on, BUILT_AFTER), Step::Build(feature));
            }
            None => {
                let withdrawn_on = date::add_days(accepted_on, WITHDRAWN_AFTER);
                self.step(withdrawn_on, Step::Withdraw(id));
            }
        }
    }

    fn sale(&mut self, sale: &'static Sale) {
        let id = feature_id(self.scale, sale.wish);
        self.step(self.at(sale.on), Step::Sell { id, sale });
    }

    fn buyer(&mut self, buyer: &Buyer, number: u64) {
        let scale = self.scale;
        let starts_on = self.at(buyer.starts);
        let on = date::add_days(starts_on, -ENTERED_BEFORE);
        let mut draw = Draw::of(scale.seed, "buyer", number);
        let id = CustomerId(draw.id(scale.moment(on)));
        let reference = format!("F{:05}", number + 1);
        let person = people::business(&names::NL, VatTreatment::Domestic, reference, &mut draw);
        // It pays in the month in which it is invoiced.
        let person = Person { payment_terms_days: None, ..person };
        let holder = person.name.clone();
        self.join(on, id, person, buyer.pays);
        self.buy(id, number, buyer.plan, starts_on);
        let subscription = contract(scale, number, buyer.plan, starts_on).id;
        let mut cancel = |day, when, reason| {
            let act = Act::Cancel { when: Some(when), reason };
            self.push(at(scale, day), What::Act { id: subscription, act });
        };
        match buyer.leaves {
            None => {}
            Some(Leaves::AtTheEnd(day)) => {
                cancel(day, CancelWhen::PeriodEnd, CancelReason::VoluntaryNoNeed);
            }
            Some(Leaves::Unpaid(day, given_up)) => {
                let now = CancelWhen::Now { credit: false };
                cancel(day, now, CancelReason::VoluntaryOther);
                let given_up_on = at(scale, given_up);
                self.push(given_up_on, What::Pay { customer: id, holder, pay: Pay::WriteOff });
            }
        }
    }

    /// What finance and the bank do about documents and payouts.
    fn months(&mut self) {
        for month in 1..self.scale.years * 12 {
            let bounces = (month == BOUNCES).then(|| investor_id(self.scale, BOUNCING));
            self.step(self.at((month, REPORTED)), Step::Report { bounces });
            self.step(self.at((month, ANSWERED)), Step::Answer);
            self.step(self.at((month, SENT)), Step::Send);
        }
        let (id, holder) = (investor_id(self.scale, BOUNCING), INVESTORS[BOUNCING].name);
        self.step(self.at(MOVED), Step::Move { id, holder });
    }
}

/// A subscription to a feature.
fn contract(scale: &Scale, number: u64, plan: &'static str, starts_on: Date) -> Contract {
    let mut draw = Draw::of(scale.seed, "feature contract", number);
    let id = SubscriptionId(draw.id(scale.moment(starts_on)));
    Contract::new(id, plan, starts_on, Alignment::OwnDay)
}

/// What a customer of the draw does about features: it votes, and buys the planner.
pub(super) fn of_customer(
    scale: &Scale,
    number: u32,
    customer: CustomerId,
    person: &Person,
    joins_on: Date,
) -> Vec<Event> {
    let mut draw = Draw::of(scale.seed, "features", u64::from(number));
    let mut events = Vec::new();
    let here = |day: Day| at(scale, day).max(joins_on);
    for wish in VOTED {
        let on = date::add_days(here(ASSESSED), i64::from(draw.between(1, 150)));
        if draw.chance(VOTING) {
            let vote = Step::Vote { id: feature_id(scale, wish), customer };
            events.push(Event { on, what: What::Invest(vote) });
        }
    }
    let sale = SALES.iter().find(|sale| sale.plan == PLANNER).map_or(JOIN, |sale| sale.on);
    let on = office_day(date::add_days(here(sale), i64::from(draw.between(20, 200))));
    let buys = draw.chance(PLANNING) && person.currency == "EUR";
    if buys && person.party_type == PartyType::Business {
        let starts_on = date::add_days(on, i64::from(draw.between(1, 9)));
        // Numbers of customers follow those of the buyers.
        let name = (1 << 32) + u64::from(number);
        let contract = contract(scale, name, PLANNER, starts_on);
        let (plan, quantities) = (contract.plan, &contract.quantities[..]);
        let sold = Sold { on, starts_on, plan, quantities, leaves: None, in_euros: true };
        let act = |(on, act)| Event { on, what: What::Act { id: contract.id, act } };
        let acts: Vec<Event> = course(scale, &sold, draw).acts.into_iter().map(act).collect();
        events.push(Event { on, what: What::Buy { customer, buys: Box::new(contract) } });
        events.extend(acts);
    }
    events.retain(|event| event.on < scale.closes_on());
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_years_have_everything_in_order_and_one_year_the_first_of_them() {
        let scale = Scale { customers: 200, years: 2, seed: 1 };
        let events = events(&scale);
        assert!(events.is_sorted_by_key(|event| event.on));
        assert!(events.iter().all(|event| event.on >= scale.opens_on()));
        let of = |name: &str| {
            events.iter().filter(|one| format!("{:?}", one.what).starts_with(name)).count()
        };
        assert_eq!(of("Join"), INVESTORS.len() + BUYERS.len());
        assert_eq!(of("Buy"), BUYERS.len() + 1);
        assert_eq!(of("Invest(Wish"), WISHES.len());
        assert_eq!(of("Invest(Propose"), FUNDINGS.len());
        assert_eq!((of("Invest(Withdraw"), of("Invest(Move")), (1, 1));
        assert_eq!((of("Invest(Send"), of("Invest(Report")), (23, 23));
        let first: Vec<Event> = super::events(&Scale { years: 1, ..scale });
        let shown = |events: &[Event]| format!("{events:?}");
        assert_eq!(shown(&first), shown(&events[..first.len()]));
    }

    #[test]
    fn events_come_after_what_they_need() {
        let scale = Scale { customers: 1, years: 1, seed: 3 };
        let events = events(&scale);
        let day = |name: String| {
            let found = events.iter().find(|one| format!("{:?}", one.what).starts_with(&name));
            found.unwrap_or_else(|| panic!("{name}")).on
        };
        for (number, funding) in FUNDINGS.iter().enumerate() {
            let id = investment_id(&scale, number);
            let proposed = day(format!("Invest(Propose {{ id: {id:?}"));
            let accepted = day(format!("Invest(Accept({id:?}"));
            assert!(day("Invest(Assess".to_owned()) < proposed && proposed < accepted);
            if funding.paid.is_some() {
                assert!(accepted < day(format!("Invest(Fund({id:?}")));
                let feature = feature_id(&scale, funding.wish);
                let built = day(format!("Invest(Build({feature:?}"));
                assert!(day(format!("Invest(Fund({id:?}")) < built || funding.wish == 0);
                if SALES.iter().any(|sale| sale.wish == funding.wish) {
                    assert!(built < day(format!("Invest(Sell {{ id: {feature:?}")));
                }
            }
        }
    }

    #[test]
    fn what_is_cancelled_was_bought_before() {
        let mut bought = std::collections::BTreeSet::new();
        let mut cancelled = 0;
        for event in events(&Scale { customers: 1, years: 2, seed: 1 }) {
            match event.what {
                What::Buy { buys, .. } => assert!(bought.insert(buys.id)),
                What::Act { id, .. } => {
                    cancelled += 1;
                    assert!(bought.contains(&id), "{id:?}");
                }
                _ => {}
            }
        }
        assert_eq!(cancelled, 3);
    }

    #[test]
    fn customers_vote_and_buy_by_their_own_dice() {
        let scale = Scale { customers: 200, years: 2, seed: 1 };
        let of = |number: u32, scale: &Scale| {
            let person = people::person(scale.seed, number);
            let id = CustomerId(uuid::Uuid::from_u128(u128::from(number)));
            of_customer(scale, number, id, &person, scale.opens_on())
        };
        let (mut buys, mut votes) = (0, 0);
        for number in 1..=scale.customers {
            let events = of(number, &scale);
            let bought = events.iter().filter(|one| matches!(one.what, What::Buy { .. }));
            buys += bought.count();
            let vote = |one: &&Event| matches!(one.what, What::Invest(Step::Vote { .. }));
            votes += events.iter().filter(vote).count();
            let more = Scale { customers: 900, ..scale };
            assert_eq!(format!("{events:?}"), format!("{:?}", of(number, &more)));
        }
        assert!((25..=75).contains(&buys), "{buys}");
        assert!((50..=120).contains(&votes), "{votes}");
    }
}
