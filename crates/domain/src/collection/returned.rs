//! Collections of invoices that are open again.
//!
//! Purpose: what follows when money that had paid an invoice goes back, other than by the bounce of
//! an attempt for it.
//!
//! Invariants: a new day zero, never before the due date; what was before it counts no more.
//!
//! Deliberately absent: bounces, which answers of gateways tell; where the money goes back from
//! ([`crate::payment::allocation`]).

use super::{Collection, CollectionState};
use crate::date::Date;
use crate::failure::FailureClass;
use crate::payment::Scheme;

/// Stands for the raw code of what was collected and went back without one.
const RETURNED: &str = "returned";

impl Collection {
    /// Money that had paid it went back, other than by a bounce of its attempt: it begins anew on
    /// that day, or, where it is not due yet, as if it had never been paid. `class` says why, if it
    /// was collected: what the customer paid by itself only did not come. What is not closed was
    /// open all the time, and goes on.
    pub fn went_back(
        &mut self,
        on: Date,
        today: Date,
        scheme: Option<Scheme>,
        class: Option<FailureClass>,
    ) {
        if self.state != CollectionState::Closed {
            return;
        }
        let is_due = today >= self.due_on;
        self.day_zero = is_due.then(|| on.max(self.due_on));
        self.failure = class.filter(|_| is_due).map(|class| (class, RETURNED.to_owned()));
        self.scheme = scheme.or(self.scheme).or(Some(Scheme::BankTransfer));
        self.not_sent = 0;
    }
}
