//! Tables and properties of settlement.

use super::*;
use crate::invoice::tests::{charge_of, draft_of};
use crate::invoice::{Charge, Corrected};
use crate::money::Currency;
use crate::vat::{LineVat, VatCategory, VatClass};
use proptest::prelude::*;
use uuid::Uuid;

fn cents(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn invoice(number: u128) -> InvoiceId {
    InvoiceId(Uuid::from_u128(number))
}

/// A document without VAT of these amounts; those below zero correct the invoice that is named.
fn document(lines: &[(i64, u128)]) -> Draft {
    let service = ("2025-01-01", "2025-02-01");
    let charge = |(minor, number): &(i64, u128)| {
        let charge = charge_of("0", VatCategory::Zero, service);
        let corrected = || Corrected {
            line_id: crate::id::LineId(Uuid::from_u128(*number)),
            invoice_id: invoice(*number),
            vat: LineVat { class: VatClass::Zero, percent: rust_decimal::Decimal::ZERO },
            unearned: cents(0),
        };
        Charge { net: cents(*minor), corrects: (*minor < 0).then(corrected), ..charge }
    };
    draft_of(lines.iter().map(charge).collect(), "2025-01-01", "2025-01-01")
}

/// Amounts of invoices.
type Amounts = &'static [(u128, i64)];
/// Available, open, lines; what is allocated, moved to the balance, open.
type Row = (i64, Amounts, &'static [(i64, u128)], Amounts, i64, i64);

#[test]
fn a_credit_pays_off_its_invoices_first_and_the_balance_pays_the_next() {
    let table: [Row; 9] = [
        (0, &[], &[(100, 0)], &[], 0, 100),
        (30, &[], &[(100, 0)], &[], -30, 70),
        (100, &[], &[(100, 0)], &[], -100, 0),
        (150, &[], &[(100, 0)], &[], -100, 0),
        (0, &[(1, 100)], &[(-40, 1)], &[(1, 40)], 0, 0),
        (0, &[(1, 30)], &[(-40, 1)], &[(1, 30)], 10, 0),
        // Paid in full; another invoice that is open is not touched.
        (5, &[(1, 0), (2, 50)], &[(-40, 1)], &[], 40, 0),
        (0, &[(1, 30), (2, 50)], &[(-40, 1), (-20, 2)], &[(1, 30), (2, 30)], 0, 0),
        // More is charged than credited: the document is an invoice and pays nothing off.
        (5, &[(1, 30)], &[(-40, 1), (60, 0)], &[], -5, 15),
    ];
    for (available, open, lines, allocated, moved, left) in table {
        let mut balance = Balance::of(cents(available));
        balance.open = open.iter().map(|(number, open)| (invoice(*number), cents(*open))).collect();
        let mut draft = document(lines);
        balance.settle(&mut draft).unwrap();
        let allocated: Vec<_> =
            allocated.iter().map(|(number, paid)| (invoice(*number), cents(*paid))).collect();
        let expected =
            Settlement { allocations: allocated, balance: cents(moved), open: cents(left) };
        assert_eq!(draft.settlement, expected, "{available} {open:?} {lines:?}");
        assert_eq!(balance.available, cents(available + moved));
    }
}

#[test]
fn an_amount_beyond_all_bounds_is_refused_not_wrapped() {
    let mut balance = Balance::of(cents(i64::MAX));
    assert_eq!(balance.settle(&mut document(&[(-1, 1)])), Err(MoneyRefused::Overflow));
    assert_eq!(balance.available, cents(i64::MAX));
}

proptest! {
    #[test]
    fn nothing_is_settled_beyond_what_is_open_or_available(
        available in 0_i64..10_000,
        open in proptest::collection::vec(0_i64..10_000, 1..4),
        documents in proptest::collection::vec(
            proptest::collection::vec((-10_000_i64..10_000, 1_u128..5), 1..5),
            1..12,
        ),
    ) {
        let mut balance = Balance::of(cents(available));
        balance.open = (1..).zip(&open).map(|(at, open)| (invoice(at), cents(*open))).collect();
        let owed = |balance: &Balance| {
            balance.open.values().map(|open| open.minor()).sum::<i64>() - balance.available.minor()
        };
        let mut expected = owed(&balance);
        for (at, lines) in (100..).zip(&documents) {
            let mut draft = document(lines);
            draft.id = invoice(at);
            let before = balance.clone();
            balance.settle(&mut draft).unwrap();
            expected += draft.total.minor();
            prop_assert_eq!(owed(&balance), expected);
            prop_assert!(balance.available.minor() >= 0);
            prop_assert!(balance.open.values().all(|open| open.minor() >= 0));
            prop_assert!(draft.settlement.open.minor() >= 0);
            for (invoice, paid) in &draft.settlement.allocations {
                prop_assert!(paid.minor() > 0 && paid.minor() <= before.open[invoice].minor());
            }
        }
    }
}
