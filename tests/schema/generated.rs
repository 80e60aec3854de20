//! `crates/store/src/schema.rs`, written from the migrated database.

use std::fmt::Write as _;

use testkit::Database;

use super::rows;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/store/src/schema.rs");

/// Set it to `1` to write the file anew.
const UPDATE: &str = "RECOUP_UPDATE_SCHEMA";

#[tokio::test(flavor = "multi_thread")]
async fn schema_is_generated() {
    let database = Database::fresh().await;
    let expected = generate(&database).await;
    if std::env::var(UPDATE).is_ok_and(|value| value == "1") {
        std::fs::write(FILE, &expected).expect("schema.rs can be written");
        return;
    }
    let found = std::fs::read_to_string(FILE).expect("schema.rs");
    let differing = found.lines().zip(expected.lines()).position(|(found, right)| found != right);
    let line = differing.map_or(found.lines().count().min(expected.lines().count()), |at| at);
    let shown = |text: &str| text.lines().nth(line).unwrap_or("its end").to_owned();
    assert!(
        found == expected,
        "schema.rs differs from the migrations at line {}: {:?}, expected {:?}. \
         Write it anew: {UPDATE}=1 cargo test --package acceptance schema_is_generated",
        line + 1,
        shown(&found),
        shown(&expected)
    );
}

async fn generate(database: &Database) -> String {
    let columns: Vec<[String; 4]> = rows(
        database,
        "SELECT table_name::text, column_name::text, udt_name::text, is_nullable::text \
         FROM information_schema.columns \
         WHERE table_schema = 'public' AND NOT starts_with(table_name, '__diesel') \
         ORDER BY table_name COLLATE \"C\", ordinal_position",
    )
    .await;
    let keys: Vec<[String; 2]> = rows(
        database,
        "SELECT c.conrelid::regclass::text, string_agg(a.attname, ', ' ORDER BY k.place) \
         FROM pg_constraint c CROSS JOIN unnest(c.conkey) WITH ORDINALITY AS k (attnum, place) \
         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum \
         WHERE c.contype = 'p' AND c.connamespace = 'public'::regnamespace GROUP BY c.conrelid",
    )
    .await;
    let mut out = "// Generated from the migrations; the test `schema_is_generated` keeps it so.\n"
        .to_owned();
    let mut tables = Vec::new();
    for of_table in columns.chunk_by(|[a, ..], [b, ..]| a == b) {
        let table = &of_table[0][0];
        let key = keys.iter().find(|[of, _]| of == table).expect("every table has a primary key");
        write!(out, "\ndiesel::table! {{\n    {table} ({}) {{\n", key[1]).unwrap();
        for [_, column, udt, nullable] in of_table {
            let sql_type = sql_type(udt, &format!("{table}.{column}"));
            let sql_type = if nullable == "YES" {
                format!("Nullable<{sql_type}>")
            } else {
                sql_type.to_owned()
            };
            writeln!(out, "        {column} -> {sql_type},").unwrap();
        }
        out.push_str("    }\n}\n");
        tables.push(table.as_str());
    }
    let list: String = tables.iter().map(|table| format!("    {table},\n")).collect();
    write!(out, "\ndiesel::allow_tables_to_appear_in_same_query!(\n{list});\n").unwrap();
    out
}

fn sql_type(udt: &str, column: &str) -> &'static str {
    match udt {
        "uuid" => "Uuid",
        "text" => "Text",
        "date" => "Date",
        "timestamptz" => "Timestamptz",
        "bytea" => "Bytea",
        "int4" => "Int4",
        "int8" => "Int8",
        "bool" => "Bool",
        "numeric" => "Numeric",
        "jsonb" => "Jsonb",
        "_text" => "Array<Text>",
        _ => panic!("{column} has the type {udt}: say in this test what diesel calls it"),
    }
}
