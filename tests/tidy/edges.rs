//! Which crate may name which.
//!
//! Dependencies point one way, `recoup -> server | worker -> app -> store -> domain`; each outside
//! library has one home, so that it can be replaced there. Tests of a crate may name what they
//! like: only what goes into the program counts.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use super::nothing_found;
use super::source::{Token, root, sources};

/// Every crate of the workspace, and which others it may name.
const EDGES: [(&str, &[&str]); 9] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("app", &["domain", "store"]),
    ("server", &["app", "domain"]),
    ("worker", &["app", "domain"]),
    ("cluster", &[]),
    ("recoup", &["app", "cluster", "domain", "server", "store", "worker"]),
    // Outside the walls: nothing that is shipped names them.
    ("testkit", &["app", "cluster", "domain", "store"]),
    ("acceptance", &[]),
];

/// Libraries by the beginning of their names, and the crates that may name them.
const HOMES: [(&str, &[&str]); 13] = [
    // All SQL in one place; the value types know how they are stored, behind a feature.
    ("diesel", &["store", "domain"]),
    ("deadpool", &["store"]),
    // The binary makes a database within the embedded server, and reads addresses.
    ("tokio-postgres", &["store", "recoup", "testkit"]),
    // The wire.
    ("tonic", &["server"]),
    ("prost", &["server"]),
    ("protox", &["server"]),
    // The queue's framework.
    ("apalis", &["worker"]),
    ("cron", &["worker"]),
    // Flags and environment.
    ("clap", &["recoup"]),
    ("metrics-exporter", &["recoup"]),
    ("tracing-subscriber", &["recoup"]),
    // Rules wait for nothing. `cluster` blocks, and says so.
    ("tokio", &["app", "recoup", "server", "store", "testkit", "worker"]),
    ("futures", &["app", "recoup", "server", "store", "testkit", "worker"]),
];

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).no_deps();
    command.other_options(vec!["--offline".to_owned()]);
    command.exec().expect("cargo metadata")
}

/// What goes into the program or makes it.
fn shipped(package: &Package) -> impl Iterator<Item = &cargo_metadata::Dependency> {
    package.dependencies.iter().filter(|one| one.kind != DependencyKind::Development)
}

#[test]
fn dependencies_point_one_way() {
    let metadata = metadata();
    let edges: BTreeMap<&str, &[&str]> = EDGES.into_iter().collect();
    let mut found = Vec::new();
    let mut ours = BTreeSet::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        ours.insert(name);
        let Some(allowed) = edges.get(name) else {
            found.push(format!(
                "{name} is not in the list: say in tests/tidy/edges.rs what it may name"
            ));
            continue;
        };
        for edge in shipped(package).filter(|one| one.path.is_some()) {
            if !allowed.contains(&edge.name.as_str()) {
                found.push(format!("{name} names {}; it may name {allowed:?}", edge.name));
            }
        }
    }
    found.extend(
        edges.keys().filter(|name| !ours.contains(*name)).map(|name| format!("{name}: gone")),
    );
    nothing_found("recoup -> server | worker -> app -> store -> domain", &found);
}

#[test]
fn every_library_has_a_home() {
    let metadata = metadata();
    let mut found = Vec::new();
    for package in metadata.workspace_packages() {
        for edge in shipped(package) {
            let homes = HOMES.into_iter().find(|(start, _)| begins(&edge.name, start));
            if let Some((_, homes)) =
                homes.filter(|(_, homes)| !homes.contains(&package.name.as_str()))
            {
                found.push(format!(
                    "{} names {}, which belongs to {homes:?}",
                    package.name, edge.name
                ));
            }
            if package.name.as_str() == "domain" && begins(&edge.name, "diesel") && !edge.optional {
                found.push("domain names diesel without its feature".to_owned());
            }
        }
    }
    nothing_found("an outside library has one home", &found);
}

/// Whether it is the library or one of its family: `tonic`, `tonic-health`, `diesel_migrations`.
fn begins(name: &str, start: &str) -> bool {
    name.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

#[test]
fn rules_compute_without_floats() {
    let mut found = Vec::new();
    let domain = sources().iter().filter(|source| source.path.starts_with("crates/domain/"));
    for source in domain {
        let before = |at: usize| at.checked_sub(1).map_or("", |at| source.code[at].text.as_str());
        for (at, token) in source.code.iter().enumerate() {
            // `pair.0.1` is read as a number behind a point.
            if is_float(token) && before(at) != "." {
                found.push(format!("{}:{}: {}", source.path, token.line, token.text));
            }
        }
    }
    nothing_found("amounts are integers, prices and rates decimals: no float in domain", &found);
}

fn is_float(token: &Token) -> bool {
    let text = token.text.as_str();
    if !token.is_literal {
        return matches!(text, "f32" | "f64");
    }
    let is_number = text.starts_with(|c: char| c.is_ascii_digit()) && !text.starts_with("0x");
    is_number && (text.contains(['.', 'e', 'E']) || text.ends_with("f32") || text.ends_with("f64"))
}
