//! Tables and properties of metered usage.

use proptest::prelude::*;

use super::*;
use crate::date::Date;
use crate::money::Currency;
use crate::price::Tier;

const ZONE: Tz = chrono_tz::Europe::Amsterdam;

fn number(text: &str) -> Decimal {
    crate::decimal::parse(text).unwrap()
}

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn june() -> Period {
    Period { start: day("2025-06-01"), end: day("2025-07-01") }
}

/// An event in words: `a 2025-06-10T12:00:00Z 5 anna`.
fn event(text: &str) -> Event {
    let words: Vec<&str> = text.split(' ').collect();
    Event {
        id: words[0].into(),
        at: words[1].parse().unwrap(),
        quantity: number(words[2]),
        value: words.get(3).map(|value| (*value).into()),
    }
}

fn quantity(aggregation: Aggregation, events: &[&str]) -> Decimal {
    let events: Events = events.iter().map(|text| event(text)).collect();
    events.total(aggregation, june(), ZONE).unwrap().quantity()
}

#[test]
fn events_become_a_quantity() {
    let month: &[&str] = &[
        "a 2025-06-10T12:00:00Z 5 anna",
        "b 2025-06-12T12:00:00Z 7.5 bert",
        "c 2025-06-11T12:00:00Z 2 anna",
    ];
    // sum, max, last, distinct
    let table: [(&str, &[&str], [&str; 4]); 6] = [
        ("nothing", &[], ["0", "0", "0", "0"]),
        ("a month", month, ["14.5", "7.5", "7.5", "2"]),
        (
            "an id counts once",
            &["a 2025-06-10T12:00:00Z 5 anna", "a 2025-06-10T12:00:00Z 5 anna"],
            ["5", "5", "5", "1"],
        ),
        (
            "of two with one id the earlier counts",
            &["a 2025-06-11T12:00:00Z 9 bert", "a 2025-06-10T12:00:00Z 5 anna"],
            ["5", "5", "5", "1"],
        ),
        (
            "of two at one instant the larger id is last",
            &["b 2025-06-10T12:00:00Z 1 x", "a 2025-06-10T12:00:00Z 5 x"],
            ["6", "5", "1", "1"],
        ),
        (
            "the local date decides: only the second and third are of June",
            &[
                "a 2025-05-31T21:59:59Z 1 x",
                "b 2025-05-31T22:00:00Z 10 y",
                "c 2025-06-30T21:59:59Z 100 z",
                "d 2025-06-30T22:00:00Z 1000 w",
            ],
            ["110", "100", "100", "2"],
        ),
    ];
    for (name, events, expected) in table {
        let computed = Aggregation::ALL.iter().map(|aggregation| quantity(*aggregation, events));
        assert_eq!(computed.collect::<Vec<_>>(), expected.map(number), "{name}");
    }
}

#[test]
fn corrections_never_make_a_quantity_negative() {
    let events = ["a 2025-06-10T12:00:00Z 5", "b 2025-06-11T12:00:00Z -8"];
    assert_eq!(quantity(Aggregation::Sum, &events[..]), Decimal::ZERO);
    let more =
        ["a 2025-06-10T12:00:00Z 5", "b 2025-06-11T12:00:00Z -8", "c 2025-06-02T00:00:00Z 9"];
    assert_eq!(quantity(Aggregation::Sum, &more[..]), number("6"));
}

#[test]
fn a_repeated_event_changes_nothing() {
    let mut events = Events::default();
    assert_eq!(events.record(event("a 2025-06-10T12:00:00Z 5")), Outcome::Applied(()));
    assert_eq!(events.record(event("a 2025-06-10T12:00:00Z 5")), Outcome::Unchanged);
    assert_eq!(events.record(event("a 2025-06-10T12:00:00Z 6")), Outcome::Unchanged);
}

fn meter(aggregation: Aggregation) -> Meter {
    let id = MeterId(uuid::Uuid::nil());
    Meter { id, code: "seats".into(), name: "Seats".into(), aggregation, unit_label: None }
}

/// On 30 June, of a customer who has bought nothing.
fn taken() -> Taken {
    Taken { start: None, now: "2025-06-30T12:00:00Z".parse().unwrap(), zone: ZONE }
}

#[test]
fn events_that_cannot_be_are_refused() {
    let check = |aggregation, text: &str| {
        let taken = Taken { start: Some(day("2025-06-01")), ..taken() };
        meter(aggregation).check(&event(text), taken).map_err(|refused| refused.to_string())
    };
    use Aggregation::{Distinct, Last, Max, Sum};
    let june = Ok(day("2025-06-01"));
    assert_eq!(check(Sum, "a 2025-06-01T00:00:00Z -5"), june);
    assert_eq!(check(Sum, "a 2025-05-31T22:00:00Z 5"), june);
    assert_eq!(check(Distinct, "a 2025-06-01T00:00:00Z 1 anna"), june);
    assert_eq!(check(Sum, "a 2025-06-30T12:05:00Z 1"), Ok(day("2025-06-30")));
    let long = format!("{} 2025-06-01T00:00:00Z 5", "x".repeat(129));
    let table = [
        (Max, "a 2025-06-01T00:00:00Z -5", "event \"a\": -5 is negative"),
        (Last, "a 2025-06-01T00:00:00Z -5", "event \"a\": -5 is negative"),
        (Sum, "a 2025-06-01T00:00:00Z 0.0000001", "event \"a\": 0.0000001 has too many decimals"),
        (Sum, "a 2025-06-01T00:00:00Z -1000000001", "event \"a\": 1000000001 is too large"),
        (
            Sum,
            "a 2025-05-31T21:59:59Z 5",
            "event \"a\" is of 2025-05-31, before the subscription starts on 2025-06-01",
        ),
        (Distinct, "a 2025-06-01T00:00:00Z 1", "event \"a\" carries no value, and meter \"seats\""),
        (Sum, " 2025-06-01T00:00:00Z 5", "id of an event has 0 bytes: expected 1 to 128"),
        (Sum, &long, "id of an event has 129 bytes"),
        (Sum, "a\0 2025-06-01T00:00:00Z 5", "\"a\\0\" has control characters: expected none"),
        (Distinct, "a 2025-06-01T00:00:00Z 5 b\t", "\"b\\t\" has control characters"),
        (
            Sum,
            "a 2025-06-30T12:05:01Z 5",
            "event \"a\" is of 2025-06-30 12:05:01 UTC, which has not come: expected at most \
             2025-06-30 12:05:00 UTC",
        ),
    ];
    for (aggregation, text, expected) in table {
        let refused = check(aggregation, text).unwrap_err();
        assert!(refused.starts_with(expected), "{text}: {refused}");
    }
    let refused = meter(Sum).check(&event("a 2025-06-01T00:00:00Z 5"), taken()).unwrap_err();
    assert_eq!(refused.about(), ("customer_id", "EVENT_BEFORE_START"));
}

#[test]
fn totals_of_two_kinds_are_not_added() {
    let mut sum = Total::of_nothing(Aggregation::Sum);
    let refused = sum.merge(Total::of_nothing(Aggregation::Max)).unwrap_err();
    assert_eq!(refused.to_string(), "a sum and a max cannot be added up");
}

fn blocks_of_hundred() -> PriceModel {
    let tier = |up_to, unit_price| Tier {
        up_to,
        unit_price,
        flat_fee: Decimal::ZERO,
        block: Some(Decimal::ONE_HUNDRED),
    };
    PriceModel::Graduated {
        tiers: vec![tier(Some(number("1000")), Decimal::ONE), tier(None, number("0.5"))],
    }
}

#[test]
fn late_usage_is_billed_as_a_difference_with_the_tiers_of_its_period() {
    // quantity now, minimum, billed before, difference
    let table = [
        ("130", "0.00", "0.00", "2.00"),
        ("401", "0.00", "1.00", "4.00"),
        ("401", "0.00", "5.00", "0.00"),
        ("1101", "0.00", "10.00", "1.00"),
        ("100", "0.00", "2.00", "-1.00"),
        // The true-up of the period is used up first.
        ("401", "10.00", "10.00", "0.00"),
        ("1101", "10.00", "10.00", "1.00"),
    ];
    for (quantity, minimum, billed, expected) in table {
        let price = blocks_of_hundred();
        let computed = late(&price, number(quantity), eur(minimum), eur(billed)).unwrap();
        assert_eq!(computed, eur(expected), "{quantity} after {billed}");
    }
}

#[test]
fn a_billed_period_takes_every_difference_once() {
    let id = uuid::Uuid::nil();
    let first = BilledPeriod {
        item_id: ItemId(id),
        customer_id: CustomerId(id),
        meter_id: MeterId(id),
        price_id: PriceId(id),
        period: june(),
        minimum: eur("0.00"),
        quantity: number("130"),
        billed: eur("2.00"),
        times: 1,
    };
    let price = blocks_of_hundred();
    // quantity now, difference, billed in all
    let table = [("401", "3.00", "5.00"), ("420", "0.00", "5.00"), ("90", "-4.00", "1.00")];
    let mut billed = first;
    for (quantity, difference, in_all) in table {
        let (outcome, after) = billed.late(&price, number(quantity)).unwrap();
        let expected = match difference {
            "0.00" => Outcome::Unchanged,
            amount => Outcome::Applied(eur(amount)),
        };
        assert_eq!(outcome, expected, "{quantity}");
        assert_eq!(after.billed, eur(in_all));
        assert_eq!((after.times, after.quantity), (billed.times + 1, number(quantity)));
        billed = after;
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    (0_u32..40, 0_i64..8_000_000, -50_i64..1_000, 0_u32..6).prop_map(|(id, seconds, cents, who)| {
        Event {
            id: format!("e{id}"),
            at: DateTime::from_timestamp(1_748_000_000 + seconds, 0).unwrap(),
            quantity: Decimal::new(cents, 2),
            value: (who > 0).then(|| format!("user {who}")),
        }
    })
}

fn any_events() -> impl Strategy<Value = (Vec<Event>, Vec<Event>)> {
    proptest::collection::vec(any_event(), 0..40)
        .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
}

/// The events with ids that differ wherever their contents do; equal ones once.
fn unique(events: &[Event]) -> Vec<Event> {
    let mut rows: Vec<Event> = Vec::new();
    for event in events {
        let id = format!("{} {} {} {:?}", event.id, event.at, event.quantity, event.value);
        let row = Event { id, ..event.clone() };
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

proptest! {
    #[test]
    fn order_chunks_and_repeats_never_change_a_quantity(
        (events, shuffled) in any_events(), chunk in 1_usize..9, again in 0_usize..40,
    ) {
        let one_by_one: Events = events.iter().cloned().collect();
        let repeated: Vec<Event> = shuffled.iter().chain(shuffled.iter().take(again)).cloned().collect();
        let mut chunks: Vec<Events> =
            repeated.chunks(chunk).map(|chunk| chunk.iter().cloned().collect()).collect();
        // Chunks are merged pairwise, as workers would, the last one first.
        while chunks.len() > 1 {
            let last = chunks.pop().unwrap_or_default();
            chunks.last_mut().unwrap().merge(last);
        }
        let merged = chunks.pop().unwrap_or_default();
        prop_assert_eq!(&merged, &one_by_one);
        for aggregation in Aggregation::ALL {
            prop_assert_eq!(
                merged.total(*aggregation, june(), ZONE).unwrap(),
                one_by_one.total(*aggregation, june(), ZONE).unwrap()
            );
        }
    }

    #[test]
    fn totals_of_pieces_merge_to_the_total((events, shuffled) in any_events(), chunk in 1_usize..9) {
        // A total needs ids that differ: the rows of a table with a unique key.
        let rows: Vec<Event> = unique(&shuffled);
        let known: Events = unique(&events).into_iter().collect();
        for aggregation in Aggregation::ALL {
            let whole = Period { start: Date::MIN, end: Date::MAX };
            let expected = known.total(*aggregation, whole, ZONE).unwrap();
            let mut merged = Total::of_nothing(*aggregation);
            for piece in rows.chunks(chunk) {
                let mut total = Total::of_nothing(*aggregation);
                for event in piece {
                    total.add(event).unwrap();
                }
                merged.merge(total).unwrap();
            }
            prop_assert_eq!(merged.quantity(), expected.quantity());
            prop_assert_eq!(merged, expected);
        }
    }

    #[test]
    fn differences_of_late_usage_add_up_to_the_price_of_the_total(
        pieces in proptest::collection::vec(-5_000_i64..50_000, 1..10), least in 0_i64..2_000,
    ) {
        let (price, minimum) = (blocks_of_hundred(), Money::new(least, Currency::EUR));
        let mut total = Total::of_nothing(Aggregation::Sum);
        let mut billed = eur("0.00");
        for piece in pieces {
            total.merge(Total::Sum(Decimal::new(piece, 1))).unwrap();
            let more = late(&price, total.quantity(), minimum, billed).unwrap();
            billed = billed.checked_add(more).unwrap();
        }
        prop_assert_eq!(billed, owed(&price, total.quantity(), minimum).unwrap());
        prop_assert!(billed.minor() >= least);
    }
}
