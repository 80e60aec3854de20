//! Queries: what is due is found by its index, however many rows there are.
//!
//! Purpose: the statements that every sweep and every batch begin with run on ten thousand
//! customers; the database itself counts which of its tables were read from end to end.

use std::collections::BTreeMap;

use app::day::Task;
use domain::period::{Interval, Unit};
use testkit::{Database, ManualClock, Offer, Vendor, copy};

use crate::world::until;

/// Tables that grow with the customers: none of them may be read whole.
const LARGE: [&str; 11] = [
    "billing_accounts",
    "customers",
    "deferrals",
    "events",
    "invoice_lines",
    "invoices",
    "journal_entries",
    "mrr_segments",
    "postings",
    "subscription_items",
    "subscriptions",
];

/// How often tables were read whole and indexes were used, counted when their users are gone.
async fn counted(database: &Database) -> (BTreeMap<String, i64>, BTreeMap<String, i64>) {
    until(
        database,
        "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() \
         AND backend_type = 'client backend'",
    )
    .await;
    let sql = database.sql().await;
    let counts = async |query| {
        let rows = sql.query(query, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect::<BTreeMap<String, i64>>()
    };
    let whole = counts("SELECT relname::text, seq_scan FROM pg_stat_user_tables").await;
    let used = counts("SELECT indexrelname::text, idx_scan FROM pg_stat_user_indexes").await;
    (whole, used)
}

/// Runs work on connections of its own; which large tables it read whole, which indexes it used.
async fn watched<F: Future<Output = ()>>(
    database: &Database,
    vendor: &Vendor,
    work: impl FnOnce(Vendor) -> F,
) -> (Vec<String>, Vec<String>) {
    let before = counted(database).await;
    let ctx = testkit::ctx(database.store(), vendor.ctx.clock.clone());
    work(Vendor { ctx, ..vendor.clone() }).await;
    let after = counted(database).await;
    let more = |before: &BTreeMap<String, i64>, after: BTreeMap<String, i64>| -> Vec<String> {
        after.into_iter().filter(|(name, n)| before[name] < *n).map(|(name, _)| name).collect()
    };
    let whole = more(&before.0, after.0);
    let large = whole.into_iter().filter(|table| LARGE.contains(&table.as_str())).collect();
    (large, more(&before.1, after.1))
}

/// Ten thousand customers, billed for a year, and one more who is due today.
async fn ten_thousand() -> (Database, Vendor) {
    let database = Database::fresh().await;
    let ctx = database.ctx(ManualClock::at("2025-01-31T09:00:00Z"));
    let vendor = Vendor::sandbox(&ctx, "2025-01-31").await;
    let yearly = Offer::flat(Interval::new(1, Unit::Year).unwrap(), "365.00");
    let plan = vendor.plan("yearly", yearly).await;
    let customer = vendor.customer("Ann").await;
    let original = vendor.subscribe(&customer, plan, "2025-01-31").await;
    copy::crowd(&database, original.id, 9_999).await;
    assert_eq!(vendor.bill().await.unwrap().invoices, 10_000);
    let late = vendor.customer("Ben").await;
    vendor.subscribe(&late, plan, "2025-01-31").await;
    database.sql().await.batch_execute("ANALYZE").await.unwrap();
    let Vendor { org, key, ctx } = vendor;
    let clock = ctx.clock.clone();
    drop(ctx);
    let ctx = testkit::ctx(database.store(), clock);
    (database, Vendor { ctx, org, key })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_one_subscription_are_found_by_its_index() {
    let (database, vendor) = ten_thousand().await;
    let seed = "INSERT INTO events (org_id, position, id, kind, occurred_at, effective_on, \
                customer_id, subscription_id, payload) \
                SELECT s.org_id, 1000000 + row_number() OVER (), gen_random_uuid(), \
                'subscription_started', s.created_at, s.start_on, s.customer_id, s.id, '{}' \
                FROM subscriptions s; \
                UPDATE event_positions SET last_position = 2000000; ANALYZE";
    database.sql().await.batch_execute(seed).await.unwrap();
    let (whole, used) = watched(&database, &vendor, async |vendor| {
        let filter = store::event::Filter {
            subscription_id: Some(domain::id::SubscriptionId(uuid::Uuid::max())),
            ..Default::default()
        };
        let tx = &mut vendor.scope().await.tx;
        assert_eq!(store::event::list(tx, &filter, 0, 2_000_000, 50).await.unwrap(), []);
    })
    .await;
    assert_eq!(whole, [""; 0], "the events of one subscription");
    assert!(used.iter().any(|used| used == "events_subscription"), "{used:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_found_by_its_index_among_ten_thousand() {
    let (database, vendor) = ten_thousand().await;
    for (task, index) in [
        (Task::Turn, "subscriptions_turn"),
        (Task::Bill, "billing_accounts_due"),
        (Task::Recognize, "deferrals_due"),
    ] {
        let (whole, used) = watched(&database, &vendor, async |vendor| {
            let due = task.is_due(&mut vendor.scope().await).await.unwrap();
            assert_eq!(due, task == Task::Bill);
        })
        .await;
        assert_eq!(whole, [""; 0], "the question whether {} is due", task.name());
        assert!(used.iter().any(|used| used == index), "{}: {used:?}", task.name());
    }
    let (whole, used) = watched(&database, &vendor, async |vendor| {
        assert_eq!(vendor.bill().await.unwrap().invoices, 1);
    })
    .await;
    assert_eq!(whole, [""; 0], "the claim of a billing run and what follows");
    for index in ["billing_accounts_due", "subscriptions_customer"] {
        assert!(used.iter().any(|used| used == index), "{used:?}");
    }
    testkit::books::assert_right(&database, &vendor.ctx, vendor.org).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recurring_revenue_reads_what_is_in_force_and_what_changed() {
    let (database, vendor) = ten_thousand().await;
    // A long past: all but one customer went.
    let past = "UPDATE mrr_segments SET until_on = '2025-06-01', end_reason = 'cancelled', \
                churn_kind = 'voluntary' WHERE customer_id <> \
                (SELECT customer_id FROM mrr_segments ORDER BY item_id LIMIT 1); ANALYZE";
    database.sql().await.batch_execute(past).await.unwrap();
    let [june, december]: [domain::date::Date; 2] =
        ["2025-06-30", "2025-12-31"].map(|day| day.parse().unwrap());
    let between = store::mrr::Between { opening: june, closing: december };
    let (whole, used) = watched(&database, &vendor, async |vendor| {
        let tx = &mut vendor.scope().await.tx;
        let worth = store::mrr::worth(tx, december).await.unwrap();
        assert_eq!(worth.first().map(|worth| worth.customers), Some(1));
        assert_eq!(store::mrr::standing(tx, december).await.unwrap().paying, 1);
        assert_eq!(store::mrr::change_sums(tx, between).await.unwrap(), []);
        assert_eq!(store::mrr::changes(tx, between, None, None, 50).await.unwrap(), []);
        assert_eq!(store::mrr::gone(tx, june, december).await.unwrap(), []);
    })
    .await;
    assert_eq!(whole, [""; 0], "figures of a month in which nothing happened");
    for index in ["mrr_segments_until", "mrr_segments_from"] {
        assert!(used.iter().any(|used| used == index), "{used:?}");
    }
    let (whole, used) = watched(&database, &vendor, async |vendor| {
        let cor = vendor.customer("Cor").await;
        let plan = vendor.plan("more", Offer::flat(Interval::MONTHLY, "1.00")).await;
        vendor.subscribe(&cor, plan, "2025-01-31").await;
    })
    .await;
    assert_eq!(whole, [""; 0], "a new subscription");
    assert!(used.iter().any(|used| used == "mrr_segments_subscription"), "{used:?}");
}
