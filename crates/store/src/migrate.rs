//! Migrations: up to the newest, all the way down.
//!
//! Purpose: the files of `migrations/` travel in the binary and are applied on a connection of
//! their own. An advisory lock lets one process at a time migrate.

use diesel_async::AsyncMigrationHarness;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::pool::Store;
use crate::{Error, Result};

/// The files, in the binary.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Any fixed number: the lock that lets one process at a time migrate a database.
const LOCK: i64 = 7_226_801;

/// Applies what is missing; answers the names of what was applied.
///
/// # Errors
/// [`Error::Unavailable`] or [`Error::Fault`] with the failing migration.
pub async fn up(store: &Store) -> Result<Vec<String>> {
    with_harness(store, |harness| {
        let applied = harness.run_pending_migrations(MIGRATIONS)?;
        Ok(applied.iter().map(ToString::to_string).collect())
    })
    .await
}

/// Reverts everything: the database is empty afterwards. For tests and for people who mean it.
///
/// # Errors
/// As [`up`].
pub async fn down(store: &Store) -> Result<Vec<String>> {
    with_harness(store, |harness| {
        let reverted = harness.revert_all_migrations(MIGRATIONS)?;
        Ok(reverted.iter().map(ToString::to_string).collect())
    })
    .await
}

type Harness = AsyncMigrationHarness<AsyncPgConnection>;
type Names = std::result::Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>>;

async fn with_harness(
    store: &Store,
    work: impl FnOnce(&mut Harness) -> Names + Send + 'static,
) -> Result<Vec<String>> {
    let mut connection = store.dedicated().await?;
    // A migration may take longer than a statement of the service may.
    let prepare =
        format!("SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock({LOCK})");
    connection.batch_execute(&prepare).await?;
    warn_of_language(&mut connection).await?;
    let mut harness = AsyncMigrationHarness::new(connection);
    // The lock ends with the connection.
    tokio::task::spawn_blocking(move || work(&mut harness))
        .await
        .map_err(|error| Error::Fault(Box::new(error)))?
        .map_err(Error::Fault)
}

#[derive(diesel::QueryableByName)]
struct Language {
    #[diesel(sql_type = diesel::sql_types::Text)]
    lc_messages: String,
}

/// Deadlocks and time limits are told apart by the server's messages, which must be English.
async fn warn_of_language(connection: &mut AsyncPgConnection) -> Result<()> {
    let Language { lc_messages } =
        diesel::sql_query("SELECT current_setting('lc_messages') AS lc_messages")
            .get_result(connection)
            .await?;
    let english = ["", "C", "POSIX"].contains(&lc_messages.as_str())
        || lc_messages.starts_with("C.")
        || lc_messages.starts_with("en");
    if !english {
        tracing::warn!(
            lc_messages,
            "the server's messages are not English, so contention cannot be told from faults: \
             run ALTER ROLE <this user> SET lc_messages = 'C' as a superuser"
        );
    }
    Ok(())
}
