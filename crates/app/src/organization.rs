//! Organizations: founding one, reading and changing its facts.

use chrono::{DateTime, Utc};
use domain::date::{self, Date};
use domain::id::OrgId;
use domain::ledger::{Account, Chart};
use domain::money::{Currency, Money};
use domain::numbering::{self, Pattern};
use domain::organization::{
    self as rules, Address, Language, MAX_ADDRESS_LINES, MAX_NAME, MAX_TEXT, OrgKind, Organization,
    PartyRefused, Role,
};
use domain::vat::built_in_rates;

use crate::access::{self, CreateApiKey, Secret, id_taken};
use crate::error::{Error, Field};
use crate::{Ctx, Scope};

/// Bytes of the secret that signs page tokens.
const PAGE_SECRET: usize = 32;
/// Name of an organization's first key.
pub const FIRST_KEY: &str = "first admin key";

/// What founds an organization. Texts are checked here.
#[derive(Debug, Clone)]
pub struct CreateOrganization {
    /// Its id; a fresh one when absent.
    pub id: Option<OrgId>,
    /// Live or sandbox.
    pub kind: OrgKind,
    /// Facts that may change later.
    pub facts: Facts,
    /// Default currency of customers; EUR when absent.
    pub default_currency: Option<Currency>,
    /// IANA zone; Europe/Amsterdam when absent.
    pub time_zone: Option<String>,
    /// Sandboxes only: the local date on which the clock starts; today when absent.
    pub clock_starts_on: Option<Date>,
}

/// Facts of an organization that may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Name on documents.
    pub legal_name: String,
    /// Number in the trade register.
    pub registration_number: Option<String>,
    /// Address on documents.
    pub address: Address,
    /// VAT number.
    pub vat_number: Option<String>,
    /// Account to which customers transfer.
    pub iban: Option<String>,
    /// Contact.
    pub email: Option<String>,
    /// Language of documents.
    pub language: Language,
    /// Small business scheme.
    pub small_business: bool,
    /// Whether a total of zero is worth a document.
    pub issue_zero_invoices: bool,
    /// How document numbers look.
    pub number_pattern: String,
    /// Prefix of invoice numbers.
    pub invoice_prefix: String,
    /// Prefix of credit note numbers; must differ.
    pub credit_note_prefix: String,
    /// Payment terms, in days.
    pub payment_terms_days: u32,
    /// How many days the billing run keeps its documents as drafts.
    pub draft_grace_days: u32,
    /// The day of a month on which the month before is credited to investors.
    pub payout_day: u32,
    /// What is less is carried to the next month; nothing: every amount is credited.
    pub minimum_payout: Option<Money>,
    /// How many days before a direct debit its payer is told.
    pub pre_notification_days: u32,
    /// Account codes of its own.
    pub account_codes: Vec<(Account, String)>,
}

impl Facts {
    /// Facts with the usual settings.
    #[must_use]
    pub fn named(legal_name: impl Into<String>, address: Address) -> Self {
        Self {
            legal_name: legal_name.into(),
            registration_number: None,
            address,
            vat_number: None,
            iban: None,
            email: None,
            language: Language::Dutch,
            small_business: false,
            issue_zero_invoices: false,
            number_pattern: Pattern::default().to_string(),
            invoice_prefix: String::new(),
            credit_note_prefix: "C".to_owned(),
            payment_terms_days: 14,
            draft_grace_days: 0,
            payout_day: 1,
            minimum_payout: None,
            pre_notification_days: rules::PRE_NOTIFICATION_DAYS,
            account_codes: Vec::new(),
        }
    }
}

impl From<&Organization> for Facts {
    fn from(organization: &Organization) -> Self {
        let it = organization.clone();
        Self {
            legal_name: it.legal_name,
            registration_number: it.registration_number,
            address: it.address,
            vat_number: it.vat_number,
            iban: it.iban,
            email: it.email,
            language: it.language,
            small_business: it.small_business,
            issue_zero_invoices: it.issue_zero_invoices,
            number_pattern: it.number_pattern.to_string(),
            invoice_prefix: it.invoice_prefix,
            credit_note_prefix: it.credit_note_prefix,
            payment_terms_days: it.payment_terms_days,
            draft_grace_days: it.draft_grace_days,
            payout_day: it.payout_day,
            minimum_payout: Some(it.minimum_payout),
            pre_notification_days: it.pre_notification_days,
            account_codes: own_codes(&it.chart),
        }
    }
}

fn own_codes(chart: &Chart) -> Vec<(Account, String)> {
    chart.own_codes().map(|(account, code)| (account, code.to_owned())).collect()
}

/// An optional text: an empty one counts as absent.
pub(crate) fn optional(
    value: Option<String>,
    field: &str,
    check: impl Fn(&str) -> Result<String, PartyRefused>,
) -> Result<Option<String>, Error> {
    value.filter(|text| !text.trim().is_empty()).map(|text| check(&text)).transpose().field(field)
}

/// A checked address; `field` is its path.
pub(crate) fn checked_address(address: Address, field: &str) -> Result<Address, Error> {
    if address.lines.len() > MAX_ADDRESS_LINES {
        let refused = PartyRefused::AddressLines { given: address.lines.len() };
        return Err(Error::invalid(format!("{field}.lines"), refused));
    }
    let mut lines = Vec::with_capacity(address.lines.len());
    for (at, line) in address.lines.iter().enumerate() {
        lines.push(rules::text(line, MAX_TEXT).field(&format!("{field}.lines[{at}]"))?);
    }
    let short = |value: &str, name: &str| {
        let given = Some(value.to_owned());
        let checked =
            optional(given, &format!("{field}.{name}"), |text| rules::text(text, MAX_NAME))?;
        Ok::<_, Error>(checked.unwrap_or_default())
    };
    Ok(Address {
        lines,
        postal_code: short(&address.postal_code, "postal_code")?,
        city: short(&address.city, "city")?,
        country: rules::country(&address.country).field(&format!("{field}.country"))?,
    })
}

fn apply(facts: Facts, organization: &mut Organization) -> Result<(), Error> {
    let address = checked_address(facts.address, "organization.address")?;
    let country = address.country.clone();
    let path = |name: &str| format!("organization.{name}");
    organization.legal_name =
        rules::text(&facts.legal_name, MAX_NAME).field(&path("legal_name"))?;
    organization.registration_number =
        optional(facts.registration_number, &path("registration_number"), |text| {
            rules::text(text, MAX_NAME)
        })?;
    organization.vat_number =
        optional(facts.vat_number, &path("vat_number"), |text| rules::vat_number(text, &country))?;
    organization.iban = optional(facts.iban, &path("iban"), rules::iban)?;
    organization.email = optional(facts.email, &path("email"), rules::email)?;
    organization.number_pattern = facts.number_pattern.parse().field(&path("number_pattern"))?;
    organization.invoice_prefix =
        numbering::prefix(&facts.invoice_prefix).field(&path("invoice_prefix"))?;
    organization.credit_note_prefix =
        numbering::prefix(&facts.credit_note_prefix).field(&path("credit_note_prefix"))?;
    if organization.invoice_prefix == organization.credit_note_prefix {
        let message =
            "the prefixes of invoices and credit notes must differ, or their numbers would not";
        return Err(Error::invalid(path("credit_note_prefix"), message));
    }
    organization.payment_terms_days = rules::payment_terms(facts.payment_terms_days)
        .field(&path("default_payment_terms_days"))?;
    organization.draft_grace_days =
        rules::grace_days(facts.draft_grace_days).field(&path("draft_grace_days"))?;
    organization.payout_day = rules::payout_day(facts.payout_day).field(&path("payout_day"))?;
    let currency = organization.default_currency;
    let minimum = facts.minimum_payout.unwrap_or(Money::zero(currency));
    organization.minimum_payout =
        rules::minimum_payout(minimum, currency).field(&path("minimum_payout"))?;
    organization.pre_notification_days = rules::pre_notification_days(facts.pre_notification_days)
        .field(&path("pre_notification_days"))?;
    organization.chart = Chart::new(facts.account_codes).field(&path("account_codes"))?;
    organization.language = facts.language;
    organization.small_business = facts.small_business;
    organization.issue_zero_invoices = facts.issue_zero_invoices;
    organization.address = address;
    Ok(())
}

fn founded(command: CreateOrganization, wall: DateTime<Utc>) -> Result<Organization, Error> {
    let zone_name = command.time_zone.as_deref().unwrap_or("Europe/Amsterdam");
    let time_zone = date::zone(zone_name).field("organization.time_zone")?;
    let sandbox_now = match (command.kind, command.clock_starts_on) {
        (OrgKind::Live, None) => None,
        (OrgKind::Live, Some(_)) => {
            let message =
                "a live organization follows the wall clock: leave it out, or make a sandbox";
            return Err(Error::invalid("clock_starts_on", message));
        }
        (OrgKind::Sandbox, start) => {
            let start = start.unwrap_or_else(|| date::local(wall, time_zone));
            Some(date::start_of_day(start, time_zone))
        }
    };
    let default_currency = command.default_currency.unwrap_or(Currency::EUR);
    let mut organization = Organization {
        id: command.id.unwrap_or_else(|| OrgId::fresh(wall)),
        kind: command.kind,
        legal_name: String::new(),
        registration_number: None,
        address: Address::default(),
        vat_number: None,
        iban: None,
        email: None,
        default_currency,
        time_zone,
        language: Language::Dutch,
        small_business: false,
        issue_zero_invoices: false,
        number_pattern: Pattern::default(),
        invoice_prefix: String::new(),
        credit_note_prefix: String::new(),
        payment_terms_days: 0,
        draft_grace_days: 0,
        payout_day: 1,
        minimum_payout: Money::zero(default_currency),
        pre_notification_days: rules::PRE_NOTIFICATION_DAYS,
        chart: Chart::default(),
        sandbox_now,
    };
    apply(command.facts, &mut organization)?;
    Ok(organization)
}

/// Founds an organization with the built-in VAT rates and its first admin key, in a transaction of
/// its own: nobody else is in it yet.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::Exists`] with `ID_TAKEN`.
pub async fn create(
    ctx: &Ctx,
    command: CreateOrganization,
) -> Result<(Organization, Secret), Error> {
    let wall = ctx.clock.now();
    let organization = founded(command, wall)?;
    let mut tx = ctx.store.begin(organization.id).await?;
    let page_secret: [u8; PAGE_SECRET] = access::random()?;
    match store::organization::insert(&mut tx, &organization, &page_secret, wall).await {
        Ok(()) => {}
        Err(store::Error::Exists(_)) => return Err(id_taken("organization", organization.id)),
        Err(other) => return Err(other.into()),
    }
    store::vat::put(&mut tx, &built_in_rates()).await?;
    let now = organization.now(wall);
    let mut scope = ctx.scope_of(tx, organization, now);
    let key = CreateApiKey {
        id: None,
        name: FIRST_KEY.to_owned(),
        roles: vec![Role::Admin],
        expires_at: None,
    };
    let (_, secret) = access::create(&mut scope, wall, key).await?;
    let organization = scope.organization.clone();
    scope.commit().await?;
    Ok((organization, secret))
}

/// Changes the facts of the organization. Documents that exist keep the old ones. `change` gets the
/// present facts and answers the new ones.
///
/// # Errors
/// [`Error::Invalid`], also for another country: the VAT of everything sold depends on it.
pub async fn update(
    scope: &mut Scope,
    change: impl FnOnce(Facts) -> Facts,
) -> Result<Organization, Error> {
    let mut organization = store::organization::lock(&mut scope.tx).await?;
    let facts = change(Facts::from(&organization));
    if facts.address.country != organization.address.country {
        let message = format!(
            "an organization does not move from {} to {}: make a new one",
            organization.address.country, facts.address.country
        );
        return Err(Error::invalid("organization.address.country", message));
    }
    apply(facts, &mut organization)?;
    store::organization::update(&mut scope.tx, &organization).await?;
    scope.organization = organization.clone();
    Ok(organization)
}
