//! Steps of a policy carried out: what is told, taken away, ended, proposed and charged.
//!
//! Invariants: a step is recorded in the transaction that carries it out, so it happens once.

use domain::date::Date;
use domain::dunning::{Action, Planned, Policy};
use domain::id::{CustomerId, InvoiceId, ProductId};
use domain::money::{Currency, Money};
use store::collection::Collected;

use super::late_fee;
use crate::Scope;
use crate::day::Done;
use crate::error::Error;

/// Steps that were taken, with the invoices they are about.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    steps: Vec<Step>,
}

/// A step and what it is about.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Which invoice.
    pub invoice_id: InvoiceId,
    /// Whose.
    pub customer_id: CustomerId,
    /// Which day it was planned for.
    pub on: Date,
    /// What is done.
    pub action: Action,
    /// What it charges.
    pub fee: Option<Fee>,
}

/// A late fee of a policy in the currency of an invoice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fee {
    /// As what.
    pub product_id: ProductId,
    /// How much.
    pub amount: Money,
}

impl Fee {
    fn of(action: Action, policy: &Policy, currency: Currency) -> Option<Self> {
        let fee = policy.terms().late_fee.as_ref().filter(|_| action == Action::ChargeLateFee)?;
        Some(Self { product_id: fee.product_id, amount: fee.amount(currency)? })
    }
}

impl Taken {
    /// Adds the steps of a collection, by its policy.
    pub(crate) fn extend(&mut self, about: &Collected, policy: &Policy, planned: &[Planned]) {
        let one = &about.collection;
        self.steps.extend(planned.iter().map(|planned| Step {
            invoice_id: one.invoice_id,
            customer_id: one.customer_id,
            on: planned.on,
            action: planned.key.action,
            fee: Fee::of(planned.key.action, policy, one.currency),
        }));
    }

    /// Carries them out, all but the fees. Hold the billing accounts of the customers.
    pub(crate) async fn carry_out(&self, scope: &mut Scope) -> Result<(), Error> {
        crate::arrears::suspend::cancel(scope, &self.steps).await?;
        crate::decision::of_steps(scope, &self.steps).await?;
        crate::reminder::tell(scope, &self.steps).await?;
        for step in &self.steps {
            tracing::info!(invoice = %step.invoice_id, customer = %step.customer_id, on = %step.on, action = %step.action, "a step of the policy is due");
        }
        Ok(())
    }

    /// Charges their late fees: the last statements of a transaction, because the row of the numbers
    /// is held to commit.
    pub(crate) async fn charge(&self, scope: &mut Scope) -> Result<Done, Error> {
        late_fee::charge(scope, &self.steps).await
    }
}
