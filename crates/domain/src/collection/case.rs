//! What a collection's policy is asked about.

use super::{Collection, Situation};
use crate::date::Date;
use crate::dunning::{Action, Case, StepKey};

impl Collection {
    /// The failure that the policy is asked about; nothing while too little is owed.
    #[must_use]
    pub fn case(&self, situation: &Situation<'_>) -> Option<Case> {
        let scheme = self.scheme?;
        let day_zero = self.day_zero.filter(|_| !self.waits_for_more())?;
        Some(Case {
            last_attempt_on: self.last_attempt_on,
            frozen: situation.frozen.to_vec(),
            may_be_charged: self.may_be_charged(situation),
            ..Case::new(scheme, self.class(), day_zero)
        })
    }

    /// Whether a late fee may still be charged for it: once, also when it has begun anew since, or is
    /// paid in a way whose fee has another day. What a person passed over counts as charged.
    #[must_use]
    pub fn may_be_charged(&self, situation: &Situation<'_>) -> bool {
        let charged = |(_, key): &(Date, StepKey)| key.action == Action::ChargeLateFee;
        !situation.is_spared
            && situation.policy.late_fee(self.currency).is_some()
            && !situation.done.iter().any(charged)
    }
}
