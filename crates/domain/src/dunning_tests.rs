//! Dates of steps, steps that were missed, the oldest invoice, and policies that are refused.

use super::*;
use crate::date::{Date, add_days};
use crate::entitlement::Arrears;
use crate::id::InvoiceId;
use crate::money::Currency;
use crate::period::Period;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn period(from: &str, until: &str) -> Period {
    Period { start: day(from), end: day(until) }
}

fn case(scheme: Scheme, class: FailureClass, day_zero: &str) -> Case {
    Case::new(scheme, class, day(day_zero))
}

fn retries(policy: &Policy, case: &Case) -> Vec<String> {
    let plan = policy.plan(case).into_iter().filter(|step| step.key.action == Action::Retry);
    plan.map(|step| step.on.to_string()).collect()
}

fn step(day: u16, action: Action) -> Step {
    Step { day, action, schemes: Vec::new(), classes: Vec::new() }
}

fn terms(steps: Vec<Step>) -> Terms {
    let delivery = Delivery::Goodwill { until_day: 1 };
    Terms {
        delivery,
        steps,
        pay_days: Vec::new(),
        minimums: Vec::new(),
        late_fee: None,
        more_retries: false,
    }
}

#[test]
fn debit_retries_move_to_target_days_and_never_past_the_next_step() {
    let table = [
        // Day 6 and day 14 are business days.
        ("2026-06-02", ["2026-06-08", "2026-06-16"]),
        // Day 6 is a Saturday: Monday. Day 14 is a Sunday: Monday, the day of the next step.
        ("2026-06-07", ["2026-06-15", "2026-06-22"]),
        // Day 14 is a Saturday: Monday is past the next step, so the Friday before it.
        ("2026-06-06", ["2026-06-12", "2026-06-19"]),
        // Day 14 is Good Friday: Tuesday is past the next step, so Maundy Thursday.
        ("2026-03-20", ["2026-03-26", "2026-04-02"]),
        // Day 6 is Good Friday: the Tuesday after Easter.
        ("2026-03-28", ["2026-04-07", "2026-04-10"]),
        // Day 6 is Christmas.
        ("2025-12-19", ["2025-12-29", "2026-01-02"]),
    ];
    for (day_zero, expected) in table {
        let debit = case(Scheme::DirectDebit, FailureClass::NoMoney, day_zero);
        assert_eq!(retries(&Policy::goodwill(), &debit), expected, "{day_zero}");
        let card = case(Scheme::Card, FailureClass::NoMoney, day_zero);
        let days = [1, 3, 7, 14].map(|n| add_days(day(day_zero), n).to_string());
        assert_eq!(retries(&Policy::goodwill(), &card), days, "a card can be charged any day");
    }
}

#[test]
fn pay_days_move_retries_as_far_as_the_next_step() {
    let with = |pay_days: &[u32]| {
        let terms = Terms { pay_days: pay_days.to_vec(), ..Policy::goodwill().terms().clone() };
        Policy::new(terms).unwrap()
    };
    let no_money = |scheme, day_zero| case(scheme, FailureClass::NoMoney, day_zero);
    let table: [(&[u32], &str, &[&str]); 5] = [
        // Day 6 is 21 June (Sunday): pay day 25 comes before day 14. Day 14 has no room.
        (&[25], "2026-06-15", &["2026-06-25", "2026-06-29"]),
        // Pay day 27 is a Saturday, no TARGET day, so it is none: 21 June becomes 22 June.
        (&[27], "2026-06-15", &["2026-06-22", "2026-06-29"]),
        // Past the next step: the last pay day before it and after the retry before.
        (&[25, 26], "2026-06-12", &["2026-06-25", "2026-06-26"]),
        // The 31st of June is the 30th.
        (&[31], "2026-06-20", &["2026-06-30", "2026-07-03"]),
        (&[], "2026-06-15", &["2026-06-22", "2026-06-29"]),
    ];
    for (pay_days, day_zero, expected) in table {
        let debit = no_money(Scheme::DirectDebit, day_zero);
        assert_eq!(retries(&with(pay_days), &debit), expected, "{pay_days:?} {day_zero}");
    }
    // A card: day 7 moves to the 25th (day 10), the others have no room.
    let card = no_money(Scheme::Card, "2026-06-15");
    let expected = ["2026-06-16", "2026-06-18", "2026-06-25", "2026-06-29"];
    assert_eq!(retries(&with(&[25]), &card), expected);
}

#[test]
fn a_pause_freezes_the_steps() {
    let mut debit = case(Scheme::DirectDebit, FailureClass::NoMoney, "2026-06-02");
    // Ten days from day 5 on, told as two pauses that overlap, and one that is over already.
    debit.frozen = vec![
        period("2026-06-10", "2026-06-17"),
        period("2026-06-07", "2026-06-12"),
        period("2026-05-01", "2026-05-20"),
    ];
    assert_eq!(retries(&Policy::goodwill(), &debit), ["2026-06-18", "2026-06-26"]);
    assert_eq!(debit.date_of(4), day("2026-06-06"));
    assert_eq!(debit.date_of(5), day("2026-06-17"));
    assert_eq!(debit.date_of(21), day("2026-07-03"));
    let policy = Policy::goodwill();
    let first = StepKey { day: 1, action: Action::Reminder };
    let offer = StepKey { day: 1, action: Action::OfferOneOff };
    assert_eq!(policy.due(&debit, &[], day("2026-06-10")), [], "nothing while it lasts");
    assert_eq!(policy.next_on(&debit, &[], day("2026-06-10")), Some(day("2026-06-17")));
    assert_eq!(policy.next_on(&debit, &[first, offer], day("2026-06-10")), Some(day("2026-06-18")));
    let grace = Arrears::Grace { until: day("2026-07-03") };
    assert_eq!(policy.arrears_on(&debit, day("2026-07-02")), grace);
    assert_eq!(policy.arrears_on(&debit, day("2026-07-03")), Arrears::Restricted);
    // A failure during a pause: day 0 is its end.
    debit.frozen = vec![period("2026-06-01", "2026-06-08")];
    assert_eq!(policy.degree_on(&debit, day("2026-06-07")), Degree::Clear);
    assert_eq!(policy.degree_on(&debit, day("2026-06-08")), Degree::Overdue);
}

fn due(policy: &Policy, case: &Case, done: &[StepKey], today: &str) -> Vec<String> {
    let steps = policy.due(case, done, day(today));
    steps.iter().map(|step| format!("{} {}", step.key.day, step.key.action)).collect()
}

#[test]
fn what_was_missed_is_done_once_and_the_most_severe_counts() {
    let policy = Policy::goodwill();
    let mut card = case(Scheme::Card, FailureClass::NoMoney, "2026-06-02");
    assert_eq!(due(&policy, &card, &[], "2026-06-10"), ["7 retry"], "three missed are one");
    card.last_attempt_on = Some(day("2026-06-09"));
    assert_eq!(due(&policy, &card, &[], "2026-06-10"), [""; 0], "tried since");
    card.held = true;
    let late = due(&policy, &card, &[], "2026-07-04");
    assert_eq!(late, ["15 ask_details", "15 offer_one_off", "30 suspend"]);
    let later = due(&policy, &card, &[], "2026-08-20");
    let all = ["15 ask_details", "15 offer_one_off", "60 cancel", "60 propose_write_off"];
    assert_eq!(later, all);

    let transfer = case(Scheme::BankTransfer, FailureClass::NoMoney, "2026-06-02");
    assert_eq!(due(&policy, &transfer, &[], "2026-06-13"), ["10 second_reminder"]);
    let second = StepKey { day: 10, action: Action::SecondReminder };
    assert_eq!(due(&policy, &transfer, &[second], "2026-06-13"), [""; 0]);
    assert_eq!(due(&policy, &transfer, &[second], "2026-06-16"), ["14 final_notice"]);
    assert_eq!(policy.next_on(&transfer, &[second], day("2026-06-13")), Some(day("2026-06-16")));
    let all: Vec<StepKey> = policy.plan(&transfer).iter().map(|step| step.key).collect();
    assert_eq!(policy.next_on(&transfer, &all, day("2026-06-13")), None);
}

#[test]
fn a_class_that_changes_on_the_way_changes_what_follows() {
    let policy = Policy::goodwill();
    let done =
        [StepKey { day: 1, action: Action::Retry }, StepKey { day: 3, action: Action::Retry }];
    let mut card = case(Scheme::Card, FailureClass::WrongDetails, "2026-06-02");
    card.last_attempt_on = Some(day("2026-06-05"));
    assert_eq!(due(&policy, &card, &done, "2026-06-05"), ["1 ask_details"]);
    // New details, tried once, and there was no money: the later retries are there again.
    card.class = FailureClass::NoMoney;
    card.last_attempt_on = Some(day("2026-06-12"));
    assert_eq!(due(&policy, &card, &done, "2026-06-12"), [""; 0]);
    assert_eq!(due(&policy, &card, &done, "2026-06-16"), ["14 retry"]);
}

#[test]
fn failures_amount_to_a_day_zero_and_a_class() {
    let table = [
        ("", "none"),
        ("01 no_money", "01 no_money"),
        ("01 no_money, 07 no_money", "01 no_money"),
        ("01 no_money, 07 wrong_details", "01 wrong_details"),
        ("01 no_money, 07 technical", "01 no_money"),
        ("01 technical, 02 technical", "01 technical"),
        ("01 technical, 02 no_money", "02 no_money"),
        ("01 technical, 02 compliance", "01 compliance"),
        ("01 no_money, 20 objection bounced", "20 objection"),
        ("01 no_money, 20 compliance bounced", "20 compliance"),
        ("01 no_money bounced, 09 no_money bounced, 15 unknown", "09 unknown"),
    ];
    for (failures, expected) in table {
        let failure = |text: &str| {
            let words: Vec<&str> = text.split(' ').collect();
            let on = day(&format!("2026-06-{}", words[0]));
            Failure { on, class: words[1].parse().unwrap(), bounced: words.len() > 2 }
        };
        let list = failures.split(", ").filter(|text| !text.is_empty()).map(failure);
        let found = course(&list.collect::<Vec<_>>());
        let shown = |c: Course| format!("{} {}", c.day_zero.format("%d"), c.class);
        assert_eq!(found.map_or("none".to_owned(), shown), expected, "{failures}");
    }
}

#[test]
fn the_oldest_open_invoice_decides() {
    let (goodwill, strict) = (Policy::goodwill(), Policy::strict());
    let id = |n: u128| InvoiceId(uuid::Uuid::from_u128(n));
    let old = case(Scheme::Card, FailureClass::NoMoney, "2026-06-02");
    let young = case(Scheme::Card, FailureClass::NoMoney, "2026-07-02");
    let barred = case(Scheme::Card, FailureClass::Compliance, "2026-05-01");
    let open = |n, due_on, case, policy| OpenCase {
        invoice_id: id(n),
        due_on: day(due_on),
        number: "2026-00001",
        case,
        policy,
    };
    let not_due = open(1, "2026-01-01", None, &strict);
    let barred = open(2, "2026-05-01", Some(&barred), &strict);
    let old = open(3, "2026-06-02", Some(&old), &goodwill);
    let young = open(4, "2026-07-02", Some(&young), &goodwill);
    let today = day("2026-07-10");

    let state = overdue(&[young, not_due, old, barred], today);
    let found = (state.oldest, state.degree, state.arrears, state.changes_on);
    let stopped = (Some(id(3)), Degree::Suspended, Arrears::Stopped, Some(day("2026-08-01")));
    assert_eq!(found, stopped);
    // It is paid: the next oldest decides at once.
    let state = overdue(&[young, not_due, barred], today);
    let grace = Arrears::Grace { until: day("2026-07-23") };
    assert_eq!((state.oldest, state.arrears, state.in_arrears), (Some(id(4)), grace, true));
    // All that failed is paid.
    let state = overdue(&[not_due, barred], today);
    assert_eq!((state.oldest, state.arrears, state.in_arrears), (None, Arrears::None, false));
    assert_eq!(overdue(&[young], day("2026-07-01")).changes_on, Some(day("2026-07-02")));
    // An old invoice that bounces today wins no new grace for one that has been failing.
    let bounced = case(Scheme::Card, FailureClass::NoMoney, "2026-07-10");
    let bounced = open(5, "2026-01-15", Some(&bounced), &goodwill);
    assert_eq!(overdue(&[bounced, old], today).oldest, Some(id(3)));
    // On the same day 0 the due date decides, then the number.
    let same = OpenCase { due_on: day("2026-06-01"), invoice_id: id(9), ..old };
    assert_eq!(overdue(&[old, same], today).oldest, Some(id(9)));
    let lower = OpenCase { number: "2026-00000", invoice_id: id(8), ..old };
    assert_eq!(overdue(&[old, lower], today).oldest, Some(id(8)));
}

#[test]
fn little_is_not_dunned() {
    let euro = |minor| Money::new(minor, Currency::EUR);
    let minimums = vec![euro(1_000)];
    let policy = Policy::new(Terms { minimums, ..Policy::goodwill().terms().clone() }).unwrap();
    for (minor, dunned) in [(0, false), (999, false), (1_000, true), (1_001, true)] {
        assert_eq!(policy.is_dunned(euro(minor)), dunned, "{minor}");
    }
    let yen = Currency::from_code("JPY").unwrap();
    assert!(policy.is_dunned(Money::new(1, yen)));
    assert!(Policy::goodwill().is_dunned(euro(1)));
}

#[test]
fn the_built_in_policies_pass_the_checks() {
    for policy in [Policy::goodwill(), Policy::strict()] {
        assert_eq!(Policy::new(policy.terms().clone()), Ok(policy));
    }
}

/// Steps, and how they are refused. `action@day`, then `=schemes` and `:classes`, joined by `+`.
const REFUSED: &str = "
                                    | 0 steps are not possible: expected 1 to 60
reminder@366                        | day 366 of reminder is not possible: expected 0 to 365
restrict@9 suspend@8                | suspend on day 8 comes after day 9: expected steps in order of day
retry@0                             | a retry on day 0 is the first attempt once more: expected day 1 or later
retry@1=card+bank_transfer          | a retry names bank_transfer: nothing is collected from a customer who transfers
retry@1:no_money+objection          | a retry on day 1 names objection: it is never tried again by itself
reminder@1:compliance               | reminder on day 1 names compliance: such a failure starts no dunning, a person sees it
retry@1 retry@2 retry@3             | 3 retries of direct_debit are too many: at most 2
retry@1=card retry@2=card retry@3=card retry@4=card retry@5=card | 5 retries of card are too many: at most 4
retry@3 retry@3=card                | retry on day 3 for card and no_money stands beside another of its kind
reminder@3 final_notice@3=card      | final_notice on day 3 for card and wrong_details stands beside another of its kind
restrict@9 cancel@20 suspend@30=card | suspend on day 30 for card and wrong_details follows cancel: expected restrict, then suspend, then cancel, each once and on a later day
restrict@9 suspend@9                | suspend on day 9 for direct_debit and wrong_details follows restrict: expected restrict, then suspend, then cancel, each once and on a later day
restrict@9 restrict@10              | restrict on day 10 for direct_debit and wrong_details follows restrict: expected restrict, then suspend, then cancel, each once and on a later day
charge_late_fee@9                   | charge_late_fee on day 9 has nothing to charge: expected a late fee
charge_late_fee@0                   | charge_late_fee on day 0 is not possible: expected day 1 or later
charge_late_fee@9 charge_late_fee@12=card | charge_late_fee on day 12 for card and wrong_details is a second one: an invoice is charged one late fee
";

fn steps(text: &str) -> Vec<Step> {
    let split = |text: &str, at: char| {
        let (rest, last) = text.split_once(at).unwrap_or((text, ""));
        (rest.to_owned(), last.split('+').filter(|w| !w.is_empty()).map(str::to_owned).collect())
    };
    let read = |text: &str| {
        let (rest, classes): (String, Vec<String>) = split(text, ':');
        let (rest, schemes): (String, Vec<String>) = split(&rest, '=');
        let (action, day) = rest.split_once('@').unwrap();
        Step {
            day: day.parse().unwrap(),
            action: action.parse().unwrap(),
            schemes: schemes.iter().map(|s| s.parse().unwrap()).collect(),
            classes: classes.iter().map(|s| s.parse().unwrap()).collect(),
        }
    };
    text.split_whitespace().map(read).collect()
}

#[test]
fn impossible_policies_are_refused_with_what_would_be_right() {
    for line in REFUSED.lines().filter(|line| !line.is_empty()) {
        let (given, expected) = line.split_once('|').unwrap();
        let refused = Policy::new(terms(steps(given))).map_err(|refused| refused.to_string());
        assert_eq!(refused.unwrap_err(), expected.trim(), "{given}");
    }
    let euro = |minor| Money::new(minor, Currency::EUR);
    let base = terms(steps("reminder@3 restrict@9"));
    assert!(Policy::new(base.clone()).is_ok());
    let grace = |until_day| Terms { delivery: Delivery::Goodwill { until_day }, ..base.clone() };
    let wrong = [
        (grace(0), "grace until day 0 is not possible: expected 1 to 9"),
        (grace(10), "grace until day 10 is not possible: expected 1 to 9"),
        (Terms { pay_days: vec![32], ..base.clone() }, "pay day 32 is not possible"),
        (Terms { pay_days: vec![5, 5], ..base.clone() }, "pay day 5 is not possible"),
        (
            Terms { minimums: vec![euro(0)], ..base.clone() },
            "a minimum of EUR 0.00 is not possible",
        ),
        (
            Terms { minimums: vec![euro(1); 2], ..base.clone() },
            "a minimum of EUR 0.01 is not possible",
        ),
        (Terms { minimums: vec![euro(1); 21], ..base.clone() }, "21 minimums are too many"),
        (Terms { steps: vec![step(1, Action::Reminder); 61], ..base.clone() }, "61 steps"),
    ];
    for (terms, expected) in wrong {
        let refused = Policy::new(terms).unwrap_err().to_string();
        let near = refused.replace("0.00 EUR", "EUR 0.00").replace("0.01 EUR", "EUR 0.01");
        assert!(near.starts_with(expected), "{refused}");
    }
    let many = (1..=15).map(|day| Step { schemes: vec![Scheme::Card], ..step(day, Action::Retry) });
    assert!(Policy::new(Terms { steps: many.collect(), more_retries: true, ..base }).is_ok());
}

#[test]
fn a_policy_that_ends_with_nobody_ends_with_a_person() {
    let policy = Policy::new(terms(steps("retry@2 reminder@3"))).unwrap();
    let debit = case(Scheme::DirectDebit, FailureClass::NoMoney, "2026-06-02");
    let last = policy.plan(&debit).last().map(|step| step.key);
    assert_eq!(last, Some(StepKey { day: 3, action: Action::ListForPerson }));
}
