//! That tests reach every call and every job, and that the interface tells the refusals that the
//! code makes.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::FileDescriptorSet;

use super::nothing_found;
use super::source::{Source, Token, files, read, sources};

/// The acceptance tests, without these rules about them.
fn acceptance() -> impl Iterator<Item = &'static Source> {
    sources()
        .iter()
        .filter(|source| source.path.starts_with("tests/") && !source.path.contains("tidy"))
}

fn words() -> BTreeSet<&'static str> {
    acceptance().flat_map(|source| &source.tests).map(|token| token.text.as_str()).collect()
}

#[test]
fn every_call_occurs_in_a_test() {
    let set = FileDescriptorSet::decode(server::pb::FILE_DESCRIPTOR_SET).expect("the descriptors");
    let ours = set.file.iter().filter(|file| file.package() == "recoup.v1");
    let services: Vec<_> = ours.flat_map(|file| &file.service).collect();
    assert!(services.len() > 5, "only {} services", services.len());
    let words = words();
    let mut missing = Vec::new();
    for service in services {
        let absent =
            service.method.iter().filter(|call| !words.contains(&*snake_case(call.name())));
        missing.extend(absent.map(|call| format!("{}/{}", service.name(), call.name())));
    }
    nothing_found("every call is made by an acceptance test", &missing);
}

/// The name of a call's function in the client.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[test]
fn every_job_occurs_in_a_test() {
    let words = words();
    let queues = app::job::QUEUES;
    let absent = queues.iter().filter(|queue| !words.contains(&*format!("{queue:?}")));
    let missing: Vec<String> = absent.map(|queue| format!("\"{queue}\"")).collect();
    nothing_found("every job is run by an acceptance test, by the name of its queue", &missing);
}

#[test]
fn the_interface_tells_the_refusals_that_the_code_makes() {
    let mut told = BTreeSet::new();
    for path in files("proto/recoup", "proto") {
        let text = read(&path);
        let comments = text.lines().filter_map(|line| line.trim().strip_prefix("//"));
        told.extend(comments.flat_map(reasons_in));
    }
    let mut made = BTreeSet::new();
    for source in sources() {
        made.extend(source.code.iter().filter_map(Token::string).filter(|text| is_reason(text)));
    }
    let mut found: Vec<String> = told
        .difference(&made)
        .filter(|reason| !NOT_REASONS.contains(&reason.as_str()))
        .map(|reason| format!("{reason} is told and never made"))
        .collect();
    let mut given = BTreeSet::new();
    for source in sources().iter().filter(|source| source.path.starts_with("crates/app/")) {
        given.extend(refusals(&source.code));
    }
    found.extend(given.difference(&told).map(|reason| format!("{reason} is made and not told")));
    assert!(given.len() > 10, "only {given:?}");
    nothing_found("reasons stand in the comments of proto/, in a line `Refuses:`", &found);
}

/// Words in capitals that are no reasons: statuses of gRPC.
const NOT_REASONS: [&str; 9] = [
    "ALREADY_EXISTS",
    "FAILED_PRECONDITION",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "UNAUTHENTICATED",
    "DEADLINE_EXCEEDED",
];

fn is_reason(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_uppercase() || c == '_';
    text.contains('_') && text.chars().all(fits) && text.starts_with(|c: char| c != '_')
}

fn reasons_in(line: &str) -> impl Iterator<Item = String> + '_ {
    let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| is_reason(word)).map(str::to_owned)
}

/// `refused("REASON", ..)` and `Refusal::new("REASON", ..)`. Not those of `Busy(..)`: a call that
/// was in the way is answered by calling again, whatever it was.
fn refusals(code: &[Token]) -> impl Iterator<Item = String> + '_ {
    code.windows(7)
        .filter(|seven| matches!(seven[4].text.as_str(), "refused" | "new") && seven[5].text == "(")
        .filter(|seven| seven[0].text != "Busy")
        .filter_map(|seven| seven[6].string())
        .filter(|text| is_reason(text))
}
