//! What a token makes happen, day by day.
//!
//! Purpose: reads the words of a token into the days on which an order's state changes.
//!
//! Invariants: the days of a course only grow; a text that is no token settles.

use domain::date::{self, Date};
use domain::money::Money;
use domain::payment::{Answer, Scheme};

use super::super::Order;
use super::TEST_IBANS;

/// How long a direct debit takes from the day on which the bank is asked.
const DEBIT_DAYS: i64 = 2;
/// The most days and attempts that a token can name: more is no test.
const MAX_COUNT: u32 = 3_660;

/// Which questions the gateway answers before the first step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hears {
    /// All.
    Everything,
    /// All but the submission.
    Queries,
    /// None.
    Nothing,
}

/// The order stands so since a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// Since when.
    pub(super) on: Date,
    /// How.
    pub(super) answer: Answer,
}

/// What happens to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Course {
    /// What is answered meanwhile.
    pub(super) hears: Hears,
    /// What happens, in the order of days.
    pub(super) steps: Vec<Step>,
    /// Why paying back is declined.
    pub(super) refund_code: Option<String>,
}

/// The days from which an order's course counts.
struct Days {
    /// It is submitted.
    submitted: Date,
    /// The bank is asked.
    start: Date,
    /// It settles when nothing is in the way.
    settled: Date,
}

impl Course {
    /// What happens to an order.
    pub(super) fn of(order: &Order) -> Self {
        let days = Days::of(order);
        let text = order.instrument.as_ref().map_or("", |instrument| instrument.expose());
        let token =
            TEST_IBANS.iter().find(|(iban, _)| *iban == text).map_or(text, |(_, token)| token);
        Self::read(token, order, &days).unwrap_or_else(|| Self::told(vec![days.settles()]))
    }

    fn told(steps: Vec<Step>) -> Self {
        Self { hears: Hears::Everything, steps, refund_code: None }
    }

    fn read(token: &str, order: &Order, days: &Days) -> Option<Self> {
        if let Some(rest) = token.strip_prefix("first_") {
            let (attempts, token) = counted(rest)?;
            return (i64::from(order.number) <= attempts)
                .then(|| Self::read(token, order, days))
                .flatten();
        }
        match token {
            "times_out_before" => {
                let lost = Self::told(vec![step(days.submitted, Answer::NotSent)]);
                return Some(Self { hears: Hears::Queries, ..lost });
            }
            "times_out_after" => {
                return Some(Self { hears: Hears::Queries, ..Self::told(vec![days.settles()]) });
            }
            "silent" => return Some(Self { hears: Hears::Nothing, ..Self::told(Vec::new()) }),
            "not_sent" => return Some(Self::told(vec![step(days.submitted, Answer::NotSent)])),
            _ => {}
        }
        days.silent(token)
            .or_else(|| days.settling(token))
            .or_else(|| days.bouncing(token, order.amount))
            .or_else(|| days.declining(token, order.number))
    }
}

impl Days {
    fn of(order: &Order) -> Self {
        let submitted = order.submitted_on();
        let (start, wait) = match order.scheme {
            Scheme::DirectDebit => (submitted.max(order.collect_on), DEBIT_DAYS),
            Scheme::Card | Scheme::BankTransfer => (submitted, 0),
        };
        Self { submitted, start, settled: date::add_days(start, wait) }
    }

    fn settles(&self) -> Step {
        settled(self.settled)
    }

    /// `silent_<n>`.
    fn silent(&self, token: &str) -> Option<Course> {
        let wait = number(token.strip_prefix("silent_")?)?;
        let answer = Answer::Settled { on: self.submitted };
        let steps = vec![step(date::add_days(self.submitted, wait), answer)];
        Some(Course { hears: Hears::Nothing, ..Course::told(steps) })
    }

    /// `settles_..` and `refund_declines_<code>`.
    fn settling(&self, token: &str) -> Option<Course> {
        if let Some(refund_code) = token.strip_prefix("refund_declines_").and_then(code) {
            let course = Course::told(vec![self.settles()]);
            return Some(Course { refund_code: Some(refund_code), ..course });
        }
        let rest = token.strip_prefix("settles_")?;
        if let Some(rest) = rest.strip_prefix("after_") {
            return Some(Course::told(vec![settled(date::add_days(self.start, number(rest)?))]));
        }
        if let Some(rest) = rest.strip_prefix("twice_") {
            let again = date::add_days(self.settled, number(rest)?);
            let answer = self.settles().answer;
            return Some(Course::told(vec![self.settles(), step(again, answer)]));
        }
        let (wait, rest) = counted(rest.strip_prefix("declines_")?)?;
        let declined =
            step(date::add_days(self.settled, wait), Answer::Declined { code: code(rest)? });
        Some(Course::told(vec![self.settles(), declined]))
    }

    /// `bounces_<n>_<code>` and `bounces_<n>_<code>_<fee>`.
    fn bouncing(&self, token: &str, amount: Money) -> Option<Course> {
        let (wait, rest) = counted(token.strip_prefix("bounces_")?)?;
        let parts = rest.rsplit_once('_').and_then(|(code, fee)| Some((code, number(fee)?)));
        let (text, fee) = parts.map_or((rest, None), |(code, fee)| (code, Some(fee)));
        let fee = fee.map(|minor| Money::new(minor, amount.currency()));
        let on = date::add_days(self.settled, wait);
        let bounced = step(on, Answer::Bounced { code: code(text)?, on, fee });
        Some(Course::told(vec![self.settles(), bounced]))
    }

    /// `declines_..` and `accepts_declines_<n>_<code>`.
    fn declining(&self, token: &str, attempt: u32) -> Option<Course> {
        let declined = |on, text| Some(step(on, Answer::Declined { code: code(text)? }));
        if let Some(rest) = token.strip_prefix("accepts_declines_") {
            let (wait, rest) = counted(rest)?;
            return Some(Course::told(vec![declined(date::add_days(self.start, wait), rest)?]));
        }
        let rest = token.strip_prefix("declines_")?;
        if let Some((wait, rest)) = rest.strip_prefix("settles_").and_then(counted) {
            let late = settled(date::add_days(self.submitted, wait));
            return Some(Course::told(vec![declined(self.submitted, rest)?, late]));
        }
        let text = match counted(rest) {
            Some((attempts, _)) if i64::from(attempt) > attempts => return None,
            Some((_, rest)) => rest,
            None => rest,
        };
        Some(Course::told(vec![declined(self.submitted, text)?]))
    }
}

fn step(on: Date, answer: Answer) -> Step {
    Step { on, answer }
}

fn settled(on: Date) -> Step {
    step(on, Answer::Settled { on })
}

/// A number of days or attempts, or of minor units of a fee.
fn number(text: &str) -> Option<i64> {
    text.parse::<u32>().ok().filter(|number| *number <= MAX_COUNT).map(i64::from)
}

/// `<n>_<rest>`.
fn counted(text: &str) -> Option<(i64, &str)> {
    let (count, rest) = text.split_once('_')?;
    Some((number(count)?, rest))
}

/// A scheme's code.
fn code(text: &str) -> Option<String> {
    let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    ((1..=40).contains(&text.len()) && text.bytes().all(is_code)).then(|| text.to_owned())
}
