//! One-off charges: added for the run, removed while they wait, or invoiced at once.
//!
//! Invariants: whoever adds or removes one holds the billing account first, as the run does.

use domain::balance::Balance;
use domain::customer::Customer;
use domain::date::{self, Date};
use domain::id::{ChargeId, CustomerId, InvoiceId, ProductId, Sequence};
use domain::invoice::{self as rules, Heading, MAX_LINES, Party};
use domain::money::Money;
use domain::one_off::{ChargeState, OneOff, OneOffRefused, check_service, net};
use domain::organization::{MAX_TEXT, text};
use domain::period::Period;
use domain::plan::Product;
use rust_decimal::Decimal;
use store::billing::Account;
use store::invoice::NewDocument;

use crate::Scope;
use crate::access::id_taken;
use crate::error::{Error, Expect, Field, Refusal};
use crate::invoice::issue::issue;
use crate::page::{Page, PageRequest};

pub use store::one_off::Kept;

/// What makes a charge; its currency is the customer's.
#[derive(Debug, Clone)]
pub struct NewCharge {
    /// Its id; a fresh one when absent.
    pub id: Option<ChargeId>,
    /// What is sold.
    pub product_id: ProductId,
    /// Text of the line; the product's name when absent.
    pub description: Option<String>,
    /// Units.
    pub quantity: Decimal,
    /// Price of a unit, in major units.
    pub unit_price: Decimal,
    /// First day of service; the billing date when absent.
    pub service_from: Option<Date>,
    /// The day after the last; one day of service when absent.
    pub service_until: Option<Date>,
}

/// Which charges to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this customer's.
    pub customer_id: Option<CustomerId>,
    /// Only those in this state.
    pub state: Option<ChargeState>,
}

/// Adds a charge that the run of its billing date takes onto the customer's invoice; today's when
/// no date is given.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Exists`] with `ID_TAKEN`.
pub async fn add(
    scope: &mut Scope,
    customer_id: CustomerId,
    new: NewCharge,
    bill_on: Option<Date>,
) -> Result<Kept, Error> {
    let (customer, account) = locked(scope, customer_id).await?;
    let today = scope.today();
    let bill_on = bill_on.unwrap_or(today);
    if bill_on < today {
        let message = format!("{bill_on} is past: expected {today} or later");
        return Err(Error::invalid("bill_on", message));
    }
    let product = one_product(scope, new.product_id, "charge").await?;
    let one_off = checked(scope, &customer, &product, new, bill_on).map_err(at("charge"))?;
    insert(scope, std::slice::from_ref(&one_off)).await?;
    store::billing::reschedule(&mut scope.tx, &[account]).await?;
    Ok(Kept { one_off, state: ChargeState::Waiting, invoice_id: None })
}

/// Removes a charge that waits. Doing it again changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `CHARGE_BILLED`.
pub async fn remove(scope: &mut Scope, id: ChargeId) -> Result<Kept, Error> {
    let found = store::one_off::get(&mut scope.tx, id).await.or_missing("charge", id)?;
    let one_off = &found.one_off;
    let account = Account { customer_id: one_off.customer_id, currency: one_off.net.currency() };
    store::billing::lock(&mut scope.tx, account).await?;
    // Again, now that nobody else changes it.
    let mut kept = store::one_off::get(&mut scope.tx, id).await.or_missing("charge", id)?;
    match kept.state {
        ChargeState::Removed => {}
        ChargeState::Billed | ChargeState::Drafted | ChargeState::Waived => {
            let message = match kept.state {
                ChargeState::Drafted => "the charge stands on a draft: discard or finalize that",
                ChargeState::Waived => "the charge was waived with the draft on which it stood",
                _ => "the charge is billed: credit the line of its invoice",
            };
            let refusal = Refusal::new("CHARGE_BILLED", message).with("charge_id", id);
            let invoice = kept.invoice_id.map(|id| id.to_string()).unwrap_or_default();
            return Err(Error::Refused(refusal.with("invoice_id", invoice)));
        }
        ChargeState::Waiting => {
            store::one_off::remove(&mut scope.tx, id).await?;
            store::billing::reschedule(&mut scope.tx, &[account]).await?;
            kept.state = ChargeState::Removed;
        }
    }
    Ok(kept)
}

/// Charges by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    filter: Filter,
    page: &PageRequest,
) -> Result<Page<Kept>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "charges", filters.as_bytes()).await?.map(ChargeId);
    let Filter { customer_id, state } = filter;
    let limit = page.limit() + 1;
    let rows = store::one_off::list(&mut scope.tx, customer_id, state, after, limit).await?;
    page.finish(scope, "charges", filters.as_bytes(), rows, |one| one.one_off.id.0).await
}

/// Invoices charges at once, on a document of their own.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Exists`] with `ID_TAKEN`; [`Error::Refused`]
/// with `NOTHING_TO_INVOICE` or the reason for which no document can be made.
pub async fn invoice(
    scope: &mut Scope,
    customer_id: CustomerId,
    charges: Vec<NewCharge>,
) -> Result<InvoiceId, Error> {
    if charges.is_empty() || charges.len() > MAX_LINES {
        let message = format!("{} are not possible: expected 1 to {MAX_LINES}", charges.len());
        return Err(Error::invalid("charges", message));
    }
    let (customer, account) = locked(scope, customer_id).await?;
    let today = scope.today();
    let (mut one_offs, mut lines) = (Vec::with_capacity(charges.len()), Vec::new());
    let ids: Vec<ProductId> = charges.iter().map(|charge| charge.product_id).collect();
    let products = store::plan::products(&mut scope.tx, &ids).await?;
    for (index, new) in charges.into_iter().enumerate() {
        let field = format!("charges[{index}]");
        let product = products.iter().find(|product| product.id == new.product_id);
        let product = product.ok_or_else(|| unknown_product(new.product_id, &field))?;
        let one = checked(scope, &customer, product, new, today).map_err(at(&field))?;
        lines.push(one.charge(product));
        one_offs.push(one);
    }
    let rates = store::vat::rates(&mut scope.tx).await?;
    let heading = Heading {
        seller: &scope.organization,
        customer: &customer,
        rates: &rates,
        currency: account.currency,
        billing_on: today,
        issue_on: today,
    };
    let drafted = rules::draft(&heading, &Sequence::new(scope.now), lines);
    let mut draft = drafted
        .map_err(domain::billing::BillRefused::from)
        .map_err(|refused| Error::refused(refused.reason(), refused))?;
    if draft.is_zero() && !scope.organization.issue_zero_invoices {
        let message = "the charges come to nothing, and invoices over nothing are not wanted";
        return Err(Error::refused("NOTHING_TO_INVOICE", message));
    }
    let nothing = Money::zero(account.currency);
    let balances = store::billing::balances(&mut scope.tx, &[customer_id]).await?;
    Balance::of(balances.get(&account).copied().unwrap_or(nothing)).settle(&mut draft)?;
    let id = draft.id;
    let billed: Vec<_> = one_offs.iter().map(|one| (one.id, Some(id))).collect();
    insert(scope, &one_offs).await?;
    let document = NewDocument { draft, buyer: Party::buyer(&customer), reason: None };
    issue(scope, document, &[], &billed).await?;
    Ok(id)
}

/// The customer and its billing account, held until the end of the transaction.
async fn locked(scope: &mut Scope, id: CustomerId) -> Result<(Customer, Account), Error> {
    let customer = crate::customer::get(scope, id).await?;
    let account = Account { customer_id: id, currency: customer.currency };
    store::billing::lock(&mut scope.tx, account).await?;
    // The wait for the account may have lasted into another day.
    scope.refresh().await?;
    let now = crate::customer::get(scope, id).await?;
    if now.currency == account.currency {
        Ok((now, account))
    } else {
        let message = "the customer's currency was changed meanwhile: try again";
        Err(Error::Busy(Refusal::new("CUSTOMER_CHANGED", message)))
    }
}

async fn insert(scope: &mut Scope, one_offs: &[OneOff]) -> Result<(), Error> {
    match store::one_off::insert(&mut scope.tx, one_offs, scope.now).await {
        Err(store::Error::Exists(_)) => {
            let id = one_offs.first().map(|one| one.id.to_string()).unwrap_or_default();
            Err(id_taken("charge", id))
        }
        other => Ok(other?),
    }
}

async fn one_product(scope: &mut Scope, id: ProductId, field: &str) -> Result<Product, Error> {
    let mut found = store::plan::products(&mut scope.tx, &[id]).await?;
    found.pop().ok_or_else(|| unknown_product(id, field))
}

fn unknown_product(id: ProductId, field: &str) -> Error {
    Error::invalid(format!("{field}.product_id"), format!("product {id} does not exist"))
}

/// Names the charge of which a field is wrong.
fn at(charge: &str) -> impl Fn(Error) -> Error {
    move |error| match error {
        Error::Invalid { field, message } => {
            Error::Invalid { field: format!("{charge}.{field}"), message }
        }
        other => other,
    }
}

fn checked(
    scope: &Scope,
    customer: &Customer,
    product: &Product,
    new: NewCharge,
    bill_on: Date,
) -> Result<OneOff, Error> {
    if product.is_investment() {
        let message = "the product of investments is not sold: propose an investment";
        return Err(Error::invalid("product_id", message));
    }
    let description = new.description.unwrap_or_else(|| product.name.clone());
    let net = net(new.quantity, new.unit_price, customer.currency).map_err(|refused| {
        let field = match refused {
            OneOffRefused::Quantity { .. } => "quantity",
            _ => "unit_price",
        };
        Error::invalid(field, refused)
    })?;
    let start = match (new.service_from, new.service_until) {
        (None, Some(_)) => {
            return Err(Error::invalid("service_from", "expected with service_until"));
        }
        (from, _) => from.unwrap_or(bill_on),
    };
    let end = new.service_until.unwrap_or_else(|| date::add_days(start, 1));
    Ok(OneOff {
        id: new.id.unwrap_or_else(|| ChargeId::fresh(scope.now)),
        customer_id: customer.id,
        product_id: product.id,
        description: text(&description, MAX_TEXT).field("description")?,
        quantity: new.quantity,
        unit_price: new.unit_price,
        net,
        service: check_service(Period { start, end }).field("service_until")?,
        bill_on,
        late_fee_of: None,
    })
}
