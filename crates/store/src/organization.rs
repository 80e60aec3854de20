//! Organizations: their facts, the directory of all of them, and the holder of a sandbox's clock.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date;
use domain::id::OrgId;
use domain::money::{Currency, Money};
use domain::organization::{Address, Language, OrgKind, Organization};
use uuid::Uuid;

use crate::schema::{organization_directory, organizations};
use crate::{Error, Result, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = organizations, check_for_backend(diesel::pg::Pg))]
struct Row {
    org_id: OrgId,
    kind: OrgKind,
    legal_name: String,
    registration_number: Option<String>,
    address: serde_json::Value,
    vat_number: Option<String>,
    iban: Option<String>,
    email: Option<String>,
    default_currency: Currency,
    time_zone: String,
    language: Language,
    small_business: bool,
    issue_zero_invoices: bool,
    number_pattern: String,
    invoice_prefix: String,
    credit_note_prefix: String,
    payment_terms_days: i32,
    draft_grace_days: i32,
    payout_day: i32,
    minimum_payout_minor: i64,
    pre_notification_days: i32,
    chart: serde_json::Value,
    sandbox_now: Option<DateTime<Utc>>,
}

pub(crate) fn address(stored: serde_json::Value) -> Result<Address> {
    serde_json::from_value(stored).map_err(Error::corrupt)
}

pub(crate) fn address_json(address: &Address) -> Result<serde_json::Value> {
    serde_json::to_value(address).map_err(Error::corrupt)
}

impl TryFrom<Row> for Organization {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.org_id,
            kind: row.kind,
            legal_name: row.legal_name,
            registration_number: row.registration_number,
            address: address(row.address)?,
            vat_number: row.vat_number,
            iban: row.iban,
            email: row.email,
            default_currency: row.default_currency,
            time_zone: date::zone(&row.time_zone).map_err(Error::corrupt)?,
            language: row.language,
            small_business: row.small_business,
            issue_zero_invoices: row.issue_zero_invoices,
            number_pattern: row.number_pattern.parse().map_err(Error::corrupt)?,
            invoice_prefix: row.invoice_prefix,
            credit_note_prefix: row.credit_note_prefix,
            payment_terms_days: u32::try_from(row.payment_terms_days).map_err(Error::corrupt)?,
            draft_grace_days: u32::try_from(row.draft_grace_days).map_err(Error::corrupt)?,
            payout_day: u32::try_from(row.payout_day).map_err(Error::corrupt)?,
            minimum_payout: Money::new(row.minimum_payout_minor, row.default_currency),
            pre_notification_days: u32::try_from(row.pre_notification_days)
                .map_err(Error::corrupt)?,
            chart: serde_json::from_value(row.chart).map_err(Error::corrupt)?,
            sandbox_now: row.sandbox_now,
        })
    }
}

/// An organization as work over all of them sees it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = organization_directory, check_for_backend(diesel::pg::Pg))]
pub struct DirectoryEntry {
    /// Identity.
    pub org_id: OrgId,
    /// Live or sandbox.
    pub kind: OrgKind,
    /// IANA zone of its local dates.
    pub time_zone: String,
    /// When it was made, by the wall clock.
    pub created_at: DateTime<Utc>,
}

/// Writes a new organization and its entry in the directory.
///
/// # Errors
/// [`Error::Exists`] when the id is taken.
pub async fn insert(
    tx: &mut Tx,
    organization: &Organization,
    page_secret: &[u8],
    created_at: DateTime<Utc>,
) -> Result<()> {
    use organizations as o;
    let terms = i32::try_from(organization.payment_terms_days).map_err(Error::corrupt)?;
    let grace = i32::try_from(organization.draft_grace_days).map_err(Error::corrupt)?;
    let payout_day = i32::try_from(organization.payout_day).map_err(Error::corrupt)?;
    let notice = i32::try_from(organization.pre_notification_days).map_err(Error::corrupt)?;
    let row = (
        o::org_id.eq(organization.id),
        o::kind.eq(organization.kind),
        o::legal_name.eq(&organization.legal_name),
        o::registration_number.eq(&organization.registration_number),
        o::address.eq(address_json(&organization.address)?),
        o::country.eq(&organization.address.country),
        o::vat_number.eq(&organization.vat_number),
        o::iban.eq(&organization.iban),
        o::email.eq(&organization.email),
        o::default_currency.eq(organization.default_currency),
        o::time_zone.eq(organization.time_zone.name()),
        o::language.eq(organization.language),
        o::small_business.eq(organization.small_business),
        o::issue_zero_invoices.eq(organization.issue_zero_invoices),
        o::number_pattern.eq(organization.number_pattern.to_string()),
        o::invoice_prefix.eq(&organization.invoice_prefix),
        o::credit_note_prefix.eq(&organization.credit_note_prefix),
        o::payment_terms_days.eq(terms),
        o::draft_grace_days.eq(grace),
        o::payout_day.eq(payout_day),
        o::minimum_payout_minor.eq(organization.minimum_payout.minor()),
        o::pre_notification_days.eq(notice),
        o::chart.eq(serde_json::to_value(&organization.chart).map_err(Error::corrupt)?),
        o::sandbox_now.eq(organization.sandbox_now),
        o::page_secret.eq(page_secret),
        o::created_at.eq(created_at),
    );
    diesel::insert_into(o::table).values(row).execute(tx.connection()).await?;
    let entry = (
        organization_directory::org_id.eq(organization.id),
        organization_directory::kind.eq(organization.kind),
        organization_directory::time_zone.eq(organization.time_zone.name()),
        organization_directory::created_at.eq(created_at),
    );
    diesel::insert_into(organization_directory::table)
        .values(entry)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The organization of the transaction.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx) -> Result<Organization> {
    organizations::table
        .filter(organizations::org_id.eq(tx.org()))
        .select(Row::as_select())
        .first(tx.connection())
        .await?
        .try_into()
}

/// As [`get`], and holds the row until the end of the transaction.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(tx: &mut Tx) -> Result<Organization> {
    organizations::table
        .filter(organizations::org_id.eq(tx.org()))
        .select(Row::as_select())
        .for_no_key_update()
        .first(tx.connection())
        .await?
        .try_into()
}

/// Saves the descriptive facts. Kind, country, currency, zone and clock stay as they are.
///
/// # Errors
/// [`Error::Fault`].
pub async fn update(tx: &mut Tx, organization: &Organization) -> Result<()> {
    use organizations as o;
    let terms = i32::try_from(organization.payment_terms_days).map_err(Error::corrupt)?;
    let grace = i32::try_from(organization.draft_grace_days).map_err(Error::corrupt)?;
    let payout_day = i32::try_from(organization.payout_day).map_err(Error::corrupt)?;
    let notice = i32::try_from(organization.pre_notification_days).map_err(Error::corrupt)?;
    let facts = (
        o::legal_name.eq(&organization.legal_name),
        o::registration_number.eq(&organization.registration_number),
        o::address.eq(address_json(&organization.address)?),
        o::vat_number.eq(&organization.vat_number),
        o::iban.eq(&organization.iban),
        o::email.eq(&organization.email),
        o::language.eq(organization.language),
        o::small_business.eq(organization.small_business),
        o::issue_zero_invoices.eq(organization.issue_zero_invoices),
        o::number_pattern.eq(organization.number_pattern.to_string()),
        o::invoice_prefix.eq(&organization.invoice_prefix),
        o::credit_note_prefix.eq(&organization.credit_note_prefix),
        o::payment_terms_days.eq(terms),
        o::draft_grace_days.eq(grace),
        o::payout_day.eq(payout_day),
        o::minimum_payout_minor.eq(organization.minimum_payout.minor()),
        o::pre_notification_days.eq(notice),
        o::chart.eq(serde_json::to_value(&organization.chart).map_err(Error::corrupt)?),
    );
    diesel::update(o::table.filter(o::org_id.eq(tx.org())))
        .set(facts)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The secret that signs the organization's page tokens.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn page_secret(tx: &mut Tx) -> Result<Vec<u8>> {
    let secret = organizations::table
        .filter(organizations::org_id.eq(tx.org()))
        .select(organizations::page_secret)
        .first(tx.connection())
        .await?;
    Ok(secret)
}

/// All organizations, oldest id first. The only list of them; for a global transaction.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn directory(tx: &mut Tx) -> Result<Vec<DirectoryEntry>> {
    let entries = organization_directory::table
        .order(organization_directory::org_id)
        .select(DirectoryEntry::as_select())
        .load(tx.connection())
        .await?;
    Ok(entries)
}

/// Takes or renews the right to move the sandbox's clock until `until` by the wall clock. False
/// when somebody else holds it.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn hold_clock(
    tx: &mut Tx,
    holder: Uuid,
    wall: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool> {
    use organizations as o;
    let free = o::clock_held_until
        .is_null()
        .or(o::clock_held_until.lt(wall))
        .or(o::clock_holder.eq(holder));
    let held =
        diesel::update(o::table.filter(o::org_id.eq(tx.org())).filter(free.assume_not_null()))
            .set((o::clock_holder.eq(holder), o::clock_held_until.eq(until)))
            .execute(tx.connection())
            .await?;
    Ok(held == 1)
}

/// Sets the sandbox's clock, for who holds it, and never back. False when somebody else holds it
/// by now.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn move_clock(tx: &mut Tx, holder: Uuid, now: DateTime<Utc>) -> Result<bool> {
    use organizations as o;
    let own = o::table
        .filter(o::org_id.eq(tx.org()))
        .filter(o::clock_holder.eq(holder))
        .filter(o::sandbox_now.le(now));
    let moved = diesel::update(own).set(o::sandbox_now.eq(now)).execute(tx.connection()).await?;
    Ok(moved == 1)
}

/// Gives the right to move the clock back.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn release_clock(tx: &mut Tx, holder: Uuid) -> Result<()> {
    use organizations as o;
    diesel::update(o::table.filter(o::org_id.eq(tx.org())).filter(o::clock_holder.eq(holder)))
        .set((o::clock_holder.eq(None::<Uuid>), o::clock_held_until.eq(None::<DateTime<Utc>>)))
        .execute(tx.connection())
        .await?;
    Ok(())
}
