//! What things are called, what they say about themselves, and what may not be left lying about.

use super::nothing_found;
use super::source::{Source, Token, files, places, sources};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 16] = [
    "common", "handler", "handlers", "helper", "helpers", "manager", "managers", "misc", "model",
    "models", "shared", "stuff", "type", "types", "util", "utils",
];

#[test]
fn rooms_have_names_of_the_field() {
    let mut found = Vec::new();
    let proto = files("proto/recoup", "proto");
    // Shapes that more than one service uses have no better name.
    let proto = proto.iter().filter(|path| !path.ends_with("/common.proto"));
    for path in sources().iter().map(|source| &source.path).chain(proto) {
        let parts = path.split('/').map(|part| part.split('.').next().unwrap_or(part));
        found.extend(
            parts.filter(|part| EMPTY_NAMES.contains(part)).map(|part| format!("{path}: {part}")),
        );
    }
    for source in sources() {
        for part in [&source.code, &source.tests] {
            for at in places(part, &["mod"]) {
                if let Some(name) =
                    part.get(at + 1).filter(|name| EMPTY_NAMES.contains(&&*name.text))
                {
                    found.push(format!("{}:{}: mod {}", source.path, name.line, name.text));
                }
            }
        }
    }
    nothing_found("a room has a name of the field, not one that fits everything", &found);
}

#[test]
fn every_file_says_its_purpose() {
    let mut found = Vec::new();
    for source in sources() {
        // Tests of a module in a file of their own are described by it.
        if !source.path.ends_with("_tests.rs") && !source.text.starts_with("//! ") {
            found.push(format!("{}: begin with `//!` and what it is for", source.path));
        }
    }
    for source in sources().iter().filter(|source| source.path.ends_with("src/lib.rs")) {
        let head: String = source.text.lines().take_while(|line| line.starts_with("//!")).collect();
        for part in ["Invariants", "Deliberately absent"] {
            if !head.contains(part) {
                found.push(format!("{}: say `{part}`", source.path));
            }
        }
    }
    nothing_found(
        "a file says what it is for, a crate also what always holds and what is absent",
        &found,
    );
}

#[test]
fn nothing_is_left_to_be_done() {
    let mut found = Vec::new();
    for source in sources() {
        for part in [&source.code, &source.tests] {
            for words in [["todo", "!"], ["unimplemented", "!"], ["dbg", "!"]] {
                found.extend(places(part, &words).map(|at| told(source, &part[at])));
            }
        }
    }
    nothing_found("no todo!, unimplemented! or dbg!", &found);
}

#[test]
fn tests_neither_sleep_nor_are_ignored() {
    let mut found = Vec::new();
    for source in sources() {
        for words in [&["#", "[", "ignore"][..], &["sleep", "("], &["sleep_until", "("]] {
            found.extend(places(&source.tests, words).map(|at| told(source, &source.tests[at])));
        }
    }
    nothing_found("a test waits for what it needs, and runs", &found);
}

#[test]
fn the_wall_clock_is_read_in_one_place() {
    // Clippy bans reading it; a permission to do so is written once.
    let allowed = |source: &&Source| {
        places(&source.code, &["clippy", "::", "disallowed_methods"]).next().is_some()
    };
    let permitted: Vec<&str> =
        sources().iter().filter(allowed).map(|source| &*source.path).collect();
    assert_eq!(permitted, ["crates/app/src/clock.rs"], "time is an argument: ask app::clock");
}

fn told(source: &Source, token: &Token) -> String {
    format!("{}:{}: {}", source.path, token.line, token.text)
}
