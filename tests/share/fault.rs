//! Crediting is done once, whoever does it: again, at once, cut off anywhere.

use std::sync::Arc;

use app::share::credit_due;
use testkit::{Cut, Database, ManualClock, Vendor};

use super::{buyer, pay, sold, terms_of_a_year};
use crate::fault::cut_everywhere_from;
use crate::world::{Client, NOW, Served, World};

/// Two months with revenue that are over and not credited yet, of two investments.
pub async fn two_months(database: &Database, client: &mut Client) {
    let sql = database.sql().await;
    terms_of_a_year(client).await;
    let sale = sold(client, Client::stake(10_000, "40"), "100.00").await;
    let dirk = client.customer("Dirk").await;
    client.invest(&sale.feature, &dirk, Client::stake(20, "10")).await;
    client.advance("2025-02-01").await.unwrap();
    let ben = buyer(client, &sale, "Ben", "2025-02-01").await;
    let hold = "UPDATE share_progress SET next_month = '2100-01-01'";
    sql.batch_execute(hold).await.unwrap();
    pay(client, &ben, 12_100, None).await;
    client.advance("2025-03-02").await.unwrap();
    pay(client, &ben, 12_100, None).await;
    client.advance("2025-04-01").await.unwrap();
    let due = "UPDATE share_progress SET next_month = '2025-02-01'";
    sql.batch_execute(due).await.unwrap();
}

async fn credits(database: &Database) -> String {
    let credited = "SELECT concat_ws(' ', \
        (SELECT count(*) FROM investment_months), (SELECT count(*) FROM feature_months), \
        (SELECT sum(credited_minor) FROM investments), (SELECT sum(net_minor) FROM self_bills), \
        (SELECT count(*) FROM self_bills), (SELECT count(*) FROM payouts))";
    database.sql().await.query_one(credited, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_the_same_time_and_again_credit_every_month_once() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    two_months(&world.database, &mut client).await;
    let run = || credit_due(&world.ctx, client.org);
    let (one, two, three, four) = tokio::join!(run(), run(), run(), run());
    let done = [one, two, three, four].map(Result::unwrap);
    assert_eq!(done.iter().map(|one| one.months).sum::<u64>(), 2, "{done:?}");
    let once = credits(&world.database).await;
    assert_eq!(once, "6 3 10000 10000 4 4");
    assert_eq!(run().await.unwrap().months, 0);
    assert_eq!(credits(&world.database).await, once);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_that_is_paid_while_a_month_is_credited_does_not_wait_for_it() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-10").await;
    two_months(&world.database, &mut client).await;
    let sale = client.backlog("Import", 5, 5).await;
    let dora = client.customer("Dora").await;
    let proposed = client.propose(&sale, &dora, Client::stake(100, "10")).await.unwrap();
    let accepted = client.accept(&proposed, true).await.unwrap();
    // Crediting has taken the month and is about to take the features, which paying has taken.
    let mut crediting = world.ctx.scope(client.org).await.unwrap();
    let month = "2025-03-01".parse().unwrap();
    let taken = store::share::take_month(&mut crediting.tx, month).await.unwrap().unwrap();
    client.pay_principal(&accepted).await;
    store::share::lock(&mut crediting.tx, taken).await.unwrap();
    drop(crediting);
    assert_eq!(credit_due(&world.ctx, client.org).await.unwrap().months, 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn months_that_are_cut_off_anywhere_are_credited_once() {
    for side in [Cut::Before, Cut::After] {
        let database = Database::fresh().await;
        let clock = Arc::new(ManualClock::at(NOW));
        let ctx = testkit::ctx(database.store(), clock.clone());
        let settings = server::Settings::default();
        let served = Served::start(ctx.store.clone(), clock.clone(), settings).await;
        let vendor = Vendor::sandbox(&ctx, "2025-01-10").await;
        two_months(&database, &mut served.client(&vendor.key)).await;
        served.stop().await;
        let from = (database, clock, vendor.org);
        let statements = cut_everywhere_from(from, side, async |vendor| {
            credit_due(&vendor.ctx, vendor.org).await.map(drop)
        })
        .await;
        assert!(statements > 40, "only {statements} statements");
    }
}
