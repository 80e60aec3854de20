//! Who is charged a late fee when, and fees that are refused.

use super::*;
use crate::customer::PartyType;
use crate::date::{Date, days_between};
use crate::id::ProductId;
use crate::invoice::tests::buyer;

/// Day zero: a Tuesday.
const DAY_ZERO: &str = "2026-06-02";

fn fee(amounts: &[(i64, &str)]) -> LateFee {
    let amount = |(minor, code): &(i64, &str)| Money::new(*minor, code.parse().unwrap());
    LateFee {
        product_id: ProductId(uuid::Uuid::nil()),
        amounts: amounts.iter().map(amount).collect(),
    }
}

fn step(day: u16, action: Action, classes: &[FailureClass]) -> Step {
    Step { day, action, schemes: Vec::new(), classes: classes.to_vec() }
}

/// The built-in policy with a late fee on a day, for these classes.
fn charging(day: u16, classes: &[FailureClass], fee: Option<LateFee>) -> Terms {
    let mut terms = Policy::goodwill().terms().clone();
    terms.steps.push(step(day, Action::ChargeLateFee, classes));
    terms.steps.sort_by_key(|step| step.day);
    Terms { late_fee: fee, ..terms }
}

/// The days on which a case is charged a fee.
fn charged(policy: &Policy, case: &Case) -> Vec<i64> {
    let plan = policy.plan(case).into_iter();
    let fees = plan.filter(|step| step.key.action == Action::ChargeLateFee);
    fees.map(|step| days_between(case.day_zero, step.on)).collect()
}

#[test]
fn a_fee_is_charged_to_those_who_owe_and_can_pay() {
    use FailureClass as C;
    let of = |classes| Policy::new(charging(16, classes, Some(fee(&[(4_000, "EUR")])))).unwrap();
    let (all, no_money) = (of(&[]), of(&[C::NoMoney]));
    // The class, and whether it is charged where the step names no class and where it names one.
    let table = [
        (C::NoMoney, true, true),
        (C::Unknown, true, false),
        (C::WrongDetails, true, false),
        (C::Paused, true, false),
        // Who objects is not charged for that, and nobody for what is not its fault.
        (C::Objection, false, false),
        (C::Compliance, false, false),
        (C::Technical, false, false),
        (C::OurFault, false, false),
    ];
    assert_eq!(table.len(), C::ALL.len());
    let day_zero: Date = DAY_ZERO.parse().unwrap();
    for (class, by_all, by_no_money) in table {
        for scheme in Scheme::ALL.iter().copied() {
            let case = Case::new(scheme, class, day_zero);
            let spared = Case { may_be_charged: false, ..case.clone() };
            let days = |charged: bool| if charged { vec![16] } else { Vec::new() };
            assert_eq!(charged(&all, &case), days(by_all), "{scheme} {class}");
            assert_eq!(charged(&no_money, &case), days(by_no_money), "{scheme} {class}");
            assert_eq!(charged(&all, &spared), [0_i64; 0], "{scheme} {class}");
            // Otherwise nothing is different for whom no fee can be charged.
            assert_eq!(all.timeline(&spared), Policy::goodwill().timeline(&spared));
        }
    }
}

#[test]
fn whom_no_fee_can_be_charged_is_collected_from_on_the_same_days() {
    let fee_first = charging(4, &[], Some(fee(&[(4_000, "EUR")])));
    let policy = Policy::new(Terms { pay_days: vec![25], ..fee_first }).unwrap();
    for scheme in Scheme::ALL.iter().copied() {
        let case = Case::new(scheme, FailureClass::NoMoney, DAY_ZERO.parse().unwrap());
        let spared = Case { may_be_charged: false, ..case.clone() };
        let mut without = policy.plan(&case);
        without.retain(|step| step.key.action != Action::ChargeLateFee);
        assert_eq!(policy.plan(&spared), without, "{scheme}");
    }
}

#[test]
fn a_fee_has_an_amount_for_each_currency_that_it_is_charged_in() {
    let two = fee(&[(4_000, "EUR"), (4_500, "USD")]);
    let policy = Policy::new(charging(16, &[], Some(two))).unwrap();
    let code = |code: &str| code.parse::<Currency>().unwrap();
    assert_eq!(policy.late_fee(code("EUR")), Some(Money::new(4_000, Currency::EUR)));
    assert_eq!(policy.late_fee(code("USD")), Some(Money::new(4_500, code("USD"))));
    assert_eq!(policy.late_fee(code("GBP")), None);
    assert_eq!(Policy::goodwill().late_fee(code("EUR")), None);
}

#[test]
fn fees_without_a_step_and_amounts_that_are_none_are_refused() {
    let many: Vec<(i64, &str)> = vec![(1, "EUR"); MAX_LATE_FEES + 1];
    let goodwill = |fee| Terms { late_fee: Some(fee), ..Policy::goodwill().terms().clone() };
    let on = |fee| charging(16, &[], Some(fee));
    let table = [
        (goodwill(fee(&[(4_000, "EUR")])), "no step charges the late fee: expected one with"),
        (charging(16, &[], None), "charge_late_fee on day 16 has nothing to charge: expected"),
        (on(fee(&[])), "0 amounts of a late fee are not possible: expected 1 to 20"),
        (on(fee(&many)), "21 amounts of a late fee are not possible: expected 1 to 20"),
        (on(fee(&[(0, "EUR")])), "a late fee of EUR 0.00 is not possible: expected more than zero"),
        (
            on(fee(&[(-1, "EUR")])),
            "a late fee of EUR -0.01 is not possible: expected more than zero",
        ),
        (on(fee(&[(100_000_000_001, "EUR")])), "a late fee of EUR 1000000000.01 is not possible"),
        (on(fee(&[(1, "EUR"), (2, "EUR")])), "a late fee of EUR 0.02 is not possible"),
    ];
    for (terms, expected) in table {
        let refused = Policy::new(terms).unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{refused}");
    }
}

#[test]
fn consumers_and_fees_themselves_are_charged_none() {
    use PartyType::{Business, Consumer};
    let table = [
        (Business, false, true, false),
        (Business, false, false, true),
        (Business, true, true, true),
        (Consumer, false, true, true),
        (Consumer, true, false, true),
    ];
    for (party_type, treat_as_consumer, sold, expected) in table {
        let customer = crate::customer::Customer { party_type, treat_as_consumer, ..buyer() };
        let found = LateFee::spares(&customer, sold);
        assert_eq!(found, expected, "{party_type} {treat_as_consumer} {sold}");
    }
}

#[test]
fn the_line_says_for_which_invoice() {
    use crate::organization::Language;
    let text = |language| late_fee_description("2026-00042", language);
    assert_eq!(text(Language::Dutch), "Aanmaningskosten factuur 2026-00042");
    assert_eq!(text(Language::English), "Late fee for invoice 2026-00042");
}
