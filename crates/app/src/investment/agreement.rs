//! Agreements by which the vendor issues investors' invoices.

use domain::date::Date;
use domain::id::{AgreementId, CustomerId};
use domain::investment::{Acceptance, Agreement};

use crate::access::id_taken;
use crate::error::{Error, Refusal};
use crate::page::{Page, PageRequest};
use crate::{Scope, customer};

/// Before the numbers of an investor's documents when nobody says otherwise.
pub const DEFAULT_PREFIX: &str = "SB";

/// What makes an agreement.
#[derive(Debug, Clone)]
pub struct SignAgreement {
    /// Its id; a fresh one when absent.
    pub id: Option<AgreementId>,
    /// From this day on; today when absent.
    pub signed_on: Option<Date>,
    /// The first day on which it no longer holds.
    pub valid_until: Option<Date>,
    /// How the investor agrees with each document.
    pub acceptance: Acceptance,
    /// After how many days without a word it does, where silence is enough.
    pub silent_days: Option<u32>,
    /// Before the numbers of its documents; [`DEFAULT_PREFIX`] when absent.
    pub number_prefix: Option<String>,
}

/// Records that an investor has signed. The same again changes nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Exists`] with `ID_TAKEN` or
/// `AGREEMENT_EXISTS`.
pub async fn sign(
    scope: &mut Scope,
    investor_id: CustomerId,
    command: SignAgreement,
) -> Result<Agreement, Error> {
    customer::get(scope, investor_id).await?;
    sign_at(scope, investor_id, command, "").await
}

/// As [`sign`], where fields are below a message of a request.
pub(super) async fn sign_at(
    scope: &mut Scope,
    investor_id: CustomerId,
    command: SignAgreement,
    below: &str,
) -> Result<Agreement, Error> {
    let prefix = command.number_prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned());
    let new = Agreement {
        id: command.id.unwrap_or_else(|| AgreementId::fresh(scope.now)),
        investor_id,
        signed_on: command.signed_on.unwrap_or_else(|| scope.today()),
        valid_until: command.valid_until,
        acceptance: command.acceptance,
        silent_days: command.silent_days,
        number_prefix: prefix,
    };
    new.check(scope.today())
        .map_err(|why| Error::invalid(format!("{below}{}", why.field()), why))?;
    let known = store::investment::agreements(&mut scope.tx, &[investor_id]).await?;
    if let Some(known) = known.into_iter().find(|one| one.signed_on == new.signed_on) {
        let same = Agreement { id: known.id, ..new.clone() } == known;
        return if same && command.id.is_none_or(|id| id == known.id) {
            Ok(known)
        } else {
            Err(exists(&known))
        };
    }
    match store::investment::insert_agreement(&mut scope.tx, &new, scope.now).await {
        Ok(()) => Ok(new),
        Err(store::Error::Exists(constraint)) if constraint == "self_billing_agreements_once" => {
            Err(exists(&new))
        }
        Err(store::Error::Exists(_)) => Err(id_taken("agreement", new.id)),
        Err(other) => Err(other.into()),
    }
}

fn exists(known: &Agreement) -> Error {
    let on = known.signed_on;
    let message = format!("the investor signed another agreement on {on}: give it another day");
    let refusal = Refusal::new("AGREEMENT_EXISTS", message).with("signed_on", on);
    Error::Exists(refusal.with("agreement_id", known.id))
}

/// Agreements by id, of an investor or of all.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn agreements(
    scope: &mut Scope,
    investor: Option<CustomerId>,
    page: &PageRequest,
) -> Result<Page<Agreement>, Error> {
    let filters = format!("{investor:?}");
    let after = page.after(scope, "agreements", filters.as_bytes()).await?.map(AgreementId);
    let limit = page.limit() + 1;
    let rows = store::investment::list_agreements(&mut scope.tx, investor, after, limit).await?;
    page.finish(scope, "agreements", filters.as_bytes(), rows, |one| one.id.0).await
}
