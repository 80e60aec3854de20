//! What is told when money does not come: day by day, with the words to the customer, and without
//! an account or token of theirs.

mod state;

use server::pb::v1::set_payment_method_request::Details;
use server::pb::v1::{self, EventKind, InvoiceState, Language};

use crate::world::{Client, Plan, World, cents, date, day, decimal};

/// What the sandbox's accounts do: see `app::gateway::sandbox`.
const NO_MONEY: &str = "NL93SNDB0000000010";
const CLOSED: &str = "NL12SNDB0000000013";
const STOPPED: &str = "NL82SNDB0000000014";
const OBJECTS: &str = "NL55SNDB0000000015";
const BOUNCES: &str = "NL38SNDB0000000030";
const TOKEN: &str = "declines_insufficient_funds";

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
    let charge = v1::NewCharge {
        product_id: product.id,
        quantity: decimal("1"),
        unit_price: decimal("100.00"),
        ..Default::default()
    };
    let request = v1::CreateInvoiceRequest {
        customer_id: customer.id.clone(),
        charges: vec![charge],
        ..Default::default()
    };
    client.invoices.create_invoice(request).await.unwrap().into_inner().invoice.unwrap()
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
    let today = client.clock.get_clock(v1::GetClockRequest {}).await.unwrap().into_inner();
    assert!(today.clock.is_some());
    let days = v1::advance_clock_request::Target::Days(100);
    let request = v1::AdvanceClockRequest { target: Some(days), request_id: String::new() };
    client.advance_by(request).await.unwrap();
    let events = told(client, &customer).await;
    (invoice, events.iter().map(line).collect(), events)
}

fn body(events: &[v1::Event], kind: EventKind) -> v1::CustomerMessage {
    let event = events.iter().find(|event| event.kind() == kind).expect("it was told");
    collection(event).message.expect("the words")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debit_without_money_is_told_day_by_day_in_the_customers_language() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-03").await;
    let (_, lines, dutch) = course(&mut client, debit(NO_MONEY), Language::Dutch).await;
    let expected: [&str; 0] = [];
    assert_eq!(lines, expected);
    let words = body(&dutch, EventKind::PaymentReminder);
    assert_eq!(words.body, "");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_has_its_own_messages() {
    let world = World::new().await;
    for details in
        [debit(CLOSED), debit(STOPPED), debit(OBJECTS), debit(BOUNCES), card(TOKEN), transfer()]
    {
        let mut client = world.sandbox("2025-02-03").await;
        let (_, lines, english) = course(&mut client, details, Language::English).await;
        println!("{lines:#?}");
        for event in english {
            if let Some(m) = collection(&event).message {
                println!("{}\n{}\n", m.subject, m.body);
            }
        }
    }
    world.finish().await;
    assert_eq!(cents(&None), 0);
    let _ = (VENDOR, InvoiceState::Open);
}
