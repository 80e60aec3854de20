use super::*;
use crate::billing::world::{NOTHING, World, day, flat, version};
use crate::billing::{Horizon, LineKind};
use crate::invoice::{Heading, reissue};
use crate::money::{Currency, Money};
use crate::period::{Alignment, Unit};
use crate::plan::Timing;
use crate::subscription::CancelWhen;
use crate::vat::built_in_rates;

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn yearly() -> World {
    let versions = vec![version(1, (1, Unit::Year), Timing::InAdvance, vec![(flat("365"), None)])];
    World::new(versions, day("2025-01-01"), Alignment::OwnDay)
}

#[test]
fn what_gives_nothing_back_is_kept_and_settles_nothing() {
    let world = yearly();
    let (mut billed, _, _) = world.billed(Horizon::run(world.today));
    assert_eq!((billed.drafts.len(), billed.deferrals.len()), (1, 1));
    let kept = billed.keep(Balance::of(euros(10_000))).unwrap();
    assert!(billed.drafts.is_empty() && billed.deferrals.is_empty() && billed.one_offs.is_empty());
    let settlement = &kept.drafts[0].settlement;
    assert_eq!((settlement.balance, settlement.open), (NOTHING, kept.drafts[0].total));
}

#[test]
fn what_gives_back_is_issued_with_all_that_the_customer_has_to_its_credit() {
    let mut world = yearly();
    world.run();
    world.today = day("2025-07-01");
    assert!(world.cancel(CancelWhen::On { day: world.today, credit: true }));
    let (mut billed, _, balance) = world.billed(Horizon::run(world.today));
    let before = billed.drafts.clone();
    assert!(before[0].lines.iter().all(|line| line.charge.kind == LineKind::RecurringCredit));
    let open = world.open.iter().map(|(id, open)| (*id, *open)).collect();
    let kept = billed.keep(Balance { available: NOTHING, open }).unwrap();
    assert!(kept.drafts.is_empty());
    assert_eq!(billed.drafts, before, "settled as it was");
    assert_eq!((balance.available, billed.shortened.len()), (NOTHING, 1));
}

#[test]
fn on_another_day_only_what_is_of_that_day_differs() {
    let world = yearly();
    let (mut billed, _, _) = world.billed(Horizon::run(world.today));
    let made = billed.keep(Balance::of(NOTHING)).unwrap().drafts.remove(0);
    let rates = built_in_rates().into_iter().collect();
    let again = |issue_on| {
        let heading = Heading {
            seller: &world.seller,
            customer: &world.customer,
            rates: &rates,
            currency: made.currency,
            billing_on: made.billing_on,
            issue_on,
        };
        reissue(&heading, &made).unwrap()
    };
    assert_eq!(again(made.issue_on), made);
    let later = again(day("2025-01-04"));
    let moved = crate::date::days_between(made.issue_on, later.issue_on);
    assert_eq!(crate::date::days_between(made.due_on, later.due_on), moved);
    assert_eq!((later.id, later.net, later.lines[0].id), (made.id, made.net, made.lines[0].id));
    let earned = |draft: &Draft| draft.lines[0].deferral.as_ref().unwrap().earned.minor();
    assert_eq!((earned(&made), earned(&later)), (100, 400));
}
