//! `InvoiceService`: documents, and the run that makes them.
//!
//! Deliberately absent: the shape of documents on the wire ([`crate::document`]).

use app::Ctx;
use app::invoice::{self, CreditInvoice, Filter};
use domain::date::Date;
use domain::invoice::Party;
use domain::invoice::credit::Wanted;
use futures::FutureExt;
use prost::Message;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::invoice_service_server::InvoiceService;
use crate::{document, one_off, wire};

/// The service.
#[derive(Debug)]
pub(crate) struct Invoices {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl InvoiceService for Invoices {
    async fn preview_invoice(
        &self,
        request: Request<v1::PreviewInvoiceRequest>,
    ) -> Answer<v1::PreviewInvoiceResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.customer_id).at("customer_id")?;
        let on = field::day_if_any(message.on).at("on")?;
        call.read(&self.ctx, |scope| {
            async move {
                let drafts = invoice::preview(scope, id, on).await?;
                let customer = app::customer::get(scope, id).await?;
                let parties = document::Parties {
                    seller: Party::seller(&scope.organization),
                    buyer: Party::buyer(&customer),
                };
                let invoices = drafts.into_iter().map(|draft| document::draft(draft, &parties));
                Ok(v1::PreviewInvoiceResponse { invoices: invoices.collect() })
            }
            .boxed()
        })
        .await
    }

    async fn get_invoice(
        &self,
        request: Request<v1::GetInvoiceRequest>,
    ) -> Answer<v1::GetInvoiceResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.invoice_id).at("invoice_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let invoice = document::whole(invoice::get(scope, id).await?);
                Ok(v1::GetInvoiceResponse { invoice: Some(invoice) })
            }
            .boxed()
        })
        .await
    }

    async fn list_invoices(
        &self,
        request: Request<v1::ListInvoicesRequest>,
    ) -> Answer<v1::ListInvoicesResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let filter = Filter {
            customer_id: field::parse_filled(&message.customer_id).at("customer_id")?,
            state: field::one_of_if_any::<v1::InvoiceState>(message.state).at("state")?,
            issued_from: field::day_if_any(message.issued_from).at("issued_from")?,
            issued_until: field::day_if_any(message.issued_until).at("issued_until")?,
            number: field::text_if_any(message.number),
        };
        call.read(&self.ctx, |scope| {
            async move {
                let found = invoice::list(scope, &filter, &page).await?;
                let invoices = found.rows.into_iter().map(document::listed).collect();
                Ok(v1::ListInvoicesResponse { invoices, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn add_charge(
        &self,
        request: Request<v1::AddChargeRequest>,
    ) -> Answer<v1::AddChargeResponse> {
        one_off::add(&self.ctx, request).await
    }

    async fn remove_charge(
        &self,
        request: Request<v1::RemoveChargeRequest>,
    ) -> Answer<v1::RemoveChargeResponse> {
        one_off::remove(&self.ctx, request).await
    }

    async fn list_charges(
        &self,
        request: Request<v1::ListChargesRequest>,
    ) -> Answer<v1::ListChargesResponse> {
        one_off::list(&self.ctx, request).await
    }

    async fn create_invoice(
        &self,
        request: Request<v1::CreateInvoiceRequest>,
    ) -> Answer<v1::CreateInvoiceResponse> {
        one_off::invoice(&self.ctx, request).await
    }

    async fn finalize_invoice(
        &self,
        request: Request<v1::FinalizeInvoiceRequest>,
    ) -> Answer<v1::FinalizeInvoiceResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.invoice_id).at("invoice_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                app::draft::finalize(scope, id).await?;
                let invoice = document::whole(invoice::get(scope, id).await?);
                Ok(v1::FinalizeInvoiceResponse { invoice: Some(invoice) })
            }
            .boxed()
        })
        .await
    }

    async fn discard_draft(
        &self,
        request: Request<v1::DiscardDraftRequest>,
    ) -> Answer<v1::DiscardDraftResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.invoice_id).at("invoice_id")?;
        let caller = call.caller.clone();
        call.write(&self.ctx, |scope| {
            async move {
                app::draft::discard(scope, &caller, id, &message.reason).await?;
                let invoice = document::whole(invoice::get(scope, id).await?);
                Ok(v1::DiscardDraftResponse { invoice: Some(invoice) })
            }
            .boxed()
        })
        .await
    }

    async fn credit_invoice(
        &self,
        request: Request<v1::CreditInvoiceRequest>,
    ) -> Answer<v1::CreditInvoiceResponse> {
        let (call, message) = call::open_once(request)?;
        let command = credit_command(message)?;
        call.write(&self.ctx, |scope| {
            async move {
                let id = invoice::credit(scope, command).await?;
                let credit_note = document::whole(invoice::get(scope, id).await?);
                Ok(v1::CreditInvoiceResponse { credit_note: Some(credit_note) })
            }
            .boxed()
        })
        .await
    }

    async fn get_document(
        &self,
        request: Request<v1::GetDocumentRequest>,
    ) -> Answer<v1::GetDocumentResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.invoice_id).at("invoice_id")?;
        let language = field::one_of_if_any::<v1::Language>(message.language).at("language")?;
        call.read(&self.ctx, |scope| {
            async move {
                let page = app::document::print(scope, id, language).await?;
                let language = code::<v1::Language>(page.language);
                Ok(v1::GetDocumentResponse { html: page.html, language })
            }
            .boxed()
        })
        .await
    }

    async fn run_billing(
        &self,
        request: Request<v1::RunBillingRequest>,
    ) -> Answer<v1::RunBillingResponse> {
        let (call, _) = call::open_once(request)?;
        let org = call.caller.org;
        let work = async {
            let scope = self.ctx.scope(org).await?;
            let today = scope.today();
            scope.commit().await?;
            let done = app::billing::run(&self.ctx, org).await?;
            Ok(run_answer(today, done))
        };
        call.steps(&self.ctx, Message::encode_to_vec, work).await
    }
}

fn credit_command(message: v1::CreditInvoiceRequest) -> field::Result<CreditInvoice> {
    let wanted = |line: v1::LineCredit| {
        let line_id = field::parse(&line.line_id).at("line_id")?;
        let amount = line.net.as_ref().map(field::money).transpose().at("net")?;
        Ok(Wanted { line_id, amount })
    };
    Ok(CreditInvoice {
        id: field::parse(&message.invoice_id).at("invoice_id")?,
        lines: field::each(message.lines, wanted).at("lines")?,
        reason: message.reason,
    })
}

fn run_answer(today: Date, done: app::day::Done) -> v1::RunBillingResponse {
    v1::RunBillingResponse {
        date: Some(today.into()),
        invoices_issued: wire::count(done.invoices),
        amounts: done.invoiced.into_iter().map(Into::into).collect(),
        entries_posted: wire::count(done.entries),
        set_aside: wire::count(done.set_aside),
        drafts_made: wire::count(done.drafted),
    }
}
