//! That the vendor issues an investor's invoices.
//!
//! Invariants: of several agreements the one that was signed last counts, also when it has ended.

use crate::date::{self, Date};
use crate::id::{AgreementId, CustomerId};
use crate::investment::Acceptance;
use crate::numbering::{self, PatternRefused};

/// After how many days without a word a document may be accepted at most.
pub const MAX_SILENT_DAYS: u32 = 90;

/// That the vendor issues an investor's invoices (Directive 2006/112/EC art. 224).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Identity.
    pub id: AgreementId,
    /// Whose invoices.
    pub investor_id: CustomerId,
    /// From this day on.
    pub signed_on: Date,
    /// The day after the last; nothing: until another one is signed.
    pub valid_until: Option<Date>,
    /// How the investor agrees with each document.
    pub acceptance: Acceptance,
    /// After how many days without a word it does, where silence is enough: 1 to 90.
    pub silent_days: Option<u32>,
    /// Before the numbers of its documents.
    pub number_prefix: String,
}

/// Why an agreement is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgreementRefused {
    /// Nobody has signed in the future.
    #[error("{given} has not come yet: expected {today} or earlier")]
    NotSigned {
        /// What was given.
        given: Date,
        /// The organization's date.
        today: Date,
    },
    /// It ends before it begins.
    #[error("{given} is not possible: expected a day after {signed_on}")]
    Ends {
        /// What was given.
        given: Date,
        /// When it was signed.
        signed_on: Date,
    },
    /// Silence has no days, or days have no silence.
    #[error("expected 1 to {MAX_SILENT_DAYS} days where silence is enough, and none elsewhere")]
    SilentDays,
    /// The numbers would not be told apart.
    #[error(transparent)]
    Prefix(#[from] PatternRefused),
}

impl AgreementRefused {
    /// The field that is wrong.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::NotSigned { .. } => "signed_on",
            Self::Ends { .. } => "valid_until",
            Self::SilentDays => "silent_days",
            Self::Prefix(_) => "number_prefix",
        }
    }
}

impl Agreement {
    /// Whether it can be signed so.
    ///
    /// # Errors
    /// [`AgreementRefused`].
    pub fn check(&self, today: Date) -> Result<(), AgreementRefused> {
        let signed_on = self.signed_on;
        if signed_on > today {
            return Err(AgreementRefused::NotSigned { given: signed_on, today });
        }
        if let Some(given) = self.valid_until.filter(|until| *until <= signed_on) {
            return Err(AgreementRefused::Ends { given, signed_on });
        }
        let fits = match (self.acceptance, self.silent_days) {
            (Acceptance::Explicit, days) => days.is_none(),
            (Acceptance::Silent, days) => {
                days.is_some_and(|days| (1..=MAX_SILENT_DAYS).contains(&days))
            }
        };
        if !fits {
            return Err(AgreementRefused::SilentDays);
        }
        numbering::prefix(&self.number_prefix)?;
        Ok(())
    }

    /// The day from which silence about a document is agreement; nothing where it has to be said.
    #[must_use]
    pub fn accepts_on(&self, issue_on: Date) -> Option<Date> {
        self.silent_days.map(|days| date::add_days(issue_on, i64::from(days)))
    }
}

/// The agreement of an investor that is in force on a day; `agreements` are all of that investor.
#[must_use]
pub fn in_force<'a>(
    agreements: impl IntoIterator<Item = &'a Agreement>,
    on: Date,
) -> Option<&'a Agreement> {
    let signed = agreements.into_iter().filter(|one| one.signed_on <= on);
    let last = signed.max_by_key(|one| one.signed_on);
    last.filter(|one| one.valid_until.is_none_or(|until| on < until))
}

#[cfg(test)]
#[path = "agreement_tests.rs"]
mod tests;
