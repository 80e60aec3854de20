//! Tables of a subscription's life and of what is due when.

use super::*;
use crate::Outcome;
use crate::id::PriceId;
use crate::id::ProductId;
use crate::period::Interval;
use crate::period::Unit;
use crate::plan::Timing;
use crate::plan::{CancelPolicy, Price};
use crate::price::PriceModel;
use proptest::prelude::*;
use uuid::Uuid;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn version(interval: &str, timing: Timing, trial_days: u32) -> PlanVersion {
    let (count, unit) = interval.split_once(' ').unwrap();
    let price = |component: &str, model| Price {
        id: PriceId(Uuid::nil()),
        product_id: ProductId(Uuid::nil()),
        component: component.into(),
        currency: Currency::EUR,
        model,
        minimum: None,
        meter_id: None,
        feature_id: None,
    };
    PlanVersion {
        id: PlanVersionId(Uuid::nil()),
        plan_id: PlanId(Uuid::nil()),
        number: 1,
        valid_from: day("2020-01-01"),
        interval: Interval::new(count.parse().unwrap(), unit.parse().unwrap()).unwrap(),
        timing,
        trial_days,
        cancel_policy: CancelPolicy::PeriodEnd,
        max_pause_months: 3,
        prices: vec![
            price("base", PriceModel::Flat { amount: Decimal::from(30) }),
            price("seats", PriceModel::PerUnit { unit_price: Decimal::from(5) }),
        ],
    }
}

fn start(start_on: &str, alignment: Alignment, quantities: &[(&str, i64)]) -> Start {
    Start {
        id: SubscriptionId(Uuid::nil()),
        customer_id: CustomerId(Uuid::nil()),
        currency: Currency::EUR,
        start_on: day(start_on),
        alignment,
        quantities: quantities
            .iter()
            .map(|(component, quantity)| ((*component).into(), Decimal::from(*quantity)))
            .collect(),
    }
}

fn subscribe(version: &PlanVersion, start_on: &str, alignment: Alignment) -> Subscription {
    let start = start(start_on, alignment, &[]);
    let today = start.start_on;
    Subscription::start(start, version, today, item_ids()).unwrap()
}

/// 1, 2, 3 ...
pub(super) fn item_ids() -> impl FnMut() -> ItemId {
    let mut last = 0;
    move || {
        last += 1;
        ItemId(Uuid::from_u128(last))
    }
}

fn bill(subscription: &mut Subscription, periods: usize) -> Vec<String> {
    let mut billed = Vec::new();
    subscription.items.truncate(1);
    while let Some(due) = subscription.next_due() {
        if billed.len() == periods {
            break;
        }
        let amount = due
            .amount(&PriceModel::Flat { amount: Decimal::from(30) }, Decimal::ONE, Currency::EUR)
            .unwrap();
        billed.push(format!(
            "{}: {} to {} {}",
            due.billing_on,
            due.part.start,
            due.part.end,
            amount.major()
        ));
        subscription.mark_billed(&due);
    }
    billed
}

/// Interval, timing, days of trial, first day and alignment; then, indented, what is due: billing
/// date, part, and its share of 30.00.
const DUES: &str = "
1 month, in_advance, 0, 2025-01-31, own_day
    2025-01-31: 2025-01-31 to 2025-02-28 30.00
    2025-02-28: 2025-02-28 to 2025-03-31 30.00
    2025-03-31: 2025-03-31 to 2025-04-30 30.00
1 month, in_arrears, 0, 2025-01-31, own_day
    2025-02-28: 2025-01-31 to 2025-02-28 30.00
    2025-03-31: 2025-02-28 to 2025-03-31 30.00
1 month, in_advance, 0, 2025-02-15, calendar
    2025-02-15: 2025-02-15 to 2025-03-01 15.00
    2025-03-01: 2025-03-01 to 2025-04-01 30.00
3 month, in_advance, 0, 2025-03-31, calendar
    2025-03-31: 2025-03-31 to 2025-04-01 0.33
    2025-04-01: 2025-04-01 to 2025-07-01 30.00
1 month, in_advance, 14, 2024-02-15, own_day
    2024-02-29: 2024-02-29 to 2024-03-29 30.00
    2024-03-29: 2024-03-29 to 2024-04-29 30.00
1 week, in_advance, 0, 2025-11-21, calendar
    2025-11-21: 2025-11-21 to 2025-11-24 12.86
    2025-11-24: 2025-11-24 to 2025-12-01 30.00
";

#[test]
fn periods_are_due_on_their_first_day_or_after_their_last() {
    let mut lines = DUES.trim().lines().peekable();
    while let Some(terms) = lines.next() {
        let mut expected = Vec::new();
        while let Some(due) = lines.next_if(|line| line.starts_with(' ')) {
            expected.push(due.trim().to_owned());
        }
        let [interval, timing, trial, start_on, alignment] =
            terms.split(", ").collect::<Vec<_>>().try_into().unwrap();
        let version = version(interval, timing.parse().unwrap(), trial.parse().unwrap());
        let mut subscription = subscribe(&version, start_on, alignment.parse().unwrap());
        assert_eq!(bill(&mut subscription, expected.len()), expected, "{terms}");
    }
}

#[test]
fn a_cancelled_subscription_charges_up_to_its_end_and_no_further() {
    // timing, cancelled on, end, dues in all
    let table = [
        (Timing::InAdvance, "2025-03-10", "2025-03-31", 2),
        (Timing::InAdvance, "2025-03-31", "2025-04-30", 3),
        (Timing::InArrears, "2025-03-10", "2025-03-31", 2),
        (Timing::InAdvance, "2025-01-30", "2025-01-31", 0),
    ];
    for (timing, cancelled_on, end, dues) in table {
        let mut subscription =
            subscribe(&version("1 month", timing, 0), "2025-01-31", Alignment::OwnDay);
        let outcome = subscription
            .cancel(day(cancelled_on), CancelWhen::PeriodEnd, CancelReason::VoluntaryPrice, None)
            .unwrap();
        assert!(matches!(outcome, Outcome::Applied(_)));
        assert_eq!(subscription.ends_on(), Some(day(end)), "{timing} {cancelled_on}");
        assert_eq!(bill(&mut subscription, 99).len(), dues, "{timing} {cancelled_on}");
    }
}

#[test]
fn an_end_can_be_undone_until_it_has_happened() {
    let mut subscription =
        subscribe(&version("1 month", Timing::InAdvance, 0), "2025-01-31", Alignment::OwnDay);
    let cancel = |subscription: &mut Subscription, on: &str| {
        subscription.cancel(day(on), CancelWhen::PeriodEnd, CancelReason::VoluntaryPrice, None)
    };
    assert_eq!(subscription.undo_cancel(day("2025-02-01")), Ok(Outcome::Unchanged));
    assert!(matches!(cancel(&mut subscription, "2025-02-01"), Ok(Outcome::Applied(_))));
    assert_eq!(cancel(&mut subscription, "2025-02-02"), Ok(Outcome::Unchanged));
    assert!(matches!(subscription.undo_cancel(day("2025-02-27")), Ok(Outcome::Applied(_))));
    assert!(matches!(cancel(&mut subscription, "2025-02-27"), Ok(Outcome::Applied(_))));
    let ended = CancelRefused::AlreadyEnded { on: day("2025-02-28") };
    assert_eq!(subscription.undo_cancel(day("2025-02-28")), Err(ended.clone()));
    assert_eq!(cancel(&mut subscription, "2025-02-28"), Err(ended));
}

#[test]
fn the_state_follows_the_calendar() {
    let mut subscription =
        subscribe(&version("1 month", Timing::InAdvance, 14), "2025-02-01", Alignment::OwnDay);
    subscription.state = State::Pending;
    subscription.turned_on = day("2025-01-31");
    assert_eq!(subscription.next_turn_on(), Some(day("2025-02-01")));
    let table = [
        ("2025-01-31", State::Pending),
        ("2025-02-01", State::Trialing),
        ("2025-02-14", State::Trialing),
        ("2025-02-15", State::Active),
    ];
    for (today, state) in table {
        assert_eq!(subscription.state_on(day(today)), state, "{today}");
    }
    assert_eq!(subscription.turn(day("2025-02-03")), [(day("2025-02-01"), Turn::Started)]);
    assert_eq!(subscription.state, State::Trialing);
    assert_eq!(subscription.turn(day("2025-02-03")), []);
    assert_eq!(subscription.next_turn_on(), Some(day("2025-02-15")));
    let end = CancelWhen::PeriodEnd;
    assert!(subscription.cancel(day("2025-02-03"), end, CancelReason::Unknown, None).is_ok());
    assert_eq!(subscription.ends_on(), Some(day("2025-02-15")), "a trial ends without a charge");
    assert_eq!(bill(&mut subscription, 9), Vec::<String>::new());
    assert_eq!(subscription.turn(day("2025-02-15")), [(day("2025-02-15"), Turn::Ended)]);
    assert_eq!(subscription.state, State::Cancelled);
    assert_eq!(subscription.next_turn_on(), None);
}

#[test]
fn what_does_not_fit_the_plan_is_refused() {
    let version = version("10 day", Timing::InAdvance, 0);
    let start_with = |quantities: &[(&str, i64)], alignment| {
        Subscription::start(
            start("2025-01-01", alignment, quantities),
            &version,
            day("2025-01-01"),
            item_ids(),
        )
        .map(|subscription| subscription.items.len())
        .map_err(|refused| refused.to_string())
    };
    let own = Alignment::OwnDay;
    assert_eq!(start_with(&[("seats", 3)], own), Ok(2));
    let table: [(&[(&str, i64)], &str); 3] = [
        (&[("beds", 3)], "\"beds\" is not part of the plan: expected one of base, seats"),
        (&[("seats", 3), ("seats", 4)], "\"seats\" is given twice"),
        (&[("seats", -3)], "-3 is negative"),
    ];
    for (quantities, refused) in table {
        let refusal = start_with(quantities, own).unwrap_err();
        assert!(refusal.contains(refused), "{refusal}");
    }
    assert!(
        start_with(&[], Alignment::Calendar).unwrap_err().contains("cannot follow the calendar")
    );
    let mut yen = start("2025-01-01", own, &[]);
    yen.currency = Currency::from_code("JPY").unwrap();
    let refused = Subscription::start(yen, &version, day("2025-01-01"), item_ids());
    assert!(matches!(refused, Err(TermsRefused::NotPriced { .. })));
}

proptest! {
    #[test]
    fn charged_parts_follow_each_other_without_gap_or_overlap(
        count in 1_u32..=10,
        unit in 0_usize..4,
        offset in 0_i64..1_500,
        advance in any::<bool>(),
        calendar in any::<bool>(),
        cancel_after in proptest::option::of(0_i64..900),
    ) {
        let timing = if advance { Timing::InAdvance } else { Timing::InArrears };
        let interval = Interval::new(count, Unit::ALL[unit]).unwrap();
        let start_on = date::add_days(day("2023-01-01"), offset);
        let fits = interval.calendar_anchor(start_on).is_ok();
        let alignment = if calendar && fits { Alignment::Calendar } else { Alignment::OwnDay };
        let version = PlanVersion { interval, ..version("1 month", timing, 0) };
        let mut subscription = subscribe(&version, &start_on.to_string(), alignment);
        subscription.items.truncate(1);
        let mut expected = start_on;
        let mut last_billing = Date::MIN;
        for _ in 0..6 {
            let Some(due) = subscription.next_due() else { break };
            prop_assert_eq!(due.part.start, expected);
            prop_assert!(due.part.end <= due.whole.end && due.whole.start <= due.part.start);
            prop_assert!(due.billing_on >= last_billing);
            last_billing = due.billing_on;
            expected = due.part.end;
            subscription.mark_billed(&due);
            if let Some(after) = cancel_after {
                let today = date::add_days(start_on, after);
                if subscription.ends_on().is_none() && due.part.contains(today) {
                    let end = CancelWhen::PeriodEnd;
                    prop_assert!(subscription.cancel(today, end, CancelReason::Unknown, None).is_ok());
                    prop_assert_eq!(subscription.next_due(), None);
                }
            }
        }
    }
}
