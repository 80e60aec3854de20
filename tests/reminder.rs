//! What is told when money does not come: day by day, with the words to the customer, and without
//! an account or token of theirs.

mod state;

use server::pb::v1::set_payment_method_request::Details;
use server::pb::v1::{self, EventKind, InvoiceState, Language};

use crate::world::{Client, Plan, World, date, day, euro};

/// What the sandbox's accounts do: see `app::gateway::sandbox`.
const NO_MONEY: &str = "NL93SNDB0000000010";
const CLOSED: &str = "NL12SNDB0000000013";
const STOPPED: &str = "NL82SNDB0000000014";
const OBJECTS: &str = "NL55SNDB0000000015";
const BOUNCES: &str = "NL38SNDB0000000030";
const TOKEN: &str = "declines_insufficient_funds";

/// What is invoiced on this day is debited on Monday 3 February.
const NOTICE_DAY: &str = "2025-01-20";

/// The account of the sandbox's vendor.
const VENDOR: &str = "NL91ABNA0417164300";

const TOLD: [EventKind; 7] = [
    EventKind::PaymentFailed,
    EventKind::InvoiceOverdue,
    EventKind::PaymentReminder,
    EventKind::DetailsNeeded,
    EventKind::PaymentStopped,
    EventKind::ContactNeeded,
    EventKind::OneOffPaymentOffered,
];

fn debit(iban: &str) -> Details {
    Details::DirectDebit(v1::DirectDebitDetails {
        iban: iban.into(),
        holder: "A. de Vries".into(),
        mandate_reference: String::new(),
        signed_on: Some(date("2025-01-15")),
    })
}

fn card(token: &str) -> Details {
    Details::Card(v1::CardDetails {
        token: token.into(),
        brand: "visa".into(),
        last_four: "4242".into(),
        expires: Some(v1::CardExpiry { year: 2027, month: 3 }),
        holder: String::new(),
    })
}

fn transfer() -> Details {
    Details::BankTransfer(v1::BankTransferDetails {})
}

/// A consumer that pays at once in some way and is written to in a language.
async fn customer(
    client: &mut Client,
    details: Option<Details>,
    language: Language,
) -> v1::Customer {
    let customer = v1::Customer {
        payment_terms_days: Some(0),
        language: language.into(),
        party_type: v1::PartyType::Consumer.into(),
        ..Client::business("Anna de Vries")
    };
    let customer = client.create_customer(customer).await.unwrap();
    if let Some(details) = details {
        let request = v1::SetPaymentMethodRequest {
            customer_id: customer.id.clone(),
            details: Some(details),
            ..Default::default()
        };
        client.customers.set_payment_method(request).await.unwrap();
    }
    customer
}

/// An invoice of today of EUR 121.00.
async fn invoice(client: &mut Client, customer: &v1::Customer) -> v1::Invoice {
    let product = client.product("advice", &Plan::months(1, "0")).await;
    client.invoice_of(customer, &product).await
}

/// Money that comes with these words.
async fn pay(client: &mut Client, reference: &str, cents: i64) {
    let nanos = i32::try_from(cents % 100).unwrap() * 10_000_000;
    let amount = server::pb::google::r#type::Money {
        currency_code: "EUR".into(),
        units: cents / 100,
        nanos,
    };
    let request = v1::RecordPaymentRequest {
        amount: Some(amount),
        reference: reference.into(),
        ..Default::default()
    };
    client.payments.record_payment(request).await.unwrap();
}

/// What was told about a customer's money.
async fn told(client: &mut Client, customer: &v1::Customer) -> Vec<v1::Event> {
    let filter = v1::EventFilter {
        kinds: TOLD.iter().map(|kind| (*kind).into()).collect(),
        customer_id: customer.id.clone(),
        ..Default::default()
    };
    let request =
        v1::ListEventsRequest { page_size: 500, filter: Some(filter), ..Default::default() };
    client.events.list_events(request).await.unwrap().into_inner().events
}

fn collection(event: &v1::Event) -> v1::CollectionFacts {
    match event.subject.clone() {
        Some(v1::event::Subject::Collection(facts)) => facts,
        other => panic!("{other:?}"),
    }
}

/// `2025-02-06 PAYMENT_REMINDER REMINDER`, of a failure the attempt and the code.
fn line(event: &v1::Event) -> String {
    let facts = collection(event);
    let on = day(&event.effective_on);
    let kind = event.kind().as_str_name().replace("EVENT_KIND_", "");
    match event.kind() {
        EventKind::PaymentFailed => {
            format!("{on} {kind} {} {}", facts.attempt, facts.raw_code)
        }
        EventKind::PaymentReminder => {
            let step = facts.step().as_str_name().replace("DUNNING_ACTION_", "");
            format!("{on} {kind} {step}")
        }
        _ => format!("{on} {kind}"),
    }
}

/// What follows in a hundred days for somebody who pays so, in lines and as events.
async fn course(
    client: &mut Client,
    details: Details,
    language: Language,
) -> (v1::Invoice, Vec<String>, Vec<v1::Event>) {
    let customer = customer(client, Some(details), language).await;
    let invoice = invoice(client, &customer).await;
    let days = v1::advance_clock_request::Target::Days(100);
    let request = v1::AdvanceClockRequest { target: Some(days), request_id: String::new() };
    client.advance_by(request).await.unwrap();
    let events = told(client, &customer).await;
    (invoice, events.iter().map(line).collect(), events)
}

/// The words of the first event of a kind.
fn words(events: &[v1::Event], kind: EventKind) -> v1::CustomerMessage {
    let event = events.iter().find(|event| event.kind() == kind).expect("it was told");
    collection(event).message.expect("the words")
}

fn reference(events: &[v1::Event]) -> String {
    let offered = events.iter().find_map(|event| collection(event).one_off);
    offered.expect("a one-off payment").reference
}

fn assert_says(message: &v1::CustomerMessage, parts: &[&str]) {
    for part in parts {
        assert!(message.body.contains(part), "{part:?} is missing in:\n{}", message.body);
    }
}

/// What a customer pays by must be nowhere in what was told.
async fn assert_secret(world: &World, secrets: &[&str]) {
    let sql = world.database.sql().await;
    for secret in secrets {
        let question = "SELECT count(*) FROM events e WHERE position($1 IN e::text) > 0";
        let found: i64 = sql.query_one(question, &[secret]).await.unwrap().get(0);
        assert_eq!(found, 0, "{secret} stands in an event");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debit_without_money_is_told_day_by_day_in_the_customers_language() {
    let world = World::new().await;
    let mut client = world.sandbox(NOTICE_DAY).await;
    let (invoice, lines, dutch) = course(&mut client, debit(NO_MONEY), Language::Nl).await;
    assert_eq!(
        lines,
        // The second attempt is under way on day 15: what that day asks for waits for its end.
        [
            "2025-02-05 PAYMENT_FAILED 1 AM04",
            "2025-02-05 INVOICE_OVERDUE",
            "2025-02-06 PAYMENT_REMINDER REMINDER",
            "2025-02-06 ONE_OFF_PAYMENT_OFFERED",
            "2025-02-13 PAYMENT_FAILED 2 AM04",
            "2025-02-21 PAYMENT_FAILED 3 AM04",
            "2025-02-21 DETAILS_NEEDED",
            "2025-02-21 ONE_OFF_PAYMENT_OFFERED",
        ]
    );
    let reminder = words(&dutch, EventKind::PaymentReminder);
    assert_eq!(reminder.language(), Language::Nl);
    let reference = reference(&dutch);
    let subject = format!("Herinnering: factuur {} is nog niet betaald", invoice.number);
    assert_eq!(reminder.subject, subject);
    assert_says(&reminder, &["Geachte Anna de Vries,", "EUR 121,00", VENDOR, &reference, "saldo"]);

    let mut other = world.sandbox(NOTICE_DAY).await;
    let (_, same, english) = course(&mut other, debit(NO_MONEY), Language::En).await;
    assert_eq!(same, lines);
    let reminder = words(&english, EventKind::PaymentReminder);
    assert_says(&reminder, &["Dear Anna de Vries,", "EUR 121.00", VENDOR, "not enough money"]);
    let details = words(&english, EventKind::DetailsNeeded);
    assert_says(&details, &["Please give us new payment details."]);
    assert_secret(&world, &[NO_MONEY, "0000000010", "accepts_declines"]).await;
    world.finish().await;
}

const CLOSED_TELLS: &[&str] = &[
    "2025-02-05 PAYMENT_FAILED 1 AC04",
    "2025-02-05 INVOICE_OVERDUE",
    "2025-02-06 PAYMENT_REMINDER REMINDER",
    "2025-02-06 DETAILS_NEEDED",
    "2025-02-06 ONE_OFF_PAYMENT_OFFERED",
    "2025-02-20 DETAILS_NEEDED",
    "2025-02-20 ONE_OFF_PAYMENT_OFFERED",
];
const STOPPED_TELLS: &[&str] = &[
    "2025-02-05 PAYMENT_FAILED 1 AC06",
    "2025-02-05 INVOICE_OVERDUE",
    "2025-02-06 PAYMENT_REMINDER REMINDER",
    "2025-02-06 PAYMENT_STOPPED",
    "2025-02-06 ONE_OFF_PAYMENT_OFFERED",
    "2025-02-20 DETAILS_NEEDED",
    "2025-02-20 ONE_OFF_PAYMENT_OFFERED",
];
const OBJECTS_TELLS: &[&str] = &[
    "2025-02-05 PAYMENT_FAILED 1 MS02",
    "2025-02-05 INVOICE_OVERDUE",
    "2025-02-06 CONTACT_NEEDED",
];
const BOUNCES_TELLS: &[&str] = &[
    "2025-02-19 PAYMENT_FAILED 1 MD06",
    "2025-02-19 INVOICE_OVERDUE",
    "2025-02-20 CONTACT_NEEDED",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_has_its_own_words() {
    let world = World::new().await;
    let table: [(Details, &[&str], EventKind, &str); 4] = [
        (debit(CLOSED), CLOSED_TELLS, EventKind::DetailsNeeded, "the account is closed"),
        (debit(STOPPED), STOPPED_TELLS, EventKind::PaymentStopped, "let us know afterwards"),
        (debit(OBJECTS), OBJECTS_TELLS, EventKind::ContactNeeded, "not collect this amount again"),
        (debit(BOUNCES), BOUNCES_TELLS, EventKind::ContactNeeded, "had it paid back"),
    ];
    for (details, expected, kind, part) in table {
        let mut client = world.sandbox(NOTICE_DAY).await;
        let (_, lines, events) = course(&mut client, details, Language::En).await;
        assert_eq!(lines, expected);
        assert_says(&words(&events, kind), &[part]);
    }
    assert_secret(&world, &[CLOSED, STOPPED, OBJECTS, BOUNCES]).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_without_money_is_tried_four_times_and_its_token_is_told_to_nobody() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-03").await;
    let (_, lines, events) = course(&mut client, card(TOKEN), Language::En).await;
    assert_eq!(
        lines,
        [
            "2025-02-03 PAYMENT_FAILED 1 insufficient_funds",
            "2025-02-03 INVOICE_OVERDUE",
            "2025-02-04 PAYMENT_FAILED 2 insufficient_funds",
            "2025-02-06 PAYMENT_FAILED 3 insufficient_funds",
            "2025-02-10 PAYMENT_FAILED 4 insufficient_funds",
            "2025-02-17 PAYMENT_FAILED 5 insufficient_funds",
            "2025-02-18 DETAILS_NEEDED",
            "2025-02-18 ONE_OFF_PAYMENT_OFFERED",
        ]
    );
    assert_says(&words(&events, EventKind::OneOffPaymentOffered), &["EUR 121.00", VENDOR]);
    assert_secret(&world, &[TOKEN]).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_by_transfer_is_reminded_three_times_and_last_with_the_costs_of_collection() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-03").await;
    let (_, lines, events) = course(&mut client, transfer(), Language::Nl).await;
    assert_eq!(
        lines,
        [
            "2025-02-03 INVOICE_OVERDUE",
            "2025-02-06 PAYMENT_REMINDER FRIENDLY_REMINDER",
            "2025-02-13 PAYMENT_REMINDER SECOND_REMINDER",
            "2025-02-17 PAYMENT_REMINDER FINAL_NOTICE",
        ]
    );
    let references: Vec<String> =
        events[1..].iter().map(|event| collection(event).one_off.unwrap().reference).collect();
    assert!(references.iter().all(|one| one == &references[0]), "{references:?}");
    let last = collection(&events[3]).message.unwrap();
    assert_says(&last, &["laatste aanmaning", "veertien dagen", "EUR 40,00", "24-02-2025"]);
    let first = collection(&events[1]).message.unwrap();
    assert!(!first.body.contains("veertien dagen"), "{}", first.body);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_with_the_reference_that_was_told_settles_the_invoice() {
    let world = World::new().await;
    let mut client = world.sandbox(NOTICE_DAY).await;
    let ann = customer(&mut client, Some(debit(NO_MONEY)), Language::En).await;
    let owed = invoice(&mut client, &ann).await;
    client.advance("2025-02-07").await.unwrap();
    // Another invoice, which is not meant.
    let other = invoice(&mut client, &ann).await;
    let events = told(&mut client, &ann).await;
    let reference = reference(&events);
    assert_says(&words(&events, EventKind::OneOffPaymentOffered), &[&reference]);
    // A part of it: the next one who is told is told the rest, under another reference.
    pay(&mut client, &reference, 2_100).await;
    client.advance("2025-02-24").await.unwrap();
    let events = told(&mut client, &ann).await;
    let rest: Vec<_> = events
        .iter()
        .map(collection)
        .filter(|facts| facts.document.as_ref().unwrap().invoice_id == owed.id)
        .filter_map(|facts| facts.one_off)
        .filter(|one| euro(&one.amount) == "100.00")
        .collect();
    assert!(!rest.is_empty() && rest[0].reference != reference, "{rest:?}");
    pay(&mut client, &rest[0].reference, 10_000).await;
    assert_eq!(client.document(&owed.id).await.state(), InvoiceState::Settled);
    assert_eq!(euro(&client.document(&other.id).await.amount_due), "121.00");
    world.finish().await;
}
