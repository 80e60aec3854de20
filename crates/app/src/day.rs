//! What a day brings: the tasks that workers do for every organization, and that moving a
//! sandbox's clock does for each of its days.
//!
//! Purpose: one list of tasks, in the order in which they build on each other. Every task finds
//! its due work by comparing dates in rows with the organization's clock, so that running it
//! again, later or twice at once changes nothing.
//!
//! Deliberately absent: when to run them (`worker`).

use domain::id::OrgId;
use domain::money::Money;

use crate::error::Error;
use crate::{Ctx, Scope, arrears, billing, collection, migration, revenue, share, subscription};

/// Work of a day, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// Subscriptions are moved to other versions of their plans.
    Migrate,
    /// Subscriptions begin, convert from trial, end; they are suspended where money is missing.
    Turn,
    /// What is due is invoiced, and drafts whose grace is over become documents.
    Bill,
    /// What is to be paid is collected, and what follows when it is not.
    Collect,
    /// Days of longer periods become revenue.
    Recognize,
    /// Investors are credited for the months that are over.
    Credit,
}

/// What a task did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Subscriptions that were moved to another version of their plan, now or on a later day.
    pub migrated: u64,
    /// Subscriptions that began.
    pub started: u64,
    /// Subscriptions that ended.
    pub ended: u64,
    /// Documents kept as drafts.
    pub drafted: u64,
    /// Documents issued.
    pub invoices: u64,
    /// Their totals including VAT, one per currency.
    pub invoiced: Vec<Money>,
    /// Attempts to collect.
    pub attempts: u64,
    /// Attempts that failed, and payments that went back.
    pub failed: u64,
    /// What attempts brought, one per currency.
    pub collected: Vec<Money>,
    /// Journal entries posted.
    pub entries: u64,
    /// Customers set aside.
    pub set_aside: u64,
    /// Months that were credited to investors.
    pub months: u64,
    /// Investments that were credited, once for each month.
    pub credits: u64,
    /// What they were credited, without VAT, one per currency.
    pub credited: Vec<Money>,
}

impl Task {
    /// All of them, in the order in which a day does them.
    pub const ALL: [Self; 6] =
        [Self::Migrate, Self::Turn, Self::Bill, Self::Collect, Self::Recognize, Self::Credit];

    /// The name under which it is queued and measured.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Migrate => "migration",
            Self::Turn => "turn",
            Self::Bill => "billing",
            Self::Collect => "collection",
            Self::Recognize => "recognition",
            Self::Credit => "share",
        }
    }

    /// Whether anything is due for the organization today: one index look-up.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn is_due(self, scope: &mut Scope) -> Result<bool, Error> {
        let today = scope.today();
        Ok(match self {
            Self::Migrate => store::migration::is_due(&mut scope.tx).await?,
            // Before anything is billed: what is suspended today gets no invoice today.
            Self::Turn => {
                store::arrears::is_due(&mut scope.tx, today).await?
                    || store::subscription::turn_is_due(&mut scope.tx, today).await?
            }
            Self::Bill => store::billing::is_due(&mut scope.tx, today).await?,
            Self::Collect => collection::is_due(scope).await?,
            Self::Recognize => store::revenue::is_due(&mut scope.tx, today).await?,
            Self::Credit => share::is_due(scope).await?,
        })
    }

    /// Does everything that is due for an organization today, in bounded batches.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; what was committed stays, and the next run goes on there.
    pub async fn run(self, ctx: &Ctx, org: OrgId) -> Result<Done, Error> {
        match self {
            Self::Migrate => migration::run_due(ctx, org).await,
            Self::Turn => {
                arrears::turn_due(ctx, org).await?;
                subscription::turn_due(ctx, org).await
            }
            Self::Bill => billing::run(ctx, org).await,
            Self::Collect => collection::run(ctx, org).await,
            Self::Recognize => revenue::recognize_due(ctx, org).await,
            Self::Credit => share::credit_due(ctx, org).await,
        }
    }
}

impl Done {
    /// Adds what another task or batch did. A sum that no longer fits stays where it is: a report
    /// never stops the work it reports on.
    pub fn add(&mut self, other: Self) {
        self.migrated += other.migrated;
        self.started += other.started;
        self.ended += other.ended;
        self.drafted += other.drafted;
        self.invoices += other.invoices;
        self.entries += other.entries;
        self.set_aside += other.set_aside;
        self.attempts += other.attempts;
        self.failed += other.failed;
        add_up(&mut self.invoiced, other.invoiced);
        add_up(&mut self.collected, other.collected);
        self.months += other.months;
        self.credits += other.credits;
        add_up(&mut self.credited, other.credited);
    }
}

fn add_up(sums: &mut Vec<Money>, amounts: Vec<Money>) {
    for amount in amounts {
        match sums.iter_mut().find(|sum| sum.currency() == amount.currency()) {
            Some(sum) => *sum = sum.checked_add(amount).unwrap_or(*sum),
            None => sums.push(amount),
        }
    }
}
