//! Payment methods: set, ended, listed, and read for collecting.
//!
//! Purpose: at most one active method per customer; a new one takes the place of the one before.
//!
//! Invariants: whoever changes methods holds the customer. Account numbers and tokens are secret
//! texts on the way in, sealed bytes in the rows, and secret texts again in [`reveal`] only. No
//! error repeats one.
//!
//! Deliberately absent: collecting (it reads [`active`], and [`reveal`]s just before a gateway is
//! called).

use domain::Outcome;
use domain::date::Date;
use domain::id::{CustomerId, OrgId, PaymentMethodId};
use domain::organization::text;
use domain::payment::Scheme;
use domain::payment_method::{self as rules, Card, Details, Mandate, PaymentMethod};
use secrecy::{ExposeSecret, SecretString};

use crate::Scope;
use crate::access::id_taken;
use crate::customer::MAX_NOTE;
use crate::error::{Error, Expect, Field, Refusal};
use crate::page::{Page, PageRequest};
use crate::seal::{Place, Seal};

pub use store::payment_method::{Filter, Kept};

/// The kind of sealed text that is an account number.
pub const IBAN: &str = "iban";
/// The kind of sealed text that is a gateway's token.
pub const TOKEN: &str = "token";

/// Details as they are given.
#[derive(Debug, Clone)]
pub enum NewDetails {
    /// A mandate.
    DirectDebit {
        /// The account, as typed.
        iban: SecretString,
        /// Whose account it is.
        holder: String,
        /// The reference; one of our own when absent.
        reference: Option<String>,
        /// When it was signed.
        signed_on: Date,
    },
    /// A card.
    Card {
        /// What the gateway knows it by.
        token: SecretString,
        /// Its brand.
        brand: String,
        /// The last four digits of its number.
        last_four: String,
        /// Year of its last month.
        expires_year: i32,
        /// Its last month.
        expires_month: u32,
        /// Whose card it is.
        holder: Option<String>,
    },
    /// By itself.
    BankTransfer,
}

/// What makes a method the active one.
#[derive(Debug, Clone)]
pub struct SetPaymentMethod {
    /// Whose.
    pub customer_id: CustomerId,
    /// Its id; a fresh one when absent.
    pub id: Option<PaymentMethodId>,
    /// How is paid.
    pub details: NewDetails,
}

/// Details that were checked, apart from what is sealed.
struct Checked {
    details: Details,
    /// Account number or token.
    secret: Option<SecretString>,
    /// Whether the mandate was given a reference.
    named: bool,
}

/// Which kind of text of a method is sealed.
fn kind(scheme: Scheme) -> Option<&'static str> {
    match scheme {
        Scheme::DirectDebit => Some(IBAN),
        Scheme::Card => Some(TOKEN),
        Scheme::BankTransfer => None,
    }
}

fn check(given: NewDetails, id: PaymentMethodId, today: Date) -> Result<Checked, Error> {
    Ok(match given {
        NewDetails::DirectDebit { iban, holder, reference, signed_on } => {
            let account = rules::account(iban.expose_secret()).field("direct_debit.iban")?;
            let named = reference.is_some();
            let reference = match reference {
                Some(text) => rules::reference(&text).field("direct_debit.mandate_reference")?,
                None => rules::own_reference(id),
            };
            let details = Details::DirectDebit(Mandate {
                reference,
                signed_on: rules::signed_on(signed_on, today).field("direct_debit.signed_on")?,
                holder: rules::holder(&holder).field("direct_debit.holder")?,
                account: account.masked(),
            });
            let secret = Some(SecretString::from(account.reveal()));
            Checked { details, secret, named }
        }
        NewDetails::Card { token, brand, last_four, expires_year, expires_month, holder } => {
            rules::check_token(token.expose_secret()).field("card.token")?;
            let expires = rules::expires(expires_year, expires_month, today);
            let details = Details::Card(Card {
                brand: rules::brand(&brand).field("card.brand")?,
                last_four: rules::last_four(&last_four).field("card.last_four")?,
                expires: expires.field("card.expires")?,
                holder: holder.as_deref().map(rules::holder).transpose().field("card.holder")?,
            });
            Checked { details, secret: Some(token), named: false }
        }
        NewDetails::BankTransfer => {
            Checked { details: Details::BankTransfer, secret: None, named: false }
        }
    })
}

/// Makes a method the customer's active one, in the place of the one before. The same details again
/// change nothing, and answer the method that has them.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::NotFound`]; [`Error::Exists`] with `ID_TAKEN` or
/// `MANDATE_REFERENCE_TAKEN`.
pub async fn set(scope: &mut Scope, command: SetPaymentMethod) -> Result<PaymentMethod, Error> {
    let SetPaymentMethod { customer_id, id, details } = command;
    hold(scope, customer_id).await?;
    let id = id.unwrap_or_else(|| PaymentMethodId::fresh(scope.now));
    let today = scope.today();
    let Checked { details, secret, named } = check(details, id, today)?;
    let before = store::payment_method::active(&mut scope.tx, &[customer_id]).await?.pop();
    if let Some(mut before) = before {
        let same_secret = is_same(scope, &before, &details, secret.as_ref());
        if before.method.has(&details, named, same_secret) {
            return Ok(before.method);
        }
        if let Outcome::Applied(()) = before.method.replace(today) {
            store::payment_method::save_state(&mut scope.tx, &before.method).await?;
        }
    }
    let sealed = match (kind(details.scheme()), &secret) {
        (Some(field), Some(secret)) => {
            Some(scope.seal.seal(Place { org: scope.org(), row: id.0, field }, secret)?)
        }
        _ => None,
    };
    let method = PaymentMethod::new(id, customer_id, details, today);
    let new = Kept { method, sealed };
    store::payment_method::insert(&mut scope.tx, &new, scope.now)
        .await
        .map_err(|error| taken(error, &new.method))?;
    // Its invoices are due by the way in which it pays.
    let scheme = new.method.details.scheme();
    store::customer::save_scheme(&mut scope.tx, customer_id, Some(scheme)).await?;
    crate::collection::rearm(scope, customer_id).await?;
    Ok(new.method)
}

/// Whether the account or token that is given is the one that is kept.
fn is_same(scope: &Scope, kept: &Kept, given: &Details, secret: Option<&SecretString>) -> bool {
    let (Some(field), Some(sealed), Some(secret)) = (kind(given.scheme()), &kept.sealed, secret)
    else {
        return false;
    };
    scope.seal.fingerprints(scope.org(), field, secret).contains(&sealed.fingerprint)
}

fn taken(error: store::Error, method: &PaymentMethod) -> Error {
    match (error, &method.details) {
        (store::Error::Exists(constraint), Details::DirectDebit(mandate))
            if constraint == "payment_methods_mandate_reference" =>
        {
            let reference = &mandate.reference;
            let message = format!(
                "there is or was a mandate with the reference {reference:?}: expected a new one"
            );
            let refusal = Refusal::new("MANDATE_REFERENCE_TAKEN", message);
            Error::Exists(refusal.with("mandate_reference", reference))
        }
        (store::Error::Exists(_), _) => id_taken("payment method", method.id),
        (other, _) => other.into(),
    }
}

/// Takes a method back: the mandate was revoked, the card withdrawn. Nothing is collected from the
/// customer then. One that is not active stays as it is.
///
/// # Errors
/// [`Error::Invalid`] for the reason; [`Error::NotFound`].
pub async fn end(
    scope: &mut Scope,
    id: PaymentMethodId,
    reason: &str,
) -> Result<PaymentMethod, Error> {
    let reason = text(reason, MAX_NOTE).field("reason")?;
    let customer_id = get(scope, id).await?.method.customer_id;
    hold(scope, customer_id).await?;
    // Again, now that nobody else changes it.
    let mut method = get(scope, id).await?.method;
    if let Outcome::Applied(()) = method.end(reason, scope.today()) {
        store::payment_method::save_state(&mut scope.tx, &method).await?;
        store::customer::save_scheme(&mut scope.tx, customer_id, None).await?;
        crate::collection::refresh(scope, &[customer_id]).await?;
    }
    Ok(method)
}

/// Methods by id.
///
/// # Errors
/// [`Error::NotFound`] for a customer that does not exist; [`Error::Invalid`] for a page token that
/// is not of this list.
pub async fn list(
    scope: &mut Scope,
    filter: Filter,
    page: &PageRequest,
) -> Result<Page<PaymentMethod>, Error> {
    if let Some(customer_id) = filter.customer_id {
        crate::customer::get(scope, customer_id).await?;
    }
    let filters = format!("{filter:?}");
    let after = page.after(scope, "payment_methods", filters.as_bytes()).await?;
    let after = after.map(PaymentMethodId);
    let limit = page.limit() + 1;
    let rows = store::payment_method::list(&mut scope.tx, filter, after, limit).await?;
    page.finish(scope, "payment_methods", filters.as_bytes(), rows, |one| one.id.0).await
}

/// The active methods of customers, in one query and in no order; from who has none nothing
/// is collected.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn active(scope: &mut Scope, customers: &[CustomerId]) -> Result<Vec<Kept>, Error> {
    Ok(store::payment_method::active(&mut scope.tx, customers).await?)
}

/// The account number or token of a method; a bank transfer has none. It needs no transaction.
///
/// # Errors
/// [`Error::Fault`] when it does not open: another key, or a row that somebody has changed.
pub fn reveal(seal: &Seal, org: OrgId, kept: &Kept) -> Result<Option<SecretString>, Error> {
    let method = &kept.method;
    let (Some(field), Some(sealed)) = (kind(method.details.scheme()), &kept.sealed) else {
        return Ok(None);
    };
    seal.open(Place { org, row: method.id.0, field }, sealed).map(Some)
}

/// The customers that have or had a method with the same account or token, the given one's customer
/// among them.
///
/// # Errors
/// [`Error::Unavailable`]; [`Error::Fault`] as [`reveal`].
pub async fn customers_with_same(scope: &mut Scope, kept: &Kept) -> Result<Vec<CustomerId>, Error> {
    let Some(secret) = reveal(&scope.seal, scope.org(), kept)? else { return Ok(Vec::new()) };
    let field = kind(kept.method.details.scheme()).unwrap_or_default();
    let fingerprints = scope.seal.fingerprints(scope.org(), field, &secret);
    Ok(store::payment_method::customers_with(&mut scope.tx, &fingerprints).await?)
}

async fn get(scope: &mut Scope, id: PaymentMethodId) -> Result<Kept, Error> {
    store::payment_method::get(&mut scope.tx, id).await.or_missing("payment method", id)
}

/// Holds the customer and its billing accounts until the end of the transaction.
async fn hold(scope: &mut Scope, id: CustomerId) -> Result<(), Error> {
    // First what every change of what is to be paid holds first.
    store::billing::lock_many(&mut scope.tx, &[id]).await?;
    store::customer::lock(&mut scope.tx, id).await.or_missing("customer", id)?;
    // The wait may have lasted into another day.
    scope.refresh().await
}
