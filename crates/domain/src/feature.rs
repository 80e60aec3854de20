//! Features: what customers wish to have built, and what becomes of it.
//!
//! Purpose: where a feature stands, what may happen to it, which goes first, and whether it may be
//! invested in and sold.
//!
//! Invariants: a feature has a score from its acceptance on. Nothing is built that nobody has
//! funded, and nothing that is worth nothing to others. A feature has one currency: that of its
//! investments and its prices. Doing the same again changes nothing.
//!
//! Deliberately absent: the money of it ([`crate::investment`], [`crate::share`]).

use crate::Outcome;
use crate::code::codes;
use crate::date::Date;
use crate::id::{CustomerId, FeatureId, InvestmentId};
use crate::investment::Investment;
use crate::money::Currency;

codes! {
    /// Where a feature stands.
    FeatureState {
        /// Wished, not assessed yet.
        Submitted = "submitted",
        /// Assessed: of no value to others.
        Declined = "declined",
        /// Assessed and accepted: it waits, ordered by its score.
        Backlog = "backlog",
        /// An investment in it was paid: it goes before all that wait.
        Funded = "funded",
        /// It is being built.
        InDevelopment = "in_development",
        /// It is there.
        Released = "released",
        /// It is there no more.
        Retired = "retired",
    }
}

/// What is to be done goes first: what is paid for, then what waits, then what is to be assessed.
/// Of the same state the higher score goes first, then the older wish.
pub const WORK_ORDER: [FeatureState; 7] = [
    FeatureState::Funded,
    FeatureState::Backlog,
    FeatureState::Submitted,
    FeatureState::InDevelopment,
    FeatureState::Released,
    FeatureState::Retired,
    FeatureState::Declined,
];

/// The highest rating; the lowest is 1.
pub const MAX_RATING: u32 = 10;

/// A wish, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Identity.
    pub id: FeatureId,
    /// As people name it.
    pub title: String,
    /// What it is to do.
    pub description: String,
    /// Who wished it; nobody: the vendor itself.
    pub requested_by: Option<CustomerId>,
    /// Where it stands.
    pub state: FeatureState,
    /// What it is worth to others and what it takes; there once it is accepted.
    pub rating: Option<Rating>,
    /// How many other customers want it too.
    pub votes: u32,
    /// Why it was declined, or a remark of whoever assessed it.
    pub note: Option<String>,
    /// Of its prices and investments; nothing until there is one of them.
    pub currency: Option<Currency>,
    /// When it was wished.
    pub submitted_on: Date,
    /// When it was assessed, the last time.
    pub assessed_on: Option<Date>,
    /// Since when it is being built.
    pub started_on: Option<Date>,
    /// Since when it is there.
    pub released_on: Option<Date>,
    /// Since when it is there no more.
    pub retired_on: Option<Date>,
    /// Since when it is the vendor's alone: all investments in it were recouped.
    pub owned_on: Option<Date>,
}

/// What a feature is worth to others, and what it takes to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rating {
    /// Worth to other customers: 1 to 10.
    pub value: u32,
    /// What it takes to build: 1 to 10.
    pub complexity: u32,
}

/// What is said about a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assessment {
    /// It is worth something to others.
    Accept {
        /// What it is worth and what it takes.
        rating: Rating,
        /// A remark.
        note: Option<String>,
    },
    /// It is worth nothing to others.
    Decline {
        /// Why.
        reason: String,
    },
}

/// Why something does not happen to a feature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeatureRefused {
    /// No rating.
    #[error("{given} is not possible: expected 1 to {MAX_RATING}")]
    Rating {
        /// What was given.
        given: u32,
    },
    /// It was assessed otherwise.
    #[error("the wish is {state}: it is not assessed again")]
    AlreadyAssessed {
        /// Where it stands.
        state: FeatureState,
    },
    /// Who wished it does not count as another customer.
    #[error("the customer wished it itself: only votes of others count")]
    OwnWish,
    /// Nothing is to be done about it any more.
    #[error("the feature is {state}: it is too late for that")]
    Closed {
        /// Where it stands.
        state: FeatureState,
    },
    /// It is not known to be worth anything to others.
    #[error("the wish is {state}: expected one that was assessed and accepted")]
    NotAccepted {
        /// Where it stands.
        state: FeatureState,
    },
    /// Nobody has paid for it.
    #[error("the feature is {state}: nothing is built before an investment in it is paid")]
    NotFunded {
        /// Where it stands.
        state: FeatureState,
    },
    /// It is not being built.
    #[error("the feature is {state}: it is released after its development, so start that first")]
    NotInDevelopment {
        /// Where it stands.
        state: FeatureState,
    },
    /// Somebody is about to pay for it.
    #[error("investment {id} is neither paid nor withdrawn: withdraw it first")]
    InvestmentOpen {
        /// Which.
        id: InvestmentId,
    },
    /// What was paid for it went back.
    #[error(
        "the principal of investment {id} is to be paid again: have it paid, or withdraw the \
         investment, first"
    )]
    PrincipalOpen {
        /// Of which.
        id: InvestmentId,
    },
    /// It cannot be sold.
    #[error(
        "the feature is {state}: it is sold once an investment in it is paid, until it retires"
    )]
    NotForSale {
        /// Where it stands.
        state: FeatureState,
    },
    /// An investor has not agreed that it is sold to others.
    #[error("the investor of investment {id} has not consented to its sale to others")]
    ConsentMissing {
        /// Whose consent.
        id: InvestmentId,
    },
    /// All its money is of one currency.
    #[error("the feature is invested in and sold in {currency}: {given} does not go with it")]
    CurrencyDiffers {
        /// Its currency.
        currency: Currency,
        /// What was given.
        given: Currency,
    },
}

impl FeatureRefused {
    /// The stable name of the refusal.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Rating { .. } => "RATING",
            Self::AlreadyAssessed { .. } => "ALREADY_ASSESSED",
            Self::OwnWish => "OWN_WISH",
            Self::Closed { .. } => "FEATURE_CLOSED",
            Self::NotAccepted { .. } => "FEATURE_NOT_ACCEPTED",
            Self::NotFunded { .. } => "FEATURE_NOT_FUNDED",
            Self::NotInDevelopment { .. } => "NOT_IN_DEVELOPMENT",
            Self::InvestmentOpen { .. } => "INVESTMENT_OPEN",
            Self::PrincipalOpen { .. } => "PRINCIPAL_OPEN",
            Self::NotForSale { .. } => "FEATURE_NOT_FOR_SALE",
            Self::ConsentMissing { .. } => "CONSENT_MISSING",
            Self::CurrencyDiffers { .. } => "CURRENCY_DIFFERS",
        }
    }
}

impl Rating {
    /// A rating of numbers that are possible.
    ///
    /// # Errors
    /// The name of the number, and [`FeatureRefused::Rating`].
    pub fn new(value: u32, complexity: u32) -> Result<Self, (&'static str, FeatureRefused)> {
        for (name, given) in [("value", value), ("complexity", complexity)] {
            if !(1..=MAX_RATING).contains(&given) {
                return Err((name, FeatureRefused::Rating { given }));
            }
        }
        Ok(Self { value, complexity })
    }

    /// `100 x (value + votes) / complexity`, rounded half up.
    #[must_use]
    pub fn score(&self, votes: u32) -> u32 {
        let (dividend, divisor) =
            (100 * (u64::from(self.value) + u64::from(votes)), u64::from(self.complexity.max(1)));
        u32::try_from((2 * dividend + divisor) / (2 * divisor)).unwrap_or(u32::MAX)
    }
}

impl Feature {
    /// What decides which goes first; nothing before it is accepted.
    #[must_use]
    pub fn score(&self) -> Option<u32> {
        self.rating.map(|rating| rating.score(self.votes))
    }

    /// Says whether it is worth anything to others. While it waits, its rating may be bettered.
    ///
    /// # Errors
    /// [`FeatureRefused::AlreadyAssessed`].
    pub fn assess(
        &mut self,
        assessment: Assessment,
        today: Date,
    ) -> Result<Outcome<()>, FeatureRefused> {
        let state = self.state;
        let refused = Err(FeatureRefused::AlreadyAssessed { state });
        let (to, rating, note) = match (state, assessment) {
            (
                FeatureState::Submitted | FeatureState::Backlog,
                Assessment::Accept { rating, note },
            ) => (FeatureState::Backlog, Some(rating), note),
            (FeatureState::Submitted | FeatureState::Declined, Assessment::Decline { reason }) => {
                (FeatureState::Declined, None, Some(reason))
            }
            _ => return refused,
        };
        if (to, rating) == (state, self.rating) && note == self.note {
            return Ok(Outcome::Unchanged);
        }
        if state == FeatureState::Declined {
            return refused;
        }
        (self.state, self.rating, self.note) = (to, rating, note);
        self.assessed_on = Some(today);
        Ok(Outcome::Applied(()))
    }

    /// Whether a customer may say that it wants it too.
    ///
    /// # Errors
    /// [`FeatureRefused::OwnWish`], [`FeatureRefused::Closed`].
    pub fn check_vote(&self, customer: CustomerId) -> Result<(), FeatureRefused> {
        match self.state {
            FeatureState::Declined | FeatureState::Released | FeatureState::Retired => {
                Err(FeatureRefused::Closed { state: self.state })
            }
            _ if self.requested_by == Some(customer) => Err(FeatureRefused::OwnWish),
            _ => Ok(()),
        }
    }

    /// Counts a vote of another customer.
    pub fn count_vote(&mut self) {
        self.votes = self.votes.saturating_add(1);
    }

    /// An investment in it was paid.
    pub fn fund(&mut self) -> Outcome<()> {
        if self.state != FeatureState::Backlog {
            return Outcome::Unchanged;
        }
        self.state = FeatureState::Funded;
        Outcome::Applied(())
    }

    /// Its development begins.
    ///
    /// # Errors
    /// [`FeatureRefused::NotFunded`], [`FeatureRefused::Closed`].
    pub fn start(&mut self, today: Date) -> Result<Outcome<()>, FeatureRefused> {
        let state = self.state;
        match state {
            FeatureState::Funded => {
                self.state = FeatureState::InDevelopment;
                self.started_on = Some(today);
                Ok(Outcome::Applied(()))
            }
            FeatureState::InDevelopment => Ok(Outcome::Unchanged),
            FeatureState::Submitted | FeatureState::Backlog => {
                Err(FeatureRefused::NotFunded { state })
            }
            FeatureState::Declined | FeatureState::Released | FeatureState::Retired => {
                Err(FeatureRefused::Closed { state })
            }
        }
    }

    /// It is there from today on.
    ///
    /// # Errors
    /// [`FeatureRefused::NotFunded`], [`FeatureRefused::NotInDevelopment`],
    /// [`FeatureRefused::Closed`].
    pub fn release(&mut self, today: Date) -> Result<Outcome<()>, FeatureRefused> {
        let state = self.state;
        match state {
            FeatureState::InDevelopment => {
                self.state = FeatureState::Released;
                self.released_on = Some(today);
                Ok(Outcome::Applied(()))
            }
            FeatureState::Released => Ok(Outcome::Unchanged),
            FeatureState::Submitted | FeatureState::Backlog => {
                Err(FeatureRefused::NotFunded { state })
            }
            FeatureState::Funded => Err(FeatureRefused::NotInDevelopment { state }),
            FeatureState::Declined | FeatureState::Retired => Err(FeatureRefused::Closed { state }),
        }
    }

    /// Nobody funds it any more: its last investment was given up because its money went back. What
    /// is being built or is there stays so.
    pub fn lose_funding(&mut self, investments: &[Investment]) -> Outcome<()> {
        let is_funded = investments.iter().any(|one| one.funded_on.is_some());
        if self.state != FeatureState::Funded || is_funded {
            return Outcome::Unchanged;
        }
        self.state = FeatureState::Backlog;
        Outcome::Applied(())
    }

    /// It is there no more from today on. `investments` are those in it, `unpaid` those of them whose
    /// principal is to be paid.
    ///
    /// # Errors
    /// [`FeatureRefused::NotAccepted`], [`FeatureRefused::InvestmentOpen`],
    /// [`FeatureRefused::PrincipalOpen`].
    pub fn retire(
        &mut self,
        investments: &[Investment],
        unpaid: &[InvestmentId],
        today: Date,
    ) -> Result<Outcome<()>, FeatureRefused> {
        let state = self.state;
        match state {
            FeatureState::Retired => return Ok(Outcome::Unchanged),
            FeatureState::Submitted | FeatureState::Declined => {
                return Err(FeatureRefused::NotAccepted { state });
            }
            _ => {}
        }
        if let Some(open) = investments.iter().find(|one| one.is_open()) {
            return Err(FeatureRefused::InvestmentOpen { id: open.id });
        }
        if let Some(id) = unpaid.first() {
            return Err(FeatureRefused::PrincipalOpen { id: *id });
        }
        self.state = FeatureState::Retired;
        self.retired_on = Some(today);
        Ok(Outcome::Applied(()))
    }

    /// Whether it may be invested in.
    ///
    /// # Errors
    /// [`FeatureRefused::NotAccepted`], [`FeatureRefused::Closed`].
    pub fn check_investment(&self) -> Result<(), FeatureRefused> {
        match self.state {
            FeatureState::Submitted => Err(FeatureRefused::NotAccepted { state: self.state }),
            FeatureState::Declined | FeatureState::Retired => {
                Err(FeatureRefused::Closed { state: self.state })
            }
            _ => Ok(()),
        }
    }

    /// Whether it may be sold to those who did not pay for it; `investments` are those in it.
    ///
    /// # Errors
    /// [`FeatureRefused::NotForSale`], [`FeatureRefused::ConsentMissing`].
    pub fn check_sale(&self, investments: &[Investment]) -> Result<(), FeatureRefused> {
        match self.state {
            FeatureState::Funded | FeatureState::InDevelopment | FeatureState::Released => {}
            state => return Err(FeatureRefused::NotForSale { state }),
        }
        let unwilling = |one: &&Investment| one.is_binding() && one.consent_on.is_none();
        match investments.iter().find(unwilling) {
            Some(one) => Err(FeatureRefused::ConsentMissing { id: one.id }),
            None => Ok(()),
        }
    }

    /// Its money is of this currency from now on.
    ///
    /// # Errors
    /// [`FeatureRefused::CurrencyDiffers`].
    pub fn settle_on(&mut self, given: Currency) -> Result<Outcome<()>, FeatureRefused> {
        match self.currency {
            None => {
                self.currency = Some(given);
                Ok(Outcome::Applied(()))
            }
            Some(currency) if currency == given => Ok(Outcome::Unchanged),
            Some(currency) => Err(FeatureRefused::CurrencyDiffers { currency, given }),
        }
    }

    /// Its last investment was given up: any currency will do again, unless it `is_sold` already.
    pub fn free_currency(&mut self, investments: &[Investment], is_sold: bool) -> Outcome<()> {
        if self.currency.is_none() || is_sold || investments.iter().any(|one| !one.is_withdrawn()) {
            return Outcome::Unchanged;
        }
        self.currency = None;
        Outcome::Applied(())
    }
}

#[cfg(test)]
#[path = "feature_tests.rs"]
pub(crate) mod tests;
