//! How many statements a month takes.

use app::share::credit_due;
use testkit::Proxy;

use super::{buyer, pay, retire, sign, terms_of_a_year};
use crate::world::{Client, World};

/// Whatever the number of investments.
const LIMIT: usize = 20;

async fn go_on(world: &World, next_month: &str) {
    let sql = format!("UPDATE share_progress SET next_month = '{next_month}'");
    world.database.sql().await.batch_execute(&sql).await.unwrap();
}

/// How many statements crediting a month takes, in which so many features share with so many
/// investors each; so many of them are retired, and share it last.
async fn sent(features: usize, investors: usize, retired: usize) -> usize {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    terms_of_a_year(&mut client).await;
    let mut buyers = Vec::new();
    for at in 0..features {
        let feature = client.backlog(&format!("Feature {at}"), 5, 5).await;
        let mut investments = Vec::new();
        for number in 0..investors {
            let investor = client.customer(&format!("Investor {at} {number}")).await;
            sign(&mut client, &investor.id, 90).await;
            investments.push(client.invest(&feature, &investor, Client::stake(900, "10")).await);
        }
        let plan = client.sale(&format!("plan {at}"), &feature, "100.00").await.unwrap();
        let investment = investments.remove(0);
        let sale = super::Sale { feature, investment, plan };
        buyers.push(buyer(&mut client, &sale, &format!("Buyer {at}"), "2025-01-10").await);
        if at < retired {
            retire(&mut client, &sale.feature).await.unwrap();
        }
    }
    go_on(&world, "2100-01-01").await;
    let proxy = Proxy::before(&world.database).await;
    let ctx = testkit::ctx(proxy.store(), world.clock.clone());
    let mut counted = 0;
    // The first time, connections are opened.
    for (month, middle, after) in
        [("2025-03-01", "2025-03-12", "2025-04-01"), ("2025-04-01", "2025-04-12", "2025-05-01")]
    {
        client.advance(middle).await.unwrap();
        for one in &buyers {
            pay(&mut client, one, 6_050, None).await;
        }
        client.advance(after).await.unwrap();
        go_on(&world, month).await;
        let before = proxy.executed();
        let done = credit_due(&ctx, client.org).await.unwrap();
        counted = proxy.executed() - before;
        assert_eq!((done.months, done.credits), (1, (features * investors) as u64));
        assert_eq!(done.entries > 0, retired > 0 && month == "2025-04-01");
        go_on(&world, "2100-01-01").await;
    }
    go_on(&world, "2025-05-01").await;
    world.finish().await;
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn many_investments_take_as_many_statements_as_two() {
    let two = sent(1, 2, 0).await;
    assert!(two <= LIMIT, "{two}");
    assert_eq!(sent(4, 3, 0).await, two);
    let retired = sent(4, 3, 2).await;
    assert!(retired <= LIMIT, "{retired}");
}
