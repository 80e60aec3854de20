//! Many customers at once: copies of one, made by the database.
//!
//! Purpose: plans of queries and runs that take a while need thousands of rows, which the use cases
//! would write one by one.
//!
//! Invariants: a copy differs from its original in ids and name only, so that it is as valid.

use domain::id::SubscriptionId;

use crate::Database;

/// Copies a subscription with its customer `count` times, and keeps the statistics up to date.
pub async fn copies(database: &Database, of: SubscriptionId, count: u32) {
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
         INSERT INTO billing_accounts SELECT (jsonb_populate_record(a, jsonb_build_object( \
             'customer_id', crowd.customer))).* \
         FROM crowd, billing_accounts a JOIN subscriptions s ON s.customer_id = a.customer_id \
         WHERE s.id = '{of}'; \
         DROP TABLE crowd; ANALYZE"
    );
    database.sql().await.batch_execute(&statements).await.expect("copies of a subscription");
}
