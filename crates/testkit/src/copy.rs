//! Copies, made by the database: many customers of one, and a second organization like the first.
//!
//! Purpose: plans of queries and runs that take a while need thousands of rows, which the use cases
//! would write one by one; and a history that is to be lived in many ways begins with as many
//! organizations in the same state.
//!
//! Invariants: a copy differs from its original in ids and name only, so that it is as valid.

use app::clock::{Clock, WallClock};
use domain::id::{OrgId, SubscriptionId};

use crate::Database;

/// Copies a subscription with its customer `count` times, and keeps the statistics up to date.
pub async fn crowd(database: &Database, of: SubscriptionId, count: u32) {
    let statements = format!(
        "CREATE TEMP TABLE crowd AS \
         SELECT n, gen_random_uuid() AS customer, gen_random_uuid() AS subscription \
         FROM generate_series(1, {count}) AS n; \
         INSERT INTO customers SELECT (jsonb_populate_record(c, jsonb_build_object( \
             'id', crowd.customer, 'name', c.name || ' ' || crowd.n))).* \
         FROM crowd, customers c JOIN subscriptions s ON s.customer_id = c.id WHERE s.id = '{of}'; \
         INSERT INTO subscriptions SELECT (jsonb_populate_record(s, jsonb_build_object( \
             'id', crowd.subscription, 'customer_id', crowd.customer))).* \
         FROM crowd, subscriptions s WHERE s.id = '{of}'; \
         INSERT INTO subscription_items SELECT (jsonb_populate_record(i, jsonb_build_object( \
             'id', gen_random_uuid(), 'subscription_id', crowd.subscription))).* \
         FROM crowd, subscription_items i WHERE i.subscription_id = '{of}'; \
         INSERT INTO mrr_segments SELECT (jsonb_populate_record(m, jsonb_build_object( \
             'item_id', i.id, 'subscription_id', crowd.subscription, 'customer_id', crowd.customer))).* \
         FROM crowd JOIN subscription_items i ON i.subscription_id = crowd.subscription \
         JOIN subscription_items o ON o.subscription_id = '{of}' AND o.position = i.position \
         JOIN mrr_segments m ON m.item_id = o.id AND m.org_id = o.org_id; \
         INSERT INTO billing_accounts SELECT (jsonb_populate_record(a, jsonb_build_object( \
             'customer_id', crowd.customer))).* \
         FROM crowd, billing_accounts a JOIN subscriptions s ON s.customer_id = a.customer_id \
         WHERE s.id = '{of}'; \
         DROP TABLE crowd; ANALYZE"
    );
    database.sql().await.batch_execute(&statements).await.expect("copies of a subscription");
}

/// Another organization in the very state of this one: everything has the same id in it.
pub async fn twin(database: &Database, of: OrgId) -> OrgId {
    let twin = OrgId(domain::id::fresh(WallClock.now()));
    let sql = database.sql().await;
    let tables = "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
                  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' \
                  AND a.attname = 'org_id' AND c.relname <> 'jobs'";
    // Neither triggers nor foreign keys: the original has passed them.
    let mut statements = "BEGIN; SET LOCAL session_replication_role = replica;".to_owned();
    for row in sql.query(tables, &[]).await.expect("the tables") {
        let table: String = row.get(0);
        statements.push_str(&format!(
            "INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('org_id', '{twin}'))).* \
             FROM {table} t WHERE t.org_id = '{of}';"
        ));
    }
    statements.push_str("COMMIT");
    sql.batch_execute(&statements).await.expect("a copy of an organization");
    twin
}
