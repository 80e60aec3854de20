//! From when on the days of a collection count: not while too little is owed, not within a pause.

use super::{Collection, Situation};
use crate::date::Date;
use crate::dunning::Degree;

impl Collection {
    /// The day on which it begins to count as overdue, while that is still to come.
    pub(super) fn begins_on(&self, situation: &Situation<'_>) -> Option<Date> {
        let (case, today) = (self.case(situation)?, situation.today());
        let clear = situation.is_open && situation.policy.degree_on(&case, today) == Degree::Clear;
        clear.then(|| situation.policy.changes_on(&case, today)).flatten()
    }

    /// While less is owed than the policy's minimum nothing follows, and no day counts: they are
    /// counted from the day on which enough is owed.
    pub(super) fn measure(&mut self, situation: &Situation<'_>) {
        if !situation.is_open {
            return;
        }
        let below = !situation.policy.is_dunned(situation.owed);
        if self.waits_for_more() && !below {
            self.day_zero = Some(situation.today());
        }
        self.below_minimum = below;
    }

    /// Whether it has failed or is late, and too little is owed for anything to follow.
    #[must_use]
    pub fn waits_for_more(&self) -> bool {
        self.below_minimum && self.day_zero.is_some() && self.class().starts_overdue()
    }
}
