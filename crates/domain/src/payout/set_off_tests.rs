use super::*;
use crate::payout::tests::payout;
use proptest::prelude::*;
use uuid::Uuid;

const ANN: CustomerId = CustomerId(Uuid::nil());
const BEN: CustomerId = CustomerId(Uuid::max());

fn ready((investor_id, amount, set_off): (CustomerId, i64, i64)) -> Payout {
    let euro = |minor| Money::new(minor, Currency::EUR);
    let (amount, set_off) = (euro(amount), euro(set_off));
    Payout { investor_id, amount, set_off, ..payout(PayoutState::Ready) }
}

fn owes(investor_id: CustomerId, minor: i64) -> Owed {
    Owed { investor_id, amount: Money::new(minor, Currency::EUR) }
}

/// `242.00 of 399.30 ready`, in cents.
fn told(payouts: &[Payout]) -> String {
    let one = |it: &Payout| {
        let whole = it.amount.minor() + it.set_off.minor();
        format!("{} of {whole} {}", it.amount.minor(), it.state)
    };
    payouts.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn no_more_is_sent_than_is_owed_oldest_first() {
    let table: [(&[_], &[Owed], &str); 9] = [
        (&[(ANN, 39_930, 0)], &[owes(ANN, 39_930)], "39930 of 39930 ready"),
        (&[(ANN, 39_930, 0)], &[owes(ANN, 24_200)], "24200 of 39930 ready"),
        // More than is ready is owed: the rest waits for something.
        (&[(ANN, 100, 0)], &[owes(ANN, 500)], "100 of 100 ready"),
        (&[(ANN, 100, 0), (ANN, 200, 0)], &[owes(ANN, 250)], "100 of 100 ready, 150 of 200 ready"),
        (&[(ANN, 100, 0), (ANN, 200, 0)], &[owes(ANN, 90)], "90 of 100 ready, 0 of 200 cancelled"),
        (&[(ANN, 100, 0)], &[owes(ANN, -15_730)], "0 of 100 cancelled"),
        (&[(ANN, 100, 0)], &[], "0 of 100 cancelled"),
        // It went back and goes again: what was set off is looked at again.
        (&[(ANN, 242, 157)], &[owes(ANN, 300)], "300 of 399 ready"),
        // Everybody by itself.
        (
            &[(ANN, 100, 0), (BEN, 100, 0)],
            &[owes(ANN, -5), owes(BEN, 70)],
            "0 of 100 cancelled, 70 of 100 ready",
        ),
    ];
    for (payouts, owed, expected) in table {
        let mut payouts: Vec<Payout> = payouts.iter().copied().map(ready).collect();
        set_off(&mut payouts, owed).unwrap();
        assert_eq!(told(&payouts), expected, "{owed:?}");
    }
}

#[test]
fn currencies_are_owed_by_themselves_and_what_is_not_paid_says_why() {
    let dollars = Owed { investor_id: ANN, amount: Money::new(100, "USD".parse().unwrap()) };
    let mut payouts = [ready((ANN, 100, 0))];
    set_off(&mut payouts, &[dollars]).unwrap();
    assert_eq!(told(&payouts), "0 of 100 cancelled");
    assert!(payouts[0].why.as_deref().unwrap().starts_with("set off"));
}

proptest! {
    #[test]
    fn what_is_sent_and_set_off_is_what_documents_say(
        amounts in proptest::collection::vec((any::<bool>(), 1..10_000_i64, 0..10_000_i64), 0..8),
        ann in -20_000..60_000_i64,
        ben in -20_000..60_000_i64,
    ) {
        let who = |is_ann| if is_ann { ANN } else { BEN };
        let before: Vec<Payout> =
            amounts.iter().map(|&(is_ann, amount, off)| ready((who(is_ann), amount, off))).collect();
        let mut after = before.clone();
        set_off(&mut after, &[owes(ANN, ann), owes(BEN, ben)]).unwrap();
        let whole = |it: &Payout| it.amount.minor() + it.set_off.minor();
        for (one, was) in after.iter().zip(&before) {
            prop_assert_eq!(whole(one), whole(was));
            prop_assert_eq!(one.state == PayoutState::Cancelled, one.amount.is_zero());
        }
        for (investor, owed) in [(ANN, ann), (BEN, ben)] {
            let own = after.iter().filter(|one| one.investor_id == investor);
            let sent: i64 = own.clone().map(|one| one.amount.minor()).sum();
            let all: i64 = own.map(whole).sum();
            prop_assert_eq!(sent, all.min(owed.max(0)));
        }
    }
}
