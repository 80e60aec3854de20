//! What workers have set aside, and taking it up again.

use domain::id::{OrgId, SetAsideId};
use store::billing::Account;

use crate::error::{Error, Expect};
use crate::page::{Page, PageRequest};
use crate::{Ctx, Scope, billing};

pub use store::set_aside::SetAside;

/// What waits to be mended, by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(scope: &mut Scope, page: &PageRequest) -> Result<Page<SetAside>, Error> {
    let after = page.after(scope, "set_asides", b"").await?.map(SetAsideId);
    let rows = store::set_aside::list(&mut scope.tx, after, page.limit() + 1).await?;
    page.finish(scope, "set_asides", b"", rows, |one| one.id.0).await
}

/// Does the work again now. The answer is resolved, or has the reason for which it was set aside
/// again. One that is resolved stays so.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Unavailable`], [`Error::Busy`].
pub async fn retry(ctx: &Ctx, org: OrgId, id: SetAsideId) -> Result<SetAside, Error> {
    let found = get(ctx, org, id).await?;
    if found.resolved_at.is_some() {
        return Ok(found);
    }
    let account = Account { customer_id: found.customer_id, currency: found.currency };
    billing::run_one(ctx, org, account).await?;
    get(ctx, org, id).await
}

async fn get(ctx: &Ctx, org: OrgId, id: SetAsideId) -> Result<SetAside, Error> {
    let mut scope = ctx.scope(org).await?;
    let found = store::set_aside::get(&mut scope.tx, id).await.or_missing("set-aside", id)?;
    scope.commit().await?;
    Ok(found)
}
