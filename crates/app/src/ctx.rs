//! What a use case works with.
//!
//! Purpose: [`Ctx`] is the outside world (database, wall clock, gateways, seal); [`Scope`] is one
//! transaction of one organization at one moment of that organization's clock.
//!
//! Invariants: a use case that writes takes a `&mut Scope` and does not commit; who opened the
//! scope commits it. What is announced is written last, in the same transaction: events have their
//! places in an order that is held to commit ([`store::event`]).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::customer::Customer;
use domain::date::{self, Date};
use domain::id::OrgId;
use domain::organization::{Language, Organization};
use store::event::Bell;
use store::{Store, Tx};

use crate::clock::Clock;
use crate::error::{Error, Expect};
use crate::event::News;
use crate::gateway::Gateways;
use crate::seal::Seal;

/// The outside world. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The database.
    pub store: Store,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Who moves money.
    pub gateways: Gateways,
    /// Seals what only processes with its key may read.
    pub seal: Seal,
    /// The name of this process, for people who look who works on what; empty for one that only
    /// answers calls.
    pub worker: Arc<str>,
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
    /// Seals what only processes with its key may read.
    pub seal: Seal,
    /// The wall clock, for looking again.
    pub(crate) clock: Arc<dyn Clock>,
    /// What happened and is to be written before the commit.
    pub(crate) news: Vec<News>,
    /// Wakes those who wait for events.
    bell: Bell,
}

impl Ctx {
    /// The outside world with the gateways of the service.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, seal: Seal) -> Self {
        Self { store, clock, gateways: Gateways::default(), seal, worker: Arc::from("") }
    }

    /// Opens a transaction of an organization. Dropping it rolls back.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the organization does not exist, [`Error::Unavailable`].
    pub async fn scope(&self, org: OrgId) -> Result<Scope, Error> {
        let mut tx = self.store.begin(org).await?;
        let organization =
            store::organization::get(&mut tx).await.or_missing("organization", org)?;
        let now = organization.now(self.clock.now());
        Ok(self.scope_of(tx, organization, now))
    }

    /// The scope of a transaction that is open.
    pub(crate) fn scope_of(&self, tx: Tx, organization: Organization, now: DateTime<Utc>) -> Scope {
        let (clock, seal) = (Arc::clone(&self.clock), self.seal.clone());
        Scope { tx, organization, now, seal, clock, news: Vec::new(), bell: self.store.bell() }
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

    /// The language of what is said to a customer.
    #[must_use]
    pub fn language_of(&self, customer: &Customer) -> Language {
        customer.language.unwrap_or(self.organization.language)
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

    /// Announces what happened. It becomes events when, and only when, this is committed.
    pub fn announce(&mut self, news: impl IntoIterator<Item = News>) {
        self.news.extend(news);
    }

    /// Writes what was announced, and commits.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; then it is not known whether it was committed. [`Error::Busy`] when
    /// the order of events was held by others for too long; then it was not.
    pub async fn commit(mut self) -> Result<(), Error> {
        let is_news = crate::event::write(&mut self).await?;
        let org = self.organization.id;
        self.tx.commit().await?;
        if is_news {
            self.bell.mark(org);
        }
        Ok(())
    }
}
