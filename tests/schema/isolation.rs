//! The second wall: row level security, and keys that hold an organization together.

use app::subscription::{ChangeSubscription, ChangeWhen, PauseSubscription};
use domain::id::OrgId;
use domain::period::{Interval, Unit};
use testkit::{Database, ManualClock, Offer, Vendor};

use super::{GLOBAL, column, rows, tenant_tables};

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_an_organization_is_isolated() {
    let database = Database::fresh().await;
    let secured: Vec<[String; 4]> = rows(
        &database,
        "SELECT c.relname::text, (c.relrowsecurity AND c.relforcerowsecurity)::text, \
                coalesce((SELECT string_agg(p.polname || ' ' || p.polcmd::text || ' ' \
                    || pg_get_expr(p.polqual, p.polrelid) \
                    || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''), ';') \
                    FROM pg_policy p WHERE p.polrelid = c.oid), 'no policy'), \
                coalesce((SELECT a.attname::text FROM pg_constraint k \
                    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] \
                    WHERE k.conrelid = c.oid AND k.contype = 'p'), 'no key') \
         FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')",
    )
    .await;
    let isolated = tenant_tables(&database).await;
    assert!(isolated.len() > 15, "{isolated:?}");
    for [table, forced, policies, first] in secured {
        if isolated.contains(&table) {
            assert_eq!((forced.as_str(), first.as_str()), ("true", "org_id"), "{table}");
            assert_eq!(policies, policy(), "{table}: CALL isolate(..), and no other policy");
        } else {
            assert_eq!((forced.as_str(), policies.as_str()), ("false", "no policy"), "{table}");
        }
    }
}

/// The one policy of every table: for reading and writing alike.
fn policy() -> String {
    let setting = "NULLIF(current_setting('recoup.org'::text, true), ''::text)";
    format!("isolation * (org_id = ({setting})::uuid)")
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_never_leave_their_organization() {
    let database = Database::fresh().await;
    let tables = tenant_tables(&database).await;
    // The columns of every unique index and of both sides of every foreign key.
    let keys: Vec<[String; 3]> = rows(
        &database,
        "SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text, a.attname::text \
         FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
         WHERE i.indisunique AND i.indrelid IN \
             (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) \
         UNION ALL \
         SELECT c.conrelid::regclass::text, c.conname::text, a.attname::text || '-' || b.attname::text \
         FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
         JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1] \
         WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace",
    )
    .await;
    assert!(keys.len() > 40, "{keys:?}");
    for [table, key, columns] in keys {
        if tables.contains(&table) {
            assert!(
                ["org_id", "org_id-org_id"].contains(&columns.as_str()),
                "{table}, {key}: begins with org_id, not with {columns}"
            );
        }
        if GLOBAL.contains(&table.as_str()) {
            assert!(!columns.contains('-'), "{table}, {key}: no foreign key of a global table");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_role_owns_nothing_and_may_not_pass_the_wall() {
    let database = Database::fresh().await;
    let powers = "SELECT concat_ws(' ', rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolcanlogin) \
                  FROM pg_roles WHERE rolname = 'recoup_service'";
    assert_eq!(column(&database, powers).await, ["f f f f f"]);
    let owned = "SELECT oid::regclass::text FROM pg_class WHERE relowner = 'recoup_service'::regrole \
                 UNION ALL SELECT oid::regprocedure::text FROM pg_proc \
                 WHERE proowner = 'recoup_service'::regrole";
    assert_eq!(column(&database, owned).await, [""; 0]);
    // A function that runs as its owner would see everything.
    let definers = "SELECT oid::regprocedure::text FROM pg_proc \
                    WHERE pronamespace = 'public'::regnamespace AND prosecdef";
    assert_eq!(column(&database, definers).await, [""; 0]);
}

/// An organization that has at least one row in every table.
async fn filled(database: &Database, vendor: &Vendor) {
    let customer = vendor.customer("Voorbeeld").await;
    let year = Interval::new(1, Unit::Year).unwrap();
    let plan = vendor.plan("jaar", Offer::flat(year, "120.00")).await;
    let subscription = vendor.subscribe(&customer, plan, "2025-01-31").await;
    let id = subscription.id;
    vendor.bill().await.unwrap();
    let mut scope = vendor.scope().await;
    let later = domain::date::add_days(scope.today(), 60);
    let change = ChangeSubscription {
        id,
        plan_id: None,
        quantities: vec![("base".to_owned(), 2.into())],
        when: ChangeWhen::On(later),
    };
    app::subscription::change(&mut scope, change).await.unwrap();
    let pause = PauseSubscription { id, from: None, until: None, note: None };
    app::subscription::pause(&mut scope, pause).await.unwrap();
    scope.commit().await.unwrap();
    vendor.bill().await.unwrap();
    app::ledger::verify(&vendor.ctx, vendor.org).await.unwrap();
    let (org, customer) = (vendor.org.0, customer.id.0);
    let (item, price) = (subscription.items[0].id.0, subscription.items[0].price_id.0);
    let rest = format!(
        "INSERT INTO answered_requests VALUES ('{org}', '{org}', 'x', '', '', 'epoch'); \
         INSERT INTO set_asides VALUES \
         ('{org}', '{org}', 'billing', '{customer}', 'EUR', 'X', 'x', 'epoch', 'epoch', 1); \
         INSERT INTO meters VALUES ('{org}', '{org}', 'x', 'x', 'sum', NULL, 'epoch'); \
         INSERT INTO usage_events VALUES \
         ('{org}', '{org}', 'x', '{customer}', 'epoch', 'epoch', 1, NULL, 'epoch'); \
         INSERT INTO usage_periods VALUES ('{org}', '{item}', '2025-01-01', '2025-02-01', \
             '{customer}', '{org}', '{price}', 'EUR', 0, 1, 1, 1)"
    );
    let discounts = format!(
        "INSERT INTO discounts VALUES \
         ('{org}', '{org}', 'X', 'X', 10, NULL, NULL, 'once', NULL, '{{}}', NULL, NULL, NULL, 'epoch'); \
         INSERT INTO discount_products SELECT '{org}', '{org}', id FROM products WHERE org_id = '{org}'; \
         INSERT INTO subscription_discounts SELECT '{org}', id, id, '{org}', 'epoch', NULL, 0, 'epoch' \
         FROM subscriptions WHERE org_id = '{org}'; \
         INSERT INTO charges SELECT '{org}', '{org}', '{customer}', 'EUR', id, 'x', 1, 0, 0, \
             'epoch', 'tomorrow', 'epoch', 'removed', NULL, 'epoch' FROM products WHERE org_id = '{org}'"
    );
    let migrations = format!(
        "INSERT INTO plan_migrations SELECT '{org}', id, plan_id, version_id, NULL, id, NULL, \
             'epoch', 'done', 1, id, 'epoch' FROM subscriptions WHERE org_id = '{org}'; \
         INSERT INTO plan_migration_results SELECT '{org}', id, id, 'unchanged', 'epoch' \
         FROM subscriptions WHERE org_id = '{org}'"
    );
    filled_payments(database, org, customer).await;
    filled_decisions(database, org, customer).await;
    filled_drafts(database, org, customer).await;
    filled_investments(database, org, customer).await;
    filled_shares(database, org, customer).await;
    database.sql().await.batch_execute(&discounts).await.unwrap();
    database.sql().await.batch_execute(&migrations).await.unwrap();
    database.sql().await.batch_execute(&rest).await.unwrap();
}

/// Rows of how customers pay, what they paid and what follows when they do not.
async fn filled_payments(database: &Database, org: uuid::Uuid, customer: uuid::Uuid) {
    let dunning = format!(
        "INSERT INTO dunning_policies VALUES \
         ('{org}', '{org}', 'X', NULL, '[]', '[]', NULL, NULL, false, 'epoch', NULL); \
         INSERT INTO dunning_late_fees VALUES ('{org}', '{org}', 'EUR', 1); \
         INSERT INTO dunning_minimums VALUES ('{org}', '{org}', 'EUR', 1); \
         INSERT INTO dunning_defaults VALUES ('{org}', '{org}')"
    );
    database.sql().await.batch_execute(&dunning).await.unwrap();
    let methods = format!(
        "INSERT INTO payment_methods (org_id, id, customer_id, scheme, state, set_on, created_at) \
         VALUES ('{org}', '{org}', '{customer}', 'bank_transfer', 'active', 'epoch', 'epoch')"
    );
    database.sql().await.batch_execute(&methods).await.unwrap();
    let payments = format!(
        "INSERT INTO payments VALUES ('{org}', '{org}', NULL, 'receipt', 'EUR', 1, 0, 'epoch', false, \
             NULL, NULL, NULL, NULL, NULL, NULL, 'epoch'); \
         INSERT INTO payment_allocations VALUES \
             ('{org}', '{org}', 0, 'unmatched', NULL, NULL, 1, 'epoch', 'epoch'); \
         INSERT INTO one_off_payments VALUES \
             ('{org}', '{org}', '{customer}', 'EUR', 1, 'x', 'epoch', 'epoch'); \
         INSERT INTO one_off_payment_invoices SELECT '{org}', '{org}', id, 1 FROM invoices WHERE org_id = '{org}'; \
         INSERT INTO write_offs SELECT '{org}', id, 1, 1, 0, 'x', 'epoch' FROM invoices WHERE org_id = '{org}'; \
         INSERT INTO write_off_vat SELECT '{org}', id, 'S', 21, 1, 0 FROM invoices WHERE org_id = '{org}'"
    );
    database.sql().await.batch_execute(&payments).await.unwrap();
    let collections = format!(
        "INSERT INTO collection_steps SELECT '{org}', invoice_id, 'epoch', 0, 'retry', 'epoch' \
             FROM collections WHERE org_id = '{org}' LIMIT 1; \
         INSERT INTO payment_attempts (org_id, id, invoice_id, customer_id, number, method_id, scheme, \
             currency, amount_minor, state, in_transit, submitted_at, asked) \
             SELECT '{org}', '{org}', invoice_id, customer_id, 1, '{org}', 'card', 'EUR', 1, 'settled', \
             false, 'epoch', 0 FROM collections WHERE org_id = '{org}' LIMIT 1; \
         INSERT INTO payment_refunds VALUES ('{org}', '{org}', '{org}', '{org}', '{customer}', 'EUR', \
             1, 'settled', NULL, NULL, NULL, 'epoch', NULL, NULL, 0); \
         INSERT INTO arrears (org_id, customer_id, invoice_id, day_zero, degree, delivery) \
             SELECT '{org}', customer_id, invoice_id, 'epoch', 'suspended', 'stop' \
             FROM collections WHERE org_id = '{org}' LIMIT 1"
    );
    database.sql().await.batch_execute(&collections).await.unwrap();
}

/// Rows of drafts.
async fn filled_drafts(database: &Database, org: uuid::Uuid, customer: uuid::Uuid) {
    let drafts = format!(
        "INSERT INTO drafts VALUES ('{org}', '{org}', '{customer}', 'invoice', 'draft', 'EUR', 'epoch', \
             'epoch', 'epoch', 'tomorrow', 0, 0, 0, 'epoch', NULL, NULL, NULL); \
         INSERT INTO draft_lines SELECT org_id, id, '{org}', position, kind, subscription_id, item_id, \
             change_number, charge_id, product_id, description, unit_label, revenue, 'standard', \
             vat_class, vat_percent, service_from, service_until, quantity, unit_price, \
             discount_minor, net_minor \
         FROM invoice_lines WHERE org_id = '{org}' AND kind = 'recurring'"
    );
    database.sql().await.batch_execute(&drafts).await.unwrap();
}

/// Rows of what customers invest in.
async fn filled_investments(database: &Database, org: uuid::Uuid, customer: uuid::Uuid) {
    let investments = format!(
        "INSERT INTO features (org_id, id, title, description, state, votes, submitted_on, created_at) \
             VALUES ('{org}', '{org}', 'x', 'x', 'submitted', 0, 'epoch', 'epoch'); \
         INSERT INTO feature_votes VALUES ('{org}', '{org}', '{customer}', 'epoch'); \
         INSERT INTO investments (org_id, id, feature_id, investor_id, currency, principal_minor, \
             share_percent, return_percent, cap_minor, basis, vat_treatment, state, proposed_on, \
             accrued_minor, credited_minor, forgone_minor, created_at) \
             VALUES ('{org}', '{org}', '{org}', '{customer}', 'EUR', 1, 1, 0, 1, 'collected', \
             'with_vat', 'proposed', 'epoch', 0, 0, 0, 'epoch'); \
         INSERT INTO self_billing_agreements VALUES \
             ('{org}', '{org}', '{customer}', 'epoch', NULL, 'explicit', NULL, 'SB', 'epoch'); \
         INSERT INTO share_progress VALUES ('{org}', '2025-01-01')"
    );
    database.sql().await.batch_execute(&investments).await.unwrap();
}

/// Rows of what investors are credited and paid.
async fn filled_shares(database: &Database, org: uuid::Uuid, customer: uuid::Uuid) {
    let shares = format!(
        "INSERT INTO feature_months VALUES \
             ('{org}', '{org}', 'collected', 'epoch', 'EUR', 1, 1, 100, 1); \
         INSERT INTO investment_months VALUES ('{org}', '{org}', 'epoch', 1, 1, 1, 1, 1, 1, 0); \
         INSERT INTO self_bills (org_id, id, investor_id, kind, vat_treatment, currency, month, \
             issue_on, net_minor, tax_minor, total_minor, supplier, buyer, acceptance, created_at) \
             VALUES ('{org}', '{org}', '{customer}', 'statement', 'outside_scope', 'EUR', 'epoch', \
             'epoch', 1, 0, 1, '{{}}', '{{}}', 'not_asked', 'epoch'); \
         INSERT INTO self_bill_lines VALUES ('{org}', '{org}', 0, '{org}', 'x', 1, 100, 1, 1, 'O', 0)"
    );
    database.sql().await.batch_execute(&shares).await.unwrap();
    let payouts = format!(
        "INSERT INTO payout_accounts (org_id, id, investor_id, holder, masked_account, sealed, \
             fingerprint, key_id, set_on, set_by, is_change, created_at) \
             VALUES ('{org}', '{org}', '{customer}', 'x', 'x', '', sha256(''), 'x', 'epoch', 'x', \
             false, 'epoch'); \
         INSERT INTO payout_batches VALUES ('{org}', '{org}', 'EUR', 1, 1, 'epoch', 'epoch'); \
         INSERT INTO payouts (org_id, id, investor_id, self_bill_id, currency, amount_minor, \
             set_off_minor, state, times, created_at) \
             VALUES ('{org}', '{org}', '{customer}', '{org}', 'EUR', 1, 0, 'ready', 0, 'epoch')"
    );
    database.sql().await.batch_execute(&payouts).await.unwrap();
}

/// Rows of what counts against a customer and of what is proposed.
async fn filled_decisions(database: &Database, org: uuid::Uuid, customer: uuid::Uuid) {
    let decisions = format!(
        "INSERT INTO strikes VALUES ('{org}', '{org}', '{customer}', 'fraud', 5, 'epoch', NULL, \
             NULL, NULL, 'x', 'x', 'epoch'); \
         INSERT INTO decisions VALUES ('{org}', '{org}', '{customer}', 'block', 'open', NULL, NULL, \
             NULL, NULL, NULL, 5, 'x', 'epoch', NULL, NULL, NULL, 'epoch')"
    );
    database.sql().await.batch_execute(&decisions).await.unwrap();
}

/// How many rows of a table the service sees in a transaction of an organization, or of none.
async fn seen(database: &Database, table: &str, org: Option<OrgId>) -> i64 {
    let session = database.sql().await;
    let set = org.map_or(String::new(), |org| format!("SET LOCAL recoup.org = '{}'", org.0));
    let begin = format!("BEGIN; SET LOCAL ROLE recoup_service; {set}");
    let count = format!("SELECT count(*) FROM {table}");
    let mut seen = None;
    // Twice: after the first transaction of a session the setting is empty, no longer absent.
    for _ in 0..2 {
        session.batch_execute(&begin).await.unwrap();
        seen = Some(session.query_one(&count, &[]).await.expect("a table that can be read").get(0));
        session.batch_execute("COMMIT").await.unwrap();
    }
    seen.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_organization_no_row_is_seen_and_with_one_only_its_own() {
    let database = Database::fresh().await;
    let ctx = database.ctx(ManualClock::at("2025-01-31T09:00:00Z"));
    let [ours, theirs] =
        [Vendor::sandbox(&ctx, "2025-01-31").await, Vendor::sandbox(&ctx, "2025-01-31").await];
    filled(&database, &ours).await;
    filled(&database, &theirs).await;
    let owner = database.sql().await;
    for table in tenant_tables(&database).await {
        let all = owner.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap();
        let all: i64 = all.get(0);
        assert!(all > 0, "{table} is empty: fill it in this test");
        assert_eq!(seen(&database, &table, None).await, 0, "{table} without an organization");
        let stranger = OrgId(uuid::Uuid::max());
        assert_eq!(seen(&database, &table, Some(stranger)).await, 0, "{table} of a stranger");
        for vendor in [&ours, &theirs] {
            let own = format!("SELECT count(*) FROM {table} WHERE org_id = '{}'", vendor.org.0);
            let own: i64 = owner.query_one(&own, &[]).await.unwrap().get(0);
            assert!(own > 0 && own < all, "{table}: {own} of {all}");
            assert_eq!(seen(&database, &table, Some(vendor.org)).await, own, "{table}");
        }
    }
}
