//! From an RPC to its use case and back: what every method shares.
//!
//! Purpose: a method reads its message into a command and names the use case; this opens the
//! transaction of the caller's organization, commits it, and answers repeated calls from the record.
//!
//! Invariants: a message is read before a transaction is opened. A method that changes something goes
//! through [`Once`]; one that does not, through [`Call`].
//!
//! Deliberately absent: who the caller is and whether they may (`layer`).

use app::access::Caller;
use app::request::{self, RequestKey};
use app::{Ctx, Error, Scope};
use futures::FutureExt;
use futures::future::BoxFuture;
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status};

use crate::field::{self, At};
use crate::pb::v1;
use crate::permission::Entry;
use crate::status::status;

/// What a method answers.
pub(crate) type Answer<A> = Result<Response<A>, Status>;

/// A message of a call that may arrive more than once.
pub(crate) trait Repeatable: Message {
    /// The id that the caller chose for it; empty: none.
    fn request_id(&self) -> &str;
}

/// The messages with a request id.
macro_rules! repeatable {
    ($($message:ident)*) => {$(
        impl Repeatable for v1::$message {
            fn request_id(&self) -> &str {
                &self.request_id
            }
        }
    )*};
}

repeatable! {
    AcceptInvestmentRequest
    AcceptSelfBillRequest
    AddChargeRequest
    AdvanceClockRequest
    ApplyDiscountRequest
    ApprovePayoutRequest
    AssessFeatureRequestRequest
    BlockCustomerRequest
    CancelSubscriptionRequest
    ChangeSubscriptionRequest
    CreateApiKeyRequest
    CreateCustomerRequest
    CreateDiscountRequest
    CreateDunningPolicyRequest
    CreateInvoiceRequest
    CreateMeterRequest
    CreateOrganizationRequest
    CreatePlanRequest
    CreateProductRequest
    CreateSubscriptionRequest
    CreditInvoiceRequest
    DateBadDebtVatRequest
    DecideRequest
    DiscardDraftRequest
    EndPaymentMethodRequest
    FinalizeInvoiceRequest
    GiveConsentRequest
    HoldRetryRequest
    MatchPaymentRequest
    MigratePlanVersionRequest
    PauseSubscriptionRequest
    ProposeInvestmentRequest
    PublishPlanVersionRequest
    RecordFraudRequest
    RecordInvestorInvoiceRequest
    RecordPaymentRequest
    RefundPaymentRequest
    RejectSelfBillRequest
    ReleaseFeatureRequest
    ReleaseRetryRequest
    RemoveChargeRequest
    RemoveDiscountRequest
    ReportPaymentResultRequest
    ReportPayoutResultRequest
    ReportRefundResultRequest
    RequeueJobRequest
    ResolveUnknownRequest
    ResumeSubscriptionRequest
    RetireDiscountRequest
    RetireFeatureRequest
    RetirePlanRequest
    RetryNowRequest
    RetrySetAsideRequest
    ReturnPaymentRequest
    RevokeApiKeyRequest
    RevokeIntentRequest
    RunBillingRequest
    RunPayoutsRequest
    SendPayoutsRequest
    SetDefaultDunningPolicyRequest
    SetPaymentMethodRequest
    SetPayoutAccountRequest
    SetPlanDunningPolicyRequest
    SetVatRateRequest
    SettleClawbackRequest
    SignSelfBillingAgreementRequest
    SkipRetryRequest
    StartDevelopmentRequest
    StartOneOffPaymentRequest
    SubmitFeatureRequestRequest
    UnblockCustomerRequest
    UndoCancelRequest
    UpdateCustomerRequest
    UpdateOrganizationRequest
    VoteFeatureRequestRequest
    WithdrawInvestmentRequest
    WriteOffInvoiceRequest
}

/// A call that changes nothing.
#[derive(Debug)]
pub(crate) struct Call {
    /// Who calls.
    pub(crate) caller: Caller,
}

/// A call that changes something, at most once however often it arrives.
#[derive(Debug)]
pub(crate) struct Once {
    /// Who calls.
    pub(crate) caller: Caller,
    /// What identifies the call; absent when the caller chose no id.
    pub(crate) key: Option<RequestKey>,
}

/// Takes a call that changes nothing apart.
#[allow(clippy::result_large_err)] // The refusal is an answer of the framework's type.
pub(crate) fn open<Q>(request: Request<Q>) -> Result<(Call, Q), Status> {
    let (_, mut extensions, message) = request.into_parts();
    let caller = extensions.remove::<Caller>().ok_or_else(|| missing("caller"))?;
    Ok((Call { caller }, message))
}

/// Takes a call that changes something apart.
#[allow(clippy::result_large_err)] // The refusal is an answer of the framework's type.
pub(crate) fn open_once<Q: Repeatable>(request: Request<Q>) -> Result<(Once, Q), Status> {
    let entry = request.extensions().get::<Entry>().copied().ok_or_else(|| missing("entry"))?;
    let (Call { caller }, message) = open(request)?;
    let key = match field::filled(message.request_id()) {
        None => None,
        Some(text) => Some(RequestKey {
            id: field::uuid(text).at("request_id")?,
            method: entry.method,
            content_hash: Sha256::digest(message.encode_to_vec()).into(),
        }),
    };
    Ok((Once { caller, key }, message))
}

/// A layer that did not do its work.
fn missing(what: &str) -> Status {
    status(Error::fault(format!("no {what} in the extensions of the request")))
}

impl Call {
    /// Does the work in a transaction of the caller's organization.
    pub(crate) async fn read<A, W>(&self, ctx: &Ctx, work: W) -> Answer<A>
    where
        W: for<'a> FnOnce(&'a mut Scope) -> BoxFuture<'a, app::Result<A>>,
    {
        let done = async {
            let mut scope = ctx.scope(self.caller.org).await?;
            let answer = work(&mut scope).await?;
            scope.commit().await?;
            Ok(Response::new(answer))
        };
        done.await.map_err(status)
    }
}

impl Once {
    /// Remembers the content of a call by a keyed hash: without the key, nobody can try which account
    /// number the content may have held.
    pub(crate) fn sealed(mut self, ctx: &Ctx) -> Self {
        if let Some(key) = &mut self.key {
            key.content_hash = ctx.seal.hash("request", &key.content_hash);
        }
        self
    }

    /// Does the work in a transaction of the caller's organization, or answers what it answered
    /// before.
    pub(crate) async fn write<A, W>(self, ctx: &Ctx, work: W) -> Answer<A>
    where
        A: Message + Default,
        W: for<'a> FnOnce(&'a mut Scope) -> BoxFuture<'a, app::Result<A>> + Send,
    {
        self.write_without(ctx, Message::encode_to_vec, work).await
    }

    /// The same, where `record` says what of the answer is kept for repeated calls: secrets are not.
    pub(crate) async fn write_without<A, W>(
        self,
        ctx: &Ctx,
        record: fn(&A) -> Vec<u8>,
        work: W,
    ) -> Answer<A>
    where
        A: Message + Default,
        W: for<'a> FnOnce(&'a mut Scope) -> BoxFuture<'a, app::Result<A>> + Send,
    {
        let answer = request::once(ctx, self.caller.org, self.key, record, work).await;
        match answer.map_err(status)? {
            request::Answer::Fresh(answer) => Ok(Response::new(answer)),
            request::Answer::Stored(bytes) => Ok(Response::new(decoded(&bytes)?)),
        }
    }

    /// Does work that commits in steps of its own and is harmless to do again: looks whether it was
    /// answered before, works, and records the answer. A crash between the last two makes a repeat
    /// do the work again.
    pub(crate) async fn steps<A>(
        self,
        ctx: &Ctx,
        record: fn(&A) -> Vec<u8>,
        work: impl Future<Output = app::Result<A>> + Send,
    ) -> Answer<A>
    where
        A: Message + Default + 'static,
    {
        if let Some(answer) = self.answered(ctx).await? {
            return Ok(Response::new(answer));
        }
        let answer = work.await.map_err(status)?;
        if self.key.is_none() {
            return Ok(Response::new(answer));
        }
        self.write_without(ctx, record, |_| async { Ok(answer) }.boxed()).await
    }

    /// The answer of an earlier call with this id.
    async fn answered<A: Message + Default>(&self, ctx: &Ctx) -> Result<Option<A>, Status> {
        let Some(key) = &self.key else { return Ok(None) };
        let found = request::answered(ctx, self.caller.org, key).await.map_err(status)?;
        found.map(|bytes| decoded(&bytes)).transpose()
    }
}

/// An answer from the record.
#[allow(clippy::result_large_err)] // The refusal is an answer of the framework's type.
fn decoded<A: Message + Default>(bytes: &[u8]) -> Result<A, Status> {
    A::decode(bytes).map_err(|error| status(Error::Fault(Box::new(error))))
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
