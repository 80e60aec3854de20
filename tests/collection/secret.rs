//! What pays, and the keys, are in no log line, error, event or list.

use server::pb::v1;

use server::pb::v1::set_payment_method_request::Details;

use super::{attempts, card, collection, debit, payer, pays_by, world};
use crate::world::Client;
use crate::world::witness::{assert_silent, secret_in};

const IBAN: &str = "NL38SNDB0000000030";
const TOKEN: &str = "tok_5b1c07e9aa";
/// An account with wrong check digits is an account all the same.
const OTHER_IBAN: &str = "NL38SNDB0000000031";
/// The key of all tests, as it is given to the service.
const SEALING_KEY: &str = "5e5e5e5e5e5e5e5e";

/// Whether a text holds a secret in any spelling: in groups, in small letters, with dashes or
/// quotation marks between.
fn holds(text: &str, secret: &str) -> bool {
    let plain = |text: &str| -> String {
        let kept = text.chars().filter(char::is_ascii_alphanumeric);
        kept.map(|c| c.to_ascii_lowercase()).collect()
    };
    plain(text).contains(&plain(secret))
}

/// What is answered to details that are wrong in every way: no secret is repeated.
async fn errors(client: &mut Client, customer: &v1::Customer) -> Vec<String> {
    let spaced = "NL38 SNDB 0000 0000 31";
    let mut wrong = vec![debit(OTHER_IBAN), debit(spaced), debit("nl38sndb0000000031")];
    let Details::DirectDebit(good) = debit(IBAN) else { unreachable!("a debit is a debit") };
    for reference in [IBAN, "NL38 SNDB 0000 0000 30"] {
        let mandate_reference = reference.to_owned();
        wrong.push(Details::DirectDebit(v1::DirectDebitDetails {
            mandate_reference,
            ..good.clone()
        }));
    }
    let Details::Card(good) = card(TOKEN) else { unreachable!("a card is a card") };
    for (token, last_four) in [(format!("{TOKEN} {TOKEN}"), "4242"), (TOKEN.into(), TOKEN)] {
        let last_four = last_four.to_owned();
        wrong.push(Details::Card(v1::CardDetails { token, last_four, ..good.clone() }));
    }
    let mut told = Vec::new();
    for details in wrong {
        let request = v1::SetPaymentMethodRequest {
            customer_id: customer.id.clone(),
            details: Some(details),
            ..Default::default()
        };
        let answer = client.customers.set_payment_method(request).await;
        told.push(format!("{:?}", answer.expect_err("it is wrong")));
    }
    told
}

#[test]
fn a_secret_is_recognized_in_every_spelling() {
    for text in ["nl38 sndb 0000 0000 30", "\"NL38-SNDB-0000-0000-30\"", "x NL38SNDB0000000030y"] {
        assert!(holds(text, IBAN), "{text}");
    }
    assert!(!holds("NL** **** 0030 and the number 0000000030", IBAN));
}

#[test]
fn the_witness_knows_account_numbers_tokens_and_keys_when_it_hears_them() {
    let key = format!("recoup_{}", "aB3".repeat(14));
    for secret in [IBAN, TOKEN, &key, "BE68539007547034"] {
        assert_eq!(secret_in(&format!("Some(\"{secret}\") refused")), Some(secret));
    }
    let harmless = "recoup_jobs_total NL39SNDB0000000030 NL** **** 0030 \
                    0194b5c2-8a3d-7e11-9c40-5d0f2b7a6e13 declines_insufficient_funds";
    assert_eq!(secret_in(harmless), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn collecting_tells_nobody_an_account_a_token_or_a_key() {
    let (world, mut client, product) = world().await;
    let ann = payer(&mut client, "Ann", IBAN).await;
    let ben = payer(&mut client, "Ben", TOKEN).await;
    let mut told = Vec::new();
    let mut invoices = Vec::new();
    for customer in [&ann, &ben] {
        invoices.push(client.invoice_of(customer, &product).await);
    }
    client.advance("2025-03-10").await.unwrap();
    pays_by(&mut client, &ben, IBAN).await;
    let wrong = v1::SetPaymentMethodRequest {
        customer_id: ann.id.clone(),
        details: Some(debit("NL38SNDB0000000031")),
        ..Default::default()
    };
    told.push(format!("{:?}", client.customers.set_payment_method(wrong).await.unwrap_err()));
    for one in &invoices {
        told.push(format!("{:?}", attempts(&mut client, one).await));
        told.push(format!("{:?}", collection(&mut client, one).await));
    }
    told.extend(errors(&mut client, &ann).await);
    let sql = world.database.sql().await;
    for (table, least) in [("events", 5), ("payment_attempts", 2), ("collections", 2), ("jobs", 0)]
    {
        let rows = format!("SELECT to_jsonb(t)::text FROM {table} t");
        let rows = sql.query(&rows, &[]).await.unwrap();
        assert!(rows.len() >= least, "{} {table}", rows.len());
        told.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    let key = client.key.clone();
    for text in &told {
        assert_eq!(secret_in(text), None, "{text}");
        for secret in [IBAN, OTHER_IBAN, TOKEN, &key, SEALING_KEY] {
            assert!(!holds(text, secret), "{secret} is told: {text}");
        }
    }
    assert!(assert_silent() > 0, "nothing was heard");
    world.finish().await;
}
