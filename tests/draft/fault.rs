//! Drafts where the connection breaks: each is made and finalized once.

use app::Error;
use app::day::Task;
use testkit::{Cut, Vendor, date};

use crate::fault::{cut_everywhere_from, first_of_march};

/// A day that finalizes the drafts of the month before and makes new ones.
async fn day(vendor: Vendor) -> Result<(), Error> {
    vendor.live_until(date("2025-04-01")).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_are_made_and_finalized_once_wherever_the_connection_breaks() {
    let (database, clock, org) = first_of_march().await;
    let sql = database.sql().await;
    sql.batch_execute("UPDATE organizations SET draft_grace_days = 2").await.unwrap();
    let ctx = testkit::ctx(database.store(), clock.clone());
    for task in Task::ALL {
        task.run(&ctx, org).await.unwrap();
    }
    let begin = "UPDATE organizations SET sandbox_now = '2025-04-01 00:00 Europe/Amsterdam'";
    sql.batch_execute(begin).await.unwrap();
    let statements = cut_everywhere_from((database, clock, org), Cut::After, day).await;
    assert!(statements > 60, "only {statements} statements");
}
