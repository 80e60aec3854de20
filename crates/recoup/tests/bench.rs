//! The measurements, small: that they run, tell their figures, and leave nothing behind.

#![allow(clippy::unwrap_used)] // Helpers of tests; a failure is a failed test.

use std::process::Command;

/// The figures of a measurement, as a machine reads them.
fn measured(arguments: &[&str]) -> serde_json::Value {
    let data = tempfile::tempdir().unwrap();
    let mut bench = Command::new(env!("CARGO_BIN_EXE_recoup"));
    bench.arg("bench").args(arguments).args(["--json", "--data"]).arg(data.path());
    // The database of the flags is not used.
    bench.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing").env_remove("RECOUP_LOG");
    let output = bench.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0, "nothing is left behind");
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(figures["settings"], "fsync on, synchronous_commit on", "{figures}");
    figures
}

#[test]
fn usage_is_measured_on_a_private_database_that_is_removed() {
    let figures = measured(&["usage", "--events", "2500", "--customers", "5"]);
    assert_eq!(figures["events"], 2_500, "{figures}");
    assert_eq!(figures["duplicates"], 1_000, "one chunk in five is sent again: {figures}");
    assert_eq!(figures["totals_in_one_statement"], 20, "{figures}");
    assert!(figures["events_per_second"].as_u64().unwrap() > 0, "{figures}");
}

#[test]
fn billing_is_measured_beside_plain_sql_that_writes_the_same_rows() {
    let figures = measured(&["billing", "--subscriptions", "50", "--months", "2"]);
    assert_eq!(figures["subscriptions"], 50, "{figures}");
    assert!(figures["ratio_to_set_based"].is_number(), "{figures}");
    for counted in [
        "invoices_per_second",
        "set_based_invoices_per_second",
        "wal_bytes_per_invoice",
        "set_based_wal_bytes_per_invoice",
        "peak_memory_bytes_of_at_most_1000",
        "peak_memory_bytes",
    ] {
        assert!(figures[counted].as_u64().unwrap() > 0, "{counted}: {figures}");
    }
    let statements = figures["statements_per_invoice"].as_f64().unwrap();
    assert!(statements < 1.0, "a batch has a fixed number of statements: {figures}");
}

#[test]
fn attempts_are_measured_beside_the_least_that_they_could_take() {
    let figures = measured(&["retries", "--due", "50"]);
    assert_eq!(figures["due"], 50, "{figures}");
    assert!(figures["attempts_per_second"].as_u64().unwrap() > 0, "{figures}");
    assert!(figures["floor_attempts_per_second"].as_u64().unwrap() > 0, "{figures}");
    assert!(figures["ratio_to_floor"].is_number(), "{figures}");
}
