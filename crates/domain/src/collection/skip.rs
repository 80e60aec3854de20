//! Passing over what would happen next by itself.

use super::{Collection, CollectionState, Situation};
use crate::dunning::StepKey;

/// Why nothing is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SkipRefused {
    /// Nothing happens next by itself.
    #[error("no step of the policy is next: there is nothing to pass over")]
    NothingNext,
    /// Nothing has failed or is late: no step of a policy would ever take the attempt's place.
    #[error(
        "nothing has failed yet, so no step of the policy would follow the attempt that is next: \
         hold it instead"
    )]
    NothingFailed,
}

impl Collection {
    /// Passes over what would happen next: an attempt out of turn, or the repeat of one that never
    /// left, after which the policy's next step stands; else the steps of the policy that are
    /// answered, which count as done.
    ///
    /// # Errors
    /// [`SkipRefused`].
    pub fn skip(&mut self, situation: &Situation<'_>) -> Result<Vec<StepKey>, SkipRefused> {
        let collectable = situation.collectable().is_some();
        if collectable && self.extra.take().is_some() {
            return Ok(Vec::new());
        }
        if !matches!(self.state, CollectionState::Waiting | CollectionState::Held) {
            return Err(SkipRefused::NothingNext);
        }
        if self.day_zero.is_none() {
            return Err(SkipRefused::NothingFailed);
        }
        if collectable && self.not_sent > 0 {
            self.not_sent = 0;
            return Ok(Vec::new());
        }
        let next = self.next_steps(situation);
        if next.is_empty() { Err(SkipRefused::NothingNext) } else { Ok(next) }
    }
}
