//! Reminders: the words to a customer whose money did not come.
//!
//! Purpose: for every step of a policy that tells the customer something, a subject and a plain text
//! in Dutch or English: what is open, since when, how to pay it, and what follows.
//!
//! Invariants: a pure function of the facts. It names no account but the vendor's own, and nothing
//! secret. Amounts and dates are written as on the printed page ([`crate::writing`]).
//!
//! The last notice to a consumer in the Netherlands is also the letter that the law asks for before
//! collection costs may be charged: it gives fourteen days, beginning on the day after the customer
//! received it, and names the amount of those costs. Sources: Burgerlijk Wetboek 6:96 lid 6; Hoge
//! Raad 25 November 2016, ECLI:NL:HR:2016:2704; `costs`.
//!
//! Deliberately absent: sending; which step is when ([`crate::dunning`]); charging those costs, which
//! a person decides.

mod costs;
mod dutch;
mod english;

use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::dunning::{Action, Case, Degree, Moment, Policy};
use crate::entitlement::Arrears;
use crate::failure::Reason;
use crate::money::Money;
use crate::organization::Language;
use crate::payment::Scheme;

pub use self::costs::collection_costs;

/// What a message tells.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The vendor's name.
    pub vendor: &'a str,
    /// Where it is asked.
    pub vendor_email: Option<&'a str>,
    /// Its account.
    pub vendor_iban: Option<&'a str>,
    /// The customer's name.
    pub customer: &'a str,
    /// The invoice's number.
    pub number: &'a str,
    /// When it was issued.
    pub issue_on: Date,
    /// When it was to be paid.
    pub due_on: Date,
    /// Its total.
    pub total: Money,
    /// What of it is open.
    pub open: Money,
    /// How it is paid.
    pub scheme: Scheme,
    /// Why it could not be collected; nothing where nothing was tried.
    pub reason: Option<Reason>,
    /// The reference and the amount of a payment by which the customer settles it.
    pub one_off: Option<(&'a str, Money)>,
    /// When it is collected again by itself.
    pub collects_on: Option<Date>,
    /// The late fee that is charged if it is not paid before a day, on that day.
    pub late_fee: Option<(Money, Date)>,
    /// What is taken away next, and when.
    pub follows: Option<(Consequence, Date)>,
    /// What may be charged to a consumer who does not pay after the last notice; nothing where no
    /// such law holds.
    pub costs: Option<Money>,
}

/// What is taken away from a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// Read only.
    Restricted,
    /// No delivery.
    Suspended,
    /// The end.
    Cancelled,
}

impl Consequence {
    /// What a policy takes away next, and when, if nothing is paid.
    #[must_use]
    pub fn next(policy: &Policy, case: &Case, today: Date) -> Option<(Self, Date)> {
        let now = policy.arrears_on(case, today);
        let is_cancelled = |on| policy.degree_on(case, on) == Degree::Cancelled;
        let worse = |moment: &Moment| match moment.arrears {
            _ if moment.degree == Degree::Cancelled && !is_cancelled(today) => {
                Some(Self::Cancelled)
            }
            Arrears::Stopped if now != Arrears::Stopped => Some(Self::Suspended),
            Arrears::Restricted if matches!(now, Arrears::None | Arrears::Grace { .. }) => {
                Some(Self::Restricted)
            }
            _ => None,
        };
        let coming = policy.timeline(case).into_iter().filter(|moment| moment.on > today);
        coming.into_iter().find_map(|moment| Some((worse(&moment)?, moment.on)))
    }
}

/// What is said to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The language it is in.
    pub language: Language,
    /// One line.
    pub subject: String,
    /// Plain text; paragraphs have an empty line between them.
    pub body: String,
}

/// A step that tells the customer something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letter {
    /// Reminds, friendly.
    Friendly,
    /// Reminds.
    Reminder,
    /// Reminds for the second time.
    Second,
    /// Reminds for the last time.
    Final,
    /// Asks for other details.
    Details,
    /// Explains how to lift a stop.
    Stopped,
    /// Speaks about an objection.
    Contact,
    /// Offers a payment outside the mandate.
    OneOff,
}

impl Letter {
    /// Every letter.
    pub const ALL: &'static [Self] = &[
        Self::Friendly,
        Self::Reminder,
        Self::Second,
        Self::Final,
        Self::Details,
        Self::Stopped,
        Self::Contact,
        Self::OneOff,
    ];

    /// The letter of a step, if the step tells the customer something.
    #[must_use]
    pub const fn of(action: Action) -> Option<Self> {
        match action {
            Action::FriendlyReminder => Some(Self::Friendly),
            Action::Reminder => Some(Self::Reminder),
            Action::SecondReminder => Some(Self::Second),
            Action::FinalNotice => Some(Self::Final),
            Action::AskDetails => Some(Self::Details),
            Action::ExplainStop => Some(Self::Stopped),
            Action::Contact => Some(Self::Contact),
            Action::OfferOneOff => Some(Self::OneOff),
            Action::Retry
            | Action::ChargeLateFee
            | Action::Restrict
            | Action::Suspend
            | Action::Cancel
            | Action::ProposeBlock
            | Action::ProposeWriteOff
            | Action::ListForPerson => None,
        }
    }

    /// Whether it asks for money, and so says under which reference to pay. Somebody who objects is
    /// asked to talk first.
    #[must_use]
    pub const fn asks_for_money(self) -> bool {
        !matches!(self, Self::Contact)
    }
}

/// The words of a letter.
#[must_use]
pub fn message(letter: Letter, facts: &Facts<'_>, language: Language) -> Message {
    let (subject, paragraphs) = match language {
        Language::Dutch => (dutch::subject(letter, facts), dutch::paragraphs(letter, facts)),
        Language::English => (english::subject(letter, facts), english::paragraphs(letter, facts)),
    };
    Message { language, subject, body: paragraphs.join("\n\n") }
}

#[cfg(test)]
#[path = "reminder_tests.rs"]
mod tests;
