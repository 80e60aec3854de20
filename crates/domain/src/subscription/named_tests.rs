//! Tables of what becomes of changes to come when another change comes before them.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::billing::world::{World, day, flat, per_unit, version};
use crate::date::{self, Date};
use crate::id::IntentId;
use crate::period::{Alignment, Unit};
use crate::plan::Timing::InAdvance;
use crate::price::PriceModel;

/// A plan of a month with seats and extras, a dearer one of a month, and one of a year.
fn world() -> World {
    let offer = |number, months, price: &str| {
        let extra = PriceModel::PerUnit { unit_price: Decimal::from(number) };
        let prices = vec![(flat(price), None), (per_unit(price), None), (extra, None)];
        version(number, (months, Unit::Month), InAdvance, prices)
    };
    let versions = vec![offer(1, 1, "10"), offer(2, 1, "20"), offer(3, 12, "100")];
    let mut world = World::new(versions, day("2025-01-01"), Alignment::OwnDay);
    world.run();
    world
}

/// Changes: `plan 2 seats 3 on 2025-03-01`, each word left out when it is not named.
fn change(world: &mut World, words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    let after = |name: &str| words.iter().position(|word| *word == name).map(|at| words[at + 1]);
    let number = |name: &str| after(name).map(|text| text.parse::<i64>().unwrap());
    let on = after("on").map_or(world.today, day);
    let plan = number("plan").map(|plan| usize::try_from(plan - 1).unwrap());
    let before = world.subscription.terms_on(on).version_id;
    let pinned = world.versions.iter().position(|one| one.id == before).unwrap();
    let version = world.versions[plan.unwrap_or(pinned)].clone();
    let quantities: Vec<(String, Decimal)> = ["seats", "extra"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), Decimal::from(number(name)?))))
        .collect();
    let seed = world.subscription.intents.len() + world.subscription.items.len() * 100;
    let mut made = u128::try_from(seed).unwrap() * 1_000;
    let fresh = || {
        made += 1;
        ItemId(Uuid::from_u128(made))
    };
    let terms = world.subscription.terms_of_change(&version, on, &quantities, fresh).unwrap();
    let named = Some(Named::new(plan.is_some(), &quantities, &terms));
    let id = IntentId(Uuid::from_u128(made + 500));
    let intent = Intent { id, on, terms, named, migration_id: None };
    world.subscription.change(world.today, intent).unwrap();
}

/// `plan seats extra, anchor` of the terms on a day.
fn terms(world: &World, on: Date) -> String {
    let terms = world.subscription.terms_on(on);
    let plan = world.versions.iter().find(|one| one.id == terms.version_id).unwrap().number;
    let of = |name: &str| terms.items.iter().find(|one| one.component == name).unwrap().quantity;
    format!("{plan} {} {}, {}", of("seats"), of("extra"), terms.grid.anchor_on)
}

#[test]
fn a_change_to_come_changes_only_what_it_names() {
    // What is planned; what then happens at once; the terms in April.
    let table: [(&[&str], &[&str], &str); 10] = [
        (&["plan 2 on 2025-03-01"], &["seats 5"], "2 5 1, 2025-01-01"),
        (&["extra 4 on 2025-03-01"], &["seats 5"], "1 5 4, 2025-01-01"),
        (&["plan 2 seats 3 on 2025-03-01"], &["seats 5 extra 6"], "2 3 6, 2025-01-01"),
        // What is named stays, also where it named what was there.
        (
            &["seats 1 on 2025-03-01", "plan 2 seats 1 on 2025-03-02"],
            &["seats 5"],
            "2 1 1, 2025-01-01",
        ),
        // Seats of a plan that another one takes the place of are seats of that one.
        (&["seats 4 on 2025-03-01"], &["plan 2"], "2 4 1, 2025-01-01"),
        (&["seats 4 on 2025-03-01"], &["plan 3 extra 7"], "3 4 7, 2025-01-11"),
        // A plan has its own periods: they go on or begin anew as they differ from those before.
        (&["plan 2 on 2025-03-01"], &["plan 3"], "2 1 1, 2025-03-01"),
        (&["plan 3 on 2025-03-01"], &["seats 2"], "3 2 1, 2025-03-01"),
        // One change to come follows from the other.
        (&["seats 4 on 2025-03-01", "plan 2 on 2025-03-15"], &["extra 2"], "2 4 2, 2025-01-01"),
        (&["plan 2 on 2025-03-15", "seats 4 on 2025-03-01"], &["extra 2"], "2 4 2, 2025-01-01"),
    ];
    for (planned, at_once, expected) in table {
        let mut world = world();
        world.today = day("2025-01-11");
        planned.iter().for_each(|words| change(&mut world, words));
        at_once.iter().for_each(|words| change(&mut world, words));
        let april = day("2025-04-01");
        assert_eq!(terms(&world, april), expected, "{planned:?}, then {at_once:?}");
        world.today = april;
        world.run();
        assert_eq!(terms(&world, april), expected, "{planned:?}, then {at_once:?}, happened");
    }
}

#[test]
fn what_is_taken_back_leaves_the_others_as_if_it_had_never_been() {
    let mut world = world();
    world.today = day("2025-01-11");
    change(&mut world, "plan 3 seats 9 on 2025-02-01");
    change(&mut world, "extra 4 on 2025-03-01");
    change(&mut world, "plan 2 on 2025-03-15");
    assert_eq!(terms(&world, day("2025-03-01")), "3 9 4, 2025-02-01");
    assert_eq!(terms(&world, day("2025-04-01")), "2 9 4, 2025-03-15");
    assert!(world.revoke(0));
    assert_eq!(terms(&world, day("2025-03-01")), "1 1 4, 2025-01-01");
    assert_eq!(terms(&world, day("2025-04-01")), "2 1 4, 2025-01-01");
}

proptest! {
    #[test]
    fn in_the_end_each_part_is_what_was_last_named(
        named in proptest::collection::vec(
            (proptest::option::of(1_i64..4), proptest::option::of(0_i64..9),
             proptest::option::of(0_i64..9), 1_i64..90),
            1..9),
    ) {
        let mut world = world();
        for (plan, seats, extra, after) in &named {
            let on = date::add_days(world.today, *after);
            let word = |name: &str, of: &Option<i64>| of.map_or(String::new(), |n| format!("{name} {n} "));
            change(&mut world, &format!(
                "{}{}{}on {on}", word("plan", plan), word("seats", seats), word("extra", extra)));
        }
        // Of two on one day, the later one holds.
        let mut in_order = named.clone();
        in_order.sort_by_key(|(.., after)| *after);
        let (mut plan, mut seats, mut extra) = (1, 1, 1);
        for (new_plan, new_seats, new_extra, _) in in_order {
            plan = new_plan.unwrap_or(plan);
            seats = new_seats.unwrap_or(seats);
            extra = new_extra.unwrap_or(extra);
        }
        let told = |world: &World| {
            let told = terms(world, date::add_days(day("2025-01-01"), 100));
            told.split(',').next().unwrap().to_owned()
        };
        prop_assert_eq!(told(&world), format!("{plan} {seats} {extra}"));
        world.today = date::add_days(world.today, 100);
        world.run();
        prop_assert_eq!(told(&world), format!("{plan} {seats} {extra}"));
    }
}
