//! Keys of callers.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::ApiKeyId;
use domain::organization::Role;

use crate::schema::api_keys;
use crate::{Error, Result, Tx};

/// A key, with the hash of its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Identity.
    pub id: ApiKeyId,
    /// For people.
    pub name: String,
    /// SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// What it may do.
    pub roles: Vec<Role>,
    /// When it was made, by the wall clock.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was ended.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// Whether it works at an instant of the wall clock.
    #[must_use]
    pub fn is_live(&self, wall: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expiry| wall < expiry)
    }
}

/// A key to write.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Identity.
    pub id: ApiKeyId,
    /// For people.
    pub name: String,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// What it may do.
    pub roles: Vec<Role>,
    /// When it was made, by the wall clock.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: ApiKeyId,
    name: String,
    secret_hash: Vec<u8>,
    roles: Vec<String>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for ApiKey {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let roles = row.roles.iter().map(|role| role.parse().map_err(Error::corrupt));
        Ok(Self {
            id: row.id,
            name: row.name,
            secret_hash: row.secret_hash,
            roles: roles.collect::<Result<_>>()?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        })
    }
}

/// Writes a key.
///
/// # Errors
/// [`Error::Exists`] when the id is taken.
pub async fn insert(tx: &mut Tx, key: &NewApiKey) -> Result<ApiKey> {
    let roles: Vec<&str> = key.roles.iter().map(|role| role.as_str()).collect();
    let row = (
        api_keys::org_id.eq(tx.org()),
        api_keys::id.eq(key.id),
        api_keys::name.eq(&key.name),
        api_keys::secret_hash.eq(key.secret_hash.as_slice()),
        api_keys::roles.eq(roles),
        api_keys::created_at.eq(key.created_at),
        api_keys::expires_at.eq(Some(key.expires_at)),
    );
    diesel::insert_into(api_keys::table)
        .values(row)
        .returning(Row::as_returning())
        .get_result(tx.connection())
        .await?
        .try_into()
}

/// A key.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: ApiKeyId) -> Result<ApiKey> {
    api_keys::table
        .filter(api_keys::org_id.eq(tx.org()))
        .filter(api_keys::id.eq(id))
        .select(Row::as_select())
        .first(tx.connection())
        .await?
        .try_into()
}

/// The keys of a name, live or not.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn named(tx: &mut Tx, name: &str) -> Result<Vec<ApiKey>> {
    let rows = api_keys::table
        .filter(api_keys::org_id.eq(tx.org()))
        .filter(api_keys::name.eq(name))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// Keys after an id, in order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(tx: &mut Tx, after: Option<ApiKeyId>, limit: i64) -> Result<Vec<ApiKey>> {
    let mut query = api_keys::table.filter(api_keys::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(api_keys::id.gt(after));
    }
    let rows = query
        .order(api_keys::id)
        .limit(limit)
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// All keys, held until the end of the transaction.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn lock_all(tx: &mut Tx) -> Result<Vec<ApiKey>> {
    let rows = api_keys::table
        .filter(api_keys::org_id.eq(tx.org()))
        .order(api_keys::id)
        .select(Row::as_select())
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// Ends a key.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn revoke(tx: &mut Tx, id: ApiKeyId, at: DateTime<Utc>) -> Result<()> {
    let key = api_keys::table.filter(api_keys::org_id.eq(tx.org())).filter(api_keys::id.eq(id));
    let changed =
        diesel::update(key).set(api_keys::revoked_at.eq(at)).execute(tx.connection()).await?;
    if changed == 1 { Ok(()) } else { Err(Error::NotFound) }
}
