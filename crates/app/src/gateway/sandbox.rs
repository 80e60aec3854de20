//! The gateway of sandbox organizations.
//!
//! Purpose: lets a vendor, its demonstration and its tests try every way in which payments end. The
//! token of the card decides, as with the test cards of payment services; for a direct debit the
//! IBAN does. `<n>` is a number of days, `<code>` any code of the scheme:
//!
//! | token | what happens |
//! |---|---|
//! | `settles` and every other text | settles: a card at once, a direct debit two days on |
//! | `settles_after_<n>` | accepted, settles after `n` days |
//! | `declines_<code>` | declined at once |
//! | `accepts_declines_<n>_<code>` | accepted, declined after `n` days |
//! | `bounces_<n>_<code>` | settles, and bounces `n` days later |
//! | `bounces_<n>_<code>_<fee>` | so, and the bank asks a fee, in minor units |
//! | `times_out_before` | no answer; a query tells that it was never received |
//! | `times_out_after` | no answer; a query tells that it settles |
//! | `silent_<n>` | no answer to anything for `n` days; then it turns out settled from the start |
//! | `silent` | no answer to anything, ever |
//! | `not_sent` | the connection is refused |
//! | `settles_twice_<n>` | settles, and says so again after `n` days |
//! | `settles_declines_<n>_<code>` | settles, and is declined after `n` days |
//! | `declines_settles_<n>_<code>` | declined, and settles after `n` days all the same |
//! | `refund_declines_<code>` | settles; paying it back is declined |
//! | `first_<k>_<token>` | the first `k` attempts at an invoice go as the token says; then it settles |
//! | `declines_<k>_<code>` | short for `first_<k>_declines_<code>` |
//!
//! The IBANs have right check digits and the code of no bank:
//!
//! | IBAN | goes as |
//! |---|---|
//! | `NL45SNDB0000000001` | `settles` |
//! | `NL18SNDB0000000002` | `settles_after_5` |
//! | `NL93SNDB0000000010` | `accepts_declines_2_AM04` |
//! | `NL66SNDB0000000011` | `accepts_declines_2_MS03` |
//! | `NL39SNDB0000000012` | `accepts_declines_2_AC01` |
//! | `NL12SNDB0000000013` | `accepts_declines_2_AC04` |
//! | `NL82SNDB0000000014` | `accepts_declines_2_AC06` |
//! | `NL55SNDB0000000015` | `accepts_declines_2_MS02` |
//! | `NL28SNDB0000000016` | `accepts_declines_2_MD01` |
//! | `NL98SNDB0000000017` | `accepts_declines_2_MD07` |
//! | `NL71SNDB0000000018` | `accepts_declines_2_ED05` |
//! | `NL44SNDB0000000019` | `declines_FF01` |
//! | `NL17SNDB0000000020` | `first_1_accepts_declines_2_AM04` |
//! | `NL87SNDB0000000021` | `first_2_accepts_declines_2_AM04` |
//! | `NL38SNDB0000000030` | `bounces_14_MD06` |
//! | `NL11SNDB0000000031` | `bounces_14_MD06_500` |
//! | `NL59SNDB0000000040` | `times_out_before` |
//! | `NL32SNDB0000000041` | `first_1_times_out_before` |
//! | `NL05SNDB0000000042` | `times_out_after` |
//! | `NL75SNDB0000000043` | `silent_3` |
//! | `NL48SNDB0000000044` | `silent` |
//! | `NL21SNDB0000000045` | `first_1_not_sent` |
//! | `NL80SNDB0000000050` | `settles_twice_2` |
//! | `NL53SNDB0000000051` | `settles_declines_2_AM04` |
//! | `NL26SNDB0000000052` | `declines_settles_2_AM04` |
//! | `NL04SNDB0000000060` | `refund_declines_AC04` |
//! | `NL18SNDB0000000099` | `accepts_declines_2_ZZ99` |
//!
//! Days count from the submission, or from the day on which the bank is asked to take the money if
//! that is later, and end at the start of the local day.
//!
//! Invariants: every answer is a function of the question alone, so that any number of processes
//! and restarts agree, and an attempt that was committed counts as received. Nothing is remembered:
//! a withdrawal is known by the order's own [`Order::withdrawn_at`].
//!
//! Deliberately absent: chance.

mod course;

use domain::date;
use domain::payment::Answer;
use futures::FutureExt;
use futures::future;

use self::course::{Course, Hears};
use super::{Call, Gateway, Order, Refund, Reply};

/// IBANs of no bank, and the token as which each of them behaves.
pub const TEST_IBANS: &[(&str, &str)] = &[
    ("NL45SNDB0000000001", "settles"),
    ("NL18SNDB0000000002", "settles_after_5"),
    ("NL93SNDB0000000010", "accepts_declines_2_AM04"),
    ("NL66SNDB0000000011", "accepts_declines_2_MS03"),
    ("NL39SNDB0000000012", "accepts_declines_2_AC01"),
    ("NL12SNDB0000000013", "accepts_declines_2_AC04"),
    ("NL82SNDB0000000014", "accepts_declines_2_AC06"),
    ("NL55SNDB0000000015", "accepts_declines_2_MS02"),
    ("NL28SNDB0000000016", "accepts_declines_2_MD01"),
    ("NL98SNDB0000000017", "accepts_declines_2_MD07"),
    ("NL71SNDB0000000018", "accepts_declines_2_ED05"),
    ("NL44SNDB0000000019", "declines_FF01"),
    ("NL17SNDB0000000020", "first_1_accepts_declines_2_AM04"),
    ("NL87SNDB0000000021", "first_2_accepts_declines_2_AM04"),
    ("NL38SNDB0000000030", "bounces_14_MD06"),
    ("NL11SNDB0000000031", "bounces_14_MD06_500"),
    ("NL59SNDB0000000040", "times_out_before"),
    ("NL32SNDB0000000041", "first_1_times_out_before"),
    ("NL05SNDB0000000042", "times_out_after"),
    ("NL75SNDB0000000043", "silent_3"),
    ("NL48SNDB0000000044", "silent"),
    ("NL21SNDB0000000045", "first_1_not_sent"),
    ("NL80SNDB0000000050", "settles_twice_2"),
    ("NL53SNDB0000000051", "settles_declines_2_AM04"),
    ("NL26SNDB0000000052", "declines_settles_2_AM04"),
    ("NL04SNDB0000000060", "refund_declines_AC04"),
    ("NL18SNDB0000000099", "accepts_declines_2_ZZ99"),
];

/// Decides by what pays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sandbox;

impl Gateway for Sandbox {
    fn submit<'a>(&'a self, order: &'a Order) -> Call<'a> {
        let course = Course::of(order);
        let reply = match course.hears {
            Hears::Everything => standing(order, &course),
            Hears::Nothing | Hears::Queries => Reply::bare(Answer::Unknown),
        };
        future::ready(reply).boxed()
    }

    fn query<'a>(&'a self, order: &'a Order) -> Call<'a> {
        future::ready(standing(order, &Course::of(order))).boxed()
    }

    fn cancel<'a>(&'a self, order: &'a Order) -> Call<'a> {
        let withdrawn_at = order.withdrawn_at.or(Some(order.now));
        let withdrawn = Order { withdrawn_at, ..order.clone() };
        future::ready(standing(&withdrawn, &Course::of(order))).boxed()
    }

    fn refund<'a>(&'a self, refund: &'a Refund) -> Call<'a> {
        future::ready(paid_back(refund)).boxed()
    }
}

/// How an order stands at the moment of the question.
fn standing(order: &Order, course: &Course) -> Reply {
    let today = order.today();
    let reached = course.steps.iter().rev().find(|step| step.on <= today);
    let next = course.steps.iter().find(|step| step.on > today);
    let answer = match reached {
        _ if is_withdrawn(order, course) => Answer::Cancelled,
        Some(step) => step.answer.clone(),
        None if course.hears == Hears::Nothing => Answer::Unknown,
        None => Answer::Accepted,
    };
    let is_known = !matches!(answer, Answer::NotSent | Answer::Unknown);
    let is_open = !matches!(answer, Answer::Cancelled | Answer::Unknown);
    Reply {
        reference: is_known.then(|| format!("sandbox-{}", order.attempt)),
        ask_again: next.filter(|_| is_open).map(|step| date::start_of_day(step.on, order.zone)),
        answer,
    }
}

/// Whether its withdrawal came in time: before anything had happened.
fn is_withdrawn(order: &Order, course: &Course) -> bool {
    let Some(at) = order.withdrawn_at.filter(|at| *at <= order.now) else { return false };
    let on = date::local(at, order.zone);
    course.hears != Hears::Nothing && course.steps.first().is_some_and(|step| on < step.on)
}

fn paid_back(refund: &Refund) -> Reply {
    let order = &refund.order;
    let declined = |code: &str| Answer::Declined { code: code.to_owned() };
    let answer = match Course::of(order).refund_code {
        Some(code) => declined(&code),
        None if refund.amount.currency() != order.amount.currency() => declined("currency"),
        None if refund.amount.minor() > order.amount.minor() => declined("amount_too_large"),
        None => Answer::Settled { on: date::local(refund.submitted_at, order.zone) },
    };
    let reference = Some(format!("sandbox-refund-{}", refund.payment));
    Reply { answer, reference, ask_again: None }
}

#[cfg(test)]
#[path = "sandbox_tests.rs"]
mod tests;
