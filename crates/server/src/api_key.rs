//! Keys on the wire: what OrganizationService makes and shows of them.
//!
//! Deliberately absent: secrets; they pass through the service once and are in no message but its
//! answer.

use app::access::{ApiKey, CreateApiKey};

use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::wire;

/// The command of CreateApiKey.
pub(crate) fn create_command(message: v1::CreateApiKeyRequest) -> field::Result<CreateApiKey> {
    let roles = field::each(message.roles, field::one_of::<v1::Role>).at("roles")?;
    let expires_at = message.expire_time.map(field::instant).transpose().at("expire_time")?;
    let id = field::parse_filled(&message.api_key_id).at("api_key_id")?;
    Ok(CreateApiKey { id, name: message.name, roles, expires_at })
}

impl From<ApiKey> for v1::ApiKey {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            roles: key.roles.into_iter().map(code::<v1::Role>).collect(),
            create_time: Some(wire::instant(key.created_at)),
            expire_time: key.expires_at.map(wire::instant),
            revoke_time: key.revoked_at.map(wire::instant),
        }
    }
}
