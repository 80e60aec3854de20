//! `RevenueService`: recurring revenue, its movements, its churn.
//!
//! Deliberately absent: how figures come about (`domain::mrr`).

use app::Ctx;
use app::mrr::{self, Churn, Moved, Worth};
use domain::mrr::movement::{Movement, Totals};
use futures::FutureExt;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::revenue_service_server::RevenueService;
use crate::wire;

/// The service.
#[derive(Debug)]
pub(crate) struct Revenue {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl RevenueService for Revenue {
    async fn get_mrr(&self, request: Request<v1::GetMrrRequest>) -> Answer<v1::GetMrrResponse> {
        let (call, message) = call::open(request)?;
        let on = field::day_if_any(message.on).at("on")?;
        call.read(&self.ctx, |scope| {
            async move {
                let (on, worth) = mrr::worth(scope, on).await?;
                let currencies = worth.into_iter().map(Into::into).collect();
                Ok(v1::GetMrrResponse { on: Some(on.into()), currencies })
            }
            .boxed()
        })
        .await
    }

    async fn list_movements(
        &self,
        request: Request<v1::ListMovementsRequest>,
    ) -> Answer<v1::ListMovementsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let month = field::day_if_any(message.month).at("month")?;
        let only = field::parse_filled(&message.customer_id).at("customer_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let (month, found) = mrr::movements(scope, month, only, &page).await?;
                Ok(v1::ListMovementsResponse {
                    customers: found.rows.into_iter().flatten().map(Into::into).collect(),
                    next_page_token: found.next,
                    month: Some(month.first.into()),
                    closing_on: Some(month.closing.into()),
                })
            }
            .boxed()
        })
        .await
    }

    async fn get_churn(
        &self,
        request: Request<v1::GetChurnRequest>,
    ) -> Answer<v1::GetChurnResponse> {
        let (call, message) = call::open(request)?;
        let month = field::day_if_any(message.month).at("month")?;
        call.read(&self.ctx, |scope| {
            async move { Ok(mrr::churn(scope, month).await?.into()) }.boxed()
        })
        .await
    }
}

impl From<Worth> for v1::Mrr {
    fn from(worth: Worth) -> Self {
        Self {
            mrr: Some(worth.mrr.into()),
            committed: Some(worth.committed.into()),
            at_risk: Some(worth.at_risk.into()),
            customers: wire::count(worth.customers),
        }
    }
}

impl From<Moved> for v1::CustomerMovement {
    fn from(moved: Moved) -> Self {
        Self {
            customer_id: moved.customer_id.to_string(),
            opening: Some(moved.opening.into()),
            closing: Some(moved.closing.into()),
            movements: moved.movements.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Movement> for v1::Movement {
    fn from(movement: Movement) -> Self {
        Self {
            kind: code::<v1::MovementKind>(movement.kind),
            reason: movement.reason.map_or(0, code::<v1::MovementReason>),
            churn_kind: movement.churn.map_or(0, code::<v1::ChurnKind>),
            amount: Some(movement.amount.into()),
        }
    }
}

impl From<Churn> for v1::GetChurnResponse {
    fn from(churn: Churn) -> Self {
        let lost = churn.lost.into_iter().map(|(kind, customers)| v1::LostCustomers {
            kind: code::<v1::ChurnKind>(kind),
            customers: wire::count(customers),
        });
        Self {
            month: Some(churn.month.first.into()),
            closing_on: Some(churn.month.closing.into()),
            opening_customers: wire::count(churn.opening_customers),
            lost: lost.collect(),
            rate: churn.rate.map(Into::into),
            currencies: churn.totals.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Totals> for v1::RevenueChurn {
    fn from(totals: Totals) -> Self {
        Self {
            opening: Some(totals.opening.into()),
            closing: Some(totals.closing.into()),
            new: Some(totals.new.into()),
            reactivation: Some(totals.reactivation.into()),
            expansion: Some(totals.expansion.into()),
            contraction: Some(totals.contraction.into()),
            churn: Some(totals.churn.into()),
            paused: Some(totals.paused.into()),
            resumed: Some(totals.resumed.into()),
            gross_rate: totals.gross_churn().map(Into::into),
            net_rate: totals.net_churn().map(Into::into),
        }
    }
}
