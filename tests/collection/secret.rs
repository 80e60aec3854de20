//! What pays, and the keys, are in no log line, error, event or list.

use server::pb::v1;

use super::{attempts, collection, debit, invoice, payer, pays_by, world};
use crate::world::witness::{assert_silent, secret_in};

const IBAN: &str = "NL38SNDB0000000030";
const TOKEN: &str = "tok_5b1c07e9aa";

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
        invoices.push(invoice(&mut client, customer, &product).await);
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
    let sql = world.database.sql().await;
    let rows = sql.query("SELECT to_jsonb(e)::text FROM events e", &[]).await.unwrap();
    assert!(rows.len() > 4, "{} events", rows.len());
    told.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    for text in &told {
        assert_eq!(secret_in(text), None, "{text}");
    }
    assert!(assert_silent() > 0, "nothing was heard");
    world.finish().await;
}
