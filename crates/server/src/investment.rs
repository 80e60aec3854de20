//! `InvestmentService`: investments up to the day on which they are paid, and agreements.

use app::Ctx;
use app::investment::{
    self, AcceptInvestment, Filter, ProposeInvestment, SignAgreement, agreements,
};
use domain::investment::{Acceptance, Agreement, Basis, DEFAULT_RETURN, Investment, Terms};
use futures::FutureExt;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::investment_service_server::InvestmentService;
use crate::wire;

/// The service.
#[derive(Debug)]
pub(crate) struct Investments {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl InvestmentService for Investments {
    async fn propose_investment(
        &self,
        request: Request<v1::ProposeInvestmentRequest>,
    ) -> Answer<v1::ProposeInvestmentResponse> {
        let (call, message) = call::open_once(request)?;
        let command = ProposeInvestment {
            id: field::parse_filled(&message.investment_id).at("investment_id")?,
            feature_id: field::parse(&message.feature_id).at("feature_id")?,
            investor_id: field::parse(&message.investor_id).at("investor_id")?,
            terms: field::required(message.terms).and_then(terms).at("terms")?,
        };
        call.write(&self.ctx, |scope| {
            async move {
                let investment = Some(investment::propose(scope, command).await?.into());
                Ok(v1::ProposeInvestmentResponse { investment })
            }
            .boxed()
        })
        .await
    }

    async fn accept_investment(
        &self,
        request: Request<v1::AcceptInvestmentRequest>,
    ) -> Answer<v1::AcceptInvestmentResponse> {
        let (call, message) = call::open_once(request)?;
        let command = AcceptInvestment {
            id: field::parse(&message.investment_id).at("investment_id")?,
            consents: message.consents_to_sale,
            agreement: message.agreement.map(signed).transpose().at("agreement")?,
        };
        call.write(&self.ctx, |scope| {
            async move {
                let investment = Some(investment::accept(scope, command).await?.into());
                Ok(v1::AcceptInvestmentResponse { investment })
            }
            .boxed()
        })
        .await
    }

    async fn withdraw_investment(
        &self,
        request: Request<v1::WithdrawInvestmentRequest>,
    ) -> Answer<v1::WithdrawInvestmentResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.investment_id).at("investment_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let found = investment::withdraw(scope, id, &message.reason).await?;
                Ok(v1::WithdrawInvestmentResponse { investment: Some(found.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn give_consent(
        &self,
        request: Request<v1::GiveConsentRequest>,
    ) -> Answer<v1::GiveConsentResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.investment_id).at("investment_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let investment = Some(investment::consent(scope, id).await?.into());
                Ok(v1::GiveConsentResponse { investment })
            }
            .boxed()
        })
        .await
    }

    async fn sign_self_billing_agreement(
        &self,
        request: Request<v1::SignSelfBillingAgreementRequest>,
    ) -> Answer<v1::SignSelfBillingAgreementResponse> {
        let (call, message) = call::open_once(request)?;
        let investor = field::parse(&message.investor_id).at("investor_id")?;
        let new = field::required(message.agreement).and_then(signed).at("agreement")?;
        call.write(&self.ctx, |scope| {
            async move {
                let agreement = investment::sign(scope, investor, new).await.at("agreement")?;
                Ok(v1::SignSelfBillingAgreementResponse { agreement: Some(agreement.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn list_self_billing_agreements(
        &self,
        request: Request<v1::ListSelfBillingAgreementsRequest>,
    ) -> Answer<v1::ListSelfBillingAgreementsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let investor = field::parse_filled(&message.investor_id).at("investor_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let found = agreements(scope, investor, &page).await?;
                Ok(v1::ListSelfBillingAgreementsResponse {
                    agreements: found.rows.into_iter().map(Into::into).collect(),
                    next_page_token: found.next,
                })
            }
            .boxed()
        })
        .await
    }

    async fn get_investment(
        &self,
        request: Request<v1::GetInvestmentRequest>,
    ) -> Answer<v1::GetInvestmentResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.investment_id).at("investment_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let investment = Some(investment::get(scope, id).await?.into());
                Ok(v1::GetInvestmentResponse { investment })
            }
            .boxed()
        })
        .await
    }

    async fn list_investments(
        &self,
        request: Request<v1::ListInvestmentsRequest>,
    ) -> Answer<v1::ListInvestmentsResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let filter = Filter {
            feature_id: field::parse_filled(&message.feature_id).at("feature_id")?,
            investor_id: field::parse_filled(&message.investor_id).at("investor_id")?,
            state: field::one_of_if_any::<v1::InvestmentState>(message.state).at("state")?,
        };
        call.read(&self.ctx, |scope| {
            async move {
                let found = investment::list(scope, filter, &page).await?;
                let investments = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListInvestmentsResponse { investments, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }
}

fn terms(terms: v1::InvestmentTerms) -> field::Result<Terms> {
    let principal = field::required(terms.principal).and_then(|money| field::money(&money));
    let beyond = terms.return_percent.map(|percent| field::decimal(Some(percent))).transpose();
    let basis = field::one_of_if_any::<v1::ShareBasis>(terms.basis).at("basis")?;
    Ok(Terms {
        principal: principal.at("principal")?,
        share_percent: field::decimal(terms.share_percent).at("share_percent")?,
        return_percent: beyond.at("return_percent")?.unwrap_or(DEFAULT_RETURN),
        basis: basis.unwrap_or(Basis::Collected),
        vat_treatment: field::one_of::<v1::ShareTreatment>(terms.vat_treatment)
            .at("vat_treatment")?,
    })
}

fn signed(agreement: v1::SelfBillingAgreement) -> field::Result<SignAgreement> {
    let days = field::count(agreement.silent_days).at("silent_days")?;
    let silent_days = (days > 0).then_some(days);
    let acceptance = if silent_days.is_some() { Acceptance::Silent } else { Acceptance::Explicit };
    Ok(SignAgreement {
        id: field::parse_filled(&agreement.agreement_id).at("agreement_id")?,
        signed_on: field::day_if_any(agreement.signed_on).at("signed_on")?,
        valid_until: field::day_if_any(agreement.valid_until).at("valid_until")?,
        acceptance,
        silent_days,
        number_prefix: field::text_if_any(agreement.number_prefix),
    })
}

impl From<Investment> for v1::Investment {
    fn from(one: Investment) -> Self {
        let terms = one.terms();
        Self {
            investment_id: one.id.to_string(),
            feature_id: one.feature_id.to_string(),
            investor_id: one.investor_id.to_string(),
            terms: Some(terms.into()),
            cap: Some(one.cap.into()),
            state: code::<v1::InvestmentState>(one.state),
            proposed_on: Some(one.proposed_on.into()),
            accepted_on: one.accepted_on.map(Into::into),
            withdrawn_on: one.withdrawn_on.map(Into::into),
            consent_on: one.consent_on.map(Into::into),
            invoice_id: one.invoice_id.map(|id| id.to_string()).unwrap_or_default(),
            funded_on: one.funded_on.map(Into::into),
            recouped_on: one.recouped_on.map(Into::into),
            completed_on: one.completed_on.map(Into::into),
            accrued: Some(one.accrued.into()),
            credited: Some(one.credited.into()),
            forgone: Some(one.forgone.into()),
        }
    }
}

impl From<Terms> for v1::InvestmentTerms {
    fn from(terms: Terms) -> Self {
        Self {
            principal: Some(terms.principal.into()),
            share_percent: Some(terms.share_percent.into()),
            return_percent: Some(terms.return_percent.into()),
            basis: code::<v1::ShareBasis>(terms.basis),
            vat_treatment: code::<v1::ShareTreatment>(terms.vat_treatment),
        }
    }
}

impl From<Agreement> for v1::SelfBillingAgreement {
    fn from(one: Agreement) -> Self {
        Self {
            agreement_id: one.id.to_string(),
            signed_on: Some(one.signed_on.into()),
            valid_until: one.valid_until.map(Into::into),
            silent_days: one.silent_days.map(wire::count).unwrap_or_default(),
            number_prefix: one.number_prefix,
            investor_id: one.investor_id.to_string(),
        }
    }
}
