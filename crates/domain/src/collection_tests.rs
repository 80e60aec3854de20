use chrono::{Duration, NaiveTime};
use proptest::prelude::*;

use super::*;
use crate::date::{add_days, days_between};
use crate::dunning::Terms;

/// The day on which it is to be paid: a Monday.
const DUE_ON: &str = "2025-02-03";

/// A collection with what surrounds it.
#[derive(Debug, Clone)]
struct Life {
    collection: Collection,
    policy: Policy,
    is_open: bool,
    /// In cents.
    owed: i64,
    attempt: Option<AttemptState>,
    is_lost: bool,
    method: Option<Scheme>,
    /// Whether its customer is charged no late fee.
    is_spared: bool,
    done: Vec<(Date, StepKey)>,
    now: DateTime<Utc>,
    /// How often a gateway was asked for money.
    sent: i32,
}

fn due_on() -> Date {
    DUE_ON.parse().unwrap()
}

impl Life {
    fn new() -> Self {
        let (invoice, customer) = (InvoiceId(uuid::Uuid::nil()), CustomerId(uuid::Uuid::nil()));
        let euro = Currency::EUR;
        Self {
            collection: Collection::of_invoice(invoice, customer, euro, due_on(), Tz::UTC),
            policy: Policy::goodwill(),
            is_open: true,
            owed: 10_000,
            attempt: None,
            is_lost: false,
            method: None,
            is_spared: false,
            done: Vec::new(),
            now: add_days(due_on(), -3).and_time(NaiveTime::MIN).and_utc(),
            sent: 0,
        }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Collection, &Situation<'_>) -> T) -> T {
        let situation = Situation {
            policy: &self.policy,
            is_open: self.is_open,
            owed: Money::new(self.owed, Currency::EUR),
            attempt: self.attempt,
            is_lost: self.is_lost,
            method: self.method.map(|scheme| (PaymentMethodId(uuid::Uuid::nil()), scheme)),
            is_spared: self.is_spared,
            frozen: &[],
            done: &self.done,
            now: self.now,
            zone: Tz::UTC,
        };
        act(&mut self.collection, &situation)
    }

    fn plan(&mut self) {
        self.with(Collection::plan);
    }

    /// What a worker does when it looks; everything that is due is done then.
    fn look(&mut self) {
        for _ in 0..10 {
            self.plan();
            let due = self.with(|one, situation| one.due(situation));
            let today = self.now.date_naive();
            let day_zero = self.collection.day_zero;
            self.done.extend(due.steps.iter().filter_map(|step| Some((day_zero?, step.key))));
            if let Some((_, scheme)) = due.attempt {
                assert_eq!(self.attempt, None, "a second attempt");
                self.collection.attempted(scheme, today);
                self.attempt = Some(AttemptState::Submitting);
                self.sent += 1;
                return;
            }
            if due.steps.is_empty() {
                let waits = self.collection.next.is_none_or(|next| next.at > self.now);
                assert!(waits, "due, and nothing to do: {:?}", self.collection);
                return;
            }
        }
        panic!("a look does not end: {:?}", self.collection);
    }

    fn answer(&mut self, effect: &Effect, state: Option<AttemptState>) {
        self.attempt = state.filter(|state| state.is_open());
        self.is_lost = matches!(effect, Effect::Lost);
        let scheme = self.collection.scheme.unwrap_or(Scheme::Card);
        let class = match effect {
            Effect::Failed { code, .. } | Effect::Bounced { code, .. } => {
                Some(failure::reason(scheme, code).class)
            }
            _ => None,
        };
        let today = self.now.date_naive();
        self.collection.answered(effect, class, today);
        self.plan();
    }

    /// The policy asks for so much before steps are taken.
    fn asks_for(&mut self, minor: i64) {
        let minimums = vec![Money::new(minor, Currency::EUR)];
        let terms = self.policy.terms().clone();
        self.policy = Policy::new(Terms { minimums, ..terms }).unwrap();
    }

    /// Money went back some days ago.
    fn goes_back(&mut self, days: i64, class: Option<FailureClass>) {
        let today = self.now.date_naive();
        self.is_open = true;
        self.collection.went_back(add_days(today, -days), today, self.method, class);
    }

    fn pass_over(&mut self) -> Result<(), SkipRefused> {
        let skipped = self.with(Collection::skip)?;
        let day_zero = self.collection.day_zero;
        self.done.extend(skipped.into_iter().filter_map(|key| Some((day_zero?, key))));
        Ok(())
    }

    fn happen(&mut self, word: &str) {
        let (word, code) = word.split_once(':').unwrap_or((word, ""));
        let (code, on) = (code.to_owned(), self.now.date_naive());
        use AttemptState as S;
        match word {
            "card" => self.method = Some(Scheme::Card),
            "debit" => self.method = Some(Scheme::DirectDebit),
            "transfer" => self.method = Some(Scheme::BankTransfer),
            "none" => self.method = None,
            "new" => drop(self.collection.rearm(Extra::NewDetails)),
            "hand" => drop(self.collection.rearm(Extra::ByHand)),
            "hold" => self.collection.hold = Some(Hold { by: "Ann".into(), until: None }),
            "hold_until" => {
                let until = add_days(due_on(), code.parse().unwrap());
                self.collection.hold = Some(Hold { by: "Ann".into(), until: Some(until) });
            }
            "skip" => self.pass_over().unwrap(),
            "skip_if_possible" => drop(self.pass_over()),
            "no_skip" => drop(self.with(Collection::skip).unwrap_err()),
            "release" => self.collection.hold = None,
            "minimum" => self.asks_for(code.parse().unwrap()),
            "owes" => self.owed = code.parse().unwrap(),
            "paid" => self.is_open = false,
            "reopened" => self.is_open = true,
            // What the customer had paid by itself, or what had been collected, goes back: today, or
            // some days before.
            "returned" => self.goes_back(code.parse().unwrap_or(0), None),
            "collected_returned" => {
                self.goes_back(code.parse().unwrap_or(0), Some(FailureClass::Unknown));
            }
            "day" => {
                let day = add_days(due_on(), code.parse().unwrap());
                self.now = day.and_time(NaiveTime::MIN).and_utc();
                return self.look();
            }
            "minutes" => {
                self.now += Duration::minutes(code.parse().unwrap());
                return self.look();
            }
            "accepted" => return self.answer(&Effect::Accepted, Some(S::Accepted)),
            "unknown" => return self.answer(&Effect::Unknown, Some(S::Unknown)),
            "lost" => return self.answer(&Effect::Lost, Some(S::Unknown)),
            "not_sent" => return self.answer(&Effect::NotSent, Some(S::NotSent)),
            "cancelled" => {
                let effect = Effect::Cancelled { from_transit: true };
                return self.answer(&effect, Some(S::Cancelled));
            }
            "declined" => {
                let effect = Effect::Failed { code, from_transit: false };
                return self.answer(&effect, Some(S::Declined));
            }
            "settled" => {
                self.is_open = false;
                let effect = Effect::Settled { on, from_transit: false };
                return self.answer(&effect, Some(S::Settled));
            }
            "bounced" => {
                self.is_open = true;
                let effect = Effect::Bounced { code, on, fee: None };
                return self.answer(&effect, Some(S::Bounced));
            }
            other => panic!("no word {other}"),
        }
        self.plan();
    }

    /// `waiting retry 1 attempts 1 zero 0`.
    fn line(&self) -> String {
        let one = &self.collection;
        let day = |date: Date| days_between(due_on(), date);
        let next = one.next.map(|next| {
            let at = next.at.date_naive();
            let time = match next.at.time() {
                NaiveTime::MIN => String::new(),
                time => format!("_{}", time.format("%H:%M")),
            };
            format!("{} {}{time}", next.action, day(at))
        });
        let zero = one.day_zero.map(|zero| format!("zero {}", day(zero)));
        let sent = format!("attempts {}", one.attempts);
        let parts = [Some(one.state.to_string()), next, Some(sent), zero];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

const TABLE: &str = "
    card                                                  | waiting collect 0 attempts 0
    card day:-1                                           | waiting collect 0 attempts 0
    card day:0                                            | under_way attempts 1
    card day:0 settled                                    | closed attempts 1
    card day:0 paid                                       | closed attempts 1
    # Cards are tried again on days 1, 3, 7 and 14.
    card day:0 declined:insufficient_funds                | waiting retry 1 attempts 1 zero 0
    card day:0 declined:insufficient_funds day:1          | under_way attempts 2 zero 0
    card day:0 declined:insufficient_funds day:1 declined:insufficient_funds | waiting retry 3 attempts 2 zero 0
    card day:0 declined:insufficient_funds day:8          | under_way attempts 2 zero 0
    card day:0 declined:insufficient_funds day:8 declined:insufficient_funds | waiting retry 14 attempts 2 zero 0
    card day:0 declined:insufficient_funds day:60 declined:insufficient_funds day:61 | person attempts 2 zero 0
    # Debits on days 6 and 14, moved to days on which banks work; reminders between.
    debit day:0 accepted                                  | under_way attempts 1
    debit day:0 accepted day:2 declined:AM04              | waiting step 3 attempts 1 zero 2
    debit day:0 accepted day:2 declined:AM04 day:3        | waiting retry 8 attempts 1 zero 2
    # What must not be tried again blindly.
    card day:0 declined:expired_card                      | waiting step 1 attempts 1 zero 0
    card day:0 declined:expired_card day:1                | waiting step 15 attempts 1 zero 0
    card day:0 declined:do_not_honor day:1                | waiting step 21 attempts 1 zero 0
    card day:0 declined:never_heard_of_it day:1           | under_way attempts 2 zero 0
    debit day:0 declined:FF01 day:0                       | person attempts 1 zero 0
    # Technical trouble on the way changes neither day zero nor class.
    card day:0 declined:insufficient_funds day:1 declined:processing_error | waiting retry 3 attempts 2 zero 0
    card day:0 declined:processing_error                  | waiting retry 1 attempts 1 zero 0
    card day:0 declined:processing_error day:1 declined:insufficient_funds | waiting retry 2 attempts 2 zero 1
    # What never left is sent again, at longer and longer intervals.
    card day:0 not_sent                                   | waiting resend 0_00:05 attempts 1
    card day:0 not_sent minutes:4                         | waiting resend 0_00:05 attempts 1
    card day:0 not_sent minutes:5                         | under_way attempts 2
    card day:0 not_sent minutes:5 not_sent                | waiting resend 0_00:15 attempts 2
    card day:0 not_sent minutes:5 declined:insufficient_funds | waiting retry 1 attempts 2 zero 0
    # Of which nobody knows: nothing is sent; at the end a person looks.
    card day:0 unknown                                    | unknown attempts 1
    card day:0 unknown day:9                              | unknown attempts 1
    card day:0 unknown lost                               | person attempts 1
    card day:0 unknown lost day:9                         | person attempts 1
    card day:0 unknown lost hand day:9                    | person attempts 1
    card day:0 unknown lost not_sent                      | waiting resend 0_00:05 attempts 1
    card day:0 unknown settled                            | closed attempts 1
    # New details are tried once.
    card day:0 declined:expired_card day:1 new            | waiting extra 1 attempts 1 zero 0
    card day:0 declined:expired_card day:1 new day:2      | under_way attempts 2 zero 0
    card day:0 declined:expired_card day:1 new new day:2 declined:expired_card day:3 | waiting step 15 attempts 2 zero 0
    card day:0 declined:insufficient_funds new day:0 declined:insufficient_funds | waiting retry 1 attempts 2 zero 0
    card day:0 accepted new declined:expired_card         | waiting extra 0 attempts 1 zero 0
    card day:0 accepted new settled                       | closed attempts 1
    card new                                              | waiting collect 0 attempts 0
    none day:0 card new                                   | waiting collect 0 attempts 0
    # By hand.
    card hand                                             | waiting extra -3 attempts 0
    card day:0 declined:do_not_honor day:5 hand day:5     | under_way attempts 2 zero 0
    # By itself: late from the due date on, with no attempt.
    transfer                                              | waiting collect 0 attempts 0
    transfer day:0                                        | waiting step 3 attempts 0 zero 0
    transfer day:3                                        | waiting step 10 attempts 0 zero 0
    transfer day:60 day:61                                | person attempts 0 zero 0
    transfer day:3 paid                                   | closed attempts 0 zero 0
    transfer day:3 card new                               | waiting extra 3 attempts 0 zero 0
    transfer day:3 card new day:4                         | under_way attempts 1 zero 0
    transfer day:3 card new day:4 declined:insufficient_funds | waiting retry 7 attempts 1 zero 0
    transfer day:3 card new day:4 declined:processing_error | waiting retry 7 attempts 1 zero 0
    # Nothing to collect from.
    none day:-1                                           | waiting collect 0 attempts 0
    none day:0                                            | person attempts 0
    card day:0 declined:insufficient_funds none day:1     | waiting step 3 attempts 1 zero 0
    # A person holds it.
    card hold                                             | held attempts 0
    card hold day:9                                       | held attempts 0
    card hold day:9 release                               | waiting collect 0 attempts 0
    card hold day:9 release day:9                         | under_way attempts 1
    card hold_until:4 day:3                               | held release 4 attempts 0
    card hold_until:4 day:4                               | under_way attempts 1
    card day:0 hold                                       | under_way attempts 1
    card day:0 hold declined:insufficient_funds           | held attempts 1 zero 0
    card hold paid                                        | closed attempts 0
    # Less is owed than the policy's minimum: it is collected once, and then nothing follows and no
    # day counts until more is owed.
    card minimum:10000 day:0 declined:insufficient_funds  | waiting retry 1 attempts 1 zero 0
    card minimum:10001 day:0 declined:insufficient_funds  | person attempts 1 zero 0
    card minimum:10001 day:0 declined:insufficient_funds day:40 | person attempts 1 zero 0
    card minimum:10001 day:0 declined:insufficient_funds day:40 owes:10001 | waiting retry 41 attempts 1 zero 40
    card minimum:10001 day:0 declined:insufficient_funds day:40 owes:10001 day:41 declined:insufficient_funds owes:9 | person attempts 2 zero 40
    card minimum:10001 day:0 declined:insufficient_funds day:5 new day:5 | under_way attempts 2 zero 0
    card minimum:10001 day:0 declined:insufficient_funds hand day:1 settled | closed attempts 2 zero 0
    card minimum:10001 day:0 not_sent minutes:5           | under_way attempts 2
    card minimum:10001 day:0 declined:processing_error day:1 | under_way attempts 2 zero 0
    card minimum:10001 day:-1 owes:10001 day:0 declined:insufficient_funds | waiting retry 1 attempts 1 zero 0
    transfer minimum:10001 day:3                          | person attempts 0 zero 0
    transfer minimum:10001 day:3 owes:10001               | waiting step 6 attempts 0 zero 3
    transfer minimum:10001 day:3 paid reopened owes:10001 | waiting step 6 attempts 0 zero 3
    # Passed over: only what is next.
    card day:0 declined:insufficient_funds skip           | waiting retry 3 attempts 1 zero 0
    card day:0 declined:insufficient_funds skip skip      | waiting retry 7 attempts 1 zero 0
    card day:0 declined:insufficient_funds hold skip release | waiting retry 3 attempts 1 zero 0
    card day:0 declined:insufficient_funds new skip       | waiting retry 1 attempts 1 zero 0
    card day:0 declined:insufficient_funds hand skip day:1 | under_way attempts 2 zero 0
    card day:0 declined:insufficient_funds new none skip  | waiting step 3 attempts 1 zero 0
    card day:0 declined:insufficient_funds day:1 not_sent | waiting resend 1_00:05 attempts 2 zero 0
    card day:0 declined:insufficient_funds day:1 not_sent skip | waiting retry 3 attempts 2 zero 0
    card day:0 accepted new skip declined:expired_card    | waiting step 1 attempts 1 zero 0
    card no_skip                                          | waiting collect 0 attempts 0
    card day:0 no_skip                                    | under_way attempts 1
    card day:0 not_sent no_skip                           | waiting resend 0_00:05 attempts 1
    card hand skip                                        | waiting collect 0 attempts 0
    none day:0 no_skip                                    | person attempts 0
    # Open again.
    card day:0 settled day:30 bounced:do_not_honor        | waiting step 31 attempts 1 zero 30
    card day:0 declined:insufficient_funds day:1 settled day:30 bounced:insufficient_funds | waiting retry 31 attempts 2 zero 30
    card day:0 accepted paid reopened                     | under_way attempts 1
    # An attempt that somebody cancelled stays with a person.
    card day:0 accepted cancelled                         | person attempts 1
    card day:0 accepted cancelled hand                    | waiting extra 0 attempts 1
    # What was paid went back: a new day zero, whatever was before.
    transfer day:3 paid day:40 returned                   | waiting step 43 attempts 0 zero 40
    transfer day:3 paid day:40 returned:2                 | waiting step 41 attempts 0 zero 38
    transfer day:60 paid day:70 returned day:73           | waiting step 80 attempts 0 zero 70
    transfer paid day:-1 returned                         | waiting collect 0 attempts 0
    transfer paid day:5 returned:7                        | waiting step 5 attempts 0 zero 0
    card paid day:-1 returned day:0                       | under_way attempts 1
    card paid day:40 returned                             | waiting retry 41 attempts 0 zero 40
    card paid day:40 returned day:41                      | under_way attempts 1 zero 40
    card day:0 accepted paid cancelled day:40 returned    | waiting retry 41 attempts 1 zero 40
    card day:0 accepted paid returned                     | under_way attempts 1 zero 0
    card day:0 declined:do_not_honor paid day:40 returned | waiting retry 41 attempts 1 zero 40
    card day:0 not_sent paid day:40 returned              | waiting retry 41 attempts 1 zero 40
    debit day:0 accepted paid cancelled day:40 returned   | waiting step 41 attempts 1 zero 40
    none paid day:40 returned                             | waiting step 43 attempts 0 zero 40
    transfer paid day:9 card returned                     | waiting retry 10 attempts 0 zero 9
    # What was open all the time goes on.
    transfer day:3 returned                               | waiting step 10 attempts 0 zero 0
    # What was collected and went back without a code: once more, then a person.
    card day:0 settled day:40 collected_returned          | waiting retry 41 attempts 1 zero 40
    card day:0 settled day:40 collected_returned day:41 declined:zzz day:101 | person attempts 2 zero 40
";

#[test]
fn what_happens_next() {
    let mut wrong = Vec::new();
    for row in TABLE.lines().map(str::trim).filter(|row| !row.is_empty() && !row.starts_with('#')) {
        let (script, expected) = row.split_once('|').unwrap();
        let mut life = Life::new();
        script.split_whitespace().for_each(|word| life.happen(word));
        if life.line() != expected.trim() {
            wrong.push(format!("{}| {}   not {}", script, life.line(), expected.trim()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_gateway_that_is_away_is_tried_for_a_week_and_then_a_person_looks() {
    let mut life = Life::new();
    life.happen("card");
    life.happen("day:0");
    let away_since = life.now;
    let mut waits = Vec::new();
    while life.collection.state == CollectionState::UnderWay {
        let sent_at = life.now;
        life.happen("not_sent");
        let Some(next) = life.collection.next else { break };
        waits.push((next.at - sent_at).num_minutes());
        life.happen(&format!("minutes:{}", (next.at - sent_at).num_minutes()));
    }
    let doubled = [5, 10, 20, 40, 80, 160, 320, 640];
    let daily = [24 * 60; 7];
    assert_eq!(waits, [&doubled[..], &daily[..]].concat());
    assert_eq!((life.sent, life.collection.state), (16, CollectionState::Person));
    assert!(life.now - away_since > Duration::days(7), "{}", life.now - away_since);
    life.happen("new");
    life.happen("minutes:0");
    assert_eq!(life.sent, 17, "new details are tried all the same");
}

fn word() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(vec![
        "card",
        "debit",
        "transfer",
        "none",
        "new",
        "hand",
        "hold",
        "release",
        "paid",
        "returned",
        "collected_returned",
        "accepted",
        "unknown",
        "lost",
        "not_sent",
        "cancelled",
        "settled",
        "skip_if_possible",
    ]);
    let code = prop::sample::select(vec![
        "declined:insufficient_funds",
        "declined:expired_card",
        "declined:AM04",
        "declined:MD01",
        "declined:ED05",
        "declined:FF01",
        "declined:MD07",
        "declined:zzz",
        "bounced:MD06",
    ]);
    prop_oneof![
        3 => plain.prop_map(str::to_owned),
        3 => code.prop_map(str::to_owned),
        1 => prop::sample::select(vec!["minimum:10000", "owes:9999", "owes:10000"])
            .prop_map(str::to_owned),
        4 => (0_i64..12).prop_map(|days| format!("ahead:{days}")),
        1 => (1_i64..900).prop_map(|minutes| format!("minutes:{minutes}")),
    ]
}

/// Answers come only to what was asked.
fn is_possible(life: &Life, word: &str) -> bool {
    let answer = word.split(':').next().unwrap_or(word);
    match answer {
        "accepted" | "unknown" | "lost" | "not_sent" | "cancelled" | "declined" | "settled" => {
            life.attempt.is_some()
        }
        "bounced" => life.attempt.is_none() && life.collection.attempts > 0,
        _ => true,
    }
}

proptest! {
    #[test]
    fn nothing_stays_silently_open(
        words in prop::collection::vec(word(), 1..40),
        fee_on in prop::option::of(1_u16..40),
    ) {
        let mut life = fee_on.map_or_else(Life::new, |day| late_fee::charging_on(day, "EUR"));
        life.plan();
        for word in &words {
            if !is_possible(&life, word) {
                continue;
            }
            match word.strip_prefix("ahead:") {
                Some(days) => {
                    let ahead = life.now + Duration::days(days.parse().unwrap());
                    let day = days_between(due_on(), ahead.date_naive());
                    life.happen(&format!("day:{day}"));
                }
                None => life.happen(word),
            }
            let one = &life.collection;
            let whole = match one.state {
                CollectionState::Closed => !life.is_open && one.next.is_none(),
                CollectionState::Waiting => life.is_open && one.next.is_some(),
                CollectionState::UnderWay => life.attempt.is_some() && one.next.is_none(),
                CollectionState::Unknown => life.attempt == Some(AttemptState::Unknown),
                CollectionState::Held => one.hold.is_some(),
                CollectionState::Person => life.is_open && one.next.is_none(),
            };
            prop_assert!(whole && !one.why.is_empty(), "after {word}: {one:?}");
            prop_assert_eq!(one.attempts, life.sent);
            let before = one.clone();
            life.plan();
            prop_assert_eq!(&life.collection, &before, "looking again decides the same");
        }
    }
}

#[path = "collection/late_fee_tests.rs"]
mod late_fee;
