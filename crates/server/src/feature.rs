//! `FeatureService`: wishes, and what becomes of them.

use app::Ctx;
use app::feature::{self, SubmitFeature, Verdict};
use domain::feature::Feature;
use futures::FutureExt;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At, Refused};
use crate::pb::v1;
use crate::pb::v1::assess_feature_request_request::Assessment;
use crate::pb::v1::feature_service_server::FeatureService;
use crate::wire;

/// The service.
#[derive(Debug)]
pub(crate) struct Features {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl FeatureService for Features {
    async fn submit_feature_request(
        &self,
        request: Request<v1::SubmitFeatureRequestRequest>,
    ) -> Answer<v1::SubmitFeatureRequestResponse> {
        let (call, message) = call::open_once(request)?;
        let command = SubmitFeature {
            id: field::parse_filled(&message.feature_id).at("feature_id")?,
            title: message.title,
            description: message.description,
            requested_by: field::parse_filled(&message.requested_by).at("requested_by")?,
        };
        call.write(&self.ctx, |scope| {
            async move {
                let feature = Some(feature::submit(scope, command).await?.into());
                Ok(v1::SubmitFeatureRequestResponse { feature })
            }
            .boxed()
        })
        .await
    }

    async fn assess_feature_request(
        &self,
        request: Request<v1::AssessFeatureRequestRequest>,
    ) -> Answer<v1::AssessFeatureRequestResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.feature_id).at("feature_id")?;
        let said = verdict(message.assessment)?;
        call.write(&self.ctx, |scope| {
            async move {
                let feature = Some(feature::assess(scope, id, said).await?.into());
                Ok(v1::AssessFeatureRequestResponse { feature })
            }
            .boxed()
        })
        .await
    }

    async fn vote_feature_request(
        &self,
        request: Request<v1::VoteFeatureRequestRequest>,
    ) -> Answer<v1::VoteFeatureRequestResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.feature_id).at("feature_id")?;
        let customer = field::parse(&message.customer_id).at("customer_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let feature = Some(feature::vote(scope, id, customer).await?.into());
                Ok(v1::VoteFeatureRequestResponse { feature })
            }
            .boxed()
        })
        .await
    }

    async fn list_features(
        &self,
        request: Request<v1::ListFeaturesRequest>,
    ) -> Answer<v1::ListFeaturesResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        let state = field::one_of_if_any::<v1::FeatureState>(message.state).at("state")?;
        call.read(&self.ctx, |scope| {
            async move {
                let found = feature::list(scope, state, &page).await?;
                let features = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListFeaturesResponse { features, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn get_feature(
        &self,
        request: Request<v1::GetFeatureRequest>,
    ) -> Answer<v1::GetFeatureResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.feature_id).at("feature_id")?;
        call.read(&self.ctx, |scope| {
            async move {
                let feature = Some(feature::get(scope, id).await?.into());
                Ok(v1::GetFeatureResponse { feature })
            }
            .boxed()
        })
        .await
    }

    async fn start_development(
        &self,
        request: Request<v1::StartDevelopmentRequest>,
    ) -> Answer<v1::StartDevelopmentResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.feature_id).at("feature_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let feature = Some(feature::start(scope, id).await?.into());
                Ok(v1::StartDevelopmentResponse { feature })
            }
            .boxed()
        })
        .await
    }

    async fn release_feature(
        &self,
        request: Request<v1::ReleaseFeatureRequest>,
    ) -> Answer<v1::ReleaseFeatureResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.feature_id).at("feature_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let feature = Some(feature::release(scope, id).await?.into());
                Ok(v1::ReleaseFeatureResponse { feature })
            }
            .boxed()
        })
        .await
    }

    async fn retire_feature(
        &self,
        request: Request<v1::RetireFeatureRequest>,
    ) -> Answer<v1::RetireFeatureResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse(&message.feature_id).at("feature_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let feature = Some(feature::retire(scope, id).await?.into());
                Ok(v1::RetireFeatureResponse { feature })
            }
            .boxed()
        })
        .await
    }
}

fn verdict(assessment: Option<Assessment>) -> field::Result<Verdict> {
    match assessment {
        Some(Assessment::Accept(accept)) => Ok(Verdict::Accept {
            value: field::count(accept.value).at("value").at("accept")?,
            complexity: field::count(accept.complexity).at("complexity").at("accept")?,
            note: field::text_if_any(accept.note),
        }),
        Some(Assessment::Decline(decline)) => Ok(Verdict::Decline { reason: decline.reason }),
        None => Err(Refused::new("expected accept or decline")).at("assessment"),
    }
}

impl From<Feature> for v1::Feature {
    fn from(one: Feature) -> Self {
        let score = one.score();
        let requested_by = one.requested_by.map(|id| id.to_string());
        let currency = one.currency.map(|currency| currency.code().to_owned());
        Self {
            feature_id: one.id.to_string(),
            title: one.title,
            description: one.description,
            requested_by: requested_by.unwrap_or_default(),
            state: code::<v1::FeatureState>(one.state),
            value: one.rating.map(|rating| wire::count(rating.value)).unwrap_or_default(),
            complexity: one.rating.map(|rating| wire::count(rating.complexity)).unwrap_or_default(),
            votes: wire::count(one.votes),
            score: score.map(wire::count).unwrap_or_default(),
            note: one.note.unwrap_or_default(),
            currency: currency.unwrap_or_default(),
            submitted_on: Some(one.submitted_on.into()),
            assessed_on: one.assessed_on.map(Into::into),
            started_on: one.started_on.map(Into::into),
            released_on: one.released_on.map(Into::into),
            retired_on: one.retired_on.map(Into::into),
            owned_on: one.owned_on.map(Into::into),
        }
    }
}
