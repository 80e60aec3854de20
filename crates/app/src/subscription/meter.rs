//! One customer's meter is billed by one item at a time.
//!
//! Invariants: two items that were delivered at the same time on one meter would both bill all its
//! events; the second is refused. Whoever asks holds the billing account, so that two that come at
//! once see each other.
//!
//! Deliberately absent: meters of two components of one published version, which only a
//! subscription to it shows.

use std::collections::HashMap;

use domain::date::Date;
use domain::id::{MeterId, PriceId, SubscriptionId};
use domain::subscription::{Item, Subscription};

use crate::Scope;
use crate::error::{Error, Refusal};

/// A stretch in which a subscription bills a meter.
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
    let others = store::subscription::of_customer(&mut scope.tx, subscription.customer_id).await?;
    let others = others.iter().filter(|one| one.id != subscription.id);
    let others: Vec<(SubscriptionId, Stretch)> = others
        .flat_map(|one| stretches(one).into_iter().map(|stretch| (one.id, stretch)))
        .collect();
    let stretches = own.iter().chain(others.iter().map(|(_, stretch)| stretch));
    let mut ids: Vec<PriceId> = stretches.map(|one| one.price_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let prices = store::plan::prices(&mut scope.tx, &ids).await?;
    let meters: HashMap<PriceId, MeterId> =
        prices.iter().filter_map(|price| Some((price.id, price.meter_id?))).collect();
    for (at, one) in own.iter().enumerate() {
        let Some(meter) = meters.get(&one.price_id) else { continue };
        let same = |other: &Stretch| meters.get(&other.price_id) == Some(meter);
        let beside = own.iter().skip(at + 1).map(|other| (subscription.id, other));
        let mut all = beside.chain(others.iter().map(|(id, other)| (*id, other)));
        if let Some((id, _)) = all.find(|(_, other)| same(other) && overlap(one, other)) {
            let message = format!(
                "meter {meter} is billed by subscription {id} of the customer at the same time: \
                 both would bill all its events"
            );
            return Err(Error::Refused(
                Refusal::new("METER_IN_USE", message)
                    .with("meter_id", meter)
                    .with("subscription_id", id),
            ));
        }
    }
    Ok(())
}
