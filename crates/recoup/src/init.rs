//! `init`: the first organization and its first key.
//!
//! Purpose: a key can only be made with a key, so the first one is made on the machine itself.
//!
//! Invariants: the key is printed once and kept nowhere. A second live organization is not made by
//! accident.
//!
//! Deliberately absent: further organizations and keys (`OrganizationService`).

use std::sync::Arc;

use app::access::Secret;
use app::clock::WallClock;
use app::organization::{CreateOrganization, Facts};
use domain::money::Currency;
use domain::organization::{Address, OrgKind, Organization};
use store::Store;

use crate::config::InitOptions;
use crate::database::{self, Database};
use crate::{Error, output};

/// Makes the organization and prints it with its key.
///
/// # Errors
/// [`Error::Refused`] with what is wrong with the facts, or because there is one already.
pub(crate) async fn run(database: &Database, options: &InitOptions) -> Result<(), Error> {
    database::prepare(database.store()).await?;
    if !options.sandbox && !options.another {
        refuse_second(database.store()).await?;
    }
    let ctx = database.ctx(Arc::new(WallClock));
    let made = match command(options) {
        Ok(command) => app::organization::create(&ctx, command).await,
        Err(refused) => Err(refused),
    };
    let (organization, secret) = made.map_err(Error::refused("cannot make the organization"))?;
    output::print(&shown(&organization, &secret));
    output::tell("Keep the key: it is shown this once, and only its hash is stored.");
    Ok(())
}

fn command(options: &InitOptions) -> Result<CreateOrganization, app::Error> {
    let kind = if options.sandbox { OrgKind::Sandbox } else { OrgKind::Live };
    let name = options.legal_name.clone().unwrap_or_else(|| "Sandbox".to_owned());
    let address = Address {
        lines: options.street.iter().cloned().collect(),
        postal_code: options.postal_code.clone(),
        city: options.city.clone(),
        country: options.country.clone(),
    };
    let currency = Currency::from_code(&options.currency)
        .map_err(|refused| app::Error::invalid("--currency", refused))?;
    Ok(CreateOrganization {
        id: None,
        kind,
        facts: Facts { vat_number: options.vat_number.clone(), ..Facts::named(name, address) },
        default_currency: Some(currency),
        time_zone: Some(options.time_zone.clone()),
        clock_starts_on: options.clock_starts_on,
    })
}

/// Somebody who runs `init` twice has most likely mistaken the data folder or the database.
async fn refuse_second(store: &Store) -> Result<(), Error> {
    const DOING: &str = "cannot read which organizations there are";
    let mut tx = store.begin_global().await.map_err(Error::database(DOING))?;
    let all = store::organization::directory(&mut tx).await.map_err(Error::database(DOING))?;
    let Some(live) = all.iter().find(|entry| entry.kind == OrgKind::Live) else { return Ok(()) };
    let message = format!(
        "there is a live organization already, {}: with its admin key, CreateOrganization makes \
         others; --another makes one without that key",
        live.org_id
    );
    let refused = app::Error::refused("ORGANIZATION_EXISTS", message);
    Err(Error::refused("cannot make the organization")(refused))
}

fn shown(organization: &Organization, secret: &Secret) -> String {
    format!(
        "organization  {}  {} ({})\nkey           {}",
        organization.id,
        organization.legal_name,
        organization.kind,
        secret.reveal()
    )
}
