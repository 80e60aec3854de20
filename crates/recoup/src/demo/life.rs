//! Living: the events happen on their days, and the clock moves in between.
//!
//! Invariants: an event is one transaction. What happened before is recognized by its id, so that
//! going on after an interruption does nothing twice. When a stop is asked for, the day that is
//! being lived is finished, and the clock is let go.
//!
//! Deliberately absent: bills, revenue, states. The clock's own work makes them.

use std::time::Duration;

use app::clock::{Target, advance};
use app::customer::{CreateCustomer, Facts};
use app::subscription::{CancelSubscription, CreateSubscription};
use app::{Ctx, Scope};
use domain::date::Date;
use domain::id::{CustomerId, SubscriptionId};
use domain::money::Currency;
use domain::subscription::CancelReason;
use rust_decimal::Decimal;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::lives::{self, Contract, What};
use super::people::Person;
use super::progress::Progress;
use super::scale::Scale;
use super::vendor::Vendor;

/// How often it is asked for a clock that somebody else moves: a demonstration that was killed
/// holds it for up to a minute.
const BUSY_PAUSE: Duration = Duration::from_secs(2);
/// How often it is asked before it is given up.
const BUSY_ATTEMPTS: u32 = 40;

/// A demonstration while it lives.
#[derive(Debug)]
pub(super) struct Life<'a> {
    pub(super) ctx: &'a Ctx,
    pub(super) vendor: &'a Vendor,
    pub(super) stop: &'a CancellationToken,
    pub(super) progress: Progress,
}

impl Life<'_> {
    /// Lives to the end, from wherever the clock stands. False when it was stopped before.
    pub(super) async fn live(&mut self, scale: &Scale) -> Result<bool, app::Error> {
        let mut today = self.today().await?;
        let to_come = lives::events(scale).into_iter().filter(|event| event.on >= today);
        for event in to_come.collect::<Vec<_>>() {
            if event.on > today {
                self.advance(event.on).await?;
                today = event.on;
            }
            if self.stop.is_cancelled() {
                return Ok(false);
            }
            self.happen(event.what).await?;
        }
        if today < scale.ends_on() {
            self.advance(scale.ends_on()).await?;
        }
        self.progress.end();
        Ok(!self.stop.is_cancelled())
    }

    async fn today(&self) -> Result<Date, app::Error> {
        Ok(self.ctx.scope(self.vendor.org).await?.today())
    }

    /// Moves the clock, or waits while somebody else does.
    async fn advance(&mut self, to: Date) -> Result<(), app::Error> {
        for _ in 1..BUSY_ATTEMPTS {
            match self.try_advance(to).await {
                Err(app::Error::Busy(_)) => {
                    self.progress.wait("the clock is being moved by another call");
                    let paused =
                        self.stop.run_until_cancelled(tokio::time::sleep(BUSY_PAUSE)).await;
                    if paused.is_none() {
                        return Ok(());
                    }
                }
                other => return other,
            }
        }
        self.try_advance(to).await
    }

    async fn try_advance(&mut self, to: Date) -> Result<(), app::Error> {
        let (report, mut days) = mpsc::channel(1);
        let moving = advance(self.ctx, self.vendor.org, Target::Date(to), report);
        let (stop, progress) = (self.stop, &mut self.progress);
        // Owns the receiver: when it ends, nobody listens, and the clock stops after its day.
        let listening = async move {
            while let Some(Some(day)) = stop.run_until_cancelled(days.recv()).await {
                progress.lived(&day)?;
            }
            Ok(())
        };
        let (moved, listened) = tokio::join!(moving, listening);
        moved.and(listened)
    }

    async fn happen(&mut self, what: What) -> Result<(), app::Error> {
        let mut scope = self.ctx.scope(self.vendor.org).await?;
        let happened = match what {
            What::Join { id, person, buys } => self.join(&mut scope, id, *person, buys).await,
            What::Cancel { id, reason } => cancel(&mut scope, id, reason).await,
        };
        match happened {
            Ok(()) => scope.commit().await,
            // It happened before the interruption; the transaction is rolled back.
            Err(app::Error::Exists(refusal)) if refusal.reason == "ID_TAKEN" => Ok(()),
            Err(other) => Err(other),
        }
    }

    async fn join(
        &self,
        scope: &mut Scope,
        id: CustomerId,
        person: Person,
        buys: Vec<Contract>,
    ) -> Result<(), app::Error> {
        app::customer::create(scope, customer(id, person)?).await?;
        for contract in buys {
            let plan_id = self.vendor.plans.get(contract.plan).copied();
            let plan_id = plan_id.ok_or_else(|| app::Error::not_found("plan", contract.plan))?;
            let units = |(name, count): (&str, u32)| (name.to_owned(), Decimal::from(count));
            let command = CreateSubscription {
                id: Some(contract.id),
                customer_id: id,
                plan_id,
                start_on: Some(contract.starts_on),
                alignment: contract.alignment,
                quantities: contract.quantities.into_iter().map(units).collect(),
            };
            app::subscription::create(scope, command).await?;
        }
        Ok(())
    }
}

async fn cancel(
    scope: &mut Scope,
    id: SubscriptionId,
    reason: CancelReason,
) -> Result<(), app::Error> {
    let command = CancelSubscription { id, when: None, reason, note: None };
    app::subscription::cancel(scope, command).await.map(|_| ())
}

fn customer(id: CustomerId, person: Person) -> Result<CreateCustomer, app::Error> {
    let facts = Facts {
        name: person.name,
        address: person.address,
        email: Some(person.email),
        vat_number: person.vat_number,
        vat_treatment: person.vat_treatment,
        payment_terms_days: person.payment_terms_days,
        party_type: person.party_type,
        treat_as_consumer: false,
        language: None,
        external_reference: Some(person.reference),
    };
    Ok(CreateCustomer {
        id: Some(id),
        facts,
        currency: Some(Currency::from_code(person.currency)?),
    })
}
