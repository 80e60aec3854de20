//! Orders for the gateways: an attempt together with what pays.
//!
//! Invariants: read before the call, in the transaction that commits the attempt or in one of its
//! own; what pays is unsealed here and goes nowhere but to the gateway.

use std::collections::HashMap;

use domain::date;
use domain::id::{InvoiceId, PaymentMethodId};
use domain::organization::Organization;
use domain::payment::Answer;
use domain::payment::attempt::Attempt;
use domain::payment::refund::Refund;
use domain::payment_method::Details;
use secrecy::ExposeSecret;

use crate::error::Error;
use crate::gateway::{self, Gateways, Mandate, Order, Reply, Secret};
use crate::{Ctx, Scope};

/// What is needed to make orders of some attempts.
#[derive(Debug)]
pub(crate) struct Orders {
    organization: Organization,
    now: chrono::DateTime<chrono::Utc>,
    numbers: HashMap<InvoiceId, String>,
    instruments: HashMap<PaymentMethodId, (Option<Secret>, Option<Mandate>)>,
}

impl Orders {
    /// What the orders of these attempts need.
    pub(crate) async fn load(
        ctx: &Ctx,
        scope: &mut Scope,
        attempts: &[Attempt],
    ) -> Result<Self, Error> {
        let mut methods: Vec<PaymentMethodId> = attempts.iter().map(|one| one.method_id).collect();
        methods.sort_unstable();
        methods.dedup();
        let invoices: Vec<InvoiceId> = attempts.iter().map(|one| one.invoice_id).collect();
        let numbers = store::invoice::numbers(&mut scope.tx, &invoices).await?;
        let kept = store::payment_method::get_many(&mut scope.tx, &methods).await?;
        let mut instruments = HashMap::new();
        for one in kept {
            let secret = match crate::payment_method::reveal(&ctx.seal, scope.org(), &one) {
                Ok(secret) => secret,
                // One that does not open must not stop the others: it has no order.
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(method = %one.method.id, error, "a payment method does not open");
                    continue;
                }
            };
            let secret = secret.map(|text| Secret::new(text.expose_secret()));
            let mandate = match &one.method.details {
                Details::DirectDebit(mandate) => Some(Mandate {
                    reference: mandate.reference.clone(),
                    signed_on: mandate.signed_on,
                }),
                Details::Card(_) | Details::BankTransfer => None,
            };
            instruments.insert(one.method.id, (secret, mandate));
        }
        let organization = scope.organization.clone();
        Ok(Self { organization, now: scope.now, numbers, instruments })
    }

    /// Sends an attempt.
    pub(crate) async fn submit(&self, gateways: &Gateways, attempt: &Attempt) -> Reply {
        match self.order(attempt) {
            Some(order) => gateways.submit(&order).await,
            // Nothing can have left without what pays.
            None => Reply::bare(Answer::NotSent),
        }
    }

    /// Asks how an attempt stands.
    pub(crate) async fn query(&self, gateways: &Gateways, attempt: &Attempt) -> Reply {
        match self.order(attempt) {
            Some(order) => gateways.query(&order).await,
            None => Reply::bare(Answer::Unknown),
        }
    }

    /// Asks an attempt back.
    pub(crate) async fn cancel(&self, gateways: &Gateways, attempt: &Attempt) -> Reply {
        match self.order(attempt) {
            Some(order) => gateways.cancel(&order).await,
            None => Reply::bare(Answer::Unknown),
        }
    }

    /// Asks to pay back what an attempt collected, or how that stands.
    pub(crate) async fn refund(
        &self,
        gateways: &Gateways,
        attempt: Option<&Attempt>,
        refund: &Refund,
    ) -> Reply {
        match attempt.and_then(|attempt| self.order(attempt)) {
            Some(order) => {
                let (payment, amount, submitted_at) =
                    (refund.id, refund.amount, refund.submitted_at);
                let refund = gateway::Refund { payment, amount, submitted_at, order };
                gateways.refund(&refund).await
            }
            // Nothing can have left without what paid.
            None => Reply::bare(Answer::NotSent),
        }
    }

    fn order(&self, attempt: &Attempt) -> Option<Order> {
        let (instrument, mandate) = self.instruments.get(&attempt.method_id)?.clone();
        let number = self.numbers.get(&attempt.invoice_id)?.clone();
        let zone = self.organization.time_zone;
        Some(Order {
            attempt: attempt.id,
            number: u32::try_from(attempt.number).ok()?,
            org: self.organization.id,
            kind: self.organization.kind,
            scheme: attempt.scheme,
            amount: attempt.amount,
            description: format!("{} {number}", self.organization.legal_name),
            invoice: number,
            instrument,
            mandate,
            collect_on: date::local(attempt.submitted_at, zone),
            submitted_at: attempt.submitted_at,
            withdrawn_at: attempt.withdrawn_at,
            reference: attempt.reference.clone(),
            now: self.now,
            zone,
        })
    }
}
