//! `CustomerService`: who is invoiced.
//!
//! Deliberately absent: the checks of names, addresses and VAT (`app::customer`).

use app::customer::{self, CreateCustomer, Facts, Filter};
use app::{Ctx, Scope};
use domain::customer::{Block, Customer};
use domain::date::Date;
use futures::FutureExt;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::mask::{self, Change};
use crate::payment_method;
use crate::pb::v1;
use crate::pb::v1::customer_service_server::CustomerService;
use crate::wire;

/// The fields that UpdateCustomer changes.
const CHANGEABLE: [&str; 10] = [
    "name",
    "address",
    "email",
    "vat_number",
    "vat_treatment",
    "payment_terms_days",
    "party_type",
    "treat_as_consumer",
    "language",
    "external_reference",
];

/// The service.
#[derive(Debug)]
pub(crate) struct Customers {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl CustomerService for Customers {
    async fn create_customer(
        &self,
        request: Request<v1::CreateCustomerRequest>,
    ) -> Answer<v1::CreateCustomerResponse> {
        let (call, message) = call::open_once(request)?;
        let command = create_command(message)?;
        call.write(&self.ctx, |scope| {
            async move {
                let customer = customer::create(scope, command).await?;
                Ok(v1::CreateCustomerResponse { customer: shown(scope, customer) })
            }
            .boxed()
        })
        .await
    }

    async fn get_customer(
        &self,
        request: Request<v1::GetCustomerRequest>,
    ) -> Answer<v1::GetCustomerResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.customer_id).at("customer_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let customer = customer::get(scope, id).await?;
                Ok(v1::GetCustomerResponse { customer: shown(scope, customer) })
            }
            .boxed()
        })
        .await
    }

    async fn list_customers(
        &self,
        request: Request<v1::ListCustomersRequest>,
    ) -> Answer<v1::ListCustomersResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let filter = Filter {
            external_reference: field::text_if_any(message.external_reference),
            country: field::country_if_any(&message.country).at("country")?,
        };
        call.read(&self.ctx, |scope| {
            async move {
                let found = customer::list(scope, &filter, &page).await?;
                let customers =
                    found.rows.into_iter().filter_map(|one| shown(scope, one)).collect();
                Ok(v1::ListCustomersResponse { customers, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn update_customer(
        &self,
        request: Request<v1::UpdateCustomerRequest>,
    ) -> Answer<v1::UpdateCustomerResponse> {
        let (call, message) = call::open_once(request)?;
        let new = field::required(message.customer).at("customer")?;
        let id = field::parse(&new.id).at("id").at("customer")?;
        let read = |name: &str| change(&new, name);
        let changes = mask::changes(message.update_mask, "customer", &CHANGEABLE, read)?;
        call.write(&self.ctx, |scope| {
            async move {
                let change = |mut facts| {
                    changes.into_iter().for_each(|change| change(&mut facts));
                    facts
                };
                let customer = customer::update(scope, id, change).await?;
                Ok(v1::UpdateCustomerResponse { customer: shown(scope, customer) })
            }
            .boxed()
        })
        .await
    }

    async fn block_customer(
        &self,
        request: Request<v1::BlockCustomerRequest>,
    ) -> Answer<v1::BlockCustomerResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.customer_id).at("customer_id")?;
        let expires_on = field::day_if_any(message.expires_on).at("expires_on")?;
        let caller = call.caller.clone();
        call.write(&self.ctx, |scope| {
            async move {
                let reason = &message.reason;
                let customer = customer::block(scope, &caller, id, reason, expires_on).await?;
                Ok(v1::BlockCustomerResponse { customer: shown(scope, customer) })
            }
            .boxed()
        })
        .await
    }

    async fn unblock_customer(
        &self,
        request: Request<v1::UnblockCustomerRequest>,
    ) -> Answer<v1::UnblockCustomerResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.customer_id).at("customer_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let customer = customer::unblock(scope, id).await?;
                Ok(v1::UnblockCustomerResponse { customer: shown(scope, customer) })
            }
            .boxed()
        })
        .await
    }

    async fn set_payment_method(
        &self,
        request: Request<v1::SetPaymentMethodRequest>,
    ) -> Answer<v1::SetPaymentMethodResponse> {
        let (call, message) = call::open_once(request)?;
        let command = payment_method::set_command(message)?;
        let call = call.sealed(&self.ctx);
        call.write(&self.ctx, |scope| {
            async move {
                let method = app::payment_method::set(scope, command).await?;
                Ok(v1::SetPaymentMethodResponse { payment_method: Some(method.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn end_payment_method(
        &self,
        request: Request<v1::EndPaymentMethodRequest>,
    ) -> Answer<v1::EndPaymentMethodResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.payment_method_id).at("payment_method_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let method = app::payment_method::end(scope, id, &message.reason).await?;
                Ok(v1::EndPaymentMethodResponse { payment_method: Some(method.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn list_payment_methods(
        &self,
        request: Request<v1::ListPaymentMethodsRequest>,
    ) -> Answer<v1::ListPaymentMethodsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let filter = app::payment_method::Filter {
            customer_id: field::parse_filled(&message.customer_id).at("customer_id")?,
            state: field::one_of_if_any::<v1::PaymentMethodState>(message.state).at("state")?,
        };
        call.read(&self.ctx, |scope| {
            async move {
                let found = app::payment_method::list(scope, filter, &page).await?;
                let payment_methods = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListPaymentMethodsResponse { payment_methods, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }
}

fn create_command(message: v1::CreateCustomerRequest) -> field::Result<CreateCustomer> {
    let id = field::parse_filled(&message.customer_id).at("customer_id")?;
    let new = field::required(message.customer).at("customer")?;
    let read = || {
        let currency = field::parse_filled(&new.currency).at("currency")?;
        Ok(CreateCustomer { id, facts: facts(new)?, currency })
    };
    read().at("customer")
}

fn facts(new: v1::Customer) -> field::Result<Facts> {
    Ok(Facts {
        name: new.name,
        address: field::required(new.address).at("address")?.into(),
        email: field::text_if_any(new.email),
        vat_number: field::text_if_any(new.vat_number),
        vat_treatment: field::one_of::<v1::VatTreatment>(new.vat_treatment).at("vat_treatment")?,
        payment_terms_days: new
            .payment_terms_days
            .map(field::count)
            .transpose()
            .at("payment_terms_days")?,
        party_type: field::one_of::<v1::PartyType>(new.party_type).at("party_type")?,
        treat_as_consumer: new.treat_as_consumer,
        language: field::one_of_if_any::<v1::Language>(new.language).at("language")?,
        external_reference: field::text_if_any(new.external_reference),
    })
}

/// The change to the field of this name, if it can be changed.
fn change(new: &v1::Customer, name: &str) -> field::Result<Option<Change<Facts>>> {
    let given = |text: &str| field::text_if_any(text.to_owned());
    Ok(Some(match name {
        "name" => mask::set(new.name.clone(), |facts| &mut facts.name),
        "address" => {
            let address = field::required(new.address.clone())?;
            mask::set(address.into(), |facts| &mut facts.address)
        }
        "email" => mask::set(given(&new.email), |facts| &mut facts.email),
        "vat_number" => mask::set(given(&new.vat_number), |facts| &mut facts.vat_number),
        "vat_treatment" => {
            let treatment = field::one_of::<v1::VatTreatment>(new.vat_treatment)?;
            mask::set(treatment, |facts| &mut facts.vat_treatment)
        }
        "payment_terms_days" => {
            let days = new.payment_terms_days.map(field::count).transpose()?;
            mask::set(days, |facts| &mut facts.payment_terms_days)
        }
        "party_type" => {
            let party_type = field::one_of::<v1::PartyType>(new.party_type)?;
            mask::set(party_type, |facts| &mut facts.party_type)
        }
        "treat_as_consumer" => {
            mask::set(new.treat_as_consumer, |facts| &mut facts.treat_as_consumer)
        }
        "language" => {
            let language = field::one_of_if_any::<v1::Language>(new.language)?;
            mask::set(language, |facts| &mut facts.language)
        }
        "external_reference" => {
            mask::set(given(&new.external_reference), |facts| &mut facts.external_reference)
        }
        _ => return Ok(None),
    }))
}

/// A customer as it stands on the organization's date.
#[allow(clippy::unnecessary_wraps)] // Fields of messages are optional.
fn shown(scope: &Scope, customer: Customer) -> Option<v1::Customer> {
    Some(on_day(customer, scope.today()))
}

fn on_day(customer: Customer, today: Date) -> v1::Customer {
    let standing = customer.standing(today);
    let block = customer.active_block(today).cloned();
    v1::Customer {
        id: customer.id.to_string(),
        name: customer.name,
        address: Some(customer.address.into()),
        email: customer.email.unwrap_or_default(),
        vat_number: customer.vat_number.unwrap_or_default(),
        vat_treatment: code::<v1::VatTreatment>(customer.vat_treatment),
        currency: customer.currency.code().to_owned(),
        payment_terms_days: customer.payment_terms_days.map(wire::count),
        party_type: code::<v1::PartyType>(customer.party_type),
        treat_as_consumer: customer.treat_as_consumer,
        language: customer.language.map_or(0, code::<v1::Language>),
        external_reference: customer.external_reference.unwrap_or_default(),
        standing: code::<v1::Standing>(standing),
        block: block.map(Into::into),
    }
}

impl From<Block> for v1::Block {
    fn from(block: Block) -> Self {
        Self {
            reason: block.reason,
            blocked_on: Some(block.blocked_on.into()),
            expires_on: block.expires_on.map(Into::into),
            blocked_by: block.blocked_by,
        }
    }
}

#[cfg(test)]
#[path = "customer_tests.rs"]
mod tests;
