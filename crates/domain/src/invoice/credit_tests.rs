use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::ledger::Account;
use crate::money::Currency;
use crate::vat::VatClass;

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn id(number: u128) -> LineId {
    LineId(Uuid::from_u128(number))
}

fn line(number: u128, left: i64) -> Creditable {
    let service =
        Period { start: "2025-01-01".parse().unwrap(), end: "2026-01-01".parse().unwrap() };
    Creditable {
        line_id: id(number),
        invoice_id: InvoiceId(Uuid::nil()),
        product_id: ProductId(Uuid::nil()),
        description: "hosting".into(),
        service,
        vat: LineVat { class: VatClass::Standard, percent: rust_decimal::Decimal::from(21) },
        left: eur(left),
        deferral: None,
    }
}

#[test]
fn of_a_line_never_more_is_taken_back_than_is_left() {
    let all = |number| Wanted { line_id: id(number), amount: None };
    let some = |number, minor| Wanted { line_id: id(number), amount: Some(eur(minor)) };
    // what is left of lines 1, 2 and 3; what is wanted; what is taken back, or why nothing is
    let table: [(&[Wanted], &str); 10] = [
        (&[], "1: 3000, 2: 500"),
        (&[all(2)], "2: 500"),
        (&[some(1, 1_000), all(2)], "1: 1000, 2: 500"),
        (&[some(1, 3_000)], "1: 3000"),
        (&[some(1, 3_001)], "more than what is left"),
        (&[some(1, 0)], "above zero"),
        (&[some(1, -5)], "above zero"),
        (&[all(3)], "nothing is left"),
        (&[all(4)], "not on this invoice"),
        (&[some(1, 5), some(1, 5)], "given twice"),
    ];
    for (wanted, expected) in table {
        let lines = vec![line(1, 3_000), line(2, 500), line(3, 0)];
        let found = match choose(lines, wanted) {
            Ok(chosen) => {
                let shown = chosen.iter().map(|(line, amount)| {
                    format!("{}: {}", line.line_id.0.as_u128(), amount.minor())
                });
                shown.collect::<Vec<_>>().join(", ")
            }
            Err(refused) => refused.to_string(),
        };
        assert!(found.contains(expected), "{wanted:?}: {found}");
    }
    assert_eq!(choose(vec![line(1, 0), line(2, -500)], &[]), Err(CreditRefused::NothingLeft));
}

proptest! {
    /// Whatever is corrected in between: what is earned and what is taken back add up to the line,
    /// and no month takes revenue back.
    #[test]
    fn corrections_come_out_of_what_is_not_earned_and_the_rest_is_earned(
        minor in 1_i64..10_000_000,
        steps in proptest::collection::vec((0_i64..400, 0_i64..2_000_000), 0..6),
    ) {
        let service = line(1, 0).service;
        let at = Deferral::at_issue(Account::SubscriptionRevenue, eur(minor), service, service.start);
        let mut deferral = at.unwrap().unwrap();
        let (mut earned, mut taken) = (deferral.earned.minor(), 0);
        let mut steps = steps;
        steps.sort_unstable();
        steps.push((400, 0));
        for (day, amount) in steps {
            for step in deferral.recognize(crate::date::add_days(service.start, day)).unwrap() {
                prop_assert!(step.amount.minor() > 0);
                earned += step.amount.minor();
            }
            let part = deferral.correct(eur(amount)).unwrap().minor();
            prop_assert!(part <= amount && part >= 0);
            taken += part;
            prop_assert_eq!(deferral.unearned().unwrap().minor(), minor - earned - taken);
        }
        prop_assert_eq!(earned + taken, minor);
    }
}
