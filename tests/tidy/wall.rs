//! The first wall: every query names its organization, at every level. (The second is row level
//! security; `schema` looks at that.)
//!
//! Purpose: reads the queries of `store`, both those in the query builder and those in SQL, without
//! running them, so that one that no test runs is seen too.
//!
//! Invariants: tables of organizations are those of the migrations that `isolate` was called for.
//!
//! Deliberately absent: whether the organization is the right one. In SQL it is the first parameter,
//! bound to `tx.org()`; in the query builder the compiler knows an `OrgId` from any other id.

use std::collections::BTreeSet;

use super::nothing_found;
use super::source::{
    Function, Source, Token, closed, files, functions, places, read, sources, starts,
};
use super::wall_sql;

/// The tables behind the wall, and the global ones.
fn tables() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut all, mut tenant) = (BTreeSet::new(), BTreeSet::new());
    for path in files("migrations", "sql").iter().filter(|path| path.ends_with("/up.sql")) {
        for line in read(path).lines() {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                all.extend(rest.split_whitespace().next().map(str::to_owned));
            }
            if let Some(rest) = line.strip_prefix("CALL isolate('") {
                tenant.extend(rest.split('\'').next().map(str::to_owned));
            }
        }
    }
    let global = all.difference(&tenant).cloned().collect();
    (tenant, global)
}

#[test]
fn the_global_tables_are_few_and_known() {
    let (tenant, global) = tables();
    assert_eq!(global.iter().collect::<Vec<_>>(), ["jobs", "organization_directory", "seal_keys"]);
    assert!(tenant.contains("invoices"), "{tenant:?}");
}

fn store() -> impl Iterator<Item = &'static Source> {
    sources().iter().filter(|source| source.path.starts_with("crates/store/src/"))
}

#[test]
fn every_query_of_the_builder_names_its_organization() {
    let (tenant, _) = tables();
    let mut found = Vec::new();
    let mut queries = 0;
    for source in store() {
        for function in functions(&source.code) {
            let mut seen = BTreeSet::new();
            for at in places(function.tokens, &["::", "table"]) {
                let short = function.tokens[at - 1].text.as_str();
                let table = long_name(source, &function, short);
                if !tenant.contains(&table) || !seen.insert(short) {
                    continue;
                }
                let count = |what| places(function.tokens, &[short, "::", what]).count();
                let (uses, names) = (count("table"), count("org_id"));
                queries += uses;
                if names < uses {
                    let (path, line, name) = (&source.path, function.line(), function.name);
                    found.push(format!(
                        "{path}:{line}: `{name}` uses {table} {uses} times and names its org_id {names} times"
                    ));
                }
            }
        }
    }
    nothing_found("add .filter(org_id.eq(tx.org()))", &found);
    assert!(queries > 20, "only {queries} queries seen: does this test still read them?");
}

/// A table by the name it has in a function: its own, or that of `use table as name`.
fn long_name(source: &Source, function: &Function<'_>, short: &str) -> String {
    for part in [function.tokens, &source.code] {
        let alias = places(part, &["as", short]).next().and_then(|at| at.checked_sub(1));
        if let Some(at) = alias.filter(|_| short.len() <= 2) {
            return part[at].text.clone();
        }
    }
    short.to_owned()
}

#[test]
fn every_sql_statement_names_its_organization() {
    let (tenant, _) = tables();
    let mut found = Vec::new();
    let mut statements = 0;
    for source in store() {
        for (line, sql, bound) in sql_queries(source) {
            let at = format!("{}:{line}", source.path);
            statements += 1;
            found.extend(
                wall_sql::findings(&sql, &tenant).into_iter().map(|it| format!("{at}: {it}")),
            );
            if wall_sql::names_any(&sql, &tenant) && bound != ["tx", ".", "org", "(", ")"] {
                found
                    .push(format!("{at}: the first parameter is {}, not tx.org()", bound.concat()));
            }
        }
        for function in functions(&source.code).iter().filter(|one| one.name == "walk_ast") {
            let at = format!("{}:{}", source.path, function.line());
            let sql = pushed(function.tokens);
            statements += 1;
            found.extend(
                wall_sql::findings(&sql, &tenant).into_iter().map(|it| format!("{at}: {it}")),
            );
        }
    }
    nothing_found("every level of a statement has `org_id = $1` for each table", &found);
    assert!(statements > 10, "only {statements} statements seen: does this test still read them?");
}

/// `sql_query(text).bind(first)`: line, text and what is bound first.
fn sql_queries(source: &Source) -> Vec<(usize, String, Vec<&str>)> {
    let tokens = &source.code;
    let call = places(tokens, &["sql_query", "("]);
    call.map(|at| {
        let end = closed(tokens, at + 1);
        let sql = sql_of(source, &tokens[at + 2..end]);
        let bind = starts(&tokens[end..], &[".", "bind"]).then(|| {
            let open = (end..tokens.len()).find(|at| tokens[*at].text == "(").unwrap_or(end);
            tokens[open + 1..closed(tokens, open) - 1].iter().map(|one| &*one.text).collect()
        });
        (tokens[at].line, sql, bind.unwrap_or_default())
    })
    .collect()
}

fn sql_of(source: &Source, argument: &[Token]) -> String {
    let text = argument.iter().find_map(Token::string).unwrap_or_else(|| {
        panic!(
            "{}:{}: give sql_query a literal, so that it can be read",
            source.path, argument[0].line
        )
    });
    if !starts(argument, &["include_str", "!"]) {
        return text;
    }
    let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    read(&format!("{folder}/{text}"))
}

/// The text that a query fragment writes, with `$1` for every parameter.
fn pushed(tokens: &[Token]) -> String {
    let mut sql = String::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "push_sql" => sql.extend(tokens.get(at + 2).and_then(Token::string)),
            "push_bind_param" => sql.push_str(" $1 "),
            _ => {}
        }
    }
    sql
}

#[test]
fn statements_hold_on_a_distributed_database() {
    // Each was tried: what a database sharded by organization refuses, and what takes ids, times and
    // chance from the database instead of from the program.
    const BANNED: [&str; 12] = [
        "now()",
        "current_timestamp",
        "current_date",
        "clock_timestamp()",
        "random()",
        "gen_random_uuid()",
        "nextval(",
        "bigserial",
        "generated always",
        "merge into",
        "set_config(",
        "on delete set null",
    ];
    let mut found = Vec::new();
    let mut look = |at: String, sql: &str| {
        let sql = wall_sql::without_comments(sql).to_lowercase();
        let banned = BANNED.iter().filter(|word| sql.contains(*word));
        found.extend(banned.map(|word| format!("{at}: {word}")));
    };
    for source in store() {
        let strings = source.code.iter().filter_map(|token| Some((token.line, token.string()?)));
        strings.for_each(|(line, text)| look(format!("{}:{line}", source.path), &text));
    }
    for path in files("migrations", "sql").into_iter().chain(files("crates/store", "sql")) {
        look(path.clone(), &read(&path));
    }
    nothing_found("ids, times and chance come from the program; plain statements only", &found);
}
