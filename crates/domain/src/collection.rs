//! Collections: what is being done about an invoice that is to be paid.
//!
//! Purpose: from the finalization of an invoice until nothing of it is open, one value says what
//! happens next by itself, when and why: the retry queue that people read.
//!
//! Invariants: a pure function of the collection, the policy, the way of paying and the day; looking
//! at it again decides the same. At most one attempt at a time. Nothing stays silently open: what
//! does nothing by itself any more is listed for a person. New details are good for one attempt.
//!
//! Deliberately absent: the steps of the policy ([`crate::dunning`]), what answers of a gateway mean
//! for an attempt ([`crate::payment::attempt`]), what missing money does to delivery
//! ([`crate::entitlement`]).

mod case;
mod count;
mod resend;
mod returned;
mod skip;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::Outcome;
use crate::code::codes;
use crate::date::{self, Date};
use crate::dunning::{Action, Case, Moment, Planned, Policy, StepKey};
use crate::failure::{self, FailureClass};
use crate::id::{CustomerId, DunningPolicyId, InvoiceId, PaymentMethodId};
use crate::money::{Currency, Money};
use crate::payment::Scheme;
use crate::payment::attempt::{AttemptState, Effect};
use crate::period::Period;

pub use self::skip::SkipRefused;

codes! {
    /// Where a collection stands.
    CollectionState {
        /// Something happens next by itself, at a known moment.
        Waiting = "waiting",
        /// An attempt is under way.
        UnderWay = "under_way",
        /// Nobody knows how an attempt ended; the gateway is asked.
        Unknown = "unknown",
        /// A person holds it.
        Held = "held",
        /// Nothing happens by itself any more: a person must look.
        Person = "person",
        /// Nothing is open.
        Closed = "closed",
    }
}

codes! {
    /// What happens next by itself.
    NextAction {
        /// The first attempt.
        Collect = "collect",
        /// Another attempt, by the policy.
        Retry = "retry",
        /// One attempt out of turn.
        Extra = "extra",
        /// The attempt that never left, again.
        Resend = "resend",
        /// A step of the policy.
        Step = "step",
        /// A hold ends.
        Release = "release",
    }
}

codes! {
    /// Why there is an attempt out of turn.
    Extra {
        /// New details came.
        NewDetails = "new_details",
        /// A person asked for it.
        ByHand = "by_hand",
    }
}

/// What is being done about an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Which invoice.
    pub invoice_id: InvoiceId,
    /// Whose.
    pub customer_id: CustomerId,
    /// Its currency.
    pub currency: Currency,
    /// The date by which it is to be paid, and on which collecting begins.
    pub due_on: Date,
    /// Where it stands.
    pub state: CollectionState,
    /// The scheme of the last attempt, or under which the customer pays by itself.
    pub scheme: Option<Scheme>,
    /// The policy it follows; the built-in one when absent.
    pub policy_id: Option<DunningPolicyId>,
    /// The day from which the steps are counted.
    pub day_zero: Option<Date>,
    /// Why the last attempt failed, with the raw code.
    pub failure: Option<(FailureClass, String)>,
    /// How many attempts there were.
    pub attempts: i32,
    /// How many of the last ones never left.
    pub not_sent: i32,
    /// The day of the last attempt.
    pub last_attempt_on: Option<Date>,
    /// One attempt out of turn, whatever the policy says.
    pub extra: Option<Extra>,
    /// What happens next by itself, and when.
    pub next: Option<Next>,
    /// In words, for people.
    pub why: String,
    /// Who holds it, and until when.
    pub hold: Option<Hold>,
    /// The day on which it begins to count as overdue, while that is still to come: whatever else
    /// happens or does not, where its customer stands changes then.
    pub overdue_on: Option<Date>,
    /// Whether its customer owed less than the policy's minimum when it was planned.
    pub below_minimum: bool,
}

/// What happens next by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub action: NextAction,
}

/// A person holds a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who: the name of the key.
    pub by: String,
    /// First day on which it is no longer held; until it is released when absent.
    pub until: Option<Date>,
}

/// What is known besides the collection itself when it is decided what happens next.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The policy it follows.
    pub policy: &'a Policy,
    /// Whether anything of the invoice is open.
    pub is_open: bool,
    /// What its customer owes in its currency, on all invoices; looked at where the policy has a
    /// minimum.
    pub owed: Money,
    /// The attempt that may still bring money by itself.
    pub attempt: Option<AttemptState>,
    /// Whether the gateway is no longer asked about that attempt: only a person can find out.
    pub is_lost: bool,
    /// The customer's way of paying.
    pub method: Option<(PaymentMethodId, Scheme)>,
    /// Whether its customer is charged no late fee for it by itself
    /// ([`crate::dunning::LateFee::spares`]).
    pub is_spared: bool,
    /// Days that do not count, because the customer had paused.
    pub frozen: &'a [Period],
    /// Steps that were done, with their day zero.
    pub done: &'a [(Date, StepKey)],
    /// The present.
    pub now: DateTime<Utc>,
    /// The organization's zone.
    pub zone: Tz,
}

impl Situation<'_> {
    fn today(&self) -> Date {
        date::local(self.now, self.zone)
    }

    fn collectable(&self) -> Option<(PaymentMethodId, Scheme)> {
        self.method.filter(|(_, scheme)| *scheme != Scheme::BankTransfer)
    }
}

/// What is to be done now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// Collect, by this way of paying.
    pub attempt: Option<(PaymentMethodId, Scheme)>,
    /// These steps.
    pub steps: Vec<Planned>,
}

/// What comes of it, and when.
enum Course {
    Close,
    Rest(CollectionState, &'static str),
    Person(String),
    At(DateTime<Utc>, NextAction, String),
}

impl Collection {
    /// Of an invoice that was just finalized.
    #[must_use]
    pub fn of_invoice(
        invoice_id: InvoiceId,
        customer_id: CustomerId,
        currency: Currency,
        due_on: Date,
        zone: Tz,
    ) -> Self {
        Self {
            invoice_id,
            customer_id,
            currency,
            due_on,
            state: CollectionState::Waiting,
            scheme: None,
            policy_id: None,
            day_zero: None,
            failure: None,
            attempts: 0,
            not_sent: 0,
            last_attempt_on: None,
            extra: None,
            next: Some(Next { at: date::start_of_day(due_on, zone), action: NextAction::Collect }),
            why: "is to be paid on its due date".to_owned(),
            hold: None,
            overdue_on: None,
            below_minimum: false,
        }
    }

    /// Decides what happens next by itself.
    pub fn plan(&mut self, situation: &Situation<'_>) {
        self.begin(situation);
        self.measure(situation);
        let (state, next, why) = match self.course(situation) {
            Course::Close => (CollectionState::Closed, None, "nothing is open".to_owned()),
            Course::Rest(state, why) => (state, None, why.to_owned()),
            Course::Person(why) => (CollectionState::Person, None, why),
            Course::At(at, action, why) => {
                let held = action == NextAction::Release;
                let state = if held { CollectionState::Held } else { CollectionState::Waiting };
                (state, Some(Next { at, action }), why)
            }
        };
        (self.state, self.next, self.why) = (state, next, why);
        if state == CollectionState::Closed {
            self.hold = None;
            self.extra = None;
        }
        self.overdue_on = self.begins_on(situation);
    }

    /// What is to be done now; nothing when it is not yet time.
    #[must_use]
    pub fn due(&self, situation: &Situation<'_>) -> Due {
        let Some(next) = self.next.filter(|next| next.at <= situation.now) else {
            return Due::default();
        };
        let attempt = situation.collectable();
        match next.action {
            NextAction::Release => Due::default(),
            NextAction::Collect | NextAction::Extra | NextAction::Resend => {
                Due { attempt, steps: Vec::new() }
            }
            NextAction::Retry | NextAction::Step => {
                let Some(case) = self.case(situation) else { return Due::default() };
                let due = situation.policy.due(&case, &self.done(situation), situation.today());
                let retry = due.iter().any(|planned| planned.key.action == Action::Retry);
                let attempt = attempt.filter(|_| retry);
                // A retry for which there is nothing to collect from is passed over. A fee waits for
                // the answer to an attempt: it may bring the money.
                let waits = |action| matches!(action, Action::Retry | Action::ChargeLateFee);
                let steps =
                    due.into_iter().filter(|one| attempt.is_none() || !waits(one.key.action));
                Due { attempt, steps: steps.collect() }
            }
        }
    }

    /// What the customer pays by itself is late from its due date on.
    fn begin(&mut self, situation: &Situation<'_>) {
        let by_itself = situation.method.is_some_and(|(_, scheme)| scheme == Scheme::BankTransfer);
        if !by_itself || !situation.is_open || situation.today() < self.due_on {
            return;
        }
        if self.day_zero.is_none() {
            self.day_zero = Some(self.due_on);
        }
        if self.failure.is_none() {
            self.scheme = Some(Scheme::BankTransfer);
        }
    }

    fn course(&mut self, situation: &Situation<'_>) -> Course {
        let (now, zone, today) = (situation.now, situation.zone, situation.today());
        if !situation.is_open {
            return Course::Close;
        }
        if let Some(attempt) = situation.attempt {
            return match attempt {
                _ if situation.is_lost => Course::Person(
                    "nobody knows how the attempt ended, and the gateway does not say".to_owned(),
                ),
                AttemptState::Unknown => {
                    Course::Rest(CollectionState::Unknown, "nobody knows how the attempt ended")
                }
                _ => Course::Rest(CollectionState::UnderWay, "an attempt is under way"),
            };
        }
        match &self.hold {
            Some(Hold { until: Some(until), .. }) if *until <= today => self.hold = None,
            Some(Hold { by, until: Some(until) }) => {
                let at = date::start_of_day(*until, zone);
                return Course::At(at, NextAction::Release, format!("held by {by}"));
            }
            Some(Hold { .. }) => return Course::Rest(CollectionState::Held, "held until released"),
            None => {}
        }
        if situation.collectable().is_some() {
            if let Some(extra) = self.extra {
                let why = match extra {
                    Extra::NewDetails => "new details are tried once",
                    Extra::ByHand => "a person asked for it",
                };
                return Course::At(
                    self.kept(NextAction::Extra, now),
                    NextAction::Extra,
                    why.into(),
                );
            }
            if self.not_sent >= resend::MAX_NOT_SENT {
                return Course::Person("the gateway could not be reached".to_owned());
            }
            if self.not_sent > 0 {
                let why = "the attempt never left".to_owned();
                let at = self.kept(NextAction::Resend, now + resend::after(self.not_sent));
                return Course::At(at, NextAction::Resend, why);
            }
            if self.attempts == 0 && self.day_zero.is_none() {
                let at = date::start_of_day(self.due_on, zone);
                return Course::At(at, NextAction::Collect, "is collected when due".to_owned());
            }
        }
        self.follow(situation)
    }

    /// When something was to happen already, so that looking again does not put it off.
    fn kept(&self, action: NextAction, at: DateTime<Utc>) -> DateTime<Utc> {
        self.next.filter(|next| next.action == action).map_or(at, |next| next.at)
    }

    /// What the policy says.
    fn follow(&self, situation: &Situation<'_>) -> Course {
        let (zone, today) = (situation.zone, situation.today());
        if self.waits_for_more() {
            let minimum = situation.policy.minimum(self.currency);
            let of = minimum.map(|minimum| format!(" of {minimum}")).unwrap_or_default();
            return Course::Person(format!("less is owed than the policy's minimum{of}"));
        }
        let Some(case) = self.case(situation) else {
            if today < self.due_on {
                let at = date::start_of_day(self.due_on, zone);
                return Course::At(at, NextAction::Collect, "is to be paid on its due date".into());
            }
            let why = match situation.collectable() {
                Some(_) => "it is open, and nothing failed: the money went back, or was withdrawn",
                None => "there is no way of paying: set one",
            };
            return Course::Person(why.to_owned());
        };
        let done = self.done(situation);
        let Some(on) = situation.policy.next_on(&case, &done, today) else {
            return Course::Person(format!("nothing more is planned: {}", self.reason()));
        };
        let at = date::start_of_day(on, zone);
        let steps = situation.policy.due(&case, &done, on);
        let retries = steps.iter().any(|step| step.key.action == Action::Retry);
        if retries && situation.collectable().is_some() {
            let why = format!("attempt {} failed: {}", self.attempts, self.reason());
            return Course::At(at, NextAction::Retry, why);
        }
        let names: Vec<&str> = steps.iter().map(|step| step.key.action.as_str()).collect();
        Course::At(at, NextAction::Step, format!("{}: {}", self.reason(), names.join(", ")))
    }

    /// The steps that the policy would take next, on whatever day that is.
    #[must_use]
    pub fn next_steps(&self, situation: &Situation<'_>) -> Vec<StepKey> {
        let Some(case) = self.case(situation) else { return Vec::new() };
        let (done, today) = (self.done(situation), situation.today());
        let Some(on) = situation.policy.next_on(&case, &done, today) else { return Vec::new() };
        situation.policy.due(&case, &done, on).into_iter().map(|step| step.key).collect()
    }

    /// What is still to come of its policy when nothing is paid; nothing when nothing has failed.
    #[must_use]
    pub fn coming(&self, situation: &Situation<'_>) -> Vec<Moment> {
        let coming =
            |case: Case| situation.policy.coming(&case, &self.done(situation), situation.today());
        self.case(situation).map(coming).unwrap_or_default()
    }

    /// Why the money did not come. Without a failure it is a transfer that did not come in time,
    /// also while another way of paying is tried.
    #[must_use]
    pub fn class(&self) -> FailureClass {
        self.failure.as_ref().map_or(FailureClass::NoMoney, |(class, _)| *class)
    }

    /// The steps done since this day zero.
    fn done(&self, situation: &Situation<'_>) -> Vec<StepKey> {
        let done = situation.done.iter().filter(|(day_zero, _)| Some(*day_zero) == self.day_zero);
        done.map(|(_, key)| *key).collect()
    }

    fn reason(&self) -> String {
        match (&self.failure, self.scheme) {
            (Some((_, code)), Some(scheme)) => failure::reason(scheme, code).text_en.to_owned(),
            _ => "it was not paid".to_owned(),
        }
    }

    /// An attempt is committed.
    pub fn attempted(&mut self, scheme: Scheme, today: Date) {
        self.scheme = Some(scheme);
        self.attempts = self.attempts.saturating_add(1);
        self.last_attempt_on = Some(today);
        self.extra = None;
        self.state = CollectionState::UnderWay;
        self.next = None;
        self.why = "an attempt is under way".to_owned();
    }

    /// What an answer of the gateway changes.
    pub fn answered(&mut self, effect: &Effect, class: Option<FailureClass>, today: Date) {
        match effect {
            Effect::Failed { code, .. } => {
                self.not_sent = 0;
                self.failed(code, class, today, false);
            }
            Effect::Bounced { code, on, .. } => {
                self.not_sent = 0;
                self.failed(code, class, *on, true);
            }
            Effect::NotSent => self.not_sent = self.not_sent.saturating_add(1),
            Effect::Accepted | Effect::Settled { .. } => self.not_sent = 0,
            Effect::Cancelled { .. } | Effect::Unknown | Effect::Lost => {}
        }
    }

    /// Day zero is that of the first failure that starts it; a bounce begins anew. Technical trouble
    /// on the way changes neither day zero nor class ([`crate::dunning::course`]).
    fn failed(&mut self, code: &str, class: Option<FailureClass>, on: Date, bounced: bool) {
        let class = class.unwrap_or(FailureClass::Unknown);
        let started = match &self.failure {
            Some((class, _)) => Some(class.starts_overdue()),
            // A transfer that did not come in time had started it.
            None => self.day_zero.map(|_| true),
        };
        let begins = match started {
            None => true,
            Some(started) => bounced || (!started && class.starts_overdue()),
        };
        if begins {
            self.day_zero = Some(on);
        }
        if begins || started == Some(class.starts_overdue()) {
            self.failure = Some((class, code.to_owned()));
        }
    }

    /// One attempt out of turn: at once by hand; for new details if something had failed or is late,
    /// or may still fail with the old ones.
    pub fn rearm(&mut self, extra: Extra) -> Outcome<()> {
        use CollectionState as S;
        let late = self.failure.is_some() || self.day_zero.is_some();
        let wanted = extra == Extra::ByHand
            || late
            || matches!(self.state, S::Person | S::UnderWay | S::Unknown);
        if self.state == CollectionState::Closed || !wanted || self.extra.is_some() {
            return Outcome::Unchanged;
        }
        self.extra = Some(extra);
        self.not_sent = 0;
        Outcome::Applied(())
    }
}

#[cfg(test)]
#[path = "collection_tests.rs"]
mod tests;
