//! Wrong events: each is named with its field, its value and what would be right.

use server::pb::v1;

use super::{event, events, send, taken, vendor};
use crate::world::{World, decimal};

/// An event, and the field, the reason and a part of the message of its rejection.
type Wrong = (v1::UsageEvent, &'static str, &'static str, &'static str);

fn good(customer: &v1::Customer, id: &str) -> v1::UsageEvent {
    v1::UsageEvent { id: id.to_owned(), ..event(customer, "calls x 2025-11-03T12:00:00Z 1") }
}

/// Events with a field that cannot be.
fn impossible(ann: &v1::Customer) -> Vec<Wrong> {
    const NOT_VALID: &str = "EVENT_NOT_VALID";
    let good = |id: &str| good(ann, id);
    let measured = |quantity| v1::UsageEvent { quantity: decimal(quantity), ..good("quantity") };
    let named = v1::UsageEvent { customer_id: "ann".into(), ..good("customer") };
    let never = v1::UsageEvent { occurred_time: None, ..good("time") };
    let counted = event(ann, "users value 2025-11-03T12:00:00Z 1");
    let unreadable = v1::UsageEvent { value: "x\0".into(), ..good("value") };
    let below = event(ann, "seats below 2025-11-03T12:00:00Z -1");
    vec![
        (named, "customer_id", NOT_VALID, "\"ann\" is not an id"),
        (never, "occurred_time", NOT_VALID, "required"),
        (measured("1e5"), "quantity", NOT_VALID, "\"1e5\" is not a number"),
        (
            measured("0.0000001"),
            "quantity",
            NOT_VALID,
            "0.0000001 has too many decimals: at most 6",
        ),
        (measured("-1000000001"), "quantity", NOT_VALID, "1000000001 is too large"),
        (below, "quantity", NOT_VALID, "-1 is negative: expected zero or more"),
        (counted, "value", NOT_VALID, "meter \"users\" counts distinct values"),
        (unreadable, "value", NOT_VALID, "control characters"),
        (good(""), "id", NOT_VALID, "1 to 128"),
        (good(&"x".repeat(129)), "id", NOT_VALID, "129 bytes"),
        (good("c\0"), "id", NOT_VALID, "control characters"),
    ]
}

/// Events that do not fit what there is.
fn unfit(ann: &v1::Customer, idle: &v1::Customer) -> Vec<Wrong> {
    let good = |id: &str| good(ann, id);
    let metered = |meter: &str| v1::UsageEvent { meter: meter.to_owned(), ..good("meter") };
    let of = |customer: &str| v1::UsageEvent { customer_id: customer.to_owned(), ..good("whose") };
    let nobody = uuid::Uuid::max().to_string();
    let early = event(ann, "calls early 2025-10-14T21:59:59Z 1");
    let future = event(ann, "calls soon 2025-11-20T12:00:00Z 1");
    let more = event(ann, "calls used 2025-11-03T12:00:00Z 6");
    let later = event(ann, "calls used 2025-11-03T12:00:00.000001Z 5");
    vec![
        (metered("nothing"), "meter", "METER_UNKNOWN", "code \"nothing\": expected a code"),
        (metered("a\0b"), "meter", "METER_UNKNOWN", "ListMeters"),
        (metered(&"x".repeat(900)), "meter", "METER_UNKNOWN", "xxx"),
        (of(&nobody), "customer_id", "CUSTOMER_UNKNOWN", "ffffffff-ffff"),
        (of(&idle.id), "customer_id", "EVENT_BEFORE_START", "without a subscription"),
        (early, "occurred_time", "EVENT_BEFORE_START", "2025-10-14, before the subscription"),
        (future, "occurred_time", "EVENT_IN_FUTURE", "at most 2025-11-19 23:05:00 UTC"),
        (more, "id", "EVENT_ID_REUSED", "a new event with an id of its own"),
        (later, "id", "EVENT_ID_REUSED", "\"used\""),
    ]
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_event_is_named_and_the_others_are_recorded() {
    let world = World::new().await;
    let (mut client, ann) = vendor(&world).await;
    let idle = client.customer("Idle").await;
    taken(&mut client, events(&ann, &["calls used 2025-11-03T12:00:00Z 5"])).await;
    let table = [impossible(&ann), unfit(&ann, &idle)].concat();
    // Every wrong one between two that are right, and one that contradicts its own chunk.
    let mut chunk = vec![good(&ann, "right")];
    for (at, (wrong, ..)) in table.iter().enumerate() {
        chunk.extend([wrong.clone(), good(&ann, &format!("right {at}"))]);
    }
    chunk.push(v1::UsageEvent { quantity: decimal("2"), ..good(&ann, "right") });
    let last = number(chunk.len() - 1);
    let (answers, end) = send(&mut client, vec![chunk]).await;
    end.unwrap();
    let [answer] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!((answer.accepted, answer.duplicates), (number(table.len() + 1), 0));
    assert_eq!(answer.rejected.len(), table.len() + 1);
    for (at, (_, field, reason, says)) in table.iter().enumerate() {
        let found = &answer.rejected[at];
        assert_eq!(found.index, number(1 + 2 * at), "{found:?}");
        assert_eq!((found.field.as_str(), found.reason.as_str()), (*field, *reason), "{found:?}");
        assert!(found.message.contains(says), "{found:?}: {says}");
        assert!(found.id.len() <= 48 && found.message.len() < 400, "{found:?}");
    }
    let own = &answer.rejected[table.len()];
    assert_eq!((own.index, own.reason.as_str()), (last, "EVENT_ID_REUSED"));
    world.finish().await;
}
