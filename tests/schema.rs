//! The tables: what the migrations make, and what `store` believes they make.
//!
//! Purpose: `crates/store/src/schema.rs` is written from the migrated database by
//! `schema_is_generated`, and the rules of `migrations/README.md` are read from its catalogues, so
//! that a new table that forgets one of them fails here.
//!
//! Invariants: nothing is assumed about names of tables, but for the two global ones.
//!
//! Deliberately absent: queries (`tidy/wall`), what the rows mean (the other tests).

mod generated;
mod isolation;

use std::collections::BTreeSet;

use testkit::Database;

/// Tables of no organization.
const GLOBAL: [&str; 3] = ["jobs", "organization_directory", "seal_keys"];

/// Integers of 64 bits that are no amounts.
const COUNTERS: [&str; 5] = [
    "document_numbers.sequence",
    "event_positions.last_position",
    "events.position",
    "number_series.next_sequence",
    "self_bills.sequence",
];

/// Amounts that no rule of their own row binds, and what does.
const FREE_AMOUNTS: [(&str, &str); 10] = [
    ("draft_lines.discount_minor", "what discounts take off, as on the document that it becomes"),
    ("draft_lines.net_minor", "as on the document that it becomes, which is compared"),
    ("feature_months.counted_minor", "credits and bounces of later months may lower it below zero"),
    ("investment_months.accrued_minor", "the sum of its months, which may lower it below zero"),
    ("investments.accrued_minor", "the sum of its months, which may lower it below zero"),
    (
        "invoice_lines.discount_minor",
        "what the discounts of a document take off, spread over its lines",
    ),
    ("invoice_lines.net_minor", "the lines of a document add up to it: store::ledger::compare"),
    ("invoice_vat.base_minor", "the bases of a document add up to its net: store::ledger::compare"),
    ("invoice_vat.tax_minor", "the VAT of a document adds up to it: store::ledger::compare"),
    ("self_bill_lines.revenue_minor", "what it is a share of, as in investment_months"),
];

/// Tables whose rows are facts: nobody changes them, not even the owner by mistake.
const FACTS: [&str; 29] = [
    "collection_steps",
    "credit_allocations",
    "discount_products",
    "document_numbers",
    "draft_lines",
    "dunning_late_fees",
    "dunning_minimums",
    "dunning_policies",
    "events",
    "feature_months",
    "feature_votes",
    "investment_months",
    "invoice_lines",
    "invoice_vat",
    "journal_entries",
    "meters",
    "one_off_payment_invoices",
    "one_off_payments",
    "payment_allocations",
    "payments",
    "payout_batches",
    "plan_migration_results",
    "plan_versions",
    "postings",
    "prices",
    "self_bill_lines",
    "self_billing_agreements",
    "strikes",
    "usage_events",
];

/// Tables that the service only adds to, and why their owner may do more.
const ONLY_ADDED: [(&str, &str); 2] = [
    ("organization_directory", "a copy of what organizations say"),
    ("products", "what changes a product may come"),
];

/// The rows of a query, each as its columns of text.
async fn rows<const N: usize>(database: &Database, sql: &str) -> Vec<[String; N]> {
    let found = database.sql().await.query(sql, &[]).await.expect(sql);
    found.iter().map(|row| std::array::from_fn(|at| row.get(at))).collect()
}

/// The first column.
async fn column(database: &Database, sql: &str) -> Vec<String> {
    rows::<1>(database, sql).await.into_iter().map(|[text]| text).collect()
}

/// The tables of organizations.
async fn tenant_tables(database: &Database) -> BTreeSet<String> {
    let all = "SELECT relname::text FROM pg_class \
               WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')";
    let ours = |name: &String| !GLOBAL.contains(&name.as_str()) && !name.starts_with("__diesel");
    column(database, all).await.into_iter().filter(ours).collect()
}

/// Everything that the migrations make, as sorted text.
async fn dump(database: &Database) -> Vec<String> {
    const EVERYTHING: &str = "
        SELECT concat_ws(' ', 'column', table_name, column_name, ordinal_position, udt_name,
                         is_nullable, column_default)
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL
        SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL
        SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL
        SELECT concat_ws(' ', 'policy', tablename, policyname, permissive, roles, cmd, qual, with_check)
        FROM pg_policies WHERE schemaname = 'public'
        UNION ALL
        SELECT concat_ws(' ', 'table', relname, relkind, relrowsecurity, relforcerowsecurity, relacl)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S', 'v', 'm')
        UNION ALL
        SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL
        SELECT concat_ws(' ', 'routine', oid::regprocedure, prosrc)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        ORDER BY 1";
    let found = column(database, EVERYTHING).await;
    // Diesel's own list of what was applied is there as soon as somebody asks.
    found.into_iter().filter(|line| !line.contains("__diesel")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_down_and_up_again() {
    let database = Database::fresh().await;
    let store = database.store();
    let before = dump(&database).await;
    assert!(before.len() > 100, "{before:#?}");
    let applied = store::migrate::up(&store).await.unwrap();
    assert_eq!(applied, [""; 0], "the template is up to date");

    let reverted = store::migrate::down(&store).await.unwrap();
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations")).unwrap();
    let folders = folders.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_dir()));
    assert_eq!(reverted.len(), folders.count());
    assert_eq!(dump(&database).await, [""; 0], "down.sql undoes up.sql whole");

    store::migrate::up(&store).await.unwrap();
    assert_eq!(dump(&database).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_amount_is_whole_and_has_a_check() {
    let database = Database::fresh().await;
    let integers = "SELECT table_name || '.' || column_name FROM information_schema.columns \
                    WHERE table_schema = 'public' AND udt_name = 'int8' ORDER BY 1";
    let checks: Vec<[String; 2]> = rows(
        &database,
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint \
         WHERE contype = 'c' AND connamespace = 'public'::regnamespace",
    )
    .await;
    let mut free = BTreeSet::new();
    for name in column(&database, integers).await {
        let (table, amount) = name.split_once('.').unwrap();
        if COUNTERS.contains(&name.as_str()) {
            continue;
        }
        assert!(amount.ends_with("_minor"), "{name}: an amount ends in _minor; else name it here");
        if !checks.iter().any(|[on, check]| on == table && check.contains(amount)) {
            free.insert(name);
        }
    }
    let exempt = FREE_AMOUNTS.map(|(name, _)| name.to_owned()).into();
    assert_eq!(free, exempt, "an amount has a CHECK, or a reason in FREE_AMOUNTS");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_come_from_the_program_and_are_exact() {
    let database = Database::fresh().await;
    let floats = "SELECT table_name || '.' || column_name || ' ' || udt_name \
                  FROM information_schema.columns WHERE table_schema = 'public' \
                  AND udt_name NOT IN ('bool', 'bytea', 'date', 'int4', 'int8', 'jsonb', 'numeric', \
                                       'text', '_text', 'timestamptz', 'uuid') \
                  AND table_name NOT LIKE '\\_\\_diesel%'";
    assert_eq!(column(&database, floats).await, [""; 0], "types that the program reads exactly");
    let defaults = "SELECT table_name || '.' || column_name || ' ' || column_default \
                    FROM information_schema.columns WHERE table_schema = 'public' \
                    AND column_default NOT IN ('true', 'false') AND table_name NOT LIKE '\\_\\_diesel%'";
    assert_eq!(column(&database, defaults).await, [""; 0], "no defaults that are not constants");
    let sequences = "SELECT relname::text FROM pg_class WHERE relkind = 'S'";
    assert_eq!(column(&database, sequences).await, [""; 0], "ids come from the program");
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_and_indexes_are_named_after_their_table() {
    let database = Database::fresh().await;
    let misnamed = "
        SELECT concat_ws(' ', conrelid::regclass, conname) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'p', 'f')
        AND NOT starts_with(conname::text, conrelid::regclass::text || '_')
        UNION ALL
        SELECT concat_ws(' ', tablename, indexname) FROM pg_indexes
        WHERE schemaname = 'public' AND NOT starts_with(indexname::text, tablename::text || '_')";
    assert_eq!(column(&database, misnamed).await, [""; 0], "table_what, so that it can be told");
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_are_never_changed() {
    let database = Database::fresh().await;
    // Refused to everybody, the owner too: before each row (1 + 2) on delete (8) and update (16),
    // and before a statement (2) on truncate (32).
    let tables = "
        SELECT t.relname::text,
            (has_table_privilege('recoup_service', t.oid, 'UPDATE')
                OR has_table_privilege('recoup_service', t.oid, 'DELETE')
                OR has_table_privilege('recoup_service', t.oid, 'TRUNCATE'))::text,
            coalesce((SELECT string_agg(g.tgtype::text, ' ' ORDER BY g.tgtype) FROM pg_trigger g
                WHERE g.tgrelid = t.oid AND g.tgfoid = 'refuse_change'::regproc AND g.tgenabled = 'O'), '')
        FROM pg_class t WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r'
        AND NOT starts_with(t.relname::text, '__diesel') ORDER BY 1";
    let (mut facts, mut only_added) = (Vec::new(), Vec::new());
    for [table, changeable, triggers] in rows::<3>(&database, tables).await {
        match (changeable.as_str(), triggers.as_str()) {
            ("false", "27 34") => facts.push(table),
            ("false", _) => only_added.push(table),
            (_, triggers) => assert!(!triggers.contains("27"), "{table} is a fact that may change"),
        }
    }
    assert_eq!(facts, FACTS, "CALL freeze(..), and no other privilege than SELECT and INSERT");
    assert_eq!(only_added, ONLY_ADDED.map(|(table, _)| table), "a fact, or a reason in ONLY_ADDED");
}
