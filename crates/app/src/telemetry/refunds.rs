//! Refunds that gateways carry out, as metrics.
//!
//! Invariants: gauges are read from the database and hold for the whole installation; counters count
//! what this process learnt. Both are of live organizations.
//!
//! Deliberately absent: money that people pay back by themselves; it is on its way nowhere.

use std::collections::BTreeMap;

use domain::organization::OrgKind;
use domain::payment::refund::RefundEffect;
use metrics::{counter, gauge};
use store::Tx;

use super::amount;
use crate::error::Error;

/// Refunds that are not at their end.
pub const REFUNDS: &str = "recoup_refunds";
/// What came of refunds.
pub const REFUND_OUTCOMES: &str = "recoup_refunds_total";

/// Where a refund can stand that is not at its end.
const STATES: [&str; 4] = ["submitting", "accepted", "unknown", "lost"];
/// What can come of a refund, one after the other.
const OUTCOMES: [&str; 5] = ["accepted", "settled", "declined", "unknown", "lost"];

fn outcome(effect: &RefundEffect) -> &'static str {
    match effect {
        RefundEffect::Accepted => "accepted",
        RefundEffect::Settled { .. } => "settled",
        RefundEffect::Declined => "declined",
        RefundEffect::Unknown => "unknown",
        RefundEffect::Lost => "lost",
    }
}

/// Makes every series of the counter, so that the first increase is seen as one.
pub(super) fn begin() {
    for outcome in OUTCOMES {
        counter!(REFUND_OUTCOMES, "outcome" => outcome).increment(0);
    }
}

/// Counts what answers brought about.
pub(crate) fn answered(kind: OrgKind, effects: &[RefundEffect]) {
    if kind == OrgKind::Live {
        for effect in effects {
            counter!(REFUND_OUTCOMES, "outcome" => outcome(effect)).increment(1);
        }
    }
}

/// The sum over organizations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refunding {
    states: BTreeMap<String, i64>,
}

impl Refunding {
    /// Adds an organization.
    pub(super) async fn add(&mut self, tx: &mut Tx) -> Result<(), Error> {
        for (state, refunds) in store::payment::open_refunds(tx).await? {
            *self.states.entry(state).or_default() += refunds;
        }
        Ok(())
    }

    /// Sets the gauges.
    pub(super) fn set(&self) {
        for state in STATES {
            let count = self.states.get(state).copied().unwrap_or_default();
            gauge!(REFUNDS, "state" => state).set(amount(count));
        }
    }
}
