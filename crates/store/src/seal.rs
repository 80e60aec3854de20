//! What is sealed, and the ids of the keys that seal.
//!
//! Invariants: at most one key is current.
//!
//! Deliberately absent: keys and what they do (`app::seal`).

use std::fmt;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::schema::seal_keys;
use crate::{Result, Tx};

/// A sealed text, as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// By which key.
    pub key_id: String,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
    /// What the text is recognized by among others of its kind.
    pub fingerprint: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// The id of the key that seals; none before the first process came with one.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn current(tx: &mut Tx) -> Result<Option<String>> {
    let found = seal_keys::table
        .filter(seal_keys::is_current)
        .select(seal_keys::key_id)
        .first(tx.connection())
        .await
        .optional()?;
    Ok(found)
}

/// Makes a key the current one instead of `old`, or as the first. Does nothing when another process
/// has made one current meanwhile.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn make_current(tx: &mut Tx, new: &str, old: Option<&str>) -> Result<()> {
    if let Some(old) = old {
        let row = seal_keys::table.filter(seal_keys::key_id.eq(old)).filter(seal_keys::is_current);
        let retired =
            diesel::update(row).set(seal_keys::is_current.eq(false)).execute(tx.connection());
        if retired.await? == 0 {
            return Ok(());
        }
        // It may have been current before.
        let again = seal_keys::table.filter(seal_keys::key_id.eq(new));
        let revived =
            diesel::update(again).set(seal_keys::is_current.eq(true)).execute(tx.connection());
        if revived.await? > 0 {
            return Ok(());
        }
    }
    diesel::insert_into(seal_keys::table)
        .values((seal_keys::key_id.eq(new), seal_keys::is_current.eq(true)))
        .on_conflict_do_nothing()
        .execute(tx.connection())
        .await?;
    Ok(())
}
