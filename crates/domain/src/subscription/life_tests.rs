//! Tables of what may be changed, paused, resumed and ended when, and of what happens by itself.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::id::IntentId;
use crate::renewal::tests::{day, subscription};

/// Pauses; `-` as long as allowed, which is three months.
fn pause(subscription: &mut Subscription, today: &str, from: &str, until: &str) -> String {
    let until_on = (until != "-").then(|| day(until));
    let id = IntentId(Uuid::from_u128(u128::from(subscription.changes.unsigned_abs()) + 100));
    let pause = NewPause { id, from_on: day(from), until_on, note: None };
    match subscription.pause(day(today), pause, 3) {
        Ok(crate::Outcome::Applied(pause)) => format!("{} to {}", pause.from_on, pause.until_on),
        Ok(crate::Outcome::Unchanged) => "unchanged".to_owned(),
        Err(refused) => refused.to_string(),
    }
}

fn resume(subscription: &mut Subscription, today: &str, on: &str) -> String {
    match subscription.resume(day(today), day(on)) {
        Ok(crate::Outcome::Applied(pause)) => format!("{} to {}", pause.from_on, pause.until_on),
        Ok(crate::Outcome::Unchanged) => "unchanged".to_owned(),
        Err(refused) => refused.to_string(),
    }
}

#[test]
fn a_pause_is_refused_where_it_cannot_be() {
    let today = "2025-02-10";
    let table = [
        ("2025-02-10", "2025-02-20", "2025-02-10 to 2025-02-20"),
        ("2025-02-10", "-", "2025-02-10 to 2025-05-10"),
        ("2025-02-28", "2025-05-28", "2025-02-28 to 2025-05-28"),
        (
            "2025-02-28",
            "2025-05-29",
            "a pause from 2025-02-28 until 2025-05-29 is too long: expected an end on 2025-05-28 or before",
        ),
        (
            "2025-02-10",
            "2025-02-10",
            "a pause from 2025-02-10 until 2025-02-10 has no days: expected a later end",
        ),
        (
            "2025-02-10",
            "2025-02-01",
            "a pause from 2025-02-10 until 2025-02-01 has no days: expected a later end",
        ),
        // What was billed on 31 January stands.
        ("2025-01-31", "2025-02-20", "2025-01-31 to 2025-02-20"),
        ("2025-01-30", "2025-02-20", "2025-01-30 is too early: expected 2025-01-31 or later"),
        ("2025-08-31", "2025-09-20", "the subscription ends on 2025-08-31"),
        ("2025-08-30", "2025-09-20", "2025-08-30 to 2025-09-20"),
    ];
    for (from, until, expected) in table {
        let mut subscription = subscription("2024-01-31 end 2025-08-31");
        subscription.billed_on = Some(day("2025-01-31"));
        assert_eq!(pause(&mut subscription, today, from, until), expected, "{from} {until}");
    }
}

#[test]
fn pauses_do_not_overlap_and_asking_again_changes_nothing() {
    let mut subscription = subscription("2024-01-31");
    let today = "2025-02-10";
    let table = [
        ("2025-03-10", "2025-03-20", "2025-03-10 to 2025-03-20"),
        ("2025-03-10", "2025-03-20", "unchanged"),
        (
            "2025-03-19",
            "2025-03-25",
            "the subscription is paused from 2025-03-10 until 2025-03-20 already",
        ),
        (
            "2025-03-01",
            "2025-03-11",
            "the subscription is paused from 2025-03-10 until 2025-03-20 already",
        ),
        (
            "2025-03-01",
            "2025-04-01",
            "the subscription is paused from 2025-03-10 until 2025-03-20 already",
        ),
        ("2025-03-20", "2025-03-25", "2025-03-20 to 2025-03-25"),
        ("2025-03-01", "2025-03-10", "2025-03-01 to 2025-03-10"),
    ];
    for (from, until, expected) in table {
        assert_eq!(pause(&mut subscription, today, from, until), expected, "{from} {until}");
    }
    let first_days: Vec<_> = subscription.pauses.iter().map(|pause| pause.from_on).collect();
    assert!(first_days.is_sorted());
}

#[test]
fn only_so_many_pauses_are_ahead() {
    let mut subscription = subscription("2024-01-31");
    let on = |days: i64| date::add_days(day("2025-02-10"), days).to_string();
    for at in 0..24 {
        let (from, until) = (on(2 * at), on(2 * at + 1));
        assert_eq!(pause(&mut subscription, &on(0), &from, &until), format!("{from} to {until}"));
    }
    let refused = "the subscription has 24 pauses ahead of it: revoke one first";
    assert_eq!(pause(&mut subscription, &on(0), &on(90), &on(91)), refused);
    // The first one is over.
    assert_eq!(
        pause(&mut subscription, &on(1), &on(90), &on(91)),
        format!("{} to {}", on(90), on(91))
    );
}

#[test]
fn a_pause_ends_today_or_later_and_never_after_its_end() {
    let today = "2025-03-12";
    let table = [
        ("2025-03-12", "2025-03-10 to 2025-03-12"),
        ("2025-03-19", "2025-03-10 to 2025-03-19"),
        ("2025-03-20", "unchanged"),
        (
            "2025-03-21",
            "a pause from 2025-03-10 until 2025-03-21 is too long: expected an end on 2025-03-20 or before",
        ),
        ("2025-03-11", "2025-03-11 is too early: expected 2025-03-12 or later"),
    ];
    for (on, expected) in table {
        let mut subscription = subscription("2024-01-31");
        pause(&mut subscription, "2025-03-10", "2025-03-10", "2025-03-20");
        assert_eq!(resume(&mut subscription, today, on), expected, "{on}");
    }
    let mut never_paused = subscription("2024-01-31");
    assert_eq!(
        resume(&mut never_paused, today, today),
        "the subscription is not paused on 2025-03-12"
    );
    let mut ended = subscription("2024-01-31 end 2025-03-01");
    assert_eq!(resume(&mut ended, today, today), "the subscription ends on 2025-03-01");
    // On its first day a pause is taken back: nothing is left of it.
    let mut at_once = subscription("2024-01-31");
    pause(&mut at_once, today, today, "-");
    assert_eq!(at_once.state, State::Paused);
    assert_eq!(resume(&mut at_once, today, today), "2025-03-12 to 2025-03-12");
    assert_eq!((at_once.pauses.len(), at_once.state), (0, State::Active));
}

fn told(turns: &[(Date, Turn)]) -> String {
    turns.iter().map(|(on, turn)| format!("{on} {turn:?}")).collect::<Vec<_>>().join(", ")
}

/// The subscription, its pauses; what is told from 30 January to 30 June.
type Row = (&'static str, &'static [(&'static str, &'static str)], &'static str);

#[test]
fn what_happens_by_itself_is_told_once_and_in_order() {
    let table: [Row; 7] = [
        ("2025-01-31", &[], "2025-01-31 Started"),
        (
            "2025-01-31 trial 2025-02-14 end 2025-05-14",
            &[],
            "2025-01-31 Started, 2025-02-14 Converted, 2025-05-14 Ended",
        ),
        ("2025-01-31 trial 2025-02-14 end 2025-02-14", &[], "2025-01-31 Started, 2025-02-14 Ended"),
        ("2025-01-31 end 2025-01-31", &[], "2025-01-31 Ended"),
        (
            "2025-01-31",
            &[("2025-02-10", "2025-02-20")],
            "2025-01-31 Started, 2025-02-10 Paused, 2025-02-20 Resumed",
        ),
        // Pauses that follow each other are one.
        (
            "2025-01-31",
            &[("2025-02-10", "2025-02-20"), ("2025-02-20", "2025-02-25")],
            "2025-01-31 Started, 2025-02-10 Paused, 2025-02-25 Resumed",
        ),
        (
            "2025-01-31 end 2025-02-15",
            &[("2025-02-10", "2025-02-20")],
            "2025-01-31 Started, 2025-02-10 Paused, 2025-02-15 Ended",
        ),
    ];
    for (words, pauses, expected) in table {
        let mut late = subscription(words);
        late.state = State::Pending;
        late.turned_on = day("2025-01-30");
        for (from, until) in pauses {
            pause(&mut late, "2025-01-30", from, until);
        }
        let mut daily = late.clone();
        assert_eq!(told(&late.turn(day("2025-06-30"))), expected, "{words}");
        let mut turns = Vec::new();
        while daily.turned_on < day("2025-06-30") {
            turns.extend(daily.turn(date::add_days(daily.turned_on, 1)));
        }
        assert_eq!(told(&turns), expected, "{words}, day by day");
        assert_eq!(late, daily);
    }
}

fn change(subscription: &mut Subscription, today: &str, on: &str, units: i64) -> String {
    let mut terms = subscription.terms_on(day(on));
    let id = Uuid::from_u128(u128::try_from(units).unwrap() + 1_000);
    terms.items[0].quantity = Decimal::from(units);
    terms.items[0].id = ItemId(id);
    let intent = Intent { id: IntentId(id), on: day(on), terms, named: None, migration_id: None };
    subscription.change(day(today), intent).map_or_else(|e| e.to_string(), |()| "done".to_owned())
}

#[test]
fn a_change_is_refused_before_what_was_billed_and_after_the_end() {
    let table = [
        ("2025-02-10", "done"),
        ("2025-03-10", "done"),
        ("2025-01-31", "done"),
        ("2025-01-30", "2025-01-30 is too early: expected 2025-01-31 or later"),
        ("2025-08-30", "done"),
        ("2025-08-31", "the subscription ends on 2025-08-31"),
    ];
    for (on, expected) in table {
        let mut subscription = subscription("2024-01-31 end 2025-08-31");
        subscription.billed_on = Some(day("2025-01-31"));
        assert_eq!(change(&mut subscription, "2025-02-10", on, 7), expected, "{on}");
        let again = change(&mut subscription, "2025-02-10", "2025-02-09", 8);
        let too_early = expected == "done" && on == "2025-02-10";
        assert_eq!(again != "done", too_early, "a change before a change, {on}: {again}");
    }
}

#[test]
fn only_so_many_changes_are_ahead_and_each_can_be_taken_back() {
    let mut subscription = subscription("2025-01-31");
    for at in 0..24 {
        assert_eq!(change(&mut subscription, "2025-02-01", "2025-03-01", at), "done");
    }
    let refused = "the subscription has 24 changes ahead of it: revoke one first";
    assert_eq!(change(&mut subscription, "2025-02-01", "2025-03-01", 24), refused);
    let id = subscription.intents[3].id;
    assert_eq!(subscription.revoke(day("2025-02-01"), id), Ok(()));
    assert_eq!(subscription.revoke(day("2025-02-01"), id), Err(ChangeRefused::NotPlanned { id }));
    // Of several on one day the last one holds.
    assert_eq!(change(&mut subscription, "2025-02-01", "2025-03-01", 99), "done");
    let days = subscription.apply_changes(day("2025-03-01"));
    assert_eq!(days.len(), 24);
    let current: Vec<_> = subscription.items.iter().filter(|item| item.is_current()).collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0].quantity, Decimal::from(99));
}

#[test]
fn a_change_to_come_happens_also_when_the_calendar_went_back() {
    // The organization moved to a zone in which it is still yesterday.
    let mut subscription = subscription("2025-01-31");
    subscription.turned_on = day("2025-02-10");
    assert_eq!(change(&mut subscription, "2025-02-09", "2025-02-10", 7), "done");
    assert_eq!(subscription.next_turn_on(), Some(day("2025-02-10")));
    assert_eq!(told(&subscription.turn(day("2025-02-10"))), "2025-02-10 Changed");
    assert_eq!(subscription.next_turn_on(), None);
}

proptest! {
    #[test]
    fn what_is_due_comes_to_an_end_at_the_end_of_the_calendar(
        first in prop_oneof![Just("2200-11-30"), Just("2199-02-28"), Just("1990-01-01"), Just("2096-02-29")],
        every in prop_oneof![Just("1 month"), Just("1 year"), Just("366 day"), Just("520 week"), Just("10 year")],
        arrears in any::<bool>(),
        after in 0_i64..400,
    ) {
        let timing = if arrears { "arrears" } else { "advance" };
        let mut subscription = subscription(&format!("{first} every {every} {timing}"));
        let on = date::add_days(day(first), after).to_string();
        let far = pause(&mut subscription, &on, &on, "-");
        prop_assert!(far.contains(" to "), "{}", far);
        prop_assert_eq!(change(&mut subscription, &on, &on, 7), "done".to_owned());
        let dues = subscription.dues_until(Date::MAX);
        prop_assert!(dues.len() <= MAX_DUES);
        prop_assert!(dues.iter().all(|due| due.whole.end < date::LATEST || due.direction == Direction::Credit));
        let _ = subscription.turn(date::LATEST);
    }
}
