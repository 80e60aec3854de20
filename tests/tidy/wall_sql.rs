//! Reads SQL just well enough to see which tables a statement names at which level, and whether it
//! names their organization there.

use std::collections::BTreeSet;

/// Words that can follow a table and are no name for it.
const NOT_AN_ALIAS: [&str; 22] = [
    "where",
    "on",
    "set",
    "order",
    "group",
    "left",
    "right",
    "inner",
    "cross",
    "full",
    "join",
    "returning",
    "values",
    "select",
    "for",
    "limit",
    "union",
    "using",
    "having",
    "default",
    "overriding",
    "natural",
];

/// What follows UPDATE where it does not begin a statement.
const AFTER_UPDATE: [&str; 4] = ["set", "skip", "nowait", "of"];

/// What is wrong with a statement.
pub(crate) fn findings(sql: &str, tenant: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for level in levels(&words(sql)) {
        let tables = tables(&level);
        for (table, alias, kind) in tables.iter().filter(|(table, ..)| tenant.contains(table)) {
            let named = if kind == "into" {
                column_list(&level, table).iter().any(|column| column == "org_id")
            } else {
                let short = tables.len() == 1 && compared(&level, "org_id");
                short || compared(&level, &format!("{alias}.org_id"))
            };
            if !named {
                found.push(format!("{table} {alias} without org_id in: {}", level.join(" ")));
            }
        }
    }
    found
}

/// Whether a statement names any of the tables.
pub(crate) fn names_any(sql: &str, tenant: &BTreeSet<String>) -> bool {
    levels(&words(sql))
        .iter()
        .flat_map(|level| tables(level))
        .any(|(table, ..)| tenant.contains(&table))
}

/// SQL without what follows `--`.
pub(crate) fn without_comments(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Words in lower case, signs, and `''` for every text.
fn words(sql: &str) -> Vec<String> {
    let sql = without_comments(sql);
    let mut words: Vec<String> = Vec::new();
    let mut inside_text = false;
    let mut in_word = false;
    for c in sql.chars() {
        if c == '\'' {
            inside_text = !inside_text;
            if inside_text {
                words.push("''".to_owned());
            }
            in_word = false;
        } else if inside_text || c.is_whitespace() {
            in_word = false;
        } else if c.is_alphanumeric() || "_.$".contains(c) {
            match words.last_mut().filter(|_| in_word) {
                Some(word) => word.extend(c.to_lowercase()),
                None => words.push(c.to_lowercase().collect()),
            }
            in_word = true;
        } else {
            words.push(c.to_string());
            in_word = false;
        }
    }
    words
}

/// Every SELECT, INSERT, UPDATE or DELETE on its own, without those nested in it.
fn levels(words: &[String]) -> Vec<Vec<String>> {
    let mut done = Vec::new();
    // Levels that are open; a bracket around an expression stays in its level.
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    let mut brackets: Vec<bool> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        match word.as_str() {
            "(" => {
                let next = words.get(at + 1).map(String::as_str);
                let nested =
                    matches!(next, Some("select" | "insert" | "update" | "delete" | "with"));
                brackets.push(nested);
                if nested {
                    open.push(Vec::new());
                    continue;
                }
            }
            ")" if brackets.pop() == Some(true) => {
                done.extend(open.pop());
                continue;
            }
            "union" | ";" => {
                done.extend(open.pop());
                open.push(Vec::new());
                continue;
            }
            _ => {}
        }
        if let Some(level) = open.last_mut() {
            level.push(word.clone());
        }
    }
    done.extend(open);
    done.retain(|level| !level.is_empty());
    done
}

/// Tables of a level with their aliases, and the word before them.
fn tables(level: &[String]) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (at, word) in level.iter().enumerate() {
        if !matches!(word.as_str(), "from" | "join" | "update" | "into") {
            continue;
        }
        let mut rest =
            level[at + 1..].iter().filter(|word| !matches!(word.as_str(), "lateral" | "only"));
        let is_name = |word: &&String| word.starts_with(|c: char| c.is_alphabetic());
        // `DO UPDATE SET`, `FOR UPDATE SKIP LOCKED`.
        let is_table = |word: &&String| is_name(word) && !AFTER_UPDATE.contains(&word.as_str());
        let Some(table) = rest.next().filter(is_table) else { continue };
        let next = rest.by_ref().find(|word| *word != "as");
        let alias = next.filter(is_name).filter(|word| !NOT_AN_ALIAS.contains(&word.as_str()));
        found.push((table.clone(), alias.unwrap_or(table).clone(), word.clone()));
    }
    found
}

/// The columns of `INSERT INTO table (...)`.
fn column_list<'a>(level: &'a [String], table: &str) -> &'a [String] {
    let start = level.windows(2).position(|pair| pair[0] == "into" && pair[1] == table);
    let open =
        start.and_then(|start| Some(start + level[start..].iter().position(|word| word == "(")?));
    let Some(open) = open else { return &[] };
    let close =
        level[open..].iter().position(|word| word == ")").map_or(level.len(), |at| open + at);
    &level[open..close]
}

/// Whether a column is compared with a parameter.
fn compared(level: &[String], column: &str) -> bool {
    level.windows(3).any(|three| three[0] == column && three[1] == "=" && three[2].starts_with('$'))
}

#[test]
fn a_missing_organization_is_seen_at_every_level() {
    let tenant: BTreeSet<String> = ["a", "b"].map(str::to_owned).into();
    let table = [
        ("SELECT x FROM a WHERE org_id = $1", 0),
        ("SELECT x FROM a WHERE id = $1", 1),
        ("SELECT x FROM a WHERE id = $2 AND name = 'org_id = $1'", 1),
        ("SELECT x FROM other WHERE id = $1", 0),
        ("SELECT x FROM a JOIN b ON b.org_id = $1 AND b.id = a.id WHERE a.org_id = $1", 0),
        ("SELECT x FROM a JOIN b ON b.org_id = a.org_id WHERE a.org_id = $1", 1),
        ("SELECT x FROM a JOIN b ON b.id = a.id WHERE org_id = $1", 2),
        ("SELECT (SELECT max(y) FROM b WHERE b.id = a.id) FROM a WHERE a.org_id = $1", 1),
        ("SELECT x FROM a WHERE org_id = $1 UNION SELECT x FROM b", 1),
        ("UPDATE a SET x = u.x FROM unnest($2) AS u (x) WHERE a.org_id = $1", 0),
        ("UPDATE a AS t SET x = 1 WHERE t.id = $1", 1),
        ("DELETE FROM a WHERE id IN (SELECT id FROM b WHERE org_id = $1)", 1),
        ("INSERT INTO a (org_id, x) SELECT $1, u.* FROM unnest($2) AS u", 0),
        ("INSERT INTO a AS t (org_id, x) VALUES ($1, $2) ON CONFLICT (x) DO UPDATE SET x = 1", 0),
        ("INSERT INTO a (x) VALUES ($1)", 1),
        ("SELECT x FROM a -- WHERE org_id = $1", 1),
        ("SELECT x FROM a WHERE org_id = $1 FOR UPDATE SKIP LOCKED", 0),
    ];
    for (sql, expected) in table {
        let found = findings(sql, &tenant);
        assert_eq!(found.len(), expected, "{sql}: {found:?}");
    }
}
