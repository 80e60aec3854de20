//! Dunning: what follows when money does not come, day by day.
//!
//! Purpose: a policy is a list of steps, each a number of days after the first failure (day 0)
//! with an action, for some schemes and classes; and what missing money does to delivery
//! meanwhile.
//!
//! Invariants: a [`Policy`] is checked when it is made and never changes: steps in order of day,
//! restrict before suspend before cancel, nothing retried that may not be, no more retries than
//! schemes bear. It counts days that no pause has frozen.
//!
//! Deliberately absent: texts of reminders; executing a step; where a customer's cases are stored.

mod builtin;
mod late_fee;
mod overdue;
mod plan;
mod refused;

use crate::code::codes;
use crate::failure::FailureClass;
use crate::money::{Currency, Money};
use crate::payment::Scheme;

pub use late_fee::{LateFee, MAX_LATE_FEES, description as late_fee_description};
pub use overdue::{Degree, Moment, OpenCase, Overdue, overdue};
pub use plan::{Case, Course, Failure, Planned, StepKey, course};
pub use refused::PolicyRefused;

/// The most steps of a policy: more than one a week in a year is no plan anybody can follow.
pub const MAX_STEPS: usize = 60;
/// The last day of a policy: what is open for longer than a year is a case for a person.
pub const MAX_DAY: u16 = 365;
/// The most retries of a direct debit: banks and customers bear no more.
pub const MAX_DEBIT_RETRIES: usize = 2;
/// The most retries of a card, unless a policy asks for more.
pub const MAX_CARD_RETRIES: usize = 4;
/// The most retries of a card where a policy asks for more: what card networks bear in a month.
pub const MAX_MORE_RETRIES: usize = 15;
/// The most currencies with a minimum.
pub const MAX_MINIMUMS: usize = 20;

codes! {
    /// What a step does. The order is that in which steps of one day are taken.
    Action {
        /// Collects again.
        Retry = "retry",
        /// Reminds, friendly.
        FriendlyReminder = "friendly_reminder",
        /// Reminds.
        Reminder = "reminder",
        /// Reminds for the second time.
        SecondReminder = "second_reminder",
        /// Reminds for the last time, and says what follows.
        FinalNotice = "final_notice",
        /// Asks for other payment details.
        AskDetails = "ask_details",
        /// Explains that the account holder has stopped collections, and how to lift that.
        ExplainStop = "explain_stop",
        /// Contacts the customer about its objection.
        Contact = "contact",
        /// Offers a payment outside the mandate.
        OfferOneOff = "offer_one_off",
        /// Charges the policy's late fee, once per invoice, to those who may be charged one.
        ChargeLateFee = "charge_late_fee",
        /// Read only from here.
        Restrict = "restrict",
        /// No delivery from here, no new invoices.
        Suspend = "suspend",
        /// Ends the subscription.
        Cancel = "cancel",
        /// Proposes to a person to block the customer.
        ProposeBlock = "propose_block",
        /// Proposes to a person to write the invoice off.
        ProposeWriteOff = "propose_write_off",
        /// Puts the invoice on a person's list.
        ListForPerson = "list_for_person",
    }
}

impl Action {
    /// Whether it is a message of the ladder of reminders: of several missed ones only the last
    /// is sent.
    #[must_use]
    pub const fn is_reminder(self) -> bool {
        let ladder = [Self::FriendlyReminder, Self::Reminder, Self::SecondReminder];
        matches!(self, Self::FinalNotice) || is_one_of(self, ladder)
    }

    /// Whether it takes something away from delivery.
    #[must_use]
    pub const fn is_degree(self) -> bool {
        is_one_of(self, [Self::Restrict, Self::Suspend, Self::Cancel])
    }

    /// Whether it puts the case before a person.
    #[must_use]
    pub const fn needs_person(self) -> bool {
        is_one_of(self, [Self::ProposeBlock, Self::ProposeWriteOff, Self::ListForPerson])
    }

    /// Actions of which only the last counts when several were missed.
    const fn supersedes(self, other: Self) -> bool {
        self as u8 == other as u8
            || (self.is_reminder() && other.is_reminder())
            || (self.is_degree() && other.is_degree())
    }
}

const fn is_one_of(action: Action, of: [Action; 3]) -> bool {
    let action = action as u8;
    action == of[0] as u8 || action == of[1] as u8 || action == of[2] as u8
}

/// One step of a policy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Step {
    /// How many days after the first failure.
    pub day: u16,
    /// What is done.
    pub action: Action,
    /// For which ways of paying; empty for all that it makes sense for.
    #[serde(default)]
    pub schemes: Vec<Scheme>,
    /// For which classes; empty for those that the action fits by the rules of
    /// [`Step::applies`].
    #[serde(default)]
    pub classes: Vec<FailureClass>,
}

impl Step {
    /// Whether the step is taken for a scheme and a class. A step that names classes is taken for
    /// those. One that names none is taken
    /// - for `no_money` and `unknown` always (of `unknown`, [`Policy::plan`] keeps one retry);
    /// - for `wrong_details` and `paused` unless it is a retry;
    /// - for `objection` when it restricts or suspends;
    /// - for the others never: their day 0 does not start.
    #[must_use]
    pub fn applies(&self, scheme: Scheme, class: FailureClass) -> bool {
        let collects = self.action == Action::Retry;
        if (collects && scheme == Scheme::BankTransfer)
            || !(self.schemes.is_empty() || self.schemes.contains(&scheme))
        {
            return false;
        }
        match class {
            _ if !self.classes.is_empty() => self.classes.contains(&class),
            FailureClass::NoMoney | FailureClass::Unknown => true,
            FailureClass::WrongDetails | FailureClass::Paused => !collects,
            FailureClass::Objection => matches!(self.action, Action::Restrict | Action::Suspend),
            FailureClass::Compliance | FailureClass::Technical | FailureClass::OurFault => false,
        }
    }
}

/// What missing money does to delivery before the first restriction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Delivery goes on in grace.
    Goodwill {
        /// The first day without grace.
        until_day: u16,
    },
    /// Delivery stops on day 0.
    Strict,
}

/// What a policy says, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What happens to delivery.
    pub delivery: Delivery,
    /// The steps, in order of day.
    pub steps: Vec<Step>,
    /// Days of the month to which retries move; empty for none. A day that a month does not have
    /// is its last day.
    pub pay_days: Vec<u32>,
    /// Per currency, what a customer must owe at least for any step to be taken.
    pub minimums: Vec<Money>,
    /// What a step that charges a late fee charges; nothing where there is no such step.
    pub late_fee: Option<LateFee>,
    /// Whether cards may be tried more often than usual.
    pub more_retries: bool,
}

/// A checked policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    terms: Terms,
}

impl Policy {
    /// A policy of these terms.
    ///
    /// # Errors
    /// [`PolicyRefused`] names the first step or value that is not possible.
    pub fn new(terms: Terms) -> Result<Self, PolicyRefused> {
        refused::check(&terms)?;
        Ok(Self { terms })
    }

    /// What it says.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Whether a customer owes enough for steps to be taken. A currency without a minimum always
    /// does.
    #[must_use]
    pub fn is_dunned(&self, owed: Money) -> bool {
        let minimum = self.minimum(owed.currency());
        minimum.is_none_or(|minimum| owed.minor() >= minimum.minor())
    }

    /// What a step that charges a late fee charges in a currency.
    #[must_use]
    pub fn late_fee(&self, currency: Currency) -> Option<Money> {
        self.terms.late_fee.as_ref().and_then(|fee| fee.amount(currency))
    }

    /// What a customer must owe at least in a currency.
    #[must_use]
    pub fn minimum(&self, currency: Currency) -> Option<Money> {
        self.terms.minimums.iter().find(|minimum| minimum.currency() == currency).copied()
    }
}

#[cfg(test)]
#[path = "dunning/coming_tests.rs"]
mod coming_tests;
#[cfg(test)]
#[path = "dunning/late_fee_tests.rs"]
mod late_fee_tests;
#[cfg(test)]
#[path = "dunning/property_tests.rs"]
mod property_tests;
#[cfg(test)]
#[path = "dunning/table_tests.rs"]
mod table_tests;
#[cfg(test)]
#[path = "dunning_tests.rs"]
mod tests;
