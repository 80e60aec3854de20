//! Migrations: subscriptions of a plan moved to another of its versions.
//!
//! Purpose: a migration is a row; the workers go through its subscribers by id, a bounded batch
//! per transaction. A batch changes the subscriptions, writes what was done with each, and moves
//! the cursor, all at once: whoever is killed half-way leaves no trace of the batch, and the next
//! run goes on after the last one that was committed.
//!
//! Invariants: each subscription is looked at once per migration (a key says so). A preview decides
//! with the same rules, on what a run would read, and writes nothing.
//!
//! Deliberately absent: whether and when one is moved (`domain`); subscriptions that are made while
//! a migration is under way, which begin on the version in force on their first day.

mod run;

use std::collections::{BTreeMap, HashMap};

use domain::date::{self, Date};
use domain::id::{
    CustomerId, IntentId, ItemId, MigrationId, PlanId, PlanVersionId, PriceId, SubscriptionId,
};
use domain::money::{Currency, Money};
use domain::mrr;
use domain::plan::{PlanVersion, Price};
use domain::subscription::{
    Migration, MigrationOutcome, MigrationState, MigrationWhen, Subscription,
};
use store::migration::Done;
use store::subscription::Subscribers;

use crate::Scope;
use crate::access::id_taken;
use crate::error::{Error, Expect, Refusal};
use crate::page::{Page, PageRequest};
use crate::subscription::{Meters, START_WINDOW_MONTHS};

pub use self::run::run_due;
pub use store::migration::Done as MigrationResult;

/// Subscriptions that one transaction moves, or one query of a preview reads: large enough to be
/// cheap, small enough that nobody waits long for the accounts it holds.
const BATCH: i64 = 200;
/// The most examples of a preview, and the most refusals.
pub const PREVIEW_EXAMPLES: usize = 50;

/// What starts a migration.
#[derive(Debug, Clone)]
pub struct MigratePlan {
    /// Its id; a fresh one when absent.
    pub id: Option<MigrationId>,
    /// Of which plan.
    pub plan_id: PlanId,
    /// To which of its versions.
    pub version_id: PlanVersionId,
    /// Only from this version; from any other when absent.
    pub from_version_id: Option<PlanVersionId>,
    /// Only this subscription; all of the plan when absent.
    pub subscription_id: Option<SubscriptionId>,
    /// When.
    pub when: MigrationWhen,
}

/// A migration and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The migration.
    pub migration: Migration,
    /// How many subscriptions became what.
    pub counts: HashMap<MigrationOutcome, i64>,
}

/// What a migration would do with a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What would become of it.
    pub done: Done,
    /// Who pays.
    pub customer_id: CustomerId,
    /// What it is worth a month in the end, as things are.
    pub before: Money,
    /// What it would be worth.
    pub after: Money,
}

/// What a migration would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// How many subscriptions would become what.
    pub counts: HashMap<MigrationOutcome, i64>,
    /// What those that would be moved are worth a month in the end, before and after.
    pub worth: BTreeMap<Currency, (Money, Money)>,
    /// The first that would be moved.
    pub examples: Vec<Example>,
    /// The first that would be refused.
    pub refused: Vec<Example>,
}

/// Checks a command against the catalogue; answers the migration and its target.
async fn checked(
    scope: &mut Scope,
    command: MigratePlan,
) -> Result<(Migration, PlanVersion), Error> {
    let today = scope.today();
    let offer = crate::catalog::get_plan(scope, command.plan_id).await?;
    let of_plan = |id: PlanVersionId| offer.versions.iter().find(|version| version.id == id);
    let missing = |id| Error::not_found("plan version", id);
    let target = of_plan(command.version_id).ok_or_else(|| missing(command.version_id))?;
    if let Some(from) = command.from_version_id {
        of_plan(from).ok_or_else(|| missing(from))?;
        if from == target.id {
            let message = "it is the version to migrate to: expected another one";
            return Err(Error::invalid("migration.from_plan_version_id", message));
        }
    }
    if let MigrationWhen::On(on) = command.when {
        check_day(today, on, target)?;
    }
    if let Some(id) = command.subscription_id {
        let plan_id = crate::subscription::get(scope, id).await?.plan_id;
        if plan_id != command.plan_id {
            let message = format!("subscription {id} is on another plan");
            let refusal = Refusal::new("OTHER_PLAN", message).with("plan_id", plan_id);
            return Err(Error::Refused(refusal));
        }
    }
    let migration = Migration {
        id: command.id.unwrap_or_else(|| MigrationId::fresh(scope.now)),
        plan_id: command.plan_id,
        version_id: command.version_id,
        from_version_id: command.from_version_id,
        subscription_id: command.subscription_id,
        when: command.when,
        made_on: today,
        state: MigrationState::Running,
        expected: 0,
    };
    Ok((migration, target.clone()))
}

fn check_day(today: Date, on: Date, target: &PlanVersion) -> Result<(), Error> {
    let latest = date::add_months(today, START_WINDOW_MONTHS);
    if on < today || on > latest {
        let message = format!("{on} is not possible: expected {today} to {latest}");
        return Err(Error::invalid("migration.on", message));
    }
    if on < target.valid_from {
        let first = target.valid_from;
        let message = format!("the version is offered from {first}, not yet on {on}");
        let refusal = Refusal::new("PLAN_NOT_IN_FORCE", message).with("valid_from", first);
        return Err(Error::Refused(refusal));
    }
    Ok(())
}

/// Starts a migration. The workers carry it out.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`]; [`Error::Exists`]; [`Error::Refused`] with
/// `PLAN_NOT_IN_FORCE`, `OTHER_PLAN`.
pub async fn start(scope: &mut Scope, command: MigratePlan) -> Result<Progress, Error> {
    let (mut migration, _) = checked(scope, command).await?;
    let count = store::subscription::count_subscribers(&mut scope.tx, (&migration).into()).await?;
    migration.expected = u32::try_from(count).unwrap_or(u32::MAX);
    match store::migration::insert(&mut scope.tx, &migration, scope.now).await {
        Ok(()) => Ok(Progress { migration, counts: HashMap::new() }),
        Err(store::Error::Exists(_)) => Err(id_taken("migration", migration.id)),
        Err(other) => Err(other.into()),
    }
}

/// A migration with its progress, and what it did by subscription; of one kind, if one is given.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for a page token that is not of this list.
pub async fn get(
    scope: &mut Scope,
    id: MigrationId,
    outcome: Option<MigrationOutcome>,
    page: &PageRequest,
) -> Result<(Progress, Page<MigrationResult>), Error> {
    let migration = store::migration::get(&mut scope.tx, id).await.or_missing("migration", id)?;
    let filters = format!("{id} {outcome:?}");
    let list = "migration results";
    let after = page.after(scope, list, filters.as_bytes()).await?.map(SubscriptionId);
    let limit = page.limit() + 1;
    let rows = store::migration::results(&mut scope.tx, id, outcome, after, limit).await?;
    let results =
        page.finish(scope, list, filters.as_bytes(), rows, |one| one.subscription_id.0).await?;
    let mut progress = with_counts(scope, vec![migration]).await?;
    let progress = progress.pop().ok_or_else(|| Error::not_found("migration", id))?;
    Ok((progress, results))
}

/// Migrations by id with their progress; of one plan, if one is given.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    plan_id: Option<PlanId>,
    page: &PageRequest,
) -> Result<Page<Progress>, Error> {
    let filters = format!("{plan_id:?}");
    let after = page.after(scope, "migrations", filters.as_bytes()).await?.map(MigrationId);
    let rows = store::migration::list(&mut scope.tx, plan_id, after, page.limit() + 1).await?;
    let found = page.finish(scope, "migrations", filters.as_bytes(), rows, |one| one.id.0).await?;
    Ok(Page { rows: with_counts(scope, found.rows).await?, next: found.next })
}

async fn with_counts(scope: &mut Scope, found: Vec<Migration>) -> Result<Vec<Progress>, Error> {
    let ids: Vec<MigrationId> = found.iter().map(|one| one.id).collect();
    let counts = store::migration::counts(&mut scope.tx, &ids).await?;
    let progress = found.into_iter().map(|migration| {
        let of = |outcome: &MigrationOutcome| {
            counts.get(&(migration.id, *outcome)).map(|count| (*outcome, *count))
        };
        Progress { counts: MigrationOutcome::ALL.iter().filter_map(of).collect(), migration }
    });
    Ok(progress.collect())
}

/// What a migration would do now: the run's own decisions, without the writes.
///
/// # Errors
/// As [`start`].
pub async fn preview(scope: &mut Scope, command: MigratePlan) -> Result<Preview, Error> {
    let (migration, version) = checked(scope, command).await?;
    let of = Subscribers::from(&migration);
    let (mut preview, mut meters) = (Preview::default(), Meters::default());
    let mut after = None;
    loop {
        let batch = store::subscription::subscribers(&mut scope.tx, of, after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(preview) };
        after = Some(last.id);
        add_meters(scope, &mut meters, &version, &batch).await?;
        look(scope, (&migration, &version), &mut meters, batch, &mut preview).await?;
    }
}

/// Adds what a migration would do with some subscriptions.
async fn look(
    scope: &mut Scope,
    of: (&Migration, &PlanVersion),
    meters: &mut Meters,
    batch: Vec<Subscription>,
    preview: &mut Preview,
) -> Result<(), Error> {
    let mut decided = Vec::with_capacity(batch.len());
    for mut subscription in batch {
        let _ = subscription.turn(scope.today());
        let before = subscription.clone();
        let done = decide(scope, of, meters, &mut subscription);
        decided.push((before, subscription, done));
    }
    let ids = crate::billing::price_ids(decided.iter().flat_map(|(old, new, _)| [old, new]));
    let prices = store::plan::prices(&mut scope.tx, &ids).await?;
    let prices: HashMap<PriceId, Price> = prices.into_iter().map(|one| (one.id, one)).collect();
    let old: Vec<Subscription> = decided.iter().map(|(old, _, _)| old.clone()).collect();
    let discounts = crate::billing::discounts(scope, &old, date::LATEST).await?;
    for (old, new, done) in decided {
        let worth = |one: &Subscription| {
            let segments = mrr::of_subscription(one, &prices, &discounts)?;
            mrr::committed(&segments, one.currency)
        };
        let (before, after) = (worth(&old)?, worth(&new)?);
        *preview.counts.entry(done.outcome).or_default() += 1;
        let shown = match done.outcome {
            MigrationOutcome::Migrated => &mut preview.examples,
            MigrationOutcome::Refused => &mut preview.refused,
            MigrationOutcome::Unchanged => continue,
        };
        if done.outcome == MigrationOutcome::Migrated {
            let zero = Money::zero(old.currency);
            let sum = preview.worth.entry(old.currency).or_insert((zero, zero));
            *sum = (sum.0.checked_add(before)?, sum.1.checked_add(after)?);
        }
        if shown.len() < PREVIEW_EXAMPLES {
            shown.push(Example { done, customer_id: old.customer_id, before, after });
        }
    }
    Ok(())
}

/// The meters of subscriptions that are about to be moved and of all others of their customers;
/// nothing is asked where the version has no meter.
async fn add_meters(
    scope: &mut Scope,
    meters: &mut Meters,
    version: &PlanVersion,
    batch: &[Subscription],
) -> Result<(), Error> {
    if version.prices.iter().all(|price| price.meter_id.is_none()) {
        return Ok(());
    }
    let mut customers: Vec<CustomerId> = batch.iter().map(|one| one.customer_id).collect();
    customers.sort_unstable();
    customers.dedup();
    meters.add(scope, &customers, version.prices.iter().map(|price| price.id)).await
}

/// Moves a subscription in memory; says what became of it.
fn decide(
    scope: &Scope,
    (migration, version): (&Migration, &PlanVersion),
    meters: &mut Meters,
    subscription: &mut Subscription,
) -> Done {
    let before = subscription.clone();
    let done = migrate(scope, migration, version, subscription);
    match meters.take(subscription) {
        Err(refusal) if done.outcome == MigrationOutcome::Migrated => {
            *subscription = before;
            let refused = Some((refusal.reason.to_owned(), refusal.message));
            Done { outcome: MigrationOutcome::Refused, on: None, refused, ..done }
        }
        _ => done,
    }
}

fn migrate(
    scope: &Scope,
    migration: &Migration,
    version: &PlanVersion,
    subscription: &mut Subscription,
) -> Done {
    let now = scope.now;
    let fresh = || ItemId::fresh(now);
    let intent_id = IntentId::fresh(now);
    let decided = subscription.migrate(scope.today(), migration, version, intent_id, fresh);
    let (outcome, on, refused) = match decided {
        Ok((on, domain::Outcome::Applied(()))) => (MigrationOutcome::Migrated, Some(on), None),
        Ok((on, domain::Outcome::Unchanged)) => (MigrationOutcome::Unchanged, Some(on), None),
        Err(refused) => {
            let why = (refused.reason().to_owned(), refused.to_string());
            (MigrationOutcome::Refused, None, Some(why))
        }
    };
    Done { subscription_id: subscription.id, outcome, on, refused }
}
