//! Tables of when subscriptions are moved to another version, and why not.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::*;
use crate::id::{CustomerId, PriceId, ProductId};
use crate::money::Currency;
use crate::period::{Alignment, Interval};
use crate::plan::{CancelPolicy, Price, Timing};
use crate::price::PriceModel;
use crate::subscription::{CancelReason, CancelWhen, Start};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn version(number: u8, component: &str, currency: Currency) -> PlanVersion {
    let price = Price {
        id: PriceId(Uuid::from_bytes([number; 16])),
        product_id: ProductId(Uuid::nil()),
        component: component.into(),
        currency,
        model: PriceModel::PerUnit { unit_price: Decimal::from(number) },
        minimum: None,
        meter_id: None,
        feature_id: None,
    };
    PlanVersion {
        id: PlanVersionId(Uuid::from_bytes([number; 16])),
        plan_id: PlanId(Uuid::nil()),
        number: number.into(),
        valid_from: day("2025-01-01"),
        interval: Interval::MONTHLY,
        timing: Timing::InAdvance,
        trial_days: 0,
        cancel_policy: CancelPolicy::PeriodEnd,
        max_pause_months: 3,
        prices: vec![price],
    }
}

fn item() -> ItemId {
    ItemId(Uuid::max())
}

/// Seven seats from a day on, as of 11 January 2025.
fn subscribed(start_on: &str) -> Subscription {
    let start = Start {
        id: SubscriptionId(Uuid::nil()),
        customer_id: CustomerId(Uuid::nil()),
        currency: Currency::EUR,
        start_on: day(start_on),
        alignment: Alignment::OwnDay,
        quantities: vec![("seats".into(), Decimal::from(7))],
    };
    let first = version(1, "seats", Currency::EUR);
    Subscription::start(start, &first, day(TODAY), item).unwrap()
}

const TODAY: &str = "2025-01-11";

fn migration(when: &str, version: &PlanVersion) -> Migration {
    Migration {
        id: MigrationId(Uuid::max()),
        plan_id: version.plan_id,
        version_id: version.id,
        from_version_id: None,
        subscription_id: None,
        when: when.parse().map_or(MigrationWhen::PeriodEnd, MigrationWhen::On),
        made_on: day(TODAY),
        state: MigrationState::Running,
        expected: 1,
    }
}

/// Moves it; answers what became of it.
fn moved(subscription: &mut Subscription, when: &str, version: &PlanVersion) -> String {
    let migration = migration(when, version);
    let intent_id = IntentId(Uuid::nil());
    match subscription.migrate(day(TODAY), &migration, version, intent_id, item) {
        Ok((on, Outcome::Applied(()))) => format!("{on}"),
        Ok((on, Outcome::Unchanged)) => format!("{on} unchanged"),
        Err(refused) => refused.reason().to_owned(),
    }
}

#[test]
fn the_day_is_the_one_that_is_asked_for_or_the_first_that_is_possible() {
    let second = version(2, "seats", Currency::EUR);
    let table = [
        // start, when, day
        ("2025-01-01", "at period end", "2025-02-01"),
        ("2025-01-05", "at period end", "2025-02-05"),
        ("2025-01-01", "2025-01-11", "2025-01-11"),
        ("2025-01-01", "2025-03-20", "2025-03-20"),
        ("2025-02-10", "2025-01-11", "2025-02-10"),
        ("2025-02-10", "2025-03-20", "2025-03-20"),
    ];
    for (start, when, expected) in table {
        let mut one = subscribed(start);
        assert_eq!(moved(&mut one, when, &second), expected, "{start} {when}");
        let terms = one.terms_on(day(expected));
        assert_eq!((terms.version_id, terms.items[0].quantity), (second.id, Decimal::from(7)));
        let again = moved(&mut one, when, &second);
        assert_eq!(again, format!("{expected} unchanged"), "{start} {when}");
    }
}

#[test]
fn what_cannot_be_moved_has_a_reason_and_stays() {
    let second = version(2, "seats", Currency::EUR);
    let later = PlanVersion { valid_from: day("2025-02-02"), ..second.clone() };
    let elsewhere = PlanVersion { plan_id: PlanId(Uuid::max()), ..second.clone() };
    let plain = subscribed("2025-01-01");
    let mut ending = plain.clone();
    let _ = ending
        .cancel(day(TODAY), CancelWhen::PeriodEnd, CancelReason::VoluntaryOther, None)
        .unwrap();
    let mut changing = plain.clone();
    let terms = changing.terms_of_change(&second, day("2025-03-01"), &[], item).unwrap();
    let on = day("2025-03-01");
    let intent = Intent { id: IntentId(Uuid::nil()), on, terms, named: None, migration_id: None };
    changing.change(day(TODAY), intent).unwrap();
    let table = [
        (&plain, "at period end", version(2, "desks", Currency::EUR), "COMPONENT_GONE"),
        (
            &plain,
            "at period end",
            version(2, "seats", "USD".parse().unwrap()),
            "CURRENCY_NOT_PRICED",
        ),
        (&plain, "at period end", later, "PLAN_NOT_IN_FORCE"),
        (&plain, "at period end", elsewhere, "OTHER_PLAN"),
        (&ending, "at period end", second.clone(), "ALREADY_ENDED"),
        (&ending, "2025-01-31", second.clone(), "2025-01-31"),
        (&changing, "2025-02-28", version(3, "seats", Currency::EUR), "LATER_CHANGE_PLANNED"),
        (&changing, "2025-03-01", version(3, "seats", Currency::EUR), "2025-03-01"),
    ];
    for (subscription, when, version, expected) in table {
        let mut one = subscription.clone();
        assert_eq!(moved(&mut one, when, &version), expected);
        assert_eq!(one == *subscription, expected.chars().all(|c| c.is_uppercase() || c == '_'));
    }
}
