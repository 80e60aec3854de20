//! What is kept of an event.

use uuid::Uuid;

use super::*;
use crate::renewal::tests::day;

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
    let document = Subject::Document(invoice());
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

fn invoice() -> DocumentFacts {
    DocumentFacts {
        id: InvoiceId(Uuid::nil()),
        number: "2025-00001".to_owned(),
        kind: DocumentKind::Invoice,
        issue_on: day("2025-01-31"),
        due_on: day("2025-02-14"),
        total: Money::new(6_049, Currency::EUR),
        open: Money::new(-1, Currency::EUR),
    }
}

#[test]
fn what_an_older_process_kept_of_a_collection_lacks_nothing_but_what_it_did_not_know() {
    let document = serde_json::to_string(&invoice()).unwrap();
    let json = format!(r#"{{"collection":{{"document":{document}}}}}"#);
    let Subject::Collection(facts) = serde_json::from_str(&json).unwrap() else { panic!() };
    let amount = Money::new(6_049, Currency::EUR);
    assert_eq!((facts.document.clone(), facts.message.clone()), (invoice(), None));
    let one_off = Some(OneOffFacts { reference: "RF18".to_owned(), amount });
    let subject = Subject::Collection(Box::new(CollectionFacts { one_off, ..*facts }));
    let json = serde_json::to_string(&subject).unwrap();
    assert!(json.contains(r#""amount":"EUR 6049""#), "{json}");
    assert_eq!(serde_json::from_str::<Subject>(&json).unwrap(), subject);
    assert_eq!(subject.invoice_id(), Some(invoice().id));
}
