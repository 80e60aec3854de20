//! What is still shared of a feature that was retired.

use server::pb::v1::{self, ShareBasis, ShareTreatment};

use super::{
    Sale, begin, bounce, buyer, money, months, pay, position, preview, retire, settings, sold,
    terms_of_a_year, withdraw,
};
use crate::world::{Client, World, euro, refusal};

async fn settle(client: &mut Client, investment: &str) -> Result<(), tonic::Status> {
    let request = v1::SettleClawbackRequest {
        investment_id: investment.into(),
        reason: "it went back".into(),
        ..Default::default()
    };
    client.payouts.settle_clawback(request).await.map(drop)
}

/// `awaiting, expected, left`.
async fn outlook(client: &mut Client, sale: &Sale) -> String {
    let seen = position(client, &sale.investment).await;
    let figures = seen.figures.unwrap();
    let [awaiting, expected, left] =
        [&figures.awaiting, &figures.expected, &figures.left].map(euro);
    format!("{awaiting}, {expected}, {left}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_last_month_leaves_of_the_principal_is_not_repaid() {
    let (world, mut client, sale) = begin().await;
    let minimum = v1::Organization { minimum_payout: money(5_000), ..Default::default() };
    settings(&mut client, minimum, "minimum_payout").await.unwrap();
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    pay(&mut client, &ben, 12_100, None).await;
    client.advance("2025-02-20").await.unwrap();
    retire(&mut client, &sale.feature).await.unwrap();
    client.advance("2025-03-10").await.unwrap();
    // What is sold after the month of retirement is not shared.
    pay(&mut client, &ben, 12_100, None).await;
    assert_eq!(outlook(&mut client, &sale).await, "40.00, 0.00, 11000.00");
    client.advance("2025-05-31").await.unwrap();
    let last = "2025-05 0.00: 0.00, 40.00 (40.00) of 40.00, 0.00";
    assert_eq!(preview(&mut client).await, [last], "the last, however little");
    client.advance("2025-07-01").await.unwrap();
    let expected = [
        "2025-01 0.00: 0.00, 0.00 (0.00) of 0.00, 0.00",
        "2025-02 100.00: 40.00, 0.00 (0.00) of 0.00, 40.00",
        "2025-03 0.00: 0.00, 0.00 (0.00) of 0.00, 40.00",
        "2025-04 0.00: 0.00, 0.00 (0.00) of 0.00, 40.00",
        last,
    ];
    let id = &sale.investment.investment_id;
    assert_eq!(months(&mut client, id).await, expected);
    assert_eq!(preview(&mut client).await, [""; 0]);
    assert_eq!(outlook(&mut client, &sale).await, "0.00, 0.00, 0.00");
    let now = client.investment(id).await;
    assert_eq!((euro(&now.credited), euro(&now.forgone)), ("40.00".into(), "9960.00".into()));
    let balances = client.balances("2025-06-01").await;
    assert_eq!((balances.get("1620"), balances["8010"]), (None, -996_000));
    world.finish().await;
}

/// Ben and Cas pay for February, in which the feature is retired, and Cas's payment goes back in
/// March: 80.00 is credited of 40.00.
async fn overpaid() -> (World, Client, Sale) {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    terms_of_a_year(&mut client).await;
    let outside = v1::InvestmentTerms {
        vat_treatment: ShareTreatment::OutsideScope.into(),
        ..Client::stake(10_000, "40")
    };
    let sale = sold(&mut client, outside, "100.00").await;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    let cas = buyer(&mut client, &sale, "Cas", "2025-02-01").await;
    pay(&mut client, &ben, 12_100, None).await;
    let goes_back = pay(&mut client, &cas, 12_100, None).await;
    client.advance("2025-02-20").await.unwrap();
    retire(&mut client, &sale.feature).await.unwrap();
    client.advance("2025-03-10").await.unwrap();
    bounce(&mut client, &goes_back).await;
    (world, client, sale)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_back_is_taken_back_before_its_last_month_or_after() {
    for settled_on in ["2025-04-01", "2025-06-15"] {
        let (world, mut client, sale) = overpaid().await;
        let id = &sale.investment.investment_id;
        client.advance(settled_on).await.unwrap();
        let row = months(&mut client, id).await;
        assert_eq!(row[1], "2025-02 200.00: 80.00, 80.00 (80.00) of 80.00, 0.00");
        assert_eq!(row[2], "2025-03 -100.00: -40.00, 0.00 (0.00) of 80.00, -40.00");
        settle(&mut client, id).await.unwrap();
        client.advance("2025-06-16").await.unwrap();
        let again = refusal(settle(&mut client, id).await);
        assert_eq!(again.line(), "FailedPrecondition NOTHING_TO_TAKE_BACK");
        let now = client.investment(id).await;
        assert_eq!((euro(&now.credited), euro(&now.forgone)), ("40.00".into(), "9960.00".into()));
        let balances = client.balances("2025-06-16").await;
        let owed = (balances.get("1620"), balances["8010"], balances["1600"]);
        assert_eq!(owed, (None, -996_000, -4_000), "{settled_on}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sold_before_is_shared_when_it_is_old() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    terms_of_a_year(&mut client).await;
    let aged = v1::InvestmentTerms {
        basis: ShareBasis::CollectedAndAged.into(),
        ..Client::stake(10_000, "40")
    };
    let sale = sold(&mut client, aged, "100.00").await;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    client.advance("2025-02-03").await.unwrap();
    pay(&mut client, &ben, 12_100, None).await;
    retire(&mut client, &sale.feature).await.unwrap();
    client.advance("2025-03-10").await.unwrap();
    assert_eq!(outlook(&mut client, &sale).await, "0.00, 40.00, 11000.00");
    // 31 March is the 56th day after 3 February.
    client.advance("2025-03-31").await.unwrap();
    let march = "2025-03 100.00: 40.00, 40.00 (40.00) of 40.00, 0.00";
    assert_eq!(preview(&mut client).await, [march]);
    client.advance("2025-06-01").await.unwrap();
    let id = &sale.investment.investment_id;
    assert_eq!(months(&mut client, id).await[2], march);
    assert_eq!(euro(&client.investment(id).await.forgone), "9960.00");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_that_went_back_after_it_is_no_income() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    terms_of_a_year(&mut client).await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "40")).await.unwrap();
    let accepted = client.accept(&proposed, true).await.unwrap();
    let paid = client.pay_principal(&accepted).await;
    retire(&mut client, &feature).await.unwrap();
    client.advance("2025-02-05").await.unwrap();
    bounce(&mut client, &paid).await;
    client.advance("2025-05-01").await.unwrap();
    let id = &accepted.investment_id;
    assert_eq!(euro(&client.investment(id).await.forgone), "10000.00");
    let gone = withdraw(&mut client, id).await.unwrap();
    assert_eq!(
        (gone.state(), euro(&gone.forgone)),
        (v1::InvestmentState::Withdrawn, "0.00".into())
    );
    let balances = client.balances("2025-05-01").await;
    for account in ["1300", "1520", "1620", "8010"] {
        assert_eq!(balances.get(account), None, "{account}: {balances:?}");
    }
    world.finish().await;
}
