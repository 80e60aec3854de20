//! What a decision needs of meters and discounts, read with a fixed number of queries.
//!
//! Invariants: totals are read of every metered part up to the horizon that a decision may reach,
//! which the dues themselves say; late usage of all billed periods of the customers.
//!
//! Deliberately absent: what is billed for it (`domain::billing`).

use std::collections::{HashMap, HashSet};

use domain::billing::{Late, Usage};
use domain::date::Date;
use domain::discount::AppliedDiscount;
use domain::id::{CustomerId, ItemId, PriceId, SubscriptionId};
use domain::period::Period;
use domain::plan::Price;
use domain::subscription::{Direction, Subscription};
use domain::usage::BilledPeriod;
use rust_decimal::Decimal;
use store::billing::Account;
use store::usage::Asked;

use crate::Scope;
use crate::error::Error;

/// Billed periods that events arrived for, and whose they are.
#[derive(Debug, Default)]
pub(super) struct Stale {
    periods: Vec<BilledPeriod>,
    /// Accounts that another document is to come for.
    continuing: HashSet<Account>,
}

impl Stale {
    /// Of these customers.
    pub(super) async fn load(scope: &mut Scope, customers: &[CustomerId]) -> Result<Self, Error> {
        let periods = store::usage::stale_periods(&mut scope.tx, customers).await?;
        if periods.is_empty() {
            return Ok(Self::default());
        }
        let continuing = store::billing::continuing(&mut scope.tx, customers).await?;
        Ok(Self { periods, continuing })
    }

    /// The prices that the differences are computed with.
    pub(super) fn price_ids(&self) -> impl Iterator<Item = PriceId> {
        self.periods.iter().map(|period| period.price_id)
    }
}

/// Whether usage arrived late for an account that no other document is to come for.
pub(super) async fn is_late_alone(scope: &mut Scope, account: Account) -> Result<bool, Error> {
    let stale = Stale::load(scope, &[account.customer_id]).await?;
    let is_late = stale.periods.iter().any(|one| one.currency() == account.currency);
    Ok(is_late && !stale.continuing.contains(&account))
}

/// What meters counted, and discounts.
#[derive(Debug, Default)]
pub(super) struct Counted {
    totals: HashMap<(ItemId, Period), Decimal>,
    late: Vec<Late>,
    continuing: HashSet<Account>,
    discounts: Vec<AppliedDiscount>,
}

impl Counted {
    /// Of subscriptions up to a day, and what is stale.
    pub(super) async fn load(
        scope: &mut Scope,
        subscriptions: &[Subscription],
        prices: &HashMap<PriceId, Price>,
        stale: Stale,
        until: Date,
    ) -> Result<Self, Error> {
        let parts = parts(subscriptions, prices, until);
        let mut asked: Vec<Asked> = parts.iter().map(|(_, asked)| *asked).collect();
        asked.extend(stale.periods.iter().map(|one| Asked {
            meter_id: one.meter_id,
            customer_id: one.customer_id,
            period: one.period,
        }));
        let totals = store::usage::totals(&mut scope.tx, &asked).await?;
        let (of_parts, of_stale) = totals.split_at(parts.len());
        let keys = parts.iter().map(|(item_id, asked)| (*item_id, asked.period));
        let items: Vec<ItemId> = stale.periods.iter().map(|one| one.item_id).collect();
        let owners = match items.is_empty() {
            true => HashMap::new(),
            false => store::usage::owners(&mut scope.tx, &items).await?,
        };
        let late = stale.periods.into_iter().zip(of_stale).filter_map(|(period, quantity)| {
            let subscription_id = *owners.get(&period.item_id)?;
            Some(Late { subscription_id, period, quantity: *quantity })
        });
        Ok(Self {
            totals: keys.zip(of_parts.iter().copied()).collect(),
            late: late.collect(),
            continuing: stale.continuing,
            discounts: discounts(scope, subscriptions, until).await?,
        })
    }

    /// What meters counted of an account.
    pub(super) fn usage(&self, account: Account, subscriptions: &[Subscription]) -> Usage {
        let is_own = |item: &ItemId| {
            let mut items = subscriptions.iter().flat_map(|one| {
                let planned = one.intents.iter().flat_map(|intent| &intent.terms.items);
                one.items.iter().map(|item| item.id).chain(planned.map(|item| item.id))
            });
            items.any(|own| own == *item)
        };
        let totals = match self.totals.is_empty() {
            true => HashMap::new(),
            false => {
                let own = self.totals.iter().filter(|((item, _), _)| is_own(item));
                own.map(|(key, quantity)| (*key, *quantity)).collect()
            }
        };
        let of_account = |late: &&Late| {
            let of = (late.period.customer_id, late.period.currency());
            of == (account.customer_id, account.currency)
        };
        Usage {
            totals,
            late: self.late.iter().filter(of_account).cloned().collect(),
            late_alone: !self.continuing.contains(&account),
        }
    }

    /// The discounts of an account's subscriptions.
    pub(super) fn discounts_of(&self, subscriptions: &[Subscription]) -> Vec<AppliedDiscount> {
        let is_own = |one: &&AppliedDiscount| {
            subscriptions.iter().any(|subscription| subscription.id == one.subscription_id)
        };
        self.discounts.iter().filter(is_own).cloned().collect()
    }
}

/// The discounts that billing these subscriptions up to a day may take off.
pub(crate) async fn discounts(
    scope: &mut Scope,
    subscriptions: &[Subscription],
    until: Date,
) -> Result<Vec<AppliedDiscount>, Error> {
    let ids: Vec<SubscriptionId> = subscriptions.iter().map(|one| one.id).collect();
    let first = subscriptions.iter().map(|one| one.start_on).min().unwrap_or(until);
    Ok(store::discount::in_force(&mut scope.tx, &ids, first, until).await?)
}

/// The parts of metered items that are due up to a day.
fn parts(
    subscriptions: &[Subscription],
    prices: &HashMap<PriceId, Price>,
    until: Date,
) -> Vec<(ItemId, Asked)> {
    let mut parts = Vec::new();
    for subscription in subscriptions.iter().filter(|one| is_metered(one)) {
        let mut meters = HashMap::new();
        let planned = subscription.intents.iter().flat_map(|intent| &intent.terms.items);
        let items = subscription.items.iter().map(|item| (item.id, item.price_id));
        for (item_id, price_id) in items.chain(planned.map(|item| (item.id, item.price_id))) {
            let meter = prices.get(&price_id).and_then(|price| price.meter_id);
            meters.extend(meter.map(|meter| (item_id, meter)));
        }
        let dues = subscription.dues_until(until).into_iter();
        for due in dues.filter(|due| due.direction == Direction::Charge) {
            let Some(meter_id) = meters.get(&due.item_id).copied() else { continue };
            let customer_id = subscription.customer_id;
            parts.push((due.item_id, Asked { meter_id, customer_id, period: due.part }));
        }
    }
    parts
}

/// Whether a meter counts anything of it, now or later.
fn is_metered(subscription: &Subscription) -> bool {
    let mut planned = subscription.intents.iter().flat_map(|intent| &intent.terms.items);
    subscription.items.iter().any(|item| item.metered) || planned.any(|item| item.metered)
}
