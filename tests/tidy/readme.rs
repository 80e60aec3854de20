//! That the README speaks of what there is.

use std::collections::BTreeSet;

use super::nothing_found;
use super::source::{Token, files, places, read, root, sources};

const README: &str = "README.md";

/// What stands between backticks, outside blocks of code.
fn quoted(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// The targets of links to files.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with('#'))
}

#[test]
fn the_readme_names_files_that_exist() {
    let text = read(README);
    let starts = [".ci/", "crates/", "docker/", "migrations/", "proto/", "tests/"];
    let named =
        quoted(&text).into_iter().filter(|word| starts.iter().any(|at| word.starts_with(at)));
    let mut missing = BTreeSet::new();
    for path in named.chain(links(&text)) {
        let exists = root().join(path).exists() || root().join(format!("{path}.rs")).exists();
        if !exists {
            missing.insert(format!("{README}: {path}"));
        }
    }
    nothing_found("a file that is named exists", &missing.into_iter().collect::<Vec<_>>());
}

#[test]
fn the_readme_has_every_setting_command_crate_and_alert() {
    let text = read(README);
    let quoted: BTreeSet<&str> = quoted(&text).into_iter().collect();
    let mut missing = Vec::new();
    let config =
        sources().iter().filter(|source| source.path.starts_with("crates/recoup/src/config"));
    let mut settings = 0;
    for source in config {
        for at in places(&source.code, &["env", "="]) {
            let Some(variable) = source.code.get(at + 2).and_then(Token::string) else { continue };
            settings += 1;
            if !quoted.contains(variable.as_str()) {
                missing.push(format!("the setting {variable}"));
            }
        }
    }
    assert!(settings > 5, "only {settings} settings seen: does this test still read them?");
    for path in files("crates", "toml").iter().filter_map(|path| path.strip_suffix("/Cargo.toml")) {
        if !text.contains(&format!("\n**`{path}`**: ")) {
            missing.push(format!("{path} in the code map"));
        }
    }
    for line in read("docker/prometheus/rules.yml").lines() {
        let alert = line.trim().strip_prefix("- alert: ");
        missing.extend(
            alert.filter(|alert| !quoted.contains(alert)).map(|it| format!("the alert {it}")),
        );
    }
    nothing_found("the README has all of it", &missing);
}
