//! Limits: size, time, number; each answered with its name.

use std::time::Duration;

use server::Settings;
use server::pb::v1;
use tonic::Code;

use crate::world::{Client, World, refusal};

/// Renames a customer, which waits while somebody holds its row.
async fn rename(client: &mut Client, customer: &v1::Customer) -> Result<(), tonic::Status> {
    let request = v1::UpdateCustomerRequest {
        customer: Some(v1::Customer { name: "Anders".into(), ..customer.clone() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["name".into()] }),
        ..Default::default()
    };
    client.customers.update_customer(request).await.map(drop)
}

async fn name_of(client: &mut Client, customer: &v1::Customer) -> String {
    let request = v1::GetCustomerRequest { customer_id: customer.id.clone() };
    let found = client.customers.get_customer(request).await.unwrap().into_inner().customer;
    found.unwrap().name
}

/// Holds all customers until it is dropped.
async fn hold(world: &World) -> tokio_postgres::Client {
    let sql = world.database.sql().await;
    sql.batch_execute("BEGIN; SELECT FROM customers FOR UPDATE").await.unwrap();
    sql
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_is_refused() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let huge = Client::business(&"x".repeat(5 * 1024 * 1024));
    let refused = refusal(client.create_customer(huge).await);
    assert_eq!(refused.line(), "ResourceExhausted MESSAGE_TOO_LARGE");
    // Also one that is small only on the way.
    let huge = Client::business(&"x".repeat(5 * 1024 * 1024));
    let request = v1::CreateCustomerRequest { customer: Some(huge), ..Default::default() };
    let gzip = tonic::codec::CompressionEncoding::Gzip;
    let mut packed = client.customers.clone().send_compressed(gzip);
    let refused = refusal(packed.create_customer(request).await);
    assert_eq!(refused.line(), "ResourceExhausted MESSAGE_TOO_LARGE");
    client.customer("Ann").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_ends_at_its_deadline_and_leaves_nothing_behind() {
    let world =
        World::with(Settings { deadline: Duration::from_millis(300), ..Settings::default() }).await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let held = hold(&world).await;
    let refused = refusal(rename(&mut client, &ann).await);
    assert_eq!(refused.code, Code::DeadlineExceeded);
    held.batch_execute("ROLLBACK").await.unwrap();
    // Whoever waited for the row is gone: nobody writes the new name afterwards.
    crate::world::idle(&world.database).await;
    assert_eq!(name_of(&mut client, &ann).await, "Ann");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_so_many_calls_at_a_time() {
    let world = World::with(Settings { calls_per_key: 2, ..Settings::default() }).await;
    let mut client = world.sandbox("2025-02-01").await;
    let ann = client.customer("Ann").await;
    let mut colleague = client.with_roles(world.channel(), &[v1::Role::Viewer]).await;
    let held = hold(&world).await;
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let (mut client, ann) = (client.clone(), ann.clone());
            tokio::spawn(async move { rename(&mut client, &ann).await })
        })
        .collect();
    let both_wait = "SELECT count(*) = 2 FROM pg_stat_activity \
                     WHERE datname = current_database() AND wait_event_type = 'Lock'";
    world.until(both_wait).await;
    let refused = refusal(client.clock.get_clock(v1::GetClockRequest {}).await);
    assert_eq!(refused.line(), "ResourceExhausted TOO_MANY_CALLS");
    assert_eq!((refused.facts["limit"].as_str(), refused.retry), ("2", true));
    colleague.clock.get_clock(v1::GetClockRequest {}).await.expect("another key is not affected");
    held.batch_execute("ROLLBACK").await.unwrap();
    for call in waiting {
        call.await.unwrap().unwrap();
    }
    assert_eq!(name_of(&mut client, &ann).await, "Anders");
    world.finish().await;
}
