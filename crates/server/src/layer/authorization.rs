//! Whether the caller may.
//!
//! Purpose: applies [`crate::permission`] to the caller that `authentication` found.
//!
//! Invariants: deny by default. A path that is not in the table does not reach the services, and a
//! method with roles needs a caller who has one of them.

use std::sync::Arc;

use app::access::Caller;
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;

use super::{Around, Inner};
use crate::permission::{self, Access, Entry};
use crate::status;

/// Applies the permission table.
#[derive(Debug)]
pub(crate) struct Authorization;

impl Around for Authorization {
    async fn around<S: Inner>(
        self: Arc<Self>,
        mut request: Request<Body>,
        mut inner: S,
    ) -> Result<Response<Body>, S::Error> {
        match check(request.uri().path(), request.extensions().get()) {
            Ok(entry) => {
                // The services learn from it which method was called.
                request.extensions_mut().insert(*entry);
                inner.call(request).await
            }
            Err(status) => Ok(status.into_http()),
        }
    }
}

#[allow(clippy::result_large_err)] // The refusal is an answer of the framework's type.
fn check(path: &str, caller: Option<&Caller>) -> Result<&'static Entry, Status> {
    let entry = permission::find(path).ok_or_else(status::unknown_method)?;
    let needed = match entry.access {
        Access::Public => return Ok(entry),
        Access::Roles(needed) => needed,
    };
    let caller = caller.ok_or_else(status::key_missing)?;
    if caller.roles.iter().any(|role| needed.contains(role)) {
        Ok(entry)
    } else {
        Err(status::role_missing(entry.method, needed, &caller.roles))
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{ApiKeyId, OrgId};
    use domain::organization::Role;
    use tonic::Code;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_listed_roles_pass() {
        let roles = |roles: &[Role]| {
            let (org, key) = (OrgId(Uuid::nil()), ApiKeyId(Uuid::nil()));
            Some(Caller { org, key, name: "test".to_owned(), roles: roles.to_vec() })
        };
        let table = [
            ("/recoup.v1.CatalogService/CreatePlan", roles(&[Role::Sales]), Code::Ok),
            ("/recoup.v1.CatalogService/CreatePlan", roles(&[Role::Viewer, Role::Sales]), Code::Ok),
            (
                "/recoup.v1.CatalogService/CreatePlan",
                roles(&[Role::Viewer]),
                Code::PermissionDenied,
            ),
            ("/recoup.v1.CatalogService/CreatePlan", roles(&[]), Code::PermissionDenied),
            ("/recoup.v1.CatalogService/CreatePlan", None, Code::Unauthenticated),
            ("/recoup.v1.CatalogService/DropPlan", roles(&[Role::Admin]), Code::Unimplemented),
            ("/grpc.health.v1.Health/Check", None, Code::Ok),
        ];
        for (path, caller, expected) in table {
            let code =
                check(path, caller.as_ref()).map_or_else(|status| status.code(), |_| Code::Ok);
            assert_eq!(code, expected, "{path} {caller:?}");
        }
    }
}
