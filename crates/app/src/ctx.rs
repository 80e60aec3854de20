//! What a use case works with.
//!
//! Purpose: [`Ctx`] is the outside world (database, wall clock); [`Scope`] is one transaction of
//! one organization at one moment of that organization's clock.
//!
//! Invariants: a use case that writes takes a `&mut Scope` and does not commit; who opened the
//! scope commits it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::date::{self, Date};
use domain::id::OrgId;
use domain::organization::Organization;
use store::{Store, Tx};

use crate::clock::Clock;
use crate::error::{Error, Expect};

/// The outside world. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The database.
    pub store: Store,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
}

/// One transaction of one organization at one moment.
#[derive(Debug)]
pub struct Scope {
    /// The transaction.
    pub tx: Tx,
    /// The organization as the transaction saw it when it began.
    pub organization: Organization,
    /// The organization's present.
    pub now: DateTime<Utc>,
    /// The wall clock, for looking again.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Ctx {
    /// Opens a transaction of an organization. Dropping it rolls back.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the organization does not exist, [`Error::Unavailable`].
    pub async fn scope(&self, org: OrgId) -> Result<Scope, Error> {
        let mut tx = self.store.begin(org).await?;
        let organization =
            store::organization::get(&mut tx).await.or_missing("organization", org)?;
        let now = organization.now(self.clock.now());
        Ok(Scope { tx, organization, now, clock: Arc::clone(&self.clock) })
    }
}

impl Scope {
    /// The organization.
    #[must_use]
    pub fn org(&self) -> OrgId {
        self.organization.id
    }

    /// The organization's local date.
    #[must_use]
    pub fn today(&self) -> Date {
        date::local(self.now, self.organization.time_zone)
    }

    /// Looks at the organization and its clock again, after a lock that may have been waited for.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn refresh(&mut self) -> Result<(), Error> {
        self.organization = store::organization::get(&mut self.tx).await?;
        self.now = self.organization.now(self.clock.now());
        Ok(())
    }

    /// Commits.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; then it is not known whether it was committed.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.tx.commit().await?)
    }
}
