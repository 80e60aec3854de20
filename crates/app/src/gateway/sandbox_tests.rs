use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::Amsterdam;
use domain::date;
use domain::id::{AttemptId, OrgId, PaymentId};
use domain::money::{Currency, Money};
use domain::organization::{self, OrgKind};
use domain::payment::{Answer, Scheme};
use futures::FutureExt;

use super::super::{Call, Gateway, Mandate, Order, Refund, Reply, Secret};
use super::{Sandbox, TEST_IBANS};

/// The longest course of a table, in days.
const DAYS: i64 = 20;

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::from_code("EUR").unwrap())
}

/// The first attempt, on 1 March 2025 in the afternoon.
fn order(scheme: Scheme, instrument: &str) -> Order {
    let now: DateTime<Utc> = "2025-03-01T14:00:00Z".parse().unwrap();
    let signed_on = date::from_parts(2024, 12, 1).unwrap();
    Order {
        attempt: AttemptId::fresh(now),
        number: 1,
        org: OrgId::fresh(now),
        kind: OrgKind::Sandbox,
        scheme,
        amount: euros(12_100),
        invoice: "2025-0001".to_owned(),
        description: "Abonnement maart".to_owned(),
        instrument: Some(Secret::new(instrument)),
        mandate: Some(Mandate { reference: "M-1".to_owned(), signed_on }),
        collect_on: date::local(now, Amsterdam),
        submitted_at: now,
        withdrawn_at: None,
        reference: None,
        now,
        zone: Amsterdam,
    }
}

fn attempt(number: u32, order: Order) -> Order {
    Order { number, ..order }
}

fn at(days: i64, order: &Order) -> Order {
    Order { now: order.submitted_at + Duration::days(days), ..order.clone() }
}

fn now(call: Call<'_>) -> Reply {
    call.now_or_never().expect("it waits for nothing")
}

fn query(days: i64, order: &Order) -> Reply {
    now(Sandbox.query(&at(days, order)))
}

fn word(order: &Order, answer: &Answer) -> String {
    let day = |on: &_| date::days_between(order.submitted_on(), *on);
    match answer {
        Answer::Accepted => "accepted".to_owned(),
        Answer::Settled { on } => format!("settled(+{})", day(on)),
        Answer::Declined { code } => format!("declined({code})"),
        Answer::Bounced { code, on, fee: None } => format!("bounced(+{} {code})", day(on)),
        Answer::Bounced { code, on, fee: Some(fee) } => {
            format!("bounced(+{} {code} fee {})", day(on), fee.minor())
        }
        Answer::Cancelled => "cancelled".to_owned(),
        Answer::NotSent => "not_sent".to_owned(),
        Answer::Unknown => "unknown".to_owned(),
    }
}

/// The answer to the submission, and each day on which a query is told something new.
fn course(order: &Order) -> String {
    let mut said = word(order, &now(Sandbox.submit(order)).answer);
    let mut last = said.clone();
    for day in 0..=DAYS {
        let told = word(order, &query(day, order).answer);
        if told != last {
            said.push_str(&format!(", +{day} {told}"));
            last = told;
        }
    }
    said
}

fn table(scheme: Scheme, rows: &str) {
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (given, expected) = row.split_once("->").unwrap();
        let mut words = given.split_whitespace();
        let token = words.next().unwrap();
        let number = words.next().map_or(1, |number| number.parse().unwrap());
        let order = attempt(number, order(scheme, token));
        assert_eq!(course(&order), expected.trim(), "{given}");
    }
}

#[test]
fn a_card_goes_as_its_token_says() {
    table(
        Scheme::Card,
        "
        tok_visa                        -> settled(+0)
        settles                         -> settled(+0)
        settles_after_3                 -> accepted, +3 settled(+3)
        declines_AM04                   -> declined(AM04)
        declines_insufficient_funds     -> declined(insufficient_funds)
        declines_51                     -> declined(51)
        declines_2_AM04                 -> declined(AM04)
        declines_2_AM04               2 -> declined(AM04)
        declines_2_AM04               3 -> settled(+0)
        declines_1_do_not_honor       2 -> settled(+0)
        accepts_declines_2_AM04         -> accepted, +2 declined(AM04)
        bounces_14_fraudulent           -> settled(+0), +14 bounced(+14 fraudulent)
        bounces_14_MD06_500             -> settled(+0), +14 bounced(+14 MD06 fee 500)
        bounces_14_51                   -> settled(+0), +14 bounced(+14 51)
        times_out_before                -> unknown, +0 not_sent
        first_1_times_out_before      1 -> unknown, +0 not_sent
        first_1_times_out_before      2 -> settled(+0)
        times_out_after                 -> unknown, +0 settled(+0)
        silent_3                        -> unknown, +3 settled(+0)
        silent                          -> unknown
        not_sent                        -> not_sent
        settles_twice_2                 -> settled(+0)
        settles_declines_2_AM04         -> settled(+0), +2 declined(AM04)
        declines_settles_2_AM04         -> declined(AM04), +2 settled(+2)
        first_1_bounces_3_fraudulent  2 -> settled(+0)
        refund_declines_AC04            -> settled(+0)
        settles_after_4294967296        -> settled(+0)
        declines_                       -> settled(+0)
        ",
    );
}

#[test]
fn a_direct_debit_takes_two_days() {
    table(
        Scheme::DirectDebit,
        "
        NL91ABNA0417164300              -> accepted, +2 settled(+2)
        NL45SNDB0000000001              -> accepted, +2 settled(+2)
        settles_after_5                 -> accepted, +5 settled(+5)
        declines_FF01                   -> declined(FF01)
        accepts_declines_2_AM04         -> accepted, +2 declined(AM04)
        bounces_14_MD06                 -> accepted, +2 settled(+2), +16 bounced(+16 MD06)
        times_out_before                -> unknown, +0 not_sent
        times_out_after                 -> unknown, +0 accepted, +2 settled(+2)
        settles_declines_2_AM04         -> accepted, +2 settled(+2), +4 declined(AM04)
        ",
    );
}

#[test]
fn every_test_iban_is_right_and_goes_as_its_token() {
    for (iban, token) in TEST_IBANS {
        assert_eq!(organization::iban(iban).as_deref(), Ok(*iban));
        for number in 1..=4 {
            let by_iban = attempt(number, order(Scheme::DirectDebit, iban));
            let by_token = attempt(number, order(Scheme::DirectDebit, token));
            assert_eq!(course(&by_iban), course(&by_token), "{iban}");
        }
        let settles = course(&order(Scheme::DirectDebit, token)) == "accepted, +2 settled(+2)";
        let is_plain = ["settles", "settles_twice_2", "refund_declines_AC04"].contains(token);
        assert_eq!(settles, is_plain, "{token} is no token");
    }
}

#[test]
fn the_table_of_the_description_is_the_table() {
    let text = include_str!("sandbox.rs");
    for (iban, token) in TEST_IBANS {
        assert!(text.contains(&format!("//! | `{iban}` | `{token}` |")), "{iban}");
    }
}

#[test]
fn a_debit_counts_from_the_day_on_which_the_bank_is_asked() {
    let late = order(Scheme::DirectDebit, "settles");
    let late = Order { collect_on: date::add_days(late.collect_on, 4), ..late };
    assert_eq!(course(&late), "accepted, +6 settled(+6)");
    let past = Order { collect_on: date::add_days(late.collect_on, -9), ..late };
    assert_eq!(course(&past), "accepted, +2 settled(+2)");
}

#[test]
fn it_says_when_to_ask_again() {
    let order = order(Scheme::DirectDebit, "bounces_14_MD06");
    let again = |days| query(days, &order).ask_again.map(|at| at.to_rfc3339());
    assert_eq!(again(0).as_deref(), Some("2025-03-02T23:00:00+00:00"), "the start of 3 March");
    assert_eq!(again(2).as_deref(), Some("2025-03-16T23:00:00+00:00"), "the start of 17 March");
    assert_eq!(again(16), None);
    let silent = self::order(Scheme::Card, "silent_3");
    assert_eq!(query(0, &silent), Reply::bare(Answer::Unknown), "it says nothing at all");
}

#[test]
fn a_withdrawal_counts_until_something_has_happened() {
    for (token, day, expected) in [
        ("settles", 0, "cancelled"),
        ("settles", 1, "cancelled"),
        ("settles", 2, "settled(+2)"),
        ("declines_AM04", 0, "declined(AM04)"),
        ("accepts_declines_2_AM04", 1, "cancelled"),
        ("times_out_after", 1, "cancelled"),
        ("times_out_before", 0, "not_sent"),
        ("silent_3", 1, "unknown"),
        ("silent_3", 3, "settled(+0)"),
    ] {
        let order = at(day, &order(Scheme::DirectDebit, token));
        let reply = now(Sandbox.cancel(&order));
        assert_eq!(word(&order, &reply.answer), expected, "{token} on day {day}");
        let later = Order { withdrawn_at: Some(order.now), ..at(30, &order) };
        let told = now(Sandbox.query(&later)).answer;
        assert_eq!(told == Answer::Cancelled, expected == "cancelled", "{token} on day {day}");
    }
}

#[test]
fn what_was_collected_is_paid_back_once() {
    let order = order(Scheme::Card, "settles");
    let payment = PaymentId::fresh(order.now);
    let submitted_at = order.now + Duration::days(3);
    let refund = Refund { payment, amount: euros(100), submitted_at, order: at(3, &order) };
    let first = now(Sandbox.refund(&refund));
    assert_eq!(word(&order, &first.answer), "settled(+3)");
    let later = Refund { order: at(9, &order), ..refund.clone() };
    assert_eq!(now(Sandbox.refund(&later)), first);
    let more = Refund { amount: euros(12_101), ..refund.clone() };
    assert_eq!(word(&order, &now(Sandbox.refund(&more)).answer), "declined(amount_too_large)");
    let token = Some(Secret::new("refund_declines_AC04"));
    let closed = Refund { order: Order { instrument: token, ..order.clone() }, ..refund };
    assert_eq!(word(&order, &now(Sandbox.refund(&closed)).answer), "declined(AC04)");
}
