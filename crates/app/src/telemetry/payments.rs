//! Numbers of payments: the retry queue, what comes of attempts, what waits for a person.
//!
//! Purpose: gauges of live organizations together, read from the database; counters of what this
//! process submitted and was answered.
//!
//! Invariants: every label has a value at every refresh, and every counter from the start on. Money
//! that was recovered is a sum of payments, never counted on the way. A counter counts what is
//! committed.
//!
//! Deliberately absent: sandboxes, whose failures are somebody's play; revenue at risk, which is a
//! part of recurring revenue ([`super::MRR_AT_RISK`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use domain::collection::CollectionState;
use domain::date::{self, Date};
use domain::failure::{self, FailureClass};
use domain::money::Currency;
use domain::organization::OrgKind;
use domain::payment::Scheme;
use domain::payment::attempt::{Attempt, Effect};
use metrics::{counter, gauge};
use store::Tx;

use super::refunds::Refunding;
use super::{amount, major, oldest, seconds};
use crate::error::Error;

/// Invoices that are being collected.
pub const RETRIES: &str = "recoup_retries";
/// Those of which something is due.
pub const RETRIES_DUE: &str = "recoup_retries_due";
/// The oldest due moment of them.
pub const RETRIES_OLDEST_DUE: &str = "recoup_retries_oldest_due_timestamp_seconds";
/// What came of attempts.
pub const PAYMENT_ATTEMPTS: &str = "recoup_payment_attempts_total";
/// Why money did not come or went back.
pub const PAYMENT_FAILURES: &str = "recoup_payment_failures_total";
/// Codes that nobody knows.
pub const PAYMENT_UNKNOWN_CODES: &str = "recoup_payment_unknown_codes_total";
/// Money that came after all.
pub const PAYMENT_RECOVERED: &str = "recoup_payment_recovered_amount";
/// Payments of nobody.
pub const PAYMENT_UNMATCHED: &str = "recoup_payment_unmatched";
/// Documents that wait for their day.
pub const DRAFTS: &str = "recoup_drafts";

/// What can come of an attempt, one after the other.
const OUTCOMES: [&str; 9] = [
    SUBMITTED,
    "accepted",
    "settled",
    "declined",
    "bounced",
    "cancelled",
    "not_sent",
    "unknown",
    "lost",
];
const SUBMITTED: &str = "submitted";

/// Currencies that this process has shown: one in which nothing is recovered any more goes to zero.
static SHOWN: Mutex<BTreeSet<Currency>> = Mutex::new(BTreeSet::new());

fn outcome(effect: &Effect) -> &'static str {
    match effect {
        Effect::Accepted => "accepted",
        Effect::Settled { .. } => "settled",
        Effect::Failed { .. } => "declined",
        Effect::Bounced { .. } => "bounced",
        Effect::Cancelled { .. } => "cancelled",
        Effect::NotSent => "not_sent",
        Effect::Unknown => "unknown",
        Effect::Lost => "lost",
    }
}

/// Makes every series of the counters, so that the first increase is seen as one.
pub(super) fn begin() {
    for scheme in [Scheme::DirectDebit, Scheme::Card] {
        for outcome in OUTCOMES {
            let labels = [("scheme", scheme.as_str()), ("outcome", outcome)];
            counter!(PAYMENT_ATTEMPTS, &labels).increment(0);
        }
    }
    for class in FailureClass::ALL {
        counter!(PAYMENT_FAILURES, "class" => class.as_str()).increment(0);
    }
    counter!(PAYMENT_UNKNOWN_CODES).increment(0);
}

/// Counts attempts that are about to be submitted.
pub(crate) fn submitted(kind: OrgKind, attempts: &[Attempt]) {
    if kind == OrgKind::Live {
        for attempt in attempts {
            count(attempt.scheme, SUBMITTED);
        }
    }
}

/// Counts what an answer brought about.
pub(crate) fn answered(kind: OrgKind, attempt: &Attempt, effect: &Effect) {
    if kind != OrgKind::Live {
        return;
    }
    count(attempt.scheme, outcome(effect));
    if let Effect::Failed { code, .. } | Effect::Bounced { code, .. } = effect {
        let class = failure::reason(attempt.scheme, code).class;
        counter!(PAYMENT_FAILURES, "class" => class.as_str()).increment(1);
        if class == FailureClass::Unknown {
            counter!(PAYMENT_UNKNOWN_CODES).increment(1);
        }
    }
}

fn count(scheme: Scheme, outcome: &'static str) {
    let labels = [("scheme", scheme.as_str()), ("outcome", outcome)];
    counter!(PAYMENT_ATTEMPTS, &labels).increment(1);
}

/// The sum over organizations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Collecting {
    states: BTreeMap<CollectionState, i64>,
    due: i64,
    oldest_due: Option<DateTime<Utc>>,
    recovered: BTreeMap<Currency, i64>,
    unmatched: i64,
    drafts: i64,
    refunding: Refunding,
}

impl Collecting {
    /// Adds an organization, whose date is `today`.
    pub(super) async fn add(
        &mut self,
        tx: &mut Tx,
        now: DateTime<Utc>,
        today: Date,
    ) -> Result<(), Error> {
        for depth in store::collection::depth(tx, now).await? {
            *self.states.entry(depth.state).or_default() += depth.collections;
            self.due += depth.due;
            self.oldest_due = oldest(self.oldest_due, depth.oldest_due);
        }
        let month = date::first_of_month(today);
        for sum in store::payment::recovered(tx, month, today).await? {
            *self.recovered.entry(sum.currency()).or_default() += sum.minor();
        }
        self.unmatched += store::payment::count_unmatched(tx).await?;
        self.drafts += store::draft::count_live(tx).await?;
        self.refunding.add(tx).await
    }

    /// Sets the gauges.
    pub(super) fn set(&self) {
        for state in CollectionState::ALL.iter().filter(|one| **one != CollectionState::Closed) {
            let count = self.states.get(state).copied().unwrap_or_default();
            gauge!(RETRIES, "state" => state.as_str()).set(amount(count));
        }
        gauge!(RETRIES_DUE).set(amount(self.due));
        gauge!(RETRIES_OLDEST_DUE).set(seconds(self.oldest_due));
        let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
        // The series exist before the first organization does.
        shown.insert(Currency::EUR);
        shown.extend(self.recovered.keys());
        for currency in shown.iter().copied() {
            let sum = self.recovered.get(&currency).copied().unwrap_or_default();
            gauge!(PAYMENT_RECOVERED, "currency" => currency.code()).set(major(sum, currency));
        }
        gauge!(PAYMENT_UNMATCHED).set(amount(self.unmatched));
        gauge!(DRAFTS).set(amount(self.drafts));
        self.refunding.set();
    }
}
