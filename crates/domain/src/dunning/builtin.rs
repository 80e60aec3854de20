//! The policies that an organization has before it makes its own.
//!
//! Purpose: the table of three columns, once, in two forms: goodwill and strict.
//!
//! Invariants: both pass the checks of [`Policy::new`]; a test makes them anew through it.
//!
//! Deliberately absent: pay days, minimums and late fees; they are off by default.

use super::{Action, Delivery, Policy, Step, Terms};
use crate::failure::FailureClass;
use crate::payment::Scheme;

/// The day on which grace ends and delivery is restricted.
const GRACE_ENDS: u16 = 21;

const DEBIT: &[Scheme] = &[Scheme::DirectDebit];
const CARD: &[Scheme] = &[Scheme::Card];
const COLLECTED: &[Scheme] = &[Scheme::DirectDebit, Scheme::Card];
const TRANSFER: &[Scheme] = &[Scheme::BankTransfer];
const ALL: &[Scheme] = &[];
const FITTING: &[FailureClass] = &[];

/// Day, action, schemes, classes.
const TABLE: &[(u16, Action, &[Scheme], &[FailureClass])] = &[
    (1, Action::Retry, CARD, FITTING),
    (1, Action::Reminder, DEBIT, FITTING),
    (1, Action::AskDetails, ALL, &[FailureClass::WrongDetails]),
    (1, Action::ExplainStop, ALL, &[FailureClass::Paused]),
    (1, Action::Contact, ALL, &[FailureClass::Objection]),
    (1, Action::OfferOneOff, DEBIT, FITTING),
    (3, Action::Retry, CARD, FITTING),
    (3, Action::FriendlyReminder, TRANSFER, FITTING),
    (6, Action::Retry, DEBIT, FITTING),
    (7, Action::Retry, CARD, FITTING),
    (10, Action::SecondReminder, TRANSFER, FITTING),
    (14, Action::Retry, COLLECTED, FITTING),
    (14, Action::FinalNotice, TRANSFER, FITTING),
    (15, Action::AskDetails, COLLECTED, FITTING),
    (15, Action::OfferOneOff, COLLECTED, FITTING),
    (GRACE_ENDS, Action::Restrict, ALL, FITTING),
    (30, Action::Suspend, ALL, FITTING),
    (60, Action::Cancel, ALL, FITTING),
    (60, Action::ProposeWriteOff, ALL, FITTING),
];

impl Policy {
    /// The built-in policy: delivery goes on in grace until day 21.
    #[must_use]
    pub fn goodwill() -> Self {
        built_in(Delivery::Goodwill { until_day: GRACE_ENDS })
    }

    /// The built-in policy, but delivery stops at once.
    #[must_use]
    pub fn strict() -> Self {
        built_in(Delivery::Strict)
    }
}

fn built_in(delivery: Delivery) -> Policy {
    let step = |(day, action, schemes, classes): &(u16, Action, &[Scheme], &[FailureClass])| Step {
        day: *day,
        action: *action,
        schemes: schemes.to_vec(),
        classes: classes.to_vec(),
    };
    let terms = Terms {
        delivery,
        steps: TABLE.iter().map(step).collect(),
        pay_days: Vec::new(),
        minimums: Vec::new(),
        late_fee: None,
        more_retries: false,
    };
    Policy { terms }
}
