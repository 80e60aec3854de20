//! Steps of a policy carried out: what is told, taken away, ended and proposed.
//!
//! Invariants: a step is recorded in the transaction that carries it out, so it happens once.

use domain::date::Date;
use domain::dunning::{Action, Planned};
use domain::id::{CustomerId, InvoiceId};
use store::collection::Collected;

use crate::Scope;
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
}

impl Taken {
    /// Adds the steps of a collection.
    pub(crate) fn extend(&mut self, about: &Collected, planned: &[Planned]) {
        let one = &about.collection;
        self.steps.extend(planned.iter().map(|planned| Step {
            invoice_id: one.invoice_id,
            customer_id: one.customer_id,
            on: planned.on,
            action: planned.key.action,
        }));
    }

    /// Carries them out. Hold the billing accounts of the customers.
    pub(crate) async fn carry_out(self, scope: &mut Scope) -> Result<(), Error> {
        crate::arrears::suspend::cancel(scope, &self.steps).await?;
        crate::decision::of_steps(scope, &self.steps).await?;
        crate::reminder::tell(scope, &self.steps).await?;
        for step in self.steps {
            tracing::info!(invoice = %step.invoice_id, customer = %step.customer_id, on = %step.on, action = %step.action, "a step of the policy is due");
        }
        Ok(())
    }
}
