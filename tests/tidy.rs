//! The house rules, kept by tests.
//!
//! Purpose: what the compiler and clippy cannot see: how large things are (`size`), which crate may
//! name which (`edges`), what things are called and say about themselves (`names`), that every
//! query names its organization (`wall`, `wall_sql`), that tests reach every call and every job
//! (`reach`), that every metric is shown to somebody (`metrics`), and that the README speaks of what
//! there is (`readme`).
//!
//! Invariants: a rule that is broken is told with file and line, all of them at once, and with what
//! would be right. None of these tests needs a database.
//!
//! Deliberately absent: style (rustfmt), lints (clippy, in the workspace's `Cargo.toml`), licences
//! and banned crates (`deny.toml`), the interface's comments (`buf lint`).
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail by panicking, and shows how things stand"
)]

mod edges;
mod metrics;
mod names;
mod reach;
mod readme;
mod size;
mod source;
mod wall;
mod wall_sql;

/// Fails with all findings, one per line.
fn nothing_found(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n  {}\n", findings.join("\n  "));
}
