//! Tables of a subscription's documents, as a bookkeeper reads them.

use super::world::{World, day, flat, per_unit, version};
use crate::invoice::{Draft, LineKind};
use crate::period::{Alignment, Unit};
use crate::plan::{PlanVersion, Timing};
use crate::subscription::CancelWhen;

/// 30.00 and 5.00 per seat a month; 60.00 and 10.00; 365.00 a year; 30.00 in arrears; and with a
/// minimum.
fn versions() -> Vec<PlanVersion> {
    let month = (1, Unit::Month);
    let (advance, arrears) = (Timing::InAdvance, Timing::InArrears);
    vec![
        version(1, month, advance, vec![(flat("30"), None), (per_unit("5"), None)]),
        version(2, month, advance, vec![(flat("60"), None), (per_unit("10"), None)]),
        version(3, (1, Unit::Year), advance, vec![(flat("365"), None)]),
        version(4, month, arrears, vec![(flat("30"), None)]),
        version(5, month, advance, vec![(flat("31"), Some(6_200))]),
        version(6, month, advance, vec![(per_unit("4.995"), Some(501))]),
    ]
}

/// `charge base 2025-01-01 2025-02-01 30.00`.
fn line_of(world: &World, line: &crate::invoice::Line) -> String {
    let charge = &line.charge;
    let what = match charge.kind {
        LineKind::Recurring => "charge",
        LineKind::RecurringCredit => "credit",
        LineKind::Minimum => "minimum",
        LineKind::MinimumCredit => "minimum credit",
        _ => "other",
    };
    let component = charge.origin.item_id().map(|item| world.price_of(item).component.clone());
    let (start, end) = (charge.service.start, charge.service.end);
    format!("{what} {} {start} {end} {}", component.unwrap_or_default(), charge.net.major())
}

fn document(draft: &Draft) -> String {
    let settlement = &draft.settlement;
    let allocated: i64 = settlement.allocations.iter().map(|(_, paid)| paid.minor()).sum();
    format!(
        "{} {} {}, pays off {}.{:02}, balance {}, open {}",
        draft.billing_on,
        draft.kind,
        draft.total.major(),
        allocated / 100,
        allocated % 100,
        settlement.balance.major(),
        settlement.open.major(),
    )
}

/// Does what a line of a script says.
fn act(world: &mut World, words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    let date = |at: usize| words.get(at).filter(|word| **word != "-").map(|word| day(word));
    let number = |at: usize| words.get(at).map(|word| word.parse().unwrap());
    let today = world.today;
    let done = match words[0] {
        "run" => {
            world.run();
            true
        }
        "pay" => {
            world.pay();
            true
        }
        "seats" => world.change(0, number(1), date(2).unwrap_or(today)),
        "plan" => {
            let version: i64 = number(1).unwrap();
            world.change(usize::try_from(version - 1).unwrap(), None, date(2).unwrap_or(today))
        }
        "pause" => world.pause(date(1).unwrap_or(today), date(2)),
        "resume" => world.resume(date(1).unwrap_or(today)),
        "end" => world.cancel(CancelWhen::On { day: date(1).unwrap_or(today), credit: true }),
        "forfeit" => world.cancel(CancelWhen::On { day: date(1).unwrap_or(today), credit: false }),
        "end_of_period" => world.cancel(CancelWhen::PeriodEnd),
        "undo" => world.undo(),
        "revoke" => world.revoke(0),
        other => panic!("{other}?"),
    };
    assert!(done, "{today}: {words:?} is refused");
}

/// Runs a script: lines that begin with a date happen on it; indented lines are what the documents
/// of the run in the line before say.
fn play(script: &str) {
    let mut lines = script.trim().lines().peekable();
    let (start, first) = lines.next().unwrap().split_once(" starts on plan ").unwrap();
    let first: usize = first.parse().unwrap();
    let mut versions = versions();
    versions.swap(0, first - 1);
    let mut world = World::new(versions, day(start), Alignment::OwnDay);
    world.seller.issue_zero_invoices = false;
    while let Some(step) = lines.next() {
        let (on, words) = step.trim().split_once(' ').unwrap();
        world.today = day(on);
        let before = world.documents.len();
        act(&mut world, words);
        let mut expected = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("    ")) {
            expected.push(line.trim().to_owned());
        }
        let mut said = Vec::new();
        for draft in &world.documents[before..] {
            said.push(document(draft));
            said.extend(draft.lines.iter().map(|line| line_of(&world, line)));
        }
        assert_eq!(said, expected, "{step}");
    }
}

#[test]
fn a_pause_is_credited_and_the_rest_of_the_period_charged() {
    play(
        "2025-04-01 starts on plan 4
2025-05-01 run
    2025-05-01 invoice 36.30, pays off 0.00, balance 0.00, open 36.30
    charge base 2025-04-01 2025-05-01 30.00
2025-05-02 pause 2025-05-11 2025-05-21
2025-06-01 run
    2025-06-01 invoice 24.60, pays off 0.00, balance 0.00, open 24.60
    charge base 2025-05-01 2025-05-11 9.68
    charge base 2025-05-21 2025-06-01 10.65",
    );
}

#[test]
fn an_end_without_credit_takes_nothing_back_also_not_for_a_pause_after_it() {
    play(
        "2025-01-01 starts on plan 3
2025-01-01 run
    2025-01-01 invoice 441.65, pays off 0.00, balance 0.00, open 441.65
    charge base 2025-01-01 2026-01-01 365.00
2025-01-05 pause 2025-03-01 2025-04-01
2025-01-10 forfeit
2025-06-01 run",
    );
}

#[test]
fn more_seats_are_charged_and_fewer_credited_for_the_rest_of_the_period() {
    play(
        "2025-01-01 starts on plan 1
2025-01-01 run
    2025-01-01 invoice 42.35, pays off 0.00, balance 0.00, open 42.35
    charge base 2025-01-01 2025-02-01 30.00
    charge seats 2025-01-01 2025-02-01 5.00
2025-01-11 seats 3
2025-01-11 run
    2025-01-11 invoice 8.19, pays off 0.00, balance 0.00, open 8.19
    credit seats 2025-01-11 2025-02-01 -3.39
    charge seats 2025-01-11 2025-02-01 10.16
2025-01-20 pay
2025-01-21 seats 1
2025-01-21 run
    2025-01-21 credit_note -4.30, pays off 0.00, balance 4.30, open 0.00
    credit seats 2025-01-21 2025-02-01 -5.32
    charge seats 2025-01-21 2025-02-01 1.77
2025-02-01 run
    2025-02-01 invoice 42.35, pays off 0.00, balance -4.30, open 38.05
    charge base 2025-02-01 2025-03-01 30.00
    charge seats 2025-02-01 2025-03-01 5.00",
    );
}

#[test]
fn up_and_down_on_one_day_comes_to_nothing() {
    play(
        "2025-01-01 starts on plan 1
2025-01-01 run
    2025-01-01 invoice 42.35, pays off 0.00, balance 0.00, open 42.35
    charge base 2025-01-01 2025-02-01 30.00
    charge seats 2025-01-01 2025-02-01 5.00
2025-01-11 seats 3
2025-01-11 seats 1
2025-01-11 run
2025-01-12 seats 3
2025-01-12 run
    2025-01-12 invoice 7.80, pays off 0.00, balance 0.00, open 7.80
    credit seats 2025-01-12 2025-02-01 -3.23
    charge seats 2025-01-12 2025-02-01 9.68
2025-01-12 seats 1
2025-01-12 run
    2025-01-12 credit_note -7.80, pays off 7.80, balance 0.00, open 0.00
    charge seats 2025-01-12 2025-02-01 3.23
    credit seats 2025-01-12 2025-02-01 -9.68
2025-02-01 run
    2025-02-01 invoice 42.35, pays off 0.00, balance 0.00, open 42.35
    charge base 2025-02-01 2025-03-01 30.00
    charge seats 2025-02-01 2025-03-01 5.00",
    );
}

#[test]
fn two_pauses_in_a_year_and_a_change_in_one_of_them() {
    play(
        "2025-01-01 starts on plan 3
2025-01-01 run
    2025-01-01 invoice 441.65, pays off 0.00, balance 0.00, open 441.65
    charge base 2025-01-01 2026-01-01 365.00
2025-03-01 pause - 2025-04-01
2025-03-01 run
    2025-03-01 credit_note -370.26, pays off 370.26, balance 0.00, open 0.00
    credit base 2025-03-01 2026-01-01 -306.00
2025-03-15 resume
2025-03-15 run
    2025-03-15 invoice 353.32, pays off 0.00, balance 0.00, open 353.32
    charge base 2025-03-15 2026-01-01 292.00
2025-06-01 pause - 2025-07-01
2025-06-01 run
    2025-06-01 credit_note -258.94, pays off 258.94, balance 0.00, open 0.00
    credit base 2025-06-01 2026-01-01 -214.00
2025-06-10 plan 2
2025-07-01 run
    2025-07-01 invoice 25.41, pays off 0.00, balance 0.00, open 25.41
    charge base 2025-07-01 2025-07-10 18.00
    charge seats 2025-07-01 2025-07-10 3.00",
    );
}

#[test]
fn an_end_on_a_day_is_credited_and_an_end_undone_on_its_last_day_is_none() {
    play(
        "2025-01-31 starts on plan 4
2025-02-10 end_of_period
2025-02-27 undo
2025-02-28 run
    2025-02-28 invoice 36.30, pays off 0.00, balance 0.00, open 36.30
    charge base 2025-01-31 2025-02-28 30.00
2025-03-01 plan 3
2025-03-01 run
    2025-03-01 invoice 442.82, pays off 0.00, balance 0.00, open 442.82
    charge base 2025-02-28 2025-03-01 0.97
    charge base 2025-03-01 2026-03-01 365.00
2025-03-02 end 2025-03-31
2025-03-30 undo
2025-03-31 run
2025-04-01 end
2025-04-01 run
    2025-04-01 credit_note -404.14, pays off 404.14, balance 0.00, open 0.00
    credit base 2025-04-01 2026-03-01 -334.00",
    );
}

#[test]
fn a_minimum_is_credited_with_the_days_that_are_not_delivered() {
    play(
        "2025-01-01 starts on plan 5
2025-01-01 run
    2025-01-01 invoice 75.02, pays off 0.00, balance 0.00, open 75.02
    charge base 2025-01-01 2025-02-01 31.00
    minimum base 2025-01-01 2025-02-01 31.00
2025-01-11 pause - 2025-01-21
2025-01-25 run
    2025-01-11 credit_note -50.82, pays off 50.82, balance 0.00, open 0.00
    credit base 2025-01-11 2025-02-01 -21.00
    minimum credit base 2025-01-11 2025-02-01 -21.00
    2025-01-21 invoice 26.62, pays off 0.00, balance 0.00, open 26.62
    charge base 2025-01-21 2025-02-01 11.00
    minimum base 2025-01-21 2025-02-01 11.00",
    );
}

#[test]
fn a_minimum_is_never_charged_by_a_credit() {
    // 28 of 31 days at 4.995 and at least 5.01: 4.51 and 4.53; the month had 5.00 and 5.01.
    play(
        "2025-01-01 starts on plan 6
2025-01-01 run
    2025-01-01 invoice 6.06, pays off 0.00, balance 0.00, open 6.06
    charge base 2025-01-01 2025-02-01 5.00
    minimum base 2025-01-01 2025-02-01 0.01
2025-01-29 end
2025-01-29 run
    2025-01-29 credit_note -0.59, pays off 0.59, balance 0.00, open 0.00
    credit base 2025-01-29 2025-02-01 -0.49
    minimum credit base 2025-01-29 2025-02-01 0.00",
    );
}
