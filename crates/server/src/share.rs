//! `ShareService`: what features bring, and what of it goes to those who invested in them.
//!
//! Deliberately absent: how it is computed (`domain::share`).

use app::Ctx;
use app::share::{self, Expected};
use domain::share::{Hold, InvestmentMonth};
use futures::FutureExt;
use prost::Message;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::share_service_server::ShareService;
use crate::wire;

/// The service.
#[derive(Debug)]
pub(crate) struct Shares {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl ShareService for Shares {
    async fn run_payouts(
        &self,
        request: Request<v1::RunPayoutsRequest>,
    ) -> Answer<v1::RunPayoutsResponse> {
        let (call, _) = call::open_once(request)?;
        let org = call.caller.org;
        let work = async {
            let scope = self.ctx.scope(org).await?;
            let today = scope.today();
            scope.commit().await?;
            let done = share::credit_complete(&self.ctx, org).await?;
            Ok(v1::RunPayoutsResponse {
                date: Some(today.into()),
                months_credited: wire::count(done.months),
                credits_made: wire::count(done.credits),
                amounts: done.credited.into_iter().map(Into::into).collect(),
            })
        };
        call.steps(&self.ctx, Message::encode_to_vec, work).await
    }

    async fn preview_payout(
        &self,
        request: Request<v1::PreviewPayoutRequest>,
    ) -> Answer<v1::PreviewPayoutResponse> {
        let (call, _) = call::open(request)?;
        call.read(&self.ctx, |scope| {
            async move {
                let expected = share::preview(scope).await?;
                let amounts = share::totals(expected.iter().map(|one| one.month.credited));
                Ok(v1::PreviewPayoutResponse {
                    until: Some(scope.today().into()),
                    credits: expected.into_iter().map(Into::into).collect(),
                    amounts: amounts.into_iter().map(Into::into).collect(),
                })
            }
            .boxed()
        })
        .await
    }

    async fn list_investment_months(
        &self,
        request: Request<v1::ListInvestmentMonthsRequest>,
    ) -> Answer<v1::ListInvestmentMonthsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let id = field::parse(&message.investment_id).at("investment_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let found = share::months(scope, id, &page).await?;
                Ok(v1::ListInvestmentMonthsResponse {
                    months: found.rows.into_iter().map(Into::into).collect(),
                    next_page_token: found.next,
                })
            }
            .boxed()
        })
        .await
    }
}

impl From<InvestmentMonth> for v1::InvestmentMonth {
    fn from(month: InvestmentMonth) -> Self {
        Self {
            investment_id: month.investment_id.to_string(),
            month: Some(month.month.into()),
            revenue: Some(month.revenue.into()),
            accrual: Some(month.accrual.into()),
            accrued: Some(month.accrued.into()),
            credited: Some(month.credited.into()),
            principal: Some(month.principal.into()),
            credited_total: Some(month.credited_total.into()),
            carried: Some(month.carried.into()),
            held: month.held.map_or(v1::ShareHold::Unspecified, Into::into).into(),
        }
    }
}

impl From<Hold> for v1::ShareHold {
    fn from(hold: Hold) -> Self {
        match hold {
            Hold::PrincipalOpen => Self::PrincipalOpen,
            Hold::VatRateMissing => Self::VatRateMissing,
        }
    }
}

impl From<Expected> for v1::ExpectedCredit {
    fn from(expected: Expected) -> Self {
        Self {
            feature_id: expected.feature_id.to_string(),
            investor_id: expected.investor_id.to_string(),
            month: Some(expected.month.into()),
        }
    }
}
