//! A principal that was paid and went back.

use server::pb::v1::{self, FeatureState, InvestmentState, ShareHold};

use super::{
    Sale, bounce, buyer, events, months, pay, position, preview, retire, terms_of_a_year, withdraw,
};
use crate::world::{Client, World, euro, euros, refusal};

/// A feature that others buy at 100.00 a month, and Ann's payment for it.
async fn paid() -> (World, Client, Sale, v1::Payment) {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    terms_of_a_year(&mut client).await;
    let feature = client.backlog("Export", 5, 5).await;
    let ann = client.customer("Ann").await;
    let proposed = client.propose(&feature, &ann, Client::stake(10_000, "40")).await.unwrap();
    let investment = client.accept(&proposed, true).await.unwrap();
    let payment = client.pay_principal(&investment).await;
    let plan = client.sale("export", &feature, "100.00").await.unwrap();
    (world, client, Sale { feature, investment, plan }, payment)
}

/// Why each month is held.
async fn held(client: &mut Client, id: &str) -> Vec<ShareHold> {
    let request =
        v1::ListInvestmentMonthsRequest { investment_id: id.to_owned(), ..Default::default() };
    let found = client.shares.list_investment_months(request).await.unwrap().into_inner();
    found.months.iter().map(v1::InvestmentMonth::held).collect()
}

async fn payouts(client: &mut Client) -> usize {
    let request = v1::ListPayoutsRequest::default();
    client.payouts.list_payouts(request).await.unwrap().into_inner().payouts.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_are_carried_until_it_is_paid_again() {
    let (world, mut client, sale, payment) = paid().await;
    let id = &sale.investment.investment_id;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    pay(&mut client, &ben, 12_100, None).await;
    client.advance("2025-02-15").await.unwrap();
    bounce(&mut client, &payment).await;
    let february = "2025-02 100.00: 40.00, 0.00 (0.00) of 0.00, 40.00";
    assert_eq!(preview(&mut client).await, [february]);
    client.advance("2025-03-05").await.unwrap();
    assert_eq!(months(&mut client, id).await[1], february);
    let expected = [ShareHold::Unspecified, ShareHold::PrincipalOpen];
    assert_eq!(held(&mut client, id).await, expected);
    assert_eq!(payouts(&mut client).await, 0);
    let refused = refusal(retire(&mut client, &sale.feature).await);
    assert_eq!(refused.line(), "FailedPrecondition PRINCIPAL_OPEN");
    assert_eq!(refused.facts["investment_id"], *id);
    let again = client.pay_principal(&sale.investment).await;
    client.advance("2025-04-01").await.unwrap();
    let march = "2025-03 0.00: 0.00, 40.00 (40.00) of 40.00, 0.00";
    assert_eq!(months(&mut client, id).await[2], march);
    assert_eq!(held(&mut client, id).await[2], ShareHold::Unspecified);
    assert_eq!(payouts(&mut client).await, 1);
    // It goes back once more: what was credited keeps it from being withdrawn.
    bounce(&mut client, &again).await;
    let refused = refusal(withdraw(&mut client, id).await);
    assert_eq!(refused.line(), "FailedPrecondition SHARES_CREDITED");
    assert_eq!(refused.facts["investment_id"], *id);
    client.pay_principal(&sale.investment).await;
    let refused = refusal(withdraw(&mut client, id).await);
    assert_eq!(refused.line(), "FailedPrecondition ALREADY_FUNDED");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_withdrawn_when_nothing_was_credited_of_it() {
    let (world, mut client, sale, payment) = paid().await;
    let id = &sale.investment.investment_id;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    pay(&mut client, &ben, 12_100, None).await;
    client.advance("2025-02-15").await.unwrap();
    bounce(&mut client, &payment).await;
    client.advance("2025-03-05").await.unwrap();
    let gone = withdraw(&mut client, id).await.unwrap();
    assert_eq!((gone.state(), gone.funded_on), (InvestmentState::Withdrawn, None));
    assert_eq!(withdraw(&mut client, id).await.unwrap().state(), InvestmentState::Withdrawn);
    assert_eq!(client.document(&sale.investment.invoice_id).await.amount_due, euros(0));
    let balances = client.balances("2025-03-05").await;
    let books = (balances.get("1620"), balances["1300"], balances["1520"]);
    assert_eq!(books, (None, 12_100, -4_200), "what is left is Ben's: {balances:?}");
    let figures = position(&mut client, &sale.investment).await.figures.unwrap();
    assert_eq!((euro(&figures.invested), euro(&figures.left)), ("0.00".into(), "0.00".into()));
    let told = events(&mut client).await;
    assert_eq!(told.last().unwrap(), "INVESTMENT_WITHDRAWN 2025-03-05");
    // Nobody pays for it, so that nobody builds it; it is sold, so that its currency stays.
    let feature = client.feature(&sale.feature.feature_id).await;
    assert_eq!((feature.state(), feature.currency.as_str()), (FeatureState::Backlog, "EUR"));

    // Two months later somebody else invests: what came meanwhile is not its.
    for (month, minor) in [("2025-03-10", 12_100), ("2025-04-10", 12_100)] {
        client.advance(month).await.unwrap();
        pay(&mut client, &ben, minor, None).await;
    }
    client.advance("2025-05-10").await.unwrap();
    let dora = client.customer("Dora").await;
    let second = client.invest(&sale.feature, &dora, Client::stake(10_000, "10")).await;
    pay(&mut client, &ben, 12_100, None).await;
    assert_eq!(client.feature(&sale.feature.feature_id).await.state(), FeatureState::Funded);
    let may = "2025-05 100.00: 10.00, 10.00 (10.00) of 10.00, 0.00";
    assert_eq!(preview(&mut client).await, [may]);
    client.advance("2025-06-01").await.unwrap();
    assert_eq!(months(&mut client, &second.investment_id).await, [may]);
    world.finish().await;
}
