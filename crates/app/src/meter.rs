//! Meters of the catalogue: what usage is measured by.

use domain::id::MeterId;
use domain::organization::{self as rules, MAX_NAME};
use domain::usage::{Aggregation, Meter};

use crate::Scope;
use crate::access::id_taken;
use crate::catalog::MAX_CODE;
use crate::error::{Error, Field, Refusal};
use crate::organization::optional;
use crate::page::{Page, PageRequest};

/// What makes a meter.
#[derive(Debug, Clone)]
pub struct CreateMeter {
    /// Its id; a fresh one when absent.
    pub id: Option<MeterId>,
    /// The vendor's own short name, unique; events name it.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// How events become a quantity. Never changes.
    pub aggregation: Aggregation,
    /// What one unit is called.
    pub unit_label: Option<String>,
}

/// Makes a meter.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::Exists`] with `ID_TAKEN` or `CODE_TAKEN`.
pub async fn create(scope: &mut Scope, command: CreateMeter) -> Result<Meter, Error> {
    let meter = Meter {
        id: command.id.unwrap_or_else(|| MeterId::fresh(scope.now)),
        code: rules::text(&command.code, MAX_CODE).field("meter.code")?,
        name: rules::text(&command.name, MAX_NAME).field("meter.name")?,
        aggregation: command.aggregation,
        unit_label: optional(command.unit_label, "meter.unit_label", |text| {
            rules::text(text, MAX_CODE)
        })?,
    };
    match store::meter::insert(&mut scope.tx, &meter, scope.now).await {
        Ok(()) => Ok(meter),
        Err(store::Error::Exists(constraint)) if constraint == "meters_code" => {
            let message = format!("another meter has the code {:?}", meter.code);
            Err(Error::Exists(Refusal::new("CODE_TAKEN", message).with("code", &meter.code)))
        }
        Err(store::Error::Exists(_)) => Err(id_taken("meter", meter.id)),
        Err(other) => Err(other.into()),
    }
}

/// A meter.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(scope: &mut Scope, id: MeterId) -> Result<Meter, Error> {
    let mut found = store::meter::many(&mut scope.tx, &[id]).await?;
    found.pop().ok_or_else(|| Error::not_found("meter", id))
}

/// Meters by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    code: Option<&str>,
    page: &PageRequest,
) -> Result<Page<Meter>, Error> {
    let filters = format!("{code:?}");
    let after = page.after(scope, "meters", filters.as_bytes()).await?.map(MeterId);
    let rows = store::meter::list(&mut scope.tx, code, after, page.limit() + 1).await?;
    page.finish(scope, "meters", filters.as_bytes(), rows, |meter| meter.id.0).await
}
