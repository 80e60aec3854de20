//! Migrations of plans: the calls of `CatalogService` about them, and their shapes on the wire.

use std::collections::HashMap;

use app::Ctx;
use app::migration::{self, Example, MigratePlan, MigrationResult, Preview, Progress};
use domain::id::MigrationId;
use domain::subscription::{MigrationOutcome, MigrationWhen};
use futures::FutureExt;
use tonic::Request;

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::plan_migration::When;
use crate::wire;

/// CatalogService/MigratePlanVersion.
pub(crate) async fn start(
    ctx: &Ctx,
    request: Request<v1::MigratePlanVersionRequest>,
) -> Answer<v1::MigratePlanVersionResponse> {
    let (call, message) = call::open_once(request)?;
    let id = field::parse_filled(&message.migration_id).at("migration_id")?;
    let command = command(id, message.migration).at("migration")?;
    call.write(ctx, |scope| {
        async move {
            let progress = migration::start(scope, command).await?;
            Ok(v1::MigratePlanVersionResponse { migration: Some(progress.into()) })
        }
        .boxed()
    })
    .await
}

/// CatalogService/PreviewPlanMigration.
pub(crate) async fn preview(
    ctx: &Ctx,
    request: Request<v1::PreviewPlanMigrationRequest>,
) -> Answer<v1::PreviewPlanMigrationResponse> {
    let (call, message) = call::open(request)?;
    let command = command(None, message.migration).at("migration")?;
    call.read(ctx, |scope| {
        async move { Ok(migration::preview(scope, command).await?.into()) }.boxed()
    })
    .await
}

/// CatalogService/GetMigration.
pub(crate) async fn get(
    ctx: &Ctx,
    request: Request<v1::GetMigrationRequest>,
) -> Answer<v1::GetMigrationResponse> {
    let (call, message) = call::open(request)?;
    let id = field::parse(&message.migration_id).at("migration_id")?;
    let outcome = field::one_of_if_any::<v1::MigrationOutcome>(message.outcome).at("outcome")?;
    let page = field::page(message.page_size, message.page_token)?;
    call.read(ctx, |scope| {
        async move {
            let (progress, found) = migration::get(scope, id, outcome, &page).await?;
            let results = found.rows.into_iter().map(Into::into).collect();
            Ok(v1::GetMigrationResponse {
                migration: Some(progress.into()),
                results,
                next_page_token: found.next,
            })
        }
        .boxed()
    })
    .await
}

/// CatalogService/ListMigrations.
pub(crate) async fn list(
    ctx: &Ctx,
    request: Request<v1::ListMigrationsRequest>,
) -> Answer<v1::ListMigrationsResponse> {
    let (call, message) = call::open(request)?;
    let plan_id = field::parse_filled(&message.plan_id).at("plan_id")?;
    let page = field::page(message.page_size, message.page_token)?;
    call.read(ctx, |scope| {
        async move {
            let found = migration::list(scope, plan_id, &page).await?;
            let migrations = found.rows.into_iter().map(Into::into).collect();
            Ok(v1::ListMigrationsResponse { migrations, next_page_token: found.next })
        }
        .boxed()
    })
    .await
}

fn command(
    id: Option<MigrationId>,
    migration: Option<v1::PlanMigration>,
) -> field::Result<MigratePlan> {
    let wanted = field::required(migration)?;
    let when = match wanted.when {
        None | Some(When::AtPeriodEnd(_)) => MigrationWhen::PeriodEnd,
        Some(When::On(day)) => MigrationWhen::On(field::day(day).at("on")?),
    };
    let from = field::parse_filled(&wanted.from_plan_version_id).at("from_plan_version_id")?;
    Ok(MigratePlan {
        id,
        plan_id: field::parse(&wanted.plan_id).at("plan_id")?,
        version_id: field::parse(&wanted.plan_version_id).at("plan_version_id")?,
        from_version_id: from,
        subscription_id: field::parse_filled(&wanted.subscription_id).at("subscription_id")?,
        when,
    })
}

fn counts(counts: &HashMap<MigrationOutcome, i64>) -> v1::MigrationCounts {
    let of = |outcome| wire::count(counts.get(&outcome).copied().unwrap_or_default());
    v1::MigrationCounts {
        migrated: of(MigrationOutcome::Migrated),
        unchanged: of(MigrationOutcome::Unchanged),
        refused: of(MigrationOutcome::Refused),
    }
}

impl From<Progress> for v1::PlanMigration {
    fn from(progress: Progress) -> Self {
        let Progress { migration, counts: found } = progress;
        let when = match migration.when {
            MigrationWhen::PeriodEnd => When::AtPeriodEnd(v1::MigrateAtPeriodEnd {}),
            MigrationWhen::On(on) => When::On(on.into()),
        };
        let from = migration.from_version_id.map(|id| id.to_string());
        let one = migration.subscription_id.map(|id| id.to_string());
        Self {
            id: migration.id.to_string(),
            plan_id: migration.plan_id.to_string(),
            plan_version_id: migration.version_id.to_string(),
            from_plan_version_id: from.unwrap_or_default(),
            subscription_id: one.unwrap_or_default(),
            when: Some(when),
            state: code::<v1::MigrationState>(migration.state),
            made_on: Some(migration.made_on.into()),
            expected: wire::count(migration.expected),
            counts: Some(counts(&found)),
        }
    }
}

impl From<MigrationResult> for v1::MigrationResult {
    fn from(result: MigrationResult) -> Self {
        let (reason, message) = result.refused.unwrap_or_default();
        Self {
            subscription_id: result.subscription_id.to_string(),
            outcome: code::<v1::MigrationOutcome>(result.outcome),
            on: result.on.map(Into::into),
            reason,
            message,
        }
    }
}

impl From<Example> for v1::MigrationExample {
    fn from(example: Example) -> Self {
        Self {
            result: Some(example.done.into()),
            customer_id: example.customer_id.to_string(),
            mrr_before: Some(example.before.into()),
            mrr_after: Some(example.after.into()),
        }
    }
}

impl From<Preview> for v1::PreviewPlanMigrationResponse {
    fn from(preview: Preview) -> Self {
        let worth = preview.worth.into_values().map(|(before, after)| v1::MigrationWorth {
            mrr_before: Some(before.into()),
            mrr_after: Some(after.into()),
        });
        Self {
            counts: Some(counts(&preview.counts)),
            currencies: worth.collect(),
            examples: preview.examples.into_iter().map(Into::into).collect(),
            refused: preview.refused.into_iter().map(Into::into).collect(),
        }
    }
}
