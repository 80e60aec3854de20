//! When what others pay counts, and for whom.

use server::pb::v1::{self, ShareBasis};

use super::{bounce, buyer, months, pay, sold, terms_of_a_year};
use crate::world::{Client, World};

/// `revenue: accrual` of each month.
async fn shared(client: &mut Client, investment: &v1::Investment) -> Vec<String> {
    let months = months(client, &investment.investment_id).await;
    months.iter().map(|one| one.split(',').next().unwrap().to_owned()).collect()
}

fn on(basis: ShareBasis, share: &str) -> v1::InvestmentTerms {
    v1::InvestmentTerms { basis: basis.into(), ..Client::stake(10_000, share) }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_basis_counts_the_same_money_in_its_own_month() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    terms_of_a_year(&mut client).await;
    let sale = sold(&mut client, on(ShareBasis::Collected, "40"), "100.00").await;
    let ida = client.customer("Ida").await;
    let invoiced = client.invest(&sale.feature, &ida, on(ShareBasis::Invoiced, "10")).await;
    let aad = client.customer("Aad").await;
    let aged = on(ShareBasis::CollectedAndAged, "20");
    let aged = client.invest(&sale.feature, &aad, aged).await;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    let cas = buyer(&mut client, &sale, "Cas", "2025-02-01").await;
    client.advance("2025-02-03").await.unwrap();
    pay(&mut client, &ben, 12_100, None).await;
    let goes_back = pay(&mut client, &cas, 12_100, None).await;
    client.advance("2025-03-20").await.unwrap();
    bounce(&mut client, &goes_back).await;
    // 31 March is the 56th day after 3 February.
    client.advance("2025-05-01").await.unwrap();
    assert_eq!(
        shared(&mut client, &sale.investment).await,
        [
            "2025-01 0.00: 0.00",
            "2025-02 200.00: 80.00",
            "2025-03 -100.00: -40.00",
            "2025-04 0.00: 0.00"
        ]
    );
    assert_eq!(
        shared(&mut client, &invoiced).await,
        [
            "2025-01 0.00: 0.00",
            "2025-02 200.00: 20.00",
            "2025-03 200.00: 20.00",
            "2025-04 200.00: 20.00"
        ]
    );
    assert_eq!(
        shared(&mut client, &aged).await,
        ["2025-01 0.00: 0.00", "2025-02 0.00: 0.00", "2025-03 100.00: 20.00", "2025-04 0.00: 0.00"],
        "what went back before it was old never counts"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn investors_do_not_pay_each_other_and_a_later_one_shares_from_its_month_on() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    terms_of_a_year(&mut client).await;
    let sale = sold(&mut client, on(ShareBasis::Collected, "40"), "100.00").await;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    let cas = buyer(&mut client, &sale, "Cas", "2025-02-01").await;
    for one in [&ben, &cas] {
        pay(&mut client, one, 12_100, None).await;
    }
    client.advance("2025-03-10").await.unwrap();
    for one in [&ben, &cas] {
        pay(&mut client, one, 12_100, None).await;
    }
    // From now on what Ben is invoiced counts no more; what he was invoiced before does. On another
    // basis nothing of the months before his is shared again.
    let second = client.invest(&sale.feature, &ben, on(ShareBasis::Invoiced, "10")).await;
    client.advance("2025-04-10").await.unwrap();
    for one in [&ben, &cas] {
        pay(&mut client, one, 12_100, None).await;
    }
    client.advance("2025-05-01").await.unwrap();
    assert_eq!(
        shared(&mut client, &sale.investment).await,
        [
            "2025-01 0.00: 0.00",
            "2025-02 200.00: 80.00",
            "2025-03 200.00: 80.00",
            "2025-04 100.00: 40.00"
        ]
    );
    assert_eq!(
        shared(&mut client, &second).await,
        ["2025-03 200.00: 20.00", "2025-04 100.00: 10.00"]
    );
    world.finish().await;
}
