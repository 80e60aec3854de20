//! Customers: made, changed, blocked, listed.

use domain::Outcome;
use domain::customer::{Block, Customer, CustomerRefused, PartyType};
use domain::date::Date;
use domain::id::CustomerId;
use domain::money::Currency;
use domain::organization::{self as rules, Address, Language, MAX_NAME};
use domain::payment::Scheme;
use domain::vat::{VatCategory, VatTreatment};

use crate::Scope;
use crate::access::{Caller, id_taken};
use crate::error::{Error, Expect, Field, Refusal};
use crate::organization::{checked_address, optional};
use crate::page::{Page, PageRequest};

pub use store::customer::Filter;

/// The longest reason or note, in characters.
pub const MAX_NOTE: usize = 1_000;

/// Facts of a customer that may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Name on documents.
    pub name: String,
    /// Address on documents.
    pub address: Address,
    /// Where documents are sent.
    pub email: Option<String>,
    /// VAT number.
    pub vat_number: Option<String>,
    /// Who owes the VAT.
    pub vat_treatment: VatTreatment,
    /// Payment terms in days; the organization's when absent.
    pub payment_terms_days: Option<u32>,
    /// Business or consumer.
    pub party_type: PartyType,
    /// A business to which consumer rules are applied.
    pub treat_as_consumer: bool,
    /// Language of its documents; the organization's when absent.
    pub language: Option<Language>,
    /// The caller's own reference, unique.
    pub external_reference: Option<String>,
}

/// What makes a customer.
#[derive(Debug, Clone)]
pub struct CreateCustomer {
    /// Its id; a fresh one when absent.
    pub id: Option<CustomerId>,
    /// Its facts.
    pub facts: Facts,
    /// Currency of its invoices; the organization's default when absent.
    pub currency: Option<Currency>,
}

impl From<&Customer> for Facts {
    fn from(customer: &Customer) -> Self {
        let it = customer.clone();
        Self {
            name: it.name,
            address: it.address,
            email: it.email,
            vat_number: it.vat_number,
            vat_treatment: it.vat_treatment,
            payment_terms_days: it.payment_terms_days,
            party_type: it.party_type,
            treat_as_consumer: it.treat_as_consumer,
            language: it.language,
            external_reference: it.external_reference,
        }
    }
}

fn apply(facts: Facts, customer: &mut Customer) -> Result<(), Error> {
    let address = checked_address(facts.address, "customer.address")?;
    let country = address.country.clone();
    customer.name = rules::text(&facts.name, MAX_NAME).field("customer.name")?;
    customer.email = optional(facts.email, "customer.email", rules::email)?;
    customer.vat_number = optional(facts.vat_number, "customer.vat_number", |text| {
        rules::vat_number(text, &country)
    })?;
    customer.payment_terms_days = facts
        .payment_terms_days
        .map(rules::payment_terms)
        .transpose()
        .field("customer.payment_terms_days")?;
    customer.external_reference =
        optional(facts.external_reference, "customer.external_reference", |text| {
            rules::text(text, MAX_NAME)
        })?;
    customer.address = address;
    customer.vat_treatment = facts.vat_treatment;
    customer.party_type = facts.party_type;
    customer.treat_as_consumer = facts.treat_as_consumer;
    customer.language = facts.language;
    Ok(())
}

impl From<CustomerRefused> for Error {
    fn from(refused: CustomerRefused) -> Self {
        let message = refused.to_string();
        match refused {
            CustomerRefused::VatNumberMissing => Self::invalid("customer.vat_number", message),
            CustomerRefused::ExpiryPassed { .. } => Self::invalid("expires_on", message),
            CustomerRefused::NotReverseCharge { seller, country } => Self::Refused(
                Refusal::new("REVERSE_CHARGE_NOT_ALLOWED", message)
                    .with("seller_country", seller)
                    .with("country", country),
            ),
            CustomerRefused::ConsumerReverseCharge => {
                Self::refused("REVERSE_CHARGE_NOT_ALLOWED", message)
            }
            CustomerRefused::InsideEu { country } => Self::Refused(
                Refusal::new("VAT_TREATMENT_MISMATCH", message).with("country", country),
            ),
            CustomerRefused::NoForeignRate { country } => {
                Self::Refused(Refusal::new("VAT_RATE_MISSING", message).with("country", country))
            }
            CustomerRefused::Blocked { id, since, .. } => Self::Refused(
                Refusal::new("CUSTOMER_BLOCKED", message)
                    .with("customer_id", id)
                    .with("blocked_on", since),
            ),
        }
    }
}

async fn check_vat(scope: &mut Scope, customer: &Customer) -> Result<(), Error> {
    let rates = store::vat::rates(&mut scope.tx).await?;
    let today = scope.today();
    let known = |country: &str| rates.percent(country, VatCategory::Standard, today).is_ok();
    Ok(customer.check_vat(&scope.organization, known)?)
}

fn taken(error: store::Error, customer: &Customer) -> Error {
    match error {
        store::Error::Exists(constraint) if constraint == "customers_external_reference" => {
            let reference = customer.external_reference.clone().unwrap_or_default();
            let message = format!("another customer has the external reference {reference:?}");
            Error::Exists(
                Refusal::new("EXTERNAL_REFERENCE_TAKEN", message)
                    .with("external_reference", reference),
            )
        }
        store::Error::Exists(_) => id_taken("customer", customer.id),
        other => other.into(),
    }
}

/// Makes a customer.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::Refused`] when country, party type and VAT treatment do not fit;
/// [`Error::Exists`].
pub async fn create(scope: &mut Scope, command: CreateCustomer) -> Result<Customer, Error> {
    let mut customer = Customer {
        id: command.id.unwrap_or_else(|| CustomerId::fresh(scope.now)),
        name: String::new(),
        address: Address::default(),
        email: None,
        vat_number: None,
        vat_treatment: VatTreatment::Domestic,
        currency: command.currency.unwrap_or(scope.organization.default_currency),
        payment_terms_days: None,
        scheme: None,
        party_type: PartyType::Business,
        treat_as_consumer: false,
        language: None,
        external_reference: None,
        in_arrears: false,
        block: None,
    };
    apply(command.facts, &mut customer)?;
    check_vat(scope, &customer).await?;
    store::customer::insert(&mut scope.tx, &customer, scope.now)
        .await
        .map_err(|error| taken(error, &customer))?;
    Ok(customer)
}

/// Changes the facts of a customer. Documents that exist keep the old ones. `change` gets the
/// present facts and answers the new ones.
///
/// # Errors
/// As [`create`]; [`Error::NotFound`].
pub async fn update(
    scope: &mut Scope,
    id: CustomerId,
    change: impl FnOnce(Facts) -> Facts,
) -> Result<Customer, Error> {
    let mut customer = store::customer::lock(&mut scope.tx, id).await.or_missing("customer", id)?;
    let facts = change(Facts::from(&customer));
    apply(facts, &mut customer)?;
    check_vat(scope, &customer).await?;
    store::customer::update(&mut scope.tx, &customer)
        .await
        .map_err(|error| taken(error, &customer))?;
    // What was wrong with the customer may be mended now: the next run tries again.
    store::set_aside::release(&mut scope.tx, None, Some(id), scope.now).await?;
    Ok(customer)
}

/// A customer.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(scope: &mut Scope, id: CustomerId) -> Result<Customer, Error> {
    store::customer::get(&mut scope.tx, id).await.or_missing("customer", id)
}

/// Customers by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Customer>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "customers", filters.as_bytes()).await?.map(CustomerId);
    let rows = store::customer::list(&mut scope.tx, filter, after, page.limit() + 1).await?;
    page.finish(scope, "customers", filters.as_bytes(), rows, |customer| customer.id.0).await
}

/// Blocks a customer from buying anything new.
///
/// # Errors
/// [`Error::Invalid`] for an expiry that is not in the future; [`Error::NotFound`].
pub async fn block(
    scope: &mut Scope,
    caller: &Caller,
    id: CustomerId,
    reason: &str,
    expires_on: Option<Date>,
) -> Result<Customer, Error> {
    let reason = rules::text(reason, MAX_NOTE).field("reason")?;
    let mut customer = store::customer::lock(&mut scope.tx, id).await.or_missing("customer", id)?;
    let block =
        Block { reason, blocked_on: scope.today(), expires_on, blocked_by: caller.name.clone() };
    if let Outcome::Applied(()) = customer.block(block)? {
        store::customer::update(&mut scope.tx, &customer).await?;
    }
    Ok(customer)
}

/// Whether something new may be sold to a customer: neither it nor the account from which it pays
/// by mandate may be blocked. An account is blocked with every customer who pays or paid from it.
///
/// # Errors
/// [`Error::Refused`] with `CUSTOMER_BLOCKED`; whose account it is, is not told.
pub(crate) async fn may_buy(scope: &mut Scope, customer: &Customer) -> Result<(), Error> {
    let today = scope.today();
    customer.may_buy(today)?;
    let method = crate::payment_method::active(scope, &[customer.id]).await?.pop();
    let debit = method.filter(|kept| kept.method.details.scheme() == Scheme::DirectDebit);
    let Some(debit) = debit else { return Ok(()) };
    let same = crate::payment_method::customers_with_same(scope, &debit).await?;
    let found = store::customer::get_many(&mut scope.tx, &same).await?;
    if found.iter().all(|one| one.active_block(today).is_none()) {
        return Ok(());
    }
    let message = format!("the account from which customer {} pays is blocked", customer.id);
    let refusal = Refusal::new("CUSTOMER_BLOCKED", message).with("customer_id", customer.id);
    Err(Error::Refused(refusal.with("matched_on", "account")))
}

/// Lifts a customer's block. Doing it again changes nothing.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn unblock(scope: &mut Scope, id: CustomerId) -> Result<Customer, Error> {
    let mut customer = store::customer::lock(&mut scope.tx, id).await.or_missing("customer", id)?;
    if let Outcome::Applied(()) = customer.unblock() {
        store::customer::update(&mut scope.tx, &customer).await?;
    }
    Ok(customer)
}
