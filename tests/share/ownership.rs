//! When a feature becomes the vendor's alone.

use super::{buyer, events, pay, sold, terms_of_a_year};
use crate::world::{Client, World, day};

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_an_investment_that_is_accepted_and_not_paid_yet() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    terms_of_a_year(&mut client).await;
    let sale = sold(&mut client, Client::stake(10, "40"), "100.00").await;
    let feature = &sale.feature;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    pay(&mut client, &ben, 12_100, None).await;
    let bea = client.customer("Bea").await;
    let proposed = client.propose(feature, &bea, Client::stake(20, "40")).await.unwrap();
    let accepted = client.accept(&proposed, true).await.unwrap();
    client.advance("2025-03-10").await.unwrap();
    assert_eq!(client.feature(&feature.feature_id).await.owned_on, None, "Bea is to pay");
    client.pay_principal(&accepted).await;
    pay(&mut client, &ben, 12_100, None).await;
    client.advance("2025-04-01").await.unwrap();
    assert_eq!(day(&client.feature(&feature.feature_id).await.owned_on), "2025-04-01");
    let told = events(&mut client).await;
    let passed = told.iter().filter(|one| one.starts_with("FEATURE_OWNERSHIP_PASSED"));
    assert_eq!(passed.collect::<Vec<_>>(), ["FEATURE_OWNERSHIP_PASSED 2025-04-01"; 2]);
    world.finish().await;
}
