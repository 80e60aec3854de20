use rust_decimal::Decimal;

use super::*;
use crate::money::Currency;
use crate::payment::PaymentKind;
use crate::vat::VatClass;

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::from_code("EUR").unwrap())
}

fn invoice() -> InvoiceId {
    InvoiceId(uuid::Uuid::from_u128(1))
}

fn entry_id() -> EntryId {
    EntryId(uuid::Uuid::nil())
}

fn day() -> Date {
    "2025-02-01".parse().unwrap()
}

/// `1000 100, 1300 -100`
fn shown(entry: &Entry) -> String {
    let side = |one: &Posting| format!("{} {}", one.account, one.amount.minor());
    let mut sides: Vec<String> = entry.postings().iter().map(side).collect();
    sides.sort();
    sides.join(", ")
}

fn lost(amount: i64, tax: i64, is_dated: bool) -> Recovered {
    let vat = LineVat { class: VatClass::Standard, percent: Decimal::from(21) };
    Recovered { amount: euro(amount), vat: vec![(vat, euro(tax))], is_dated }
}

fn payment(amount: i64, parts: &[(Target, i64)], in_transit: bool, fee: i64) -> Payment {
    let part =
        |(target, minor): &(Target, i64)| Allocation { target: *target, amount: euro(*minor) };
    Payment {
        id: PaymentId(uuid::Uuid::from_u128(2)),
        customer_id: None,
        kind: PaymentKind::Receipt,
        amount: euro(amount),
        booked_on: day(),
        attempt_id: None,
        reverses: None,
        in_transit,
        fee: (fee > 0).then(|| euro(fee)),
        reference: None,
        payer_name: None,
        note: None,
        external_id: None,
        allocations: parts.iter().map(part).collect(),
    }
}

#[test]
fn payments_post_as_the_chart_says() {
    use Target::{Balance, Invoice, Unmatched, WrittenOff};
    let paid = invoice();
    let none: &[Recovered] = &[];
    let table: &[(Payment, &[Recovered], &str)] = &[
        (payment(100, &[(Invoice(paid), 100)], false, 0), none, "1000 100, 1300 -100"),
        (
            payment(100, &[(Invoice(paid), 60), (Balance, 40)], false, 0),
            none,
            "1000 100, 1300 -60, 2060 -40",
        ),
        (payment(100, &[(Unmatched, 100)], false, 0), none, "1000 100, 2050 -100"),
        (payment(100, &[(Invoice(paid), 100)], true, 0), none, "1000 100, 1010 -100"),
        // The invoice was paid otherwise while the debit was under way.
        (
            payment(100, &[(Balance, 100)], true, 0),
            none,
            "1000 100, 1010 -100, 1300 100, 2060 -100",
        ),
        (
            payment(100, &[(Invoice(paid), 30), (Balance, 70)], true, 0),
            none,
            "1000 100, 1010 -100, 1300 70, 2060 -70",
        ),
        // It bounces, and the bank asks 5 for it.
        (payment(-100, &[(Invoice(paid), -100)], false, 5), none, "1000 -105, 1300 100, 4610 5"),
        (
            payment(-100, &[(Invoice(paid), -60), (Balance, -15), (Unmatched, -25)], false, 0),
            none,
            "1000 -100, 1300 60, 2050 25, 2060 15",
        ),
        (payment(-40, &[(Balance, -40)], false, 0), none, "1000 -40, 2060 40"),
        (payment(40, &[(Balance, 40)], false, 0), none, "1000 40, 2060 -40"),
        // Paid after all, before and after the VAT was reclaimed.
        (
            payment(121, &[(WrittenOff(paid), 121)], false, 0),
            &[lost(121, 21, false)],
            "1000 121, 1540 -21, 4600 -100",
        ),
        (
            payment(150, &[(WrittenOff(paid), 121), (Balance, 29)], false, 0),
            &[lost(121, 21, true)],
            "1000 150, 1520 -21, 2060 -29, 4600 -100",
        ),
        (
            payment(121, &[(WrittenOff(paid), 121)], true, 0),
            &[lost(121, 21, false)],
            "1000 121, 1010 -121, 1300 121, 1540 -21, 4600 -100",
        ),
    ];
    for (payment, recovered, expected) in table {
        let entry = payment_entry(entry_id(), payment, recovered).unwrap();
        assert_eq!(shown(&entry), *expected, "{payment:?}");
        assert_eq!(entry.source().kind, SourceKind::Payment);
    }
    let short = payment(100, &[(Invoice(paid), 99)], false, 0);
    assert!(payment_entry(entry_id(), &short, &[]).is_err(), "its parts do not add up");
}

#[test]
fn what_is_matched_accepted_failed_or_written_off_posts_without_the_bank() {
    let attempt = AttemptId(uuid::Uuid::from_u128(3));
    let accepted = accepted_entry(entry_id(), attempt, day(), euro(100)).unwrap();
    assert_eq!(shown(&accepted), "1010 100, 1300 -100");
    let failed = failed_entry(entry_id(), attempt, day(), euro(100)).unwrap();
    assert_eq!(shown(&failed), "1010 -100, 1300 100");
    let parts = [
        Allocation { target: Target::Unmatched, amount: euro(-100) },
        Allocation { target: Target::Invoice(invoice()), amount: euro(60) },
        Allocation { target: Target::Balance, amount: euro(40) },
    ];
    let id = PaymentId(uuid::Uuid::from_u128(2));
    let matched = match_entry(entry_id(), id, 1, day(), &parts, &[]).unwrap();
    assert_eq!(shown(&matched), "1300 -60, 2050 100, 2060 -40");
    assert_eq!(matched.source().part, "1");
    for (is_dated, vat) in [(false, "1540"), (true, "1520")] {
        let lost = lost(121, 21, is_dated);
        let entry = write_off_entry(entry_id(), invoice(), 1, day(), &lost).unwrap();
        assert_eq!(shown(&entry), format!("1300 -121, {vat} 21, 4600 100"));
    }
    let vat = lost(121, 21, false).vat;
    let dated = bad_debt_vat_entry(entry_id(), invoice(), day(), &vat).unwrap().unwrap();
    assert_eq!(shown(&dated), "1520 21, 1540 -21");
    assert_eq!(bad_debt_vat_entry(entry_id(), invoice(), day(), &[]).unwrap(), None);
}
