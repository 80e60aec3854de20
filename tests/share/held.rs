//! What cannot be credited keeps nothing else from being credited.

use server::pb::v1::{self, ShareHold, ShareTreatment};

use super::{begin, buyer, months, pay, preview, run};
use crate::world::{Client, date, decimal};

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_rate_holds_what_bears_vat_until_it_is_set() {
    let (world, mut client, sale) = begin().await;
    let dirk = client.customer("Dirk").await;
    let outside = v1::InvestmentTerms {
        vat_treatment: ShareTreatment::OutsideScope.into(),
        ..Client::stake(10_000, "10")
    };
    let other = client.invest(&sale.feature, &dirk, outside).await.investment_id;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(&mut client, &sale, "Ben", "2025-02-01").await;
    pay(&mut client, &ben, 12_100, None).await;
    let later = "UPDATE vat_rates SET valid_from = valid_from + 10000 \
                 WHERE country = 'NL' AND category = 'standard'";
    let sql = world.database.sql().await;
    sql.batch_execute(later).await.unwrap();
    client.advance("2025-02-28").await.unwrap();
    let [held, credited] = [
        "2025-02 100.00: 40.00, 0.00 (0.00) of 0.00, 40.00",
        "2025-02 100.00: 10.00, 10.00 (10.00) of 10.00, 0.00",
    ];
    let mut foreseen = preview(&mut client).await;
    foreseen.sort_unstable();
    assert_eq!(foreseen, [credited, held]);
    let hold = "UPDATE share_progress SET next_month = '2100-01-01'";
    sql.batch_execute(hold).await.unwrap();
    let rate = v1::VatRate {
        country: "NL".into(),
        category: v1::VatCategory::Standard.into(),
        rate: decimal("21"),
        valid_from: Some(date("2025-03-01")),
    };
    let rate = v1::SetVatRateRequest { vat_rate: Some(rate), ..Default::default() };
    client.catalog.set_vat_rate(rate).await.unwrap();
    client.advance("2025-03-01").await.unwrap();
    sql.batch_execute("UPDATE share_progress SET next_month = '2025-02-01'").await.unwrap();
    assert_eq!(run(&mut client).await, (1, 1, vec![1_000]), "the organization is not held up");
    let id = &sale.investment.investment_id;
    assert_eq!(months(&mut client, id).await[1], held);
    assert_eq!(months(&mut client, &other).await[1], credited);
    let request =
        v1::ListInvestmentMonthsRequest { investment_id: id.clone(), ..Default::default() };
    let found = client.shares.list_investment_months(request).await.unwrap().into_inner();
    let why: Vec<ShareHold> = found.months.iter().map(v1::InvestmentMonth::held).collect();
    assert_eq!(why, [ShareHold::Unspecified, ShareHold::VatRateMissing]);
    client.advance("2025-04-01").await.unwrap();
    let march = "2025-03 0.00: 0.00, 40.00 (40.00) of 40.00, 0.00";
    assert_eq!(months(&mut client, id).await[2], march);
    // The auditor looks at documents of January, too.
    let back =
        later.replace("+ 10000", "- 10000").replace("WHERE", "WHERE valid_from > '2035-01-01' AND");
    sql.batch_execute(&back).await.unwrap();
    world.finish().await;
}
