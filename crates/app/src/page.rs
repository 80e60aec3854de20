//! Pages of lists.
//!
//! Purpose: a page token is opaque and tamper-proof: the last id of the page, signed with the
//! organization's secret together with the list's name and filters, so that a token of another
//! list, filter or organization is refused.
//!
//! Invariants: lists are ordered by id; a page has at most [`MAX_SIZE`] rows.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::Scope;
use crate::error::Error;

/// Rows of a page when the caller does not say.
pub const DEFAULT_SIZE: i64 = 50;
/// The most rows of a page.
pub const MAX_SIZE: i64 = 500;
/// Bytes of the signature kept in a token: 128 bits.
const SIGNATURE: usize = 16;

/// What the caller asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    size: i64,
    token: String,
}

/// Rows and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, by id.
    pub rows: Vec<T>,
    /// Token of the next page; empty on the last.
    pub next: String,
}

impl PageRequest {
    /// A request for `size` rows (0: the default) after `token` (empty: from the start).
    ///
    /// # Errors
    /// [`Error::Invalid`] for a size below 0 or above [`MAX_SIZE`].
    pub fn new(size: i32, token: impl Into<String>) -> Result<Self, Error> {
        let size = match i64::from(size) {
            0 => DEFAULT_SIZE,
            size if (1..=MAX_SIZE).contains(&size) => size,
            size => {
                let message = format!(
                    "{size} is not possible: expected 0 (for {DEFAULT_SIZE}) to {MAX_SIZE}"
                );
                return Err(Error::invalid("page_size", message));
            }
        };
        Ok(Self { size, token: token.into() })
    }

    /// How many rows a page has.
    #[must_use]
    pub fn limit(&self) -> i64 {
        self.size
    }

    /// The token; empty: from the start.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The id after which the page starts. `list` and `filters` say of which list.
    pub(crate) async fn after(
        &self,
        scope: &mut Scope,
        list: &str,
        filters: &[u8],
    ) -> Result<Option<Uuid>, Error> {
        if self.token.is_empty() {
            return Ok(None);
        }
        let secret = store::organization::page_secret(&mut scope.tx).await?;
        let id =
            unseal(&secret, list, filters, &self.token)?.and_then(|id| Uuid::from_slice(&id).ok());
        id.map(Some).ok_or_else(not_of_this_list)
    }

    /// Makes the page of up to `limit + 1` rows that were read.
    pub(crate) async fn finish<T>(
        &self,
        scope: &mut Scope,
        list: &str,
        filters: &[u8],
        mut rows: Vec<T>,
        id: impl Fn(&T) -> Uuid,
    ) -> Result<Page<T>, Error> {
        let limit = usize::try_from(self.size).unwrap_or(usize::MAX);
        if rows.len() <= limit {
            return Ok(Page { rows, next: String::new() });
        }
        rows.truncate(limit);
        let last = rows.last().map(&id).unwrap_or_default();
        let secret = store::organization::page_secret(&mut scope.tx).await?;
        Ok(Page { rows, next: seal(&secret, list, filters, last.as_bytes())? })
    }
}

/// The refusal of a token that was not given out for this list.
pub(crate) fn not_of_this_list() -> Error {
    let message = "not a page token of this list: pass next_page_token of the previous answer, \
                   with the same filters";
    Error::invalid("page_token", message)
}

/// A place in a list as an opaque text that nobody else can make.
pub(crate) fn seal(
    secret: &[u8],
    list: &str,
    filters: &[u8],
    place: &[u8],
) -> Result<String, Error> {
    let signature = signer(secret, list, filters, place)?.finalize().into_bytes();
    Ok(URL_SAFE_NO_PAD.encode([place, &signature[..SIGNATURE]].concat()))
}

/// The place that a text was made of; nothing when it was made by somebody else, or for another
/// list, filter or organization.
pub(crate) fn unseal(
    secret: &[u8],
    list: &str,
    filters: &[u8],
    text: &str,
) -> Result<Option<Vec<u8>>, Error> {
    let Ok(mut bytes) = URL_SAFE_NO_PAD.decode(text) else { return Ok(None) };
    let Some(length) = bytes.len().checked_sub(SIGNATURE) else { return Ok(None) };
    let signature = bytes.split_off(length);
    let signed = signer(secret, list, filters, &bytes)?.verify_truncated_left(&signature);
    Ok(signed.is_ok().then_some(bytes))
}

fn signer(secret: &[u8], list: &str, filters: &[u8], id: &[u8]) -> Result<Hmac<Sha256>, Error> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret)
        .map_err(|error| Error::fault(format!("page secret: {error}")))?;
    for part in [list.as_bytes(), filters, id] {
        // Lengths first, so that parts cannot be shifted into each other.
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Ok(mac)
}
