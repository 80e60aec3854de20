//! Migrations carried out, a batch per transaction.
//!
//! Invariants: locks are taken in the order of the house: the migration (which nothing else locks),
//! billing accounts, subscriptions. The number of statements of a batch does not depend on its size.

use domain::event::EventKind;
use domain::id::{CustomerId, OrgId, SubscriptionId};
use domain::plan::PlanVersion;
use domain::subscription::{Migration, MigrationOutcome, Subscription};
use store::migration::Done as Decided;
use store::subscription::Subscribers;

use super::{BATCH, add_meters, decide};
use crate::billing::account_of;
use crate::day::Done;
use crate::error::Error;
use crate::subscription::Meters;
use crate::{Ctx, Scope, event};

/// Carries every running migration out, in batches.
///
/// # Errors
/// [`Error::Unavailable`]; batches that were committed stay, and the next run goes on there.
pub async fn run_due(ctx: &Ctx, org: OrgId) -> Result<Done, Error> {
    let mut done = Done::default();
    loop {
        let mut scope = ctx.scope(org).await?;
        let Some((migration, cursor)) = store::migration::claim(&mut scope.tx).await? else {
            return Ok(done);
        };
        done.migrated += run_batch(&mut scope, &migration, cursor).await?;
        scope.commit().await?;
    }
}

/// Moves the next subscriptions after the cursor, or ends the migration when there are none;
/// answers how many were moved.
async fn run_batch(
    scope: &mut Scope,
    migration: &Migration,
    cursor: Option<SubscriptionId>,
) -> Result<u64, Error> {
    let of = Subscribers::from(migration);
    let next = store::subscription::subscribers(&mut scope.tx, of, cursor, BATCH).await?;
    let Some(last) = next.last().map(|one| one.id) else {
        store::migration::move_on(&mut scope.tx, migration.id, None).await?;
        return Ok(0);
    };
    let held = hold(scope, &next).await?;
    let version = target(scope, migration).await?;
    let results = change(scope, migration, &version, held).await?;
    store::migration::record(&mut scope.tx, migration.id, &results).await?;
    store::migration::move_on(&mut scope.tx, migration.id, Some(last)).await?;
    let moved = results.iter().filter(|one| one.outcome == MigrationOutcome::Migrated);
    Ok(moved.count() as u64)
}

/// Holds the accounts, then the subscriptions, as they are then.
async fn hold(scope: &mut Scope, next: &[Subscription]) -> Result<Vec<Subscription>, Error> {
    let customers: Vec<CustomerId> = next.iter().map(|one| one.customer_id).collect();
    store::billing::lock_many(&mut scope.tx, &customers).await?;
    // The wait for the accounts may have lasted into another day.
    scope.refresh().await?;
    let ids: Vec<SubscriptionId> = next.iter().map(|one| one.id).collect();
    Ok(store::subscription::lock_many(&mut scope.tx, &ids).await?)
}

async fn target(scope: &mut Scope, migration: &Migration) -> Result<PlanVersion, Error> {
    let versions = store::plan::versions(&mut scope.tx, &[migration.plan_id]).await?;
    let target = versions.into_iter().find(|version| version.id == migration.version_id);
    target.ok_or_else(|| Error::fault(format!("migration {} has no version", migration.id)))
}

/// Decides on subscriptions that are held, and saves those that change, with their events and their
/// recurring revenue.
async fn change(
    scope: &mut Scope,
    migration: &Migration,
    version: &PlanVersion,
    held: Vec<Subscription>,
) -> Result<Vec<Decided>, Error> {
    let today = scope.today();
    let mut meters = Meters::default();
    add_meters(scope, &mut meters, version, &held).await?;
    let mut results = Vec::with_capacity(held.len());
    let (mut touched, mut moved) = (Vec::new(), Vec::new());
    for mut subscription in held {
        let turns = subscription.turn(today);
        scope.announce(event::of_turns(&turns, &subscription));
        let result = decide(scope, (migration, version), &mut meters, &mut subscription);
        if result.outcome == MigrationOutcome::Migrated {
            let happened = result.on.filter(|on| *on <= today);
            let kind = EventKind::SubscriptionChanged;
            scope.announce(happened.map(|on| event::of_subscription(kind, on, &subscription)));
            moved.push(subscription.clone());
        }
        if result.outcome == MigrationOutcome::Migrated || !turns.is_empty() {
            touched.push(subscription);
        }
        results.push(result);
    }
    let accounts: Vec<_> = moved.iter().map(account_of).collect();
    store::subscription::save(&mut scope.tx, &touched).await?;
    store::billing::reschedule(&mut scope.tx, &accounts).await?;
    crate::mrr::record(scope, &moved).await?;
    Ok(results)
}
