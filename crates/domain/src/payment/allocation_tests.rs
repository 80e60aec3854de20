use proptest::prelude::*;

use super::*;
use crate::id::{AttemptId, CustomerId};
use crate::money::Currency;

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::from_code("EUR").unwrap())
}

fn id(number: u128) -> InvoiceId {
    InvoiceId(uuid::Uuid::from_u128(number))
}

fn invoice(number: i64, due_on: &str, open: i64, written_off: i64) -> OpenInvoice {
    OpenInvoice {
        id: id(number.unsigned_abs().into()),
        number: (2025, number),
        due_on: due_on.parse().unwrap(),
        open: euro(open),
        written_off: euro(written_off),
    }
}

/// `1:40 2:5 balance:3`
fn shown(parts: &[Allocation]) -> String {
    let part = |part: &Allocation| {
        let target = match part.target {
            Target::Invoice(id) => id.0.as_u128().to_string(),
            Target::WrittenOff(id) => format!("lost {}", id.0.as_u128()),
            Target::Balance => "balance".to_owned(),
            Target::Unmatched => "unmatched".to_owned(),
        };
        format!("{target}:{}", part.amount.minor())
    };
    parts.iter().map(part).collect::<Vec<_>>().join(" ")
}

#[test]
fn money_goes_where_it_is_named_then_to_the_oldest() {
    // Due dates 3 Feb, 1 Feb, 1 Feb, 1 Jan; the last is written off.
    let owed = [
        invoice(1, "2025-02-03", 50, 0),
        invoice(3, "2025-02-01", 30, 0),
        invoice(2, "2025-02-01", 20, 0),
        invoice(4, "2025-01-01", 0, 40),
    ];
    let table: &[(i64, &[u128], &str)] = &[
        (10, &[], "2:10"),
        (20, &[], "2:20"),
        (60, &[], "2:20 3:30 1:10"),
        (110, &[], "2:20 3:30 1:50 lost 4:10"),
        (150, &[], "2:20 3:30 1:50 lost 4:40 balance:10"),
        (10, &[1], "1:10"),
        (60, &[1], "1:50 2:10"),
        (75, &[1, 3], "3:30 1:45"),
        (110, &[3, 1], "3:30 1:50 2:20 lost 4:10"),
        (45, &[4], "lost 4:40 2:5"),
        (10, &[9], "2:10"),
    ];
    for (amount, chosen, expected) in table {
        let chosen: Vec<InvoiceId> = chosen.iter().map(|number| id(*number)).collect();
        let parts = allocate(euro(*amount), &chosen, &owed).unwrap();
        assert_eq!(shown(&parts), *expected, "{amount} for {chosen:?}");
    }
    assert_eq!(shown(&allocate(euro(5), &[], &[]).unwrap()), "balance:5");
    assert_eq!(shown(&unmatched(euro(5))), "unmatched:5");
}

/// What a payment went to, what the balance has, and what goes back.
type Row<'a> = (&'a [(Target, i64)], i64, &'a str);

fn payment(kind: PaymentKind, amount: i64, parts: &[(Target, i64)]) -> Payment {
    let part =
        |(target, minor): &(Target, i64)| Allocation { target: *target, amount: euro(*minor) };
    Payment {
        id: PaymentId(uuid::Uuid::from_u128(1)),
        customer_id: Some(CustomerId(uuid::Uuid::nil())),
        kind,
        amount: euro(amount),
        booked_on: "2025-02-01".parse().unwrap(),
        attempt_id: Some(AttemptId(uuid::Uuid::nil())),
        reverses: None,
        in_transit: true,
        fee: None,
        reference: None,
        payer_name: None,
        note: None,
        external_id: None,
        allocations: parts.iter().map(part).collect(),
    }
}

fn back(payment: &Payment, available: i64) -> Payment {
    let how = TakenBack {
        id: PaymentId(uuid::Uuid::from_u128(2)),
        booked_on: "2025-03-01".parse().unwrap(),
        fee: Some(euro(5)),
    };
    take_back(payment, euro(available), how).unwrap()
}

#[test]
fn what_goes_back_is_taken_from_where_it_went() {
    use Target::{Balance, Invoice, Unmatched, WrittenOff};
    let (one, two) = (id(1), id(2));
    let table: &[Row<'_>] = &[
        (&[(Invoice(one), 100)], 0, "1:-100"),
        (&[(Invoice(one), 60), (Balance, 40)], 40, "balance:-40 1:-60"),
        (&[(Invoice(one), 60), (Balance, 40)], 15, "balance:-15 unmatched:-25 1:-60"),
        (&[(Invoice(one), 60), (Balance, 40)], 0, "unmatched:-40 1:-60"),
        // What else there is keeps the invoices paid.
        (&[(Invoice(one), 60), (Balance, 40)], 99, "balance:-99 1:-1"),
        (&[(Invoice(one), 60), (Balance, 40)], 500, "balance:-100"),
        (&[(Invoice(one), 100)], 100, "balance:-100"),
        (&[(Invoice(one), 100)], 30, "balance:-30 1:-70"),
        (&[(Invoice(one), 60), (Invoice(two), 40)], 70, "balance:-70 2:-30"),
        (&[(WrittenOff(two), 100)], 30, "balance:-30 lost 2:-70"),
        (&[(Unmatched, 100)], 30, "unmatched:-100"),
        (&[(WrittenOff(two), 100)], 0, "lost 2:-100"),
        (&[(Unmatched, 100)], 0, "unmatched:-100"),
        // Matched later.
        (&[(Unmatched, 100), (Unmatched, -100), (Invoice(one), 100)], 0, "1:-100"),
        (&[(Unmatched, 100), (Unmatched, -70), (Balance, 70)], 0, "unmatched:-100"),
        (&[(Unmatched, 100), (Unmatched, -100), (Invoice(one), 100)], 30, "balance:-30 1:-70"),
    ];
    for (parts, available, expected) in table {
        let back = back(&payment(PaymentKind::Collection, 100, parts), *available);
        assert_eq!(shown(&back.allocations), *expected, "{parts:?} with {available}");
        assert_eq!((back.kind, back.amount), (PaymentKind::Bounce, euro(-100)));
        assert_eq!((back.in_transit, back.fee), (false, Some(euro(5))));
    }
    let refund = payment(PaymentKind::Refund, -30, &[(Balance, -30)]);
    let returned = back(&refund, 0);
    assert_eq!(returned.kind, PaymentKind::RefundReturned);
    assert_eq!(shown(&returned.allocations), "balance:30");
}

fn owed() -> impl Strategy<Value = Vec<OpenInvoice>> {
    let one = (0_i64..400, 0_i64..400, 1_u32..28);
    proptest::collection::vec(one, 0..8).prop_map(|ones| {
        let numbered = (1_i64..).zip(ones);
        numbered
            .map(|(number, (open, lost, day))| {
                invoice(number, &format!("2025-02-{day:02}"), open, lost)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn the_parts_are_the_whole_and_never_more_than_is_open(
        amount in 1_i64..4_000,
        available in 0_i64..4_000,
        owed in owed(),
        chosen in proptest::collection::vec(1_u128..9, 0..4),
    ) {
        let chosen: Vec<InvoiceId> = chosen.into_iter().map(id).collect();
        let parts = allocate(euro(amount), &chosen, &owed).unwrap();
        prop_assert_eq!(parts.iter().map(|part| part.amount.minor()).sum::<i64>(), amount);
        let part_of = |target| parts.iter().find(|part| part.target == target).map_or(0, |part| part.amount.minor());
        for one in &owed {
            prop_assert!(part_of(Target::Invoice(one.id)) <= one.open.minor());
            prop_assert!(part_of(Target::WrittenOff(one.id)) <= one.written_off.minor());
        }
        let is_over = part_of(Target::Balance) > 0;
        for one in &owed {
            if is_over {
                prop_assert_eq!(part_of(Target::Invoice(one.id)), one.open.minor());
            }
            // Nothing goes to a later invoice while an earlier one is open.
            let later = owed.iter().filter(|other| (other.due_on, other.number) > (one.due_on, one.number));
            if !chosen.contains(&one.id) && part_of(Target::Invoice(one.id)) < one.open.minor() {
                for other in later.filter(|other| !chosen.contains(&other.id)) {
                    prop_assert_eq!(part_of(Target::Invoice(other.id)), 0);
                }
            }
        }
        // The order of the rows does not matter.
        let mut turned = owed.clone();
        turned.reverse();
        prop_assert_eq!(&allocate(euro(amount), &chosen, &turned).unwrap(), &parts);
        // What goes back undoes it, when the customer has nothing else to its credit.
        let pairs: Vec<(Target, i64)> = parts.iter().map(|part| (part.target, part.amount.minor())).collect();
        let paid = payment(PaymentKind::Receipt, amount, &pairs);
        let undone = back(&paid, part_of(Target::Balance));
        let both: Vec<Allocation> = parts.iter().chain(&undone.allocations).copied().collect();
        prop_assert_eq!(sums(&both).unwrap(), vec![]);
        // Whatever it has: the whole goes back, never more of a balance than there is, and of an
        // invoice only what no balance pays.
        let back = back(&paid, available);
        let minor = |of: &dyn Fn(Target) -> bool| -> i64 {
            back.allocations.iter().filter(|part| of(part.target)).map(|part| part.amount.minor()).sum()
        };
        prop_assert_eq!(minor(&|_| true), -amount);
        let of_balance = -minor(&|target| target == Target::Balance);
        prop_assert!((0..=available).contains(&of_balance));
        prop_assert!(minor(&|target| target.invoice_id().is_some()) == 0 || of_balance == available);
        prop_assert!(back.allocations.iter().all(|part| part.amount.minor() < 0));
    }
}
