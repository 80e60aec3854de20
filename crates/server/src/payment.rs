//! `PaymentService`: money that came or went, and what will not be paid.

mod refund;

use app::Ctx;
use app::payment::{
    self, Filter, Kept, MatchPayment, RecordPayment, RefundFilter, RefundReport, ReturnPayment,
    StartedOneOff, WhichInvoice, WrittenOff,
};
use domain::date::Date;
use domain::id::CustomerId;
use domain::payment::{Allocation, Target};
use futures::FutureExt;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::payment_service_server::PaymentService;

/// The service.
#[derive(Debug)]
pub(crate) struct Payments {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl PaymentService for Payments {
    async fn record_payment(
        &self,
        request: Request<v1::RecordPaymentRequest>,
    ) -> Answer<v1::RecordPaymentResponse> {
        let (call, message) = call::open_once(request)?;
        let command = record_command(message)?;
        call.write(&self.ctx, |scope| {
            async move {
                let done = payment::record(scope, command).await?;
                let already_recorded = done.was_known;
                let payment = Some(wire(done.payment)?);
                Ok(v1::RecordPaymentResponse { payment, already_recorded })
            }
            .boxed()
        })
        .await
    }

    async fn list_payments(
        &self,
        request: Request<v1::ListPaymentsRequest>,
    ) -> Answer<v1::ListPaymentsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let filter = Filter {
            customer_id: field::parse_filled(&message.customer_id).at("customer_id")?,
            invoice_id: field::parse_filled(&message.invoice_id).at("invoice_id")?,
            kind: field::one_of_if_any::<v1::PaymentKind>(message.kind).at("kind")?,
            booked_from: field::day_if_any(message.booked_from).at("booked_from")?,
            booked_until: field::day_if_any(message.booked_until).at("booked_until")?,
        };
        call.read(&self.ctx, |scope| {
            async move {
                let found = payment::list(scope, &filter, &page).await?;
                let payments = found.rows.into_iter().map(wire).collect::<app::Result<_>>()?;
                Ok(v1::ListPaymentsResponse { payments, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn list_unmatched(
        &self,
        request: Request<v1::ListUnmatchedRequest>,
    ) -> Answer<v1::ListUnmatchedResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        call.read(&self.ctx, |scope| {
            async move {
                let found = payment::list_unmatched(scope, &page).await?;
                let payments = found.rows.into_iter().map(wire).collect::<app::Result<_>>()?;
                Ok(v1::ListUnmatchedResponse { payments, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn match_payment(
        &self,
        request: Request<v1::MatchPaymentRequest>,
    ) -> Answer<v1::MatchPaymentResponse> {
        let (call, message) = call::open_once(request)?;
        let command = MatchPayment {
            payment_id: field::parse(&message.payment_id).at("payment_id")?,
            customer_id: field::parse(&message.customer_id).at("customer_id")?,
            invoices: field::each(message.invoice_ids, |id| field::parse(&id)).at("invoice_ids")?,
        };
        call.write(&self.ctx, |scope| {
            async move {
                let payment = Some(wire(payment::match_payment(scope, command).await?)?);
                Ok(v1::MatchPaymentResponse { payment })
            }
            .boxed()
        })
        .await
    }

    async fn start_one_off_payment(
        &self,
        request: Request<v1::StartOneOffPaymentRequest>,
    ) -> Answer<v1::StartOneOffPaymentResponse> {
        let (call, message) = call::open_once(request)?;
        let customer_id = field::parse(&message.customer_id).at("customer_id")?;
        let invoices =
            field::each(message.invoice_ids, |id| field::parse(&id)).at("invoice_ids")?;
        call.write(&self.ctx, |scope| {
            async move { Ok(payment::start_one_off(scope, customer_id, &invoices).await?.into()) }
                .boxed()
        })
        .await
    }

    async fn refund_payment(
        &self,
        request: Request<v1::RefundPaymentRequest>,
    ) -> Answer<v1::RefundPaymentResponse> {
        let (call, message) = call::open_once(request)?;
        let command = refund::command(message)?;
        call.write(&self.ctx, |scope| refund::done(scope, command).boxed()).await
    }

    async fn list_refunds(
        &self,
        request: Request<v1::ListRefundsRequest>,
    ) -> Answer<v1::ListRefundsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let filter = RefundFilter {
            customer_id: field::parse_filled(&message.customer_id).at("customer_id")?,
            payment_id: field::parse_filled(&message.payment_id).at("payment_id")?,
            state: field::one_of_if_any::<v1::RefundState>(message.state).at("state")?,
        };
        call.read(&self.ctx, |scope| {
            async move {
                let found = payment::list_refunds(scope, filter, &page).await?;
                let refunds = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListRefundsResponse { refunds, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn report_refund_result(
        &self,
        request: Request<v1::ReportRefundResultRequest>,
    ) -> Answer<v1::ReportRefundResultResponse> {
        let (call, message) = call::open_once(request)?;
        let report = RefundReport {
            refund_id: field::parse(&message.refund_id).at("refund_id")?,
            result: field::one_of::<v1::RefundState>(message.result).at("result")?,
            raw_code: field::text_if_any(message.raw_code),
            on: field::day_if_any(message.on).at("on")?,
            reference: field::text_if_any(message.reference),
        };
        call.write(&self.ctx, |scope| {
            async move {
                let refund = Some(payment::report_refund(scope, report).await?.into());
                Ok(v1::ReportRefundResultResponse { refund })
            }
            .boxed()
        })
        .await
    }

    async fn return_payment(
        &self,
        request: Request<v1::ReturnPaymentRequest>,
    ) -> Answer<v1::ReturnPaymentResponse> {
        let (call, message) = call::open_once(request)?;
        let command = ReturnPayment {
            payment_id: field::parse(&message.payment_id).at("payment_id")?,
            booked_on: field::day_if_any(message.booked_on).at("booked_on")?,
            fee: message.fee.as_ref().map(field::money).transpose().at("fee")?,
            note: field::text_if_any(message.note),
            external_id: field::text_if_any(message.external_id),
        };
        call.write(&self.ctx, |scope| {
            async move {
                let payment = Some(wire(payment::give_back(scope, command).await?)?);
                Ok(v1::ReturnPaymentResponse { payment })
            }
            .boxed()
        })
        .await
    }

    async fn write_off_invoice(
        &self,
        request: Request<v1::WriteOffInvoiceRequest>,
    ) -> Answer<v1::WriteOffInvoiceResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.invoice_id).at("invoice_id")?;
        let reason = message.reason;
        call.write(&self.ctx, |scope| {
            async move {
                let write_off = Some(payment::write_off(scope, id, &reason).await?.into());
                Ok(v1::WriteOffInvoiceResponse { write_off })
            }
            .boxed()
        })
        .await
    }

    async fn date_bad_debt_vat(
        &self,
        request: Request<v1::DateBadDebtVatRequest>,
    ) -> Answer<v1::DateBadDebtVatResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.invoice_id).at("invoice_id")?;
        let on = field::day_if_any(message.on).at("on")?;
        call.write(&self.ctx, |scope| {
            async move {
                let write_off = Some(payment::date_vat(scope, id, on).await?.into());
                Ok(v1::DateBadDebtVatResponse { write_off })
            }
            .boxed()
        })
        .await
    }
}

fn record_command(message: v1::RecordPaymentRequest) -> field::Result<RecordPayment> {
    use v1::record_payment_request::Invoice;
    let invoice = match message.invoice {
        None => None,
        Some(Invoice::InvoiceId(id)) => Some(WhichInvoice::Id(field::parse(&id).at("invoice_id")?)),
        Some(Invoice::InvoiceNumber(number)) => Some(WhichInvoice::Number(number)),
    };
    Ok(RecordPayment {
        customer_id: field::parse_filled(&message.customer_id).at("customer_id")?,
        invoice,
        amount: field::required(message.amount)
            .and_then(|amount| field::money(&amount))
            .at("amount")?,
        booked_on: field::day_if_any(message.booked_on).at("booked_on")?,
        reference: field::text_if_any(message.reference),
        payer_name: field::text_if_any(message.payer_name),
        note: field::text_if_any(message.note),
        external_id: field::text_if_any(message.external_id),
    })
}

fn allocation(part: Allocation, of: (Option<CustomerId>, Date)) -> v1::PaymentAllocation {
    let target = match part.target {
        Target::Invoice(_) => v1::PaymentTarget::Invoice,
        Target::WrittenOff(_) => v1::PaymentTarget::WrittenOff,
        Target::Balance => v1::PaymentTarget::Balance,
        Target::Unmatched => v1::PaymentTarget::Unmatched,
    };
    v1::PaymentAllocation {
        target: target.into(),
        invoice_id: part.target.invoice_id().map(|id| id.to_string()).unwrap_or_default(),
        amount: Some(part.amount.into()),
        allocated_on: Some(of.1.into()),
    }
}

fn wire(kept: Kept) -> app::Result<v1::Payment> {
    let customer_id = kept.customer_id();
    let unmatched = kept.unmatched()?;
    let Kept { payment, of_parts } = kept;
    let allocations = payment.allocations.into_iter().zip(of_parts);
    Ok(v1::Payment {
        id: payment.id.to_string(),
        kind: code::<v1::PaymentKind>(payment.kind),
        customer_id: customer_id.map(|id| id.to_string()).unwrap_or_default(),
        amount: Some(payment.amount.into()),
        booked_on: Some(payment.booked_on.into()),
        reference: payment.reference.unwrap_or_default(),
        payer_name: payment.payer_name.unwrap_or_default(),
        note: payment.note.unwrap_or_default(),
        external_id: payment.external_id.unwrap_or_default(),
        attempt_id: payment.attempt_id.map(|id| id.to_string()).unwrap_or_default(),
        reverses_payment_id: payment.reverses.map(|id| id.to_string()).unwrap_or_default(),
        fee: payment.fee.map(Into::into),
        allocations: allocations.map(|(part, of)| allocation(part, of)).collect(),
        unmatched: (!unmatched.is_zero()).then(|| unmatched.into()),
    })
}

impl From<StartedOneOff> for v1::StartOneOffPaymentResponse {
    fn from(started: StartedOneOff) -> Self {
        let invoice = |(id, amount): (domain::id::InvoiceId, domain::money::Money)| {
            v1::OneOffPaymentInvoice { invoice_id: id.to_string(), amount: Some(amount.into()) }
        };
        Self {
            reference: started.reference.to_string(),
            amount: Some(started.amount.into()),
            invoices: started.invoices.into_iter().map(invoice).collect(),
        }
    }
}

impl From<WrittenOff> for v1::WriteOff {
    fn from(done: WrittenOff) -> Self {
        let write_off = done.write_off;
        let vat = write_off.vat.into_iter().map(|lost| v1::WrittenOffVat {
            vat: Some(lost.vat.into()),
            amount: Some(lost.tax.into()),
            recovered: Some(lost.recovered.into()),
        });
        Self {
            invoice_id: write_off.invoice_id.to_string(),
            amount: Some(write_off.amount.into()),
            recovered: Some(write_off.recovered.into()),
            vat: vat.collect(),
            vat_dated: write_off.is_dated,
        }
    }
}
