//! One-off charges: the calls of `InvoiceService` about them, and their shape on the wire.
//!
//! Deliberately absent: the documents on which they stand ([`crate::document`]).

use app::Ctx;
use app::one_off::{self, Filter, Kept, NewCharge};
use futures::FutureExt;
use tonic::Request;

use crate::call::{self, Answer};
use crate::document;
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;

/// InvoiceService/AddCharge.
pub(crate) async fn add(
    ctx: &Ctx,
    request: Request<v1::AddChargeRequest>,
) -> Answer<v1::AddChargeResponse> {
    let (call, message) = call::open_once(request)?;
    let customer_id = field::parse(&message.customer_id).at("customer_id")?;
    let charge = field::required(message.charge).and_then(new_charge).at("charge")?;
    let bill_on = field::day_if_any(message.bill_on).at("bill_on")?;
    call.write(ctx, |scope| {
        async move {
            let kept = one_off::add(scope, customer_id, charge, bill_on).await?;
            Ok(v1::AddChargeResponse { charge: Some(kept.into()) })
        }
        .boxed()
    })
    .await
}

/// InvoiceService/RemoveCharge.
pub(crate) async fn remove(
    ctx: &Ctx,
    request: Request<v1::RemoveChargeRequest>,
) -> Answer<v1::RemoveChargeResponse> {
    let (call, message) = call::open_once(request)?;
    let id = field::parse(&message.charge_id).at("charge_id")?;
    call.write(ctx, |scope| {
        async move {
            let kept = one_off::remove(scope, id).await?;
            Ok(v1::RemoveChargeResponse { charge: Some(kept.into()) })
        }
        .boxed()
    })
    .await
}

/// InvoiceService/ListCharges.
pub(crate) async fn list(
    ctx: &Ctx,
    request: Request<v1::ListChargesRequest>,
) -> Answer<v1::ListChargesResponse> {
    let (call, message) = call::open(request)?;
    let page = field::page(message.page_size, message.page_token)?;
    let filter = Filter {
        customer_id: field::parse_filled(&message.customer_id).at("customer_id")?,
        state: field::one_of_if_any::<v1::ChargeState>(message.state).at("state")?,
    };
    call.read(ctx, |scope| {
        async move {
            let found = one_off::list(scope, filter, &page).await?;
            let charges = found.rows.into_iter().map(Into::into).collect();
            Ok(v1::ListChargesResponse { charges, next_page_token: found.next })
        }
        .boxed()
    })
    .await
}

/// InvoiceService/CreateInvoice.
pub(crate) async fn invoice(
    ctx: &Ctx,
    request: Request<v1::CreateInvoiceRequest>,
) -> Answer<v1::CreateInvoiceResponse> {
    let (call, message) = call::open_once(request)?;
    let customer_id = field::parse(&message.customer_id).at("customer_id")?;
    let charges = field::each(message.charges, new_charge).at("charges")?;
    call.write(ctx, |scope| {
        async move {
            let id = one_off::invoice(scope, customer_id, charges).await?;
            let invoice = document::whole(app::invoice::get(scope, id).await?);
            Ok(v1::CreateInvoiceResponse { invoice: Some(invoice) })
        }
        .boxed()
    })
    .await
}

fn new_charge(message: v1::NewCharge) -> field::Result<NewCharge> {
    Ok(NewCharge {
        id: field::parse_filled(&message.id).at("id")?,
        product_id: field::parse(&message.product_id).at("product_id")?,
        description: field::text_if_any(message.description),
        quantity: field::decimal(message.quantity).at("quantity")?,
        unit_price: field::decimal(message.unit_price).at("unit_price")?,
        service_from: field::day_if_any(message.service_from).at("service_from")?,
        service_until: field::day_if_any(message.service_until).at("service_until")?,
    })
}

impl From<Kept> for v1::OneOffCharge {
    fn from(kept: Kept) -> Self {
        let one_off = kept.one_off;
        Self {
            id: one_off.id.to_string(),
            customer_id: one_off.customer_id.to_string(),
            product_id: one_off.product_id.to_string(),
            description: one_off.description,
            quantity: Some(one_off.quantity.into()),
            unit_price: Some(one_off.unit_price.into()),
            net: Some(one_off.net.into()),
            service_from: Some(one_off.service.start.into()),
            service_until: Some(one_off.service.end.into()),
            bill_on: Some(one_off.bill_on.into()),
            state: code::<v1::ChargeState>(kept.state),
            invoice_id: kept.invoice_id.map(|id| id.to_string()).unwrap_or_default(),
            late_fee_of: one_off.late_fee_of.map(|id| id.to_string()).unwrap_or_default(),
        }
    }
}
