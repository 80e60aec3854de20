//! Tables of what happened when a state changed, and of what is kept of it.

use uuid::Uuid;

use super::*;
use crate::renewal::tests::{day, subscription};

fn told(before: &str, now: &str, words: &str) -> String {
    let mut one = subscription(words);
    one.state = now.parse().unwrap();
    let events = turned(before.parse().unwrap(), &one);
    let short = |kind: EventKind| kind.as_str().replace("subscription_", "");
    let told = events.into_iter().map(|(kind, on)| format!("{} {on}", short(kind)));
    told.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_turn_is_told_with_everything_that_lies_behind_it() {
    let trial = "2025-01-31 trial 2025-02-14";
    let ending = "2025-01-31 trial 2025-02-14 end 2025-03-14";
    let in_trial = "2025-01-31 trial 2025-02-14 end 2025-02-14";
    let table = [
        ("pending", "pending", trial, ""),
        ("pending", "trialing", trial, "started 2025-01-31"),
        ("trialing", "active", trial, "trial_converted 2025-02-14"),
        ("pending", "active", "2025-01-31", "started 2025-01-31"),
        ("pending", "active", trial, "started 2025-01-31, trial_converted 2025-02-14"),
        ("active", "active", trial, ""),
        // With an end that is still to come.
        ("trialing", "active", ending, "trial_converted 2025-02-14"),
        ("active", "cancelled", ending, "cancelled 2025-03-14"),
        ("trialing", "cancelled", in_trial, "cancelled 2025-02-14"),
        ("cancelled", "cancelled", ending, ""),
        // Late: all of it at once.
        ("trialing", "cancelled", ending, "trial_converted 2025-02-14, cancelled 2025-03-14"),
        ("pending", "cancelled", in_trial, "started 2025-01-31, cancelled 2025-02-14"),
        // It ended before it began.
        ("pending", "cancelled", "2025-01-31 end 2025-01-31", "cancelled 2025-01-31"),
    ];
    for (before, now, words, expected) in table {
        assert_eq!(told(before, now, words), expected, "{before} {now} {words}");
    }
}

#[test]
fn what_is_kept_can_be_read_back_and_has_no_floats() {
    let subscription = Subject::Subscription(SubscriptionFacts {
        id: SubscriptionId(Uuid::nil()),
        plan_id: PlanId(Uuid::nil()),
        version_id: PlanVersionId(Uuid::nil()),
        state: State::Active,
        currency: Currency::EUR,
        items: vec![ItemFacts {
            product_id: ProductId(Uuid::nil()),
            component: "seats".to_owned(),
            quantity: Decimal::new(125, 1),
        }],
        next_renewal_on: Some(day("2025-02-28")),
        ends_on: None,
    });
    let document = Subject::Document(DocumentFacts {
        id: InvoiceId(Uuid::nil()),
        number: "2025-00001".to_owned(),
        kind: DocumentKind::Invoice,
        issue_on: day("2025-01-31"),
        due_on: day("2025-02-14"),
        total: Money::new(6_049, Currency::EUR),
        open: Money::new(-1, Currency::EUR),
    });
    for (subject, part) in
        [(&subscription, r#""quantity":"12.5""#), (&document, r#""total":"EUR 6049""#)]
    {
        let json = serde_json::to_string(subject).unwrap();
        assert!(json.contains(part), "{json}");
        assert_eq!(&serde_json::from_str::<Subject>(&json).unwrap(), subject);
    }
    assert_eq!(subscription.invoice_id(), None);
    assert_eq!(document.subscription_id(), None);
}
