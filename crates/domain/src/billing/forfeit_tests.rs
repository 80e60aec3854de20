//! Ends without credit: what lies after them stays paid for, whatever comes before them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::{World, day, flat, per_unit, version};
use super::*;
use crate::date;
use crate::period::{Alignment, Unit};
use crate::plan::Timing;
use crate::subscription::CancelWhen;

/// A year that costs a euro a day, and a change to two euros a day.
fn year() -> World {
    let at = |number, price| {
        version(number, (1, Unit::Year), Timing::InAdvance, vec![(flat(price), None)])
    };
    let mut world =
        World::new(vec![at(1, "365"), at(2, "730")], day("2025-01-01"), Alignment::OwnDay);
    world.run();
    world
}

fn until(world: &mut World, last: &str) {
    while world.today < day(last) {
        world.today = date::add_days(world.today, 1);
        world.run();
    }
}

fn net(world: &World) -> String {
    let nets = world.documents.iter().map(|draft| draft.net);
    Money::sum(Currency::EUR, nets).unwrap().major().to_string()
}

fn end(world: &mut World, on: &str) {
    assert!(world.cancel(CancelWhen::On { day: day(on), credit: false }));
}

#[test]
fn only_the_days_of_a_pause_before_an_end_without_credit_come_back() {
    // The end, the pause, what remains of 365 days.
    let table = [
        ("2025-07-01", ("2025-03-01", "2025-03-02"), "364.00"),
        ("2025-07-01", ("2025-03-01", "2025-03-31"), "335.00"),
        // Of a pause that reaches beyond the end, the days before it.
        ("2025-07-01", ("2025-06-21", "2025-07-21"), "355.00"),
        ("2025-07-01", ("2025-06-21", "2025-07-01"), "355.00"),
        // A pause after the end is none.
        ("2025-07-01", ("2025-07-01", "2025-07-21"), "365.00"),
    ];
    for (on, (from, to), expected) in table {
        let mut world = year();
        end(&mut world, on);
        world.pause(day(from), Some(day(to)));
        until(&mut world, "2026-03-01");
        assert_eq!(net(&world), expected, "end {on}, paused {from} to {to}");
    }
}

#[test]
fn a_change_before_an_end_without_credit_is_paid_for_up_to_the_end() {
    let mut world = year();
    end(&mut world, "2025-07-01");
    assert!(world.change(1, None, day("2025-06-01")));
    until(&mut world, "2026-03-01");
    // Thirty days at two euros instead of one; the days after the end are paid as they were.
    assert_eq!(net(&world), "395.00");
}

#[test]
fn an_end_that_is_taken_back_forfeits_nothing() {
    for (undone_on, paused) in
        [("2025-03-05", "2025-03-20"), ("2025-03-25", "2025-03-20"), ("2025-06-30", "2025-08-01")]
    {
        let mut world = year();
        end(&mut world, "2025-07-01");
        let from = if paused < "2025-07" { "2025-03-01" } else { "2025-06-01" };
        assert!(world.pause(day(from), Some(day(paused))));
        until(&mut world, undone_on);
        assert!(world.undo());
        until(&mut world, "2025-12-31");
        let days = date::days_between(day(from), day(paused));
        assert_eq!(net(&world), format!("{}.00", 365 - days), "undone on {undone_on}");
    }
}

/// Something before the end; days count from the first day of the year.
#[derive(Debug, Clone)]
enum Before {
    Pause { from: i64, days: i64 },
    Resume,
    Change { seats: i64 },
}

fn before() -> impl Strategy<Value = (i64, Before)> {
    let what = prop_oneof![
        4 => (0_i64..60, 1_i64..80).prop_map(|(from, days)| Before::Pause { from, days }),
        2 => Just(Before::Resume),
        3 => (0_i64..9).prop_map(|seats| Before::Change { seats }),
    ];
    (0_i64..60, what)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_billed_is_what_was_delivered_and_what_was_forfeited(
        end_after in 1_i64..300,
        steps in proptest::collection::vec(before(), 1..9),
        months in prop_oneof![Just(1_u32), Just(12)],
    ) {
        let offer = vec![(flat("365"), None), (per_unit("33.33"), None)];
        let version = version(1, (months, Unit::Month), Timing::InAdvance, offer);
        let start = day("2025-01-01");
        let mut world = World::new(vec![version], start, Alignment::OwnDay);
        world.run();
        let end = CancelWhen::On { day: date::add_days(start, end_after), credit: false };
        prop_assert!(world.cancel(end));
        for (wait, step) in steps {
            for _ in 0..wait {
                world.today = date::add_days(world.today, 1);
                world.run();
            }
            let today = world.today;
            match step {
                Before::Pause { from, days } => {
                    let from = date::add_days(today, from);
                    world.pause(from, Some(date::add_days(from, days)));
                }
                Before::Resume => {
                    world.resume(today);
                },
                Before::Change { seats } => {
                    world.change(0, Some(seats), today);
                },
            }
        }
        for _ in 0..400 {
            world.today = date::add_days(world.today, 1);
            world.run();
        }
        check(&world);
    }
}

/// Each delivered day is paid for once, and each day after the end that ever was.
fn check(world: &World) {
    let ends_on = world.subscription.ends_on();
    for item in &world.subscription.items {
        let mut balance = BTreeMap::<Date, i32>::new();
        for line in world.lines().filter(|line| line.charge.origin.item_id() == Some(item.id)) {
            let sign = if line.charge.kind == LineKind::Recurring { 1 } else { -1 };
            let Period { start, end } = line.charge.service;
            for one in start.iter_days().take_while(|one| *one < end) {
                *balance.entry(one).or_default() += sign;
            }
        }
        for (one, times) in &balance {
            let forfeited = ends_on.is_some_and(|end| *one >= end);
            let delivered = item.is_in_force(*one) && !world.subscription.is_withheld_on(*one);
            let expected = i32::from(forfeited || delivered);
            assert_eq!(*times, expected, "{one} of {}, end {ends_on:?}", item.component);
        }
    }
}
