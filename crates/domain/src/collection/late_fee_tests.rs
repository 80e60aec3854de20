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

/// A policy that charges so many euro cents on day 16.
fn charging(code: &str) -> Life {
    let mut life = Life::new();
    let mut terms = life.policy.terms().clone();
    let (schemes, classes) = (Vec::new(), Vec::new());
    terms.steps.push(Step { day: 16, action: Action::ChargeLateFee, schemes, classes });
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
    spared.may_be_charged = false;
    assert_eq!(fees(&mut spared, 60), 0);
}
