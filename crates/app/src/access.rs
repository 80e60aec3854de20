//! Keys: who calls, for which organization, in which roles.
//!
//! Purpose: a key names its organization and itself, so that it is found inside that
//! organization's own rows; its secret part has 256 random bits and is kept as a SHA-256 hash.
//!
//! Invariants: a secret is shown once, when the key is made. Comparison takes the same time
//! wherever the difference is. Of one name at most two keys are live, so that keys can be rotated.
//!
//! Deliberately absent: which role may call what (the server's permission table).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use domain::id::{ApiKeyId, OrgId};
use domain::organization::{MAX_NAME, Role, text};
use rand::TryRngCore;
use sha2::{Digest, Sha256};
use store::api_key::NewApiKey;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::error::{Error, Expect, Refusal};
use crate::page::{Page, PageRequest};
use crate::{Ctx, Scope};

pub use store::api_key::ApiKey;

/// What every key begins with, so that leaked keys can be recognized.
pub const PREFIX: &str = "recoup_";

/// How long a key lives unless said otherwise.
pub const DEFAULT_LIFETIME: Duration = Duration::days(365);
/// The longest life of a key.
pub const MAX_LIFETIME: Duration = Duration::days(731);
/// Keys of one name that may be live at a time: the old one and its successor.
pub const MAX_LIVE: usize = 2;

const SECRET_BYTES: usize = 32;
const UNKNOWN: &str =
    "the key is not known, expired or revoked: show a valid key as authorization: Bearer <key>";

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// For which organization.
    pub org: OrgId,
    /// By which key.
    pub key: ApiKeyId,
    /// The key's name, for records of who did what.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
}

/// A secret, shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text to show to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What makes a key.
#[derive(Debug, Clone)]
pub struct CreateApiKey {
    /// Its id; a fresh one when absent.
    pub id: Option<ApiKeyId>,
    /// For people; keys that succeed each other share it.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// When it stops working, by the wall clock; [`DEFAULT_LIFETIME`] when absent.
    pub expires_at: Option<DateTime<Utc>>,
}

fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn parse(token: &str) -> Option<(OrgId, ApiKeyId, Vec<u8>)> {
    let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
    let (org, rest) = bytes.split_at_checked(16)?;
    let (key, secret) = rest.split_at_checked(16)?;
    (secret.len() == SECRET_BYTES).then_some(())?;
    let org = OrgId(Uuid::from_slice(org).ok()?);
    Some((org, ApiKeyId(Uuid::from_slice(key).ok()?), secret.to_vec()))
}

fn compose(org: OrgId, key: ApiKeyId, secret: &[u8]) -> Secret {
    let bytes = [org.0.as_bytes().as_slice(), key.0.as_bytes(), secret].concat();
    Secret(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// `N` random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::rngs::OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| Error::fault(format!("no random bytes: {error}")))?;
    Ok(bytes)
}

/// Who shows this key.
///
/// # Errors
/// [`Error::Unauthenticated`] for anything that is not a live key; [`Error::Unavailable`].
pub async fn authenticate(ctx: &Ctx, token: &str) -> Result<Caller, Error> {
    let (org, id, secret) = parse(token).ok_or(Error::Unauthenticated(UNKNOWN))?;
    let mut tx = ctx.store.begin(org).await?;
    let key = match store::api_key::get(&mut tx, id).await {
        Ok(key) => key,
        Err(store::Error::NotFound) => return Err(Error::Unauthenticated(UNKNOWN)),
        Err(other) => return Err(other.into()),
    };
    tx.commit().await?;
    let same: bool = hash(&secret).ct_eq(&key.secret_hash).into();
    if !same || !key.is_live(ctx.clock.now()) {
        return Err(Error::Unauthenticated(UNKNOWN));
    }
    Ok(Caller { org, key: id, name: key.name, roles: key.roles })
}

/// Makes a key; its secret is in the answer and nowhere else.
///
/// # Errors
/// [`Error::Refused`] with `TOO_MANY_LIVE_KEYS`; [`Error::Invalid`].
pub async fn create(
    scope: &mut Scope,
    wall: DateTime<Utc>,
    command: CreateApiKey,
) -> Result<(ApiKey, Secret), Error> {
    let name = text(&command.name, MAX_NAME).map_err(|refused| Error::invalid("name", refused))?;
    if command.roles.is_empty() {
        return Err(Error::invalid("roles", "expected at least one role"));
    }
    let expires_at = command.expires_at.unwrap_or(wall + DEFAULT_LIFETIME);
    if expires_at <= wall || expires_at > wall + MAX_LIFETIME {
        let latest = wall + MAX_LIFETIME;
        let message =
            format!("{expires_at} is not possible: expected after {wall}, at most {latest}");
        return Err(Error::invalid("expire_time", message));
    }
    // All of them, held: two creations at once would not see each other's key.
    let keys = store::api_key::lock_all(&mut scope.tx).await?;
    let live = keys.iter().filter(|key| key.name == name && key.is_live(wall)).count();
    if live >= MAX_LIVE {
        let message = format!("{live} keys named {name:?} are live: revoke one first");
        return Err(Error::Refused(Refusal::new("TOO_MANY_LIVE_KEYS", message).with("name", name)));
    }
    let id = command.id.unwrap_or_else(|| ApiKeyId::fresh(wall));
    let secret: [u8; SECRET_BYTES] = random()?;
    let mut roles = command.roles;
    roles.sort_unstable();
    roles.dedup();
    let new =
        NewApiKey { id, name, secret_hash: hash(&secret), roles, created_at: wall, expires_at };
    match store::api_key::insert(&mut scope.tx, &new).await {
        Ok(key) => Ok((key, compose(scope.org(), id, &secret))),
        Err(store::Error::Exists(_)) => Err(id_taken("API key", id)),
        Err(other) => Err(other.into()),
    }
}

/// The refusal of an id that the caller chose and that is taken.
pub(crate) fn id_taken(what: &'static str, id: impl ToString) -> Error {
    let id = id.to_string();
    let message = format!("{what} {id} exists already: choose another id, or leave it out");
    Error::Exists(Refusal::new("ID_TAKEN", message).with("id", id))
}

/// The keys of the organization, without secrets.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(scope: &mut Scope, page: &PageRequest) -> Result<Page<ApiKey>, Error> {
    let after = page.after(scope, "api_keys", b"").await?;
    let rows = store::api_key::list(&mut scope.tx, after.map(ApiKeyId), page.limit() + 1).await?;
    page.finish(scope, "api_keys", b"", rows, |key| key.id.0).await
}

/// Ends a key now. Doing it again changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `LAST_ADMIN_KEY`, because nobody could make
/// another.
pub async fn revoke(scope: &mut Scope, wall: DateTime<Utc>, id: ApiKeyId) -> Result<ApiKey, Error> {
    let keys = store::api_key::lock_all(&mut scope.tx).await?;
    let mut key = keys
        .iter()
        .find(|key| key.id == id)
        .cloned()
        .ok_or_else(|| Error::not_found("API key", id))?;
    if key.revoked_at.is_some() {
        return Ok(key);
    }
    let other_admin = keys
        .iter()
        .any(|other| other.id != id && other.is_live(wall) && other.roles.contains(&Role::Admin));
    if key.roles.contains(&Role::Admin) && !other_admin {
        let message = "this is the last live key with the role admin: make another one first";
        return Err(Error::refused("LAST_ADMIN_KEY", message));
    }
    store::api_key::revoke(&mut scope.tx, id, wall).await.or_missing("API key", id)?;
    key.revoked_at = Some(wall);
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_organization_and_survives_the_way_through_text() {
        let org = OrgId(Uuid::from_u128(1));
        let key = ApiKeyId(Uuid::from_u128(2));
        let secret = compose(org, key, &[7; SECRET_BYTES]);
        assert!(secret.reveal().starts_with(PREFIX));
        assert_eq!(parse(secret.reveal()), Some((org, key, vec![7; SECRET_BYTES])));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        for wrong in
            ["", "recoup_", "recoup_!!!", &secret.reveal()[..secret.reveal().len() - 3], "Bearer x"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
