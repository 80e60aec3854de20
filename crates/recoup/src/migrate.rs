//! `migrate`: the tables up to this version, or all of them away.
//!
//! Deliberately absent: single steps. A version of the program goes with all migrations it knows.

use crate::Error;
use crate::config::Direction;
use crate::database::{self, Database};
use crate::output;

/// Migrates and prints the names of what was done.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn run(database: &Database, direction: Direction) -> Result<(), Error> {
    let (names, done, nothing) = match direction {
        Direction::Up => {
            (database::prepare(database.store()).await?, "applied", "the database is up to date")
        }
        // The flag is required: without it, this is never reached.
        Direction::Down { .. } => {
            let reverted = store::migrate::down(database.store()).await;
            let reverted = reverted.map_err(Error::database("cannot drop the tables"))?;
            (reverted, "reverted", "the database was empty")
        }
    };
    match names.as_slice() {
        [] => output::print(nothing),
        names => names.iter().for_each(|name| output::print(&format!("{done} {name}"))),
    }
    Ok(())
}
