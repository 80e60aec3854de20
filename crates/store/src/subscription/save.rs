//! Subscriptions written: new ones, changed ones, and those that a run has billed.
//!
//! Invariants: a fixed number of statements for any number of subscriptions.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, Bool, Date as SqlDate, Integer, Jsonb, Nullable, Numeric, Text, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::SubscriptionId;
use domain::subscription::{Intent, Item, Subscription};

use crate::schema::{subscription_intents, subscription_pauses, subscriptions};
use crate::{Error, Result, Tx};

/// Writes a new subscription with its items.
///
/// # Errors
/// [`Error::Exists`] when an id is taken.
pub async fn insert(tx: &mut Tx, new: &Subscription, created_at: DateTime<Utc>) -> Result<()> {
    use subscriptions as s;
    let count = i32::try_from(new.grid.interval.count()).map_err(Error::corrupt)?;
    let cancellation = new.cancellation.as_ref();
    let row = (
        s::org_id.eq(tx.org()),
        s::id.eq(new.id),
        s::customer_id.eq(new.customer_id),
        s::plan_id.eq(new.plan_id),
        s::version_id.eq(new.version_id),
        s::state.eq(new.state),
        s::currency.eq(new.currency),
        s::start_on.eq(new.start_on),
        s::trial_ends_on.eq(new.trial_ends_on),
        s::alignment.eq(new.alignment),
        s::anchor_on.eq(new.grid.anchor_on),
        s::interval_count.eq(count),
        s::interval_unit.eq(new.grid.interval.unit()),
        s::timing.eq(new.grid.timing),
        s::turned_on.eq(new.turned_on),
        s::billed_on.eq(new.billed_on),
        s::changes.eq(new.changes),
        s::ends_on.eq(new.ends_on()),
        s::cancel_reason.eq(cancellation.map(|cancellation| cancellation.reason)),
        s::cancel_note.eq(cancellation.and_then(|cancellation| cancellation.note.as_ref())),
        s::cancel_credit.eq(cancellation.is_none_or(|cancellation| cancellation.credit)),
        s::suspended_from.eq(new.suspension.map(|open| open.from_on)),
        s::suspension_id.eq(new.suspension.map(|open| open.id)),
        s::next_billing_on.eq(new.next_billing_on()),
        s::next_turn_on.eq(new.next_turn_on()),
        s::created_at.eq(created_at),
    );
    diesel::insert_into(s::table).values(row).execute(tx.connection()).await?;
    save_items(tx, std::slice::from_ref(new)).await
}

/// Saves everything that may change in a subscription's life.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn save(tx: &mut Tx, changed: &[Subscription]) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    save_rows(tx, changed).await?;
    save_items(tx, changed).await?;
    save_pauses(tx, changed).await?;
    save_intents(tx, changed).await
}

fn each<T>(changed: &[Subscription], of: impl Fn(&Subscription) -> T) -> Vec<T> {
    changed.iter().map(of).collect()
}

fn ids(changed: &[Subscription]) -> Vec<SubscriptionId> {
    each(changed, |one| one.id)
}

async fn save_rows(tx: &mut Tx, changed: &[Subscription]) -> Result<()> {
    let counts = changed
        .iter()
        .map(|one| i32::try_from(one.grid.interval.count()).map_err(Error::corrupt))
        .collect::<Result<Vec<i32>>>()?;
    let reason = |one: &Subscription| one.cancellation.as_ref().map(|c| c.reason.as_str());
    let note = |one: &Subscription| one.cancellation.as_ref().and_then(|c| c.note.clone());
    let credit = |one: &Subscription| one.cancellation.as_ref().is_none_or(|c| c.credit);
    diesel::sql_query(
        "UPDATE subscriptions s SET plan_id = u.plan_id, version_id = u.version_id, \
         state = u.state, anchor_on = u.anchor_on, interval_count = u.interval_count, \
         interval_unit = u.interval_unit, timing = u.timing, turned_on = u.turned_on, \
         billed_on = u.billed_on, changes = u.changes, ends_on = u.ends_on, \
         cancel_reason = u.cancel_reason, cancel_note = u.cancel_note, \
         cancel_credit = u.cancel_credit, next_billing_on = u.next_billing_on, \
         next_turn_on = u.next_turn_on, suspended_from = u.suspended_from, \
         suspension_id = u.suspension_id \
         FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20) \
         AS u (id, plan_id, version_id, state, anchor_on, interval_count, interval_unit, timing, \
         turned_on, billed_on, changes, ends_on, cancel_reason, cancel_note, cancel_credit, \
         next_billing_on, next_turn_on, suspended_from, suspension_id) \
         WHERE s.org_id = $1 AND s.id = u.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(ids(changed))
    .bind::<Array<SqlUuid>, _>(each(changed, |one| one.plan_id))
    .bind::<Array<SqlUuid>, _>(each(changed, |one| one.version_id))
    .bind::<Array<Text>, _>(each(changed, |one| one.state))
    .bind::<Array<SqlDate>, _>(each(changed, |one| one.grid.anchor_on))
    .bind::<Array<Integer>, _>(counts)
    .bind::<Array<Text>, _>(each(changed, |one| one.grid.interval.unit()))
    .bind::<Array<Text>, _>(each(changed, |one| one.grid.timing))
    .bind::<Array<SqlDate>, _>(each(changed, |one| one.turned_on))
    .bind::<Array<Nullable<SqlDate>>, _>(each(changed, |one| one.billed_on))
    .bind::<Array<Integer>, _>(each(changed, |one| one.changes))
    .bind::<Array<Nullable<SqlDate>>, _>(each(changed, Subscription::ends_on))
    .bind::<Array<Nullable<Text>>, _>(each(changed, reason))
    .bind::<Array<Nullable<Text>>, _>(each(changed, note))
    .bind::<Array<Bool>, _>(each(changed, credit))
    .bind::<Array<Nullable<SqlDate>>, _>(each(changed, Subscription::next_billing_on))
    .bind::<Array<Nullable<SqlDate>>, _>(each(changed, Subscription::next_turn_on))
    .bind::<Array<Nullable<SqlDate>>, _>(each(changed, |one| {
        one.suspension.map(|open| open.from_on)
    }))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(changed, |one| one.suspension.map(|open| open.id)))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Items with their subscription and position.
fn items(changed: &[Subscription]) -> Vec<(SubscriptionId, i32, &Item)> {
    let of = |one: &'_ Subscription| one.id;
    changed
        .iter()
        .flat_map(|one| (0_i32..).zip(&one.items).map(move |(at, item)| (of(one), at, item)))
        .collect()
}

fn forfeited(items: &[(SubscriptionId, i32, &Item)]) -> Vec<Option<Date>> {
    items.iter().map(|(_, _, item)| item.forfeited_until).collect()
}

/// Writes the items that are new; of the others, how long they last and what was charged.
async fn save_items(tx: &mut Tx, changed: &[Subscription]) -> Result<()> {
    let items = items(changed);
    let counts = items
        .iter()
        .map(|(_, _, item)| i32::try_from(item.grid.interval.count()).map_err(Error::corrupt))
        .collect::<Result<Vec<i32>>>()?;
    let date =
        |of: fn(&Item) -> Date| items.iter().map(|(_, _, item)| of(item)).collect::<Vec<_>>();
    diesel::sql_query(
        "INSERT INTO subscription_items AS i (org_id, id, subscription_id, position, price_id, \
         component, quantity, metered, anchor_on, interval_count, interval_unit, timing, from_on, \
         until_on, charged_from, billed_until, forfeited_until) \
         SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
         $16, $17) AS u \
         ON CONFLICT (org_id, id) DO UPDATE SET until_on = excluded.until_on, \
         charged_from = excluded.charged_from, billed_until = excluded.billed_until, \
         forfeited_until = excluded.forfeited_until",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(items.iter().map(|(_, _, item)| item.id).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(items.iter().map(|(id, _, _)| *id).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(items.iter().map(|(_, at, _)| *at).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(items.iter().map(|(_, _, item)| item.price_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(items.iter().map(|(_, _, i)| i.component.as_str()).collect::<Vec<_>>())
    .bind::<Array<Numeric>, _>(items.iter().map(|(_, _, item)| item.quantity).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(items.iter().map(|(_, _, item)| item.metered).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(date(|item| item.grid.anchor_on))
    .bind::<Array<Integer>, _>(counts)
    .bind::<Array<Text>, _>(
        items.iter().map(|(_, _, item)| item.grid.interval.unit()).collect::<Vec<_>>(),
    )
    .bind::<Array<Text>, _>(items.iter().map(|(_, _, item)| item.grid.timing).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(date(|item| item.from_on))
    .bind::<Array<Nullable<SqlDate>>, _>(
        items.iter().map(|(_, _, item)| item.until_on).collect::<Vec<_>>(),
    )
    .bind::<Array<SqlDate>, _>(date(|item| item.charged_from))
    .bind::<Array<SqlDate>, _>(date(|item| item.billed_until))
    .bind::<Array<Nullable<SqlDate>>, _>(forfeited(&items))
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn save_pauses(tx: &mut Tx, changed: &[Subscription]) -> Result<()> {
    use subscription_pauses as p;
    let of_changed =
        p::table.filter(p::org_id.eq(tx.org())).filter(p::subscription_id.eq_any(ids(changed)));
    diesel::delete(of_changed).execute(tx.connection()).await?;
    let rows: Vec<_> = changed
        .iter()
        .flat_map(|one| one.pauses.iter().map(move |pause| (one.id, pause)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "INSERT INTO subscription_pauses (org_id, id, subscription_id, from_on, until_on, note, kind) \
         SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|(_, pause)| pause.id).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(rows.iter().map(|(_, pause)| pause.from_on).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(rows.iter().map(|(_, pause)| pause.until_on).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(
        rows.iter().map(|(_, pause)| pause.note.as_deref()).collect::<Vec<_>>(),
    )
    .bind::<Array<Text>, _>(rows.iter().map(|(_, pause)| pause.kind).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn save_intents(tx: &mut Tx, changed: &[Subscription]) -> Result<()> {
    use subscription_intents as i;
    let of_changed =
        i::table.filter(i::org_id.eq(tx.org())).filter(i::subscription_id.eq_any(ids(changed)));
    diesel::delete(of_changed).execute(tx.connection()).await?;
    let rows: Vec<_> = changed
        .iter()
        .flat_map(|one| (0_i32..).zip(&one.intents).map(move |(at, intent)| (one.id, at, intent)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let terms = rows
        .iter()
        .map(|(_, _, intent)| serde_json::to_value(&intent.terms).map_err(Error::corrupt))
        .collect::<Result<Vec<_>>>()?;
    let named = |intent: &Intent| {
        intent.named.as_ref().map(serde_json::to_value).transpose().map_err(Error::corrupt)
    };
    let named = rows.iter().map(|(_, _, intent)| named(intent)).collect::<Result<Vec<_>>>()?;
    diesel::sql_query(
        "INSERT INTO subscription_intents (org_id, id, subscription_id, position, effective_on, \
         terms, named, migration_id) SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7, $8) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|(_, _, intent)| intent.id).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|(id, _, _)| *id).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(rows.iter().map(|(_, at, _)| *at).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(rows.iter().map(|(_, _, intent)| intent.on).collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(terms)
    .bind::<Array<Nullable<Jsonb>>, _>(named)
    .bind::<Array<Nullable<SqlUuid>>, _>(
        rows.iter().map(|(_, _, intent)| intent.migration_id).collect::<Vec<_>>(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Saves what a billing run moves: which days were charged, and when the next are due. Changes
/// that happened on the way are saved by [`save`] before.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn save_billed(tx: &mut Tx, billed: &[Subscription]) -> Result<()> {
    if billed.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "UPDATE subscriptions s SET billed_on = u.billed_on, next_billing_on = u.next_billing_on \
         FROM unnest($2, $3, $4) AS u (id, billed_on, next_billing_on) \
         WHERE s.org_id = $1 AND s.id = u.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(ids(billed))
    .bind::<Array<Nullable<SqlDate>>, _>(each(billed, |one| one.billed_on))
    .bind::<Array<Nullable<SqlDate>>, _>(each(billed, Subscription::next_billing_on))
    .execute(tx.connection())
    .await?;
    let items = items(billed);
    diesel::sql_query(
        "UPDATE subscription_items i SET charged_from = u.charged_from, \
         billed_until = u.billed_until, forfeited_until = u.forfeited_until \
         FROM unnest($2, $3, $4, $5) AS u (id, charged_from, billed_until, forfeited_until) \
         WHERE i.org_id = $1 AND i.id = u.id \
         AND (i.billed_until <> u.billed_until OR i.charged_from <> u.charged_from)",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(items.iter().map(|(_, _, item)| item.id).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(items.iter().map(|(_, _, i)| i.charged_from).collect::<Vec<_>>())
    .bind::<Array<SqlDate>, _>(items.iter().map(|(_, _, i)| i.billed_until).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlDate>>, _>(forfeited(&items))
    .execute(tx.connection())
    .await?;
    Ok(())
}
