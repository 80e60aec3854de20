//! Collecting: attempts, the retry queue, and what people do about it.

mod fault;
mod money;
mod queue;
mod report;
mod reversed;
mod secret;
mod years;

use server::pb::v1::{self, set_payment_method_request::Details};

use crate::world::{Client, Plan, World, date, day, euro};

/// A card that behaves as its token says.
fn card(token: &str) -> Details {
    Details::Card(v1::CardDetails {
        token: token.into(),
        brand: "visa".into(),
        last_four: "4242".into(),
        expires: Some(v1::CardExpiry { year: 2031, month: 3 }),
        holder: String::new(),
    })
}

/// A direct debit of an account that behaves as its number says.
fn debit(iban: &str) -> Details {
    Details::DirectDebit(v1::DirectDebitDetails {
        iban: iban.into(),
        holder: "A. de Vries".into(),
        mandate_reference: String::new(),
        signed_on: Some(date("2025-01-15")),
    })
}

/// An account number for an IBAN, a card for any other text; `transfer` and `none` for neither.
fn instrument(text: &str) -> Option<Details> {
    match text {
        "none" => None,
        "transfer" => Some(Details::BankTransfer(v1::BankTransferDetails {})),
        iban if iban.starts_with("NL") => Some(debit(iban)),
        token => Some(card(token)),
    }
}

async fn pays_by(client: &mut Client, customer: &v1::Customer, text: &str) {
    let Some(details) = instrument(text) else { return };
    let request = v1::SetPaymentMethodRequest {
        customer_id: customer.id.clone(),
        details: Some(details),
        ..Default::default()
    };
    client.customers.set_payment_method(request).await.unwrap();
}

/// A customer who is to pay at once, by this.
async fn payer(client: &mut Client, name: &str, text: &str) -> v1::Customer {
    let customer = v1::Customer { payment_terms_days: Some(0), ..Client::business(name) };
    let customer = client.create_customer(customer).await.unwrap();
    pays_by(client, &customer, text).await;
    customer
}

async fn attempts(client: &mut Client, invoice: &v1::Invoice) -> Vec<v1::Attempt> {
    let request = v1::ListAttemptsRequest { invoice_id: invoice.id.clone(), ..Default::default() };
    client.collection.list_attempts(request).await.unwrap().into_inner().attempts
}

/// The collection of an invoice, in whatever state.
async fn collection(client: &mut Client, invoice: &v1::Invoice) -> v1::Collection {
    for state in [v1::CollectionState::Unspecified, v1::CollectionState::Closed] {
        let request = v1::ListRetriesRequest {
            page_size: 500,
            customer_id: invoice.customer_id.clone(),
            state: state.into(),
            ..Default::default()
        };
        let answer = client.collection.list_retries(request).await.unwrap().into_inner();
        let own = answer.collections.into_iter().find(|one| one.invoice_id == invoice.id);
        if let Some(own) = own {
            return own;
        }
    }
    panic!("{} has no collection", invoice.number)
}

fn local_day(time: &Option<prost_types::Timestamp>) -> String {
    let seconds = time.as_ref().map_or(0, |time| time.seconds);
    let at = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
    // Winter and summer: never more than two hours ahead, and nothing here happens at night.
    (at + chrono::Duration::hours(2)).format("%m-%d").to_string()
}

fn attempt_line(attempt: &v1::Attempt) -> String {
    let state = attempt.state().as_str_name().replace("ATTEMPT_STATE_", "").to_lowercase();
    format!("{} {state} {}", local_day(&attempt.submit_time), attempt.raw_code).trim().to_owned()
}

/// `02-03 declined AM04, 02-11 settled: closed 0.00`
async fn story(client: &mut Client, invoice: &v1::Invoice) -> String {
    let mut attempts = attempts(client, invoice).await;
    attempts.sort_by_key(|attempt| attempt.number);
    let lines: Vec<String> = attempts.iter().map(attempt_line).collect();
    let collection = collection(client, invoice).await;
    let state = collection.state().as_str_name().replace("COLLECTION_STATE_", "").to_lowercase();
    format!("{}: {state} {}", lines.join(", "), euro(&collection.amount_due))
}

/// Monday.
const FIRST_DAY: &str = "2025-02-03";
/// An invoice of this day is debited on the first day: two weeks after it was announced.
const NOTICE_DAY: &str = "2025-01-20";

async fn world() -> (World, Client, v1::Product) {
    world_from(FIRST_DAY).await
}

async fn world_from(day: &str) -> (World, Client, v1::Product) {
    let world = World::new().await;
    let mut client = world.sandbox(day).await;
    let product = client.product("advice", &Plan::months(1, "0")).await;
    (world, client, product)
}

/// What pays, and what comes of an invoice due on Monday 3 February over 121.00 until 20 April.
const COURSES: &[(&str, &str)] = &[
    ("settles", "02-03 settled: closed 0.00"),
    (
        "declines_1_insufficient_funds",
        "02-03 declined insufficient_funds, 02-04 settled: closed 0.00",
    ),
    (
        "declines_insufficient_funds",
        "02-03 declined insufficient_funds, 02-04 declined insufficient_funds, \
         02-06 declined insufficient_funds, 02-10 declined insufficient_funds, \
         02-17 declined insufficient_funds: person 121.00",
    ),
    ("declines_expired_card", "02-03 declined expired_card: person 121.00"),
    ("declines_do_not_honor", "02-03 declined do_not_honor: person 121.00"),
    (
        "declines_processing_error",
        "02-03 declined processing_error, 02-04 declined processing_error: person 121.00",
    ),
    ("declines_1_zz_top", "02-03 declined zz_top, 02-04 settled: closed 0.00"),
    ("NL45SNDB0000000001", "02-03 settled: closed 0.00"),
    ("NL18SNDB0000000002", "02-03 settled: closed 0.00"),
    (
        "NL93SNDB0000000010",
        "02-03 declined AM04, 02-11 declined AM04, 02-19 declined AM04: person 121.00",
    ),
    ("NL17SNDB0000000020", "02-03 declined AM04, 02-11 settled: closed 0.00"),
    ("NL39SNDB0000000012", "02-03 declined AC01: person 121.00"),
    ("NL82SNDB0000000014", "02-03 declined AC06: person 121.00"),
    ("NL28SNDB0000000016", "02-03 declined MD01: person 121.00"),
    ("NL98SNDB0000000017", "02-03 declined MD07: person 121.00"),
    ("NL71SNDB0000000018", "02-03 declined ED05, 02-06 declined ED05: person 121.00"),
    ("NL44SNDB0000000019", "02-03 declined FF01: person 121.00"),
    ("NL18SNDB0000000099", "02-03 declined ZZ99, 02-11 declined ZZ99: person 121.00"),
    ("NL11SNDB0000000031", "02-03 bounced MD06: person 121.00"),
    ("times_out_after", "02-03 settled: closed 0.00"),
    ("first_1_times_out_before", "02-03 not_sent, 02-05 settled: closed 0.00"),
    ("silent_3", "02-03 settled: closed 0.00"),
    ("silent", "02-03 unknown: person 121.00"),
    ("NL21SNDB0000000045", "02-03 not_sent, 02-04 settled: closed 0.00"),
    ("settles_twice_2", "02-03 settled: closed 0.00"),
    ("settles_declines_2_insufficient_funds", "02-03 settled: closed 0.00"),
    ("NL26SNDB0000000052", "02-03 settled: closed 0.00"),
    ("transfer", ": person 121.00"),
    ("none", ": person 121.00"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_course_of_a_payment_ends_paid_once_or_before_a_person() {
    let (world, mut client, product) = world_from(NOTICE_DAY).await;
    let mut invoices = Vec::new();
    for by_debit in [true, false] {
        for (pays, expected) in
            COURSES.iter().filter(|(pays, _)| pays.starts_with("NL") == by_debit)
        {
            let customer = payer(&mut client, &format!("Payer {}", invoices.len()), pays).await;
            let invoice = client.invoice_of(&customer, &product).await;
            assert_eq!(day(&invoice.due_on), FIRST_DAY, "{pays}");
            invoices.push((pays, expected, invoice));
        }
        client.advance(FIRST_DAY).await.unwrap();
    }
    client.advance("2025-04-20").await.unwrap();
    let mut wrong = Vec::new();
    for (pays, expected, invoice) in &invoices {
        let found = story(&mut client, invoice).await;
        if found != **expected {
            wrong.push(format!("{pays}: {found}\n  not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Nothing is left in transit, and nobody paid twice.
    let balances = client.balances("2025-04-20").await;
    assert_eq!(balances.get("1010"), None);
    assert_eq!(balances.get("2060"), None);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debit_that_settles_later_is_in_transit_until_then() {
    let (world, mut client, product) = world_from(NOTICE_DAY).await;
    let ann = payer(&mut client, "Ann", "NL18SNDB0000000002").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-04").await.unwrap();
    assert_eq!(story(&mut client, &one).await, "02-03 accepted: under_way 121.00");
    assert_eq!(client.balances("2025-02-04").await.get("1010"), Some(&12_100));
    client.advance("2025-02-07").await.unwrap();
    assert_eq!(story(&mut client, &one).await, "02-03 accepted: under_way 121.00");
    client.advance("2025-02-08").await.unwrap();
    assert_eq!(story(&mut client, &one).await, "02-03 settled: closed 0.00");
    let balances = client.balances("2025-02-08").await;
    assert_eq!((balances.get("1000"), balances.get("1010")), (Some(&12_100), None));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_opens_the_invoice_again_with_the_banks_fee_and_counts_from_its_own_day() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", "bounces_14_insufficient_funds_500").await;
    let one = client.invoice_of(&ann, &product).await;
    client.advance("2025-02-16").await.unwrap();
    assert_eq!(story(&mut client, &one).await, "02-03 settled: closed 0.00");
    client.advance("2025-02-17").await.unwrap();
    let found = collection(&mut client, &one).await;
    assert_eq!(day(&found.day_zero), "2025-02-17");
    assert_eq!(euro(&found.amount_due), "121.00");
    assert_eq!(client.balances("2025-02-17").await.get("4610"), Some(&500));
    // By the policy, the day after; it bounces in its turn.
    client.advance("2025-02-18").await.unwrap();
    assert_eq!(
        story(&mut client, &one).await,
        "02-03 bounced insufficient_funds, 02-18 settled: closed 0.00"
    );
    world.finish().await;
}
