//! What the demonstration's features cost, and who is there for them.
//!
//! Purpose: a plan for every feature that is sold, and the buyers that decide where its investments
//! end: one of them pays so much that an investment is completed, and has it taken back.
//!
//! Invariants: pure.
//!
//! Deliberately absent: customers of the draw, who buy one of the features too (`wishes`).

use domain::id::PlanId;
use domain::period::Interval;

use super::features::{Day, id};
use super::purse::Method;
use super::scale::Scale;

/// A feature that is built and sold.
#[derive(Debug)]
pub(super) struct Sale {
    /// The wish, counted from 0.
    pub(super) wish: usize,
    /// Code of the plan.
    pub(super) plan: &'static str,
    pub(super) name: &'static str,
    pub(super) interval: Interval,
    /// A period, in euros.
    pub(super) price: &'static str,
    /// When it is there and can be bought.
    pub(super) on: Day,
}

/// A customer that is there for a feature.
#[derive(Debug)]
pub(super) struct Buyer {
    /// Code of the plan.
    pub(super) plan: &'static str,
    /// The day on which its subscription begins.
    pub(super) starts: Day,
    pub(super) pays: Method,
    pub(super) leaves: Option<Leaves>,
}

/// How a buyer leaves.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leaves {
    /// At the end of its period.
    AtTheEnd(Day),
    /// At once, with its invoice unpaid; finance gives that up later.
    Unpaid(Day, Day),
}

/// The feature that other customers buy too.
pub(super) const PLANNER: &str = "feature-planner";
/// The feature whose investment is completed, and opened again.
const EXPORT: &str = "feature-export";
const ARCHIVE: &str = "feature-archive";
const INVOICES: &str = "feature-invoices";

/// The features that are sold.
pub(super) const SALES: [Sale; 4] = [
    Sale {
        wish: 0,
        plan: PLANNER,
        name: "Planbord",
        interval: Interval::MONTHLY,
        price: "15.00",
        on: (1, 20),
    },
    Sale {
        wish: 1,
        plan: INVOICES,
        name: "E-facturatie",
        interval: Interval::MONTHLY,
        price: "95.00",
        on: (2, 21),
    },
    Sale {
        wish: 2,
        plan: EXPORT,
        name: "AVG-export",
        interval: Interval::YEARLY,
        price: "2400.00",
        on: (1, 22),
    },
    Sale {
        wish: 3,
        plan: ARCHIVE,
        name: "Archief",
        interval: Interval::MONTHLY,
        price: "149.00",
        on: (1, 23),
    },
];

const DEBIT: Method = Method::Debit("NL45SNDB0000000001");
const CARD: Method = Method::Card("settles");
/// The bank takes the money back weeks later, when it has been shared and paid out.
const TAKEN_BACK: Method = Method::Card("bounces_45_fraudulent");

const fn buyer(plan: &'static str, starts: Day, pays: Method) -> Buyer {
    Buyer { plan, starts, pays, leaves: None }
}

const fn leaver(starts: Day, pays: Method, leaves: Leaves) -> Buyer {
    Buyer { plan: EXPORT, starts, pays, leaves: Some(leaves) }
}

/// The buyers. The last of the export pays so much that its investment is completed; then that goes
/// back.
pub(super) const BUYERS: [Buyer; 14] = [
    buyer(PLANNER, (2, 1), DEBIT),
    buyer(PLANNER, (2, 4), CARD),
    buyer(INVOICES, (3, 1), DEBIT),
    buyer(INVOICES, (3, 1), DEBIT),
    buyer(INVOICES, (3, 1), CARD),
    buyer(INVOICES, (3, 1), DEBIT),
    buyer(INVOICES, (3, 1), CARD),
    buyer(INVOICES, (3, 1), DEBIT),
    leaver((2, 5), DEBIT, Leaves::AtTheEnd((10, 4))),
    leaver((4, 2), CARD, Leaves::AtTheEnd((10, 11))),
    leaver((6, 1), TAKEN_BACK, Leaves::Unpaid((8, 12), (11, 18))),
    buyer(ARCHIVE, (2, 1), DEBIT),
    buyer(ARCHIVE, (2, 1), CARD),
    buyer(ARCHIVE, (2, 6), DEBIT),
];

/// The plans that sell features, by their codes.
pub(super) fn plans(scale: &Scale) -> impl Iterator<Item = (String, PlanId)> {
    let plan = |(number, sale): (usize, &Sale)| {
        (sale.plan.to_owned(), PlanId(id(scale, "feature plan", number)))
    };
    SALES.iter().enumerate().map(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::features::{FUNDINGS, INVESTORS, WISHES};

    #[test]
    fn everything_that_is_named_exists_and_is_in_order() {
        for funding in &FUNDINGS {
            assert!(funding.wish < WISHES.len() && funding.investor < INVESTORS.len());
            assert!(funding.paid.is_none_or(|paid| paid > funding.on), "{funding:?}");
        }
        for sale in &SALES {
            let fundings = FUNDINGS.iter().filter(|one| one.wish == sale.wish);
            let paid: Vec<Option<Day>> = fundings.map(|one| one.paid).collect();
            assert!(!paid.is_empty(), "{sale:?}");
            assert!(paid.iter().all(|paid| paid.is_some_and(|paid| paid < sale.on)), "{sale:?}");
            let bought = BUYERS.iter().filter(|buyer| buyer.plan == sale.plan);
            let starts: Vec<Day> = bought.map(|buyer| buyer.starts).collect();
            assert!(!starts.is_empty() && starts.iter().all(|starts| *starts > sale.on));
        }
        let ids = |scale: &Scale| plans(scale).map(|(_, id)| id).collect::<Vec<_>>();
        let scale = Scale { customers: 1, years: 2, seed: 1 };
        assert_eq!(ids(&scale), ids(&Scale { customers: 9, ..scale }));
        assert_ne!(ids(&scale), ids(&Scale { seed: 2, ..scale }));
    }

    /// Periods of a buyer's that begin in so many months, in cents.
    fn brings(buyer: &Buyer, months: u32) -> i64 {
        let sale = SALES.iter().find(|sale| sale.plan == buyer.plan).unwrap();
        let price: i64 = sale.price.replace('.', "").parse().unwrap();
        let (length, most) = if sale.interval == Interval::YEARLY { (12, 1) } else { (1, months) };
        let periods = (buyer.starts.0..months).step_by(length).count();
        price * i64::try_from(periods).unwrap().min(i64::from(most))
    }

    #[test]
    fn buyers_bring_what_decides_where_investments_end() {
        let accrued = |at: usize, months: u32, without: Method| {
            let funding = &FUNDINGS[at];
            let sale = SALES.iter().find(|sale| sale.wish == funding.wish).unwrap();
            let buyers = BUYERS.iter().filter(|one| one.plan == sale.plan && one.pays != without);
            buyers.map(|one| brings(one, months)).sum::<i64>() * funding.share / 100
        };
        let cap = |at: usize| FUNDINGS[at].principal * (100 + FUNDINGS[at].profit);
        // Recouping after one year, recouped after two.
        assert!(accrued(2, 12, TAKEN_BACK) < FUNDINGS[2].principal * 100);
        let two_years = accrued(2, 24, TAKEN_BACK);
        assert!((FUNDINGS[2].principal * 100..cap(2)).contains(&two_years), "{two_years}");
        // Completed with what goes back, and open without it.
        assert!(accrued(3, 12, Method::Transfer) >= cap(3));
        assert!(accrued(3, 12, TAKEN_BACK) < cap(3));
        assert!(accrued(4, 12, TAKEN_BACK) >= cap(4));
    }
}
