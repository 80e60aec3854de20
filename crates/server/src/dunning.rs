//! `DunningService`: policies, and what they would do.
//!
//! Deliberately absent: taking steps, which no call does.

use app::Ctx;
use app::collection::queue::Collected;
use app::dunning::{
    self, CreateDunningPolicy, DunningState, Preview, PreviewDunning, ShownPolicy, Which, Why,
};
use domain::dunning::{Degree, Delivery, LateFee, Moment, Step, Terms};
use domain::entitlement::{self, Arrears};
use domain::failure::Reason;
use domain::id::InvoiceId;
use domain::period::Period;
use futures::FutureExt;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At, Refused};
use crate::pb::v1;
use crate::pb::v1::dunning_service_server::DunningService;
use crate::wire;

/// The service.
#[derive(Debug)]
pub(crate) struct Dunning {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl DunningService for Dunning {
    async fn create_dunning_policy(
        &self,
        request: Request<v1::CreateDunningPolicyRequest>,
    ) -> Answer<v1::CreateDunningPolicyResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse_filled(&message.dunning_policy_id).at("dunning_policy_id")?;
        let new = field::required(message.policy).at("policy")?;
        let name = new.name.clone();
        let command = CreateDunningPolicy { id, name, terms: terms(new).at("policy")? };
        call.write(&self.ctx, |scope| {
            async move {
                let made = dunning::create(scope, command).await?;
                Ok(v1::CreateDunningPolicyResponse { policy: Some(made.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn get_dunning_policy(
        &self,
        request: Request<v1::GetDunningPolicyRequest>,
    ) -> Answer<v1::GetDunningPolicyResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse_filled(&message.dunning_policy_id).at("dunning_policy_id")?;
        let plan_id = field::parse_filled(&message.plan_id).at("plan_id")?;
        let which = match (id, plan_id) {
            (Some(_), Some(_)) => {
                let message = "a policy has its id: expected no plan beside it";
                return Err(Refused::new(message)).at("plan_id").map_err(Into::into);
            }
            (Some(id), None) => Which::Id(id),
            (None, Some(plan_id)) => Which::OfPlan(plan_id),
            (None, None) => Which::Default,
        };
        call.read(&self.ctx, |scope| {
            async move {
                let policy = dunning::get(scope, which).await?;
                Ok(v1::GetDunningPolicyResponse { policy: Some(policy.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn list_dunning_policies(
        &self,
        request: Request<v1::ListDunningPoliciesRequest>,
    ) -> Answer<v1::ListDunningPoliciesResponse> {
        let (call, message) = call::open(request)?;
        let page = field::page(message.page_size, message.page_token)?;
        call.read(&self.ctx, |scope| {
            async move {
                let found = dunning::list(scope, &page).await?;
                let policies = found.rows.into_iter().map(Into::into).collect();
                Ok(v1::ListDunningPoliciesResponse { policies, next_page_token: found.next })
            }
            .boxed()
        })
        .await
    }

    async fn set_default_dunning_policy(
        &self,
        request: Request<v1::SetDefaultDunningPolicyRequest>,
    ) -> Answer<v1::SetDefaultDunningPolicyResponse> {
        let (call, message) = call::open_once(request)?;
        let id = field::parse_filled(&message.dunning_policy_id).at("dunning_policy_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let policy = dunning::set_default(scope, id).await?;
                Ok(v1::SetDefaultDunningPolicyResponse { policy: Some(policy.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn set_plan_dunning_policy(
        &self,
        request: Request<v1::SetPlanDunningPolicyRequest>,
    ) -> Answer<v1::SetPlanDunningPolicyResponse> {
        let (call, message) = call::open_once(request)?;
        let plan_id = field::parse(&message.plan_id).at("plan_id")?;
        let id = field::parse_filled(&message.dunning_policy_id).at("dunning_policy_id")?;
        call.write(&self.ctx, |scope| {
            async move {
                let policy = dunning::set_of_plan(scope, plan_id, id).await?;
                Ok(v1::SetPlanDunningPolicyResponse { policy: Some(policy.into()) })
            }
            .boxed()
        })
        .await
    }

    async fn get_dunning_state(
        &self,
        request: Request<v1::GetDunningStateRequest>,
    ) -> Answer<v1::GetDunningStateResponse> {
        let (call, message) = call::open(request)?;
        let customer_id = field::parse(&message.customer_id).at("customer_id")?;
        call.read(&self.ctx, |scope| {
            async move { Ok(dunning::state(scope, customer_id).await?.into()) }.boxed()
        })
        .await
    }

    async fn preview_dunning(
        &self,
        request: Request<v1::PreviewDunningRequest>,
    ) -> Answer<v1::PreviewDunningResponse> {
        let (call, message) = call::open(request)?;
        if !message.invoice_id.is_empty() {
            let id = invoice(message)?;
            return call
                .read(&self.ctx, |scope| {
                    async move { Ok(dunning::preview_invoice(scope, id).await?.into()) }.boxed()
                })
                .await;
        }
        let command = preview_command(message)?;
        call.read(&self.ctx, |scope| {
            async move { Ok(dunning::preview(scope, command).await?.into()) }.boxed()
        })
        .await
    }
}

/// The invoice of a preview that names one, and nothing else.
fn invoice(message: v1::PreviewDunningRequest) -> field::Result<InvoiceId> {
    let id = field::parse(&message.invoice_id).at("invoice_id")?;
    let alone =
        v1::PreviewDunningRequest { invoice_id: message.invoice_id.clone(), ..Default::default() };
    if message != alone {
        let message = "an invoice has its policy, scheme and failure: expected no other field";
        return Err(Refused::new(message)).at("invoice_id");
    }
    Ok(id)
}

fn preview_command(message: v1::PreviewDunningRequest) -> field::Result<PreviewDunning> {
    use v1::preview_dunning_request::{By, Why as Given};
    let which = match message.by {
        None => Which::Default,
        Some(By::DunningPolicyId(id)) => Which::Id(field::parse(&id).at("dunning_policy_id")?),
        Some(By::PlanId(id)) => Which::OfPlan(field::parse(&id).at("plan_id")?),
        Some(By::Policy(policy)) => Which::New(terms(policy).at("policy")?),
    };
    let why = match message.why {
        Some(Given::Class(class)) => {
            Why::Class(field::one_of::<v1::FailureClass>(class).at("class")?)
        }
        Some(Given::Code(code)) => Why::Code(code),
        None => return Err(Refused::new("expected class or code")).at("why"),
    };
    let pause = |pause: v1::DunningPause| {
        Ok(Period {
            start: field::required(pause.from_on).and_then(field::day).at("from_on")?,
            end: field::required(pause.until_on).and_then(field::day).at("until_on")?,
        })
    };
    Ok(PreviewDunning {
        which,
        scheme: field::one_of::<v1::Scheme>(message.scheme).at("scheme")?,
        why,
        day_zero: field::day_if_any(message.day_zero_on).at("day_zero_on")?,
        frozen: field::each(message.pauses, pause).at("pauses")?,
    })
}

fn terms(policy: v1::DunningPolicy) -> field::Result<Terms> {
    let grace = day(policy.grace_until_day).at("grace_until_day")?;
    let late_fee = policy.late_fee.map(late_fee).transpose();
    Ok(Terms {
        delivery: match grace {
            0 => Delivery::Strict,
            until_day => Delivery::Goodwill { until_day },
        },
        steps: field::each(policy.steps, step).at("steps")?,
        pay_days: field::each(policy.pay_days, field::count).at("pay_days")?,
        minimums: field::each(policy.minimums, |one| field::money(&one)).at("minimums")?,
        late_fee: late_fee.at("late_fee")?,
        more_retries: policy.more_retries,
    })
}

fn late_fee(fee: v1::LateFee) -> field::Result<LateFee> {
    Ok(LateFee {
        product_id: field::parse(&fee.product_id).at("product_id")?,
        amounts: field::each(fee.amounts, |one| field::money(&one)).at("amounts")?,
    })
}

fn step(step: v1::DunningStep) -> field::Result<Step> {
    Ok(Step {
        day: day(step.day).at("day")?,
        action: field::one_of::<v1::DunningAction>(step.action).at("action")?,
        schemes: field::each(step.schemes, field::one_of::<v1::Scheme>).at("schemes")?,
        classes: field::each(step.classes, field::one_of::<v1::FailureClass>).at("classes")?,
    })
}

/// A day of a policy; whether it is one of its days is the policy's to say.
fn day(number: i32) -> field::Result<u16> {
    let last = domain::dunning::MAX_DAY;
    let refused = || Refused::new(format!("{number} is not possible: expected 0 to {last}"));
    u16::try_from(number).ok().filter(|day| *day <= last).ok_or_else(refused)
}

impl From<&Step> for v1::DunningStep {
    fn from(step: &Step) -> Self {
        Self {
            day: i32::from(step.day),
            action: code::<v1::DunningAction>(step.action),
            schemes: step.schemes.iter().map(|one| code::<v1::Scheme>(*one)).collect(),
            classes: step.classes.iter().map(|one| code::<v1::FailureClass>(*one)).collect(),
        }
    }
}

impl From<&LateFee> for v1::LateFee {
    fn from(fee: &LateFee) -> Self {
        Self {
            product_id: fee.product_id.to_string(),
            amounts: fee.amounts.iter().map(|one| (*one).into()).collect(),
        }
    }
}

impl From<ShownPolicy> for v1::DunningPolicy {
    fn from(shown: ShownPolicy) -> Self {
        let terms = shown.policy.terms();
        Self {
            id: shown.id.map(|id| id.to_string()).unwrap_or_default(),
            grace_until_day: match terms.delivery {
                Delivery::Goodwill { until_day } => i32::from(until_day),
                Delivery::Strict => 0,
            },
            steps: terms.steps.iter().map(Into::into).collect(),
            pay_days: terms.pay_days.iter().map(|day| wire::count(*day)).collect(),
            minimums: terms.minimums.iter().map(|one| (*one).into()).collect(),
            late_fee: terms.late_fee.as_ref().map(Into::into),
            more_retries: terms.more_retries,
            is_default: shown.is_default,
            name: shown.name,
        }
    }
}

impl From<Reason> for v1::FailureReason {
    fn from(reason: Reason) -> Self {
        Self {
            class: code::<v1::FailureClass>(reason.class),
            known: reason.known,
            new_details: reason.new_details,
            ends_mandate: reason.ends_mandate,
            strikes: wire::count(reason.strikes),
            meaning: reason.meaning.to_owned(),
            text_nl: reason.text_nl.to_owned(),
            text_en: reason.text_en.to_owned(),
        }
    }
}

impl From<Moment> for v1::DunningDay {
    fn from(moment: Moment) -> Self {
        let step = |planned: &domain::dunning::Planned| v1::DunningStep {
            day: i32::from(planned.key.day),
            action: code::<v1::DunningAction>(planned.key.action),
            ..Default::default()
        };
        Self {
            on: Some(moment.on.into()),
            steps: moment.steps.iter().map(step).collect(),
            degree: code::<v1::DunningDegree>(moment.degree),
            delivery: code::<v1::Delivery>(delivery(moment.arrears)),
            in_arrears: moment.degree > Degree::Clear,
        }
    }
}

/// What missing money does to a subscription that runs.
fn delivery(arrears: Arrears) -> entitlement::Delivery {
    match arrears {
        Arrears::None => entitlement::Delivery::Deliver,
        Arrears::Grace { .. } => entitlement::Delivery::DeliverInGrace,
        Arrears::Restricted => entitlement::Delivery::Restricted,
        Arrears::Stopped => entitlement::Delivery::Stop,
    }
}

impl From<DunningState> for v1::GetDunningStateResponse {
    fn from(state: DunningState) -> Self {
        let arrears = state.kept.map_or(Arrears::None, |kept| kept.arrears);
        let grace_until_on = match arrears {
            Arrears::Grace { until } => Some(until.into()),
            _ => None,
        };
        let course = |(collected, moments): (Collected, Vec<Moment>)| v1::DunningCourse {
            collection: Some(collected.into()),
            days: moments.into_iter().map(Into::into).collect(),
        };
        let degree = state.kept.map_or(Degree::Clear, |kept| kept.degree);
        Self {
            customer_id: state.customer_id.to_string(),
            degree: code::<v1::DunningDegree>(degree),
            delivery: code::<v1::Delivery>(delivery(arrears)),
            grace_until_on,
            invoice_id: state.kept.map(|kept| kept.invoice_id.to_string()).unwrap_or_default(),
            day_zero_on: state.kept.map(|kept| kept.day_zero.into()),
            changes_on: state.kept.and_then(|kept| kept.changes_on).map(Into::into),
            courses: state.courses.into_iter().map(course).collect(),
            left_out: wire::count(state.left_out),
        }
    }
}

impl From<Preview> for v1::PreviewDunningResponse {
    fn from(preview: Preview) -> Self {
        Self {
            policy: Some(preview.policy.into()),
            class: code::<v1::FailureClass>(preview.class),
            reason: preview.reason.map(Into::into),
            days: preview.moments.into_iter().map(Into::into).collect(),
        }
    }
}
