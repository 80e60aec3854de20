use super::*;
use crate::money::Currency;
use uuid::Uuid;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(super) fn payout(state: PayoutState) -> Payout {
    Payout {
        id: PayoutId(Uuid::nil()),
        investor_id: CustomerId(Uuid::nil()),
        self_bill_id: SelfBillId(Uuid::nil()),
        amount: Money::new(10_000, Currency::EUR),
        set_off: Money::zero(Currency::EUR),
        state,
        why: None,
        approved_by: None,
        times: 0,
        batch_id: None,
        account_id: None,
        sent_on: None,
        settled_on: None,
        bounced_on: None,
    }
}

fn account(set_on: &str, is_change: bool) -> PayoutAccount {
    PayoutAccount {
        id: PayoutAccountId(Uuid::max()),
        investor_id: CustomerId(Uuid::nil()),
        holder: "Ann".to_owned(),
        masked: "NL** **** **** **43 00".to_owned(),
        set_on: day(set_on),
        set_by: "ann's bookkeeper".to_owned(),
        is_change,
        ended_on: None,
    }
}

/// What a story of steps ends with: `ready sent Settled settled`, a refusal in brackets.
fn story(first: PayoutState, steps: &str) -> String {
    let mut one = payout(first);
    let mut told = vec![first.to_string()];
    let today = day("2025-03-01");
    for step in steps.split_whitespace() {
        let done = match step {
            "accept" => format!("{:?}", one.accept()),
            "invoice" => format!("{:?}", one.invoiced(Money::new(2_100, Currency::EUR))),
            "cancel" => format!("{:?}", one.cancel()),
            "send" => {
                let account = account("2025-01-01", false);
                format!("{:?}", one.send(&account, PayoutBatchId(Uuid::nil()), today))
            }
            "settle" => format!("{:?}", one.settle(today)),
            "bounce" => format!("{:?}", one.bounce(today, "account closed")),
            "approve" => format!("{:?}", one.approve("ben", None, today)),
            other => panic!("{other} is no step"),
        };
        told.push(match done.as_str() {
            text if text.contains("Unchanged") => "same".to_owned(),
            text if text.contains("Err(WentBack") => "[went back]".to_owned(),
            text if text.contains("Err(") => "[no]".to_owned(),
            _ => one.state.to_string(),
        });
    }
    told.join(" ")
}

#[test]
fn payouts_go_their_way() {
    use PayoutState::{Bounced, Ready, Settled, WaitingAcceptance, WaitingInvoice};
    let table = [
        (WaitingAcceptance, "accept accept", "waiting_acceptance ready same"),
        (WaitingAcceptance, "send settle bounce", "waiting_acceptance [no] [no] [no]"),
        (WaitingAcceptance, "approve cancel", "waiting_acceptance [no] cancelled"),
        (WaitingInvoice, "accept invoice invoice", "waiting_invoice same ready same"),
        (Ready, "send settle settle", "ready sent settled same"),
        (Ready, "send send", "ready sent [no]"),
        (Ready, "send cancel", "ready sent same"),
        (Ready, "cancel cancel send", "ready cancelled same [no]"),
        (Ready, "send bounce bounce settle", "ready sent bounced same [went back]"),
        (Ready, "send settle bounce settle", "ready sent settled bounced [went back]"),
        (
            Ready,
            "send bounce send approve send settle",
            "ready sent bounced [no] ready sent settled",
        ),
        (Ready, "send bounce approve settle", "ready sent bounced ready [went back]"),
        (Ready, "send bounce approve send bounce", "ready sent bounced ready sent bounced"),
        (Ready, "send bounce cancel bounce approve", "ready sent bounced cancelled same [no]"),
        (Ready, "approve", "ready same"),
        (Settled, "cancel approve", "settled same [no]"),
        (Bounced, "approve approve", "bounced ready same"),
    ];
    for (first, steps, expected) in table {
        assert_eq!(story(first, steps), expected, "{first} {steps}");
    }
}

#[test]
fn an_invoice_adds_its_vat() {
    let mut one = payout(PayoutState::WaitingInvoice);
    assert_eq!(one.invoiced(Money::new(2_100, Currency::EUR)), Ok(Outcome::Applied(())));
    assert_eq!(one.amount.minor(), 12_100);
}

#[test]
fn a_changed_account_needs_somebody_else_for_two_weeks() {
    let table = [
        ("2025-02-15", true, "2025-02-28", true),
        ("2025-02-15", true, "2025-03-01", false),
        ("2025-02-15", false, "2025-02-15", false),
    ];
    for (set_on, is_change, today, watched) in table {
        let account = account(set_on, is_change);
        assert_eq!(account.is_watched(day(today)), watched, "{set_on} {today}");
        let ready = payout(PayoutState::Ready);
        assert_eq!(ready.check_account(&account, day(today)).is_err(), watched);
    }
}

#[test]
fn who_changed_the_account_does_not_approve_it_and_approval_is_for_one_account() {
    let today = day("2025-03-01");
    let watched = account("2025-02-28", true);
    for state in [PayoutState::Ready, PayoutState::Bounced] {
        let mut one = payout(state);
        let same = one.approve("ann's bookkeeper", Some(&watched), today);
        assert!(matches!(same, Err(PayoutRefused::SecondPerson { .. })), "{state}");
        assert_eq!(one, payout(state), "nothing has changed");
        assert_eq!(one.approve("ben", Some(&watched), today), Ok(Outcome::Applied(())));
        assert_eq!(one.state, PayoutState::Ready);
        assert_eq!(one.check_account(&watched, today), Ok(()));
        assert_eq!(one.approve("ben", Some(&watched), today), Ok(Outcome::Unchanged));
        let other = PayoutAccount { id: PayoutAccountId(Uuid::nil()), ..watched.clone() };
        assert!(one.check_account(&other, today).is_err(), "another account");
    }
}
