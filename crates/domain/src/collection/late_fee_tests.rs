//! How often an invoice is charged a late fee in its life.

use super::*;
use crate::dunning::{LateFee, Step};
use crate::id::ProductId;

/// Fails on its due date, then comes to nothing until a day; how often a late fee was charged.
fn fees(life: &mut Life, until: i64) -> usize {
    life.happen("transfer");
    for day in 0..until {
        life.happen(&format!("day:{day}"));
    }
    life.done.iter().filter(|(_, key)| key.action == Action::ChargeLateFee).count()
}

/// A policy that charges 40.00 of a currency on day 16.
fn charging(code: &str) -> Life {
    charging_on(16, code)
}

pub(super) fn charging_on(day: u16, code: &str) -> Life {
    with_fees(&[(day, &[])], code)
}

/// A policy with a fee on each of these days for these ways of paying.
fn with_fees(days: &[(u16, &[Scheme])], code: &str) -> Life {
    let mut life = Life::new();
    let mut terms = life.policy.terms().clone();
    let action = Action::ChargeLateFee;
    terms.steps.extend(days.iter().map(|(day, schemes)| Step {
        day: *day,
        action,
        schemes: schemes.to_vec(),
        classes: Vec::new(),
    }));
    terms.steps.sort_by_key(|step| step.day);
    let amounts = vec![Money::new(4_000, code.parse().unwrap())];
    let product_id = ProductId(uuid::Uuid::nil());
    let late_fee = Some(LateFee { product_id, amounts });
    life.policy = Policy::new(Terms { late_fee, ..terms }).unwrap();
    life
}

#[test]
fn an_invoice_is_charged_one_late_fee_also_when_it_begins_anew() {
    let mut life = charging("EUR");
    assert_eq!(fees(&mut life, 16), 0);
    assert_eq!(fees(&mut life, 17), 1);
    life.happen("paid");
    life.happen("returned");
    assert_eq!(life.collection.day_zero, Some(add_days(due_on(), 16)), "it begins anew");
    assert_eq!(fees(&mut life, 60), 1);
    // Also when it has not been charged before: once after it has begun anew.
    let mut life = charging("EUR");
    assert_eq!(fees(&mut life, 10), 0);
    life.happen("paid");
    life.happen("returned");
    assert_eq!(fees(&mut life, 60), 1);
}

#[test]
fn no_late_fee_in_another_currency_nor_for_whom_none_may_be_charged() {
    assert_eq!(fees(&mut charging("USD"), 60), 0);
    let mut spared = charging("EUR");
    spared.is_spared = true;
    assert_eq!(fees(&mut spared, 60), 0);
}

/// On the day of the fee a card is charged for the last time.
fn with_the_last_attempt() -> Life {
    let mut life = charging_on(14, "EUR");
    life.happen("card");
    life.happen("day:0");
    for day in [1, 3, 7, 14] {
        life.happen("declined:insufficient_funds");
        life.happen(&format!("day:{day}"));
    }
    assert_eq!(life.line(), "under_way attempts 5 zero 0");
    life
}

#[test]
fn a_fee_waits_for_the_attempt_of_its_day() {
    let charged = |life: &Life| {
        life.done.iter().filter(|(_, key)| key.action == Action::ChargeLateFee).count()
    };
    let mut pays = with_the_last_attempt();
    assert_eq!(charged(&pays), 0);
    pays.happen("settled");
    pays.happen("day:40");
    assert_eq!(charged(&pays), 0, "it was paid on the day before which it was to be paid");
    let mut fails = with_the_last_attempt();
    fails.happen("declined:insufficient_funds");
    assert_eq!(fails.line(), "waiting step 14 attempts 5 zero 0");
    fails.happen("day:14");
    assert_eq!(charged(&fails), 1);
    fails.happen("day:60");
    assert_eq!(charged(&fails), 1);
}

#[test]
fn what_a_person_passed_over_is_not_charged_when_it_begins_anew() {
    let mut life = charging("EUR");
    assert_eq!(fees(&mut life, 16), 0);
    life.happen("skip");
    life.happen("paid");
    life.happen("returned");
    // The step stands as done, by the person.
    assert_eq!(fees(&mut life, 60), 1);
    let skipped = life.done.iter().find(|(_, key)| key.action == Action::ChargeLateFee);
    assert_eq!(skipped.map(|(day_zero, _)| *day_zero), Some(due_on()));
}

#[test]
fn who_was_charged_by_card_is_not_charged_on_the_day_of_debits() {
    let both: &[(u16, &[Scheme])] = &[(16, &[Scheme::Card]), (30, &[Scheme::DirectDebit])];
    let charged_on = |words: &str| {
        let mut life = with_fees(both, "EUR");
        words.split(' ').for_each(|word| life.happen(word));
        let fees = life.done.iter().filter(|(_, key)| key.action == Action::ChargeLateFee);
        fees.map(|(_, key)| key.day).collect::<Vec<_>>()
    };
    let by_card = "card day:0 declined:expired_card day:1 day:15 day:16";
    assert_eq!(charged_on(&format!("{by_card} day:60")), [16]);
    let by_debit = "debit new day:17 accepted day:19 declined:AM04 day:60";
    assert_eq!(charged_on(&format!("{by_card} {by_debit}")), [16]);
    let earlier = "card day:0 declined:expired_card day:1 debit new day:2 accepted day:4";
    assert_eq!(charged_on(&format!("{earlier} declined:AC01 day:60")), [30]);
}

#[test]
fn who_passes_over_a_day_passes_over_its_fee() {
    let mut life = charging_on(14, "EUR");
    life.happen("card");
    life.happen("day:0");
    for day in [1, 3, 7] {
        life.happen("declined:insufficient_funds");
        life.happen(&format!("day:{day}"));
    }
    life.happen("declined:insufficient_funds");
    assert_eq!(life.line(), "waiting retry 14 attempts 4 zero 0");
    life.happen("skip");
    let skipped: Vec<Action> =
        life.done.iter().filter(|(_, key)| key.day == 14).map(|(_, key)| key.action).collect();
    assert_eq!(skipped, [Action::Retry, Action::ChargeLateFee]);
}
