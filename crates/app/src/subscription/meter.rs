//! One customer's meter is billed by one item at a time.
//!
//! Invariants: two items that were delivered at the same time on one meter would both bill all its
//! events; the second is refused. Whoever asks holds the billing account, so that two that come at
//! once see each other.
//!
//! Deliberately absent: meters of two components of one published version, which only a
//! subscription to it shows.

use std::collections::{BTreeMap, HashMap};

use domain::date::Date;
use domain::id::{CustomerId, MeterId, PriceId, SubscriptionId};
use domain::subscription::{Item, Subscription};

use crate::Scope;
use crate::error::{Error, Refusal};

/// A stretch in which a subscription bills a meter.
#[derive(Debug)]
struct Stretch {
    price_id: PriceId,
    from: Date,
    until: Option<Date>,
}

/// The stretches of what meters count, with the changes to come.
fn stretches(subscription: &Subscription) -> Vec<Stretch> {
    let mut ahead = subscription.clone();
    let _ = ahead.apply_changes(domain::date::LATEST);
    let end = ahead.ends_on();
    let items = ahead.items.iter().filter(|item| item.metered);
    let stretch = |item: &Item| Stretch {
        price_id: item.price_id,
        from: item.from_on,
        until: [item.until_on, end].into_iter().flatten().min(),
    };
    let all = items.map(stretch);
    all.filter(|one| one.until.is_none_or(|until| one.from < until)).collect()
}

fn overlap(one: &Stretch, other: &Stretch) -> bool {
    one.until.is_none_or(|until| other.from < until)
        && other.until.is_none_or(|until| one.from < until)
}

/// What meters the subscriptions of some customers bill, and when.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    of_price: HashMap<PriceId, MeterId>,
    billed: HashMap<CustomerId, BTreeMap<SubscriptionId, Vec<Stretch>>>,
}

impl Meters {
    /// Adds the subscriptions of customers and the meters of their prices and of `own`, with a fixed
    /// number of queries. What is known of a subscription stays.
    pub(crate) async fn add(
        &mut self,
        scope: &mut Scope,
        customers: &[CustomerId],
        own: impl Iterator<Item = PriceId>,
    ) -> Result<(), Error> {
        let mut ids: Vec<PriceId> = own.collect();
        for one in store::subscription::of_customers(&mut scope.tx, customers).await? {
            let stretches = stretches(&one);
            ids.extend(stretches.iter().map(|stretch| stretch.price_id));
            if !stretches.is_empty() {
                let of_customer = self.billed.entry(one.customer_id).or_default();
                of_customer.entry(one.id).or_insert(stretches);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        let prices = store::plan::prices(&mut scope.tx, &ids).await?;
        self.of_price.extend(prices.iter().filter_map(|price| Some((price.id, price.meter_id?))));
        Ok(())
    }

    /// Refuses a subscription that would bill a meter beside another item of its customer; else
    /// it is known as it is from now on.
    pub(crate) fn take(&mut self, subscription: &Subscription) -> Result<(), Refusal> {
        if self.of_price.is_empty() {
            return Ok(());
        }
        let own = stretches(subscription);
        let of_customer = self.billed.entry(subscription.customer_id).or_default();
        let others = of_customer.iter().filter(|(id, _)| **id != subscription.id);
        let others = others.flat_map(|(id, all)| all.iter().map(move |one| (*id, one)));
        let others: Vec<(SubscriptionId, &Stretch)> = others.collect();
        for (at, one) in own.iter().enumerate() {
            let Some(meter) = self.of_price.get(&one.price_id) else { continue };
            let same = |other: &Stretch| self.of_price.get(&other.price_id) == Some(meter);
            let beside = own.iter().skip(at + 1).map(|other| (subscription.id, other));
            let mut all = beside.chain(others.iter().copied());
            if let Some((id, _)) = all.find(|(_, other)| same(other) && overlap(one, other)) {
                return Err(in_use(*meter, id));
            }
        }
        of_customer.insert(subscription.id, own);
        Ok(())
    }
}

fn in_use(meter: MeterId, id: SubscriptionId) -> Refusal {
    let message = format!(
        "meter {meter} is billed by subscription {id} of the customer at the same time: both would \
         bill all its events"
    );
    Refusal::new("METER_IN_USE", message).with("meter_id", meter).with("subscription_id", id)
}

/// Refuses a subscription that would bill a meter beside another item of its customer.
///
/// # Errors
/// [`Error::Refused`] with `METER_IN_USE`.
pub(super) async fn refuse_shared(
    scope: &mut Scope,
    subscription: &Subscription,
) -> Result<(), Error> {
    let own = stretches(subscription);
    if own.is_empty() {
        return Ok(());
    }
    let mut meters = Meters::default();
    let own = own.iter().map(|stretch| stretch.price_id);
    meters.add(scope, &[subscription.customer_id], own).await?;
    meters.take(subscription).map_err(Error::Refused)
}
