//! What holds for every policy and case.

use proptest::prelude::*;

use super::*;
use crate::date::{Date, add_days, days_between};
use crate::id::{InvoiceId, ProductId};
use crate::period::Period;
use crate::target;

const START: Date = crate::date::EARLIEST;

fn one_of<T: Copy + std::fmt::Debug>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

prop_compose! {
    fn any_step()(
        day in 0_u16..70,
        action in one_of(Action::ALL),
        schemes in proptest::collection::vec(one_of(Scheme::ALL), 0..2),
        classes in proptest::collection::vec(one_of(FailureClass::ALL), 0..2),
    ) -> Step {
        Step { day, action, schemes, classes }
    }
}

prop_compose! {
    /// Terms that are often a policy.
    fn any_terms()(
        mut steps in proptest::collection::vec(any_step(), 1..9),
        delivery in prop_oneof![
            (1_u16..40).prop_map(|until_day| Delivery::Goodwill { until_day }),
            Just(Delivery::Strict),
        ],
        pay_days in proptest::collection::vec(1_u32..=31, 0..3),
        more_retries: bool,
    ) -> Terms {
        steps.sort_by_key(|step| step.day);
        let charges = steps.iter().any(|step| step.action == Action::ChargeLateFee);
        let late_fee = charges.then(|| LateFee {
            product_id: ProductId(uuid::Uuid::nil()),
            amounts: vec![Money::new(4_000, Currency::EUR)],
        });
        Terms { delivery, steps, pay_days, minimums: Vec::new(), late_fee, more_retries }
    }
}

fn any_policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        Just(Policy::goodwill()),
        Just(Policy::strict()),
        any_terms().prop_map(|terms| Policy::new(terms).unwrap_or_else(|_| Policy::goodwill())),
    ]
}

prop_compose! {
    fn any_case()(
        scheme in one_of(Scheme::ALL),
        class in one_of(FailureClass::ALL),
        day in 12_000_i64..14_000,
        pauses in proptest::collection::vec((-20_i64..60, 1_i64..30), 0..3),
        may_be_charged: bool,
    ) -> Case {
        let day_zero = add_days(START, day);
        let pause = |(from, days): (i64, i64)| {
            let start = add_days(day_zero, from);
            Period { start, end: add_days(start, days) }
        };
        Case {
            frozen: pauses.into_iter().map(pause).collect(),
            may_be_charged,
            ..Case::new(scheme, class, day_zero)
        }
    }
}

/// What is done when somebody looks on these days, day by day. A retry is an attempt on its day.
fn run(policy: &Policy, case: &Case, looks: impl Fn(Date) -> bool) -> Vec<(Date, StepKey)> {
    let mut case = case.clone();
    let mut taken: Vec<(Date, StepKey)> = Vec::new();
    for today in case.day_zero.iter_days().take(260).filter(|day| looks(*day)) {
        let done: Vec<StepKey> = taken.iter().map(|(_, key)| *key).collect();
        for step in policy.due(&case, &done, today) {
            taken.push((today, step.key));
            if step.key.action == Action::Retry {
                case.last_attempt_on = Some(today);
            }
        }
    }
    taken
}

proptest! {
    #[test]
    fn looking_every_day_takes_every_step_on_its_date(policy in any_policy(), case in any_case()) {
        let mut plan: Vec<_> =
            policy.plan(&case).into_iter().map(|step| (step.on, step.key)).collect();
        let mut taken = run(&policy, &case, |_| true);
        plan.sort();
        taken.sort();
        prop_assert_eq!(plan, taken);
    }

    #[test]
    fn looking_on_the_days_that_are_named_is_enough(policy in any_policy(), case in any_case()) {
        let mut planned = case.clone();
        let (mut taken, mut done) = (Vec::new(), Vec::new());
        let mut today = case.day_zero;
        while let Some(next) = policy.next_on(&planned, &done, today) {
            prop_assert!(next >= today);
            today = next;
            let due = policy.due(&planned, &done, today);
            prop_assert!(!due.is_empty(), "{today} was named for nothing");
            for step in due {
                taken.push((today, step.key));
                done.push(step.key);
                if step.key.action == Action::Retry {
                    planned.last_attempt_on = Some(today);
                }
            }
        }
        taken.sort();
        let mut daily = run(&policy, &case, |_| true);
        daily.sort();
        prop_assert_eq!(taken, daily);
    }

    #[test]
    fn a_late_look_takes_each_kind_once_and_no_step_twice(
        policy in any_policy(), case in any_case(), every in 2_i64..90,
    ) {
        let looks = |day: Date| days_between(case.day_zero, day) % every == 0;
        let taken = run(&policy, &case, looks);
        for (k, (on, key)) in taken.iter().enumerate() {
            for (other_on, other) in taken.iter().skip(k + 1) {
                prop_assert_ne!(key, other);
                prop_assert!(on != other_on || !key.action.supersedes(other.action));
            }
        }
        // What is left out was overtaken by a later step of its kind.
        for step in policy.plan(&case) {
            let last = taken.iter().map(|(_, key)| key);
            let later = last.filter(|key| **key >= step.key);
            let looked = step.on < add_days(case.day_zero, 150);
            prop_assert!(!looked || later.clone().any(|key| key.action.supersedes(step.key.action)));
        }
    }

    #[test]
    fn retries_keep_their_order_their_bounds_and_their_days(
        policy in any_policy(), case in any_case(),
    ) {
        let plan = policy.plan(&case);
        let mut before = case.day_zero;
        let retries = plan.iter().filter(|step| step.key.action == Action::Retry);
        let mut count = 0;
        for retry in retries {
            count += 1;
            prop_assert!(case.class.may_retry() && case.scheme != Scheme::BankTransfer);
            prop_assert!(retry.on > before, "each after the one before");
            prop_assert!(!case.is_frozen(retry.on));
            prop_assert!(case.scheme != Scheme::DirectDebit || target::is_open(retry.on));
            let next = plan.iter().find(|step| step.key.day > retry.key.day);
            prop_assert!(next.is_none_or(|next| retry.on <= next.on), "not past the next step");
            before = retry.on;
        }
        let most = match case.scheme {
            Scheme::DirectDebit => MAX_DEBIT_RETRIES,
            Scheme::Card if policy.terms().more_retries => MAX_MORE_RETRIES,
            Scheme::Card => MAX_CARD_RETRIES,
            Scheme::BankTransfer => 0,
        };
        prop_assert!(count <= most);
    }

    #[test]
    fn no_plan_ends_silently(policy in any_policy(), case in any_case()) {
        let plan = policy.plan(&case);
        let last = plan.iter().map(|step| step.key.day).max();
        let mut at_the_end = plan.iter().filter(|step| Some(step.key.day) == last);
        prop_assert!(at_the_end.any(|step| step.key.action.needs_person()));
    }

    #[test]
    fn without_payment_it_never_becomes_milder(policy in any_policy(), case in any_case()) {
        let invoice = OpenCase {
            invoice_id: InvoiceId(uuid::Uuid::nil()),
            due_on: case.day_zero,
            number: "1",
            case: Some(&case),
            policy: &policy,
        };
        let mut today = add_days(case.day_zero, -3);
        let mut before = overdue(&[invoice], today);
        for day in -2_i64..200 {
            today = add_days(case.day_zero, day);
            let now = overdue(&[invoice], today);
            prop_assert!(now.degree >= before.degree, "{today}");
            prop_assert!(severity(&now) >= severity(&before), "{today}");
            let changed = (now.degree, now.arrears) != (before.degree, before.arrears);
            prop_assert_eq!(changed, before.changes_on == Some(today), "{} {:?}", today, before);
            prop_assert_eq!(now.in_arrears, now.degree > Degree::Clear);
            before = now;
        }
        prop_assert!(case.class.starts_overdue() == before.in_arrears);
    }
}

fn severity(state: &Overdue) -> u8 {
    use crate::entitlement::Arrears;
    match state.arrears {
        Arrears::None => 0,
        Arrears::Grace { .. } => 1,
        Arrears::Restricted => 2,
        Arrears::Stopped => 3,
    }
}
