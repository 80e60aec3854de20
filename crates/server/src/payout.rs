//! `PayoutService`: documents of what investors are credited, and the money they are paid.

mod wire;

use app::Ctx;
use app::payout::{self, Filter, Ready};
use app::self_bill;
use domain::money::Currency;
use futures::FutureExt;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::payout_service_server::PayoutService;

/// The service.
#[derive(Debug)]
pub(crate) struct Payouts {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl PayoutService for Payouts {
    async fn list_payouts(
        &self,
        request: Request<v1::ListPayoutsRequest>,
    ) -> Answer<v1::ListPayoutsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let filter = Filter {
            investor_id: field::parse_filled(&message.investor_id).at("investor_id")?,
            state: field::one_of_if_any::<v1::PayoutState>(message.state).at("state")?,
            batch_id: field::parse_filled(&message.batch_id).at("batch_id")?,
        };
        call.read(&self.ctx, |scope| {
            async move {
                let found = payout::list(scope, filter, &page).await?;
                let payouts = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListPayoutsResponse { payouts, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn get_payout(
        &self,
        request: Request<v1::GetPayoutRequest>,
    ) -> Answer<v1::GetPayoutResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.payout_id).at("payout_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let payout = Some(payout::get(scope, id).await?.into());
                Ok(v1::GetPayoutResponse { payout })
            }
            .boxed()
        })
        .await
    }

    async fn approve_payout(
        &self,
        request: Request<v1::ApprovePayoutRequest>,
    ) -> Answer<v1::ApprovePayoutResponse> {
        let (call, message) = call::open_once(request)?;
        let caller = call.caller.clone();
        let id = field::parse(&message.payout_id).at("payout_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let payout = Some(payout::approve(scope, &caller, id).await?.into());
                Ok(v1::ApprovePayoutResponse { payout })
            }
            .boxed()
        })
        .await
    }

    async fn send_payouts(
        &self,
        request: Request<v1::SendPayoutsRequest>,
    ) -> Answer<v1::SendPayoutsResponse> {
        let (call, message) = call::open_once(request)?;
        let reader = call::Call { caller: call.caller.clone() };
        let currency = field::filled(&message.currency).map(Currency::from_code);
        let which = Ready {
            investor_id: field::parse_filled(&message.investor_id).at("investor_id")?,
            currency: currency.transpose().map_err(field::Refused::new).at("currency")?,
        };
        // What is recorded for repeated calls has no account numbers: they are read after it.
        let answer = call
            .write(&self.ctx, |scope| {
                async move { Ok(payout::send(scope, which, payout::MAX_SENT).await?.into()) }
                    .boxed()
            })
            .await?;
        let mut answer: v1::SendPayoutsResponse = answer.into_inner();
        let batches =
            field::each(answer.batches.clone(), |batch| field::parse(&batch.id)).at("batches")?;
        reader
            .read(&self.ctx, |scope| {
                async move {
                    let orders = payout::orders(scope, &batches).await?;
                    wire::tell(&mut answer, orders);
                    Ok(answer)
                }
                .boxed()
            })
            .await
    }

    async fn report_payout_result(
        &self,
        request: Request<v1::ReportPayoutResultRequest>,
    ) -> Answer<v1::ReportPayoutResultResponse> {
        let (call, message) = call::open_once(request)?;
        let command = wire::report_command(message)?;
        call.write(&self.ctx, |scope| {
            async move {
                let payout = Some(payout::report(scope, command).await?.into());
                Ok(v1::ReportPayoutResultResponse { payout })
            }
            .boxed()
        })
        .await
    }

    async fn set_payout_account(
        &self,
        request: Request<v1::SetPayoutAccountRequest>,
    ) -> Answer<v1::SetPayoutAccountResponse> {
        let (call, message) = call::open_once(request)?;
        let caller = call.caller.clone();
        let command = wire::account_command(message)?;
        let call = call.sealed(&self.ctx);
        call.write(&self.ctx, |scope| {
            async move {
                let account = payout::set_account(scope, &caller, command).await?;
                let account = Some(wire::account(account, scope.today()));
                Ok(v1::SetPayoutAccountResponse { account })
            }
            .boxed()
        })
        .await
    }

    async fn get_payout_account(
        &self,
        request: Request<v1::GetPayoutAccountRequest>,
    ) -> Answer<v1::GetPayoutAccountResponse> {
        let (call, message) = call::open(request)?;
        let investor = field::parse(&message.investor_id).at("investor_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let account = payout::get_account(scope, investor).await?;
                let account = Some(wire::account(account, scope.today()));
                Ok(v1::GetPayoutAccountResponse { account })
            }
            .boxed()
        })
        .await
    }

    async fn get_self_bill(
        &self,
        request: Request<v1::GetSelfBillRequest>,
    ) -> Answer<v1::GetSelfBillResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.self_bill_id).at("self_bill_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let self_bill = Some(self_bill::get(scope, id).await?.into());
                Ok(v1::GetSelfBillResponse { self_bill })
            }
            .boxed()
        })
        .await
    }

    async fn list_self_bills(
        &self,
        request: Request<v1::ListSelfBillsRequest>,
    ) -> Answer<v1::ListSelfBillsResponse> {
        let (call, message) = call::open(request)?;
        let filter = crate::self_bill::filter(&message)?;
        let page = field::page(message.page_size, message.page_token)?;
        call.read(&self.ctx, |scope| {
            async move {
                let found = self_bill::list(scope, filter, &page).await?;
                let self_bills = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListSelfBillsResponse { self_bills, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn accept_self_bill(
        &self,
        request: Request<v1::AcceptSelfBillRequest>,
    ) -> Answer<v1::AcceptSelfBillResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.self_bill_id).at("self_bill_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let self_bill = Some(self_bill::accept(scope, id).await?.into());
                Ok(v1::AcceptSelfBillResponse { self_bill })
            }
            .boxed()
        })
        .await
    }

    async fn reject_self_bill(
        &self,
        request: Request<v1::RejectSelfBillRequest>,
    ) -> Answer<v1::RejectSelfBillResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.self_bill_id).at("self_bill_id")?;
        let reason = message.reason;
        call.write(&self.ctx, |scope| {
            async move {
                let self_bill = Some(self_bill::reject(scope, id, &reason).await?.into());
                Ok(v1::RejectSelfBillResponse { self_bill })
            }
            .boxed()
        })
        .await
    }

    async fn record_investor_invoice(
        &self,
        request: Request<v1::RecordInvestorInvoiceRequest>,
    ) -> Answer<v1::RecordInvestorInvoiceResponse> {
        let (call, message) = call::open_once(request)?;
        let command = crate::self_bill::record_command(message)?;
        call.write(&self.ctx, |scope| {
            async move {
                let self_bill = Some(self_bill::record_own(scope, command).await?.into());
                Ok(v1::RecordInvestorInvoiceResponse { self_bill })
            }
            .boxed()
        })
        .await
    }

    async fn settle_clawback(
        &self,
        request: Request<v1::SettleClawbackRequest>,
    ) -> Answer<v1::SettleClawbackResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.investment_id).at("investment_id")?;
        let reason = message.reason;
        call.write(&self.ctx, |scope| {
            async move {
                let self_bill = self_bill::settle_clawback(scope, id, &reason).await?;
                Ok(v1::SettleClawbackResponse { self_bill: Some(self_bill.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn get_self_bill_document(
        &self,
        request: Request<v1::GetSelfBillDocumentRequest>,
    ) -> Answer<v1::GetSelfBillDocumentResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.self_bill_id).at("self_bill_id")?;
        let language = field::one_of_if_any::<v1::Language>(message.language).at("language")?;
        call.read(&self.ctx, |scope| {
            async move {
                let page = self_bill::print(scope, id, language).await?;
                let language = code::<v1::Language>(page.language);
                Ok(v1::GetSelfBillDocumentResponse { html: page.html, language })
            }
            .boxed()
        })
        .await
    }
}
