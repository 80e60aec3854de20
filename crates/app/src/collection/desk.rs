//! What is looked at when it is decided about collections, read with a fixed number of queries.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::collection::{Due, Situation, SkipRefused};
use domain::date::Date;
use domain::dunning::{Case, LateFee, Moment, Policy, StepKey};
use domain::failure::FailureClass;
use domain::id::{AttemptId, CustomerId, DunningPolicyId, InvoiceId, PaymentMethodId};
use domain::money::{Currency, Money};
use domain::payment::Scheme;
use domain::payment::attempt::Attempt;
use domain::period::Period;
use store::Tx;
use store::collection::Collected;

use crate::Scope;
use crate::error::Error;

/// Policies, ways of paying, attempts and steps of some collections.
#[derive(Debug)]
pub(crate) struct Desk {
    policies: HashMap<DunningPolicyId, Policy>,
    methods: HashMap<CustomerId, (PaymentMethodId, Scheme)>,
    attempts: HashMap<InvoiceId, Attempt>,
    done: HashMap<InvoiceId, Vec<(Date, StepKey)>>,
    frozen: HashMap<InvoiceId, Vec<Period>>,
    /// Invoices for which no late fee may be charged; not looked at while no policy has one.
    spared: HashSet<InvoiceId>,
    /// What customers owe; not looked at while no policy has a minimum.
    owed: HashMap<(CustomerId, Currency), Money>,
    builtin: Policy,
    now: DateTime<Utc>,
    zone: Tz,
}

impl Desk {
    /// Everything that deciding about these collections needs.
    pub(crate) async fn load(scope: &mut Scope, about: &[Collected]) -> Result<Self, Error> {
        let invoices: Vec<InvoiceId> = about.iter().map(|one| one.collection.invoice_id).collect();
        let mut customers: Vec<CustomerId> =
            about.iter().map(|one| one.collection.customer_id).collect();
        customers.sort_unstable();
        customers.dedup();
        let tx = &mut scope.tx;
        let mut policies: Vec<DunningPolicyId> =
            about.iter().filter_map(|one| one.collection.policy_id).collect();
        policies.sort_unstable();
        policies.dedup();
        let policies = store::dunning::policies(tx, &policies).await?;
        let minimums = policies.iter().any(|one| !one.policy.terms().minimums.is_empty());
        let owed = match minimums {
            true => store::collection::owed(tx, &customers).await?,
            false => Vec::new(),
        };
        let fees = policies.iter().any(|one| one.policy.terms().late_fee.is_some());
        let spared =
            if fees { spared(tx, about, (&invoices, &customers)).await? } else { HashSet::new() };
        let methods = store::payment_method::active(tx, &customers).await?;
        let attempts = store::attempt::open_of(tx, &invoices).await?;
        let done = store::collection::steps(tx, &invoices).await?;
        let frozen = store::collection::pauses(tx, &invoices).await?;
        Ok(Self {
            policies: policies.into_iter().map(|one| (one.id, one.policy)).collect(),
            methods: methods
                .into_iter()
                .map(|kept| kept.method)
                .map(|one| (one.customer_id, (one.id, one.details.scheme())))
                .collect(),
            attempts: attempts.into_iter().map(|one| (one.invoice_id, one)).collect(),
            done,
            frozen,
            spared,
            owed: owed.into_iter().map(|(id, owed)| ((id, owed.currency()), owed)).collect(),
            builtin: Policy::goodwill(),
            now: scope.now,
            zone: scope.organization.time_zone,
        })
    }

    fn situation(&self, about: &Collected) -> Situation<'_> {
        let one = &about.collection;
        let attempt = self.attempts.get(&one.invoice_id);
        Situation {
            policy: self.policy(about),
            is_open: about.open.minor() > 0,
            owed: self.owed.get(&(one.customer_id, one.currency)).copied().unwrap_or(about.open),
            attempt: attempt.map(|attempt| attempt.state),
            is_lost: attempt.is_some_and(|attempt| attempt.ask_at.is_none()),
            method: self.methods.get(&one.customer_id).copied(),
            is_spared: self.spared.contains(&one.invoice_id),
            frozen: self.frozen.get(&one.invoice_id).map_or(&[], Vec::as_slice),
            done: self.done.get(&one.invoice_id).map_or(&[], Vec::as_slice),
            now: self.now,
            zone: self.zone,
        }
    }

    /// The policy that a collection follows.
    pub(crate) fn policy(&self, about: &Collected) -> &Policy {
        let id = about.collection.policy_id;
        id.and_then(|id| self.policies.get(&id)).unwrap_or(&self.builtin)
    }

    /// What went wrong with it, as its policy must know it.
    pub(crate) fn case(&self, about: &Collected) -> Option<Case> {
        about.collection.case(&self.situation(about))
    }

    /// What would go wrong with it if it is not paid on a day.
    pub(crate) fn first_case(&self, about: &Collected, scheme: Scheme, on: Date) -> Case {
        let may_be_charged = about.collection.may_be_charged(&self.situation(about));
        Case { may_be_charged, ..Case::new(scheme, FailureClass::NoMoney, on) }
    }

    /// Decides what happens next by itself.
    pub(crate) fn plan(&self, about: &mut Collected) {
        let situation = self.situation(about);
        about.collection.plan(&situation);
    }

    /// What is to be done now.
    pub(crate) fn due(&self, about: &Collected) -> Due {
        about.collection.due(&self.situation(about))
    }

    /// The attempt that may still bring the money by itself.
    pub(crate) fn attempt(&self, about: &Collected) -> Option<&Attempt> {
        self.attempts.get(&about.collection.invoice_id)
    }

    /// Whether the customer pays in a way by which the vendor can collect.
    pub(crate) fn is_collectable(&self, about: &Collected) -> bool {
        let method = self.methods.get(&about.collection.customer_id);
        method.is_some_and(|(_, scheme)| *scheme != Scheme::BankTransfer)
    }

    /// Passes over what would happen next; answers the steps of its policy that it was.
    pub(crate) fn skip(&self, about: &mut Collected) -> Result<Vec<StepKey>, SkipRefused> {
        let situation = self.situation(about);
        about.collection.skip(&situation)
    }

    /// What is still to come of its policy when nothing is paid.
    pub(crate) fn coming(&self, about: &Collected) -> Vec<Moment> {
        about.collection.coming(&self.situation(about))
    }

    /// The scheme by which its customer pays, if it has chosen one.
    pub(crate) fn scheme(&self, about: &Collected) -> Option<Scheme> {
        self.methods.get(&about.collection.customer_id).map(|(_, scheme)| *scheme)
    }

    /// Remembers that steps were done.
    pub(crate) fn did(&mut self, invoice: InvoiceId, day_zero: Date, keys: &[StepKey]) {
        let done = self.done.entry(invoice).or_default();
        done.extend(keys.iter().map(|key| (day_zero, *key)));
    }

    /// Asks back the attempts under way whose invoices have been paid otherwise: the gateway is
    /// asked at the next look.
    pub(crate) async fn withdraw(
        &self,
        scope: &mut Scope,
        about: &[Collected],
    ) -> Result<(), Error> {
        let paid = about.iter().filter(|one| one.open.minor() <= 0);
        let attempts: Vec<AttemptId> = paid
            .filter_map(|one| self.attempts.get(&one.collection.invoice_id))
            .map(|attempt| attempt.id)
            .collect();
        Ok(store::attempt::withdraw(&mut scope.tx, &attempts, scope.now).await?)
    }
}

/// Those for which no late fee may be charged.
async fn spared(
    tx: &mut Tx,
    about: &[Collected],
    (invoices, customers): (&[InvoiceId], &[CustomerId]),
) -> Result<HashSet<InvoiceId>, Error> {
    let not_sold = store::one_off::not_sold(tx, invoices).await?;
    let customers = store::customer::get_many(tx, customers).await?;
    let customers: HashMap<CustomerId, _> =
        customers.into_iter().map(|one| (one.id, one)).collect();
    let collections = about.iter().map(|one| &one.collection);
    let spared = collections.filter(|one| {
        let customer = customers.get(&one.customer_id);
        let sold = !not_sold.contains(&one.invoice_id);
        customer.is_none_or(|customer| LateFee::spares(customer, sold))
    });
    Ok(spared.map(|one| one.invoice_id).collect())
}
