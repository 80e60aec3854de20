//! An investment that is complete, and open again because what was paid goes back.

use server::pb::v1::{ForecastReach, InvestmentState, Outlook};

use super::{Sale, bounce, buyer, events, months, pay, position, preview, sold, terms_of_a_year};
use crate::world::{Client, World, day, euro};

/// While less is accrued than was credited.
async fn nothing_is_expected(client: &mut Client, sale: &Sale) {
    let seen = position(client, &sale.investment).await;
    let figures = seen.figures.unwrap();
    let told = [&figures.credited, &figures.awaiting, &figures.expected, &figures.left].map(euro);
    assert_eq!(told, ["110.00", "0.00", "0.00", "0.00"]);
    let reached = |one: &Outlook| one.completed.unwrap().reach() == ForecastReach::Reached;
    assert!(!seen.outlooks.iter().any(reached), "{:?}", seen.outlooks);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_back_after_completion_is_set_off_and_completes_it_again() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    terms_of_a_year(&mut client).await;
    // 100.00 with 10 % return, of half of what others pay: 150.00 in February.
    let sale = sold(&mut client, Client::stake(100, "50"), "100.00").await;
    let id = &sale.investment.investment_id;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    let mut paid = Vec::new();
    for name in ["Cas", "Dirk"] {
        let customer = buyer(&mut client, &sale, name, "2025-02-01").await;
        paid.push(pay(&mut client, &customer, 12_100, None).await);
    }
    pay(&mut client, &ben, 12_100, None).await;
    client.advance("2025-03-01").await.unwrap();
    let completed = client.investment(id).await;
    let whole = (completed.state(), euro(&completed.credited));
    assert_eq!(whole, (InvestmentState::Completed, "110.00".into()));
    let books = client.balances("2025-03-01").await;

    // Two payments go back, one is for March: 100.00 is accrued of 110.00 that was credited.
    client.advance("2025-03-10").await.unwrap();
    for payment in &paid {
        bounce(&mut client, payment).await;
    }
    pay(&mut client, &ben, 12_100, None).await;
    let march = "2025-03 -100.00: -50.00, 0.00 (0.00) of 110.00, -10.00";
    assert_eq!(preview(&mut client).await, [march]);
    client.advance("2025-04-01").await.unwrap();
    assert_eq!(client.investment(id).await.state(), InvestmentState::Recouped, "open again");
    nothing_is_expected(&mut client, &sale).await;

    // A part of April is not enough, the rest of it is.
    client.advance("2025-04-10").await.unwrap();
    pay(&mut client, &ben, 1_210, None).await;
    client.advance("2025-05-10").await.unwrap();
    pay(&mut client, &ben, 10_890, None).await;
    client.advance("2025-06-01").await.unwrap();
    let expected = [
        "2025-01 0.00: 0.00, 0.00 (0.00) of 0.00, 0.00",
        "2025-02 300.00: 150.00, 110.00 (100.00) of 110.00, 0.00",
        march,
        "2025-04 10.00: 5.00, 0.00 (0.00) of 110.00, -5.00",
        "2025-05 90.00: 45.00, 0.00 (0.00) of 110.00, 0.00",
    ];
    assert_eq!(months(&mut client, id).await, expected);
    let again = client.investment(id).await;
    assert_eq!((again.state(), euro(&again.credited)), whole);
    assert_eq!(again.completed_on, completed.completed_on, "the first time");
    let feature = client.feature(&sale.feature.feature_id).await;
    assert_eq!(day(&feature.owned_on), "2025-03-01", "what has passed stays");
    let now = client.balances("2025-06-01").await;
    for account in ["1600", "1620", "4500", "1530"] {
        assert_eq!(now.get(account), books.get(account), "{account}: nothing was posted");
    }
    assert_eq!(
        events(&mut client).await,
        [
            "INVESTMENT_ACCEPTED 2025-01-10",
            "INVESTMENT_FUNDED 2025-01-10",
            "INVESTMENT_RECOUPED 2025-03-01",
            "INVESTMENT_COMPLETED 2025-03-01",
            "FEATURE_OWNERSHIP_PASSED 2025-03-01",
            "INVESTMENT_REOPENED 2025-04-01",
            "INVESTMENT_COMPLETED 2025-06-01",
        ]
    );
    world.finish().await;
}
