//! `DecisionService`: what is proposed to people, what they decide, and strikes.

use app::Ctx;
use app::decision::{self, Decide, Filter};
use app::strike::{self, RecordFraud, Shown};
use domain::date;
use domain::decision::{Decision, Proposed};
use domain::strike::Offence;
use futures::FutureExt;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::decision_service_server::DecisionService;
use crate::wire;

/// The service.
#[derive(Debug)]
pub(crate) struct Decisions {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl DecisionService for Decisions {
    async fn list_decisions(
        &self,
        request: Request<v1::ListDecisionsRequest>,
    ) -> Answer<v1::ListDecisionsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let filter = Filter {
            state: field::one_of_if_any::<v1::DecisionState>(message.state).at("state")?,
            kind: field::one_of_if_any::<v1::DecisionKind>(message.kind).at("kind")?,
            customer_id: field::parse_filled(&message.customer_id).at("customer_id")?,
        };
        call.read(&self.ctx, |scope| {
            async move {
                let found = decision::list(scope, filter, &page).await?;
                let decisions = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListDecisionsResponse { decisions, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn decide(&self, request: Request<v1::DecideRequest>) -> Answer<v1::DecideResponse> {
        let (call, message) = call::open_once(request)?;
        let caller = call.caller.clone();
        let command = Decide {
            id: field::parse(&message.decision_id).at("decision_id")?,
            verdict: field::one_of::<v1::Verdict>(message.verdict).at("verdict")?,
            note: field::text_if_any(message.note),
            block_expires_on: field::day_if_any(message.block_expires_on).at("block_expires_on")?,
        };
        call.write(&self.ctx, |scope| {
            async move {
                let decision = Some(decision::decide(scope, &caller, command).await?.into());
                Ok(v1::DecideResponse { decision })
            }
            .boxed()
        })
        .await
    }

    async fn record_fraud(
        &self,
        request: Request<v1::RecordFraudRequest>,
    ) -> Answer<v1::RecordFraudResponse> {
        let (call, message) = call::open_once(request)?;
        let caller = call.caller.clone();
        let command = RecordFraud {
            customer_id: field::parse(&message.customer_id).at("customer_id")?,
            invoice_id: field::parse_filled(&message.invoice_id).at("invoice_id")?,
            note: message.note,
        };
        call.write(&self.ctx, |scope| {
            async move {
                let strike = Some(strike::record_fraud(scope, &caller, command).await?.into());
                Ok(v1::RecordFraudResponse { strike })
            }
            .boxed()
        })
        .await
    }

    async fn list_strikes(
        &self,
        request: Request<v1::ListStrikesRequest>,
    ) -> Answer<v1::ListStrikesResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let customer = field::parse_filled(&message.customer_id).at("customer_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let found = strike::list(scope, customer, &page).await?;
                let strikes = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListStrikesResponse { strikes, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }
}

impl From<Decision> for v1::Decision {
    fn from(one: Decision) -> Self {
        let invoice = one.proposed.invoice_id().map(|id| id.to_string());
        let (by, note) = one.decided.map(|decided| (decided.by, decided.note)).unzip();
        let mut wire = Self {
            decision_id: one.id.to_string(),
            kind: code::<v1::DecisionKind>(one.proposed.kind()),
            state: code::<v1::DecisionState>(one.state),
            customer_id: one.customer_id.to_string(),
            invoice_id: invoice.unwrap_or_default(),
            why: one.why,
            proposed_on: Some(one.proposed_on.into()),
            closed_on: one.closed_on.map(Into::into),
            decided_by: by.unwrap_or_default(),
            note: note.flatten().unwrap_or_default(),
            ..Self::default()
        };
        match one.proposed {
            Proposed::Block { points, .. } => wire.points = wire::count(points),
            Proposed::WriteOff { amount, class, day_zero, .. } => {
                let days = date::days_between(day_zero, one.proposed_on);
                wire.amount = Some(amount.into());
                wire.failure_class = class.map(code::<v1::FailureClass>).unwrap_or_default();
                wire.day_zero = Some(day_zero.into());
                wire.days = i32::try_from(days).unwrap_or(i32::MAX);
            }
        }
        wire
    }
}

impl From<Shown> for v1::Strike {
    fn from(shown: Shown) -> Self {
        let one = shown.strike;
        let lapses_on = one.lapses_on();
        let invoice = one.what.invoice_id().map(|id| id.to_string());
        let mut wire = Self {
            strike_id: one.id.to_string(),
            customer_id: one.customer_id.to_string(),
            reason: code::<v1::StrikeReason>(one.what.reason()),
            points: wire::count(one.points),
            struck_on: Some(one.on.into()),
            lapses_on: Some(lapses_on.into()),
            counts: shown.counts,
            invoice_id: invoice.unwrap_or_default(),
            ..Self::default()
        };
        match one.what {
            Offence::LostCycle { .. } => {}
            Offence::Objection { attempt_id, .. } => wire.attempt_id = attempt_id.to_string(),
            Offence::Fraud { note, by, .. } => (wire.note, wire.recorded_by) = (note, by),
        }
        wire
    }
}
